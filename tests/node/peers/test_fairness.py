"""Equal shares for all that want some, and no queue for whoever comes now and then."""

from __future__ import annotations

import collections

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.peers import fairness
from node.peers.fairness import MAX_DEBT, FairQueue


def nobody(source: str, fresh: bool) -> bool:
    return False


def serve(queue: FairQueue[str], count: int, cost: float = 1.0) -> list[str]:
    """Take and do so many pieces of work."""
    served = []
    for _ in range(count):
        taken = queue.take(nobody)
        assert taken is not None
        served.append(taken[1])
        queue.done(taken[0], cost)
    return served


def test_the_work_of_one_source_keeps_its_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for work in "abc":
        queue.put("anna", work)
    assert serve(queue, 3) == ["a", "b", "c"]
    assert queue.take(nobody) is None
    assert len(queue) == 0


def test_sources_take_turns_however_much_each_of_them_has() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.put("flood", f"f{number}")
    queue.put("anna", "a0")
    queue.put("anna", "a1")
    assert serve(queue, 4) == ["f0", "a0", "f1", "a1"]


def test_whoever_costs_more_comes_less_often() -> None:
    queue: FairQueue[str] = FairQueue()
    costs = {"dear": 0.03, "cheap": 0.01}
    for source in costs:
        for _ in range(100):
            queue.put(source, source)
    spent: collections.Counter[str] = collections.Counter()
    for _ in range(80):
        source, work = queue.take(nobody) or pytest.fail("no work")
        queue.done(source, costs[source])
        spent[work] += 1
    assert spent == {"dear": 20, "cheap": 60}


def test_one_that_comes_now_and_then_finds_no_queue_before_it() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(1_000):
        queue.put("flood", str(number))
        queue.put("other flood", str(number))
    serve(queue, 200)
    for _ in range(5):
        queue.put("anna", "hello")
        assert serve(queue, 1) == ["hello"]
        serve(queue, 20)


def flooded(sources: int) -> FairQueue[str]:
    """So many sources with 100 pieces each; each has had a turn, of 2 ms."""
    queue: FairQueue[str] = FairQueue()
    for source in range(sources):
        for _ in range(100):
            queue.put(f"flood {source}", "flood")
    serve(queue, sources, 0.002)
    return queue


def test_small_work_of_one_who_says_little_comes_first_however_many_flood() -> None:
    queue = flooded(300)
    # A connection, and a text over it.
    for work in ("connection", "text"):
        queue.put("honest", work, small=True)
        assert serve(queue, 1, 0.0005) == [work]
    # Small work of those that flood has its turn among the others: they have no credit.
    queue.put("flood 7", "small", small=True)
    assert serve(queue, 299, 0.002) == ["flood"] * 299


def test_one_who_says_little_has_credit_again_when_its_share_has_caught_up() -> None:
    queue = flooded(300)
    for number in range(8):
        queue.put("honest", f"{number}", small=True)
    first = serve(queue, 8, 0.0005)
    assert first == ["0", "1", "2", "3", "4", "5", "6", "7"], "4 ms of credit"
    assert not queue.has_credit("honest")
    queue.put("honest", "too much", small=True)
    served = serve(queue, 301, 0.002)
    assert "too much" in served, "its turn comes in the round"
    serve(queue, 900, 0.002)
    assert queue.has_credit("honest")


def test_large_work_waits_for_its_turn_whoever_brings_it() -> None:
    queue = flooded(3)
    queue.put("new", "large")
    assert serve(queue, 1, 0.002) == ["flood"]


def test_small_work_never_keeps_the_others_from_their_turns() -> None:
    queue = flooded(2)
    for source in range(100):
        queue.put(f"new {source}", "small", small=True)
    served = serve(queue, 18, 0.0)
    assert served == [*["small"] * fairness.FRESH_RUN, "flood"] * 2


def test_nobody_saves_up_time_by_being_silent() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(100):
        queue.put("early", "e")
    serve(queue, 50)
    for _ in range(100):
        queue.put("late", "l")
    # But for a little credit.
    assert serve(queue, 20).count("l") in (10, 11)


def test_who_was_alone_owes_nothing_for_it() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(10):
        queue.charge("anna", 100.0)
    for source in ("anna", "ben"):
        for _ in range(10):
            queue.put(source, source)
    assert sorted(serve(queue, 10, 0.01)) == ["anna"] * 5 + ["ben"] * 5


def test_what_was_dealt_with_outside_the_queue_counts_up_to_a_bound() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(20):
        queue.put("anna", "a")
        queue.put("ben", "b")
    queue.charge("anna", 100 * MAX_DEBT)
    served = serve(queue, 12, MAX_DEBT / 10)
    assert served[:10] == ["b"] * 10 and set(served[10:]) == {"a", "b"}


def test_a_blocked_source_holds_nobody_up_and_comes_back() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("full", "f")
    queue.put("anna", "a")
    assert queue.take(lambda source, fresh: source == "full") == ("anna", "a")
    queue.done("anna", 1.0)
    assert queue.take(nobody) is None, "set aside until told"
    assert queue.again()
    assert queue.take(nobody) == ("full", "f")
    queue.done("full", 1.0)
    assert not queue.again()


def test_what_is_put_while_a_piece_is_being_done_comes_after_it() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("anna", "a")
    assert queue.take(nobody) == ("anna", "a")
    queue.put("anna", "b")
    assert queue.take(nobody) is None
    queue.done("anna", 1.0)
    assert queue.take(nobody) == ("anna", "b")


def test_sources_without_work_are_forgotten_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "MAX_IDLE", 3)
    queue: FairQueue[str] = FairQueue()
    queue.put("somebody", "s")
    for number in range(10):
        queue.charge(f"source {number}", 1.0)
        assert len(queue._spent) <= 3


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "charge", "block", "again", "take"]))))
def test_nothing_is_lost_doubled_or_out_of_order_whatever_happens(steps: list[tuple[str, str]]) -> None:
    queue: FairQueue[int] = FairQueue()
    put: dict[str, list[int]] = collections.defaultdict(list)
    got: dict[str, list[int]] = collections.defaultdict(list)
    blocked: set[str] = set()
    for number, (source, step) in enumerate(steps):
        if step == "put":
            queue.put(source, number, small=number % 3 == 0)
            put[source].append(number)
        elif step == "charge":
            queue.charge(source, 0.5)
        elif step == "block":
            blocked.symmetric_difference_update({source})
        elif step == "again":
            queue.again()
        elif (taken := queue.take(lambda one, fresh: one in blocked)) is not None:
            assert taken[0] not in blocked
            got[taken[0]].append(taken[1])
            queue.done(taken[0], 1.0)
    queue.again()
    while (taken := queue.take(nobody)) is not None:
        got[taken[0]].append(taken[1])
        queue.done(taken[0], 1.0)
    assert got == {source: numbers for source, numbers in put.items() if numbers}
    assert len(queue) == 0
