"""The page with what happens: figures, health and the event log."""

from __future__ import annotations

from dashboard.components import activity


def page() -> None:
    """Draw the page."""
    activity.draw()
