from __future__ import annotations

from typing import Any

import pytest

from dashboard import secure
from node.bus import nouns
from tests.dashboard.nouns import ME, node

MINUTE = 60_000


def link(**more: Any) -> nouns.Link:
    fields: dict[str, Any] = {
        "direction": "out", "address": "10.0.0.9:5000", "since": 7, "version": 1, "instance": "1" * 32, **more
    }  # fmt: skip
    return nouns.Link(**fields)


def test_the_link_in_use_comes_first_and_machines_are_counted() -> None:
    old, other, used = link(since=1), link(since=2, instance="2" * 32, direction="in"), link(since=3)
    view = secure.secure_view([old, other, used], ME, node(), "snicher/0.1.0")
    assert [(one.since, one.machine, one.way) for one in view.links] == [
        (3, 1, "you connected"), (2, 2, "they connected"), (1, 1, "you connected"),
    ]  # fmt: skip
    assert (view.machines, view.program) == (2, "snicher/0.1.0")


def test_what_the_other_end_says_of_itself_is_made_safe() -> None:
    view = secure.secure_view([link(program="sni\u202echer\n1", address="")], ME, None, "")
    assert view.links[0].program == "snicher 1" and view.links[0].address == "an address that isn't told"
    assert view.theirs == []


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0, ""),
        (-59_999, ""),
        (MINUTE, "theirs is 1 min ahead of yours"),
        (-7 * MINUTE, "theirs is 7 min behind yours"),
        (3 * 60 * MINUTE, "theirs is 3 h ahead of yours"),
        (-400 * 24 * 60 * MINUTE, "theirs is 400 days behind yours"),
    ],
)
def test_a_clock_that_differs_is_told_in_words(ahead: int, words: str) -> None:
    assert secure.clock(ahead) == words
