"""One connection: it ends in order, leaves nothing behind, and is read only when there is a place for what comes."""

from __future__ import annotations

import asyncio
import socket

import pytest

from node.core import effects as e
from node.core import stimuli as s
from node.peers import connection as connections
from node.peers.connection import Connection
from tests.node.peers.live import Live, dialled, eventually, listening, read_to_end, run


def only(network: Live) -> Connection:
    (connection,) = network._connections.values()
    return connection


def test_a_sender_that_goes_on_after_its_message_is_not_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays and even says more: our side closes, what comes is dropped, and it sees an orderly end."""

    monkeypatch.setattr(connections, "DRAIN", 60.0)

    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                sock.sendall(b"127.0.0.1:5000 OLD my message")
                await read_to_end(sock)
                sock.sendall(b"more " * 100)
                await asyncio.sleep(0.02)
                sock.sendall(b"and more")
                sock.shutdown(socket.SHUT_WR)
                await eventually(lambda: len(network) == 0)
                assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                assert network.texts == ["my message"]

    run(test)


def test_one_that_stays_for_ever_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "DRAIN", 0.05)

    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                await eventually(lambda: len(network._connections) == 1)
                connection = only(network)
                sock.sendall(b"127.0.0.1:5000 OLD my message")
                await eventually(lambda: network.texts == ["my message"])
                await eventually(lambda: len(network) == 0)
                assert connection._timer is None
                await read_to_end(sock)

    run(test)


def test_one_that_never_reads_can_t_hold_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "DRAIN", 0.05)
    monkeypatch.setattr(connections, "LINGER", 0.05)

    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                sock.sendall(b"ANC: hello")
                await eventually(lambda: network.texts == ["hello"])
                connection = only(network)
                transport = connection._transport
                assert transport is not None
                while transport.get_write_buffer_size() < 100_000:
                    transport.write(b"x" * 1_000_000)
                connection.leave()
                await eventually(lambda: len(network) == 0)
                assert connection._timer is None

    run(test)


@pytest.mark.parametrize("how", ["accepted", "dialled"])
def test_the_system_looks_after_silent_connections(how: str) -> None:
    async def test() -> None:
        async with listening() as network, listening() as other:
            other.perform(e.Dial(1, network.listen_address, "persistent"))
            await eventually(lambda: other.all(s.Opened) and network._connections)
            connection = only(network if how == "accepted" else other)
            assert connection._transport is not None
            sock = connection._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1

    run(test)


def test_while_paused_nothing_is_read_and_nothing_is_lost() -> None:
    async def test() -> None:
        async with listening() as network:
            with dialled(network) as before:
                before.sendall(b"ANC: one\n")
                await eventually(lambda: network.texts == ["one"])
                connection = only(network)
                network.pause()
                before.sendall(b"ANC: two\n")
                with dialled(network) as after:
                    after.sendall(b"127.0.0.1:5000 OLD three")
                    after.shutdown(socket.SHUT_WR)
                    await eventually(lambda: len(network._listener) == 2 and connection.waits)
                    assert network.texts == ["one"]
                    network.resume()
                    await eventually(lambda: sorted(network.texts) == ["one", "three", "two"])

    run(test)


def test_what_came_while_paused_is_heard_before_the_good_bye() -> None:
    """As when the disk has failed: it has left its sender, and is told to the core as soon as that works again."""

    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                sock.sendall(b"ANC: one\n")
                await eventually(lambda: network.texts == ["one"])
                connection = only(network)
                network.pause()
                sock.sendall(b"ANC: two\n")
                await eventually(lambda: connection.waits)
                network.leave_all()
                assert network.texts == ["one", "two"]
                network.resume()

    run(test)


def test_a_connection_that_has_to_wait_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.protocol.plain.ancestor.HOLD", 3600.0)

    async def test() -> None:
        async with listening() as network:
            loop = asyncio.get_running_loop()
            with dialled(network) as sock:
                sock.sendall(b"ANC: one\n")
                await eventually(lambda: network.texts == ["one"])
                connection = only(network)
                sock.sendall(b"ANC: caf\xc3")
                await eventually(lambda: connection.link.next_deadline() is not None)
                network.full.add(connection.host)
                sock.sendall(b"\xa9\n")
                await eventually(lambda: connection.waits)
                # The time is over now: the timer fires, and is set anew.
                over = connection.link._patience_at = loop.time()
                connection._arm(over)
                await eventually(lambda: connection._timer_at not in (None, over))
                assert network.texts == ["one"]
                network.full.clear()
                network.go_on()
                await eventually(lambda: network.texts == ["one", "caf\xe9"])

    run(test)


def test_good_bye_is_said_also_while_nothing_is_read() -> None:
    """As when the disk has failed: peers are left, and must not wait for it."""

    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                sock.sendall(b"ANC: hello")
                await eventually(lambda: network.texts == ["hello"])
                network.pause()
                network.leave_all()
                assert await read_to_end(sock) == b"exit"
                sock.close()
                await eventually(lambda: len(network) == 0)
                network.resume()

    run(test)


def test_a_reset_by_the_other_side_is_told_in_words() -> None:
    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                sock.sendall(b"ANC: hello")
                await eventually(lambda: network.texts == ["hello"])
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            await eventually(lambda: network.all(s.Closed))
            assert network.all(s.Closed) == [s.Closed(2, "The other side reset the connection.")]
            assert len(network) == 0

    run(test)


def test_a_bug_in_the_link_ends_the_connection_and_is_told_once() -> None:
    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock, dialled(network) as other:
                for number, one in enumerate((sock, other)):
                    one.sendall(f"ANC{number}: hello".encode())
                await eventually(lambda: network.texts == ["hello", "hello"])
                connection = network._connections[2]

                def broken(data: bytes, now: float) -> None:
                    raise ZeroDivisionError("a bug put in by a test")

                connection.link.receive_data = broken  # type: ignore[method-assign]
                sock.sendall(b"ANC0: again")
                assert await read_to_end(sock) == b""
                other.sendall(b"ANC1: again")
                await eventually(lambda: network.texts[2:] == ["again"])
                assert network.all(s.Closed) == [s.Closed(2, "It was broken off by a bug in Snicher.")]

    run(test)


def test_a_text_given_to_a_connection_that_has_ended_was_not_sent() -> None:
    async def test() -> None:
        async with listening() as network, listening() as other:
            network.perform(e.Dial(1, other.listen_address, "persistent"))
            await eventually(lambda: network.all(s.Opened))
            network.perform(e.HangUp(1))
            network.perform(e.Transmit(1, 9, "too late"))
            await eventually(lambda: network.all(s.Transmitted) and network.all(s.Closed))
            (done,) = network.all(s.Transmitted)
            assert (done.token, done.outcome) == (9, "not_sent")
            assert len(network.all(s.Closed)) == 1

    run(test)
