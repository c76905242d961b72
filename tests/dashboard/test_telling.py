from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from dashboard import telling
from dashboard.viewmodel import Model
from node.bus import events as ev
from node.bus import nouns
from tests.dashboard.nouns import ME, direct, entry, event, message, node, own, peer, room, snapshot


@pytest.fixture
def model() -> Model:
    made = Model("/home/of/anna")
    made.resync(snapshot())
    return made


def words(data: msgspec.Struct, model: Model, before: nouns.Peer | None = None, seq: int | None = 11) -> str:
    return "".join(telling.row(event(seq, data), model, "k", before).parts)


GREETING = nouns.Greeting(address="10.0.0.9:1255", outcome="failed", detail="Refused.", at=1)
TOLD: list[tuple[msgspec.Struct, str, str]] = [
    (ev.MessageReceived(message=message(1, "hello there")), "messages", "bela said: “hello there”"),
    (ev.MessageReceived(message=message(1, "bela left", kind="notice")), "messages", "bela left"),
    (ev.MessageReceived(message=message(1, "", kind="deleted")), "messages", "A message that was deleted since"),
    (ev.MessageAccepted(message=own(2, "hi")), "messages", "You wrote to bela: “hi”"),
    (ev.MessageStateChanged(room="room-bela", id=2, state="sent"), "messages", "Your message to bela was sent"),
    (
        ev.MessageStateChanged(room="room-bela", id=2, state="failed", detail="Refused."),
        "messages",
        "Your message to bela could not be sent: Refused.",
    ),
    (
        ev.MessageReceived(message=message(1, "", kind="unknown")),
        "messages",
        "bela sent something that this version of Snicher can't show",
    ),
    (
        ev.MessageChanged(message=entry(2, "hi", room="room-bela")),
        "messages",
        "Your message to bela goes encrypted now: “hi”",
    ),
    (
        ev.ReceiptAdvanced(room="room-bela", member="peer-bela", stream="5" * 32, n=2),
        "messages",
        "What you wrote to bela is on their disk",
    ),
    (
        ev.ReadAdvanced(room="room-bela", member="peer-bela", stream="5" * 32, n=2),
        "messages",
        "bela has read what you wrote",
    ),
    (
        ev.PeerAdded(peer=node("dora")),
        "peers",
        "A new peer: dora, a Snicher node with the code k7f2 9qda mx31 t6ow",
    ),
    (ev.PeerChanged(peer=node("dora", link="online")), "peers", "Connected to dora, encrypted"),
    (
        ev.PeerWarned(peer="peer-bela", name="bela", warning="Another key answers."),
        "peers",
        "Is this really bela? Another key answers.",
    ),
    (ev.RoomAdded(room=direct("dora")), "conversations", "An encrypted conversation with dora began"),
    (
        ev.RoomsMerged(gone="room-bela", room=direct("bela")),
        "conversations",
        "The conversation with bela became part of the encrypted one with bela",
    ),
    (
        ev.IdentityShared(address="10.0.0.7:5000"),
        "node",
        "Another machine, met at 10.0.0.7:5000, uses this node's identity; both go on working",
    ),
    (ev.PeerBlocked(blocked=nouns.Blocked(id="10.0.0.9")), "peers", "10.0.0.9 is blocked: nothing of it is taken"),
    (ev.PeerUnblocked(id="10.0.0.9"), "peers", "10.0.0.9 is blocked no more"),
    (ev.PeerAdded(peer=peer("cian")), "peers", "A new peer: cian"),
    (ev.PeerChanged(peer=peer(link="online")), "peers", "Connected to bela"),
    (ev.PeerChanged(peer=peer(link="offline", error="Refused.")), "peers", "bela can't be reached: Refused."),
    (ev.PeerChanged(peer=peer(link="offline")), "peers", "bela is offline"),
    (ev.PeerChanged(peer=peer(link="connecting")), "peers", "Connecting to bela…"),
    (ev.PeerChanged(peer=peer(link="reachable")), "peers", "bela is reachable"),
    (ev.PeerChanged(peer=peer(link="unknown")), "peers", "bela has not been heard of lately"),
    (ev.PeerForgotten(peer="peer-bela"), "peers", "bela was taken off the list"),
    (ev.PeerForgotten(peer="peer-nobody"), "peers", "A peer was taken off the list"),
    (ev.RoomAdded(room=room("cian")), "conversations", "A conversation with cian began"),
    (ev.RoomChanged(room=room()), "conversations", "A conversation is now called bela"),
    (
        ev.RoomsMerged(gone="room-bela", room=room("cian")),
        "conversations",
        "The conversation with bela became part of the one with cian",
    ),
    (ev.RoomDeleted(room="room-bela"), "conversations", "The conversation with bela was deleted"),
    (
        ev.MessagesExpired(room="room-bela", upto=3, unread=0),
        "conversations",
        "Old messages with bela were kept long enough and are gone",
    ),
    (ev.RoomRead(room="room-bela", read_upto=3, unread=0), "conversations", "The conversation with bela was read"),
    (
        ev.RoomRead(room="room-bela", read_upto=3, unread=2),
        "conversations",
        "The conversation with bela was read, 2 left unread",
    ),
    (
        ev.NodeStarted(self=ME, settings=nouns.Settings(name="anna"), version="1.2"),
        "node",
        "The node started, version 1.2",
    ),
    (ev.NodeStopped(reason="SIGTERM"), "node", "The node stopped: SIGTERM"),
    (
        ev.SettingsChanged(settings=nouns.Settings(name="Anna B"), self=ME),
        "node",
        "The settings changed; you are called Anna B",
    ),
    (
        ev.AddressesChanged(self=replace(ME, addresses=["10.9.9.9:5000"])),
        "node",
        "The network changed; others reach you at 10.9.9.9:5000",
    ),
    (
        ev.GreetingChanged(greeting=GREETING),
        "node",
        "Mandatory peer 10.0.0.9:1255: could not be greeted (Refused.)",
    ),
    (
        ev.QuotaReached(host="10.0.0.9", bytes=200_000_000, until=9000),
        "connections",
        "10.0.0.9 sent 200 MB within a day and is shut out",
    ),
]


