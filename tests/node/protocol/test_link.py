from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import LocalFault
from node.protocol import conversation
from node.protocol import link as l
from node.protocol.link import (
    CLOSE_WAIT,
    COLLECT,
    CONNECT_PAUSE,
    EXIT_PAUSE,
    RECOGNISE_WAIT,
    SILENCE,
    STALL,
    Answered,
    Ended,
    Heard,
    Link,
    Offered,
    Opened,
    Recognised,
    Settled,
)
from node.protocol.plain import registry, words
from node.protocol.plain.codec import Announced, Goodbye, Hello, Said, Text
from node.protocol.probing import EXIT_WAIT, MAX_ANSWER, PROBE_WAIT
from node.protocol.secure.offer import ANSWER
from node.protocol.states import TRANSITIONS, Input, State
from node.protocol.writing import ANSWER_WAIT, MAX_QUEUED, WRITE_GAP, Transmitted
from tests.node.protocol.pair import Pair

CONNECT = b"CONNECT:5000" + b"\t" * 32 + b"\n"


def accepted() -> Link:
    link = Link.accepted()
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    return link


def announced(*, unsure: bool) -> Link:
    """A dialled link that has just said CONNECT, at 0.05."""
    link = Link.announce(5000, "anna", unsure=unsure)
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    link.handle_deadline(0.05)
    assert link.data_to_send() == CONNECT
    return link


def probing() -> Link:
    """A link that has waited out its pause, at 0.1."""
    link = announced(unsure=True)
    link.handle_deadline(0.1)
    return link


def asking() -> Link:
    """A link that has just said `exit` to one who stayed without a word, at 1.051."""
    link = probing()
    link.handle_deadline(1.051)
    assert (link.data_to_send(), link.events()) == (b"exit", [])
    return link


def spoken_to() -> Link:
    """A link that has been answered natively, at 0.2."""
    link = probing()
    link.receive_data(b"BEN: hello", 0.2)
    return link


def opened() -> Link:
    """An open link, at 0.1."""
    link = announced(unsure=False)
    link.handle_deadline(0.1)
    assert link.events() == [Opened()]
    return link


def one_shot() -> Link:
    link = Link.one_shot(5000, "anna")
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    return link


def offering() -> Link:
    """A link to a Snicher node that has made its offer, at 0."""
    link = Link.secure(5000, "anna")
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    assert link.data_to_send() == CONNECT
    return link


def written() -> Link:
    """An open link that has written a text, at 0.2."""
    link = opened()
    link.send(1, "hello", 0.2)
    assert link.data_to_send() == b"anna: hello\n"
    return link


def answer(link: Link) -> None:
    """The answer to the offer comes."""
    link.receive_data(ANSWER, 0.3)


def leaving() -> Link:
    link = opened()
    link.leave(1.0)
    return link


# ---- the table -------------------------------------------------------------------------------------------------------


class Recorder(dict[tuple[State, Input], State]):
    """The table, remembering which rows were used."""

    def __init__(self) -> None:
        super().__init__(TRANSITIONS)
        self.used: list[tuple[State, Input]] = []

    def __getitem__(self, key: tuple[State, Input]) -> State:
        self.used.append(key)
        return super().__getitem__(key)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(conversation, "TRANSITIONS", recorder)
    return recorder


def collecting() -> Link:
    link = accepted()
    link.receive_data(b"1.2.3.4:5 BEN h", 0.0)
    return link


#: For each row of the table: how to come to the state, and what then makes the link use the row.
ROWS: dict[tuple[State, Input], tuple[Callable[[], Link], Callable[[Link], None]]] = {
    (State.AWAITING, Input.ONE_SHOT_SEEN): (accepted, lambda link: link.receive_data(b"1.2.3.4:5 BEN hi", 0.0)),
    (State.AWAITING, Input.PERSISTENT_SEEN): (accepted, lambda link: link.receive_data(b"BEN: hi", 0.0)),
    (State.AWAITING, Input.OFFERED): (accepted, lambda link: link.receive_data(CONNECT, 0.0)),
    (State.AWAITING, Input.DONE): (accepted, lambda link: link.receive_eof(0.0)),
    (State.AWAITING, Input.LOST): (accepted, lambda link: link.connection_lost("Reset.", 0.0)),
    (State.AWAITING, Input.LEAVE): (accepted, lambda link: link.leave(0.0)),
    (State.COLLECTING, Input.COMPLETE): (collecting, lambda link: link.receive_eof(0.0)),
    (State.COLLECTING, Input.LOST): (collecting, lambda link: link.connection_lost("Reset.", 0.0)),
    (State.COLLECTING, Input.LEAVE): (collecting, lambda link: link.leave(0.0)),
    (State.ANNOUNCING, Input.UNSURE): (lambda: announced(unsure=True), lambda link: link.handle_deadline(0.1)),
    (State.ANNOUNCING, Input.ANNOUNCED): (lambda: announced(unsure=False), lambda link: link.handle_deadline(0.1)),
    (State.ANNOUNCING, Input.ANSWERED): (lambda: announced(unsure=False), answer),
    (State.ANNOUNCING, Input.TURNED_AWAY): (lambda: announced(unsure=False), lambda link: link.receive_eof(0.06)),
    (State.ANNOUNCING, Input.LOST): (
        lambda: announced(unsure=False),
        lambda link: link.connection_lost("Reset.", 0.06),
    ),
    (State.ANNOUNCING, Input.LEAVE): (lambda: announced(unsure=False), lambda link: link.leave(0.06)),
    (State.OFFERING, Input.ANSWERED): (offering, answer),
    (State.OFFERING, Input.TURNED_AWAY): (offering, lambda link: link.receive_eof(0.1)),
    (State.OFFERING, Input.LOST): (offering, lambda link: link.connection_lost("Reset.", 0.1)),
    (State.OFFERING, Input.LEAVE): (offering, lambda link: link.leave(0.1)),
    (State.PROBING, Input.ANSWERED): (probing, answer),
    (State.PROBING, Input.STAYED): (spoken_to, lambda link: link.handle_deadline(1.1)),
    (State.PROBING, Input.SILENT): (probing, lambda link: link.handle_deadline(1.1)),
    (State.PROBING, Input.TURNED_AWAY): (probing, lambda link: link.receive_eof(0.2)),
    (State.PROBING, Input.LEAVE): (probing, lambda link: link.leave(0.2)),
    (State.ASKING, Input.OBEYED): (asking, lambda link: link.receive_eof(1.06)),
    (State.ASKING, Input.TURNED_AWAY): (asking, lambda link: link.handle_deadline(1.36)),
    (State.ASKING, Input.ANSWERED_LATE): (asking, answer),
    (State.ASKING, Input.LEAVE): (asking, lambda link: link.leave(1.06)),
    (State.OPEN, Input.ANSWERED): (opened, answer),
    (State.OPEN, Input.ANSWERED_LATE): (written, answer),
    (State.OPEN, Input.LEAVE): (opened, lambda link: link.leave(1.0)),
    (State.OPEN, Input.DONE): (opened, lambda link: link.receive_eof(1.0)),
    (State.OPEN, Input.LOST): (opened, lambda link: link.connection_lost("Reset.", 1.0)),
    (State.DELIVERING, Input.DONE): (one_shot, lambda link: link.receive_eof(0.1)),
    (State.DELIVERING, Input.LOST): (one_shot, lambda link: link.connection_lost("Reset.", 0.1)),
    (State.DELIVERING, Input.LEAVE): (one_shot, lambda link: link.leave(0.1)),
    (State.LEAVING, Input.ANSWERED_LATE): (leaving, answer),
    (State.LEAVING, Input.DONE): (leaving, lambda link: link.receive_eof(1.01)),
    (State.LEAVING, Input.LOST): (leaving, lambda link: link.connection_lost("Reset.", 1.01)),
}


