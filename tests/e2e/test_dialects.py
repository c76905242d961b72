"""The node and the clients of the rarer dialects, over real sockets: each side shows the other's messages."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from tests.support import courteous_node
from tests.support.old_clients import OldClient, Std
from tests.support.old_clients_rare import Angle1, AngleAt, AngleTs, Json, Labelled, Portline
from tests.support.processes import NodeProcess, Nodes, loopback_host


class AngleAtInStd(AngleAt):
    """The trap of WIRE.md 2: its `connect` is a std line, all else is angle@."""

    announces_in_std = True


class AngleAtWithWrongAddress(AngleAt):
    """Claims an address that isn't its own, as half of the old clients do."""

    def claimed(self, host: str) -> str:
        return f"127.0.1.1:{self.port}"


#: Each client with the dialect that it speaks.
CLIENTS: dict[str, tuple[Callable[..., OldClient], str]] = {
    "angle@": (AngleAt, "angle@"),
    "angle@ that announces in std": (AngleAtInStd, "angle@"),
    "angle@ that claims a wrong address": (AngleAtWithWrongAddress, "angle@"),
    "angle-ts": (AngleTs, "angle-ts"),
    "angle1": (Angle1, "angle1"),
    "labelled": (Labelled, "labelled"),
    "portline": (Portline, "portline"),
    "json": (Json, "json"),
}
ONE_SHOT = sorted(set(CLIENTS) - {"portline"})


@pytest.fixture(scope="module")
def anna() -> Iterator[NodeProcess]:
    made = Nodes()
    yield made.start("anna", script=courteous_node.SCRIPT)
    made.close()


@pytest.fixture(params=CLIENTS)
def old(request: pytest.FixtureRequest) -> Iterator[OldClient]:
    make, _ = CLIENTS[request.param]
    with make(loopback_host(), team="OLD") as client:
        yield client
        assert client.errors == []


@pytest.fixture(params=ONE_SHOT)
def one_shot(request: pytest.FixtureRequest) -> Iterator[OldClient]:
    make, _ = CLIENTS[request.param]
    with make(loopback_host(), team="OLD") as client:
        yield client
        assert client.errors == []


def dialect_of(client: OldClient) -> str:
    return next(dialect for make, dialect in CLIENTS.values() if type(client) is make)


def wait_shown(client: OldClient, texts: list[str]) -> None:
    client.wait_for(lambda c: len(c.received) >= len(texts))
    assert client.texts == texts
    assert {item.team for item in client.received} == {"anna"}
    assert client.complaints == [], "everything that it was sent, it understood"


def test_a_message_each_way_in_the_dialect_that_the_peer_spoke(anna: NodeProcess, old: OldClient) -> None:
    old.send(anna.host, anna.port, "hello Anna, größer 🙂?")
    anna.wait_heard(old.address, ["hello Anna, größer 🙂?"])
    anna.wait_for_peer(old.address, dialect=dialect_of(old), dialect_from="seen", name="OLD")
    sent = anna.send(old.address, 'größer 🙂, and "quoted" | barred')
    wait_shown(old, ['größer 🙂, and "quoted" | barred'])
    assert anna.wait_state(sent, "sent").detail is None
    assert [item.sender for item in old.received] == [anna.address], "it knows where to answer"


def test_a_dialect_that_is_told_is_spoken_from_the_first_byte(anna: NodeProcess, old: OldClient) -> None:
    peer = anna.client.connect(old.address, dialect_of(old))
    assert (peer.dialect, peer.dialect_from) == (dialect_of(old), "chosen")
    anna.send(old.address, "as you like it")
    wait_shown(old, ["as you like it"])
    assert old.peers == [anna.address]
    assert not any(b"CONNECT:" in raw for _, raw in old.reads), "it was not asked what it speaks"


def test_fifty_rapid_messages_each_way_arrive_as_fifty_in_order(anna: NodeProcess, old: OldClient) -> None:
    there = [f"there {number}" for number in range(50)]
    back = [f"back {number}" for number in range(50)]
    old.send(anna.host, anna.port, there[0])
    anna.wait_for_peer(old.address, dialect=dialect_of(old))
    for text in back:
        anna.send(old.address, text)
    for text in there[1:]:
        old.send(anna.host, anna.port, text)
    wait_shown(old, back)
    anna.wait_heard(old.address, there)


