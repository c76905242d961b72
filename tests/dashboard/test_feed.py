from __future__ import annotations

import asyncio
import pathlib
import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from dashboard import feed
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.client import Away, Back, Client, Item, Resync
from node.errors import CommandRefused, NodeAway
from tests.support.fake_node import PATIENCE, FakeNode


class Listener:
    """Takes what a feed delivers, in a queue that tests wait on."""

    def __init__(self, home: pathlib.Path) -> None:
        self.items: queue.Queue[Item] = queue.Queue()
        self.batches: list[int] = []
        self.feed = feed.Feed(home, "test", self.deliver)

    def deliver(self, batch: list[Item]) -> None:
        self.batches.append(len(batch))
        for item in batch:
            self.items.put(item)
        self.feed.done()

    def wait(self, wanted: Callable[[Item], bool]) -> Item:
        while True:
            item = self.items.get(timeout=PATIENCE)
            if wanted(item):
                return item


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Iterator[FakeNode]:
    fake = FakeNode(tmp_path)
    yield fake
    fake.stop()


@pytest.fixture
def listener(tmp_path: pathlib.Path) -> Iterator[Listener]:
    made = Listener(tmp_path)
    made.feed.start()
    yield made
    made.feed.stop()


def test_follows_from_a_snapshot_through_absence(node: FakeNode, listener: Listener) -> None:
    assert isinstance(listener.wait(lambda item: True), Away)
    node.start()
    first = listener.wait(lambda item: isinstance(item, Resync))
    assert isinstance(first, Resync)
    bela = node.add_peer("bela")
    numbers = [first.snapshot.seq]
    for number in range(300):
        node.receive(bela, f"text {number}")
    while numbers[-1] < len(node.events):
        item = listener.wait(lambda item: isinstance(item, ev.Event) and item.seq is not None)
        assert isinstance(item, ev.Event) and item.seq is not None
        numbers.append(item.seq)
    assert numbers == list(range(numbers[0], len(node.events) + 1))
    node.stop(politely=False)
    listener.wait(lambda item: isinstance(item, Away))
    node.start()
    listener.wait(lambda item: isinstance(item, Back))
    item = listener.wait(lambda item: isinstance(item, ev.Event) and item.seq is not None)
    assert isinstance(item, ev.Event) and item.seq == numbers[-1] + 1


def test_a_receiver_that_never_finishes_stops_the_reading(node: FakeNode, tmp_path: pathlib.Path) -> None:
    delivered: list[int] = []
    full = threading.Event()

    def never_done(batch: list[Item]) -> None:
        delivered.append(len(batch))
        if len(delivered) == feed.MAX_WAITING_BATCHES:
            full.set()

    slow = feed.Feed(tmp_path, "slow", never_done)
    node.start()
    bela = node.add_peer("bela")
    slow.start()
    try:
        for number in range(100_000):
            if full.is_set():
                break
            node.receive(bela, f"text {number}")
        assert full.wait(PATIENCE)
        for number in range(500):
            node.receive(bela, f"more {number}")
        assert len(delivered) == feed.MAX_WAITING_BATCHES
        slow.done()
        deadline = threading.Event()
        while len(delivered) == feed.MAX_WAITING_BATCHES:
            deadline.wait(0.01)
        assert len(delivered) == feed.MAX_WAITING_BATCHES + 1
    finally:
        slow.stop()


def test_a_bug_in_following_is_survived(
    node: FakeNode, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.start()
    made = Listener(tmp_path)

    def broken(client: Client) -> None:
        monkeypatch.undo()
        raise RuntimeError("a bug")

    monkeypatch.setattr(made.feed, "_follow", broken)
    made.feed.start()
    try:
        away = made.wait(lambda item: isinstance(item, Away))
        assert isinstance(away, Away) and "lost its connection" in away.reason
        made.wait(lambda item: isinstance(item, Resync))
    finally:
        made.feed.stop()


def test_stops_quickly(node: FakeNode, tmp_path: pathlib.Path) -> None:
    node.start()
    made = Listener(tmp_path)
    made.feed.start()
    made.wait(lambda item: isinstance(item, Resync))
    made.feed.stop(PATIENCE)
    assert not made.feed._thread.is_alive()


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
