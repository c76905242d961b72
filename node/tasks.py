"""Tasks that run as long as the node does: one that dies is never overlooked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

#: In what the loop's exception handler is told: something is dead that others count on, whatever killed it.
DIED = "snicher: a task has died"


def begin(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Begin a task. Should it die of an exception, the loop's exception handler is told at once, with `DIED`.

    Of a task that somebody holds, asyncio tells nothing as long as nobody asks.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        message = f"the task {task.get_name()!r} has died"
        task.get_loop().call_exception_handler({"message": message, "exception": error, "task": task, DIED: True})


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, if there is one, and wait until it is over. What it died of was told."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
