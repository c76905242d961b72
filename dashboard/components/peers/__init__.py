"""The Peers page's component: connect form and live table, from the same WebSocket as the rest of the page."""

from __future__ import annotations

import streamlit as st

from dashboard.components import assets

_peers = st.components.v2.component(
    "snicher_peers",
    html='<div class="peers"></div>',
    css=assets.stylesheet("shared/tokens.css", "shared/parts.css", "peers/peers.css"),
    js=assets.loader("peers/main.js"),
)


def draw() -> None:
    """Draw it. Nothing comes back to Python: it talks with live.py."""
    _peers(key="peers")
