from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.core import contacts
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.protocol.plain.codec import Text
from tests.node.core.desk import BOB, CAUSE, Desk, acts, data, events, only, result

KEY = q.Key("k", b"f")


def connect(desk: Desk, address: str = BOB, dialect: str = "auto") -> list[e.Effect]:
    return desk.ask("connect", rq.ConnectArgs(address=address, dialect=dialect))


def read(desk: Desk, room: str, upto: int | None = None) -> list[e.Effect]:
    return desk.ask("mark_read", rq.MarkReadArgs(room=room, upto=upto))


def peer(desk: Desk, op: str, name: str = BOB) -> list[e.Effect]:
    return desk.ask(op, rq.PeerArgs(peer=name))


# -- who is meant


def test_a_peer_is_found_by_id_room_address_and_name_without_regard_to_case() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "Bob", 5000), dialect="std")
    for whom in ("plain-1", BOB, "Bob", "bob", "BOB"):
        assert result(desk.send(whom, "hi")).messages[0].room == "plain-1"


def test_a_name_that_two_have_is_ambiguous_and_the_answer_names_both() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "Bob", 5000), dialect="std")
    desk.hear(4, Text("hi", "bob", 5001), dialect="std")
    (refusal,) = only(e.Refuse, desk.send("bob", "hi"))
    assert refusal.code == "ambiguous"
    assert refusal.details["candidates"] == [
        {"id": "plain-1", "address": BOB},
        {"id": "plain-2", "address": "10.0.0.1:5001"},
    ]


def test_no_peer_takes_an_address_or_an_id_by_its_name() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    desk.hear(4, Text("hi", BOB, 5000), host="10.0.0.66", dialect="std")
    desk.hear(6, Text("hi", "plain-1", 5000), host="10.0.0.67", dialect="std")
    assert result(desk.send(BOB, "hi")).messages[0].room == "plain-1"
    assert result(desk.send("plain-1", "hi")).messages[0].room == "plain-1"


SHAPED = ("plain-1", "PLAIN-1", "direct:" + "0" * 64, "a2" * 26, "0f" * 32)


@pytest.mark.parametrize("shaped", SHAPED)
@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("send", lambda whom: rq.SendArgs(messages=[rq.Outgoing(to=whom, text="for bob only")])),
        ("connect", lambda whom: rq.ConnectArgs(address=whom)),
        ("disconnect", lambda whom: rq.PeerArgs(peer=whom)),
        ("forget", lambda whom: rq.PeerArgs(peer=whom)),
        ("delete", lambda whom: rq.PeerArgs(peer=whom)),
        ("rename", lambda whom: rq.RenameArgs(peer=whom, name="x")),
        ("merge", lambda whom: rq.MergeArgs(peer=whom, into="plain-3")),
        ("merge", lambda whom: rq.MergeArgs(peer="plain-3", into=whom)),
        ("mark_read", lambda whom: rq.MarkReadArgs(room=whom)),
    ],
    ids=["send", "connect", "disconnect", "forget", "delete", "rename", "merge", "merge into", "mark_read"],
)
def test_no_peer_inherits_an_id_by_its_name(op: str, args: Callable[[str], Any], shaped: str) -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    desk.hear(4, Text("hi", shaped, 5000), host="10.0.0.66", dialect="std")
    desk.hear(6, Text("hi", "cleo", 5000), host="10.0.0.67", dialect="std")
    peer(desk, "delete", "plain-1")
    effects = desk.ask(op, args(shaped))
    assert (result(effects), len(effects)) == ("not_found", 1)
    # Such a peer can be reached by its own id, and by its address.
    for whom in ("plain-2", "10.0.0.66:5000"):
        assert result(desk.send(whom, "hi")).messages[0].room == "plain-2"


@pytest.mark.parametrize(
    ("whom", "code"),
    [
        ("nobody", "not_found"), ("10.0.0.99:5000", "own_address"), ("10.0.0.1:0", "invalid_args"),
        ("10.0.0.1:x", "invalid_args"), ("::1:5000", "invalid_args"), ("0.0.0.0:80", "invalid_args"), ("", "not_found"),
    ],
)  # fmt: skip
def test_who_cannot_be_meant_is_refused_and_nothing_is_done(whom: str, code: str) -> None:
    desk = Desk()
    for effects in (desk.send(whom, "hi"), connect(desk, whom)):
        assert result(effects) == code
        assert len(effects) == 1


