"""A message to several: a state for each, one that shows, and one message wherever it is read."""

from __future__ import annotations

import itertools
import pathlib
import sqlite3
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.bus import nouns
from node.bus import requests as rq
from node.core import queries as q
from node.core import stimuli as s
from node.core.contact import Contact
from node.store import database, delivery
from tests.node.store import story as stories
from tests.node.store.story import GROUP

STATES = ("waiting", "sending", "sent", "delivered", "read", "failed", "unconfirmed")
#: What a newer program may have written.
UNKNOWN = "encoded"


class Three(stories.Store):
    """Three peers, and one message to all of them on disk."""

    def __init__(self, home: pathlib.Path) -> None:
        super().__init__(home)
        self.peers: list[Contact] = [self.story.meet(f"10.0.0.{number}", 5000) for number in (1, 2, 3)]
        self.message = self.story.say_to(self.peers, "zebra to all")
        self.commit()

    def become(self, *states: tuple[str, str | None]) -> None:
        """The state of each of the three."""
        for peer, (state, detail) in zip(self.peers, states, strict=True):
            self.story.become(self.message, peer.id, state, detail)
        self.commit()

    def rows(self) -> dict[str, tuple[str, str | None]]:
        with sqlite3.connect(self.home / database.FILE_NAME) as db:
            found = db.execute("SELECT peer, state, detail FROM delivery WHERE entry = ?", (self.message,))
            return {peer: (state, detail) for peer, state, detail in found}

    def seen(self) -> list[nouns.Message]:
        """The message, from wherever front ends read it."""
        while self.writer.index(100):
            pass
        last = [room.last for room in self.reader.snapshot(nouns.Live()).state.rooms.values() if room.id == GROUP]
        page = self.reader.page(rq.SnapshotArgs())
        last += [room.last for room in page.state.rooms.values() if room.id == GROUP]
        events = self.reader.events(rq.EventsArgs(since=0)).events
        accepted = [event.data["message"] for event in events if event.type == "MessageAccepted"]
        found = self.reader.search(rq.SearchArgs(query="zebra")).hits
        history = self.reader.history(rq.HistoryArgs(room=GROUP)).messages
        assert [len(one) for one in (last, accepted, found, history)] == [2, 1, 1, 1], "each shows once"
        return [one for one in (*last, *accepted, *found, *history) if one is not None]


@pytest.fixture
def three(tmp_path: pathlib.Path) -> Iterator[Three]:
    made = Three(tmp_path)
    yield made
    made.close()


def test_every_state_has_its_place_among_those_of_several() -> None:
    assert sorted(nouns.ADVANCE) == sorted(get_args(nouns.DeliveryState)) == sorted(STATES)


def test_a_message_to_three_shows_once_everywhere_as_the_least_advanced(three: Three) -> None:
    assert {(one.state, one.detail) for one in three.seen()} == {("waiting", None)}
    three.become(("sent", None), ("failed", "no route"), ("sending", None))
    assert {(one.state, one.detail) for one in three.seen()} == {("sending", None)}
    three.become(("sent", None), ("failed", "no route"), ("sent", None))
    assert {(one.state, one.detail) for one in three.seen()} == {("failed", "no route")}
    three.become(("sent", None), ("delivered", None), ("sent", "handed over"))
    assert {(one.state, one.detail) for one in three.seen()} == {("sent", "handed over")}


def test_a_state_that_this_program_does_not_know_doubles_nothing(three: Three) -> None:
    with sqlite3.connect(three.home / database.FILE_NAME) as db:
        for number, peer in enumerate(three.peers):
            db.execute("UPDATE delivery SET state = ? WHERE peer = ?", ((UNKNOWN, UNKNOWN, "sent")[number], peer.id))
    assert {one.state for one in three.seen()} == {"sent"}
    with sqlite3.connect(three.home / database.FILE_NAME) as db:
        db.execute("UPDATE delivery SET state = ?", (UNKNOWN,))
    assert {one.state for one in three.seen()} == {UNKNOWN}


def test_a_state_is_one_recipients_alone(three: Three) -> None:
    first, second, third = (peer.id for peer in three.peers)
    three.story.become(three.message, second, "sending", None, ["altered"])
    three.story.become(three.message, third, "failed", "no route")
    three.story.become(three.message, second, "sent")
    three.commit()
    assert three.rows() == {first: ("waiting", None), second: ("sent", None), third: ("failed", "no route")}
    assert {tuple(one.marks) for one in three.seen()} == {("altered",)}, "marks are the message's"


