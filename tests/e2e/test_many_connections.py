"""Many connections at once: everybody is heard, and the node stays well with few open files."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Iterator

import pytest

from tests.support.processes import NodeProcess, Nodes, loopback_host


@pytest.fixture(autouse=True)
def enough_files_for_the_test_itself() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 8192), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def connect(stack: contextlib.ExitStack, anna: NodeProcess, host: str, count: int) -> list[socket.socket]:
    """So many connections from one machine, all open at the same time. Nothing is said yet."""
    socks = []
    for _ in range(count):
        sock = stack.enter_context(socket.socket())
        sock.settimeout(20)
        sock.bind((host, 0))
        sock.connect((anna.host, anna.port))
        socks.append(sock)
    return socks


def say(socks: list[socket.socket], word: str) -> list[str]:
    """One message over each, from one and the same client; returns the texts."""
    texts = [f"{word} {number}" for number in range(len(socks))]
    for sock, text in zip(socks, texts, strict=True):
        sock.sendall(f"127.0.0.1:5000 MANY {text}".encode())
        sock.shutdown(socket.SHUT_WR)
    return texts


def closed_in_order(socks: list[socket.socket]) -> bool:
    return all(sock.recv(100) == b"" for sock in socks)


def test_1500_connections_at_once(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    host = loopback_host()
    with contextlib.ExitStack() as stack:
        socks = connect(stack, anna, host, 1500)
        texts = say(socks, "message")
        anna.wait_count(f"{host}:5000", 1500)
        assert sorted(anna.heard(f"{host}:5000")) == sorted(texts), "each once"
        assert closed_in_order(socks)
    assert anna.client.status().ready
    assert anna.stop() == 0
    assert not any("Traceback" in line for line in anna.lines)


def test_with_256_open_files_the_others_wait_and_the_bus_answers(nodes: Nodes) -> None:
    anna = nodes.start("anna", open_files=256)
    host = loopback_host()
    with contextlib.ExitStack() as stack:
        socks = connect(stack, anna, host, 600)
        assert anna.client.status().ready, "with as many connections as there may be"
        peer = anna.client.connect("127.0.0.1:9")
        assert peer.id
        texts = say(socks, "message")
        anna.wait_count(f"{host}:5000", 600)
        assert sorted(anna.heard(f"{host}:5000")) == sorted(texts)
        assert closed_in_order(socks)
    assert anna.stop() == 0
    assert any("connections are open, as many as may be; others wait" in line for line in anna.lines)
    assert not any("Traceback" in line for line in anna.lines)
