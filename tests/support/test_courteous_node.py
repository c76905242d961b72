"""The courteous node: who stands still isn't taken for somebody else."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest

from tests.support.courteous_node import SCRIPT, unread
from tests.support.old_clients import Std
from tests.support.processes import Nodes, loopback_host


def test_one_that_reads_late_is_known_for_what_it_is() -> None:
    """Longer than a node waits for an address that nobody knows to show what it speaks."""
    with contextlib.closing(Nodes()) as nodes, Std(loopback_host(), team="LATE", pause=1.5) as late:
        anna = nodes.start("anna", script=SCRIPT)
        sent = anna.send(late.address, "are you there?")
        late.wait_for(lambda c: c.texts == ["are you there?"])
        anna.wait_state(sent, "sent")
        anna.wait_for_peer(late.address, dialect="std", dialect_from="guess")
        assert late.errors == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't tell")
def test_the_system_tells_what_the_other_end_has_not_read() -> None:
    host = loopback_host()
    with socket.create_server((host, 0)) as listener:
        said = socket.create_connection(listener.getsockname(), source_address=(host, 0))
        taken, _ = listener.accept()
        with said, taken:
            ends = (taken.getsockname(), taken.getpeername())
            assert unread(*ends) == 0
            said.sendall(b"abc")
            assert unread(*ends) == 3
            assert unread(*reversed(ends)) == 0
            said.shutdown(socket.SHUT_WR)
            assert unread(*ends) == 4, "an end counts as a byte"
            assert taken.recv(10) == b"abc"
            assert unread(*ends) == 0
        assert unread(listener.getsockname(), (host, 9)) == 0, "who listens is no connection"
