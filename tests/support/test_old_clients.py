"""The stubs of the old clients, each against its own kind and against plain sockets; conditions, never sleeps."""

from __future__ import annotations

import contextlib
import math
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.old_clients import (
    MANDATORY,
    RECIPIENT,
    AncestorConsole,
    AncestorFlask,
    OldClient,
    Std,
    loopback,
    split_address,
)
from tests.support.old_clients_rare import CLIENTS, Angle1, AngleAt, AngleTs, Json, Labelled, Portline

ONE_SHOT: dict[str, type[OldClient]] = {
    name: kind for name, kind in CLIENTS.items() if name not in ("ancestor", "flask", "portline")
}
ABROAD = ["10.206.4.122", "192.168.1.1", "8.8.8.8", "0.0.0.0", "::1", "example.org", "Unknown", ""]
CLOSED_BY_PEER = b""
#: Machines are shared and slow; a test that goes well never waits for this long, in seconds.
PATIENCE = 60.0


@contextlib.contextmanager
def dialled(client: OldClient) -> Iterator[socket.socket]:
    """A plain connection to a stub, with a limit on every wait."""
    with socket.create_connection((client.host, client.port), timeout=PATIENCE) as sock:
        yield sock


@contextlib.contextmanager
def listening() -> Iterator[tuple[socket.socket, int]]:
    """A plain listener on 127.0.0.9 and its port."""
    with socket.create_server(("127.0.0.9", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield listener, listener.getsockname()[1]


def accepted(listener: socket.socket) -> socket.socket:
    sock = listener.accept()[0]
    sock.settimeout(PATIENCE)
    return sock


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(4096), b""))


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def saw(text: str) -> Callable[[OldClient], bool]:
    return lambda client: text in client.texts


# -- every kind against its own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIENTS)
def test_connect_one_message_each_way_and_leave(name: str) -> None:
    with CLIENTS[name]("127.0.0.2", team="ALPHA") as alpha, CLIENTS[name]("127.0.0.3", team="BETA") as beta:
        prefix = {"ancestor": "{}: ", "flask": "{}: "}.get(name, "")
        alpha.connect(beta.host, beta.port)
        beta.wait_for(lambda c: alpha.address in c.peers)
        assert beta.address in alpha.peers
        alpha.send(beta.host, beta.port, "good evening, Ödön")
        beta.wait_for(saw(prefix.format("ALPHA") + "good evening, Ödön"))
        beta.send(alpha.host, alpha.port, "and to you")
        alpha.wait_for(saw(prefix.format("BETA") + "and to you"))
        alpha.leave()
        beta.wait_for(lambda c: alpha.address not in c.peers)
        assert not alpha.alive
        assert beta.received[0].sender.startswith("127.0.0.2:")
        assert (alpha.errors, beta.errors) == ([], [])


@pytest.mark.parametrize("name", ONE_SHOT)
def test_fifty_rapid_one_shot_messages_arrive_in_order(name: str) -> None:
    kind = ONE_SHOT[name]
    with (
        kind("127.0.0.2", team="ALPHA") as alpha,
        kind("127.0.0.3", team="BETA", accept_backlog=64, thread_per_connection=False) as beta,
    ):
        for number in range(50):
            alpha.send(beta.host, beta.port, f"number {number}")
        beta.wait_for(lambda c: len(c.received) == 50)
        assert beta.texts == [f"number {number}" for number in range(50)]
        assert {item.team for item in beta.received} == {"ALPHA"}
        assert beta.errors == []


@pytest.mark.parametrize("kind", [AncestorConsole, AncestorFlask])
def test_fifty_rapid_ancestor_messages_arrive_joined_as_reads_gave_them(kind: type[AncestorConsole]) -> None:
    with kind("127.0.0.2", team="ALPHA") as alpha, kind("127.0.0.3", team="BETA") as beta:
        alpha.connect(beta.host, beta.port)
        beta.wait_for(lambda c: alpha.address in c.peers)
        for number in range(50):
            alpha.send(beta.host, beta.port, f"number {number}")
        everything = "".join(f"ALPHA: number {number}" for number in range(50))
        beta.wait_for(lambda c: len("".join(c.texts)) >= len(everything))
        assert "".join(beta.texts) == everything
        assert [item.raw.decode() for item in beta.received] == beta.texts
        assert beta.reads[0][1] == f"CONNECT:{alpha.port}".encode()


