"""The dashboard's side of the bus: one thread that follows the node, and a few that send commands.

Law of this file: the only importer of node.bus.client in the dashboard; no Streamlit, no drawing. Items are handed on
unchanged and in order. Commands never run on the event loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from node.bus.client import Away, Client, Item

log = logging.getLogger("snicher.dashboard")

#: Most items of a batch: more make the browser's frames large, fewer wake the event loop too often.
MAX_BATCH = 200
#: Most batches that wait for the event loop. At the bound the thread stops reading. The SUB socket holds 100,000
#: events; if it drops any, the gap is filled by `events`.
MAX_WAITING_BATCHES = 16
#: How often the thread checks whether it should end, in seconds.
STOP_CHECK_S = 0.2
#: Timeout of the follower's commands, in seconds; short, so that a hanging node doesn't delay stopping.
FOLLOW_TIMEOUT_S = 3.0
#: Pause after a bug in following, in seconds.
BUG_PAUSE_S = 1.0

#: Threads that ask the node. It answers one command at a time within 50 ms, so a few keep it busy.
ASKERS = 4
#: Timeout of a command, in seconds; the browser may retry with the same key.
ASK_TIMEOUT_S = 6.0

Deliver = Callable[[list[Item]], None]


class Feed:
    """Follows the node of `home` in a thread of its own and calls `deliver` there with batches of items.

    The receiver must call `done` after each batch, from any thread. That bounds the number of waiting batches.
    """

    def __init__(self, home: str | os.PathLike[str], name: str, deliver: Deliver) -> None:
        self._home = home
        self._name = name
        self._deliver = deliver
        self._stop = threading.Event()
        self._slots = threading.BoundedSemaphore(MAX_WAITING_BATCHES)
        self._thread = threading.Thread(target=self._run, name="snicher feed", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """End the thread; waits at most `timeout` seconds for it (a hanging node may hold it a little longer)."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def done(self) -> None:
        """A batch was processed."""
        self._slots.release()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with Client(self._home, name=self._name, timeout=FOLLOW_TIMEOUT_S) as client:
                    self._follow(client)
            except Exception:
                # A bug must not leave the dashboard silently frozen: say so, and start over with a fresh snapshot.
                log.exception("following the node failed; starting over")
                self._hand_on([Away("The dashboard lost its connection to the node.", None)])
                self._stop.wait(BUG_PAUSE_S)

    def _follow(self, client: Client) -> None:
        follower = client.follow()
        try:
            while not self._stop.is_set():
                item = follower.next(STOP_CHECK_S)
                if item is None:
                    continue
                batch = [item]
                while len(batch) < MAX_BATCH and (item := follower.next(0.0)) is not None:
                    batch.append(item)
                self._hand_on(batch)
        finally:
            follower.close()

    def _hand_on(self, batch: list[Item]) -> None:
        while not self._slots.acquire(timeout=STOP_CHECK_S):
            if self._stop.is_set():
                return
        try:
            self._deliver(batch)
        except BaseException:
            self._slots.release()
            raise


class Asker:
    """Sends commands to the node from a few threads, each with a client of its own."""

    def __init__(self, home: str | os.PathLike[str], name: str) -> None:
        self._home = home
        self._name = name
        self._own = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()
        # The executor's queue is unbounded; live.py bounds the requests in flight of each tab.
        self._pool = concurrent.futures.ThreadPoolExecutor(ASKERS, thread_name_prefix="snicher ask")

    async def ask(self, op: str, args: msgspec.Struct | dict[str, Any] | None = None, *, key: str | None = None) -> Any:
        """The command's result as the structure that requests.COMMANDS names; without `args`, all pages joined.

        Raises CommandRefused, NodeAway or BusProtocolError, as Client.request does.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._request, op, args, key)

    def close(self) -> None:
        """Accept no more commands; those in flight end by their timeout."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            threading.Thread(target=client.close, name="snicher ask close", daemon=True).start()

    def _request(self, op: str, args: msgspec.Struct | dict[str, Any] | None, key: str | None) -> Any:
        client: Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = Client(self._home, name=self._name, timeout=ASK_TIMEOUT_S)
            with self._lock:
                self._clients.append(client)
        whole = {"snapshot": client.snapshot, "peers": client.peers}.get(op)
        return whole() if whole is not None and args is None else client.request(op, args, key=key)
