"""Records as rows: folding them, and how they fall into batches, changes nothing of what they mean."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.plans import Plan, live, plans
from tests.node.store.story import START, Story, commit, contents, new_writer, rows

#: Text that came from bytes of the system that aren't UTF-8: half of a surrogate pair.
HALF = "a\ud800b"


@pytest.fixture
def writer(tmp_path: pathlib.Path) -> Iterator[Writer]:
    writer = new_writer(tmp_path)
    yield writer
    writer.close()


def test_the_last_state_of_a_peer_and_a_room_wins(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000, "first")
    for name in ("second", "third"):
        story.contacts.change(anna, name=name)
    story.contacts.forget(anna)
    commit(writer, story)
    assert rows(tmp_path, "SELECT name, gone FROM peer") == [("third", 1)]
    assert rows(tmp_path, "SELECT name FROM room") == [("third",)]


def test_a_message_and_its_states_may_come_in_one_batch(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000)
    message = story.say(anna, "quick")
    story.rooms.state(anna.peer.room, message, anna.id, "sending", None, ["altered"])
    story.rooms.state(anna.peer.room, message, anna.id, "failed", "no route")
    commit(writer, story)
    assert rows(tmp_path, "SELECT state, detail FROM delivery") == [("failed", "no route")]
    assert rows(tmp_path, "SELECT marks FROM entry") == [("altered",)]


def test_what_is_said_before_and_after_a_merge_in_one_batch_ends_in_one_room(
    writer: Writer, tmp_path: pathlib.Path
) -> None:
    story = Story()
    known = story.meet("10.0.0.1", 5000, "anna")
    nameless = story.meet("10.0.0.1", None, "anna")
    story.hear(nameless, "before")
    ours = story.say(nameless, "mine")
    merged = story.recognising.claim(nameless, 5000)
    assert merged is known
    story.rooms.state(known.peer.room, ours, known.id, "sent")
    story.hear(known, "after")
    commit(writer, story)
    assert rows(tmp_path, "SELECT id FROM room") == [(known.peer.room,)]
    assert rows(tmp_path, "SELECT count(*), count(DISTINCT room) FROM entry") == [(3, 1)]
    assert rows(tmp_path, "SELECT peer, state FROM delivery") == [(known.id, "sent")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans, size=st.integers(1, 9))
def test_how_records_fall_into_batches_makes_no_difference(plan: Plan, size: int) -> None:
    story = Story()
    live(story, plan)
    records = story.records()
    found = []
    for step in (len(records), size):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder)
            writer = new_writer(home)
            for start in range(0, len(records), step):
                writer.commit(records[start : start + step])
            writer.close()
            found.append(_without_room_numbers(home))
    assert found[0] == found[1]


def _without_room_numbers(home: pathlib.Path) -> dict[str, list[tuple[Any, ...]]]:
    found = contents(home)
    found["room"] = rows(home, "SELECT id, kind, name, peer, encrypted, unread, read_upto, last, created FROM room")
    found["room"].sort()
    found["member"] = rows(home, "SELECT room.id, member.peer FROM member JOIN room ON number = room ORDER BY 1, 2")
    found["entry"] = rows(
        home, "SELECT entry.*, room.id FROM entry JOIN room ON room.number = entry.room ORDER BY entry.id"
    )
    found["entry"] = [(*row[:1], *row[2:]) for row in found["entry"]]
    return found


def test_a_text_that_is_not_unicode_costs_no_batch_in_any_column(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    story.ledger.cause = ev.Cause(client=HALF, request=HALF)
    story.ledger.put(e.PutSettings(nouns.Settings(name=HALF), replace_name(HALF)))
    anna = story.meet("10.0.0.1", 5000, HALF)
    story.contacts.change(anna, error=HALF)
    story.hear(anna, HALF)
    message = story.say(anna, HALF)
    story.rooms.state(anna.peer.room, message, anna.id, "failed", HALF)
    reply = rq.SendResult(messages=[story.rooms.by_id[anna.peer.room].last or pytest.fail("no last")])
    story.ledger.put(e.SaveReply(q.Key(HALF, b"f"), reply, START))
    commit(writer, story)
    assert rows(tmp_path, "SELECT name, error FROM peer") == [("a?b", "a?b")]
    assert rows(tmp_path, "SELECT name FROM room") == [("a?b",)]
    assert rows(tmp_path, "SELECT DISTINCT text FROM body") == [("a?b",)]
    assert rows(tmp_path, "SELECT detail FROM delivery") == [("a?b",)]
    assert rows(tmp_path, "SELECT key FROM reply") == [("a?b",)]
    reader = Reader(tmp_path)
    assert reader.snapshot(nouns.Live()).state.settings.name == "a?b"
    assert reader.events(rq.EventsArgs(since=0)).events[-1].cause == ev.Cause(client="a?b", request="a?b")
    reader.close()


def replace_name(name: str) -> nouns.Self:
    return replace(nouns.Self(id="x", code="c", name="n", listen="l"), name=name)


def test_a_number_too_large_for_a_column_is_refused_whole(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000)
    commit(writer, story)
    before = contents(tmp_path)
    with pytest.raises(OverflowError):
        writer.commit([e.PutPeer(replace(anna.peer, name="new")), e.PutPeer(replace(anna.peer, id="b", port=2**70))])
    assert contents(tmp_path) == before


def test_marks_that_come_with_one_recipients_state_stay_when_anothers_follows(
    writer: Writer, tmp_path: pathlib.Path
) -> None:
    story = Story()
    peers = [story.meet(f"10.0.0.{number}", 5000) for number in (1, 2)]
    message = story.say_to(peers, "to both")
    story.become(message, peers[0].id, "sending", None, ["altered"])
    story.become(message, peers[1].id, "sending")
    story.become(message, peers[0].id, "sent")
    commit(writer, story)
    assert rows(tmp_path, "SELECT state FROM delivery ORDER BY peer") == [("sent",), ("sending",)]
    assert rows(tmp_path, "SELECT marks FROM entry") == [("altered",)]
