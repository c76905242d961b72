"""`delete` asks a person, and nobody else."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace

import msgspec
import pytest

from node.bus import bounds, nouns
from node.bus import requests as rq
from node.terminal import console, deleting
from tests.support.fake_client import FakeClient

ROOM = nouns.Room(id="plain-1", kind="plain", name="bela", peer="plain-1", created=1)
THERE = SimpleNamespace(state=SimpleNamespace(rooms={ROOM.id: ROOM}, peers={}))
DONE = "Deleted, with all that was said in it.\n"


def page(count: int, *, more: bool = False) -> rq.HistoryResult:
    one = msgspec.convert({"id": 7, "room": "r", "order": "0", "at": 1, "direction": "in", "author": "p", "name": "b"},
                          nouns.Message)  # fmt: skip
    return rq.HistoryResult(seq=1, messages=[one] * count, more_before=more, more_after=False)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A person at a terminal who answers."""

    def answers(text: str) -> None:
        given = io.StringIO(text)
        monkeypatch.setattr(given, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(sys, "stdin", given)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    return answers


def test_without_a_terminal_nobody_is_asked(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb(["delete", "bela"], None).asked == [("delete", "bela")]
    assert capsys.readouterr().out == DONE


def test_a_person_is_asked_and_says_yes(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    typed("Yes\n")
    verb(["delete", "bela"], THERE, page(37), None)
    out, err = capsys.readouterr()
    assert (out, err) == (DONE, "Delete the conversation with bela for good, with all 37 messages? (yes/no): ")


@pytest.mark.parametrize("answer", ["no\n", "\n", "", "yess\n"])
def test_anything_but_yes_deletes_nothing(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], typed: Callable[[str], None], answer: str
) -> None:
    typed(answer)
    client = verb(["delete", "bela", "--json"], THERE, page(1), code=deleting.REFUSED)
    assert all(asked[0] != "delete" for asked in client.asked)
    out, err = capsys.readouterr()
    assert out == "" and err.endswith("with 1 message? (yes/no): Nothing was deleted.\n")


def test_ctrl_c_deletes_nothing(
    verb: Callable[..., FakeClient],
    capsys: pytest.CaptureFixture[str],
    typed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed("")

    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.stdin, "readline", interrupted)
    client = verb(["delete", "bela"], THERE, page(0), code=console.INTERRUPTED)
    assert all(asked[0] != "delete" for asked in client.asked)
    assert capsys.readouterr().err.endswith("with no message in it? (yes/no): \n")


def test_who_says_yes_beforehand_is_not_asked(verb: Callable[..., FakeClient], typed: Callable[[str], None]) -> None:
    typed("no\n")
    assert verb(["delete", "--yes", "bela"], None).asked == [("delete", "bela")]


def test_a_long_conversation_is_not_counted_to_its_end(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    typed("y\n")
    pages = [page(bounds.MAX_HISTORY, more=True)] * (deleting.COUNTED // bounds.MAX_HISTORY + 1)
    assert not verb(["delete", "bela"], THERE, *pages, None).answers
    assert f"with more than {deleting.COUNTED} messages" in capsys.readouterr().err