def test_fifty_rapid_portline_messages_are_each_answered() -> None:
    with Portline("127.0.0.2", team="ALPHA") as alpha, Portline("127.0.0.3", team="BETA") as beta:
        for number in range(50):
            alpha.send(beta.host, beta.port, f"number {number}")
        assert beta.texts == [f"number {number}" for number in range(50)]
        assert alpha.answers == [b"Message received"] * 50


@pytest.mark.parametrize("name", CLIENTS)
def test_never_off_loopback(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with CLIENTS[name]() as client:
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("dialled"))
        for host in ABROAD:
            for attempt in (
                client.connect,
                lambda h, p: client.send(h, p, "x"),
                lambda h, p: client.send_bytes(h, p, b"x"),
            ):
                with pytest.raises(ValueError, match="refusing"):
                    attempt(host, 5000)
            with pytest.raises(ValueError, match="refusing"):
                CLIENTS[name](host)


def test_addresses() -> None:
    assert loopback("localhost") == "127.0.0.1"
    assert split_address("127.0.0.2:5000") == ("127.0.0.2", 5000)
    with pytest.raises(ValueError, match="invalid literal"):
        split_address("127.0.0.2")


@pytest.mark.parametrize("name", CLIENTS)
def test_a_closed_port_is_an_oserror(name: str) -> None:
    with listening() as (_, port):
        pass
    with CLIENTS[name]() as client:
        with pytest.raises(OSError, match="refused"):
            client.send("127.0.0.9", port, "hello")
        with pytest.raises(OSError, match="refused"):
            client.connect("127.0.0.9", port)
        assert client.alive


@pytest.mark.parametrize("name", CLIENTS)
def test_an_empty_connection_leaves_no_trace(name: str) -> None:
    with CLIENTS[name]() as client:
        with dialled(client):
            pass
        with dialled(client) as sock:
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == CLOSED_BY_PEER
        assert (client.received, client.peers, client.reads, client.complaints, client.errors) == ([], [], [], [], [])


def test_a_failed_wait_shows_the_whole_state() -> None:
    with Std(team="ALPHA") as alpha, Std(team="BETA") as beta:
        beta.send(alpha.host, alpha.port, "here I am")
        alpha.wait_for(saw("here I am"))
        with pytest.raises(AssertionError, match=r"(?s)not within 0.01 s.*Std 127.*here I am.*errors: \[\]"):
            alpha.wait_for(lambda c: c.peers == ["never"], timeout=0.01)


# -- the ancestor ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", [b"", b"\t\t\t\n", b"\r\n", b"\t" * 900 + b"\x0b\x0c\r\n"])
def test_what_int_accepts_behind_connect(padding: bytes) -> None:
    with AncestorConsole() as client, dialled(client) as sock:
        sock.sendall(b"CONNECT:5000" + padding)
        client.wait_for(lambda c: c.peers == ["127.0.0.1:5000"])
        client.send("127.0.0.1", 5000, "on your connection")
        assert sock.recv(1024) == b"ALPHA: on your connection"
        assert client.received == []


@pytest.mark.parametrize("glued", [b"CONNECT:5000BETA: hi", b"CONNECT:5000\nhi", b"CONNECT:5000\0", b"CONNECT:word"])
def test_what_int_refuses_is_lost(glued: bytes) -> None:
    with AncestorConsole() as console, dialled(console) as sock:
        sock.sendall(glued)
        assert read_all(sock) == CLOSED_BY_PEER
        assert (console.peers, console.received, len(console.errors)) == ([], [], 1)
    with AncestorFlask() as flask, dialled(flask) as sock:
        sock.sendall(glued)
        flask.wait_for(lambda c: c.errors)
        sock.sendall(b"BETA: still here")
        flask.wait_for(saw("BETA: still here"))
        assert flask.peers == []


