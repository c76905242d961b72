"""A backup while a node writes and while none runs, and a home made of it: whole, checked, or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from node import config
from node.errors import (
    FileDamaged,
    FileTooNew,
    FileUnfit,
    HomeRefused,
    KeptFileError,
    PlaceTaken,
    StoreCorrupt,
    WrongPassphrase,
)
from node.store import archive, backup, database, delivery, files, history, identity, restoring, sealed
from node.store.writer import Writer
from tests.node.store import story as stories
from tests.node.store.disks import fill, on_a_disk
from tests.support.processes import ROOT

CHEAP = min(sealed.COSTS)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[stories.Store]:
    """A home in which a node writes."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    identity.load_or_create(home)
    one = stories.Store(home)
    peer = one.story.meet("10.0.0.1", 5000)
    one.story.hear(peer, "a zebra", "and another")
    one.story.say(peer, "hello")
    one.commit()
    yield one
    one.close()


def make(store: stories.Store, name: str = "backup", **more: object) -> pathlib.Path:
    path = store.home.parent / name
    backup.make(store.home, path, "0.1.0", **{"force": False, "seal": None, **more})  # type: ignore[arg-type]
    return path


def no_passphrase(_: sealed.Sealed) -> NoReturn:
    raise AssertionError("nothing is sealed")


def restore(path: pathlib.Path, home: pathlib.Path) -> archive.Manifest:
    return restoring.restore(path, home, no_passphrase)


def contents(home: pathlib.Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows for table, rows in stories.contents(home).items() if not table.startswith("sqlite_")}


def names(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_restored_home_holds_what_the_home_held(store: stories.Store, tmp_path: pathlib.Path) -> None:
    (store.home / "config.toml").write_text('name = "anna"\n')
    path = make(store)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    manifest = restore(path, tmp_path / "new")
    new = tmp_path / "new"
    assert (manifest.messages, manifest.name, manifest.program) == (3, "anna", "0.1.0")
    assert manifest.schema == database.migrations()[-1][0]
    assert names(new) == ["config.toml", "history", "identity", "snicher.db"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in new.iterdir()} == {0o600}
    assert stat.S_IMODE(new.stat().st_mode) == 0o700
    assert (new / "config.toml").read_text() == 'name = "anna"\n'
    assert identity.read(new).peer == identity.read(store.home).peer == manifest.id
    assert identity.read(new).made == identity.read(store.home).made
    assert contents(new) == contents(store.home)
    assert names(tmp_path) == ["backup", "home", "new"]


class Disturbed:
    """A connection beside which the node commits something after each step of a backup."""

    #: A copy that begins again at each commit would never end.
    PATIENCE = 2_000

    def __init__(self, db: sqlite3.Connection, write: Callable[[int], None]) -> None:
        self._db = db
        self._write = write
        self.steps = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)

    def backup(self, target: sqlite3.Connection, *, pages: int, progress: object) -> None:
        self._db.backup(target, pages=pages, progress=self._step)

    def _step(self, *_: object) -> None:
        self._write(self.steps)
        self.steps += 1
        assert self.steps < self.PATIENCE, "the copy doesn't end while the node writes"


