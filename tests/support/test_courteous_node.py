"""The courteous node: who stands still isn't taken for somebody else."""

from __future__ import annotations

import contextlib

from tests.support.courteous_node import SCRIPT
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
