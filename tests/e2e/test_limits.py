"""Nobody fills the disk or takes the node from others: the floor, the quota and the bounds, with a real node."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket

import pytest

from node.bus import events as ev
from node.bus import nouns
from node.errors import CommandRefused
from tests.support.processes import PATIENCE, Nodes, eventually, free_address, loopback_host

MB = 1_000_000


def dial(address: str, host: str) -> socket.socket:
    there, _, port = address.rpartition(":")
    sock = socket.socket()
    sock.bind((host, 0))
    sock.settimeout(PATIENCE)
    sock.connect((there, int(port)))
    return sock


def test_below_the_floor_the_node_holds_still_and_goes_on_by_itself(nodes: Nodes) -> None:
    free = shutil.disk_usage(nodes.folder).free
    if free < 2_000 * MB:
        pytest.skip("too little room for this test")
    anna = nodes.start("anna", environment={"SNICHER_FREE_SPACE": str((free - 500 * MB) // MB)})
    peer, host = free_address(), loopback_host()
    anna.send(peer, "there is room")
    with (nodes.folder / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, 900 * MB)
    try:
        eventually(lambda: anna.client.status().health.problem, "the floor is noticed")
        assert anna.client.status().health.store, "reading and settings still work"
        with pytest.raises(CommandRefused) as refused:
            anna.send(peer, "no room")
        assert (refused.value.code, refused.value.retryable) == ("store_unavailable", True)
        assert "are free on the disk" in refused.value.message
        with dial(anna.address, host) as sock:
            sock.sendall(b"OLD: waits in the network\n")
            anna.client.settings(name="still anna")
            assert anna.client.stats().received == 0
            (nodes.folder / "ballast").unlink()
            eventually(lambda: anna.client.stats().received == 1, "it is read when there is room")
        assert anna.client.status().health == nouns.Health()
        anna.send(peer, "room again")
    finally:
        (nodes.folder / "ballast").unlink(missing_ok=True)


def test_a_source_that_meets_its_quota_is_shut_out_and_others_are_not(nodes: Nodes) -> None:
    anna = nodes.start("anna", environment={"SNICHER_QUOTA": "1"})
    flooder, honest = loopback_host(), loopback_host()
    with dial(anna.address, flooder) as flood, dial(anna.address, honest) as other:
        other.sendall(b"NEW: hello\n")
        line = b"OLD: " + b"x" * 1_000 + b"\n"
        eventually(lambda: anna.client.stats().received == 1)
        flood.sendall(line * 900)
        eventually(lambda: flooder in anna.client.stats().shut_out, "the quota is met")
        with contextlib.suppress(ConnectionResetError):
            # Or a reset, where the node had no time to drain all that came.
            assert flood.recv(100) in (b"", b"exit")
        with dial(anna.address, flooder) as again:
            assert again.recv(100) == b""
        assert anna.client.stats().refused == 1
        other.sendall(b"NEW: still here\n")
        eventually(lambda: anna.client.search('"still here"').hits, "the other one is heard")
    events = anna.client.events(max(0, anna.client.status().head - 900), limit=1000).events
    met = [event.data for event in events if isinstance(event.data, ev.QuotaReached)]
    assert [(one.host, one.bytes >= MB) for one in met] == [(flooder, True)], "once"
    anna.wait_said(f"{flooder} has sent as much as one source may in a day")
    anna.stop()
    anna.start()
    assert list(anna.client.stats().shut_out) == [flooder], "also after a restart"
    with dial(anna.address, flooder) as again:
        assert again.recv(100) == b""


def test_one_character_texts_cost_no_more_rows_than_the_bound_allows(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    with dial(anna.address, loopback_host()) as flood, dial(anna.address, loopback_host()) as other:
        flood.sendall(b"a\n" * 32_768)
        eventually(lambda: anna.client.stats().received >= 5_000)
        other.sendall(b"NEW: somebody else\n")
        eventually(lambda: anna.client.search("somebody").hits, "somebody else gets through meanwhile")
        assert anna.client.status().ready
        flood.sendall(b"b\n" * 8)
        assert not anna.client.search("b").hits, "the rest waits in the network"
