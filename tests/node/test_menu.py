"""What the menu asks of a terminal. What it does is tested in tests/e2e/test_menu.py."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from node import menu


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
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, lines)))
    menu.Terminal().ask("To: ", words=["anna"])
    assert session.asked[0]["reserve_space_for_menu"] == rows
