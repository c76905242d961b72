"""A blocking client of the bus, for front ends and bots: thread-safe, reconnecting, gap-healing. (BUS.md section 4)

    from node.bus.client import Client

    with Client() as node:
        node.send("127.0.0.1:5000", "hello")
        for item in node.follow():
            print(item)

Law of this file: no thread is started here and nothing happens behind the caller's back; whoever wants to wait, calls.
"""

from __future__ import annotations

import collections
import os
import pathlib
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypeVar, cast

import msgspec
import zmq

from node.bus import locate
from node.bus import messages as m
from node.errors import BusProtocolError, CommandRefused, NodeAway

#: One attempt waits this long for its reply. The node answers within 50 ms; the rest is for a machine that is busy.
ATTEMPT_S = 2.5
#: A whole request gives up after this long, when nothing else was said.
TIMEOUT_S = 10.0
#: So many heartbeats may be missing before the node counts as away.
MISSED_HEARTBEATS = 3
#: How long to wait before looking for an absent node again: at first and at most.
RECONNECT_S = (0.1, 2.0)
#: Events that wait in the SUB socket before PUB drops for us; what is dropped is healed by `events`.
SUB_HIGH_WATER_MARK = 100_000
#: How long a follower waits at a stretch before it looks whether it was closed, in seconds.
SLICE_S = 0.2

_Result = TypeVar("_Result", bound=msgspec.Struct)
_reply_decoder = msgspec.json.Decoder(m.Reply)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Cursor(msgspec.Struct, frozen=True):
    """How far somebody has read: the log and the last event seen. An empty `log` fits any."""

    log: str
    seq: int


class Resync(msgspec.Struct, frozen=True):
    """Everything seen before no longer counts: go on from this snapshot."""

    snapshot: m.SnapshotResult


class Away(msgspec.Struct, frozen=True):
    """The node doesn't answer; the follower keeps looking for it."""

    reason: str
    #: When it was last heard, in seconds of time.time(); None when never.
    since: float | None


class Back(msgspec.Struct, frozen=True):
    """The node is there again."""


#: An m.Event with `seq` None is ephemeral.
Item = m.Event | Resync | Away | Back


def _command(
    request_id: str, op: str, client: str, args: msgspec.Struct | dict[str, Any] | None, key: str | None
) -> bytes:
    """A command's frame. Raises CommandRefused when the node would not even read it."""
    raw = msgspec.Raw(m.encode({} if args is None else args))
    body = m.encode(m.Command(v=m.VERSION, id=request_id, op=op, client=client, args=raw, key=key))
    if len(body) > m.MAX_COMMAND_BYTES:
        raise CommandRefused("too_large", f"{len(body)} bytes; at most {m.MAX_COMMAND_BYTES} are taken.")
    return body


def _prepare(socket: zmq.Socket[bytes], endpoint: m.Endpoint) -> None:
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.IPV6, 1)
    if endpoint.server_key and endpoint.client_key and endpoint.client_secret:
        socket.setsockopt_string(zmq.CURVE_SERVERKEY, endpoint.server_key)
        socket.setsockopt_string(zmq.CURVE_PUBLICKEY, endpoint.client_key)
        socket.setsockopt_string(zmq.CURVE_SECRETKEY, endpoint.client_secret)


