"""How messages, peers and events look on a terminal."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from node.model import short_code
from node.terminal import lines

NOON = int(time.mktime((2026, 1, 2, 12, 0, 0, 0, 0, -1)) * 1000)


@pytest.fixture(autouse=True)
def it_is_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOON / 1000)


def message(**more: Any) -> nouns.Message:
    fields = {"id": 7, "room": "r", "order": "0", "at": NOON, "direction": "in", "author": "p", "name": "BERT"}
    return msgspec.convert({**fields, **more}, nouns.Message)


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (message(text="hello"), "2026-01-02 12:00:00  BERT: hello"),
        (message(text="a\nb"), "2026-01-02 12:00:00  BERT: a\n                       b"),
        (
            message(text="x\x1b[2J\u202e"),
            "2026-01-02 12:00:00  BERT: x\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}",
        ),
        (message(text="hello", name="B\nT"), "2026-01-02 12:00:00  B T: hello"),
        (message(text="hi", direction="out", state="sent"), "2026-01-02 12:00:00  > BERT: hi  [sent]"),
        (
            message(text="hi", direction="out", state="failed", detail="gone"),
            "2026-01-02 12:00:00  > BERT: hi  [failed: gone]",
        ),
        (message(text="said hello", kind="notice"), "2026-01-02 12:00:00  * BERT said hello"),
        (message(kind="deleted", name=""), "2026-01-02 12:00:00  * deleted since"),
        (
            message(kind="unknown"),
            "2026-01-02 12:00:00  * BERT sent something that this version of Snicher can't show",
        ),
    ],
)
def test_a_message_as_people_read_it(shown: nouns.Message, line: str) -> None:
    assert lines.message_line(shown) == line


def test_who_is_away_and_what_they_say_and_when_they_were_last_seen_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: (NOON + HOUR) / 1000)
    away = msgspec.structs.replace(BELA, presence="away", status="at \x1blunch", last_seen=NOON)
    assert "away encrypted" in " ".join(lines.peer_line(away, None).split())
    assert "“at \N{REPLACEMENT CHARACTER}lunch”" in lines.peer_line(away, None)
    assert "last seen" not in lines.peer_line(away, None), "that is now"
    gone = msgspec.structs.replace(BELA, link="offline", presence="offline", last_seen=NOON)
    assert "last seen 12:00:00" in lines.peer_line(gone, None)
    assert "last seen" not in lines.peer_line(msgspec.structs.replace(gone, last_seen=None), None)
    quiet = lines.peer_line(msgspec.structs.replace(gone, link="unknown"), None)
    assert "quiet since 12:00:00" in quiet and "not tried" not in quiet and "last seen" not in quiet
    assert "not tried yet" in lines.peer_line(msgspec.structs.replace(gone, link="unknown", last_seen=None), None)


def test_a_peer_as_people_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = nouns.Peer(
        id="plain-1", room="plain-1", name="BERT", host="10.0.0.1", port=5, link="offline", error="No way."
    )
    monkeypatch.setattr(time, "time", lambda: 100.0)
    line = lines.peer_line(peer, nouns.NextTry(peer="plain-1", at=107_000, attempt=2, reason="x"))
    assert " ".join(line.split()) == "BERT 10.0.0.1:5 offline plain not known yet plain-1 No way. next try in 7 s"
    heads = [f" {word}" for word in ("ADDRESS", "STATE", "PRIVACY", "DIALECT", "ID")]
    assert [line.index(word) for word in (" 10.0.0.1", " offline", " plain ", " not known yet", " plain-1")] == [
        lines.PEERS_HEADER.index(head) for head in heads
    ]
    for nameless in ("10.0.0.1:5", "10.0.0.1"):
        line = lines.peer_line(msgspec.structs.replace(peer, name=nameless), None)
        assert line.split()[:2] == ["-", "10.0.0.1:5"], "it isn't called by its address twice"
    nowhere = msgspec.structs.replace(peer, port=None, name="\x1b", error=None)
    assert lines.peer_line(nowhere, None).split()[:4] == [
        "\N{REPLACEMENT CHARACTER}",
        "10.0.0.1",
        "(port",
        "unknown)",
    ]


ROOM = nouns.Room(id="plain-1", kind="plain", name="BE\nRT")
PEER = nouns.Peer(id="plain-1", room="plain-1", name="BERT", host="10.0.0.1", port=5, dialect="std", link="offline",
              error="No way.")  # fmt: skip
CODE = "k7f2 · 9qda · mx31 · t6ow"
ID = "a" * 52
BELA = nouns.Peer(id=ID, room="direct:1", name="bela", kind="node", host="10.0.0.1", port=5, link="online", code=CODE)
DIRECT = nouns.Room(id="direct:1", kind="direct", name="bela", peer=ID, encrypted=True)


def test_a_node_is_told_by_its_code_and_as_encrypted() -> None:
    assert lines.peer_line(BELA, None).split() == ["bela", "10.0.0.1:5", "online", "encrypted", *CODE.split(), ID]
    assert lines.called(BELA) == "bela (k7f2 9qda)"
    assert lines.room_line(DIRECT, BELA) == "bela (k7f2 9qda): encrypted"
    assert lines.room_line(ROOM, PEER) == "BERT (10.0.0.1:5): plain"


def test_what_was_said_in_clear_is_marked_in_a_direct_room_only() -> None:
    before, entry = message(text="hi"), message(text="hi", entry={"stream": "5" * 32, "n": 1})
    assert lines.message_line(before, DIRECT) == "2026-01-02 12:00:00  BERT (plain): hi"
    assert lines.message_line(entry, DIRECT) == "2026-01-02 12:00:00  BERT: hi"
    assert lines.message_line(before, ROOM) == "2026-01-02 12:00:00  BERT: hi"


RIVAL = "b" * 52


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        (BELA, []),
        (
            msgspec.structs.replace(BELA, warning="Another key\nanswers.", rival=RIVAL),
            [
                "! bela (k7f2 9qda): Another key answers.",
                f"  the code so far: {CODE}",
                f"  the new code:    {short_code(RIVAL)}",
                f"  Ask them which is right. If this is them: python -m node trust {ID}",
            ],
        ),
        (
            msgspec.structs.replace(BELA, warning="Two of one name."),
            [
                "! bela (k7f2 9qda): Two of one name.",
                f"  its code: {CODE}",
                f"  Ask them which is right. If this is them: python -m node trust {ID}",
            ],
        ),
        (
            nouns.Peer(id="plain-3", room="plain-3", name="bela", host="10.0.0.1", port=5, warning="In clear."),
            [
                "! bela (10.0.0.1:5): In clear.",
                "  Ask them which is right. If this is them: python -m node trust plain-3 --plain",
            ],
        ),
    ],
    ids=["none", "another key", "one name", "in clear"],
)
def test_a_doubt_is_told_with_both_codes_and_what_to_do(peer: nouns.Peer, told: list[str]) -> None:
    assert lines.doubt_lines(peer) == told
    assert "\n" not in (line := lines.peer_line(peer, None)), "on a pipe, one line is one peer"
    assert line.endswith("".join(f"  {one.strip()}" for one in told))


def recipient(**more: Any) -> rq.Recipient:
    return msgspec.convert({"peer": ID, **more}, rq.Recipient)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (recipient(state="delivered", at=NOON), "bela (k7f2 9qda): delivered, on their disk since 12:00:00."),
        (recipient(state="delivered"), "bela (k7f2 9qda): delivered, on their disk."),
        (
            recipient(state="read", at=NOON, read_at=NOON + 60_000),
            "bela (k7f2 9qda): read, on their disk since 12:00:00, read at 12:01:00.",
        ),
        (recipient(state="read"), "bela (k7f2 9qda): read, on their disk."),
        (
            recipient(
                state="waiting", detail="bela is offline.",
                next_try={"peer": ID, "at": NOON + 40_000, "attempt": 2, "reason": "x"},
            ),
            "bela (k7f2 9qda): waiting. bela is offline. Next try in 40 s.",
        ),
        (recipient(state="sent", peer="plain-9"), "plain-9: sent; a plain client can't confirm it."),
        (recipient(state="failed", detail="No\x1b way."), "bela (k7f2 9qda): failed. No\N{REPLACEMENT CHARACTER} way."),
    ],
)  # fmt: skip
def test_what_became_of_a_message_is_told_for_each_recipient(one: rq.Recipient, told: str) -> None:
    found = rq.DeliveryResult(message=message(direction="out", state="waiting"), recipients=[one])
    first, second = lines.delivery_lines(found, {ID: BELA})
    assert first == "#7 was accepted at 2026-01-02 12:00:00: it is on this machine's disk."
    assert second == told


def test_a_name_forges_no_columns() -> None:
    forged = "anna                 10.0.0.1:5               online     snicher (seen)\u00a0\u3000\u3164 plain-1"
    peer = nouns.Peer(id="plain-9", room="plain-9", name=forged, host="10.0.0.9", port=5, link="offline")
    assert lines.peer_line(peer, None) == (
        "anna 10.0.0.1:5 online snicher (seen) plain-1 10.0.0.9:5               offline       plain     "
        " not known yet             plain-9"
    )
    assert lines.called(peer) == "anna 10.0.0.1:5 online snicher (seen) plain-1 (10.0.0.9:5)"
    assert lines.message_line(message(text="x  y", name="B      T")) == "2026-01-02 12:00:00  B T: x  y"
    added = lines.event_line(event_of(ev.PeerAdded(peer=peer)))
    assert added.endswith("anna 10.0.0.1:5 online snicher (seen) plain-1 10.0.0.9:5 unknown offline")


def test_what_a_peer_says_in_an_error_steers_no_terminal() -> None:
    peer = nouns.Peer(id="p", room="p", name="BERT", host="10.0.0.1", port=5, link="offline", error="No\x9b31m\n\nway")
    assert lines.peer_line(peer, None).endswith(" p  No\N{REPLACEMENT CHARACTER}31m way")
    failed = message(text="hi", direction="out", state="failed", detail="No\x9d  way")
    assert lines.message_line(failed).endswith("[failed: No\N{REPLACEMENT CHARACTER} way]")


HOUR = 3600_000
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (NOON - 11 * HOUR, "01:00:00"),
        (NOON + 60_000, "12:01:00"),
        # The clock was set back two hours since.
        (NOON + 2 * HOUR, "2026-01-02 14:00:00"),
        (NOON - 13 * HOUR, "2026-01-01 23:00:00"),
        (NOON + 400 * DAY, "2027-02-06 12:00:00"),
        (NOON - 400 * DAY, "2024-11-28 12:00:00"),
    ],
)
def test_an_event_of_another_day_or_from_ahead_is_told_with_its_date(at: int, shown: str) -> None:
    line = lines.event_line(ev.Event(v=1, log="l", at=at, type="NodeStopped", seq=1, data=ev.NodeStopped(reason="x")))
    assert line == f"       1  {shown}  NodeStopped          x"


def test_a_try_far_off_is_told_with_its_date() -> None:
    peer = nouns.Peer(id="plain-1", room="plain-1", name="BERT", host="10.0.0.1", port=5, link="offline")
    line = lines.peer_line(peer, nouns.NextTry(peer="plain-1", at=NOON + 400 * DAY, attempt=2, reason="x"))
    assert line.endswith("next try on 2027-02-06 12:00:00")
    line = lines.peer_line(peer, nouns.NextTry(peer="plain-1", at=NOON - HOUR, attempt=2, reason="x"))
    assert line.endswith("next try in 0 s")


ME = nouns.Self(id="i", code="c", name="anna", listen="0.0.0.0:5000")
SETTINGS = msgspec.convert({"name": "anna"}, nouns.Settings)


def test_a_consumer_as_people_read_it() -> None:
    kept = nouns.Consumer(name="bot", position=12, lag=3, created=NOON, used=NOON)
    line = lines.consumer_line(kept)
    assert line.split() == ["bot", "12", "3", "2026-01-02", "12:00:00"]
    ends = [lines.CONSUMERS_HEADER.index(word) + len(word) for word in ("SHOWN UP TO", "BEHIND")]
    assert [line[:end].split()[-1] for end in ends] == ["12", "3"], "under their heads"
    assert "lapsed" in lines.consumer_line(msgspec.structs.replace(kept, lapsed=True))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (ev.MessageReceived(message=message(text="hello")), "#7 BERT: hello"),
        (
            ev.MessageAccepted(message=message(text="a\nb", direction="out", state="waiting")),
            "#7 > BERT: a\n                       b  [waiting]",
        ),
        (ev.MessageReceived(message=message(kind="deleted", name="")), "#7 * deleted since"),
        (ev.MessageStateChanged(room="r", id=7, state="failed", detail="gone"), "#7 is failed: gone"),
        (ev.MessageStateChanged(room="r", id=7, state="sent"), "#7 is sent"),
        (ev.NodeStarted(self=ME, settings=SETTINGS, version="1.2"), "anna is up on 0.0.0.0:5000, version 1.2"),
        (ev.NodeStopped(reason="Signal SIGTERM."), "Signal SIGTERM."),
        (
            ev.GreetingChanged(greeting=nouns.Greeting(address="10.1.0.7:1", outcome="skipped", detail="Far.", at=1)),
            "10.1.0.7:1 skipped: Far.",
        ),
        (ev.RoomAdded(room=ROOM), "BE RT (plain-1)"),
        (ev.RoomChanged(room=msgspec.structs.replace(ROOM, unread=3)), "BE RT (plain-1), 3 unread"),
        (ev.RoomsMerged(gone="plain-2", room=ROOM), "plain-2 is now part of BE RT (plain-1)"),
        (
            ev.MessagesExpired(room="plain-1", upto=7, unread=2),
            "plain-1 up to #7 were kept long enough, 2 unread left",
        ),
        (ev.RoomDeleted(room="plain-1"), "plain-1, with all that was said in it"),
        (ev.RoomRead(room="plain-1", read_upto=9, unread=2), "plain-1 up to #9, 2 unread"),
        (ev.PeerAdded(peer=PEER), "BERT 10.0.0.1:5 std offline: No way."),
        (ev.PeerChanged(peer=msgspec.structs.replace(PEER, error=None, host="::1")), "BERT [::1]:5 std offline"),
        (ev.PeerAdded(peer=BELA), "bela 10.0.0.1:5 k7f2 9qda encrypted online"),
        (
            ev.PeerChanged(peer=msgspec.structs.replace(BELA, warning="Two\nkeys.")),
            "bela 10.0.0.1:5 k7f2 9qda encrypted online (Two keys.)",
        ),
        (
            ev.PeerAdded(peer=msgspec.structs.replace(BELA, verified=True)),
            "bela 10.0.0.1:5 k7f2 9qda encrypted, verified online",
        ),
        (ev.RoomAdded(room=DIRECT), "bela (direct:1), encrypted"),
        (
            ev.RoomChanged(room=msgspec.structs.replace(DIRECT, request=True, hidden=True)),
            "bela (direct:1), encrypted, a request, hidden",
        ),
        (
            ev.PeerBlocked(blocked=nouns.Blocked(id="10.0.0.1", name="be\nla")),
            "plain clients at 10.0.0.1 (be la) is blocked: nothing of it is taken",
        ),
        (ev.PeerUnblocked(id="10.0.0.1"), "10.0.0.1 is blocked no more"),
        (
            ev.PeerWarned(peer=ID, name="be\nla", warning="Another key."),
            "be la: Another key. (`python -m node peers` says what to do)",
        ),
        (
            ev.IdentityShared(address="10.0.0.7:5"),
            "another machine, met at 10.0.0.7:5, uses this node's identity; both go on working",
        ),
        (
            ev.MessageChanged(message=message(text="hi", direction="out", entry={"stream": "5" * 32, "n": 1})),
            "#7, encrypted > BERT: hi",
        ),
        (
            ev.ReceiptAdvanced(room="direct:1", member="bbb", stream="5" * 32, n=9),
            "bbb has all of 55555555… in direct:1 up to 9",
        ),
        (
            ev.ReadAdvanced(room="direct:1", member="bbb", stream="5" * 32, n=9),
            "bbb has read all of 55555555… in direct:1 up to 9",
        ),
        (ev.Typing(room="direct:1", member="bbb", until=NOON), "bbb types in direct:1"),
        (ev.Typing(room="direct:1", member="bbb", until=0), "bbb has stopped typing in direct:1"),
        (ev.PeerForgotten(peer="plain-1"), "plain-1; its conversation stays"),
        (
            ev.QuotaReached(host="10.0.0.1", bytes=7, until=NOON),
            "10.0.0.1 is shut out until 2026-01-02 12:00:00 (7 bytes in a day)",
        ),
        (
            ev.AddressesChanged(self=replace(ME, addresses=["10.9.9.9:5000"])),
            "others reach this node at 10.9.9.9:5000 now",
        ),
        (ev.NearbyChanged(nearby=nouns.Nearby(state="deaf", detail="It is deaf.")), "It is deaf."),
        (
            ev.NearbyChanged(nearby=nouns.Nearby(state="on", services=[nouns.Sighting(id="a" * 16)])),
            "Your node looks for others on this network, and is found by them. 1 is seen.",
        ),
        (ev.Heartbeat(log="l", head=7, oldest=2), "head 7, kept from 2 on"),
        (
            ev.RetryScheduled(next_try=nouns.NextTry(peer="plain-1", at=NOON, attempt=2, reason="It refused.")),
            "plain-1 is tried again at 12:00:00 (attempt 2): It refused.",
        ),
        (ev.HealthChanged(health=nouns.Health()), "all is well"),
        (ev.HealthChanged(health=nouns.Health(store=False, problem="Full.")), "Full."),
        (ev.HealthChanged(health=nouns.Health(index="Built anew.")), "Built anew."),
        (
            ev.ConnectionNoticed(address="10.0.0.1", what="Refused: \x1b"),
            "10.0.0.1: Refused: \N{REPLACEMENT CHARACTER}",
        ),
    ],
)
def test_an_event_as_people_read_it(data: msgspec.Struct, what: str) -> None:
    event = ev.Event(v=1, log="l", at=NOON, type=type(data).__name__, seq=12, data=data)
    assert lines.event_line(event) == f"      12  12:00:00  {type(data).__name__:20} {what}"
    event.seq = None
    assert lines.event_line(event).startswith("       -  12:00:00")


def test_changed_settings_as_people_read_them() -> None:
    shown = lines.event_line(event_of(ev.SettingsChanged(settings=SETTINGS, self=ME)))
    assert "name: anna" in shown and "reconnect: on" in shown and "{" not in shown


def test_an_event_of_an_unknown_type_shows_what_it_holds() -> None:
    event = ev.Event(v=1, log="l", at=NOON, type="FromTheFuture", seq=1, data={"a": "\u202e"})
    assert lines.event_line(event).endswith(r'{"a":"\u202e"}')


def test_every_type_of_event_has_a_line_of_its_own() -> None:
    assert set(lines._WHAT) == {*ev.DURABLE, *ev.EPHEMERAL}


def event_of(data: msgspec.Struct) -> ev.Event:
    return ev.Event(v=1, log="l", at=NOON, type=type(data).__name__, seq=12, data=data)


def test_a_refusal_names_whom_one_may_have_meant() -> None:
    several = [{"id": f"p{number}", "address": f"10.0.0.{number}:5"} for number in range(1, 60)]
    asked = CommandRefused("ambiguous", "2 peers go by the name 'x'.", details={"candidates": several[:2]})
    assert lines.refusal(asked) == "2 peers go by the name 'x'. Which one? 10.0.0.1:5, 10.0.0.2:5"
    many = CommandRefused("ambiguous", "59 peers.", details={"candidates": several})
    assert lines.refusal(many).count(":5") == lines.CANDIDATES_SHOWN
    node = {"id": RIVAL, "address": "10.0.0.1:5"}
    two = CommandRefused("ambiguous", "2 peers.", details={"candidates": [node, several[0]]})
    assert lines.refusal(two) == (f"2 peers. Which one? 10.0.0.1:5 (code {short_code(RIVAL)}, id {RIVAL}), 10.0.0.1:5")
    for plain in (CommandRefused("ambiguous", "2 peers."), CommandRefused("not_found", "Nobody.")):
        assert lines.refusal(plain) == plain.message


def test_who_is_on_this_network_in_a_line_each() -> None:
    seen = nouns.Sighting(id="a" * 16, addresses=["10.0.0.7:5000", "[2001:db8::7]:5000"])
    assert lines.sighting_line(seen, None) == (
        "  somebody whose key isn't known yet, at 10.0.0.7:5000, [2001:db8::7]:5000"
    )
    peer = nouns.Peer(id="b" * 52, room="r", name="bela", kind="node", code="aaaa · bbbb", link="online")
    assert lines.sighting_line(seen, peer).endswith(
        "bela, code aaaa · bbbb, at 10.0.0.7:5000, [2001:db8::7]:5000 (linked)"
    )
    away = replace(peer, link="offline", error="No answer.")
    assert lines.sighting_line(seen, away).endswith("(not linked: No answer.)")
    for state, words in (
        ("on", "found by them"),
        ("off", "switched off"),
        ("no_network", "no network"),
        ("new", "new"),
    ):
        assert words in lines.nearby_line(nouns.Nearby(state=state))
