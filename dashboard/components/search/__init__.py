"""The Search page's component: one field over all that was ever said, live from the same WebSocket as all pages."""

from __future__ import annotations

import streamlit as st

from dashboard.components import assets

_search = st.components.v2.component(
    "snicher_search",
    html='<div class="searchpage"></div>',
    css=assets.stylesheet("shared/tokens.css", "shared/parts.css", "search/search.css"),
    js=assets.loader("search/main.js"),
)


def draw() -> None:
    """Draw it. Nothing comes back to Python: it talks with live.py."""
    _search(key="search")