# -- send


def test_a_send_is_accepted_whole_or_not_at_all() -> None:
    desk = Desk()
    outgoing = [
        rq.Outgoing(to=BOB, text="hi"),
        rq.Outgoing(to="10.0.0.2:5000", text="hi"),
        rq.Outgoing(to=BOB, text=" "),
    ]
    (refusal,) = desk.ask("send", rq.SendArgs(messages=outgoing))
    assert isinstance(refusal, e.Refuse)
    assert (refusal.code, refusal.details) == ("text_empty", {"index": 2})


def test_a_send_to_more_strangers_than_there_is_room_for_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MAX_PEERS", 1)
    desk = Desk()
    outgoing = [rq.Outgoing(to=BOB, text="hi"), rq.Outgoing(to="10.0.0.2:5000", text="hi")]
    effects = desk.ask("send", rq.SendArgs(messages=outgoing))
    assert (result(effects), len(effects)) == ("busy", 1)
    assert len(result(desk.send(BOB, "one", "two")).messages) == 2


def test_a_send_is_one_event_a_message_with_its_cause() -> None:
    desk = Desk()
    effects = desk.send(BOB, "one", "two")
    assert events(effects) == ["PeerAdded", "RoomAdded", "MessageAccepted", "MessageAccepted", "PeerChanged"]
    assert all(effect.event.cause == CAUSE for effect in only(e.Log, effects))
    assert [one.text for one in result(effects).messages] == ["one", "two"]
    assert len(only(e.Dial, effects)) == 1


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([], "invalid_args"), (["x"] * (bounds.MAX_SEND + 1), "invalid_args"), (["\x00 \x00"], "text_empty"),
        (["x" * (bounds.MAX_TEXT_BYTES + 1)], "text_too_long"),
        (["é" * (bounds.MAX_TEXT_BYTES // 2 + 1)], "text_too_long"),
    ],
)  # fmt: skip
def test_bounds_of_a_send(texts: list[str], code: str) -> None:
    assert result(Desk().send(BOB, *texts)) == code
    assert isinstance(result(Desk().send(BOB, "x" * bounds.MAX_TEXT_BYTES)), rq.SendResult)


def test_who_never_said_a_port_can_be_answered_only_while_connected() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob"))
    assert len(only(e.Transmit, desk.send("bob", "hi"))) == 1
    desk.outcome(2, 2, "sent")
    desk.give(s.Closed(2, None))
    assert result(desk.send("bob", "hi")) == "no_address"
    assert result(connect(desk, "bob")) == "no_address"


# -- resend


def resend(desk: Desk, message: int) -> list[e.Effect]:
    return desk.ask("resend", rq.ResendArgs(message=message))


def test_a_message_that_was_given_up_is_sent_again_when_somebody_says_so() -> None:
    desk = Desk()
    desk.call(2)
    desk.send(BOB, "hi")
    desk.outcome(2, 1, "unknown")
    effects = resend(desk, 1)
    assert [one.state for one in data(ev.MessageStateChanged, effects)] == ["waiting", "sending"]
    assert result(effects).message.state == "waiting"
    assert [one.token for one in only(e.Transmit, effects)] == [1]


def test_two_who_send_again_at_the_same_time_send_once() -> None:
    desk = Desk()
    desk.call(2)
    desk.send(BOB, "hi")
    desk.outcome(2, 1, "unknown")
    found = []
    for token in (11, 12):
        (fetch,) = only(e.Fetch, desk.give(s.Commanded(token, "resend", rq.ResendArgs(message=1), CAUSE)))
        found.append(desk.store.answer(fetch.query))
    effects = [new for one in found for new in desk.answered(desk.give(one))]
    assert [one.token for one in only(e.Transmit, effects)] == [1]
    assert [one.token for one in only(e.Reply, effects)] == [11]
    assert [(one.token, one.code) for one in only(e.Refuse, effects)] == [(12, "not_resendable")]


def test_only_what_was_given_up_can_be_sent_again() -> None:
    desk = Desk()
    desk.hear(2, "theirs")
    desk.call(2)
    desk.send(BOB, "hi")
    assert result(resend(desk, 2)) == "not_resendable"
    desk.outcome(2, 2, "sent")
    assert result(resend(desk, 2)) == "not_resendable"
    assert result(resend(desk, 1)) == result(resend(desk, 99)) == "not_found"


# -- connect and disconnect


def test_connect_dials_once_however_often_it_is_asked_for() -> None:
    desk = Desk()
    effects = connect(desk)
    assert [one.how for one in only(e.Dial, effects)] == ["unsure"]
    assert (result(effects).peer.link, result(effects).peer.wanted) == ("connecting", True)
    assert acts(connect(desk)) == []
    desk.give(s.Settled(1, "snicher"))
    assert acts(connect(desk)) == []
    assert events(connect(desk)) == []


def test_connect_says_hello_to_one_shot_clients_once() -> None:
    desk = Desk()
    connect(desk, dialect="std")
    hello = desk.give(s.Connected(1))
    assert hello == [e.Transmit(1, 0, "connect", control=True)]
    desk.outcome(1, 0, "sent")
    assert acts(desk.give(s.Closed(1, None))) == []
    assert desk.contact().peer.link == "reachable"


def test_connect_tries_at_once_in_spite_of_a_back_off() -> None:
    desk = Desk()
    connect(desk)
    desk.give(s.Closed(1, "Refused."))
    assert desk.core.next_deadline() is not None
    effects = connect(desk)
    assert len(only(e.Dial, effects)) == 1
    assert result(effects).peer.link == "connecting"
    assert desk.core.next_deadline() is None


def test_a_chosen_dialect_ends_links_that_speak_another_one() -> None:
    desk = Desk()
    desk.call(2)
    effects = connect(desk, dialect="std")
    assert [type(act).__name__ for act in acts(effects)] == ["HangUp", "Dial"]
    assert result(effects).peer.dialect_from == "chosen"
    assert result(connect(desk, dialect="klingon")) == "invalid_args"


def test_disconnect_leaves_and_does_not_come_back_by_itself() -> None:
    desk = Desk()
    connect(desk)
    desk.give(s.Settled(1, "snicher"))
    effects = peer(desk, "disconnect")
    assert acts(effects) == [e.HangUp(1)]
    assert (result(effects).peer.link, result(effects).peer.wanted) == ("offline", False)
    assert desk.give(s.Closed(1, None)) == []
    assert desk.core.next_deadline() is None


def test_disconnect_while_dialling_breaks_the_dial_off() -> None:
    desk = Desk()
    connect(desk)
    assert acts(peer(desk, "disconnect")) == [e.HangUp(1)]
    assert desk.give(s.Opened(1)) == []
    assert desk.give(s.Closed(1, "We left.")) == []


def test_disconnect_lets_a_message_on_its_way_get_there() -> None:
    desk = Desk()
    connect(desk, dialect="std")
    desk.send(BOB, "hi")
    desk.give(s.Connected(1))
    assert acts(peer(desk, "disconnect")) == []
    desk.outcome(1, 1, "sent")
    assert events(desk.give(s.Closed(1, None))) == []
    assert desk.states() == ["sent"]


def test_a_send_after_disconnect_dials_again() -> None:
    desk = Desk()
    connect(desk)
    desk.give(s.Settled(1, "snicher"))
    peer(desk, "disconnect")
    assert [type(act).__name__ for act in acts(desk.send(BOB, "hi"))] == ["Dial"]
    assert acts(desk.give(s.Closed(1, None))) == []


# -- forget


def test_a_forgotten_peers_waiting_messages_fail_and_those_on_their_way_get_their_outcome() -> None:
    desk = Desk()
    desk.call(2)
    desk.send(BOB, *"abcdef")
    effects = peer(desk, "forget")
    assert events(effects) == ["PeerForgotten", *["MessageStateChanged"] * 2]
    assert desk.states() == [*["sending"] * 4, *["failed"] * 2]
    desk.outcome(2, 1, "sent")
    desk.outcome(2, 2, "unknown")
    desk.outcome(2, 3, "not_sent")
    assert desk.states()[:3] == ["sent", "unconfirmed", "failed"]
    assert not desk.contact().queue.waiting


def test_a_forgotten_peer_is_gone_until_it_returns_with_its_conversation() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    assert result(peer(desk, "forget")) == rq.Nothing()
    assert result(peer(desk, "forget")) == "not_found"
    assert result(desk.send("bob", "hi")) == "not_found"
    assert "PeerAdded" in events(desk.hear(4, Text("back", "bob", 5000), dialect="std"))
    assert desk.store.rooms["plain-1"].unread == 2


def test_a_late_word_on_a_link_that_we_leave_brings_nobody_back() -> None:
    desk = Desk()
    desk.call(2)
    peer(desk, "forget")
    assert events(desk.hear(2, "wait")) == ["MessageReceived"]
    assert desk.contact().gone


# -- mark_read


def unread(desk: Desk, count: int) -> None:
    desk.hear(2, *(Text(f"text {n}", "bob", 5000) for n in range(count)), dialect="std")


def test_reading_all_is_one_event_and_doing_it_again_none() -> None:
    desk = Desk()
    unread(desk, 3)
    effects = read(desk, "plain-1")
    assert data(ev.RoomRead, effects) == [ev.RoomRead(room="plain-1", read_upto=3, unread=0)]
    again = read(desk, "plain-1")
    assert (events(again), result(again)) == ([], rq.MarkReadResult(read_upto=3, unread=0))


def test_reading_a_part_counts_what_is_left_even_while_more_comes_in() -> None:
    desk = Desk()
    unread(desk, 5)
    asking = s.Commanded(9, "mark_read", rq.MarkReadArgs(room="plain-1", upto=2), CAUSE)
    (fetch,) = only(e.Fetch, desk.give(asking))
    unread(desk, 2)
    effects = desk.give(desk.store.answer(fetch.query))
    assert result(effects) == rq.MarkReadResult(read_upto=2, unread=5)


def test_two_who_read_parts_at_the_same_time_agree() -> None:
    desk = Desk()
    unread(desk, 10)
    fetches = []
    for token, upto in ((11, 5), (12, 8)):
        asking = s.Commanded(token, "mark_read", rq.MarkReadArgs(room="plain-1", upto=upto), CAUSE)
        fetches += only(e.Fetch, desk.give(asking))
    found = [desk.store.answer(fetch.query) for fetch in fetches]
    effects = [new for one in found for new in desk.answered(desk.give(one))]
    assert [one.result.unread for one in only(e.Reply, effects)] == [5, 2]
    assert desk.store.rooms["plain-1"].unread == 2


def test_a_mark_never_goes_back_and_never_beyond_the_newest_message() -> None:
    desk = Desk()
    unread(desk, 3)
    assert result(read(desk, "plain-1", 10**9)).read_upto == 3
    unread(desk, 1)
    assert result(read(desk, "plain-1", 1)) == rq.MarkReadResult(read_upto=3, unread=1)
    assert result(read(desk, "nowhere")) == "not_found"


# -- settings and keys


def test_settings_are_logged_when_they_change() -> None:
    desk = Desk()
    effects = desk.ask("settings", rq.SettingsArgs(name=" anna b "))
    assert events(effects) == ["SettingsChanged"]
    assert (desk.core.name, desk.store.settings) == ("anna b", nouns.Settings(name="anna b"))
    assert events(desk.ask("settings", rq.SettingsArgs(name="anna b"))) == []


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b", "x" * (bounds.MAX_NAME_CHARS + 1)])
def test_a_name_has_bounds(name: str) -> None:
    effects = Desk().ask("settings", rq.SettingsArgs(name=name, reconnect=False))
    assert (result(effects), len(effects)) == ("invalid_args", 1)


def test_reconnecting_can_be_turned_off_and_on() -> None:
    desk = Desk()
    connect(desk)
    desk.give(s.Closed(1, "Refused."))
    desk.ask("settings", rq.SettingsArgs(reconnect=False))
    assert desk.core.next_deadline() is None
    assert len(only(e.Dial, desk.ask("settings", rq.SettingsArgs(reconnect=True)))) == 1


def test_a_reply_is_kept_exactly_when_a_keyed_command_is_not_refused() -> None:
    desk = Desk()
    done = desk.ask("connect", rq.ConnectArgs(address=BOB), KEY)
    assert [(one.key, one.reply) for one in only(e.SaveReply, done)] == [(KEY, result(done))]
    assert only(e.SaveReply, desk.ask("connect", rq.ConnectArgs(address="nobody"), KEY)) == []
    assert only(e.SaveReply, desk.ask("resend", rq.ResendArgs(message=9), KEY)) == []
    assert only(e.SaveReply, connect(desk)) == []
