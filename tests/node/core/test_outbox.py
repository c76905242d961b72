from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.core.connections import SAME_MOMENT_MS, STEADY_MS
from node.core.outbox import IN_FLIGHT
from node.protocol.plain.codec import Goodbye, Text
from tests.node.core.desk import BOB, Desk, acts, data, events, linked, only, std, transmits

# -- one message


def test_a_message_to_a_stranger_waits_for_a_dial_and_is_recorded_before_it_leaves() -> None:
    desk = Desk()
    (dial,) = only(e.Dial, desk.send(BOB, "hi"))
    assert (dial.link, str(dial.address), dial.how) == (1, BOB, "unsure")
    assert desk.states() == ["waiting"]
    effects = desk.give(s.Settled(1, "snicher"))
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds.index("SetState") < kinds.index("Transmit")
    assert (transmits(effects), desk.states()) == ([(1, 1)], ["sending"])
    assert events(desk.outcome(1, 1, "sent")) == ["MessageStateChanged"]
    assert desk.states() == ["sent"]


def test_each_outcome_is_logged_once() -> None:
    desk = linked()
    desk.send(BOB, "one", "two")
    assert [one.state for one in data(ev.MessageStateChanged, desk.outcome(2, 1, "sent"))] == ["sent"]
    assert [one.state for one in data(ev.MessageStateChanged, desk.outcome(2, 2, "unknown"))] == ["unconfirmed"]
    assert desk.outcome(2, 1, "sent") == desk.outcome(2, 2, "not_sent") == []


def test_an_unknown_outcome_is_never_repeated_by_itself() -> None:
    desk = linked()
    desk.send(BOB, "hi")
    desk.outcome(2, 1, "unknown")
    desk.give(s.Closed(2, "It broke off."))
    desk.call(4)
    desk.now += 10**6
    assert acts(desk.give(s.Ticked())) == []
    assert desk.states() == ["unconfirmed"]


def test_what_certainly_did_not_leave_goes_out_in_its_old_place_over_the_next_link() -> None:
    desk = linked()
    desk.send(BOB, *"abcdef")
    assert transmits(desk.outcome(2, 1, "unknown")) == [(2, 5)]
    for token in (2, 3, 4, 5):
        assert transmits(desk.outcome(2, token, "not_sent")) == []
    desk.give(s.Closed(2, "It broke off."))
    assert transmits(desk.call(4)) == [(4, 2), (4, 3), (4, 4), (4, 5)]
    assert desk.states() == ["unconfirmed", *["sending"] * 4, "waiting"]


def test_few_are_given_to_a_link_at_a_time() -> None:
    desk = linked()
    assert transmits(desk.send(BOB, *"abcdefg")) == [(2, n) for n in range(1, IN_FLIGHT + 1)]
    assert transmits(desk.outcome(2, 1, "sent")) == [(2, IN_FLIGHT + 1)]


def test_another_link_waits_until_the_outcome_on_the_old_one_is_known() -> None:
    desk = linked()
    desk.send(BOB, *"abcdef")
    assert transmits(desk.call(4)) == []
    assert transmits(desk.outcome(2, 1, "sent")) == []
    for token in (2, 3):
        desk.outcome(2, token, "sent")
    assert transmits(desk.outcome(2, 4, "not_sent")) == [(4, 4), (4, 5), (4, 6)]


def test_nobody_is_dialled_for_what_may_still_come_back() -> None:
    desk = linked()
    desk.send(BOB, *"abcdef")
    for token in (1, 2, 3):
        desk.outcome(2, token, "sent")
    desk.ask("disconnect", rq.PeerArgs(peer=BOB))
    assert acts(desk.send(BOB, "g")) == []
    desk.outcome(2, 4, "not_sent")
    desk.outcome(2, 5, "not_sent")
    assert len(only(e.Dial, desk.outcome(2, 6, "not_sent"))) == 1


def test_an_outcome_from_a_link_that_does_not_carry_the_message_is_nobodys() -> None:
    desk = linked()
    desk.send(BOB, "hi")
    assert desk.outcome(99, 1, "not_sent") == []
    assert desk.states() == ["sending"]


# -- parts


def test_parts_go_over_one_connection_each_with_one_state_for_all() -> None:
    desk = std()
    desk.send(BOB, "long")
    effects = desk.give(s.Connected(1))
    assert [one.part for one in only(e.Transmit, effects)] == [1]
    assert desk.outcome(1, 2, "sent", 1, 2) == []
    (dial,) = only(e.Dial, desk.give(s.Closed(1, None)))
    assert [one.part for one in only(e.Transmit, desk.give(s.Connected(dial.link)))] == [2]
    desk.outcome(dial.link, 2, "sent", 2, 2)
    assert desk.store.states[2] == ["sending", "sent"]


