"""Search in a million messages, newest first; and how fast a node with so many starts, beside one with none."""

from __future__ import annotations

import pathlib
import time

from tests.bench import database
from tests.bench.processes import NodeProcess, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sizes import Sizes

#: Conversations by size: the largest and one of the small ones.
LARGE, SMALL = database.room_id(1), database.room_id(database.ROOMS)


def measure(sizes: Sizes) -> list[Row]:
    """One database for all: start-up first, then queries."""
    with temporary_home() as home:
        indexed = database.fill(home, sizes.database)
        return [_start_up(sizes, home), *_index(sizes, indexed), *_searches(sizes, home)]


def _index(sizes: Sizes, indexed: database.Indexed) -> list[Row]:
    what = f"index {sizes.database:,}"
    count = sizes.database // database.UNSPACED_EVERY
    words, unspaced = (indexed.sizes[table] / 1e6 for table in ("search", "unspaced"))
    return [
        Row(what=f"{what}: how fast", unit="messages/s", values=[sizes.database / indexed.seconds]),
        Row(what=f"{what}: words of all messages", unit="MB", values=[words]),
        Row(what=f"{what}: runs of {count:,} messages without spaces", unit="MB", values=[unspaced]),
    ]


def _start_up(sizes: Sizes, home: pathlib.Path) -> Row:
    values, references = [], []
    for _ in range(sizes.starts):
        with temporary_home() as empty, NodeProcess(empty) as fresh:
            references.append(fresh.start_s)
        with NodeProcess(home) as node:
            values.append(node.start_s)
    return Row(
        what=f"start-up to ready, {sizes.database:,} messages", unit="s", values=values, target=Target("<", 1),
        beside="empty home", references=references,
    )  # fmt: skip


def _searches(sizes: Sizes, home: pathlib.Path) -> list[Row]:
    known = database.words()
    frequent, long = known[0], next(word for word in known if len(word) >= 6)
    signs = database.characters()
    queries: dict[str, tuple[str, str | None]] = {
        "a rare word": (database.RARE, None),
        "the most frequent word": (frequent, None),
        "three frequent words": (" ".join(known[:3]), None),
        "a phrase of two": (f'"{known[0]} {known[1]}"', None),
        "a prefix of 1 letter": (f"{frequent[:1]}*", None),
        "a prefix of 2 letters": (f"{frequent[:2]}*", None),
        "a prefix of 3 letters": (f"{long[:3]}*", None),
        "a prefix of 4 letters": (f"{long[:4]}*", None),
        "a frequent word in a small room": (frequent, SMALL),
        "a prefix of 3 letters in a small room": (f"{long[:3]}*", SMALL),
        "a rare word in the largest room": (database.RARE, LARGE),
        "the most frequent character without spaces": (signs[0], None),
        "two frequent characters in a row": (signs[0] + signs[1], None),
        "two frequent characters in one message": (f"{signs[0]} {signs[1]}", None),
        "such a row in a small room": (signs[0] + signs[1], SMALL),
    }
    rows = []
    with NodeProcess(home) as node:
        for what, (query, room) in queries.items():
            values = []
            for _ in range(sizes.searches):
                start = time.perf_counter()
                found = node.client.search(query, room=room)
                values.append(1000 * (time.perf_counter() - start))
            what = f"search {sizes.database:,}: {what} ({len(found.hits)}{'+' * found.more} hits)"
            rows.append(Row(what=what, unit="ms", values=values, target=Target("<", 50)))
    return rows
