from __future__ import annotations

import pytest

from node.errors import LocalFault
from node.protocol.plain.codec import Payloads
from node.protocol.writing import MAX_QUEUED, LineWriter, Transmitted

GAP = 1.0


def writer(*texts: tuple[bytes, ...]) -> LineWriter:
    """It was given these texts at 0.0, by their parts; their tokens count from 0."""
    made = LineWriter()
    for token, parts in enumerate(texts):
        made.put(token, Payloads(parts), 0.0)
    return made


def test_a_text_leaves_at_once_and_counts_as_sent_after_its_gap() -> None:
    made = writer((b"one",))
    assert made.due == 0.0
    assert made.write(0.0, GAP) == (b"one", None)
    assert made.write(0.5, GAP) == (b"", None), "nothing is due yet"
    assert made.due == 1.0
    assert made.write(1.0, GAP) == (b"", Transmitted(0, "sent"))
    assert made.due is None


def test_each_part_has_its_gap_and_the_last_one_tells() -> None:
    made = writer((b"a", b"b"), (b"c",))
    assert [made.write(float(at), GAP) for at in range(4)] == [
        (b"a", None),
        (b"b", None),
        (b"c", Transmitted(0, "sent")),
        (b"", Transmitted(1, "sent")),
    ]


def test_marks_come_back_with_what_was_sent() -> None:
    made = LineWriter()
    made.put(7, Payloads((b"x",), ("altered",)), 0.0)
    made.write(0.0, GAP)
    assert made.confirm() == Transmitted(7, "sent", marks=("altered",))
    assert made.confirm() is None


def test_an_answer_ends_the_gap() -> None:
    made = writer((b"one",), (b"two",))
    made.write(0.0, GAP)
    made.answered(0.3)
    assert made.write(0.3, GAP) == (b"two", Transmitted(0, "sent"))
    made.hold()
    made.answered(0.5)
    made.resume(0.6)
    assert made.write(0.6, GAP) == (b"", Transmitted(1, "sent")), "also one that came meanwhile"


def test_nothing_is_written_while_nobody_reads_and_then_the_gap_still_holds() -> None:
    made = writer((b"one",), (b"two",))
    made.write(0.0, GAP)
    made.hold()
    assert (made.due, made.write(5.0, GAP)) == (None, (b"", None))
    made.put(2, Payloads((b"three",)), 0.5)
    assert made.write(5.0, GAP) == (b"", None)
    made.resume(0.6)
    assert made.write(0.9, GAP) == (b"", None)
    made.hold()
    made.resume(6.0)
    assert made.write(6.0, GAP) == (b"two", Transmitted(0, "sent"))


def test_who_has_nothing_to_write_is_not_due_when_it_is_read_again() -> None:
    made = LineWriter()
    made.hold()
    made.resume(1.0)
    assert made.due is None


def test_at_the_bound_a_text_is_not_taken() -> None:
    made = writer(*[(b"x",)] * MAX_QUEUED)
    assert made.full
    with pytest.raises(LocalFault):
        made.put(99, Payloads((b"x",)), 0.0)
    assert len(made.give_back("over")) == MAX_QUEUED


@pytest.mark.parametrize(("reason", "outcome"), [(None, "sent"), ("It broke off.", "unknown")])
def test_when_it_is_over_each_text_says_what_is_known_of_it(reason: str | None, outcome: str) -> None:
    made = writer((b"one",), (b"two", b"2"), (b"three",))
    made.write(0.0, GAP)
    assert [(one.token, one.outcome, one.reason) for one in made.give_back(reason)] == [
        (0, outcome, reason),
        (1, "not_sent", reason),
        (2, "not_sent", reason),
    ]
    assert (made.give_back(reason), made.due) == ([], None)
    made = writer((b"two", b"2"))
    made.write(0.0, GAP)
    assert [one.outcome for one in made.give_back(reason)] == ["unknown"]
