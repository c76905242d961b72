"""A node for tests of front ends: the whole bus of BUS.md over real sockets, with a memory instead of peers and a disk.

It runs in a thread of its own; its methods may be called from any thread and return once what they did is published.

    python -m tests.support.fake_node --home DIR [--demo]     to look at the dashboard by hand
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import itertools
import os
import pathlib
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from node import invites, names
from node.bus import bounds, diagnosis, locate, nouns, reducer, server
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.errors import CommandRefused
from node.model import short_code
from tests.support.diagnoses import some

_T = TypeVar("_T")

#: Machines are shared and slow; a test that goes well never waits for this long, in seconds.
PATIENCE = 60.0


def now() -> int:
    return int(time.time() * 1000)


class FakeNode:
    """A node on `home`. `start` and `stop` may follow one another: what it knows stays, as on a disk."""

    def __init__(self, home: pathlib.Path, name: str = "anna") -> None:
        self.home = home
        self.me = nouns.Self(
            id=node_id(0), code="k7f2-9qda-mx31-t6ow", name=name, listen="0.0.0.0:5000",
            addresses=["192.168.1.20:5000", "10.0.0.7:5000"],
        )  # fmt: skip
        self.name = name
        self.state = nouns.State(self=self.me, settings=nouns.Settings(name=name))
        self.log_id = "log-" + os.urandom(4).hex()
        self.events: list[ev.Event] = []
        self.forgotten_before = 0
        self.messages: dict[str, list[nouns.Message]] = {}
        self.tries: dict[str, nouns.NextTry] = {}
        self.health = nouns.Health()
        self.nearby = nouns.Nearby(state="on")
        self.keys: dict[str, tuple[bytes, en.Reply]] = {}
        self.commands: list[str] = []
        #: What followers said how far they are; kept apart, because they say it whenever they like.
        self.reports: list[rq.ReportArgs] = []
        #: Settings that a flag fixes, and that flag; settings that a front end changed.
        self.fixed: dict[str, str] = {}
        self.saved: set[str] = {"name"}
        #: What `stats` says of those who listen, and of the disk.
        self.subscribers: list[nouns.Subscriber] = []
        self.consumers: list[nouns.Consumer] = []
        self.database_bytes, self.free_bytes = 12_400_000, 38_200_000_000
        self.shut_out: dict[str, int] = {}
        #: Called before a command is answered: may raise CommandRefused.
        self.before: Callable[[en.Command], None] = lambda command: None
        #: Until when to keep the reply of the next command with this op to ourselves, after it took effect.
        self.hold_back: dict[str, threading.Event] = {}
        #: The same for every command with this op: a front end asks again by another socket when no reply comes.
        self.hold_every: dict[str, threading.Event] = {}
        #: Messages that are said not to be in the search index yet.
        self.pending = 0
        #: State that a new own message goes on to by itself, if its peer is online.
        self.deliver_as: str | None = "sent"
        #: When a receipt came that covers a message, and when it was read, by its id.
        self.stored_at: dict[int, int] = {}
        self.read_at: dict[int, int] = {}
        #: What front ends said of typing: the room, and whether it has stopped.
        self.typed: list[tuple[str, bool]] = []
        #: The encrypted links that stand, by the peer's id.
        self.links: dict[str, list[nouns.Link]] = {}
        #: What the doctor answers, one after the other, and what was asked of it.
        self.diagnoses = [diagnosis.Diagnosis()]
        self.doctored: list[diagnosis.DoctorArgs] = []
        self.doctor_step = 0
        #: Who is off the list because they are blocked, by the id that is blocked.
        self.off: dict[str, list[nouns.Peer]] = {}
        self._ids = itertools.count(1)
        self._rooms = itertools.count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._bus: server.Server | None = None
        self._cause: ev.Cause | None = None

    # -- life

    def start(self) -> FakeNode:
        ready = threading.Event()
        failed: list[BaseException] = []

        def run() -> None:
            loop = asyncio.new_event_loop()
            self._loop = loop
            try:
                loop.run_until_complete(self._open())
            except BaseException as error:
                failed.append(error)
                ready.set()
                return
            ready.set()
            loop.run_forever()
            loop.run_until_complete(self._close())
            loop.close()

        self._thread = threading.Thread(target=run, name="fake node", daemon=True)
        self._thread.start()
        assert ready.wait(PATIENCE)
        if failed:
            raise failed[0]
        return self

    def stop(self, *, politely: bool = True) -> None:
        """End. Impolitely: as when killed, without NodeStopped; bus.json stays away either way (our process lives)."""
        if self._loop is None or self._thread is None:
            return
        if politely:
            self.publish("NodeStopped", ev.NodeStopped(reason="stopped"))
        locate.remove_endpoint(self.home)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop = self._thread = None

    def __enter__(self) -> FakeNode:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _open(self) -> None:
        folder = locate.socket_directory(self.home)
        self._bus = server.Server(self._answer, self._heartbeat)
        await self._bus.start(f"ipc://{folder}/events", f"ipc://{folder}/commands")
        endpoint = nouns.Endpoint(
            v=1, versions=[1], events=self._bus.events_endpoint, commands=self._bus.commands_endpoint,
            log=self.log_id, pid=os.getpid(), program="fake", started=time.time_ns(),
        )  # fmt: skip
        locate.write_endpoint(self.home, endpoint)
        self._durable("NodeStarted", ev.NodeStarted(self=self.me, settings=self.state.settings, version="fake"))

    async def _close(self) -> None:
        if self._bus is not None:
            await self._bus.close()
            self._bus = None

    def _heartbeat(self) -> ev.Event:
        data = ev.Heartbeat(log=self.log_id, head=len(self.events), oldest=self.forgotten_before + 1)
        return ev.Event(v=1, log=self.log_id, at=now(), type="Heartbeat", data=data)

    def on_loop(self, work: Callable[[], _T]) -> _T:
        """Run `work` in the node's thread and return what it returns."""
        if self._loop is None:
            return work()

        async def call() -> _T:
            return work()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE)

    # -- events

    def _durable(self, type_name: str, data: msgspec.Struct, room: str | None = None) -> ev.Event:
        event = ev.Event(
            v=1, log=self.log_id, at=now(), type=type_name, seq=len(self.events) + 1, room=room, cause=self._cause,
            data=data,
        )  # fmt: skip
        self.events.append(event)
        reducer.apply(self.state, event)
        if self._bus is not None:
            self._bus.publish([event])
        return event

    def publish(self, type_name: str, data: msgspec.Struct, room: str | None = None) -> ev.Event:
        return self.on_loop(lambda: self._durable(type_name, data, room))

    def whisper(self, type_name: str, data: msgspec.Struct) -> None:
        """An ephemeral event."""

        def work() -> None:
            if self._bus is not None:
                self._bus.publish([ev.Event(v=1, log=self.log_id, at=now(), type=type_name, data=data)])

        self.on_loop(work)

    # -- what tests let happen

    def add_peer(
        self, name: str, *, link: str = "online", dialect: str = "snicher", host: str = "", **more: Any
    ) -> nouns.Peer:
        def work() -> nouns.Peer:
            number = next(self._rooms)
            fields = {"port": 5000, "dialect_from": "seen", "host": host or f"192.168.1.{20 + number}", **more}
            room_id = f"room-{number}"
            peer = nouns.Peer(id=f"peer-{number}", room=room_id, name=name, link=link, dialect=dialect, **fields)
            newest = max((one.id for messages in self.messages.values() for one in messages), default=0)
            room = nouns.Room(id=peer.room, kind="plain", name=name, peer=peer.id, created=now(), read_upto=newest)
            self._durable("PeerAdded", ev.PeerAdded(peer=peer))
            self._durable("RoomAdded", ev.RoomAdded(room=room), room.id)
            return peer

        return self.on_loop(work)

    def add_node(
        self, name: str, *, link: str = "online", host: str = "", request: bool = False, **more: Any
    ) -> nouns.Peer:
        """Another Snicher node, and the direct room with it. `request`: nobody here has dealt with it yet."""

        def work() -> nouns.Peer:
            number = next(self._rooms)
            peer_id = node_id(number)
            fields = {
                "port": 5000, "dialect_from": "seen", "host": host or f"192.168.1.{20 + number}",
                "standing": "stranger" if request else "known", **more,
            }  # fmt: skip
            peer = nouns.Peer(
                id=peer_id, room=f"direct:{number}", name=name, kind="node", link=link, dialect="snicher",
                code=short_code(peer_id), **fields,
            )  # fmt: skip
            newest = max((one.id for messages in self.messages.values() for one in messages), default=0)
            room = nouns.Room(
                id=peer.room, kind="direct", name=name, peer=peer.id, encrypted=True, created=now(), read_upto=newest,
                members=[peer.id], request=request,
            )  # fmt: skip
            self._durable("PeerAdded", ev.PeerAdded(peer=peer))
            self._durable("RoomAdded", ev.RoomAdded(room=room), room.id)
            return peer

        return self.on_loop(work)

    def becomes_node(self, peer: nouns.Peer) -> nouns.Peer:
        """A plain peer turns out to be a node: its conversation goes on in the direct one, what waits as entries."""
        node = self.add_node(peer.name, host=peer.host)

        def work() -> None:
            gone, into = self.state.rooms[peer.room], self.state.rooms[node.room]
            moved = [replace(one, room=into.id) for one in self.messages.pop(gone.id, [])]
            self.messages[into.id] = moved
            merged = replace(into, unread=gone.unread, last=None, aliases=[gone.id, *gone.aliases])
            self._durable("RoomsMerged", ev.RoomsMerged(gone=gone.id, room=merged), into.id)
            self._durable("PeerForgotten", ev.PeerForgotten(peer=peer.id))
            for one in list(moved):
                if one.state == "waiting":
                    entry = replace(one, entry=self._place(self.me.id, into.id), order=f"{now():015d}-{one.id:09d}")
                    self.messages[into.id].remove(one)
                    self.messages[into.id].append(entry)
                    self._durable("MessageChanged", ev.MessageChanged(message=entry), into.id)

        self.on_loop(work)
        return node

    def _place(self, author: str, room: str) -> nouns.Place:
        stream = hashlib.sha256(f"{author} {room}".encode()).hexdigest()[:32]
        held = [one for one in self.messages.get(room, []) if one.entry is not None and one.entry.stream == stream]
        return nouns.Place(stream=stream, n=len(held) + 1)

    def store_there(self, message: nouns.Message) -> None:
        """The other node has this message of ours, and all before it, on its disk, and says so."""
        self.on_loop(lambda: self._store_there(message))

    def _store_there(self, message: nouns.Message) -> None:
        room, place = self.state.rooms[message.room], message.entry
        assert place is not None
        for at, one in enumerate(self.messages[room.id]):
            if one.entry is not None and one.entry.stream == place.stream and one.entry.n <= place.n:
                if one.state != "read":
                    self.messages[room.id][at] = replace(one, state="delivered", detail=None)
                self.stored_at.setdefault(one.id, now())
        data = ev.ReceiptAdvanced(room=room.id, member=room.peer or "", stream=place.stream, n=place.n)
        self._durable("ReceiptAdvanced", data, room.id)

    def read_there(self, message: nouns.Message) -> None:
        """Somebody there has read this message of ours, and all before it, and shares that."""

        def work() -> None:
            room, place = self.state.rooms[message.room], message.entry
            assert place is not None
            for at, one in enumerate(self.messages[room.id]):
                if one.entry is not None and one.entry.stream == place.stream and one.entry.n <= place.n:
                    self.messages[room.id][at] = replace(one, state="read", detail=None)
                    self.read_at.setdefault(one.id, now())
            data = ev.ReadAdvanced(room=room.id, member=room.peer or "", stream=place.stream, n=place.n)
            self._durable("ReadAdvanced", data, room.id)

        self.on_loop(work)

    def types(self, peer: nouns.Peer, *, for_ms: int = 6000) -> None:
        """Somebody there types, for so long at most; 0: no longer."""
        until = now() + for_ms if for_ms else 0
        self.whisper("Typing", ev.Typing(room=peer.room, member=peer.id, until=until))

    def link(self, peer: nouns.Peer, *links: nouns.Link) -> None:
        """These links with a peer stand now; none: it is offline."""
        self.links[peer.id] = list(links)
        self.change_peer(peer, link="online" if links else "offline")

    def warn(self, peer: nouns.Peer, warning: str, *, rival: str | None = None) -> nouns.Peer:
        """It becomes doubtful who a peer is."""
        new = self.change_peer(peer, warning=warning, rival=rival)
        self.publish("PeerWarned", ev.PeerWarned(peer=peer.id, name=peer.name, warning=warning), peer.room)
        return new

    def change_peer(self, peer: nouns.Peer, **changes: Any) -> nouns.Peer:
        new = replace(self.state.peers[peer.id], **changes)
        self.publish("PeerChanged", ev.PeerChanged(peer=new))
        return new

    def receive(
        self, peer: nouns.Peer, text: str, *, kind: str = "text", at: int | None = None, **more: Any
    ) -> nouns.Message:
        return self.on_loop(lambda: self.receive_now(peer, text, kind=kind, at=at, **more))

    def receive_now(
        self, peer: nouns.Peer, text: str, *, kind: str = "text", at: int | None = None, **more: Any
    ) -> nouns.Message:
        """The same, from the node's own thread: many at once."""
        return self._put(
            "MessageReceived",
            ev.MessageReceived,
            room=peer.room,
            direction="in",
            author=peer.id,
            name=self.state.peers[peer.id].name if peer.id in self.state.peers else peer.name,
            text=text,
            kind=kind,
            at=at or now(),
            **more,
        )

    def say(self, room: str, text: str, *, state: str = "waiting", at: int | None = None, **more: Any) -> nouns.Message:
        return self.on_loop(lambda: self._say(room, text, state=state, at=at, **more))

    def _say(
        self, room: str, text: str, *, state: str = "waiting", at: int | None = None, **more: Any
    ) -> nouns.Message:
        return self._put(
            "MessageAccepted", ev.MessageAccepted, room=room, direction="out", author=self.me.id, name=self.me.name,
            text=text, state=state, at=at or now(), **more,
        )  # fmt: skip

    def _put(
        self, type_name: str, event_data: Callable[..., msgspec.Struct], *, at: int, **fields: Any
    ) -> nouns.Message:
        number = next(self._ids)
        order = fields.pop("order", f"{at:015d}-{number:09d}")
        if self.state.rooms[fields["room"]].kind == "direct" and fields.get("kind", "text") != "notice":
            # `entry=None` says something as it was said before.
            fields.setdefault("entry", self._place(fields["author"], fields["room"]))
        message = nouns.Message(id=number, order=order, at=at, **fields)
        self.messages.setdefault(message.room, []).append(message)
        self.messages[message.room].sort(key=lambda one: one.order)
        self._durable(type_name, event_data(message=message), message.room)
        return message

    def set_state(
        self, message: nouns.Message, state: str, detail: str | None = None, marks: list[str] | None = None
    ) -> None:
        self.on_loop(lambda: self._set_state(message, state, detail, marks))

    def _set_state(self, message: nouns.Message, state: str, detail: str | None, marks: list[str] | None) -> None:
        kept = self.messages[message.room]
        at = next(i for i, one in enumerate(kept) if one.id == message.id)
        kept[at] = replace(kept[at], state=state, detail=detail, marks=kept[at].marks if marks is None else marks)
        data = ev.MessageStateChanged(room=message.room, id=message.id, state=state, detail=detail, marks=marks)
        self._durable("MessageStateChanged", data, message.room)

    def expire(self, room: str, upto: int) -> None:
        """Messages of a room up to this one were kept long enough."""

        def work() -> None:
            waits = ("waiting", "sending")
            kept = [one for one in self.messages[room] if one.id > upto or one.state in waits]
            self.messages[room] = kept
            now_there = self.state.rooms[room]
            unread = sum(one.id > now_there.read_upto and one.direction == "in" and one.kind == "text" for one in kept)
            last = now_there.last.id if now_there.last and now_there.last in kept else None
            self._durable("MessagesExpired", ev.MessagesExpired(room=room, upto=upto, unread=unread, last=last), room)

        self.on_loop(work)

    def retry(
        self, peer: nouns.Peer, *, in_ms: int, reason: str = "It refused the connection.", attempt: int = 1
    ) -> None:
        next_try = nouns.NextTry(peer=peer.id, at=now() + in_ms, attempt=attempt, reason=reason)
        self.tries[peer.id] = next_try
        self.whisper("RetryScheduled", ev.RetryScheduled(next_try=next_try))

    def set_health(self, health: nouns.Health) -> None:
        self.health = health
        self.whisper("HealthChanged", ev.HealthChanged(health=health))

    def see(self, *peers: nouns.Peer, state: str = "on", unknown: int = 0) -> None:
        """These peers, and so many others, are seen on the network."""
        services = [
            nouns.Sighting(id=f"{number:016x}", peer=peer.id, since=now() - 1000 + number)
            for number, peer in enumerate(peers)
        ]
        services += [nouns.Sighting(id=f"{number:016x}", since=now()) for number in range(900, 900 + unknown)]
        self.nearby = nouns.Nearby(state=state, services=services)
        self.whisper("NearbyChanged", ev.NearbyChanged(nearby=self.nearby))

    def unread(self, room: str) -> int:
        return self.state.rooms[room].unread

    # -- commands

    async def _answer(self, command: en.Command) -> en.Reply:
        if command.op != "report":
            self.commands.append(command.op)
        self.before(command)
        fingerprint = command.op.encode() + bytes(command.args)
        if command.key and command.key in self.keys:
            known, reply = self.keys[command.key]
            if known != fingerprint:
                raise CommandRefused("key_reused", "The key was used before.")
            await self._hold(command.op)
            return msgspec.structs.replace(reply, id=command.id)
        self._cause = ev.Cause(client=command.client, request=command.id)
        try:
            args_type, _ = rq.COMMANDS[command.op]
            try:
                args = msgspec.json.decode(command.args, type=args_type)
            except msgspec.DecodeError as error:
                raise CommandRefused("invalid_args", str(error)) from error
            result = getattr(self, f"_do_{command.op}")(args)
        finally:
            self._cause = None
        raw = msgspec.Raw(msgspec.json.encode(result))
        reply = en.Reply(v=1, id=command.id, ok=True, result=raw, head=len(self.events))
        if command.key:
            self.keys[command.key] = (fingerprint, reply)
        await self._hold(command.op)
        return reply

    async def _hold(self, op: str) -> None:
        held = self.hold_every.get(op) or self.hold_back.pop(op, None)
        while held is not None and not held.is_set():  # noqa: ASYNC110 (it is set in another thread)
            await asyncio.sleep(0.005)

    def _do_hello(self, _: rq.Nothing) -> rq.HelloResult:
        return rq.HelloResult(
            versions=[1], node=self.me.id, name=self.me.name, program="fake", log=self.log_id, head=len(self.events),
            oldest=self.forgotten_before + 1, features=[], limits={},
        )  # fmt: skip

    def _do_snapshot(self, _: rq.Nothing) -> rq.SnapshotResult:
        live = nouns.Live(next_tries=list(self.tries.values()), health=self.health, nearby=self.nearby)
        return rq.SnapshotResult(log=self.log_id, seq=len(self.events), state=self.state, live=live)

    def _do_events(self, args: rq.EventsArgs) -> rq.EventsResult:
        if args.log is not None and args.log != self.log_id:
            raise CommandRefused("log_changed", "New numbering.")
        if args.since < self.forgotten_before:
            raise CommandRefused("cursor_too_old", "Too old.", details={"oldest": self.forgotten_before + 1})
        if args.since > len(self.events):
            raise CommandRefused("cursor_ahead", "Ahead.", details={"head": len(self.events)})
        page = self.events[args.since : args.since + args.limit]
        more = args.since + len(page) < len(self.events)
        oldest = self.forgotten_before + 1
        return rq.EventsResult(log=self.log_id, head=len(self.events), oldest=oldest, events=page, more=more)

    def _do_report(self, args: rq.ReportArgs) -> rq.Nothing:
        self.reports.append(args)
        return rq.Nothing()

    def _room(self, to: str) -> nouns.Room:
        if to in self.state.rooms:
            return self.state.rooms[to]
        for room in self.state.rooms.values():
            if to in room.aliases:
                return room
        for peer in self.state.peers.values():
            if to in (peer.id, peer.name, f"{peer.host}:{peer.port}"):
                return self.state.rooms[peer.room]
        raise CommandRefused("not_found", f"There is no conversation {to!r}.")

    def _peer(self, which: str) -> nouns.Peer:
        if which in self.state.peers:
            return self.state.peers[which]
        for peer in self.state.peers.values():
            if which in (peer.id, peer.name, f"{peer.host}:{peer.port}"):
                return peer
        raise CommandRefused("not_found", f"There is no peer {which!r}.")

    def _do_history(self, args: rq.HistoryArgs) -> rq.HistoryResult:
        room = self._room(args.room)
        kept = self.messages.get(room.id, [])
        place = args.before if args.before is not None else args.after if args.after is not None else args.around
        index = next((i for i, one in enumerate(kept) if one.id == place), -1)
        if place is not None and index < 0:
            raise CommandRefused("not_found", "There is no such message.")
        limit = min(args.limit, bounds.MAX_HISTORY)
        if args.before is not None:
            first, last = max(0, index - limit), index
        elif args.after is not None:
            first, last = index + 1, index + 1 + limit
        elif args.around is not None:
            first = max(0, index - limit // 2)
            last = first + limit
        else:
            first, last = max(0, len(kept) - limit), len(kept)
        return rq.HistoryResult(
            seq=len(self.events), messages=kept[first:last], more_before=first > 0, more_after=last < len(kept)
        )

    def _do_search(self, args: rq.SearchArgs) -> rq.SearchResult:
        terms = [(re.findall(r"\w+", word.lower()), word.endswith("*")) for word in args.query.split()]
        words = [(word, beginning) for found, beginning in terms for word in found]
        if not words:
            raise CommandRefused("invalid_args", "A query needs at least one word.")
        if args.room is not None:
            self._room(args.room)
        rooms = [args.room] if args.room is not None else list(self.messages)
        every = sorted((one for room in rooms for one in self.messages.get(room, [])), key=lambda one: -one.id)
        hits = [
            one
            for one in every
            if one.kind == "text" and _holds(one.text, words)
            if args.before is None or one.id < args.before
        ]
        return rq.SearchResult(hits=hits[: args.limit], more=len(hits) > args.limit, pending=self.pending)

    def _do_send(self, args: rq.SendArgs) -> rq.SendResult:
        if not self.health.store:
            raise CommandRefused("store_unavailable", "The disk is full.", True)
        for one in args.messages:
            if not one.text.strip():
                raise CommandRefused("text_empty", "Empty.")
            if len(one.text.encode()) > bounds.MAX_TEXT_BYTES:
                raise CommandRefused("text_too_long", "Too long.")
        said = []
        for one in args.messages:
            room = self._room(one.to)
            peer = self.state.peers.get(room.peer or "")
            if room.request and peer is not None:
                # Whoever writes to somebody has dealt with them.
                self._durable("PeerChanged", ev.PeerChanged(peer=replace(peer, standing="known")))
                self._change_room(room.id, request=False)
            message = self._say(room.id, one.text)
            said.append(message)
            if peer is not None and peer.kind == "node":
                if peer.link == "online" and self.deliver_as:
                    self._store_there(message)
            elif peer is not None and peer.link in ("online", "reachable") and self.deliver_as:
                self._set_state(message, "sending", None, None)
                self._set_state(message, self.deliver_as, None, None)
        return rq.SendResult(messages=said)

    def _do_resend(self, args: rq.ResendArgs) -> rq.ResendResult:
        for kept in self.messages.values():
            for one in kept:
                if one.id == args.message:
                    if one.state not in ("failed", "unconfirmed"):
                        raise CommandRefused("not_resendable", "Not failed.")
                    self._set_state(one, "waiting", None, None)
                    return rq.ResendResult(message=replace(one, state="waiting", detail=None))
        raise CommandRefused("not_found", "There is no such message.")

    def _do_delivery(self, args: rq.DeliveryArgs) -> rq.DeliveryResult:
        for room, kept in self.messages.items():
            for one in kept:
                if one.id == args.message and one.state is not None:
                    peer = self.state.rooms[room].peer or ""
                    recipient = rq.Recipient(
                        peer=peer, state=one.state, at=self.stored_at.get(one.id), read_at=self.read_at.get(one.id),
                        detail=one.detail,
                        next_try=self.tries.get(peer) if one.state == "waiting" else None,
                    )  # fmt: skip
                    return rq.DeliveryResult(message=one, recipients=[recipient])
        raise CommandRefused("not_found", "There is no such message.")

    def _do_typing(self, args: rq.TypingArgs) -> rq.Nothing:
        self.typed.append((self._room(args.room).id, args.stopped))
        return rq.Nothing()

    def _do_links(self, args: rq.PeerArgs) -> rq.LinksResult:
        return rq.LinksResult(links=self.links.get(self._peer(args.peer).id, []))

    def _do_trust(self, args: rq.TrustArgs) -> rq.PeerResult:
        peer = self._peer(args.peer)
        if peer.warning is None:
            raise CommandRefused("nothing_to_trust", "Nothing about this peer is in doubt.")
        if peer.rival is None or args.plain:
            new = replace(peer, warning=None, rival=None)
            self._durable("PeerChanged", ev.PeerChanged(peer=new))
            return rq.PeerResult(peer=new)
        # The other key is another peer, with a room of its own; the old one has lost its address.
        new = replace(
            peer, id=peer.rival, room=f"direct:{peer.rival[:8]}", code=short_code(peer.rival), warning=None, rival=None
        )
        old = self.state.rooms[peer.room]
        room = replace(old, id=new.room, peer=new.id, members=[new.id], last=None, unread=0)
        self._durable("PeerChanged", ev.PeerChanged(peer=replace(peer, port=None, warning=None, rival=None)))
        self._durable("PeerAdded", ev.PeerAdded(peer=new))
        self._durable("RoomAdded", ev.RoomAdded(room=room), room.id)
        return rq.PeerResult(peer=new)

    def _node_of(self, which: str) -> nouns.Peer:
        peer = self._peer(which)
        if peer.kind != "node":
            raise CommandRefused("not_a_node", "A plain client has no key.")
        return peer

    def _changed(self, peer: nouns.Peer, **changes: Any) -> rq.PeerResult:
        new = replace(peer, **changes)
        self._durable("PeerChanged", ev.PeerChanged(peer=new))
        return rq.PeerResult(peer=new)

    def _change_room(self, room: str, **changes: Any) -> None:
        new = replace(self.state.rooms[room], last=None, **changes)
        self._durable("RoomChanged", ev.RoomChanged(room=new), room)

    def _do_verify(self, args: rq.VerifyArgs) -> rq.PeerResult:
        peer = self._node_of(args.peer)
        if re.findall(r"\w+", args.code) not in (re.findall(r"\w+", peer.code), [peer.id]):
            raise CommandRefused("code_differs", "That isn't the code of its key.")
        result = self._changed(peer, verified=True, warning=None, rival=None, standing="known")
        if self.state.rooms[peer.room].request:
            self._change_room(peer.room, request=False)
        return result

    def _do_unverify(self, args: rq.PeerArgs) -> rq.PeerResult:
        return self._changed(self._node_of(args.peer), verified=False)

    def _request(self, which: str) -> nouns.Peer:
        peer = self._peer(which)
        if not self.state.rooms[peer.room].request:
            raise CommandRefused("not_a_request", "It is no request.")
        return peer

    def _do_accept(self, args: rq.PeerArgs) -> rq.PeerResult:
        peer = self._request(args.peer)
        result = self._changed(peer, standing="known")
        self._change_room(peer.room, request=False)
        return result

    def _do_refuse(self, args: rq.PeerArgs) -> rq.Nothing:
        return self._do_delete(rq.PeerArgs(peer=self._request(args.peer).id))

    def _do_block(self, args: rq.PeerArgs) -> rq.BlockedResult:
        peer = self._peer(args.peer)
        plain = peer.kind != "node"
        blocked = nouns.Blocked(id=peer.host if plain else peer.id, name=peer.name, at=now())
        self._durable("PeerBlocked", ev.PeerBlocked(blocked=blocked))
        every = [one for one in self.state.peers.values() if one.kind != "node" and one.host == peer.host]
        self.off[blocked.id] = every if plain else [peer]
        for one in self.off[blocked.id]:
            self._durable("PeerForgotten", ev.PeerForgotten(peer=one.id))
            self._change_room(one.room, hidden=True)
        return rq.BlockedResult(blocked=blocked)

    def _do_unblock(self, args: rq.PeerArgs) -> rq.BlockedResult:
        found = [one for one in self.state.blocked.values() if args.peer in (one.id, one.name)]
        if not found:
            raise CommandRefused("not_blocked", "Nobody who is meant by that is blocked.")
        self._durable("PeerUnblocked", ev.PeerUnblocked(id=found[0].id))
        for one in self.off.pop(found[0].id, []):
            self._durable("PeerAdded", ev.PeerAdded(peer=replace(one, link="offline")))
            self._change_room(one.room, hidden=False)
        return rq.BlockedResult(blocked=found[0])

    def _do_doctor(self, args: diagnosis.DoctorArgs) -> diagnosis.DoctorResult:
        """Each answer once, the last one from then on; `again` begins anew."""
        self.doctored.append(args)
        step = min(self.doctor_step, len(self.diagnoses) - 1)
        self.doctor_step = 1 if args.again else self.doctor_step + 1
        found = self.diagnoses[0 if args.again else step]
        peer = None if args.peer is None else self.state.peers[args.peer]
        if peer is None:
            return diagnosis.DoctorResult(diagnosis=replace(found, peer=None, paths=[], key=None, clock=None))
        return diagnosis.DoctorResult(diagnosis=replace(found, peer=peer.id, name=peer.name))

    def _do_invite(self, _: rq.Nothing) -> rq.InviteResult:
        return rq.InviteResult(link=f"snicher://{self.me.id}@{','.join(self.me.addresses)}?name={self.me.name}")

    def _do_add(self, args: rq.AddArgs) -> rq.AddResult:
        try:
            invite = invites.parse(args.link)
        except ValueError as error:
            raise CommandRefused("invalid_invite", f"This is no invite. {error}") from error
        id_, host, port = invite.peer, invite.addresses[0].host, invite.addresses[0].port
        peer = nouns.Peer(
            id=id_, room=f"direct:{id_[:8]}", name=invite.name or host, kind="node", host=host, port=port, wanted=True,
            link="connecting", dialect="snicher", code=short_code(id_), standing="known",
        )  # fmt: skip
        room = nouns.Room(id=peer.room, kind="direct", name=peer.name, peer=id_, encrypted=True, members=[id_])
        self._durable("PeerAdded", ev.PeerAdded(peer=peer))
        self._durable("RoomAdded", ev.RoomAdded(room=room), room.id)
        return rq.AddResult(peer=peer, note="10.0.0.1:5000 is another node's.")

    def _do_connect(self, args: rq.ConnectArgs) -> rq.PeerResult:
        for peer in self.state.peers.values():
            if args.address in (peer.id, peer.name, f"{peer.host}:{peer.port}"):
                new = replace(peer, link="connecting", wanted=True, error=None)
                self._durable("PeerChanged", ev.PeerChanged(peer=new))
                return rq.PeerResult(peer=new)
        host, colon, port = args.address.rpartition(":")
        if not colon or not port.isdigit() or not 0 < int(port) < 65536 or not host:
            raise CommandRefused("invalid_args", f"{args.address!r} is not HOST:PORT, for example 192.168.1.20:5000.")
        if args.address in self.me.addresses:
            raise CommandRefused("own_address", "That is this node's own address.")
        number = next(self._rooms)
        peer = nouns.Peer(
            id=f"peer-{number}", room=f"room-{number}", name=args.address, host=host, port=int(port), link="connecting",
            wanted=True, dialect="unknown" if args.dialect == "auto" else args.dialect,
            dialect_from="guess" if args.dialect == "auto" else "chosen",
        )  # fmt: skip
        self._durable("PeerAdded", ev.PeerAdded(peer=peer))
        room = nouns.Room(id=peer.room, kind="plain", name=peer.name, peer=peer.id, created=now())
        self._durable("RoomAdded", ev.RoomAdded(room=room), room.id)
        return rq.PeerResult(peer=peer)

    def _do_disconnect(self, args: rq.PeerArgs) -> rq.PeerResult:
        new = replace(self._peer(args.peer), link="offline", wanted=False)
        self._durable("PeerChanged", ev.PeerChanged(peer=new))
        return rq.PeerResult(peer=new)

    def _do_peers(self, _: rq.Nothing) -> rq.PeersResult:
        peers = sorted(self.state.peers.values(), key=lambda peer: peer.name)
        return rq.PeersResult(peers=peers, next_tries=list(self.tries.values()))

    def _do_forget(self, args: rq.PeerArgs) -> rq.Nothing:
        self._durable("PeerForgotten", ev.PeerForgotten(peer=self._peer(args.peer).id))
        return rq.Nothing()

    def _do_rename(self, args: rq.RenameArgs) -> rq.PeerResult:
        peer = self._peer(args.peer)
        try:
            name = names.checked(args.name, may_be_empty=True)
        except ValueError as error:
            raise CommandRefused("invalid_args", str(error)) from error
        own_name = peer.own_name or peer.name
        new = replace(peer, name=name or own_name, own_name=own_name if name else None)
        self._durable("PeerChanged", ev.PeerChanged(peer=new))
        room = replace(self.state.rooms[peer.room], name=new.name, last=None)
        self._durable("RoomChanged", ev.RoomChanged(room=room), room.id)
        return rq.PeerResult(peer=new)

    def _do_merge(self, args: rq.MergeArgs) -> rq.PeerResult:
        gone, into = self._room(args.peer), self._room(args.into)
        if gone is into:
            raise CommandRefused("invalid_args", "That is one conversation already.")
        moved = [replace(one, room=into.id) for one in self.messages.pop(gone.id, [])]
        self.messages[into.id] = sorted([*self.messages.get(into.id, []), *moved], key=lambda one: one.order)
        room = replace(into, unread=into.unread + gone.unread, last=None)
        self._durable("RoomsMerged", ev.RoomsMerged(gone=gone.id, room=room), room.id)
        if gone.peer in self.state.peers:
            self._durable("PeerForgotten", ev.PeerForgotten(peer=gone.peer))
        return rq.PeerResult(peer=self._peer(into.peer or ""))

    def _do_delete(self, args: rq.PeerArgs) -> rq.Nothing:
        room = self._room(args.peer)
        self.messages.pop(room.id, None)
        if room.peer in self.state.peers:
            self._durable("PeerForgotten", ev.PeerForgotten(peer=room.peer))
        self._durable("RoomDeleted", ev.RoomDeleted(room=room.id), room.id)
        return rq.Nothing()

    def _do_mark_read(self, args: rq.MarkReadArgs) -> rq.MarkReadResult:
        room = self._room(args.room)
        kept = [one for one in self.messages.get(room.id, []) if one.direction == "in" and one.kind == "text"]
        newest = max((one.id for one in self.messages.get(room.id, [])), default=0)
        upto = max(room.read_upto, newest if args.upto is None else min(args.upto, newest))
        unread = sum(one.id > upto for one in kept)
        if (upto, unread) != (room.read_upto, room.unread):
            self._durable("RoomRead", ev.RoomRead(room=room.id, read_upto=upto, unread=unread), room.id)
        return rq.MarkReadResult(read_upto=upto, unread=unread)

    def _do_settings(self, args: rq.SettingsArgs) -> rq.SettingsResult:
        given = {key: getattr(args, key) for key in nouns.Settings.__struct_fields__ if getattr(args, key) is not None}
        for key in given:
            if key in self.fixed:
                details = {"key": key, "source": "flag", "where": self.fixed[key]}
                raise CommandRefused("setting_fixed", f"`{key}` is fixed by {self.fixed[key]}.", details=details)
        if "name" in given:
            try:
                given["name"] = names.checked(given["name"])
            except ValueError as error:
                raise CommandRefused("invalid_args", str(error), details={"key": "name"}) from error
        default = nouns.Settings(name=self.name)
        given |= {key: getattr(default, key) for key in args.reset}
        settings = replace(self.state.settings, **given)
        saved = (self.saved | set(given)) - set(args.reset)
        if (settings, saved) != (self.state.settings, self.saved):
            self.saved = saved
            self.me = replace(self.me, name=settings.name)
            self._durable("SettingsChanged", ev.SettingsChanged(settings=settings, self=self.me))
        return rq.SettingsResult(settings=self.state.settings)

    def _do_config(self, _: rq.Nothing) -> rq.ConfigResult:
        found = []
        for key in nouns.Settings.__struct_fields__:
            value = getattr(self.state.settings, key)
            text = ("off", "on")[value] if isinstance(value, bool) else str(value)
            source: nouns.Source = "flag" if key in self.fixed else "saved" if key in self.saved else "default"
            where = self.fixed.get(key, "snicher.db" if key in self.saved else "")
            found.append(
                nouns.Option(
                    key=key,
                    value=",".join(value) if isinstance(value, list) else text,
                    source=source,
                    where=where,
                    meaning=f"what {key} means",
                    default="",
                    restart=key.startswith("mandatory"),
                )
            )
        return rq.ConfigResult(settings=found)

    def _do_stats(self, _: rq.Nothing) -> rq.StatsResult:
        every = [one for kept in self.messages.values() for one in kept]
        return rq.StatsResult(
            uptime_ms=3 * 3600_000, received=sum(one.direction == "in" for one in every),
            sent=sum(one.state in ("sent", "delivered", "read") for one in every), commits=len(self.events),
            events=len(self.events), links=sum(peer.link == "online" for peer in self.state.peers.values()),
            rooms=len(self.state.rooms), peers=len(self.state.peers),
            outbox=sum(one.state in ("waiting", "sending") for one in every), messages=len(every),
            database_bytes=self.database_bytes, free_bytes=self.free_bytes, shut_out=self.shut_out, refused=0,
            subscribers=self.subscribers, subscribed=1 + len(self.subscribers), consumers=self.consumers,
            oldest=self.forgotten_before + 1, kept_events=len(self.events) - self.forgotten_before,
        )  # fmt: skip

    def _do_nearby(self, _: rq.Nothing) -> rq.NearbyResult:
        return rq.NearbyResult(nearby=self.nearby)

    def _do_status(self, _: rq.Nothing) -> rq.StatusResult:
        return rq.StatusResult(
            ready=True, self=self.me, pid=os.getpid(), program="snicher/0.1.0", home=str(self.home), log=self.log_id,
            head=len(self.events), health=self.health,
            greetings=list(self.state.greetings.values()),
        )  # fmt: skip


def _holds(text: str, words: list[tuple[str, bool]]) -> bool:
    """Whether a text holds all these words; of some, only the beginning is given."""
    said = re.findall(r"\w+", text.lower())
    return all(any(one.startswith(word) if beginning else one == word for one in said) for word, beginning in words)


def node_id(number: int) -> str:
    """A PeerId, always the same for the same number."""
    return base64.b32encode(hashlib.sha256(str(number).encode()).digest()).decode().rstrip("=").lower()


def fill_nodes(node: FakeNode) -> dict[str, nouns.Peer]:
    """Another lively home: nodes, two of them of one name, doubts of each kind, and what was said in clear before."""
    minute = 60_000
    bela, cian = node.add_node("bela"), node.add_node("cian", link="offline", error="It refused the connection.")
    twin = node.add_node("bela", host="10.0.0.77")
    clear = node.add_peer("bela", dialect="std", host=bela.host, port=5001)
    dora = node.add_node("dora", link="offline")
    alpha = node.add_peer("TEAM ALPHA", dialect="std", link="reachable")
    for ago, text in ((90, "Is this still the old client?"), (88, "I'll install Snicher now.")):
        node.receive(bela, text, at=now() - ago * minute, entry=None)
    node.say(bela.room, "Good. Until then others can read along.", state="sent", at=now() - 86 * minute, entry=None)
    node.receive(bela, "There. Now it is encrypted.", at=now() - 60 * minute)
    seen = node.say(bela.room, "Great, and I see when you have it.", at=now() - 59 * minute)
    node.store_there(seen)
    node.read_there(seen)
    node.receive(bela, "", kind="unknown", at=now() - 50 * minute)
    node.store_there(node.say(bela.room, "What was that?", at=now() - 49 * minute))
    node.receive(bela, "A picture. Your version can't show it yet, it seems.", at=now() - 48 * minute)
    node.store_there(node.say(cian.room, "Are you still at the lab?", at=now() - 30 * minute))
    node.say(cian.room, "I could drop by later", at=now() - 20 * minute)
    node.say(dora.room, "The keys are at the desk.", at=now() - 15 * minute)
    node.receive(alpha, "got it, thanks", at=now() - 12 * minute)
    node.receive(twin, "Hello, I am Bela from the other building", at=now() - 10 * minute)
    node.receive(clear, "it's me, on the old laptop", at=now() - 5 * minute)
    node.retry(cian, in_ms=40_000)
    ours = {"version": 1, "program": "snicher/0.1.0"}
    node.link(
        bela,
        nouns.Link(direction="out", address="192.168.1.21:5000", since=now() - 40 * minute, instance="1" * 32, **ours),
        nouns.Link(direction="in", address="[fe80::7%eth0]:40123", since=now() - 26 * 60 * minute, clock=-7 * minute,
                   instance="2" * 32, **ours),
    )  # fmt: skip
    node.warn(dora, f"Another key than dora's answers at {dora.host}:5000.", rival=node_id(99))
    node.warn(clear, f"This came in clear from {bela.host}, where bela's node is known.")
    node.types(bela, for_ms=3_600_000)
    node.diagnoses = [some(now() - 8_000)]
    node.warn(twin, "Another node with the name bela is known here.")
    return {"bela": bela, "cian": cian, "twin": twin, "clear": clear, "dora": dora, "alpha": alpha}


def fill_requests(node: FakeNode) -> dict[str, nouns.Peer]:
    """A home in which people ask to write: one of them under a name like that of somebody who is verified."""
    minute = 60_000
    bela = node.add_node("bela", verified=True)
    node.receive(bela, "See you at three.", at=now() - 60 * minute)
    erik = node.add_node("erik", refusal="erik has refused your request. You can ask once more after a day.")
    node.say(erik.room, "Keys are at the desk", at=now() - 50 * minute)
    alike = node.add_node("b\u0435la", request=True, host="10.0.0.66", link="offline")
    node.receive(alike, "New phone, new key. Send me the door code again?", at=now() - 40 * minute)
    mira = node.add_node("mira", request=True)
    node.receive(mira, "Hi Anna, Dora gave me your name.", at=now() - 20 * minute)
    node.receive(mira, "It is at https://site.example:9/a, see <b>there</b>.", at=now() - 19 * minute)
    node.receive(mira, "Can I bring it by at three?", at=now() - 18 * minute)
    spam = node.add_peer("SPAM", dialect="std", host="10.0.0.99")
    node.receive(spam, "buy now", at=now() - 90 * minute)
    node.on_loop(lambda: node._do_block(rq.PeerArgs(peer=spam.id)))
    node.see(
        bela, node.add_node("Jonas from the workshop", request=True), node.add_node("سلمى", request=True), unknown=1
    )
    return {"bela": bela, "erik": erik, "alike": alike, "mira": mira, "spam": spam}


def fill(node: FakeNode) -> dict[str, nouns.Peer]:
    """A lively home, for looking at: several peers, all states, long and right-to-left and hostile content."""
    minute = 60_000
    start = now() - 26 * 3600_000
    bela = node.add_peer("bela", last_seen=now())
    cian = node.add_peer("cian", link="offline", dialect="std", error="It refused the connection.", wanted=True)
    alpha = node.add_peer("TEAM ALPHA", dialect="std", link="reachable")
    salma = node.add_peer("سلمى من قسم الشبكات", dialect="std", link="offline")
    long = node.add_peer(
        "Maximiliane von und zu Hohenstein-Wallenburg the Younger", link="connecting", dialect="unknown"
    )
    evil = node.add_peer("![x](http://10.0.0.66/p.png)", dialect="std")
    names = {"bela": bela, "cian": cian, "alpha": alpha, "salma": salma, "long": long, "evil": evil}
    node.receive(bela, "bela is here", kind="notice", at=start)
    for number in range(1, 140):
        at = start + number * minute
        if number % 3:
            node.receive(bela, f"Earlier message number {number}, just to have something to scroll through.", at=at)
        else:
            node.say(bela.room, f"And an answer, number {number}.", state="sent", at=at)
    node.receive(evil, "![x](http://10.0.0.66/p.png) <img src=x onerror=alert(1)> \u202egnp.exe\u202c <b>bold</b>",
                 at=now() - 600 * minute)  # fmt: skip
    node.receive(long, "A" * 300 + " and a word that can be broken", at=now() - 500 * minute)
    node.receive(salma, "مرحبا، هل وصل الملف؟ I sent it 10 minutes ago", at=now() - 400 * minute)
    node.say(salma.room, "نعم، شكرا جزيلا", state="sent", at=now() - 390 * minute)
    node.receive(bela, "Morning. Is the build machine in lab 2 back?", at=now() - 300 * minute)
    node.say(
        bela.room, "Yes, since eight. I put its address into the room topic.", state="sent", at=now() - 299 * minute
    )
    node.receive(bela, "Great, thanks!", at=now() - 298 * minute)
    node.receive(bela, "bela left", kind="notice", at=now() - 200 * minute)
    node.receive(bela, "bela is here", kind="notice", at=now() - 190 * minute)
    node.receive(bela, "I only have the plain client today, can you still read me?", at=now() - 180 * minute)
    node.say(
        bela.room, "We can. Your line is marked as not encrypted, so keep passwords out of it.", state="sent",
        at=now() - 179 * minute,
    )  # fmt: skip
    node.say(bela.room, "exit", state="sent", marks=["altered"], at=now() - 178 * minute)
    node.on_loop(lambda: node._do_mark_read(rq.MarkReadArgs(room=bela.room)))
    node.receive(alpha, "got it, thanks", at=now() - 70 * minute)
    for text, state, detail in (
        ("Are you still at the lab?", "waiting", None),
        ("I could drop by later", "waiting", None),
    ):
        node.say(cian.room, text, state=state, detail=detail, at=now() - 40 * minute)
    node.say(cian.room, "One that the crash cut off", state="unconfirmed", at=now() - 41 * minute)
    node.say(cian.room, "Can you take the night shift?", state="failed", detail="It refused the connection.",
             at=now() - 42 * minute)  # fmt: skip
    node.receive(bela, "The projector room is free now 🎉", at=now() - 3 * minute)
    node.receive(bela, "Shall we meet there at three?\nBring the adapter, please.", at=now() - 2 * minute)
    node.retry(cian, in_ms=40_000)
    node.subscribers = [nouns.Subscriber(client="console menu", seq=1, lag=12, at=now())]
    node.consumers = [
        nouns.Consumer(name="backup-bot", position=3, lag=230, created=start, used=now() - 10 * minute),
        nouns.Consumer(name="old-bot", position=3, lag=0, created=start, used=start, lapsed=True),
    ]
    return names


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", required=True, type=pathlib.Path)
    parser.add_argument("--demo", action="store_true", help="fill it with conversations")
    parser.add_argument("--nodes", action="store_true", help="fill it with conversations with nodes")
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    with FakeNode(given.home) as node:
        if given.demo:
            fill(node)
        if given.nodes:
            fill_nodes(node)
        print(f"fake node on {given.home}", file=sys.stderr)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
