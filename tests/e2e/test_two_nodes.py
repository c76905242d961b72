"""Two nodes, each an unknown address to the other at first, recognise each other and talk encrypted."""

from __future__ import annotations

import signal
import threading

import pytest

from node.bus import nouns
from node.bus.client import Client
from node.errors import NodeAway
from tests.support.old_clients import AncestorConsole
from tests.support.processes import NodeProcess, Nodes, eventually


@pytest.fixture
def pair(nodes: Nodes) -> tuple[NodeProcess, NodeProcess]:
    anna, bert = nodes.make("anna").launch(), nodes.make("bert").launch()
    return anna.wait_ready(), bert.wait_ready()


def say(sender: NodeProcess, to: str, texts: list[str]) -> None:
    for text in texts:
        sender.send(to, text)


def ours(node: NodeProcess, address: str) -> list[nouns.Message]:
    return [message for message in node.messages(address) if message.direction == "out"]


def wait_delivered(node: NodeProcess, address: str) -> None:
    """Wait until all that the node said to this address is on the other's disk."""
    eventually(
        lambda: {message.state for message in ours(node, address)} == {"delivered"}, f"all of {node.name} is delivered"
    )


def test_they_recognise_each_other_and_talk_encrypted_both_ways(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    first = anna.send(bert.address, "hello Bert, this is your first call")
    bert.wait_heard(anna.address, ["hello Bert, this is your first call"])
    assert anna.wait_state(first, "delivered").entry is not None
    answer = bert.send(anna.address, "hello Anna; I answer\non the same connection")
    anna.wait_heard(bert.address, ["hello Anna; I answer\non the same connection"])
    bert.wait_state(answer, "delivered")
    for one, other in ((anna, bert), (bert, anna)):
        peer = one.wait_for_peer(other.address, kind="node", link="online", name=other.name)
        assert peer.id == other.client.status().self.id
        assert peer.code == other.client.status().self.code
        (room,) = one.client.snapshot().state.rooms.values()
        assert (room.kind, room.encrypted, room.id) == ("direct", True, peer.room)
        assert len(one.client.peers().peers) == 1
        one.check_disk()
        one.check_log()


def test_what_became_of_a_message_is_told_with_its_time(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    message = anna.send(bert.address, "hello")
    anna.wait_state(message, "delivered")
    (recipient,) = anna.client.delivery(message.id).recipients
    assert (recipient.peer, recipient.state) == (anna.peer(bert.address).id, "delivered")  # type: ignore[union-attr]
    assert recipient.at is not None
    assert recipient.at >= message.at
    bert.kill()
    anna.wait_for_peer(bert.address, link="offline")
    waiting = anna.send(bert.address, "are you there?")
    (recipient,) = eventually(
        lambda: [one for one in anna.client.delivery(waiting.id).recipients if one.next_try is not None],
        "the next try is told",
    )
    assert recipient.state == "waiting"
    assert recipient.detail


def talk_at_the_same_time(anna: NodeProcess, bert: NodeProcess) -> tuple[list[str], list[str]]:
    """Fifty rapid messages each way; returns the texts."""
    there = [f"there {number}" for number in range(50)]
    back = [f"back {number}" for number in range(50)]
    threads = [
        threading.Thread(target=say, args=(anna, bert.address, there)),
        threading.Thread(target=say, args=(bert, anna.address, back)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return there, back


def test_two_who_call_each_other_at_the_same_moment_hear_each_other_in_order_and_keep_one_link(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    anna, bert = pair
    there, back = talk_at_the_same_time(anna, bert)
    bert.wait_heard(anna.address, there)
    anna.wait_heard(bert.address, back)
    wait_delivered(anna, bert.address)
    wait_delivered(bert, anna.address)
    assert [one.text for one in anna.messages(bert.address)] == [one.text for one in bert.messages(anna.address)]
    for node in pair:
        eventually(lambda node=node: node.client.stats().links == 1, "one link is left")
        node.check_disk()
        node.check_log()


def test_a_long_text_is_whole(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    text = " ".join(f"word{number:04}" for number in range(7_000))
    sent = anna.wait_state(anna.send(bert.address, text), "delivered")
    assert sent.marks == []
    bert.wait_heard(anna.address, [text])


@pytest.mark.parametrize("how", ["gracefully", "by a crash"])
def test_a_restart_in_between_loses_and_doubles_nothing(pair: tuple[NodeProcess, NodeProcess], how: str) -> None:
    anna, bert = pair
    anna.send(bert.address, "before")
    bert.wait_heard(anna.address, ["before"])
    wait_delivered(anna, bert.address)
    if how == "gracefully":
        assert bert.stop() == 0
    else:
        bert.kill()
    anna.wait_for_peer(bert.address, link="offline")
    while_away = anna.send(bert.address, "while you were away")
    assert while_away.state == "waiting"
    bert.start()
    bert.wait_heard(anna.address, ["before", "while you were away"])
    anna.wait_state(while_away, "delivered")
    bert.send(anna.address, "I am back")
    anna.wait_heard(bert.address, ["I am back"])
    assert len(anna.client.peers().peers) == len(bert.client.peers().peers) == 1


def say_surely(node: NodeProcess, to: str, text: str) -> None:
    """Say a text, also when the node is killed meanwhile: with a key, what was accepted is not said twice."""
    while True:
        try:
            with Client(node.home, name="test", timeout=1.0) as client:
                client.send(to, text, key=text)
                return
        except NodeAway:
            if not node.runs:
                node.wait()
                node.start()


def test_both_killed_in_the_middle_of_talking_again_and_again(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    anna.client.connect(bert.address)
    anna.wait_for_peer(bert.address, kind="node", link="online")
    bert_id = anna.client.peers().peers[0].id
    # Else what Anna says waits with him as a request, which takes a few lines only.
    bert.client.settings(accept_nodes="everybody")
    said: list[str] = []
    for turn in range(4):
        victim = (anna, bert)[turn % 2]
        killer = threading.Timer(0.15, victim.signal, [signal.SIGKILL])
        killer.start()
        for number in range(200):
            text = f"{turn}.{number}"
            say_surely(anna, bert_id, text)
            said.append(text)
        killer.join()
        if not victim.runs:
            victim.wait()
            victim.start()
    bert.wait_count(anna.address, len(said))
    assert bert.heard(anna.address) == said
    wait_delivered(anna, bert.address)
    anna.check_disk()
    bert.check_disk()


def test_a_plain_peer_that_becomes_a_node_takes_its_history_along(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    later = nodes.make("bert")
    with AncestorConsole(later.host, later.port, "bert") as client:
        client.send(anna.host, anna.port, "in clear")
        anna.wait_heard(later.address, ["in clear"])
        plain = anna.peer(later.address)
        assert plain is not None
        assert plain.kind == "plain"
    anna.wait_for_peer(later.address, link="offline")
    waiting = anna.send(later.address, "for you, whatever you are")
    later.start()
    later.wait_heard(anna.address, ["for you, whatever you are"])
    assert anna.wait_state(waiting, "delivered").id == waiting.id
    peer = anna.wait_for_peer(later.address, kind="node")
    assert [(one.text, one.entry is not None) for one in anna.messages(later.address) if one.kind == "text"] == [
        ("in clear", False),
        ("for you, whatever you are", True),
    ]
    room = anna.client.snapshot().state.rooms[peer.room]
    assert room.aliases == [plain.room]
    # Links, bots and drafts that know the old id go on.
    anna.wait_state(anna.send(plain.id, "by the old id"), "delivered")
    assert anna.client.history(plain.room).messages == anna.client.history(peer.room).messages
    anna.check_disk()
    anna.check_log()
