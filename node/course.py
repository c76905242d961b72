"""The course of one run: the parts start in order, run until the end is asked for, and end in order.

"NodeStarted" is the first event of a run: the node reads nothing from peers until that is on disk. At the end the links
say good-bye first, and what peers still send is committed. The bus closes last; until then, commands are refused with
`stopping`. If a part fails to start, the parts started before it are ended.

This file sees the parts through small interfaces only; app.py makes them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from node import tasks
from node.announce import Announcements
from node.bus import nouns
from node.core import stimuli as s
from node.errors import StoreUnavailable
from node.model import Address

#: Time for good-byes at the end, in seconds.
GOODBYE = 2.0
#: Time before that for good-byes on connections of their own, while the node still listens, in seconds.
FAREWELL = 1.0
#: Time for all the last commits together, and the least that each of them gets, in seconds.
LAST_COMMIT = 5.0
MIN_COMMIT = 0.5
#: Time for connections accepted at the last moment to deliver their text, in seconds.
LAST_CALL = 0.05
#: What front ends have to do after the history was set back (a restored backup, say).
SET_BACK = "The event log has a new id: front ends take a new snapshot, and bots begin their consumers anew."
#: Exit code of a run that a bug ended (EX_SOFTWARE of sysexits.h).
EXIT_BUG = 70


class Background(Protocol):
    """Background work, done while nothing is being committed."""

    def start(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """End."""


class Loop(Protocol):
    """The loop around the core, and the database."""

    @property
    def health(self) -> nouns.Health:
        """The node's health, with the state of the disk."""

    @property
    def upkeep(self) -> Background:
        """The background work on the database; it ends with the loop."""

    def feed(self, stimulus: s.Started | s.StopAsked | s.Stopped) -> None:
        """Something happened."""

    def notice(self, about: str, sentence: str | None) -> None:
        """Tell people."""

    def read_on(self) -> None:
        """Read from peers."""

    async def quiet(self, timeout: float) -> None:  # noqa: ASYNC109 (the end is the end, done or not)
        """Wait until every decision is committed and performed, at most `timeout` seconds."""

    async def close(self) -> None:
        """Refuse everything, and close the database."""


class Links(Protocol):
    """All connections to peers."""

    def __len__(self) -> int:
        """Number of open connections."""

    def pause(self) -> None:
        """Hear nobody."""

    async def listen(self, address: Address) -> Address:
        """Listen; returns the bound address, with its port if the system chose one. Raises ListenError."""

    def stop_listening(self) -> None:
        """Take no new connections."""

    def leave_all(self) -> None:
        """Say good-bye to everybody."""

    async def closed(self, timeout: float) -> bool:  # noqa: ASYNC109 (False is an answer here)
        """Wait at most `timeout` seconds until no connection is left; returns whether none is."""


class Door(Protocol):
    """The sockets and the file by which front ends find the node."""

    async def open(self, now: int) -> None:
        """Bind the sockets of the bus. Raises ConfigError or ListenError."""

    def announce(self) -> None:
        """Write bus.json, which says where the sockets are. Raises OSError."""

    async def close(self) -> None:
        """Remove bus.json."""

    def remove_sockets(self) -> None:
        """Remove the files of the sockets, once they are closed."""


class Bus(Protocol):
    """Events and commands for front ends."""

    async def close(self) -> None:
        """Stop answering commands."""


class Answers(Protocol):
    """The answers to the commands of front ends."""

    async def give_up(self) -> None:
        """The core has stopped after a bug: refuse every command that still waits."""


class House(Protocol):
    """What the course needs of the App around it."""

    def now(self) -> int:
        """Milliseconds since 1970."""

    def started(self, listen: Address) -> s.Started:
        """The stimulus that tells the core that the node listens on `listen`."""

    def begin(self) -> None:
        """NodeStarted is decided: start the background work."""

    def up(self) -> None:
        """Announce that the node is up."""


