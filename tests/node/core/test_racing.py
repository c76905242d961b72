"""When the next address of a node is tried."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.core.racing import MAX_AT_ONCE, STAGGER_MS, Race
from node.model import Address

ADDRESSES = [Address(f"10.0.0.{n}", 5000) for n in range(8)]


def test_the_next_one_has_its_turn_after_a_while_or_when_the_last_one_has_failed() -> None:
    race = Race(ADDRESSES[:4])
    assert race.take(1000) == ADDRESSES[0]
    race.began(1, ADDRESSES[0], 1000)
    assert race.take(1000 + STAGGER_MS - 1) is None
    assert race.next_at() == 1000 + STAGGER_MS
    assert race.take(1000 + STAGGER_MS) == ADDRESSES[1]
    race.began(3, ADDRESSES[1], 1000 + STAGGER_MS)
    race.failed(3, "Refused.")
    assert race.take(1000 + STAGGER_MS + 1) == ADDRESSES[2], "at once"
    assert not race.over


def test_with_many_under_way_the_next_waits_for_one_to_end() -> None:
    race = Race(ADDRESSES)
    now = 0
    for number in range(MAX_AT_ONCE):
        address = race.take(now)
        assert address is not None
        race.began(number, address, now)
        now += STAGGER_MS
    assert (race.take(now), race.next_at()) == (None, None)
    race.failed(0, "No answer.")
    assert race.take(now) == ADDRESSES[MAX_AT_ONCE]


def test_what_is_looked_up_meanwhile_is_tried_in_the_same_round_and_nothing_twice() -> None:
    race = Race(ADDRESSES[:1], looking_up=1)
    race.began(1, race.take(0) or ADDRESSES[7], 0)
    race.failed(1, "Refused.")
    assert not race.over
    race.looking_up = 0
    race.add([ADDRESSES[0], ADDRESSES[1], ADDRESSES[1]])
    assert race.take(10) == ADDRESSES[1]
    race.began(3, ADDRESSES[1], 10)
    race.failed(3, "Refused.")
    assert race.over and race.take(10_000) is None
    assert race.reason() == "None of its 2 addresses works. At 10.0.0.0:5000: Refused."


@given(st.lists(st.sampled_from(["take", "fail", "wait"]), max_size=60))
def test_each_address_is_tried_once_at_most_some_at_a_time(steps: list[str]) -> None:
    race, now, number, tried = Race(ADDRESSES), 0, 0, []
    for step in steps:
        if step == "take":
            address = race.take(now)
            if address is not None:
                number += 1
                race.began(number, address, now)
                tried.append(address)
        elif step == "fail" and race.links:
            race.failed(next(iter(race.links)), "No.")
        else:
            now += STAGGER_MS
        assert len(race.links) <= MAX_AT_ONCE
    assert tried == ADDRESSES[: len(tried)]
    assert race.over == (len(tried) == len(ADDRESSES) and not race.links)
