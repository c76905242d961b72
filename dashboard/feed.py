"""The dashboard's side of the bus: one task that follows the node, and a few clients that send commands.

Law of this file: the only user of node.bus.aio in the dashboard; no Streamlit, no drawing. Everything runs on the
server's event loop. Items are handed on unchanged and in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from typing import Any

import msgspec

from node.bus.aio import AsyncClient, AsyncFollower, Away, Item

log = logging.getLogger("snicher.dashboard")

#: Most items of a batch: more make the browser's frames large, fewer cost a frame each.
MAX_BATCH = 200
#: How long the follower waits for an item before it looks again, in seconds.
WAIT_S = 3600.0
#: Timeout of the follower's commands, in seconds; short, so that a node that hangs is soon called away.
FOLLOW_TIMEOUT_S = 3.0
#: Pause after a bug in following, in seconds.
BUG_PAUSE_S = 1.0

#: Clients that ask the node. It answers one command at a time within 50 ms, so a few keep it busy.
ASKERS = 4
#: Timeout of a command, in seconds; the browser may retry with the same key.
ASK_TIMEOUT_S = 6.0

Deliver = Callable[[list[Item]], None]


class Feed:
    """Follows the node of `home` and calls `deliver` with batches of items. Nothing is read while `deliver` works."""

    def __init__(self, home: str | os.PathLike[str], name: str, deliver: Deliver) -> None:
        self._home = home
        self._name = name
        self._deliver = deliver

    async def run(self) -> None:
        """Follow until the task is cancelled."""
        while True:
            try:
                async with AsyncClient(self._home, name=self._name, timeout=FOLLOW_TIMEOUT_S) as client:
                    await self._follow(client.follow())
            except Exception:
                # A bug must not leave the dashboard silently frozen: say so, and start over with a fresh snapshot.
                log.exception("following the node failed; starting over")
                with contextlib.suppress(Exception):
                    self._deliver([Away("The dashboard lost its connection to the node.", None)])
                await asyncio.sleep(BUG_PAUSE_S)

    async def _follow(self, follower: AsyncFollower) -> None:
        while True:
            item = await follower.next(WAIT_S)
            batch: list[Item] = []
            while item is not None:
                batch.append(item)
                item = await follower.next(0.0) if len(batch) < MAX_BATCH else None
            if batch:
                self._deliver(batch)


class Asker:
    """Sends commands to the node over a few clients, each of which has one command under way."""

    def __init__(self, home: str | os.PathLike[str], name: str) -> None:
        self._clients = [AsyncClient(home, name=name, timeout=ASK_TIMEOUT_S) for _ in range(ASKERS)]
        #: The clients that are free; the one used last comes first, so that a quiet dashboard keeps one connection.
        #: What waits for one is unbounded; live.py bounds the requests in flight of each tab.
        self._free: asyncio.LifoQueue[AsyncClient] = asyncio.LifoQueue()
        for client in self._clients:
            self._free.put_nowait(client)

    async def ask(self, op: str, args: msgspec.Struct | dict[str, Any] | None = None, *, key: str | None = None) -> Any:
        """The command's result as the structure that requests.COMMANDS names; without `args`, all pages joined.

        Raises CommandRefused, NodeAway or BusProtocolError, as AsyncClient.request does.
        """
        client = await self._free.get()
        try:
            whole = {"snapshot": client.snapshot, "peers": client.peers}.get(op)
            if whole is not None and args is None:
                return await whole()
            return await client.request(op, args, key=key)
        finally:
            self._free.put_nowait(client)

    def close(self) -> None:
        """Accept no more commands; those under way raise NodeAway."""
        for client in self._clients:
            client.close()
