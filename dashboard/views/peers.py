"""The page with the peers."""

from __future__ import annotations

from dashboard.components import peers


def page() -> None:
    """Draw the page."""
    peers.draw()
