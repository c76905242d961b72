"""What is typed in the chat, on its way to the node: nothing of it is lost, and nothing is sent twice.

Law of this file: pure; time (ms) is an argument. Each text has an idempotency key of its own, which all tries share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from node.bus import bounds
from node.errors import BusError, CommandRefused

#: Texts that are handed over to the node at one time; one more stays in the prompt.
MAX_PENDING = 20
#: How often a text is handed over again while the node doesn't take it, in ms.
AGAIN_MS = 1000
#: How long the node may be asked with the same key, in ms: it forgets the key later than that.
LONGEST_MS = bounds.KEY_LIFETIME_MS // 2
#: How often the node is told that somebody types, in ms.
TYPING_MS = 3000
#: Texts that can be called back into the prompt.
MAX_RECALLED = 100
#: Refusals that are over when the node is there again.
_PASSES = ("stopping",)

#: What can be typed instead of a text.
COMMANDS = ("quit", "help", "again")
HINT = "Commands: /again, /help and /quit. A text that begins with a slash is sent with two: //"


class Typed(NamedTuple):
    """What was typed: a `command`, a `text` to send, or something `wrong` with it, as a sentence; else nothing."""

    command: str = ""
    text: str = ""
    wrong: str = ""


def understood(typed: str) -> Typed:
    """What somebody means who typed this. A text keeps its inner lines and blanks."""
    text = typed.strip("\r\n")
    if not text.strip():
        return Typed()
    if text.startswith("//"):
        return Typed(text=text[1:])
    if not text.startswith("/"):
        return Typed(text=text)
    word = text[1:].strip()
    if word in COMMANDS:
        return Typed(command=word)
    return Typed(wrong=f"There is no command /{word.split()[0][:20] if word else ''}. {HINT}")


class Pending:
    """A text that the node has not answered yet."""

    def __init__(self, text: str, key: str, at: int) -> None:
        self.text = text
        self.key = key
        self.at = at
        #: Not before then is it handed over again.
        self.next_at = at


class Outbox:
    """The texts on their way to the node, in order, one at a time. `new_id` makes a key that nobody has used."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self.pending: list[Pending] = []
        #: The one that is being handed over right now.
        self._under_way: Pending | None = None

    def add(self, text: str, now: int) -> bool:
        """Take a text; False: too many are on their way."""
        if len(self.pending) >= MAX_PENDING:
            return False
        self.pending.append(Pending(text, self._new_id(), now))
        return True

    def next(self, now: int) -> Pending | None:
        """The text to hand over now; None: there is none, or one is being handed over, or it's too early."""
        if self._under_way is not None or not self.pending or self.pending[0].next_at > now:
            return None
        self._under_way = self.pending[0]
        return self._under_way

    def accepted(self) -> None:
        """The node has taken the text that was handed over."""
        self._drop()

    def refused(self, error: BusError, now: int) -> str | None:
        """The text wasn't taken. Returns it if it goes back to the person, None if it is tried again."""
        one = self._under_way
        assert one is not None
        again = not isinstance(error, CommandRefused) or error.code in _PASSES
        if again and now - one.at < LONGEST_MS:
            one.next_at = now + AGAIN_MS
            self._under_way = None
            return None
        self._drop()
        return one.text

    def hurry(self) -> None:
        """The node is there again: don't wait."""
        for one in self.pending:
            one.next_at = 0

    def _drop(self) -> None:
        one, self._under_way = self._under_way, None
        if one in self.pending:
            self.pending.remove(one)


class Recall:
    """What was sent in this chat, to be called back into the prompt; and what stood in the prompt before that."""

    def __init__(self) -> None:
        self._sent: list[str] = []
        #: How many texts before the newest one stands in the prompt; 0: none of them does.
        self._back = 0
        self._draft = ""

    def sent(self, text: str) -> None:
        """A text was sent. The same text twice in a row is kept once."""
        if self._sent[-1:] != [text]:
            self._sent = [*self._sent, text][-MAX_RECALLED:]
        self._back, self._draft = 0, ""

    def earlier(self, typed: str) -> str | None:
        """The text before the one in the prompt, which holds `typed` now; None: there is none."""
        if self._back == len(self._sent):
            return None
        if self._back == 0:
            self._draft = typed
        self._back += 1
        return self._sent[-self._back]

    def later(self) -> str | None:
        """The text after the one in the prompt, in the end what was being typed; None: nothing was called back."""
        if self._back == 0:
            return None
        self._back -= 1
        return self._sent[-self._back] if self._back else self._draft


class Typing:
    """Whether the node is to be told that somebody types here, and when."""

    def __init__(self) -> None:
        self._told: int | None = None

    def typed(self, text: str, now: int) -> bool | None:
        """The prompt holds this text now. True: tell that somebody types; False: that it is over; None: nothing."""
        if not text.strip() or understood(text).command or understood(text).wrong:
            return self.stops()
        if self._told is not None and 0 <= now - self._told < TYPING_MS:
            return None
        self._told = now
        return True

    def stops(self) -> bool | None:
        """Nobody types any more. False: tell that; None: nobody did."""
        told, self._told = self._told, None
        return None if told is None else False
