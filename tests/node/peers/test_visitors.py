"""Attacks by a hostile visitor at a node's port, in clear and encrypted, while the node talks with an honest one.

THREATS.md has a row for each test of this file.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator

import pytest

from node.bus import requests as rq
from tests.node.peers.live import eventually, key, run
from tests.node.peers.whole import Whole, hasten, whole
from tests.support import middleman as m
from tests.support.middleman import Identity, Middleman
from tests.support.processes import loopback_host

#: What no visitor may read.
SECRET = "the secret of anna"
ANNA, BEN = key(1), key(2)
MALLORY = Identity(key=key(66))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for seconds."""
    hasten(monkeypatch)


@contextlib.asynccontextmanager
async def visited() -> AsyncIterator[tuple[Whole, Whole, Middleman]]:
    """Anna and Ben have talked; a middleman comes to Ben's door by itself."""
    async with whole("anna", ANNA) as anna, whole("ben", BEN) as ben:
        anna.send(ben.address, "hello")
        await eventually(lambda: ben.id in anna.peers and anna.states(ben.id) == ["delivered"])
        with Middleman(loopback_host(), (ben.host, ben.port)) as middle:
            yield anna, ben, middle


async def unaffected(anna: Whole, ben: Whole) -> None:
    """Anna and Ben go on as if nothing had been."""
    count = len(ben.heard(anna.id))
    anna.send(ben.id, "go on")
    await eventually(lambda: set(anna.states(ben.id)) == {"delivered"}, 10)
    assert ben.heard(anna.id)[count:] == ["go on"]


async def visit(middle: Middleman, identity: Identity, *said: bytes, source: str | None = None) -> bytes:
    """Dial Ben and say bytes inside TLS; returns what came back, up to the end."""

    def inside() -> bytes:
        with contextlib.suppress(OSError, ssl.SSLError), contextlib.closing(middle.dial(source)) as sock:
            middle.offer(sock)
            with contextlib.closing(middle.ask_tls(sock, identity)) as tls:
                for one in said:
                    tls.sendall(one)
                return middle.read_all(tls)
        return b""

    return await asyncio.to_thread(inside)


@pytest.mark.parametrize("kind", m.ODD)
def test_who_dials_with_an_odd_certificate_or_tls_is_told_nothing(kind: str) -> None:
    async def test() -> None:
        async with visited() as (anna, ben, middle):
            before = set(ben.peers)
            assert await visit(middle, Identity(kind, key(66)), m.hello("anna", anna.port)) == b""
            assert middle.inside == b""
            await eventually(lambda: [reason for reason in ben.ends if reason])
            assert set(ben.peers) == before
            await unaffected(anna, ben)

    run(test)


def test_who_holds_the_receiver_s_own_key_is_never_taken_for_somebody_else() -> None:
    async def test() -> None:
        async with visited() as (anna, ben, middle):
            stolen = Identity(key=BEN)
            room = m.direct_room(anna.id, ben.id)
            forged = [m.run(room, anna.id, BEN, "I am anna")] * 20
            said = await visit(middle, stolen, m.hello("anna", anna.port), *forged)
            assert "IdentityShared" in ben.kinds()
            assert ben.heard(anna.id) == ["hello"]
            # It is Ben, another machine of his, and not Anna; forged entries end its link.
            assert ben.peers[anna.id].link == "online"
            assert len(ben.peers) == 1
            assert any("Refused entries" in one for one in ben.notices)
            assert any("Ended" in one for one in ben.notices)
            assert b"The receiver broke the protocol" in said
            await unaffected(anna, ben)

    run(test)


def test_who_claims_another_s_address_gets_neither_the_address_nor_what_is_meant_for_it() -> None:
    async def test() -> None:
        async with visited() as (anna, ben, middle):
            # A node that Ben knows at an address: he has dialled it.
            ben.ask("connect", rq.ConnectArgs(address=anna.address))
            await eventually(lambda: anna.address in ben.peers[anna.id].addresses)
            task = asyncio.create_task(visit(middle, MALLORY, m.hello("anna", anna.port), source=anna.host))
            await eventually(lambda: MALLORY.id in ben.peers)
            # From Anna's own machine, or by her name, it is another identity: said loudly.
            assert ben.peers[MALLORY.id].addresses == []
            assert ben.peers[anna.id].rival == MALLORY.id
            assert len(ben.warnings) >= 1
            ben.send(anna.id, SECRET)
            await eventually(lambda: ben.states(anna.id) == ["delivered"])
            assert SECRET.encode() not in middle.readable
            middle.cut()
            await task
            await unaffected(anna, ben)

    run(test)


