"""The Activity page's component: figures, health, who listens, and the event log, live from the same WebSocket."""

from __future__ import annotations

import streamlit as st

from dashboard.components import assets

_activity = st.components.v2.component(
    "snicher_activity",
    html='<div class="paper activity"></div>',
    css=assets.stylesheet(
        "shared/tokens.css",
        "shared/parts.css",
        "shared/sheet.css",
        "activity/activity.css",
        "activity/log.css",
    ),
    js=assets.loader("activity/main.js"),
)


def draw() -> None:
    """Draw it. Nothing comes back to Python: it talks with live.py."""
    _activity(key="activity")
