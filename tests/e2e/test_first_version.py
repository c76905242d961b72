"""A node of version 0.1 and this one still chat, in clear; nobody is told that they were encrypted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from dashboard import wording
from node.model import parse_address
from node.terminal import lines
from tests.support.first_version import FirstVersion
from tests.support.processes import NodeProcess, Nodes, eventually


@pytest.fixture
def old() -> Iterator[FirstVersion]:
    made = FirstVersion()
    yield made
    made.close()


def dials(node: NodeProcess, old: FirstVersion) -> None:
    """The old one dials, and is first to speak."""
    address = parse_address(node.address)
    old.dial(address.host, address.port)
    old.say("hello, I was here first")


def is_dialled(node: NodeProcess, old: FirstVersion) -> None:
    """The node dials, because somebody writes to an address that nobody knows."""
    first = node.send(old.address, "who are you?")
    node.wait_state(first, "sent")
    eventually(lambda: b"anna: who are you?\n" in old.heard, "the old one reads the text")
    old.say("hello, I was here first")


@pytest.mark.parametrize("begin", [dials, is_dialled])
def test_a_node_of_version_0_1_and_this_one_chat_in_clear(
    nodes: Nodes, old: FirstVersion, begin: Callable[[NodeProcess, FirstVersion], None]
) -> None:
    anna = nodes.start("anna")
    begin(anna, old)
    anna.wait_heard(old.address, ["hello, I was here first"])
    sent = anna.send(old.address, "welcome\non two lines")
    assert anna.wait_state(sent, "sent").entry is None
    eventually(lambda: b"anna: welcome\non two lines\n" in old.heard, "the old one reads the answer")
    old.say("and again")
    anna.wait_heard(old.address, ["hello, I was here first", "and again"])

    peer = anna.wait_for_peer(old.address, kind="plain", dialect="snicher", link="online", name="old")
    room = anna.client.snapshot().state.rooms[peer.room]
    assert (room.kind, room.encrypted) == ("plain", False)
    assert lines.room_line(room, peer).endswith(": plain")
    assert wording.encryption(room.encrypted)[0] == "plain"
    # It saw no answer to its tabs, and nothing of TLS.
    said = re.sub(rb"CONNECT:\d+\t{32}\n", b"", old.heard)
    assert b"\t" not in said
    assert b"\x16" not in said
    anna.check_disk()
    anna.check_log()
