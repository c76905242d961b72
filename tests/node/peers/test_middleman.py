"""Attacks by a man in the middle (tests/support/middleman.py) on whole nodes: loud failures, and nothing leaks.

THREATS.md has a row for each test of this file.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from node.model import Address, short_code
from tests.node.peers.live import eventually, key, run
from tests.node.peers.whole import Whole, hasten, whole
from tests.support import middleman as m
from tests.support.middleman import Identity, Middleman
from tests.support.processes import loopback_host

#: What no middleman may read.
SECRET = "the secret of anna"
ANNA, BEN = key(1), key(2)
MALLORY = Identity(key=key(66))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for seconds."""
    hasten(monkeypatch)


@contextlib.asynccontextmanager
async def between(manner: m.Manner = m.wire) -> AsyncIterator[tuple[Whole, Middleman, Whole]]:
    """Anna, who knows the middleman's address only, and Ben behind it."""
    async with whole("anna", ANNA) as anna, whole("ben", BEN) as ben:
        with Middleman(loopback_host(), (ben.host, ben.port), manner) as middle:
            yield anna, middle, ben


def to(middle: Middleman) -> str:
    return str(Address(*middle.address))


async def met(anna: Whole, middle: Middleman, ben: Whole) -> None:
    """Anna and Ben have talked over a wire; Ben's key is pinned to the middleman's address."""
    anna.send(to(middle), "hello")
    await eventually(lambda: anna.peers.get(ben.id) is not None and anna.states(ben.id) == ["delivered"])
    assert ben.heard(anna.id) == ["hello"]


def reads(middle: Middleman) -> bool:
    """Whether the middleman could read anything of ours."""
    return SECRET.encode() in middle.readable or b"hello" in middle.readable


async def attacked(anna: Whole, middle: Middleman, ben: Whole, manner: m.Manner) -> str:
    """A known node is attacked while Anna says something. Returns what she is told: a reason, and the next try."""
    middle.manner = manner
    ends = len(anna.ends)
    middle.cut()
    anna.send(ben.id, SECRET)
    # The link that was cut, and the one that was attacked.
    await eventually(lambda: len(anna.ends) > ends + 1)
    await eventually(lambda: anna.peers[ben.id].error)
    assert anna.states(ben.id) == ["delivered", "waiting"]
    assert ben.heard(anna.id) == ["hello"]
    assert not reads(middle)
    assert all(dial.how == "secure" and dial.expect == ben.id for dial in anna.dials[1:])
    reason = anna.peers[ben.id].error
    assert reason is not None
    return reason


async def relieved(anna: Whole, middle: Middleman, ben: Whole) -> None:
    """The attack is over: what waited arrives once, and nobody else has got anything."""
    middle.manner = m.wire
    middle.cut()
    await eventually(lambda: anna.states(ben.id) == ["delivered", "delivered"])
    assert ben.heard(anna.id) == ["hello", SECRET]
    assert not reads(middle)
    others = [text for peer in ben.peers if peer != anna.id for text in ben.heard(peer)]
    assert not [text for text in others if SECRET in text or "hello" in text]


# -- nobody is known yet


def test_a_wire_reads_nothing_and_changes_nothing() -> None:
    async def test() -> None:
        async with between() as (anna, middle, ben):
            await met(anna, middle, ben)
            anna.send(ben.id, SECRET)
            ben.send(anna.id, SECRET)
            await eventually(lambda: "waiting" not in anna.states(ben.id) + ben.states(anna.id))
            assert ben.heard(anna.id) == ["hello", SECRET]
            assert not reads(middle)
            # What it does see: that somebody offers, and a port.
            assert b"CONNECT:%d" % anna.port in middle.readable
            assert b"anna" not in middle.readable
            assert anna.id.encode() not in middle.readable

    run(test)


@pytest.mark.parametrize("tabs", [b"", b"\t" * 24, b"\t" * 31, b"\t" * 33], ids=["none", "24", "31", "33"])
def test_at_first_contact_an_offer_that_is_eaten_makes_a_conversation_in_clear_that_says_so(tabs: bytes) -> None:
    async def test() -> None:
        async with between(m.offer_becomes(tabs)) as (anna, middle, ben):
            anna.send(to(middle), SECRET)
            await eventually(lambda: any(ben.heard(peer) for peer in ben.peers))
            (peer,) = anna.peers
            await eventually(lambda: anna.states(peer) == ["sent"])
            # It was readable, and both sides are told that it is: a plain peer, never "delivered".
            assert SECRET.encode() in middle.readable
            for node in (anna, ben):
                assert [one.kind for one in node.peers.values()] == ["plain"]
                assert [room.encrypted for room in node.core._rooms.by_id.values()] == [False]

    run(test)


