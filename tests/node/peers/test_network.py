"""All connections together: what is listened at, taken, kept waiting, dialled and left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time

import pytest

from node.core import effects as e
from node.core import stimuli as s
from node.errors import ListenError
from node.model import Address
from node.peers import connection as connections
from node.peers import network as networks
from tests.node.peers.live import Live, dialled, eventually, listening, read_to_end, run
from tests.support.processes import free_address, loopback_host

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
        assert {heard.host for heard in network.all(s.Heard)} == {"127.0.0.1", "::1"}
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
    monkeypatch.setattr(networks, "QUIET_ENOUGH", 0.1)
    monkeypatch.setattr(networks, "FULL_PAUSE", 0.05)

    async def test() -> None:
        async with listening(room=8) as network:
            with contextlib.ExitStack() as stack:
                silent = [stack.enter_context(dialled(network)) for _ in range(6)]
                await eventually(lambda: len(network) == 6)
                with dialled(network) as sock:
                    sock.sendall(f"{ADDRESS} OLD at last".encode())
                    sock.shutdown(socket.SHUT_WR)
                    await eventually(lambda: network.texts == ["at last"])
                for one in silent:
                    assert await read_to_end(one) == b""

    with caplog.at_level(logging.WARNING):
        run(test)
    assert [record.getMessage() for record in caplog.records] == [
        "6 connections are open, as many as may be; others wait"
    ]


def test_a_talking_connection_never_has_to_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "QUIET_ENOUGH", 0.0)
    monkeypatch.setattr(networks, "FULL_PAUSE", 0.02)

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
                assert await network.closed(1.0)

    run(test)


def test_a_dial_that_is_called_off_before_it_begins_is_closed_once() -> None:
    async def test() -> None:
        async with listening() as network:
            network.perform(e.Dial(1, Address(loopback_host(), 5000), "persistent"))
            network.perform(e.HangUp(1))
            await eventually(lambda: network.all(s.Closed))
            assert network.all(s.Closed) == [s.Closed(1, "We left.")]
            assert await network.closed(1.0)

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


def test_one_source_is_heard_in_the_order_of_its_connections() -> None:
    async def test() -> None:
        async with listening() as network:
            host = loopback_host()
            with dialled(network, host) as first, dialled(network, host) as second, dialled(network) as other:
                second.sendall(f"{ADDRESS} OLD second".encode())
                second.shutdown(socket.SHUT_WR)
                other.sendall(f"{ADDRESS} OLD other".encode())
                other.shutdown(socket.SHUT_WR)
                await eventually(lambda: network.texts == ["other"])
                first.sendall(f"{ADDRESS} OLD first".encode())
                first.shutdown(socket.SHUT_WR)
                await eventually(lambda: network.texts == ["other", "first", "second"])

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
                await eventually(lambda: not network._sources and not network._lingering)

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
                await eventually(lambda: not network._lingering)
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
                assert len(network._lingering) <= 2

    run(test)


def test_whoever_is_shut_out_is_left_and_refused_until_the_time_is_over() -> None:
    async def test() -> None:
        async with listening() as network:
            barred = loopback_host()
            with dialled(network, barred) as first, dialled(network) as other:
                first.sendall(b"OLD: hello\n")
                other.sendall(b"NEW: hello\n")
                await eventually(lambda: len(network.texts) == 2)
                network.shut_out(barred, 0.3)
                assert await read_to_end(first) in (b"", b"exit")
                with dialled(network, barred) as second:
                    assert await read_to_end(second) == b""
                assert network.refused == 1
                other.sendall(b"NEW: still here\n")
                await eventually(lambda: "still here" in network.texts)
                await eventually(lambda: network._unwelcome(barred) is None)
                with dialled(network, barred) as third:
                    third.sendall(b"OLD: back\n")
                    await eventually(lambda: "back" in network.texts)

    run(test)


def test_small_texts_beyond_the_bound_wait_in_the_network_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.peers.pace.BURST", 100)
    monkeypatch.setattr("node.peers.pace.RATE", 1_000)

    async def test() -> None:
        async with listening() as network:
            loop = asyncio.get_running_loop()
            with dialled(network) as flood, dialled(network) as other:
                begun = loop.time()
                flood.sendall(b"".join(b"n%d\n" % number for number in range(300)))
                await eventually(lambda: network._slowed)
                flood.sendall(b"later\n")
                other.sendall(b"NEW: a text of somebody else\n")
                await eventually(lambda: "a text of somebody else" in network.texts)
                assert "later" not in network.texts
                network.pause()
                network.resume()
                await eventually(lambda: "later" in network.texts)
                assert loop.time() - begun >= 0.2, "200 texts beyond the burst, at 1,000 a second"
                numbers = [text for text in network.texts if text[0] == "n"]
                assert numbers == [f"n{number}" for number in range(300)]

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


def test_a_source_that_the_disk_has_enough_of_waits_and_nobody_else() -> None:
    async def test() -> None:
        async with listening() as network:
            host = loopback_host()
            with dialled(network, host) as flood, dialled(network) as other:
                flood.sendall(b"FLOOD: first\n")
                await eventually(lambda: network.texts == ["first"])
                network.full.add(host)
                flood.sendall(b"FLOOD: second\n")
                with dialled(network, host) as late:
                    late.sendall(b"127.0.0.1:5000 LATE third")
                    late.shutdown(socket.SHUT_WR)
                    await eventually(lambda: network._connections[2].waits and network._untaken)
                    other.sendall(b"NEW: a text of somebody else\n")
                    await eventually(lambda: "a text of somebody else" in network.texts)
                    assert len(network.texts) == 2
                    network.full.clear()
                    network.go_on()
                    await eventually(lambda: sorted(network.texts[2:]) == ["second", "third"])

    run(test)


def test_of_one_that_floods_a_little_is_read_at_a_time_and_all_of_it_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its texts cost much, so that the turns get short; somebody else's text comes between them."""
    monkeypatch.setattr("node.peers.pace.BURST", 1_000_000)

    async def test() -> None:
        async with listening() as network:
            feed = network._feed
            sizes: list[int] = []

            def slow(stimulus: s.Stimulus) -> None:
                if isinstance(stimulus, s.Heard) and stimulus.host == host:
                    sizes.append(stimulus.size)
                    busy_until = time.perf_counter() + 0.0001 * len(stimulus.said)
                    while time.perf_counter() < busy_until:
                        pass
                feed(stimulus)

            network._feed = slow
            host = loopback_host()
            with dialled(network, host) as flood, dialled(network) as other:
                lines = b"".join(b"%d\n" % number for number in range(5_000))
                sent = asyncio.create_task(asyncio.get_running_loop().sock_sendall(flood, b"CONNECT:7000\n" + lines))
                await eventually(lambda: len(network.texts) > 500)
                other.sendall(b"NEW: hello\n")
                await eventually(lambda: "hello" in network.texts)
                assert len(network.texts) < 5_000, "it didn't wait for all the others"
                await sent
                await eventually(lambda: len(network.texts) == 5_001)
                numbers = [text for text in network.texts if text != "hello"]
                assert numbers == [str(number) for number in range(5_000)]
                assert min(sizes[:-1]) <= connections.READ_SIZE // 16

    run(test)


def test_who_was_accepted_and_never_heard_is_closed_at_the_end() -> None:
    async def test() -> None:
        async with listening() as network:
            network.pause()
            with dialled(network) as sock:
                sock.sendall(b"127.0.0.1:5000 OLD too late")
                await eventually(lambda: network._untaken)
                network.stop_listening()
                network.leave_all()
                assert await read_to_end(sock) == b""
                assert not network._untaken

    run(test)
