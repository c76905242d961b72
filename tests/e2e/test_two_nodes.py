"""Two nodes talk over the plain dialect, each an unknown address to the other at first."""

from __future__ import annotations

import threading

import pytest

from tests.support.processes import NodeProcess, Nodes


@pytest.fixture
def pair(nodes: Nodes) -> tuple[NodeProcess, NodeProcess]:
    anna, bert = nodes.make("anna").launch(), nodes.make("bert").launch()
    return anna.wait_ready(), bert.wait_ready()


def say(sender: NodeProcess, to: str, texts: list[str]) -> None:
    for text in texts:
        sender.send(to, text)


def test_they_find_out_what_the_other_speaks_and_talk_both_ways(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    first = anna.send(bert.address, "hello Bert, this is your first call")
    bert.wait_heard(anna.address, ["hello Bert, this is your first call"])
    anna.wait_state(first, "sent")
    answer = bert.send(anna.address, "hello Anna; I answer\non the same connection")
    anna.wait_heard(bert.address, ["hello Anna; I answer\non the same connection"])
    bert.wait_state(answer, "sent")
    anna.wait_for_peer(bert.address, dialect="snicher", link="online", name="bert")
    bert.wait_for_peer(anna.address, dialect="snicher", dialect_from="seen", link="online", name="anna")
    assert len(anna.client.peers().peers) == len(bert.client.peers().peers) == 1


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


def test_fifty_rapid_messages_each_way_at_the_same_time(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    anna.send(bert.address, "there first")
    bert.wait_heard(anna.address, ["there first"])
    bert.send(anna.address, "back first")
    anna.wait_heard(bert.address, ["back first"])
    there, back = talk_at_the_same_time(anna, bert)
    bert.wait_heard(anna.address, ["there first", *there])
    anna.wait_heard(bert.address, ["back first", *back])
    for node, address in ((anna, bert.address), (bert, anna.address)):
        ours = [one for one in node.messages(address) if one.direction == "out"]
        assert {node.wait_state(one, "sent").state for one in ours[-5:]} == {"sent"}


def test_two_who_call_each_other_at_the_same_moment_hear_each_other_in_order(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    """Both dial, so two links stand, and each goes on with its first (PROTOCOL.md 2.1)."""
    anna, bert = pair
    there, back = talk_at_the_same_time(anna, bert)
    bert.wait_heard(anna.address, there)
    anna.wait_heard(bert.address, back)


def test_a_long_text_goes_in_marked_parts_with_one_state(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    text = " ".join(f"word{number:04}" for number in range(400))
    sent = anna.wait_state(anna.send(bert.address, text), "sent")
    assert sent.marks == ["parts"]
    assert sent.text == text, "our own copy is whole"
    bert.wait_count(anna.address, 1)
    count = int(bert.heard(anna.address)[0].split("/")[1].split(")")[0])
    assert count >= len(text) / 900
    bert.wait_count(anna.address, count)
    parts = bert.heard(anna.address)
    assert [part.split(" ", 1)[0] for part in parts] == [f"({n}/{len(parts)})" for n in range(1, len(parts) + 1)]
    assert "".join(part.split(" ", 1)[1].rstrip() + " " for part in parts).strip() == text


@pytest.mark.parametrize("how", ["gracefully", "by a crash"])
def test_a_restart_in_between_loses_and_doubles_nothing(pair: tuple[NodeProcess, NodeProcess], how: str) -> None:
    anna, bert = pair
    anna.send(bert.address, "before")
    bert.wait_heard(anna.address, ["before"])
    anna.wait_state(anna.messages(bert.address)[-1], "sent")
    if how == "gracefully":
        assert bert.stop() == 0
    else:
        bert.kill()
    anna.wait_for_peer(bert.address, link="offline")
    while_away = anna.send(bert.address, "while you were away")
    assert while_away.state == "waiting"
    bert.start()
    bert.wait_heard(anna.address, ["before", "while you were away"])
    anna.wait_state(while_away, "sent")
    bert.send(anna.address, "I am back")
    anna.wait_heard(bert.address, ["I am back"])
    assert len(anna.client.peers().peers) == len(bert.client.peers().peers) == 1
