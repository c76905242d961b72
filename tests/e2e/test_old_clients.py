"""The node and the older plain-text clients, over real sockets: each shows the other's messages, and nobody is harmed.

Peers are named by the address at which they listen, whatever ports their connections come from. The node waits for
clients that stand still with all of this test (courteous_node.py), where it isn't the waiting that is looked at.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator

import pytest

from node.bus import bounds
from tests.support import courteous_node
from tests.support.old_clients import RECIPIENT, AncestorConsole, AncestorFlask, OldClient, Std
from tests.support.old_clients_rare import Labelled
from tests.support.processes import PATIENCE, NodeProcess, Nodes, eventually, free_address, loopback_host

Make = Callable[..., OldClient]


def std(**variant: object) -> Make:
    return lambda host, port=0, team="OLD": Std(host, port, team, **variant)  # type: ignore[arg-type]


PERSISTENT: dict[str, Make] = {
    "console": lambda host, port=0, team="OLD": AncestorConsole(host, port, team),
    "flask": lambda host, port=0, team="OLD": AncestorFlask(host, port, team),
}
ONE_SHOT: dict[str, Make] = {
    "std": std(),
    "std that claims a wrong address": std(claimed_ip="127.0.1.1"),
    "std that claims no address": std(claimed_ip="Unknown"),
    "std that claims ours": std(claimed_ip=RECIPIENT),
    "std that reads one connection at a time": std(thread_per_connection=False),
    "std that stays for an answer": std(stays_open=1.0),
    "std that keeps what it can't read": std(keeps_open=True),
    "std that reads in a loop": std(unknown_reads=math.inf),
    "std that reads in a loop and shows all": std(unknown_reads=math.inf, unknown="show"),
    "std that ends with a newline": std(newline=True),
    "std that answers connect": std(answers_connect=True),
    "std with control words": std(control_words=True, goodbye=None),
    "std that dies of a reset": std(dies_of_reset=True),
    "std that probes first": std(probes=True),
    "std that shows what it can't read": std(unknown="show"),
    "std that lists what it can't read": std(unknown="list"),
    "std that is slow": std(thread_per_connection=False, pause=0.05),
}
ALL = PERSISTENT | ONE_SHOT


@pytest.fixture(scope="module")
def anna() -> Iterator[NodeProcess]:
    made = Nodes()
    yield made.start("anna", script=courteous_node.SCRIPT)
    made.close()


@pytest.fixture(params=ALL)
def old(request: pytest.FixtureRequest) -> Iterator[OldClient]:
    with ALL[request.param](loopback_host()) as client:
        yield client
        assert client.errors == []


@pytest.fixture(params=PERSISTENT)
def ancestor(request: pytest.FixtureRequest) -> Iterator[OldClient]:
    with PERSISTENT[request.param](loopback_host()) as client:
        yield client
        assert client.errors == []


@pytest.fixture(
    params=["std", "std that reads one connection at a time", "std that dies of a reset", "std that is slow"]
)
def one_shot(request: pytest.FixtureRequest) -> Iterator[OldClient]:
    with ONE_SHOT[request.param](loopback_host()) as client:
        yield client
        assert client.errors == []


def dialect_of(client: OldClient) -> str:
    return "std" if isinstance(client, Std) else "snicher"


def shown(client: OldClient, name: str = "anna") -> list[str]:
    """The texts of ours that the client shows, joined reads taken apart at their lines."""
    lines = [line for item in client.received for line in item.text.split("\n")]
    return [line.removeprefix(f"{name}: ") for line in lines if line.strip() and not line.startswith("CONNECT:")]


def said_to(client: OldClient) -> list[str]:
    """The same, without what one shows that asked what it speaks."""
    return [text for text in shown(client) if text != "exit"]


def wait_shown(client: OldClient, texts: list[str]) -> None:
    client.wait_for(lambda c: len(shown(c)) >= len(texts))
    assert shown(client) == texts


# -- one message and many


def test_a_message_each_way(anna: NodeProcess, old: OldClient) -> None:
    old.send(anna.host, anna.port, "hello Anna, how are you?")
    anna.wait_heard(old.address, ["hello Anna, how are you?"])
    sent = anna.send(old.address, "fine, and you? größer 🙂")
    wait_shown(old, ["fine, and you? größer 🙂"])
    assert anna.wait_state(sent, "sent").state == "sent", "sent at best: an old client can't acknowledge"
    peer = anna.wait_for_peer(old.address, dialect=dialect_of(old), dialect_from="seen", name="OLD")
    room = anna.client.snapshot().state.rooms[peer.room]
    assert (room.kind, room.encrypted) == ("plain", False)


def test_fifty_rapid_messages_each_way_arrive_as_fifty_in_order(anna: NodeProcess, ancestor: OldClient) -> None:
    there = [f"there {number}" for number in range(50)]
    back = [f"back {number}" for number in range(50)]
    ancestor.connect(anna.host, anna.port)
    anna.wait_for_peer(ancestor.address, link="online")
    for text in there:
        ancestor.send(anna.host, anna.port, text)
    for text in back:
        anna.send(ancestor.address, text)
    wait_shown(ancestor, back)
    anna.wait_heard(ancestor.address, there)


def test_fifty_rapid_messages_each_way_over_a_connection_each(anna: NodeProcess, one_shot: OldClient) -> None:
    there = [f"there {number}" for number in range(50)]
    back = [f"back {number}" for number in range(50)]
    one_shot.send(anna.host, anna.port, there[0])
    anna.wait_for_peer(one_shot.address)
    for text in back:
        anna.send(one_shot.address, text)
    for text in there[1:]:
        one_shot.send(anna.host, anna.port, text)
    wait_shown(one_shot, back)
    anna.wait_heard(one_shot.address, there)


def test_fifty_rapid_messages_to_an_address_that_nobody_knows(anna: NodeProcess, old: OldClient) -> None:
    texts = [f"untold {number}" for number in range(50)]
    for text in texts:
        anna.send(old.address, text)
    old.wait_for(lambda c: len(said_to(c)) >= len(texts))
    assert said_to(old) == texts


@pytest.mark.parametrize("team", ["OLD", "THE OLD ONES", "größer"])
def test_fifty_rapid_messages_of_a_team_with_any_name(anna: NodeProcess, team: str) -> None:
    with AncestorConsole(loopback_host(), team=team) as old:
        texts = [f"there {number}" for number in range(50)]
        old.connect(anna.host, anna.port)
        anna.wait_for_peer(old.address, link="online")
        for text in texts:
            old.send(anna.host, anna.port, text)
        anna.wait_count(old.address, 50)
        first, *rest = anna.heard(old.address)
        assert (first.removeprefix(f"{team}: "), rest) == (texts[0], texts[1:])
        anna.wait_for_peer(old.address, name=team)


def test_texts_of_several_lines_that_come_joined_are_one_each(anna: NodeProcess) -> None:
    """As from a native node, while this one is busy: its reads end anywhere in them."""
    pasted = "\n".join(f"line {number} of what somebody has pasted" for number in range(20))
    texts = [f"{number}\n{pasted}" for number in range(12)]
    with AncestorConsole(loopback_host(), team="OLD") as old:
        old.connect(anna.host, anna.port)
        anna.wait_for_peer(old.address, link="online")
        old.send_bytes(anna.host, anna.port, "".join(f"OLD: {text}\n" for text in texts).encode())
        anna.wait_heard(old.address, texts)


@pytest.mark.parametrize("make", [PERSISTENT["console"], PERSISTENT["flask"], std(acts_inside=True)])
def test_words_that_would_act_are_altered_shown_and_marked(anna: NodeProcess, make: Make) -> None:
    words = ["exit", "connect", "PING", "please DISCONNECT", "CONNECT_REQUEST", "a GROUP of us", "CONNECT:5000"]
    with make(loopback_host()) as old:
        anna.client.connect(old.address, dialect_of(old))
        old.wait_for(lambda c: anna.address in c.peers)
        sent = [anna.send(old.address, word) for word in words]
        old.wait_for(lambda c: len(shown_whole(c)) >= len(words))
        plainly = [text.replace("\u2060", "").rstrip(".") for text in shown_whole(old)]
        assert plainly == words
        assert all("altered" in anna.wait_state(one, "sent").marks for one in sent)
        assert anna.address in old.peers, "none of them acted"
        assert old.errors == []


def shown_whole(client: OldClient) -> list[str]:
    """The texts of ours, also those that look like a CONNECT."""
    return [line.removeprefix("anna: ") for item in client.received for line in item.text.split("\n") if line.strip()]


def test_a_raw_client_is_heard_and_answered_on_its_connection(anna: NodeProcess) -> None:
    """The raw clients of WIRE.md 1: bare text from the port that they listen on."""
    host = loopback_host()
    with socket.socket() as raw:
        raw.bind((host, 0))
        raw.connect((anna.host, anna.port))
        raw.sendall(b"bare text and nothing else")
        known = eventually(lambda: [peer for peer in anna.client.peers().peers if peer.host == host])[0]
        assert (known.port, known.dialect, known.link) == (None, "snicher", "online")
        anna.client.send(known.id, "answered on its connection")
        raw.settimeout(PATIENCE)
        assert raw.recv(1024) == b"anna: answered on its connection\n"


# -- who it is


def test_sending_to_an_address_that_nobody_knows_connects_by_itself(anna: NodeProcess, old: OldClient) -> None:
    first = anna.send(old.address, "are you there?")
    second = anna.send(old.address, "hello?")
    expected = ["are you there?", "hello?"]
    old.wait_for(lambda c: len(said_to(c)) >= len(expected))
    assert said_to(old) == expected
    anna.wait_state(first, "sent")
    anna.wait_state(second, "sent")
    link = "reachable" if isinstance(old, Std) else "online"
    anna.wait_for_peer(old.address, dialect=dialect_of(old), dialect_from="guess", link=link)


def test_a_wrong_guess_yields_to_what_the_peer_says(anna: NodeProcess) -> None:
    with Std(loopback_host(), team="OLD", unknown_reads=math.inf, obeys_exit=True) as old:
        anna.client.connect(old.address)
        anna.wait_for_peer(old.address, dialect="snicher", dialect_from="guess", link="online")
        old.send(anna.host, anna.port, "I speak std")
        anna.wait_for_peer(old.address, dialect="std", dialect_from="seen")
        anna.send(old.address, "so do I, then")
        wait_shown(old, ["so do I, then"])
        assert old.errors == []


def test_a_client_that_reads_in_a_loop_shows_the_first_text_that_is_written_to_it(anna: NodeProcess) -> None:
    with Std(loopback_host(), team="OLD", unknown_reads=math.inf) as old:
        sent = anna.send(old.address, "can you read this?")
        wait_shown(old, ["can you read this?"])
        anna.wait_state(sent, "sent")
        anna.wait_for_peer(old.address, dialect="std", dialect_from="guess", link="reachable")
        assert [raw.strip() for _, raw in old.reads[:2]] == [f"CONNECT:{anna.port}".encode(), b"exit"]


def test_what_closes_on_a_text_in_a_wrong_guess_gets_the_next_one_in_another(anna: NodeProcess) -> None:
    """As the labelled client of WIRE.md 5: it closes at `exit` like the ancestor, but can't read what that reads."""
    with Labelled(loopback_host(), team="OLD", unknown_reads=2, obeys_exit=True, unknown="show") as old:
        lost = anna.send(old.address, "in the wrong dialect")
        anna.wait_state(lost, "sent", "unconfirmed")
        anna.wait_for_peer(old.address, dialect="unknown", dialect_from="guess", link="offline")
        anna.send(old.address, "you may read this")
        line = f"{anna.address} anna you may read this"
        old.wait_for(lambda c: line in c.texts)
        anna.wait_for_peer(old.address, dialect="std", dialect_from="guess")
        assert [text for text in old.texts if "wrong dialect" in text] == ["anna: in the wrong dialect\n"]
        assert old.errors == []


