"""The Chats page's component: conversation list, conversation and composer, live from its own WebSocket."""

from __future__ import annotations

from dashboard.components import page

draw = page.component(
    "chats", "chats/list.css", "chats/requests.css", "chats/conversation.css", "chats/composer.css", "chats/menu.css",
    "chats/alone.css", "chats/naming.css", "shared/wide.css", look="chats",
)  # fmt: skip
