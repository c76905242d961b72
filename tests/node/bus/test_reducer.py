"""The reducer: what each durable event does to a snapshot. That the whole equals SQL is held in store/test_snapshot."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns, reducer
from tests.support.fake_node import FakeNode

ME = nouns.Self(id="me", code="c", name="anna", listen="l")
MESSAGE = nouns.Message(id=7, room="r1", order="05", at=50, direction="in", author="p1", name="p", text="hello")
OURS = replace(MESSAGE, id=8, order="06", direction="out", author="me", state="waiting")
ROOM = nouns.Room(id="r1", kind="plain", name="one", peer="p1", unread=2, last=MESSAGE)
OTHER = nouns.Room(id="r2", kind="plain", name="two", peer="p2", unread=1, last=replace(OURS, room="r2"))
PEER = nouns.Peer(id="p1", room="r1", name="p", last_seen=40)


def state() -> nouns.State:
    return nouns.State(
        self=ME, settings=nouns.Settings(name="anna"), rooms={"r1": ROOM, "r2": OTHER}, peers={"p1": PEER}
    )


def after(data: object, type_: str | None = None) -> nouns.State:
    changed = state()
    reducer.apply(changed, ev.Event(v=1, log="l", at=0, type=type_ or type(data).__name__, seq=1, data=data))
    return changed


def last(changed: nouns.State, room: str = "r1") -> nouns.Message:
    found = changed.rooms[room].last
    assert found is not None
    return found


def test_every_durable_event_has_a_step_or_changes_nothing() -> None:
    assert set(ev.DURABLE) - set(reducer._STEPS) == {
        "NodeStopped", "QuotaReached", "PeerWarned", "IdentityShared",
    }  # fmt: skip
    assert set(reducer._STEPS) <= set(ev.DURABLE)


@pytest.mark.parametrize("type_", ["FromTheFuture", "NodeStopped", ""])
def test_a_type_without_a_step_changes_nothing(type_: str) -> None:
    assert after({"room": "r1"}, type_) == state()


def test_a_start_and_a_change_of_settings_say_who_the_node_is() -> None:
    me, settings = replace(ME, name="berta"), nouns.Settings(name="berta", reconnect=False)
    for data in (
        ev.NodeStarted(self=me, settings=settings, version="1"),
        ev.SettingsChanged(self=me, settings=settings),
    ):
        changed = after(data)
        assert (changed.self, changed.settings) == (me, settings)


def test_another_network_means_other_addresses() -> None:
    me = replace(ME, addresses=["10.9.9.9:5000"])
    assert after(ev.AddressesChanged(self=me)) == replace(state(), self=me)


def test_greetings_are_of_this_run() -> None:
    one = nouns.Greeting(address="10.0.0.1:5", outcome="calling", at=1)
    other = nouns.Greeting(address="10.0.0.2:5", network="10.0.0.0/8", outcome="skipped", detail="why", at=1)
    changed = state()
    for data in (one, other, replace(one, outcome="greeted")):
        event = ev.Event(v=1, log="l", at=0, type="GreetingChanged", seq=1, data=ev.GreetingChanged(greeting=data))
        reducer.apply(changed, event)
    assert changed.greetings == {one.address: replace(one, outcome="greeted"), other.address: other}
    start = ev.NodeStarted(self=ME, settings=changed.settings, version="1")
    reducer.apply(changed, ev.Event(v=1, log="l", at=0, type="NodeStarted", seq=2, data=start))
    assert changed.greetings == {}


def test_a_room_comes_without_a_last_and_keeps_the_one_it_has() -> None:
    new = nouns.Room(id="r3", kind="plain", name="three")
    assert after(ev.RoomAdded(room=new)).rooms["r3"] == new
    renamed = replace(ROOM, name="renamed", last=None)
    assert after(ev.RoomChanged(room=renamed)).rooms["r1"] == replace(renamed, last=MESSAGE)


def test_merged_rooms_are_one_with_the_newer_last() -> None:
    merged = replace(ROOM, unread=3, last=None)
    changed = after(ev.RoomsMerged(gone="r2", room=merged))
    assert list(changed.rooms) == ["r1"]
    assert changed.rooms["r1"] == replace(merged, last=replace(OURS, room="r1"))
    backwards = after(ev.RoomsMerged(gone="r1", room=replace(OTHER, last=None)))
    assert last(backwards, "r2") == replace(OURS, room="r2")


def test_what_expired_leaves_what_is_unread_and_the_last_only_if_it_stays() -> None:
    changed = after(ev.MessagesExpired(room="r1", upto=3, unread=1, last=MESSAGE.id))
    assert changed.rooms["r1"] == replace(ROOM, unread=1, last=MESSAGE)
    for kept in (None, MESSAGE.id + 1):
        changed = after(ev.MessagesExpired(room="r1", upto=MESSAGE.id, unread=0, last=kept))
        assert changed.rooms["r1"] == replace(ROOM, unread=0, last=None)
    assert after(ev.MessagesExpired(room="gone", upto=3, unread=0)) == state()


def test_reading_changes_what_is_unread_and_nothing_else() -> None:
    changed = after(ev.RoomRead(room="r1", read_upto=7, unread=0))
    assert changed.rooms["r1"] == replace(ROOM, read_upto=7, unread=0)


def test_peers_come_change_and_go() -> None:
    changed = replace(PEER, link="online")
    assert after(ev.PeerAdded(peer=changed)).peers == {"p1": changed}
    assert after(ev.PeerChanged(peer=changed)).peers == {"p1": changed}
    gone = after(ev.PeerForgotten(peer="p1"))
    assert gone.peers == {}
    assert gone.rooms == state().rooms


def test_who_is_blocked_is_known_by_id() -> None:
    one = nouns.Blocked(id="p1", name="p", at=7)
    changed = after(ev.PeerBlocked(blocked=one))
    assert changed.blocked == {"p1": one}
    for id_ in ("nobody", "p1"):
        event = ev.Event(v=1, log="l", at=0, type="PeerUnblocked", seq=2, data=ev.PeerUnblocked(id=id_))
        reducer.apply(changed, event)
    assert changed.blocked == {}


def test_a_text_counts_as_unread_and_shows_that_its_author_was_there() -> None:
    long = replace(MESSAGE, id=9, at=60, text="x" * 500)
    changed = after(ev.MessageReceived(message=long))
    assert changed.rooms["r1"] == replace(ROOM, unread=3, last=nouns.preview(long))
    assert changed.peers["p1"].last_seen == 60


def test_a_notice_is_quiet() -> None:
    changed = after(ev.MessageReceived(message=replace(MESSAGE, id=9, at=60, kind="notice")))
    assert changed.rooms == state().rooms
    assert changed.peers["p1"].last_seen == 60


def test_what_was_seen_later_stays_seen_later() -> None:
    assert after(ev.MessageReceived(message=replace(MESSAGE, at=10))).peers["p1"].last_seen == 40


def test_our_own_text_is_the_last_and_not_unread() -> None:
    changed = after(ev.MessageAccepted(message=OURS))
    assert changed.rooms["r1"] == replace(ROOM, last=OURS)


def test_a_state_shows_on_the_last_message_only() -> None:
    data = ev.MessageStateChanged(room="r2", id=8, state="failed", detail="why", marks=["altered"])
    assert last(after(data), "r2") == replace(OURS, room="r2", state="failed", detail="why", marks=["altered"])
    unmarked = replace(data, marks=None, detail=None)
    assert last(after(unmarked), "r2") == replace(OURS, room="r2", state="failed")
    assert after(replace(data, id=3)) == state()


STREAM = "5" * 32
ENTRY = replace(OURS, room="r2", detail="bela is offline.", entry=nouns.Place(stream=STREAM, n=3))
RECEIPT = ev.ReceiptAdvanced(room="r2", member="p2", stream=STREAM, n=3)


def told_of_receipt(data: ev.ReceiptAdvanced, newest: nouns.Message) -> nouns.Message:
    changed = state()
    changed.rooms["r2"] = replace(OTHER, last=newest)
    reducer.apply(changed, ev.Event(v=1, log="l", at=0, type="ReceiptAdvanced", seq=1, data=data))
    return last(changed, "r2")


def test_a_receipt_delivers_the_last_message_if_it_is_ours_and_covered() -> None:
    delivered = replace(ENTRY, state="delivered", detail=None)
    assert told_of_receipt(RECEIPT, ENTRY) == delivered
    assert told_of_receipt(replace(RECEIPT, n=9), ENTRY) == delivered
    for other in (replace(RECEIPT, n=2), replace(RECEIPT, stream="6" * 32), replace(RECEIPT, room="r1")):
        assert told_of_receipt(other, ENTRY) == ENTRY
    theirs = replace(ENTRY, direction="in", state=None)
    assert told_of_receipt(RECEIPT, theirs) == theirs
    in_clear = replace(ENTRY, entry=None)
    assert told_of_receipt(RECEIPT, in_clear) == in_clear


STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "say in clear", "hear", "unknown", "store", "merge"]), st.integers(0, 5)),
    max_size=12,
)


@given(STEPS)
def test_the_newest_text_is_as_the_node_has_it_whatever_became_of_it(steps: list[tuple[str, int]]) -> None:
    node = FakeNode(pathlib.Path("nowhere"))
    bela, others = node.add_node("bela", link="offline"), [node.add_peer(f"old {number}") for number in range(6)]
    for what, number in steps:
        own = [one for one in node.messages.get(bela.room, []) if one.entry is not None and one.state is not None]
        other = others[number]
        if what == "say":
            node.say(bela.room, "x" * 200)
        elif what == "say in clear" and other.id in node.state.peers:
            node.say(other.room, "waits")
        elif what == "hear":
            node.receive(bela, "hello")
        elif what == "unknown":
            node.receive(bela, "", kind="unknown")
        elif what == "store" and own:
            node.store_there(own[number % len(own)])
        elif what == "merge" and other.id in node.state.peers:
            node.becomes_node(other)
        for room in node.state.rooms.values():
            texts = [one for one in node.messages.get(room.id, []) if one.kind == "text"]
            newest = max(texts, key=lambda one: one.id, default=None)
            assert room.last == (None if newest is None else nouns.preview(newest)), what


def test_a_changed_message_is_the_last_one_if_that_has_its_id() -> None:
    long = replace(ENTRY, text="x" * 500, order="99")
    assert last(after(ev.MessageChanged(message=long)), "r2") == nouns.preview(long)
    assert after(ev.MessageChanged(message=replace(long, id=3, order="0"))) == state()


def test_a_changed_message_is_the_last_one_if_it_stands_behind_that_now() -> None:
    behind = replace(ENTRY, id=3, order="99")
    assert last(after(ev.MessageChanged(message=behind)), "r2") == behind
    assert after(ev.MessageChanged(message=replace(behind, kind="deleted"))) == state()


def test_what_this_version_can_t_show_is_quiet() -> None:
    changed = after(ev.MessageReceived(message=replace(MESSAGE, id=9, at=60, kind="unknown", text="")))
    assert changed.rooms == state().rooms
    assert changed.peers["p1"].last_seen == 60


@pytest.mark.parametrize(
    "data",
    [
        ev.MessageChanged(message=replace(OURS, room="r9")),
        replace(RECEIPT, room="r9"),
        ev.RoomRead(room="r9", read_upto=1, unread=0),
        ev.PeerForgotten(peer="p9"),
        ev.MessageReceived(message=replace(MESSAGE, room="r9", author="p9")),
        ev.MessageAccepted(message=replace(OURS, room="r9")),
        ev.MessageStateChanged(room="r9", id=8, state="sent"),
    ],
)
def test_what_is_not_there_is_passed_over(data: object) -> None:
    assert after(data) == state()