def test_every_row_of_the_table_is_shown_here_and_no_other() -> None:
    assert set(ROWS) == set(TRANSITIONS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0].name}-{row[1].name}")
def test_a_row_of_the_table_is_used_as_it_stands(row: tuple[State, Input], table: Recorder) -> None:
    come, move = ROWS[row]
    link = come()
    assert link.state is row[0]
    table.used.clear()
    move(link)
    assert table.used == [row]
    assert link.state is TRANSITIONS[row]
    assert link.closing is (link.state is State.CLOSED)
    assert (link.next_deadline() is None) or link.state not in (State.CLOSED, State.UPGRADED)


# ---- recognising what came in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [b"", b" ", b"   \r\n", b"\t" * 32 + b"\n", b"\x00", b"\x00\n\x00"])
def test_a_blank_connection_leaves_no_trace(blank: bytes) -> None:
    link = accepted()
    if blank:
        link.receive_data(blank, 0.0)
    link.receive_eof(0.1)
    assert (link.events(), link.data_to_send(), link.closing) == ([Ended(None)], b"", True)


@pytest.mark.parametrize("make", [probing, asking])
def test_silence_where_packets_are_lost_says_nothing_about_the_dialect(make: Callable[[], Link]) -> None:
    link = make()
    link.lossy = True
    link.handle_deadline(link.next_deadline() or 0.0)
    assert link.events() == [Ended(l.LOSSY)]
    assert (link.state, link.data_to_send()) == (State.CLOSED, b"")
    # What was heard counts all the same.
    link = make()
    link.lossy = True
    link.receive_data(b"hello?\n", 1.06)
    link.handle_deadline(link.next_deadline() or 0.0)
    assert Settled("std") in link.events()


def test_a_silent_or_blank_connection_is_closed_after_a_minute() -> None:
    link = accepted()
    link.receive_data(b" \n", 59.0)
    assert link.next_deadline() == SILENCE == 60.0
    link.handle_deadline(60.0)
    assert link.events() == [Ended(None)]


def test_std_ends_with_its_connection() -> None:
    link = accepted()
    link.receive_data(b"10.0.0.9:6000 BEN hello", 0.0)
    assert link.events() == [Recognised("std", persistent=False)]
    link.receive_eof(0.01)
    assert link.events() == [Heard([Text("hello", "BEN", 6000)]), Ended(None)]


def test_std_ends_with_a_silence_and_then_we_close() -> None:
    link = accepted()
    link.receive_data(b"10.0.0.9:6000 BEN hel", 0.0)
    link.receive_data(b"lo", 0.15)
    assert link.next_deadline() == pytest.approx(0.35)
    link.handle_deadline(0.35)
    assert link.events()[1:] == [Heard([Text("hello", "BEN", 6000)]), Ended(None)]
    assert link.closing


def test_a_message_that_trickles_without_end_is_what_came_in_30_s() -> None:
    link = collecting()
    for step in range(1, 300):
        link.receive_data(b".", step / 10)
        link.handle_deadline(step / 10)
    assert [type(event) for event in link.events()] == [Recognised]
    link.handle_deadline(COLLECT)
    assert link.events() == [Heard([Text("h" + "." * 299, "BEN", 5)]), Ended(None)]


def test_a_std_request_is_answered_on_its_own_connection() -> None:
    link = accepted()
    link.receive_data(b"10.0.0.9:6000 CONNECT_REQUEST", 0.0)
    link.handle_deadline(0.2)
    assert link.data_to_send() == b"CONNECTED"
    assert link.events()[1:] == [Heard([Hello("CONNECT_REQUEST", None, 6000)]), Ended(None)]


