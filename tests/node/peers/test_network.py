"""All connections together: what is dialled, said, held back for others, and left."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from node.core import effects as e
from node.core import stimuli as s
from node.model import Address
from node.peers import arrivals
from tests.node.peers.live import dialled, eventually, listening, read_to_end, run
from tests.support.processes import free_address, loopback_host

ADDRESS = "127.0.0.1:5000"


def test_a_dial_that_fails_is_closed_once_with_a_reason_in_words() -> None:
    async def test() -> None:
        async with listening() as network:
            host, _, port = free_address().rpartition(":")
            network.perform(e.Dial(1, Address(host, int(port)), "persistent"))
            await eventually(lambda: network.all(s.Closed))
            (closed,) = network.all(s.Closed)
            assert closed.link == 1
            assert (closed.reason or "").startswith("Connection refused: nothing listens there.")

    run(test)


def test_a_dial_that_is_hung_up_is_closed_once() -> None:
    async def test() -> None:
        async with listening() as network:
            with socket.socket() as full, contextlib.ExitStack() as stack:
                full.bind((loopback_host(), 0))
                full.listen(0)
                for _ in range(4):
                    filler = stack.enter_context(socket.socket())
                    filler.setblocking(False)
                    filler.connect_ex(full.getsockname())
                network.perform(e.Dial(1, Address(*full.getsockname()), "persistent"))
                await asyncio.sleep(0.02)
                network.perform(e.HangUp(1))
                await eventually(lambda: network.all(s.Closed))
                assert network.all(s.Closed) == [s.Closed(1, "We left.")]
                assert await network.closed(60.0)

    run(test)


def test_a_dial_that_is_called_off_before_it_begins_is_closed_once() -> None:
    async def test() -> None:
        async with listening() as network:
            network.perform(e.Dial(1, Address(loopback_host(), 5000), "persistent"))
            network.perform(e.HangUp(1))
            await eventually(lambda: network.all(s.Closed))
            assert network.all(s.Closed) == [s.Closed(1, "We left.")]
            assert await network.closed(60.0)

    run(test)


def test_dials_beyond_the_room_are_refused_in_words() -> None:
    async def test() -> None:
        async with listening(room=8) as network:
            for number in range(1, 41, 2):
                network.perform(e.Dial(number, Address(loopback_host(), 9), "persistent"))
            await eventually(lambda: len(network.all(s.Closed)) == 20)
            assert sorted(closed.link for closed in network.all(s.Closed)) == list(range(1, 41, 2))
            reasons = {closed.reason for closed in network.all(s.Closed)}
            assert "Too many connections are open on this machine." in reasons

    run(test)


def test_a_text_for_a_link_that_is_gone_was_not_sent() -> None:
    async def test() -> None:
        async with listening() as network:
            network.perform(e.Transmit(77, 5, "hello"))
            await eventually(lambda: network.fed)
            assert network.fed == [s.Transmitted(77, 5, "not_sent", "The connection has ended.", 1, 1, ())]

    run(test)


def test_nobody_is_dialled_once_the_port_is_closed() -> None:
    """Whoever is called and calls back must not find a closed port: one old client dies of it."""

    async def test() -> None:
        async with listening() as network, listening() as other:
            network.stop_listening()
            network.perform(e.Dial(1, other.listen_address, "persistent"))
            await eventually(lambda: network.fed)
            assert network.fed == [s.Closed(1, "The node is going down.")]
            assert len(other) == 0

    run(test)


def test_what_came_is_counted_for_the_quota() -> None:
    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                for count, line in enumerate((b"OLD: one\n", b"OLD: and two\n"), 1):
                    sock.sendall(line)
                    await eventually(lambda count=count: len(network.texts) == count)  # type: ignore[misc]
                assert sum(heard.size for heard in network.all(s.Heard)) == len(b"OLD: one\nOLD: and two\n")

    run(test)


def test_what_a_link_is_is_told_before_it_is_heard_and_again_only_when_it_has_changed() -> None:
    async def test() -> None:
        async with listening() as network:
            host = loopback_host()
            with dialled(network, host) as sock:
                for count, line in enumerate((b"CONNECT:7001\none\n", b"two\n", b"three\n"), 1):
                    sock.sendall(line)
                    await eventually(lambda count=count: len(network.texts) == count)  # type: ignore[misc]
            told = [one for one in network.fed if isinstance(one, s.LinkUp | s.Heard)]
            kinds = [type(one) for one in told]
            # The port was claimed in what was heard first.
            assert kinds == [s.LinkUp, s.Heard, s.LinkUp, s.Heard, s.Heard]
            first, again = network.all(s.LinkUp)
            assert first == s.LinkUp(first.link, "in", host, None, "snicher", True)
            assert again == s.LinkUp(first.link, "in", host, 7001, "snicher", True)

    run(test)


def test_who_was_accepted_and_never_heard_is_closed_at_the_end() -> None:
    async def test() -> None:
        async with listening() as network:
            network.pause()
            with dialled(network) as sock:
                sock.sendall(b"127.0.0.1:5000 OLD too late")
                await eventually(lambda: network._arrivals.untaken)
                network.stop_listening()
                network.leave_all()
                assert await read_to_end(sock) == b""
                assert not network._arrivals.untaken

    run(test)


def test_time_in_which_the_process_stood_still_is_not_waited_for() -> None:
    """What ends meanwhile has ended in time: a node that is stopped for a second says good-bye all the same."""

    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                sock.sendall(b"ANC: hello\n")
                await eventually(lambda: network.texts == ["hello"])
                waiting = asyncio.create_task(network.closed(0.5))
                await asyncio.sleep(0)
                sock.close()
                time.sleep(1.0)  # noqa: ASYNC251 (the whole process stands still)
                assert await waiting

    run(test)


def test_one_that_comes_too_quickly_waits_outside_and_is_heard_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It isn't refused: more may come at once than one source may have."""
    monkeypatch.setattr(arrivals, "MAX_UNTAKEN", 4)
    monkeypatch.setattr("node.protocol.order.HOLD_BACK", 3600.0)

    async def test() -> None:
        async with listening(room=64) as network:
            host = loopback_host()
            with contextlib.ExitStack() as stack:
                network.pause()
                for number in range(60):
                    sock = stack.enter_context(dialled(network, host))
                    sock.sendall(f"127.0.0.1:5000 OLD {number}".encode())
                    sock.shutdown(socket.SHUT_WR)
                await eventually(lambda: len(network._arrivals.untaken) >= 4)
                network.resume()
                await eventually(lambda: len(network.texts) == 60)
                assert network.texts == [str(number) for number in range(60)]
                assert network.refused == 0

    run(test)
