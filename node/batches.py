"""Batches: what is committed together, and how long a batch may be. Knows no clock: it is told what a commit took.

A batch is no longer than the disk takes in a moment: when it is full, sources with more than their share in it have to
wait, so that whoever speaks now and then, and every command, is on disk a moment later, however many others flood.
"""

from __future__ import annotations

import collections
from typing import get_args

from node.core import effects as e
from node.core import stimuli as s
from node.model import source_of

#: What a commit should take, in seconds: an (almost) empty one's time and so much more; with one source, with several.
ALONE_GOAL, SHARED_GOAL = 0.05, 0.01
#: Records in a batch before sources with more than their share have to wait: it follows from how long commits take.
MIN_BATCH, MAX_BATCH = 128, 10_000
#: With more sources than this in the last so many commits, shorter batches and commits: who says something now and then
#: waits for the commit under way and his own, and should hardly notice the crowd.
CROWD, LATELY = 16, 64
CROWD_GOAL, MIN_CROWD_BATCH = 0.001, 32
#: Bytes from a peer that count as one more record: long texts take room in memory and on disk, short ones steps.
BYTES_A_RECORD = 512
#: Records of a source in a batch that never count as more than its share.
MIN_SHARE = 16
#: What a record takes the disk before any was written, in seconds.
RECORD_TAKES = 0.00002
#: A commit of at most so many records shows what the disk takes for an empty one.
EMPTY = 16

#: What links and peers said. It is told to the new core if the batch is lost.
FROM_LINKS = (s.Heard, s.Transmitted, s.Closed)
_ACTS = frozenset(get_args(e.Act))


class Batch:
    """What was decided since the last commit began."""

    __slots__ = ("acts", "bulk", "expires", "over", "records", "sources", "stimuli")

    def __init__(self) -> None:
        self.records: list[e.Record] = []
        #: What long texts count for beside them.
        self.bulk = 0
        #: How much of both is due to each source.
        self.sources: dict[str, int] = {}
        self.acts: list[e.Act] = []
        #: What came from links: told to the new core if this batch is lost.
        self.stimuli: list[s.Stimulus] = []
        #: Links that are over.
        self.over: list[int] = []
        #: Messages expire with it: what it takes tells nothing about others.
        self.expires = False

    def __len__(self) -> int:
        """What it costs the disk, in records."""
        return len(self.records) + self.bulk

    def add(self, stimulus: s.Stimulus | None, effects: list[e.Effect], host: str = "") -> int:
        """What follows from a stimulus; returns what a peer makes the disk do with it, in records.

        `host` is the address of what was heard.
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
        if type(stimulus) is not s.Heard:
            return 0
        bulk = stimulus.size // BYTES_A_RECORD
        cost = len(self.records) - before + bulk
        self.bulk += bulk
        source = source_of(host)
        self.sources[source] = self.sources.get(source, 0) + cost
        return cost


class Sizes:
    """How long batches may be: as long as lately the disk took what it should take for one."""

    def __init__(self) -> None:
        #: Records in a batch, with several sources and with one (or none).
        self.usual = {True: 512, False: 4096}
        #: The same with a crowd. The sources of the last commits, each with the number of its last one, oldest first.
        self.crowd = MIN_BATCH
        self._lately: collections.OrderedDict[str, int] = collections.OrderedDict()
        self._number = 0
        #: What an empty commit takes, and what a record takes beyond it, in seconds.
        self._empty_takes = 0.0
        self.record_takes = RECORD_TAKES

    @property
    def crowded(self) -> bool:
        """Many sources had something in the last commits."""
        return len(self._lately) > CROWD

    def full(self, batch: Batch) -> bool:
        """Whether the batch is as long as it should get."""
        return len(batch) >= (self.crowd if self.crowded else self.usual[len(batch.sources) > 1])

    def full_for(self, batch: Batch, source: str, light: bool) -> bool:
        """Of a full batch: whether a source has to wait for others. One that says little (`light`) seldom has to."""
        sources = batch.sources
        if light and sources.get(source, 0) <= MIN_SHARE:
            return False
        if self.crowded:
            # Even the smallest shares would make a batch that takes long, and the light ones wait for it too.
            return True
        share = self.usual[len(sources) > 1] // max(1, len(sources))
        return sources.get(source, 0) > max(MIN_SHARE, share)

    def committed(self, batch: Batch, took: float) -> None:
        """A batch is on disk after `took` seconds."""
        self._count(batch)
        if not batch.expires:
            self._fit(batch, took)

    def _count(self, batch: Batch) -> None:
        """Remember whose records this commit holds."""
        self._number += 1
        for source in batch.sources:
            self._lately[source] = self._number
            self._lately.move_to_end(source)
        while self._lately and next(iter(self._lately.values())) <= self._number - LATELY:
            self._lately.popitem(last=False)

    def _fit(self, batch: Batch, took: float) -> None:
        """Batches get longer or shorter, until a commit takes about as long as it should."""
        count = len(batch)
        # A fuller one takes no less: what is quicker tells more than what was held up by something else. That would
        # make batches long for ever, because a crowd leaves no empty ones.
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
