"""The Search page's component: one field over all that was ever said, live from the same WebSocket as all pages."""

from __future__ import annotations

from dashboard.components import page

draw = page.component("search", "search/search.css", look="searchpage")