def test_first_bytes_that_stay_ambiguous_are_what_they_are_after_a_moment() -> None:
    link = accepted()
    link.receive_data(b"192.168.1", 1.0)
    assert (link.events(), link.next_deadline()) == ([], 1.0 + RECOGNISE_WAIT)
    link.handle_deadline(1.3)
    assert link.events() == [Recognised("snicher", persistent=True), Heard([Text("192.168.1")])]
    assert link.state is State.OPEN


@pytest.mark.parametrize("last", ["eof", "reset"])
def test_ambiguous_first_bytes_are_not_lost_when_the_connection_ends(last: str) -> None:
    link = accepted()
    link.receive_data(b"Unk", 0.0)
    link.receive_eof(0.1) if last == "eof" else link.connection_lost("Reset.", 0.1)
    reason = "It closed the connection." if last == "eof" else "Reset."
    assert link.events() == [Recognised("snicher", persistent=True), Heard([Text("Unk")]), Ended(reason)]


def test_a_reset_does_not_take_back_what_was_said() -> None:
    link = collecting()
    link.connection_lost("Reset.", 0.1)
    assert link.events()[1:] == [Heard([Text("h", "BEN", 5)]), Ended("Reset.")]


@pytest.mark.parametrize(
    "first",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        bytes(range(256)),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_is_nobody_s_is_bare_text_and_harms_nobody(first: bytes, size: int) -> None:
    link = accepted()
    for start in range(0, len(first), size):
        link.receive_data(first[start : start + size], 0.0)
    link.handle_deadline(1.0)
    link.receive_eof(2.0)
    events = link.events()
    assert events[0] == Recognised("snicher", persistent=True)
    assert all(isinstance(event, Heard) for event in events[1:-1])
    assert events[-1] == Ended("It closed the connection.")


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("first", "dialect", "said"),
    [
        (b"LISTENING_PORT:6000|TEAM_NAME:BEN|hi", "labelled", Text("hi", "BEN", 6000)),
        (b"<1.2.3.4:6000> @ <BEN>\nhi\n<end>", "angle@", Text("hi", "BEN", 6000)),
        (b"<1.2.3.4:6000> DISCONNECT", "angle@", Goodbye("DISCONNECT", None, 6000)),
        (b"1.2.3.4:6000 BEN connection_request", "angle@", Hello("connection_request", "BEN", 6000)),
        (b"<1.2.3.4:6000> [2025-01-01 10:00] @ <BEN>\nhi\n", "angle-ts", Text("hi", "BEN", 6000)),
        (b"<1.2.3.4:6000> BEN hi", "angle1", Text("hi", "BEN", 6000)),
        (b'{"type": "connect", "sender_name": "BEN", "sender_port": 6000}', "json", Hello("connect", "BEN", 6000)),
    ],
)
def test_every_one_shot_dialect_is_heard_and_then_we_close(first: bytes, dialect: str, said: Said, size: int) -> None:
    link = accepted()
    for start in range(0, len(first), size):
        link.receive_data(first[start : start + size], 0.0)
    link.receive_eof(0.1)
    assert link.events() == [Recognised(dialect, persistent=False), Heard([said]), Ended(None)]
    assert (link.data_to_send(), link.closing) == (b"", True)


def test_a_std_client_that_stays_waits_for_an_answer_and_gets_one() -> None:
    link = collecting()
    link.handle_deadline(0.2)
    assert (link.data_to_send(), link.closing) == (b"OK", True)


# ---- portline --------------------------------------------------------------------------------------------------------


def portline_in() -> Link:
    """A portline connection that came in."""
    link = accepted()
    link.receive_data(b"6000\nCONNECT\n", 0.0)
    assert link.events() == [Recognised("portline", persistent=True), Heard([Announced(6000)])]
    assert link.data_to_send() == b""
    return link


def portline_out() -> Link:
    """One that we dialled, open at 0.1."""
    link = Link.announce(5000, "anna", unsure=False, codec=registry.PERSISTENT["portline"])
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    link.handle_deadline(0.05)
    assert link.data_to_send() == b"5000\nCONNECT\n"
    link.handle_deadline(0.1)
    assert link.events() == [Opened()]
    return link


def test_each_portline_message_is_answered() -> None:
    link = portline_in()
    for number in range(3):
        link.receive_data(b"1.2.3.4:6000 BEN hi\n", float(number))
        assert link.events() == [Heard([Text("hi", "BEN", 6000)])]
        assert link.data_to_send() == b"Message received\n"


def test_who_does_not_read_its_answers_gets_none() -> None:
    link = portline_in()
    link.pause_writing(1.0)
    link.receive_data(b"1.2.3.4:6000 BEN hi\n", 1.0)
    assert link.data_to_send() == b""
    link.resume_writing(2.0)
    assert link.data_to_send() == b""


def test_nothing_of_ours_goes_over_a_portline_connection_that_came_in() -> None:
    link = portline_in()
    assert not link.two_way
    with pytest.raises(LocalFault):
        link.send(1, "hello", 1.0)
    link.leave(1.0)
    assert (link.data_to_send(), link.events(), link.closing) == (b"", [Ended(None)], True)


def test_a_portline_client_that_says_exit_left_in_order_and_one_that_only_closes_did_not() -> None:
    link = portline_in()
    link.receive_data(b"exit\n", 1.0)
    link.receive_eof(1.0)
    assert link.events() == [Heard([Goodbye("exit", None, 6000)]), Ended(None)]
    link = portline_in()
    link.receive_eof(1.0)
    assert link.events() == [Ended("It closed the connection.")]


