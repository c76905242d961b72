"""Lists in tables of their own: the members and aliases of a room, and the addresses of a peer.

These lists change rarely, but their rooms and peers are written with each message. So the lists on disk are cached, and
a list is written only if it has changed. Lists are read in parallel with their rooms and peers, in the same order.

Law of this file: SQL only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from node.bus.encoding import sound
from node.core.paths import TRUSTED, Path
from node.model import Address

MEMBERS = "SELECT room, peer FROM member WHERE room > ? ORDER BY room, peer"
#: In the order in which they were put.
ALIASES = "SELECT room, id FROM alias WHERE room > ? ORDER BY room, rowid"
ADDRESSES = "SELECT peer, host, port, how, learnt, at FROM address WHERE peer > ? ORDER BY peer, rank"


class Lists:
    """The lists of a table, read one after another in the order of their owners (rooms or peers)."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, owner: Any) -> list[tuple[Any, ...]]:
        """The rows of an owner, without the owner's column. Call it with ascending owners; some may be skipped."""
        found = []
        while self._next is not None and self._next[0] <= owner:
            if self._next[0] == owner:
                found.append(self._next[1:])
            self._next = next(self._rows, None)
        return found


def members(db: sqlite3.Connection, after: int) -> Lists:
    """The members of all rooms with a number above `after`, one row per member."""
    return Lists(db.execute(MEMBERS, (after,)))


def aliases(db: sqlite3.Connection, after: int) -> Lists:
    """The aliases of all rooms with a number above `after`, one row per alias."""
    return Lists(db.execute(ALIASES, (after,)))


def addresses(db: sqlite3.Connection, after: str) -> Lists:
    """The addresses of all peers with an id above `after`, each peer's best address first."""
    return Lists(db.execute(ADDRESSES, (after,)))


def as_text(rows: list[tuple[Any, ...]]) -> list[str]:
    """Addresses as HOST:PORT."""
    return [str(Address(row[0], row[1])) for row in rows]


def as_paths(rows: list[tuple[Any, ...]]) -> tuple[Path, ...]:
    """The paths to a node."""
    # How it was learnt by a later program isn't known here.
    return tuple(
        Path(Address(host, port), how if how in TRUSTED else "seen", learnt, at) for host, port, how, learnt, at in rows
    )


class Kept:
    """Writes lists on the writer's connection, within its transactions, and caches what is on disk."""

    def __init__(self) -> None:
        self._members: dict[int, list[str]] = {}
        self._aliases: dict[int, list[str]] = {}
        self._addresses: dict[str, tuple[list[str], tuple[Path, ...]]] = {}

    def forget(self) -> None:
        """Clear the cache after a rollback: it may hold lists that are not on disk."""
        self._members.clear()
        self._aliases.clear()
        self._addresses.clear()

    def forget_peer(self, peer: str) -> None:
        """Drop a peer that is off the list from the cache: such peers can be many and are rarely written."""
        self._addresses.pop(peer, None)

    def put_members(self, db: sqlite3.Connection, room: int, peers: list[str]) -> None:
        """Store the members of a room."""
        if self._members.get(room) == peers:
            return
        before = [peer for (peer,) in db.execute("SELECT peer FROM member WHERE room = ? ORDER BY peer", (room,))]
        if before != peers:
            db.execute("DELETE FROM member WHERE room = ?", (room,))
            db.executemany("INSERT OR IGNORE INTO member VALUES (?, ?)", [(room, sound(peer)) for peer in peers])
        self._members[room] = peers

    def put_aliases(self, db: sqlite3.Connection, room: int, ids: list[str]) -> None:
        """Store the aliases of a room. One that was another room's is this one's from now on."""
        if self._aliases.get(room) == ids:
            return
        before = [id_ for (id_,) in db.execute("SELECT id FROM alias WHERE room = ? ORDER BY rowid", (room,))]
        if before != ids:
            # The other room's list is another now, too.
            self._aliases.clear()
            db.execute("DELETE FROM alias WHERE room = ?", (room,))
            db.executemany("INSERT OR REPLACE INTO alias VALUES (?, ?)", [(sound(id_), room) for id_ in ids])
        self._aliases[room] = ids

    def move_aliases(self, db: sqlite3.Connection, gone: int, into: int) -> None:
        """The aliases of a room that becomes part of another one are that one's."""
        self._aliases.pop(into, None)
        db.execute("UPDATE alias SET room = ? WHERE room = ?", (into, gone))

    def put_addresses(self, db: sqlite3.Connection, peer: str, found: list[str], paths: tuple[Path, ...] = ()) -> None:
        """Store the addresses of a peer, the best first. Of a node, `paths` says more of them, in the same order."""
        if self._addresses.get(peer) == (found, paths):
            return
        query = "SELECT host, port, how, learnt, at FROM address WHERE peer = ? ORDER BY rank"
        before = {row[:2]: row for row in db.execute(query, (peer,))}
        # Of a plain peer nothing more is told, so what is on disk stays.
        rows = [before.get(where, (*where, "seen", 0, None)) for where in map(_parts, found)]
        if len(paths) == len(found):
            rows = [(*row[:2], path.how, path.learnt, path.good) for row, path in zip(rows, paths, strict=True)]
        if list(before.values()) != rows:
            db.execute("DELETE FROM address WHERE peer = ?", (peer,))
            db.executemany(
                "INSERT INTO address (peer, rank, host, port, how, learnt, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(peer, rank, *row) for rank, row in enumerate(rows)],
            )
        self._addresses[peer] = found, paths

    def drop_room(self, db: sqlite3.Connection, room: int) -> None:
        """Delete the members and aliases of a room that is being deleted."""
        for table in ("member", "alias"):
            db.execute(f"DELETE FROM {table} WHERE room = ?", (room,))  # noqa: S608
        self._members.pop(room, None)
        self._aliases.pop(room, None)


def _parts(address: str) -> tuple[str, int]:
    host, _, port = sound(address).rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)