class Client:
    """Talks with the node of one home. May be shared between threads; commands of one client queue up.

    `home` None means SNICHER_HOME or the platform's default; `name` shows up as `cause.client` on events.
    """

    def __init__(
        self, home: str | os.PathLike[str] | None = None, *, name: str = "", timeout: float = TIMEOUT_S
    ) -> None:
        self.home: pathlib.Path = locate.find_home(home)
        self.name = (name or f"client-{os.getpid()}")[: m.MAX_ID_CHARS]
        self.timeout = timeout
        #: The newest event known to this client's replies: its own writes are at or before it.
        self.head = 0
        self._context = zmq.Context()
        self._lock = threading.Lock()
        self._socket: zmq.Socket[bytes] | None = None
        self._connected_to: tuple[str, int] = ("", 0)
        self._closed = False
        self._followers: weakref.WeakSet[Follower] = weakref.WeakSet()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all sockets; followers of this client end, also in other threads, and requests raise NodeAway."""
        self._closed = True
        with self._lock:
            self._drop()
        for follower in list(self._followers):
            follower.close()
        self._context.destroy(linger=0)

    # -- one command

    def request(
        self,
        op: str,
        args: msgspec.Struct | dict[str, Any] | None = None,
        *,
        key: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send a command and return its result as the structure that COMMANDS names.

        Reads, and commands with a `key`, are tried again until `timeout` (seconds) has passed; others once, because
        their effect would be doubled. Raises CommandRefused, NodeAway or BusProtocolError.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        request_id = uuid.uuid4().hex
        body = _command(request_id, op, self.name, args, key)
        repeatable = key is not None or op in m.READS
        # Who waits longer than that for other threads' commands has not sent anything: nothing was done.
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise NodeAway(f"The node on {self.home} doesn't answer; other commands wait for it as well.")
        try:
            while True:
                left = deadline - time.monotonic()
                reply = self._attempt(body, min(left, ATTEMPT_S) if repeatable else left)
                if reply is not None:
                    break
                if not repeatable or time.monotonic() >= deadline:
                    raise NodeAway(f"The node on {self.home} doesn't answer.")
        finally:
            self._lock.release()
        if reply.id not in (request_id, ""):
            raise BusProtocolError("The node answered somebody else's command.")
        if reply.head is not None:
            self.head = reply.head
        if reply.error is not None or not reply.ok:
            error = reply.error or m.ErrorBody(code="internal", message="The node refused without a reason.")
            raise CommandRefused(error.code, error.message, error.retryable, error.details)
        _, result_type = m.COMMANDS.get(op, (m.Nothing, m.Nothing))
        try:
            result: msgspec.Struct = msgspec.json.decode(reply.result, type=result_type)
            if isinstance(result, m.EventsResult):
                for event in result.events:
                    m.typed(event)
        except _UNREADABLE as error:
            raise BusProtocolError(f"The answer to {op} can't be read: {error}.") from error
        return result

    def _attempt(self, body: bytes, seconds: float) -> m.Reply | None:
        if self._closed:
            raise NodeAway("This client is closed.")
        endpoint = locate.read_endpoint(self.home)
        target = (endpoint.commands, endpoint.started)
        if self._socket is None or self._connected_to != target:
            self._drop()
            socket = self._context.socket(zmq.REQ)
            _prepare(socket, endpoint)
            socket.connect(endpoint.commands)
            self._socket, self._connected_to = socket, target
        try:
            self._socket.send(body, zmq.NOBLOCK)
            until = time.monotonic() + max(0.0, seconds)
            while not self._socket.poll(int(1000 * min(0.25, max(0.0, until - time.monotonic())))):
                if time.monotonic() >= until:
                    self._drop()
                    return None
                # A node that was killed can't answer any more: no need to wait for the whole time. If another one has
                # taken its place, the next attempt finds it.
                if self._closed or not locate.is_alive(endpoint.pid):
                    self._drop()
                    return None
            return _reply_decoder.decode(self._socket.recv())
        except zmq.ZMQError as error:
            self._drop()
            raise NodeAway(f"The bus of {self.home} failed: {error.strerror or error}.") from error
        except _UNREADABLE as error:
            self._drop()
            raise BusProtocolError(f"The node's answer can't be read: {error}.") from error

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None

    # -- the commands by name; see BUS.md section 5

    def hello(self) -> m.HelloResult:
        """Versions, features and limits of the node."""
        return cast(m.HelloResult, self.request("hello"))

    def snapshot(self) -> m.SnapshotResult:
        """Everything as of one event."""
        return cast(m.SnapshotResult, self.request("snapshot"))

    def events(self, since: int, limit: int = 500, log: str | None = None) -> m.EventsResult:
        """Events after `since`, in order."""
        return cast(m.EventsResult, self.request("events", m.EventsArgs(since=since, limit=limit, log=log)))

    def history(
        self,
        room: str,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> m.HistoryResult:
        """A page of a room, oldest first."""
        args = m.HistoryArgs(room=room, before=before, after=after, around=around, limit=limit)
        return cast(m.HistoryResult, self.request("history", args))

    def search(
        self, query: str, *, room: str | None = None, before: int | None = None, limit: int = 20
    ) -> m.SearchResult:
        """Messages in which all words occur, newest first."""
        args = m.SearchArgs(query=query, room=room, before=before, limit=limit)
        return cast(m.SearchResult, self.request("search", args))

    def send(self, to: str, text: str, *, key: str | None = None) -> m.Message:
        """Say something; returns once it is on the node's disk. Takes effect once, however often it must be tried."""
        return self.send_all([m.Outgoing(to=to, text=text)], key=key)[0]

    def send_all(self, outgoing: list[m.Outgoing], *, key: str | None = None) -> list[m.Message]:
        """Say several things in one command: all are accepted, or none."""
        result = self.request("send", m.SendArgs(messages=outgoing), key=key or uuid.uuid4().hex)
        return cast(m.SendResult, result).messages

    def resend(self, message: int) -> m.Message:
        """Try a failed or unconfirmed message again."""
        return cast(m.ResendResult, self.request("resend", m.ResendArgs(message=message), key=uuid.uuid4().hex)).message

    def connect(self, address: str, dialect: str = "auto") -> m.Peer:
        """Get to know the peer at HOST:PORT and dial it; the outcome comes as events."""
        args = m.ConnectArgs(address=address, dialect=dialect)
        return cast(m.PeerResult, self.request("connect", args, key=uuid.uuid4().hex)).peer

    def disconnect(self, peer: str) -> m.Peer:
        """Say good-bye to a peer and close its connection."""
        return cast(m.PeerResult, self.request("disconnect", m.PeerArgs(peer=peer), key=uuid.uuid4().hex)).peer

    def peers(self) -> m.PeersResult:
        """All peers, by name."""
        return cast(m.PeersResult, self.request("peers"))

    def forget(self, peer: str) -> None:
        """Take a peer off the list; its conversation stays."""
        self.request("forget", m.PeerArgs(peer=peer), key=uuid.uuid4().hex)

    def rename(self, peer: str, name: str) -> m.Peer:
        """Call a peer something from now on; an empty name: as it calls itself."""
        args = m.RenameArgs(peer=peer, name=name)
        return cast(m.PeerResult, self.request("rename", args, key=uuid.uuid4().hex)).peer

    def merge(self, peer: str, into: str) -> m.Peer:
        """Make the conversation with `peer` part of the one with `into`; returns the latter."""
        args = m.MergeArgs(peer=peer, into=into)
        return cast(m.PeerResult, self.request("merge", args, key=uuid.uuid4().hex)).peer

    def delete(self, peer: str) -> None:
        """Delete the conversation with a peer and all that was said in it, for good."""
        self.request("delete", m.PeerArgs(peer=peer), key=uuid.uuid4().hex)

    def mark_read(self, room: str, upto: int | None = None) -> m.MarkReadResult:
        """Everything in the room up to this message has been read."""
        args = m.MarkReadArgs(room=room, upto=upto)
        return cast(m.MarkReadResult, self.request("mark_read", args, key=uuid.uuid4().hex))

    def stats(self) -> m.StatsResult:
        """Counts."""
        return cast(m.StatsResult, self.request("stats"))

    def settings(self, *, name: str | None = None, reconnect: bool | None = None) -> m.Settings:
        """Change settings (what is None stays), and return those in force."""
        args = m.SettingsArgs(name=name, reconnect=reconnect)
        return cast(m.SettingsResult, self.request("settings", args, key=uuid.uuid4().hex)).settings

    def status(self, timeout: float | None = None) -> m.StatusResult:
        """Whether the node is ready and well."""
        return cast(m.StatusResult, self.request("status", timeout=timeout))

    def stop(self) -> None:
        """Ask the node to end gracefully."""
        self.request("stop")

    # -- events

    def follow(self, cursor: Cursor | None = None) -> Follower:
        """All events, each once and in order, from `cursor` on; without one, a Resync with the present state first."""
        return Follower(self, cursor)


