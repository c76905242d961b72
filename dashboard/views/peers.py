"""The page with the peers."""

from __future__ import annotations

from dashboard import registry
from dashboard.components import peers

_ICON = (
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm-6 9c0-3.6 2.7-6 6-6s6 2.4 6 6M16 4.5a3.3 3.3 0 0 1 0 6.3"
    "M17.5 14.4c2.1.8 3.5 2.8 3.5 5.6"
)


def page() -> None:
    """Draw the page."""
    peers.draw()


PAGE = registry.Page(name="peers", title="Peers", place=20, icon=_ICON, draw=page)
