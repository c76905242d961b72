"""Who is a stranger, by source, in the order in which they were heard: who goes first when room is needed. Pure.

Of whichever source has most of them, the one goes that was heard longest ago. So whoever fills a list with names, from
however many addresses, pushes out his own, and a stranger who comes alone stays.
"""

from __future__ import annotations

from collections.abc import Iterator


class Strangers:
    """Ids, each of one source, in the order in which they were heard. Every step takes the same time, however many."""

    def __init__(self) -> None:
        #: The ids of each source, whoever was heard last at the end.
        self._of: dict[str, dict[str, None]] = {}
        #: The sources that have so many, whichever was heard last at the end.
        self._by_size: dict[int, dict[str, None]] = {}
        self._most = 0
        self._sources: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._sources

    def count(self, source: str) -> int:
        """How many of a source there are."""
        return len(self._of.get(source, ()))

    def heard(self, id_: str, source: str) -> None:
        """It was heard now; a new one is added."""
        self._sources[id_] = source
        ids = self._of.setdefault(source, {})
        before = len(ids)
        ids.pop(id_, None)
        ids[id_] = None
        self._resize(source, before, len(ids))

    def remove(self, id_: str) -> None:
        """It is no stranger any more, or gone; nothing when it was none."""
        source = self._sources.pop(id_, None)
        if source is None:
            return
        ids = self._of[source]
        before = len(ids)
        del ids[id_]
        if not ids:
            del self._of[source]
        self._resize(source, before, len(ids), moved=False)

    def of(self, source: str) -> Iterator[str]:
        """Those of a source, whoever was heard longest ago first. Not to be changed meanwhile."""
        yield from self._of.get(source, ())

    def all(self) -> Iterator[str]:
        """All of them, in no order."""
        yield from self._sources

    def first(self) -> Iterator[str]:
        """Those of the source with most, whoever was heard longest ago first. Not to be changed meanwhile."""
        if self._most:
            yield from self._of[next(iter(self._by_size[self._most]))]

    def _resize(self, source: str, before: int, after: int, *, moved: bool = True) -> None:
        if before == after and not moved:
            return
        if before:
            sources = self._by_size[before]
            del sources[source]
            if not sources:
                del self._by_size[before]
        if after:
            self._by_size.setdefault(after, {})[source] = None
        # It changes by one at a time.
        if after > self._most:
            self._most = after
        elif self._most and self._most not in self._by_size:
            self._most = max(after, self._most - 1)
