"""Pages joined to a whole, and what happens when they can't be."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import msgspec
import pytest

from node.bus import nouns, paging
from node.bus import requests as rq
from node.errors import CommandRefused

T = TypeVar("T")
ME = nouns.Self(id="me", code="c", name="anna", listen="127.0.0.1:1")
GONE = CommandRefused("snapshot_gone", "Gone.", True)


def peer(name: str) -> nouns.Peer:
    return nouns.Peer(id=f"id-{name}", room=f"room-{name}", name=name)


def page(*names: str, seq: int = 5, after: str | None = None, problem: str | None = None) -> rq.SnapshotResult:
    state = nouns.State(
        self=ME,
        settings=nouns.Settings(name="anna"),
        rooms={f"room-{name}": nouns.Room(id=f"room-{name}", kind="plain", name=name) for name in names},
        peers={f"id-{name}": peer(name) for name in names},
    )
    tries = [nouns.NextTry(peer=f"id-{name}", at=ord(name), attempt=1, reason="") for name in names]
    live = nouns.Live(next_tries=tries, health=nouns.Health(problem=problem))
    return rq.SnapshotResult(log="l", seq=seq, state=state, live=live, next=after)


class Node:
    """Answers as told, and remembers what it was asked."""

    def __init__(self, *answers: msgspec.Struct | CommandRefused) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []

    def ask(self, op: str, args: Any) -> Any:
        self.asked.append((op, args))
        answer = self.answers.pop(0)
        if isinstance(answer, CommandRefused):
            raise answer
        return answer

    @property
    def pages(self) -> list[str | None]:
        return [args.page for _, args in self.asked]


def carry_out(node: Node, walk: Generator[tuple[str, msgspec.Struct], Any, T]) -> T:
    """What the steps come to with what this node answers."""
    try:
        command = next(walk)
        while True:
            try:
                answer = node.ask(*command)
            except CommandRefused as error:
                command = walk.throw(error)
            else:
                command = walk.send(answer)
    except StopIteration as end:
        whole: T = end.value
        return whole


def request(op: str, args: msgspec.Struct) -> tuple[str, msgspec.Struct]:
    return op, args


def test_a_snapshot_of_one_page_is_asked_for_once() -> None:
    node = Node(page("a"))
    assert carry_out(node, paging.snapshot(request)) == page("a")
    assert node.asked == [("snapshot", rq.SnapshotArgs())]


def test_pages_are_joined_with_their_next_tries_in_order_of_time() -> None:
    node = Node(page("c", "b", after="1"), page("a", after="2"), page("d", problem="full"))
    whole = carry_out(node, paging.snapshot(request, limit=2))
    assert (list(whole.state.rooms), list(whole.state.peers)) == (
        ["room-c", "room-b", "room-a", "room-d"],
        ["id-c", "id-b", "id-a", "id-d"],
    )
    assert [one.peer for one in whole.live.next_tries] == ["id-a", "id-b", "id-c", "id-d"]
    assert (whole.live.health.problem, whole.next) == ("full", None)
    assert node.pages == [None, "1", "2"]
    assert {args.limit for _, args in node.asked} == {2}


def test_a_snapshot_that_was_given_up_is_begun_anew() -> None:
    node = Node(page("a", after="1"), GONE, page("b", seq=9, after="2"), page("c", seq=9))
    whole = carry_out(node, paging.snapshot(request))
    assert (list(whole.state.peers), whole.seq) == (["id-b", "id-c"], 9)
    assert node.pages == [None, "1", None, "2"]


def test_that_has_an_end() -> None:
    answers = [page("a", after="1"), GONE] * paging.MAX_BEGINNINGS
    node = Node(*answers)
    with pytest.raises(CommandRefused) as refused:
        carry_out(node, paging.snapshot(request))
    assert refused.value.code == "snapshot_gone"
    assert node.answers == []


def test_another_refusal_is_the_callers() -> None:
    node = Node(page("a", after="1"), CommandRefused("internal", "A bug."))
    with pytest.raises(CommandRefused) as refused:
        carry_out(node, paging.snapshot(request))
    assert refused.value.code == "internal"


def test_peers_are_joined_by_name_each_once() -> None:
    tries = [
        nouns.NextTry(peer="id-b", at=9, attempt=1, reason=""),
        nouns.NextTry(peer="id-C", at=3, attempt=1, reason=""),
    ]
    node = Node(
        rq.PeersResult(peers=[peer("b"), peer("C")], next_tries=tries, more=True),
        rq.PeersResult(peers=[peer("a")], next_tries=[], more=False),
    )
    whole = carry_out(node, paging.peers(request, limit=2))
    assert [one.name for one in whole.peers] == ["a", "b", "C"]
    assert [one.peer for one in whole.next_tries] == ["id-C", "id-b"]
    assert [args for _, args in node.asked] == [rq.PeersArgs(limit=2), rq.PeersArgs(limit=2, after="id-C")]


def test_a_node_that_says_more_and_gives_nothing_is_not_asked_for_ever() -> None:
    node = Node(rq.PeersResult(peers=[], next_tries=[], more=True))
    assert carry_out(node, paging.peers(request)).peers == []