def test_a_dialect_that_is_told_is_spoken_at_once(anna: NodeProcess, old: OldClient) -> None:
    peer = anna.client.connect(old.address, dialect_of(old))
    assert (peer.dialect, peer.dialect_from) == (dialect_of(old), "chosen")
    anna.send(old.address, "as you like it")
    wait_shown(old, ["as you like it"])
    if isinstance(old, Std):
        assert not any(b"CONNECT:" in raw for _, raw in old.reads), "it was not asked what it speaks"


def test_it_is_one_conversation_whatever_ports_the_connections_come_from(anna: NodeProcess) -> None:
    host = loopback_host()
    with Std(host, team="ONE") as first, Std(host, team="TWO") as second:
        for number in range(3):
            first.send(anna.host, anna.port, f"first {number}")
            second.send(anna.host, anna.port, f"second {number}")
        anna.wait_heard(first.address, ["first 0", "first 1", "first 2"])
        anna.wait_heard(second.address, ["second 0", "second 1", "second 2"])
        assert [peer.name for peer in anna.client.peers().peers if peer.host == host] == ["ONE", "TWO"]


@pytest.mark.parametrize("make", PERSISTENT.values(), ids=PERSISTENT)
def test_a_team_with_a_space_in_its_name_comes_back_without_connect_to_its_conversation(
    anna: NodeProcess, make: Make
) -> None:
    with make(loopback_host(), team="Team One") as old:
        old.connect(anna.host, anna.port)
        anna.wait_for_peer(old.address, link="online")
        for text in ("hi", "again"):
            old.send(anna.host, anna.port, text)
            anna.wait_count(old.address, 2 if text == "again" else 1)
        anna.wait_for_peer(old.address, name="Team One")
        old.vanish()
        anna.wait_for_peer(old.address, link="offline")
    with make(old.host, team="Team One") as back:
        with socket.create_connection((anna.host, anna.port), source_address=(back.host, 0)) as connection:
            connection.sendall(b"Team One: back")
            anna.wait_count(old.address, 3)
        assert anna.heard(old.address)[1:] == ["again", "back"]
        assert [peer.port for peer in anna.client.peers().peers if peer.host == old.host] == [old.port]


