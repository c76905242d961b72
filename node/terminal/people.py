"""The verbs about people: who somebody is, who may come in, and how people find each other.

Law of this file: clients of the bus. What others wrote (names, lines, links) is printed with nothing in it that could
steer a terminal, and names never without their code.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import msgspec

from node import looks, program, qr
from node.bus import nouns
from node.bus import requests as rq
from node.bus.client import Client
from node.errors import CommandRefused
from node.model import short_code
from node.printable import flat, plain
from node.terminal import columns, roster, screen
from node.terminal.lines import address, blocked_line, called, clock
from node.terminal.patience import patiently
from node.terminal.said import print_json, room_of

#: Most lines of a request that are shown. The node takes no more before it is accepted.
LINES_SHOWN = 20


def invite(client: Client, options: argparse.Namespace) -> None:
    """Print this node's invite, and its QR code."""
    made = client.invite()
    if options.json:
        print_json(made)
        return
    if made.note is not None:
        print(plain(made.note), file=sys.stderr)
    if not options.no_qr and sys.stdout.isatty():
        print("\n".join(qr.lines(made.link)))
    print(plain(made.link))
    if sys.stdout.isatty():
        print(program.typed("Others add you with: python -m node add 'LINK'"))


def add(client: Client, options: argparse.Namespace) -> None:
    """Add the node of an invite."""
    added = patiently(lambda: client.add(options.link))
    if options.json:
        print_json(added)
        return
    print(f"{called(added.peer)} is added; only the key with the code {added.peer.code} may answer there.")
    if added.note is not None:
        print(plain(added.note), file=sys.stderr)


def presence(client: Client, options: argparse.Namespace) -> None:
    """Say whether this person is away, and in which words; or print what others are told now."""
    if options.presence is None and options.status is None:
        settings = client.snapshot().state.settings
    else:
        settings = patiently(lambda: client.settings(presence=options.presence, status=options.status))
    if options.json:
        print_json(settings)
    elif settings.presence == "invisible":
        print("Nobody is told anything about you. Nodes that are linked with yours see that the link stands.")
    else:
        says = f", and that you say: {flat(settings.status)}" if settings.status else ""
        print(f"Linked nodes that you have dealt with are told that you are {settings.presence}{says}.")


# -- who somebody is


def code_lines(me: nouns.Self, peer: nouns.Peer) -> list[str]:
    """Both codes, numbered, in the order that the other side shows them too."""
    whose = {me.id: "your code", peer.id: f"the code of {flat(peer.name)}"}
    both = enumerate(nouns.in_order(me.id, peer.id), 1)
    return [f"  {number}. {short_code(id_)}   ({whose[id_]})" for number, id_ in both]


def verify(client: Client, options: argparse.Namespace) -> None:
    """Show both codes, and ask whether they are the same at the other side."""
    if options.code is not None:
        _verified(patiently(lambda: client.verify(options.peer, options.code)), options)
        return
    state = client.snapshot().state
    me, room = state.self, room_of(state, options.peer)
    peer = state.peers.get(room.peer or "")
    if peer is None or peer.kind != "node":
        raise CommandRefused("not_a_node", f"{flat(room.name)} is no node on the list, so there is no key to verify.")
    if options.json:
        raise CommandRefused("invalid_args", "With --json, say with --code which code was compared.")
    print(f"Compare with {called(peer)}, by a way that the network has no part in. Both see the same two lines:")
    for line in code_lines(me, peer):
        print(line)
    if options.qr and sys.stdout.isatty():
        print("\n".join(qr.lines(nouns.compared(me.id, peer.id))))
    if peer.verified:
        print(f"{called(peer)} is verified.")
        return
    print("Are both the same at their side? (yes/no): ", end="", flush=True)
    if sys.stdin.readline().strip().casefold() not in ("yes", "y"):
        raise CommandRefused(
            "code_differs",
            "Not verified. If the codes differ, somebody stands between you, or it is another person: write nothing"
            f" there, and see: {program.typed('python -m node block')} {peer.id}",
        )
    _verified(patiently(lambda: client.verify(peer.id, peer.code)), options)


