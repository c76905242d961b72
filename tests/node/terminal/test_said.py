"""The verbs that show what was said: in which conversation, of two of one name in which, and whether in clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from node.terminal import console
from tests.support.fake_client import FakeClient

BELA = nouns.Peer(id="a" * 52, room="direct:1", name="bela", kind="node", code="k7f2 · 9qda · mx31 · t6ow")
OLD = nouns.Peer(id="plain-2", room="plain-2", name="Bela", host="10.0.0.2", port=5)
DIRECT = nouns.Room(
    id="direct:1", kind="direct", name="bela", peer=BELA.id, encrypted=True, aliases=["plain-7"]
)  # fmt: skip
PLAIN = nouns.Room(id="plain-2", kind="plain", name="Bela", peer=OLD.id)
ENTRY = nouns.Place(stream="5" * 32, n=1)


def there(*rooms: nouns.Room) -> rq.SnapshotResult:
    state = nouns.State(
        self=nouns.Self(id="me", code="", name="anna", listen=""), settings=nouns.Settings(name="anna"),
        rooms={room.id: room for room in rooms}, peers={BELA.id: BELA, OLD.id: OLD},
    )  # fmt: skip
    return rq.SnapshotResult(log="l", seq=1, state=state, live=nouns.Live())


def message(**more: Any) -> nouns.Message:
    fields = {"id": 7, "room": "direct:1", "order": "0", "at": 0, "direction": "in", "author": "p", "name": "bela"}
    return msgspec.convert({"text": "hi", **fields, **more}, nouns.Message)


def page(*messages: nouns.Message) -> rq.HistoryResult:
    return rq.HistoryResult(seq=1, messages=list(messages), more_before=False, more_after=False)


@pytest.mark.parametrize("who", ["direct:1", "plain-7", BELA.id])
def test_history_goes_by_the_id_of_a_room_its_alias_or_its_peer(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], who: str
) -> None:
    client = verb(["history", who], there(DIRECT, PLAIN), page(message(), message(entry=ENTRY)))
    assert client.asked[-1] == ("history", "direct:1")
    before, since = capsys.readouterr().out.splitlines()
    assert before.endswith("  bela (plain): hi") and since.endswith("  bela: hi")


def test_two_of_one_name_are_told_apart_when_one_is_asked_for(verb: Callable[..., FakeClient]) -> None:
    with pytest.raises(CommandRefused, match=r"direct:1 \(k7f2 9qda\), plain-2 \(10\.0\.0\.2:5\)"):
        verb(["history", "bela"], there(DIRECT, PLAIN))


def test_hits_say_where_and_whether_in_clear(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    hits = [message(entry=ENTRY), message(), message(room="plain-2"), message(room="gone")]
    found = rq.SearchResult(hits=hits, more=False, pending=0)
    verb(["search", "hi"], there(DIRECT, PLAIN), found)
    heads = [line.partition("]")[0] for line in capsys.readouterr().out.splitlines()]
    assert heads == ["[bela (k7f2 9qda), encrypted", "[bela (k7f2 9qda), plain", "[Bela (10.0.0.2:5), plain", "[gone"]
    verb(["search", "hi"], there(DIRECT), found)
    assert capsys.readouterr().out.startswith("[bela, encrypted] ")


@pytest.mark.parametrize("number", ["7", "#7"])
def test_what_became_of_a_message(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], number: str
) -> None:
    one = rq.Recipient(peer=BELA.id, state="delivered")
    found = rq.DeliveryResult(message=message(direction="out", state="delivered"), recipients=[one])
    assert verb(["delivery", number], found, there(DIRECT)).asked[0] == ("delivery", 7)
    assert capsys.readouterr().out.splitlines()[1] == "bela (k7f2 9qda): delivered, on their disk."
    verb(["delivery", number, "--json"], found)
    assert msgspec.json.decode(capsys.readouterr().out, type=rq.DeliveryResult) == found


@pytest.mark.parametrize("number", ["x", "-1", "##7", "", "9" * 16])
def test_a_message_is_a_number(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        console.main(["delivery", f"{number}"])
    assert ended.value.code == 2
    capsys.readouterr()
