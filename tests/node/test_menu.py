"""What the menu asks of a terminal. What it does is tested in tests/e2e/test_menu.py."""

from __future__ import annotations

import os
import pathlib
import shutil
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from node import menu
from node.bus import events as ev
from node.bus import nouns
from node.bus.client import Client, Follower
from tests.support.bus_fakes import PATIENCE, FakeBus
from tests.support.processes import eventually


class FakeSession:
    """Remembers what was asked of it, and how."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def prompt(self, question: str, **more: Any) -> str:
        self.asked.append(more)
        return "  an answer "


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    made = FakeSession()
    monkeypatch.setattr(menu, "PromptSession", lambda: made)
    monkeypatch.setattr(menu, "is_dumb_terminal", lambda: False)
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    return made


def test_names_are_offered_where_one_is_asked_for_and_nowhere_else(session: FakeSession) -> None:
    terminal = menu.Terminal()
    assert terminal.ask("To: ", words=["anna", "bela"]) == "an answer"
    assert terminal.ask("Message: ") == "an answer"
    offered = [
        [one.text for one in asked["completer"].get_completions(Document("an"), CompleteEvent())]
        for asked in session.asked
    ]
    assert offered == [["anna"], []], "the session would keep the words of the question before"


@pytest.mark.parametrize(("lines", "rows"), [(45, menu.WORDS_SHOWN), (menu.ROWS_FOR_WORDS - 1, 0)])
def test_a_small_screen_has_no_room_for_names(
    session: FakeSession, monkeypatch: pytest.MonkeyPatch, lines: int, rows: int
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_, **__: os.terminal_size((80, lines)))
    menu.Terminal().ask("To: ", words=["anna"])
    assert session.asked[0]["reserve_space_for_menu"] == rows


class Watched:
    """A terminal on which somebody reads the menu, hears somebody say something, and leaves."""

    def __init__(self, bus: FakeBus) -> None:
        self.bus = bus
        self.told: list[str] = []
        self.said = threading.Event()

    def tell(self, text: str) -> None:
        self.told.append(text)

    def ask(self, question: str, words: Sequence[str] = ()) -> str:
        message = nouns.Message(
            id=1, room="r", order="0", at=0, direction="in", author="b", name="bela", text="as soon as it is there"
        )  # fmt: skip
        data = ev.MessageReceived(message=message)
        event = ev.Event(v=1, log=self.bus.log, at=0, type="MessageReceived", seq=self.bus.head + 1, data=data)

        async def publish() -> None:
            assert self.bus.server is not None
            self.bus.events.append(event)
            self.bus.server.publish([event])

        self.bus.run(publish())
        self.said.set()
        eventually(lambda: any("as soon as it is there" in line for line in self.told), "it is told")
        return "0"


def test_what_comes_once_the_menu_is_shown_is_told_however_late_the_watcher_looks(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = Client.follow

    def late(self: Client, *cursor: Any) -> Follower:
        assert terminal.said.wait(PATIENCE)
        return follow(self, *cursor)

    monkeypatch.setattr(Client, "follow", late)
    with FakeBus(tmp_path) as bus:
        terminal = Watched(bus)
        assert menu.Menu(tmp_path, None, None, terminal).run() == 0  # type: ignore[arg-type]


def test_what_is_shown_before_a_message_is_of_whom_it_goes_to() -> None:
    assert menu.means("plain-16", "plain-16", "plain-15")
    assert menu.means("bob", "plain-16", "bob")
    assert menu.means("JOSE\u0301", "plain-16", "Jos\u00e9"), "as the node finds a name"
    assert not menu.means("plain-15", "plain-16", "plain-15"), "a peer of that name is not meant"
    assert not menu.means("plain-16", "plain-15", "plain-16")