def test_a_connect_behind_a_text_is_shown_as_text() -> None:
    with AncestorConsole() as client, dialled(client) as sock:
        sock.sendall(b"BETA: hiCONNECT:5000")
        client.wait_for(saw("BETA: hiCONNECT:5000"))
        assert client.peers == []


def test_a_second_connect_on_the_same_connection() -> None:
    with AncestorConsole() as console, dialled(console) as sock:
        sock.sendall(b"CONNECT:5000")
        console.wait_for(lambda c: c.peers)
        sock.sendall(b"CONNECT:5000")
        assert read_all(sock) == CLOSED_BY_PEER
        console.wait_for(lambda c: not c.peers)
    with AncestorFlask() as flask, dialled(flask) as sock:
        for port in (b"5000", b"5001"):
            sock.sendall(b"CONNECT:" + port)
            flask.wait_for(lambda c, port=port: f"127.0.0.1:{port.decode()}" in c.peers)  # type: ignore[misc]


def test_the_shown_sender() -> None:
    for kind, shows_claim in ((AncestorConsole, False), (AncestorFlask, True)):
        with kind() as client, dialled(client) as sock:
            ephemeral = f"127.0.0.1:{sock.getsockname()[1]}"
            sock.sendall(b"BETA: before")
            client.wait_for(saw("BETA: before"))
            sock.sendall(b"CONNECT:5000")
            client.wait_for(lambda c: c.peers)
            sock.sendall(b"BETA: after")
            client.wait_for(saw("BETA: after"))
            assert [r.sender for r in client.received] == [ephemeral, "127.0.0.1:5000" if shows_claim else ephemeral]


def test_a_second_connection_replaces_the_first_which_stays_open() -> None:
    with AncestorConsole() as client, dialled(client) as first, dialled(client) as second:
        first.sendall(b"CONNECT:5000")
        client.wait_for(lambda c: c.peers)
        second.sendall(b"CONNECT:5000")
        client.wait_for(lambda c: len(c.reads) == 2)
        second.sendall(b"BETA: ready")  # once this is shown, the CONNECT before it has been acted upon
        client.wait_for(saw("BETA: ready"))
        client.send("127.0.0.1", 5000, "to the second")
        assert second.recv(1024) == b"ALPHA: to the second"
        first.sendall(b"BETA: from the zombie")
        client.wait_for(saw("BETA: from the zombie"))
        assert client.peers == ["127.0.0.1:5000"]


def test_after_exit_the_console_loses_one_message_and_then_dials_anew() -> None:
    with AncestorConsole(connect_pause=None) as client, listening() as (listener, port):
        client.connect("127.0.0.9", port)
        with accepted(listener) as sock:
            assert sock.recv(1024) == f"CONNECT:{client.port}".encode()
            sock.sendall(b"exit")
            assert read_all(sock) == CLOSED_BY_PEER
        assert client.peers == [f"127.0.0.9:{port}"]
        client.send("127.0.0.9", port, "lost")
        assert len(client.complaints) == 1
        client.send("127.0.0.9", port, "found")
        with accepted(listener) as sock:
            assert sock.recv(1024) == f"CONNECT:{client.port}ALPHA: found".encode()


def test_the_console_that_was_told_exit_and_is_connected_to_again_loses_nothing() -> None:
    with AncestorConsole() as client:
        with dialled(client) as sock:
            sock.sendall(b"CONNECT:5000\t\n")
            client.wait_for(lambda c: c.peers)
            sock.sendall(b"exit")
            assert read_all(sock) == CLOSED_BY_PEER
        with dialled(client) as sock:
            sock.sendall(b"CONNECT:5000\t\n")
            client.wait_for(lambda c: not c._over & set(c._connections.values()))
            client.send("127.0.0.1", 5000, "not lost")
            assert sock.recv(1024) == b"ALPHA: not lost"


