"""An identity comes into a home before its first start, and only where nobody is yet."""

from __future__ import annotations

import pathlib
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from node.core import effects as e
from node.errors import HomeInUse, PlaceTaken
from node.model import peer_id
from node.store import home as homes
from node.store import identity, importing
from node.store.writer import Writer
from tests.node.store import story as stories

KEY = Ed25519PrivateKey.generate()
PEER = peer_id(KEY.public_key().public_bytes_raw())
MADE = "2020-02-03T04:05:06Z"


def test_a_home_without_a_start_gets_it_and_its_first_start_misses_nothing(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "above" / "home"
    importing.put(home, KEY, MADE)
    assert (identity.read(home).peer, identity.read(home).made) == (PEER, MADE)
    assert identity.load_or_create(home)[1] == PEER
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "identity")] == [0o700, 0o600]
    writer = Writer(home)
    assert writer.prepare("log", "1a" * 16, "run", known=True) is None
    writer.close()


def test_a_key_of_unknown_age_is_as_old_as_its_file(tmp_path: pathlib.Path) -> None:
    importing.put(tmp_path, KEY, "unknown")
    assert identity.read(tmp_path).made[:2] == "20"


def test_who_is_there_stays(tmp_path: pathlib.Path) -> None:
    _, peer = identity.load_or_create(tmp_path)
    with pytest.raises(PlaceTaken, match="has another identity already"):
        importing.put(tmp_path, KEY, MADE)
    assert identity.read(tmp_path).peer == peer
    (tmp_path / "identity").unlink()
    importing.put(tmp_path, KEY, MADE)
    with pytest.raises(PlaceTaken, match="has this identity already"):
        importing.put(tmp_path, KEY, MADE)


def test_a_node_that_runs_there_stays(tmp_path: pathlib.Path) -> None:
    lock = homes.claim(tmp_path)
    with pytest.raises(HomeInUse, match="already runs"):
        importing.put(tmp_path, KEY, MADE)
    lock.release()
    assert not identity.exists(tmp_path)


def test_conversations_of_somebody_else_stay_and_a_lost_key_comes_back(tmp_path: pathlib.Path) -> None:
    store = stories.Store(tmp_path)
    store.commit()
    with pytest.raises(PlaceTaken, match="conversations of another identity"):
        importing.put(tmp_path, KEY, MADE)
    assert not identity.exists(tmp_path)
    store.writer.commit([e.PutSettings(stories.SETTINGS, replace(stories.ME, id=PEER))])
    store.close()
    mark = (tmp_path / "history").read_bytes()
    importing.put(tmp_path, KEY, MADE)
    assert (tmp_path / "history").read_bytes() == mark
    writer = Writer(tmp_path)
    assert writer.prepare("log", "2b" * 16, "run", known=True) is None
    writer.close()
