"""Clocks that were set, or differ: the order stays that of the node, and a time far from now is told as a date."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import expect

from dashboard.components import assets
from tests.e2e.browser import Visit, until, write
from tests.support.fake_node import FakeNode, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = int(time.mktime((2026, 5, 20, 12, 0, 0, 0, 0, -1)) * 1000)
#: What is called (a function of shared/when.js), with which moment after NOON, and what it says.
WORDS: list[tuple[str, int, str]] = [
    ("short", -HOUR, "11:00"), ("short", 4 * MINUTE, "12:04"), ("short", 2 * HOUR, "2026-05-20"),
    ("short", -DAY, "Tue"), ("short", -30 * DAY, "20 Apr"), ("short", -400 * DAY, "2025-04-15"),
    ("short", 400 * DAY, "2027-06-24"), ("short", DAY, "2026-05-21"),
    ("ago", -5_000, "just now"), ("ago", 4 * MINUTE, "just now"), ("ago", -3 * MINUTE, "3 min ago"),
    ("ago", -29 * DAY, "29 days ago"), ("ago", -31 * DAY, "on 19 Apr 2026"), ("ago", -400 * DAY, "on 15 Apr 2025"),
    ("ago", 6 * MINUTE, "on 20 May 2026, 12:06"), ("ago", 400 * DAY, "on 24 Jun 2027, 12:00"),
    ("until", 1_000, "any moment"), ("until", -DAY, "any moment"), ("until", 40_000, "in 40 s"),
    ("until", 400 * DAY, "on 24 Jun 2027, 12:00"),
    ("moment", 2 * HOUR, "14:00"), ("moment", DAY, "21 May 2026, 12:00"), ("moment", -DAY, "19 May 2026, 12:00"),
    ("day", -HOUR, "Today"), ("day", -DAY, "Yesterday"), ("day", -30 * DAY, "Monday 20 April"),
    ("day", -400 * DAY, "15 April 2025"), ("day", DAY, "21 May 2026"), ("day", 400 * DAY, "24 June 2027"),
]  # fmt: skip


def test_the_order_is_the_node_s_and_what_is_far_from_now_has_a_date(node: FakeNode, visit: Visit) -> None:
    def receive(who: Any, text: str, at: int) -> None:
        number[0] += 1
        node.receive(who, text, at=at, order=f"{number[0]:016x}")

    number = [0]
    bela, cian, dora = (node.add_peer(name) for name in ("bela", "cian", "dora"))
    begun = now()
    receive(bela, "before the clock was set", begun)
    receive(cian, "from far ahead", begun + 400 * DAY)
    receive(dora, "two hours back", begun - 2 * HOUR)
    tab = visit().open(bela.room)
    names = tab.locator(".list .room .name")
    expect(names).to_have_text(["dora", "cian", "bela"])
    year = time.strftime("%Y-%m-%d", time.localtime((begun + 400 * DAY) / 1000))
    expect(tab.locator(".list .room", has_text="cian").locator("time")).to_have_text(year)
    receive(bela, "a year ahead", begun + 400 * DAY)
    receive(bela, "and back again", begun + 1)
    expect(names).to_have_text(["bela", "dora", "cian"])
    # Nobody said anything there yet: they stand where they began.
    for name in ("eve", "fay"):
        node.add_peer(name)
    expect(names).to_have_text(["fay", "eve", "bela", "dora", "cian"])
    receive(cian, "still ahead", begun + 399 * DAY)
    expect(names).to_have_text(["cian", "fay", "eve", "bela", "dora"])
    # A break wherever the day changes, also backwards.
    expect(tab.locator(".log .row .text")).to_have_text(["before the clock was set", "a year ahead", "and back again"])
    ahead = time.strftime("%-d %B %Y", time.localtime((begun + 400 * DAY) / 1000))
    expect(tab.locator(".log .day")).to_have_text(["Today", ahead, "Today"])
    tab.reload()
    expect(names).to_have_text(["cian", "fay", "eve", "bela", "dora"])
    said = tab.evaluate(
        """async ([version, words, now]) => {
          const when = await import(`/ui/${version}/shared/when.js`);
          return words.map(([name, shift]) => when[name](now + shift, now));
        }""",
        [assets.VERSION, WORDS, NOON],
    )
    assert said == [text for _, _, text in WORDS]


def test_what_waits_in_the_browser_stays_in_the_order_in_which_it_was_written(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    node.stop()
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    write(tab, "one")
    tab.evaluate("(() => { const now = Date.now; Date.now = () => now() - 2 * 3600_000; })()")
    write(tab, "two")
    texts = tab.locator(".log .row .text")
    expect(texts).to_have_text(["one", "two"])
    # What a page finds in the browser's storage has no order of its own.
    again = visitor.open(bela.room)
    node.start()
    expect(again.locator(".log .row .text")).to_have_text(["one", "two"])
    until(lambda: len(node.messages.get(bela.room, ())) == 2, "both are said")
    assert [one.text for one in node.messages[bela.room]] == ["one", "two"]
