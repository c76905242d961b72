"""What an address that nobody knows is guessed to speak: how it is dialled, and when a guess falls."""

from __future__ import annotations

import pytest

from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.core.connections import FALL_MS
from node.model import parse_address
from node.protocol.plain.codec import Announced, Goodbye, Text
from tests.node.core.desk import BOB, Desk, acts, only, transmits

AT_BOB = parse_address(BOB)
NATIVELY = e.Dial(3, AT_BOB, "persistent", "snicher")
CLOSED = "It closed the connection."


def obeyed(desk: Desk, link: int = 1) -> list[e.Effect]:
    """It leaves when it is told `exit`; what follows."""
    return [*desk.give(s.Settled(link, "snicher", obeyed=True)), *desk.give(s.Closed(link, None))]


def guessed() -> Desk:
    """Bob obeyed `exit`, was dialled natively, and has the first of two messages on the way; link 3 stands."""
    desk = Desk()
    desk.send(BOB, "one")
    obeyed(desk)
    assert transmits(desk.give(s.Opened(3))) == [(3, 1)]
    return desk


def dialect(desk: Desk) -> tuple[str, str]:
    return desk.contact().peer.dialect, desk.contact().peer.dialect_from


def test_who_obeyed_exit_is_dialled_again_natively_at_once() -> None:
    desk = Desk()
    assert only(e.Dial, desk.send(BOB, "hi")) == [e.Dial(1, AT_BOB, "unsure", "snicher")]
    assert acts(obeyed(desk)) == [NATIVELY]
    assert (dialect(desk), desk.states()) == (("snicher", "guess"), ["waiting"])
    assert transmits(desk.give(s.Opened(3))) == [(3, 1)]


def test_a_connection_that_somebody_asked_for_opens_natively_too() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB))
    assert acts(obeyed(desk)) == [NATIVELY]
    desk.give(s.Opened(3))
    assert desk.contact().peer.link == "online"


def test_who_was_asked_and_is_wanted_no_more_is_offline() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB))
    desk.give(s.Settled(1, "snicher", obeyed=True))
    desk.ask("disconnect", rq.PeerArgs(peer=BOB))
    assert acts(desk.give(s.Closed(1, None))) == []
    assert desk.contact().peer.link == "offline"


def test_a_guess_of_before_the_start_is_asked_again() -> None:
    """Version 0.1 took every silent open connection for the ancestor, and such guesses are on disk."""
    again = Desk(guessed().store)
    assert only(e.Dial, again.send(BOB, "two")) == [e.Dial(1, AT_BOB, "unsure", "snicher")]


def test_a_guess_that_holds_is_not_asked_again_when_we_have_left() -> None:
    desk = guessed()
    desk.outcome(3, 1, "sent")
    desk.ask("disconnect", rq.PeerArgs(peer=BOB))
    desk.give(s.Closed(3, None))
    assert only(e.Dial, desk.send(BOB, "two")) == [e.Dial(5, AT_BOB, "persistent", "snicher")]


@pytest.mark.parametrize("outcome", ["sent", "unknown"])
def test_a_guess_that_fails_falls_and_nothing_that_may_have_arrived_is_repeated(outcome: str) -> None:
    desk = guessed()
    desk.now += FALL_MS
    desk.outcome(3, 1, outcome)
    desk.give(s.Closed(3, CLOSED))
    assert dialect(desk) == ("unknown", "guess")
    desk.now += 60_000
    assert only(e.Dial, desk.send(BOB, "two")) == [e.Dial(5, AT_BOB, "unsure", "snicher")]
    # It closes at `exit` whatever it speaks; what it may read is a line of std.
    assert acts(obeyed(desk, 5)) == [e.Dial(7, AT_BOB, "one_shot", "std")]
    assert dialect(desk) == ("std", "guess")
    assert only(e.Transmit, desk.give(s.Connected(7))) == [e.Transmit(7, 2, "two")]
    assert desk.states() == ["sent" if outcome == "sent" else "unconfirmed", "sending"]


def test_who_closes_on_our_connect_is_no_ancestor_and_its_message_waits() -> None:
    desk = Desk()
    desk.send(BOB, "one")
    obeyed(desk)
    desk.give(s.Closed(3, CLOSED))
    assert (dialect(desk), desk.states()) == (("unknown", "guess"), ["waiting"])
    desk.now += 60_000
    assert acts(desk.give(s.Ticked())) == [e.Dial(5, AT_BOB, "unsure", "snicher")]
    assert acts(obeyed(desk, 5)) == [e.Dial(7, AT_BOB, "one_shot", "std")]


