"""The shards of the full-text index: its tables, and which of them holds which message.

FTS5 merges all places of a word in one go, and a common word is in every second message. With a million messages in one
table that takes 40 ms, and nobody else can write meanwhile. So the index is cut into COUNT shards. Each has a table of
each kind. Ids of messages are dealt to the shards in blocks: block 0 goes to shard 0, block 1 to shard 1, and after the
last shard it is the turn of shard 0 again. Shard 0 is part of the schema. The tables of another shard are made when the
index comes to its first block; most homes never have them.

The fact `index_whole`: all messages up to this one are in shard 0. It is set by the migration to schema 12, because
earlier programs had no other.

Law of this file: it reads facts and makes tables. It neither adds words nor removes them.
"""

from __future__ import annotations

import re
import sqlite3

import msgspec

from node.store import facts, segments

#: What a shard consists of: `search` has the words of messages, `unspaced` what unspaced.py makes of them.
KINDS = ("search", "unspaced")
COUNT = 16
#: Message ids of one block: a power of two.
BLOCK_BITS = 17
#: FTS5's shadow tables, which store a virtual table's content. `data` holds the words.
SHADOWS = ("data", "idx", "content", "docsize", "config")


def table(kind: str, shard: int) -> str:
    """The name of a table."""
    return kind if shard == 0 else f"{kind}_{shard}"


#: All tables that there can be.
TABLES = tuple(table(kind, shard) for shard in range(COUNT) for kind in KINDS)


class Layout(msgspec.Struct, frozen=True):
    """Where the messages are."""

    #: The fact `index_whole`.
    whole: int
    #: The last message that is indexed.
    upto: int

    def of(self, id_: int) -> int:
        """The shard of a message."""
        return 0 if id_ <= self.whole else (id_ >> BLOCK_BITS) % COUNT

    def end(self, id_: int) -> int:
        """The last message that is in the same shard as this one and all between."""
        return self.whole if id_ <= self.whole else ((id_ >> BLOCK_BITS) + 1 << BLOCK_BITS) - 1

    @property
    def sql(self) -> str:
        """The shard of the row `entry`, as an expression of SQL."""
        return f"CASE WHEN entry.id <= {self.whole:d} THEN 0 ELSE (entry.id >> {BLOCK_BITS}) % {COUNT} END"

    def newest(self) -> dict[int, int]:
        """The shards that there are, and up to which message each reaches; the one with the newest message first."""
        found: dict[int, int] = {}
        end = self.upto
        while end > self.whole and len(found) < COUNT:
            block = end >> BLOCK_BITS
            found.setdefault(block % COUNT, end)
            end = (block << BLOCK_BITS) - 1
        found.setdefault(0, self.whole)
        return found

    def tables(self) -> list[str]:
        """The tables that there are."""
        return [table(kind, shard) for shard in self.newest() for kind in KINDS]


def layout(db: sqlite3.Connection) -> Layout:
    """Where the messages are now. Raises StoreCorrupt."""
    return Layout(facts.held(db, "index_whole"), facts.held(db, "indexed"))


def make(db: sqlite3.Connection, shard: int) -> list[str]:
    """Make the tables of a shard, unless they are there already; returns the new ones.

    They are made like those of shard 0. Raises segments.Unreadable where these are missing, and sqlite3.Error.
    """
    made = []
    for kind in KINDS:
        name = table(kind, shard)
        if db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).fetchone() is None:
            found = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (kind,)).fetchone()
            if found is None:
                raise segments.Unreadable(f"its table {kind} is missing")
            db.execute(renamed(found[0], kind, name))
            made.append(name)
    return made


def base_of(name: str) -> tuple[str, str] | None:
    """Shard 0's table and the same one of a further shard, for the name of that or of a shadow of it; None: neither."""
    match = re.fullmatch(rf"(({'|'.join(KINDS)})_[0-9]+)(_({'|'.join(SHADOWS)}))?", name)
    return (match[2], match[1]) if match is not None and match[1] in TABLES else None


def renamed(sql: str, kind: str, name: str) -> str:
    """SQL that makes a table of shard 0, or a shadow of it, for the same table of another shard."""
    return re.sub(rf"^(CREATE (?:VIRTUAL TABLE |TABLE '){kind})(?=[ _])", rf"\g<1>{name[len(kind) :]}", sql)
