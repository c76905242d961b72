"""From the bytes leaving a peer to the text in the page, in several browser tabs; and what idle tabs cost the server.

"Pixel" is the change of the page's document, seen by an observer inside it: the next frame shows it, at most 17 ms
later. Processes and pages of one machine share the clock.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from tests.bench import barepage, traffic
from tests.bench.processes import (
    PATIENCE_S,
    ROOT,
    Failed,
    NodeProcess,
    Worker,
    cpu_percent,
    end,
    memory_mb,
    temporary_home,
)
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes
from tests.support.chromium import ARGUMENTS, CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PER_S = 10
#: All but one in twenty should be there within so long, in ms: with one tab, and with several.
P95_MS = (10, 20)
#: After tabs have loaded: what follows from that is over, in seconds.
SETTLE_S = 3.0
#: The mark of a text that was there before the tabs.
FIRST = "t=0;"

_T = TypeVar("_T")

#: Notes when each `t=...;` first appears anywhere in the page; components live in shadow roots, open or closed.
WATCH = """(() => {
  const seen = (window.benchSeen = {});
  const look = (text) => {
    const now = performance.timeOrigin + performance.now();
    for (const [, mark] of (text ?? "").matchAll(/t=(\\d+);/g)) seen[mark] ??= now;
  };
  const watch = (root) =>
    new MutationObserver((records) => {
      for (const record of records) {
        if (record.type === "characterData") look(record.target.data);
        else for (const node of record.addedNodes) look(node.textContent);
      }
    }).observe(root, { childList: true, characterData: true, subtree: true });
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    const root = attach.call(this, init);
    watch(root);
    return root;
  };
  watch(document);
})();"""


def measure(sizes: Sizes) -> list[Row]:
    """With few tabs and with many; nothing when there is no Chromium."""
    if not CHROMIUM.exists():
        print("event to pixel: not measured, Chromium isn't installed", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        for tabs in sizes.tabs:
            rows += _with_tabs(sizes, browser, tabs)
        browser.close()
    return rows


class DashboardProcess:
    """A dashboard server in a process of its own. A context manager."""

    def __init__(self, home: pathlib.Path) -> None:
        self._log = home / "dashboard.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SNICHER_")}
        command = [sys.executable, "-m", "dashboard.app", "--home", str(home), "--port", "0"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        self.pid = self._process.pid

    def __enter__(self) -> DashboardProcess:
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)

    def link(self) -> str:
        """The link that opens it, once it is ready."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            found = re.search(r"http://\S+\?link=\S+", self._log.read_text("utf-8"))
            if found:
                return found[0]
            time.sleep(0.05)
        raise Failed(f"The dashboard didn't get ready. It said: {self._log.read_text('utf-8')}")


def _with_tabs(sizes: Sizes, browser: Browser, count: int) -> list[Row]:
    bare = _bare_delays(sizes, browser, count)
    with temporary_home() as home, NodeProcess(home) as node, DashboardProcess(home) as dashboard, ExitStack() as stack:
        sender = stack.enter_context(Worker(traffic.say_paced, node.host, node.port, PER_S, sizes.pixels))
        sender.hear()
        room = until(lambda: node.client.peers().peers, "the peer")[0].room
        node.client.send(room, FIRST)
        tabs = stack.enter_context(_tabs(browser, f"{dashboard.link()}&room={room}", count))
        time.sleep(min(SETTLE_S, sizes.idle_s))
        cpu = cpu_percent(dashboard.pid, sizes.idle_s)
        sender.say("go")
        delays = _delays(tabs, sizes.pixels)
        memory = memory_mb(dashboard.pid)
    what = f"{count} tab{'s' * (count > 1)}"
    rows = [
        Row(
            what=f"event to pixel, {what} at {PER_S}/s: p{percent}",
            unit="ms",
            values=[percentile(delays, percent)],
            target=target,
            beside="bare page",
            references=[percentile(bare, percent)],
        )
        for percent, target in ((50, None), (95, Target("<", P95_MS[count > 1])))
    ]
    return [
        *rows,
        Row(what=f"dashboard, {what} idle: CPU", unit="% of a core", values=[cpu], target=Target("<", 2)),
        Row(what=f"dashboard, {what}: memory", unit="MB", values=[memory]),
    ]


def _bare_delays(sizes: Sizes, browser: Browser, count: int) -> list[float]:
    with ExitStack() as stack:
        publisher = stack.enter_context(Worker(barepage.publish, PER_S, sizes.pixels))
        tabs = stack.enter_context(_tabs(browser, f"http://127.0.0.1:{publisher.hear()}/", count))
        publisher.say("go")
        return _delays(tabs, sizes.pixels)


@contextmanager
def _tabs(browser: Browser, link: str, count: int) -> Iterator[list[Page]]:
    """Tabs in which the first text is seen."""
    context = browser.new_context()
    try:
        context.set_default_timeout(1000 * PATIENCE_S)
        context.add_init_script(WATCH)
        tabs = [context.new_page() for _ in range(count)]
        for tab in tabs:
            tab.goto(link)
        until(lambda: all(_loaded(tab) for tab in tabs), "the conversation in every tab")
        yield tabs
    finally:
        context.close()


def _delays(tabs: list[Page], count: int) -> list[float]:
    """How long each of `count` texts took into each tab, in milliseconds."""
    # Asking costs the pages time: not while they are measured.
    time.sleep(count / PER_S)
    until(lambda: all(len(_seen(tab)) > count for tab in tabs), "all texts in every tab")
    return [at - int(mark) / 1e6 for tab in tabs for mark, at in _seen(tab).items() if f"t={mark};" != FIRST]


def _loaded(tab: Page) -> bool:
    """Whether the first text is seen. The page behind a link leads on to the dashboard; meanwhile nothing is."""
    from playwright.sync_api import Error

    try:
        return bool(_seen(tab))
    except Error:
        return False


def _seen(tab: Page) -> dict[str, float]:
    """When each mark appeared in a tab, in milliseconds since 1970."""
    seen: dict[str, float] = tab.evaluate("window.benchSeen")
    return seen


def until(condition: Callable[[], _T], what: str) -> _T:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"Never came: {what}.")
        time.sleep(0.05)
    return found
