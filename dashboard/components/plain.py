"""Words that may not be ours, on native pages: names, addresses, paths, and sentences that quote what was typed.

Law of this file: all text is escaped. Streamlit reads most of what it is given as markdown, in which a picture would be
fetched from wherever somebody's name says; so nothing but our own fixed words and numbers goes there, and everything
else comes through here (or through st.code and st.text). The looks are in frame/page.css.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import streamlit as st


class Word(NamedTuple):
    """Some words with a look of their own: "strong", "quiet", "code", "mark" (how something is, by its tone)."""

    text: str
    look: str = ""
    #: "plain", "good", "wait" or "bad".
    tone: str = ""
    #: What is told to who points at it.
    tip: str = ""


def markup(*words: Word | str, look: str = "", tone: str = "") -> str:
    """A line of words as HTML."""
    spans = (_span(word) if isinstance(word, Word) else html.escape(word) for word in words)
    return f'<p class="words {_safe(look)}" data-tone="{_safe(tone)}">{" ".join(spans)}</p>'


def line(*words: Word | str, look: str = "", tone: str = "", width: Literal["stretch", "content"] = "stretch") -> None:
    """Draw a line of words."""
    st.html(markup(*words, look=look, tone=tone), width=width)


def pairs(rows: Iterable[tuple[Sequence[Word], Sequence[Word]]], look: str = "") -> None:
    """Draw a list of things with what is told of them, each on a line or two of its own."""
    entries = (
        f"<div><dt>{''.join(map(_span, of))}</dt><dd>{''.join(map(_span, told))}</dd></div>" for of, told in rows
    )
    st.html(f'<dl class="pairs {_safe(look)}">{"".join(entries)}</dl>')


def table(heads: Sequence[str], rows: Iterable[Sequence[Word]], look: str = "") -> None:
    """Draw a table; on a narrow page each row becomes a block of lines. The looks are in frame/page.css."""
    titles = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{_span(word)}</td>' for word in row)}</tr>" for row in rows)
    st.html(f'<table class="plain {_safe(look)}"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>')


def _span(word: Word) -> str:
    if not word.text:
        return ""
    tip = f' title="{html.escape(word.tip)}"' if word.tip else ""
    return f'<bdi class="{_safe(word.look)}" data-tone="{_safe(word.tone)}"{tip}>{html.escape(word.text)}</bdi>'


def _safe(name: str) -> str:
    return html.escape(name)
