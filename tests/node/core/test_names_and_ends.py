"""What people do with peers and conversations: rename, merge, delete."""

from __future__ import annotations

import pytest

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.protocol.plain.codec import Text
from tests.node.core.desk import BOB, Desk, acts, data, events, only, result

OTHER = "10.0.0.2:5000"


def renamed(desk: Desk, name: str, peer: str = BOB) -> nouns.Peer:
    found = result(desk.ask("rename", rq.RenameArgs(peer=peer, name=name)))
    assert isinstance(found, rq.PeerResult)
    return found.peer


def test_a_persons_name_wins_until_it_is_cleared() -> None:
    desk = Desk()
    desk.call(2)
    desk.hear(2, Text("hi", "bob"))
    peer = renamed(desk, "my brother")
    assert (peer.name, peer.own_name) == ("my brother", "bob")
    desk.hear(2, Text("hi", "bobby"))
    assert (desk.contact().peer.name, desk.contact().peer.own_name) == ("my brother", "bobby")
    assert desk.store.rooms[peer.room].name == "my brother"
    again = Desk(desk.store)
    again.call(2)
    again.hear(2, Text("hi", "bob"))
    assert again.contact().peer.name == "my brother", "also after a restart"
    peer = renamed(again, "")
    assert (peer.name, peer.own_name) == ("bob", None)


def test_a_renamed_peer_is_found_by_its_name_and_known_by_its_own() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    renamed(desk, "brother")
    assert result(desk.send("brother", "x")).messages[0].room == desk.contact().peer.room
    assert result(desk.send("bob", "x")) == "not_found"
    desk.hear(4, Text("again", "bob"), dialect="std")
    assert len(desk.store.rooms) == 1, "one who says only its own name is still the same"


def test_a_name_is_found_however_its_accents_are_stored_and_kept_in_one_way() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "Jose\u0301", 5000), dialect="std")
    assert desk.contact().peer.name == "Jos\u00e9"
    for typed in ("Jos\u00e9", "Jose\u0301", "JOSE\u0301"):
        assert result(desk.send(typed, "x")).messages[0].room == desk.contact().peer.room
    assert renamed(desk, "Zoe\u0308").name == "Zo\u00eb"


def test_a_joiner_that_belongs_to_a_name_stays_in_it() -> None:
    desk = Desk()
    sinhala = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"
    desk.hear(2, Text("hi", sinhala, 5000), dialect="std")
    assert desk.contact().peer.name == sinhala
    assert renamed(desk, f"{sinhala} 2").name == f"{sinhala} 2"


@pytest.mark.parametrize("name", ["\u202ebob", "bob\u200d", "\u3164", "x" * (bounds.MAX_NAME_CHARS + 1), "two\nlines"])
def test_a_name_that_can_t_be_shown_is_refused(name: str) -> None:
    desk = Desk()
    desk.call(2)
    assert result(desk.ask("rename", rq.RenameArgs(peer=BOB, name=name))) == "invalid_args"
    assert result(desk.ask("rename", rq.RenameArgs(peer=OTHER, name="x"))) == "not_found"


def test_merged_conversations_are_one_and_what_waits_goes_to_the_one_that_stays() -> None:
    desk = Desk()
    desk.send(BOB, "waits")
    desk.hear(2, Text("from the other", "eve", 5000), host="10.0.0.2", dialect="std")
    bob, other = desk.contact(), desk.contact("10.0.0.2")
    busy = bob.tries.link
    assert busy is not None
    effects = desk.ask("merge", rq.MergeArgs(peer=BOB, into=OTHER))
    assert result(effects).peer.id == other.id
    assert events(effects)[:2] == ["RoomsMerged", "PeerForgotten"]
    assert e.HangUp(busy) in acts(effects), "nobody is dialled any more where the other was"
    assert [dial.address.host for dial in only(e.Dial, effects)] == ["10.0.0.2"]
    assert list(desk.store.rooms) == [other.peer.room]
    assert {message.room for message in desk.store.messages.values()} == {other.peer.room}
    assert acts(desk.give(s.Opened(busy))) == [e.HangUp(busy)]
    desk.hear(4, Text("back", "bob", 5000), dialect="std")
    assert desk.contact().id != bob.id, "what its address says later is a new conversation"