def test_a_text_before_connect_joins_the_conversation_when_the_connect_comes(anna: NodeProcess) -> None:
    host = loopback_host()
    with AncestorConsole(host, team="EARLY", connect_first=False) as old:
        anna.client.connect(old.address, "snicher")
        old.wait_for(lambda c: anna.address in c.peers)
        anna.client.disconnect(old.address)
        anna.wait_for_peer(old.address, link="offline")
        # It forgets our connection once we have left, and opens its own, without a CONNECT at first.
        old._connections.clear()
        old.send(anna.host, anna.port, "before any CONNECT")

        def early() -> bool:
            return any(p.port is None and p.host == host for p in anna.client.peers().peers)

        eventually(early, "it is known by its name only")
        old.connect(anna.host, anna.port)
        anna.wait_heard(old.address, ["before any CONNECT"])
        assert [(p.name, p.port) for p in anna.client.peers().peers if p.host == host] == [("EARLY", old.port)]
        assert old.errors == []


# -- connecting and leaving


def test_connect_and_good_bye_from_our_side(anna: NodeProcess, old: OldClient) -> None:
    anna.client.connect(old.address, dialect_of(old))
    old.wait_for(lambda c: anna.address in c.peers)
    anna.wait_for_peer(old.address, link="reachable" if isinstance(old, Std) else "online", wanted=True)
    anna.client.disconnect(old.address)
    anna.wait_for_peer(old.address, link="offline", wanted=False, error=None)
    if not isinstance(old, Std):
        old.wait_for(lambda c: c.last_read == b"exit")


