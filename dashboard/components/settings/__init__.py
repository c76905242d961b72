"""The Settings page's component: what people may change, where each value comes from, and who may come in."""

from __future__ import annotations

import streamlit as st

from dashboard.components import assets

_settings = st.components.v2.component(
    "snicher_settings",
    html='<div class="paper settings"></div>',
    css=assets.stylesheet(
        "shared/tokens.css",
        "shared/parts.css",
        "shared/sheet.css",
        "settings/settings.css",
    ),
    js=assets.loader("settings/main.js"),
)


def draw() -> None:
    """Draw it. Nothing comes back to Python: it talks with live.py."""
    _settings(key="settings")
