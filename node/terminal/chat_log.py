"""The messages of one conversation that the chat holds: a window on it, which moves and never grows beyond a bound.

Law of this file: pure. Pages of the history and durable events go in; each message is held once, in its order. Where
the window ends before the conversation does, `more_before` and `more_after` say so, and what lies beyond isn't held.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq

#: Most messages held; beyond that, those at the end that the person is farther from are let go of, and read again when
#: somebody scrolls there.
KEPT = 1000
#: Messages of one page that is asked for.
PAGE = 100
#: Durable events of the conversation that are kept while a page is on its way; beyond that the page is thrown away and
#: asked for again.
MAX_MEANWHILE = 5000

#: States in which our message can be sent again.
UNSENT = ("failed", "unconfirmed")
#: States that a receipt doesn't change.
_ARRIVED = ("delivered", "read")
#: States of a message that isn't taken away when it expires.
_WAITS = ("waiting", "sending")


def unsent(messages: Iterable[nouns.Message]) -> nouns.Message | None:
    """The last of our messages that can be sent again."""
    return next((one for one in reversed(list(messages)) if one.state in UNSENT), None)


def _place(message: nouns.Message) -> tuple[str, int]:
    return message.order, message.id


class Log:
    """A window on the messages of the conversation `room`."""

    def __init__(self, room: str) -> None:
        self.room = room
        #: Never changed in place: another list is another state.
        self.messages: list[nouns.Message] = []
        self.more_before = False
        self.more_after = False
        #: Whether a first page has come.
        self.begun = False
        #: What has happened since a page was asked for; None: none is on its way.
        self._meanwhile: list[ev.Event] | None = None

    @property
    def newest(self) -> int:
        """The highest id of a message held; 0: none is held."""
        return max((one.id for one in self.messages), default=0)

    def begin(self, room: str) -> None:
        """Hold nothing; a page is to come."""
        self.__init__(room)  # type: ignore[misc]

    # -- pages

    def asks(self) -> None:
        """A page was asked for: what happens until it comes is applied to it, too."""
        self._meanwhile = []

    def failed(self) -> None:
        """The page that was asked for won't come."""
        self._meanwhile = None

    def takes(self, page: rq.HistoryResult, *, where: str) -> bool:
        """Take a page: `where` is "before", "after" or "anew". False: it can't be used, ask again."""
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is None or len(meanwhile) >= MAX_MEANWHILE:
            return False
        if where == "anew":
            self.messages, self.more_before, self.more_after = [], page.more_before, page.more_after
            self.begun = True
        elif where == "before":
            self.more_before = page.more_before
        else:
            self.more_after = page.more_after
        held = {one.id for one in self.messages}
        new = [one for one in page.messages if one.id not in held]
        self.messages = sorted([*self.messages, *new], key=_place)
        for event in meanwhile:
            if (event.seq or 0) > page.seq:
                self._apply(event.data)
        self._shorten(oldest=where != "before")
        return True

    def _shorten(self, *, oldest: bool) -> None:
        over = len(self.messages) - KEPT
        if over <= 0:
            return
        if oldest:
            self.messages = self.messages[over:]
            self.more_before = True
        else:
            self.messages = self.messages[:-over]
            self.more_after = True

    # -- events

    def apply(self, event: ev.Event) -> None:
        """Apply one durable event of this conversation; others change nothing."""
        if self._meanwhile is not None and event.seq is not None and len(self._meanwhile) < MAX_MEANWHILE:
            self._meanwhile.append(event)
        self._apply(event.data)
        self._shorten(oldest=True)

    def _apply(self, data: object) -> None:
        if isinstance(data, ev.MessageReceived | ev.MessageAccepted | ev.MessageChanged):
            if data.message.room == self.room:
                self.put(data.message)
        elif isinstance(data, ev.MessageStateChanged):
            if data.room == self.room:
                self._change(lambda one: one.id == data.id, lambda one: _with_state(one, data))
        elif isinstance(data, ev.ReceiptAdvanced | ev.ReadAdvanced):
            if data.room == self.room:
                self._advance(data)
        elif isinstance(data, ev.MessagesExpired):
            if data.room == self.room:
                self.messages = [one for one in self.messages if one.id > data.upto or one.state in _WAITS]
        elif isinstance(data, ev.RoomDeleted) and data.room == self.room:
            self.messages, self.more_before, self.more_after = [], False, False

    def put(self, message: nouns.Message) -> None:
        """Hold a message at its place; one that is held already is replaced. Beyond the window it isn't held."""
        self.messages = [one for one in self.messages if one.id != message.id]
        if message.kind == "deleted":
            return
        place = bisect.bisect(self.messages, _place(message), key=_place)
        beyond = (place == 0 and self.more_before) or (place == len(self.messages) and self.more_after)
        if not beyond:
            self.messages = [*self.messages[:place], message, *self.messages[place:]]

    def _advance(self, data: ev.ReceiptAdvanced | ev.ReadAdvanced) -> None:
        read = isinstance(data, ev.ReadAdvanced)

        def covered(one: nouns.Message) -> bool:
            if one.direction != "out" or one.state is None or one.entry is None:
                return False
            if one.entry.stream != data.stream or one.entry.n > data.n:
                return False
            return one.state != "read" if read else one.state not in _ARRIVED

        self._change(covered, lambda one: replace(one, state="read" if read else "delivered", detail=None))

    def _change(self, which: Callable[[nouns.Message], bool], change: Callable[[nouns.Message], nouns.Message]) -> None:
        self.messages = [change(one) if which(one) else one for one in self.messages]


def _with_state(message: nouns.Message, data: ev.MessageStateChanged) -> nouns.Message:
    marks = message.marks if data.marks is None else data.marks
    return replace(message, state=data.state, detail=data.detail, marks=marks)


def texts_of_others(messages: Iterable[nouns.Message], after: int) -> int:
    """How many texts of others have an id above `after`."""
    return sum(one.id > after and one.direction == "in" and one.kind == "text" for one in messages)
