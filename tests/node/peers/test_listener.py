"""Who gets in, who waits outside, and who is turned away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

import pytest

from node.core import effects as e
from node.core import stimuli as s
from node.errors import ListenError
from node.model import Address
from node.peers import listener
from tests.node.peers.live import Live, dialled, eventually, listening, read_to_end, run
from tests.support.processes import loopback_host

ADDRESS = "127.0.0.1:5000"


def test_port_0_lets_the_system_choose() -> None:
    async def test() -> None:
        async with listening() as network:
            assert network.listen_address.port > 0
            with dialled(network) as sock:
                sock.sendall(f"{ADDRESS} OLD hello there".encode())
                sock.shutdown(socket.SHUT_WR)
                await eventually(lambda: network.texts == ["hello there"])

    run(test)


def test_the_wildcard_of_ipv6_is_everywhere() -> None:
    async def test() -> None:
        network = Live(100)
        port = (await network.listen(Address("::", 0))).port
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as sock:
                sock.connect((host, port))
                sock.sendall(f"{ADDRESS} OLD over {host}".encode())
        await eventually(lambda: sorted(network.texts) == ["over 127.0.0.1", "over ::1"])
        assert {up.host for up in network.all(s.LinkUp)} == {"127.0.0.1", "::1"}
        network.stop_listening()

    run(test)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (Address("192.0.2.1", 5000), "192.0.2.1 is not an address of this machine"),
        (Address("no-such-host.invalid", 5000), "Can't listen on no-such-host.invalid:5000"),
    ],
)
def test_an_address_that_can_t_be_had_says_what_to_do(
    address: Address, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        async def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        network = Live(10)
        if "invalid" in address.host:
            # Nobody outside is asked.
            network._loop = type("Loop", (), {"getaddrinfo": unknown})()
        with pytest.raises(ListenError, match=says):
            await network.listen(address)

    run(test)


def test_whoever_finds_no_room_waits_and_is_heard_in_the_end() -> None:
    async def test() -> None:
        async with listening(room=8) as network:
            with contextlib.ExitStack() as stack:
                socks = [stack.enter_context(dialled(network)) for _ in range(20)]
                await eventually(lambda: len(network) == 6)
                for number, sock in enumerate(socks):
                    sock.sendall(f"127.0.0.1:{5000 + number} OLD number {number}".encode())
                    sock.shutdown(socket.SHUT_WR)
                await eventually(lambda: len(network.texts) == 20)
                assert sorted(network.texts) == sorted(f"number {number}" for number in range(20))
                for sock in socks:
                    assert await read_to_end(sock) == b"", "closed in order, not by a reset"

    run(test)


def test_those_who_say_nothing_make_room(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(listener, "QUIET_ENOUGH", 0.1)
    monkeypatch.setattr(listener, "FULL_PAUSE", 0.05)

    async def test() -> None:
        async with listening(room=8) as network:
            with contextlib.ExitStack() as stack:
                silent = [stack.enter_context(dialled(network)) for _ in range(6)]
                await eventually(lambda: len(network) == 6)
                with dialled(network) as sock:
                    sock.sendall(f"{ADDRESS} OLD at last".encode())
                    sock.shutdown(socket.SHUT_WR)
                    await eventually(lambda: network.texts == ["at last"])
                assert await read_to_end(silent[0]) == b"", "the idlest, in order"
                await eventually(lambda: len(network) == 5)

    with caplog.at_level(logging.WARNING):
        run(test)
    assert [record.getMessage() for record in caplog.records] == [
        "6 connections are open, as many as may be; others wait"
    ]


def test_a_talking_connection_never_has_to_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "QUIET_ENOUGH", 0.0)
    monkeypatch.setattr(listener, "FULL_PAUSE", 0.02)

    async def test() -> None:
        async with listening(room=8) as network:
            with contextlib.ExitStack() as stack:
                talking = [stack.enter_context(dialled(network)) for _ in range(6)]
                for number, sock in enumerate(talking):
                    sock.sendall(f"ANC{number}: hello".encode())
                await eventually(lambda: len(network.texts) == 6)
                with dialled(network) as sock:
                    sock.sendall(b"ANC: me too")
                    await asyncio.sleep(0.1)
                    assert len(network) == 6
                    talking.pop().close()
                    await eventually(lambda: "me too" in network.texts)

    run(test)


def test_idle_links_of_many_sources_keep_out_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "FLOOD_QUIET", 0.05)
    monkeypatch.setattr(listener, "FULL_PAUSE", 0.05)

    async def test() -> None:
        async with listening(room=64) as network:
            with contextlib.ExitStack() as stack:
                contact = stack.enter_context(dialled(network))
                contact.sendall(b"CONNECT:5000")
                await eventually(lambda: len(network.all(s.Heard)) == 1)
                used = network.all(s.Heard)[0].link
                network.used.add(used)
                hosts = [loopback_host() for _ in range(6)]
                idle = [stack.enter_context(dialled(network, host)) for host in hosts for _ in range(12)]
                for sock in idle:
                    sock.sendall(b"CONNECT:1\n")
                await eventually(lambda: len(network) >= 48)
                heaviest = max(map(len, network._listener.sources.values()))
                # Somebody new, the contact on a further connection, and whom this node dials.
                for sender in (None, contact.getsockname()[0]):
                    with dialled(network, sender) as sock:
                        sock.sendall(f"{ADDRESS} NEW from {sender}".encode())
                        sock.shutdown(socket.SHUT_WR)
                        await eventually(lambda: f"from {sender}" in network.texts, within=20)  # noqa: B023
                other = stack.enter_context(socket.create_server((loopback_host(), 0)))
                network.perform(e.Dial(1, Address(*other.getsockname()), "persistent"))
                other.setblocking(False)
                accepted, _ = await asyncio.get_running_loop().sock_accept(other)
                accepted.close()
                assert used in network._connections, "it is in use"
                assert max(map(len, network._listener.sources.values())) <= heaviest
                gone = [sock for sock in idle if _ended(sock)]
                assert gone, "some made room"
                for sock in gone:
                    assert await read_to_end(sock) in (b"", b"exit"), "in order, with the good-bye of their dialect"

    run(test)


def _ended(sock: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        return sock.recv(4, socket.MSG_PEEK | socket.MSG_DONTWAIT) in (b"", b"exit")
    return False


def test_connections_that_came_before_the_port_is_closed_are_taken() -> None:
    async def test() -> None:
        async with listening() as network:
            with dialled(network) as sock:
                sock.sendall(f"{ADDRESS} OLD just in time".encode())
                sock.shutdown(socket.SHUT_WR)
                network.stop_listening()
                await eventually(lambda: network.texts == ["just in time"])
                assert await read_to_end(sock) == b""

    run(test)


def test_a_source_with_too_many_connections_is_refused_in_order_and_others_get_in() -> None:
    async def test() -> None:
        async with listening(room=16) as network:
            flooder = loopback_host()
            with contextlib.ExitStack() as stack:
                socks = [stack.enter_context(dialled(network, flooder)) for _ in range(20)]
                for number, sock in enumerate(socks):
                    sock.sendall(f"{ADDRESS} OLD number {number}".encode())
                await eventually(lambda: network.refused == 12)
                for sock in socks[8:]:
                    assert await read_to_end(sock) == b"", "closed in order, not by a reset"
                with dialled(network) as sock:
                    sock.sendall(f"{ADDRESS} NEW honest".encode())
                    sock.shutdown(socket.SHUT_WR)
                    await eventually(lambda: "honest" in network.texts)
                for sock in socks[:8]:
                    sock.shutdown(socket.SHUT_WR)
                await eventually(lambda: len(network.texts) == 9)
                assert sorted(network.texts) == sorted(["honest", *(f"number {number}" for number in range(8))])
                await eventually(lambda: len(network) == 0)
                await eventually(lambda: not network._listener.sources and not network._listener.lingering)

    run(test)


def test_what_a_refused_connection_sends_is_read_before_it_is_closed() -> None:
    async def test() -> None:
        async with listening(room=16) as network:
            flooder = loopback_host()
            with contextlib.ExitStack() as stack:
                socks = [stack.enter_context(dialled(network, flooder)) for _ in range(10)]
                for sock in socks[8:]:
                    sock.sendall(b"nobody listens")
                await eventually(lambda: network.refused == 2)
                await eventually(lambda: not network._listener.lingering)
                errors = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for sock in socks[8:]]
                assert errors == [0, 0], "closed in order, not by a reset"

    run(test)


def test_refused_connections_never_fill_the_room() -> None:
    async def test() -> None:
        async with listening(room=16) as network:
            flooder = loopback_host()
            with contextlib.ExitStack() as stack:
                for _ in range(60):
                    stack.enter_context(dialled(network, flooder))
                await eventually(lambda: network.refused == 52)
                assert len(network._listener.lingering) <= 2

    run(test)


def test_whoever_is_shut_out_is_left_and_refused_until_the_time_is_over() -> None:
    async def test() -> None:
        async with listening() as network:
            barred = loopback_host()
            with dialled(network, barred) as first, dialled(network) as other:
                first.sendall(b"OLD: hello\n")
                other.sendall(b"NEW: hello\n")
                await eventually(lambda: len(network.texts) == 2)
                network.shut_out(barred, 3600.0)
                assert await read_to_end(first) in (b"", b"exit")
                with dialled(network, barred) as second:
                    assert await read_to_end(second) == b""
                assert network.refused == 1
                other.sendall(b"NEW: still here\n")
                await eventually(lambda: "still here" in network.texts)
                network.shut_out(barred, 0.05)
                await eventually(lambda: network._listener.unwelcome(barred) is None)
                with dialled(network, barred) as third:
                    third.sendall(b"OLD: back\n")
                    await eventually(lambda: "back" in network.texts)

    run(test)
