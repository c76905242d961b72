from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.order import HOLD_BACK, MAX_HELD, MAX_WAITING, AcceptOrder

ANNA, BEN = "10.0.0.7", "10.0.0.9"


def order(*links: int, source: str = ANNA) -> AcceptOrder[str]:
    """An order in which these links were accepted, 10 ms apart, from 0."""
    made: AcceptOrder[str] = AcceptOrder()
    for index, link in enumerate(links):
        assert made.accepted(source, link, index * 0.01) == []
    return made


def test_what_is_complete_first_waits_for_what_was_accepted_first() -> None:
    queue = order(1, 2, 3)
    assert queue.said(3, ["c"]) == queue.finished(3) == []
    assert queue.said(2, ["b"]) == []
    assert queue.said(1, ["a"]) == ["a"]
    assert queue.finished(1) == ["b"]
    assert queue.finished(2) == ["c"]


def test_sources_do_not_wait_for_each_other() -> None:
    queue = order(1)
    queue.accepted(BEN, 2, 0.0)
    assert queue.said(2, ["b"]) == ["b"]


def test_a_source_holds_back_as_long_as_a_connection_of_it_has_a_place() -> None:
    queue = order(1, 2)
    assert (queue.holds_back(ANNA), queue.holds_back(BEN)) == (True, False)
    queue.finished(2)
    assert queue.holds_back(ANNA)
    queue.finished(1)
    assert not queue.holds_back(ANNA)


def test_a_persistent_connection_holds_nobody_back() -> None:
    queue = order(1, 2)
    assert queue.said(2, ["b"]) == []
    assert queue.persistent(1) == ["b"]
    assert queue.said(1, ["later"]) == ["later"]


def test_a_persistent_connection_is_held_back_by_nobody() -> None:
    queue = order(1, 2, 3)
    queue.said(2, ["b"])
    queue.said(3, ["c"])
    assert queue.persistent(2) == ["b"]
    assert queue.said(2, ["later"]) == ["later"]
    assert queue.finished(1) == ["c"]


def test_a_connection_whose_bytes_wait_to_be_read_is_not_silent() -> None:
    queue = order(1, 2)
    assert queue.said(2, ["b"]) == []
    assert queue.expire(HOLD_BACK, lambda link: link == 1) == []
    assert queue.expire(2 * HOLD_BACK, lambda link: link == 2) == ["b"]


def test_a_silent_connection_holds_others_back_for_a_moment_only() -> None:
    queue = order(1, 2)
    assert queue.said(2, ["b"]) == []
    assert queue.next_deadline() == HOLD_BACK == 0.4
    assert queue.expire(0.399) == []
    assert queue.expire(0.4) == ["b"]
    assert queue.next_deadline() == 0.01 + HOLD_BACK
    assert queue.said(1, ["late"]) == ["late"]
    assert queue.expire(1.0) == []
    assert queue.next_deadline() is None


def test_who_is_at_the_front_is_heard_before_it_is_complete() -> None:
    queue = order(1)
    assert queue.said(1, ["a"]) == ["a"]
    assert queue.said(1, ["b"]) == ["b"]
    assert queue.finished(1) == []


def test_a_connection_without_a_word_leaves_its_place() -> None:
    queue = order(1, 2)
    queue.said(2, ["b"])
    assert queue.finished(1) == ["b"]


def test_an_unknown_link_is_not_held_back() -> None:
    queue = order()
    assert queue.said(9, ["x"]) == ["x"]
    assert queue.finished(9) == []


def test_beyond_1024_waiting_connections_the_oldest_holds_nobody_back() -> None:
    queue = order(*range(MAX_WAITING))
    assert queue.said(1, ["b"]) == []
    assert queue.accepted(ANNA, MAX_WAITING, 11.0) == ["b"]
    assert queue.said(2, ["c"]) == []


def test_beyond_256_held_things_those_before_hold_it_back_no_longer() -> None:
    queue = order(1, 2, 3)
    queue.said(2, ["b"])
    assert queue.said(3, ["x"] * MAX_HELD) == []
    assert queue.said(3, ["y"]) == ["b"] + ["x"] * MAX_HELD + ["y"]


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_everything_is_let_go_once_in_accept_order_whatever_the_order_of_ends(data: st.DataObject) -> None:
    queue: AcceptOrder[tuple[int, int]] = AcceptOrder()
    now, got = 0.0, []
    links = list(range(data.draw(st.integers(1, 8))))
    for link in links:
        now += data.draw(st.sampled_from([0.0, 0.1]))
        got += queue.accepted((ANNA, BEN)[link % 2], link, now)
    for link in data.draw(st.permutations(links)):
        got += queue.said(link, [(link, 0)])
        got += queue.said(link, [(link, 1)])
        got += queue.finished(link)
    assert queue.next_deadline() is None
    for parity in (0, 1):
        mine = [(link, n) for link, n in got if link % 2 == parity]
        assert mine == [(link, n) for link in links if link % 2 == parity for n in (0, 1)]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(["accept", "say", "end", "stay", "time"]), st.integers(0, 5)), max_size=40))
def test_nothing_is_lost_or_doubled_whatever_happens_and_nobody_waits_longer_than_said(
    steps: list[tuple[str, int]],
) -> None:
    queue: AcceptOrder[int] = AcceptOrder()
    now = 0.0
    said: list[int] = []
    got: list[int] = []
    accepted: list[int] = []
    for what, value in steps:
        if what == "accept":
            accepted.append(len(accepted))
            got += queue.accepted((ANNA, BEN)[value % 2], accepted[-1], now)
        elif what == "say" and accepted:
            said.append(len(said))
            got += queue.said(accepted[value % len(accepted)], [said[-1]])
        elif what == "end" and accepted:
            got += queue.finished(accepted[value % len(accepted)])
        elif what == "stay" and accepted:
            got += queue.persistent(accepted[value % len(accepted)])
        elif what == "time":
            now += value / 10
            got += queue.expire(now)
            at = queue.next_deadline()
            assert at is None or now < at <= now + HOLD_BACK
    got += queue.expire(now + HOLD_BACK)
    assert sorted(got) == said
    assert queue.next_deadline() is None
