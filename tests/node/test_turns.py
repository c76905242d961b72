"""What waits for the disk: bounded, shared out between sources, and let out in order once it is written."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sqlite3
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, cast

import pytest

from node import threads, turns
from node.batches import BYTES_A_RECORD, MAX_BATCH, MIN_SHARE, RECORD_TAKES
from node.bus import encoding, nouns
from node.bus import events as ev
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.node import Node
from node.errors import CommandRefused, StoreUnavailable
from node.protocol.plain.codec import Said, Text
from node.store import database, history
from node.store.reader import Reader
from node.store.writer import Writer
from node.turns import MAX_PENDING, Turns
from tests.node.peers.live import eventually
from tests.node.worlds import Disk, Peers, World


class Core:
    """Decides one record for each text, and an answer for each command."""

    head = 0

    #: What is due in all cores, and how often that was asked for.
    deadline: int | None = None
    looks = 0

    def __init__(self) -> None:
        self.hosts: dict[int, str] = {}

    def handle(self, stimulus: s.Stimulus, now: int) -> list[e.Effect]:
        if isinstance(stimulus, s.Commanded):
            return [e.Reply(stimulus.token, None)]
        if isinstance(stimulus, s.LinkUp):
            self.hosts[stimulus.link] = stimulus.host
        if not isinstance(stimulus, s.Heard):
            return []
        host = self.hosts[stimulus.link]
        return [e.PutShutOut({host: number}) for number, _ in enumerate(stimulus.said)]

    def recovered(self, now: int) -> list[e.Effect]:
        return []

    def next_deadline(self) -> int | None:
        Core.looks += 1
        return Core.deadline


class Bench:
    """Turns over a core and a disk of the tests' own."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.world, self.peers = World(), Peers()
        self.acts = self.world.acts
        writer, reader = cast(Writer, self.disk), cast(Reader, self.disk)
        self.turns = Turns(writer, reader, lambda: cast(Node, Core()), self.world, self.peers)

    def hear(self, host: str, count: int) -> None:
        """A source says so many things."""
        hear(self.turns, host, [Text("x")] * count, 1)


def hear(turns: Turns, host: str, said: list[Said], size: int) -> None:
    """A link of this address says something."""
    link = link_of(host)
    turns.feed(s.LinkUp(link, "in", host, None, "snicher", True))
    turns.feed(s.Heard(link, said, size))


def link_of(host: str) -> int:
    return 2 * zlib.crc32(host.encode())


