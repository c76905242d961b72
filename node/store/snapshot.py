"""The whole state, computed from SQL alone. A fresh snapshot consists of it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from node.bus import nouns
from node.core.clock import order_text
from node.core.loaded import LoadedPeer
from node.model import short_code
from node.store import beside, delivery, facts

#: The position of the first page of a state.
START = "r0"
#: A page ends after its rooms' newest texts reach about this many characters.
MAX_PAGE_CHARS = 1_000_000
#: The columns that `message` needs.
MESSAGE_COLUMNS = (
    "entry.id, entry.room, entry.clock, entry.at, entry.outgoing, entry.author, entry.name, entry.kind, entry.marks,"
    f" body.text, {delivery.STATE}, delivery.detail, entry.tie, signed.stream, signed.n"
)
#: How many columns those are.
MESSAGE_WIDTH = 15
#: The tables with MESSAGE_COLUMNS: one row per message, however many recipients it has.
MESSAGE_TABLES = (
    "entry LEFT JOIN body ON body.entry = entry.id"
    f" LEFT JOIN delivery ON entry.outgoing AND delivery.entry = entry.id AND {delivery.IS_SHOWN}"
    f" LEFT JOIN signed ON signed.entry = {delivery.SIGNED}"
)
#: The kinds of messages that this version shows.
SHOWN = frozenset(("text", "notice"))
PEER_COLUMNS = (
    "id, room, name, kind, host, port, dialect, dialect_from, link, error, last_seen, wanted, gone, own_name, standing,"
    " warning, rival, verified, refusal, hostnames, presence, status"
)


def message(row: tuple[Any, ...], room: str) -> nouns.Message:
    """Build a message from a row of MESSAGE_COLUMNS."""
    shown = row[7] in SHOWN
    return nouns.Message(
        id=row[0],
        room=room,
        order=order_text(row[2], row[12]),
        at=row[3],
        direction="out" if row[4] else "in",
        author=row[5],
        name=row[6],
        kind=row[7] if shown else "unknown",
        marks=row[8].split(",") if row[8] else [],
        text=(row[9] or "") if shown else "",
        state=row[10],
        detail=row[11],
        entry=None if row[14] is None else nouns.Place(stream=row[13].hex(), n=row[14]),
    )


def place(row: tuple[Any, ...]) -> tuple[int, bytes, int]:
    """The place of a row of MESSAGE_COLUMNS in the order to show."""
    return row[2], row[12], row[0]


def deleted(id_: int, room: str, at: int, event: str) -> nouns.Message:
    """The placeholder that an old event shows for a message that has been deleted."""
    direction: nouns.Direction = "in" if event == "MessageReceived" else "out"
    return nouns.Message(
        id=id_, room=room, order=order_text(0), at=at, direction=direction, author="", name="", kind="deleted"
    )


def peer(row: tuple[Any, ...], addresses: list[str]) -> nouns.Peer:
    """Build a peer from a row of PEER_COLUMNS and its addresses."""
    return nouns.Peer(
        id=row[0],
        room=row[1],
        name=row[2],
        kind=row[3],
        host=row[4],
        port=row[5],
        dialect=row[6],
        dialect_from=row[7],
        link=row[8],
        error=row[9],
        last_seen=row[10],
        wanted=bool(row[11]),
        own_name=row[13],
        standing=row[14],
        addresses=addresses,
        code=short_code(row[0]) if row[3] == "node" else "",
        warning=row[15],
        rival=row[16],
        verified=bool(row[17]),
        refusal=row[18],
        hostnames=row[19].split(),
        presence=row[20],
        status=row[21],
    )


def loaded(row: tuple[Any, ...], addresses: list[tuple[Any, ...]], waiting: bool) -> LoadedPeer:
    """Build a peer for the core, likewise. `waiting`: messages wait for it."""
    found = peer(row, beside.as_text(addresses))
    return LoadedPeer(found, bool(row[12]), waiting, beside.as_paths(addresses) if found.kind == "node" else ())


def rooms(db: sqlite3.Connection) -> list[nouns.Room]:
    """All conversations, each with a preview of its newest message."""
    return [room for _, room, _ in _rooms(db, 0, -1)]


def _rooms(db: sqlite3.Connection, after: int, limit: int) -> Iterator[tuple[int, nouns.Room, int]]:
    """Conversations with a number above `after`, at most `limit` (-1: all).

    Yields the number, the conversation, and the length of its newest text in characters.
    """
    tables = MESSAGE_TABLES.replace("entry LEFT", "entry ON entry.id = room.last LEFT", 1)
    rows = db.execute(
        "SELECT room.number, room.id, room.kind, room.name, room.peer, room.encrypted, room.unread, room.read_upto,"  # noqa: S608
        f" room.created, room.request, room.hidden, {MESSAGE_COLUMNS} FROM room LEFT JOIN {tables}"
        " WHERE room.number > ? ORDER BY room.number LIMIT ?",
        (after, limit),
    )
    members, aliases = beside.members(db, after), beside.aliases(db, after)
    for number, *row in rows:
        last = message(tuple(row[10:]), row[0]) if row[10] is not None else None
        room = nouns.Room(
            id=row[0],
            kind=row[1],
            name=row[2],
            peer=row[3],
            encrypted=bool(row[4]),
            unread=row[5],
            read_upto=row[6],
            created=row[7],
            last=None if last is None else nouns.preview(last),
            members=[peer for (peer,) in members.of(number)],
            aliases=[id_ for (id_,) in aliases.of(number)],
            request=bool(row[8]),
            hidden=bool(row[9]),
        )
        yield number, room, 0 if last is None else len(last.text)


def peers(db: sqlite3.Connection, after: str, limit: int) -> list[nouns.Peer]:
    """Peers on the list with an id above `after`, at most `limit` (-1: all), in the order of ids."""
    rows = db.execute(
        f"SELECT {PEER_COLUMNS} FROM peer WHERE NOT gone AND id > ? ORDER BY id LIMIT ?",  # noqa: S608
        (after, limit),
    )
    addresses = beside.addresses(db, after)
    return [peer(row, beside.as_text(addresses.of(row[0]))) for row in rows]


def log_ends(db: sqlite3.Connection) -> tuple[int, int]:
    """The oldest and the newest `seq` in the log. For an empty log: the next `seq`, and the last that existed."""
    trimmed = db.execute("SELECT value FROM fact WHERE name = 'trimmed'").fetchone()
    last = facts.number("trimmed", trimmed[0]) if trimmed else 0
    oldest, newest = db.execute("SELECT (SELECT min(seq) FROM event), (SELECT max(seq) FROM event)").fetchone()
    return oldest or last + 1, newest or last


def state(db: sqlite3.Connection) -> nouns.State:
    """The whole state. Runs in the caller's read transaction, so that it shows one moment."""
    found = _nobody(db)
    found.rooms = {room.id: room for room in rooms(db)}
    found.peers = {one.id: one for one in peers(db, "", -1)}
    return found


