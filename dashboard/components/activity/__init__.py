"""The event log of the Activity page, live from the same WebSocket as all components."""

from __future__ import annotations

from dashboard.components import page

draw = page.component("activity", "shared/sheet.css", "activity/log.css", look="activity")
