"""What the menu tells of what happens: typing, quietly. The rest is tested with the menu."""

from __future__ import annotations

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.terminal.heard import TYPING_AGAIN_MS, Heard
from tests.node.terminal.test_said import BELA, DIRECT, message, there


def event(data: object, at: int) -> ev.Event:
    return ev.Event(v=1, log="l", at=at, type=type(data).__name__, data=data)


def typing(at: int, *, until: int | None = None, member: str = BELA.id) -> ev.Event:
    return event(ev.Typing(room=DIRECT.id, member=member, until=at + 6000 if until is None else until), at)


def test_typing_is_one_quiet_line_until_the_next_message() -> None:
    told: list[str] = []
    heard = Heard(told.append, "menu")
    heard.know(there(DIRECT).state)
    line = f"(bela ({nouns.mark_of(BELA)}) is typing)"
    for at in (1000, 4000, 7000):
        heard.take(typing(at))
    heard.take(typing(8000, until=0))
    heard.take(typing(9000))
    assert told == [line]
    heard.take(event(ev.MessageReceived(message=message()), 9500))
    heard.take(typing(10_000))
    assert told == [line, told[1], line] and "hi" in told[1]
    heard.take(typing(10_000 + TYPING_AGAIN_MS))
    assert len(told) == 4


def test_somebody_who_is_not_known_types_unseen() -> None:
    told: list[str] = []
    heard = Heard(told.append, "menu")
    heard.know(there(DIRECT).state)
    heard.take(typing(1000, member="nobody"))
    assert told == []


def test_of_requests_only_their_number_is_told_once_each() -> None:
    told: list[str] = []
    heard = Heard(told.append, "menu")
    one = msgspec.structs.replace(DIRECT, request=True)
    two = msgspec.structs.replace(one, id="direct:2")
    heard.know(there(one, two).state)
    for room in (one, one, two):
        heard.take(event(ev.MessageReceived(message=message(room=room.id, text="buy this")), 1))
    assert told == ["(1 request waits: python -m node requests)", "(2 requests wait: python -m node requests)"]
    heard.take(event(ev.RoomChanged(room=msgspec.structs.replace(one, request=False)), 2))
    heard.take(event(ev.MessageReceived(message=message(room=one.id, text="thank you")), 3))
    assert "thank you" in told[-1]


def test_what_is_said_in_the_conversation_before_ones_eyes_is_not_told() -> None:
    told: list[str] = []
    heard = Heard(told.append, "menu")
    heard.know(there(DIRECT).state)
    heard.aside = DIRECT.id
    heard.take(typing(1))
    heard.take(event(ev.MessageReceived(message=message()), 2))
    assert told == []
    heard.aside = None
    heard.take(event(ev.MessageReceived(message=message()), 3))
    assert len(told) == 1
