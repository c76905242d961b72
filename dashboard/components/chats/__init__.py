"""The Chats page's component: conversation list, conversation and composer, live from its own WebSocket."""

from __future__ import annotations

import streamlit as st

from dashboard.components import assets

_chats = st.components.v2.component(
    "snicher_chats",
    html='<div class="chats"></div>',
    css=assets.stylesheet(
        "shared/tokens.css",
        "shared/parts.css",
        "chats/list.css",
        "chats/conversation.css",
        "chats/composer.css",
        "chats/menu.css",
    ),
    js=assets.loader("chats/main.js"),
)


def draw() -> None:
    """Draw it. Nothing comes back to Python: it talks with live.py."""
    _chats(key="chats")
