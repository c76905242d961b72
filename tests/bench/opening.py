"""How long it takes until a conversation is before the reader, from the start of the navigation: of a home with many
messages, beside the smallest page that Streamlit makes. With an empty cache, as on the first visit, and once more.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

from tests.bench import snapshots
from tests.bench.pixels import WATCH, DashboardProcess, until
from tests.bench.processes import PATIENCE_S, Failed, NodeProcess, end, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sizes import Sizes
from tests.support.chromium import ARGUMENTS, CHROMIUM
from tests.support.processes import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: The smallest page: a script of two lines.
SCRIPT = "import streamlit as st\nst.text('t=1;')\n"
#: How much longer it may take than the smallest page.
TARGET = Target("<", 1.5)
#: From the start of the navigation until the mark was in the page, in milliseconds.
TOOK = "() => window.benchSeen[1] && window.benchSeen[1] - performance.timeOrigin"


def measure(sizes: Sizes) -> list[Row]:
    """First and further visits; nothing when there is no Chromium."""
    if not CHROMIUM.exists():
        print("opening: not measured, Chromium isn't installed", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    with temporary_home() as home, temporary_home() as elsewhere, ExitStack() as stack:
        each = sizes.conversation // sizes.conversations
        # Before the newest text, which the list shows as well.
        snapshots.fill(home, sizes.conversations, each, mark=("t=1;", each - 1))
        stack.enter_context(NodeProcess(home))
        dashboard = stack.enter_context(DashboardProcess(home))
        bare = stack.enter_context(BarePage(elsewhere))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        stack.callback(browser.close)
        room = f"?room=plain-{sizes.conversations // 2}"
        link = dashboard.link()
        ours = Visitor(browser, link, ".list .room", link.partition("?")[0] + room)
        theirs = Visitor(browser, bare.link, "[data-testid=stText]", bare.link)
        rows = []
        for what, cached in (("empty cache", False), ("again", True)):
            pairs = [(ours.open(cached=cached), theirs.open(cached=cached)) for _ in range(sizes.openings)]
            rows.append(
                Row(
                    what=f"opening {sizes.conversations} conversations, {sizes.conversation:,} messages, {what}",
                    unit="ms",
                    values=[value for value, _ in pairs],
                    beside="bare Streamlit page",
                    references=[reference for _, reference in pairs],
                    ratio_target=TARGET,
                )
            )
    return rows


class BarePage:
    """Streamlit with the smallest page, in a process of its own. A context manager."""

    def __init__(self, folder: pathlib.Path) -> None:
        script = folder / "bare.py"
        script.write_text(SCRIPT, "utf-8")
        port = free_port()
        self.link = f"http://127.0.0.1:{port}/"
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
        for name, value in (
            ("server.address", "127.0.0.1"),
            ("server.headless", "true"),
            ("server.fileWatcherType", "none"),
            ("browser.gatherUsageStats", "false"),
        ):
            command += [f"--{name}", value]
        self._process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> BarePage:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.link}_stcore/health", timeout=5):
                    return self
            except OSError:
                time.sleep(0.05)
        end(self._process)
        raise Failed("The bare page didn't get ready.")

    def __exit__(self, *_: object) -> None:
        end(self._process)


class Visitor:
    """A browser that was let in by `link`, which is done when `ready` is there; it opens `address` again and again."""

    def __init__(self, browser: Browser, link: str, ready: str, address: str) -> None:
        self._address = address
        self._context = browser.new_context(viewport={"width": 1280, "height": 760})
        self._context.set_default_timeout(1000 * PATIENCE_S)
        self._context.add_init_script(WATCH)
        # Also for the server, whose first page takes longer.
        page = self._context.new_page()
        page.goto(link)
        page.locator(ready).first.wait_for()
        page.close()

    def page(self) -> Page:
        """A page that has shown the conversation."""
        page = self._context.new_page()
        page.goto(self._address)
        _took(page)
        return page

    def close(self) -> None:
        """Close all its pages."""
        self._context.close()

    def open(self, *, cached: bool) -> float:
        """How long it took this time, in milliseconds."""
        page = self._context.new_page()
        if not cached:
            devtools = self._context.new_cdp_session(page)
            devtools.send("Network.clearBrowserCache")
            devtools.detach()
        page.goto(self._address)
        found = _took(page)
        page.close()
        return found


def _took(page: Page) -> float:
    # Asking costs the page time: not too often. A function that Playwright polls in the page is against our policy.
    return until(lambda: cast("float", page.evaluate(TOOK) or 0.0), "the conversation")
