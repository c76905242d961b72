"""Connections that begin in clear and go on encrypted, over real sockets; and those that don't."""

from __future__ import annotations

import socket

import pytest

from node.core import effects as e
from node.core import stimuli as s
from node.model import Address
from node.peers import connection as connections
from node.peers import handshakes
from node.protocol.secure import frames
from node.protocol.secure.frames import Bye
from node.protocol.secure.offer import ANSWER, OFFER
from tests.node.peers.far import (
    ANNA,
    BEN,
    EVE,
    Far,
    How,
    awaited,
    far,
    framed,
    loops,
    numbered,
    numbers,
    taken,
    two,
    upgraded,
)
from tests.node.peers.live import dialled, eventually, hello, key, listening, read_to_end, run
from tests.support.processes import loopback_host

# -- how they begin


@loops
@pytest.mark.parametrize("how", ["persistent", "unsure", "secure"])
def test_two_nodes_make_an_encrypted_link_however_one_dials(how: How, loop: str) -> None:
    async def test() -> None:
        async with two() as (anna, ben):
            there = await upgraded(anna, ben, how)
            host = anna.listen_address.host
            (out,), (came,) = anna.all(s.Secured), ben.all(s.Secured)
            assert out == s.Secured(1, "out", ben.listen_address.host, BEN, hello(ben.listen_address.port), 2)
            assert came == s.Secured(there, "in", host, ANNA, hello(anna.listen_address.port), 2)
            anna.perform(e.Say(1, numbered(1)))
            ben.perform(e.Say(there, numbered(2)))
            await eventually(lambda: framed(anna) and framed(ben))
            assert (framed(anna), framed(ben)) == ([numbered(2)], [numbered(1)])
            assert all(one.size > 0 for one in anna.all(s.Framed))
            anna.perform(e.HangUp(1, 2, "the other one stays"))
            await eventually(lambda: anna.all(s.Closed) and ben.all(s.Closed))
            assert anna.all(s.Closed) == [s.Closed(1, None)]
            (closed,) = ben.all(s.Closed)
            assert closed.link == there
            assert "Another link between the two stays. It says: the other one stays" in (closed.reason or "")
            for live in (anna, ben):
                assert isinstance(live.fed[0], s.Secured)
                assert isinstance(live.fed[-1], s.Closed)
                assert not live.all(s.LinkUp) + live.all(s.Opened) + live.all(s.Settled)  # type: ignore[operator]
            await eventually(lambda: not len(anna) + len(ben))

    run(test, loop)


@loops
@pytest.mark.parametrize("most", [1, 7, None])
def test_in_pieces_as_small_as_one_byte(most: int | None, loop: str) -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna, most) as ben:
                await ben.open()
                assert ben.engine.peer == key(1).public_key().public_bytes_raw()
                (secured,) = anna.all(s.Secured)
                assert (secured.peer, secured.hello.name) == (BEN, "far")
                await ben.say(numbered(1), numbered(2), numbered(3, 2_000))
                await eventually(lambda: len(framed(anna)) == 3)
                assert numbers(framed(anna)) == [1, 2, 3]
            await eventually(lambda: anna.all(s.Closed))

    run(test, loop)


@pytest.mark.parametrize("most", [1, 7, None])
def test_the_answer_may_come_in_pieces_too(most: int | None) -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with awaited() as listener:
                anna.perform(e.Dial(1, Address(*listener.getsockname()), "secure", expect=BEN))
                ben = await taken(listener)
                ben._most = most
                with ben.sock:
                    await ben.open()
                    assert [type(one) for one in anna.fed] == [s.Secured]

    run(test)


