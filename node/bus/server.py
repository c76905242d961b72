"""The node's side of the bus: a PUB socket for events and a socket for commands. (BUS.md section 2)

Law of this file: a leaf. It is given a callable that answers commands, never the core. Every request gets exactly one
reply (replier.py), because a REQ socket that gets none is stuck for good (ZeroMQ guide, chapter 3).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator

import msgspec
import zmq
import zmq.asyncio
import zmq.auth.asyncio
from zmq.utils.monitor import parse_monitor_message

from node import tasks
from node.bus import bounds, encoding
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.replier import Replier
from node.errors import CommandRefused, ListenError

log = logging.getLogger("snicher.bus")

#: High-water mark of PUB, in events for each slow subscriber. Further ones are dropped; it fills the gap by `events`.
PUB_HIGH_WATER_MARK = 100_000
#: A longer frame makes libzmq close its sender's connection; a shorter one that is still too long gets `too_large`.
MAX_FRAME_BYTES = 16 * 1024 * 1024

#: Pauses before each heartbeat that welcomes a new connection, in seconds. Its subscription arrives a moment after the
#: connection, and the first heartbeat it receives shows that it is subscribed.
WELCOME_S = (0.001, 0.004, 0.02, 0.1)
#: Endpoint within this process at which libzmq reports connections to PUB.
WATCHED = "inproc://subscribers"

#: Most listeners kept after their file was removed, because their connections need them; each costs a file descriptor.
MAX_REBINDS = 32

Answer = Callable[[en.Command], Awaitable[en.Reply]]
Heartbeat = Callable[[], ev.Event]

#: As plain numbers, because combining enum flags takes longer than sending a frame.
_NOBLOCK, _MORE = int(zmq.NOBLOCK), int(zmq.NOBLOCK) | int(zmq.SNDMORE)

_command_decoder = msgspec.json.Decoder(en.Command)


def curve_keypair() -> tuple[str, str]:
    """A fresh CURVE key pair (public, secret), both in Z85 (ZeroMQ RFC 32)."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


class _IdOnly(msgspec.Struct):
    id: str = ""


def refusal(command_id: str, code: str, message: str, details: dict[str, object] | None = None) -> en.Reply:
    """An error reply. `code` must be one of ERROR_CODES."""
    error = en.ErrorBody(code=code, message=message, retryable=en.ERROR_CODES[code][1], details=details or {})
    return en.Reply(v=bounds.VERSION, id=command_id, ok=False, error=error)


def parse_command(frames: list[bytes]) -> en.Command | en.Reply:
    """The command in a request's frames, or an error reply if it is invalid. Never raises."""
    if len(frames) != 1:
        return refusal("", "malformed", f"A command is one frame, this had {len(frames)}.")
    body = frames[0]
    if len(body) > bounds.MAX_COMMAND_BYTES:
        return refusal("", "too_large", f"{len(body)} bytes; at most {bounds.MAX_COMMAND_BYTES} are taken.")
    try:
        command = _command_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        command_id = ""
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            command_id = msgspec.json.decode(body, type=_IdOnly).id[: bounds.MAX_ID_CHARS]
        return refusal(command_id, "malformed", f"Not a command: {error}.")
    for name, value in (("id", command.id), ("client", command.client), ("key", command.key or "")):
        if len(value) > bounds.MAX_ID_CHARS:
            return refusal(
                command.id[: bounds.MAX_ID_CHARS], "malformed", f"`{name}` is over {bounds.MAX_ID_CHARS} characters."
            )
    if command.v != bounds.VERSION:
        return refusal(command.id, "unsupported_version", f"This node speaks bus version {bounds.VERSION}.")
    if command.op not in rq.COMMANDS:
        return refusal(command.id, "unknown_op", f"There is no command {command.op[:40]!r}; see BUS.md.")
    return command


