"""The command line: small verbs, each a client of the bus like any other front end.

Exit codes: 0 done; 1 refused by the node, or `doctor` has found that something fails; 2 wrong usage; 69 no node there;
74 the output can't be written; 130 interrupted before it was done. An error is one line on stderr. For `tail` an
interruption is the normal end (0), unless it was waiting for the node at that moment (130).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from node import program
from node.bus import nouns
from node.bus import requests as rq
from node.bus.client import Client
from node.errors import BusProtocolError, CommandRefused, NodeAway
from node.printable import flat, plain
from node.terminal import arguments, people, roster, screen, unanswered
from node.terminal.arguments import MAX_DIGITS
from node.terminal.chat import chat
from node.terminal.columns import fitted, wrapped
from node.terminal.deleting import delete
from node.terminal.doctor import doctor
from node.terminal.lines import (
    address,
    called,
    nearby_line,
    refusal,
    sighting_line,
    trusted,
)
from node.terminal.linked import link
from node.terminal.patience import patiently
from node.terminal.said import delivery, history, print_json, search
from node.terminal.sending import send
from node.terminal.tail import tail
from node.terminal.typed import reached

#: The exit code when Ctrl+C came before a verb was done: 128 and the signal's number, as shells have it.
INTERRUPTED = 130


def main(argv: Sequence[str]) -> int:
    """Run one verb; returns the exit code. Raises SnicherError."""
    parser = arguments.parser()
    options = parser.parse_args(argv)
    if options.verb == "set" and options.default and options.value is not None:
        parser.error("set takes VALUE or --default, not both")
    if options.verb == "tail" and options.restart and options.consumer is None:
        parser.error("tail: --restart is for a --consumer NAME")
    with Client(options.home, name=f"console {options.verb}") as client:
        try:
            verb: Callable[[Client, argparse.Namespace], int | None] = VERBS[options.verb]
            code = verb(client, options)
        except CommandRefused as refused:
            raise CommandRefused(refused.code, refusal(refused), refused.retryable, refused.details) from refused
        except NodeAway as error:
            # `stop` has its own answer to a silent node, and so has `doctor` (absent.py).
            raise error if options.verb == "stop" else unanswered.explained(client.home, error) from error
        except KeyboardInterrupt:
            return INTERRUPTED
    return code or 0


# -- the verbs


def _peers(client: Client, options: argparse.Namespace) -> None:
    result = client.peers()
    tries = {one.peer: one for one in result.next_tries}
    if options.json:
        for peer in result.peers:
            print_json(peer)
        return
    width = screen.width()
    if result.peers:
        screen.say_all([*roster.peers(result.peers, tries, width), *roster.legend(result.peers, width)])
    nearby = client.nearby()
    known = {peer.id: peer for peer in result.peers}
    if not result.peers:
        print("Nobody yet. Three ways to add somebody:")
        print(program.typed("  python -m node invite               a link and a QR code by which others add you"))
        print(program.typed("  python -m node add LINK             with the link of somebody else"))
        print(program.typed("  python -m node connect HOST:PORT    with their address"))
    told = [nearby_line(nearby), *(sighting_line(one, known.get(one.peer or "")) for one in nearby.services)]
    screen.say_all(told if width is None else fitted(told, width))


def _changes_peer(
    command: Callable[[Client, argparse.Namespace], nouns.Peer], says: Callable[[nouns.Peer, argparse.Namespace], str]
) -> Callable[[Client, argparse.Namespace], None]:
    """A verb that runs a command on one peer and prints a sentence about the result."""

    def verb(client: Client, options: argparse.Namespace) -> None:
        peer = patiently(lambda: command(client, options))
        if options.json:
            print_json(peer)
        else:
            print(says(peer, options))

    return verb


def _renamed(peer: nouns.Peer, options: argparse.Namespace) -> str:
    said = peer.own_name if peer.own_name not in (None, peer.host, address(peer)) else None
    own = f" (it calls itself {flat(said)})" if said else ""
    return f"{address(peer)} is now {flat(peer.name)}{own}."


def _met(peer: nouns.Peer, _: argparse.Namespace) -> str:
    if peer.link in ("online", "reachable"):
        return f"{called(peer)} is {peer.link}."
    return f"Calling {called(peer)}; `peers` shows what comes of it."


_connect = _changes_peer(
    lambda client, options: reached(lambda peer: client.connect(peer, options.dialect), options.peer), _met
)
_disconnect = _changes_peer(
    lambda client, options: client.disconnect(options.peer), lambda peer, _: f"Said good-bye to {called(peer)}."
)
_rename = _changes_peer(lambda client, options: client.rename(options.peer, options.name), _renamed)
_merge = _changes_peer(
    lambda client, options: client.merge(options.peer, options.into),
    lambda peer, options: (
        f"What was said with {flat(options.peer)} is now part of the conversation with {called(peer)}."
    ),
)


_trust = _changes_peer(
    lambda client, options: client.trust(options.peer, plain=options.plain), lambda peer, _: trusted(peer)
)


def _takes_away(command: Callable[[Client, str], None], says: str) -> Callable[[Client, argparse.Namespace], None]:
    """A verb that removes something and prints the sentence `says`."""

    def verb(client: Client, options: argparse.Namespace) -> None:
        patiently(lambda: command(client, options.peer))
        if options.json:
            print_json(rq.Nothing())
        else:
            print(says)

    return verb


_forget = _takes_away(lambda client, peer: client.forget(peer), "Off the list; what was said stays.")


def _trust_clock(client: Client, options: argparse.Namespace) -> None:
    patiently(client.trust_clock)
    if options.json:
        print_json(rq.Nothing())
    else:
        print("The clock is believed.")


def setting_of(key: str, value: str) -> Any:
    """A setting's value from a word of the command line. Raises CommandRefused when the word doesn't fit its type."""
    kind = {field.name: field.type for field in msgspec.structs.fields(nouns.Settings)}[key]
    if kind is bool and value in ("on", "off"):
        return value == "on"
    if kind is int and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        return int(value)
    if kind in (bool, int):
        raise CommandRefused("invalid_args", f"{key} is {'on or off' if kind is bool else 'a whole number'}.")
    return [one for one in value.split(",") if one.strip()] if kind == list[str] else value


def _consumers(client: Client, options: argparse.Namespace) -> None:
    if options.drop is not None:
        patiently(lambda: client.consumer_drop(options.drop))
        if options.json:
            print_json(rq.Nothing())
        else:
            print(f"No place is kept for {flat(options.drop)} any more.")
        return
    found = client.consumers()
    if options.json:
        for one in found:
            print_json(one)
    elif found:
        screen.say_all(roster.consumers(found, screen.width()))
    else:
        print(program.typed("Nobody yet. A shell script begins with: python -m node tail --consumer NAME"))


def _set(client: Client, options: argparse.Namespace) -> None:
    key = options.key
    change: dict[str, Any] = {"reset": [key]} if options.default else {key: setting_of(key, options.value)}
    settings = patiently(lambda: client.settings(**change))
    if options.json:
        print_json(settings)
        return
    (told,) = (one for one in client.config() if one.key == key)
    by = ""
    if options.default:
        if told.source == "saved":
            raise CommandRefused("unknown_op", f"This node is too old to undo a change; {key} is still {told.value}.")
        by = ", its default" if told.source == "default" else f", as {told.where} says"
    print(
        f"{key} is now {flat(told.value) or 'empty'}{plain(by)}."
        + (" It counts from the next start on." if told.restart else "")
    )
    if told.where.startswith("until"):
        print(plain(f"It is so {told.where}."))


def _status(client: Client, options: argparse.Namespace) -> None:
    status = client.status()
    if options.json:
        print_json(status)
        return
    screen.say_all(status_lines(status, screen.width()))


#: Cells of what stands before a value of `status`.
_HEAD = 13


def status_lines(status: rq.StatusResult, width: int | None) -> list[screen.Line]:
    """How the node is; `width` None: each on one line, however long."""
    ready = "ready" if status.ready else "not ready"
    looks: screen.Role = "good" if status.ready else "bad"
    me, health = status.self, status.health
    told: list[tuple[str, str, screen.Role]] = [
        ("listens on", me.listen, ""),
        ("reachable at", ", ".join(me.addresses) or "nowhere", ""),
        ("code", me.code, ""),
        ("event log", f"{status.log}, head {status.head}", ""),
        ("disk", flat(health.problem or "well"), "bad" if health.problem else "good"),
    ]
    if health.index:
        told.append(("search", flat(health.index), "away"))
    told += [("notice", flat(program.typed(notice)), "away") for notice in health.notices]
    for one in status.greetings:
        told.append(("mandatory", f"{one.address} {one.outcome}{': ' + flat(one.detail) if one.detail else ''}", ""))
    lines: list[screen.Line] = []
    whole = f"{flat(me.name)} is {ready} (pid {status.pid}, {plain(status.home)})"
    for line in [whole] if width is None else wrapped(whole, width, "", "  "):
        lines.append([(line, looks)])
    for head, value, role in told:
        parts = [value] if width is None else wrapped(value, width - _HEAD) or [""]
        for at, part in enumerate(parts):
            lines.append([(f"{'' if at else head:{_HEAD}}", "dim"), (part, role)])
    return lines


def _stop(client: Client, options: argparse.Namespace) -> None:
    ended = 0
    try:
        client.stop()
    except (NodeAway, BusProtocolError) as error:
        ended = unanswered.stop(client.home, error)
    if options.json:
        print_json(rq.Nothing())
    elif not ended:
        print("The node is going down.")
    if ended:
        said = f"The bus didn't answer; the node (pid {ended}) was ended by a signal (SIGTERM)."
        print(said, file=sys.stderr if options.json else sys.stdout)


VERBS: dict[str, Callable[[Client, argparse.Namespace], int | None]] = {
    "send": send,
    "peers": _peers,
    "connect": _connect,
    "link": link,
    "disconnect": _disconnect,
    "rename": _rename,
    "merge": _merge,
    "trust": _trust,
    "verify": people.verify,
    "unverify": people.unverify,
    "presence": people.presence,
    "doctor": doctor,
    "invite": people.invite,
    "add": people.add,
    "requests": people.requests,
    "accept": people.accept,
    "refuse": people.refuse,
    "block": people.block,
    "unblock": people.unblock,
    "blocked": people.blocked,
    "trust-clock": _trust_clock,
    "forget": _forget,
    "delete": delete,
    "chat": chat,
    "history": history,
    "delivery": delivery,
    "search": search,
    "tail": tail,
    "consumers": _consumers,
    "set": _set,
    "status": _status,
    "stop": _stop,
}
