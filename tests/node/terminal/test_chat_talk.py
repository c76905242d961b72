"""The conversation as the chat knows it: how the other side is, what is unread, and what is wrong."""

from __future__ import annotations

from typing import Any

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.bus.client import Away, Back, Resync
from node.terminal.chat_talk import LONGEST_TYPING_MS, Talk
from tests.node.terminal.test_chat_log import event, message, page

BELA = nouns.Peer(
    id="b" * 52, room="r", name="bela", kind="node", code="k7f2 · 9qda · mx31 · t6ow", link="online", presence="online",
    host="10.0.0.2", port=5000,
)  # fmt: skip
ROOM = nouns.Room(id="r", kind="direct", name="bela", peer=BELA.id, encrypted=True)
MARK = nouns.mark_of(BELA)


def there(*rooms: nouns.Room, peers: tuple[nouns.Peer, ...] = (BELA,), **live: Any) -> rq.SnapshotResult:
    state = nouns.State(
        self=nouns.Self(id="me", code="", name="anna", listen=""), settings=nouns.Settings(name="anna"),
        rooms={room.id: room for room in rooms}, peers={peer.id: peer for peer in peers},
    )  # fmt: skip
    return rq.SnapshotResult(log="l", seq=1, state=state, live=nouns.Live(**live))


def talk(room: nouns.Room = ROOM, peer: nouns.Peer = BELA, *messages: nouns.Message, **live: Any) -> Talk:
    made = Talk(there(room, peers=(peer,), **live), room.id, peer.id, "start it")
    made.log.asks()
    made.log.takes(page(*messages), where="anew")
    return made


def changed(value: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(value, **changes)


def says(made: Talk, *numbers: int) -> None:
    for number in numbers:
        made.take(event(ev.MessageReceived(message=message(number))), 0)


def test_the_title_says_with_whom_whether_others_can_read_along_and_how_they_are() -> None:
    assert talk().title() == [f"bela ({MARK})", "encrypted", "online", "not verified"]
    assert talk(peer=changed(BELA, verified=True, presence="away")).title()[2:] == ["away", "verified"]
    plain = nouns.Peer(id="plain-1", room="r", name="OLD", host="10.0.0.3", port=5000, link="reachable")
    assert talk(changed(ROOM, kind="plain", peer=plain.id), plain).title() == [
        "OLD (10.0.0.3:5000)", "plain", "reachable",
    ]  # fmt: skip


def test_why_somebody_is_not_there_and_the_next_try_are_told() -> None:
    off = changed(BELA, link="offline", presence="offline", error="No answer.")
    soon = nouns.NextTry(peer=BELA.id, at=9000, attempt=1, reason="")
    made = talk(ROOM, off, next_tries=[soon])
    assert made.trouble(4000) == ["bela can't be reached at 10.0.0.2:5000: No answer. Next try in 5 s."]
    made.take(event(ev.RetryScheduled(next_try=changed(soon, at=20_000)), None), 4000)  # type: ignore[arg-type]
    assert made.trouble(4000)[0].endswith("Next try in 16 s.")
    made.take(event(ev.PeerChanged(peer=BELA)), 4000)
    assert made.trouble(4000) == []
    made.take(event(ev.PeerChanged(peer=off)), 4000)
    assert "Next try" not in made.trouble(4000)[0], "that try is over"


def test_the_worst_is_told_first() -> None:
    peer = changed(BELA, warning="Another key answers.", refusal="They take none.")
    made = talk(changed(ROOM, request=True), peer, health=nouns.Health(store=False, problem="The disk is full."))
    said = made.trouble(0)
    assert [one.split(".")[0] for one in said] == [
        "The disk is full", "! Another key answers", "They take none", "A request: nobody here has accepted it yet",
    ]  # fmt: skip
    made.take(Away("No heartbeat.", None), 0)
    assert len(made.trouble(0)) == 1 and "start it" in made.trouble(0)[0] and "node away" in made.title()
    made.take(Back(), 0)
    assert made.trouble(0) == said


def test_somebody_types_until_it_is_over() -> None:
    made = talk()

    def types(until: int, now: int) -> str:
        made.take(event(ev.Typing(room="r", member=BELA.id, until=until), None), now)  # type: ignore[arg-type]
        return made.types(now)

    assert types(6000, 1000) == "bela is typing" and not made.types(6000)
    assert types(10**12, 1000) and not made.types(1001 + LONGEST_TYPING_MS), "a clock was set"
    assert types(9000, 1000) and not types(0, 1000)
    assert types(9000, 1000)
    says(made, 5)
    assert not made.types(1000)
    assert types(9000, 1000)
    made.take(event(ev.PeerChanged(peer=changed(BELA, link="offline"))), 1000)
    assert not made.types(1000)


def test_others_are_told_that_one_types_only_where_that_goes_somewhere() -> None:
    assert talk().may_tell_typing
    assert not talk(changed(ROOM, kind="plain")).may_tell_typing
    assert not talk(changed(ROOM, request=True)).may_tell_typing
    assert not talk(peer=changed(BELA, link="offline")).may_tell_typing
    made = talk()
    quiet = nouns.Settings(name="anna", share_reading=False)
    made.take(event(ev.SettingsChanged(settings=quiet, self=made.state.self)), 0)
    assert not made.may_tell_typing


def test_what_was_unread_is_marked_and_read_at_the_end_only() -> None:
    room = changed(ROOM, unread=2, read_upto=1)
    made = talk(room, BELA, message(1), message(2), message(3))
    assert made.first_new() == 2
    assert made.sees_end() == 3
    made.take(event(ev.RoomRead(room="r", read_upto=3, unread=0)), 0)
    assert made.sees_end() is None and made.first_new() == 2, "it stays marked while one reads"
    made.sees_above()
    says(made, 4, 5)
    assert (made.below(), made.first_new()) == (2, 4)
    assert made.sees_end() == 5 and made.below() == 0
    made.answered()
    assert made.first_new() is None


def test_what_comes_while_one_is_at_the_end_is_not_new() -> None:
    made = talk(ROOM, BELA, message(1))
    made.sees_end()
    says(made, 2)
    assert made.first_new() is None and made.below() == 0


def test_what_is_new_is_not_marked_where_its_beginning_is_not_held() -> None:
    made = Talk(there(changed(ROOM, unread=9, read_upto=1)), "r", BELA.id, "")
    made.log.asks()
    made.log.takes(page(message(5), message(6), before=True), where="anew")
    assert made.first_new() is None
    made.log.asks()
    made.log.takes(page(message(1), message(2)), where="before")
    assert made.first_new() == 2


def test_a_conversation_that_becomes_part_of_another_goes_on_there() -> None:
    made = talk(changed(ROOM, id="plain-1", peer="plain-1"), BELA)
    made.stale = False
    made.take(event(ev.RoomsMerged(gone="plain-1", room=ROOM)), 0)
    assert (made.room_id, made.peer_id, made.stale, made.to) == ("r", BELA.id, True, "r")


def test_without_a_conversation_texts_go_to_the_peer() -> None:
    made = Talk(there(), "r", BELA.id, "")
    assert made.to == BELA.id
    made.goes_on_in("direct:new")
    assert (made.room_id, made.stale) == ("direct:new", True)
    assert talk().to == "r"


def test_a_resynchronisation_begins_anew_and_keeps_the_place() -> None:
    made = talk(ROOM, BELA, message(1))
    made.stale = False
    made.take(Resync(there(changed(ROOM, name="other"), peers=())), 0)
    assert made.stale and made.name == "other" and made.trouble(0) == [
        "Off the list of peers; writing to them brings them back."
    ]  # fmt: skip
