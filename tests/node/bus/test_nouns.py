"""The nouns of front ends: what tells two of one name apart."""

from __future__ import annotations

from typing import Any

import pytest

from node.bus import nouns


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"kind": "node", "code": "k7f2 · 9qda · mx31 · t6ow", "host": "10.0.0.1", "port": 5}, "k7f2 9qda"),
        ({"kind": "node", "code": "K7F2-9QDA-MX31-T6OW"}, "k7f2 9qda"),
        ({"host": "10.0.0.1", "port": 5}, "10.0.0.1:5"),
        ({"host": "fe80::1%eth0", "port": 5}, "[fe80::1%eth0]:5"),
        ({"host": "10.0.0.1"}, "10.0.0.1"),
        ({}, ""),
    ],
)
def test_a_node_goes_by_its_code_and_a_plain_peer_by_its_address(fields: dict[str, Any], mark: str) -> None:
    assert nouns.mark_of(nouns.Peer(id="p", room="r", name="bela", **fields)) == mark