@pytest.mark.parametrize(("data", "kind", "said"), TOLD, ids=[said for *_, said in TOLD])
def test_each_event_is_told_in_plain_words(model: Model, data: msgspec.Struct, kind: str, said: str) -> None:
    row = telling.row(event(11, data), model, "s11")
    assert ("".join(row.parts), row.kind, row.seq, row.raw) == (said, kind, 11, "")
    assert row.kind in telling.KINDS


def test_two_of_one_name_are_told_apart(model: Model) -> None:
    model.event(event(11, ev.PeerAdded(peer=node("bela", id="n" * 52))))
    model.event(event(12, ev.RoomAdded(room=direct("bela", peer="n" * 52))))
    assert words(ev.PeerChanged(peer=peer(link="offline")), model) == "bela (192.168.1.21:5000) is offline"
    assert words(ev.RoomRead(room="direct:bela", read_upto=3, unread=0), model) == (
        "The conversation with bela (k7f2 9qda) was read"
    )
    assert words(ev.PeerForgotten(peer="n" * 52), model) == "bela (k7f2 9qda) was taken off the list"


def test_a_doubt_that_comes_and_goes_is_told_before_all_else(model: Model) -> None:
    doubted = peer(warning="Another key answers.", link="offline")
    assert words(ev.PeerChanged(peer=doubted), model, peer()) == "A warning stands about bela now"
    assert words(ev.PeerChanged(peer=peer()), model, doubted) == "Nothing is in doubt about bela any more"