def test_clients_that_read_in_a_loop_stay_and_one_of_them_obeys_exit() -> None:
    with Std(unknown_reads=math.inf) as loops, Labelled(unknown_reads=2, obeys_exit=True) as obeys:
        for client, last in ((loops, loops.form("hi there", "127.0.0.9", 1)), (obeys, "exit"), (obeys, "what?")):
            before = len(client.reads)
            with dialled(client) as sock:
                sock.sendall(b"CONNECT:5000\t\n")
                client.wait_for(lambda c, n=before: len(c.reads) > n)  # type: ignore[misc]
                sock.sendall(last.encode())
                assert read_all(sock) == CLOSED_BY_PEER
        assert loops.texts == ["hi there"]


def test_after_exit_flask_forgets_the_peer() -> None:
    with AncestorFlask() as client, dialled(client) as sock:
        sock.sendall(b"CONNECT:5000")
        client.wait_for(lambda c: c.peers)
        sock.sendall(b"exit")
        assert read_all(sock) == CLOSED_BY_PEER
        client.wait_for(lambda c: not c.peers)


def test_a_text_that_is_not_utf8_is_lost() -> None:
    with AncestorConsole() as client, dialled(client) as sock:
        sock.sendall(b"BETA: \xff\xfe")
        client.wait_for(lambda c: c.errors)
        sock.sendall(b"BETA: next")
        client.wait_for(saw("BETA: next"))
        assert client.texts == ["BETA: next"]


def test_first_text_before_any_connect() -> None:
    with AncestorConsole(connect_first=False) as client, listening() as (listener, port):
        client.send("127.0.0.9", port, "me first")
        with accepted(listener) as sock:
            assert sock.recv(1024) == b"ALPHA: me first"
            client.connect("127.0.0.9", port)
            assert sock.recv(1024) == f"CONNECT:{client.port}".encode()


def test_mandatory_greeting_on_loopback_only() -> None:
    for kind, greeting in ((AncestorConsole, "ALPHA: " + MANDATORY), (AncestorFlask, MANDATORY)):
        with kind() as client, listening() as (listener, port):
            with pytest.raises(ValueError, match="refusing"):
                client.greet_mandatory([("127.0.0.9", port), ("10.206.4.122", 1255)])
            client.greet_mandatory([("127.0.0.9", port)])
            with accepted(listener) as sock:
                assert sock.recv(1024) == greeting.encode()
                sock.sendall(b"BETA: thanks")
                client.wait_for(saw("BETA: thanks"))
        with kind() as client:
            client.greet_mandatory([("127.0.0.9", port)])
            assert len(client.complaints) == 1


@pytest.mark.parametrize(("kind", "last"), [(AncestorConsole, b"ALPHA: exit"), (AncestorFlask, b"exit")])
def test_its_good_bye(kind: type[AncestorConsole], last: bytes) -> None:
    with kind() as client, dialled(client) as sock:
        sock.sendall(b"CONNECT:5000")
        client.wait_for(lambda c: c.peers)
        client.leave()
        assert read_all(sock) == last


def test_vanishing_says_nothing() -> None:
    with AncestorConsole() as client, dialled(client) as sock:
        sock.sendall(b"CONNECT:5000")
        client.wait_for(lambda c: c.peers)
        client.vanish()
        assert read_all(sock) == CLOSED_BY_PEER
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((client.host, client.port), timeout=PATIENCE)


# -- std and its variants --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed_ip", "claim"),
    [(None, "127.0.0.2"), ("127.0.1.1", "127.0.1.1"), ("Unknown", "Unknown"), (RECIPIENT, "127.0.0.9")],
)
def test_the_claimed_ip(claimed_ip: str | None, claim: str) -> None:
    with Std("127.0.0.2", claimed_ip=claimed_ip, newline=True) as client, listening() as (listener, port):
        client.send("127.0.0.9", port, "hello there")
        with accepted(listener) as sock:
            assert sock.getpeername()[0] == "127.0.0.2"
            assert read_all(sock) == f"{claim}:{client.port} ALPHA hello there\n".encode()


