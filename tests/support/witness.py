"""A front end that trusts nobody: it asks a node over its bus, keeps in mind what was acknowledged, and compares.

Every reply must be what BUS.md describes. At any moment `check` compares the whole node with the oracle: its log, its
snapshot, its counts, what is unread, its conversations, and what its search finds.
"""

from __future__ import annotations

import collections
import contextlib
import json
import pathlib
import random
import sqlite3
import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec
import zmq

from node import names
from node.bus import bounds, nouns
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.reducer import apply
from tests.support.oracle import Oracle, Who
from tests.support.processes import PATIENCE, NodeProcess

#: What the node does by itself (counting anew what is unread, say) has come to rest after so long, in seconds.
REST = 20.0
#: Lines that one check looks for one by one; a thorough one looks for so many, and at every conversation.
SAMPLE, MANY = 12, 400


class Broken(AssertionError):
    """The node broke a promise."""


class Witness:
    """`oracle` is the truth; `state` is what the events make of the first snapshot, as for any front end."""

    def __init__(self, node: NodeProcess, dice: random.Random, clients: int = 1) -> None:
        self.node = node
        self.dice = dice
        self.oracle = Oracle()
        self.trail: collections.deque[str] = collections.deque(maxlen=40)
        self.asked = 0
        #: Replies by op and outcome ("ok", or the error's code).
        self.outcomes: collections.Counter[tuple[str, str]] = collections.Counter()
        self.log = ""
        self.seq = 0
        self.state: nouns.State | None = None
        #: Messages that may be sent again: given up, or nobody knows what became of them.
        self.failed: set[int] = set()
        self._count = clients
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []

    # -- its life

    def open(self) -> None:
        """Connect to the node, which has just become ready."""
        endpoint = self.node.endpoint
        assert endpoint is not None
        self.away()
        for _ in range(self._count):
            socket = self._context.socket(zmq.REQ)
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RCVTIMEO, int(PATIENCE * 1000))
            socket.connect(endpoint.commands)
            self._sockets.append(socket)

    def away(self) -> None:
        """The node is down."""
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()

    def close(self) -> None:
        """Let go of everything."""
        self.away()
        self._context.term()

    def fail(self, what: str) -> Broken:
        """The promise that was broken, and how it came to that."""
        said = "\n".join(self.node.lines[-15:])
        return Broken(f"{what}\nthe last commands:\n" + "\n".join(self.trail) + f"\nthe node said last:\n{said}")

    # -- asking

    def frame(self, op: str, args: Any = None, key: str | None = None) -> bytes:
        """A command's frame."""
        self.asked += 1
        body: dict[str, Any] = {"v": 1, "id": f"c{self.asked}", "client": "witness", "op": op, "args": args or {}}
        return json.dumps(body if key is None else {**body, "key": key}).encode()

    def put(self, frame: bytes, client: int = 0) -> None:
        """Send a command and don't wait."""
        self.trail.append(frame[:300].decode(errors="replace"))
        self._sockets[client].send(frame)

    def get(self, frame: bytes, client: int = 0) -> en.Reply:
        """The reply to it; it must be one that BUS.md describes."""
        try:
            body = self._sockets[client].recv()
        except zmq.Again:
            raise self.fail(f"no reply within {PATIENCE:g} s to {frame[:200]!r}") from None
        reply = msgspec.json.decode(body, type=en.Reply)
        self.trail.append(f"    -> {body[:160].decode(errors='replace')}")
        if reply.ok == (reply.error is not None):
            raise self.fail("a reply is a result or an error")
        if reply.error is None:
            return reply
        code = reply.error.code
        if code not in en.ERROR_CODES or code == "internal":
            raise self.fail(f"the reply is {code!r}: {reply.error.message}")
        if reply.error.retryable != en.ERROR_CODES[code][1] or not reply.error.message or reply.head is not None:
            raise self.fail(f"not an error as BUS.md describes {code!r}: {reply}")
        return reply

    def raw(self, frame: bytes, client: int = 0) -> en.Reply:
        """What the node says to these bytes."""
        self.put(frame, client)
        return self.get(frame, client)

    def ask(
        self, op: str, args: dict[str, Any] | None = None, key: str | None = None, expect: Collection[str] = (),
        client: int = 0,
    ) -> en.Reply:  # fmt: skip
        """Ask, and keep in mind what it changed. `expect`: the outcomes that are allowed; none: any."""
        args = args or {}
        meant = self.meant(op, args)
        reply = self.raw(self.frame(op, args, key), client)
        self.learn(op, args, meant, reply, expect)
        return reply

    def result(self, op: str, args: dict[str, Any] | None = None, key: str | None = None) -> Any:
        """The result of a command that must be answered with one."""
        reply = self.ask(op, args, key, ("ok",))
        return msgspec.json.decode(reply.result, type=rq.COMMANDS[op][1])

    def meant(self, op: str, args: dict[str, Any]) -> list[Who | None]:
        """Whom a command that is about a peer is about, looked up before it changes that."""
        names = {"merge": ("peer", "into"), "send": (), "connect": ()}.get(op, ("peer",))
        return [self._who(args[name]) for name in names if isinstance(args.get(name), str)]

    def _who(self, text: str) -> Who | None:
        oracle = self.oracle
        found = oracle.peers.get(text) or oracle.of_room(text) or oracle.at(text)
        if found is None and text and ":" not in text:
            named = [one for one in self._peers() if names.key(one.name) == names.key(text)]
            found = oracle.peers.get(named[0].id) if len(named) == 1 else None
        return found

    def _peers(self) -> list[nouns.Peer]:
        """All peers on the list, page by page."""
        found: list[nouns.Peer] = []
        while True:
            args = {"limit": 7 + self.dice.randrange(40)} | ({"after": found[-1].id} if found else {})
            page = msgspec.json.decode(self.raw(self.frame("peers", args)).result, type=rq.PeersResult)
            found += page.peers
            if not page.more:
                return found

    # -- what it changed

    def learn(
        self, op: str, args: dict[str, Any], meant: list[Who | None], reply: en.Reply, expect: Collection[str] = ()
    ) -> None:
        """Keep in mind what a command did, as its reply says."""
        outcome = "ok" if reply.error is None else reply.error.code
        self.outcomes[op, outcome] += 1
        if expect and outcome not in expect:
            raise self.fail(f"{op} is answered with {outcome}, not {' or '.join(expect)}")
        if reply.error is not None:
            return
        try:
            result: Any = msgspec.json.decode(reply.result, type=rq.COMMANDS[op][1])
        except msgspec.ValidationError as error:
            raise self.fail(f"the result of {op} isn't what BUS.md describes: {error}") from error
        learn = getattr(self, f"_learn_{op}", None)
        if learn is not None:
            try:
                learn(args, meant, result)
            except AssertionError as error:
                raise self.fail(str(error)) from error

    def _learn_send(self, args: dict[str, Any], meant: list[Who | None], result: rq.SendResult) -> None:
        oracle = self.oracle
        assert len(result.messages) == len(args["messages"])
        for outgoing, message in zip(args["messages"], result.messages, strict=True):
            known = oracle.peers.get(outgoing["to"]) or oracle.of_room(outgoing["to"]) or oracle.at(outgoing["to"])
            assert known is None or known.room == message.room, "it is in the conversation it was meant for"
            assert (message.direction, message.kind) == ("out", "text")
            # One that is repeated after a kill may have been tried since.
            assert message.state in ("waiting", "sending", "sent", "failed", "unconfirmed"), message.state
            assert message.text == outgoing["text"], "the text is what was said"
            if message.room not in oracle.talks:
                self._meet()
            oracle.line(message)
            who = oracle.of_room(message.room)
            assert who is not None, f"room {message.room} belongs to a peer"
            who.listed = True

    def _learn_resend(self, args: dict[str, Any], meant: list[Who | None], result: rq.ResendResult) -> None:
        message = result.message
        assert message.id in self.oracle.talks[message.room].lines and message.state == "waiting"
        who = self.oracle.of_room(message.room)
        assert who is not None
        who.listed = True

    def _learn_connect(self, args: dict[str, Any], meant: list[Who | None], result: rq.PeerResult) -> None:
        self._met(result.peer)

    def _learn_forget(self, args: dict[str, Any], meant: list[Who | None], result: rq.Nothing) -> None:
        who = meant[0]
        assert who is not None and who.listed, f"{args} was forgotten, and was not on the list"
        who.listed = False

    def _learn_merge(self, args: dict[str, Any], meant: list[Who | None], result: rq.PeerResult) -> None:
        gone, into = meant
        assert gone is not None and into is not None and gone is not into, f"{args} were merged"
        assert result.peer.id == into.id
        self.oracle.merged(gone, into)

    def _learn_delete(self, args: dict[str, Any], meant: list[Who | None], result: rq.Nothing) -> None:
        assert meant[0] is not None, f"{args} was deleted, and was not there"
        self.oracle.deleted(meant[0])

    def _learn_mark_read(self, args: dict[str, Any], meant: list[Who | None], result: rq.MarkReadResult) -> None:
        self.oracle.read(args["room"], args.get("upto"))
        talk = self.oracle.talks[args["room"]]
        assert not talk.unread or min(talk.unread) > result.read_upto, "what is unread is above the mark"
        if not talk.merged:
            assert result.unread == len(talk.unread), f"{result.unread} unread, not {len(talk.unread)}"

    def _meet(self) -> None:
        """Somebody new is on the list."""
        for peer in self._peers():
            self._met(peer)

    def _met(self, peer: nouns.Peer) -> None:
        address = f"{peer.host}:{peer.port}"
        self.oracle.met(peer.id, peer.room, address)
        assert self.oracle.peers[peer.id].address == address, f"{peer.id} is at {address}"

    # -- what peers said

    def heard(self, text: str, host: str, port: int, *, within: float = PATIENCE) -> None:
        """A peer has said this: it must be in the log soon."""
        self.oracle.awaited[text] = f"{host}:{port}"
        self.all_heard(within)

    def all_heard(self, within: float = PATIENCE) -> None:
        """Wait until the log tells of everything that peers have said."""
        deadline = time.monotonic() + within
        while self.oracle.awaited:
            if self.catch_up():
                continue
            if time.monotonic() > deadline:
                raise self.fail(f"said by peers, and not in the log: {list(self.oracle.awaited)[:5]}")
            time.sleep(0.001)

    def begin(self) -> None:
        """Take a first snapshot: what was logged before is none of our business."""
        self.state, self.seq, self.log = self.snapshot()

    def catch_up(self) -> int:
        """Read the log to its head, as a front end does; returns how many events came."""
        assert self.state is not None
        count = 0
        while True:
            reply = self.raw(self.frame("events", {"since": self.seq, "limit": bounds.MAX_EVENTS, "log": self.log}))
            if reply.error is not None:
                self._start_afresh(reply.error)
                continue
            page = msgspec.json.decode(reply.result, type=rq.EventsResult)
            for event in page.events:
                if event.seq != self.seq + 1 or event.log != self.log:
                    raise self.fail(f"event {event.seq} of {event.log} follows {self.seq} of {self.log}")
                self.seq += 1
                event = ev.typed(event)
                if isinstance(event.data, ev.MessageReceived):
                    self._received(event.data.message)
                elif isinstance(event.data, ev.MessageStateChanged):
                    again = event.data.state in ("failed", "unconfirmed")
                    (self.failed.add if again else self.failed.discard)(event.data.id)
                apply(self.state, event)
            count += len(page.events)
            if not page.more:
                if page.events and page.head < self.seq:
                    raise self.fail(f"the head is {page.head}, and event {self.seq} was there")
                return count

    def _start_afresh(self, error: en.ErrorBody) -> None:
        """The cursor is no good any more. Only a log that has moved on that far may say so."""
        if error.code != "cursor_too_old" or error.details["oldest"] <= self.seq + 1 or self.oracle.awaited:
            raise self.fail(f"events after {self.seq} of {self.log} are refused: {error}")
        self.begin()

    def _received(self, message: nouns.Message) -> None:
        """A line came in. Somebody must have said it, once."""
        said = next((one for one in self.oracle.awaited if one in message.text), None)
        if said is None:
            raise self.fail(f"nobody said {message}")
        address = self.oracle.awaited.pop(said)
        who = self.oracle.at(address)
        if who is not None and who.room != message.room:
            raise self.fail(f"{message} from {address} is in room {message.room}, not {who.room}")
        if message.kind == "text" and message.text != said:
            raise self.fail(f"{said!r} came as {message.text!r}")
        if who is None:
            self.oracle.met(message.author, message.room, address)
        else:
            who.listed = True
        try:
            self.oracle.line(message)
        except AssertionError as error:
            raise self.fail(str(error)) from error

    def snapshot(self) -> tuple[nouns.State, int, str]:
        """All pages of a snapshot; the event and the log it is valid at."""
        found: rq.SnapshotResult | None = None
        page: str | None = None
        while True:
            args: dict[str, Any] = {"limit": 1 + self.dice.randrange(900)} | ({"page": page} if page else {})
            reply = self.raw(self.frame("snapshot", args))
            if reply.error is not None and reply.error.code in ("busy", "snapshot_gone"):
                # Somebody has left too many open; they are given up after 10 seconds. Or the machine stood still.
                found = page = None
                time.sleep(0.2)
                continue
            if reply.error is not None:
                raise self.fail(f"no snapshot: {reply.error}")
            part = msgspec.json.decode(reply.result, type=rq.SnapshotResult)
            if found is None:
                found = part
            else:
                found.state.rooms |= part.state.rooms
                found.state.peers |= part.state.peers
                if (part.seq, part.log) != (found.seq, found.log):
                    raise self.fail("the pages of a snapshot are of one moment")
            if part.next is None:
                return found.state, found.seq, found.log
            page = part.next

    # -- comparing

    def check(self, *, thorough: bool = False) -> None:
        """The node is what the oracle says it must be. `thorough`: every line and every word is looked at."""
        self.all_heard()
        self._eventually(self._log_and_counts)
        self._eventually(lambda: self._conversations(thorough))
        self._eventually(lambda: self._found(thorough))

    def _eventually(self, look: Callable[[], str | None]) -> None:
        """Nothing is wrong, as soon as what the node does by itself has come to rest."""
        deadline = time.monotonic() + REST
        before = list(self.trail)
        while (problem := look()) is not None:
            if time.monotonic() > deadline:
                raise self.fail(problem)
            # What led there is worth more than all the looks at it.
            self.trail.clear()
            self.trail.extend(before)
            time.sleep(0.02)

    def _log_and_counts(self) -> str | None:
        oracle = self.oracle
        fresh, seq, _ = self.snapshot()
        self.catch_up()
        if self.seq != seq:
            # A replay shows messages as they are now, so that only a moment at which nothing new came can be compared.
            return f"the node doesn't come to rest: event {seq}, then {self.seq}"
        if self.state != fresh:
            return f"the snapshot with all events isn't the fresh snapshot: {_difference(self.state, fresh)}"
        if set(fresh.rooms) != set(oracle.talks):
            return f"the rooms are {sorted(fresh.rooms)}, not {sorted(oracle.talks)}"
        listed = {one.id for one in oracle.peers.values() if one.listed}
        if set(fresh.peers) != listed:
            return f"the peers are {sorted(fresh.peers)}, not {sorted(listed)}"
        for room in fresh.rooms.values():
            if (problem := self._room(room)) is not None:
                return problem
        stats = msgspec.json.decode(self.raw(self.frame("stats")).result, type=rq.StatsResult)
        told = (stats.messages, stats.rooms, stats.peers, stats.kept_events)
        true = (oracle.count(), len(oracle.talks), len(listed), stats.oldest and self.seq - stats.oldest + 1)
        if told != true:
            return f"stats say {told} messages, rooms, peers and events, not {true}"
        return None

    def _room(self, room: nouns.Room) -> str | None:
        talk = self.oracle.talks[room.id]
        texts = [line for line in talk.lines.values() if line.kind == "text"]
        above = {line.id for line in texts if line.direction == "in" and line.id > room.read_upto}
        if room.unread != len(above) or not talk.unread <= above or (not talk.merged and above != talk.unread):
            return f"{room.unread} are unread in {room.id}; above its mark are {above}, nobody has read {talk.unread}"
        newest = max(texts, key=lambda line: line.order, default=None)
        last = None if room.last is None else room.last.id
        if last != (None if newest is None else newest.id) and not (last is None and talk.thinned):
            return f"the last text of {room.id} is {last}, not {newest}"
        return None

    def _conversations(self, thorough: bool) -> str | None:
        rooms = sorted(self.oracle.talks)
        for room in rooms if thorough else self.dice.sample(rooms, min(len(rooms), SAMPLE // 4)):
            found: list[nouns.Message] = []
            while True:
                args = {"room": room, "limit": bounds.MAX_HISTORY} | ({"before": found[0].id} if found else {})
                page = self.result("history", args)
                found[:0] = page.messages
                if not page.more_before:
                    break
            wanted = sorted(self.oracle.talks[room].lines.values(), key=lambda line: (line.order, line.id))
            told = [(one.id, one.order, one.at, one.direction, one.kind, one.text) for one in found]
            if told != (true := [(x.id, x.order, x.at, x.direction, x.kind, x.text) for x in wanted]):
                odd = [pair for pair in zip(told, true, strict=False) if pair[0] != pair[1]][:1]
                return f"room {room} holds {len(told)} lines, not {len(true)}; the first that differs: {odd}"
            who = self.oracle.of_room(room)
            waits = [one.id for one in found if one.state in ("waiting", "sending")]
            if waits and (who is None or not who.listed):
                return f"{waits} wait for {room}, who is off the list"
        return None

    def _found(self, thorough: bool) -> str | None:
        oracle, dice = self.oracle, self.dice
        lines = [(room, line) for room, line in oracle.lines() if line.word is not None]
        count = MANY if thorough else SAMPLE
        for room, line in dice.sample(lines, min(len(lines), count)):
            within = {"room": room} if dice.random() < 0.5 else {}
            wanted = [line.id] if line.kind == "text" else []
            if (hits := self._hits({"query": line.word, **within})) != wanted:
                return f"the search for {line.word} of {room} finds {hits}, not {wanted}"
        for word in dice.sample(oracle.gone, min(len(oracle.gone), count // 2)):
            if hits := self._hits({"query": word}):
                return f"the search for {word}, which is gone, finds {hits}"
        for number in range(5) if thorough else (dice.randrange(5),):
            hits, wanted = self._hits({"query": f"common{number}", "limit": 100}), oracle.having(f"common{number}")
            if hits != wanted:
                return f"the search for common{number} finds {len(hits)} texts, not {len(wanted)}"
        return None

    def _hits(self, args: dict[str, Any]) -> list[int]:
        found: list[int] = []
        deadline = time.monotonic() + REST
        while True:
            page = self.result("search", args | ({"before": found[-1]} if found else {}))
            if page.pending and time.monotonic() < deadline:
                found.clear()
                continue
            found += [hit.id for hit in page.hits]
            if not page.more:
                return found


def _difference(told: nouns.State | None, fresh: nouns.State) -> str:
    assert told is not None
    for name in ("self", "settings", "rooms", "peers", "greetings"):
        one, other = getattr(told, name), getattr(fresh, name)
        if one != other:
            if isinstance(one, dict):
                key = next(key for key in {**one, **other} if one.get(key) != other.get(key))
                one, other = one.get(key), other.get(key)
            return f"{name}: {one} is not {other}"
    return "nothing"


def check_database(home: pathlib.Path) -> None:
    """SQLite itself finds nothing wrong with a database that no node uses, nor FTS5 with its search index."""
    with contextlib.closing(sqlite3.connect(home / "snicher.db")) as db:
        assert (found := db.execute("PRAGMA integrity_check").fetchall()) == [("ok",)], found
        assert (found := db.execute("PRAGMA foreign_key_check").fetchall()) == [], found
        try:
            for table in ("search", "unspaced"):
                db.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            raise Broken(f"the search index of {home} is broken: {error}") from error
        db.rollback()
