"""The Settings page's component: what people may change, where each value comes from, and who may come in."""

from __future__ import annotations

from dashboard.components import page

draw = page.component("settings", "shared/sheet.css", "settings/settings.css", look="paper settings")
