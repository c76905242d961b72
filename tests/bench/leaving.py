"""What others notice while a large conversation is deleted, two large ones become one, or old messages expire.

One front end sends singly, another asks for the status and for a page of a conversation, all with short pauses: first
on the quiet node, then while it works. Expiry also stands beside bare SQL that deletes the same rows, and beside what
comes in meanwhile.
"""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator

from node.bus.client import Client
from node.store import database as store
from node.store import shards
from tests.bench import database, traffic
from tests.bench.processes import NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sizes import Sizes

#: Between two questions of one front end, in seconds.
PAUSE = 0.005
#: Conversations that something is done to, and one in which something is said.
FIRST, SECOND, SAID = (database.room_id(number) for number in (1, 2, 3))
#: What nobody should wait longer for, in ms.
MOST = 50
#: Messages that one transaction of bare SQL deletes.
BARE_BATCH = 2_000
#: How long anything may take, in seconds.
PATIENCE = 1_800


class Others(threading.Thread):
    """Front ends that do one thing after another, and how long each took, in ms."""

    def __init__(self, home: pathlib.Path, asks: dict[str, Callable[[Client], object]]) -> None:
        super().__init__(daemon=True)
        self._home, self._asks = home, asks
        self._enough = threading.Event()
        self.took: dict[str, list[float]] = {name: [] for name in asks}

    def run(self) -> None:
        with contextlib.closing(Client(self._home, name="others", timeout=60)) as client:
            while not self._enough.wait(PAUSE):
                for name, ask in self._asks.items():
                    began = time.perf_counter()
                    ask(client)
                    self.took[name].append(1000 * (time.perf_counter() - began))

    def finish(self) -> None:
        """Ask no more."""
        self._enough.set()
        self.join(120)
        if self.is_alive():
            raise TimeoutError("A front end got no answer.")


def waits(node: NodeProcess, room: str, work: Callable[[], None]) -> dict[str, list[float]]:
    """How long everything that is asked takes while `work` is done; `room` is the one that is read."""
    others = [
        Others(node.home, {"send": lambda client: client.send(SAID, "hello")}),
        Others(
            node.home,
            {
                "status": lambda client: client.request("status"),
                "history": lambda client: client.history(room, limit=50),
            },
        ),
    ]
    for other in others:
        other.start()
    try:
        work()
    finally:
        for other in others:
            other.finish()
    return others[0].took | others[1].took


