"""What a node must hold, kept apart from it: every line that was acknowledged or heard, and what people did with it.

Only replies, and what peers said, go in here. What the documents promise of them (README, node/bus/BUS.md) is computed
the plain way, so that a node can be compared with it at any moment.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import msgspec

#: Words of deleted lines that are still looked for; the oldest are let go of.
MAX_GONE = 2_000
#: Each text holds one word that no other has.
UNIQUE = re.compile(r"\bq\d+z\b")


class Line(msgspec.Struct, frozen=True):
    """One line of a conversation."""

    id: int
    order: str
    at: int
    direction: str
    kind: str
    text: str

    @property
    def word(self) -> str | None:
        """The word that only this line has."""
        found = UNIQUE.search(self.text)
        return found[0] if found else None


class Talk(msgspec.Struct):
    """A conversation."""

    lines: dict[int, Line] = {}
    #: Incoming texts that nobody has read for sure.
    unread: set[int] = set()
    #: It took in another one: what was read in one of them may stand above the common mark, and count as unread again.
    merged: bool = False
    #: Lines of it have expired: `last` may have gone, though an older line that waits to be sent is still there.
    thinned: bool = False


class Who(msgspec.Struct):
    """A peer."""

    id: str
    room: str
    address: str
    #: Whether it is on the list.
    listed: bool = True


class Oracle:
    """The truth about one node."""

    def __init__(self) -> None:
        self.talks: dict[str, Talk] = {}
        self.peers: dict[str, Who] = {}
        #: Words of lines that were deleted or have expired.
        self.gone: list[str] = []
        #: What peers have said and the log doesn't tell of yet: text, and the address that said it.
        self.awaited: dict[str, str] = {}
        self.last_id = 0
        self._numbers = 0

    def copy(self) -> Oracle:
        """The truth as of now, for a backup."""
        kept = copy.deepcopy(self)
        return kept

    def restored(self, backup: Oracle) -> None:
        """The node is again as it was when the backup was made. Words stay unique all the same."""
        numbers, later = self._numbers, {line.word for talk in self.talks.values() for line in talk.lines.values()}
        self.__dict__.update(backup.copy().__dict__)
        self._numbers = numbers
        here = {line.word for talk in self.talks.values() for line in talk.lines.values()}
        self._let_go(word for word in later - here if word)

    def text(self, more: str = "") -> str:
        """A text that nobody has said yet."""
        self._numbers += 1
        return f"q{self._numbers}z common{self._numbers % 5} {more}".strip()

    # -- what is known of it

    def at(self, address: str) -> Who | None:
        """The peer that listens there."""
        return next((one for one in self.peers.values() if one.address == address), None)

    def of_room(self, room: str) -> Who | None:
        """Whose conversation it is."""
        return next((one for one in self.peers.values() if one.room == room), None)

    def lines(self) -> list[tuple[str, Line]]:
        """All lines with their rooms."""
        return [(room, line) for room, talk in self.talks.items() for line in talk.lines.values()]

    def count(self) -> int:
        """How many messages there are."""
        return sum(len(talk.lines) for talk in self.talks.values())

    def listed(self) -> int:
        """How many peers are on the list."""
        return sum(one.listed for one in self.peers.values())

    def having(self, word: str) -> list[int]:
        """The texts with this word, newest first."""
        found = [
            line.id for _, line in self.lines() if line.kind == "text" and word in line.text.replace('"', " ").split()
        ]
        return sorted(found, reverse=True)

    # -- what happened

    def met(self, id_: str, room: str, address: str) -> None:
        """A peer is on the list."""
        who = self.peers.get(id_)
        if who is None:
            self.peers[id_] = Who(id_, room, address)
            self.talks.setdefault(room, Talk())
        else:
            who.listed = True

    def line(self, message: Any) -> None:
        """A line is on the node's disk: `message` as the bus tells it."""
        assert message.id > self.last_id, f"message {message.id} came after {self.last_id}"
        assert all(message.id not in talk.lines for talk in self.talks.values())
        self.last_id = message.id
        talk = self.talks.setdefault(message.room, Talk())
        line = Line(message.id, message.order, message.at, message.direction, message.kind, message.text)
        assert not talk.lines or line.order > max(one.order for one in talk.lines.values()), "it is shown last"
        talk.lines[line.id] = line
        if line.direction == "in" and line.kind == "text":
            talk.unread.add(line.id)

    def read(self, room: str, upto: int | None) -> None:
        """Somebody has read a conversation."""
        talk = self.talks[room]
        talk.unread = {one for one in talk.unread if upto is not None and one > upto}

    def merged(self, gone: Who, into: Who) -> None:
        """Two conversations are one."""
        source, target = self.talks.pop(gone.room), self.talks[into.room]
        target.lines |= source.lines
        target.unread |= source.unread
        target.merged = True
        target.thinned |= source.thinned
        del self.peers[gone.id]
        into.listed = True

    def deleted(self, who: Who) -> None:
        """A conversation is gone, and its peer."""
        talk = self.talks.pop(who.room)
        del self.peers[who.id]
        self._let_go(line.word for line in talk.lines.values() if line.word)

    def expired(self, room: str, ids: set[int]) -> None:
        """Lines were kept long enough."""
        talk = self.talks[room]
        self._let_go(word for one in ids if (word := talk.lines[one].word))
        talk.lines = {id_: line for id_, line in talk.lines.items() if id_ not in ids}
        talk.unread -= ids
        talk.thinned = True
        who = self.of_room(room)
        if not talk.lines and who is not None and not who.listed:
            # Nothing is left of somebody who is off the list: BUS.md, section 8.
            del self.talks[room], self.peers[who.id]

    def _let_go(self, words: Any) -> None:
        self.gone.extend(words)
        del self.gone[:-MAX_GONE]
