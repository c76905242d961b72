"""Tries one way to a peer: how far it comes, how long that takes, and who proves a key there. It decides nothing.

To a node it connects, offers to encrypt, and lets the other side prove its key. It leaves before it shows its own, so
whoever answers there doesn't learn who has tried. To a plain client it only connects: anything said would be a message.
"""

from __future__ import annotations

import asyncio
import errno

from node.core.facts import Reached, Trial
from node.errors import HandshakeFailed
from node.model import Address, peer_id
from node.peers.tls import Credentials, Engine
from node.protocol.plain import registry
from node.protocol.secure import offer

#: How long a connection, the answer to the offer, and the handshake may take, in seconds.
CONNECT_S, ANSWER_S, PROOF_S = 4.0, 2.0, 3.0
#: Most bytes that are read before the key is proved; with more, it is no node.
MAX_READ = 64 * 1024
#: Bytes of one read.
READ = 16 * 1024

_BY_ERRNO: dict[int, Reached] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "refused",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
    errno.EHOSTDOWN: "no_route",
    errno.EADDRNOTAVAIL: "no_route",
    errno.EACCES: "forbidden",
    errno.EPERM: "forbidden",
    errno.EMFILE: "untried",
    errno.ENFILE: "untried",
}


async def attempt(
    address: Address, credentials: Credentials | None, port: int, *, expect: str = "", local: str | None = None
) -> Trial:
    """Try an address. `credentials` None: only connect. `port` is where we listen, as an offer says.

    `expect`: the PeerId that should answer; empty: whichever. `local`: the own host to dial from.
    """
    clock = asyncio.get_running_loop().time
    began = clock()

    def ended(reached: Reached, found: str = "") -> Trial:
        return Trial(reached, round((clock() - began) * 1000), found)

    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, local_addr=None if local is None else (local, 0), limit=MAX_READ
            )
    except TimeoutError:
        return ended("no_answer")
    except OSError as error:
        return ended(_BY_ERRNO.get(error.errno or 0, "no_answer"))
    try:
        if credentials is None:
            return ended("open")
        found = await _proved(reader, writer, credentials, port)
    except (TimeoutError, OSError, HandshakeFailed):
        found = None
    finally:
        # Nothing is owed to the other side any more.
        writer.transport.abort()
    if found is None:
        return ended("no_node")
    return ended("other_key" if expect and found != expect else "open", found)


async def _proved(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, credentials: Credentials, port: int
) -> str | None:
    """The PeerId that the other side proves. None: it is no node. Raises TimeoutError, OSError or HandshakeFailed."""
    writer.write(registry.ANCESTOR.announcement(port))
    answer = offer.AnswerReader()
    rest: bytes | None = None
    async with asyncio.timeout(ANSWER_S):
        while rest is None:
            data = await reader.read(READ)
            rest = answer.take(data)
            if not data or (rest is None and not answer.possible):
                return None
    engine = Engine(credentials, server=False)
    engine.start()
    engine.feed(rest)
    read = len(rest)
    async with asyncio.timeout(PROOF_S):
        while not engine.up:
            writer.write(engine.out())
            data = await reader.read(READ)
            read += len(data)
            if not data or read > MAX_READ:
                return None
            engine.feed(data)
    # What our side would say now shows its certificate; it stays unsaid.
    return None if engine.peer is None else peer_id(engine.peer)
