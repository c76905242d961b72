"""The page that finds what was said."""

from __future__ import annotations

from dashboard import registry
from dashboard.components import search

_ICON = "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zm5-2 4.5 4.5"


def page() -> None:
    """Draw the page."""
    search.draw()


PAGE = registry.Page(name="search", title="Search", place=30, icon=_ICON, draw=page)
