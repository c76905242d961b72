"""The frame around every page: navigation with counts, and who we are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import streamlit as st

from dashboard.components import assets

_GLOBAL_STYLE = f"<style>{assets.stylesheet('frame/page.css')}</style>"

_frame = st.components.v2.component(
    "snicher_frame",
    html='<div class="frame"></div>',
    css=assets.stylesheet("shared/tokens.css", "frame/frame.css"),
    js=assets.loader("frame/main.js"),
)


class Entry(Protocol):
    """What the navigation shows of a page."""

    @property
    def name(self) -> str:
        """Its name in the address."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def icon(self) -> str:
        """The path of an SVG."""


def draw(current: str, pages: Iterable[Entry]) -> str | None:
    """Draw the frame around the page named `current`; returns the page that somebody just chose, if any."""
    st.html(_GLOBAL_STYLE)
    # A tuple, because Streamlit loads pandas to see whether a list is a table: 0.3 s and 80 MB for the first page.
    entries = tuple({"name": page.name, "title": page.title, "icon": page.icon} for page in pages)
    result = _frame(key="frame", data={"page": current, "pages": entries}, on_goto_change=lambda: None)
    chosen = result.goto
    return str(chosen) if chosen else None
