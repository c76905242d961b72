"""Pages for front ends and answers for the core, on a read-only connection."""

from __future__ import annotations

import heapq
import pathlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from node.bus import bounds, nouns
from node.bus import consumers as cn
from node.bus import events as ev
from node.bus import requests as rq
from node.core import queries as q
from node.core import stimuli as s
from node.core.consumers import lapsed, shown
from node.core.loaded import KeptConsumer, Loaded
from node.errors import CommandRefused
from node.model import PLAIN_PREFIX
from node.protocol.secure.frames import Run
from node.store import (
    beside,
    database,
    delivery,
    expired,
    facts,
    index,
    leaving,
    outbox,
    recipients,
    search,
    serving,
    snapshot,
    vector,
)
from node.store.pages import Pages
from node.store.place import Place
from node.store.replies import Replies

#: A page ends after about this many bytes of texts. The rest comes with the next page.
MAX_PAGE_BYTES = 2 * 1024 * 1024
#: The largest integer in SQLite. Front ends may send larger ones, which match nothing.
MAX_INTEGER = 2**63 - 1
#: The number of the room whose id, or one of whose aliases, is the first value of a query.
ROOM_NUMBER = "coalesce((SELECT number FROM room WHERE id = ?1), (SELECT room FROM alias WHERE id = ?1))"

#: The entry of an event; none if it was deleted.
OF_EVENT = f"entry.id = event.entry AND NOT {leaving.DELETED}"

#: Counting the messages that wait for plain peers scans all of them, and front ends ask about once a second. A count
#: that takes longer than QUICK_COUNT seconds (some 70,000 messages) is reused for COUNT_SHARE times as long as it took.
QUICK_COUNT = 0.02
COUNT_SHARE = 50


