"""Tasks that run as long as the node does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from node import tasks
from tests.node.peers.live import eventually


def told(error: BaseException | None, *, cancel: bool = False) -> list[dict[str, Any]]:
    """What the loop's exception handler is told of a task that ends like that, while somebody holds it."""
    contexts: list[dict[str, Any]] = []

    async def work() -> None:
        if cancel:
            await asyncio.Event().wait()
        if error is not None:
            raise error

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: contexts.append(context))
        task = tasks.begin(work(), "upkeep")
        await asyncio.sleep(0)
        if cancel:
            task.cancel()
        await eventually(task.done)
        await asyncio.sleep(0)

    asyncio.run(whole())
    return contexts


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), OSError("the disk")])
def test_one_that_dies_is_told_at_once_with_its_name(error: Exception) -> None:
    (context,) = told(error)
    assert (context["message"], context["exception"]) == ("the task 'upkeep' has died", error)
    assert context[tasks.DIED]


def test_one_that_ends_or_is_cancelled_is_nothing_to_tell() -> None:
    assert told(None) == told(None, cancel=True) == []


@pytest.mark.parametrize("error", [None, ZeroDivisionError("a bug")])
def test_ending_one_that_is_over_raises_nothing_and_one_that_runs_is_over_then(error: Exception | None) -> None:
    async def work() -> None:
        if error is not None:
            raise error
        await asyncio.Event().wait()

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        task = tasks.begin(work(), "upkeep")
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await tasks.end(task)
        assert task.done() and task.cancelled() == (error is None)

    asyncio.run(whole())
    asyncio.run(tasks.end(None))
