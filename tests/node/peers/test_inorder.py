"""What accepted connections of one source say is told in the order of their acceptance."""

from __future__ import annotations

import asyncio
import socket

import pytest

from node.peers import inorder
from tests.node.peers.live import dialled, eventually, listening, run
from tests.support.processes import loopback_host

ADDRESS = "127.0.0.1:5000"


def test_one_source_is_heard_in_the_order_of_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.protocol.order.HOLD_BACK", 3600.0)

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


def test_order_is_kept_though_the_process_stands_still_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def hold_back(seconds: float) -> None:
        monkeypatch.setattr("node.protocol.order.HOLD_BACK", seconds)

    hold_back(3600.0)

    async def test() -> None:
        async with listening() as network:
            loop, host = asyncio.get_running_loop(), loopback_host()
            with dialled(network, host) as first, dialled(network, host) as second, dialled(network) as other:
                for sock, word in ((second, "second"), (other, "other")):
                    sock.sendall(f"{ADDRESS} OLD {word}".encode())
                    sock.shutdown(socket.SHUT_WR)
                await eventually(lambda: network.texts == ["other"])
                first.sendall(f"{ADDRESS} OLD first".encode())
                first.shutdown(socket.SHUT_WR)
                # Its time is over, and the loop finds that out a second later, before it has read anything.
                hold_back(0.0)
                order = network._hearing._in_order
                for times in range(inorder.MAX_LATE):
                    assert order._timer is not None
                    order._timer.cancel()
                    order._expire(loop.time() - 1.0, times)
                hold_back(3600.0)
                await eventually(lambda: network.texts == ["other", "first", "second"])

    run(test)