def test_std_reads_once_and_closes() -> None:
    with Std() as client:
        for payload in (b"CONNECT:5000\t\t\n", b"127.0.0.1:5000 BETA hi", b"127.0.0.1:5000 BETA \xff"):
            with dialled(client) as sock:
                sock.sendall(payload)
                assert read_all(sock) == CLOSED_BY_PEER
        assert (client.texts, len(client.complaints), len(client.errors)) == (["hi"], 1, 1)


def test_std_mangles_bare_text() -> None:
    with Std() as client, dialled(client) as sock:
        sock.sendall(b"BETA: hello dear friend")
        client.wait_for(saw("dear friend"))
        assert client.received[0].sender == "BETA:"


def test_std_that_keeps_an_unknown_connect_open() -> None:
    with Std(keeps_open=True) as client, dialled(client) as kept, dialled(client) as other:
        kept.sendall(b"CONNECT:5000\t\n")
        client.wait_for(lambda c: c.complaints)
        other.sendall(b"127.0.0.1:5000 BETA hi")
        assert read_all(other) == CLOSED_BY_PEER
        kept.sendall(b"127.0.0.1:5000 BETA never read")
        client.send(client.host, client.port, "to itself")
        client.wait_for(saw("to itself"))
        assert client.texts == ["hi", "to itself"]
        kept.setblocking(False)
        with pytest.raises(BlockingIOError):
            kept.recv(1)


def test_a_silent_connection_blocks_a_reader_without_threads() -> None:
    with Std(thread_per_connection=False) as client, dialled(client) as silent, dialled(client) as behind:
        behind.sendall(b"127.0.0.1:5000 BETA sent first")
        silent.sendall(b"127.0.0.1:5001 GAMMA sent last")
        client.wait_for(lambda c: len(c.received) == 2)
        assert client.texts == ["sent last", "sent first"]


def test_std_that_stays_for_an_answer() -> None:
    with Std(stays_open=PATIENCE) as client, listening() as (listener, port):
        client.send("127.0.0.9", port, "anyone?")
        with accepted(listener) as sock:
            assert sock.recv(1024).endswith(b"ALPHA anyone?")
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(1)
            sock.setblocking(True)
            sock.sendall(b"ok")
            assert read_all(sock) == CLOSED_BY_PEER
        client.wait_for(lambda c: c.answers == [b"ok"])


def test_std_that_answers_a_connect() -> None:
    with Std("127.0.0.2") as asking, Std("127.0.0.3", answers_connect=True) as answering:
        asking.connect(answering.host, answering.port)
        asking.wait_for(lambda c: any(raw.endswith(b"connect_ack") for _, raw in c.reads))
        assert asking.received == answering.received == []
    with Std(answers_connect=True) as answering, dialled(answering) as sock:
        sock.sendall(b"10.206.4.122:1255 BETA connect")  # it would dial what is claimed: refused, and seen
        answering.wait_for(lambda c: c.errors)
        assert isinstance(answering.errors[0], ValueError)


def test_std_with_control_words() -> None:
    with Std("127.0.0.2", control_words=True) as alpha, Std("127.0.0.3", control_words=True) as beta:
        alpha.connect(beta.host, beta.port)
        assert (alpha.answers, alpha.peers, beta.peers) == ([b"CONNECTED"], [beta.address], [alpha.address])
        alpha.leave()
        beta.wait_for(lambda c: c.peers == [])
        assert beta.last_read == f"{alpha.address} DISCONNECTED".encode()
    with Std(control_words=True) as alpha, Std() as stranger:
        alpha.connect(stranger.host, stranger.port)
        assert (alpha.peers, len(alpha.complaints)) == ([], 1)


def test_std_probes_before_it_connects() -> None:
    with Std(probes=True) as client, listening() as (listener, port):
        client.connect("127.0.0.9", port)
        with accepted(listener) as probe, accepted(listener) as hello:
            assert read_all(probe) == b""
            assert read_all(hello).endswith(b" ALPHA connect")
        listener.close()
        assert not client.probe("127.0.0.9", port)


