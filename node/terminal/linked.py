"""The verb `link`: how the encrypted link with a node is. The menu shows the same lines.

Law of this file: a client of the bus; it changes nothing.
"""

from __future__ import annotations

import argparse
import time

from node import program
from node.bus import nouns, words
from node.bus import requests as rq
from node.bus.client import Client
from node.printable import flat
from node.terminal.lines import called, clock, until
from node.terminal.said import print_json, room_of

#: Clocks that differ by less, in ms, are said to agree: nobody notices.
CLOCK_MS = 60_000


def link(client: Client, options: argparse.Namespace) -> None:
    """Print how the links with a peer are."""
    if options.paths:
        _paths(client, options)
        return
    if options.json:
        print_json(rq.LinksResult(links=_asked(client, options.peer)[1]))
        return
    for line in link_lines(client, options.peer):
        print(line)


def _asked(client: Client, who: str) -> tuple[rq.SnapshotResult, list[nouns.Link], nouns.Room]:
    snapshot = client.snapshot()
    room = room_of(snapshot.state, who)
    peer = snapshot.state.peers.get(room.peer or "")
    # A plain client has none, and whoever is off the list neither.
    return snapshot, client.links(peer.id) if peer is not None else [], room


def link_lines(client: Client, who: str) -> list[str]:
    """How the links with a peer (an id, a name or HOST:PORT) are, as people read it. Raises CommandRefused."""
    snapshot, links, room = _asked(client, who)
    peer = snapshot.state.peers.get(room.peer or "")
    if peer is None:
        return [f"{flat(room.name)} is not on the list of peers, so there is no link."]
    if peer.kind != "node":
        return [f"{called(peer)} is a plain client: what is said there is not encrypted."]
    next_try = next((one for one in snapshot.live.next_tries if one.peer == peer.id), None)
    program = client.status().program if links else ""
    return [
        *(_standing(peer, links, program) if links else [_none(peer, next_try)]),
        f"  your code   {snapshot.state.self.code}",
        f"  their code  {peer.code}{', verified' if peer.verified else ''}",
    ]


def _paths(client: Client, options: argparse.Namespace) -> None:
    """Print at which addresses a node is tried, the first one first."""
    paths = client.paths(options.peer)
    if options.json:
        print_json(rq.PathsResult(paths=paths))
        return
    for path in paths:
        print(path_line(path))
    if not paths:
        print("No address is known at which it could be tried as a node.")


def path_line(path: nouns.Path) -> str:
    """One address at which a node is dialled, how it was learnt, and how it was lately."""
    good = "never good so far" if path.good is None else f"good at {clock(path.good)}"
    tried = "" if path.error is None else f"; tried at {clock(path.tried)}: {flat(path.error)}"
    return f"{flat(path.address)}  {words.of(words.HOW, path.how).short}; {good}{tried}"


def _none(peer: nouns.Peer, next_try: nouns.NextTry | None) -> str:
    why = f" {flat(program.typed(peer.error))}" if peer.error else ""
    again = "" if next_try is None else f" Next try {until(next_try.at, int(time.time() * 1000))}."
    return f"{called(peer)}: there is no link now.{why}{again}"


def _standing(peer: nouns.Peer, links: list[nouns.Link], program: str) -> list[str]:
    """The links that stand, the one in use first."""
    machines = list(dict.fromkeys(one.instance for one in reversed(links)))
    several = f", with {len(machines)} of their machines" if len(machines) > 1 else ""
    lines = [f"{called(peer)}: encrypted since {clock(min(one.since for one in links))}{several}"]
    for one in reversed(links):
        if len(machines) > 1:
            lines.append(f"  machine {machines.index(one.instance) + 1} of {len(machines)}, since {clock(one.since)}")
        way = "this node connected" if one.direction == "out" else "they connected"
        lines.append(f"  address     {flat(one.address)} ({way})")
        lines.append(
            f"  programs    {flat(program) or 'not told'} here, {flat(one.program) or 'not told'} there,"
            f" protocol {one.version}"
        )
        if abs(one.clock) >= CLOCK_MS:
            lines.append(f"  clock       {_clock(one.clock)}")
    return lines


def _clock(ahead: int) -> str:
    minutes = round(abs(ahead) / 60_000)
    span = f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
    return f"theirs is {span} {'ahead of' if ahead > 0 else 'behind'} this one"
