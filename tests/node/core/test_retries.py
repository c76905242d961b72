from __future__ import annotations

from node.bus import nouns
from node.core.contact import Contact
from node.core.retries import LAST_RETRY_MS, Retries, backoff_ms
from node.peers.network import DIAL_TIMEOUT
from node.protocol.secure.link import HANDSHAKE
from node.protocol.secure.offer import ANSWER_WAIT


def contact(name: str) -> Contact:
    return Contact(nouns.Peer(id=name, room=name, name=name))


def test_the_wait_doubles_up_to_a_minute_give_or_take_a_fifth() -> None:
    for attempt in range(1, 40):
        base = min(LAST_RETRY_MS, 1_000 * 2 ** (attempt - 1))
        waits = [backoff_ms(f"plain-{n}", attempt) for n in range(200)]
        assert 0.8 * base <= min(waits) < base < max(waits) <= 1.2 * base
        assert waits == [backoff_ms(f"plain-{n}", attempt) for n in range(200)]


def test_a_node_is_dialled_so_often_that_all_is_on_its_way_within_a_minute_after_any_outage() -> None:
    longest = max(backoff_ms(f"node-{n}", attempt, node=True) for attempt in range(1, 40) for n in range(200))
    assert longest > 30_000
    assert longest / 1_000 + DIAL_TIMEOUT + ANSWER_WAIT + HANDSHAKE < 60


def test_who_is_due_comes_soonest_first_and_only_once() -> None:
    retries = Retries()
    one, two, three = contact("1"), contact("2"), contact("3")
    retries.put(one, 30)
    retries.put(two, 10)
    retries.put(three, 20)
    assert retries.next_deadline() == 10
    assert retries.due(20) == [two, three]
    assert (two.tries.next_at, three.tries.next_at, retries.next_deadline()) == (None, None, 30)
    assert retries.due(29) == []


def test_a_time_that_was_put_off_or_dropped_no_longer_counts() -> None:
    retries = Retries()
    one, two = contact("1"), contact("2")
    retries.put(one, 10)
    retries.put(one, 50)
    retries.put(two, 20)
    two.tries.next_at = None
    assert retries.next_deadline() == 50
    assert retries.due(49) == []
    assert retries.due(50) == [one]
    assert retries.next_deadline() is None


def test_the_same_time_twice_is_one_try() -> None:
    retries = Retries()
    one = contact("1")
    retries.put(one, 10)
    retries.put(one, 10)
    assert retries.due(10) == [one]


def test_a_clock_that_was_set_changes_nothing_about_what_is_left_to_wait() -> None:
    retries = Retries()
    one, two, dropped = contact("1"), contact("2"), contact("3")
    retries.put(one, 100_000)
    retries.put(one, 100_500)
    retries.put(two, 100_100)
    retries.put(dropped, 100_050)
    dropped.tries.next_at = None
    retries.shift(-90_000)
    assert (one.tries.next_at, two.tries.next_at, dropped.tries.next_at) == (10_500, 10_100, None)
    assert retries.due(10_600) == [two, one]