class Parts(NamedTuple):
    """The parts of a node, and the App that holds them."""

    loop: Loop
    links: Links
    door: Door
    bus: Bus
    answers: Answers
    retention: Background
    house: House


class End:
    """The end of a run: whether it was asked for, why, and whether a bug caused it."""

    def __init__(self, announcements: Announcements) -> None:
        self._announcements = announcements
        self._stopping = asyncio.Event()
        self.reason = ""
        #: Whether a bug ends this run.
        self.broken = False

    @property
    def asked(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping.is_set()

    async def wait(self) -> None:
        """Wait until the end is asked for."""
        await self._stopping.wait()

    def stop(self, reason: str) -> None:
        """Ask for the end. Only the first reason is announced."""
        self.reason = self.reason or reason
        self._stopping.set()

    def broke(self) -> None:
        """A bug: end this run as soon as possible; nothing more is decided."""
        self.broken = True
        self.stop("A bug in Snicher.")

    def uncaught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler: an exception that nobody caught is a bug, unless the network caused it.

        A dead long-running task (tasks.DIED) is a bug whatever the exception is, because the node would hang and look
        healthy.
        """
        error = context.get("exception")
        message = context.get("message") or "an exception that nobody caught"
        if tasks.DIED in context or (isinstance(error, Exception) and not isinstance(error, OSError)):
            self._announcements.bug(message, error)
            if not self.asked:
                self.broke()
        else:
            self._announcements.trouble(message, error)


class Course:
    """The parts of one run, from their start to their end."""

    def __init__(self, parts: Parts, end: End, announcements: Announcements) -> None:
        self._parts = parts
        self._end = end
        self._announcements = announcements

    async def run(self, listen: Address, set_back: str | None) -> int:
        """Start, run until the end is asked for, end; returns the exit code.

        `set_back` says why the history of this node was set back. Raises SnicherError when something can't start.
        """
        parts = self._parts
        async with contextlib.AsyncExitStack() as ends:
            # These run in reverse order.
            ends.callback(parts.door.remove_sockets)
            for end in (parts.bus.close, parts.loop.close, parts.retention.close):
                ends.push_async_callback(end)
            ends.callback(parts.links.stop_listening)
            ends.push_async_callback(parts.door.close)
            await self._start(listen, set_back)
            await self._end.wait()
            await self._say_goodbye()
        return EXIT_BUG if self._end.broken else 0

    async def _start(self, listen: Address, set_back: str | None) -> None:
        loop, links, door, house = self._parts.loop, self._parts.links, self._parts.door, self._parts.house
        links.pause()
        started = house.started(await links.listen(listen))
        await door.open(house.now())
        loop.feed(started)
        house.begin()
        await loop.quiet(LAST_COMMIT)
        if not loop.health.store:
            raise StoreUnavailable(loop.health.problem or "The database can't be written.")
        door.announce()
        if set_back is not None:
            loop.notice("history", f"{set_back} {SET_BACK}")
        loop.read_on()
        self._parts.retention.start()
        loop.upkeep.start()
        house.up()

    async def _say_goodbye(self) -> None:
        loop, links, end = self._parts.loop, self._parts.links, self._end
        self._announcements.going_down(end.reason)
        left = _countdown(LAST_COMMIT)
        if not end.broken:
            loop.feed(s.StopAsked(end.reason))
            await loop.quiet(left())
            await links.closed(FAREWELL)
        links.stop_listening()
        await asyncio.sleep(LAST_CALL)
        await loop.quiet(left())
        links.leave_all()
        if not await links.closed(GOODBYE):
            self._announcements.still_connected(len(links))
        if end.broken:
            await self._parts.answers.give_up()
            return
        loop.feed(s.Stopped(end.reason))
        await loop.quiet(left())
        self._announcements.down(loop.health)


def _countdown(seconds: float) -> Callable[[], float]:
    """A function that tells what is left of `seconds` from now, MIN_COMMIT at least."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    return lambda: max(MIN_COMMIT, until - clock())
