"""The Peers page's component: connect form and live table, from the same WebSocket as the rest of the page."""

from __future__ import annotations

from dashboard.components import page

draw = page.component("peers", "peers/peers.css", "shared/wide.css", look="peers")
