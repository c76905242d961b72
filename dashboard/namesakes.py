"""Who shares a name with somebody: a name is only a label, and two of one name are told apart wherever it stands.

Law of this file: pure. Names are compared as `names.key` makes them.
"""

from __future__ import annotations

from node import names


class Namesakes:
    """The ids that go by each name."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._ids: dict[str, set[str]] = {}

    def put(self, one: str, name: str | None) -> set[str]:
        """`one` goes by this name now (None: it is gone). Returns the others that must be drawn again: those who shared
        a name with nobody before, or share it with nobody any more.
        """
        key = None if name is None else names.key(name)
        before = self._names.get(one)
        if key == before:
            return set()
        again: set[str] = set()
        if before is not None:
            left = self._ids[before]
            left.discard(one)
            again |= left if len(left) == 1 else set()
            if not left:
                del self._ids[before]
        if key is None:
            self._names.pop(one, None)
            return again
        there = self._ids.setdefault(key, set())
        again |= there if len(there) == 1 else set()
        there.add(one)
        self._names[one] = key
        return again

    def shares(self, one: str) -> bool:
        """Whether somebody else goes by the same name."""
        return len(self._ids.get(self._names.get(one, ""), ())) > 1
