"""QR codes on a terminal: dark on light whatever its colours are, two rows of modules to a line of characters.

Law of this file: pure.
"""

from __future__ import annotations

from collections.abc import Sequence

#: Modules of light around a code: with fewer, some cameras don't find it. (ISO/IEC 18004)
QUIET = 4
#: Black on white. The colours that terminals name are themes; these of the 256-colour cube are not.
_COLOURS, _RESET = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
#: For (upper, lower), where True is dark.
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def modules(text: str) -> list[list[bool]]:
    """The code of a text, with the light around it. True is dark. Raises ValueError when it is too long."""
    # Only here: the other verbs of the command line needn't wait for it.
    import segno

    try:
        matrix = segno.make(text, error="m", micro=False, boost_error=False).matrix
    except segno.DataOverflowError as error:
        raise ValueError("The text is too long for a QR code.") from error
    width = len(matrix) + 2 * QUIET
    blank = [[False] * width for _ in range(QUIET)]
    rows = [[False] * QUIET + [bool(one) for one in row] + [False] * QUIET for row in matrix]
    return [*blank, *rows, *blank]


def lines(text: str) -> list[str]:
    """The code of a text as lines for a terminal. Raises ValueError when it is too long."""
    found = modules(text)
    if len(found) % 2:
        found.append([False] * len(found))
    return [_line(found[index], found[index + 1]) for index in range(0, len(found), 2)]


def _line(upper: Sequence[bool], lower: Sequence[bool]) -> str:
    return _COLOURS + "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True)) + _RESET
