"""The frame around every page: navigation with counts, who we are, and the strip that says what is wrong."""

from __future__ import annotations

import streamlit as st

from dashboard.components import assets

_GLOBAL_STYLE = f"<style>{assets.stylesheet('frame/page.css')}</style>"

_frame = st.components.v2.component(
    "snicher_frame",
    html='<div class="frame"></div>',
    css=assets.stylesheet("shared/tokens.css", "frame/frame.css"),
    js=assets.loader("frame/main.js"),
)


def draw(current: str) -> str | None:
    """Draw the frame around the page named `current`; returns the page that somebody just chose, if any."""
    st.html(_GLOBAL_STYLE)
    result = _frame(key="frame", data={"page": current}, on_goto_change=lambda: None)
    chosen = result.goto
    return str(chosen) if chosen else None