def test_each_portline_write_waits_for_an_answer() -> None:
    link = portline_out()
    assert link.two_way
    for token in (1, 2, 3):
        link.send(token, f"text {token}", 1.0)
    assert link.data_to_send() == b"127.0.0.2:5000 anna text 1\n"
    link.handle_deadline(1.5)
    assert (link.data_to_send(), link.events()) == (b"", [])
    link.receive_data(b"ok\n", 1.6)
    assert link.events() == [Transmitted(1, "sent")]
    assert link.data_to_send() == b"127.0.0.2:5000 anna text 2\n"
    # Without an answer, the next one goes after a while.
    assert link.next_deadline() == 1.6 + ANSWER_WAIT
    link.handle_deadline(1.6 + ANSWER_WAIT)
    assert link.events() == [Transmitted(2, "sent")]
    assert link.data_to_send() == b"127.0.0.2:5000 anna text 3\n"


def test_an_answer_while_writing_is_paused_is_remembered() -> None:
    link = portline_out()
    link.send(1, "one", 1.0)
    link.send(2, "two", 1.0)
    link.data_to_send()
    link.pause_writing(1.1)
    link.receive_data(b"ok", 1.2)
    assert (link.data_to_send(), link.events()) == (b"", [])
    link.resume_writing(1.3)
    assert link.data_to_send() == b"127.0.0.2:5000 anna two\n"


def test_a_portline_connection_is_never_closed_without_exit() -> None:
    link = portline_out()
    link.leave(1.0)
    link.handle_deadline(1.0 + EXIT_PAUSE)
    assert link.data_to_send() == b"exit\n"
    link.handle_deadline(1.0 + 2 * EXIT_PAUSE)
    assert (link.data_to_send(), link.events(), link.closing) == (b"", [Ended(None)], True)
    # It doesn't read: it may one day.
    link = portline_out()
    link.pause_writing(1.0)
    link.handle_deadline(1.0 + STALL)
    assert (link.data_to_send(), link.closing) == (b"exit\n", True)
    # Before it was open.
    link = Link.announce(5000, "anna", unsure=False, codec=registry.PERSISTENT["portline"])
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    link.handle_deadline(0.05)
    link.leave(0.06)
    assert (link.data_to_send(), link.closing) == (b"5000\nCONNECT\nexit\n", True)
    # It left itself: nobody is there to be told.
    link = portline_out()
    link.receive_eof(1.0)
    assert (link.data_to_send(), link.closing) == (b"", True)


def test_two_portline_links_talk_one_way() -> None:
    pair = Pair(Link.announce(5000, "anna", unsure=False, codec=registry.PERSISTENT["portline"]))
    pair.run(1.0)
    for token in range(20):
        pair.dialler.link.send(token, f"text {token}", pair.now)
    pair.run(2.0)
    texts = [Heard([Text(f"text {token}", "anna", 5000)]) for token in range(20)]
    assert pair.acceptor.events == [Recognised("portline", persistent=True), Heard([Announced(5000)]), *texts]
    assert pair.dialler.events == [Opened(), *(Transmitted(token, "sent") for token in range(20))]
    pair.dialler.link.leave(pair.now)
    pair.run(3.0)
    assert pair.acceptor.events[-2:] == [Heard([Goodbye("exit", None, 5000)]), Ended(None)]


# ---- CONNECT and what comes after it ---------------------------------------------------------------------------------


def test_connect_stands_alone_with_a_pause_before_and_after() -> None:
    link = Link.announce(5000, "anna", unsure=False)
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    assert (link.data_to_send(), link.next_deadline()) == (b"", 0.05)
    with pytest.raises(LocalFault):
        link.send(1, "too early", 0.0)
    link.handle_deadline(0.05)
    assert link.data_to_send() == CONNECT
    assert (link.events(), link.next_deadline()) == ([], 0.1)
    link.handle_deadline(0.1)
    assert (link.events(), link.data_to_send(), link.next_deadline()) == ([Opened()], b"", None)
    assert CONNECT_PAUSE == 0.05


def test_texts_leave_20_ms_apart_and_count_as_sent_after_their_gap() -> None:
    link = opened()
    for token in (1, 2):
        link.send(token, f"text {token}", 1.0)
    assert (link.data_to_send(), link.events()) == (b"anna: text 1\n", [])
    assert link.next_deadline() == 1.0 + WRITE_GAP == 1.02
    link.handle_deadline(1.019)
    assert link.data_to_send() == b""
    link.handle_deadline(1.02)
    assert (link.data_to_send(), link.events()) == (b"anna: text 2\n", [Transmitted(1, "sent")])
    link.handle_deadline(1.04)
    assert (link.events(), link.next_deadline()) == ([Transmitted(2, "sent")], None)


def test_a_long_text_leaves_in_parts_with_the_same_gaps_and_one_outcome() -> None:
    link = opened()
    link.send(1, "x" * 2500, 1.0)
    writes = [link.data_to_send()]
    for at in (1.02, 1.04):
        link.handle_deadline(at)
        writes.append(link.data_to_send())
    assert [write[:12] for write in writes] == [b"anna: (1/3) ", b"anna: (2/3) ", b"anna: (3/3) "]
    assert link.events() == []
    link.handle_deadline(1.06)
    assert link.events() == [Transmitted(1, "sent", marks=("parts",))]


def test_an_altered_text_says_so() -> None:
    link = opened()
    link.send(1, "exit", 1.0)
    link.handle_deadline(1.02)
    assert link.data_to_send() == b"anna: exit.\n"
    assert link.events() == [Transmitted(1, "sent", marks=("altered",))]


def test_an_accepted_ancestor_is_answered_on_its_own_connection_without_a_connect() -> None:
    link = accepted()
    link.receive_data(b"CONNECT:6000\t\n", 0.0)
    assert link.events() == [Recognised("snicher", persistent=True), Heard([Announced(6000)])]
    link.send(1, "hello", 0.5)
    assert link.data_to_send() == b"anna: hello\n"


