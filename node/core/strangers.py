"""Strangers, grouped by source and ordered by when they were heard: decides who goes first when room is needed. Pure.

The first to go is the one heard longest ago of the source that has most strangers. So a source that fills the list with
names pushes out its own, and a stranger who comes alone stays.
"""

from __future__ import annotations

from collections.abc import Iterator


class Strangers:
    """Ids, each of one source, in the order in which they were heard. Each operation takes constant time."""

    def __init__(self) -> None:
        #: The ids of each source, the most recently heard at the end.
        self._of: dict[str, dict[str, None]] = {}
        #: Number of ids -> the sources that have so many, the most recently heard at the end.
        self._by_size: dict[int, dict[str, None]] = {}
        self._most = 0
        self._sources: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._sources

    @property
    def most(self) -> int:
        """Number of ids of the source that has most of them."""
        return self._most

    def count(self, source: str) -> int:
        """Number of ids of a source."""
        return len(self._of.get(source, ()))

    def heard(self, id_: str, source: str) -> None:
        """Note that an id was heard now; add it if it is new."""
        self._sources[id_] = source
        ids = self._of.setdefault(source, {})
        before = len(ids)
        ids.pop(id_, None)
        ids[id_] = None
        self._resize(source, before, len(ids))

    def remove(self, id_: str) -> None:
        """Remove an id, if it is here."""
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
        """The ids of a source, the one heard longest ago first. Don't change the set while iterating."""
        yield from self._of.get(source, ())

    def all(self) -> Iterator[str]:
        """All of them, in no order."""
        yield from self._sources

    def first(self) -> Iterator[str]:
        """The ids of the source with most, the one heard longest ago first. Don't change the set while iterating."""
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
