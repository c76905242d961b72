"""How a conversation looks in the chat: each message as rows of styled text, no wider than the screen.

A row begins with the time and who speaks; what somebody wrote comes last in it. So a sign that a terminal draws wider
or narrower than is thought, or from right to left, disturbs nothing else. Law of this file: it asks nobody.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from prompt_toolkit.utils import get_cwidth
from wcwidth import iter_graphemes

from node import program
from node.bus import nouns
from node.printable import flat, plain
from node.terminal.chat_sending import Pending
from node.terminal.lines import clock

#: A piece of a row: its style and its text.
Piece = tuple[str, str]
Row = list[Piece]
#: Columns of names: on a screen narrower than NARROW, and else.
NAME_COLUMNS = (8, 14)
NARROW = 60
#: Fewest columns of a text, however narrow the screen is.
LEAST_TEXT = 10
#: Columns of the time with the blank after it, and of the mark of one's own messages with the one after it.
_TIME, _MARK = 6, 2
#: Most rows of one message; the rest of a longer one isn't shown, and it is said where it can be read.
MAX_ROWS = 200
REST = program.typed("… the rest of this long text: python -m node history")
#: Blanks in the place of a tab.
_TAB = "    "

NEW = "new since you last read"
#: Rows of messages for which these states are no news are drawn quietly; the others are drawn so that they show.
_LOUD = ("failed", "unconfirmed")


class Block(NamedTuple):
    """The rows of one message, with what stands above it. `key`: its id; of a text on its way, a negative number."""

    key: int
    rows: list[Row]


def width_of(text: str) -> int:
    """The columns that a text takes at most."""
    return get_cwidth(text)


def cut(text: str, columns: int) -> str:
    """The text, or as much of it as fits, with an ellipsis."""
    if width_of(text) <= columns:
        return text
    kept, used = [], 0
    for sign in iter_graphemes(text):
        used += width_of(sign)
        if used > columns - 1:
            break
        kept.append(sign)
    return "".join(kept) + "…"[: max(0, columns)]


def padded(text: str, columns: int) -> str:
    """The text in exactly so many columns."""
    text = cut(text, columns)
    return text + " " * (columns - width_of(text))


def wrapped(pieces: Iterable[Piece], columns: int) -> Iterator[Row]:
    """Rows of at most `columns` columns; words stay whole where they fit into a row."""
    row: Row = []
    used = 0
    for style, text in pieces:
        for number, line in enumerate(text.split("\n")):
            if number:
                yield row
                row, used = [], 0
            for word in _words(line):
                taken = width_of(word)
                if used + taken <= columns:
                    row.append((style, word))
                    used += taken
                    continue
                if used and taken <= columns:
                    yield row
                    bare = word.lstrip(" ")
                    row, used = [(style, bare)], width_of(bare)
                    continue
                for sign in iter_graphemes(word):
                    taken = width_of(sign)
                    if used and used + taken > columns:
                        yield row
                        row, used = [], 0
                    row.append((style, sign))
                    used += taken
    yield row


def _words(line: str) -> Iterator[str]:
    """The words of a line, each with the blanks before it."""
    word = ""
    for sign in line:
        if sign == " " and word.strip(" "):
            yield word
            word = ""
        word += sign
    if word:
        yield word


def merged(row: Row) -> Row:
    """The same row in as few pieces as there are styles."""
    found: Row = []
    for style, text in row:
        if found and found[-1][0] == style:
            found[-1] = (style, found[-1][1] + text)
        else:
            found.append((style, text))
    return found


def state_of(message: nouns.Message, *, direct: bool) -> Piece | None:
    """What became of a message, in words; None: there is nothing to say."""
    said = ["plain"] if direct and message.entry is None else []
    if message.state:
        said.append(f"{message.state}: {flat(message.detail)}" if message.detail else message.state)
    if not said:
        return None
    return ("class:bad" if message.state in _LOUD else "class:quiet", f" · {', '.join(said)}")


class Rows:
    """Makes rows, and remembers those of messages that haven't changed."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[nouns.Message, list[Row]]] = {}
        self._how: tuple[int, int, bool] = (0, 0, False)
        #: What was asked for last, and what was made of it.
        self._last: tuple[Sequence[nouns.Message], object, list[Block]] = [], None, []

    def blocks(
        self, messages: Sequence[nouns.Message], pending: Sequence[Pending], me: str, first_new: int | None,
        *, columns: int, direct: bool,
    ) -> list[Block]:  # fmt: skip
        """All of a conversation, the oldest first. `me`: what one is called here.

        A list of messages that was given before must not have been changed since.
        """
        asked = ([one.key for one in pending], me, first_new, columns, direct)
        if self._last[0] is messages and self._last[1] == asked:
            return self._last[2]
        names = columns_of_names([*(flat(one.name) for one in messages), flat(me)], columns)
        if self._how != (columns, names, direct):
            self._made, self._how = {}, (columns, names, direct)
        made: dict[int, tuple[nouns.Message, list[Row]]] = {}
        found = []
        day = ""
        for one in messages:
            known = self._made.get(one.id)
            rows = known[1] if known is not None and known[0] is one else message_rows(one, columns, names, direct)
            made[one.id] = one, rows
            above: list[Row] = []
            if (today := clock(one.at)[:10]) != day:
                day = today
                above.append(rule(day, columns, "class:day"))
            if one.id == first_new:
                above.append(rule(NEW, columns, "class:new"))
            found.append(Block(one.id, [*above, *rows]))
        self._made = made
        for number, text in enumerate(pending):
            state = ("class:quiet", " · on its way to the node")
            rows = _spoken(clock(text.at)[11:16], "> ", me, _safe(text.text), state, columns, names, "class:own")
            found.append(Block(-1 - number, rows))
        self._last = messages, asked, found
        return found


