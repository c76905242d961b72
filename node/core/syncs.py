"""What is known of one room on one encrypted link: what the other side holds, and what it was told. Pure."""

from __future__ import annotations

import msgspec

from node.core.feeds import Feed
from node.core.vectors import Stream, Vector

#: Most streams that nobody here has met of which a link may claim something, in one room. Beyond, its rows are dropped
#: and counted. Honest nodes tell one row an author, and one for each stream that they lack something of.
MAX_CLAIMED = 8_000
#: After so many invalid RUNs a link ends: its other side is broken or hostile.
MAX_REFUSED = 16


#: Most DOORs of a link that count: each change is a numbered event. Honest nodes say two.
MAX_DOORS = 16


class Sync(msgspec.Struct):
    """A room that both sides of a link share."""

    #: The digest sent at link-up, and the rows behind it: what this side had told then, and has told since.
    digest: bytes
    told: dict[Stream, int]
    #: Whether its digest came: it says one a link, because the answer may be all rows.
    compared: bool = False
    #: Whether `theirs` is complete: the digests were equal, or their rows were read.
    known: bool = False
    #: How far the other side holds each stream, and from which number on, as it said.
    theirs: dict[Stream, int] = {}
    firsts: dict[Stream, int] = {}
    #: What goes to it.
    feeds: dict[Stream, Feed] = {}
    #: Streams of which it sent something that is invalid: nothing more of them is asked for on this link.
    refused: set[Stream] = set()
    #: When it is told of entries that came another way (ms).
    tell_at: int | None = None
    #: How far it was told that this node's user has read; and how far it has told that its own has read our streams.
    read: dict[Stream, int] = {}
    theirs_read: dict[Stream, int] = {}

    def untold(self, vector: Vector, peer: str) -> list[Stream]:
        """Streams of which the other side, `peer`, may lack something that this side holds.

        Its own streams are told in any case, as a receipt: another machine of its identity may have brought them.
        """
        found = []
        for stream, row in vector.rows.items():
            if row.n > self.told.get(stream, 0) and (stream[0] == peer or row.n > vector.claimed(stream, self.theirs)):
                found.append(stream)
        return found


class Session:
    """One encrypted link, as far as entries go over it."""

    def __init__(self, link: int, peer: str) -> None:
        self.link = link
        #: The PeerId that the link has proved.
        self.peer = peer
        self.rooms: dict[str, Sync] = {}
        #: Rows to acknowledge at the end of this stimulus, by room.
        self.owed: dict[str, set[Stream]] = {}
        #: Frames about rooms that the other side is no member of, or that make no sense.
        self.dropped = 0
        #: The state of the last DOOR that the other side was told, by room; and whether it refuses what we say.
        self.told: dict[str, int] = {}
        self.shut = False
        #: How often it has said so, or that it takes more.
        self.doors = 0
        #: RUNs that were invalid.
        self.refused = 0
