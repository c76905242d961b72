"""Where in a conversation the person is: at its end, or at a message further up, which stays where it is on the screen.

Law of this file: pure. Heights and distances are rows.
"""

from __future__ import annotations

from node.terminal.chat_rows import Block, Row


class View:
    """A window of some rows on the blocks of a conversation."""

    def __init__(self) -> None:
        #: The block at the top and the row within it; None: the person is at the end.
        self._top: tuple[int, int] | None = None
        self._rows: list[tuple[int, int, Row]] = []
        self._height = 1
        #: Whether the conversation goes on below the last block: its last row isn't the end then.
        self.goes_on = False

    @property
    def at_end(self) -> bool:
        """Whether the person is at the end: what comes is seen."""
        return self._top is None

    @property
    def at_top(self) -> bool:
        """Whether the first row is on the screen, or nearly: within one screen of it."""
        return self._first() < self._height

    @property
    def near_bottom(self) -> bool:
        """Whether the last row is on the screen, or within one screen of it."""
        return self._first() + 2 * self._height > len(self._rows)

    @property
    def anchor(self) -> int | None:
        """The message at the top, if the person isn't at the end."""
        return None if self._top is None else self._top[0]

    def show(self, blocks: list[Block], height: int) -> list[Row]:
        """The rows on the screen now, `height` at most."""
        self._rows = [(block.key, number, row) for block in blocks for number, row in enumerate(block.rows)]
        self._height = max(1, height)
        first = self._first()
        return [row for _, _, row in self._rows[first : first + self._height]]

    def scroll(self, by: int) -> None:
        """Go down by so many rows; up, if that is negative. At the last row the person is at the end again."""
        self._go(self._first() + by)

    def page(self, direction: int) -> None:
        """Go down (1) or up (-1) by a screen; one row stays in sight."""
        self.scroll(direction * max(1, self._height - 1))

    def end(self) -> None:
        """Go to the end."""
        self._top = None

    def _go(self, first: int) -> None:
        last = max(0, len(self._rows) - self._height)
        first = max(0, first)
        if first >= last and not self.goes_on:
            self._top = None
            return
        if not self._rows:
            return
        key, number, _ = self._rows[min(first, last)]
        self._top = key, number

    def _first(self) -> int:
        """The index of the row at the top of the screen."""
        last = max(0, len(self._rows) - self._height)
        if self._top is None:
            return last
        key, number = self._top
        best = None
        for index, (block, row, _) in enumerate(self._rows):
            if block == key:
                best = index
                if row >= number:
                    break
            elif best is not None:
                break
        if best is None:
            # It is gone: deleted or expired.
            self._top = None
            return last
        return min(best, last)
