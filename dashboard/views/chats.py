"""The page with the conversations."""

from __future__ import annotations

from dashboard import registry
from dashboard.components import chats

_ICON = "M4 5.5A1.5 1.5 0 0 1 5.5 4h13A1.5 1.5 0 0 1 20 5.5v9a1.5 1.5 0 0 1-1.5 1.5H10l-4.5 4v-4A1.5 1.5 0 0 1 4 14.5z"


def page() -> None:
    """Draw the page."""
    chats.draw()


PAGE = registry.Page(name="chats", title="Chats", place=10, icon=_ICON, draw=page)
