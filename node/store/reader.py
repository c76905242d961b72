"""Pages for front ends and answers for the core, on a connection that can't write."""

from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from node.bus import messages as m
from node.core import effects as e
from node.core.state import Loaded, LoadedPeer, Sending
from node.errors import CommandRefused
from node.model import PLAIN_PREFIX
from node.store import database, search, snapshot

#: No reply with events grows beyond about this many bytes of texts; the rest comes with the next page.
MAX_PAGE_BYTES = 2 * 1024 * 1024


class Reader:
    """Owns the connection that reads. Use it from one thread at a time."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._db = database.connect(home, read_only=True)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextmanager
    def _moment(self) -> Iterator[sqlite3.Connection]:
        """All that is read within is of one moment."""
        self._db.execute("BEGIN")
        try:
            yield self._db
        finally:
            self._db.execute("COMMIT")

    def _one(self, sql: str, *values: Any) -> Any:
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def fact(self, name: str) -> str | None:
        """A small fact."""
        value: str | None = self._one("SELECT value FROM fact WHERE name = ?", name)
        return value

    def load(self) -> Loaded:
        """What the core needs in memory."""
        with self._moment() as db:
            waiting = {row[0] for row in db.execute("SELECT DISTINCT peer FROM delivery WHERE state = 'waiting'")}
            peers = [
                LoadedPeer(snapshot.peer(row), bool(row[12]), row[0] in waiting)
                for row in db.execute(f"SELECT {snapshot.PEER_COLUMNS} FROM peer")  # noqa: S608
            ]
            numbers = [int(row.peer.id.removeprefix(PLAIN_PREFIX)) for row in peers if row.peer.kind == "plain"]
            settings = self.fact("settings")
            return Loaded(
                log=self.fact("log") or "",
                head=self._one("SELECT max(seq) FROM event") or 0,
                oldest=self._one("SELECT min(seq) FROM event") or 1,
                clock=self._one("SELECT max(clock) FROM entry") or 0,
                last_message=self._one("SELECT max(id) FROM entry") or 0,
                last_plain=max(numbers, default=0),
                settings=None if settings is None else msgspec.json.decode(settings, type=m.Settings),
                peers=peers,
                rooms=snapshot.rooms(db),
                sending=[
                    Sending(*row)
                    for row in db.execute(
                        "SELECT delivery.entry, room.id, delivery.peer, body.text FROM delivery"
                        " JOIN entry ON entry.id = delivery.entry JOIN room ON room.number = entry.room"
                        " JOIN body ON body.entry = entry.id WHERE delivery.state = 'sending' ORDER BY delivery.entry"
                    )
                ],
            )

    def snapshot(self, live: m.Live) -> m.SnapshotResult:
        """Everything, as of the newest event on disk."""
        with self._moment() as db:
            head = self._one("SELECT max(seq) FROM event") or 0
            return m.SnapshotResult(log=self.fact("log") or "", seq=head, state=snapshot.state(db), live=live)

    def reply(self, key: str) -> tuple[bytes, str] | None:
        """The fingerprint and the reply kept for a key, if there is one."""
        row = self._db.execute("SELECT fingerprint, result FROM reply WHERE key = ?", (key,)).fetchone()
        return None if row is None else (row[0], row[1])

    # -- the event log

    def events(self, args: m.EventsArgs) -> m.EventsResult:
        """A page of the log after `since`. Raises CommandRefused where the cursor doesn't fit."""
        limit = max(1, min(args.limit, m.MAX_EVENTS))
        with self._moment() as db:
            log = self.fact("log") or ""
            head = self._one("SELECT max(seq) FROM event") or 0
            oldest = self._one("SELECT min(seq) FROM event") or 1
            if args.log is not None and args.log != log:
                raise CommandRefused("log_changed", "Numbering has started anew.", details={"log": log})
            if args.since > head:
                raise CommandRefused("cursor_ahead", f"The head is {head}.", details={"head": head})
            if args.since < oldest - 1:
                raise CommandRefused("cursor_too_old", f"Kept from {oldest} on.", details={"oldest": oldest})
            events = []
            size = 0
            rows = db.execute(
                "SELECT event.seq, event.at, event.type, event.room, event.entry, event.data, event.client,"  # noqa: S608
                f" event.request, room.id, {snapshot.MESSAGE_COLUMNS} FROM event LEFT JOIN"
                f" {snapshot.MESSAGE_TABLES.replace('entry LEFT', 'entry ON entry.id = event.entry LEFT', 1)}"
                " LEFT JOIN room ON room.number = entry.room WHERE event.seq > ? ORDER BY event.seq LIMIT ?",
                (args.since, limit),
            )
            for row in rows:
                data: Any
                if row[4] is None:
                    data = msgspec.Raw(row[5].encode())
                    size += len(row[5])
                else:
                    data = {"message": snapshot.message(row[9:], row[8])}
                    size += len(row[18] or "") + 300
                cause = None if row[7] is None else m.Cause(client=row[6], request=row[7])
                seq, at, type_, room = row[:4]
                events.append(
                    m.Event(v=m.VERSION, log=log, at=at, type=type_, seq=seq, room=room, cause=cause, data=data)
                )
                if size > MAX_PAGE_BYTES:
                    break
            last = events[-1].seq or 0 if events else args.since
            return m.EventsResult(log=log, head=head, oldest=oldest, events=events, more=last < head)

    # -- messages

    def history(self, args: m.HistoryArgs) -> m.HistoryResult:
        """A page of a room. Raises CommandRefused when the room or the message isn't there."""
        given = [mark for mark in (args.before, args.after, args.around) if mark is not None]
        if len(given) > 1:
            raise CommandRefused("invalid_args", "Only one of `before`, `after` and `around`.")
        limit = max(1, min(args.limit, m.MAX_HISTORY))
        with self._moment():
            room = self._one("SELECT number FROM room WHERE id = ?", args.room)
            if room is None:
                raise CommandRefused("not_found", f"There is no room {args.room!r}.")
            clock = None
            if given:
                clock = self._one("SELECT clock FROM entry WHERE id = ? AND room = ?", given[0], room)
                if clock is None:
                    raise CommandRefused("not_found", f"There is no message {given[0]} in that room.")
            before: list[m.Message] = []
            after: list[m.Message] = []
            more_before = more_after = False
            if args.after is None:
                # Around: the message itself counts to the older half, so that a page of one is the message.
                bound = None if clock is None else clock + (1 if args.around is not None else 0)
                wanted = limit if args.around is None else limit // 2 + 1
                before = self._page(args.room, room, "<", bound, wanted + 1)
                more_before, before = len(before) > wanted, before[:wanted][::-1]
            if clock is not None and args.before is None:
                wanted = limit if args.around is None else max(0, limit - len(before))
                after = self._page(args.room, room, ">", clock, wanted + 1)
                more_after, after = len(after) > wanted, after[:wanted]
            if args.before is not None:
                more_after = True
            if args.after is not None:
                more_before = True
            head = self._one("SELECT max(seq) FROM event") or 0
            return m.HistoryResult(seq=head, messages=before + after, more_before=more_before, more_after=more_after)

    def _page(self, room_id: str, room: int, sign: str, clock: int | None, limit: int) -> list[m.Message]:
        direction = "DESC" if sign == "<" else "ASC"
        bound = "" if clock is None else f"AND entry.clock {sign} {clock:d}"
        rows = self._db.execute(
            f"SELECT {snapshot.MESSAGE_COLUMNS} FROM {snapshot.MESSAGE_TABLES} WHERE entry.room = ? {bound}"  # noqa: S608
            f" ORDER BY entry.clock {direction}, entry.id {direction} LIMIT ?",
            (room, limit),
        )
        return [snapshot.message(row, room_id) for row in rows]

    def search(self, args: m.SearchArgs) -> m.SearchResult:
        """A page of hits, newest first. Raises CommandRefused when the room isn't there or no word is asked for."""
        limit = max(1, min(args.limit, m.MAX_HITS))
        with self._moment() as db:
            room = None
            if args.room is not None:
                room = self._one("SELECT number FROM room WHERE id = ?", args.room)
                if room is None:
                    raise CommandRefused("not_found", f"There is no room {args.room!r}.")
            expression = search.match_expression(args.query, room)
            before = args.before if args.before is not None else 2**62
            ids = [
                row[0]
                for row in db.execute(
                    "SELECT rowid FROM search WHERE search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
                    (expression, before, limit + 1),
                )
            ]
            hits = [hit for id_ in ids[:limit] if (hit := self._message(id_)) is not None]
            return m.SearchResult(hits=hits, more=len(ids) > limit, pending=max(0, search.behind(db)))

    def _message(self, id_: int) -> m.Message | None:
        row = self._db.execute(
            f"SELECT {snapshot.MESSAGE_COLUMNS}, room.id FROM room JOIN"  # noqa: S608
            f" {snapshot.MESSAGE_TABLES.replace('entry LEFT', 'entry ON room.number = entry.room LEFT', 1)}"
            " WHERE entry.id = ?",
            (id_,),
        ).fetchone()
        return None if row is None else snapshot.message(row[:12], row[12])

    def peers(self) -> list[m.Peer]:
        """All peers on the list, by name."""
        rows = self._db.execute(
            f"SELECT {snapshot.PEER_COLUMNS} FROM peer WHERE NOT gone ORDER BY name COLLATE NOCASE, id"  # noqa: S608
        )
        return [snapshot.peer(row) for row in rows]

    def counts(self) -> tuple[int, int, int, int]:
        """Messages on disk (the highest id), messages that wait for peers, rooms, and peers on the list."""
        with self._moment():
            return (
                self._one("SELECT max(id) FROM entry") or 0,
                self._one("SELECT count(*) FROM delivery WHERE state IN ('waiting', 'sending')"),
                self._one("SELECT count(*) FROM room"),
                self._one("SELECT count(*) FROM peer WHERE NOT gone"),
            )

    # -- what the core asks

    def answer(self, query: e.Query) -> Any:
        """The answer to a Fetch."""
        with self._moment() as db:
            match query:
                case e.Waiting():
                    return db.execute(
                        "SELECT delivery.entry, room.id, body.text FROM delivery"
                        " JOIN entry ON entry.id = delivery.entry JOIN room ON room.number = entry.room"
                        " JOIN body ON body.entry = entry.id"
                        " WHERE delivery.peer = ? AND delivery.state = 'waiting' ORDER BY delivery.entry LIMIT ?",
                        (query.peer, query.limit),
                    ).fetchall()
                case e.CountRead():
                    return self._one(
                        "SELECT count(*) FROM entry WHERE room = (SELECT number FROM room WHERE id = ?)"
                        " AND NOT outgoing AND kind = 'text' AND id > ? AND id <= ?",
                        query.room,
                        query.after,
                        query.upto,
                    )
                case e.ReadMessage():
                    message = self._message(query.message)
                    if message is None or message.direction != "out":
                        return None
                    return message, self._one("SELECT peer FROM delivery WHERE entry = ?", query.message)
                case e.WaitingIds():
                    return db.execute(
                        "SELECT delivery.entry, room.id FROM delivery JOIN entry ON entry.id = delivery.entry"
                        " JOIN room ON room.number = entry.room"
                        " WHERE delivery.peer = ? AND delivery.state = 'waiting'",
                        (query.peer,),
                    ).fetchall()
