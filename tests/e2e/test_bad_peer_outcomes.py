"""What each bad peer of PROTOCOL.md section 8 gets, and what it costs: exactly, as the bus tells it.

After each of them an honest peer and the bus are asked whether they noticed anything.
"""

from __future__ import annotations

import contextlib
import pathlib
import socket
import sqlite3
import ssl
import struct
import threading
import unicodedata
from collections.abc import Callable, Iterator
from typing import Self

import pytest

from node.bus import nouns
from node.core import contacts
from node.errors import CommandRefused
from node.protocol.plain import codec
from tests.support.old_clients import AncestorConsole, Std
from tests.support.processes import PATIENCE, NodeProcess, Nodes, eventually, free_address, loopback_host

#: A node in a hurry: its waits are short, but honest peers on a busy machine keep within them.
HASTY = """
import sys
from node import __main__
from node.protocol import link, writing
from node.protocol.plain import one_shot
link.SILENCE, link.COLLECT, link.STALL, writing.WRITE_GAP = 3.0, 3.0, 3.0, 0.0002
one_shot.QUIET = one_shot.CUT_QUIET = 3600.0
sys.exit(__main__.main())
"""
#: A node that has all the time in the world: what is cut waits for its rest, however late that comes, and an address
#: that nobody knows may show late what it speaks. And it has a short list.
PATIENT = """
import sys
from node import __main__
from node.core import contacts
from node.protocol import link, probing
from node.protocol.plain import ancestor, one_shot
link.SILENCE = link.COLLECT = link.STALL = probing.PROBE_WAIT = 3600.0
one_shot.QUIET = one_shot.CUT_QUIET = ancestor.HOLD = 3600.0
contacts.MAX_PER_SOURCE = 20
sys.exit(__main__.main())
"""
MB = 1_000_000
# Claimed ports are such as nobody listens on: the node greets them when it goes, and might meet somebody's own node.
#: Of many that are claimed, the first.
FIRST_CLAIMED = 704
#: A flood doesn't make the node's memory grow by more than this, in bytes: what waits for the disk, and its copies.
MEMORY = 250 * MB


