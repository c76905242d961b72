"""Batches: what one transaction commits, and how many records that may be. Pure: it is told how long a commit took.

The size of a batch follows the disk's speed, so that each commit stays short. When a batch is full, sources with more
than their share of it have to wait. So a quiet source, and every command, is on disk a moment later, however many
others flood the node.
"""

from __future__ import annotations

import collections
from typing import get_args

from node.core import effects as e
from node.core import stimuli as s
from node.model import source_of

#: Target time of a commit beyond that of an empty one, in seconds: with one source, and with several.
ALONE_GOAL, SHARED_GOAL = 0.05, 0.01
#: Bounds of a batch's size, in records. Within them, the size follows from how long commits take.
MIN_BATCH, MAX_BATCH = 128, 10_000
#: More sources than this in so many recent commits are a crowd. Batches and commits are shorter then: a quiet source
#: waits for the commit under way and for its own, and should hardly notice the crowd.
CROWD, LATELY = 16, 64
CROWD_GOAL, MIN_CROWD_BATCH = 0.001, 32
#: Bytes of text from a peer that count as one more record: long texts cost memory and disk beyond their record.
BYTES_A_RECORD = 512
#: Records in a batch that every source may have, whatever its share is.
MIN_SHARE = 16
#: First estimate of a record's disk time, in seconds, until one was measured.
RECORD_TAKES = 0.00002
#: A commit of at most so many records counts as empty when the time of an empty commit is measured.
EMPTY = 16

#: Stimuli from links. If the batch is lost, the core that is loaded anew gets them again. Those of encrypted links are
#: not among them: nothing that they brought was acknowledged, so the other side sends it again over the next link.
FROM_LINKS = (s.Heard, s.Transmitted, s.Closed)
_ACTS = frozenset(get_args(e.Act))


class Batch:
    """What was decided since the last commit began."""

    __slots__ = ("acts", "bulk", "expires", "over", "records", "sources", "stimuli")

    def __init__(self) -> None:
        self.records: list[e.Record] = []
        #: Extra cost of long texts, in records.
        self.bulk = 0
        #: Each source's part of records and bulk.
        self.sources: dict[str, int] = {}
        self.acts: list[e.Act] = []
        #: Stimuli from links; if this batch is lost, the core that is loaded anew gets them again.
        self.stimuli: list[s.Stimulus] = []
        #: Links whose end this batch records.
        self.over: list[int] = []
        #: Whether it expires messages: its commit time says nothing about other batches then.
        self.expires = False

    def __len__(self) -> int:
        """Its cost for the disk, in records."""
        return len(self.records) + self.bulk

    def add(self, stimulus: s.Stimulus | None, effects: list[e.Effect], host: str = "") -> int:
        """Add the effects of a stimulus. Returns their cost in records if a peer caused them, otherwise 0.

        `host` is the peer's IP address when the stimulus is `Heard` or `Framed`.
        """
        before = len(self.records)
        for effect in effects:
            (self.acts if type(effect) in _ACTS else self.records).append(effect)  # type: ignore[arg-type]
        if isinstance(stimulus, FROM_LINKS):
            self.stimuli.append(stimulus)
            if type(stimulus) is s.Closed:
                self.over.append(stimulus.link)
        elif type(stimulus) is s.OldFound:
            self.expires = True
        if type(stimulus) is not s.Heard and type(stimulus) is not s.Framed:
            return 0
        bulk = stimulus.size // BYTES_A_RECORD
        cost = len(self.records) - before + bulk
        self.bulk += bulk
        source = source_of(host)
        self.sources[source] = self.sources.get(source, 0) + cost
        return cost


class Sizes:
    """How many records a batch may hold, adapted so that a commit takes about its target time."""

    def __init__(self) -> None:
        #: Records in a batch, with several sources and with one (or none).
        self.usual = {True: 512, False: 4096}
        #: The same with a crowd.
        self.crowd = MIN_BATCH
        #: Sources of the last LATELY commits, each with the number of its newest commit, oldest first.
        self._lately: collections.OrderedDict[str, int] = collections.OrderedDict()
        self._number = 0
        #: Time of an empty commit, and time of each record beyond that, in seconds.
        self._empty_takes = 0.0
        self.record_takes = RECORD_TAKES

    @property
    def crowded(self) -> bool:
        """Whether more than CROWD sources had records in the last LATELY commits."""
        return len(self._lately) > CROWD

    def full(self, batch: Batch) -> bool:
        """Whether the batch has reached its size."""
        return len(batch) >= (self.crowd if self.crowded else self.usual[len(batch.sources) > 1])

    def full_for(self, batch: Batch, source: str, light: bool) -> bool:
        """Whether a source has to wait, given that the batch is full. One that says little (`light`) seldom has to."""
        sources = batch.sources
        if light and sources.get(source, 0) <= MIN_SHARE:
            return False
        if self.crowded:
            # With so many sources even MIN_SHARE each would make a long commit, and light sources would wait for it.
            return True
        share = self.usual[len(sources) > 1] // max(1, len(sources))
        return sources.get(source, 0) > max(MIN_SHARE, share)

    def committed(self, batch: Batch, took: float) -> None:
        """Learn from a batch that took `took` seconds to commit."""
        self._count(batch)
        if not batch.expires:
            self._fit(batch, took)

    def _count(self, batch: Batch) -> None:
        """Remember which sources this commit holds records of."""
        self._number += 1
        for source in batch.sources:
            self._lately[source] = self._number
            self._lately.move_to_end(source)
        while self._lately and next(iter(self._lately.values())) <= self._number - LATELY:
            self._lately.popitem(last=False)

    def _fit(self, batch: Batch, took: float) -> None:
        """Grow or shrink batches towards the target time of a commit."""
        count = len(batch)
        # A fuller commit can't be quicker than an empty one, so one that is corrects the estimate. An estimate from an
        # empty commit that was held up would otherwise stay, because a crowd leaves no empty ones, and batches would
        # grow too long.
        if took < self._empty_takes or (count <= EMPTY and not self._empty_takes):
            self._empty_takes = took
        if count <= EMPTY:
            self._empty_takes += (took - self._empty_takes) / 32
            return
        self.record_takes += (max(0.0, took - self._empty_takes) / count - self.record_takes) / 8
        if self.crowded:
            goal = self._empty_takes + CROWD_GOAL
            if took > goal:
                self.crowd = max(MIN_CROWD_BATCH, self.crowd * 3 // 4)
            elif count >= self.crowd and took < goal / 2:
                self.crowd = min(MAX_BATCH, self.crowd * 5 // 4)
            return
        shared = len(batch.sources) > 1
        goal = self._empty_takes + (SHARED_GOAL if shared else ALONE_GOAL)
        size = self.usual[shared]
        if took > goal:
            self.usual[shared] = max(MIN_BATCH, size * 3 // 4)
        elif count >= size and took < goal / 2:
            self.usual[shared] = min(MAX_BATCH, size * 5 // 4)
