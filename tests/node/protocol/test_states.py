from __future__ import annotations

import pytest

from node.protocol.states import TRANSITIONS, Input, State

BEGINNINGS = {State.AWAITING, State.ANNOUNCING, State.OFFERING, State.DELIVERING}
ENDS = {State.CLOSED, State.UPGRADED}


def after(state: State) -> set[State]:
    return {end for (start, _), end in TRANSITIONS.items() if start is state}


def reached(state: State) -> set[State]:
    """Where a link that is there may come to, itself included."""
    found, fresh = {state}, {state}
    while fresh:
        fresh = {end for start in fresh for end in after(start)} - found
        found |= fresh
    return found


@pytest.mark.parametrize("state", State)
def test_every_state_is_come_to_and_may_end(state: State) -> None:
    assert any(state in reached(beginning) for beginning in BEGINNINGS)
    assert ENDS & reached(state)


def test_what_is_over_stays_so_and_nothing_comes_back() -> None:
    assert [end for end in ENDS if after(end)] == []
    assert not [state for state in State for end in after(state) if state in reached(end)]


ASKED = {State.PROBING, State.ASKING}


@pytest.mark.parametrize("state", sorted(set(State) - ENDS - {State.LEAVING} - ASKED, key=str))
def test_from_everywhere_a_link_may_be_left_and_lost(state: State) -> None:
    assert (state, Input.LEAVE) in TRANSITIONS
    assert (state, Input.LOST) in TRANSITIONS


def test_every_input_moves_something() -> None:
    assert {by for _, by in TRANSITIONS} == set(Input)