def test_a_backup_is_one_moment_and_ends_while_the_node_writes_without_pause(
    store: stories.Store, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, connect = store.story.meet("10.0.0.2", 5000), database.connect
    store.story.hear(peer, *["x" * 4000] * 200)
    store.commit()
    before, disturbed = contents(store.home), list[Disturbed]()

    def write(step: int) -> None:
        store.story.hear(peer, f"after step {step}")
        store.commit()

    def watched(home: pathlib.Path, *, read_only: bool = False) -> Disturbed:
        disturbed.append(Disturbed(connect(home, read_only=read_only), write))
        return disturbed[-1]

    monkeypatch.setattr(backup, "STEP", 8)
    monkeypatch.setattr(database, "connect", watched)
    path = make(store)
    monkeypatch.undo()
    assert disturbed[0].steps > 10, "nothing was written meanwhile: the test shows nothing"
    restore(path, tmp_path / "new")
    assert contents(tmp_path / "new") == before


def test_what_is_only_in_the_write_ahead_log_is_in_the_backup(store: stories.Store, tmp_path: pathlib.Path) -> None:
    crashed = tmp_path / "crashed"
    shutil.copytree(store.home, crashed)
    assert (crashed / "snicher.db-wal").stat().st_size
    backup.make(crashed, tmp_path / "backup", "0", force=False, seal=None)
    restore(tmp_path / "backup", tmp_path / "new")
    assert contents(tmp_path / "new") == contents(store.home)


def test_a_restored_home_begins_anew_once_and_sends_nothing_twice(store: stories.Store, tmp_path: pathlib.Path) -> None:
    before = dict(stories.rows(store.home, "SELECT name, value FROM fact"))
    new = tmp_path / "new"
    restore(make(store), new)
    writer = Writer(new)
    assert writer.prepare("another log", "2b" * 16, "run-2", known=True) == "This home was restored from a backup."
    now = dict(stories.rows(new, "SELECT name, value FROM fact"))
    assert (now["log"], now["instance"]) == ("another log", "2b" * 16)
    assert now["log"] != before["log"]
    # The original has sent it, perhaps. An old client would show it twice.
    assert stories.rows(new, "SELECT state, detail FROM delivery") == [("unconfirmed", delivery.SET_BACK)]
    writer.close()
    writer = Writer(new)
    assert writer.prepare("a third log", "3c" * 16, "run-3", known=True) is None
    assert stories.rows(new, "SELECT value FROM fact WHERE name = 'log'") == [("another log",)]
    writer.close()


def test_a_start_that_crashes_after_a_restore_does_not_hide_it(store: stories.Store, tmp_path: pathlib.Path) -> None:
    new = tmp_path / "new"
    restore(make(store), new)
    mark = history.read_mark(new)
    assert isinstance(mark, history.Mark) and mark.restored
    Writer(new)._db.close()
    writer = Writer(new)
    assert writer.prepare("another log", "2b" * 16, "run-2", known=True) is not None
    writer.close()


# -- the key in it


def seal(one: identity.Identity) -> bytes:
    return sealed.seal(one.key, one.made, "a passphrase", CHEAP)


def opener(passphrase: str) -> Callable[[sealed.Sealed], Ed25519PrivateKey]:
    return lambda found: sealed.unseal(found, passphrase, "FILE")


def test_a_sealed_key_is_nowhere_in_clear_until_it_is_restored(store: stories.Store, tmp_path: pathlib.Path) -> None:
    path = make(store, seal=seal)
    one = identity.read(store.home)
    assert b"PRIVATE KEY" not in path.read_bytes()
    assert one.key.private_bytes_raw() not in path.read_bytes()
    assert b"PRIVATE KEY" in make(store, "in clear").read_bytes()
    restoring.restore(path, tmp_path / "new", opener("a passphrase"))
    again = identity.read(tmp_path / "new")
    assert (again.peer, again.made) == (one.peer, one.made)
    assert names(tmp_path / "new") == ["history", "identity", "snicher.db"]


def test_a_wrong_passphrase_leaves_nothing(store: stories.Store, tmp_path: pathlib.Path) -> None:
    path = make(store, seal=seal)
    with pytest.raises(WrongPassphrase):
        restoring.restore(path, tmp_path / "above" / "new", opener("another one"))
    assert names(tmp_path) == ["backup", "home"]


# -- where it goes


@pytest.mark.parametrize("force", [False, True])
def test_a_file_is_replaced_only_when_it_should_be(store: stories.Store, tmp_path: pathlib.Path, force: bool) -> None:
    (tmp_path / "backup").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "backup")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(PlaceTaken, match="no ordinary file"):
            make(store, name, force=force)
    if force:
        restore(make(store, force=True), tmp_path / "new")
    else:
        with pytest.raises(PlaceTaken, match="--force"):
            make(store)
        assert (tmp_path / "backup").read_text() == "mine"