def test_connect_and_good_bye_from_their_side(anna: NodeProcess, old: OldClient) -> None:
    old.connect(anna.host, anna.port)
    anna.wait_for_peer(old.address, link="reachable" if isinstance(old, Std) else "online")
    assert anna.address in old.peers
    old.leave()
    anna.wait_for_peer(old.address, link="offline")
    if isinstance(old, Std):
        notices = [one.text for one in anna.messages(old.address) if one.kind == "notice"]
        assert any("hello" in text for text in notices), notices
    assert anna.heard(old.address) == [], "hello and good-bye are no messages"


def test_probes_and_blank_connections_leave_no_trace(anna: NodeProcess) -> None:
    host = loopback_host()
    head, told = anna.client.status().head, len(anna.lines)
    for said in (b"", b" \n", b"\n\n", b"\t\t\n", b"\0"):
        with socket.create_connection((anna.host, anna.port), source_address=(host, 0)) as probe:
            probe.sendall(said)
    with Std(loopback_host(), team="LAST") as last:
        last.send(anna.host, anna.port, "somebody real")
        anna.wait_heard(last.address, ["somebody real"])
        # Earlier tests' peers may come and go meanwhile.
        new = anna.client.events(head, bounds.MAX_EVENTS).events
        peers = {event.data.peer.host for event in new if event.type in ("PeerAdded", "PeerChanged")}
        assert last.host in peers
        assert not [event for event in new if host in str(event)]
        assert not any(host in line or "Traceback" in line for line in anna.lines[told:])


