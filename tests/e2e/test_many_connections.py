"""Many connections at once: everybody is heard, and the node stays well with few open files."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Iterator

import pytest

from node.app import OTHER_FILES
from node.peers import listener
from tests.support.processes import PATIENCE, NodeProcess, Nodes, eventually, loopback_host

#: A node that lets nobody go for being silent, nor takes silence for the end of a message: a test on a busy machine may
#: be silent for long.
PATIENT = """
import sys
from node import __main__
from node.peers import listener
from node.protocol import link
from node.protocol.plain import one_shot
listener.QUIET_ENOUGH = listener.FLOOD_QUIET = link.SILENCE = link.COLLECT = one_shot.QUIET = 3600.0
sys.exit(__main__.main())
"""


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
        sock.settimeout(PATIENCE)
        sock.bind((host, 0))
        sock.connect((anna.host, anna.port))
        socks.append(sock)
    return socks


def say(socks: list[socket.socket], word: str) -> list[str]:
    """One message over each, from one and the same client; returns the texts."""
    texts = [f"{word} {number}" for number in range(len(socks))]
    for sock, text in zip(socks, texts, strict=True):
        sock.sendall(f"127.0.0.1:9 MANY {text}".encode())
        sock.shutdown(socket.SHUT_WR)
    return texts


def closed_in_order(socks: list[socket.socket]) -> bool:
    return all(sock.recv(100) == b"" for sock in socks)


def test_1500_connections_at_once(nodes: Nodes) -> None:
    anna = nodes.start("anna", script=["-c", PATIENT])
    host = loopback_host()
    with contextlib.ExitStack() as stack:
        socks = connect(stack, anna, host, 1500)
        texts = say(socks, "message")
        anna.wait_count(f"{host}:9", 1500)
        assert sorted(anna.heard(f"{host}:9")) == sorted(texts), "each once"
        assert closed_in_order(socks)
    assert anna.client.status().ready
    assert anna.stop() == 0
    assert not any("Traceback" in line for line in anna.lines)


def connect_from_everywhere(stack: contextlib.ExitStack, anna: NodeProcess, count: int) -> list[socket.socket]:
    """So many connections, from as many machines as there are addresses for them."""
    hosts = [loopback_host() for _ in range(min(count, 250))]
    return [connect(stack, anna, hosts[number % len(hosts)], 1)[0] for number in range(count)]


def still_open(sock: socket.socket) -> bool:
    """Whether the other side has not closed; it has nothing to say."""
    sock.setblocking(False)
    try:
        return sock.recv(100) != b""
    except BlockingIOError:
        return True
    finally:
        sock.settimeout(PATIENCE)


def test_with_256_open_files_those_of_many_machines_wait_and_the_bus_answers(nodes: Nodes) -> None:
    anna = nodes.start("anna", open_files=256, script=["-c", PATIENT])
    with contextlib.ExitStack() as stack:
        socks = connect_from_everywhere(stack, anna, 600)
        assert anna.client.status().ready, "with as many connections as there may be"
        peer = anna.client.connect("127.0.0.1:9")
        assert peer.id
        say(socks, "message")
        eventually(lambda: anna.client.stats().received == 600, "everybody is heard")
        assert closed_in_order(socks)
    assert anna.stop() == 0
    assert any("connections are open, as many as may be; others wait" in line for line in anna.lines)
    assert not any("Traceback" in line for line in anna.lines)


@pytest.mark.parametrize(("open_files", "count"), [(256, 600), (1024, 3000)])
def test_a_flood_is_refused_in_order_and_neither_links_nor_newcomers_notice(
    nodes: Nodes, open_files: int, count: int
) -> None:
    begun = time.monotonic()
    anna = nodes.start("anna", open_files=open_files, script=["-c", PATIENT])
    friend, flooder, newcomer = loopback_host(), loopback_host(), loopback_host()
    most = (open_files - OTHER_FILES) // 2
    with contextlib.ExitStack() as stack:
        (link,) = connect(stack, anna, friend, 1)
        link.sendall(b"FRIEND: before the flood\n")
        eventually(lambda: anna.client.stats().received == 1, "the link stands")
        socks = connect(stack, anna, flooder, count)
        eventually(lambda: anna.client.stats().refused == count - most, "all beyond the bound are refused")
        link.sendall(b"FRIEND: during the flood\n")
        late = connect(stack, anna, newcomer, 20)
        say(late, "newcomer")
        eventually(lambda: anna.client.stats().received == 22, "both are heard while the flood stands")
        assert closed_in_order(late)
        # Some are counted a moment before they are closed.
        eventually(lambda: sum(not still_open(sock) for sock in socks) >= count - most, "all of those are closed")
        assert sum(not still_open(sock) for sock in socks) == count - most
        assert anna.client.status().ready
        link.sendall(b"FRIEND: after the flood\n")
        eventually(lambda: anna.client.stats().received == 23)
    assert anna.stop() == 0
    said = sum("connections open; further ones are refused" in line for line in anna.lines)
    assert 1 <= said <= 1 + (time.monotonic() - begun) / listener.FULL_SAID
    assert not any("Traceback" in line for line in anna.lines)