def test_somebody_who_takes_the_name_meanwhile_keeps_it(
    store: stories.Store, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = pathlib.Path.hardlink_to

    def name(self: pathlib.Path, target: pathlib.Path) -> None:
        self.write_text("theirs")
        done(self, target)

    monkeypatch.setattr(pathlib.Path, "hardlink_to", name)
    with pytest.raises(PlaceTaken):
        make(store)
    assert (tmp_path / "backup").read_text() == "theirs"
    assert names(tmp_path) == ["backup", "home"]


def test_a_backup_doesn_t_lie_in_the_home_that_it_saves(store: stories.Store, tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to(store.home)
    before = (store.home / "identity").read_bytes()
    for path in (store.home / "snicher.db", store.home / "bus" / "backup", tmp_path / "link" / "identity"):
        with pytest.raises(PlaceTaken, match="in the home itself"):
            backup.make(store.home, path, "0", force=True, seal=None)
    assert (store.home / "identity").read_bytes() == before


def test_there_must_be_something_to_back_up(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileUnfit, match="There is no home"):
        backup.make(tmp_path / "none", tmp_path / "backup", "0", force=False, seal=None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileUnfit, match="no node has run there yet"):
        backup.make(tmp_path / "empty", tmp_path / "backup", "0", force=False, seal=None)
    assert names(tmp_path) == ["empty"]


def test_a_damaged_database_is_noticed_while_there_may_be_an_older_backup(
    store: stories.Store, tmp_path: pathlib.Path
) -> None:
    store.story.hear(store.story.meet("10.0.0.2", 5000), *["y" * 4000] * 50)
    store.commit()
    store.writer.fold()
    broken = tmp_path / "broken"
    shutil.copytree(store.home, broken, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    content = bytearray((broken / "snicher.db").read_bytes())
    at = content.rindex(b"y" * 2000)
    page = at // 4096 * 4096
    content[page : page + 64] = b"\xff" * 64
    (broken / "snicher.db").write_bytes(content)
    with pytest.raises(StoreCorrupt, match=str(broken / "snicher.db")):
        backup.make(broken, tmp_path / "backup", "0", force=False, seal=None)
    assert names(tmp_path) == ["broken", "home"]


def test_on_a_disk_that_is_too_small_no_backup_is_begun(store: stories.Store, tmp_path: pathlib.Path) -> None:
    def scenario(disk: pathlib.Path) -> None:
        with pytest.raises(KeptFileError, match="too little room for a backup"):
            backup.make(store.home, disk / "backup", "0", force=False, seal=None)
        with pytest.raises(KeptFileError, match="too little room for this home"):
            restore(path, disk / "new")
        assert names(disk) == []

    path = make(store)
    on_a_disk(100_000, tmp_path, scenario)


def test_on_a_disk_that_fills_up_meanwhile_nothing_is_left(
    store: stories.Store, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(store)

    def scenario(disk: pathlib.Path) -> None:
        monkeypatch.setattr(files, "need_space", lambda *_: None)
        # The last leaves room for the copy of the database, and none for the archive.
        for leave in (0, 60_000, 160_000):
            fill(disk, leave=leave)
            with pytest.raises(KeptFileError, match=r"full|No space left"):
                backup.make(store.home, disk / "backup", "0", force=False, seal=None)
            if leave < 100_000:
                with pytest.raises(KeptFileError, match="No space left"):
                    restore(path, disk / "new")
            assert names(disk) == ["ballast"]
            (disk / "ballast").unlink()

    on_a_disk(1 << 20, tmp_path, scenario)


# -- what is restored, and what isn't


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a link to an empty folder"])
def test_a_home_may_come_to_be_where_nothing_is(store: stories.Store, tmp_path: pathlib.Path, there: str) -> None:
    new = tmp_path / "above" / "new"
    if there == "an empty folder":
        new.mkdir(parents=True)
    elif there == "a link to an empty folder":
        (tmp_path / "elsewhere").mkdir()
        new.parent.mkdir()
        new.symlink_to(tmp_path / "elsewhere")
    restore(make(store), new)
    assert names(new) == ["history", "identity", "snicher.db"]
    assert names(new.parent) == ["new"]
    assert new.is_symlink() == (there == "a link to an empty folder")


def test_a_home_that_isn_t_empty_stays_as_it_is(store: stories.Store, tmp_path: pathlib.Path) -> None:
    path = make(store)
    before = (store.home / "identity").read_bytes()
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "config.toml").write_text("")
    for home in (store.home, tmp_path / "settings"):
        with pytest.raises(PlaceTaken, match="isn't empty, and stays"):
            restore(path, home)
    assert (store.home / "identity").read_bytes() == before
    with pytest.raises(HomeRefused, match="is no directory"):
        restore(path, path / "below a file")


def test_a_node_that_starts_there_meanwhile_keeps_its_home(
    store: stories.Store, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, done = make(store), history.write_restored

    def write_restored(at: pathlib.Path) -> None:
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "node.lock").write_text("1")
        done(at)

    monkeypatch.setattr(history, "write_restored", write_restored)
    with pytest.raises(PlaceTaken, match="Was a node started there"):
        restore(path, tmp_path / "new")
    assert names(tmp_path / "new") == ["node.lock"]
    assert names(tmp_path) == ["backup", "home", "new"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can make what belongs to somebody else")
def test_a_home_of_somebody_else_is_refused(store: stories.Store, tmp_path: pathlib.Path) -> None:
    path = make(store)
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 12345, 12345)
    with pytest.raises(HomeRefused, match="12345"):
        restore(path, tmp_path / "theirs")
    with pytest.raises(HomeRefused, match="12345"):
        restore(path, tmp_path / "theirs" / "below")
    assert names(tmp_path / "theirs") == []


def changed(path: pathlib.Path, **more: bytes) -> pathlib.Path:
    """The same backup with other parts, whose sums are right."""
    parts: dict[str, bytearray] = {}

    def take(part: archive.Part) -> Callable[[bytes], object]:
        parts[part.name] = bytearray()
        return parts[part.name].extend

    with path.open("rb") as file:
        manifest = archive.read_manifest(file, "FILE")
        archive.read_parts(file, manifest, "FILE", take)
    content = {name: bytes(one) for name, one in parts.items()} | {
        name.replace("_", "."): one for name, one in more.items()
    }
    sums = tuple(archive.part_of(name, iter((one,))) for name, one in content.items())
    to = path.with_name("changed")
    with to.open("wb") as target:
        archive.write(target, replace(manifest, parts=sums), {name: io.BytesIO(x) for name, x in content.items()})
    return to


def altered(path: pathlib.Path, *statements: str) -> bytes:
    """The database of the home beside the backup, after these statements."""
    to = path.with_name("altered.db")
    with contextlib.closing(sqlite3.connect(path.parent / "home" / "snicher.db")) as db:
        db.execute("VACUUM INTO ?", (str(to),))
    with contextlib.closing(sqlite3.connect(to, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)
    content = to.read_bytes()
    to.unlink()
    return content


def other_key(path: pathlib.Path) -> bytes:
    return identity.written(Ed25519PrivateKey.generate(), identity.now())


CHANGES: dict[str, Callable[[pathlib.Path], dict[str, bytes]]] = {
    "its key is another one than it says": lambda path: {"identity": other_key(path)},
    "is not a key": lambda path: {"identity": b"hello"},
    "is not a Snicher database, or is damaged": lambda path: {"snicher_db": b"hello" * 1000},
    "differs from what Snicher makes (trigger 'evil')": lambda path: {
        "snicher_db": altered(path, "CREATE TRIGGER evil AFTER INSERT ON entry BEGIN DELETE FROM body; END")
    },
    "is a database of another program": lambda path: {"snicher_db": altered(path, "PRAGMA application_id = 7")},
    "is of another version than it says": lambda path: {"snicher_db": b""},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_backup_whose_parts_were_exchanged_with_their_sums_makes_no_home(
    store: stories.Store, tmp_path: pathlib.Path, what: str
) -> None:
    path = make(store)
    with pytest.raises(FileDamaged) as caught:
        restore(changed(path, **CHANGES[what](path)), tmp_path / "new")
    assert what in str(caught.value)
    assert ".part" not in str(caught.value), "nobody knows that folder"
    assert not (tmp_path / "new").exists()


def test_a_newer_schema_is_refused_with_a_reason(store: stories.Store, tmp_path: pathlib.Path) -> None:
    path = make(store)
    newer = changed(path, snicher_db=altered(path, "PRAGMA user_version = 99"))
    with pytest.raises(FileTooNew, match="by a newer Snicher"):
        restore(newer, tmp_path / "new")
    content = path.read_bytes().replace(b'"schema": %d' % database.migrations()[-1][0], b'"schema": 99')
    assert b'"schema": 99' in content
    newer.write_bytes(content)
    with pytest.raises(FileTooNew, match="schema 99; this program knows"):
        restore(newer, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_backup_that_is_cut_off_anywhere_makes_no_home(store: stories.Store, tmp_path: pathlib.Path) -> None:
    path = make(store)
    content = path.read_bytes()
    for size in (700, 1500, len(content) // 2, len(content) - 1024, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(FileDamaged):
            restore(path, tmp_path / "above" / "new")
        assert names(tmp_path) == ["backup", "home"]


@pytest.mark.timeout(30)
def test_what_is_no_file_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path / "pipe", "no ordinary file"), (tmp_path, "folder"), (tmp_path / "x", "no file")):
        with pytest.raises(FileUnfit, match=what):
            restore(path, tmp_path / "new")


DYING = """
import os, pathlib, sys
from node.store import archive, backup, history, restoring
path, home, new, at = map(pathlib.Path, sys.argv[1:])
die = lambda *_: os._exit(9)
if at.name == "backup":
    archive.write = die
    backup.make(home, path, "0", force=False, seal=None)
history.write_restored = die
restoring.restore(path, new, die)
"""


RESTORING = """
import pathlib, sys
from node.store import restoring
print("ready", flush=True)
restoring.restore(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), None)
"""


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_a_process_that_is_killed_leaves_nothing_that_counts_and_the_next_one_clears_up(
    store: stories.Store, tmp_path: pathlib.Path, what: str
) -> None:
    folder, new = tmp_path / "kept", tmp_path / "kept" / "new"
    folder.mkdir()
    path = folder / "backup"
    if what == "restore":
        backup.make(store.home, path, "0", force=False, seal=None)
    command = [sys.executable, "-c", DYING, str(path), str(store.home), str(new), what]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode == 9
    assert not new.exists()
    assert path.exists() == (what == "restore")
    (left,) = folder.glob(".snicher-*")
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    if what == "backup":
        backup.make(store.home, path, "0", force=False, seal=None)
    restore(path, new)
    assert names(folder) == ["backup", "new"]


def test_a_restore_that_is_killed_at_any_moment_has_made_a_whole_home_or_none(
    store: stories.Store, tmp_path: pathlib.Path
) -> None:
    store.story.hear(store.story.meet("10.0.0.2", 5000), *["x" * 4000] * 1000)
    store.commit()
    path, new = make(store), tmp_path / "new"
    command = [sys.executable, "-c", RESTORING, str(path), str(new)]
    for round_ in range(12):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(0.004 * round_)
        process.kill()
        process.communicate()
        if new.exists():
            assert names(new) == ["history", "identity", "snicher.db"]
            assert contents(new) == contents(store.home)
            shutil.rmtree(new)
    restore(path, new)
    assert names(tmp_path) == ["backup", "home", "new"]


def test_a_folder_in_which_somebody_still_works_is_not_cleared_up(store: stories.Store, tmp_path: pathlib.Path) -> None:
    with files.workspace(tmp_path / "other") as folder:
        (folder / "half").write_text("x")
        make(store)
        assert (folder / "half").exists()
    assert names(tmp_path) == ["backup", "home"]


def test_the_bounds_of_the_parts_are_those_of_the_home() -> None:
    assert archive.MAX_PART["config.toml"] == config.MAX_FILE_BYTES
    assert archive.MAX_PART["identity"] == identity.MAX_BYTES
