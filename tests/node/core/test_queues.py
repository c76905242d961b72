"""What waits in memory and what on disk: bounded, in order, each once."""

from __future__ import annotations

import pytest

from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import queues
from node.core import stimuli as s
from node.core.queues import WINDOW
from tests.node.core.desk import BOB, CAUSE, Desk, linked, only, transmits


def test_no_more_than_a_window_is_held_in_memory_and_the_rest_follows_in_order() -> None:
    desk = Desk()
    desk.send(BOB, *(f"text {n}" for n in range(WINDOW + 30)))
    assert len(desk.contact().queue.waiting) == WINDOW
    effects = desk.give(s.Settled(1, "snicher"))
    order = []
    while pending := transmits(effects):
        order += pending
        effects = []
        for link, token in pending:
            effects += desk.answered(desk.outcome(link, token, "sent"))
    assert order == [(1, n) for n in range(1, WINDOW + 31)]
    assert set(desk.states()) == {"sent"}


def test_what_is_accepted_while_the_disk_is_asked_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "WINDOW", 2)
    desk = Desk()
    desk.send(BOB, "one", "two", "three")
    (fetch,) = only(e.Fetch, desk.give(s.Settled(1, "snicher")))
    old = desk.store.answer(fetch.query)
    desk.give(s.Commanded(9, "send", rq.SendArgs(messages=[rq.Outgoing(to=BOB, text="last")]), CAUSE))
    desk.answered(desk.give(old))
    assert desk.states() == ["sending"] * 4


def test_what_was_sent_while_the_disk_was_read_does_not_go_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "WINDOW", 4)
    desk = Desk()
    contact_rows = [(1, "plain-1", "a"), (2, "plain-1", "b"), (3, "plain-1", "c"), (4, "plain-1", "d")]
    desk.send(BOB, *"abcdef")
    (fetch,) = only(e.Fetch, desk.give(s.Settled(1, "snicher")))
    desk.outcome(1, 1, "sent")
    # The answer was read before any of this was on disk.
    effects = desk.answered(desk.give(s.WaitingRead(fetch.query, contact_rows)))
    assert not {token for _, token in transmits(effects)} & {1, 2, 3, 4}


def test_only_the_answer_to_the_last_asking_counts() -> None:
    desk = Desk()
    desk.send(BOB, *(["x"] * (WINDOW + 1)))
    contact = desk.contact()
    contact.queue.waiting.clear()
    (fetch,) = only(e.Fetch, desk.give(s.Settled(1, "snicher")))
    desk.ask("forget", rq.PeerArgs(peer=BOB))
    assert desk.give(s.WaitingRead(fetch.query, [(1, "plain-1", "x")])) == []
    assert not contact.queue.waiting


def test_a_disk_that_could_not_be_read_is_asked_again_later() -> None:
    desk = Desk()
    desk.send(BOB, *(["x"] * (WINDOW + 1)))
    desk.contact().queue.waiting.clear()
    (fetch,) = only(e.Fetch, desk.give(s.Settled(1, "snicher")))
    assert desk.give(s.WaitingRead(fetch.query, None)) == []
    desk.now = desk.core.next_deadline() or 0
    assert len(only(e.Fetch, desk.give(s.Ticked()))) == 1


def test_what_comes_back_one_by_one_does_not_overtake_what_is_only_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "WINDOW", 2)
    desk = linked()
    desk.send(BOB, *"abcdef")
    desk.give(s.Closed(2, "It broke off."))
    # The core is made anew when the first has come back, and hears of the others while a link stands already.
    desk.outcome(2, 1, "not_sent")
    again = Desk(desk.store, started=False)
    effects = again.call(4)
    for token in (2, 3, 4):
        effects += again.outcome(2, token, "not_sent")
    assert transmits(effects) == []
    *_, fetch = only(e.Fetch, effects)
    assert transmits(again.give(again.store.answer(fetch.query))) == [(4, 1), (4, 2)]


def test_a_forgotten_peers_messages_are_given_up_by_the_next_start_at_the_latest() -> None:
    desk = Desk()
    desk.send(BOB, *(["x"] * (WINDOW + 9)))
    desk.give(s.Commanded(99, "forget", rq.PeerArgs(peer=BOB), CAUSE))
    assert desk.states().count("failed") == WINDOW
    again = Desk(desk.store)
    again.answered(again.begun)
    assert set(again.states()) == {"failed"}


@pytest.mark.parametrize(("found", "more"), [(1, False), (2, True)])
def test_an_answer_as_long_as_it_may_be_means_that_there_may_be_more(
    monkeypatch: pytest.MonkeyPatch, found: int, more: bool
) -> None:
    monkeypatch.setattr(queues, "WINDOW", 2)
    desk = Desk()
    desk.send(BOB, *"abc")
    contact = desk.contact()
    contact.queue.waiting.clear()
    (fetch,) = only(e.Fetch, desk.give(s.Settled(1, "snicher")))
    assert isinstance(fetch.query, q.ReadWaiting) and fetch.query.limit == 2
    desk.give(s.WaitingRead(fetch.query, desk.store.answer(fetch.query).rows[:found]))
    assert contact.queue.more_on_disk is more


def test_a_message_sent_again_leaves_a_full_window_to_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "WINDOW", 2)
    desk = Desk()
    desk.send(BOB, "given up", "one", "two", "three")
    contact = desk.contact()
    given_up = contact.queue.waiting.popleft()
    contact.queue.more_on_disk = False
    message = nouns.Message(
        id=given_up.id, room=given_up.room, order="", at=0, direction="out", author="me", name="anna", text="given up"
    )
    desk.core._outbox.queues.again(contact, message)
    assert [one.id for one in contact.queue.waiting] == [1, 2] and not contact.queue.more_on_disk
    desk.core._outbox.queues.again(contact, message)
    assert contact.queue.more_on_disk, "two are in memory already: the disk knows the order"