def _nobody(db: sqlite3.Connection) -> nouns.State:
    """The state without rooms and peers."""
    held = dict(db.execute("SELECT name, value FROM fact WHERE name IN ('self', 'settings', 'greetings')"))
    return nouns.State(
        self=facts.structure("self", held.get("self"), nouns.Self),
        settings=facts.structure("settings", held.get("settings"), nouns.Settings),
        greetings=greetings(held.get("greetings")),
        blocked=blocked(db),
    )


def blocked(db: sqlite3.Connection) -> dict[str, nouns.Blocked]:
    """Who is blocked, by id."""
    rows = db.execute("SELECT id, name, at FROM blocked ORDER BY id")
    return {id_: nouns.Blocked(id=id_, name=name, at=at) for id_, name, at in rows}


def is_position(text: str) -> bool:
    """Whether a text is a valid position for the beginning of a page."""
    return re.fullmatch(r"r[0-9]{1,18}|p.{0,128}", text) is not None


def page(db: sqlite3.Connection, position: str, limit: int) -> tuple[nouns.State, str | None]:
    """A page of the state: at most `limit` rooms and peers from a position on; and the next position, None at the end.

    Rooms come first. A page with long newest texts ends early: it contains only previews of them, but reads them whole.
    """
    found = _nobody(db)
    after = ""
    if position.startswith("r"):
        weight = 0
        for number, room, length in _rooms(db, int(position[1:]), limit):
            found.rooms[room.id] = room
            weight += length
            if len(found.rooms) == limit or weight > MAX_PAGE_CHARS:
                return found, f"r{number}"
    else:
        after = position[1:]
    left = limit - len(found.rooms)
    some = peers(db, after, left + 1)
    found.peers = {one.id: one for one in some[:left]}
    return found, f"p{some[left - 1].id}" if len(some) > left else None


def greetings(fact: str | None) -> dict[str, nouns.Greeting]:
    """Parse the fact that holds the greetings of the mandatory peers. Raises StoreCorrupt if it can't be read."""
    return {} if fact is None else facts.structure("greetings", fact, dict[str, nouns.Greeting])