@pytest.mark.parametrize("how", ["refused", "disconnect", "a link", "not sent"])
def test_a_text_of_which_a_part_has_left_is_never_begun_again(how: str) -> None:
    desk = std()
    desk.send(BOB, "long")
    desk.give(s.Connected(1))
    desk.outcome(1, 2, "sent", 1, 2)
    desk.give(s.Closed(1, None))
    if how == "refused":
        effects = desk.give(s.Closed(3, "Refused."))
    elif how == "disconnect":
        effects = desk.ask("disconnect", rq.PeerArgs(peer=BOB))
    elif how == "a link":
        effects = desk.call(4)
    else:
        desk.give(s.Connected(3))
        effects = desk.outcome(3, 2, "not_sent", 2, 2)
    assert transmits(effects) == []
    assert desk.state(2) == "unconfirmed"


# -- failures and tries


def test_a_failed_try_says_why_and_when_the_next_one_is() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    effects = desk.give(s.Closed(1, "Refused."))
    assert events(effects) == ["PeerChanged"]
    assert desk.contact().peer.error == "Refused."
    (told,) = data(ev.RetryScheduled, effects)
    assert (told.next_try.attempt, told.next_try.reason) == (1, "Refused.")
    assert told.next_try.at == desk.core.next_deadline() == desk.core.next_tries()[0].at
    assert desk.states() == ["waiting"]


@pytest.mark.parametrize("dialect", ["auto", "snicher", "std"])
def test_days_of_failing_tries_log_nothing(dialect: str) -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect=dialect))
    desk.send(BOB, "hi")
    desk.give(s.Closed(1, "Refused."))
    before, tries = desk.store.head, 0
    end = desk.now + 2 * 24 * 3_600_000
    while desk.now < end:
        desk.now = desk.core.next_deadline() or end
        (dial,) = only(e.Dial, desk.give(s.Ticked()))
        desk.give(s.Closed(dial.link, "Refused."))
        tries += 1
    assert desk.store.head == before
    assert 2_000 < tries < 4_000


def test_a_peer_that_takes_every_connection_and_drops_it_is_not_dialled_each_second() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    waits = []
    for link in (1, 3, 5, 7):
        desk.give(s.Opened(link))
        desk.now += 10
        desk.give(s.Closed(link, "It closed the connection."))
        waits.append((desk.core.next_deadline() or 0) - desk.now)
        desk.now = desk.core.next_deadline() or 0
        desk.give(s.Ticked())
    assert [round(wait / 1_000) for wait in waits] == [pytest.approx(2**n, rel=0.3) for n in range(4)]


def test_a_link_that_stood_is_dialled_again_soon() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    desk.contact().tries.failed = 6
    desk.give(s.Opened(1))
    desk.now += STEADY_MS
    desk.give(s.Closed(1, "It closed the connection."))
    assert (desk.core.next_deadline() or 0) - desk.now < 1_500


@pytest.mark.parametrize("reason", [None, "It closed the connection."])
def test_a_one_shot_peer_that_drops_the_connection_before_the_message_is_no_storm(reason: str | None) -> None:
    desk = std()
    desk.send(BOB, "hi")
    desk.give(s.Connected(1))
    assert acts(desk.give(s.Closed(1, reason))) == []
    assert acts(desk.outcome(1, 2, "not_sent")) == []
    assert desk.state(2) == "waiting"
    assert desk.core.next_deadline() is not None


def test_somebody_who_is_heard_of_is_tried_at_once_but_not_each_moment() -> None:
    desk = std()
    desk.send(BOB, "hi")
    for _ in range(5):
        desk.give(s.Closed(desk.contact().tries.link or 0, "Refused."))
        desk.now = desk.core.next_deadline() or 0
        desk.give(s.Ticked())
    desk.give(s.Closed(desk.contact().tries.link or 0, "Refused."))
    head = desk.store.head
    # He still talks to us, from a port where nothing listens.
    dials = 0
    for n in range(100):
        desk.now += 10
        for dial in only(e.Dial, desk.hear(4 + 2 * n, Text("hi", "bob", 5000), dialect="std")):
            dials += 1
            desk.give(s.Closed(dial.link, "Refused."))
    assert dials <= 2
    assert desk.store.head == head + 100


def test_a_goodbye_is_not_answered_by_a_dial() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    desk.give(s.Opened(1))
    effects = desk.hear(1, Goodbye("exit"))
    assert acts(effects) == [e.HangUp(1)]
    assert data(ev.RetryScheduled, effects)[0].next_try.at > desk.now
    assert desk.give(s.Closed(1, None)) == []
    assert desk.contact().peer.link == "offline"
    desk.now = desk.core.next_deadline() or 0
    assert len(only(e.Dial, desk.give(s.Ticked()))) == 1


def test_a_wall_clock_that_was_set_back_puts_no_try_off() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    desk.give(s.Closed(1, "Refused."))
    wait = (desk.core.next_deadline() or 0) - desk.now
    desk.now -= 10**9
    desk.give(s.Ticked())
    assert (desk.core.next_deadline() or 0) - desk.now == wait


