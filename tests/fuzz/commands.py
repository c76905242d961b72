"""What the bus fuzz asks for: for each command a generator of arguments, and of what it may be answered with."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection
from typing import Any, Protocol

from node.bus import bounds
from node.model import parse_address, peer_id
from tests.support.oracle import Oracle
from tests.support.witness import Witness

Args = dict[str, Any]
#: What a command may be answered with; empty: whatever BUS.md lists.
Expected = Collection[str]

#: What stands where something else belongs.
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, 1.5, "", " ", "x", "plain-", "0",
    "plain-999999", "x" * 65, "x" * 129, "x" * 70_000, "\x00", "a\nb", "\ud800", "é" * 64, '"', "*", '"a', "a" * 501,
    [], [[]], [None], ["x"] * 501, {}, {"to": "x"}, [{"to": "plain-1"}], [{"text": "x", "to": ""}], ":", "::", ":5000",
    "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "0.0.0.0:5000", "[::1", "1:2:3",
)  # fmt: skip
#: Arguments that name somebody, who may be dialled.
TARGETS = frozenset({"to", "peer", "address", "into", "mandatory"})
LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+:\d+|0\.0\.0\.0:\d+")
WORDS = (
    "größer",
    "日本語",
    "😀",
    'say "hi"',
    "a*b",
    "NEAR(x y)",
    "-- ;",
    "<b>",
    "\\",
    "tab\there",
    "line\nbreak",
    "x" * 300,
)
NAMES = ("ann", "Ann", "bob", "émile", "", "x" * 64)


class Fuzz(Protocol):
    """What generators need to know of the fuzz."""

    dice: random.Random
    witness: Witness
    #: Peers that may be made up: hosts and ports.
    addresses: list[tuple[str, int]]
    #: Names of consumers that were asked for.
    consumers: set[str]

    @property
    def oracle(self) -> Oracle:
        """The truth."""

    def peer(self) -> str:
        """Somebody by id, room, address or name, or nobody."""

    def known(self) -> str | None:
        """Somebody who is known for sure."""

    def room(self) -> str:
        """A conversation, hardly ever none."""

    def message(self, room: str | None = None) -> int:
        """A message's id, mostly one that is there."""


def is_harmless(args: Any, name: str = "") -> bool:
    """Whether nobody outside of loopback would be dialled or looked up for it."""
    if isinstance(args, dict):
        return all(is_harmless(value, key) for key, value in args.items())
    if isinstance(args, list):
        return all(is_harmless(value, name) for value in args)
    if not isinstance(args, str) or name not in TARGETS or LOOPBACK.fullmatch(args):
        return True
    try:
        parse_address(args)
    except ValueError:
        return True
    return False


def _page(fuzz: Fuzz, most: int) -> Args:
    dice = fuzz.dice
    return {} if dice.random() < 0.4 else {"limit": dice.choice((1, 2, 10, most, most + 1, 0, -1, 2**40))}


def _hello(fuzz: Fuzz) -> tuple[Args, Expected]:
    return {}, ("ok",)


def _snapshot(fuzz: Fuzz) -> tuple[Args, Expected]:
    if fuzz.dice.random() < 0.1:
        return {"page": fuzz.dice.choice(("", "x", "1", "0:0"))}, ("snapshot_gone", "invalid_args", "ok")
    return {**_page(fuzz, bounds.MAX_SNAPSHOT)}, ("ok", "busy")


def _events(fuzz: Fuzz) -> tuple[Args, Expected]:
    since = fuzz.dice.choice((0, 1, fuzz.witness.seq, fuzz.witness.seq - 5, fuzz.witness.seq + 10**9, -1, -(2**62)))
    return {"since": since, **_page(fuzz, bounds.MAX_EVENTS)}, ("ok", "cursor_ahead", "cursor_too_old")


def _consumer(fuzz: Fuzz) -> str:
    # Sorted: a set is in another order in each process. Mostly one that is there.
    there = sorted(fuzz.consumers)
    return fuzz.dice.choice(there if there and fuzz.dice.random() < 0.7 else ("bot", "bot.2", "a" * 64, "B-_"))


