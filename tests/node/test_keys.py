"""Used keys: none is ever denied, few others are suspected, and what is remembered is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import keys
from node.keys import UsedKeys


def complete() -> UsedKeys:
    used = UsedKeys()
    used.complete = True
    return used


@given(ours=st.lists(st.text(min_size=1)), earlier=st.lists(st.text(min_size=1)))
def test_no_key_that_was_used_is_denied(ours: list[str], earlier: list[str]) -> None:
    used = complete()
    used.add_earlier(earlier)
    for key in ours:
        used.add(key)
    assert all(map(used.may_hold, [*ours, *earlier]))


def test_every_key_is_suspected_until_all_used_before_are_known() -> None:
    assert UsedKeys().may_hold("new")
    assert not complete().may_hold("new")


def test_a_full_filter_suspects_one_new_key_in_a_hundred_at_most() -> None:
    used = complete()
    for number in range(keys.MOST_KEYS):
        used.add(f"used-{number}")
    assert sum(used.may_hold(f"new-{number}") for number in range(2000)) < 20


def test_only_the_oldest_keys_are_let_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST_KEYS", 10)
    monkeypatch.setattr(keys, "MOST_FILTERS", 3)
    used = complete()
    used.add_earlier(f"earlier-{number}" for number in range(15))
    for number in range(35):
        used.add(f"used-{number}")
    assert not any(used.may_hold(f"earlier-{number}") for number in range(15))
    assert not used.may_hold("used-0"), "its filter holds the ten oldest"
    assert all(used.may_hold(f"used-{number}") for number in range(10, 35))