class Reader:
    """Owns the reading connection. Use it from one thread at a time."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._db = database.connect(home, read_only=True)
        #: The replies kept for idempotency keys.
        self.kept_replies = Replies(self._moment, self._message)
        self.pages = Pages(home, Place(home / database.FILE_NAME))
        #: The last count of messages that wait for peers, and until when to reuse it (monotonic clock, seconds).
        self._counted = (0, 0.0)

    def close(self) -> None:
        """Close all connections."""
        self.pages.close()
        self._db.close()

    def interrupt(self) -> None:
        """Abort the read in progress, from any thread. It raises StoreUnavailable in its thread."""
        with suppress(sqlite3.ProgrammingError):
            self._db.interrupt()
        self.pages.interrupt()

    @contextmanager
    def _moment(self) -> Iterator[sqlite3.Connection]:
        """Run reads in one transaction, so that they see one moment. Raises StoreCorrupt or StoreUnavailable."""
        try:
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                # A broken index may have ended the transaction already.
                if self._db.in_transaction:
                    self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise database.as_store_error(self._home / database.FILE_NAME, error) from error

    def _one(self, sql: str, *values: Any) -> Any:
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def fact(self, name: str) -> str | None:
        """The value of a fact; None if it isn't set."""
        value: str | None = self._one("SELECT value FROM fact WHERE name = ?", name)
        return value

    def _number(self, name: str) -> int:
        """A fact as a number; 0 if it isn't set. Raises StoreCorrupt if it isn't a number."""
        return facts.number(name, self.fact(name) or "0")

    def log_ends(self) -> tuple[int, int]:
        """The oldest and the newest `seq` in the log. For an empty log: the next `seq`, and the last that existed."""
        return snapshot.log_ends(self._db)

    def settings(self) -> nouns.Settings | None:
        """The settings that were last in force; None in a database that was never used."""
        settings = self.fact("settings")
        return None if settings is None else facts.structure("settings", settings, nouns.Settings)

    def saved(self) -> dict[str, Any] | None:
        """The settings saved for the next start; None if an older Snicher wrote the database and didn't save them."""
        saved = self.fact("saved")
        return None if saved is None else facts.structure("saved", saved, dict[str, Any])

    def load(self) -> Loaded:
        """Everything that the core keeps in memory."""
        with self._moment() as db:
            waiting = outbox.peers(db)
            addresses = beside.addresses(db, "")
            peers = [
                snapshot.loaded(row, addresses.of(row[0]), row[0] in waiting)
                for row in db.execute(f"SELECT {snapshot.PEER_COLUMNS} FROM peer ORDER BY id")  # noqa: S608
            ]
            numbers = [
                facts.number("peer.id", row.peer.id.removeprefix(PLAIN_PREFIX))
                for row in peers
                if row.peer.kind == "plain"
            ]
            me, held = self.me(), vector.rows(db)
            return Loaded(
                log=self.fact("log") or "",
                head=self.log_ends()[1],
                oldest=self.log_ends()[0],
                # Headers may have come without a message, or have outlived theirs.
                clock=max((self._newest_clock(), self._number("clock"), *(one.row.clock for one in held))),
                last_message=index.newest(db),
                last_plain=max((self._number("last_plain"), *numbers)),
                settings=self.settings(),
                saved=self.saved(),
                peers=peers,
                rooms=snapshot.rooms(db),
                greetings=snapshot.greetings(self.fact("greetings")),
                consumers=self._consumers(),
                believed=self._believed(),
                shut_out=facts.structure("shut_out", self.fact("shut_out") or "{}", dict[str, int]),
                refused=facts.structure("refused", self.fact("refused") or "{}", dict[str, int]),
                requests=vector.requests(db),
                blocked=snapshot.blocked(db),
                rows=held,
                receipts=[] if me is None else vector.receipts(db, me),
                sending=outbox.sending(db),
            )

    def me(self) -> str | None:
        """This node's id; None in a database that was never used."""
        found = self.fact("self")
        return None if found is None else facts.structure("self", found, nouns.Self).id

    def _newest_clock(self) -> int:
        """The highest clock of all messages. The index is by room, so this costs one look-up per room."""
        highest = "SELECT max(clock) FROM entry WHERE entry.room = one.number"
        all_ = "(SELECT number FROM room UNION SELECT room FROM leaving)"
        return int(self._one(f"SELECT max(({highest})) FROM {all_} AS one") or 0)  # noqa: S608

    def _believed(self) -> int | None:
        believed = self.fact("believed")
        # Older versions didn't store the believed time. They never doubted the clock, so the time of the newest message
        # takes its place.
        newest: int | None = self._one("SELECT at FROM entry ORDER BY id DESC LIMIT 1")
        return newest if believed is None else facts.number("believed", believed)

    def snapshot(self, live: nouns.Live) -> rq.SnapshotResult:
        """The whole state, as of the newest event on disk."""
        with self._moment() as db:
            head = self.log_ends()[1]
            return rq.SnapshotResult(log=self.fact("log") or "", seq=head, state=snapshot.state(db), live=live)

    def page(self, args: rq.SnapshotArgs) -> rq.SnapshotResult:
        """A page of a snapshot, without the live part. Raises CommandRefused (`busy`, `snapshot_gone`)."""
        return self.pages.first(args.limit) if args.page is None else self.pages.next(args.page, args.limit)

    def replies(self) -> int:
        """The number of replies kept for idempotency keys."""
        return self.kept_replies.count()

    # -- the event log

    def events(self, args: rq.EventsArgs) -> rq.EventsResult:
        """A page of the log after the cursor `since`. Raises CommandRefused if the cursor isn't valid in this log."""
        limit = max(1, min(args.limit, bounds.MAX_EVENTS))
        with self._moment() as db:
            log, head, oldest = self._log()
            if args.log is not None and args.log != log:
                raise CommandRefused("log_changed", "Numbering has started anew.", details={"log": log})
            if args.since > head:
                raise CommandRefused("cursor_ahead", f"The head is {head}.", details={"head": head})
            if args.since < oldest - 1:
                raise CommandRefused("cursor_too_old", f"Kept from {oldest} on.", details={"oldest": oldest})
            events = self._events_after(db, log, args.since, limit)
            last = events[-1].seq or 0 if events else args.since
            return rq.EventsResult(log=log, head=head, oldest=oldest, events=events, more=last < head)

    def _log(self) -> tuple[str, int, int]:
        """The log's id, and its newest and oldest `seq`."""
        oldest, head = self.log_ends()
        return self.fact("log") or "", head, oldest

    def _events_after(self, db: sqlite3.Connection, log: str, since: int, limit: int) -> list[ev.Event]:
        """The first events after `since`: at most `limit`, and about MAX_PAGE_BYTES, but always one if there is one."""
        events = []
        size = 0
        rows = db.execute(
            "SELECT event.seq, event.at, event.type, event.room, event.entry, event.data, event.client,"  # noqa: S608
            f" event.request, {snapshot.MESSAGE_COLUMNS} FROM event LEFT JOIN"
            f" {snapshot.MESSAGE_TABLES.replace('entry LEFT', f'entry ON {OF_EVENT} LEFT', 1)}"
            " WHERE event.seq > ? ORDER BY event.seq LIMIT ?",
            (since, limit),
        )
        for row in rows:
            data: Any
            seq, at, type_, room, entry, stored, client, request = row[:8]
            if entry is None:
                data = msgspec.Raw(stored.encode())
                size += len(data)
            else:
                # Show the message as it is now, but in its room at the time of the event. A merge that moved it comes
                # later in the log.
                gone = row[8] is None
                message = snapshot.deleted(entry, room, at, type_) if gone else snapshot.message(row[8:], room)
                data = {"message": message}
                size += _weight(message)
            cause = None if request is None else ev.Cause(client=client, request=request)
            events.append(
                ev.Event(v=bounds.VERSION, log=log, at=at, type=type_, seq=seq, room=room, cause=cause, data=data)
            )
            if size > MAX_PAGE_BYTES:
                break
        return events

    # -- consumers

    def _consumers(self) -> list[KeptConsumer]:
        rows = self._db.execute("SELECT name, log, position, created, used FROM consumer ORDER BY name")
        return [KeptConsumer(name=row[0], log=row[1], position=row[2], created=row[3], used=row[4]) for row in rows]

    def consumers(self, used: dict[str, int]) -> list[nouns.Consumer]:
        """All consumers, by name. `used`: times of last use (ms, by name) that may be newer than those on disk."""
        with self._moment():
            log, head, oldest = self._log()
            return [shown(one, log, head, oldest, used.get(one.name, 0)) for one in self._consumers()]

    def consumer_next(self, args: cn.ConsumerNextArgs) -> cn.ConsumerNextResult:
        """The events after a consumer's position. Raises CommandRefused if it doesn't exist or has lapsed."""
        limit = max(1, min(args.limit, bounds.MAX_EVENTS))
        with self._moment() as db:
            kept = next((one for one in self._consumers() if one.name == args.name), None)
            if kept is None:
                raise CommandRefused("not_found", f"There is no consumer {args.name[: bounds.MAX_NAME_CHARS]!r}.")
            log, head, oldest = self._log()
            consumer = shown(kept, log, head, oldest, 0)
            if consumer.lapsed:
                raise lapsed(kept, log, oldest)
            events = self._events_after(db, log, kept.position, limit)
            more = bool(events) and (events[-1].seq or 0) < head
            return cn.ConsumerNextResult(log=log, consumer=consumer, head=head, events=events, more=more)

    # -- messages

    def history(self, args: rq.HistoryArgs) -> rq.HistoryResult:
        """A page of a room's messages. Raises CommandRefused if the room or the anchor message doesn't exist."""
        given = [mark for mark in (args.before, args.after, args.around) if mark is not None]
        if len(given) > 1:
            raise CommandRefused("invalid_args", "Only one of `before`, `after` and `around`.")
        limit = max(1, min(args.limit, bounds.MAX_HISTORY))
        with self._moment():
            rooms, id_ = self._room(args.room)
            anchor = None
            if given:
                anchor = self._db.execute(
                    f"SELECT clock, tie, id FROM entry WHERE id = ? AND room IN {leaving.listed(rooms)}",  # noqa: S608
                    (_bounded(given[0]),),
                ).fetchone()
                if anchor is None:
                    raise CommandRefused("not_found", f"There is no message {given[0]} in that room.")
            older: list[nouns.Message] = []
            newer: list[nouns.Message] = []
            more_before, more_after = args.after is not None, args.before is not None
            if args.around is not None:
                # The anchor message belongs to the older half, so that a page of one message is the anchor itself.
                older, more_before = self._page(id_, rooms, "<=", anchor, limit // 2 + 1, MAX_PAGE_BYTES // 2)
                newer, more_after = self._page(id_, rooms, ">", anchor, limit - len(older), MAX_PAGE_BYTES // 2)
            elif args.after is not None:
                newer, more_after = self._page(id_, rooms, ">", anchor, limit, MAX_PAGE_BYTES)
            else:
                older, more_before = self._page(id_, rooms, "<", anchor, limit, MAX_PAGE_BYTES)
            head = self.log_ends()[1]
            messages = older[::-1] + newer
            return rq.HistoryResult(seq=head, messages=messages, more_before=more_before, more_after=more_after)

    def _room(self, id_: str) -> tuple[list[int], str]:
        """The numbers of the room with this id or alias (leaving.py), and its id. Raises CommandRefused without one."""
        row: tuple[int, str] | None = self._db.execute(
            f"SELECT number, id FROM room WHERE number = {ROOM_NUMBER}",  # noqa: S608
            (id_,),
        ).fetchone()
        if row is None:
            raise CommandRefused("not_found", f"There is no room {id_!r}.")
        return leaving.numbers(self._db, row[0]), row[1]

    def _page(
        self, room_id: str, rooms: list[int], sign: str, anchor: tuple[int, bytes, int] | None, limit: int, weight: int
    ) -> tuple[list[nouns.Message], bool]:
        """The messages on one side of `anchor` (clock, tie, id; None: all), nearest first; whether there are more."""
        direction = "ASC" if sign == ">" else "DESC"
        bound = "" if anchor is None else f"AND (entry.clock, entry.tie, entry.id) {sign} (?, ?, ?)"
        each = [
            self._db.execute(
                f"SELECT {snapshot.MESSAGE_COLUMNS} FROM {snapshot.MESSAGE_TABLES} WHERE entry.room = ? {bound}"  # noqa: S608
                f" ORDER BY entry.clock {direction}, entry.tie {direction}, entry.id {direction} LIMIT ?",
                (room, *(anchor or ()), limit + 1),
            )
            for room in rooms
        ]
        # One index is read for each number, and nothing is sorted but their heads.
        rows = heapq.merge(*each, key=snapshot.place, reverse=sign != ">")
        return _until_full((snapshot.message(row, room_id) for row in rows), limit, weight)

    def search(self, args: rq.SearchArgs) -> rq.SearchResult:
        """A page of hits, newest first. Raises CommandRefused if the room doesn't exist or the query has no word.

        If the index is marked as broken, there are no hits and the result says `rebuilding`. Raises IndexBroken if the
        index turns out to be broken.
        """
        limit = max(1, min(args.limit, bounds.MAX_HITS))
        with self._moment() as db:
            rooms = None if args.room is None else self._room(args.room)[0]
            expressions = search.match_expressions(args.query, rooms)
            before = MAX_INTEGER if args.before is None else _bounded(args.before)
            shown = ""
            if rooms is None and self._one("SELECT 1 FROM room WHERE hidden LIMIT 1"):
                shown = (
                    f" AND NOT EXISTS (SELECT 1 FROM entry JOIN room ON room.number = {leaving.HOME}"  # noqa: S608
                    f" WHERE entry.id = {index.ROWID} AND room.hidden)"
                )
            if rooms is None and leaving.deleting(db):
                shown += f" AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = {index.ROWID} AND {leaving.DELETED})"  # noqa: S608
            newest = [] if index.broken(db) is not None else index.find(db, expressions, before, limit + 1, shown)
            found = (hit for id_ in newest if (hit := self._message(id_)) is not None)
            hits, more = _until_full(found, limit, MAX_PAGE_BYTES)
            pending = max(0, index.behind(db))
            return rq.SearchResult(hits=hits, more=more, pending=pending, rebuilding=index.rebuilding(db))

    def _message(self, id_: int) -> nouns.Message | None:
        row = self._db.execute(
            f"SELECT {snapshot.MESSAGE_COLUMNS}, room.id FROM room JOIN"  # noqa: S608
            f" {snapshot.MESSAGE_TABLES.replace('entry LEFT', f'entry ON room.number = {leaving.HOME} LEFT', 1)}"
            " WHERE entry.id = ?",
            (_bounded(id_),),
        ).fetchone()
        return None if row is None else snapshot.message(row, row[snapshot.MESSAGE_WIDTH])

    def delivery(self, message: int) -> rq.DeliveryResult:
        """What became of one of our own messages. Raises CommandRefused (`not_found`) if there is none with this id.

        `next_try` of each recipient is left empty: the store doesn't know it.
        """
        with self._moment() as db:
            found = self._message(message)
            if found is None or found.direction != "out":
                raise CommandRefused("not_found", f"There is no message {message} of this node.")
            return rq.DeliveryResult(message=found, recipients=recipients.recipients(db, found))

    def run_after(self, room: str, author: str, stream: bytes, after: int) -> tuple[Run | None, int]:
        """Entries of a stream from number `after` + 1 on, at most MAX_RUN; and the number that they reach.

        None and `after` if entry `after` + 1 isn't held. Raises StoreCorrupt or StoreUnavailable.
        """
        try:
            return serving.run_after(self._db, room, author, stream, after)
        except sqlite3.DatabaseError as error:
            raise database.as_store_error(self._home / database.FILE_NAME, error) from error

    def peers(self, args: rq.PeersArgs) -> rq.PeersResult:
        """A page of the peers on the list, by id. `next_tries` is left empty: the store doesn't know them."""
        limit = max(1, min(args.limit, bounds.MAX_SNAPSHOT))
        with self._moment() as db:
            found = snapshot.peers(db, args.after or "", limit + 1)
        return rq.PeersResult(peers=found[:limit], next_tries=[], more=len(found) > limit)

    def counts(self) -> tuple[int, int, int, int]:
        """The numbers of messages on disk, messages that wait for peers, rooms, and peers on the list."""
        with self._moment() as db:
            return (
                index.newest(db) - self._number("deleted"),
                self._outbox(),
                self._one("SELECT count(*) FROM room"),
                self._one("SELECT count(*) FROM peer WHERE NOT gone"),
            )

    def _outbox(self) -> int:
        """The number of messages that wait for peers. If counting is slow, the number may be some seconds old."""
        count, until = self._counted
        if time.monotonic() < until:
            return count
        began = time.monotonic()
        count = outbox.count(self._db)
        me = self.me()
        count += 0 if me is None else vector.waiting(self._db, me)
        took = time.monotonic() - began
        self._counted = (count, time.monotonic() + took * COUNT_SHARE if took > QUICK_COUNT else 0.0)
        return count

    # -- what the core asks

    def answer(self, query: q.Query) -> s.Fetched:
        """The answer to a Fetch."""
        with self._moment() as db:
            match query:
                case q.ReadWaiting():
                    return s.WaitingRead(query, outbox.waiting(db, query.peer, query.limit))
                case q.ReadUnsigned():
                    ids = outbox.waiting_ids(db, query.peer, query.limit)
                    return s.UnsignedRead(query, [one for id_ in ids if (one := self._message(id_)) is not None])
                case q.ReadPlaces():
                    me = self.me()
                    return s.PlacesRead(query, [] if me is None else vector.places(db, me, query.room, query.upto))
                case q.ReadOldest():
                    return s.OldestRead(query, self._log()[2])
                case q.CountRead():
                    return s.ReadCounted(query, self._came(query))
                case q.CountUnread():
                    return s.UnreadCounted(query, self._came(query))
                case q.FindOld():
                    return expired.find_old(db, query)
                case q.ReadMessage():
                    message = self._message(query.message)
                    if message is None or message.direction != "out":
                        return s.MessageRead(query, None)
                    shown = f"SELECT peer FROM delivery WHERE entry = ? AND {delivery.IS_SHOWN}"  # noqa: S608
                    peer = self._one(shown, query.message)
                    return s.MessageRead(query, (message, leaving.peers(db).get(peer, peer)))

    def _came(self, query: q.CountRead | q.CountUnread) -> int:
        count: int = self._one(
            "SELECT count(*) FROM entry"  # noqa: S608
            f" WHERE room IN (SELECT {ROOM_NUMBER} UNION SELECT room FROM leaving WHERE into_room = {ROOM_NUMBER})"
            " AND NOT outgoing AND kind = 'text' AND id > ?2 AND id <= ?3",
            query.room,
            query.after,
            query.upto,
        )
        return count


def _bounded(number: int) -> int:
    """Clamp a number to SQLite's range. One that had to be clamped matches nothing, before or after."""
    return max(-MAX_INTEGER, min(number, MAX_INTEGER))


def _weight(message: nouns.Message) -> int:
    """The approximate size of a message in a reply, in bytes."""
    return len(message.text.encode()) + 300


def _until_full(messages: Iterable[nouns.Message], limit: int, weight: int) -> tuple[list[nouns.Message], bool]:
    """The first messages, at most `limit` and about `weight` bytes, but at least one; and whether some are left."""
    page: list[nouns.Message] = []
    for message in messages:
        if len(page) >= limit or (page and weight <= 0):
            return page, True
        page.append(message)
        weight -= _weight(message)
    return page, False
