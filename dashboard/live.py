"""Feed -> one bounded queue per browser tab -> WebSocket; and back: requests of a tab become commands to the node.

Law of this file: everything here runs on the server's event loop, so registering a tab and taking its snapshot are one
step, and no lock is needed. A tab that can't keep up is closed; it comes back and resumes by its cursor.

schema.py declares what a tab and this server tell each other. A tab sends `hello` with its cursor `{log, seq}`. It gets
one `all`: the first page of all lists, and the changes since its cursor if they are still known. Then come the other
pages as `more` (lists.py), and `patch`es, also between two pages. A tab that sent `watch` gets `rows` and `figures` as
well (watching.py).
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from dashboard import asked, composing, guard, hatch, lists, native, operations, schema, viewmodel, watching
from dashboard.door import Door
from dashboard.feed import Asker, Feed
from dashboard.sessions import Session
from node.bus import events as ev
from node.bus.aio import Away, Back, Item, Resync
from node.errors import BusProtocolError, CommandRefused, NodeAway

log = logging.getLogger("snicher.dashboard")

#: Most tabs; a further one is told to try again later.
MAX_TABS = 64
#: Most frames that wait for one tab. Each holds up to a batch of events. A tab further behind is closed and resumes.
MAX_WAITING_FRAMES = 256
#: Recent operations kept for tabs that resume, and the most replayed to one tab. A tab that lacks more loads its
#: history again.
MAX_KEPT_OPS = 4096
MAX_REPLAYED_OPS = 1000
#: Most requests of one tab in flight; further ones wait in the socket.
MAX_UNDER_WAY = 8
#: Attempts to read the state that isn't in the log, in case an ephemeral event overtakes the answer. The last answer
#: counts in any case.
MAX_LOOKS = 5
#: Pause before the node is asked again that didn't answer, in seconds.
LOOK_PAUSE_S = 1.0
_FLEETING = ev.HealthChanged | ev.RetryScheduled | ev.PeerChanged
#: Longest request of a tab, in characters: a text of 64 KiB in JSON escapes fits. A longer one closes the tab.
MAX_WORD_CHARS = 512 * 1024
#: Interval of heartbeats to each tab, in seconds. A tab that misses some knows that the server hangs.
BEAT_S = 5.0
#: How long closing a tab may take, in seconds.
CLOSE_S = 1.0

#: WebSocket close codes of our own (4000 to 4999 are free for applications, RFC 6455 section 7.4.2).
CLOSE_BEHIND = 4001
CLOSE_MALFORMED = 4002
CLOSE_TOO_MANY = 4003


def _now() -> int:
    return int(time.time() * 1000)


def _room_of(op: operations.Lasting) -> str | None:
    match op:
        case operations.MessageOp() | operations.ChangedOp():
            return op.message.room
        case operations.RoomGone() | operations.HiddenOp():
            return op.id
        case operations.IdentitySharedOp():
            return None
        case _:
            return op.room


def _reply(n: int, told: msgspec.Struct) -> schema.ReplyFrame:
    """The reply to request number `n`: an answer or a problem."""
    if isinstance(told, schema.Problem):
        return schema.ReplyFrame(n, problem=told)
    return schema.ReplyFrame(n, told)


class _Begin(NamedTuple):
    """A frame with which the lists begin anew, and the frames of their other pages."""

    frame: bytes
    pages: Iterator[bytes]


class Tab:
    """One browser tab: a bounded queue of frames and the task that sends them."""

    def __init__(self, socket: WebSocket, session: Session | None = None) -> None:
        self._socket = socket
        #: The session of its browser.
        self.session = session
        #: Whether it has sent `hello` with the pass.
        self.welcome = False
        #: The conversation that was open when it came: it is on the first page of the lists.
        self.opened = ""
        self._frames: asyncio.Queue[bytes | _Begin] = asyncio.Queue(MAX_WAITING_FRAMES)
        #: Set when the tab must go, with the close code.
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def put(self, frame: bytes | _Begin) -> None:
        """Queue a frame. If the queue is full, the tab is closed. Pages of lists take no place in it."""
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.end(CLOSE_BEHIND)

    def end(self, code: int) -> None:
        """Close the tab with this code."""
        if not self.ended.done():
            self.ended.set_result(code)

    async def send_all(self) -> None:
        """Send queued frames, for ever; and after each a page of the lists, as long as there are more. So an answer
        doesn't wait for long lists, nor do these wait for a flood to end."""
        pages: Iterator[bytes] = iter(())
        page = None
        while True:
            if page is None or not self._frames.empty():
                frame = await self._frames.get()
                if isinstance(frame, _Begin):
                    frame, pages = frame
                    page = next(pages, None)
                await self._socket.send_text(frame.decode())
            if page is not None:
                # Sending alone may not let others run.
                await asyncio.sleep(0)
                await self._socket.send_text(page.decode())
                page = next(pages, None)


