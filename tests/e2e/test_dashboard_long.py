"""A conversation of a hundred thousand messages, on a real node, in a real browser: the page stays small, one gets
everywhere, and nothing moves under the reader. How smooth it is, tests.bench scrolling measures."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.browser import Dashboard, Visit, Visitor, until
from tests.support import long_conversation as long
from tests.support.processes import PATIENCE, NodeProcess, Nodes

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

COUNT = 100_000
#: Elements within the log at most: some hundreds of messages of about 14 elements each.
MAX_ELEMENTS = 6_000
MAX_ROWS = 400

#: What is in the log, and what of it one sees.
LOOK = """
const numbers = (log) => [...log.querySelectorAll('.row .text')]
  .map((text) => Number(/number (\\d+)/.exec(text.textContent)?.[1] ?? 0)).filter((number) => number > 0);
const inView = (log) => {
  const view = log.getBoundingClientRect();
  return Object.fromEntries([...log.querySelectorAll('.row')]
    .map((row) => [row.dataset.key, row.querySelector('.text').getBoundingClientRect()])
    .filter(([, box]) => box.top >= view.top && box.bottom <= view.bottom)
    .map(([key, box]) => [key, box.top - view.top]));
};
"""
#: Goes to a place, and waits until older messages have come in above: what was in view then, and where it is now.
UP = (
    "async (log, top) => {"
    + LOOK
    + """
  const first = numbers(log)[0];
  log.scrollTop = top < 0 ? log.scrollTop - log.clientHeight : top;
  const before = inView(log);
  const until = performance.now() + 60000;
  while (numbers(log)[0] >= first && log.scrollTop < 2400) {
    if (performance.now() > until) throw new Error('no older messages came');
    await new Promise((go) => setTimeout(go, 5));
  }
  return [before, inView(log), numbers(log)[0] < first];
}"""
)


@pytest.fixture(scope="module")
def talk() -> Iterator[tuple[NodeProcess, Dashboard]]:
    """A node with the conversation, and a dashboard."""
    made = Nodes()
    node = made.make("anna")
    long.write(node.home, COUNT)
    node.start()
    dashboard = Dashboard(node.home).start()
    yield node, dashboard
    dashboard.stop()
    made.close()


def where(node: NodeProcess) -> tuple[str, int]:
    host, _, port = node.address.rpartition(":")
    return host, int(port)


class Stream:
    """The other side, saying something all the time; each line is numbered."""

    def __init__(self, node: tuple[str, int]) -> None:
        self._node = node
        self._end = threading.Event()
        self.said = 0
        self._thread = threading.Thread(target=self._say_on, daemon=True)

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(PATIENCE)

    def _say_on(self) -> None:
        for number in itertools.count(1):
            if self._end.is_set():
                return
            long.say(self._node, f"streamed {number}")
            self.said = number


def small(log: Locator) -> None:
    assert log.locator(".row").count() <= MAX_ROWS
    assert log.evaluate("log => log.querySelectorAll('*').length") <= MAX_ELEMENTS


def numbers(log: Locator) -> list[int]:
    found: list[int] = log.evaluate("log => {" + LOOK + "return numbers(log); }")
    return found


def in_view(log: Locator) -> dict[str, float]:
    found: dict[str, float] = log.evaluate("log => {" + LOOK + "return inView(log); }")
    return found


def stood_still(before: dict[str, float], after: dict[str, float]) -> None:
    """Whatever was in view is where it was, to 2 px."""
    assert len(before) > 3
    assert before.keys() <= after.keys()
    moved = {key: after[key] - top for key, top in before.items()}
    assert all(abs(shift) <= 2 for shift in moved.values()), moved


def test_one_gets_everywhere_and_the_page_stays_small(talk: tuple[NodeProcess, Dashboard], visit_long: Visit) -> None:
    node, dashboard = talk
    tab = visit_long(dashboard).open(long.ROOM)
    log = tab.locator(".log")
    expect(tab.locator(".log .row").last).to_contain_text(f"number {COUNT:06}")
    lowest = numbers(log)[0]

    def up() -> None:
        nonlocal lowest
        log.evaluate("log => (log.scrollTop = Math.min(log.scrollTop, 50))")
        until(lambda: numbers(log)[0] < lowest, "older messages")
        lowest = numbers(log)[0]
        small(log)

    # Away from the end first: whoever follows it soon sees nothing but what is said now.
    up()
    with Stream(where(node)) as stream:
        # Up, page after page, as fast as it goes.
        for _ in range(40):
            up()
        assert lowest <= COUNT - 2000
        # To the oldest, by its link; nothing is above it.
        tab.goto(f"{dashboard.origin}/?room={long.ROOM}&message=1")
        expect(tab.locator(".log .row").first).to_contain_text("number 000001")
        expect(tab.locator(".log .row").first).to_be_in_viewport()
        expect(tab.locator(".log .top")).to_contain_text("This is where it begins.")
        small(log)
        # Down again for a while: what is below comes in time, without a gap.
        for _ in range(15):
            highest = numbers(log)[-1]
            log.evaluate("log => (log.scrollTop = log.scrollHeight)")
            until(lambda: numbers(log)[-1] > highest, "newer messages")  # noqa: B023
            shown = numbers(log)
            assert shown == list(range(shown[0], shown[0] + len(shown)))
            small(log)
        until(lambda: stream.said > 10, "the other side says something all the time")
        tab.locator(".jump").click()
        until(lambda: "streamed" in (log.locator(".row .text").last.text_content() or ""), "the newest is there")
        small(log)
    last = f"streamed {stream.said}"
    expect(log.locator(".row .text", has_text=re.compile(f"^{last}$"))).to_be_in_viewport()
    expect(tab.locator(".jump")).to_be_hidden()


def test_nothing_moves_under_the_reader(talk: tuple[NodeProcess, Dashboard], visit_long: Visit) -> None:
    node, dashboard = talk
    visitor = visit_long(dashboard).hold(2500)
    tab = visitor.open(f"{long.ROOM}&message=50000")
    log = tab.locator(".log")
    expect(tab.locator(".row.flash")).to_be_in_viewport()
    visitor.let_go(tab)
    expect(tab.locator(".row.flash")).to_have_count(0)
    came = 0
    while came < 5:
        before, after, came_in = log.evaluate(UP, -1)
        stood_still(before, after)
        came += came_in
    # At the very top of what is loaded there is nothing above to hold on to: what is in view stays all the same.
    for _ in range(3):
        before, after, came_in = log.evaluate(UP, 0)
        assert came_in
        stood_still(before, after)
    # At the end: the reader goes up by some screens, and what arrives below moves nothing, however much it is.
    tab.locator(".jump").click()
    at_end = "log => log.scrollHeight - log.scrollTop - log.clientHeight < 2"
    expect(tab.locator(".jump")).to_be_hidden()
    until(lambda: log.evaluate(at_end), "the end")
    up = "log => { const enough = log.querySelectorAll('.row').length >= 240; if (!enough) log.scrollTop = 500; "
    up += "return enough; }"
    until(lambda: log.evaluate(up), "pages above the end")
    log.evaluate("log => (log.scrollTop = 2500)")
    expect(tab.locator(".jump")).to_be_visible()
    before = in_view(log)
    for number in range(500):
        long.say(where(node), f"below {number}")
    expect(tab.locator(".jump .count")).to_have_text("500")
    stood_still(before, in_view(log))
    small(log)
    tab.locator(".jump").click()
    expect(log.locator(".row .text", has_text=re.compile("^below 499$"))).to_be_in_viewport()


def test_one_message_of_all_is_found(talk: tuple[NodeProcess, Dashboard], visit_long: Visit) -> None:
    _, dashboard = talk
    tab = visit_long(dashboard).open(page="search")
    field = tab.get_by_role("searchbox", name="Search messages")
    field.fill('"number 012345"')
    hit = tab.locator(".searchpage .hit")
    expect(hit).to_have_count(1)
    expect(hit.locator("mark")).to_have_text("number 012345")
    hit.click()
    found = tab.locator(".log .row", has_text="number 012345")
    expect(found).to_be_in_viewport()
    expect(found).to_be_focused()
    tab.go_back()
    # The most frequent word: page after page, until it is enough.
    field.fill("number")
    for pages in range(1, 20):
        expect(hit).to_have_count(50 * pages)
        tab.get_by_role("button", name="Show more").click()
    expect(hit).to_have_count(1000)
    expect(tab.locator(".full")).to_contain_text("These are the newest 1,000.")
    expect(tab.get_by_role("button", name="Show more")).to_be_hidden()


@pytest.fixture
def visit_long(chromium: Browser) -> Iterator[Callable[[Dashboard], Visitor]]:
    made: list[Visitor] = []

    def come(dashboard: Dashboard) -> Visitor:
        visitor = Visitor(chromium.new_context(viewport={"width": 1280, "height": 760}), dashboard)
        made.append(visitor)
        return visitor

    yield come
    for visitor in made:
        visitor.check()
        visitor.context.close()
