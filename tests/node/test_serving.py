"""Entries from disk to link: one Served for each Serve, whatever becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from node.core import effects as e
from node.core import stimuli as s
from node.errors import CommandRefused, StoreUnavailable
from node.protocol.secure.frames import Frame, Run
from node.serving import Serving

ACT = e.Serve(3, "direct:x", "anna", b"S" * 16, 7)
RUN = Run("direct:x", [b"head", b"er"], [b"body", None], b"signature")


class World:
    """Loop, store and links in one."""

    def __init__(self) -> None:
        self.fed: asyncio.Queue[s.Served] = asyncio.Queue()
        self.said: list[tuple[int, Sequence[Frame]]] = []
        self.there = True
        self.answer: tuple[Run | None, int] | Exception = (RUN, 9)

    def feed(self, stimulus: s.Served) -> None:
        self.fed.put_nowait(stimulus)

    async def read(self, what: Callable[..., Any], *args: Any) -> Any:
        return what(*args)

    def run_after(self, room: str, author: str, stream: bytes, after: int) -> tuple[Run | None, int]:
        assert (room, author, stream, after) == (ACT.room, ACT.author, ACT.stream, ACT.after)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def say(self, link: int, frames: Sequence[Frame]) -> bool:
        self.said.append((link, frames))
        return self.there


async def served(world: World) -> s.Served:
    Serving(world, world, world).perform(ACT)
    async with asyncio.timeout(10):
        return await world.fed.get()


def test_what_is_read_is_said_and_its_size_told() -> None:
    async def story() -> None:
        world = World()
        assert await served(world) == s.Served(3, "direct:x", "anna", b"S" * 16, 9, 10)
        assert world.said == [(3, [RUN])]

    asyncio.run(story())


def test_where_nothing_is_left_nothing_is_said() -> None:
    async def story() -> None:
        world = World()
        world.answer = None, 7
        assert (await served(world)).upto == 7
        assert world.said == []

    asyncio.run(story())


@pytest.mark.parametrize("fault", [StoreUnavailable("broken"), ValueError("a bug")])
def test_a_store_that_cannot_be_read_ends_the_feed_and_nothing_else(fault: Exception) -> None:
    async def story() -> None:
        world = World()
        world.answer = fault
        assert (await served(world)).upto is None
        assert world.said == []

    asyncio.run(story())


def test_a_link_that_is_over_takes_nothing() -> None:
    async def story() -> None:
        world = World()
        world.there = False
        assert (await served(world)).upto is None

    asyncio.run(story())


def test_a_node_that_goes_down_serves_nobody_any_more() -> None:
    async def story() -> None:
        world = World()
        world.answer = CommandRefused("stopping", "going down")
        Serving(world, world, world).perform(ACT)
        await asyncio.sleep(0)
        assert world.fed.empty()

    asyncio.run(story())
