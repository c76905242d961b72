"""The real store in memory: writer and reader on one database that has no file. For a core on its own.

What is read is what SQL says; nothing here knows what a record means. Only what no store keeps is noted beside it:
which states a message has had, and how often a consumer was dropped.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import pathlib
import sqlite3
import weakref
from collections.abc import Iterable, Sequence
from typing import Any
from unittest import mock

import msgspec

from node.bus import encoding, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.loaded import KeptConsumer, Loaded, Row
from node.store import database, facts
from node.store.reader import Reader
from node.store.writer import Writer

LOG = "log"
#: What HELLO calls the database, unless a test says otherwise.
INSTANCE = "00" * 16
#: No such folder: what looks for the files of the database finds none, before as after.
NOWHERE = pathlib.Path("no such folder")


class Outgoing(msgspec.Struct, frozen=True):
    """One of our own messages on its way to a peer."""

    message: int
    peer: str
    state: str
    detail: str | None = None


class _DiskFailed(Exception):
    pass


@functools.cache
def _empty() -> sqlite3.Connection:
    """A database with all migrations applied, which was never used."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for number, _, sql in database.migrations():
        database.migrate(db, number, sql)
    facts.put(db, {"log": LOG})
    return db


class MemoryStore:
    """What a core is loaded from, and where its records go."""

    def __init__(self, instance: str = INSTANCE) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        _empty().backup(self.db)
        facts.put(self.db, {"instance": instance})
        with mock.patch.multiple(
            database, open_for_writing=lambda home: self.db, connect=lambda home, read_only=False: self.db
        ):
            self.writer, self.reader = Writer(NOWHERE), Reader(NOWHERE)
        weakref.finalize(self, self.db.close)
        #: All states that were ever recorded for a message, in order.
        self.states: dict[int, list[str]] = collections.defaultdict(list)
        #: How often a consumer of this name was dropped.
        self.dropped: dict[str, int] = collections.defaultdict(int)
        self._keys: set[str] = set()

    def commit(self, records: Sequence[e.Record]) -> None:
        """Put records on the disk."""
        if records:
            self.writer.commit(records)
        for record in records:
            if isinstance(record, e.SetState):
                self.states[record.message].append(record.state)
            elif isinstance(record, e.DropConsumer):
                self.dropped[record.name] += 1
            elif isinstance(record, e.SaveReply):
                assert record.key.key not in self._keys, "a key takes effect once"
                self._keys.add(record.key.key)

    def fail(self, records: Sequence[e.Record]) -> None:
        """The disk fails as soon as these were written: nothing of them stays."""

        def step() -> None:
            self.writer._write(records)
            raise _DiskFailed

        with contextlib.suppress(_DiskFailed):
            self.writer.attempt(step)

    def load(self) -> Loaded:
        return self.reader.load()

    def answer(self, query: q.Query) -> s.Fetched:
        return self.reader.answer(query)

    def state(self) -> nouns.State:
        return self.reader.snapshot(nouns.Live()).state

    # -- what is on the disk

    def events_after(self, seq: int) -> Iterable[ev.Event]:
        """The log as front ends get it, page by page."""
        more = True
        while more:
            page = self.reader.events(rq.EventsArgs(since=seq))
            for event in page.events:
                yield ev.decode_event(encoding.encode(event))
            seq, more = page.events[-1].seq or 0 if page.events else seq, page.more

    @property
    def head(self) -> int:
        return self.reader.log_ends()[1]

    @property
    def oldest(self) -> int:
        return self.reader.log_ends()[0]

    @oldest.setter
    def oldest(self, seq: int) -> None:
        self.writer.trim(seq)

    @property
    def log(self) -> str:
        return self.reader.fact("log") or ""

    @log.setter
    def log(self, log: str) -> None:
        facts.put(self.db, {"log": log})

    @property
    def settings(self) -> nouns.Settings | None:
        return self.reader.settings()

    @property
    def peers(self) -> dict[str, e.PutPeer]:
        return {one.peer.id: e.PutPeer(one.peer, one.gone) for one in self.load().peers}

    @property
    def rooms(self) -> dict[str, nouns.Room]:
        return {room.id: room for room in self.load().rooms}

    @property
    def consumers(self) -> dict[str, KeptConsumer]:
        return {one.name: one for one in self.load().consumers}

    @property
    def messages(self) -> dict[int, nouns.Message]:
        return {
            id_: message for (id_,) in self.db.execute("SELECT id FROM entry") if (message := self.reader._message(id_))
        }

    @property
    def vector(self) -> dict[tuple[str, str, bytes], Row]:
        """What is held, by room, author and stream."""
        return {(one.room, one.author, one.stream): one.row for one in self.load().rows}

    @property
    def receipts(self) -> dict[tuple[str, str, bytes], int]:
        """How far others hold our own streams, by room, member and stream."""
        return {(one.room, one.member, one.stream): one.n for one in self.load().receipts}

    @property
    def outbox(self) -> dict[int, Outgoing]:
        return {row.message: row for row in self.rows()}

    def rows(self, where: str = "1", *values: Any) -> list[Outgoing]:
        """The states of our own messages, in order of acceptance."""
        sql = f"SELECT entry, peer, state, detail FROM delivery WHERE {where} ORDER BY entry, peer"
        return [Outgoing(*row) for row in self.db.execute(sql, values)]

    def column(self, sql: str, *values: Any) -> list[Any]:
        """The first column of a query's rows."""
        return [row[0] for row in self.db.execute(sql, values)]

    def incoming(self, room: str, after: int) -> int:
        """How many texts came into a room after a message."""
        sql = "SELECT count(*) FROM entry JOIN room ON number = room WHERE room.id = ? AND entry.id > ?"
        (count,) = self.column(f"{sql} AND NOT outgoing AND entry.kind = 'text'", room, after)
        return int(count)
