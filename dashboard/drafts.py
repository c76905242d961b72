"""Settings while somebody edits them in one tab: what is typed, what the node holds, and what came of saving it.

Law of this file: pure, and it draws nothing; time is an argument. Nothing counts as saved before the node has it on
disk. What is half-typed is never overwritten, whatever happens elsewhere. A change is saved under an idempotency key,
which is used again when the answer was lost: so trying again doesn't save it twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

#: How long a note of success stands, in ms.
SAVED_MS = 6000


class Note(NamedTuple):
    """What is said beside a setting; `tone`: "plain", "good", "wait" or "bad"."""

    text: str
    tone: str = "plain"
    at: int = 0


SILENT = Note("")


class Wrong(NamedTuple):
    """Why what was typed can't be saved."""

    problem: str


class Saver:
    """Saves changes one at a time."""

    def __init__(self) -> None:
        self._key = ""
        self._asked = ""
        self._unsure = False
        self._saved = ""

    def begins(self, changes: dict[str, Any], key: str, saved: str = "Saved.") -> str:
        """The key for saving these: this one, or for the same changes the one of before, unless that was answered."""
        wish = json.dumps(changes, sort_keys=True)
        if wish != self._asked or not self._key:
            self._key = key
        self._asked, self._unsure, self._saved = wish, False, saved
        return self._key

    def done(self, now: int) -> Note:
        """The node has it."""
        self._key = ""
        return Note(self._saved, "good", now)

    def failed(self, problem: str, retryable: bool) -> Note:
        """The node refused, or its answer was lost (`retryable`)."""
        self._unsure = retryable
        if retryable:
            return Note(f"Perhaps not saved. {problem} Try again in a moment.", "bad")
        self._key = ""
        return Note(f"Not saved. {problem}", "bad")

    def finds(self, holds: dict[str, Any], now: int) -> Note | None:
        """What the node holds now: if that was asked for and only the answer was lost, it is saved after all."""
        if not self._unsure or json.dumps(holds, sort_keys=True) != self._asked:
            return None
        self._unsure = False
        return self.done(now)


class Draft:
    """A setting with a text. `show(value)` is its text; `read(text)` is what to save, or Wrong.

    `sure(value, before)` is a question to be asked before what can't be undone; a second press answers it. `nothing` is
    said when the button is pressed though nothing else is typed than the node holds.
    """

    def __init__(
        self,
        key: str,
        *,
        show: Callable[[Any], str] = str,
        read: Callable[[str], Any] = str.strip,
        sure: Callable[[Any, Any], str] = lambda value, before: "",
        nothing: str = "",
    ) -> None:
        self.key = key
        self._show = show
        self._read = read
        self._sure = sure
        self._nothing = nothing
        self.saver = Saver()
        self.note = SILENT
        #: Whether somebody else changed the setting while this was typed.
        self.elsewhere = False
        #: The question that a press of the button answers; empty: it saves.
        self.question = ""
        #: What the node holds, and its text; None: nothing was seen yet.
        self.value: Any = None
        self._held: str | None = None
        self._typed: str | None = None
        #: Whether the field is to be given its text again, because it may have lost it on the way.
        self.again = False
        self._put: tuple[str, str] | None = None
        self._overwritten = self._gave = ""
        #: What was saved, as it was typed, and as the node's value is shown.
        self._becomes: tuple[str, str] | None = None

    @property
    def dirty(self) -> bool:
        """Whether something else is typed than the node holds."""
        return self._held is not None and self._typed != self._held

    @property
    def told(self) -> Note:
        """What stands beside the field: what came of the last act, else that it was changed elsewhere."""
        if self.note.text or not self.elsewhere:
            return self.note
        return Note(f"Changed elsewhere meanwhile, to “{self._held}”. Save yours, or take that.", "wait")

    def sees(self, value: Any, typed: str | None, now: int) -> str:
        """The node holds `value` now (None: it doesn't tell), and `typed` is in the field; returns what shall be."""
        typed = self._kept(typed)
        if self._becomes:
            before, after = self._becomes
            self._becomes = None
            if typed == before:
                typed = self._typed = after
        if typed != self._typed:
            # Somebody goes on typing, or has come back to the page.
            self.calm()
        if self.note.tone == "good" and now - self.note.at > SAVED_MS:
            self.note = SILENT
        known = self._held is not None
        dirty = known and typed is not None and typed != self._held
        # What can't be told right now is no change of it.
        held = self._show(value) if value is not None else self._held if dirty else None
        changed = dirty and held not in (self._held, typed)
        self._held, self.value = held, value
        # A server that was started anew knows nothing, but the browser may have kept what was typed before.
        self._typed = typed if dirty or (typed and not known) else held or ""
        if found := self.saver.finds({self.key: value}, now):
            self.note, self._typed = found, held or ""
        elif changed:
            self.calm()
        self.elsewhere = self.dirty and (changed or self.elsewhere)
        return self._typed or ""

    def puts(self, before: str, text: str) -> None:
        """The field is given this text instead of what stood there."""
        self._put = (before, text)

    def _kept(self, typed: str | None) -> str | None:
        """What is typed; but on a slow machine, what was handed over in the moment in which the field was given another
        text may be gone in the browser: then it is given back, and looked at once more."""
        put, self._put = self._put, None
        if self.again:
            self.again = False
            return self._overwritten if put and typed == self._gave else typed
        if put and typed is not None and typed not in put:
            self.again, self._overwritten, self._gave = True, typed, put[1]
        return typed

    def restores(self) -> str:
        """Whoever typed takes what the node holds; returns that."""
        self.calm()
        self.elsewhere, self._becomes = False, None
        self._typed = self._held or ""
        return self._typed

    def calm(self) -> None:
        """Somebody types: nothing is asked or said any more."""
        self.note, self.question = SILENT, ""

    def wants(self) -> dict[str, Any] | None:
        """The button was pressed: what to save now. None: nothing, it is wrong, or a question comes first."""
        if not self.dirty or self._typed is None:
            if self._nothing:
                self.note = Note(self._nothing, "bad")
            return None
        value = self._read(self._typed)
        if isinstance(value, Wrong):
            self.note = Note(value.problem, "bad")
            return None
        question = self._sure(value, self.value)
        if question and question != self.question:
            self.question = question
            self.note = Note("Press the button once more to do it, or leave it as it is.", "wait")
            return None
        self.question = ""
        return {self.key: value}

    def saved(self, value: Any, now: int) -> None:
        """The node has it."""
        self.note = self.saver.done(now)
        self.elsewhere = False
        self.value = value
        self._held = self._show(value)
        self._becomes = (self._typed or "", self._held)


def whole(what: str) -> Callable[[str], int | Wrong]:
    """Reads a whole number, also with its thousands apart; `what` is asked for when it is none."""

    def read(text: str) -> int | Wrong:
        digits = "".join(sign for sign in text if sign not in " ,.'\u2019\u00a0\u202f\t")
        if digits.isascii() and digits.isdigit() and len(digits) <= 12:
            return int(digits)
        return Wrong(f"Type {what} as a whole number.")

    return read


def some(problem: str) -> Callable[[str], str | Wrong]:
    """Reads a text that isn't empty; `problem` is told when it is."""
    return lambda text: text.strip() or Wrong(problem)
