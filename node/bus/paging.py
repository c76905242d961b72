"""Joins the pages of a reply to a whole, as steps of a command (node.bus.commands).

Law of this file: no I/O and no waiting. `request` makes a request from an op and its arguments. Each request is
yielded, and its result is sent back in, or its error thrown in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

import msgspec

from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused

#: Attempts at a snapshot, because the node may give it up half-way.
MAX_BEGINNINGS = 5

R = TypeVar("R")
Request = Callable[[str, msgspec.Struct], R]


def snapshot(request: Request[R], limit: int = rq.SnapshotArgs().limit) -> Generator[R, Any, rq.SnapshotResult]:
    """A whole snapshot. Raises CommandRefused when it can't be had."""
    for attempt in range(1, MAX_BEGINNINGS + 1):
        whole: rq.SnapshotResult = yield request("snapshot", rq.SnapshotArgs(limit=limit))
        try:
            while whole.next is not None:
                page: rq.SnapshotResult = yield request("snapshot", rq.SnapshotArgs(limit=limit, page=whole.next))
                whole.state.rooms.update(page.state.rooms)
                whole.state.peers.update(page.state.peers)
                whole.live.next_tries.extend(page.live.next_tries)
                whole.live.health = page.live.health
                whole.live.nearby = page.live.nearby
                whole.next = page.next
        except CommandRefused as error:
            if error.code != "snapshot_gone" or attempt == MAX_BEGINNINGS:
                raise
            continue
        whole.live.next_tries.sort(key=lambda one: one.at)
        return whole
    raise AssertionError("The last attempt returns or raises.")


def peers(request: Request[R], limit: int = rq.PeersArgs().limit) -> Generator[R, Any, rq.PeersResult]:
    """All peers by name, and the next tries, soonest first. Pages may differ in time, but each peer occurs once."""
    found: dict[str, nouns.Peer] = {}
    tries: dict[str, nouns.NextTry] = {}
    more, after = True, None
    while more:
        page: rq.PeersResult = yield request("peers", rq.PeersArgs(limit=limit, after=after))
        found.update((peer.id, peer) for peer in page.peers)
        tries.update((one.peer, one) for one in page.next_tries)
        more = page.more and bool(page.peers)
        after = page.peers[-1].id if page.peers else None
    return rq.PeersResult(
        peers=sorted(found.values(), key=lambda peer: (peer.name.casefold(), peer.id)),
        next_tries=sorted(tries.values(), key=lambda one: one.at),
        more=False,
    )
