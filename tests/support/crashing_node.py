"""A node that kills itself, as by `kill -9`, at the n-th time that it comes to a certain step.

    CRASH_AT=committed:3 python -m tests.support.crashing_node run --home DIR ...

The product has no hooks for this; here its methods are wrapped before it runs, and it waits for peers that stand still
(courteous_node.py). The steps, in the order in which a message from a front end comes to them:

    decided       the core has decided on a command; nothing is on disk
    committed     a transaction is on disk; nobody was told
    published     durable events were given to ZeroMQ
    replied       a reply to a command had a moment to leave
    transmitted   a text was given to a link, and maybe to the network

And two that come when a conversation is deleted or merged:

    taken away    it is on disk that the conversation is no more; all its rows are there
    removing      a step of removing or moving its rows is on disk
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from node import __main__
from node.answers import Answers
from node.bus.server import Server
from node.core import effects as e
from node.core import pace
from node.core import stimuli as s
from node.core.node import Node
from node.peers.network import Network
from node.store import removal
from node.store.writer import Writer
from tests.support import courteous_node

VARIABLE = "CRASH_AT"
#: How long a reply has to leave, in seconds.
MOMENT = 0.02


def die() -> None:
    """End this process at once: no finally, no flush, no good-bye."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(owner: type, method: str, counts: Callable[..., bool], then: Callable[[], None]) -> None:
    """After the n-th call of `owner.method` for which `counts` is true of its arguments, do `then`."""
    original = getattr(owner, method)
    left = int(os.environ[VARIABLE].partition(":")[2] or 1)

    def seen(*arguments: Any) -> None:
        nonlocal left
        left -= counts(*arguments)
        if left == 0:
            left = -1
            then()

    if asyncio.iscoroutinefunction(original):

        @functools.wraps(original)
        async def wrapped(self: Any, *arguments: Any) -> Any:
            result = await original(self, *arguments)
            seen(*arguments)
            return result
    else:

        @functools.wraps(original)
        def wrapped(self: Any, *arguments: Any) -> Any:
            result = original(self, *arguments)
            seen(*arguments)
            return result

    setattr(owner, method, wrapped)


def _sends(command: Any) -> bool:
    return bool(command.op == "send")


STEPS: dict[str, Callable[[], None]] = {
    "decided": lambda: after(Node, "handle", lambda what, now: isinstance(what, s.Commanded) and _sends(what), die),
    "committed": lambda: after(
        Writer, "commit", lambda records: any(isinstance(r, e.AddMessage) for r in records), die
    ),
    "published": lambda: after(
        Server, "publish", lambda events: any(event.type == "MessageAccepted" for event in events), die
    ),
    "replied": lambda: after(
        Answers, "answer", _sends, lambda: (asyncio.get_running_loop().call_later(MOMENT, die), None)[1]
    ),
    "transmitted": lambda: after(Network, "perform", lambda act: isinstance(act, e.Transmit), die),
}
#: Those of deleting and merging. All rows go in steps of ten there.
REMOVING: dict[str, Callable[[], None]] = {
    "taken away": lambda: after(
        Writer, "commit", lambda records: any(isinstance(r, e.DeleteRoom | e.MergeRooms) for r in records), die
    ),
    "removing": lambda: after(Writer, "advance", lambda work, limit: True, die),
}


if __name__ == "__main__":
    courteous_node.begin()
    step = os.environ[VARIABLE].partition(":")[0]
    if step in REMOVING:
        removal.AT_ONCE, pace.FIRST, pace.MOST = 0, 10, 10
    (STEPS | REMOVING)[step]()
    sys.exit(__main__.main())
