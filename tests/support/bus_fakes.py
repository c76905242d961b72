"""The node's side of the bus, with a list for a disk: real sockets and the real Server, and faults to order.

It runs in a thread of its own; its methods may be called from any thread, and return once done.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import msgspec

from node.bus import encoding, locate, nouns
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.server import Server
from node.errors import CommandRefused

_Done = TypeVar("_Done")

#: Machines are shared and slow; a test that goes well never waits for this long, in seconds.
PATIENCE = 60.0


class FakeBus:
    """A node's bus on `home`. What it logged survives `stop`, as on a disk."""

    def __init__(self, home: pathlib.Path, *, sockets: str = "bus") -> None:
        self.home = home
        #: Folder of the sockets; another one gives other endpoints.
        self.sockets = sockets
        self.log = "log-1"
        self.events: list[ev.Event] = []
        #: The oldest event that can still be asked for.
        self.oldest = 1
        self.me = nouns.Self(id="me", code="aaaa", name="anna", listen="127.0.0.1:5000")
        #: All commands that came in, and how often each `send` took effect, by its text.
        self.commands: list[en.Command] = []
        self.effects: list[str] = []
        #: Until when the answers to come are kept back, one each, after they took effect: replies that come too late.
        self.held: list[threading.Event] = []
        #: What is said in bus.json of the process.
        self.pid = os.getpid()
        self.started = 0
        self.server: Server | None = None
        #: Answers instead of this node's own, by op.
        self.special: dict[str, Callable[[en.Command], Awaitable[en.Reply]]] = {}
        self._replies: dict[str, rq.SendResult] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> FakeBus:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, what: Awaitable[_Done]) -> _Done:
        """Wait for something in the node's thread."""

        async def wait() -> _Done:
            return await what

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result(PATIENCE)

    # -- its life

    def start(self) -> FakeBus:
        self.run(self._open())
        self.started += 1
        assert self.server is not None
        locate.write_endpoint(
            self.home,
            nouns.Endpoint(
                v=1, versions=[1], events=self.server.events_endpoint, commands=self.server.commands_endpoint,
                log=self.log, pid=self.pid, program="0", started=self.started,
            ),
        )  # fmt: skip
        return self

    async def _open(self) -> None:
        folder = locate.private_directory(self.home / self.sockets)
        self.server = Server(self._answer, self._heartbeat)
        await self.server.start(f"ipc://{folder / 'events'}", f"ipc://{folder / 'commands'}")

    def stop(self, *, gracefully: bool = True) -> None:
        """End; without grace, bus.json stays."""
        if self.server is not None:
            if gracefully:
                locate.remove_endpoint(self.home)
            self.run(self.server.close())
            self.server = None

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    # -- what it logs and publishes

    @property
    def head(self) -> int:
        return self.events[-1].seq or 0 if self.events else self.oldest - 1

    def put(self, count: int = 1, *, lost: Callable[[int], bool] = lambda seq: False, type_: str = "Counted") -> None:
        """Log events and publish them, but for those that get `lost` on the way to subscribers."""
        self.run(self._put(count, lost, type_))

    async def _put(self, count: int, lost: Callable[[int], bool], type_: str) -> None:
        for _ in range(count):
            seq = self.head + 1
            event = ev.Event(v=1, log=self.log, at=0, type=type_, seq=seq, data={"number": seq})
            self.events.append(event)
            if self.server is not None and not lost(seq):
                self.server.publish([event])

    def tell(self, type_: str, data: Any) -> None:
        """Publish an ephemeral event."""
        self.publish_raw(
            [b"~" + type_.encode(), encoding.encode(ev.Event(v=1, log=self.log, at=0, type=type_, data=data))]
        )

    def publish_raw(self, frames: list[bytes]) -> None:
        """Publish these very bytes."""

        async def publish() -> None:
            assert self.server is not None and self.server._events is not None
            self.server._events.send_multipart(frames)

        self.run(publish())

    def renumber(self, log: str, head: int = 0, oldest: int = 1) -> None:
        """Numbering starts anew, as after a backup was restored."""

        async def change() -> None:
            self.log, self.oldest = log, oldest
            self.events = [
                ev.Event(v=1, log=log, at=0, type="Counted", seq=seq, data={"number": seq})
                for seq in range(oldest, head + 1)
            ]

        self.run(change())

    def _heartbeat(self) -> ev.Event:
        data = ev.Heartbeat(log=self.log, head=self.head, oldest=self.oldest)
        return ev.Event(v=1, log=self.log, at=0, type="Heartbeat", data=data)

    # -- what it answers

    async def _answer(self, command: en.Command) -> en.Reply:
        self.commands.append(command)
        if command.op in self.special:
            return await self.special[command.op](command)
        result = self._result(command)
        if self.held:
            free = self.held.pop(0)
            while not free.is_set():  # noqa: ASYNC110 (it is set in another thread)
                await asyncio.sleep(0.002)
        return en.Reply(v=1, id=command.id, ok=True, result=msgspec.Raw(encoding.encode(result)), head=self.head)

    def _result(self, command: en.Command) -> msgspec.Struct:
        args = msgspec.json.decode(command.args, type=rq.COMMANDS[command.op][0])
        if isinstance(args, rq.EventsArgs):
            return self._page(args)
        if isinstance(args, rq.SendArgs):
            kept = self._replies.get(command.key or "")
            return kept or self._send(args, command.key)
        if command.op == "snapshot":
            state = nouns.State(self=self.me, settings=nouns.Settings(name=self.me.name))
            return rq.SnapshotResult(log=self.log, seq=self.head, state=state, live=nouns.Live())
        if command.op == "status":
            return rq.StatusResult(
                ready=True, self=self.me, pid=self.pid, program="0", home=str(self.home), log=self.log,
                head=self.head, health=nouns.Health(),
            )  # fmt: skip
        return rq.Nothing()

    def _send(self, args: rq.SendArgs, key: str | None) -> rq.SendResult:
        sent = []
        for outgoing in args.messages:
            self.effects.append(outgoing.text)
            sent.append(
                nouns.Message(
                    id=len(self.effects), room=outgoing.to, order="0", at=0, direction="out", author="me", name="anna",
                    text=outgoing.text, state="waiting",
                )
            )  # fmt: skip
        result = rq.SendResult(messages=sent)
        if key:
            self._replies[key] = result
        return result

    def _page(self, args: rq.EventsArgs) -> rq.EventsResult:
        if args.log is not None and args.log != self.log:
            raise CommandRefused("log_changed", "another log")
        if args.since > self.head:
            raise CommandRefused("cursor_ahead", "ahead", details={"head": self.head})
        if args.since < self.oldest - 1:
            raise CommandRefused("cursor_too_old", "too old", details={"oldest": self.oldest})
        events = [event for event in self.events if (event.seq or 0) > args.since][: args.limit]
        last = events[-1].seq or 0 if events else args.since
        return rq.EventsResult(log=self.log, head=self.head, oldest=self.oldest, events=events, more=last < self.head)


def numbers(items: Iterable[object]) -> list[int]:
    """The numbers of the durable events among what a follower gave."""
    return [item.seq for item in items if isinstance(item, ev.Event) and item.seq is not None]