def test_an_attempt_whose_outcome_is_unknown_is_not_repeated_by_itself(anna: NodeProcess) -> None:
    """The peer breaks off after it was written to: maybe it has read the message, maybe not."""
    with socket.socket() as breaking:
        # The address is used again below, whichever side closed first.
        breaking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        breaking.bind((loopback_host(), 0))
        breaking.listen()
        breaking.settimeout(PATIENCE)
        host, port = breaking.getsockname()
        anna.client.connect(f"{host}:{port}", "std")
        greeting, _ = breaking.accept()
        greeting.close()
        message = anna.send(f"{host}:{port}", "did you get this?")
        while True:
            sock, _ = breaking.accept()
            with sock:
                raw = sock.recv(1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            if raw:
                break
    assert anna.wait_state(message, "unconfirmed").detail
    with Std(host, port, team="OLD") as old:
        anna.wait_state(anna.send(old.address, "and this?"), "sent")
        wait_shown(old, ["and this?"])
        anna.client.resend(message.id)
        wait_shown(old, ["and this?", "did you get this?"])


# -- the end, and after


def test_every_peer_that_is_there_gets_exit_when_the_node_stops(nodes: Nodes) -> None:
    anna = nodes.start("anna", script=courteous_node.SCRIPT)
    with (
        AncestorConsole(loopback_host(), team="DIALS") as dials,
        AncestorConsole(loopback_host(), team="DIALLED") as dialled,
        AncestorFlask(loopback_host(), team="FLASK") as flask,
        Std(loopback_host(), team="STD") as std,
    ):
        dials.connect(anna.host, anna.port)
        flask.connect(anna.host, anna.port)
        anna.client.connect(dialled.address)
        std.send(anna.host, anna.port, "hello there, Anna")
        for peer in (dials, dialled, flask):
            anna.wait_for_peer(peer.address, link="online")
        anna.wait_for_peer(std.address)
        assert anna.stop() == 0
        for peer in (dials, dialled, flask):
            peer.wait_for(lambda c: c.last_read == b"exit")
            assert peer.errors == []
        std.wait_for(lambda c: [raw for _, raw in c.reads] == [f"{anna.address} anna exit".encode()])
        assert std.errors == []


def test_whoever_was_there_and_is_gone_holds_up_no_end(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    with (
        Std(loopback_host(), team="GONE") as gone,
        Std(loopback_host(), team="HERE", thread_per_connection=False) as std,
    ):
        for peer in (gone, std):
            peer.send(anna.host, anna.port, "hello there, Anna")
            anna.wait_for_peer(peer.address, link="reachable")
        gone.vanish()
        # It is there, but busy: it reads from somebody who says nothing.
        with socket.create_connection((std.host, std.port)):
            assert anna.stop() == 0
        std.wait_for(lambda c: [raw for _, raw in c.reads] == [f"{anna.address} anna exit".encode()])
    assert not any("Traceback" in line for line in anna.lines)


def test_messages_to_an_absent_peer_wait_across_restarts(nodes: Nodes) -> None:
    anna = nodes.start("anna", script=courteous_node.SCRIPT)
    address = free_address()
    host, _, port = address.rpartition(":")
    sent = [anna.send(address, f"when you are there {number}") for number in range(3)]
    anna.wait_for_peer(address, link="offline")
    anna.kill()
    anna.start()
    assert [one.state for one in anna.messages(address)] == ["waiting"] * 3
    assert anna.stop() == 0
    anna.start()
    with Std(host, int(port), team="LATE") as late:
        wait_shown(late, [one.text for one in sent])
        for one in sent:
            anna.wait_state(one, "sent")
        assert late.errors == []
