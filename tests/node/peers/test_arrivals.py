"""Accepted connections until they have a transport, or are over without one."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from node.core import stimuli as s
from node.peers import arrivals
from node.peers.connection import BUG
from node.protocol.link import Link
from node.protocol.plain import registry
from node.protocol.secure import offer
from tests.fuzz.corpus import SEEDS
from tests.node.peers.live import Live, dialled, eventually, key, listening, read_to_end, run
from tests.support.processes import loopback_host

STD = b"127.0.0.1:5000 OLD hello"
#: A std client that asks whether it may connect. It waits for the answer.
ASKS = b"127.0.0.1:5000 CONNECT_REQUEST"


@pytest.fixture(autouse=True)
def set_up(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the connections that got a transport."""
    numbers: list[int] = []
    really = arrivals.Arrivals._set_up

    async def noted(self: arrivals.Arrivals, sock: socket.socket, number: int, host: str, data: bytes) -> None:
        numbers.append(number)
        await really(self, sock, number, host, data)

    monkeypatch.setattr(arrivals.Arrivals, "_set_up", noted)
    return numbers


@contextlib.contextmanager
def come(network: Live, data: bytes, *, ends: bool, host: str | None = None) -> Iterator[socket.socket]:
    """A connection that has said this before it has its turn: the network has paused."""
    with dialled(network, host) as sock:
        sock.sendall(data)
        if ends:
            sock.shutdown(socket.SHUT_WR)
        yield sock


async def accepted(network: Live, count: int) -> None:
    """So many connections wait for their turn, and nothing of them was read."""
    await eventually(lambda: len(network._arrivals.untaken) == count)
    assert network.fed == []


async def over(network: Live) -> None:
    """No connection counts any more."""
    await eventually(lambda: len(network._listener) == 0)
    assert not network._connections
    assert not network._arrivals._seen
    assert not network._hearing._in_order._order._slots


