"""Tasks that run as long as the node does. When one dies, the loop's exception handler hears of it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

#: Key in the exception handler's context that marks the death of such a task.
DIED = "snicher: a task has died"


def begin(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start a task. If it dies of an exception, the loop's exception handler is called at once, with `DIED`.

    asyncio itself reports nothing as long as somebody holds a reference to the task and doesn't await it.
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
    """Cancel a task, if there is one, and wait until it has ended. Its own exception was already reported."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