def test_at_first_contact_who_answers_with_a_key_of_its_own_is_another_identity_with_another_code() -> None:
    async def test() -> None:
        async with between(m.swaps(MALLORY, MALLORY)) as (anna, middle, ben):
            anna.send(to(middle), "hello")
            await eventually(lambda: ben.peers and anna.peers.get(MALLORY.id) is not None)
            # Who compares the codes sees it: neither side has the other's.
            assert [one.code for one in anna.peers.values()] == [short_code(MALLORY.id)]
            assert [one.code for one in ben.peers.values()] == [short_code(MALLORY.id)]
            # Entries are signed for the room of two keys, so those that it carries over are not taken.
            assert ben.heard(MALLORY.id) == []
            assert anna.id not in ben.peers

    run(test)


# -- Ben is known


GARBAGE = b"\x16\x03\x01\xff\xff" + bytes(range(256)) * 4
SILENT: dict[str, m.Manner] = {
    "eats the offer and says nothing": m.answers(),
    "strips the tabs": m.offer_becomes(b""),
    "24 tabs": m.offer_becomes(b"\t" * 24),
    "31 tabs": m.offer_becomes(b"\t" * 31),
    "33 tabs": m.offer_becomes(b"\t" * 33),
    "answers in clear": m.answers(b"ben: hello, say it in clear please\n"),
    "answers half": m.answers(b"\t" * 15 + b"\n"),
    "answers too much": m.answers(b"\t" * 17 + b"\n"),
    "answers, then garbage": m.answers(m.ANSWER, GARBAGE),
    "answers, then clear text": m.answers(m.ANSWER, b"ben: hello\n"),
    "answers, then nothing": m.answers(m.ANSWER),
    "bytes before the answer": m.injects("before the answer", b"x"),
    "bytes behind the answer": m.injects("behind the answer", b"clear text\n"),
    "bytes before the offer": m.injects("before the offer", b"ben: x\n"),
    "bytes behind the offer": m.injects("behind the offer", b"clear text\n"),
    "bytes inside TLS": m.injects("inside TLS", b"clear text\n"),
    "a bit in the handshake": m.flips(700),
    "a bit of the hellos": m.flips(60),
    "two TLS, its own key": m.swaps(MALLORY, MALLORY),
    **{f"cut after {size}": m.cut_after(size) for size in (1, 12, 46, 63, 100, 500, 1000, 1500, 1900)},
}


@pytest.mark.parametrize("how", SILENT)
def test_to_a_known_node_nothing_goes_in_clear_whatever_is_done_to_the_connection(how: str) -> None:
    async def test() -> None:
        async with between() as (anna, middle, ben):
            await met(anna, middle, ben)
            reason = await attacked(anna, middle, ben, SILENT[how])
            assert reason
            await relieved(anna, middle, ben)

    run(test)


PLAYED: dict[str, tuple[str, ...]] = {
    "RSA": ("Ed25519",), "ECDSA": ("Ed25519",), "CA:TRUE": ("authority", "refused"), "another CA": ("refused",),
    "self-signed": ("refused",), "intermediate": ("refused", "signed by Snicher's"), "none": ("TLS", "closed"),
    "TLS 1.2": ("TLS",), "no ALPN": ("doesn't speak snicher/2",), "another ALPN": ("TLS", "snicher/2"),
}  # fmt: skip


@pytest.mark.parametrize("kind", m.ODD)
def test_who_answers_for_a_known_node_with_an_odd_certificate_or_tls_learns_nothing_not_even_who_dials(
    kind: str,
) -> None:
    async def test() -> None:
        async with between() as (anna, middle, ben):
            await met(anna, middle, ben)
            odd = Identity(kind, key(66))
            reason = await attacked(anna, middle, ben, m.impersonates(odd, [m.hello()]))
            assert any(words in reason for words in PLAYED[kind]), reason
            assert not any(middle.shown)
            assert middle.inside == b""
            await relieved(anna, middle, ben)

    run(test)


