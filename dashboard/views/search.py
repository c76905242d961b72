"""The page that finds what was said."""

from __future__ import annotations

from dashboard.components import search


def page() -> None:
    """Draw the page."""
    search.draw()
