"""The page with the conversations."""

from __future__ import annotations

from dashboard.components import chats


def page() -> None:
    """Draw the page."""
    chats.draw()