def test_a_peer_that_reads_slowly_is_waited_for_and_the_gap_still_holds() -> None:
    link = opened()
    for token, text in enumerate(["one", "two", "three"], 1):
        link.send(token, text, 1.0)
    assert link.data_to_send() == b"anna: one\n"
    link.pause_writing(1.001)
    assert link.next_deadline() == 1.001 + STALL
    link.handle_deadline(1.5)
    assert (link.data_to_send(), link.events()) == (b"", [])
    link.resume_writing(2.01)
    assert (link.data_to_send(), link.events()) == (b"anna: two\n", [Transmitted(1, "sent")])
    link.pause_writing(2.011)
    link.resume_writing(2.012)
    assert (link.data_to_send(), link.events()) == (b"", [])
    assert link.next_deadline() == pytest.approx(2.03)
    link.handle_deadline(2.031)
    assert (link.data_to_send(), link.events()) == (b"anna: three\n", [Transmitted(2, "sent")])


def test_a_peer_that_does_not_read_is_left_after_30_s_and_each_text_says_what_is_known() -> None:
    link = opened()
    for token in (1, 2):
        link.send(token, "text", 1.0)
    link.pause_writing(1.0)
    assert link.next_deadline() == 31.0
    link.handle_deadline(31.0)
    reason = "It doesn't read what it is sent."
    assert link.events() == [
        Transmitted(1, "unknown", reason),
        Transmitted(2, "not_sent", reason),
        Ended(reason),
    ]


def test_a_link_holds_64_texts_and_refuses_the_next() -> None:
    link = opened()
    for token in range(MAX_QUEUED + 1):  # the first is on its way
        link.send(token, "text", 1.0)
    with pytest.raises(LocalFault, match="More texts"):
        link.send(999, "one too many", 1.0)
    link.connection_lost("Reset.", 1.0)
    outcomes = [(event.token, event.outcome) for event in link.events() if isinstance(event, Transmitted)]
    assert outcomes == [(0, "unknown"), *((token, "not_sent") for token in range(1, MAX_QUEUED + 1))]


def test_a_text_of_which_one_part_has_left_is_unknown_when_the_link_ends() -> None:
    link = opened()
    link.send(1, "x" * 2500, 1.0)
    link.receive_eof(1.01)
    reason = "It closed the connection."
    assert link.events() == [Transmitted(1, "unknown", reason), Ended(reason)]


def test_leaving_lets_a_message_that_is_written_get_there() -> None:
    link = one_shot()
    link.send(1, "one", 1.0)
    link.leave(1.0)
    assert (link.events(), link.closing) == ([], False)
    link.receive_eof(1.1)
    assert link.events() == [Transmitted(1, "sent"), Ended(None)]


def test_leaving_says_exit_with_a_pause_before_and_after() -> None:
    link = opened()
    link.send(1, "one", 1.0)
    link.send(2, "two", 1.0)
    link.data_to_send()
    link.leave(1.01)
    assert link.events() == [Transmitted(1, "sent"), Transmitted(2, "not_sent", "We left.")]
    assert (link.data_to_send(), link.next_deadline()) == (b"", 1.01 + EXIT_PAUSE)
    link.receive_data(b"BEN: wait!", 1.02)
    assert link.events() == [Heard([Text("wait!", "BEN")])]
    link.handle_deadline(1.06)
    assert (link.data_to_send(), link.closing) == (b"exit", False)
    link.leave(1.07)  # a second wish to leave changes nothing
    assert link.next_deadline() == pytest.approx(1.11)
    link.handle_deadline(1.12)
    assert (link.events(), link.closing) == ([Ended(None)], True)


# ---- an address that nobody knows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [b"", b"\t" * 32 + b"\n", b" \x00\r\n"])
def test_who_stays_without_a_word_for_a_second_after_the_offer_is_told_exit(blank: bytes) -> None:
    link = probing()
    assert link.next_deadline() == pytest.approx(0.05 + PROBE_WAIT)
    if blank:
        link.receive_data(blank, 0.2)
    link.handle_deadline(1.049)
    assert (link.events(), link.data_to_send()) == ([], b"")
    link.handle_deadline(1.051)
    assert (link.events(), link.data_to_send(), link.state) == ([], b"exit", State.ASKING)
    assert link.next_deadline() == pytest.approx(1.051 + EXIT_WAIT)


def test_who_closes_when_it_is_told_exit_is_an_ancestor_and_is_to_be_dialled_anew() -> None:
    link = asking()
    link.receive_eof(1.06)
    assert (link.events(), link.data_to_send()) == ([Settled("snicher", obeyed=True), Ended(None)], b"")


def test_who_stays_after_exit_is_taken_for_std() -> None:
    link = asking()
    link.handle_deadline(1.35)
    assert link.events() == []
    link.handle_deadline(1.352)
    assert (link.events(), link.closing) == ([Settled("std"), Ended(None)], True)


@pytest.mark.parametrize(
    ("answer", "settled"),
    [
        (b"Invalid format", Settled("std")),
        (b"<1.2.3.4:6000> BEN what was that?", Settled("angle1")),
        (b"exit", Settled("snicher", obeyed=True)),
        (b"BEN: exit", Settled("snicher", obeyed=True)),
        (b"\t\n", Settled("snicher", obeyed=True)),
    ],
)
def test_what_comes_back_to_exit_before_the_close_tells_more_than_the_close(answer: bytes, settled: Settled) -> None:
    link = asking()
    link.receive_data(answer, 1.06)
    link.receive_eof(1.07)
    assert link.events() == [settled, Ended(None)]


