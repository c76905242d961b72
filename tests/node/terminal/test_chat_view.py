"""Where the person is in a conversation: what they look at stays where it is."""

from __future__ import annotations

from node.terminal.chat_rows import Block, Row
from node.terminal.chat_view import View


def blocks(*keys: int, rows: int = 2) -> list[Block]:
    return [Block(key, [[("", f"{key}.{number}")] for number in range(rows)]) for key in keys]


def shown(rows: list[Row]) -> list[str]:
    return [row[0][1] for row in rows]


def test_the_end_is_shown_and_follows() -> None:
    view = View()
    assert shown(view.show(blocks(1, 2, 3), 3)) == ["2.1", "3.0", "3.1"]
    assert shown(view.show(blocks(1, 2, 3, 4), 3)) == ["3.1", "4.0", "4.1"] and view.at_end


def test_what_is_looked_at_stays_whatever_comes_above_and_below() -> None:
    view = View()
    view.show(blocks(3, 4, 5), 3)
    view.page(-1)
    assert shown(view.show(blocks(3, 4, 5), 3)) == ["3.1", "4.0", "4.1"] and not view.at_end
    assert shown(view.show(blocks(1, 2, 3, 4, 5, 6, 7), 3)) == ["3.1", "4.0", "4.1"]
    assert shown(view.show(blocks(3, 4, 5, rows=1), 3)) == ["3.0", "4.0", "5.0"], "another width"


def test_scrolled_down_to_the_last_row_it_is_the_end_again() -> None:
    view = View()
    view.show(blocks(1, 2, 3), 2)
    view.scroll(-2)
    assert not view.at_end
    view.show(blocks(1, 2, 3), 2)
    view.scroll(2)
    assert view.at_end


def test_the_last_row_is_no_end_while_the_conversation_goes_on_below() -> None:
    view = View()
    view.show(blocks(1, 2, 3), 2)
    view.scroll(-2)
    view.goes_on = True
    view.scroll(50)
    assert not view.at_end and view.near_bottom
    assert shown(view.show(blocks(1, 2, 3), 2)) == ["3.0", "3.1"]
    view.end()
    assert view.at_end


def test_a_short_conversation_has_nothing_to_scroll() -> None:
    view = View()
    for count in ((), (1,)):
        view.show(blocks(*count), 9)
        view.page(-1)
        assert view.at_end and view.at_top


def test_the_top_is_known_a_screen_before_it_is_reached() -> None:
    view = View()
    view.show(blocks(*range(10)), 4)
    assert not view.at_top
    view.scroll(-13)
    assert view.at_top
    view.scroll(-50)
    assert shown(view.show(blocks(*range(10)), 2)) == ["0.0", "0.1"]


def test_when_what_was_looked_at_is_gone_it_is_the_end() -> None:
    view = View()
    view.show(blocks(1, 2, 3), 2)
    view.scroll(-3)
    assert shown(view.show(blocks(2, 3), 2)) == ["3.0", "3.1"] and view.at_end
