"""A room's id is not its peer's: all that a person can do works also where the two differ."""

from __future__ import annotations

from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from tests.node.core.desk import Desk, only, result, transmits
from tests.support.memory_store import MemoryStore

PEERS = {"plain-1": "talk with bob", "plain-2": "talk with eve"}


def two() -> Desk:
    """Bob and Eve are ancestors, known and connected; their rooms have names of their own."""
    store = MemoryStore()
    store.commit([e.PutSettings(nouns.Settings(name="anna"), nouns.Self(id="me", code="", name="anna", listen=""))])
    for number, (id_, room) in enumerate(PEERS.items(), 1):
        host = f"10.0.0.{number}"
        peer = nouns.Peer(
            id=id_, room=room, name=room, host=host, port=5000, dialect="snicher", dialect_from="seen",
            standing="known", addresses=[f"{host}:5000"],
        )  # fmt: skip
        store.commit(
            [e.PutPeer(peer), e.PutRoom(nouns.Room(id=room, kind="plain", name=room, peer=id_, members=[id_]))]
        )
    desk = Desk(store)
    for number in (1, 2):
        desk.call(2 * number, host=f"10.0.0.{number}")
    return desk


def test_what_is_sent_gets_its_state_and_may_be_sent_again() -> None:
    desk = two()
    ((link, message),) = transmits(desk.send("plain-1", "hello"))
    assert desk.store.rows() == [(row := desk.store.outbox[message])] and (row.peer, row.state) == (
        "plain-1",
        "sending",
    )
    desk.outcome(link, message, "unknown")
    assert desk.state(message) == "unconfirmed"
    assert desk.store.rooms["talk with bob"].last == desk.store.messages[message]
    desk.give(s.Closed(2, None))
    assert only(e.Refuse, desk.ask("resend", rq.ResendArgs(message=message))) == []
    assert desk.state(message) == "waiting"


def test_what_comes_in_is_unread_in_its_room_and_can_be_read() -> None:
    desk = two()
    desk.hear(2, "one", "two")
    assert desk.store.rooms["talk with bob"].unread == 2
    result(desk.ask("mark_read", rq.MarkReadArgs(room="talk with bob")))
    assert desk.store.rooms["talk with bob"].unread == 0


def test_two_become_one_with_what_waits_and_one_is_deleted() -> None:
    desk = two()
    desk.give(s.Closed(2, None))
    desk.send("plain-1", "waits")
    desk.ask("merge", rq.MergeArgs(peer="plain-1", into="plain-2"))
    (row,) = desk.store.rows()
    assert row.peer == "plain-2"
    assert {(room.id, room.peer, tuple(room.members)) for room in desk.store.rooms.values()} == {
        ("talk with eve", "plain-2", ("plain-2",))
    }
    assert desk.store.state().rooms == desk.core._rooms.by_id
    desk.ask("delete", rq.PeerArgs(peer="plain-2"))
    assert (desk.store.rooms, desk.store.messages, desk.store.rows()) == ({}, {}, [])
