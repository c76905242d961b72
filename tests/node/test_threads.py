"""The two threads of the database: who waits for whom, and what the end does to what is asked. No database.

How the end deals with a real one is tested with the turns.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from node import threads
from node.errors import CommandRefused
from node.store.reader import Reader
from node.store.writer import Writer
from node.threads import Threads
from tests.node.peers.live import eventually


class Store:
    """Writer and reader in one: what was done to which, in order. What runs is let go by an interruption."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.pages = self
        self.go = threading.Event()
        #: Folding the WAL back takes until it is interrupted.
        self.folds_long = False

    def thread(self, number: int, *, more: int = 0) -> tuple[str, int]:
        return threading.current_thread().name.partition("_")[0], number + more

    def wait(self) -> str:
        self.done.append("runs")
        assert self.go.wait(60)
        return "done"

    def fails(self) -> None:
        self.wait()
        raise ValueError("interrupted")

    def fold(self) -> bool:
        self.go.clear()
        self.done.append("fold")
        assert not self.folds_long or self.go.wait(60)
        return True

    def interrupt(self) -> None:
        self.go.set()

    def close(self, *, fold: bool | None = None) -> None:
        self.done.append("close" if fold is None else f"close writer, fold {fold}")


def run(test: Callable[[Threads, Store], Awaitable[None]]) -> Store:
    async def whole() -> Store:
        store = Store()
        both = Threads(cast(Writer, store), cast(Reader, store))
        async with asyncio.timeout(60):
            await test(both, store)
            both.end()
            await both.interrupt()
            await both.close()
        return store

    return asyncio.run(whole())


async def refused(asked: Awaitable[object]) -> None:
    with pytest.raises(CommandRefused) as caught:
        await asked
    assert (caught.value.code, caught.value.message) == ("stopping", threads.STOPPING)


def test_each_is_asked_in_its_own_thread_with_all_arguments() -> None:
    async def test(both: Threads, store: Store) -> None:
        assert await both.read(store.thread, 1, more=2) == ("reader", 3)
        assert await both.write(store.thread, 4) == ("writer", 4)

    run(test)


def test_reading_does_not_wait_for_writing_and_writes_wait_for_one_another() -> None:
    async def test(both: Threads, store: Store) -> None:
        writes = [both.write(store.wait), both.write(store.wait)]
        assert await both.read(store.thread, 1) == ("reader", 1)
        await eventually(lambda: store.done)
        assert store.done == ["runs"]
        store.go.set()
        assert await asyncio.gather(*writes) == ["done", "done"]

    run(test)


def test_what_fails_fails_as_itself_before_the_end_and_as_the_end_after_it() -> None:
    async def test(both: Threads, store: Store) -> None:
        store.go.set()
        with pytest.raises(ValueError, match="interrupted"):
            await both.write(store.fails)
        store.go.clear()
        running, queued = both.write(store.fails), both.write(store.wait)
        await eventually(lambda: store.done.count("runs") == 2)
        both.end()
        await both.interrupt()
        await refused(running)
        await refused(queued)
        with pytest.raises(CommandRefused):
            both.read(store.thread, 1)

    assert run(test).done.count("runs") == 2, "what waited never ran"


def test_what_was_done_before_it_could_be_interrupted_is_done() -> None:
    async def test(both: Threads, store: Store) -> None:
        running = both.write(store.wait)
        await eventually(lambda: store.done)
        both.end()
        await both.interrupt()
        assert await running == "done"

    run(test)


async def nothing(both: Threads, store: Store) -> None:
    pass


def test_snapshots_are_closed_before_the_wal_is_folded_back_and_whoever_writes_closes_last() -> None:
    assert run(nothing).done == ["close", "fold", "close", "close writer, fold True"]


def test_where_folding_takes_long_the_reader_closes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "CLOSE_FOLD", 0.01)

    async def test(both: Threads, store: Store) -> None:
        store.folds_long = True

    assert run(test).done == ["close", "fold", "close writer, fold False", "close"]