@pytest.mark.parametrize("end", ["eof", "deadline", "exit"])
def test_a_text_that_crosses_our_exit_is_heard(end: str) -> None:
    link = asking()
    link.receive_data(b"BEN: hello", 1.06)
    link.handle_deadline(1.17)
    if end == "exit":
        link.receive_data(b"exit", 1.1)
    else:
        link.receive_eof(1.1) if end == "eof" else link.handle_deadline(1.4)
    assert link.events() == [Settled("snicher", obeyed=True), Heard([Text("hello", "BEN")]), Ended(None)]


def test_who_resets_or_floods_when_it_is_told_exit_is_taken_for_std() -> None:
    link = asking()
    link.connection_lost("Reset.", 1.06)
    assert link.events() == [Settled("std"), Ended(None)]
    link = asking()
    link.receive_data(b"x" * (MAX_ANSWER + 1), 1.06)
    assert link.events() == [Settled("std"), Ended(None)]


@pytest.mark.parametrize("make", [probing, lambda: announced(unsure=True)], ids=["probing", "before the pause is over"])
def test_who_closes_after_the_offer_is_taken_for_std(make: Callable[[], Link]) -> None:
    link = make()
    link.receive_eof(0.1)
    assert link.events() == [Settled("std"), Ended(None)]


def test_who_resets_after_the_offer_is_taken_for_std() -> None:
    link = probing()
    link.connection_lost("Reset.", 0.2)
    assert link.events() == [Settled("std"), Ended(None)]


def test_who_closes_before_it_can_have_heard_us_tells_nothing_about_itself() -> None:
    link = Link.announce(5000, "anna", unsure=True)
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    link.receive_eof(0.01)
    assert link.events() == [Ended("It closed the connection.")]


@pytest.mark.parametrize("answer", [b"Message received", b"Invalid format\n", b"\x15\x03\x01", b"  \t no"])
def test_any_other_answer_means_std_and_is_no_content(answer: bytes) -> None:
    link = probing()
    for byte in answer:
        link.receive_data(bytes([byte]), 0.2)
    link.handle_deadline(0.4)
    assert link.events() == []
    link.handle_deadline(1.1)
    assert link.events() == [Settled("std"), Ended(None)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"BEN: hello", [Text("hello", "BEN")]),
        (b"CONNECT:6000\n", [Announced(6000)]),
        (b"\t" * 500 + b"\nBEN: hi", [Text("hi", "BEN")]),
    ],
)
def test_an_answer_as_an_ancestor_gives_it_is_kept_and_heard_once_settled(answer: bytes, said: list[object]) -> None:
    link = probing()
    link.receive_data(answer, 0.2)
    link.handle_deadline(1.1)
    assert link.events() == [Settled("snicher"), *([Heard(said)] if said else [])]  # type: ignore[arg-type]
    assert link.state is State.OPEN


def test_a_flood_in_answer_is_decided_at_once() -> None:
    link = probing()
    link.receive_data(b"x" * (MAX_ANSWER + 1), 0.2)
    assert link.events() == [Settled("std"), Ended(None)]


def test_a_flood_before_we_said_anything_ends_the_link() -> None:
    link = Link.announce(5000, "anna", unsure=True)
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    link.receive_data(b"x" * (MAX_ANSWER + 1), 0.01)
    assert link.events() == [Ended("It talks without listening.")]


# ---- one message, one connection -------------------------------------------------------------------------------------


def test_one_shot_half_closes_behind_its_message_and_waits_for_the_end() -> None:
    link = one_shot()
    link.send(7, "hello", 0.1)
    assert (link.data_to_send(), link.half_close, link.closing) == (b"127.0.0.2:5000 anna hello", True, False)
    link.receive_data(b"Message received", 0.2)
    assert link.events() == []
    link.receive_eof(0.3)
    assert (link.events(), link.closing) == ([Transmitted(7, "sent"), Ended(None)], True)


def test_one_shot_waits_a_second_at_most() -> None:
    link = one_shot()
    link.send(7, "hello", 0.5)
    assert link.next_deadline() == 0.5 + CLOSE_WAIT == 1.5
    link.handle_deadline(1.5)
    assert link.events() == [Transmitted(7, "sent"), Ended(None)]


def test_one_shot_that_is_reset_does_not_know_and_says_which_part() -> None:
    link = one_shot()
    link.send(7, "x" * 2500, 0.1, part=2)
    assert link.data_to_send().startswith(b"127.0.0.2:5000 anna (2/3) x")
    link.connection_lost("Reset.", 0.2)
    assert link.events() == [Transmitted(7, "unknown", "Reset.", 2, 3), Ended("Reset.")]


@pytest.mark.parametrize("end", ["eof", "deadline"])
def test_one_shot_without_a_message_ends_with_a_reason(end: str) -> None:
    link = one_shot()
    link.receive_eof(0.1) if end == "eof" else link.handle_deadline(1.0)
    (event,) = link.events()
    assert isinstance(event, Ended)
    assert event.reason is not None


def test_one_shot_takes_one_message_only() -> None:
    link = one_shot()
    link.send(7, "hello", 0.1)
    with pytest.raises(LocalFault):
        link.send(8, "again", 0.1)


def test_a_control_word_goes_as_it_is() -> None:
    link = one_shot()
    link.send(0, "connect", 0.1, control=True)
    assert link.data_to_send() == b"127.0.0.2:5000 anna connect"


@pytest.mark.parametrize("make", [accepted, probing, leaving, collecting, lambda: announced(unsure=False)])
def test_a_link_that_cannot_send_says_so(make: Callable[[], Link]) -> None:
    with pytest.raises(LocalFault):
        make().send(1, "text", 1.0)


@pytest.mark.parametrize("dialect", registry.ONE_SHOT)
def test_one_message_in_any_dialect_is_heard_in_that_dialect(dialect: str) -> None:
    pair = Pair(Link.one_shot(5000, "anna", registry.ONE_SHOT[dialect]))
    pair.dialler.link.send(1, "hello | you", pair.now)
    pair.run(0.5)
    assert pair.dialler.events == [Transmitted(1, "sent"), Ended(None)]
    assert pair.acceptor.events[:2] == [
        Recognised(dialect, persistent=False),
        Heard([Text("hello | you", "anna", 5000)]),
    ]


