"""Widths, cuts and columns: no cluster is split, nothing is lost, and all of it fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.terminal import columns
from node.terminal.columns import Column, Row, cells, cut, padded, wrapped
from node.terminal.screen import text_of

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAG = "\U0001f1e9\U0001f1ea"
CLUSTERS = ["a", " ", "日", "e\u0301", FAMILY, FLAG, "\u2764\ufe0f", "\u06cc\u200c", "\U0001f44d\U0001f3fd"]


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("日本", 4),
        ("e\u0301", 1),
        (FAMILY, 2),
        (FLAG, 2),
        ("\u06cc\u200c\u062e", 2),
        ("\u2764\ufe0f", 2),
        ("", 0),
    ],
)
def test_a_text_is_as_wide_as_it_is_drawn(text: str, width: int) -> None:
    assert cells(text) == width
    assert padded(text, 9) == text + " " * (9 - width)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("anna", 4, "anna"),
        ("annabella", 5, "anna…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        (FAMILY + FAMILY + "x", 4, FAMILY + "…"),
        (FLAG + FLAG, 3, FLAG + "…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("a b c", 3, "a…"),
        ("日", 1, "…"),
    ],
)
def test_a_cut_splits_no_cluster(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@given(st.lists(st.sampled_from(CLUSTERS), max_size=40), st.integers(2, 20))
def test_lines_fit_and_hold_all_clusters(clusters: list[str], width: int) -> None:
    text = "".join(clusters)
    lines = wrapped(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        # Each line begins and ends where a cluster does.
        assert not line.startswith(("\u0301", "\u200d", "\ufe0f", "\u200c", "\U0001f3fd"))
        assert line.count("\U0001f1e9") == line.count("\U0001f1ea")
    assert cells(cut(text, width)) <= width


def test_further_lines_stand_below_the_first() -> None:
    assert wrapped("one two three", 9, "* ", "  ") == ["* one two", "  three"]
    assert wrapped("", 9) == []
    assert wrapped("abcdefgh", 4, " ") == [" abc", " def", " gh"]


COLUMNS = (Column("NAME", 10), Column("STATE"), Column("COUNT", label="count ", right=True), Column("ID", label="id "))
LONG = "Anna Bella Cecilia"
ROWS = [
    Row([(LONG, "name"), ("online", "good"), ("7", ""), ("x" * 30, "dim")], [("It is well.", "")]),
    Row([("日本語", "name"), ("offline", "dim"), ("1234", ""), ("y", "dim")]),
]


def drawn(width: int) -> list[str]:
    return [text_of(line).rstrip() for line in columns.table(COLUMNS, ROWS, width, together=3)]


def test_all_columns_stand_side_by_side_where_there_is_room() -> None:
    assert drawn(80) == [
        "NAME                STATE    COUNT  ID",
        f"Anna Bella Cecilia  online       7  {'x' * 30}",
        "    It is well.",
        "日本語              offline   1234  y",
    ]


def test_what_does_not_fit_stands_below_and_what_was_cut_stands_there_whole() -> None:
    assert drawn(40) == [
        "NAME        STATE    COUNT",
        "Anna Bell…  online       7",
        f"    {LONG}",
        f"    id {'x' * 30}",
        "    It is well.",
        "日本語      offline   1234",
        "    id y",
    ]


def test_the_first_column_gives_way_before_the_third_one_does() -> None:
    assert drawn(24)[:3] == ["NAME      STATE    COUNT", "Anna Be…  online       7", f"    {LONG}"]
    assert drawn(20)[:2] == ["NAME        STATE", "Anna Bell…  online"]


def test_a_single_word_below_a_row_is_never_broken() -> None:
    (line,) = columns.below([("x" * 50, "dim")], 24)
    assert text_of(line) == f"    {'x' * 50}"


def test_what_stands_below_a_row_fills_its_lines() -> None:
    told = columns.below([("one two", ""), ("three", ""), ("four five six seven eight", ""), ("nine", "")], 20)
    assert [text_of(line) for line in told] == [
        "    one two  three",
        "    four five six",
        "    seven eight",
        "    nine",
    ]