def run(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    @contextlib.asynccontextmanager
    async def bench() -> AsyncIterator[Bench]:
        one = Bench()
        try:
            yield one
        finally:
            one.disk.let_through(1_000)
            await one.turns.quiet(60)
            await one.turns.close()

    async def whole() -> None:
        async with asyncio.timeout(60), bench() as one:
            await test(one)

    asyncio.run(whole())


async def committing(bench: Bench) -> None:
    """One small commit is under way: what comes now waits for the next."""
    bench.hear("first", 1)
    await eventually(lambda: bench.turns._committing is not None)


def test_nobody_waits_while_the_disk_has_time() -> None:
    async def test(bench: Bench) -> None:
        bench.hear("anna", MAX_BATCH)
        assert not bench.turns.full_for("anna")

    run(test)


def test_with_several_sources_one_with_more_than_its_share_waits_and_the_others_don_t() -> None:
    async def test(bench: Bench) -> None:
        await committing(bench)
        bench.hear("honest", 3)
        size = bench.turns._sizes.usual[True]
        bench.hear("flood", size)
        assert bench.turns.full_for("flood")
        assert not bench.turns.full_for("honest")
        assert not bench.turns.full_for("somebody new")
        bench.disk.let_through()
        await eventually(lambda: "go on" in bench.peers.done)
        assert not bench.turns.full_for("flood"), "the next batch is empty"

    run(test)


def test_a_crowd_fills_no_longer_batch_and_who_says_little_gets_in() -> None:
    async def test(bench: Bench) -> None:
        crowd = [f"10.9.0.{number}" for number in range(200)]
        for source in crowd:
            bench.hear(source, 1)
        bench.disk.let_through()
        await bench.turns.quiet(60)
        await committing(bench)
        for source in crowd:
            bench.hear(source, 1)
        assert all(bench.turns.full_for(source) for source in crowd)
        assert bench.turns.full_for("somebody new"), "the smallest shares make a long batch as well"
        assert not bench.turns.full_for("honest", light=True)
        bench.hear("honest", MIN_SHARE + 1)
        assert bench.turns.full_for("honest", light=True), "not with a good part of what waits"

    run(test)


def test_what_peers_said_costs_the_disk_something_from_the_start() -> None:
    async def test(bench: Bench) -> None:
        before = bench.turns.owed
        bench.hear("anna", 100)
        assert bench.turns.owed - before >= 100 * RECORD_TAKES

    run(test)


def test_a_source_alone_fills_a_longer_batch() -> None:
    async def test(bench: Bench) -> None:
        await committing(bench)
        bench.hear("anna", bench.turns._sizes.usual[True])
        assert not bench.turns.full_for("anna")
        bench.hear("anna", bench.turns._sizes.usual[False])
        assert bench.turns.full_for("anna")
        assert not bench.turns.full_for("ben")

    run(test)


def test_long_texts_fill_a_batch_by_their_bytes() -> None:
    async def test(bench: Bench) -> None:
        await committing(bench)
        size = bench.turns._sizes.usual[False]
        hear(bench.turns, "anna", [Text("x")], size * BYTES_A_RECORD)
        assert bench.turns.full_for("anna")
        assert not bench.turns.full_for("ben")

    run(test)


def test_the_disk_goes_on_while_the_outcome_of_a_batch_is_told() -> None:
    async def test(bench: Bench) -> None:
        bench.hear("first", 1)
        bench.turns.feed(s.Commanded(7, "settings", None, ev.Cause(client="c", request="r"), None))
        await eventually(lambda: bench.turns._committing is not None)
        bench.hear("second", 1)
        working: list[bool] = []
        bench.world.perform = lambda act: working.append(bench.turns._committing is not None)  # type: ignore[method-assign]
        bench.disk.let_through(1)
        await eventually(lambda: working)
        assert working == [True]

    run(test)


def test_commands_get_in_while_sources_wait_and_are_refused_only_far_beyond() -> None:
    async def test(bench: Bench) -> None:
        await committing(bench)
        bench.hear("flood", MAX_PENDING)
        assert bench.turns.full_for("flood")
        early = bench.turns.busy
        assert not early
        bench.turns.feed(s.Commanded(7, "settings", None, ev.Cause(client="c", request="r"), None))
        bench.disk.let_through(2)
        await eventually(lambda: bench.acts)
        assert bench.acts == [e.Reply(7, None)]
        await committing(bench)
        bench.hear("flood", MAX_PENDING + 1)
        assert bench.turns.full_for("somebody new")
        assert bench.turns.busy
        bench.disk.let_through(2)
        await eventually(lambda: not bench.turns.busy)

    run(test)


@pytest.mark.parametrize(
    ("fault", "hosts"),
    [(StoreUnavailable("The disk is full."), ["first", "second"]), (ValueError("a bug"), ["second"])],
    ids=["a failed disk", "a bug"],
)
def test_after_a_failed_commit_its_stimuli_come_again_unless_a_bug_failed_it(
    fault: Exception, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PROBE_EVERY", 0)

    async def test(bench: Bench) -> None:
        bench.disk.fault = fault
        await committing(bench)
        bench.hear("second", 1)
        bench.disk.let_through(2)
        await eventually(lambda: bench.disk.written)
        written = [record for batch in bench.disk.written for record in batch]
        # What led to the bug would lead there again; what only waited behind it goes on.
        assert written == [e.PutShutOut({host: 0}) for host in hosts]

    run(test)


def test_a_failed_commit_refuses_what_waits_leaves_all_links_and_reads_on_once_a_write_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PROBE_EVERY", 0)
    message = q.ReadMessage(8, None, None, 1)
    undone = [e.Transmit(2, 5, "x"), e.Reply(7, None), e.Fetch(message), e.Fetch(q.ReadWaiting("p", 1)), e.Exit()]

    async def test(bench: Bench) -> None:
        bench.disk.fault = StoreUnavailable("The disk is full.")
        monkeypatch.setattr(bench.turns.core, "handle", lambda stimulus, now: [e.PutShutOut({}), *undone])
        bench.turns.feed(s.Ticked())
        fed: list[s.Stimulus] = []
        monkeypatch.setattr(Core, "handle", lambda self, stimulus, now: fed.append(stimulus) or [])
        bench.disk.let_through(1)
        await eventually(lambda: "resume" in bench.peers.done)
        assert bench.peers.done == ["pause", "leave all", "resume"]
        assert bench.acts == [e.Refuse(token, "store_unavailable", "The disk is full.") for token in (7, 8)]
        assert fed == [s.Transmitted(2, 5, "not_sent", "The disk is full.", 1, 1, ())]
        problems = [(one.store, one.problem) for one in bench.world.told]
        assert problems == [(False, "The disk is full."), (True, None)]

    run(test)


@pytest.mark.parametrize("works", [True, False], ids=["the disk works", "the disk fails"])
def test_what_the_store_can_t_read_is_told_to_whoever_asked(works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(bench: Bench) -> None:
        def broken(query: q.Query) -> s.Fetched:
            raise ValueError("a bug")

        fed: list[s.Stimulus] = []
        monkeypatch.setattr(bench.disk, "answer", broken, raising=False)
        monkeypatch.setattr(Core, "handle", lambda self, stimulus, now: fed.append(stimulus) or [])
        if not works:
            bench.turns._condition.fails("The disk is full.")
        waiting, asked = q.ReadWaiting("p", 1), q.ReadMessage(8, None, None, 1)
        for query in (waiting, q.CountUnread("r", 0, 1, 0, 0), q.FindOld(0, 0, 1, 0), asked):
            bench.turns.fetch(query)
        await eventually(lambda: not bench.turns._background)
        assert fed == ([s.WaitingRead(waiting, None)] if works else [])
        assert bench.acts == [e.Refuse(8, "internal", "The store could not be read.")]
        bench.turns._condition.works()

    run(test)


def test_a_core_made_anew_is_told_what_each_link_is_until_its_end_is_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PROBE_EVERY", 0)

    async def test(bench: Bench) -> None:
        await committing(bench)
        bench.disk.let_through(1)
        await eventually(lambda: bench.disk.written)
        first = bench.turns.core
        bench.disk.fault = StoreUnavailable("full")
        bench.hear("anna", 1)
        bench.turns.feed(s.Closed(link_of("anna"), None))
        bench.disk.let_through(3)
        # The link was told of long before, and its end in the batch that was lost.
        await eventually(lambda: bench.turns.core is not first and len(bench.disk.written) > 1)
        assert bench.disk.written[-1] == [e.PutShutOut({"anna": 0})]
        await eventually(lambda: set(bench.turns._links) == {link_of("first")})

    run(test)


# -- the end

#: Counts for minutes, in one statement.
FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000000) SELECT count(*) FROM n"
#: Far less than that, and enough for a busy machine.
PROMPT = 10.0


class Ending:
    """Turns over a real store, whose writer and reader are kept busy when the end comes."""

    def __init__(self, home: pathlib.Path) -> None:
        self.writer = Writer(home)
        self.writer.prepare(log="log-1", instance="s")
        self.reader = Reader(home)
        world = World()
        self.acts = world.acts
        self.turns = Turns(self.writer, self.reader, lambda: cast(Node, Core()), world, Peers())
        self.turns.upkeep.start()
        self.running = threading.Event()

    def slowly(self, db: sqlite3.Connection) -> Any:
        self.running.set()
        return db.execute(FOREVER).fetchone()

    async def busy(self) -> None:
        await eventually(self.running.is_set)


def end(home: pathlib.Path, test: Callable[[Ending], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(PROMPT + 30):
            await test(Ending(home))

    asyncio.run(whole())


async def refused(waiting: asyncio.Future[Any]) -> None:
    with pytest.raises(CommandRefused) as error:
        await waiting
    assert error.value.code == "stopping"


@pytest.mark.parametrize("where", ["reader", "writer"])
def test_a_long_query_does_not_hold_up_the_end(
    tmp_path: pathlib.Path, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(ending: Ending) -> None:
        one = ending.turns
        ask, db = (one.read, ending.reader._db) if where == "reader" else (one.write, ending.writer._db)
        running = asyncio.ensure_future(ask(ending.slowly, db))
        queued = [asyncio.ensure_future(ask(ending.slowly, db)) for _ in range(5)]
        await ending.busy()
        closing = asyncio.ensure_future(one.close())
        await asyncio.sleep(0)
        late = [asyncio.ensure_future(one.read(ending.reader.counts)), asyncio.ensure_future(one.write(len, ""))]
        # What nobody waits for ends without a word.
        step = asyncio.ensure_future(one.upkeep.step())
        async with asyncio.timeout(PROMPT):
            await closing
            await step
        for waiting in (running, *queued, *late):
            await refused(waiting)
        # And after it.
        await refused(asyncio.ensure_future(one.read(ending.reader.counts)))
        one.feed(s.Commanded(7, "settings", None, ev.Cause(client="c", request="r"), None))
        assert ending.acts == [e.Refuse(7, "stopping", threads.STOPPING)]

    end(tmp_path, test)
    assert not any(record.exc_info for record in caplog.records)
    assert {path.name for path in tmp_path.iterdir()} == {database.FILE_NAME, history.FILE_NAME}


def test_a_commit_that_is_not_done_at_the_end_is_undone_whole_and_its_command_is_told(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(ending: Ending) -> None:
        one, write = ending.turns, ending.writer._write

        def slow(records: list[e.Record]) -> None:
            write(records)
            ending.slowly(ending.writer._db)

        monkeypatch.setattr(ending.writer, "_write", slow)
        hear(one, "anna", [Text("x")], 1)
        one.feed(s.Commanded(7, "settings", None, ev.Cause(client="c", request="r"), None))
        await ending.busy()
        one.feed(s.Commanded(8, "settings", None, ev.Cause(client="c", request="r"), None))
        async with asyncio.timeout(PROMPT):
            await one.close()
            await one.quiet(PROMPT)
        assert ending.acts == [e.Refuse(number, "stopping", threads.STOPPING) for number in (7, 8)]

    end(tmp_path, test)
    assert not any(record.exc_info for record in caplog.records)
    with contextlib.closing(Reader(tmp_path)) as reader:
        assert reader.fact("shut_out") is None


def test_a_wal_that_takes_long_to_fold_stays_for_the_next_start(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "CLOSE_FOLD", 0.05)

    async def test(ending: Ending) -> None:
        ending.writer._db.execute("INSERT INTO fact VALUES ('kept', 'yes')")

        def fold() -> None:
            with contextlib.suppress(sqlite3.Error):
                ending.slowly(ending.writer._db)

        monkeypatch.setattr(ending.writer, "fold", fold)
        async with asyncio.timeout(PROMPT):
            await ending.turns.close()

    end(tmp_path, test)
    assert (tmp_path / f"{database.FILE_NAME}-wal").stat().st_size > 0
    with contextlib.closing(Reader(tmp_path)) as reader:
        assert reader.fact("kept") == "yes"


def test_an_open_snapshot_does_not_keep_the_wal_from_being_folded_back(tmp_path: pathlib.Path) -> None:
    async def test(ending: Ending) -> None:
        facts = {"self": nouns.Self(id="me", code="", name="", listen=""), "settings": nouns.Settings(name="anna")}
        for name, value in facts.items():
            ending.writer._db.execute("INSERT INTO fact VALUES (?, ?)", (name, encoding.encode(value).decode()))
        await ending.turns.read(ending.reader.pages.first, 1)
        await ending.turns.close()

    end(tmp_path, test)
    assert {path.name for path in tmp_path.iterdir()} == {database.FILE_NAME, history.FILE_NAME}


def test_what_is_due_while_the_disk_fails_keeps_nobody_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PROBE_EVERY", 0.2)

    async def story(bench: Bench) -> None:
        await committing(bench)
        bench.disk.fault = StoreUnavailable("full")
        monkeypatch.setattr(Core, "deadline", 0)
        monkeypatch.setattr(Core, "looks", 0)
        bench.turns._arm()
        bench.disk.let_through()
        await eventually(lambda: not bench.turns.health.store)
        looks = [Core.looks]

        def works_again() -> bool:
            if not bench.turns.health.store:
                looks.append(Core.looks)
            return bench.turns.health.store

        await eventually(works_again)
        # Before and after the failure it is looked at again and again, because the fake never meets its deadline.
        assert len(looks) > 2
        assert looks[-1] - looks[0] < 10
        monkeypatch.setattr(Core, "deadline", None)

    run(story)