class Follower:
    """Follows the event log: an endless iterator of Item. Use it from one thread at a time.

    Promises: durable events come once each and in order of `seq`; where that can't be kept up, a Resync comes first.
    A node that goes away gives one Away, and one Back when it is there again. `close` may be called from any thread.
    """

    def __init__(self, client: Client, cursor: Cursor | None) -> None:
        self._client = client
        #: The last durable event given out, or the Resync after it: keep it, and go on from it after a restart. None
        #: until there was one.
        self.cursor = cursor
        #: The same for what is in `_ready` as well.
        self._position = cursor
        self._ready: collections.deque[Item] = collections.deque()
        self._closed = False
        #: Held by whoever uses the socket: ZeroMQ's may not be closed by one thread while another one waits on it.
        self._using = threading.Lock()
        self._socket: zmq.Socket[bytes] | None = None
        self._target: tuple[str, int] = ("", 0)
        self._synced = False
        self._away = False
        self._heard: float | None = None
        self._heard_wall: float | None = None
        self._try_at = 0.0
        self._pause = RECONNECT_S[0]
        client._followers.add(self)

    def __iter__(self) -> Iterator[Item]:
        while not self._closed:
            item = self.next(timeout=3600.0)
            if item is not None:
                yield item

    def close(self) -> None:
        """Close the subscription: whoever waits in `next` gets None within a moment, and the iteration ends."""
        self._closed = True
        with self._using:
            self._unsubscribe()

    def _unsubscribe(self) -> None:
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None

    def next(self, timeout: float) -> Item | None:
        """The next item, or None when there was none within `timeout` seconds (a slow node may add to that)."""
        with self._using:
            return self._next(time.monotonic() + timeout)

    def _next(self, deadline: float) -> Item | None:
        while not self._ready:
            if self._closed:
                return None
            now = time.monotonic()
            if not self._synced and now >= self._try_at:
                self._sync()
                continue
            wait = min(deadline, self._try_at if not self._synced else self._silent_at(), now + SLICE_S) - now
            if self._socket is None:
                if now >= deadline:
                    return None
                time.sleep(max(0.0, wait))
            elif self._socket.poll(max(0, int(wait * 1000) + 1)):
                self._receive()
            elif self._synced and time.monotonic() >= self._silent_at():
                self._lost("No heartbeat.")
            if not self._ready and time.monotonic() >= deadline:
                return None
        item = self._ready.popleft()
        if isinstance(item, Resync):
            self.cursor = Cursor(item.snapshot.log, item.snapshot.seq)
        elif isinstance(item, m.Event) and item.seq is not None:
            self.cursor = Cursor(item.log, item.seq)
        return item

    def _silent_at(self) -> float:
        return (self._heard or 0.0) + MISSED_HEARTBEATS * m.HEARTBEAT_MS / 1000

    def _lost(self, reason: str) -> None:
        self._synced = False
        self._try_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 1.6, RECONNECT_S[1])
        if not self._away:
            self._away = True
            self._ready.append(Away(reason, self._heard_wall))

    def _subscribe(self) -> None:
        endpoint = locate.read_endpoint(self._client.home)
        target = (endpoint.events, endpoint.started)
        if self._socket is not None and self._target == target:
            return
        self._unsubscribe()
        socket = self._client._context.socket(zmq.SUB)
        socket.setsockopt(zmq.RCVHWM, SUB_HIGH_WATER_MARK)
        _prepare(socket, endpoint)
        socket.connect(endpoint.events)
        socket.subscribe(b"")
        self._socket, self._target = socket, target

    def _sync(self) -> None:
        """Find the node, subscribe first, then fill what is missing: nothing can fall between the two."""
        try:
            self._subscribe()
            self._catch_up()
        except (NodeAway, BusProtocolError) as error:
            self._lost(str(error))
        except CommandRefused as error:
            self._lost(f"The node refuses: {error}")

    def _catch_up(self) -> None:
        """Ask for one page of what is missing. `_synced` tells whether that was all."""
        cursor = self._position
        if cursor is None:
            self._resync()
            return
        try:
            page = self._client.events(cursor.seq, m.MAX_EVENTS, cursor.log or None)
        except CommandRefused as error:
            if error.code not in ("log_changed", "cursor_too_old", "cursor_ahead"):
                raise
            self._resync()
            return
        self._alive()
        self._ready.extend(page.events)
        self._position = Cursor(page.log, page.events[-1].seq or 0) if page.events else Cursor(page.log, cursor.seq)
        self._synced = not page.more or not page.events
        self._try_at = 0.0

    def _resync(self) -> None:
        snapshot = self._client.snapshot()
        self._alive()
        self._ready.append(Resync(snapshot))
        self._position = Cursor(snapshot.log, snapshot.seq)
        self._synced = True

    def _alive(self) -> None:
        self._heard, self._heard_wall = time.monotonic(), time.time()
        self._pause = RECONNECT_S[0]
        if self._away:
            self._away = False
            self._ready.append(Back())

    def _behind(self) -> None:
        self._synced = False
        self._try_at = 0.0

    def _receive(self) -> None:
        assert self._socket is not None
        frames = self._socket.recv_multipart()
        try:
            event = m.decode_event(frames[-1])
        except _UNREADABLE:
            # Not an event by BUS.md; were it a durable one, its number will be missed and asked for.
            return
        cursor = self._position
        if not self._synced or cursor is None:
            # It is there after all; but a node that publishes and can't be asked must not be asked for each event.
            self._try_at = min(self._try_at, time.monotonic() + RECONNECT_S[0])
            return
        if event.log != cursor.log:
            self._behind()
            return
        self._heard, self._heard_wall = time.monotonic(), time.time()
        if event.seq is None:
            if isinstance(event.data, m.Heartbeat):
                if event.data.head != cursor.seq:
                    self._behind()
            else:
                self._ready.append(event)
        elif event.seq == cursor.seq + 1:
            self._position = Cursor(cursor.log, event.seq)
            self._ready.append(event)
        elif event.seq > cursor.seq:
            self._behind()
