"""Upkeep: what is done to the database in the background, when, and what people hear of it. With the real store."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, cast

import msgspec
import pytest

from node import upkeep
from node.answers import Answers
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.config import Config
from node.core import effects as e
from node.core import stimuli as s
from node.core.identity import Identity
from node.core.node import Node
from node.protocol.plain.codec import Text
from node.store import database
from node.store.reader import Reader
from node.store.writer import Writer
from node.turns import Turns
from tests.node.peers.live import eventually
from tests.node.store.story import LOG
from tests.node.worlds import Peers, Run, World

GARBAGE = "UPDATE search_data SET block = x'0000000000cfa10000' WHERE id = 10"


class House:
    """Real turns, core and store; no sockets."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.writer = Writer(home)
        self.writer.prepare(log=LOG, instance="s")
        self.reader = Reader(home)
        world = World()
        self.acts, self.told = world.acts, world.told

        def core() -> Node:
            made = Node(self.reader.load(), Identity("me" * 26, "aaaa", "0", "anna", "anna", 10**9))
            made.resume("127.0.0.1:5000", [], 1)
            return made

        self.turns = Turns(self.writer, self.reader, core, world, Peers())
        self.turns.upkeep.start()
        self.turns.feed(s.Started("127.0.0.1:5000", []))

    async def hear(self, host: str, *texts: str) -> None:
        link = int(host[-1]) * 2
        self.turns.feed(s.LinkUp(link, "in", host, 5000, "snicher", True))
        self.turns.feed(s.Heard(link, [Text(text) for text in texts], 10))
        await self.turns.quiet(60)

    async def ask(self, op: str, args: Any) -> e.Act:
        before = len(self.acts)
        self.turns.feed(s.Commanded(before + 1, op, args, ev.Cause(client="c", request="r"), None))
        await eventually(lambda: any(isinstance(act, e.Reply | e.Refuse) for act in self.acts[before:]))
        return next(act for act in self.acts[before:] if isinstance(act, e.Reply | e.Refuse))

    async def look_for(self, query: str) -> rq.SearchResult:
        """As a front end does."""
        answers = Answers(cast(Config, None), self.turns, self.reader, LOG, Run())
        args = msgspec.Raw(msgspec.json.encode(rq.SearchArgs(query=query)))
        reply = await answers.answer(en.Command(v=1, id="1", op="search", args=args))
        return msgspec.json.decode(reply.result, type=rq.SearchResult)

    def search(self, query: str) -> rq.SearchResult:
        with contextlib.closing(Reader(self.home)) as reader:
            return reader.search(rq.SearchArgs(query=query))

    def damage(self, sql: str) -> None:
        with contextlib.closing(sqlite3.connect(self.home / database.FILE_NAME)) as db, db:
            db.execute(sql)


