"""The offer to encrypt and its answer, on links with plain peers and between nodes."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable

import pytest

from node.errors import LocalFault
from node.protocol.link import (
    LATE,
    NOT_WRITTEN,
    READABLE,
    SILENCE,
    Answered,
    AnsweredLate,
    Ended,
    Heard,
    Link,
    LinkEvent,
    Offered,
    Opened,
    Recognised,
    Settled,
    Transmitted,
)
from node.protocol.plain import registry
from node.protocol.plain.codec import Announced, Text
from node.protocol.secure.offer import ANSWER, ANSWER_WAIT, DIGITS_WAIT, DOUBT, NEWLINE_WAIT, OFFER
from node.protocol.states import State
from tests.node.protocol.pair import Pair
from tests.node.protocol.test_link import accepted, announced, asking, leaving, offering, opened, probing, written

CONNECT = b"CONNECT:5000" + b"\t" * 32 + b"\n"
TLS = b"\x16\x03\x01\x00\xc8"
CLAIMED: list[LinkEvent] = [Recognised("snicher", persistent=True), Heard([Announced(5000)])]


def chopped(data: bytes, size: int) -> list[bytes]:
    """The data in pieces of `size` bytes."""
    return [data[at : at + size] for at in range(0, len(data), size)]


# ---- who is offered --------------------------------------------------------------------------------------------------


def test_the_offer_and_its_answer_have_the_bytes_that_both_programs_agree_on() -> None:
    assert OFFER == b"\t" * 32 + b"\n"
    assert ANSWER == b"\t" * 16 + b"\n"


@pytest.mark.parametrize("cut", range(len(CONNECT)))
def test_an_offer_cut_anywhere_is_answered_at_once_and_nothing_in_clear_follows(cut: int) -> None:
    link = accepted()
    for piece in (CONNECT[:cut], CONNECT[cut:] + TLS):
        assert (link.events(), link.data_to_send()) == ([], b"")
        if piece:
            link.receive_data(piece, 0.05)
    assert link.events() == [Offered(5000, TLS)]
    assert (link.data_to_send(), link.state, link.closing) == (ANSWER, State.UPGRADED, False)
    link.receive_data(b"BEN: in clear", 0.06)
    link.receive_eof(0.07)
    link.connection_lost("Reset.", 0.08)
    link.leave(0.09)
    assert (link.events(), link.data_to_send(), link.next_deadline()) == ([], b"", None)
    with pytest.raises(LocalFault):
        link.send(1, "hello", 0.1)


@pytest.mark.parametrize("size", range(1, 8))
def test_an_offer_in_small_pieces_is_answered(size: int) -> None:
    link = accepted()
    pieces = chopped(CONNECT, size)
    for number, piece in enumerate(pieces):
        now = 0.5 * number / len(pieces)
        link.handle_deadline(now)
        link.receive_data(piece, now)
    assert link.events() == [Offered(5000, b"")]


@pytest.mark.parametrize(
    ("port", "told"), [("0005000", 5000), ("000000005000", 5000), ("1", 1), ("0", None), ("99999", None)]
)
def test_an_offer_is_answered_whatever_port_it_claims(port: str, told: int | None) -> None:
    link = accepted()
    link.receive_data(b"CONNECT:" + port.encode() + OFFER, 0.0)
    assert (link.events(), link.data_to_send()) == ([Offered(told, b"")], ANSWER)


NO_OFFERS = {
    "24 tabs": b"CONNECT:5000" + b"\t" * 24 + b"\n",
    "31 tabs": b"CONNECT:5000" + b"\t" * 31 + b"\n",
    "33 tabs": b"CONNECT:5000" + b"\t" * 33 + b"\n",
    "1500 tabs": b"CONNECT:5000" + b"\t" * 1500 + b"\n",
    "a space": b"CONNECT: 5000" + OFFER,
    "a space among tabs": b"CONNECT:5000" + b"\t" * 16 + b" " + b"\t" * 15 + b"\n",
    "CR": b"CONNECT:5000" + b"\t" * 32 + b"\r\n",
    "no newline": b"CONNECT:5000" + b"\t" * 32 + b"BEN: hi",
    "no digits": b"CONNECT:" + OFFER,
    "13 digits": b"CONNECT:0000000005000" + OFFER,
    "a sign": b"CONNECT:+5000" + OFFER,
    "small letters": b"connect:5000" + OFFER,
    "a newline before it": b"\n" + CONNECT,
    "a text before it": b"BEN: hi\n" + CONNECT,
    "a second CONNECT": b"CONNECT:5000\n" + CONNECT,
    "the bare ancestor": b"CONNECT:5000",
    "the ancestor and a text": b"CONNECT:5000BEN: hi",
    "a beginning": b"CONN",
    "std": b"10.0.0.9:6000 BEN hello",
    "tabs only": OFFER,
}


def told_of(data: bytes, *, answers: bool, size: int | None = None) -> tuple[list[object], bytes]:
    """What a link tells of these bytes, of a peer that then stays for a while and closes, and what it writes."""
    link = Link.accepted(answers=answers)
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    for piece in chopped(data, size or len(data)):
        link.receive_data(piece, 0.0)
    for now in (0.11, 0.31, 1.01, 1.2):
        link.handle_deadline(now)
    link.receive_eof(2.0)
    said = [one for event in link.events() for one in (event.said if isinstance(event, Heard) else [event])]
    return said, link.data_to_send()


@pytest.mark.parametrize("name", NO_OFFERS)
@pytest.mark.parametrize("size", [None, 1, 3])
def test_what_is_no_offer_is_taken_as_if_there_were_none(name: str, size: int | None) -> None:
    data = NO_OFFERS[name]
    assert told_of(data, answers=True, size=size) == told_of(data, answers=False, size=size)


@pytest.mark.parametrize("size", [None, 1, 7])
def test_a_link_that_may_not_answer_takes_an_offer_for_padding(size: int | None) -> None:
    said, written = told_of(CONNECT + b"BEN: hi", answers=False)
    assert said == [Recognised("snicher", persistent=True), Announced(5000), Text("hi", "BEN"), said[-1]]
    assert isinstance(said[-1], Ended)
    assert written == b""


def test_whether_offers_are_answered_may_change_until_one_came() -> None:
    link = accepted()
    link.receive_data(CONNECT[:20], 0.0)
    link.answers = False
    link.receive_data(CONNECT[20:], 0.01)
    assert (link.events(), link.data_to_send()) == (CLAIMED, b"")


def test_the_newline_of_an_offer_is_waited_for_a_second_from_the_first_tab_on() -> None:
    link = accepted()
    link.receive_data(b"CONNECT:5000\t", 0.5)
    assert link.next_deadline() == 0.5 + NEWLINE_WAIT == 1.5
    link.receive_data(b"\t" * 30, 1.4)
    assert link.next_deadline() == 1.5
    link.handle_deadline(1.499)
    assert link.events() == []
    link.handle_deadline(1.5)
    assert link.events() == CLAIMED[:1]
    # The rest of the padding may still come.
    link.receive_data(b"\t\nBEN: hi", 1.55)
    assert link.events() == [Heard([Announced(5000), Text("hi", "BEN")])]
    assert link.data_to_send() == b""


def test_the_ancestor_s_own_connect_is_heard_as_soon_as_before() -> None:
    link = accepted()
    link.receive_data(b"CONNECT:5000", 0.5)
    assert link.next_deadline() == 0.5 + DIGITS_WAIT == 0.6
    link.handle_deadline(0.6)
    assert (link.events(), link.next_deadline(), link.state) == (CLAIMED, None, State.OPEN)


@pytest.mark.parametrize("end", ["eof", "reset", "leave", "minute"])
def test_what_might_have_become_an_offer_is_not_lost_when_the_link_ends(end: str) -> None:
    link = accepted()
    at = 59.99 if end == "minute" else 0.5
    link.receive_data(b"CONNECT:5000\t", at)
    if end == "minute":
        link.handle_deadline(SILENCE)
        assert link.events() == []
        link.handle_deadline(at + NEWLINE_WAIT)
        link.receive_eof(at + 2)
    elif end == "leave":
        link.leave(0.6)
        link.receive_eof(0.61)
    else:
        link.receive_eof(0.6) if end == "eof" else link.connection_lost("Reset.", 0.6)
    reason = {"reset": "Reset.", "leave": None}.get(end, "It closed the connection.")
    assert link.events() == [*CLAIMED, Ended(reason)]


# ---- who offers, in doubt or to a plain peer -------------------------------------------------------------------------

OFFERERS: dict[str, Callable[[], Link]] = {
    "unsure, before the pause is over": functools.partial(announced, unsure=True),
    "unsure": probing,
    "native, before the pause is over": functools.partial(announced, unsure=False),
    "native": opened,
    "secure": offering,
}


@pytest.mark.parametrize("make", OFFERERS.values(), ids=OFFERERS)
@pytest.mark.parametrize("cut", range(len(ANSWER)))
def test_an_answer_cut_anywhere_ends_what_is_said_in_clear(make: Callable[[], Link], cut: int) -> None:
    link = make()
    for piece in (ANSWER[:cut], ANSWER[cut:] + TLS):
        assert link.events() == []
        if piece:
            link.receive_data(piece, 0.11)
    assert link.events() == [Answered(TLS)]
    assert (link.data_to_send(), link.state, link.closing) == (b"", State.UPGRADED, False)
    link.handle_deadline(10.0)
    link.receive_data(b"BEN: hi", 10.0)
    link.receive_eof(10.0)
    assert (link.events(), link.data_to_send(), link.next_deadline()) == ([], b"", None)


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("make", OFFERERS.values(), ids=OFFERERS)
def test_an_answer_in_small_pieces_is_one(make: Callable[[], Link], size: int) -> None:
    link = make()
    for piece in chopped(ANSWER, size):
        link.receive_data(piece, 0.11)
    assert link.events() == [Answered(b"")]


NO_ANSWERS = [
    b"\t" * 15 + b"\n",
    b"\t" * 17 + b"\n",
    b"\t" * 500 + b"\n",
    b"\t\n",
    b"\n" + ANSWER,
    b" " + ANSWER,
    b"\t\t\tBEN: hi",
    b"BEN: hi\n" + ANSWER,
    CONNECT,
]


@pytest.mark.parametrize("data", NO_ANSWERS)
@pytest.mark.parametrize("size", [None, 1, 5])
@pytest.mark.parametrize("unsure", [True, False])
def test_what_is_no_answer_is_taken_as_if_none_could_come(data: bytes, size: int | None, unsure: bool) -> None:
    links = [announced(unsure=unsure), announced(unsure=unsure)]
    # To compare with: a link for which no answer can come any more.
    links[1]._answer = None
    for link in links:
        for piece in chopped(data, size or len(data)):
            link.receive_data(piece, 0.2)
        for now in (0.31, 0.32, 1.06, 1.07, 2.0):
            link.handle_deadline(now)
        link.receive_eof(3.0)
    assert links[0].events() == links[1].events()
    assert links[0].data_to_send() == links[1].data_to_send()


def test_a_few_tabs_and_silence_are_a_silent_peer() -> None:
    link = probing()
    link.receive_data(b"\t" * 7, 0.2)
    link.handle_deadline(1.051)
    assert (link.data_to_send(), link.state) == (b"exit", State.ASKING)
    link.receive_eof(1.06)
    assert link.events() == [Settled("snicher", obeyed=True), Ended(None)]


def test_who_speaks_before_connect_can_give_no_answer() -> None:
    link = Link.announce(5000, "anna", unsure=False)
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    link.receive_data(b"\t", 0.01)
    link.handle_deadline(0.05)
    link.receive_data(ANSWER[1:], 0.06)
    link.handle_deadline(0.1)
    assert link.events() == [Opened()]
    link = offering()
    link.receive_data(b"\n", 0.1)
    assert link.events() == [Ended("It doesn't answer as a Snicher node.")]


@pytest.mark.parametrize("unsure", [True, False])
def test_an_answer_before_connect_and_one_after_the_end_are_none(unsure: bool) -> None:
    link = Link.announce(5000, "anna", unsure=unsure)
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    link.receive_data(ANSWER, 0.01)
    link.handle_deadline(0.05)
    assert (link.events(), link.data_to_send(), link.state) == ([], CONNECT, State.ANNOUNCING)
    for make in OFFERERS.values():
        link = make()
        link.connection_lost("Reset.", 0.2)
        link.events()
        link.receive_data(ANSWER, 0.3)
        assert (link.events(), link.state) == ([], State.CLOSED)


def test_nothing_that_comes_on_a_portline_connection_is_an_answer() -> None:
    link = Link.announce(5000, "anna", unsure=False, codec=registry.PERSISTENT["portline"])
    link.connected("127.0.0.2", 5000, "anna", 0.0)
    link.handle_deadline(0.05)
    assert link.data_to_send() == b"5000\nCONNECT\n"
    link.receive_data(ANSWER, 0.06)
    link.handle_deadline(0.1)
    assert link.events() == [Opened()]


def test_texts_of_which_nothing_was_written_go_back_before_the_upgrade() -> None:
    link = opened()
    link.pause_writing(0.1)
    link.send(1, "hello", 0.11)
    link.send(2, "again", 0.11)
    link.receive_data(ANSWER, 0.12)
    assert link.events() == [
        Transmitted(1, "not_sent", NOT_WRITTEN),
        Transmitted(2, "not_sent", NOT_WRITTEN),
        Answered(b""),
    ]
    link.resume_writing(0.13)
    assert link.data_to_send() == b""


# ---- late answers ----------------------------------------------------------------------------------------------------


def test_an_answer_after_a_text_gives_back_every_text_and_says_which_were_readable() -> None:
    link = written()  # at 0.2
    for token in (2, 3, 4):
        link.send(token, "x" * 2500 if token == 3 else "hello", 0.2)
    for now in (0.22, 0.24):
        link.handle_deadline(now)
    # Text 1 and 2 are written, 3 is begun. That 1 and 2 were sent isn't told while there is doubt.
    assert link.events() == []
    link.data_to_send()
    link.receive_data(ANSWER + TLS, 0.25)
    assert link.events() == [
        AnsweredLate(True),
        *(Transmitted(token, "not_sent", READABLE) for token in (1, 2, 3)),
        Transmitted(4, "not_sent", NOT_WRITTEN),
        Ended(LATE),
    ]
    assert (link.data_to_send(), link.closing, link.next_deadline()) == (b"", True, None)


def test_that_a_text_was_sent_is_told_when_the_time_for_doubt_is_over() -> None:
    link = written()
    link.handle_deadline(0.22)
    assert (link.events(), link.next_deadline()) == ([], 0.05 + DOUBT)
    link.handle_deadline(0.05 + DOUBT)
    assert (link.events(), link.next_deadline()) == ([Transmitted(1, "sent")], None)
    # From then on an answer comes too late for this text. It is said all the same that it was readable.
    link.send(2, "again", 1.0)
    link.receive_data(ANSWER, 1.01)
    assert link.events() == [AnsweredLate(True), Transmitted(2, "not_sent", READABLE), Ended(LATE)]


@pytest.mark.parametrize("end", ["word", "eof", "reset", "leave"])
def test_doubt_ends_with_the_first_word_and_with_the_link(end: str) -> None:
    link = written()
    link.handle_deadline(0.22)
    if end == "word":
        link.receive_data(b"\tBEN: hi", 0.3)
        assert link.events()[0] == Transmitted(1, "sent")
        return
    if end == "leave":
        link.leave(0.3)
    else:
        link.receive_eof(0.3) if end == "eof" else link.connection_lost("Reset.", 0.3)
    assert link.events()[0] == Transmitted(1, "sent")


def test_an_answer_to_a_probe_that_has_said_exit_is_late_and_nothing_was_readable() -> None:
    link = asking()
    for piece in chopped(ANSWER, 4):
        assert link.events() == []
        link.receive_data(piece, 1.1)
    assert link.events() == [AnsweredLate(False), Ended(LATE)]
    assert link.closing


@pytest.mark.parametrize(("make", "readable"), [(leaving, False), (written, True)], ids=["nothing", "a text"])
def test_an_answer_while_leaving_is_late(make: Callable[[], Link], readable: bool) -> None:
    link = make()
    link.leave(1.0)
    link.events()
    link.receive_data(ANSWER, 1.01)
    assert link.events() == [AnsweredLate(readable), Ended(LATE)]


# ---- who talks encrypted only ----------------------------------------------------------------------------------------

NO_NODE = {
    "other bytes": (lambda link: link.receive_data(b"\t\tBEN: hi", 0.1), "It doesn't answer as a Snicher node."),
    "a TLS hello": (lambda link: link.receive_data(TLS, 0.1), "It doesn't answer as a Snicher node."),
    "silence": (
        lambda link: link.handle_deadline(ANSWER_WAIT),
        "It didn't answer as a Snicher node within 5 s.",
    ),
    "half an answer": (
        lambda link: (link.receive_data(ANSWER[:9], 0.1), link.handle_deadline(ANSWER_WAIT)),
        "It didn't answer as a Snicher node within 5 s.",
    ),
    "the end": (
        lambda link: link.receive_eof(0.1),
        "It closed the connection instead of answering as a Snicher node.",
    ),
    "a reset": (lambda link: link.connection_lost("Reset.", 0.1), "Reset."),
}


@pytest.mark.parametrize("name", NO_NODE)
def test_to_a_node_nothing_is_said_in_clear_behind_the_offer_whatever_comes_back(name: str) -> None:
    move, reason = NO_NODE[name]
    link = offering()
    assert link.next_deadline() == ANSWER_WAIT
    with pytest.raises(LocalFault):
        link.send(1, "in clear", 0.0)
    move(link)
    assert (link.events(), link.data_to_send(), link.closing) == ([Ended(reason)], b"", True)


def test_who_leaves_before_the_answer_says_no_exit() -> None:
    link = offering()
    link.leave(0.1)
    assert (link.events(), link.data_to_send(), link.closing) == ([Ended(None)], b"", True)


# ---- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dialler",
    [
        lambda: Link.secure(5000, "anna"),
        lambda: Link.announce(5000, "anna", unsure=True),
        lambda: Link.announce(5000, "anna", unsure=False),
    ],
    ids=["secure", "unsure", "native"],
)
def test_two_nodes_find_each_other_and_say_nothing_but_offer_and_answer(dialler: Callable[[], Link]) -> None:
    pair = Pair(dialler())
    pair.run(10.0)
    assert (pair.dialler.events, pair.acceptor.events) == ([Answered(b"")], [Offered(5000, b"")])
    said = list(itertools.chain(pair.dialler.writes, pair.acceptor.writes))
    assert [data for _, data in said] == [CONNECT, ANSWER]
    assert said[0][0] == said[1][0]


def test_no_reason_and_no_answer_of_ours_is_taken_for_another() -> None:
    assert len({NOT_WRITTEN, READABLE, LATE, *(reason for _, reason in NO_NODE.values())}) == 3 + 4
    assert re.search("readable on the network", READABLE)
