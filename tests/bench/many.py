"""A home with very many conversations beside one with few: how large the page is, how long it takes to open, and what a
message costs the page that shows the list. The page with few is the reference: with many it should be much the same.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec

from tests.bench import snapshots, traffic
from tests.bench.opening import Visitor
from tests.bench.pixels import DashboardProcess, until
from tests.bench.processes import PATIENCE_S, NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes
from tests.support.chromium import ARGUMENTS, CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: So many conversations have few homes.
FEW = 100
PER_S = 10
#: All elements, also those in components.
COUNT = """() => {
  const count = (root) => [...root.querySelectorAll('*')].reduce((sum, one) =>
    sum + 1 + (one.shadowRoot ? count(one.shadowRoot) : 0), 0);
  return count(document);
}"""
#: Runs for so long, and tells the tasks that held the page up.
WATCH_TASKS = """async (seconds) => {
  const tasks = [];
  const watching = new PerformanceObserver((list) => list.getEntries().forEach((one) => tasks.push(one.duration)));
  watching.observe({ entryTypes: ['longtask'] });
  await new Promise((go) => setTimeout(go, 1000 * seconds));
  watching.disconnect();
  return tasks;
}"""


class Found(msgspec.Struct):
    """What was measured with one home."""

    opening: list[float]
    elements: int
    longest: float


def measure(sizes: Sizes) -> list[Row]:
    """Few and many; nothing when there is no Chromium."""
    if not CHROMIUM.exists():
        print("many conversations: not measured, Chromium isn't installed", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        few, many = _with(sizes, browser, min(FEW, sizes.peers)), _with(sizes, browser, sizes.peers)
        browser.close()
    what, beside = f"{sizes.peers:,} conversations", f"{FEW}"
    alike = Target("<", 1.5)

    def row(name: str, unit: str, value: float, reference: float, **targets: Target) -> Row:
        return Row(what=f"{what}: {name}", unit=unit, values=[value], beside=beside, references=[reference], **targets)

    opening = [percentile(found.opening, 50) for found in (many, few)]
    return [
        row("open until a conversation shows: p50", "ms", *opening, ratio_target=alike),
        row("elements in the page", "", many.elements, few.elements, ratio_target=alike),
        row(f"longest task from 50 ms on, {PER_S} messages/s", "ms", many.longest, few.longest, target=Target("<", 80)),
    ]


def _with(sizes: Sizes, browser: Browser, count: int) -> Found:
    with temporary_home() as home, ExitStack() as stack:
        snapshots.fill(home, count, 2, mark=("t=1;", 1))
        node = stack.enter_context(NodeProcess(home))
        dashboard = stack.enter_context(DashboardProcess(home))
        link = dashboard.link()
        visitor = Visitor(browser, link, ".list .room", f"{link.partition('?')[0]}?room=plain-{count // 2}")
        opening = [visitor.open(cached=True) for _ in range(sizes.openings)]
        page = visitor.page()
        until(lambda: _whole(page, count), "all conversations")
        elements = page.evaluate(COUNT)
        sender = stack.enter_context(Worker(traffic.say_paced, node.host, node.port, PER_S, sizes.pixels))
        sender.hear()
        sender.say("go")
        tasks: list[float] = page.evaluate(WATCH_TASKS, sizes.pixels / PER_S)
        visitor.close()
    return Found(opening, elements, max(tasks, default=0.0))


def _whole(page: Page, count: int) -> bool:
    """Whether the list knows of all of them, and nothing more happens for a moment."""
    told: Any = page.locator(".list .rooms > *").first.get_attribute("aria-setsize", timeout=1000 * PATIENCE_S)
    time.sleep(0.5)
    return int(told or 0) >= count