@pytest.mark.parametrize("dialect", registry.ONE_SHOT)
@pytest.mark.parametrize(("word", "kind"), [("connect", Hello), ("exit", Goodbye)])
def test_a_control_word_in_any_dialect_is_heard_as_one(dialect: str, word: str, kind: type[Hello | Goodbye]) -> None:
    pair = Pair(Link.one_shot(5000, "anna", registry.ONE_SHOT[dialect]))
    pair.dialler.link.send(0, word, pair.now, control=True)
    pair.run(0.5)
    (heard,) = pair.acceptor.of(Heard)
    assert isinstance(heard, Heard)
    assert isinstance(heard.said[0], kind)
    assert heard.said[0].port == 5000


def test_a_one_shot_client_that_answers_the_offer_in_its_own_way_is_known_by_it() -> None:
    link = announced(unsure=True)
    link.receive_data(b"<1.2.3.4:6000> BEN what was that?", 0.2)
    link.receive_eof(0.3)
    assert link.events() == [Settled("angle1"), Ended(None)]


# ---- two links joined by bytes in memory -----------------------------------------------------------------------------


@pytest.mark.parametrize("unsure", [True, False])
def test_two_links_find_each_other_talk_and_part(unsure: bool) -> None:
    pair = Pair(Link.announce(5000, "anna", unsure=unsure), Link.accepted(answers=False))
    if unsure:
        # The other side answers no offer, as version 0.1 did. It is asked whether it obeys `exit`, and dialled anew.
        pair.run(1.06)
        assert pair.acceptor.events[1:] == [Heard([Announced(5000)]), Heard([Goodbye("exit", asked=True)])]
        pair.acceptor.link.leave(pair.now)
        pair.run(1.12)
        assert pair.dialler.events == [Settled("snicher", obeyed=True), Ended(None)]
        assert pair.dialler.writes == [(0.05, CONNECT), (1.05, b"exit")]
        pair = Pair(Link.announce(5000, "anna", unsure=False), Link.accepted(answers=False))
    pair.run(2.0)
    assert pair.dialler.events == [Opened()]
    assert pair.acceptor.events == [Recognised("snicher", persistent=True), Heard([Announced(5000)])]
    assert pair.dialler.writes == [(0.05, CONNECT)]
    texts = [f"line {n}\nand more" if n % 3 else f"see anna: {n}" for n in range(50)]
    for token, text in enumerate(texts):
        pair.dialler.link.send(token, text, pair.now)
    pair.acceptor.link.send(1, "Grüße, 日本", pair.now)
    pair.run(4.0)
    assert pair.acceptor.of(Heard)[1:] == [Heard([Text(text, "anna")]) for text in texts]
    assert pair.acceptor.of(Transmitted) == [Transmitted(1, "sent")]
    assert Heard([Text("Grüße, 日本", "ben")]) in pair.dialler.events
    assert pair.dialler.of(Transmitted) == [Transmitted(token, "sent") for token in range(50)]
    times = [at for at, _ in pair.dialler.writes[1:]]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= WRITE_GAP - 1e-6
    pair.dialler.link.leave(pair.now)
    pair.run(5.0)
    assert pair.acceptor.events[-2:] == [Heard([Goodbye("exit")]), Ended(None)]
    assert pair.dialler.events[-1] == Ended(None)


def test_one_message_between_two_links() -> None:
    pair = Pair(Link.one_shot(5000, "anna"))
    pair.dialler.link.send(1, "hello", pair.now)
    pair.run(0.5)
    assert pair.dialler.events == [Transmitted(1, "sent"), Ended(None)]
    assert pair.acceptor.events == [
        Recognised("std", persistent=False),
        Heard([Text("hello", "anna", 5000)]),
        Ended(None),
    ]


# ---- whatever happens ------------------------------------------------------------------------------------------------

PIECES = [
    CONNECT, ANSWER, b"\t" * 5, b"CONNECT:", b"5000", b"CONNECT:5000\t\t\n", b"1.2.3.4:5 BEN ", b"Unknown:6000 ",
    b"CONNECT_REQUEST", b" DISCONNECTED", b"BEN: ", b"hello", b"exit", b"\n", b"\r\n", b" ", b"\x00",
    "é日😀".encode(), b"\xc3", b"\xff\xfe", b"{", b"\x16\x03\x01", b"LISTENING_PORT:", b"<1.2.3.4:5> @ <X>\n",
    b"x" * 1024, b"x" * 70_000,
]  # fmt: skip
BYTES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=6).map(b"".join)
TEXTS = st.text(max_size=20) | st.sampled_from(["exit", "GROUP", "x" * 3000, "é" * 1200, "a\nb", ""])
STEPS = st.one_of(
    st.tuples(st.just("data"), BYTES),
    st.tuples(st.just("data"), BYTES),
    st.tuples(st.just("send"), TEXTS),
    st.tuples(st.just("time"), st.sampled_from([0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 1.0, 31.0, 61.0])),
    st.tuples(st.just("due"), st.none()),
    st.tuples(st.sampled_from(["pause", "resume"]), st.none()),
    st.tuples(st.sampled_from(["leave", "eof", "lost", "closed"]), st.none()),
)
KINDS: list[Callable[[], Link]] = [
    Link.accepted,
    lambda: Link.announce(5000, "anna", unsure=True),
    lambda: Link.announce(5000, "anna", unsure=False),
    lambda: Link.secure(5000, "anna"),
    *(functools.partial(Link.one_shot, 5000, "anna", codec) for codec in registry.ONE_SHOT.values()),
    lambda: Link.announce(5000, "anna", unsure=False, codec=registry.PERSISTENT["portline"]),
]


