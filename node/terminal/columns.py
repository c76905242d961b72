"""Rows of text in columns that fit a terminal, and how wide a text is there.

Law of this file: pure. Widths are in cells: most characters take one, Chinese and emoji two, marks none. A cluster (a
letter with its marks, a flag, a family) is never split. `wcwidth` measures; prompt_toolkit does it by the same tables.

The columns stand side by side as far as they fit, in the order of their importance; what doesn't fit stands below its
row. (A table of rich's can't do that.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from node.terminal.screen import Line, Piece

#: Between two columns, and before what stands below a row.
GAP, INDENT = "  ", "    "
#: The first column becomes narrower for the others down to so many cells.
NARROWEST = 8
#: At the end of a text that was cut.
ELLIPSIS = "…"


class Column(NamedTuple):
    """A column and its title."""

    title: str
    #: The most cells that it takes where not all columns fit; None: any.
    most: int | None = None
    #: What stands before its text where that stands below.
    label: str = ""
    #: Whether it holds numbers, which end below each other.
    right: bool = False


class Row(NamedTuple):
    """One record: its cells, most important first, and sentences about it, which stand below it on a terminal."""

    cells: Sequence[Piece]
    notes: Sequence[Piece] = ()


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    # Late: ASCII, which the most is, never needs it.
    import wcwidth

    return wcwidth.width(text)


def cut(text: str, width: int) -> str:
    """A text of at most so many cells; with an ellipsis where it was cut."""
    if cells(text) <= width:
        return text
    room, kept = width - cells(ELLIPSIS), ""
    for cluster in _clusters(text):
        room -= cells(cluster)
        if room < 0:
            break
        kept += cluster
    return kept.rstrip() + ELLIPSIS


def padded(text: str, width: int) -> str:
    """A text with blanks behind it up to so many cells."""
    return text + " " * (width - cells(text))


def wrapped(text: str, width: int, first: str = "", rest: str | None = None, *, whole: bool = False) -> list[str]:
    """A text in lines of at most `width` cells, broken at blanks; a word too long for a line within itself.

    `first` stands before the first line, `rest` (else `first`) before the others. `whole`: no word is broken.
    """
    rest = first if rest is None else rest
    lines, line, used = [], "", cells(first)
    for word in text.split():
        size = cells(word)
        if line and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line:
            lines.append(line)
            line, used = "", cells(rest)
        for cluster in [word] if whole or used + size <= width else _clusters(word):
            size = cells(cluster)
            if line and used + size > width:
                lines.append(line)
                line, used = "", cells(rest)
            line, used = line + cluster, used + size
    if line:
        lines.append(line)
    return [(rest if at else first) + one for at, one in enumerate(lines)]


def fitted(lines: Iterable[str], width: int) -> list[str]:
    """Lines of at most so many cells: what is too long goes on below, indented."""
    found: list[str] = []
    for line in lines:
        before = line[: len(line) - len(line.lstrip())]
        found += [line] if cells(line) <= width else wrapped(line, width, before, before + INDENT)
    return found


def _clusters(text: str) -> Iterable[str]:
    if text.isascii():
        return text
    import wcwidth

    return wcwidth.iter_graphemes(text)


def table(columns: Sequence[Column], rows: Sequence[Row], width: int, *, together: int = 1) -> list[Line]:
    """The lines of a table on a terminal of this width. `together`: so many columns stand side by side if it can be."""
    natural = [
        max(cells(text) for text in (column.title, *(row.cells[at][0] for row in rows)))
        for at, column in enumerate(columns)
    ]
    sizes = _fitting(columns, natural, width, together)
    shown = len(sizes)
    lines: list[Line] = [_side_by_side([(column.title, "head") for column in columns[:shown]], columns, sizes)]
    for row in rows:
        lines.append(_side_by_side(row.cells[:shown], columns, sizes))
        # What was cut stands whole below.
        whole = [cell for cell, size in zip(row.cells, sizes, strict=False) if cells(cell[0]) > size]
        other = [
            (column.label + text, role)
            for (text, role), column in zip(row.cells[shown:], columns[shown:], strict=True)
            if text
        ]
        lines += below([*whole, *other], width)
        for text, role in row.notes:
            lines += [[(line, role)] for line in wrapped(text, width, INDENT)]
    return lines


def _fitting(columns: Sequence[Column], natural: Sequence[int], width: int, together: int) -> list[int]:
    """The widths of as many columns as fit, from the first one on."""
    gap = len(GAP)
    if sum(natural) + gap * (len(natural) - 1) <= width:
        return list(natural)
    most = [min(size, column.most or size) for size, column in zip(natural, columns, strict=True)]
    for count in range(len(most), 1, -1):
        over = sum(most[:count]) + gap * (count - 1) - width
        if over <= 0:
            return most[:count]
        if count <= together and most[0] - over >= NARROWEST:
            return [most[0] - over, *most[1:count]]
    return [min(most[0], width)]


def _side_by_side(row: Sequence[Piece], columns: Sequence[Column], sizes: Sequence[int]) -> Line:
    line: list[Piece] = []
    for at, ((text, role), size) in enumerate(zip(row, sizes, strict=True)):
        text = cut(text, size)
        blanks = " " * (size - cells(text))
        before, after = (blanks, "") if columns[at].right else ("", blanks)
        line += [(before, ""), (text, role), ((after + GAP) if at + 1 < len(sizes) else "", "")]
    return [piece for piece in line if piece[0]]


def below(pieces: Sequence[Piece], width: int) -> list[Line]:
    """Pieces one behind the other, indented. A word, such as an id, is never broken: people copy it."""
    lines: list[list[Piece]] = []
    used = width
    for text, role in pieces:
        size = cells(text)
        if lines and used + len(GAP) + size <= width:
            lines[-1] += [(GAP, ""), (text, role)]
            used += len(GAP) + size
            continue
        parts = wrapped(text, width - len(INDENT), whole=True)
        lines += [[(INDENT, ""), (part, role)] for part in parts]
        used = len(INDENT) + cells(parts[-1]) if parts else width
    return list(lines)
