"""The search index's keeper: brings it forward, erases words from it, and replaces it when it is broken.

Each call is a short transaction of the writer's connection, or a few. What the steps are is in `index`; when they are
taken is decided above the store.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from node.errors import IndexBroken, StoreUnavailable
from node.store import index


class IndexState(msgspec.Struct, frozen=True):
    """How the search index is."""

    #: Why it can't be used, until it was thrown away.
    broken: str | None = None
    #: It was thrown away, or will be, and isn't complete again.
    rebuilding: bool = False
    #: Words of messages that are no more may still stand in it.
    owes: bool = False
    #: How many message ids it is behind.
    behind: int = 0


class Database(Protocol):
    """Who owns the connection that writes."""

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, as it is now: after a failure it may be another one."""

    def attempt(self, step: Callable[[], Any]) -> None:
        """Do a step in one transaction, which is on disk when this returns."""

    def fold(self) -> bool:
        """Fold the write-ahead log back; returns whether that was possible."""


class Keeper:
    """Works on the writer's connection and in its thread. All methods raise StoreUnavailable when the disk fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self) -> IndexState:
        """How the index is."""
        db = self._database.connection
        try:
            return IndexState(index.broken(db), index.rebuilding(db), index.owes(db), index.behind(db))
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The database can't be read: {error}.") from error

    def advance(self, limit: int) -> int:
        """Index the next messages, at most `limit`; returns how many are left. 0 also when the index is broken."""
        db, left = self._database.connection, 0
        if not index.behind(db):
            return 0

        def step() -> None:
            nonlocal left
            left = index.advance(db, limit)

        try:
            self._database.attempt(step)
        except IndexBroken as error:
            try:
                index.readable(self._database.connection, limit)
            except sqlite3.Error as unreadable:
                # Building the index anew would meet the same messages again.
                raise StoreUnavailable(f"The database can't be read: {unreadable}.") from unreadable
            self.give_up(str(error))
            return 0
        return left

    def give_up(self, why: str) -> None:
        """The index can't be used. Nothing reads or writes it any more until it was thrown away."""
        self._database.attempt(lambda: index.mark_broken(self._database.connection, why))

    def discard(self) -> bool:
        """A step of throwing a broken index away; True when an empty one stands in its place.

        What was in it is overwritten, as far as it can still be read.
        """
        left, readable = False, True

        def step(table: str) -> None:
            nonlocal left
            left = index.empty(self._database.connection, table) or left

        def replace(tables: bool) -> None:
            index.discard(self._database.connection, tables=tables)

        for table in index.TABLES:
            try:
                self._database.attempt(functools.partial(step, table))
            except IndexBroken:
                readable = False
        if left:
            return False
        try:
            self._database.attempt(lambda: replace(readable))
        except IndexBroken:
            self._database.attempt(lambda: replace(False))
        return True

    def erase(self, *, begin: bool) -> bool:
        """A step of erasing the words of messages that are no more; `begin`: the first one of a pass.

        Returns whether there is more to do. An index that comes near the number of levels that SQLite takes is given up
        instead.
        """
        db, more = self._database.connection, True

        def step() -> None:
            nonlocal more
            if begin:
                index.check(db)
                index.begin_erasing(db)
            more = index.erase(db)

        try:
            self._database.attempt(step)
        except IndexBroken as error:
            self.give_up(str(error))
            return False
        if not more:
            # The words would stay readable in the WAL.
            self._database.fold()
        return more
