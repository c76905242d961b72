"""Which Chromium tests and benchmarks drive, and how it is started: in one place, so that both see the same browser."""

from __future__ import annotations

import pathlib
import shutil

CHROMIUM = pathlib.Path(shutil.which("chromium") or "/usr/bin/chromium")
#: Without these, Chromium itself looks for updates and the like; and tabs that nobody looks at would draw nothing.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]
