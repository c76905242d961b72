"""What a benchmark reports: rows of figures, each beside its target and its reference, and the table they make.

Law of this file: pure. A target is shown and never asserted: a slow machine is no bug.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec


class Target(msgspec.Struct, frozen=True):
    """The bound a figure should keep."""

    sign: Literal["≥", "<", "="]
    bound: float

    def met(self, value: float) -> bool:
        """Whether a value keeps it."""
        if self.sign == "=":
            return value == self.bound
        return value >= self.bound if self.sign == "≥" else value < self.bound


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: a value for each repeat, and for each repeat the reference measured right beside it."""

    what: str
    unit: str
    values: Sequence[float]
    target: Target | None = None
    #: What the references are, e.g. "bare pipeline".
    beside: str = ""
    references: Sequence[float] = ()
    ratio_target: Target | None = None

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """The middle of the ratios of the pairs: both of a pair met the same noise."""
        if not any(self.references):
            return None
        return statistics.median(
            value / reference for value, reference in zip(self.values, self.references, strict=True) if reference
        )

    @property
    def verdict(self) -> str:
        """Whether the targets are met; empty when there are none."""
        kept = []
        if self.target is not None:
            kept.append(self.target.met(self.median))
        if self.ratio_target is not None and self.ratio is not None:
            kept.append(self.ratio_target.met(self.ratio))
        return ("met" if all(kept) else "MISSED") if kept else ""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all values don't exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def number(value: float) -> str:
    """A figure with as many digits as mean something."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


_HEAD = ("figure", "min", "median", "max", "unit", "target", "reference", "ratio", "")


def table(rows: Sequence[Row]) -> str:
    """All rows, aligned."""
    cells: list[tuple[str, ...]] = [_HEAD]
    for row in rows:
        target = "" if row.target is None else f"{row.target.sign} {number(row.target.bound)}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        if row.ratio_target is not None:
            ratio += f" ({row.ratio_target.sign} {row.ratio_target.bound:.2f})"
        beside = f"{row.beside} {number(statistics.median(row.references))}" if row.references else ""
        several = len(row.values) > 1
        cells.append(
            (
                row.what,
                number(min(row.values)) if several else "",
                number(row.median),
                number(max(row.values)) if several else "",
                row.unit,
                target,
                beside,
                ratio,
                row.verdict,
            )
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = []
    for line in cells:
        aligned = [
            cell.rjust(width) if 1 <= column <= 3 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(aligned).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