@pytest.mark.parametrize(
    ("given", "names"),
    [("", ("eve", None)), ("Boss", ("Boss", "eve")), (None, ("Mine", "eve"))],
    ids=["its own", "also a given one", "not over a given one"],
)
def test_who_has_no_name_takes_that_of_the_conversation_merged_into_it(
    given: str | None, names: tuple[str, str | None]
) -> None:
    desk = Desk()
    desk.send(BOB, "never heard of him")
    desk.hear(2, Text("hi", "eve", 5000), host="10.0.0.2", dialect="std")
    renamed(desk, given or "", OTHER)
    if given is None:
        renamed(desk, "Mine")
    effects = desk.ask("merge", rq.MergeArgs(peer=OTHER, into=BOB))
    peer = result(effects).peer
    assert (peer.name, peer.own_name) == names
    assert desk.store.rooms[peer.room].name == names[0]
    assert data(ev.PeerChanged, effects)[-1].peer == peer
    assert data(ev.RoomsMerged, effects)[0].room.name == names[0]
    desk.hear(4, Text("it is me", "bob", 5000), dialect="std")
    assert "bob" in (desk.contact().peer.name, desk.contact().peer.own_name), "until it says its own"


def test_who_has_a_name_keeps_it_when_another_conversation_is_merged_into_it() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    desk.hear(4, Text("hi", "eve", 5000), host="10.0.0.2", dialect="std")
    assert result(desk.ask("merge", rq.MergeArgs(peer=OTHER, into=BOB))).peer.name == "bob"


def test_a_conversation_can_t_be_merged_with_itself_or_nothing() -> None:
    desk = Desk()
    desk.call(2)
    assert result(desk.ask("merge", rq.MergeArgs(peer=BOB, into=BOB))) == "invalid_args"
    assert result(desk.ask("merge", rq.MergeArgs(peer=BOB, into=OTHER))) == "not_found"


def test_a_deleted_conversation_is_gone_with_all_that_was_to_be_sent() -> None:
    desk = Desk()
    desk.call(2)
    desk.hear(2, "secret")
    desk.send(BOB, *(f"text {number}" for number in range(9)))
    room, id_ = desk.contact().peer.room, desk.contact().id
    effects = desk.ask("delete", rq.PeerArgs(peer=BOB))
    assert events(effects) == ["PeerForgotten", "RoomDeleted"]
    assert e.HangUp(2) in acts(effects)
    assert not desk.store.messages and not desk.store.outbox and not desk.store.rooms
    nobody = desk.store.peers[id_]
    assert nobody.gone and (nobody.peer.name, nobody.peer.host, nobody.peer.port) == ("", "", None)
    assert desk.outcome(2, 2, "not_sent") == []
    assert desk.give(s.Closed(2, None)) == []
    assert desk.core.next_deadline() is None and not desk.core.next_tries()
    desk.call(4)
    desk.hear(4, "it is me again")
    (new,) = desk.store.rooms.values()
    assert new.id != room and new.unread == 1
    assert min(desk.store.messages) > 10, "no id is used twice"


def test_a_forgotten_peers_conversation_can_be_deleted_and_nobody_is_forgotten_twice() -> None:
    desk = Desk()
    desk.call(2)
    desk.hear(2, "secret")
    room = desk.contact().peer.room
    desk.ask("forget", rq.PeerArgs(peer=BOB))
    effects = desk.ask("delete", rq.PeerArgs(peer=room))
    assert events(effects) == ["RoomDeleted"]
    assert data(ev.RoomDeleted, effects) == [ev.RoomDeleted(room=room)]
    assert result(desk.ask("delete", rq.PeerArgs(peer=room))) == "not_found"


def test_a_peer_that_is_being_tried_again_is_not_any_more_once_deleted() -> None:
    desk = Desk()
    (dial,) = only(e.Dial, desk.send(BOB, "waits"))
    desk.give(s.Closed(dial.link, "Refused."))
    assert desk.core.next_tries()
    desk.ask("delete", rq.PeerArgs(peer=BOB))
    assert desk.core.next_tries() == [] and desk.core.next_deadline() is None