def live(home: pathlib.Path, test: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    @contextlib.asynccontextmanager
    async def house() -> AsyncIterator[House]:
        made = House(home)
        try:
            yield made
        finally:
            await made.turns.close()

    async def whole() -> None:
        async with asyncio.timeout(60), house() as made:
            await test(made)

    asyncio.run(whole())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAUSE", "ERASE_AFTER", "FOLD_AFTER", "LOOK_EVERY", "TROUBLE_PAUSE"):
        monkeypatch.setattr(upkeep, name, 0.01)


def test_what_was_said_is_found_soon(tmp_path: pathlib.Path) -> None:
    async def test(house: House) -> None:
        await house.hear("10.0.0.1", *(f"hello {number}" for number in range(1_000)))
        await eventually(lambda: house.search("hello").pending == 0)
        assert house.told == []

    live(tmp_path, test)


def test_an_index_that_breaks_while_the_node_runs_is_built_anew_and_people_are_told(tmp_path: pathlib.Path) -> None:
    async def test(house: House) -> None:
        await house.hear("10.0.0.1", "the first")
        await house.hear("10.0.0.2", "the second")
        await eventually(lambda: house.search("the").pending == 0)
        house.damage(GARBAGE)
        reply = await house.ask("delete", rq.PeerArgs(peer="10.0.0.1:5000"))
        assert isinstance(reply, e.Reply)
        await house.hear("10.0.0.2", "the third")
        await eventually(lambda: len(house.told) >= 2 and house.told[-1] == nouns.Health())
        assert "damaged" in (house.told[0].index or "") and house.told[0].store and house.told[0].problem is None
        assert [hit.text for hit in house.search("the").hits] == ["the third", "the second"]
        assert not house.search("the").rebuilding

    live(tmp_path, test)


def test_an_index_that_is_broken_at_the_start_is_built_anew(tmp_path: pathlib.Path) -> None:
    async def first(house: House) -> None:
        await house.hear("10.0.0.1", "the first")
        await eventually(lambda: house.search("the").pending == 0)
        house.damage(GARBAGE)

    async def second(house: House) -> None:
        await eventually(lambda: bool(house.told) and house.told[-1].index is None)
        assert len(house.search("the").hits) == 1

    live(tmp_path, first)
    live(tmp_path, second)


def test_a_search_that_meets_the_damage_is_answered_with_what_is_left(tmp_path: pathlib.Path) -> None:
    async def test(house: House) -> None:
        await house.hear("10.0.0.1", "the first")
        await eventually(lambda: house.search("the").pending == 0)
        house.damage(GARBAGE)
        found = await house.look_for("the")
        assert (found.hits, found.rebuilding) == ([], True) or found.pending == 0
        await eventually(lambda: not house.search("the").rebuilding)
        assert len(house.search("the").hits) == 1

    live(tmp_path, test)


def test_an_index_that_breaks_again_and_again_is_left_alone_for_longer_each_time(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BROKE_AGAIN_PAUSE", 3600.0)

    async def test(house: House) -> None:
        discards = []
        discard = house.writer.keeper.discard
        monkeypatch.setattr(house.writer.keeper, "discard", lambda: discards.append(1) or discard())
        monkeypatch.setattr(
            house.writer.keeper, "advance", lambda _: house.writer.keeper.give_up("it can't be had") or 0
        )
        await house.hear("10.0.0.1", "the first")
        await eventually(lambda: len(discards) >= 4)
        count = len(discards)
        rounds = 0
        state = house.writer.keeper.state

        def counted() -> Any:
            nonlocal rounds
            rounds += 1
            return state()

        monkeypatch.setattr(house.writer.keeper, "state", counted)
        await eventually(lambda: rounds > 10)
        assert len(discards) == count == 4, "two times: emptied and replaced"
        assert (await house.ask("delete", rq.PeerArgs(peer="10.0.0.1:5000"))).__class__ is e.Reply

    live(tmp_path, test)


@pytest.mark.skipif(sqlite3.sqlite_version_info >= (3, 42), reason="words go with the deletion there")
def test_deleted_words_leave_the_index_by_themselves(tmp_path: pathlib.Path) -> None:
    async def test(house: House) -> None:
        await house.hear("10.0.0.1", "unmistakable")
        await house.hear("10.0.0.2", "stays")
        await eventually(lambda: house.search("stays").pending == 0)
        await house.ask("delete", rq.PeerArgs(peer="10.0.0.1:5000"))
        await eventually(lambda: not any(b"istakable" in path.read_bytes() for path in tmp_path.glob("snicher.db*")))

    live(tmp_path, test)


def test_the_wal_that_a_long_reader_left_shrinks_by_itself(tmp_path: pathlib.Path) -> None:
    wal = tmp_path / f"{database.FILE_NAME}-wal"

    async def test(house: House) -> None:
        await house.hear("10.0.0.1", "before")
        with contextlib.closing(sqlite3.connect(tmp_path / database.FILE_NAME, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM entry").fetchone()
            for number in range(10):
                await house.hear("10.0.0.1", *(f"{number} " + "long " * 500 for _ in range(200)))
            assert wal.stat().st_size > 4_000_000
            # Tried, and put off, while somebody reads: a message is on disk at once all the same.
            await house.hear("10.0.0.1", "meanwhile")
            assert wal.stat().st_size > 4_000_000
        await eventually(lambda: wal.stat().st_size == 0)

    live(tmp_path, test)


def test_a_wal_is_cut_back_to_its_usual_size_as_soon_as_it_begins_anew(tmp_path: pathlib.Path) -> None:
    with contextlib.closing(Writer(tmp_path)) as writer:
        wal = tmp_path / f"{database.FILE_NAME}-wal"
        with contextlib.closing(sqlite3.connect(tmp_path / database.FILE_NAME, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM entry").fetchone()
            for _ in range(30):
                writer._db.execute("INSERT OR REPLACE INTO fact VALUES ('x', hex(randomblob(500000)))")
            assert wal.stat().st_size > database.WAL_BYTES * 1.5
        writer._db.execute("INSERT OR REPLACE INTO fact VALUES ('x', 'small')")
        writer._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        writer._db.execute("INSERT OR REPLACE INTO fact VALUES ('x', 'smaller')")
        assert wal.stat().st_size <= database.WAL_BYTES


def test_steps_get_shorter_while_they_hold_others_up_and_longer_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index goes on while peers flood, but a commit that comes meanwhile doesn't wait long for it."""
    asked: list[int] = []
    seconds = iter(range(1_000))

    class Keeper:
        def advance(self, limit: int) -> int:
            asked.append(limit)
            return 1

    class Index:
        keeper = Keeper()

    async def test() -> None:
        one = upkeep.Upkeep(cast(upkeep.Host, None), cast(Writer, Index()))
        monkeypatch.setattr(time, "perf_counter", lambda: next(seconds))
        for _ in range(20):
            one._advance()
        assert asked[0] == upkeep.INDEX_STEP and asked[-1] == upkeep.MIN_INDEX_STEP
        monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
        for _ in range(20):
            one._advance()
        assert asked[-1] == upkeep.INDEX_STEP

    asyncio.run(test())