class Run:
    """A link in the hands of chance, and what must hold at each moment."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.now = 0.0
        self.events: list[l.LinkEvent] = []
        self.accepted: collections.Counter[int] = collections.Counter()
        self.last_write = -1.0
        link.connected("127.0.0.2", 5000, "anna", 0.0)
        self.look()

    def step(self, what: str, value: object) -> None:
        link = self.link
        if what == "data":
            assert isinstance(value, bytes)
            link.receive_data(value, self.now)
        elif what == "send":
            assert isinstance(value, str)
            token = sum(self.accepted.values())
            with contextlib.suppress(LocalFault):
                link.send(token, value, self.now, part=token % 3 + 1)
                self.accepted[token] += 1
        elif what == "due":
            at = link.next_deadline()
            if at is not None:
                self.now = max(self.now, at)
                self.tick()
        elif what == "time":
            assert isinstance(value, float)
            self.now += value
            self.tick()
        elif what in ("lost", "closed"):
            link.connection_lost("Reset." if what == "lost" else None, self.now)
        else:
            doing = {"pause": link.pause_writing, "resume": link.resume_writing, "leave": link.leave}
            doing.get(what, link.receive_eof)(self.now)
        self.look()

    def tick(self) -> None:
        self.link.handle_deadline(self.now)
        at = self.link.next_deadline()
        assert at is None or at > self.now, "a timer that is due again at once never lets go"

    def look(self) -> None:
        written = self.link.data_to_send()
        codec = self.link.codec
        if written and self.link.state is State.OPEN and codec is registry.ANCESTOR:
            assert self.now - self.last_write >= WRITE_GAP - 1e-9
            self.last_write = self.now
        self.events += self.link.events()


@pytest.mark.parametrize("kind", KINDS)
def test_no_bytes_are_no_input(kind: Callable[[], Link]) -> None:
    run = Run(kind())
    run.step("data", b"")
    run.step("due", None)
    run.step("due", None)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.sampled_from(KINDS), st.lists(STEPS, max_size=25))
def test_whatever_a_peer_does_no_exception_and_each_text_has_one_outcome(
    kind: Callable[[], Link], steps: list[tuple[str, object]]
) -> None:
    run = Run(kind())
    for what, value in steps:
        run.step(what, value)
    run.step("lost", None)
    upgraded = run.link.state is State.UPGRADED
    assert upgraded or run.link.state is State.CLOSED
    assert run.link.closing is not upgraded
    assert run.link.next_deadline() is None
    told = collections.Counter(event.token for event in run.events if isinstance(event, Transmitted))
    assert told == run.accepted
    assert [event for event in run.events if isinstance(event, Ended | Offered | Answered)] == run.events[-1:]
    for event in run.events:
        if isinstance(event, Heard):
            assert event.said
            assert all(said.text.strip() for said in event.said if isinstance(said, Text))


LINES = st.text(st.sampled_from("abc:| .é日😀\t"), min_size=1, max_size=80) | st.sampled_from(["exit", "GROUP work"])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(LINES.filter(str.strip), max_size=6))
def test_what_one_link_is_given_the_other_hears_once_and_in_order(texts: list[str]) -> None:
    pair = Pair(Link.announce(5000, "anna", unsure=False), Link.accepted(answers=False))
    pair.run(2.0)
    for token, text in enumerate(texts):
        pair.dialler.link.send(token, text, pair.now)
    pair.run(10.0)
    heard = [said for event in pair.acceptor.events if isinstance(event, Heard) for said in event.said][1:]
    assert heard == [Text(words.harmless(text)[0].rstrip(), "anna") for text in texts]


#: First bytes that make a reader hold back what follows, or look at it again.
HOSTILE = {
    "bare": (b"", b"x"), "unfinished line": (b"a\n", b"x"), "cut characters": (b"", b"\xc3"), "blank": (b"", b" "),
    "padding": (b"CONNECT:5000", b"\t"), "no digits": (b"CONNECT:", b" "), "late no digits": (b"x\nCONNECT:", b" "),
    "name without end": (b"1.2.3.4:5 ", b"x"), "digits": (b"", b"1"), "std": (b"1.2.3.4:5 BEN ", b"\xc3"),
    "std lines": (b"", b"1.2.3.4:5 BEN x\n"), "lines of one text": (b"BEN: x\n", b"\n"), "prefixes": (b"", b"a: "),
    "json": (b"{", b"x"), "json objects": (b"", b'{"type":"connect"}'), "json blanks": (b"{}", b" "),
    "port": (b"5\n", b"x"), "port lines": (b"5\n", b"x\n"), "labels": (b"LISTENING_PORT:5|TEAM_NAME:", b"x"),
    "angle@": (b"<1.2.3.4:5> @ <B>\n", b"<1.2.3.4:5> @ <"), "angle-ts": (b"<1.2.3.4:5> [", b"] @ <"),
    "angle1": (b"<1.2.3.4:5> ", b"x"), "angle blanks": (b"<1.2.3.4:5>", b" "), "ends": (b"<1.2.3.4:5> @ <", b"<end>"),
}  # fmt: skip


@pytest.mark.parametrize(("start", "more"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_64_kib_cost_a_moment_in_whatever_pieces_they_come(start: bytes, more: bytes, size: int) -> None:
    link = accepted()
    data = start + more * (65_536 // len(more))
    before = time.process_time()
    for at in range(0, len(data), size):
        link.receive_data(data[at : at + size], 0.0)
        link.events()
    link.receive_eof(1.0)
    # About 0.2 s; what looks at everything again with each byte takes 10 s and more.
    assert time.process_time() - before < 3.0