def p99(values: list[float]) -> float:
    """The value that one in a hundred exceeds."""
    return sorted(values)[len(values) * 99 // 100]


def measure(sizes: Sizes) -> list[Row]:
    """Deletion, merge, expiry, and expiry against a flood."""
    rows = []
    with temporary_home() as home:
        database.fill(home, sizes.deleted, shares=(0.96, 0.02, 0.02))
        what = f"delete {sizes.deleted:,}"
        rows += _others(what, sizes, home, lambda client: client.delete(FIRST))
    with temporary_home() as home:
        database.fill(home, 2 * sizes.merged, shares=(0.49, 0.49, 0.02))
        what = f"merge {sizes.merged:,} into as many"
        rows += _others(what, sizes, home, lambda client: client.merge(FIRST, SECOND))
    with temporary_home() as home, temporary_home() as copy:
        database.fill(home, sizes.database)
        shutil.copy(home / store.FILE_NAME, copy / store.FILE_NAME)
        rows += _expiry(sizes, home, bare(copy))
    with temporary_home() as home:
        database.fill(home, sizes.raced)
        rows.append(_race(sizes, home))
    return rows


def _others(what: str, sizes: Sizes, home: pathlib.Path, command: Callable[[Client], object]) -> list[Row]:
    with NodeProcess(home) as node:
        quiet = waits(node, SECOND, lambda: time.sleep(sizes.quiet_s))
        began = time.perf_counter()
        replied = 0.0

        def work() -> None:
            nonlocal replied
            with contextlib.closing(Client(home, name="asks", timeout=60)) as client:
                command(client)
            replied = time.perf_counter() - began
            wait_until(lambda: not on_its_way_out(home))

        meanwhile = waits(node, SECOND, work)
        took = time.perf_counter() - began
    return [
        Row(what=f"{what}: the reply", unit="ms", values=[1000 * replied], target=Target("<", MOST)),
        Row(what=f"{what}: until the last row", unit="s", values=[took]),
        *_waited(what, quiet, meanwhile),
    ]


def _waited(what: str, quiet: dict[str, list[float]], meanwhile: dict[str, list[float]]) -> list[Row]:
    rows = []
    figures = (("send, median", "send", statistics.median), ("send, p99", "send", p99), ("send, longest", "send", max),
               ("status, longest", "status", max), ("a page of history, longest", "history", max))  # fmt: skip
    for name, asked, figure in figures:
        row = Row(
            what=f"{what}: {name}", unit="ms", values=[figure(meanwhile[asked])], target=Target("<", MOST),
            beside="quiet", references=[figure(quiet[asked])],
        )  # fmt: skip
        rows.append(row)
    return rows


def _expiry(sizes: Sizes, home: pathlib.Path, references: float) -> list[Row]:
    what = f"expire {sizes.database:,}"
    with NodeProcess(home) as node:
        quiet = waits(node, SAID, lambda: time.sleep(sizes.quiet_s))
        began = time.perf_counter()

        def work() -> None:
            node.client.trust_clock()
            node.client.settings(keep_days=1)
            wait_until(lambda: not old(home))

        meanwhile = waits(node, SAID, work)
        took = time.perf_counter() - began
    speed = Row(
        what=f"{what}: how fast", unit="messages/s", values=[sizes.database / took], beside="bare SQL",
        references=[references],
    )  # fmt: skip
    return [speed, *_waited(what, quiet, meanwhile)]


def _race(sizes: Sizes, home: pathlib.Path) -> Row:
    """How much expires while a client in clear says much, beside what comes meanwhile."""
    with NodeProcess(home) as node:
        # More than there is time for.
        flood = Worker(
            traffic.say_paced, node.host, node.port, sizes.raced_per_s, 10**9, max(1, sizes.raced_per_s // 100)
        )
        with flood:
            flood.hear()
            node.client.trust_clock()
            flood.say("go")
            before, began = node.client.stats().received, time.perf_counter()
            node.client.settings(keep_days=1)
            wait_until(lambda: not old(home))
            took = time.perf_counter() - began
            came = node.client.stats().received - before
    return Row(
        what=f"expire {sizes.raced:,} while {sizes.raced_per_s:,} a second come", unit="messages/s",
        values=[sizes.raced / took], beside="what comes", references=[came / took], ratio_target=Target("≥", 1.0),
    )  # fmt: skip


def bare(home: pathlib.Path) -> float:
    """Messages a second of bare SQL that deletes all messages of a home, with their words."""
    with contextlib.closing(store.connect(home)) as db:
        layout = shards.layout(db)
        # As SQLite merges the index without us.
        for shard in layout.newest():
            table = shards.table("search", shard)
            db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('automerge', 4)")
        last = db.execute("SELECT max(id) FROM entry").fetchone()[0]
        began = time.perf_counter()
        start = 1
        while start <= last:
            end = min(start + BARE_BATCH - 1, layout.end(start))
            within = f"BETWEEN {start} AND {end}"
            table = shards.table("search", layout.of(start))
            db.execute("BEGIN IMMEDIATE")
            db.execute(
                f"INSERT INTO {table} ({table}, rowid, text, room)"
                f" SELECT 'delete', id, text, room FROM searchable WHERE id {within}"
            )
            for table, column in (("body", "entry"), ("delivery", "entry"), ("entry", "id")):
                db.execute(f"DELETE FROM {table} WHERE {column} {within}")
            db.execute("COMMIT")
            start = end + 1
        return float(last / (time.perf_counter() - began))


def on_its_way_out(home: pathlib.Path) -> bool:
    """Whether rows of deleted or merged conversations are left."""
    found = "EXISTS (SELECT 1 FROM leaving) OR EXISTS (SELECT 1 FROM fact WHERE name = 'blanking')"
    with _reading(home) as db:
        return bool(db.execute(f"SELECT {found}").fetchone()[0])


def old(home: pathlib.Path) -> bool:
    """Whether messages of the database as it was made are left."""
    with _reading(home) as db:
        row = db.execute("SELECT at FROM entry ORDER BY id LIMIT 1").fetchone()
        return row is not None and row[0] < database.FIRST_AT + 86_400_000 * 1_000


@contextlib.contextmanager
def _reading(home: pathlib.Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(store.connect(home, read_only=True)) as db:
        yield db


def wait_until(so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not so():
        if time.monotonic() > until:
            raise TimeoutError("It was never over.")
        time.sleep(0.05)
