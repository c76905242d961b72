"""How smoothly a tab scrolls up through a very long conversation: the time from frame to frame, and tasks that hold the
page up, with nothing coming in and while messages stream in. The reference is the same tab at rest.

Scrolled by steps in every frame, faster than anybody reads; the tab loads page after page and lets go of others.
"""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tests.bench.pixels import DashboardProcess
from tests.bench.processes import PATIENCE_S, NodeProcess, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes
from tests.support import long_conversation as long
from tests.support.chromium import ARGUMENTS, CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Pixels in each frame: at 60 frames a second some eight screens a second.
STEP_PX = 80
#: Texts a second that the other side says meanwhile, each over a connection of its own.
PER_S = 50

#: Runs for so long and tells the frames, the long tasks (50 ms and more, as browsers define them), and how far it came.
SCROLL = """async (log, [seconds, step]) => {
  const frames = [];
  const tasks = [];
  const watching = new PerformanceObserver((list) => list.getEntries().forEach((one) => tasks.push(one.duration)));
  watching.observe({ entryTypes: ['longtask'] });
  const begin = performance.now();
  let last = begin;
  let rows = 0;
  while (last - begin < 1000 * seconds) {
    const now = await new Promise(requestAnimationFrame);
    if (now > last) frames.push(now - last);
    last = Math.max(last, now);
    if (step) log.scrollTop -= step;
    rows = Math.max(rows, log.querySelectorAll('.row').length);
  }
  watching.disconnect();
  return { frames, tasks, rows };
}"""


def measure(sizes: Sizes) -> list[Row]:
    """At rest, scrolling, and scrolling while messages stream in; nothing when there is no Chromium."""
    if not CHROMIUM.exists():
        print("scrolling: not measured, Chromium isn't installed", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    with temporary_home() as home, ExitStack() as stack:
        long.write(home, sizes.conversation)
        node = stack.enter_context(NodeProcess(home))
        dashboard = stack.enter_context(DashboardProcess(home))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        stack.callback(browser.close)
        tab = browser.new_page(viewport={"width": 1280, "height": 760})
        tab.set_default_timeout(1000 * PATIENCE_S)
        # Nearly the newest: there is enough above to scroll through, and the end isn't followed.
        tab.goto(f"{dashboard.link()}&room={long.ROOM}&message={sizes.conversation - 10}")
        tab.locator(".log .row").first.wait_for()
        rest = _scroll(tab, sizes.scroll_s, 0)
        quiet = _scroll(tab, sizes.scroll_s, STEP_PX)
        with _Incoming(node.host, node.port):
            busy = _scroll(tab, sizes.scroll_s, STEP_PX)
    rows = [
        Row(
            what=f"scrolling {sizes.conversation:,}, {what}: frame p{percent}",
            unit="ms",
            values=[percentile(found["frames"], percent)],
            target=target,
            beside="at rest",
            references=[percentile(rest["frames"], percent)],
        )
        for what, found in (("quiet", quiet), (f"{PER_S}/s coming in", busy))
        for percent, target in ((50, None), (95, Target("<", 34)))
    ]
    for what, found in (("quiet", quiet), (f"{PER_S}/s coming in", busy)):
        longest = max(found["tasks"], default=0.0)
        rows.append(Row(what=f"scrolling, {what}: longest task from 50 ms on", unit="ms", values=[longest]))
    most = max(quiet["rows"], busy["rows"])
    return [*rows, Row(what="scrolling: messages in the page at most", unit="", values=[most], target=Target("<", 401))]


def _scroll(tab: Page, seconds: float, step: int) -> dict[str, Any]:
    found: dict[str, Any] = tab.locator(".log").evaluate(SCROLL, [seconds, step])
    return found


class _Incoming:
    """Texts of the other side at a steady pace. A context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._node = (host, port)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._say_on, daemon=True)

    def __enter__(self) -> _Incoming:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _say_on(self) -> None:
        while not self._end.wait(1 / PER_S):
            long.say(self._node, "and something more")
