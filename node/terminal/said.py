"""The verbs that show what was said: `history`, `search`, and `delivery`, which tells what became of a message.

Law of this file: clients of the bus; they change nothing.
"""

from __future__ import annotations

import argparse
import sys

import msgspec

from node import names
from node.bus import bounds, nouns
from node.bus.client import Client
from node.errors import CommandRefused
from node.model import is_id
from node.printable import flat, json_line
from node.terminal import screen
from node.terminal.columns import fitted
from node.terminal.lines import address, called, delivery_lines, message_pieces, privacy


def print_json(body: msgspec.Struct) -> None:
    """Print a structure as one line of JSON."""
    sys.stdout.write(json_line(body) + "\n")
    sys.stdout.flush()


def room_of(state: nouns.State, who: str) -> nouns.Room:
    """The conversation with this id, name or HOST:PORT. Raises CommandRefused."""
    if who in state.rooms:
        return state.rooms[who]
    merged = next((room for room in state.rooms.values() if who in room.aliases), None)
    if merged is not None:
        return merged
    if is_id(who):
        peer = state.peers.get(who)
        if peer is not None and peer.room in state.rooms:
            return state.rooms[peer.room]
        raise CommandRefused("not_found", f"There is no conversation with the id {who!r}.")
    named = [
        room for room in state.rooms.values()
        if names.key(room.name) == names.key(who)
        or (room.peer in state.peers and who == address(state.peers[room.peer]))
    ]  # fmt: skip
    if len(named) == 1:
        return named[0]
    if named:
        several = ", ".join(_told_apart(room, state) for room in named)
        raise CommandRefused("ambiguous", f"{len(named)} conversations go by {who!r}: {several}.")
    raise CommandRefused("not_found", f"There is no conversation with {who!r}.")


def _told_apart(room: nouns.Room, state: nouns.State) -> str:
    peer = state.peers.get(room.peer or "")
    mark = nouns.mark_of(peer) if peer is not None else ""
    return f"{room.id} ({mark})" if mark else room.id


def history(client: Client, options: argparse.Namespace) -> None:
    """Print the newest messages of a conversation."""
    room = room_of(client.snapshot().state, options.peer)
    messages: list[nouns.Message] = []
    before = None
    while len(messages) < options.limit:
        page = client.history(room.id, before=before, limit=min(bounds.MAX_HISTORY, options.limit - len(messages)))
        messages = page.messages + messages
        if not page.more_before or not page.messages:
            break
        before = page.messages[0].id
    for message in messages:
        if options.json:
            print_json(message)
        else:
            screen.say(message_pieces(message, room))


def search(client: Client, options: argparse.Namespace) -> None:
    """Print messages that hold some words, the newest first."""
    found = 0
    before = None
    state = client.snapshot().state
    keys = [names.key(room.name) for room in state.rooms.values()]
    while found < options.limit:
        page = client.search(" ".join(options.words), before=before, limit=min(bounds.MAX_HITS, options.limit - found))
        for hit in page.hits:
            found += 1
            if options.json:
                print_json(hit)
                continue
            room = state.rooms.get(hit.room)
            shared = room is not None and keys.count(names.key(room.name)) > 1
            heading: screen.Piece = (f"[{_heading(hit, room, state, shared=shared)}] ", "name")
            screen.say([heading, *message_pieces(hit)])
        if not page.more or not page.hits:
            break
        before = page.hits[-1].id
    if page.rebuilding:
        print(f"The search index is being rebuilt; the newest {page.pending} are not in it yet.", file=sys.stderr)
    if not found and not options.json:
        print("Nothing found.", file=sys.stderr)


def _heading(hit: nouns.Message, room: nouns.Room | None, state: nouns.State, *, shared: bool) -> str:
    """Where a message was found, and whether others could read it; of several of one name, which one."""
    if room is None:
        return flat(hit.room)
    peer = state.peers.get(room.peer or "")
    name = called(peer) if shared and peer is not None else flat(room.name)
    return f"{name}, {privacy(room.encrypted and (room.kind != 'direct' or hit.entry is not None))}"


def delivery(client: Client, options: argparse.Namespace) -> None:
    """Print what became of a message for each of those it is for."""
    found = client.delivery(options.message)
    if options.json:
        print_json(found)
        return
    width, told = screen.width(), delivery_lines(found, client.snapshot().state.peers)
    screen.say_all(told if width is None else fitted(told, width))