def test_every_durable_event_of_the_bus_is_told() -> None:
    assert {type(data).__name__ for data, *_ in TOLD} == set(ev.DURABLE)


def test_what_is_not_kept_carries_its_raw_form_and_its_moment(model: Model) -> None:
    next_try = nouns.NextTry(peer="peer-bela", at=9000, attempt=2, reason="It refused the connection.")
    row = telling.row(event(None, ev.RetryScheduled(next_try=next_try)), model, "e1")
    assert "".join(row.parts) == "bela can't be reached: It refused the connection."
    assert (row.kind, row.seq, row.moment, row.moment_word, row.tone) == ("peers", None, 9000, "Next try", "wait")
    assert json.loads(row.raw)["data"]["next_try"]["attempt"] == 2
    noticed = telling.row(event(None, ev.ConnectionNoticed(address="10.0.0.9", what="Refused: garbage.")), model, "e2")
    assert ("".join(noticed.parts), noticed.kind) == ("10.0.0.9: Refused: garbage.", "connections")
    ill = ev.HealthChanged(health=nouns.Health(store=False, problem="The disk is full."))
    assert words(ill, model, seq=None) == "The disk has a problem: The disk is full."
    anew = ev.HealthChanged(health=nouns.Health(index="The search index is being rebuilt."))
    assert words(anew, model, seq=None) == "The search index is being rebuilt."
    assert words(ev.HealthChanged(health=nouns.Health()), model, seq=None) == "The disk and the search index are well"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Bela B"}, "bela is now called Bela B"),
        ({"port": 6000}, "bela is now at 192.168.1.21:6000"),
        ({"wanted": True}, "Your node keeps trying to reach bela"),
        ({"dialect": "std"}, "bela speaks std"),
        ({"last_seen": 5}, "Something about bela changed"),
    ],
)
def test_what_else_changed_about_a_peer_is_found_by_comparing(model: Model, changes: dict[str, Any], said: str) -> None:
    before = peer()
    assert words(ev.PeerChanged(peer=replace(before, **changes)), model, before) == said
    assert words(ev.PeerChanged(peer=replace(before, wanted=False)), model, replace(before, wanted=True)) == (
        "Your node leaves bela alone"
    )


def test_an_unknown_event_is_told_as_such(model: Model) -> None:
    unknown = ev.Event(v=1, log="l", at=1, type="Something\nNew", seq=3, data={"x": 1})
    assert "".join(telling.row(unknown, model, "s3").parts) == "Something that this version doesn't know: Something New"


def test_only_the_beginning_of_a_text_is_told_and_nothing_in_it_acts(model: Model) -> None:
    long = ev.MessageReceived(message=message(1, "\u202e" + "x" * 5000 + "\nmore", name="bela"))
    row = telling.row(event(11, long), model, "s11")
    assert row.parts[::2] == ["", " said: “", "”"]
    assert len(row.parts[3]) <= telling.PREVIEW_CHARS and "\u202e" not in row.parts[3]
    raw = telling.raw(event(11, long))
    assert "x" * 200 not in raw and "(5,006 characters)" in raw
    assert "\u202e" not in raw


def test_a_row_says_who_asked_and_leads_to_the_conversation_that_is_there(model: Model) -> None:
    asked = ev.Event(
        v=1, log="l", at=1, type="MessageAccepted", seq=3, room="room-bela",
        cause=ev.Cause(client="console", request="1"), data=ev.MessageAccepted(message=own()),
    )  # fmt: skip
    row = telling.row(asked, model, "s3")
    assert (row.by, row.room) == ("console", "room-bela")
    asked.room = "room-gone"
    assert telling.row(asked, model, "s3").room == ""


def test_words_are_found_without_regard_to_case(model: Model) -> None:
    row = telling.row(event(11, ev.MessageReceived(message=message(1, "Hello There"))), model, "s11")
    assert row.holds("hello") and row.holds("messagereceived") and row.holds("") and not row.holds("cian")
