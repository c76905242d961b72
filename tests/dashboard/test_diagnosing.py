"""What the node's doctor has found, ready to draw: tones, times, what is old, and the report."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from streamlit.testing.v1 import AppTest

from dashboard import diagnosing, hatch, schema
from node.bus import words
from node.bus.diagnosis import Answer, Diagnosis, Mark, PathTried
from tests.dashboard import nouns
from tests.dashboard.counters import Counter
from tests.support.diagnoses import HOSTILE, some

AT = 1_800_000_000_000


def test_each_state_and_answer_has_a_word_and_a_tone() -> None:
    for state in Mark.__args__:  # type: ignore[attr-defined]
        label, tone = diagnosing._mark(state)
        assert label == words.EXAMINED[state].short and (tone == "plain") == (state == "untried")
    assert set(diagnosing._ANSWERS) == set(Answer.__args__)  # type: ignore[attr-defined]
    view = diagnosing.view(some(AT))
    assert [(one.label, one.tone) for one in view.checks[:4]] == [
        ("well", "good"), ("fails", "bad"), ("fails", "bad"), ("doubtful", "wait"),
    ]  # fmt: skip
    assert [one.tone for one in view.paths] == ["good", "bad", "bad", "bad"]
    assert [one.took for one in view.paths] == ["", "4.0 s", "1 ms", "12 ms"]


def test_a_state_of_a_later_version_is_not_tried() -> None:
    view = diagnosing.view(replace(some(AT), state="splendid", paths=[PathTried(path="x", answer="sideways")]))
    assert view.tone == "plain" and (view.paths[0].label, view.paths[0].tone) == ("sideways", "plain")


def test_what_is_from_the_examination_before_is_marked_as_old() -> None:
    found = some(AT)
    newer = replace(found, at=AT + 1, checks=[replace(found.checks[0], at=AT + 1), *found.checks[1:]])
    assert [one.old for one in diagnosing.view(newer).checks] == [False, *[True] * 6]


def test_what_could_change_the_direction_of_a_text_is_taken_out() -> None:
    view = diagnosing.view(replace(some(AT), verdict="a\u202eb\x07", peer="x", name="do\u202era"))
    assert "\u202e" not in view.verdict + view.name and "\x07" not in view.verdict


def test_the_report_has_all_of_it() -> None:
    report = diagnosing.report(diagnosing.view(replace(some(AT), peer="x", name="dora")), "today")
    for said in (
        "You can be reached.",
        "sudo ufw allow 5353/udp",
        "Paths to dora",
        "10.0.0.31:5000",
        "Key: well",
        "today",
    ):
        assert said in report


def test_the_report_of_nothing_says_so() -> None:
    assert diagnosing.report(diagnosing.view(Diagnosis()), "never").startswith("Nothing is known yet.")


def page() -> None:
    from dashboard.views import doctor

    doctor.page()


@pytest.fixture
def counter() -> Iterator[Counter]:
    one = Counter()
    with hatch.open_to(one):
        yield one


def asked(counter: Counter) -> list[bytes]:
    return [bytes(one.args) for one in counter.asked if isinstance(one, schema.Command) and one.op == "doctor"]


def test_the_page_shows_it_and_asks_again_only_when_somebody_wants_it(counter: Counter) -> None:
    test = AppTest.from_function(page, default_timeout=100).run()
    assert not test.exception
    bodies = "\n".join(element.proto.body for element in test.main if element.type == "html")
    assert html.escape(HOSTILE) in bodies and HOSTILE not in bodies
    assert "Multicast doesn't come back" in html.unescape(re.sub(r"<[^>]+>", "", bodies))
    assert "sudo ufw allow 5353/udp" in [one.value for one in test.code]
    assert asked(counter) == [b'{"peer":null,"again":false}']
    test.button("doctor-run").click().run()
    assert not test.exception
    assert asked(counter)[1:] == [b'{"peer":null,"again":true}']


def test_the_page_says_that_the_node_is_away(counter: Counter) -> None:
    counter.problem = hatch.Problem("The node is away.", retryable=True)
    test = AppTest.from_function(page, default_timeout=100).run()
    assert not test.exception and test.button("doctor-run").disabled
    assert any("python -m node doctor" in element.proto.body for element in test.main if element.type == "html")


def test_somebody_among_whom_one_chooses_is_told_with_what_tells_them_apart() -> None:
    assert diagnosing.called(nouns.peer("bela")).startswith("bela (")
