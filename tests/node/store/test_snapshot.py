"""The law of the bus: a snapshot brought forward by events equals a fresh snapshot, from wherever one starts."""

from __future__ import annotations

import contextlib
import copy
import pathlib
import tempfile
from collections.abc import Iterator
from unittest import mock

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from node.bus import bounds, encoding, nouns, reducer
from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.store import removal
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.direct import ROOM, Direct
from tests.node.store.plans import Plan, live, plans
from tests.node.store.story import ME, SETTINGS, Story, commit, new_writer


def fresh(reader: Reader) -> nouns.State:
    """The state as SQL has it, by way of JSON, as front ends get it."""
    return msgspec.json.decode(encoding.encode(reader.snapshot(nouns.Live())), type=rq.SnapshotResult).state


def replayed(reader: Reader, state: nouns.State, since: int) -> nouns.State:
    """A state brought forward by the log as front ends get it, a small page at a time."""
    while True:
        raw = encoding.encode(reader.events(rq.EventsArgs(since=since, limit=7)))
        page = msgspec.json.decode(raw, type=rq.EventsResult)
        for event in page.events:
            reducer.apply(state, ev.typed(event))
            since = event.seq or 0
        if not page.more:
            return state


def finishing(writer: Writer) -> Iterator[None]:
    """Take the steps of removing what is on its way out, each for two rows."""
    while writer.work is not None:
        writer.advance(writer.work, 2)
        yield


class Talk:
    """A room with another node, and one from when that was taken for a plain peer, which becomes part of it."""

    def __init__(self, store: Direct) -> None:
        self.store, self.room = store, store.room
        contact = store.story.meet("10.0.0.9", 5000)
        self.plain: nouns.Room | None = store.story.rooms.by_id[contact.peer.room]
        self.waits: list[nouns.Message] = []

    def step(self, what: str, detail: int) -> None:
        """One thing happens, and the rows of the rooms follow."""
        store, room = self.store, self.room
        if what == "say":
            room = replace(room, last=nouns.preview(store.add(store.mine, "x" * 100 * detail)))
        elif what == "hear":
            last = nouns.preview(store.add(store.theirs, "y" * 100 * detail))
            room = replace(room, last=last, unread=room.unread + 1)
        elif what == "unknown":
            store.add(store.theirs, None, kind="poll", body=b"\x80")
        elif what == "wait":
            message = store.wait(f"clear {detail}")
            self.waits.append(message)
            room = replace(room, last=message)
        elif what == "wait in the plain room" and self.plain is not None:
            message = store.wait(f"plain {detail}", "plain-1", self.plain.id)
            self.waits.append(message)
            self.plain = replace(self.plain, last=message)
            store.ledger.put(e.PutRoom(self.plain))
        elif what == "merge" and self.plain is not None:
            found = [one for one in (self.plain.last, room.last) if one is not None]
            newest = max(found, key=lambda one: one.order, default=None)
            newest = None if newest is None else replace(newest, room=ROOM)
            room = replace(room, last=newest, aliases=[self.plain.id])
            store.ledger.put(e.MergeRooms(self.plain.id, ROOM))
            store.ledger.log(ev.RoomsMerged(gone=self.plain.id, room=replace(room, last=None)), ROOM)
            self.plain = None
        elif what == "sign":
            here = [one for one in self.waits if self.plain is None or one.room == ROOM]
            if here:
                message = here[detail % len(here)]
                self.waits.remove(message)
                now = store.sign(message)
                if room.last is None or room.last.id == now.id or room.last.order < now.order:
                    room = replace(room, last=now)
        elif what == "receipt" and store.mine.entries:
            n = 1 + detail % len(store.mine.entries)
            store.receipt(n)
            last = room.last
            if last is not None and last.state is not None and last.entry is not None and last.entry.n <= n:
                room = replace(room, last=replace(last, state="delivered"))
        elif what == "delete":
            room = replace(room, last=None, unread=0, aliases=[])
            store.ledger.put(e.DeleteRoom(ROOM))
            store.ledger.log(ev.RoomDeleted(room=ROOM), ROOM)
            store.ledger.log(ev.RoomAdded(room=room), ROOM)
            self.waits = [one for one in self.waits if self.plain is not None and one.room == self.plain.id]
        self.room = room
        store.ledger.put(e.PutRoom(room))


