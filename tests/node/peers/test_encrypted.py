"""Encrypted links over real sockets: frames both ways, bounds on who begins one, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from node.core import effects as e
from node.core import quotas
from node.core import stimuli as s
from node.model import Address
from node.peers import connection as connections
from node.peers import handshakes, network
from node.peers.tls import Credentials
from node.protocol.secure import frames
from node.protocol.secure.frames import Bye, Ping, Pong, Run, Stop
from node.protocol.secure.offer import ANSWER, OFFER
from tests.node.peers.far import (
    EVE,
    Far,
    How,
    awaited,
    connection,
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

# -- frames


@loops
def test_large_frames_both_ways_at_once_keep_their_order(loop: str) -> None:
    async def test() -> None:
        async with two() as (anna, ben):
            there = await upgraded(anna, ben)
            count = 30
            for number in range(count):
                assert anna.say(1, [numbered(number, 100_000)])
                assert ben.say(there, [numbered(number, 100_000)])
            await eventually(lambda: len(framed(anna)) == len(framed(ben)) == count)
            assert numbers(framed(anna)) == numbers(framed(ben)) == list(range(count))
            assert sum(one.size for one in ben.all(s.Framed)) > count * 100_000

    run(test, loop)


def test_saying_tells_whether_the_link_took_it() -> None:
    async def test() -> None:
        async with two() as (anna, ben):
            assert not anna.say(1, [numbered(1)])
            anna.perform(e.Say(1, numbered(1)))
            there = await upgraded(anna, ben)
            assert anna.say(1, [])
            assert anna.say(1, [numbered(1), numbered(2)])
            await eventually(lambda: numbers(framed(ben)) == [1, 2])
            ben.perform(e.HangUp(there))
            assert not ben.say(there, [numbered(3)])
            await eventually(lambda: anna.all(s.Closed))
            assert not anna.say(1, [numbered(3)])
            with dialled(anna) as sock:
                sock.sendall(b"ANC: hello\n")
                await eventually(lambda: anna.texts)
                assert not anna.say(anna.all(s.LinkUp)[0].link, [numbered(4)])

    run(test)


def test_a_text_for_an_encrypted_link_is_not_sent() -> None:
    async def test() -> None:
        async with two() as (anna, ben):
            await upgraded(anna, ben)
            anna.perform(e.Transmit(1, 5, "in clear"))
            await eventually(lambda: anna.all(s.Transmitted))
            (done,) = anna.all(s.Transmitted)
            assert (done.outcome, done.reason) == ("not_sent", "The link is encrypted.")

    run(test)


@loops
def test_for_who_does_not_read_little_is_kept_and_in_the_end_the_link_closes(
    loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                await ben.open()
                (secured,) = anna.all(s.Secured)
                held = connection(anna, secured.link)
                transport = held._transport
                assert transport is not None
                while not held.link._held:  # type: ignore[union-attr]
                    assert anna.say(secured.link, [numbered(1, 100_000)])
                    await asyncio.sleep(0)
                for _ in range(20):
                    assert anna.say(secured.link, [numbered(2, 100_000)])
                    assert transport.get_write_buffer_size() < connections.WRITE_BUFFER + 2 * frames.MAX_RUN_BYTES
                # The link ends at one of these, and none of those behind it is a fault of ours.
                assert not anna.say(secured.link, [numbered(3, 100_000)] * 50)
                (closed,) = anna.all(s.Closed)
                assert closed.reason == "It reads too slowly: too much waits for it."
                assert not caplog.records

    run(test, loop)


def test_who_reads_again_gets_everything() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                ben.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
                await ben.open()
                (secured,) = anna.all(s.Secured)
                said = 0
                while not connection(anna, secured.link).link._held:  # type: ignore[union-attr]
                    assert anna.say(secured.link, [numbered(said, 50_000)])
                    said += 1
                    await asyncio.sleep(0)
                for _ in range(10):
                    assert anna.say(secured.link, [numbered(said, 50_000)])
                    said += 1
                while len(ben.heard) < said + 1:
                    assert await ben.pump()
                assert numbers(ben.heard) == list(range(said))

    run(test)


def test_reads_are_larger_where_somebody_known_says_much() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben, far(anna) as eve:
                await ben.open()
                (friend,) = anna.all(s.Secured)
                anna.used.add(friend.link)
                await eve.open()
                stranger = anna.all(s.Secured)[-1]
                for number in range(60):
                    await ben.say(numbered(number, 60_000))
                    await eve.say(numbered(number, 60_000))
                await eventually(lambda: len(framed(anna)) == 120)
                assert connection(anna, friend.link).most == connections.SECURE_READ
                assert connection(anna, stranger.link).most == connections.READ_SIZE
                assert connection(anna, stranger.link).read_size <= connections.READ_SIZE

    run(test)


def test_many_entries_of_a_stranger_are_slowed_down_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.peers.pace.BURST", 50)

    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                await ben.open()
                run_of_many = Run("room", [bytes(4)] * 200, [None] * 200, bytes(64))
                await ben.say(run_of_many)
                await eventually(lambda: anna._scheduler.slowed)
                await ben.say(numbered(1), numbered(2))
                await eventually(lambda: numbers(framed(anna)) == [0, 1, 2])

    run(test)


@pytest.mark.parametrize("known", [True, False])
def test_a_little_of_a_friend_s_link_waits_for_nobody(known: bool) -> None:
    turns = 300

    async def test() -> None:
        async with two() as (anna, ben):
            there = await upgraded(anna, ben)
            if known:
                ben.used.add(there)
            taken: list[float] = []

            def work() -> None:
                time.sleep(0.002)
                taken.append(time.perf_counter())

            for number in range(turns):
                ben._scheduler.put(f"10.0.{number}.1", work, small=True)
            assert anna.say(1, [numbered(1)])
            await eventually(lambda: framed(ben))
            assert (len(taken) < turns // 2) == known

    run(test)


def test_while_paused_nothing_is_read_and_nothing_is_lost() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                await ben.open()
                link = connection(anna, anna.all(s.Secured)[0].link)
                anna.pause()
                await ben.say(numbered(1), numbered(2))
                await eventually(lambda: link.waits)
                assert not framed(anna)
                anna.resume()
                await eventually(lambda: numbers(framed(anna)) == [1, 2])

    run(test)


# -- bounds


def test_one_source_begins_eight_handshakes_at_once() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            host = loopback_host()
            with contextlib.ExitStack() as stack:

                def another(where: str) -> Far:
                    return Far(stack.enter_context(dialled(anna, where)), dials=True)

                first = another(host)
                await first.offer()
                for _ in range(7):
                    await another(host).offer()
                ninth = another(host)
                await ninth.put(b"CONNECT:5000" + OFFER)
                # Answered, so that it doesn't go on in clear, and closed in order.
                assert await read_to_end(ninth.sock) == ANSWER
                ninth.sock.close()
                assert anna.refused == 1
                # Somebody else isn't kept out by them, nor is a plain client of the same machine.
                other = another(loopback_host())
                await other.open()
                plain = another(host)
                await plain.put(b"CONNECT:7001\nhello\n")
                await eventually(lambda: anna.texts == ["hello"])
                # One that is done makes room, and one that is closed.
                await first.shake()
                await first.say(hello())
                await eventually(lambda: len(anna.all(s.Secured)) == 2)
                await another(host).offer()
            await eventually(lambda: len(anna) == 0)
            assert len(anna._handshakes) == 0

    run(test)


@pytest.mark.parametrize("how", ["persistent", "unsure", "secure"])
def test_who_gets_no_handshake_takes_the_node_for_nothing_else(how: How, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps a node's handshakes busy mustn't make others talk to it in clear."""
    monkeypatch.setattr(handshakes, "MAX_HANDSHAKES", 0)

    async def test() -> None:
        async with two() as (anna, ben):
            anna.perform(e.Dial(1, ben.listen_address, how))
            await eventually(lambda: anna.all(s.Closed))
            assert anna.fed == [s.Closed(1, "It closed the connection during the TLS handshake.")]
            assert ben.refused == 1

    run(test)


