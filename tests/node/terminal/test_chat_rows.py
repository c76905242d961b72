"""How messages look in the chat: within the width, one's own and the other's apart, and nothing steers the terminal."""

from __future__ import annotations

import pytest

from node.terminal.chat_rows import (
    MAX_ROWS,
    NEW,
    REST,
    Block,
    Row,
    Rows,
    cut,
    message_rows,
    odd,
    padded,
    width_of,
    wrapped,
)
from node.terminal.chat_sending import Pending
from tests.node.terminal.test_chat_log import message, own

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
TEXTS = [
    "short", "word " * 60, "w" * 300, "漢字" * 90, "شب می\u200cشود " * 20, f"{FAMILY} " * 30, "tab\tand\n\nlines\n",
    "e\u0301" * 200, "\U0001f1e9\U0001f1ea" * 50,
]  # fmt: skip


def text_of(row: Row) -> str:
    return "".join(text for _, text in row)


@pytest.mark.parametrize("columns", [3, 5, 12, 20, 40, 80, 200])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_no_row_is_wider_than_the_screen_and_nothing_of_the_text_is_lost(columns: int, text: str) -> None:
    rows = message_rows(
        own(1, "failed", text=text, detail="It refused.", name="a long name 漢字漢字"), columns, 8, True
    )
    least = max(width_of(sign) for sign in (FAMILY, "漢", "\U0001f1e9\U0001f1ea"))
    assert all(width_of(text_of(row)) <= max(columns, least) for row in rows)
    kept = "".join("".join(map(text_of, rows)).split())
    assert "".join(text.split()) in kept
    assert kept.endswith("·failed:Itrefused.")


def test_signs_made_of_several_are_not_torn() -> None:
    rows = list(wrapped([("", f"{FAMILY}{FAMILY}")], 7))
    assert [text_of(row) for row in rows] == [FAMILY, FAMILY]


def test_words_stay_whole_where_they_fit() -> None:
    assert [text_of(row) for row in wrapped([("", "one two three")], 8)] == ["one two", "three"]
    assert [text_of(row) for row in wrapped([("", "  indented\n  code")], 20)] == ["  indented", "  code"]


def test_own_and_other_differ_by_text_and_by_style() -> None:
    theirs, mine = message_rows(message(1), 80, 6, True)[0], message_rows(own(2, "sent", name="anna"), 80, 6, True)[0]
    assert text_of(theirs)[6:] == "  bela    text 1 · plain" and text_of(mine)[6:] == "> anna    text 2 · sent"
    assert {style for style, _ in theirs} & {"class:other"} and {style for style, _ in mine} & {"class:own"}


def test_a_failure_is_drawn_so_that_it_shows() -> None:
    row = message_rows(own(2, "failed", detail="It refused."), 80, 6, True)[0]
    assert row[-1] == ("class:bad", " · failed: It refused.")


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\u202eabc", "a\rb", "\x9b31m", "\u2066x"])
def test_nothing_steers_the_terminal(hostile: str) -> None:
    for kind in ("text", "notice"):
        rows = message_rows(message(1, text=hostile, name=f"be{hostile}la", kind=kind), 60, 14, False)
        assert not set("\x1b\u202e\r\x9b\u2066") & set("".join(map(text_of, rows)))


def test_joiners_stay() -> None:
    rows = message_rows(message(1, text="می\u200cشود", name=FAMILY), 80, 14, False)
    assert "می\u200cشود" in text_of(rows[0]) and FAMILY in text_of(rows[0])


def test_days_and_what_is_new_stand_above_their_message() -> None:
    day = 24 * 3600 * 1000
    blocks = Rows().blocks(
        [message(1, at=day), message(2, at=day + 1), message(3, at=5 * day)],
        [Pending("soon", "k", 5 * day)], "anna", 3, columns=60, direct=False,
    )  # fmt: skip
    assert [block.key for block in blocks] == [1, 2, 3, -1]
    assert [len(block.rows) for block in blocks] == [2, 1, 3, 1]
    assert NEW in text_of(blocks[2].rows[1]) and text_of(blocks[0].rows[0]).startswith("── 1970-01-0")
    assert text_of(blocks[3].rows[0]).endswith("> anna  soon · on its way to the node")


def test_a_message_that_stays_as_it_is_is_laid_out_once_for_each_width() -> None:
    rows, one = Rows(), message(1)

    def lay(columns: int) -> list[Row]:
        return rows.blocks([one], [], "anna", None, columns=columns, direct=True)[0].rows

    first = lay(80)
    assert lay(80)[1] is first[1]
    assert lay(40)[1] is not first[1]


@pytest.mark.parametrize(("text", "expected"), [("abcdef", "abc…"), ("漢字漢", "漢…"), ("abc", "abc"), ("", "")])
def test_what_is_cut_says_so_and_fits(text: str, expected: str) -> None:
    assert cut(text, 4) == expected and width_of(padded(text, 4)) == 4


@pytest.mark.parametrize(
    ("text", "is_odd"), [("abc", False), ("漢字 é", False), ("e\u0301", False), (FAMILY, True), ("❤\ufe0f", True)]
)
def test_signs_that_terminals_draw_differently_are_known(text: str, is_odd: bool) -> None:
    assert odd([("", text)]) is is_odd


def test_a_very_long_message_is_cut_and_says_so_and_what_became_of_it() -> None:
    rows = [text_of(row) for row in message_rows(own(1, "read", text="a\n" * 60_000), 80, 8, True)]
    assert len(rows) == MAX_ROWS + 1 and rows[-1].strip() == f"{REST} · read"


def test_what_is_asked_for_again_is_what_was_made_and_a_change_is_seen() -> None:
    rows, messages = Rows(), [message(1)]

    def lay(first_new: int | None, *pending: Pending) -> list[Block]:
        return rows.blocks(messages, pending, "anna", first_new, columns=80, direct=True)

    first = lay(None)
    assert lay(None) is first
    assert len(lay(1)[0].rows) == len(first[0].rows) + 1 and len(lay(1, Pending("x", "k", 0))) == 2
    messages = [message(1, text="other")]
    assert "other" in text_of(lay(None)[0].rows[-1])
