"""The page with the settings: name, connections, mandatory peers, how much is kept, and who may come in."""

from __future__ import annotations

from dashboard.components import settings


def page() -> None:
    """Draw the page."""
    settings.draw()
