"""The verb `chat`: one conversation, live. On a terminal it takes the screen; on a pipe it goes line by line."""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

from node.bus import requests as rq
from node.bus.client import Client
from node.errors import CommandRefused
from node.terminal.patience import patiently
from node.terminal.said import room_of
from node.terminal.typed import reached


class Found(NamedTuple):
    """With whom to talk: the state in which they were found, the conversation's id, and the peer's if there is one."""

    snapshot: rq.SnapshotResult
    room: str
    peer: str | None


def found(client: Client, who: str) -> Found:
    """Whom a HOST:PORT, a name or an id means. An address that nobody knows is dialled, as `connect` does;
    without a port it gets the usual one.

    Raises CommandRefused, also when several may be meant.
    """
    snapshot = client.snapshot()
    try:
        room = room_of(snapshot.state, who)
        return Found(snapshot, room.id, room.peer)
    except CommandRefused as refused:
        if refused.code != "not_found":
            raise
    peer = reached(lambda name: patiently(lambda: client.connect(name)), who)
    return Found(client.snapshot(), peer.room, peer.id)


def chat(client: Client, options: argparse.Namespace) -> int:
    """Talk with a peer until the person leaves; returns the exit code. Raises BusError."""
    return talk(client, found(client, options.peer), as_json=options.json)


def talk(client: Client, where: Found, *, as_json: bool = False) -> int:
    """As `chat`, once it is settled with whom. `as_json`: line by line, each message as JSON."""
    # Imported late, so that other verbs don't wait for it.
    from prompt_toolkit.utils import is_dumb_terminal

    if as_json or not sys.stdin.isatty() or not sys.stdout.isatty() or is_dumb_terminal():
        from node.terminal.chat_lines import Lines

        return Lines(client, where.snapshot, where.room, where.peer, as_json=as_json).run()
    from node.terminal.chat_screen import Screen

    return Screen(client, where.snapshot, where.room, where.peer).run()