def test_clear_text_from_a_known_node_s_address_stands_apart_and_gets_no_answer_in_clear() -> None:
    async def test() -> None:
        async with visited() as (anna, ben, middle):
            with contextlib.closing(middle.dial(anna.host)) as sock:
                sock.sendall(b"CONNECT:%d" % anna.port)
                await asyncio.sleep(0.2)
                sock.sendall(b"anna: it is me, answer in clear")
                await eventually(lambda: ben.warnings)
                (plain,) = [peer for peer in ben.peers if peer.startswith("plain-")]
                assert "clear text" in ben.warnings[0]
                assert ben.heard(plain) == ["it is me, answer in clear"]
                assert ben.heard(anna.id) == ["hello"]
                assert ben.send(plain, SECRET) == []
                assert ben.refused[-1].code == "clear_text_refused"
                ben.send(anna.id, SECRET)
                await eventually(lambda: ben.states(anna.id) == ["delivered"])
            assert SECRET.encode() not in middle.readable

    run(test)


HELLOS: dict[str, bytes] = {
    "no version that we speak": m.hello(versions=[1, 3]),
    "no version at all": m.hello(versions=[]),
    "a huge list of versions": m.hello(versions=[2] * 65),
    "a huge name": m.hello("x" * 65),
    "16 KiB and more": m.hello("x" * 20_000),
    "port 0": m.hello(port=0),
    "a time beyond its bound": m.hello(now=2**48),
    "a short instance": m.hello(instance=b"short"),
    "a string for bytes": m.hello(run="sixteen letters!"),
    "nested 100,000 deep": b"\x00\x01\x86\xa0" + b"\x91" * 100_000,
    "no MessagePack": struct.pack(">I", 4) + b"\xc1\xc1\xc1\xc1",
    "a frame of another kind first": m.frame(1, b"12345678"),
    "0 bytes": bytes(4),
}


@pytest.mark.parametrize("how", HELLOS)
def test_a_hostile_hello_ends_the_link_with_words_and_makes_nobody_known(how: str) -> None:
    async def test() -> None:
        async with visited() as (anna, ben, middle):
            before = set(ben.peers)
            said = await visit(middle, MALLORY, HELLOS[how])
            # HELLO of Ben, then BYE with code 1 or 4.
            assert b"ben" in said
            assert b"\x93\x03\x01" in said or b"\x93\x03\x04" in said
            assert set(ben.peers) == before
            assert any("protocol" in reason for reason in ben.ends if reason)
            await unaffected(anna, ben)

    run(test)


def test_a_name_of_control_and_direction_characters_is_shown_without_them() -> None:
    async def test() -> None:
        async with visited() as (anna, ben, middle):
            name = "an\x1b[2Jna\u202e\n \u200b"
            task = asyncio.create_task(visit(middle, MALLORY, m.hello(name)))
            await eventually(lambda: MALLORY.id in ben.peers)
            assert ben.peers[MALLORY.id].name.isprintable()
            middle.cut()
            await task
            await unaffected(anna, ben)

    run(test)