def test_what_a_message_to_three_waits_for_is_told_for_each(three: Three) -> None:
    three.become(("waiting", None), ("sending", None), ("sent", None))
    waits, begun, done = three.peers
    for peer, expected in ((waits, 1), (begun, 0), (done, 0)):
        found = three.reader.answer(q.ReadWaiting(peer.id, 10))
        assert isinstance(found, s.WaitingRead) and found.rows is not None
        assert len(found.rows) == expected
    loaded = three.reader.load()
    assert [one.peer for one in loaded.sending] == [begun.id]
    assert [one.peer.id for one in loaded.peers if one.waiting] == [waits.id]
    assert three.reader.counts()[:2] == (1, 1), "messages on disk, and of those what waits"


def test_a_message_is_sent_again_to_whom_it_shows_to_have_failed_for(three: Three) -> None:
    three.become(("sent", None), ("failed", "no route"), ("unconfirmed", "crash"))
    read = three.reader.answer(q.ReadMessage(1, None, None, three.message))
    assert isinstance(read, s.MessageRead) and read.found is not None
    message, peer = read.found
    assert (message.state, message.detail, peer) == ("failed", "no route", three.peers[1].id)


@pytest.mark.parametrize("state", ["waiting", "sending"])
def test_a_message_that_still_waits_for_one_of_three_is_kept(three: Three, state: str) -> None:
    three.become(("sent", None), ("failed", None), (state, None))
    later = three.story.ledger.now + 1
    three.story.expire(three.reader, later)
    three.commit()
    assert [one.state for one in three.seen()] == [state] * 5
    three.story.become(three.message, three.peers[2].id, "sent")
    three.commit()
    three.story.expire(three.reader, later)
    three.commit()
    assert three.rows() == {}
    assert three.reader.history(rq.HistoryArgs(room=GROUP)).messages == []
    assert three.reader.snapshot(nouns.Live()).state.rooms == three.story.rooms.by_id


def test_a_message_to_three_is_deleted_with_all_its_states(three: Three) -> None:
    three.story.rooms.delete(GROUP)
    three.commit()
    assert three.rows() == {}


def test_of_two_recipients_who_are_one_what_shows_stays(three: Three) -> None:
    three.become(("sent", None), ("failed", "no route"), ("sent", "handed over"))
    before = three.seen()
    first, second, third = three.peers
    three.story.unite(first, second)
    three.commit()
    assert three.rows() == {second.id: ("failed", "no route"), third.id: ("sent", "handed over")}
    assert three.seen() == before
    three.story.unite(second, third)
    three.commit()
    assert three.rows() == {third.id: ("failed", "no route")}
    assert three.seen() == before


details = st.sampled_from([None, "a", "b"])
rows = st.dictionaries(st.sampled_from("pqrs"), st.tuples(st.sampled_from(STATES), details), min_size=1)


@given(held=rows, pair=st.sampled_from(list(itertools.permutations("pqrs", 2))))
def test_who_becomes_one_with_whom_changes_nothing_of_what_shows(
    held: dict[str, tuple[str, str | None]], pair: tuple[str, str]
) -> None:
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE delivery (entry, peer, state, detail, PRIMARY KEY (entry, peer))")
        db.executemany("INSERT INTO delivery VALUES (1, ?, ?, ?)", [(peer, *row) for peer, row in held.items()])

        def shown() -> tuple[str, str | None]:
            (found,) = db.execute(f"SELECT state, detail FROM delivery WHERE {delivery.IS_SHOWN}").fetchall()
            return found  # type: ignore[no-any-return]

        before = shown()
        least = min(nouns.ADVANCE.index(state) for state, _ in held.values())  # type: ignore[arg-type]
        assert before in held.values() and nouns.ADVANCE.index(before[0]) == least  # type: ignore[arg-type]
        delivery.hand_over_one(db, *pair, 1)
        assert shown() == before
        peers = {peer for (peer,) in db.execute("SELECT peer FROM delivery")}
        assert peers == {pair[1] if peer == pair[0] else peer for peer in held}
    db.close()
