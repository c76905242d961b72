"""The keys of the chat, and what each does."""

from __future__ import annotations

from typing import Protocol

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.utils import suspend_to_background_supported

from node.terminal.chat_view import View


class Keyed(Protocol):
    """What the keys work on."""

    prompt: Buffer
    view: View
    helps: bool

    def enter(self) -> None:
        """Enter was pressed."""

    def clear(self) -> None:
        """The person takes back what stands in the prompt."""

    def leave(self) -> None:
        """The person leaves."""

    def recall(self, *, earlier: bool) -> None:
        """The person wants an earlier text in the prompt, or a later one."""

    def changed(self) -> None:
        """Draw what has changed."""


def keys(screen: Keyed) -> KeyBindings:
    """The keys of a screen."""
    bound = KeyBindings()
    empty = Condition(lambda: not screen.prompt.text)
    above = Condition(lambda: not screen.view.at_end)

    @bound.add("enter")
    def _(event: KeyPressEvent) -> None:
        screen.enter()

    @bound.add("c-p")
    def _(event: KeyPressEvent) -> None:
        screen.recall(earlier=True)

    @bound.add("c-n")
    def _(event: KeyPressEvent) -> None:
        screen.recall(earlier=False)

    @bound.add("escape", "enter")
    @bound.add("c-j")
    def _(event: KeyPressEvent) -> None:
        screen.prompt.insert_text("\n")

    @bound.add("c-c")
    def _(event: KeyPressEvent) -> None:
        if screen.prompt.text:
            screen.clear()
        else:
            screen.leave()

    @bound.add("c-d", filter=empty)
    def _(event: KeyPressEvent) -> None:
        screen.leave()

    @bound.add("escape", eager=False)
    def _(event: KeyPressEvent) -> None:
        screen.helps = False
        screen.changed()

    @bound.add("pageup")
    def _(event: KeyPressEvent) -> None:
        screen.view.page(-1)
        screen.changed()

    @bound.add("pagedown")
    def _(event: KeyPressEvent) -> None:
        screen.view.page(1)
        screen.changed()

    # A wheel comes as arrows, because the mouse itself is left to the terminal: so text can be selected.
    @bound.add("up", filter=empty)
    def _(event: KeyPressEvent) -> None:
        screen.view.scroll(-1)
        screen.changed()

    @bound.add("down", filter=empty)
    def _(event: KeyPressEvent) -> None:
        screen.view.scroll(1)
        screen.changed()

    @bound.add("end", filter=above | empty)
    @bound.add("c-end")
    def _(event: KeyPressEvent) -> None:
        screen.view.end()
        screen.changed()

    @bound.add("c-l")
    def _(event: KeyPressEvent) -> None:
        event.app.renderer.clear()

    if suspend_to_background_supported():

        @bound.add("c-z")
        def _(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

    return bound
