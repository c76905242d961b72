"""The short run of the peer fuzz. Always the same seed; `python -m tests.fuzz --peers` draws new ones."""

from __future__ import annotations

import pathlib
import tempfile

import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz import peers
from tests.support.processes import NodeProcess

SECONDS = 3.0


@pytest.mark.timeout(180)
def test_a_node_among_hostile_peers_answers_and_hears_an_honest_one_without_loss() -> None:
    with tempfile.TemporaryDirectory(prefix="sn-") as folder, NodeProcess(pathlib.Path(folder)) as node:
        node.start()
        found = peers.PeerFuzz(node, 1).run(SECONDS)
        known = [peer for peer in node.client.peers().peers if peer.kind == "node"]
        texts = [one for peer in known for one in node.client.history(peer.room).messages if one.entry is not None]
    assert found.failure is None, found
    assert found.connections > 50
    assert found.honest > 5
    assert texts, "hostile nodes prove their keys, and say texts"


@pytest.mark.timeout(180)
def test_a_broken_promise_is_told_with_the_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "MAX_MEMORY", 1)
    assert fuzz.main(["--peers", "--seed", "7", "--minutes", "0.05"]) == 1
    said = capsys.readouterr()
    assert "seed 7" in said.out
    assert "seed 7: the node has" in said.err