@pytest.mark.parametrize(("split", "ends"), [(0, False), (1, False), (15, False), (len(STD), False), (len(STD), True)])
@pytest.mark.parametrize("looks", [1, 2])
def test_what_came_before_its_turn_and_after_it_is_one_message(
    split: int, ends: bool, looks: int, set_up: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing yet, a part, all of it; with its end, or without. At the first look, or at the second."""
    read = arrivals._read
    empty = iter([(b"", None)] * (looks - 1))
    monkeypatch.setattr(arrivals, "_read", lambda sock: next(empty, None) or read(sock))

    async def test() -> None:
        async with listening() as network:
            network.pause()
            with come(network, STD[:split], ends=ends) as sock:
                await accepted(network, 1)
                network.resume()
                if not ends:
                    await eventually(lambda: set_up)
                    await eventually(lambda: network._connections)
                    sock.sendall(STD[split:])
                    sock.shutdown(socket.SHUT_WR)
                assert await read_to_end(sock) == b""
                await over(network)
                assert len(set_up) == (not ends)
                up, heard, closed = network.fed
                assert isinstance(up, s.LinkUp)
                assert (up.direction, up.port, up.dialect, up.two_way) == ("in", None, "std", False)
                assert isinstance(heard, s.Heard)
                assert heard.size == len(STD)
                assert network.texts == ["hello"]
                assert closed == s.Closed(up.link, None)

    run(test)


@pytest.mark.parametrize("before", [b"", b"127.0.0.1:5000 OLD one"])
def test_one_that_is_over_at_once_does_not_overtake_the_one_before_it(
    before: bytes, set_up: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.protocol.order.HOLD_BACK", 3600.0)

    async def test() -> None:
        async with listening() as network:
            host = loopback_host()
            network.pause()
            with (
                come(network, before, ends=False, host=host) as first,
                come(network, STD, ends=True, host=host) as second,
                come(network, STD, ends=True) as other,
            ):
                await accepted(network, 3)
                network.resume()
                assert await read_to_end(second) == await read_to_end(other) == b""
                await eventually(lambda: len(set_up) == 1)
                assert network.texts == ["hello"]
                first.sendall(b"127.0.0.1:5000 OLD one"[len(before) :])
                first.shutdown(socket.SHUT_WR)
                await eventually(lambda: network.texts == ["hello", "one", "hello"])
                await over(network)

    run(test)


def test_one_with_nothing_to_say_leaves_no_trace_but_its_end(set_up: list[int]) -> None:
    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                sock.shutdown(socket.SHUT_WR)
                assert await read_to_end(sock) == b""
            await over(network)
            assert network.fed == [s.Closed(2, None)]

    run(test)


@pytest.mark.parametrize("said", [b"", STD, ASKS])
def test_one_that_was_reset_before_its_turn_is_told_with_the_reason(said: bytes, set_up: list[int]) -> None:
    async def test() -> None:
        async with listening() as network:
            network.pause()
            with dialled(network) as sock:
                sock.sendall(said)
                await accepted(network, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            network.resume()
            await over(network)
            assert network.fed[-1] == s.Closed(2, "The other side reset the connection.")
            assert len(network.all(s.Heard)) == bool(said)
            assert set_up == []

    run(test)


def test_one_that_waits_for_an_answer_gets_it_before_the_end(set_up: list[int]) -> None:
    async def test() -> None:
        async with listening() as network:
            network.pause()
            with come(network, ASKS, ends=True) as sock:
                await accepted(network, 1)
                network.resume()
                assert await read_to_end(sock) == b"CONNECTED"
                await over(network)
                assert set_up == []

    run(test)


def test_a_long_answer_goes_over_a_transport(set_up: list[int]) -> None:
    """As a portline client says it: each line is answered."""
    lines = b"7000\nCONNECT\n" + b"".join(b"127.0.0.1:7000 OLD %d\n" % number for number in range(30))

    async def test() -> None:
        async with listening() as network:
            network.pause()
            with come(network, lines, ends=True) as sock:
                await accepted(network, 1)
                network.resume()
                assert len(await read_to_end(sock)) > arrivals.SHORT
                await over(network)
                assert network.texts == [str(number) for number in range(30)]
                assert len(set_up) == len(network.all(s.Closed)) == 1

    run(test)


def test_a_long_message_goes_over_a_transport(set_up: list[int]) -> None:
    async def test() -> None:
        async with listening() as network:
            for size in (arrivals.MOST - 1, arrivals.MOST, arrivals.MOST + 1, 5 * arrivals.MOST):
                text = "x" * (size - len(b"127.0.0.1:5000 OLD "))
                network.pause()
                with come(network, b"127.0.0.1:5000 OLD " + text.encode(), ends=True) as sock:
                    await eventually(lambda: network._arrivals.untaken)
                    network.resume()
                    assert await read_to_end(sock) == b""
                    await over(network)
                    assert network.texts[-1] == text
            assert len(set_up) == 3

    run(test)


def test_an_offer_to_encrypt_goes_over_a_transport(set_up: list[int]) -> None:
    async def test() -> None:
        async with listening(key=key(1)) as network:
            network.pause()
            with come(network, b"CONNECT:7000" + offer.OFFER, ends=True) as sock:
                await accepted(network, 1)
                network.resume()
                assert (await read_to_end(sock)).startswith(offer.ANSWER)
                await over(network)
                assert len(set_up) == len(network.all(s.Closed)) == 1

    run(test)


def test_one_that_was_lost_while_it_was_set_up_is_heard_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with listening() as network:
            loop = asyncio.get_running_loop()

            class NoTransports:
                """The loop, which has no room for a transport."""

                time = loop.time
                call_later = loop.call_later

                async def connect_accepted_socket(self, *_: object) -> None:
                    raise ConnectionResetError(104, "reset")

            monkeypatch.setattr(network._arrivals, "_loop", NoTransports())
            network.pause()
            with come(network, STD, ends=False), come(network, b"", ends=False):
                await accepted(network, 2)
                network.resume()
                await over(network)
                # Of the other one, which had said nothing, the core never hears.
                assert network.texts == ["hello"]
                assert len(network.all(s.Closed)) == 1

    run(test)


def test_a_bug_costs_this_connection_only(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with listening() as network:
            with monkeypatch.context() as broken:
                broken.setattr(Link, "receive_eof", lambda self, now: 1 / 0)
                network.pause()
                with come(network, STD, ends=True) as sock:
                    await accepted(network, 1)
                    network.resume()
                    assert await read_to_end(sock) == b""
                    await over(network)
                assert network.fed == [s.Closed(2, BUG)]
            with dialled(network) as sock:
                sock.sendall(STD)
                sock.shutdown(socket.SHUT_WR)
                assert await read_to_end(sock) == b""
                await eventually(lambda: network.texts == ["hello"])

    run(test)
    assert "ZeroDivisionError" in caplog.text


#: What connections begin with, and what may follow; never more than is read at once.
SAID = st.one_of(
    st.sampled_from(SEEDS), st.lists(st.sampled_from(SEEDS), max_size=4).map(b"".join), st.binary(max_size=40)
).filter(lambda said: len(said) < arrivals.MOST)


@example([STD, ASKS, b"CONNECT:7000\nhi\n", b"\t" * 40, b"7000\nCONNECT\n"])
@given(st.lists(SAID, min_size=1, max_size=8))
def test_what_is_told_of_a_connection_does_not_depend_on_whether_it_gets_a_transport(said: list[bytes]) -> None:
    run(functools.partial(_both_ways, said))


async def _both_ways(said: list[bytes]) -> None:
    told: list[list[s.Stimulus]] = []
    answers: list[list[bytes]] = []
    host = loopback_host()
    for read in (arrivals._read, lambda sock: (b"", None)):
        with pytest.MonkeyPatch.context() as patched, contextlib.ExitStack() as stack:
            patched.setattr(arrivals, "_read", read)
            async with listening() as network:
                network.pause()
                socks = [stack.enter_context(come(network, one, ends=True, host=host)) for one in said]
                await accepted(network, len(said))
                network.resume()
                answers.append([await read_to_end(sock) for sock in socks])
                await over(network)
                told.append([*network.fed])
    assert answers[0] == answers[1]
    for said_so in ([_of_each(fed), _in_order(fed)] for fed in told[1:]):
        assert said_so == [_of_each(told[0]), _in_order(told[0])]


def _of_each(fed: Sequence[s.Stimulus]) -> dict[int, list[s.Stimulus]]:
    """What is told of each connection."""
    found: dict[int, list[s.Stimulus]] = {}
    for one in fed:
        assert isinstance(one, s.LinkUp | s.Heard | s.Closed)
        found.setdefault(one.link, []).append(one)
    return found


def _in_order(fed: Sequence[s.Stimulus]) -> list[s.Stimulus]:
    """What is told of the connections that have one message each, which keep their order."""
    single = {one.link for one in fed if isinstance(one, s.LinkUp) and one.dialect in registry.ONE_SHOT}
    return [one for one in fed if isinstance(one, s.Heard) and one.link in single]
