"""The far end of an encrypted link, for measurements: dials a node and goes through the handshake, by hand."""

from __future__ import annotations

import asyncio
import itertools
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.peers.tls import Credentials, Engine
from node.protocol.secure.frames import Hello
from node.protocol.secure.link import Secured, SecureLink
from node.protocol.secure.offer import ANSWER, OFFER

#: Each link is dialled from an address of its own, because one machine may begin a few a second only.
_MACHINES = itertools.count()


class FarEnd:
    """One link with a node. `opened_s`: from the answer to the offer until the link was open, in seconds."""

    def __init__(self, key: Ed25519PrivateKey | None = None) -> None:
        self._credentials = Credentials(key or Ed25519PrivateKey.generate())
        self._writer: asyncio.StreamWriter
        self.opened_s = 0.0

    async def open(self, host: str, port: int) -> None:
        """Dial, and wait until the link is open."""
        machine = next(_MACHINES) % 62_500
        source = f"127.63.{machine // 250}.{machine % 250 + 1}"
        reader, self._writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
        self._writer.write(b"CONNECT:5000" + OFFER)
        rest = b""
        while len(rest) < len(ANSWER):
            rest += await reader.read(65536)
        assert rest.startswith(ANSWER)
        began = time.perf_counter()
        link = SecureLink(Engine(self._credentials, server=False), self._hello, rest=rest[len(ANSWER) :])
        link.begin(began)
        while True:
            self._writer.write(link.data_to_send())
            if any(isinstance(event, Secured) for event in link.events()):
                self.opened_s = time.perf_counter() - began
                self._link = link
                return
            data = await reader.read(65536)
            assert data, "the node closed the connection"
            link.receive_data(data, time.perf_counter())

    def _hello(self) -> Hello:
        # Each has a name of its own: of two nodes with one name people are warned.
        return Hello([2], b"i" * 16, b"r" * 16, f"far {id(self)}", 5000, int(time.time() * 1000), [])

    async def close(self) -> None:
        """Say BYE, and close."""
        self._link.leave(time.perf_counter())
        self._writer.write(self._link.data_to_send())
        self._writer.close()
        await self._writer.wait_closed()
