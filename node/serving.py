"""Entries for other nodes, from disk to link: their bytes skip the core, which only says how far to go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol, TypeVar

from node.core import effects as e
from node.core import stimuli as s
from node.errors import CommandRefused
from node.protocol.secure.frames import Frame, Run

log = logging.getLogger("snicher.store")

P = ParamSpec("P")
T = TypeVar("T")


class Loop(Protocol):
    """The loop around the core, and the store's reader."""

    def feed(self, stimulus: s.Served) -> None:
        """Hand a stimulus to the core."""

    async def read(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the reader in its thread. Raises CommandRefused when the node goes down."""


class Entries(Protocol):
    """The entries on disk."""

    def run_after(self, room: str, author: str, stream: bytes, after: int) -> tuple[Run | None, int]:
        """The entries after number `after`, as many as fit in a frame, and the last number among them."""


class Links(Protocol):
    """The encrypted links."""

    def say(self, link: int, frames: Sequence[Frame]) -> bool:
        """Send frames; returns whether the link is there to take them."""


class Serving:
    """Performs each Serve, and feeds back one Served."""

    def __init__(self, loop: Loop, store: Entries, links: Links) -> None:
        self._loop = loop
        self._store = store
        self._links = links
        self._under_way: set[asyncio.Task[None]] = set()

    def perform(self, act: e.Serve) -> None:
        """Send entries from disk over a link, in the background."""
        task = asyncio.create_task(self._serve(act), name=f"serve link {act.link}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _serve(self, act: e.Serve) -> None:
        upto: int | None = None
        size = 0
        try:
            run, reached = await self._loop.read(self._store.run_after, act.room, act.author, act.stream, act.after)
        except CommandRefused:
            # The node goes down.
            return
        except Exception:
            log.exception("entries for another node could not be read")
        else:
            if run is None:
                upto = reached
            elif self._links.say(act.link, [run]):
                upto = reached
                size = sum(map(len, run.headers)) + sum(len(body or b"") for body in run.bodies)
        self._loop.feed(s.Served(act.link, act.room, act.author, act.stream, upto, size))