ROOM = m.direct_room(MALLORY.id, m.peer_id(BEN))
TOLD = [[MALLORY.id, number.to_bytes(16, "big"), 1, 9, bytes(32)] for number in range(4_000)]
#: What a node that has proved its key says, and whether the link ends because of it.
FRAMES: dict[str, tuple[bytes, bool]] = {
    "0 bytes": (bytes(4), True),
    "1 MiB and a byte": (struct.pack(">I", 2**20 + 1), True),
    "4 GiB": (b"\xff" * 4, True),
    "nested 100,000 deep": (b"\x00\x01\x86\xa0" + b"\x91" * 100_000, True),
    "nested in a known type": (struct.pack(">I", 100_002) + b"\x92\x04" + b"\x91" * 100_000, True),
    "arrays of 4 billion": (struct.pack(">I", 7) + b"\x92\x05\xdd\xff\xff\xff\xff", True),
    "a second HELLO": (m.hello(), True),
    "a short token": (m.frame(1, b"short"), True),
    "5,000 rows": (m.frame(5, ROOM, TOLD + TOLD[:1_000]), True),
    "4,001 rooms": (m.frame(4, [[ROOM, bytes(32)]] * 4_001), True),
    "a RUN of 129 KiB": (m.frame(8, ROOM, [b"h"], [bytes(129 * 1024)], bytes(64)), True),
    "a READ of 4,001 rows": (m.frame(13, ROOM, [[MALLORY.id, bytes(16), 1]] * 4_001), True),
    "a TYPING of 11 s": (m.frame(14, ROOM, 11), True),
    "a DOOR of state -1": (m.frame(15, ROOM, -1), True),
    "a DIALBACK with the number -1": (m.frame(20, -1), True),
    "a DIALLED of 61 s": (m.frame(21, 1, 0, 61_000, "10.0.0.1"), True),
    "20,000 DIALBACKs": (m.frame(20, 1) * 20_000, False),
    "20,000 DIALLEDs": (m.frame(21, 1, 0, 3, "10.0.0.1") * 20_000, False),
    "20,000 DOORs": (m.frame(15, ROOM, 1) * 10_000 + m.frame(15, ROOM, 0) * 10_000, False),
    "a SEEK for 33 nodes": (m.frame(16, [MALLORY.id] * 33), True),
    "20,000 SEEKs": (m.frame(16, [MALLORY.id]) * 20_000, False),
    "a WHERE with port 65,536": (m.frame(17, [[MALLORY.id, [["127.7.7.8", 65536, 0]]]]), True),
    "20,000 WHEREs": (m.frame(17, [[MALLORY.id, [["127.7.7.8", 9, 0]]]]) * 20_000, False),
    "a PRESENCE of 101 characters": (m.frame(18, 1, "x" * 101), True),
    "20,000 PRESENCEs": (m.frame(18, 1, "away") * 10_000 + m.frame(18, 0, "") * 10_000, False),
    "20,000 TYPINGs": (m.frame(14, ROOM, 6) * 10_000 + m.frame(14, ROOM, 0) * 10_000, False),
    "unknown types": (b"".join(m.frame(number, {"a": [1, None]}, b"x" * 1000) for number in range(22, 2_000)), False),
    "20,000 PINGs": (m.frame(1, b"12345678") * 20_000, False),
    "20,000 PONGs": (m.frame(2, b"12345678") * 20_000, False),
    "a flood of WANT": (m.frame(6, ROOM, MALLORY.id, b"S" * 16, 0, True) * 20_000, False),
    "DIGESTs of 4,000 rooms": (m.frame(4, [[ROOM, bytes(32)]] * 4_000) * 5, False),
    "4,000 rows again and again": (m.frame(5, ROOM, TOLD) * 5, False),
    "20 invalid RUNs": (b"".join(m.frame(8, ROOM, [b"\x91" * 9], [None], bytes(64)) for _ in range(20)), True),
}


@pytest.mark.parametrize("what", FRAMES)
def test_hostile_frames_end_the_link_or_are_ignored_and_nobody_else_notices(what: str) -> None:
    async def test() -> None:
        async with visited() as (anna, ben, middle):
            data, ends = FRAMES[what]
            last = m.frame(1, b"the last")
            opened = m.run(ROOM, MALLORY.id, MALLORY.key, "let me in")
            task = asyncio.create_task(visit(middle, MALLORY, m.hello(), opened, data, last))
            await eventually(lambda: task.done() or b"\xc4\x08the last" in middle.inside, 10)
            await unaffected(anna, ben)
            assert (b"\x93\x03\x04" in middle.inside) == ends
            assert ben.heard(MALLORY.id) == ["let me in"]
            if ends:
                await eventually(lambda: ben.peers[MALLORY.id].error or any("Ended" in one for one in ben.notices))
                assert ben.peers[MALLORY.id].link == "offline"
            middle.cut()
            await task
            await unaffected(anna, ben)

    run(test)
