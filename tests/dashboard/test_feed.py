from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from dashboard import feed
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.aio import Away, Back, Item, Resync
from node.errors import CommandRefused, NodeAway
from tests.support.fake_node import PATIENCE, FakeNode


class Listener:
    """Takes what a feed delivers, in a queue that tests wait on."""

    def __init__(self, home: pathlib.Path) -> None:
        self.items: asyncio.Queue[Item] = asyncio.Queue()
        self.batches: list[int] = []
        self.feed = feed.Feed(home, "test", self.deliver)

    def deliver(self, batch: list[Item]) -> None:
        self.batches.append(len(batch))
        for item in batch:
            self.items.put_nowait(item)

    async def wait(self, wanted: Callable[[Item], bool]) -> Item:
        async with asyncio.timeout(PATIENCE):
            while not wanted(item := await self.items.get()):
                pass
            return item

    async def number(self) -> int:
        """The number of the next durable event."""
        item = await self.wait(lambda item: isinstance(item, ev.Event) and item.seq is not None)
        assert isinstance(item, ev.Event) and item.seq is not None
        return item.seq


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Iterator[FakeNode]:
    fake = FakeNode(tmp_path)
    yield fake
    fake.stop()


@contextlib.asynccontextmanager
async def running(listener: Listener) -> AsyncIterator[Listener]:
    task = asyncio.create_task(listener.feed.run())
    try:
        yield listener
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def is_resync(item: Item) -> bool:
    return isinstance(item, Resync)


def test_follows_from_a_snapshot_through_absence(node: FakeNode, tmp_path: pathlib.Path) -> None:
    async def follow() -> None:
        async with running(Listener(tmp_path)) as listener:
            assert isinstance(await listener.wait(lambda item: True), Away)
            await asyncio.to_thread(node.start)
            first = await listener.wait(is_resync)
            assert isinstance(first, Resync)
            bela = node.add_peer("bela")
            numbers = [first.snapshot.seq]
            for number in range(300):
                node.receive(bela, f"text {number}")
            while numbers[-1] < len(node.events):
                numbers.append(await listener.number())
            assert numbers == list(range(numbers[0], len(node.events) + 1))
            await asyncio.to_thread(node.stop, politely=False)
            await listener.wait(lambda item: isinstance(item, Away))
            await asyncio.to_thread(node.start)
            await listener.wait(lambda item: isinstance(item, Back))
            assert await listener.number() == numbers[-1] + 1

    asyncio.run(follow())


def test_what_came_while_the_receiver_worked_comes_in_batches_and_in_order(
    node: FakeNode, tmp_path: pathlib.Path
) -> None:
    async def follow() -> None:
        await asyncio.to_thread(node.start)
        async with running(Listener(tmp_path)) as listener:
            await listener.wait(is_resync)
            bela = node.add_peer("bela")
            # The loop stands still meanwhile, as it does while a receiver works.
            for number in range(3 * feed.MAX_BATCH):
                node.receive(bela, f"text {number}")
            numbers = [await listener.number()]
            while numbers[-1] < len(node.events):
                numbers.append(await listener.number())
            assert numbers == list(range(numbers[0], len(node.events) + 1))
            assert 1 < max(listener.batches) <= feed.MAX_BATCH

    asyncio.run(follow())


@pytest.mark.parametrize("told", [True, False], ids=["in following", "in the receiver"])
def test_a_bug_is_survived(node: FakeNode, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    monkeypatch.setattr(feed, "BUG_PAUSE_S", 0.01)
    bugs = [RuntimeError("a bug")] * (1 if told else 3)

    class Faulty(Listener):
        def deliver(self, batch: list[Item]) -> None:
            if bugs and (not told or is_resync(batch[0])):
                raise bugs.pop()
            super().deliver(batch)

    async def follow() -> None:
        await asyncio.to_thread(node.start)
        async with running(Faulty(tmp_path)) as listener:
            if told:
                away = await listener.wait(lambda item: isinstance(item, Away))
                assert isinstance(away, Away) and "lost its connection" in away.reason
            await listener.wait(is_resync)

    asyncio.run(follow())


def test_a_feed_that_is_cancelled_leaves_no_socket_open(node: FakeNode, tmp_path: pathlib.Path) -> None:
    async def follow() -> None:
        await asyncio.to_thread(node.start)
        before = open_files()
        async with running(Listener(tmp_path)) as listener:
            await listener.wait(is_resync)
        async with asyncio.timeout(PATIENCE):
            while open_files() > before:  # noqa: ASYNC110 (ZeroMQ closes in a thread of its own)
                await asyncio.sleep(0.01)

    def open_files() -> int:
        return len(list(pathlib.Path("/proc/self/fd").iterdir()))

    asyncio.run(follow())


def test_asks_and_passes_refusals_on(node: FakeNode, tmp_path: pathlib.Path) -> None:
    async def ask() -> None:
        asker = feed.Asker(tmp_path, "test")
        with pytest.raises(NodeAway):
            await asker.ask("status")
        await asyncio.to_thread(node.start)
        answers = await asyncio.gather(*(asker.ask("status") for _ in range(20)))
        assert all(answer.ready for answer in answers)
        with pytest.raises(CommandRefused) as refused:
            await asker.ask("history", rq.HistoryArgs(room="nowhere"))
        assert refused.value.code == "not_found"
        bela = await asyncio.to_thread(node.add_peer, "bela")
        args = rq.SendArgs(messages=[rq.Outgoing(to=bela.room, text="once")])
        for _ in range(3):
            await asker.ask("send", args, key="the-same-key")
        assert len(node.messages[bela.room]) == 1
        asker.close()

    asyncio.run(ask())
