"""What goes over one encrypted link of a stream: new entries at once, older ones from disk, frame by frame. Pure.

A feed begins where the other side stands. Its HAVE is receipt and credit in one: it says how far it has come, and makes
room for further frames. New entries are pushed while the feed is at the head of its stream and little is under way;
else they are read from disk later, when it is their turn.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence

import msgspec

from node.core import effects as e
from node.core.ledger import Ledger
from node.core.vectors import Stream
from node.model import Entry
from node.protocol import entries
from node.protocol.secure.frames import MAX_RUN, Run

#: Bytes of one frame with new entries, if there are several.
PUSH_BYTES = 64 * 1024
#: Most bytes and most frames of one stream that are pushed to a link and not acknowledged. Beyond, entries are read
#: from disk later.
MAX_PUSHED_BYTES, MAX_PUSHED = 1024 * 1024, 1_024
#: Most frames of one stream that were read from disk and are not acknowledged.
MAX_SERVED = 4


class Feed(msgspec.Struct):
    """One stream of a room on its way over one link."""

    #: All up to this number was sent or is held there.
    sent: int
    #: Whether what comes later is sent, too.
    follow: bool
    #: Whether a Serve is under way. There is one at a time, however often the other side asks.
    serving: bool = False
    #: What it asked for meanwhile: to go on behind this number, or to stop.
    again: int | None = None
    stopped: bool = False
    #: The frames that aren't acknowledged: the last number in each, and its bytes.
    frames: collections.deque[tuple[int, int]] = msgspec.field(default_factory=collections.deque)
    size: int = 0

    def acknowledge(self, n: int) -> None:
        """The other side holds the stream up to number `n`."""
        while self.frames and self.frames[0][0] <= n:
            self.size -= self.frames.popleft()[1]

    def note(self, upto: int, size: int) -> None:
        """A frame was sent."""
        self.sent = upto
        self.frames.append((upto, size))
        self.size += size

    def restart(self, after: int, follow: bool) -> None:
        """The other side asks for the stream behind number `after`. While a Serve is under way, that is done first."""
        self.follow, self.stopped = follow, False
        if self.serving:
            self.again = after
            return
        self.sent, self.again, self.size = after, None, 0
        self.frames.clear()

    def stop(self) -> bool:
        """The other side wants no more. Returns whether the feed is over now; else it is when the Serve has ended."""
        self.follow, self.again, self.stopped = False, None, True
        return not self.serving


class Feeds:
    """Moves feeds on."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def move(
        self, link: int, room: str, stream: Stream, feed: Feed, first: int, head: int, fresh: Sequence[Entry] = ()
    ) -> bool:
        """Send what may be sent of a stream that is held from `first` to `head`. Returns False when the feed is over.

        `fresh` are its newest entries, up to the head, which are in memory.
        """
        if feed.serving:
            return True
        feed.sent = max(feed.sent, first - 1)
        if feed.sent >= head:
            return feed.follow
        if fresh and fresh[0].header.n <= feed.sent + 1 and self._has_room(feed):
            new = [entry for entry in fresh if entry.header.n > feed.sent]
            for run, size in runs(room, new):
                feed.note(feed.sent + len(run.headers), size)
                self._ledger.put(e.Say(link, run))
            return feed.follow
        if len(feed.frames) < MAX_SERVED:
            feed.serving = True
            self._ledger.put(e.Serve(link, room, stream[0], stream[1], feed.sent))
        return True

    def served(self, feed: Feed, upto: int | None, size: int) -> bool:
        """The outcome of a Serve. Returns False when there is nothing to go on with."""
        feed.serving = False
        if feed.stopped:
            return False
        if feed.again is not None:
            feed.restart(feed.again, feed.follow)
            return True
        if upto is None or upto <= feed.sent:
            return False
        feed.note(upto, size)
        return True

    def _has_room(self, feed: Feed) -> bool:
        return feed.size < MAX_PUSHED_BYTES and len(feed.frames) < MAX_PUSHED


def runs(room: str, new: Sequence[Entry]) -> Iterator[tuple[Run, int]]:
    """Entries in frames, each with its size in bytes. The last entry has a signature, and each frame ends at one."""
    start = 0
    size = pending = 0
    cut = 0
    for index, entry in enumerate(new):
        pending += entries.size(entry)
        if entry.signature is None:
            continue
        if cut > start and (size + pending > PUSH_BYTES or index + 1 - start > MAX_RUN):
            yield _run(room, new[start:cut]), size
            start, size = cut, 0
        size += pending
        pending = 0
        cut = index + 1
    if cut > start:
        yield _run(room, new[start:cut]), size


def _run(room: str, new: Sequence[Entry]) -> Run:
    signature = new[-1].signature
    assert signature is not None
    return Run(room, [entry.header_bytes for entry in new], [entry.body for entry in new], signature)