def _consumer_create(fuzz: Fuzz) -> tuple[Args, Expected]:
    dice = fuzz.dice
    name = _consumer(fuzz) if dice.random() < 0.6 else f"c{dice.randrange(130)}"
    fuzz.consumers.add(name)
    more = {} if dice.random() < 0.5 else {"since": dice.choice((0, fuzz.witness.seq, 10**12))}
    codes = ("ok", "cursor_ahead", "cursor_too_old", "consumer_lapsed", "too_many_consumers")
    return {"name": name, **more, **({"restart": True} if dice.random() < 0.2 else {})}, codes


def _consumer_next(fuzz: Fuzz) -> tuple[Args, Expected]:
    return {"name": _consumer(fuzz), **_page(fuzz, bounds.MAX_EVENTS)}, ("ok", "not_found", "consumer_lapsed")


def _consumer_acknowledge(fuzz: Fuzz) -> tuple[Args, Expected]:
    seq = fuzz.dice.choice((0, 1, fuzz.witness.seq, 10**12))
    return {"name": _consumer(fuzz), "seq": seq}, ("ok", "not_found", "cursor_ahead", "consumer_lapsed")


def _consumer_drop(fuzz: Fuzz) -> tuple[Args, Expected]:
    name = _consumer(fuzz)
    fuzz.consumers.discard(name)
    return {"name": name}, ("ok", "not_found")


def _report(fuzz: Fuzz) -> tuple[Args, Expected]:
    return {"seq": fuzz.witness.seq, "follower": str(fuzz.dice.randrange(300))}, ("ok", "cursor_ahead")


def _history(fuzz: Fuzz) -> tuple[Args, Expected]:
    room = fuzz.room()
    marks = fuzz.dice.choice(((), (), ("before",), ("after",), ("around",), ("before", "after")))
    expected = ("ok", "not_found") if len(marks) < 2 else ("invalid_args",)
    return {"room": room, **{mark: fuzz.message(room) for mark in marks}, **_page(fuzz, bounds.MAX_HISTORY)}, expected


def _search(fuzz: Fuzz) -> tuple[Args, Expected]:
    dice = fuzz.dice
    query = dice.choice((
        f"common{dice.randrange(5)}", "common*", '"common1 common2"', "q1* q2*", "größer", "日本語", "NEAR(common1)",
        "common1 OR common2", "text:common1", "^common1", "-common1", "(((", '"', "*", "", " ", "x " * 200, "a" * 500,
        "a" * 501, "\x00", 'r1 "r1"', "room : r1", "😀",
    ))  # fmt: skip
    within = {"room": fuzz.room()} if dice.random() < 0.3 else {}
    before = {"before": fuzz.message()} if dice.random() < 0.2 else {}
    return {"query": query, **within, **before, **_page(fuzz, bounds.MAX_HITS)}, ("ok", "invalid_args", "not_found")