def test_a_long_text_arrives_in_parts_that_one_read_holds(anna: NodeProcess, old: OldClient) -> None:
    text = 'wörd "x" \\ ' * 300
    old.send(anna.host, anna.port, "hello")
    anna.wait_for_peer(old.address, dialect=dialect_of(old))
    sent = anna.send(old.address, text)
    assert "parts" in anna.wait_state(sent, "sent").marks
    old.wait_for(lambda c: c.texts)
    count = int(old.texts[0].split("/")[1].split(")")[0])
    old.wait_for(lambda c: len(c.received) == count)
    assert "".join(item.text.split(") ", 1)[1] for item in old.received).strip() == text.strip()


def test_our_connect_lists_us_and_our_disconnect_takes_us_off(anna: NodeProcess, old: OldClient) -> None:
    anna.client.connect(old.address, dialect_of(old))
    old.wait_for(lambda c: c.peers == [anna.address])
    anna.wait_for_peer(old.address, link="online" if isinstance(old, Portline) else "reachable", wanted=True)
    anna.client.disconnect(old.address)
    old.wait_for(lambda c: c.peers == [])
    anna.wait_for_peer(old.address, link="offline", wanted=False, error=None)
    assert old.complaints == []


def test_their_connect_and_good_bye_are_seen_and_are_no_messages(anna: NodeProcess, old: OldClient) -> None:
    old.connect(anna.host, anna.port)
    anna.wait_for_peer(old.address, link="reachable", dialect=dialect_of(old))
    old.leave()
    anna.wait_for_peer(old.address, link="offline", error=None)
    notices = [one.text for one in anna.messages(old.address) if one.kind == "notice"]
    assert any("good-bye" in text for text in notices), notices
    assert anna.heard(old.address) == []


@pytest.mark.parametrize("name", sorted(set(CLIENTS) - {"portline"}))
def test_who_takes_leave_without_a_name_is_the_one_that_was_there(anna: NodeProcess, name: str) -> None:
    """Some good-byes have no name and no text, only the address and the port."""
    make, _ = CLIENTS[name]
    with make(loopback_host(), team="OLD") as old:
        old.send(anna.host, anna.port, "hello")
        anna.wait_for_peer(old.address, link="reachable")
        old.connect(anna.host, anna.port)
        old.leave()
        anna.wait_for_peer(old.address, link="offline", error=None)
        assert anna.heard(old.address) == ["hello"], "the good-bye is no text"
        assert [peer.name for peer in anna.client.peers().peers if peer.host == old.host] == ["OLD"]


def test_who_leaves_without_a_word_is_offline_when_its_connection_ends(anna: NodeProcess) -> None:
    with Portline(loopback_host(), team="OLD") as old:
        old.send(anna.host, anna.port, "hello")
        anna.wait_for_peer(old.address, link="reachable", dialect="portline")
        old.vanish()
        anna.wait_for_peer(old.address, link="offline")