class Server:
    """Binds the two sockets, publishes events and answers commands.

    `answer` is awaited for every well-formed command. `heartbeat` makes the event that is published every HEARTBEAT_MS.
    """

    def __init__(self, answer: Answer, heartbeat: Heartbeat) -> None:
        self._answer = answer
        self._heartbeat = heartbeat
        self._context = zmq.asyncio.Context()
        self._events: zmq.Socket[bytes] | None = None
        self._commands: zmq.Socket[bytes] | None = None
        self._replier: Replier | None = None
        self._watcher: zmq.asyncio.Socket | None = None
        self._authenticator: zmq.auth.asyncio.AsyncioAuthenticator | None = None
        self._tasks: list[asyncio.Task[None]] = []
        #: The connections to PUB, by their file descriptors.
        self._subscribers: set[int] = set()
        #: Set when somebody has connected to PUB and wasn't welcomed yet.
        self._joined = asyncio.Event()
        #: Device and inode of each `ipc` endpoint's file.
        self._files: dict[str, tuple[int, int]] = {}
        #: Number of listeners left behind by binding again.
        self._rebinds = 0
        #: Where the sockets are bound, once started.
        self.events_endpoint = ""
        self.commands_endpoint = ""

    async def start(
        self,
        events: str,
        commands: str,
        *,
        server_secret: bytes | None = None,
        allowed: Callable[[str], bool] | None = None,
    ) -> None:
        """Bind both sockets. TCP endpoints need `server_secret` (Z85) and `allowed`, which decides on a client's key.

        Raises ListenError when an endpoint can't be bound.
        """
        publisher: zmq.Socket[bytes] = zmq.Context.shadow(self._context.underlying).socket(zmq.PUB)
        publisher.setsockopt(zmq.SNDHWM, PUB_HIGH_WATER_MARK)
        commander: zmq.Socket[bytes] = zmq.Context.shadow(self._context.underlying).socket(zmq.ROUTER)
        self._events, self._commands = publisher, commander
        watcher = self._context.socket(zmq.PAIR)
        # No limit for connection events that wait to be counted: libzmq would block at the limit.
        watcher.setsockopt(zmq.RCVHWM, 0)
        publisher.monitor(WATCHED, zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        watcher.connect(WATCHED)
        self._watcher = watcher
        if events.startswith("tcp:"):
            if server_secret is None or allowed is None:
                raise ListenError("The bus is on TCP only with CURVE keys.")
            self._authenticator = zmq.auth.asyncio.AsyncioAuthenticator(self._context)
            self._authenticator.start()
            self._authenticator.configure_curve_callback(credentials_provider=_AllowList(allowed))
        for socket, endpoint in ((publisher, events), (commander, commands)):
            socket.setsockopt(zmq.LINGER, 200)
            # On PUB this bounds subscriptions, the only frames that come in there.
            socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
            # Off by default in libzmq; without it an IPv6 endpoint can't be bound.
            socket.setsockopt(zmq.IPV6, 1)
            if server_secret is not None:
                socket.setsockopt(zmq.CURVE_SERVER, 1)
                socket.setsockopt(zmq.CURVE_SECRETKEY, server_secret)
            try:
                socket.bind(endpoint)
            except zmq.ZMQError as error:
                raise ListenError(f"The bus can't use {endpoint}: {error.strerror or error}.") from error
        self.events_endpoint = publisher.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
        self.commands_endpoint = commander.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
        for endpoint in (self.events_endpoint, self.commands_endpoint):
            self._note_file(endpoint)
        self._replier = Replier(commander, self._respond)
        works = {"bus heartbeat": self._beat(), "bus subscribers": self._watch()}
        self._tasks = [tasks.begin(work, name) for name, work in works.items()]

    def _note_file(self, endpoint: str) -> None:
        """Close the file of an `ipc` endpoint to others, and remember which file it is."""
        if endpoint.startswith("ipc://"):
            path = endpoint.removeprefix("ipc://")
            os.chmod(path, 0o600)  # noqa: PTH101 (a path as libzmq knows it)
            found = os.lstat(path)
            self._files[endpoint] = found.st_dev, found.st_ino

    def vanished(self) -> list[str]:
        """The `ipc` endpoints whose file was removed or replaced, so that nobody can connect there any more."""
        gone = []
        for endpoint, known in self._files.items():
            try:
                found = os.lstat(endpoint.removeprefix("ipc://"))
            except OSError:
                gone.append(endpoint)
                continue
            if (found.st_dev, found.st_ino) != known:
                gone.append(endpoint)
        return gone

    def bind_again(self, endpoints: Iterable[str]) -> None:
        """Bind again where the socket's file has vanished. Present connections stay.

        libzmq keeps the old, unreachable listener with its file descriptor, because unbinding it would end its
        connections. After MAX_REBINDS it is unbound all the same; clients then reconnect and fill the gap by `events`.
        Raises ListenError.
        """
        for endpoint in endpoints:
            socket = self._events if endpoint == self.events_endpoint else self._commands
            if socket is None:
                return
            try:
                if self._rebinds >= MAX_REBINDS:
                    for bound in (self.events_endpoint, self.commands_endpoint):
                        other = self._events if bound == self.events_endpoint else self._commands
                        if other is not None:
                            other.unbind(bound)
                            other.bind(bound)
                            self._note_file(bound)
                    self._rebinds = 0
                    return
                socket.bind(endpoint)
                self._note_file(endpoint)
            except (zmq.ZMQError, OSError) as error:
                raise ListenError(f"The bus can't use {endpoint}: {error.strerror or error}.") from error
            self._rebinds += 1

    def publish(self, events: Iterable[ev.Event]) -> None:
        """Send events to all subscribers. Never blocks: a subscriber too far behind loses events, and asks for them."""
        if self._events is None:
            return
        send, encode = self._events.send, encoding.encode
        for event in events:
            # Two plain sends of one message: the overhead of `send_multipart` is larger than the rest of this loop.
            send(ev.topic_of(event.type), _MORE)
            send(encode(event), _NOBLOCK)

    @property
    def subscribed(self) -> int:
        """Number of sockets connected to PUB right now."""
        return len(self._subscribers)

    async def close(self) -> None:
        """Stop answering, and wait a moment for published events to leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._replier is not None:
            await self._replier.close()
            self._replier = None
        if self._authenticator is not None:
            self._authenticator.stop()
        if self._events is not None:
            self._events.disable_monitor()
        for socket in (self._events, self._commands, self._watcher):
            if socket is not None:
                socket.close()
        self._events = self._commands = self._watcher = None
        self._subscribers.clear()
        self._context.term()

    async def _beat(self) -> None:
        soon: Iterator[float] = iter(())
        while True:
            self.publish([self._heartbeat()])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(next(soon, bounds.HEARTBEAT_MS / 1000)):
                    await self._joined.wait()
                self._joined.clear()
                soon = iter(WELCOME_S)

    async def _watch(self) -> None:
        """Count the connections to PUB, and welcome new ones. Costs time for a connection, none for an event."""
        assert self._watcher is not None
        while True:
            seen = parse_monitor_message(await self._watcher.recv_multipart())
            if seen["event"] == zmq.EVENT_ACCEPTED:
                self._subscribers.add(seen["value"])
            elif seen["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._joined.set()
            else:
                self._subscribers.discard(seen["value"])

    async def _respond(self, frames: list[bytes]) -> bytes:
        command = parse_command(frames)
        return encoding.encode(command) if isinstance(command, en.Reply) else await self._safely(command)

    async def _safely(self, command: en.Command) -> bytes:
        """The reply's frame. Any exception but CommandRefused is a bug, and becomes an `internal` error."""
        try:
            try:
                return encoding.encode(await self._answer(command))
            except CommandRefused as error:
                return encoding.encode(refusal(command.id, error.code, error.message, error.details))
        except Exception:
            log.exception("a bug in %s; the front end got an error", command.op)
            return encoding.encode(refusal(command.id, "internal", "A bug in the node; its log says more."))


class _AllowList:
    """CURVE credentials (ZeroMQ RFC 27): decides whether a client's public key is allowed."""

    def __init__(self, allowed: Callable[[str], bool]) -> None:
        self._allowed = allowed

    def callback(self, domain: str, key: bytes) -> bool:
        """Called by pyzmq's authenticator with the client's key in Z85."""
        return self._allowed(key.decode())