@pytest.mark.parametrize("unknown", ["complain", "show", "list"])
def test_what_std_makes_of_a_connect(unknown: str) -> None:
    with Std("127.0.0.2", unknown=unknown) as old, dialled(old) as sock:
        sock.sendall(b"CONNECT:5000\t\n")
        assert sock.recv(1024) == CLOSED_BY_PEER
        assert len(old.complaints) == 1
        assert old.texts == (["CONNECT:5000\t\n"] if unknown == "show" else [])
        assert old.peers == (["CONNECT:5000\t\n"] if unknown == "list" else [])


def test_std_that_acts_on_words_wherever_they_stand() -> None:
    with Std("127.0.0.2", acts_inside=True) as old, Std("127.0.0.3", team="BETA") as beta:
        # It reads each connection in a thread of its own: one message after the other.
        beta.send(old.host, old.port, "hello there")
        old.wait_for(lambda c: c.texts == ["hello there"] and c.peers)
        for text in ("PING", "a GROUP of us"):
            beta.send(old.host, old.port, text)
        old.wait_for(lambda c: len(c.reads) == 3)
        beta.send(old.host, old.port, "please DISCONNECT it")
        old.wait_for(lambda c: c.peers == [])
        assert old.texts == ["hello there"]


def test_std_hello_and_goodbye_words() -> None:
    with Std(hello="Hello, peer!", goodbye=None) as alpha, Std(hello="Hello, peer!", goodbye=None) as beta:
        alpha.connect(beta.host, beta.port)
        beta.wait_for(lambda c: c.peers == [alpha.address])
        alpha.send(beta.host, beta.port, "connect")
        beta.wait_for(saw("connect"))
        alpha.leave()
        assert (beta.peers, len(beta.reads)) == ([alpha.address], 2)


@pytest.mark.parametrize("dies", [True, False])
def test_std_that_dies_of_a_reset_or_a_closed_port(dies: bool) -> None:
    with Std(dies_of_reset=dies) as client:
        reset(socket.create_connection((client.host, client.port)))
        client.wait_for(lambda c: c.errors and c.alive is not dies)
        assert isinstance(client.errors[0], ConnectionResetError)
    with Std(dies_of_reset=dies) as client, listening() as (listener, port):
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            client.send("127.0.0.9", port, "hello")
        assert client.alive is not dies


# -- the rarer ones, and the command line ----------------------------------------------------------------------------

WIRE: dict[type[OldClient], str] = {
    AngleAt: "<127.0.0.2:MINE> @ <ALPHA>\nfirst\nsecond\n<end>",
    AngleTs: "<127.0.0.2:MINE> [TIME] @ <ALPHA>\nfirst\nsecond\n",
    Angle1: "<127.0.0.2:MINE> ALPHA first\nsecond",
    Labelled: "LISTENING_PORT:MINE|TEAM_NAME:ALPHA|first\nsecond",
    Json: r'{"type": "message", "content": "<127.0.0.9:THEIRS> <ALPHA> first\nsecond", '
    '"sender_name": "ALPHA", "sender_port": MINE}',
}


@pytest.mark.parametrize("kind", WIRE)
def test_the_wire_of_the_rarer_one_shots(kind: type[OldClient]) -> None:
    with kind("127.0.0.2") as client, listening() as (listener, port):
        client.send("127.0.0.9", port, "first\nsecond")
        with accepted(listener) as sock:
            sent = re.sub(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]", "[TIME]", read_all(sock).decode())
        assert sent == WIRE[kind].replace("MINE", str(client.port)).replace("THEIRS", str(port))
    with kind("127.0.0.2") as client, kind("127.0.0.3") as other:
        client.send(other.host, other.port, "first\nsecond")
        other.wait_for(saw("first\nsecond"))


def test_angle_at_announces_itself_in_std_and_leaves_with_disconnect() -> None:
    with AngleAt() as client, listening() as (listener, port):
        client.announces_in_std = True
        client.connect("127.0.0.9", port)
        client.leave()
        with accepted(listener) as hello, accepted(listener) as goodbye:
            assert read_all(hello) == f"{client.address} ALPHA connection_request".encode()
            assert read_all(goodbye) == f"<{client.address}> DISCONNECT".encode()


