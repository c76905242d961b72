"""Links are values whose states follow a table."""

from __future__ import annotations

import itertools

import pytest

from node.core.links import TRANSITIONS, Input, Links, State
from node.errors import LocalFault
from node.model import Address

BOB = Address("10.0.0.1", 5000)


def links() -> Links:
    found = Links()
    found.dialled(1, "bob", BOB, "persistent", "snicher")
    found.up(2, "in", "10.0.0.2", None, "std", two_way=False)
    return found


def test_a_link_is_what_it_was_dialled_for_or_what_the_network_says() -> None:
    dialled, came = links().get(1), links().get(2)
    assert dialled is not None and came is not None
    assert (dialled.direction, dialled.kind, dialled.state) == ("out", "persistent", State.DIALLED)
    assert (dialled.host, dialled.port, dialled.contact) == ("10.0.0.1", 5000, "bob")
    assert (came.direction, came.kind, came.state) == ("in", "one_shot", State.UP)
    assert (came.host, came.port, came.contact) == ("10.0.0.2", None, None)


@pytest.mark.parametrize(("state", "by"), list(itertools.product(State, Input)))
def test_every_step_is_the_tables_or_refused(state: State, by: Input) -> None:
    found = links()
    # Each state can be come to from the first one.
    for step in {State.DIALLED: [], State.UP: [Input.COME_UP], State.OPEN: [Input.OPEN], State.LEAVING: [Input.LEAVE]}[
        state
    ]:
        found.go(1, step)
    if (state, by) in TRANSITIONS:
        assert found.go(1, by).state is TRANSITIONS[state, by]
    else:
        with pytest.raises(LocalFault, match="doesn't fit"):
            found.go(1, by)
        link = found.get(1)
        assert link is not None and link.state is state, "a step that is refused changes nothing"


def test_a_link_that_we_left_stays_left_whatever_is_still_told_of_it() -> None:
    found = links()
    found.go(2, Input.LEAVE)
    for by in (Input.COME_UP, Input.OPEN, Input.LEAVE):
        assert found.go(2, by).leaving
    assert found.up(2, "in", "10.0.0.2", 5000, "std", two_way=False).leaving
    assert found.is_leaving(2) and not found.is_leaving(1)


def test_what_a_link_tells_later_is_kept_with_what_is_known() -> None:
    found = links()
    found.belong(2, "eve")
    found.claim(2, 5001)
    link = found.up(2, "in", "10.0.0.2", 5001, "portline", two_way=True)
    assert (link.contact, link.port, link.dialect, link.two_way) == ("eve", 5001, "portline", True)


def test_a_link_that_is_over_is_nobodys() -> None:
    found = links()
    found.belong(2, "bob")
    assert [link.number for link in found.of("bob")] == [1, 2]
    found.disown(2)
    assert [link.number for link in found.of("bob")] == [1]
    over = found.over(1)
    assert over is not None and over.contact == "bob"
    assert (found.of("bob"), found.get(1), found.over(1), found.is_leaving(1), len(found)) == ([], None, None, False, 1)
