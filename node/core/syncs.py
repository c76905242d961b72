"""What is known of one room on one encrypted link: what the other side holds, and what it was told. Pure."""

from __future__ import annotations

import msgspec

from node.core.feeds import Feed
from node.core.vectors import Stream, Vector


class Sync(msgspec.Struct):
    """A room that both sides of a link share."""

    #: The digest sent at link-up, and the rows behind it: what this side had told then, and has told since.
    digest: bytes
    told: dict[Stream, int]
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

    def untold(self, vector: Vector) -> list[Stream]:
        """Streams of which the other side may lack something that this side holds."""
        found = []
        for stream, row in vector.rows.items():
            if row.n > self.told.get(stream, 0) and row.n > vector.claimed(stream, self.theirs):
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
