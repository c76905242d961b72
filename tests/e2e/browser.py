"""Chromium and a real dashboard server for tests: fixtures, and watchers that make every test fail on what users don't
see (console errors, policy violations, requests that leave the machine)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from dashboard import another
from tests.support import forks
from tests.support.chromium import ARGUMENTS, CHROMIUM
from tests.support.fake_node import FakeNode
from tests.support.processes import PATIENCE, free_port

ROOT = pathlib.Path(__file__).parents[2]
SCREENSHOTS = pathlib.Path(__file__).with_name("screenshots")
#: Long enough for a busy machine; nothing waits for it to pass.
DEADLINE_MS = 60_000
#: Streamlit looks for its own base path below a page's address first; its console line can't be prevented.
EXPECTED_404 = re.compile(r"/[a-z]+/_stcore/(health|host-config)")
#: What Streamlit's own curve in a metric says as long as nobody points at it.
EXPECTED_WARNING = re.compile(r"WARN Infinite extent for field \"[xy]\"")

expect.set_options(timeout=DEADLINE_MS)


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition that no browser can wait for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.02)


def patient(context: BrowserContext) -> BrowserContext:
    """The same, and nothing in it is given up before DEADLINE_MS."""
    context.set_default_timeout(DEADLINE_MS)
    return context


def settled(tab: Page) -> Page:
    """The same, once it has heard of the node and its navigation stands: from then on the keyboard belongs to the page
    that is shown, and nothing that still loads takes the focus away."""
    expect(tab.locator(".frame .me:not([hidden])")).to_be_attached()
    return tab


def room(tab: Page, name: str) -> Locator:
    """A conversation on the list."""
    return tab.locator(".list .room", has_text=name)


def bubble(tab: Page, text: str) -> Locator:
    """A message of the open conversation."""
    return tab.locator(".log .row", has=tab.locator(".text", has_text=text))


def field(tab: Page) -> Locator:
    """Where one writes."""
    return tab.locator(".composer textarea")


def write(tab: Page, text: str) -> None:
    """Say something in the open conversation."""
    field(tab).fill(text)
    field(tab).press("Enter")


def standing(place: Locator) -> float:
    """How far from the top something is, once it stands still."""
    seen: list[float] = []

    def still() -> bool:
        box = place.bounding_box()
        seen.append(box["y"] if box else -1.0)
        return len(seen) >= 10 and len(set(seen[-10:])) == 1

    until(still, "it stands still")
    return seen[-1]


def until_copied(tab: Page, wanted: Callable[[str], object]) -> str:
    """What is on the clipboard, once it is as wanted: putting it there takes a moment."""
    found = ""

    def look() -> object:
        nonlocal found
        found = tab.evaluate("navigator.clipboard.readText()")
        return wanted(found)

    until(look, "what is wanted on the clipboard")
    return found


#: Timers of these lengths (in ms) fire when the test says so: what a page shows for a moment stays till then.
HOLD_TIMERS = """
(() => {
  const lengths = %s, held = new Map();
  let last = 0;
  for (const [set, clear] of [["setTimeout", "clearTimeout"], ["setInterval", "clearInterval"]]) {
    const [begin, end] = [window[set], window[clear]];
    window[set] = (work, ms, ...rest) => {
      if (!lengths.includes(ms)) return begin(work, ms, ...rest);
      held.set(--last, () => work(...rest));
      return last;
    };
    window[clear] = (id) => { if (!held.delete(id)) end(id); };
  }
  window.letGo = () => { for (const [id, work] of [...held]) { held.delete(id); work(); } };
})();
"""


class Dashboard:
    """A dashboard server in a process of its own."""

    def __init__(self, home: pathlib.Path, port: int | None = None) -> None:
        self.home = home
        self.link = ""
        # One that it finds free as well when it is started again.
        self.port = port or free_port()
        self.output: list[str] = []
        self._process: forks.Fork | subprocess.Popen[str] | None = None

    def start(self) -> Dashboard:
        environment = {**os.environ, "SNICHER_HOME": str(self.home), "PYTHONUNBUFFERED": "1"}
        self._process = forks.start(("-m", "dashboard.app"), ["--port", str(self.port)], environment)
        threading.Thread(target=self._collect, args=(self._process,), daemon=True).start()
        until(self._find_link, f"the dashboard's link; it said {self.output}", 2 * PATIENCE)
        return self

    def _collect(self, process: forks.Fork | subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as stderr:
            for line in stderr:
                self.output.append(line)

    def _find_link(self) -> bool:
        found = re.search(r"http://\S+\?link=\S+", "".join(self.output))
        if found:
            self.link = found[0]
        return bool(found)

    @property
    def origin(self) -> str:
        """Where it is, by its random name."""
        return self.link.partition("/?")[0]

    def has_loaded(self, library: str) -> bool:
        """Whether the server has a library in its memory (Linux; elsewhere False)."""
        assert self._process is not None
        maps = pathlib.Path(f"/proc/{self._process.pid}/maps")
        return maps.exists() and f"/{library}/" in maps.read_text("utf-8")

    def another_link(self) -> str:
        """A link that wasn't used yet."""
        return another.links(self.home, self.port)[0]

    def leave(self, tab: Page) -> None:
        """End while this page is open, and until the page says so."""
        self.stop()
        expect(tab.locator(".strip")).to_contain_text("The dashboard's server doesn't answer")

    def stop(self) -> int:
        """Ask it to end; returns its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(PATIENCE)
        self._process = None
        self.output.clear()
        return code


class Visitor:
    """One browser context (one person, or one more browser) with its pages watched."""

    def __init__(self, context: BrowserContext, dashboard: Dashboard) -> None:
        self.context = patient(context)
        self.dashboard = dashboard
        self.requests: list[str] = []
        self.complaints: list[str] = []
        #: Whether it came in by a link already.
        self.known = False
        #: Set by tests that stop the server: then failing to reach it is no complaint.
        self.forgiving = False

    def open(self, room: str | None = None, page: str = "", *, early: bool = False) -> Page:
        """Open the dashboard, and wait until it knows the node. `early`: as somebody who is faster than that."""
        tab = self.context.new_page()
        self.watch(tab)
        query = [f"room={room}"] if room else []
        if not self.known:
            query.append(self.dashboard.another_link().partition("?")[2])
        tab.goto(f"{self.dashboard.origin}/{page}?{'&'.join(query)}")
        if not self.known:
            self.known = True
            tab.wait_for_url(re.compile(r"^[^?]*(\?(?!.*link=).*)?$"))
        return tab if early else settled(tab)

    def hold(self, *lengths: int) -> Visitor:
        """Timers of these lengths, in ms, fire in pages opened from now on when `let_go` says so."""
        self.context.add_init_script(HOLD_TIMERS % list(lengths))
        return self

    def let_go(self, tab: Page) -> None:
        """The time of all timers that are held is over."""
        tab.evaluate("window.letGo()")

    def watch(self, tab: Page) -> None:
        tab.on("console", self._console)
        tab.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        tab.on("request", self._request)
        tab.on("websocket", lambda socket: self.requests.append(socket.url))

    def _console(self, message: ConsoleMessage) -> None:
        where = str(message.location.get("url", ""))
        if message.type not in ("error", "warning"):
            return
        if EXPECTED_404.search(where) or EXPECTED_WARNING.match(message.text):
            return
        lost = (
            "ERR_",
            # A page that is opened afresh after a new start: it comes in by its key.
            "401",
            "WebSocket",
            "fetch",
            "Fetch",
            "reaching server endpoint",
            "server is not responding",
            "backMessage when disconnected",
        )
        if self.forgiving and any(word in message.text for word in lost):
            return
        self.complaints.append(f"console {message.type}: {message.text} ({where})")

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def check(self) -> None:
        """Nothing left the machine, and the browser had nothing to complain about."""
        for url in self.requests:
            parts = urllib.parse.urlsplit(url)
            if parts.scheme in ("data", "blob"):
                continue
            ours = urllib.parse.urlsplit(self.dashboard.origin).hostname
            assert parts.hostname in ("127.0.0.1", ours), f"a request left the machine: {url}"
        assert not self.complaints


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Not for the whole session: Playwright keeps an event loop running in this thread, and other tests run their own.
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail("Chromium must be installed where CI is set.")
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Iterator[FakeNode]:
    home = tmp_path / "home"
    home.mkdir()
    fake = FakeNode(home).start()
    yield fake
    fake.stop()


@pytest.fixture
def dashboard(node: FakeNode) -> Iterator[Dashboard]:
    server = Dashboard(node.home).start()
    yield server
    server.stop()


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser, dashboard: Dashboard) -> Iterator[Visit]:
    visitors: list[Visitor] = []

    def come(server: Dashboard | None = None, **options: object) -> Visitor:
        settings: dict[str, object] = {"viewport": {"width": 1280, "height": 760}, **options}
        context = chromium.new_context(**settings)  # type: ignore[arg-type]
        visitor = Visitor(context, server or dashboard)
        visitors.append(visitor)
        return visitor

    yield come
    try:
        for visitor in visitors:
            visitor.check()
    finally:
        for visitor in visitors:
            with contextlib.suppress(Exception):
                visitor.context.close()
