"""`send` waits a moment for somebody who is there, and never for somebody who is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.errors import NodeAway
from node.terminal import sending
from tests.support.fake_client import FakeClient

MESSAGE = msgspec.convert(
    {"id": 7, "room": "r", "order": "0", "at": 1, "direction": "out", "author": "me", "name": "me", "state": "waiting"},
    nouns.Message,
)
ENTRY = msgspec.structs.replace(MESSAGE, entry=nouns.Place(stream="5" * 32, n=1))


def known(state: str, message: nouns.Message = MESSAGE, **more: Any) -> rq.DeliveryResult:
    message = msgspec.structs.replace(message, state=state)
    return rq.DeliveryResult(message=message, recipients=[rq.Recipient(peer="p", state=state, **more)])


class Follower:
    """Gives what it is told to, and then nothing until the time is over."""

    def __init__(self, *items: Any) -> None:
        self.items = list(items)
        self.timeouts: list[float] = []
        self.closed = False

    def next(self, timeout: float) -> Any:
        self.timeouts.append(timeout)
        return self.items.pop(0) if self.items else None

    def close(self) -> None:
        self.closed = True


def event(data: Any) -> ev.Event:
    return ev.Event(v=1, log="l", at=1, type=type(data).__name__, seq=9, data=data)


CHANGED = event(ev.MessageStateChanged(room="r", id=7, state="sent"))
SOMETHING_ELSE = event(ev.MessageStateChanged(room="r", id=6, state="sent"))
RECEIVED = event(ev.ReceiptAdvanced(room="r", member="p", stream="5" * 32, n=1))


def test_it_says_sent_once_that_is_so(verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]) -> None:
    follower = Follower(SOMETHING_ELSE, CHANGED)
    client = verb(["send", "p", "hi"], MESSAGE, known("sending", link="online"), follower, known("sent"))
    assert not client.answers and follower.closed
    assert len(follower.timeouts) == 2, "what concerns another message is not asked about"
    assert capsys.readouterr().out == "#7 is sent.\n"


def test_it_says_delivered_and_json_has_the_message_as_last_known(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [ENTRY, known("waiting", ENTRY, link="online"), Follower(RECEIVED), known("delivered", ENTRY)]
    verb(["send", "p", "hi"], *answers[:2], Follower(RECEIVED), answers[3])
    assert capsys.readouterr().out == "#7 is delivered, encrypted: it is on their disk.\n"
    verb(["send", "p", "hi", "--json"], *answers)
    assert msgspec.json.decode(capsys.readouterr().out)["state"] == "delivered"


def test_a_first_contact_that_is_being_tried_is_waited_for(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(["send", "p", "hi"], MESSAGE, known("waiting", link="connecting"), Follower(CHANGED), known("sent"))
    assert capsys.readouterr().out == "#7 is sent.\n"


def test_what_was_settled_before_the_first_question_needs_no_event(verb: Callable[..., FakeClient]) -> None:
    assert not verb(["send", "p", "hi"], MESSAGE, known("sent")).answers


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (known("waiting", link="offline", detail="No route."), "#7 is on disk and waiting to be sent. No route.\n"),
        (known("waiting", link="unknown"), "#7 is on disk and waiting to be sent.\n"),
        (known("waiting"), "#7 is on disk and waiting to be sent.\n"),
        (known("waiting", link="online", detail="They take nothing."), None),
        (known("failed", detail="Too long."), "#7 is failed. Too long.\n"),
    ],
)
def test_for_somebody_who_is_away_it_never_waits(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], found: rq.DeliveryResult, says: str | None
) -> None:
    client = verb(["send", "p", "hi"], MESSAGE, found)
    assert len(client.asked) == 2, "no follower was made"
    assert capsys.readouterr().out == (says or "#7 is on disk and waiting to be sent. They take nothing.\n")


def test_the_next_try_is_told(verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]) -> None:
    soon = nouns.NextTry(peer="p", at=int((time.time() + 7.4) * 1000), attempt=1, reason="x")
    verb(["send", "p", "hi"], MESSAGE, known("waiting", link="offline", next_try=soon))
    assert capsys.readouterr().out == "#7 is on disk and waiting to be sent. Next try in 7 s.\n"


def test_after_a_second_it_says_what_is_known(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "OUTCOME_S", -1.0)
    verb(["send", "p", "hi"], MESSAGE, known("waiting", link="online"), Follower())
    assert capsys.readouterr().out == "#7 is on disk. They are there, and haven't confirmed it yet.\n"


def test_somebody_who_leaves_meanwhile_is_not_waited_for(verb: Callable[..., FakeClient]) -> None:
    left = event(ev.PeerChanged(peer=nouns.Peer(id="p", room="r", name="p", link="offline")))
    follower = Follower(left, CHANGED)
    verb(["send", "p", "hi"], MESSAGE, known("waiting", link="online"), follower, known("waiting", link="offline"))
    assert follower.items == [CHANGED]


def test_a_message_that_is_on_disk_is_no_failure_when_the_node_goes_away(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(["send", "p", "hi"], MESSAGE, NodeAway("gone"))
    assert capsys.readouterr().out == "#7 is on disk and waiting to be sent.\n"


def test_who_doesn_t_want_to_wait_does_not(verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]) -> None:
    assert len(verb(["send", "--no-wait", "p", "hi"], MESSAGE).asked) == 1
    assert capsys.readouterr().out == "#7 is on disk and waiting to be sent.\n"