def test_who_answers_for_a_known_node_with_a_key_of_its_own_is_said_loudly_and_told_nothing() -> None:
    async def test() -> None:
        async with between() as (anna, middle, ben):
            await met(anna, middle, ben)
            reason = await attacked(anna, middle, ben, m.impersonates(MALLORY, [m.hello()]))
            assert "another key" in reason
            (warning,) = anna.warnings
            assert short_code(MALLORY.id) in warning
            assert short_code(ben.id) in warning
            assert anna.peers[ben.id].rival == MALLORY.id
            assert MALLORY.id not in anna.peers
            # No HELLO and no certificate: it doesn't even learn who dialled.
            assert middle.inside == b""
            assert not any(middle.shown)
            await relieved(anna, middle, ben)
            assert anna.peers[ben.id].warning == warning, "only a person takes the warning away"

    run(test)


def test_a_recorded_session_is_worth_nothing_to_either_side() -> None:
    async def test() -> None:
        async with between() as (anna, middle, ben):
            await met(anna, middle, ben)
            middle.cut()
            there, back = map(bytes, middle.records[0] if len(middle.records) == 1 else middle.records[-1])
            assert there.startswith(b"CONNECT:")
            assert back.startswith(m.ANSWER)
            assert await attacked(anna, middle, ben, m.replays(back))
            links, ends = len(ben.core._links), len(ben.ends)
            with contextlib.closing(middle.dial()) as sock:
                sock.sendall(there)
                answer = await asyncio.to_thread(middle.read_all, sock)
            assert answer.startswith(m.ANSWER)
            await eventually(lambda: len(ben.ends) > ends or len(ben.core._links) == links)
            assert ben.heard(anna.id) == ["hello"]
            await relieved(anna, middle, ben)

    run(test)


def answers_late(after: bytes) -> m.Manner:
    """Holds the answer back until it has read something."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        offer_ = middle.read_line(dialler)
        with middle.dial() as acceptor:
            acceptor.sendall(offer_)
            answer = middle.read_line(acceptor)
            found = b""
            while after not in found:
                data = middle.read(dialler)
                if not data:
                    return
                found += data
            dialler.sendall(answer)
            middle.relay(dialler, acceptor)

    return manner


def old_client(middle: Middleman, dialler: socket.socket) -> None:
    """Speaks as the ancestor of all clients does."""
    middle.read_line(dialler)
    dialler.sendall(b"BEN: hi\n")
    middle.read_all(dialler)


def test_an_answer_held_back_beyond_the_probe_costs_time_and_shows_nothing() -> None:
    async def test() -> None:
        async with between(answers_late(b"exit")) as (anna, middle, ben):
            anna.send(to(middle), SECRET)
            await eventually(lambda: anna.dials[1:])
            assert anna.dials[1].how == "secure"
            middle.manner = m.wire
            middle.cut()
            await eventually(lambda: ben.id in anna.peers and anna.states(ben.id) == ["delivered"])
            assert not reads(middle)
            assert {peer: ben.heard(peer) for peer in ben.peers} == {anna.id: [SECRET]}

    run(test)


def test_an_answer_held_back_until_a_text_was_said_in_clear_is_told_loudly() -> None:
    async def test() -> None:
        async with between(old_client) as (anna, middle, ben):
            anna.send(to(middle), "hi")
            (plain,) = anna.peers
            await eventually(lambda: anna.states(plain) == ["sent"])
            middle.manner = answers_late(SECRET.encode())
            middle.cut()
            await eventually(lambda: anna.peers[plain].link == "offline")
            anna.send(plain, SECRET)
            await eventually(lambda: anna.notices)
            (said,) = anna.notices
            assert "answered late" in said
            assert "was readable on the network" in said
            assert SECRET.encode() in middle.readable
            middle.manner = m.wire
            await eventually(lambda: ben.id in anna.peers and anna.states(ben.id)[-1:] == ["delivered"])
            # Once, and not in clear. What was said in clear before stays as it was.
            assert {peer: ben.heard(peer) for peer in ben.peers} == {anna.id: [SECRET]}
            assert anna.states(ben.id) == ["sent", "delivered"]

    run(test)