def columns_of_names(names: Iterable[str], columns: int) -> int:
    """The columns for names: as many as the longest takes, within bounds."""
    most = NAME_COLUMNS[columns >= NARROW]
    return min(most, max((width_of(name) for name in names), default=0))


def rule(text: str, columns: int, style: str) -> Row:
    """A line across the screen with a few words in it."""
    text = cut(f" {text} ", columns)
    return [(style, "──" + text + "─" * max(0, columns - 2 - width_of(text)))] if columns > 4 else [(style, text)]


def message_rows(message: nouns.Message, columns: int, names: int, direct: bool) -> list[Row]:
    """One message."""
    at = clock(message.at)[11:16]
    if message.kind == "notice":
        said = f"* {flat(message.name)} {plain(message.text)}"
        return _beside([("class:time", f"{at} ")], [("class:quiet", said)], columns)
    own = message.direction == "out"
    if message.kind == "unknown":
        text, style = "(something that this version of Snicher can't show)", "class:quiet"
    else:
        text, style = _safe(message.text), ""
    state = state_of(message, direct=direct)
    who = "class:own" if own else "class:other"
    return _spoken(at, "> " if own else "  ", message.name, text, state, columns, names, who, style)


def _safe(text: str) -> str:
    """A text that can't steer the terminal; its tabs stay blanks."""
    return plain(text.replace("\t", _TAB))


def _spoken(
    at: str, mark: str, name: str, text: str, state: Piece | None, columns: int, names: int, who: str, style: str = ""
) -> list[Row]:
    head = [("class:time", f"{at} "), (who, mark), (who, padded(flat(name), names)), ("", "  ")]
    return _beside(head, [(style, text)], columns, [] if state is None else [state])


def _beside(head: Row, body: Row, columns: int, state: Row | None = None) -> list[Row]:
    """The body beside the head; on a screen too narrow for both, below it. `state` stands behind it."""
    state = state or []
    used = sum(width_of(text) for _, text in head)
    beside = columns - used >= LEAST_TEXT
    room = columns - used if beside else max(1, columns)
    rows = list(itertools.islice(wrapped([*body, *state], room), MAX_ROWS + 1))
    if len(rows) > MAX_ROWS:
        rows = [*rows[:MAX_ROWS], *wrapped([("class:quiet", REST), *state], room)]
    if not beside:
        return [merged(row) for row in [*wrapped(head, room), *rows]]
    return [merged([*(head if not number else [("", " " * used)]), *row]) for number, row in enumerate(rows)]


def odd(row: Row) -> bool:
    """Whether a terminal may draw this row wider or narrower than is thought: signs made of several that have width."""
    text = "".join(text for _, text in row)
    if text.isascii():
        return False
    return any(
        len(sign) > 1 and any(c in "\u200d\ufe0f" or width_of(c) for c in sign[1:]) for sign in iter_graphemes(text)
    )
