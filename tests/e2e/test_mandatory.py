"""Mandatory peers, with a real node: only loopback addresses are ever on its list."""

from __future__ import annotations

import socket

import pytest

from node.bus import events as ev
from tests.support.processes import PATIENCE, NodeProcess, Nodes, eventually, free_address, loopback_host

GREETING = b"anna: Mandatory message: Hello from our peer!"


@pytest.fixture
def listener() -> socket.socket:
    sock = socket.socket()
    sock.bind((loopback_host(), 0))
    sock.listen()
    sock.settimeout(PATIENCE)
    return sock


def outcomes(anna: NodeProcess) -> dict[str, str]:
    return {one.address: one.outcome for one in anna.client.status().greetings}


def read_until(sock: socket.socket, what: bytes) -> bytes:
    got = b""
    while what not in got:
        data = sock.recv(4096)
        assert data, got
        got += data
    return got


def test_a_mandatory_peer_is_greeted_once_and_its_link_is_kept(nodes: Nodes, listener: socket.socket) -> None:
    near = "{}:{}".format(*listener.getsockname())
    far, absent = free_address(), free_address()
    listed = f"{near}@127.0.0.0/8, {far}@192.0.2.128/32, {absent}"
    anna = nodes.start("anna", environment={"SNICHER_MANDATORY": listed})
    sock, _ = listener.accept()
    with listener, sock:
        sock.settimeout(PATIENCE)
        got = read_until(sock, GREETING)
        assert got.startswith(f"CONNECT:{anna.port}\t".encode())
        wanted = {near: "greeted", far: "skipped", absent: "failed"}
        eventually(lambda: outcomes(anna) == wanted, "every outcome is known")
        details = {one.address: one.detail for one in anna.client.status().greetings}
        assert details == {near: None, far: "This machine has no address in 192.0.2.128/32.", absent: details[absent]}
        assert "refused" in (details[absent] or "").lower()
        sock.sendall(b"GHOST: hello back\n")
        anna.wait_heard(near, ["hello back"])
        anna.send(near, "and you")
        assert read_until(sock, b"anna: and you").count(GREETING) == 0
        snapshot = anna.client.snapshot()
        assert {one.outcome for one in snapshot.state.greetings.values()} == set(wanted.values())
        anna.check_disk()
        assert not snapshot.live.next_tries, "nobody is tried again"
        assert anna.peer(far) is None
        events = anna.client.events(0).events
        said = [event.data.greeting.outcome for event in events if isinstance(event.data, ev.GreetingChanged)]
        assert sorted(said) == ["calling", "calling", "failed", "greeted", "skipped"]
    anna.wait_said(f"mandatory peer {far}: skipped")