@loops
def test_three_hundred_links_and_none_fails(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "BURST", 300)
    monkeypatch.setattr(handshakes, "ALL_BURST", 300)

    async def test() -> None:
        async with two() as (anna, ben):
            for first in range(1, 600, handshakes.MAX_OF_SOURCE * 2):
                links = range(first, min(first + handshakes.MAX_OF_SOURCE * 2, 601), 2)
                for link in links:
                    anna.perform(e.Dial(link, ben.listen_address, "secure", expect=BEN))
                await eventually(lambda: len(anna.all(s.Secured)) == (links[-1] + 1) // 2)  # noqa: B023
            await eventually(lambda: len(ben.all(s.Secured)) == 300)
            assert not anna.all(s.Closed)
            for one in anna.all(s.Secured):
                anna.perform(e.HangUp(one.link))
            await eventually(lambda: len(ben.all(s.Closed)) == 300)
            assert {one.reason for one in ben.all(s.Closed) + anna.all(s.Closed)} == {None}
            assert ben.refused == 0

    run(test, loop)


def test_what_came_before_the_offer_was_answered_is_not_lost() -> None:
    """A dialler could write its first bytes of TLS behind the offer at once."""

    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                ben.engine.start()
                await ben.put(b"CONNECT:5000" + OFFER + ben.engine.out())
                found = b""
                while len(found) < len(ANSWER):
                    found += await ben.read(len(ANSWER) - len(found))
                assert found == ANSWER
                while not ben.engine.up:
                    assert await ben.pump()
                await ben.say(hello())
                await eventually(lambda: anna.all(s.Secured))

    run(test)


def test_a_node_may_dial_itself() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            anna.perform(e.Dial(1, anna.listen_address, "persistent"))
            await eventually(lambda: len(anna.all(s.Secured)) == 2)
            assert {one.peer for one in anna.all(s.Secured)} == {ANNA}

    run(test)


# -- who isn't talked to


def test_another_key_than_expected_is_told_and_learns_nothing() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with awaited() as listener:
                anna.perform(e.Dial(1, Address(*listener.getsockname()), "secure", expect=EVE))
                ben = await taken(listener)
                with ben.sock:
                    await ben.answer()
                    await ben.to_end()
                    assert not ben.engine.up
                    assert ben.engine.peer is None
                    assert ben.heard == []
                await eventually(lambda: anna.all(s.Closed))
                assert anna.fed == [s.KeyDiffered(1, BEN), s.Closed(1, "It has another key than the one expected.")]

    run(test)


def test_between_two_nodes_nothing_but_the_end_comes_of_another_key() -> None:
    async def test() -> None:
        async with two() as (anna, ben):
            anna.perform(e.Dial(1, ben.listen_address, "persistent", expect=EVE))
            await eventually(lambda: anna.all(s.Closed))
            assert [type(one) for one in anna.fed] == [s.KeyDiffered, s.Closed]
            await eventually(lambda: not len(anna) + len(ben))
            assert not ben.all(s.Secured)
            assert len(ben._handshakes) == 0

    run(test)


@loops
@pytest.mark.parametrize("stage", ["offer", "answer", "tls", "hello", "open"])
@pytest.mark.parametrize("reset", [False, True])
def test_a_dialled_peer_that_vanishes_is_closed_once(stage: str, reset: bool, loop: str) -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with awaited() as listener:
                anna.perform(e.Dial(1, Address(*listener.getsockname()), "secure"))
                ben = await taken(listener)
                with ben.sock:
                    await reach(ben, stage)
                    if stage == "open":
                        await eventually(lambda: anna.all(s.Secured))
                    if reset:
                        ben.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                await eventually(lambda: anna.all(s.Closed))
                await eventually(lambda: len(anna) == 0)
            assert len(anna.all(s.Closed)) == 1
            assert anna.all(s.Closed)[0].reason
            assert [type(one) for one in anna.fed] == [s.Secured] * (stage == "open") + [s.Closed]

    run(test, loop)


@loops
@pytest.mark.parametrize("stage", ["answer", "tls", "hello", "open"])
@pytest.mark.parametrize("reset", [False, True])
def test_a_peer_that_dialled_and_vanishes_leaves_nothing_behind(stage: str, reset: bool, loop: str) -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                await reach(ben, stage)
                if stage == "open":
                    await eventually(lambda: anna.all(s.Secured))
                if reset:
                    ben.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            await eventually(lambda: len(anna) == 0)
            assert len(anna._handshakes) == 0
            assert len(anna.all(s.Secured)) == (stage == "open")
            if stage == "open":
                assert len(anna.all(s.Closed)) == 1
                assert isinstance(anna.fed[-1], s.Closed)

    run(test, loop)


async def reach(end: Far, stage: str) -> None:
    """Go on until a stage."""
    if stage != "offer":
        await (end.offer() if end.dials else end.answer())
    if stage == "tls":
        end.engine.start()
        if end.dials:
            await end.put(end.engine.out()[:50])
        else:
            end.engine.feed(await end.read())
            await end.put(end.engine.out()[:50])
    elif stage in ("hello", "open"):
        await end.shake()
    if stage == "open":
        await end.say(hello())


@pytest.mark.parametrize("garbage", [b"hello there\n", b"exit", b"\x16\x03\x01" + b"\xff" * 100, bytes(500), b"\t\n"])
def test_a_peer_that_answers_and_goes_on_with_garbage_is_closed_once(garbage: bytes) -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with awaited() as listener:
                anna.perform(e.Dial(1, Address(*listener.getsockname()), "unsure"))
                ben = await taken(listener)
                with ben.sock:
                    await ben.answer()
                    await ben.put(garbage)
                    ben.sock.shutdown(socket.SHUT_WR)
                    await read_to_end(ben.sock)
                await eventually(lambda: anna.all(s.Closed))
                (closed,) = anna.fed
                assert isinstance(closed, s.Closed)
                assert (closed.reason or "").endswith(".")

    run(test)


def test_a_peer_that_was_answered_and_goes_on_in_clear_is_not_heard() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                await ben.offer()
                await ben.put(b"hello in clear\n")
                await read_to_end(ben.sock)
            await eventually(lambda: len(anna) == 0)
            assert not anna.texts
            assert not anna.all(s.LinkUp)

    run(test)


def test_frames_that_break_the_protocol_end_the_link_with_what_came_before() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                await ben.open()
                ben.engine.write(frames.encode(numbered(1)) + b"\0\0\0\x02\x91\xc0")
                await ben.put(ben.engine.out())
                await ben.to_end()
                assert isinstance(ben.heard[-1], Bye)
                assert ben.heard[-1].code == 4
            assert numbers(framed(anna)) == [1]
            assert isinstance(anna.fed[-1], s.Closed)
            assert (anna.fed[-1].reason or "").startswith("It broke the protocol")

    run(test)


# -- plain peers


def test_the_offer_of_version_0_1_stays_plain() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with dialled(anna) as sock:
                sock.sendall(b"CONNECT:7001" + b"\t" * 24 + b"\nhello\n")
                await eventually(lambda: anna.texts == ["hello"])
                assert {up.dialect for up in anna.all(s.LinkUp)} == {"snicher"}
                assert len(anna._handshakes) == 0

    run(test)


def test_who_has_no_key_makes_plain_links_only() -> None:
    async def test() -> None:
        async with listening() as anna, listening(key=key(2)) as ben:
            ben.perform(e.Dial(1, anna.listen_address, "persistent"))
            await eventually(lambda: ben.all(s.Opened))
            # It can't go on from an answer either.
            anna.perform(e.Dial(1, ben.listen_address, "persistent"))
            await eventually(lambda: anna.all(s.Closed))
            assert anna.all(s.Closed) == [s.Closed(1, connections.NO_HANDSHAKE)]
            await eventually(lambda: len(ben._handshakes) == 0)
            assert not ben.all(s.Secured)

    run(test)


def test_an_answer_that_comes_late_is_told() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with awaited() as listener:
                anna.perform(e.Dial(1, Address(*listener.getsockname()), "persistent"))
                ben = await taken(listener)
                with ben.sock:
                    await eventually(lambda: anna.all(s.Opened))
                    anna.perform(e.Transmit(1, 7, "in clear"))
                    found = b""
                    while b"in clear" not in found:
                        found += await ben.read()
                    await ben.put(ANSWER)
                    await eventually(lambda: anna.all(s.Closed))
                assert anna.all(s.AnsweredLate) == [s.AnsweredLate(1, True)]
                (done,) = anna.all(s.Transmitted)
                assert (done.token, done.outcome) == (7, "not_sent")
                assert isinstance(anna.fed[-1], s.Closed)
                assert not anna.all(s.Secured)

    run(test)


def test_an_encrypted_link_has_no_place_in_the_accept_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does a one-shot connection before it hold it back, nor does it hold back one that comes after it."""
    monkeypatch.setattr("node.protocol.order.HOLD_BACK", 3600.0)

    async def test() -> None:
        async with listening(key=key(1)) as anna:
            host = loopback_host()
            with dialled(anna, host) as silent, dialled(anna, host) as sock, dialled(anna, host) as after:
                ben = Far(sock, dials=True)
                await ben.open()
                await ben.say(numbered(1))
                await eventually(lambda: framed(anna))
                after.sendall(b"127.0.0.1:5000 OLD after")
                after.shutdown(socket.SHUT_WR)
                silent.sendall(b"127.0.0.1:5000 OLD first")
                silent.shutdown(socket.SHUT_WR)
                await eventually(lambda: anna.texts == ["first", "after"])
                sock.close()
                await eventually(lambda: any(one.link == anna.all(s.Secured)[0].link for one in anna.all(s.Closed)))

    run(test)
