"""Members and addresses: on the disk as the core has them, read beside their rooms and peers, and rarely written."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core.paths import Path
from node.model import Address
from node.store import beside
from node.store.writer import Writer
from tests.node.store import story as stories

MANY = ["10.0.0.7:5000", "[fe80::1]:5001", "host.example:65535"]


class Store(stories.Store):
    def __init__(self, home: pathlib.Path) -> None:
        super().__init__(home)
        self.commit()

    def put(self, *records: e.Record) -> None:
        self.writer.commit(records)

    def traced(self, *records: e.Record) -> list[str]:
        """The statements that write lists when these records are written."""
        said: list[str] = []
        self.writer._db.set_trace_callback(said.append)
        self.put(*records)
        self.writer._db.set_trace_callback(None)
        return [one for one in said if " member" in one or " address" in one]

    def state(self) -> nouns.State:
        return self.reader.snapshot(nouns.Live()).state


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def peer(name: str, addresses: list[str]) -> nouns.Peer:
    return nouns.Peer(id=name, room=f"room of {name}", name=name, kind="snicher", addresses=addresses)


def room(name: str, members: list[str]) -> nouns.Room:
    return nouns.Room(id=name, kind="open", name=name, members=members)


def test_a_peer_has_its_addresses_in_their_order_wherever_it_is_read(store: Store) -> None:
    peers = [peer("a", []), peer("b", MANY), peer("c", MANY[::-1]), peer("d", MANY[1:2])]
    store.put(*(e.PutPeer(one, gone=one.id == "c") for one in peers))
    listed = [one for one in peers if one.id != "c"]
    assert list(store.state().peers.values()) == listed
    assert [one.peer for one in store.reader.load().peers] == peers
    assert store.reader.peers(rq.PeersArgs(after="a", limit=1)).peers == [peers[1]]
    assert list(store.reader.page(rq.SnapshotArgs(limit=10)).state.peers.values()) == listed


def test_a_room_has_its_members_wherever_it_is_read(store: Store) -> None:
    rooms = [room("x", ["a", "b", "c"]), room("y", []), room("z", ["b"])]
    store.put(*map(e.PutRoom, rooms))
    assert list(store.state().rooms.values()) == rooms
    assert store.reader.load().rooms == rooms
    first = store.reader.page(rq.SnapshotArgs(limit=2))
    assert list(first.state.rooms.values()) == rooms[:2]
    assert list(store.reader.page(rq.SnapshotArgs(page=first.next)).state.rooms.values()) == rooms[2:]


def test_lists_change_with_their_rooms_and_peers(store: Store) -> None:
    for addresses, members in ((MANY, ["a", "b"]), (MANY[::-1], ["b"]), ([], []), (MANY[:1], ["c"])):
        store.put(e.PutPeer(peer("a", addresses)), e.PutRoom(room("x", members)))
        assert store.state().peers["a"].addresses == addresses
        assert store.state().rooms["x"].members == members


def test_what_is_on_the_disk_already_is_not_written_again(store: Store, tmp_path: pathlib.Path) -> None:
    first = (e.PutPeer(peer("a", MANY)), e.PutRoom(room("x", ["a"])))
    store.put(*first)
    again = (e.PutPeer(replace(peer("a", list(MANY)), last_seen=5)), e.PutRoom(room("x", ["a"])))
    assert store.traced(*again) == []
    store.writer.close()
    store.writer = Writer(tmp_path)
    store.writer.prepare(log="x", instance="x")
    assert not [one for one in store.traced(*again) if not one.startswith("SELECT")], "nor after a restart"


def test_after_a_failed_batch_it_is_known_again_what_is_on_the_disk(store: Store) -> None:
    store.put(e.PutPeer(peer("a", MANY)), e.PutRoom(room("x", ["a"])))
    bad = nouns.Room(id="y", kind="open", name="y", read_upto=2**70)
    with pytest.raises(OverflowError):
        store.put(e.PutPeer(peer("a", [])), e.PutRoom(room("x", [])), e.MergeRooms("x", "x"), e.PutRoom(bad))
    store.put(e.PutPeer(peer("a", [])), e.PutRoom(room("x", [])))
    assert (store.state().peers["a"].addresses, store.state().rooms["x"].members) == ([], [])


def test_members_go_with_their_room(store: Store) -> None:
    store.put(*(e.PutRoom(room(name, ["a", "b"])) for name in "xyz"))
    store.put(e.DeleteRoom("x"), e.MergeRooms("y", "z"))
    store.put(e.PutRoom(room("new", ["c"])))
    found = store.writer._db.execute("SELECT id, member.peer FROM member LEFT JOIN room ON number = room ORDER BY 1, 2")
    assert found.fetchall() == [("new", "c"), ("z", "a"), ("z", "b")]


def test_when_an_address_was_last_good_stays_known_when_others_come(store: Store) -> None:
    store.put(e.PutPeer(peer("a", MANY[:1])))
    db = store.writer._db
    db.execute("UPDATE address SET at = 77")
    store.put(e.PutPeer(peer("a", [MANY[2], MANY[0]])))
    assert db.execute("SELECT rank, at FROM address ORDER BY rank").fetchall() == [(0, None), (1, 77)]


@pytest.mark.parametrize("asked", [[1, 2, 3, 4, 5], [2, 5], [3], [5, 6]])
def test_lists_are_told_for_whoever_is_asked_for_in_order(asked: list[int]) -> None:
    rows: list[tuple[Any, ...]] = [(1, "a"), (2, "b"), (2, "c"), (4, "d"), (5, "e"), (5, "f")]
    lists = beside.Lists(iter(rows))
    assert [lists.of(owner) for owner in asked] == [[row[1:] for row in rows if row[0] == one] for one in asked]


def test_half_of_a_surrogate_pair_costs_no_batch(store: Store) -> None:
    half = "a\ud800b"
    store.put(e.PutPeer(peer("a", [f"{half}:1"])), e.PutRoom(room("x", [half])))
    assert store.state().peers["a"].addresses == ["a?b:1"]
    assert store.state().rooms["x"].members == ["a?b"]


def test_how_each_address_of_a_node_was_learnt_and_when_it_was_good_is_read_as_it_was_written(store: Store) -> None:
    node = msgspec.structs.replace(
        peer("n" * 52, ["10.0.0.7:5000", "[2001:db8::7]:5000"]), kind="node", presence="away", status="at lunch",
        hostnames=["a.lan:5000", "b.lan:6"],
    )  # fmt: skip
    paths = (Path(Address("10.0.0.7", 5000), "typed", 5, 9), Path(Address("2001:db8::7", 5000), "exchange", 7))
    store.put(e.PutPeer(node, paths=paths))
    (loaded,) = [one for one in store.reader.load().peers if one.peer.id == node.id]
    assert (loaded.peer, loaded.paths) == (msgspec.structs.replace(node, code=loaded.peer.code), paths)
    assert store.traced(e.PutPeer(node, paths=tuple(paths))) == [], "nothing new is not written"
    good = (msgspec.structs.replace(paths[0], good=11), paths[1])
    store.put(e.PutPeer(node, paths=good))
    assert next(one.paths for one in store.reader.load().peers if one.peer.id == node.id) == good
    db = store.writer._db
    db.execute("UPDATE address SET how = 'carrier pigeon' WHERE rank = 1")
    (loaded,) = [one for one in store.reader.load().peers if one.peer.id == node.id]
    assert loaded.paths[1].how == "seen", "a way that only a later program knows"
