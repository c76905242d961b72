"""Which Chromium tests and benchmarks drive, and how it is started: in one place, so that both see the same browser."""

from __future__ import annotations

import pathlib
import shutil

CHROMIUM = pathlib.Path(shutil.which("chromium") or "/usr/bin/chromium")
#: Features that Playwright turns off, and the pages that Chromium loads for its address bar: in a window that nobody
#: sees, they take a fifth of what opening the dashboard takes.
WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin", "OptimizationHints", "NetworkTimeServiceQuerying",
    "AimEnabled", "PreconnectToSearch", "msForceBrowserSignIn", "msEdgeUpdateLaunchServicesPreferredVersion",
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
)  # fmt: skip
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
    # Chromium takes the last list only, so it has to repeat Playwright's (a test compares them).
    f"--disable-features={','.join(WITHOUT)}",
]