def test_a_portline_client_gets_an_answer_to_each_message_and_exit_at_the_end(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    with Portline(loopback_host(), team="OLD") as old:
        for number in range(3):
            old.send(anna.host, anna.port, f"hello {number}")
        assert len(old.answers) == 3
        anna.send(old.address, "hello yourself")
        wait_shown(old, ["hello yourself"])
        assert anna.stop() == 0
        old.wait_for(lambda c: c.last_read == b"exit\n")
        assert old.errors == [], "it spins when a connection ends without exit"


@pytest.mark.parametrize("name", [name for name in CLIENTS if name != "angle@ that announces in std"])
def test_an_address_whose_dialect_is_untold_is_answered_rightly_once_it_has_spoken(
    anna: NodeProcess, name: str
) -> None:
    make, dialect = CLIENTS[name]
    with make(loopback_host(), team="OLD") as old:
        lost = anna.send(old.address, "in the wrong dialect")
        anna.wait_state(lost, "sent")
        anna.wait_for_peer(old.address, dialect="std", dialect_from="guess")
        old.send(anna.host, anna.port, "this is how I speak")
        anna.wait_for_peer(old.address, dialect=dialect, dialect_from="seen")
        # It shows what it can't read, or complains of it.
        old.wait_for(lambda c: any("in the wrong dialect" in line for line in [*c.texts, *c.complaints]))
        before = len(old.received)
        anna.send(old.address, "so do I, then")
        old.wait_for(lambda c: len(c.received) > before)
        assert old.texts[before:] == ["so do I, then"], "and what was lost isn't said again"
        assert old.errors == []


def test_an_angle1_client_that_has_spoken_never_reads_std(anna: NodeProcess) -> None:
    with Angle1(loopback_host(), team="OLD") as old:
        old.send(anna.host, anna.port, "hello")
        anna.wait_for_peer(old.address, dialect="angle1")
        anna.client.connect(old.address)
        sent = [anna.send(old.address, text) for text in ("one", "\0 \0x\0", "exit", "two")]
        anna.wait_state(sent[-1], "sent")
        old.wait_for(lambda c: len(c.received) == 4)
        assert all(raw.startswith(f"<{anna.address}> anna ".encode()) for _, raw in old.reads)
        assert old.peers == [anna.address], "it misreads an address in anything else"
        old.leave()
        assert old.errors == []


@pytest.mark.parametrize("dialect", ["angle@", "angle-ts", "angle1", "labelled", "portline", "json", "std"])
def test_two_nodes_can_talk_in_any_dialect(nodes: Nodes, dialect: str) -> None:
    anna, bert = nodes.start("anna"), nodes.start("bert")
    anna.client.connect(bert.address, dialect)
    for number in range(3):
        anna.send(bert.address, f"there {number}")
    bert.wait_heard(anna.address, [f"there {number}" for number in range(3)])
    bert.wait_for_peer(anna.address, name="anna", dialect=dialect, dialect_from="seen")
    for number in range(3):
        bert.send(anna.address, f"back {number}")
    anna.wait_heard(bert.address, [f"back {number}" for number in range(3)])
    assert bert.stop() == 0
    if dialect == "portline":
        anna.wait_for_peer(bert.address, link="offline")


@pytest.mark.parametrize("both", [False, True])
def test_two_nodes_that_ask_what_the_other_speaks_say_nothing_of_it_and_lose_nothing(nodes: Nodes, both: bool) -> None:
    anna, bert = nodes.start("anna"), nodes.start("bert")
    there = [f"there {number}" for number in range(3)]
    back = [f"back {number}" for number in range(3)] if both else []
    for text in there:
        anna.send(bert.address, text)
    for text in back:
        bert.send(anna.address, text)
    bert.wait_heard(anna.address, there)
    anna.wait_heard(bert.address, back)
    for node, other in ((anna, bert), (bert, anna)):
        node.wait_for_peer(other.address, dialect="snicher", link="online")
        assert [one.text for one in node.messages(other.address) if one.kind == "notice"] == []


def test_what_a_peer_speaks_is_remembered_across_restarts(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    with Labelled(loopback_host(), team="OLD") as old:
        old.send(anna.host, anna.port, "this is how I speak")
        anna.wait_heard(old.address, ["this is how I speak"])
        anna.kill()
        anna.start()
        anna.send(old.address, "I remember")
        wait_shown(old, ["I remember"])


def test_hostile_lines_of_every_dialect_harm_nobody(anna: NodeProcess) -> None:
    host = loopback_host()
    for said in (
        b"{", b'{"type":', b'{"type": "message"}', b"[" * 5000, b'{"a":' * 3000,
        b'{"type": "message", "content": "\\ud800"}', b"LISTENING_PORT:", b"LISTENING_PORT:x|y", b"99999\nCONNECT\n",
        b"5000\n\n\n\nexit\nexit\n", b"<", b"<1.2.3.4:5>", b"<1.2.3.4:99999> @ <\xff>\n\xff\n<end>",
        b"<1.2.3.4:5> [", b"<1.2.3.4:5> DISCONNECT", b"<1.2.3.4:0> x",
    ):  # fmt: skip
        with socket.create_connection((anna.host, anna.port), source_address=(host, 0)) as connection:
            connection.sendall(said)
    with Std(loopback_host(), team="LAST") as last:
        last.send(anna.host, anna.port, "somebody real")
        anna.wait_heard(last.address, ["somebody real"])
    assert not any("Traceback" in line or "bug" in line for line in anna.lines)