def test_who_ends_a_connection_long_after_the_last_text_is_asked_again_with_an_open_mind() -> None:
    desk = guessed()
    desk.outcome(3, 1, "sent")
    desk.now += FALL_MS
    desk.give(s.Closed(3, CLOSED))
    assert dialect(desk) == ("unknown", "guess")
    desk.now += 60_000
    desk.send(BOB, "two")
    assert acts(obeyed(desk, 5)) == [e.Dial(7, AT_BOB, "persistent", "snicher")]


def test_one_who_speaks_natively_is_that_whatever_fell_before() -> None:
    desk = guessed()
    desk.outcome(3, 1, "sent")
    desk.give(s.Closed(3, CLOSED))
    desk.hear(4, Announced(5000), Text("here I am", "bob"))
    assert transmits(desk.send(BOB, "two")) == [(4, 3)]
    desk.give(s.Closed(4, CLOSED))
    assert dialect(desk) == ("snicher", "seen"), "what was seen doesn't fall"


def test_a_guess_of_std_falls_when_its_message_is_broken_off() -> None:
    desk = Desk()
    desk.send(BOB, "one")
    desk.give(s.Settled(1, "std"))
    desk.give(s.Closed(1, None))
    desk.give(s.Connected(3))
    desk.outcome(3, 1, "unknown")
    assert only(e.Dial, desk.give(s.Closed(3, "It broke off."))) == []
    assert (dialect(desk), desk.states()) == (("unknown", "guess"), ["unconfirmed"])
    desk.now += 60_000
    assert only(e.Dial, desk.send(BOB, "two")) == [e.Dial(5, AT_BOB, "unsure", "snicher")]


def test_a_guess_of_std_stands_while_nobody_is_there() -> None:
    desk = Desk()
    desk.send(BOB, "one")
    desk.give(s.Settled(1, "std"))
    desk.give(s.Closed(1, None))
    desk.give(s.Closed(3, "It refused the connection."))
    assert dialect(desk) == ("std", "guess")


def test_a_chosen_dialect_does_not_fall() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    desk.give(s.Opened(1))
    desk.send(BOB, "one")
    desk.outcome(1, 1, "unknown")
    desk.give(s.Closed(1, CLOSED))
    assert dialect(desk) == ("snicher", "chosen")


def test_who_spoke_while_it_was_asked_is_not_asked_any_more() -> None:
    desk = Desk()
    desk.send(BOB, "one")
    assert transmits(desk.call(2)) == [(2, 1)], "it came meanwhile, and is answered there"
    assert acts(obeyed(desk)) == []
    assert (dialect(desk), desk.contact().peer.link) == (("snicher", "seen"), "online")


def test_who_came_and_went_while_it_was_asked_is_offline_when_nothing_is_left_to_say() -> None:
    desk = Desk()
    desk.send(BOB, "one")
    desk.call(2)
    desk.outcome(2, 1, "sent")
    desk.give(s.Closed(2, CLOSED))
    assert acts(obeyed(desk)) == []
    assert desk.contact().peer.link == "offline"


def test_a_node_that_only_asks_leaves_no_word_in_the_conversation() -> None:
    desk = Desk()
    desk.hear(2, Announced(5000), Goodbye("exit", asked=True))
    assert desk.contact().peer.link == "offline"
    assert list(desk.store.messages.values()) == []
    desk.hear(4, Announced(5000), Text("hi", "bob"), Goodbye("exit"))
    assert [one.kind for one in desk.store.messages.values()] == ["text", "notice"]


def test_a_guess_of_a_one_shot_dialect_is_asked_again_when_somebody_asks_for_a_connection() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    desk.give(s.Settled(1, "std"))
    (dial,) = only(e.Dial, desk.give(s.Closed(1, None)))
    assert (dial.how, dialect(desk)) == ("one_shot", ("std", "guess"))
    desk.give(s.Closed(dial.link, "Nobody answers."))
    asked = only(e.Dial, desk.ask("connect", rq.ConnectArgs(address=BOB)))
    assert [(one.how, one.address) for one in asked] == [("unsure", AT_BOB)]
