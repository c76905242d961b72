"""The store where the disk is full or read-only: what failed left nothing, what was told is there, and it goes on."""

from __future__ import annotations

import pathlib
import shutil
import sqlite3

import pytest

from node.bus import requests as rq
from node.errors import ConfigError, StoreUnavailable
from node.store import database, identity
from node.store import home as homes
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.disks import fill, free_up, make_read_only, on_a_disk
from tests.node.store.story import Story, commit, new_writer

MIB = 1024 * 1024


def texts(home: pathlib.Path) -> list[str]:
    """All texts on the disk, as a reader that is opened now sees them."""
    reader = Reader(home)
    with reader._moment() as db:
        found = [row[0] for row in db.execute("SELECT text FROM body ORDER BY entry")]
        assert db.execute("SELECT count(*) FROM entry").fetchone() == (len(found),)
    reader.close()
    return found


def texts_after_a_crash(home: pathlib.Path, elsewhere: pathlib.Path) -> list[str]:
    """The same, had the machine stopped now."""
    copy = elsewhere / "after a crash"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for path in home.glob("snicher.db*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, copy)
    # Its recovery writes beside the database; so it is opened like after a crash, for writing.
    Writer(copy).close()
    return texts(copy)


@pytest.mark.parametrize("left", [0, 4_096, 40_960, 200_000, 600_000])
def test_of_a_batch_that_does_not_fit_nothing_is_there_and_all_before_it_is(tmp_path: pathlib.Path, left: int) -> None:
    def scenario(disk: pathlib.Path) -> None:
        writer, story = new_writer(disk), Story()
        anna = story.meet("10.0.0.1", 5000)
        story.hear(anna, "before")
        commit(writer, story)
        reader = Reader(disk)
        fill(disk, leave=left)
        story.hear(anna, *("much " * 1_000 for _ in range(300)))
        batch = story.records()
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="full"):
                writer.commit(batch)
            assert texts(disk) == ["before"]
        # A reader that was there all the time goes on, too.
        assert [one.text for one in reader.history(rq.HistoryArgs(room=anna.peer.room)).messages] == ["before"]
        with pytest.raises(StoreUnavailable, match="full"):
            writer.probe()
        free_up(disk)
        writer.probe()
        assert texts_after_a_crash(disk, tmp_path) == ["before"]
        writer.commit(batch)
        assert len(texts(disk)) == 301
        assert texts_after_a_crash(disk, tmp_path) == texts(disk)
        assert writer._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert writer._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        reader.close()
        writer.close()

    on_a_disk(8 * MIB, tmp_path, scenario)


def test_a_disk_that_is_filled_by_messages_keeps_every_one_that_was_told(tmp_path: pathlib.Path) -> None:
    def scenario(disk: pathlib.Path) -> None:
        writer, story = new_writer(disk), Story()
        anna = story.meet("10.0.0.1", 5000)
        commit(writer, story)
        told: list[str] = []
        failed = 0
        for number in range(5_000):
            text = f"{number} " + "word " * 2_000
            story.say(anna, text)
            try:
                commit(writer, story)
                told.append(text)
            except StoreUnavailable:
                failed += 1
                if failed == 3:
                    break
            if number % 20 == 0:
                try:
                    writer.index(50)
                except StoreUnavailable:
                    failed += 1
        assert failed == 3 and len(told) > 100
        assert texts(disk) == told
        assert texts_after_a_crash(disk, tmp_path) == told
        writer.close()
        assert texts(disk) == told

    on_a_disk(8 * MIB, tmp_path, scenario)


def test_a_probe_asks_for_more_room_than_a_few_bytes(tmp_path: pathlib.Path) -> None:
    def scenario(disk: pathlib.Path) -> None:
        writer = new_writer(disk)
        commit(writer, Story())
        fill(disk, leave=100_000)
        with pytest.raises(StoreUnavailable):
            writer.probe()
        writer.close()

    on_a_disk(8 * MIB, tmp_path, scenario)


def test_a_read_only_disk_is_refused_and_nothing_is_changed(tmp_path: pathlib.Path) -> None:
    def scenario(disk: pathlib.Path) -> None:
        used, fresh = disk / "used", disk / "fresh"
        used.mkdir()
        fresh.mkdir()
        identity.load_or_create(used)
        writer = new_writer(used)
        commit(writer, Story())
        writer.close()
        make_read_only(disk)
        before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
        for home in (used, fresh):
            with pytest.raises(StoreUnavailable):
                Writer(home)
            with pytest.raises(ConfigError, match="Read-only"):
                homes.claim(home)
        with pytest.raises(ConfigError, match="Read-only"):
            homes.claim(disk / "new" / "home")
        identity.load_or_create(used)
        with pytest.raises(StoreUnavailable, match="Read-only"):
            identity.load_or_create(fresh)
        assert {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()} == before

    on_a_disk(8 * MIB, tmp_path, scenario)


def test_a_full_disk_makes_no_half_of_anything_new(tmp_path: pathlib.Path) -> None:
    def scenario(disk: pathlib.Path) -> None:
        fill(disk)
        with pytest.raises(StoreUnavailable, match="No space"):
            identity.load_or_create(disk)
        with pytest.raises(StoreUnavailable):
            Writer(disk)
        free_up(disk)
        identity.load_or_create(disk)
        writer = new_writer(disk)
        commit(writer, Story())
        writer.close()
        with sqlite3.connect(disk / database.FILE_NAME) as db:
            assert db.execute("SELECT count(*) FROM event").fetchone() == (1,)
        db.close()

    on_a_disk(4 * MIB, tmp_path, scenario)
