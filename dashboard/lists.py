"""The lists of one moment in pages, so that a tab draws the first while the others are under way.

Law of this file: pure. All pages say how things were at one moment: when the tab was registered. Changes since then may
reach a tab between two pages; what they say counts more than a page that comes later (components/shared/store.js).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dashboard.appearance import PeerView, RoomView
from dashboard.operations import Everything
from dashboard.schema import MoreFrame

#: Conversations of the first page: more than a screen shows. And of each further page, as many peers: a frame of a few
#: hundred kilobytes, which takes a browser a few milliseconds.
FIRST = 100
PAGE = 400


class Lists:
    """Everything at one moment. Tabs that come before the next change share it, and what is encoded."""

    def __init__(self, everything: Everything) -> None:
        self._everything = everything
        # As a tab draws them: where something came in last first; of two with the same place, the one begun last.
        begun_last_first = list(reversed(everything.rooms))
        self._rooms = sorted(begun_last_first, key=lambda room: room.place, reverse=True)
        self._peers = self._in_order_of_rooms(everything.peers)
        self._encoded: dict[int, bytes] = {}
        rest = max(len(self._rooms), len(self._peers)) - FIRST
        #: Further pages.
        self.count = max(0, -(-rest // PAGE))

    def _in_order_of_rooms(self, peers: list[PeerView]) -> list[PeerView]:
        """Each peer on the page of its conversation, or on a later one."""
        rest = {peer.id: peer for peer in peers}
        found = [peer for room in self._rooms if room.peer and (peer := rest.pop(room.peer, None))]
        return found + list(rest.values())

    def first(self, opened: str) -> Everything:
        """What is drawn first: the newest conversations, and the one with this id, which is open in the tab."""
        rooms, peers = self._rooms[:FIRST], self._peers[:FIRST]
        room = self._find(opened)
        if room is not None and room not in rooms:
            rooms.append(room)
            peers += [peer for peer in self._peers[FIRST:] if peer.id == room.peer]
        return msgspec.structs.replace(self._everything, rooms=rooms, peers=peers)

    def _find(self, opened: str) -> RoomView | None:
        return next((room for room in self._rooms if opened and (opened == room.id or opened in room.aliases)), None)

    def pages(self, encoder: msgspec.json.Encoder) -> Iterator[bytes]:
        """The further pages as frames, each encoded once for all tabs."""
        for number in range(self.count):
            if number not in self._encoded:
                start = FIRST + number * PAGE
                rooms, peers = self._rooms[start : start + PAGE], self._peers[start : start + PAGE]
                self._encoded[number] = encoder.encode(MoreFrame(rooms, peers, self.count - 1 - number))
            yield self._encoded[number]