@pytest.mark.parametrize(("kind", "line"), [(Angle1, "<ME> ALPHA quit"), (AngleTs, "<ME> [TIME] DISCONNECT")])
def test_the_last_words_of_the_other_two_and_what_they_obey(kind: type[Angle1 | AngleTs], line: str) -> None:
    with kind("127.0.0.2") as client, listening() as (listener, port):
        client._list(f"127.0.0.9:{port}")
        client.leave()
        with accepted(listener) as sock:
            said = re.sub(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]", "[TIME]", read_all(sock).decode())
        assert said == line.replace("ME", client.address, 1)
    with kind("127.0.0.2") as client, kind("127.0.0.3") as other:
        other.connect(client.host, client.port)
        client.wait_for(lambda c: c.peers == [other.address])
        other.send(client.host, client.port, "exit")
        client.wait_for(saw("exit"))
        assert client.peers == [other.address], "that is chat"
        other.leave()
        client.wait_for(lambda c: c.peers == [])


def test_angle1_misreads_std_and_aborts_after_a_blank() -> None:
    with Std() as std, Angle1() as client:
        std.send(client.host, client.port, "hello")
        client.wait_for(saw("hello"))
        assert client.peers == [std.address[1:-1]]
        client.leave()
        assert isinstance(client.errors[0], ValueError)
    with Angle1() as sending, Angle1() as client:
        sending.send(client.host, client.port, " ")
        client.wait_for(saw(" "))
        assert client.alive
        sending.send(client.host, client.port, "hello")
        client.wait_for(lambda c: not c.alive)


def test_portline_on_the_wire() -> None:
    with Portline() as client, dialled(client) as sock:
        sock.sendall(b"5000\nCONNECT\n")
        client.wait_for(lambda c: c.peers == ["127.0.0.1:5000"])
        sock.sendall(b"127.0.0.1:5000 BETA hi\n")
        assert sock.recv(1024) == b"Message received"
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == CLOSED_BY_PEER
        client.wait_for(lambda c: [type(error) for error in c.errors] == [EOFError])
    with Portline(answer_within=0.01) as client, listening() as (listener, port):
        with pytest.raises(TimeoutError):
            client.send("127.0.0.9", port, "hello")
        with accepted(listener) as sock:
            assert read_all(sock) == f"{client.port}\nCONNECT\n{client.address} ALPHA hello\n".encode()
    with Portline() as client, dialled(client) as sock:
        sock.sendall(b"CONNECT:5000\t\n")
        assert read_all(sock) == CLOSED_BY_PEER
        assert len(client.complaints) == 1


def test_the_command_line_as_a_program() -> None:
    command = [sys.executable, "-m", "tests.support.old_clients", "std", "--team", "CLI"]
    root = Path(__file__).parents[2]
    with (
        subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program,
        Std("127.0.0.3", team="BETA") as peer,
    ):
        assert program.stdin is not None
        assert program.stdout is not None
        host, port = split_address(program.stdout.readline().split()[-1])
        peer.send(host, port, "good evening")
        assert program.stdout.readline() == f"{peer.address} BETA good evening\n"
        program.stdin.write(f"10.206.4.122:1255 never\n{peer.address} and to you\n")
        program.stdin.flush()
        peer.wait_for(saw("and to you"))
        assert "refusing '10.206.4.122'" in program.stdout.readline()
        program.stdin.write("exit\n")
        program.stdin.flush()
        assert program.wait(PATIENCE) == 0
        peer.wait_for(lambda c: c.peers == [])


# -- what the stubs were written from --------------------------------------------------------------------------------


def test_each_sentence_of_wire_md_is_held_by_a_test_that_exists() -> None:
    here = Path(__file__).parent
    wire = (here / "WIRE.md").read_text("utf-8")
    names = set()
    for path in here.parent.rglob("test_*.py"):
        names |= set(re.findall(r"^def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE))
    rows = re.findall(r"^\| (.+) \| `(test_\w+)` \|$", (here / "WIRE_TESTS.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) >= 60
    for piece, test in rows:
        assert piece.replace("\\|", "|") in wire, piece
        assert test in names, test
