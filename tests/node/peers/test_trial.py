"""Trying one way to a peer, against real sockets on loopback: each end has its name."""

from __future__ import annotations

import asyncio
import socket

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.facts import Trial
from node.model import Address, peer_id
from node.peers import trial
from node.peers.tls import Credentials
from node.protocol.secure import offer
from tests.node.peers import live
from tests.node.peers.whole import Whole
from tests.support.processes import loopback_host

ANNA, BELA = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
BELA_ID = peer_id(BELA.public_key().public_bytes_raw())


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "CONNECT_S", 0.5)
    monkeypatch.setattr(trial, "ANSWER_S", 0.3)
    monkeypatch.setattr(trial, "PROOF_S", 0.5)


async def attempt(address: Address, expect: str = BELA_ID, *, plain: bool = False) -> Trial:
    return await trial.attempt(address, None if plain else Credentials(ANNA), 5000, expect=expect)


def test_a_node_proves_its_key_learns_nothing_and_keeps_nothing() -> None:
    async def test() -> None:
        bela = Whole("bela", BELA)
        await bela.start()
        try:
            found = await attempt(bela.network.listen_address)
            assert (found.reached, found.found) == ("open", BELA_ID)
            other = await attempt(bela.network.listen_address, "x" * 52)
            assert (other.reached, other.found) == ("other_key", BELA_ID)
            assert await bela.network.closed(3.0), "the trials have ended there"
            assert not bela.core._contacts.by_id and not bela.told
        finally:
            await bela.stop()

    live.run(test)


def served(say: bytes | None) -> Trial:
    """What comes of trying a program that says this and waits; None: that closes at once."""

    async def test() -> Trial:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if say is not None:
                writer.write(say)
                await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, loopback_host(), 0)
        async with server:
            return await attempt(Address(*server.sockets[0].getsockname()[:2]))

    return asyncio.run(test())


@pytest.mark.parametrize(
    "say", [b"", b"hello\n", b"\t" * 16, offer.ANSWER, offer.ANSWER + b"no TLS", offer.ANSWER + b"\x16" * 70_000, None]
)
def test_whatever_else_answers_is_no_node(say: bytes | None) -> None:
    assert served(say).reached == "no_node"


def test_nothing_listens_there() -> None:
    with socket.socket() as taken:
        taken.bind((loopback_host(), 0))
        found = asyncio.run(attempt(Address(*taken.getsockname()[:2])))
    assert (found.reached, found.found) == ("refused", "")


def test_nobody_accepts() -> None:
    with socket.socket() as full:
        full.bind((loopback_host(), 0))
        full.listen(0)
        full.setblocking(False)
        callers = []
        for _ in range(8):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
            callers.append(caller)
        found = asyncio.run(attempt(Address(*full.getsockname()[:2])))
        for caller in callers:
            caller.close()
    assert found.reached == "no_answer" and 400 <= found.ms < 5_000


def test_of_a_plain_client_only_the_connection_is_tried_and_nothing_is_said() -> None:
    heard: list[bytes] = []

    async def test() -> Trial:
        done = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read())
            writer.close()
            done.set()

        server = await asyncio.start_server(serve, loopback_host(), 0)
        async with server:
            found = await attempt(Address(*server.sockets[0].getsockname()[:2]), plain=True)
            await asyncio.wait_for(done.wait(), 5)
        return found

    assert asyncio.run(test()).reached == "open"
    assert heard == [b""]
