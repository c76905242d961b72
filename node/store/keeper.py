"""Upkeep of the search index: indexing new messages, erasing deleted words, and replacing a broken index.

Each call is one or a few short transactions on the writer's connection. index.py implements the steps. The layer above
the store decides when to take them.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from node.errors import IndexBroken, StoreUnavailable
from node.store import index, leaving, shards


class IndexState(msgspec.Struct, frozen=True):
    """The condition of the search index."""

    #: Why the index can't be used; None if it can. Set until the index has been thrown away.
    broken: str | None = None
    #: Whether the index is incomplete because it was thrown away, or will be because it is broken.
    rebuilding: bool = False
    #: Whether the index may still contain words of deleted messages.
    owes: bool = False
    #: How many message ids the index is behind.
    behind: int = 0


class Database(Protocol):
    """The owner of the writer's connection."""

    @property
    def connection(self) -> sqlite3.Connection:
        """The current connection. After a failure it may be a new one."""

    def attempt(self, step: Callable[[], Any]) -> None:
        """Run a step in one transaction. It is on disk when this returns."""

    def fold(self) -> bool:
        """Checkpoint the WAL and truncate it; returns whether that was possible."""


class Keeper:
    """Works on the writer's connection and in its thread. All methods raise StoreUnavailable if the disk fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self) -> IndexState:
        """The condition of the index."""
        db = self._database.connection
        try:
            return IndexState(
                index.broken(db), index.rebuilding(db), index.owes(db) and not leaving.deleting(db), index.behind(db)
            )
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The database can't be read: {error}.") from error

    def advance(self, limit: int) -> int:
        """Index the next messages, at most `limit`; returns how many are left, or 0 if the index is broken."""
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
                # A rebuild would fail at the same messages again.
                raise StoreUnavailable(f"The database can't be read: {unreadable}.") from unreadable
            self.give_up(str(error))
            return 0
        return left

    def give_up(self, why: str) -> None:
        """Mark the index as broken. Nothing reads or writes it until it has been thrown away."""
        self._database.attempt(lambda: index.mark_broken(self._database.connection, why))

    def discard(self) -> bool:
        """Do one step of throwing a broken index away; returns True once an empty index has replaced it.

        The old content is overwritten, as far as it can still be read.
        """
        left, readable = False, True

        def step(table: str) -> None:
            nonlocal left
            left = index.empty(self._database.connection, table) or left

        def replace(tables: bool) -> None:
            index.discard(self._database.connection, tables=tables)

        for table in shards.TABLES:
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
        """Do one step of erasing the words of deleted messages; returns whether there is more to do.

        `begin`: this is the first step of a pass. An index that comes near SQLite's limit of levels is given up.
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
            # Otherwise the words would stay readable in the WAL.
            self._database.fold()
        return more
