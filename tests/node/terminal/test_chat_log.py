"""The window on a conversation's messages: each once, in order, bounded, and right however pages and events cross."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.terminal import chat_log
from node.terminal.chat_log import Log

STREAM = "5" * 32


def message(number: int, **more: Any) -> nouns.Message:
    fields = {"room": "r", "order": f"{number:06d}", "at": number, "direction": "in", "author": "p", "name": "bela"}
    return msgspec.convert({"id": number, "text": f"text {number}", **fields, **more}, nouns.Message)


def own(number: int, state: str = "waiting", **more: Any) -> nouns.Message:
    return message(number, direction="out", state=state, entry=nouns.Place(stream=STREAM, n=number), **more)


def event(data: object, seq: int = 1) -> ev.Event:
    return ev.Event(v=1, log="l", at=0, type=type(data).__name__, seq=seq, data=data)


def page(*messages: nouns.Message, seq: int = 0, before: bool = False, after: bool = False) -> rq.HistoryResult:
    return rq.HistoryResult(seq=seq, messages=list(messages), more_before=before, more_after=after)


def began(*messages: nouns.Message, **more: Any) -> Log:
    log = Log("r")
    log.asks()
    assert log.takes(page(*messages, **more), where="anew")
    return log


def ids(log: Log) -> list[int]:
    return [one.id for one in log.messages]


def test_a_message_is_held_once_and_at_its_place_whoever_tells_of_it() -> None:
    log = began(message(1), message(3))
    for one in (message(4), message(3), message(2, order="000002")):
        log.apply(event(ev.MessageReceived(message=one)))
    log.apply(event(ev.MessageReceived(message=message(9, room="another"))))
    assert ids(log) == [1, 2, 3, 4]


def test_what_happened_after_a_page_was_made_is_applied_to_it() -> None:
    log = Log("r")
    log.asks()
    log.apply(event(ev.MessageStateChanged(room="r", id=1, state="failed", detail="Gone."), seq=7))
    log.apply(event(ev.MessageStateChanged(room="r", id=2, state="failed"), seq=5))
    assert log.takes(page(own(1), own(2, "sent"), seq=6), where="anew")
    assert [(one.state, one.detail) for one in log.messages] == [("failed", "Gone."), ("sent", None)]


def test_a_page_is_not_used_when_too_much_happened_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_log, "MAX_MEANWHILE", 2)
    log = Log("r")
    log.asks()
    for seq in (1, 2):
        log.apply(event(ev.RoomRead(room="r", read_upto=1, unread=0), seq))
    assert not log.takes(page(message(1)), where="anew")
    assert not log.takes(page(message(1)), where="anew"), "nobody asked for it"
    assert not log.begun


def test_receipts_reach_all_that_they_cover_and_take_nothing_back() -> None:
    log = began(own(1, "read"), own(2), own(3), message(4), own(5))
    log.apply(event(ev.ReceiptAdvanced(room="r", member="p", stream=STREAM, n=3)))
    assert [one.state for one in log.messages] == ["read", "delivered", "delivered", None, "waiting"]
    log.apply(event(ev.ReadAdvanced(room="r", member="p", stream=STREAM, n=2)))
    log.apply(event(ev.ReceiptAdvanced(room="r", member="p", stream="6" * 32, n=9)))
    assert [one.state for one in log.messages] == ["read", "read", "delivered", None, "waiting"]


def test_the_window_moves_and_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_log, "KEPT", 4)
    log = began(message(5), message(6), message(7), before=True)
    for number in (8, 9):
        log.apply(event(ev.MessageReceived(message=message(number))))
    assert ids(log) == [6, 7, 8, 9] and log.more_before
    log.asks()
    log.takes(page(message(3), message(4), message(5)), where="before")
    assert ids(log) == [3, 4, 5, 6] and log.more_after and not log.more_before
    log.apply(event(ev.MessageReceived(message=message(10))))
    assert ids(log) == [3, 4, 5, 6], "it lies beyond the window"
    log.asks()
    log.takes(page(message(7), message(8)), where="after")
    assert ids(log) == [5, 6, 7, 8] and log.more_before and not log.more_after


def test_what_is_deleted_expired_or_moved_is_held_no_more() -> None:
    log = began(message(1), own(2), own(3, "sent"), message(4))
    log.apply(event(ev.MessagesExpired(room="r", upto=3, unread=0)))
    assert ids(log) == [2, 4], "what waits to be sent stays"
    log.apply(event(ev.MessageChanged(message=own(2, order="000009"))))
    assert ids(log) == [4, 2]
    log.apply(event(ev.RoomDeleted(room="r")))
    assert ids(log) == []