def _verified(peer: nouns.Peer, options: argparse.Namespace) -> None:
    if options.json:
        print_json(peer)
    else:
        print(f"{called(peer)} is verified. Another key at its address would take that away, loudly.")


def unverify(client: Client, options: argparse.Namespace) -> None:
    """A node doesn't count as verified any more."""
    peer = patiently(lambda: client.unverify(options.peer))
    if options.json:
        print_json(peer)
    else:
        print(f"{called(peer)} isn't verified any more.")


# -- who may come in


def requests(client: Client, options: argparse.Namespace) -> None:
    """Print what unknown nodes have said."""
    state = client.snapshot().state
    waiting = [room for room in state.rooms.values() if room.request and room.last is not None and not room.hidden]
    for room in waiting:
        messages = [one for one in client.history(room.id, limit=LINES_SHOWN).messages if one.direction == "in"]
        peer = state.peers.get(room.peer or "")
        if options.json:
            print_json(Waiting(room=room, peer=peer, messages=messages))
            continue
        screen.say_all(request_lines(state, room, peer, messages, screen.width()))
    if not waiting and not options.json:
        print("Nobody waits.")


def request_lines(
    state: nouns.State, room: nouns.Room, peer: nouns.Peer | None, messages: list[nouns.Message], width: int | None
) -> list[str]:
    """A request: who says to be there, whom that is like, what they said, and what to do. `width` None: for a pipe."""
    code = short_code(room.peer or "")
    where = "" if peer is None else f" at {address(peer)}"
    since = clock(messages[0].at if messages else room.created)
    told = [f"{flat(room.name)} (code {code}){where}, since {since}"]
    for alike in _namesakes(state, room):
        told.append(f"  ! Its name is like that of {called(alike)}, who has another code.")
    if width is not None:
        told = columns.fitted(told, width)
    for one in messages:
        for line in plain(one.text).split("\n"):
            # Each line of it is marked, so that none can be taken for one of ours.
            told += [f"  | {line}"] if width is None else columns.wrapped(line, width, "  | ") or ["  |"]
    return [*told, f"  {program.typed('python -m node')} accept|refuse|block {room.peer}"]


class Waiting(msgspec.Struct, kw_only=True):
    """A request, as `--json` prints it."""

    room: nouns.Room
    peer: nouns.Peer | None
    messages: list[nouns.Message]


def _namesakes(state: nouns.State, room: nouns.Room) -> list[nouns.Peer]:
    """Known peers whose name looks like that of a request."""
    known = [peer for peer in state.peers.values() if peer.id != room.peer and peer.standing != "stranger"]
    return [peer for peer in known if looks.alike(room.name, peer.name)]


def accept(client: Client, options: argparse.Namespace) -> None:
    """Accept a request."""
    peer = patiently(lambda: client.accept(options.peer))
    if options.json:
        print_json(peer)
    else:
        print(f"{called(peer)} is accepted; the conversation is one like others now.")


def _nothing(command: Callable[[Client, argparse.Namespace], None], says: str) -> Callable[..., None]:
    def verb(client: Client, options: argparse.Namespace) -> None:
        patiently(lambda: command(client, options))
        if options.json:
            print_json(rq.Nothing())
        else:
            print(says)

    return verb


refuse = _nothing(
    lambda client, options: client.refuse(options.peer),
    "Refused: what was said is deleted, and their node is told. They can ask once more after a day.",
)


def block(client: Client, options: argparse.Namespace) -> None:
    """Block somebody."""
    found = patiently(lambda: client.block(options.peer))
    if options.json:
        print_json(found)
    else:
        print(f"Blocked: {blocked_line(found)}. Nothing is taken from there, and they aren't told.")


def unblock(client: Client, options: argparse.Namespace) -> None:
    """Block somebody no more."""
    found = patiently(lambda: client.unblock(options.peer))
    if options.json:
        print_json(found)
    else:
        print(f"Not blocked any more: {blocked_line(found)}.")


def blocked(client: Client, options: argparse.Namespace) -> None:
    """Print who is blocked."""
    found = client.snapshot().state.blocked
    if options.json:
        for one in found.values():
            print_json(one)
    elif found:
        screen.say_all(roster.blocked(found.values(), screen.width()))
    else:
        print("Nobody is blocked.")