def test_sixty_four_handshakes_are_under_way_at_once_and_those_we_dial_do_not_count() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna, listening(key=key(2)) as ben:
            with contextlib.ExitStack() as stack:
                for _ in range(handshakes.MAX_HANDSHAKES // handshakes.MAX_OF_SOURCE):
                    host = loopback_host()
                    for _ in range(handshakes.MAX_OF_SOURCE):
                        await Far(stack.enter_context(dialled(anna, host)), dials=True).offer()
                late = stack.enter_context(dialled(anna))
                late.sendall(b"CONNECT:5000" + OFFER)
                assert await read_to_end(late) == ANSWER
                anna.perform(e.Dial(1, ben.listen_address, "secure"))
                await eventually(lambda: anna.all(s.Secured))

    run(test)


def test_a_handshake_that_stands_still_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.protocol.secure.link.HANDSHAKE", 0.1)

    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben, awaited() as listener:
                await ben.offer()
                anna.perform(e.Dial(1, Address(*listener.getsockname()), "secure"))
                other = await taken(listener)
                with other.sock:
                    await other.answer()
                    await eventually(lambda: any(one.link == 1 for one in anna.all(s.Closed)))
                assert await read_to_end(ben.sock) == b""
                assert len(anna._handshakes) == 0

    run(test)


def test_a_stranger_s_link_that_only_stays_alive_gives_way_and_one_in_use_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("node.peers.listener.IDLE_ENOUGH", 0.2)
    monkeypatch.setattr("node.peers.listener.FULL_PAUSE", 0.05)

    async def test() -> None:
        async with listening(room=8, key=key(1)) as anna:
            with contextlib.ExitStack() as stack:
                ends: list[Far] = []
                for _ in range(6):
                    ends.append(stack.enter_context(far(anna)))
                    await ends[-1].open()
                links = [one.link for one in anna.all(s.Secured)]
                anna.used.update(links[1:])

                async def live() -> None:
                    while True:
                        await ends[0].say(Ping(b"12345678"))
                        await asyncio.sleep(0.02)

                living = asyncio.create_task(live())
                newcomer = stack.enter_context(dialled(anna))
                newcomer.sendall(b"NEW: hello\n")
                await eventually(lambda: anna.texts == ["hello"])
                living.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await living
                (closed,) = anna.all(s.Closed)
                assert closed.link == links[0]
                await ends[0].to_end()
                assert ends[0].heard[-1] == Bye(5, "")

    run(test)


# -- how they end


def test_everybody_is_left_with_a_good_bye() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben, far(anna) as shaking:
                await ben.open()
                await shaking.offer()
                anna.pause()
                anna.leave_all()
                await ben.to_end()
                assert ben.heard[-1] == Bye(0, "")
                assert await read_to_end(shaking.sock) == b""
                anna.resume()
            await eventually(lambda: len(anna) == 0)
            secured = anna.all(s.Secured)[0]
            assert s.Closed(secured.link, None) in anna.all(s.Closed)

    run(test)


def test_who_is_shut_out_is_told_why_on_an_encrypted_link() -> None:
    async def test() -> None:
        async with two() as (anna, ben):
            await upgraded(anna, ben)
            ben.shut_out(next(iter(ben._connections.values())).source, 60.0)
            await eventually(lambda: anna.all(s.Closed))
            (closed,) = anna.all(s.Closed)
            assert closed.code == 5
            assert quotas.USED_UP in (closed.reason or "")

    run(test)


def test_what_came_before_the_good_bye_is_heard() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with far(anna) as ben:
                await ben.open()
                await ben.say(numbered(1), Pong(b"12345678"), Stop("room", EVE, bytes(16)), Bye(0, ""))
                ben.engine.close()
                await ben.put(ben.engine.out())
                ben.sock.shutdown(socket.SHUT_WR)
                await ben.to_end()
            await eventually(lambda: anna.all(s.Closed))
            assert framed(anna) == [numbered(1), Pong(b"12345678"), Stop("room", EVE, bytes(16))]
            assert anna.fed[-1] == s.Closed(anna.all(s.Secured)[0].link, None, 0)

    run(test)


@pytest.mark.parametrize("where", ["engine", "hello", "frames"])
def test_a_bug_ends_this_connection_only_and_is_told_once(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("a bug put in by a test")

    async def test() -> None:
        async with two() as (anna, ben):
            await upgraded(anna, ben, link=3)
            with awaited() as listener:
                anna.perform(e.Dial(1, Address(*listener.getsockname()), "secure"))
                eve = await taken(listener)
                with eve.sock:
                    if where == "engine":
                        monkeypatch.setattr(network, "Engine", broken)
                    elif where == "hello":
                        anna._hello = broken  # type: ignore[assignment]
                    else:
                        monkeypatch.setattr("node.protocol.secure.link.decode", broken)
                    await eve.answer()
                    if where == "frames":
                        await eve.shake()
                        await eve.say(hello())
                    elif where == "hello":
                        with pytest.raises(AssertionError):
                            await eve.shake()
                    await eventually(lambda: any(one.link == 1 for one in anna.all(s.Closed)))
            monkeypatch.undo()
            assert [one for one in anna.all(s.Closed) if one.link == 1] == [s.Closed(1, connections.BUG)]
            assert anna.say(3, [numbered(1)])
            await eventually(lambda: framed(ben))

    run(test)


def test_who_shows_a_certificate_of_another_kind_is_not_let_in() -> None:
    async def test() -> None:
        async with listening(key=key(1)) as anna:
            stranger = Credentials(key(2))
            stranger.client.set_alpn_protocols(["something/else"])
            with dialled(anna) as sock:
                end = Far(sock, dials=True, credentials=stranger)
                await end.offer()
                end.engine.start()
                await end.put(end.engine.out())
                await read_to_end(sock)
            await eventually(lambda: len(anna) == 0)
            assert not anna.all(s.Secured)

    run(test)