def _send(fuzz: Fuzz) -> tuple[Args, Expected]:
    dice = fuzz.dice
    count = dice.choice((1, 1, 1, 2, 5))
    if dice.random() < 0.01:
        count = bounds.MAX_SEND
    if dice.random() < 0.6:
        # To addresses, known or not: nothing can be wrong with that.
        to = [f"{host}:{port}" for host, port in (dice.choice(fuzz.addresses) for _ in range(count))]
        expected: Expected = ("ok",)
    else:
        to, expected = [fuzz.peer() for _ in range(count)], ()
    texts = [fuzz.oracle.text(dice.choice(WORDS)) for _ in range(count)]
    if dice.random() < 0.06:
        spoilt, code = dice.choice((
            ("", "text_empty"), (" \n\t", "text_empty"), ("\u200b", "text_empty"),
            ("x" * (bounds.MAX_TEXT_BYTES + 1), "text_too_long"),
            ("é" * (bounds.MAX_TEXT_BYTES // 2 + 1), "text_too_long"),
            ("x" * bounds.MAX_TEXT_BYTES, ""),
        ))  # fmt: skip
        texts[dice.randrange(count)] = spoilt
        expected = (code,) if code and expected else expected
    return {"messages": [{"to": one, "text": text} for one, text in zip(to, texts, strict=True)]}, expected


def _resend(fuzz: Fuzz) -> tuple[Args, Expected]:
    ours = {line.id for _, line in fuzz.oracle.lines() if line.direction == "out"}
    again = fuzz.witness.failed & ours if fuzz.dice.random() < 0.7 else ours
    known = fuzz.dice.choice(sorted(again)) if again else fuzz.message()
    return {"message": known}, ("ok", "not_found", "not_resendable", "no_address")


def _connect(fuzz: Fuzz) -> tuple[Args, Expected]:
    dice = fuzz.dice
    dialects = (
        "auto",
        "snicher",
        "std",
        "angle@",
        "angle-ts",
        "angle1",
        "labelled",
        "portline",
        "json",
        "unknown",
        "x",
    )
    dialect = dice.choice(dialects)
    host, port = dice.choice(fuzz.addresses)
    args = {"address": fuzz.known() or f"{host}:{port}", "dialect": dialect}
    # A client of this game may listen on a port of some service: the system chose it.
    return args, ("invalid_args",) if dialect in ("unknown", "x") else ("ok", "service_port")


def _someone(fuzz: Fuzz) -> tuple[Args, Expected]:
    return {"peer": fuzz.peer()}, ("ok", "not_found", "ambiguous", "own_address", "invalid_args")


def _doctor(fuzz: Fuzz) -> tuple[Args, Expected]:
    again = {} if fuzz.dice.random() < 0.5 else {"again": fuzz.dice.random() < 0.5}
    args, expected = _someone(fuzz) if fuzz.dice.random() < 0.5 else ({}, ("ok",))
    return {**args, **again}, expected


def _peers(fuzz: Fuzz) -> tuple[Args, Expected]:
    after = {"after": fuzz.dice.choice(("", "x", "plain-1", "\x00"))} if fuzz.dice.random() < 0.3 else {}
    return {**after, **_page(fuzz, bounds.MAX_SNAPSHOT)}, ("ok",)


def _rename(fuzz: Fuzz) -> tuple[Args, Expected]:
    names = (*NAMES, "plain-1", "x" * 65, "a\nb", "  ", "\u202e")
    return {"peer": fuzz.peer(), "name": fuzz.dice.choice(names)}, ()


def _merge(fuzz: Fuzz) -> tuple[Args, Expected]:
    known = [one.id for one in fuzz.oracle.peers.values()]
    if len(known) > 1 and fuzz.dice.random() < 0.7:
        peer, into = fuzz.dice.sample(known, 2)
        return {"peer": peer, "into": into}, ("ok",)
    return {"peer": fuzz.peer(), "into": fuzz.peer()}, ()


def _delete(fuzz: Fuzz) -> tuple[Args, Expected]:
    known = fuzz.known()
    if known is not None and fuzz.dice.random() < 0.7:
        return {"peer": known}, ("ok",)
    return _someone(fuzz)


def _mark_read(fuzz: Fuzz) -> tuple[Args, Expected]:
    room = fuzz.room()
    upto = {"upto": fuzz.message(room)} if fuzz.dice.random() < 0.6 else {}
    return {"room": room, **upto}, ("ok",) if room in fuzz.oracle.talks else ("not_found",)


def _delivery(fuzz: Fuzz) -> tuple[Args, Expected]:
    return {"message": fuzz.message()}, ("ok", "not_found")


def _typing(fuzz: Fuzz) -> tuple[Args, Expected]:
    room = fuzz.room()
    return {"room": room, "stopped": fuzz.dice.random() < 0.3}, ("ok",) if room in fuzz.oracle.talks else ("not_found",)


def _trust(fuzz: Fuzz) -> tuple[Args, Expected]:
    rival = {"rival": fuzz.peer()} if fuzz.dice.random() < 0.3 else {}
    # Nobody here is a node, so nothing is in doubt.
    return {"peer": fuzz.peer(), "plain": fuzz.dice.random() < 0.5, **rival}, (
        "not_found", "ambiguous", "own_address", "invalid_args", "nothing_to_trust",
    )  # fmt: skip


def _verify(fuzz: Fuzz) -> tuple[Args, Expected]:
    return {"peer": fuzz.peer(), "code": fuzz.dice.choice(("", "abcd · efgh · ijkl · mnop", "x" * 5_000))}, (
        "not_found", "ambiguous", "own_address", "invalid_args", "not_a_node",
    )  # fmt: skip


def _undecided(fuzz: Fuzz) -> tuple[Args, Expected]:
    # Nobody here is a node, so there is no request.
    return {"peer": fuzz.peer()}, ("not_found", "ambiguous", "own_address", "invalid_args", "not_a_request")


def _blocked(fuzz: Fuzz) -> tuple[Args, Expected]:
    # An address where nobody of this game is: the oracle knows nothing of hidden conversations.
    return {"peer": "127.7.7.7"}, ("ok", "not_blocked")


def _add(fuzz: Fuzz) -> tuple[Args, Expected]:
    # Of keys that nobody has, and at no address of this game: nobody answers there.
    peer = peer_id(fuzz.dice.randbytes(32))
    link = fuzz.dice.choice(("", "snicher:", f"snicher://{peer}@0.0.0.0:1", f"snicher://{peer[:-1]}@127.7.7.8:9"))
    return {"link": link}, ("invalid_invite",)


def _settings(fuzz: Fuzz) -> tuple[Args, Expected]:
    dice = fuzz.dice
    # No static peer that is taken: it is a peer at once, and the oracle knows only of those that were said something.
    values: dict[str, tuple[Any, ...]] = {
        "name": ("anna", "x" * 64, "x" * 65, "", "a\nb"), "reconnect": (True, False),
        "share_reading": (True, False), "mandatory_rule": ("on", "x"), "accept_nodes": ("ask", "everybody", "x"),
        "accept_plain": ("everybody", "x"), "presence": ("online", "away", "invisible", "x"),
        "status": ("", "at lunch", "x" * 101), "static_peers": ([], ["x"], ["127.7.7.8:9"] * 65),
        "discovery": ("off", "ask", "x"),
        "keep_events": (10_000, 9_999, 100_000_000, 100_000_001, 20_000), "keep_days": (0, 1, 36_500, 36_501, -1),
        "mandatory": ([], ["127.0.0.1:1"]), "mandatory_greeting": ("hi", "x" * 501), "reset": ([], ["name"], ["x"]),
    }  # fmt: skip
    names = dice.sample(list(values), dice.choice((1, 1, 2)))
    return {name: dice.choice(values[name]) for name in names}, ("ok", "invalid_args", "setting_fixed")


GENERATORS: dict[str, Callable[[Fuzz], tuple[Args, Expected]]] = {
    "hello": _hello, "snapshot": _snapshot, "events": _events, "consumer_create": _consumer_create,
    "consumer_next": _consumer_next, "consumer_acknowledge": _consumer_acknowledge, "consumers": _hello,
    "consumer_drop": _consumer_drop, "report": _report, "history": _history, "search": _search, "send": _send,
    "resend": _resend, "connect": _connect, "disconnect": _someone, "peers": _peers, "forget": _someone,
    "rename": _rename, "merge": _merge, "delete": _delete, "mark_read": _mark_read, "stats": _hello,
    "settings": _settings, "config": _hello, "status": _hello, "stop": _hello, "trust_clock": _hello,
    "delivery": _delivery, "typing": _typing, "links": _someone, "paths": _someone, "nearby": _hello,
    "doctor": _doctor, "trust": _trust,
    "verify": _verify, "unverify": _someone, "accept": _undecided, "refuse": _undecided,
    "invite": _hello, "add": _add, "block": _blocked, "unblock": _blocked,
}  # fmt: skip
#: How often each is asked for, against 2 for all others.
WEIGHTS = {
    "send": 20, "delete": 14, "search": 8, "history": 6, "mark_read": 8, "merge": 3, "rename": 3, "resend": 3,
    "snapshot": 1, "delivery": 6,
}  # fmt: skip
