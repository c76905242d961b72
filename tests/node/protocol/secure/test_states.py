from __future__ import annotations

import pytest

from node.protocol.secure.states import TRANSITIONS, Input, State


def test_a_link_moves_forward_only() -> None:
    order = list(State)
    assert all(order.index(before) < order.index(after) for (before, _), after in TRANSITIONS.items())


@pytest.mark.parametrize("state", [State.SHAKING, State.GREETING, State.OPEN])
def test_from_everywhere_a_link_may_be_left_lost_broken_and_overdue(state: State) -> None:
    for by in (Input.LEAVE, Input.LOST, Input.BROKEN, Input.OVERDUE):
        assert TRANSITIONS[state, by] is State.CLOSED


def test_every_input_moves_something() -> None:
    assert {by for _, by in TRANSITIONS} == set(Input)