class Hub:
    """Follows one node and serves all tabs of this server."""

    def __init__(self, home: str | os.PathLike[str], name: str, door: Door | None = None) -> None:
        self._door = door
        self.model = viewmodel.Model(os.fspath(home))
        self._tabs: set[Tab] = set()
        #: Number of events that make the live state stale; and whether `_refresh_live` is reading it.
        self._fleeting = 0
        self._asking = False
        self._kept: collections.deque[operations.Lasting] = collections.deque(maxlen=MAX_KEPT_OPS)
        #: Operations up to this event have been dropped.
        self._kept_after = 0
        self._asker = Asker(home, name)
        self._watchers = watching.Watchers(self._asker, self.model, name)
        self._composing = composing.Composing(self._asker, self.model)
        self._feed = Feed(home, name, self.take)
        self._tasks: set[asyncio.Task[None]] = set()
        self._encoder = msgspec.json.Encoder()
        #: The lists as they are now, for the next tab; None when they have changed since they were made.
        self._lists: lists.Lists | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the node while inside; for the server's lifespan."""
        self._spawn(self._feed.run())
        self._spawn(self._beat())
        try:
            with hatch.open_to(native.Native(self._asker, self.model, self._watchers, self._door)):
                yield
        finally:
            for tab in self._tabs:
                tab.end(1012)
            self._watchers.close()
            self._composing.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._asker.close()

    # -- from the node

    def take(self, batch: list[Item]) -> None:
        """Bring the model and all tabs up to date by a batch of items."""
        ops: list[operations.Op] = []
        anew = False
        for item in batch:
            if isinstance(item, Resync):
                self.model.resync(item.snapshot)
                self._kept.clear()
                self._kept_after = self.model.seq
                anew, ops = True, []
            elif isinstance(item, Away):
                ops += self.model.away(item.reason, None if item.since is None else int(item.since * 1000))
            elif isinstance(item, Back):
                ops += self.model.back()
                self._look_again()
            else:
                self._watchers.note(item)
                ops += self.model.event(item)
                self._fleeting += isinstance(item.data, _FLEETING)
                if isinstance(item.data, ev.NodeStarted):
                    # The node may have been back so quickly that no Away was given.
                    self._look_again()
        self._keep(ops)
        # Also without operations: each event moves the cursor on.
        self._lists = None
        if anew:
            for tab in list(self._tabs):
                tab.put(self._begin(tab, None))
        elif ops:
            self._publish(schema.PatchFrame(self.model.seq, ops))

    def _keep(self, ops: list[operations.Op]) -> None:
        for op in ops:
            if not isinstance(op, operations.Lasting):
                continue
            # Texts that expired or were deleted aren't kept for returning tabs, either.
            if isinstance(op, operations.ExpiredOp):
                self._retain([one for one in self._kept if not op.takes(one)])
            elif isinstance(op, operations.RoomGone) and op.into is None:
                self._retain([one for one in self._kept if _room_of(one) != op.id])
            elif isinstance(op, operations.HiddenOp):
                # Nothing of somebody who is blocked is told to a tab that returns.
                self._retain([one for one in self._kept if _room_of(one) != op.id])
            if len(self._kept) == MAX_KEPT_OPS:
                self._kept_after = self._kept[0].seq
            self._kept.append(op)

    def _retain(self, stay: list[operations.Lasting]) -> None:
        self._kept = collections.deque(stay, maxlen=MAX_KEPT_OPS)

    def _publish(self, frame: msgspec.Struct) -> None:
        if self._tabs:
            encoded = self._encoder.encode(frame)
            for tab in list(self._tabs):
                tab.put(encoded)

    def _look_again(self) -> None:
        self._fleeting += 1
        if not self._asking:
            self._asking = True
            self._spawn(self._refresh_live())

    async def _refresh_live(self) -> None:
        """Read the state that isn't in the log (next tries, health), which may have changed while the node was away."""
        try:
            for _ in range(MAX_LOOKS):
                before, answers = self._fleeting, None
                with contextlib.suppress(NodeAway, CommandRefused, BusProtocolError):
                    answers = [await self._asker.ask(op) for op in ("peers", "status", "nearby")]
                if answers is None and self.model.absent is None:
                    # The node is there, and was too busy to answer: what was missed while it was away is still missing.
                    await asyncio.sleep(LOOK_PAUSE_S)
                    continue
                if before == self._fleeting:
                    break
                # An event that came meanwhile may be newer than the answers, or the node is back. Read again.
            if answers:
                peers, status, found = answers
                ops = self.model.live(peers.next_tries, status.health, found.nearby)
                if ops:
                    self._lists = None
                    self._publish(schema.PatchFrame(self.model.seq, ops))
        finally:
            self._asking = False

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self._publish(schema.BeatFrame(_now()))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- from and to the tabs

    async def serve(self, socket: WebSocket) -> None:
        """Serve one tab from its first request to its end. The route's endpoint; the guard has let it in."""
        await socket.accept()
        if len(self._tabs) >= MAX_TABS:
            await socket.close(CLOSE_TOO_MANY, "Too many tabs are open.")
            return
        tab = Tab(socket, socket.scope.get(guard.SESSION))
        reading = asyncio.create_task(self._read(tab, socket))
        sending = asyncio.create_task(tab.send_all())
        try:
            ends: list[asyncio.Future[Any]] = [reading, sending, tab.ended]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._tabs.discard(tab)
            self._watchers.discard(tab)
            self._composing.stops(tab)
            for task in (reading, sending):
                task.cancel()
            await asyncio.wait({reading, sending})
            for task in (reading, sending):
                # A tab that has vanished causes an error in sending, which is normal. Any other error is our bug.
                error = None if task.cancelled() else task.exception()
                if error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError | OSError):
                    log.error("serving a tab failed", exc_info=error)
            code = tab.ended.result() if tab.ended.done() else 1000
            if socket.client_state is WebSocketState.CONNECTED:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(socket.close(code), CLOSE_S)

    async def _read(self, tab: Tab, socket: WebSocket) -> None:
        room_for = asyncio.Semaphore(MAX_UNDER_WAY)
        answering: set[asyncio.Task[None]] = set()
        try:
            while True:
                text = await socket.receive_text()
                if len(text) > MAX_WORD_CHARS:
                    tab.end(1009)
                    return
                try:
                    word = schema.decode(text)
                except schema.UNREADABLE:
                    tab.end(CLOSE_MALFORMED)
                    return
                if isinstance(word, schema.Hello):
                    tab.welcome = self._knows(tab, word)
                if not tab.welcome:
                    # A cookie alone allows neither reading nor writing; sessions.py says why.
                    tab.end(guard.CLOSE_SHUT_OUT)
                    return
                if isinstance(word, schema.Hello):
                    self._register(tab, word)
                    continue
                reply = self._at_once(tab, word)
                if reply is not None:
                    tab.put(self._encoder.encode(reply))
                    continue
                if isinstance(word, schema.Unknown):
                    continue
                await room_for.acquire()
                task = asyncio.create_task(self._answer(tab, word))
                answering.add(task)
                task.add_done_callback(answering.discard)
                task.add_done_callback(lambda _: room_for.release())
        except (WebSocketDisconnect, KeyError):
            # KeyError comes from Starlette's receive_text on a binary frame; our pages never send one.
            return
        finally:
            for task in answering:
                task.cancel()

    def _knows(self, tab: Tab, hello: schema.Hello) -> bool:
        """Whether the tab has sent the pass of its session. A hub without a door accepts everybody."""
        door, session = self._door, tab.session
        return door is None or (session is not None and door.sessions.passes(hello.word, session.host))

    def _register(self, tab: Tab, hello: schema.Hello) -> None:
        # There is no await in between, so no event can fall between snapshot and queue.
        self._tabs.add(tab)
        tab.opened = hello.room
        tab.put(self._begin(tab, self._missed(hello.log, hello.seq)))

    def _begin(self, tab: Tab, missed: list[operations.Lasting] | None) -> _Begin:
        """All lists as they are now."""
        if self._lists is None:
            self._lists = lists.Lists(self.model.everything())
        frame = schema.AllFrame(_now(), self._lists.first(tab.opened), missed, self._lists.count)
        return _Begin(self._encoder.encode(frame), self._lists.pages(self._encoder))

    def _at_once(self, tab: Tab, word: schema.Request | schema.Unknown) -> schema.ReplyFrame | None:
        """The answer to what this server does without the node, which is done; None to all else."""
        match word:
            case schema.Watch():
                (self._watchers.add if word.on else self._watchers.discard)(tab)
                return schema.ReplyFrame(word.n, schema.Done())
            case schema.Typing():
                if word.stopped:
                    self._composing.stops(tab)
                else:
                    self._composing.types(tab, word.room)
                return schema.ReplyFrame(word.n, schema.Done())
            case schema.Link() | schema.ShutOutOthers():
                return _reply(word.n, native.at_the_door(word, self._door, tab.session))
            case schema.Unknown(n=int(n)):
                told = "This dashboard's server doesn't know that: it may be older than the page. Reload the page."
                return schema.ReplyFrame(n, problem=schema.Problem("unknown_op", told))
            case _:
                return None

    def _missed(self, log_id: str, seq: int) -> list[operations.Lasting] | None:
        """The operations since a tab's cursor; None when they aren't known (any more)."""
        if not log_id or log_id != self.model.log or not self._kept_after <= seq <= self.model.seq:
            return None
        missed = [op for op in self._kept if op.seq > seq and not self._is_back(op)]
        return missed if len(missed) <= MAX_REPLAYED_OPS else None

    def _is_back(self, op: operations.Lasting) -> bool:
        """Whether it tells of somebody who was blocked, and is no more."""
        return isinstance(op, operations.HiddenOp) and self.model.room(op.id) is not None

    async def _answer(self, tab: Tab, word: schema.Request) -> None:
        tab.put(self._encoder.encode(_reply(word.n, await asked.reply(word, self._asker, self.model))))
