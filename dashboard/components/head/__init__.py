"""The head of every native part of a page: it proves the pass, refreshes the part, and says what is wrong.

A native part is a function that draws Streamlit's own elements. `part` makes a fragment of it, with the head inside:
a component that is invisible but for the strip. It hands the browser's pass to the script (hatch.py says why), listens
to the live store, and has the fragment run again when something changed: at most once a second, and never while the
tab is hidden. Before the pass is proved, nothing is drawn.

The head also tells which of the part's text fields Enter or Escape was pressed in: outside of a form Streamlit keeps
that to itself, and within a form it doesn't tell what is typed before it is submitted.
"""

from __future__ import annotations

import contextlib
import datetime
import zoneinfo
from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import hatch
from dashboard.components import assets

_head = st.components.v2.component(
    "snicher_head",
    html='<div class="head"></div>',
    css=assets.stylesheet("shared/tokens.css", "shared/parts.css", "head/head.css"),
    js=assets.loader("head/main.js"),
)


class Act(NamedTuple):
    """A key that was pressed in a text field: "enter" or "escape", and the text that stood there."""

    field: str
    key: str
    text: str


class Head:
    """What the browser told since the part was drawn last."""

    def __init__(self, news: Sequence[str] | None, act: Act | None) -> None:
        #: Whether something may have changed; else only the reader did something within the part.
        self.fresh = news is not None
        #: Keys of text fields in which something may be typed that isn't known here: leave those alone.
        self.typing = frozenset(news or ())
        self._act = act
        self.said = ""
        #: Whether the part is to be drawn once more soon, though nothing happens.
        self.again = False

    @property
    def zone(self) -> datetime.tzinfo | None:
        """The reader's time zone; None: that of this machine."""
        try:
            return zoneinfo.ZoneInfo(st.context.timezone or "")
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            return None

    def act(self, field: str) -> Act | None:
        """What was pressed in the text field with this key, if anything."""
        return self._act if self._act and self._act.field == field else None

    def say(self, text: str) -> None:
        """Have a screen reader say this; it need not look for what has changed."""
        self.said = text


def part(
    name: str, *, hears: Sequence[str] = (), every: float = 0, fields: Sequence[str] = ()
) -> Callable[[Callable[[Head], None]], Callable[[], None]]:
    """Makes a native part of the function that draws it; `name` is a key of its own.

    `hears`: kinds of news (store.js) after which it is drawn again; that the node goes and comes back is one in any
    case. `every`: it is also drawn again after so many seconds; 0: it isn't. `fields`: keys of its text fields.
    """
    key, fresh, pressed = f"head-{name}", f"head-{name} fresh", f"head-{name} act"

    def make(draw: Callable[[Head], None]) -> Callable[[], None]:
        def note_pass() -> None:
            hatch.show_pass(str(st.session_state[key].word))
            st.session_state[fresh] = ()

        def note_news() -> None:
            told = st.session_state[key].news
            typing = told.get("typing") if isinstance(told, dict) else None
            st.session_state[fresh] = tuple(map(str, typing)) if isinstance(typing, list) else ()

        def note_act() -> None:
            told = st.session_state[key].act
            if isinstance(told, dict):
                st.session_state[pressed] = Act(*(str(told.get(one, "")) for one in Act._fields))

        def show(slot: DeltaGenerator, said: str, again: bool = False) -> str:
            """Draw the head itself; returns the pass that the browser told, if it has."""
            # Another number each time: the browser isn't told of data that are as before.
            turn = st.session_state[f"{key} turn"] = int(st.session_state.get(f"{key} turn", 0)) + 1 if again else 0
            # Tuples, because Streamlit loads pandas to see whether a list is a table.
            data = {"hears": tuple(hears), "every": every, "fields": tuple(fields), "said": said, "again": turn}
            with slot:
                told = _head(
                    key=key, data=data, on_word_change=note_pass, on_news_change=note_news, on_act_change=note_act
                )
            return str(told.word or "")

        @st.fragment
        def run() -> None:
            slot = st.container(key=f"{key}-slot")
            head = Head(st.session_state.pop(fresh, None), st.session_state.pop(pressed, None))
            known = hatch.admitted()
            if not known:
                # The first run after a new start of the server: what the browser told before isn't news to it.
                hatch.show_pass(show(slot, ""))
                if not hatch.admitted():
                    return
            with contextlib.suppress(hatch.ShutOut):
                draw(head)
            if known:
                show(slot, head.said, head.again)

        def whole() -> None:
            st.session_state[fresh] = ()
            run()

        return whole

    return make
