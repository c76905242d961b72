"""The choice of light or dark, for this browser. Streamlit offers it only in its own menu, which is hidden here."""

from __future__ import annotations

import streamlit as st

from dashboard.components import assets

_theme = st.components.v2.component(
    "snicher_theme",
    html='<div class="theme"></div>',
    css=assets.stylesheet("shared/tokens.css", "theme/theme.css"),
    js=assets.loader("theme/main.js"),
)


def draw() -> None:
    """Draw the choice. Nothing comes back to Python: it is kept in the browser."""
    _theme(key="theme")
