"""How long batches get, and who waits when one is full. No disk and no clock: a commit takes what the test says."""

from __future__ import annotations

import pytest

from node.batches import (
    ALONE_GOAL,
    BYTES_A_RECORD,
    CROWD,
    CROWD_GOAL,
    LATELY,
    MAX_BATCH,
    MIN_BATCH,
    MIN_CROWD_BATCH,
    MIN_SHARE,
    RECORD_TAKES,
    SHARED_GOAL,
    Batch,
    Sizes,
)
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.protocol.plain.codec import Text

RECORD = e.PutShutOut({})


def batch_of(count: int, *sources: str) -> Batch:
    """A batch of so many records, one of them due to each source."""
    batch = Batch()
    batch.records = [RECORD] * count
    batch.sources = dict.fromkeys(sources, 1)
    return batch


def heard(size: int = 1) -> s.Heard:
    return s.Heard(2, [Text("x")], size)


def crowded() -> Sizes:
    sizes = Sizes()
    sizes.committed(batch_of(1, *(f"10.9.0.{number}" for number in range(CROWD + 1))), 0.0)
    return sizes


def test_records_and_acts_are_told_apart_and_keep_their_order() -> None:
    batch, others = Batch(), [e.PutShutOut({"a": 1}), e.PutShutOut({"b": 2})]
    batch.add(None, [others[0], e.Reply(1, None), others[1], e.Exit()])
    assert (batch.records, batch.acts) == (others, [e.Reply(1, None), e.Exit()])


def test_what_links_told_is_kept_for_a_new_core_and_commands_are_not() -> None:
    batch = Batch()
    told = [heard(), s.Closed(2, None), s.Transmitted(2, 1, "sent", None, 1, 1, ())]
    for stimulus in (*told, s.Ticked(), s.StopAsked("x")):
        batch.add(stimulus, [])
    assert batch.stimuli == told
    assert batch.over == [2]


def test_a_source_pays_for_records_and_for_bytes() -> None:
    batch = Batch()
    assert batch.add(heard(3 * BYTES_A_RECORD), [RECORD, e.Exit(), RECORD], "10.0.0.1") == 5
    assert batch.add(s.Ticked(), [RECORD]) == 0, "nobody has caused that"
    assert (len(batch), batch.sources) == (6, {"10.0.0.1": 5})


@pytest.mark.parametrize(("sources", "goal"), [(["a"], ALONE_GOAL), (["a", "b"], SHARED_GOAL)])
def test_batches_get_shorter_when_commits_take_long_and_longer_when_they_are_quick(
    sources: list[str], goal: float
) -> None:
    sizes, shared = Sizes(), len(sources) > 1
    for took, bound in ((goal * 2, MIN_BATCH), (goal / 10, MAX_BATCH)):
        for _ in range(60):
            sizes.committed(batch_of(sizes.usual[shared], *sources), took)
        assert sizes.usual[shared] == bound


def test_with_a_crowd_batches_get_shorter_still() -> None:
    sizes = crowded()
    before = dict(sizes.usual)
    for took, bound in ((CROWD_GOAL * 2, MIN_CROWD_BATCH), (CROWD_GOAL / 10, MAX_BATCH)):
        for _ in range(60):
            sizes.committed(batch_of(sizes.crowd, *(str(number) for number in range(CROWD + 1))), took)
        assert sizes.crowd == bound
    assert sizes.usual == before


def test_a_crowd_is_none_any_more_when_it_was_silent_for_a_while() -> None:
    sizes = crowded()
    for _ in range(LATELY - 1):
        sizes.committed(batch_of(1), 0.0)
    assert sizes.crowded
    sizes.committed(batch_of(1), 0.0)
    assert not sizes.crowded


def test_a_disk_that_takes_long_for_nothing_gets_no_shorter_batches_for_it() -> None:
    sizes = Sizes()
    before = sizes.usual[False]
    for _ in range(60):
        sizes.committed(batch_of(1), 0.2)
    for _ in range(10):
        sizes.committed(batch_of(before), 0.19 + ALONE_GOAL)
    assert sizes.usual[False] == before


def test_a_commit_in_which_messages_expire_tells_nothing_about_others() -> None:
    sizes = Sizes()
    before = dict(sizes.usual), sizes.record_takes
    batch = batch_of(sizes.usual[False])
    batch.add(s.OldFound(q.FindOld(0, 0, 1, 0), [], None), [])
    sizes.committed(batch, 10 * ALONE_GOAL)
    assert (sizes.usual, sizes.record_takes) == before
    sizes.committed(batch_of(sizes.usual[False]), 10 * ALONE_GOAL)
    assert sizes.usual[False] < before[0][False] and sizes.record_takes > RECORD_TAKES


def test_of_a_full_batch_those_with_more_than_their_share_wait() -> None:
    sizes = Sizes()
    size = sizes.usual[True]
    batch = batch_of(size)
    batch.sources = {"flood": size // 2 + 1, "honest": size // 2, "small": MIN_SHARE}
    assert sizes.full(batch)
    batch.sources.pop("small")
    assert sizes.full_for(batch, "flood", False) and not sizes.full_for(batch, "honest", False)
    assert not sizes.full_for(batch, "somebody new", False)
    assert not sizes.full(batch_of(size - 1, "a", "b"))


def test_in_a_crowd_all_wait_but_those_who_say_little() -> None:
    sizes = crowded()
    batch = batch_of(sizes.crowd)
    batch.sources = {"honest": MIN_SHARE, "more": MIN_SHARE + 1}
    assert sizes.full(batch) and sizes.full_for(batch, "honest", False)
    assert not sizes.full_for(batch, "honest", True)
    assert sizes.full_for(batch, "more", True)


def test_a_commit_that_was_held_up_once_makes_no_batch_of_a_crowd_long() -> None:
    sizes = crowded()
    sources = [f"10.9.0.{number}" for number in range(CROWD + 1)]
    for _ in range(50):
        sizes.committed(batch_of(1, *sources), 0.001)
    # As the flood begins: one small commit waits for the interpreter.
    sizes.committed(batch_of(1, *sources), 1.0)
    for _ in range(200):
        sizes.committed(batch_of(sizes.crowd, *sources), 0.001 + sizes.crowd * 0.00002)
    assert sizes.crowd <= MIN_BATCH


def test_a_disk_that_is_slow_by_itself_gets_batches_worth_its_time() -> None:
    sizes = crowded()
    for _ in range(300):
        sizes.committed(batch_of(1, "a"), 0.1)
    assert 0.09 < sizes._empty_takes <= 0.1
