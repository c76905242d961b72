"""Peers of a node under test that need no program of their own: loopback addresses that speak, and some that listen.

A peer is an address of 127.0.0.0/8 and a port. It speaks the std dialect, one connection for each message. At some of
the ports a listener reads whatever comes; at the others nobody listens, so that what is sent there has to wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterable

#: Machines are shared and slow; a test that goes well never waits for this long, in seconds.
PATIENCE = 60.0


class Listeners:
    """Listens at every one of these addresses; reads everything and answers nothing, or hangs up at once (`rude`)."""

    def __init__(self, polite: Iterable[tuple[str, int]], rude: Iterable[tuple[str, int]] = ()) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        for addresses, serve in ((polite, self._read), (rude, self._slam)):
            for host, port in addresses:
                future = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, host, port), self._loop)
                self._servers.append(future.result(PATIENCE))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(65_536):
                pass
        writer.close()

    async def _slam(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    def close(self) -> None:
        """Listen no more."""

        async def end() -> None:
            for server in self._servers:
                server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


def say(node: tuple[str, int], host: str, message: str) -> None:
    """Somebody at HOST says one thing to the node. Whether the node took it in, its log says."""
    with socket.socket() as connection:
        connection.settimeout(PATIENCE)
        connection.bind((host, 0))
        connection.connect(node)
        connection.sendall(message.encode())
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while connection.recv(4096):
                pass
