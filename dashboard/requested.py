"""Requests: conversations that nodes began with whom nobody here has dealt yet, and whose names look like known ones.

Law of this file: pure. A request is drawn apart from the list of conversations, until somebody decides about it.
"""

from __future__ import annotations

import msgspec

from dashboard import wording
from dashboard.appearance import RoomView, name_of
from node import looks
from node.bus import nouns

#: Most requests that a tab is told of at once, the newest. Of a flood, the others are a number.
MAX_TOLD = 100


class Alike(msgspec.Struct, frozen=True):
    """Somebody known whose name looks like that of a request: name, code as groups, and whether it was compared."""

    name: str
    code: list[str]
    verified: bool


class RequestView(msgspec.Struct, frozen=True):
    """Somebody who asks to write: the conversation as it would be, since when (ms), and who it may be taken for."""

    room: RoomView
    since: int
    alike: Alike | None


def is_request(room: nouns.Room) -> bool:
    """Whether a conversation waits for a decision. Where nothing was said yet, there is nothing to decide."""
    return room.request and not room.hidden and room.last is not None


def request_view(room: nouns.Room, drawn: RoomView, alike: nouns.Peer | None) -> RequestView:
    """A request, ready to draw; `alike`: a known peer of a name that looks the same."""
    found = None
    if alike is not None:
        found = Alike(name_of(alike), wording.code_groups(alike.code), alike.verified)
    return RequestView(drawn, room.created or (drawn.last.at if drawn.last else 0), found)


class Looks:
    """Who is known by names that look alike, and who asks to write under them."""

    def __init__(self) -> None:
        #: Of each peer: its look, whether it asks, and what else is shown of it.
        self._looks: dict[str, tuple[frozenset[str], bool, str, bool]] = {}
        self._known: dict[str, set[str]] = {}
        self._asking: dict[str, set[str]] = {}

    def put(self, peer: str, name: str | None, *, asks: bool, verified: bool) -> set[str]:
        """A peer goes by this name now (None: it is gone). Returns those who ask, and must be drawn again."""
        new = None if name is None else (looks.looks(name), asks, name, verified)
        old = self._looks.get(peer)
        if new == old:
            return set()
        again: set[str] = set()
        if old is not None:
            held = self._asking if old[1] else self._known
            for look in old[0]:
                held[look].discard(peer)
                if not held[look]:
                    del held[look]
                again |= set() if old[1] else self._asking.get(look, set())
        if new is None:
            self._looks.pop(peer, None)
        else:
            self._looks[peer] = new
            for look in new[0]:
                (self._asking if asks else self._known).setdefault(look, set()).add(peer)
                # Those who ask change nothing about each other: so a flood of them costs no more than its number.
                again |= {peer} if asks else self._asking.get(look, set())
        return again

    def alike(self, peer: str) -> str | None:
        """The id of somebody known who may be meant by the name of one who asks."""
        found = self._looks[peer][0] if peer in self._looks else ()
        known = {one for look in found for one in self._known.get(look, ())} - {peer}
        # The one that somebody would impersonate.
        return min(known, key=lambda one: (not self._looks[one][3], one), default=None)