def test_a_command_does_not_wait_for_a_long_back_off() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    for _ in range(4):
        desk.give(s.Closed(desk.contact().tries.link or 0, "Refused."))
        desk.now = desk.core.next_deadline() or 0
        desk.give(s.Ticked())
    desk.give(s.Closed(desk.contact().tries.link or 0, "Refused."))
    assert len(only(e.Dial, desk.send(BOB, "again"))) == 1


# -- several links


def test_the_newest_link_is_used_and_the_older_one_after_it() -> None:
    desk = linked()
    desk.call(4)
    assert transmits(desk.send(BOB, "one")) == [(4, 1)]
    desk.outcome(4, 1, "sent")
    assert events(desk.give(s.Closed(4, "It closed the connection."))) == []
    assert transmits(desk.send(BOB, "two")) == [(2, 2)]
    desk.outcome(2, 2, "sent")
    assert events(desk.give(s.Closed(2, "It closed the connection."))) == ["PeerChanged"]
    assert desk.contact().peer.link == "offline"


def test_a_dial_and_a_call_at_the_same_time_are_two_links_to_one_peer() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    desk.call(2)
    assert desk.contact().peer.link == "online"
    desk.give(s.Opened(1))
    assert (sorted(desk.open_links()), desk.contact().tries.link) == ([1, 2], None)
    desk.give(s.Closed(2, None))
    desk.give(s.Closed(1, "It closed the connection."))
    assert (desk.contact().links, desk.contact().peer.link) == ([], "offline")


@pytest.mark.parametrize("after", [0, SAME_MOMENT_MS - 1])
def test_of_two_links_of_the_same_moment_the_first_is_used(after: int) -> None:
    """Nothing may overtake what goes over it already."""
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    desk.call(2)
    assert transmits(desk.send(BOB, "one")) == [(2, 1)]
    desk.outcome(2, 1, "sent")
    desk.now += after
    desk.give(s.Opened(1))
    assert transmits(desk.send(BOB, "two")) == [(2, 2)]
    desk.outcome(2, 2, "sent")
    desk.give(s.Closed(2, None))
    assert transmits(desk.send(BOB, "three")) == [(1, 3)]


@pytest.mark.parametrize(("link", "after"), [(4, 0), (1, SAME_MOMENT_MS)], ids=["called again", "dialled later"])
def test_of_two_links_of_different_moments_the_newest_is_used(link: int, after: int) -> None:
    """Who comes back may have lost the one before without our knowing."""
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    desk.call(2)
    desk.now += after
    if link % 2:
        desk.give(s.Opened(link))
    else:
        desk.call(link)
    assert transmits(desk.send(BOB, "one")) == [(link, 1)]


def test_a_one_shot_connection_that_is_no_longer_needed_is_left() -> None:
    desk = std()
    desk.send(BOB, "hi")
    desk.call(4)
    assert acts(desk.give(s.Connected(1))) == [e.HangUp(1)]
    assert acts(desk.give(s.Closed(1, None))) == []


def test_a_link_that_must_not_be_used_makes_no_storm_of_dials() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="std"))
    desk.call(2)
    assert acts(desk.give(s.Closed(1, "Refused."))) == []
    assert desk.contact().peer.link == "online"
    assert [one.how for one in only(e.Dial, desk.send(BOB, "hi"))] == ["one_shot"]
    assert acts(desk.give(s.Closed(3, "Refused."))) == []
    assert desk.core.next_deadline() is not None


def test_a_link_that_nobody_knows_is_left() -> None:
    desk = Desk()
    for stimulus in (s.Connected(9), s.Opened(9), s.Settled(9, "snicher")):
        assert desk.give(stimulus) == [e.HangUp(9)]
    assert desk.give(s.Closed(9, None)) == []


def test_nothing_is_begun_on_a_link_that_we_leave() -> None:
    desk = linked()
    desk.ask("disconnect", rq.PeerArgs(peer=BOB))
    desk.hear(2, "one more thing")
    assert desk.contact().peer.link == "offline"
    assert transmits(desk.send(BOB, "hi")) == []
    assert desk.give(s.Closed(2, None)) == []


# -- starting


def test_what_was_being_sent_when_the_node_crashed_is_unconfirmed() -> None:
    desk = linked()
    desk.send(BOB, "one", "two")
    again = Desk(desk.store)
    assert events(again.begun) == [
        "NodeStarted", "PeerChanged", "MessageStateChanged", "MessageStateChanged",
    ]  # fmt: skip
    assert again.states() == ["unconfirmed", "unconfirmed"]
    assert again.contact().peer.link == "offline"


def test_what_waited_goes_on_after_a_start_and_many_peers_are_not_dialled_at_one_moment() -> None:
    desk = Desk()
    for n in range(100):
        desk.send(f"10.1.0.{n}:5000", "hi")
    again = Desk(desk.store)
    fetches = len(only(e.Fetch, again.begun))
    assert 0 < fetches < 30
    effects = again.answered(again.begun)
    again.now += 2_000
    effects += again.answered(again.give(s.Ticked()))
    assert len(only(e.Dial, effects)) == 100