HAPPENS = ("say", "hear", "unknown", "wait", "wait in the plain room", "merge", "sign", "sign", "receipt", "delete")
talks = st.lists(st.tuples(st.sampled_from(HAPPENS), st.integers(0, 5)), min_size=8, max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=talks, start=st.integers(0, 30), at_once=st.sampled_from([removal.AT_ONCE, 0]))
def test_a_replay_of_what_was_said_between_nodes_gives_the_present_state(
    plan: list[tuple[str, int]], start: int, at_once: int
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(removal, "AT_ONCE", at_once),
        contextlib.closing(Direct(pathlib.Path(folder))) as store,
    ):
        talk = Talk(store)
        for what, detail in plan[:start]:
            talk.step(what, detail)
        store.commit()
        head, state = store.reader.snapshot(nouns.Live()).seq, fresh(store.reader)
        for what, detail in plan[start:]:
            talk.step(what, detail)
        store.commit()
        expected = fresh(store.reader)
        assert expected.rooms[ROOM] == talk.room, "and that is what the node decided"
        assert replayed(store.reader, copy.deepcopy(state), head).rooms == expected.rooms
        assert replayed(store.reader, nouns.State(self=ME, settings=SETTINGS), 0).rooms == expected.rooms
        for _ in finishing(store.writer):
            assert fresh(store.reader) == expected, "a step changes nothing of what shows"
            assert replayed(store.reader, copy.deepcopy(state), head).rooms == expected.rooms


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans, start=st.integers(0, 40), at_once=st.sampled_from([removal.AT_ONCE, 0]))
def test_a_replay_from_any_snapshot_gives_the_present_one(plan: Plan, start: int, at_once: int) -> None:
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(removal, "AT_ONCE", at_once):
        writer = new_writer(pathlib.Path(folder))
        reader = Reader(pathlib.Path(folder))
        story = Story()
        live(story, plan[:start])
        commit(writer, story)
        snapshot = reader.snapshot(nouns.Live())
        state = fresh(reader)
        live(story, plan[start:])
        writer.commit(story.records())
        expected = fresh(reader)
        assert replayed(reader, copy.deepcopy(state), snapshot.seq) == expected
        # Also from nothing: this is how a log is read from its beginning.
        assert replayed(reader, nouns.State(self=ME, settings=SETTINGS), 0) == expected
        for _ in finishing(writer):
            assert fresh(reader) == expected, "a step changes nothing of what shows"
            assert replayed(reader, copy.deepcopy(state), snapshot.seq) == expected
        reader.close()
        writer.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans, start=st.integers(0, 40), age=st.integers(0, 30), window=st.sampled_from([3, 200]))
def test_a_replay_over_messages_that_expired_gives_the_present_state(
    plan: Plan, start: int, age: int, window: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = new_writer(pathlib.Path(folder))
        reader = Reader(pathlib.Path(folder))
        story = Story()
        kept: list[tuple[int, nouns.State]] = []
        for piece in (plan[:start], plan[start:]):
            live(story, piece)
            commit(writer, story)
            kept.append((reader.snapshot(nouns.Live()).seq, fresh(reader)))
            after: int | None = 0
            while after is not None:
                after = story.expire(reader, story.ledger.now - age, after, window)
                commit(writer, story)
            kept.append((reader.snapshot(nouns.Live()).seq, fresh(reader)))
        expected = fresh(reader)
        assert expected.rooms == story.rooms.by_id, "what the core believes is on disk"
        for seq, state in kept:
            assert replayed(reader, state, seq) == expected
        assert replayed(reader, nouns.State(self=ME, settings=SETTINGS), 0) == expected
        reader.close()
        writer.close()


def test_what_was_said_before_a_merge_is_the_rooms_last_also_in_a_replay(tmp_path: pathlib.Path) -> None:
    writer = new_writer(tmp_path)
    story = Story()
    nameless = story.meet("10.0.0.1", None, "anna")
    story.hear(nameless, "said before the port was known")
    known = story.meet("10.0.0.1", 5000, "anna")
    story.recognising.claim(nameless, 5000)
    commit(writer, story)
    reader = Reader(tmp_path)
    state = replayed(reader, nouns.State(self=ME, settings=SETTINGS), 0)
    last = state.rooms[known.peer.room].last
    assert last is not None and last.text == "said before the port was known"
    assert state == fresh(reader)
    reader.close()
    writer.close()


def test_a_snapshot_is_valid_at_the_newest_event_and_cuts_long_texts(tmp_path: pathlib.Path) -> None:
    writer = new_writer(tmp_path)
    story = Story()
    anna = story.meet("10.0.0.1", 5000)
    story.hear(anna, "x" * 1_000)
    gone = story.meet("10.0.0.2", 5000)
    story.contacts.forget(gone)
    commit(writer, story)
    reader = Reader(tmp_path)
    live_now = nouns.Live(health=nouns.Health(store=False, problem="full"))
    snapshot = reader.snapshot(live_now)
    assert (snapshot.seq, snapshot.live) == (story.ledger.head, live_now)
    assert list(snapshot.state.peers) == [anna.id]
    assert sorted(snapshot.state.rooms) == sorted([anna.peer.room, gone.peer.room])
    last = snapshot.state.rooms[anna.peer.room].last
    assert last is not None and last.text == "x" * bounds.PREVIEW_CHARS
    reader.close()
    writer.close()


def test_what_was_deleted_shows_as_gone_in_old_events_and_breaks_no_replay(tmp_path: pathlib.Path) -> None:
    writer = new_writer(tmp_path)
    story = Story()
    anna, bela = story.meet("10.0.0.1", 5000, "anna"), story.meet("10.0.0.2", 5000, "bela")
    (heard,) = story.hear(anna, "a secret")
    ours = story.say(anna, "mine too")
    story.hear(bela, "stays")
    commit(writer, story)
    story.contacts.delete(anna)
    commit(writer, story)
    reader = Reader(tmp_path)
    assert replayed(reader, nouns.State(self=ME, settings=SETTINGS), 0) == fresh(reader)
    assert list(fresh(reader).rooms) == [bela.peer.room]
    page = msgspec.json.decode(encoding.encode(reader.events(rq.EventsArgs(since=0))), type=rq.EventsResult)
    events = [ev.typed(event).data for event in page.events]
    messages = {
        data.message.id: data.message for data in events if isinstance(data, ev.MessageReceived | ev.MessageAccepted)
    }
    for id_, direction in ((heard, "in"), (ours, "out")):
        gone = messages[id_]
        assert (gone.kind, gone.text, gone.name, gone.direction) == ("deleted", "", "", direction)
        assert gone.room == anna.peer.room
    reader.close()
    writer.close()
