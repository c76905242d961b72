"""QR codes on a terminal."""

from __future__ import annotations

import re

import pytest

from node import qr

TEXT = "snicher://" + "a" * 52 + "@192.168.1.20:5000?name=anna"


def test_a_code_is_a_square_with_light_around_it_and_the_marks_that_cameras_look_for() -> None:
    found = qr.modules(TEXT)
    width = len(found)
    assert all(len(row) == width for row in found)
    inner = range(qr.QUIET, width - qr.QUIET)
    for y in range(width):
        for x in range(width):
            assert not found[y][x] or (x in inner and y in inner)
    # A finder pattern stands in three corners: seven dark modules, and light within.
    for y, x in ((4, 4), (4, width - 11), (width - 11, 4)):
        assert found[y][x : x + 7] == [True] * 7
        assert found[y + 1][x : x + 7] == [True, False, False, False, False, False, True]


def test_lines_show_the_same_modules_dark_on_light_two_rows_to_a_line() -> None:
    found = qr.modules(TEXT)
    shown = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in qr.lines(TEXT)]
    assert len(shown) == (len(found) + 1) // 2
    for y, row in enumerate(found):
        for x, dark in enumerate(row):
            assert (shown[y // 2][x] in ("█", "▄" if y % 2 else "▀")) == dark
    assert all(line.startswith("\x1b[38;5;16;48;5;231m") and line.endswith("\x1b[0m") for line in qr.lines(TEXT))


def test_the_longest_invite_fits_and_what_is_too_long_is_refused_in_words() -> None:
    assert len(qr.modules("x" * 2_048)) <= 177 + 2 * qr.QUIET
    with pytest.raises(ValueError, match="too long"):
        qr.lines("x" * 4_000)
