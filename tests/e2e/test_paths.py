"""Several addresses of one node, one that moves, host names, static peers and presence, with real processes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from node.bus import nouns
from node.model import parse_address
from tests.support.processes import NodeProcess, Nodes, eventually, free_address


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where connections are taken and nothing is ever answered."""
    address = free_address()
    where = parse_address(address)
    with socket.create_server((where.host, where.port), backlog=64):
        yield address


def invite_of(node: NodeProcess, *addresses: str) -> str:
    return f"snicher://{node.client.status().self.id}@{','.join(addresses)}?name={node.name}"


def links(node: NodeProcess, other: str) -> list[nouns.Link]:
    return node.client.links(other) if other in node.client.snapshot().state.peers else []


def test_of_several_addresses_the_one_that_works_is_used_at_once_and_one_link_is_left(
    nodes: Nodes, silent: str
) -> None:
    anna, bert = nodes.make("anna").launch(), nodes.make("bert").launch()
    for node in (anna, bert):
        node.wait_ready()
    bert_id = bert.client.status().self.id
    began = time.monotonic()
    anna.client.add(invite_of(bert, silent, bert.address))
    message = anna.send(bert_id, "found you")
    anna.wait_state(message, "delivered")
    assert time.monotonic() - began < 4.0, "nobody waited for the dead address, which has 5 s to answer"
    paths = anna.client.paths(bert_id)
    assert paths[0].address == bert.address and paths[0].good is not None
    assert [one.address for one in paths[1:]] == [silent] and paths[1].good is None
    assert len(links(anna, bert_id)) == len(links(bert, anna.client.status().self.id)) == 1


def test_a_node_that_comes_back_at_another_address_is_found_there_and_gets_what_waits(nodes: Nodes) -> None:
    anna, bert = nodes.make("anna").launch(), nodes.make("bert").launch()
    for node in (anna, bert):
        node.wait_ready()
    anna.client.connect(bert.address)
    bert_id, anna_id = bert.client.status().self.id, anna.client.status().self.id
    eventually(lambda: links(anna, bert_id), "they are linked")
    bert.send(anna_id, "hello")
    anna.send(bert_id, "before")
    before = bert.address
    bert.stop()
    eventually(lambda: anna.client.snapshot().state.peers[bert_id].presence == "offline", "it is seen to be offline")
    gone = anna.client.snapshot().state.peers[bert_id]
    assert gone.last_seen is not None and time.time() * 1000 - gone.last_seen < 30_000
    message = anna.send(bert_id, "while you were away")
    with NodeProcess(bert.home, "bert", free_address()).start() as moved:
        moved.send(anna_id, "I have moved")
        anna.wait_state(message, "delivered")
        peer = anna.client.snapshot().state.peers[bert_id]
        assert peer.addresses[0] == moved.address and before in peer.addresses
        assert (peer.presence, peer.warning) == ("online", None)


def test_a_static_peer_is_linked_as_soon_as_it_is_there_and_its_status_is_told(nodes: Nodes) -> None:
    address = free_address()
    anna = nodes.start("anna", arguments=("--peer", address, "--status", "at my desk"))
    bert = nodes.start("bert", listen=address)
    bert_id, anna_id = bert.client.status().self.id, anna.client.status().self.id
    eventually(lambda: links(anna, bert_id), "nobody has asked for anything")
    assert bert.client.snapshot().state.peers[anna_id].status == "", "anna is nobody to bert yet"
    bert.send(anna_id, "who are you?")
    eventually(
        lambda: bert.client.snapshot().state.peers[anna_id].status == "at my desk", "what anna says of herself is shown"
    )
    anna.client.settings(presence="away")
    eventually(lambda: bert.client.snapshot().state.peers[anna_id].presence == "away", "she is away")
    anna.client.settings(presence="invisible")
    eventually(
        lambda: (
            (lambda peer: (peer.presence, peer.status))(bert.client.snapshot().state.peers[anna_id]) == ("online", "")
        ),
        "nothing is told any more",
    )


def test_a_host_name_is_kept_and_looked_up(nodes: Nodes) -> None:
    """`localhost` is the one name that every machine has."""
    port = parse_address(free_address("127.0.0.1")).port
    bert = nodes.start("bert", listen=f"127.0.0.1:{port}")
    anna = nodes.start("anna", arguments=("--peer", f"localhost:{port}"))
    bert_id = bert.client.status().self.id
    eventually(lambda: links(anna, bert_id), "the name leads there")
    peer = anna.client.snapshot().state.peers[bert_id]
    assert peer.hostnames == [f"localhost:{port}"]
    assert peer.addresses[0] == f"127.0.0.1:{port}"
