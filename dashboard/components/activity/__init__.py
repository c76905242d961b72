"""The Activity page's component: figures, health, who listens, and the event log, live from the same WebSocket."""

from __future__ import annotations

from dashboard.components import page

draw = page.component(
    "activity", "shared/sheet.css", "activity/activity.css", "activity/log.css", look="paper activity"
)