class Bad:
    """One connection from a machine of its own (or from `host`)."""

    def __init__(self, node: NodeProcess, host: str | None = None, *, buffer: int = 0) -> None:
        self.host = host or loopback_host()
        self.node = node
        self.sock = socket.socket()
        self.sock.settimeout(PATIENCE)
        if buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.bind((self.host, 0))
        self.sock.connect((node.host, node.port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def say(self, *pieces: bytes) -> None:
        """Each piece in a segment of its own."""
        for piece in pieces:
            self.sock.sendall(piece)

    def is_read(self) -> bool:
        """Whether the node has read all that was said."""
        return any(
            _ends(line) == (self.node.port, self.sock.getsockname()[1]) and line.split()[4].endswith(":00000000")
            for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        )

    def end(self) -> bytes:
        """Close our side; what the node said until it closed its own. Fails for a reset."""
        self.sock.shutdown(socket.SHUT_WR)
        return self.read()

    def read(self) -> bytes:
        return b"".join(iter(lambda: self.sock.recv(65_536), b""))

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def peers(self) -> list[nouns.Peer]:
        """Whom the node knows at this machine."""
        return [peer for peer in self.node.client.peers().peers if peer.host == self.host]

    def wait_peer(self, **wanted: object) -> nouns.Peer:
        """The one peer of this machine as soon as its fields are as `wanted`."""

        def look() -> list[nouns.Peer]:
            return [p for p in self.peers() if all(getattr(p, name) == value for name, value in wanted.items())]

        found = eventually(look, f"a peer at {self.host} with {wanted}; there are {self.peers()}")
        assert len(self.peers()) == 1
        return found[0]

    def messages(self) -> list[nouns.Message]:
        return [message for peer in self.peers() for message in self.node.client.history(peer.room, limit=200).messages]

    def wait_texts(self, *texts: str) -> list[nouns.Message]:
        """All that this machine said, as soon as there is so much of it: just this."""
        found = eventually(lambda: (got := self.messages()) if len(self.messages()) >= len(texts) else None)
        assert [message.text for message in found] == list(texts)
        return found


def spoke(node: NodeProcess, *pieces: bytes) -> Bad:
    """Somebody who has said this and left in order."""
    with Bad(node) as bad:
        bad.say(*pieces)
        bad.end()
    return bad


def hurt(node: NodeProcess) -> list[str]:
    return [line for line in node.lines if "Traceback" in line or "bug" in line]


def check_well(node: NodeProcess) -> None:
    """An honest peer is heard and answered, the bus answers, and nothing broke."""
    with Std(loopback_host(), team="HONEST") as honest:
        honest.send(node.host, node.port, "are you well?")
        node.wait_heard(honest.address, ["are you well?"])
        node.send(honest.address, "very well")
        honest.wait_for(lambda c: c.texts == ["very well"])
        assert honest.errors == []
    status = node.client.status()
    assert status.ready
    assert status.health == nouns.Health()
    assert status.pid == node.pid
    assert hurt(node) == []


@pytest.fixture(scope="module")
def shared() -> Iterator[NodeProcess]:
    made = Nodes()
    yield made.start("anna")
    made.close()


@pytest.fixture(scope="module")
def shared_hasty() -> Iterator[NodeProcess]:
    made = Nodes()
    yield made.start("hasty", script=["-c", HASTY])
    made.close()


@pytest.fixture(scope="module")
def shared_patient() -> Iterator[NodeProcess]:
    made = Nodes()
    yield made.start("patient", script=["-c", PATIENT])
    made.close()


@pytest.fixture
def anna(shared: NodeProcess) -> Iterator[NodeProcess]:
    yield shared
    check_well(shared)


@pytest.fixture
def hasty(shared_hasty: NodeProcess) -> Iterator[NodeProcess]:
    yield shared_hasty
    check_well(shared_hasty)


def raw_of(node: NodeProcess, message: nouns.Message) -> bytes:
    with contextlib.closing(sqlite3.connect(f"file:{node.home / 'snicher.db'}?mode=ro", uri=True)) as database:
        (found,) = database.execute("SELECT raw FROM body WHERE entry = ?", (message.id,)).fetchone()
    return bytes(found)


@pytest.fixture
def patient(shared_patient: NodeProcess) -> Iterator[NodeProcess]:
    yield shared_patient
    check_well(shared_patient)


# -- sizes and segments


@pytest.mark.parametrize("before", [b"127.0.0.1:9 LONG ", b"LONG: "], ids=["std", "snicher"])
def test_more_than_1024_bytes_are_one_text(anna: NodeProcess, before: bytes) -> None:
    text = "wörd " * 1_000 + "end"
    (message,) = spoke(anna, before + text.encode()).wait_texts(text)
    assert (message.name, message.marks) == ("LONG", [])


def test_a_text_beyond_the_bound_is_several(patient: NodeProcess) -> None:
    head, whole = "127.0.0.1:9 LONG ", codec.MAX_INCOMING
    line = head + "x" * (whole + 10)
    spoke(patient, line.encode()).wait_texts("x" * (whole - len(head)), "x" * (len(line) - whole))


def test_several_messages_in_one_segment_are_several(anna: NodeProcess) -> None:
    spoke(anna, b"BEN: oneBEN: twoBEN: three").wait_texts("one", "two", "three")
    spoke(anna, b"127.0.0.1:9 BEN one\n127.0.0.1:9 BEN two").wait_texts("one", "two")


@pytest.mark.parametrize("before", [b"127.0.0.1:9 BEN ", b"BEN: "], ids=["std", "snicher"])
def test_one_message_in_several_segments_is_one(patient: NodeProcess, before: bytes) -> None:
    whole = before + "größer 🙂".encode()
    cut = len(before) + 3
    with Bad(patient) as bad:
        for piece in (whole[:cut], whole[cut:-2], whole[-2:]):
            bad.say(piece)
            # Each is read on its own, however slow this machine is.
            eventually(bad.is_read)
        bad.end()
    bad.wait_texts("größer 🙂")
    if before.startswith(b"127"):
        spoke(patient, *(bytes([byte]) for byte in whole)).wait_texts("größer 🙂")


def test_no_newline_is_needed_and_nothing_is_waited_for(anna: NodeProcess) -> None:
    with Bad(anna) as bad:
        bad.say(b"BEN: no newline, and I stay")
        bad.wait_texts("no newline, and I stay")
        assert bad.wait_peer(name="BEN").link == "online"


@pytest.mark.parametrize(
    ("start", "least"),
    # A message of a one-shot dialect has 30 s: a slow disk may not take all of it.
    [(b"127.0.0.1:9 BIG ", 100), (b"BIG: ", 100 * MB // codec.MAX_INCOMING)],
    ids=["std", "snicher"],
)
@pytest.mark.timeout(300)
def test_100_mb_without_an_end_are_bounded_texts_and_bounded_memory(nodes: Nodes, start: bytes, least: int) -> None:
    anna = nodes.start("anna")
    status = pathlib.Path(f"/proc/{anna.pid}/status")

    def peak() -> int:
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    before = peak()
    with Bad(anna) as bad, contextlib.suppress(OSError):
        bad.sock.settimeout(200)
        bad.say(start)
        for _ in range(100):
            bad.say(b"x" * MB)
        bad.end()
    texts = eventually(lambda: (count := anna.client.stats().received) >= least and count, within=200)
    newest = bad.messages()
    assert all(len(message.text) <= codec.MAX_INCOMING for message in newest)
    assert {message.name for message in newest} == {"BIG"}
    print(f"\n{start!r}: {texts} texts of 100 MB, peak memory {before // MB} -> {peak() // MB} MB", end="")
    assert peak() - before < MEMORY
    check_well(anna)


# -- bytes that are no text


@pytest.mark.parametrize("bad_bytes", [b"\xff\xfe\xfa", b"a\x00b"], ids=["not UTF-8", "NUL"])
@pytest.mark.parametrize("before", [b"127.0.0.1:9 BAD ", b"BAD: "], ids=["std", "snicher"])
def test_what_is_no_text_is_shown_with_replacements_marked_and_kept(
    anna: NodeProcess, before: bytes, bad_bytes: bytes
) -> None:
    said = b"caf" + bad_bytes + b" ok"
    (message,) = spoke(anna, before + said).wait_texts(said.decode(errors="replace").replace("\0", "\ufffd"))
    assert (message.name, message.marks) == ("BAD", ["not-utf8"])
    assert raw_of(anna, message) == said


@pytest.mark.parametrize("said", [b"", b" \n", b"\t\r\n\v\f", b"\0\0", b"\n" * 5_000])
def test_what_is_blank_leaves_no_trace(anna: NodeProcess, said: bytes) -> None:
    head, lines = anna.client.status().head, len(anna.lines)
    bad = spoke(anna, said)
    check_well(anna)
    assert bad.peers() == []
    assert not [event for event in anna.client.events(head).events if bad.host in str(event)]
    assert not any(bad.host in line for line in anna.lines[lines:])


def test_binary_garbage_is_marked_text_of_a_nameless_peer(anna: NodeProcess) -> None:
    bad = spoke(anna, bytes(range(128, 256)) * 20 + b"\n" + bytes(range(256)))
    peer = bad.wait_peer(link="offline")
    assert (peer.name, peer.port, peer.dialect) == (bad.host, None, "snicher")
    assert {mark for message in bad.messages() for mark in message.marks} == {"not-utf8"}
    for message in bad.messages():
        message.text.encode()


def test_a_tls_hello_is_text_and_gets_no_answer(anna: NodeProcess) -> None:
    host = loopback_host()
    with Bad(anna, host) as bad:
        context = ssl.create_default_context()
        hello = ssl.MemoryBIO()
        outgoing = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="anna")
        with contextlib.suppress(ssl.SSLWantReadError):
            outgoing.do_handshake()
        first = hello.read()
        assert first.startswith(b"\x16\x03")
        bad.say(first)
        assert bad.end() == b"", "no alert, no answer"
        peer = bad.wait_peer(link="offline")
    assert (peer.name, peer.port) == (host, None)
    assert all(message.kind == "text" and message.author == peer.id for message in bad.messages())
    assert "not-utf8" in bad.messages()[0].marks


def test_an_http_request_is_text_and_gets_no_answer(anna: NodeProcess) -> None:
    with Bad(anna) as bad:
        bad.say(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\nAccept: */*\r\n\r\n")
        assert bad.end() == b""
        bad.wait_texts("GET / HTTP/1.1", "127.0.0.1:9\nAccept: */*")
        assert bad.wait_peer(link="offline").name == "Host", "it looks like a name before a text"


# -- claims


@pytest.mark.parametrize(
    ("said", "port"),
    [(b"CONNECT:0", None), (b"CONNECT:99999", None), (b"CONNECT:0000009", 9), (b"CONNECT: 9", 9)],
)
def test_a_connect_is_a_claim_or_nothing(anna: NodeProcess, said: bytes, port: int | None) -> None:
    bad = spoke(anna, said)
    if port is None:
        check_well(anna)
        assert bad.peers() == [], "a claim of nothing"
    else:
        assert bad.wait_peer(port=port, link="offline").name == f"{bad.host}:{port}"
    assert bad.messages() == []


def test_a_connect_in_lower_case_is_chat(anna: NodeProcess) -> None:
    bad = spoke(anna, b"connect:9")
    bad.wait_texts("connect:9")
    assert bad.wait_peer().port is None


def test_nobody_speaks_for_another_address(anna: NodeProcess) -> None:
    for claimed in ("10.1.2.3:9", anna.address, "Unknown:9"):
        bad = spoke(anna, f"{claimed} EVE it was somebody else".encode())
        bad.wait_texts("it was somebody else")
        peer = bad.wait_peer()
        assert (peer.host, peer.port) == (bad.host, int(claimed.rpartition(":")[2]))
    assert not [peer for peer in anna.client.peers().peers if peer.host in (anna.host, "10.1.2.3")]


def test_a_claim_of_our_own_address_from_this_machine_is_none(anna: NodeProcess) -> None:
    with Bad(anna, anna.host) as bad:
        bad.say(f"{anna.address} ME it was you".encode())
        bad.end()
        bad.wait_texts("it was you")
        assert bad.wait_peer(name="ME").port is None
        anna.client.delete(bad.wait_peer().id)


def test_a_port_that_changes_with_each_connection_fills_no_list(patient: NodeProcess) -> None:
    assert contacts.MAX_PER_SOURCE == 500, "here it is 20"
    host, head = loopback_host(), patient.client.status().head
    for port in range(FIRST_CLAIMED, FIRST_CLAIMED + 40):
        with Bad(patient, host) as bad:
            bad.say(f"127.0.0.1:{port} MANY from {port}".encode())
            bad.end()
    eventually(lambda: len(bad.peers()) == 20)
    check_well(patient)
    assert sorted(peer.port or 0 for peer in bad.peers()) == list(range(FIRST_CLAIMED, FIRST_CLAIMED + 20))
    events = patient.client.events(head, limit=1000).events
    assert not [event for event in events if f"from {FIRST_CLAIMED + 20}" in str(event)]
    assert patient.client.connect(f"{host}:{FIRST_CLAIMED + 39}").id, "whom people here ask for is taken"
    with Bad(patient, host) as known:
        known.say(f"127.0.0.1:{FIRST_CLAIMED} MANY I am known".encode())
        known.end()
        patient.wait_heard(f"{host}:{FIRST_CLAIMED}", [f"from {FIRST_CLAIMED}", "I am known"])


# -- names and texts that are made to be drawn


def test_control_and_direction_characters_stay_out_of_names(anna: NodeProcess) -> None:
    text = "\u202egnp.exe\u202c \x07\x1b[31mred"
    bad = spoke(anna, f"127.0.0.1:9 \u202e\x1b[2JEVE\u2066\u200b {text}".encode())
    (message,) = bad.wait_texts(text)
    assert message.name == bad.wait_peer().name == "[2JEVE"
    eventually(lambda: any(bad.host in line for line in anna.lines))
    assert not any("\x1b" in line or "\u202e" in line for line in anna.lines)


def test_a_megabyte_of_combining_marks_is_bounded(patient: NodeProcess) -> None:
    marks = "\u0301" * 500_000
    bad = spoke(patient, f"127.0.0.1:9 Z{marks[:100]} a{marks}".encode())
    count = -(-(len(marks.encode()) + 22) // codec.MAX_INCOMING)
    eventually(lambda: len(bad.messages()) >= count)
    peer = bad.wait_peer()
    assert peer.name == unicodedata.normalize("NFC", "Z" + marks[: codec.MAX_STACKED])
    assert all(len(message.text.encode()) <= codec.MAX_INCOMING for message in bad.messages())
    assert sum(len(message.text) for message in bad.messages()) == len(marks) + 1
    assert patient.client.peers().peers, "nothing that all front ends read holds more than a name"


def test_a_name_of_64_kib_is_cut_or_no_name(patient: NodeProcess) -> None:
    long = "n" * 60_000
    labelled = spoke(patient, f"LISTENING_PORT:9|TEAM_NAME:{long}|hi".encode())
    labelled.wait_texts("hi")
    assert labelled.wait_peer().name == long[: codec.MAX_NAME]
    json = spoke(patient, f'{{"type":"message","sender_name":"{long}","sender_port":9,"content":"hi"}}'.encode())
    json.wait_texts("hi")
    assert json.wait_peer().name == long[: codec.MAX_NAME]
    std = spoke(patient, f"127.0.0.1:9 {long} hi".encode())
    std.wait_texts(f"127.0.0.1:9 {long} hi")
    assert (std.wait_peer().name, std.wait_peer().port) == (std.host, None)


@pytest.mark.parametrize("nested", [b'{"type":' * 100_000, b'{"type":' + b"[" * 100_000], ids=["objects", "arrays"])
def test_json_nested_100_000_deep_is_bare_text(patient: NodeProcess, nested: bytes) -> None:
    bad = spoke(patient, nested)
    eventually(lambda: sum(len(message.text) for message in bad.messages()) == len(nested))
    assert "".join(message.text for message in bad.messages()) == nested.decode()
    assert bad.wait_peer().dialect == "json"


# -- time


def test_silence_ends_without_a_trace(hasty: NodeProcess) -> None:
    head = hasty.client.status().head
    with Bad(hasty) as bad:
        assert bad.read() == b"", "closed in order, not a byte said"
        assert bad.peers() == []
        assert not [event for event in hasty.client.events(head).events if bad.host in str(event)]


def test_a_byte_a_second_is_a_text_a_byte(anna: NodeProcess) -> None:
    with Bad(anna) as bad:
        for count in range(1, 6):
            bad.say(b"x")
            bad.wait_texts(*"x" * count)


def test_a_slow_one_shot_message_ends_when_its_time_is_over(hasty: NodeProcess) -> None:
    with Bad(hasty) as bad:
        bad.say(b"127.0.0.1:9 SLOW x")
        bad.sock.settimeout(0.05)
        said = 1
        while True:
            try:
                assert bad.sock.recv(100) == b""
                break
            except TimeoutError:
                bad.say(b"x")
                said += 1
            except ConnectionResetError:
                # It was said after the node had drained what came: this test was away for so long.
                break
        (message,) = eventually(bad.messages)
    assert message.name == "SLOW"
    assert set(message.text) == {"x"}
    assert 1 <= len(message.text) <= said
    bad.wait_peer(link="reachable", port=9)


def test_a_reader_that_stops_is_left_and_what_waits_is_kept(hasty: NodeProcess) -> None:
    address = free_address()
    host, _, port = address.rpartition(":")
    with Bad(hasty, host, buffer=4096) as bad:
        bad.say(f"CONNECT:{port}\n".encode())
        hasty.wait_for_peer(address, link="online")
        sent = [hasty.send(address, f"{number} " + "x" * 60_000) for number in range(100)]
        hasty.wait_for_peer(address, link="offline")
        eventually(lambda: any("It doesn't read what it is sent." in line for line in hasty.lines))
    states = [hasty.wait_state(one, "sent", "waiting", "unconfirmed").state for one in sent]
    assert states == sorted(states, key=["sent", "unconfirmed", "waiting"].index), states
    assert {"unconfirmed", "waiting"} <= set(states)
    assert states.count("unconfirmed") <= 4
    with AncestorConsole(host, int(port), team="WELL") as well:
        well.connect(hasty.host, hasty.port)
        hasty.wait_state(sent[-1], "sent")
        well.wait_for(lambda c: "99 x" in "".join(c.texts))
        assert well.errors == []


def test_half_open_connections_are_watched_by_the_system(anna: NodeProcess) -> None:
    with Bad(anna) as bad:
        bad.say(b"BEN: hello")
        bad.wait_texts("hello")
        timers = pathlib.Path(f"/proc/{anna.pid}/net/tcp").read_text().splitlines()[1:]
        (timer,) = [line.split()[5] for line in timers if _ends(line) == (anna.port, bad.sock.getsockname()[1])]
        assert timer.startswith("02:"), "the keep-alive timer runs"


def _ends(line: str) -> tuple[int, int]:
    local, remote = line.split()[1:3]
    return int(local.split(":")[1], 16), int(remote.split(":")[1], 16)


def test_a_half_closed_link_is_over(anna: NodeProcess) -> None:
    with Bad(anna) as bad:
        bad.say(b"CONNECT:9\n", b"BEN: last words")
        bad.wait_texts("last words")
        assert bad.end() == b""
        assert bad.wait_peer(link="offline").error == "It closed the connection."


def test_a_reset_at_any_moment_takes_nothing_back_and_breaks_nothing(anna: NodeProcess) -> None:
    for session in (b"CONNECT:9\nBEN: hello you\nBEN: exit", b"127.0.0.1:9 BEN hello you"):
        host = loopback_host()
        for cut in range(len(session) + 1):
            with Bad(anna, host) as bad:
                bad.say(session[:cut])
                bad.reset()
        check_well(anna)
        eventually(lambda: all(peer.link != "online" for peer in Bad.peers(bad)))
        whole = session.decode()
        assert all(one.text in whole or one.kind == "notice" for one in bad.messages()), bad.messages()


# -- manners


def test_exit_in_the_middle_of_a_segment(anna: NodeProcess) -> None:
    with Bad(anna) as bad:
        bad.say(b"BEN: hiBEN: exitBEN: bye")
        assert bad.read() == b"exit", "a good-bye is answered with ours"
        bad.wait_texts("hi", "said good-bye (“exit”)", "bye")
        assert [message.kind for message in bad.messages()] == ["text", "notice", "text"]
        assert bad.wait_peer(link="offline").error is None
    spoke(anna, b"BEN: hi exit there").wait_texts("hi exit there")


def test_who_answers_each_text_with_two_makes_no_loop(anna: NodeProcess) -> None:
    with AncestorConsole(loopback_host(), team="ECHO") as echo:
        answered = threading.Event()

        def twice(line: str) -> None:
            if "anna:" in line:
                for number in (1, 2):
                    echo.send(anna.host, anna.port, f"{number} {line[-6:]}")
                answered.set()

        echo.on_line = twice
        echo.connect(anna.host, anna.port)
        anna.wait_for_peer(echo.address, link="online")
        for number in range(5):
            # One by one: what the client reads at once, it answers once.
            anna.wait_state(anna.send(echo.address, f"say {number}"), "sent")
            anna.wait_count(echo.address, 2 * (number + 1))
        check_well(anna)
        assert len(anna.heard(echo.address)) == 10
        ours = [one.text for one in anna.messages(echo.address) if one.direction == "out"]
        assert ours == [f"say {number}" for number in range(5)]


def test_portline_answers_are_not_answered_again(anna: NodeProcess) -> None:
    with Bad(anna) as bad:
        bad.say(b"9\nCONNECT\n", b"127.0.0.1:9 ECHO one\n")
        for count in range(1, 4):
            # Each answer of ours it answers with two lines.
            assert bad.sock.recv(100)
            bad.say(b"127.0.0.1:9 ECHO again\n" * 2)
            eventually(lambda: len(bad.messages()) >= 1 + 2 * count)  # noqa: B023
    eventually(lambda: len(bad.messages()) == 7)
    assert [message.direction for message in bad.messages()] == ["in"] * 7


def test_a_storm_of_connections_that_say_nothing_leaves_nothing(anna: NodeProcess) -> None:
    head, host = anna.client.status().head, loopback_host()
    descriptors = pathlib.Path(f"/proc/{anna.pid}/fd")
    check_well(anna)
    before = len(list(descriptors.iterdir()))
    for _ in range(1_000):
        Bad(anna, host).sock.close()
    check_well(anna)
    eventually(lambda: len(list(descriptors.iterdir())) <= before + 8, "all are closed again")
    assert not [event for event in anna.client.events(head, limit=1000).events if host in str(event)]


def test_a_storm_of_connects_and_closes_is_one_peer_that_is_not_dialled(anna: NodeProcess) -> None:
    host = loopback_host()
    with socket.create_server((host, 0)) as listener:
        listener.settimeout(0.5)
        head, port = anna.client.status().head, listener.getsockname()[1]
        for _ in range(100):
            with Bad(anna, host) as bad:
                bad.say(f"CONNECT:{port}".encode())
        eventually(lambda: [peer.link for peer in bad.peers()] == ["offline"])
        check_well(anna)
        with pytest.raises(TimeoutError):
            listener.accept()
    events = [event for event in anna.client.events(head, limit=1000).events if host in str(event)]
    assert {event.type for event in events} <= {"PeerAdded", "RoomAdded", "PeerChanged"}
    assert len(events) <= 2 + 2 * 100, "it came and it went, no more"
    assert bad.messages() == []


def test_who_floods_whoever_dials_it_is_left_and_tried_again_later(patient: NodeProcess) -> None:
    host = loopback_host()
    with socket.create_server((host, 0)) as listener:
        listener.settimeout(PATIENCE)
        address = f"{host}:{listener.getsockname()[1]}"
        waiting = patient.send(address, "do you listen?")
        sock, _ = listener.accept()
        with sock, contextlib.suppress(OSError):
            for _ in range(1_000):
                sock.sendall(b"x" * 65_536)
    peer = patient.wait_for_peer(address, link="offline")
    assert peer.error
    assert patient.heard(address) == [], "what it says before it listens is no content"
    assert patient.wait_state(waiting, "waiting")
    patient.client.delete(peer.id)


def relay(listener: socket.socket, node: NodeProcess) -> Iterator[Callable[[], int]]:
    """Passes on whatever comes to the node itself, from another address; tells how often it was dialled."""
    count = 0

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        nonlocal count
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                count += 1
                back = socket.create_connection((node.host, node.port), source_address=(listener.getsockname()[0], 0))
                for pair in ((sock, back), (back, sock)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield lambda: count
    listener.shutdown(socket.SHUT_RDWR)


def test_our_own_node_dialled_by_itself(anna: NodeProcess) -> None:
    for own in (anna.address, f"localhost:{anna.port}" if anna.host == "127.0.0.1" else anna.address):
        with pytest.raises(CommandRefused) as refused:
            anna.client.connect(own)
        assert refused.value.code == "own_address"
    # Where nothing tells: another machine passes all on to us.
    host = loopback_host()
    with socket.create_server((host, 0)) as listener, contextlib.contextmanager(relay)(listener, anna) as dials:
        there, back = f"{host}:{listener.getsockname()[1]}", f"{host}:{anna.port}"
        sent = anna.send(there, "hello, me")
        peer = anna.wait_for_peer(there, link="offline", error="That is this node itself.")
        assert anna.peer(back) is None
        assert anna.wait_state(sent, "waiting").state == "waiting"
        with pytest.raises(CommandRefused) as refused:
            anna.send(there, "hello again")
        assert refused.value.code == "own_address"
        check_well(anna)
        assert dials() == 1
        anna.client.delete(peer.id)
