"""Web addresses in messages: what becomes a link, where it leads, and that nothing is told to whom it leads."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, Route, expect

from node.bus import events as ev
from tests.e2e.browser import Visit
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: Texts, and what of them is a link; the rest of each stays text. All shapes are in tests/dashboard/js/targets.test.js.
ADDRESSES = [
    ("See HTTPS://site.example:9/A?b=c&d=%20#e, please.", ["HTTPS://site.example:9/A?b=c&d=%20#e"]),
    (
        '<a href="http://site.example:9/q">http://site.example:9/q</a>',
        ["http://site.example:9/q", "http://site.example:9/q"],
    ),
    ("هذا http://site.example:9/rtl؟ نعم", ["http://site.example:9/rtl"]),
    ("javascript:alert(1) data:text/html,x file:///etc/passwd", []),
    ("http://site.example:9/ " * 150, ["http://site.example:9/"] * 60),
]
#: Addresses that lead to this machine; {port} is the dashboard's. tests/dashboard/js/targets.test.js has all spellings.
TO_THIS_MACHINE = [
    "127.0.0.1:{port}", "127.1", "0x7f.1", "[::1]", "LOCALHOST:{port}", "a.localhost", "loc\u00adalhost",
    # The machine's own addresses, as the node tells them.
    "192.168.77.5", "192.168.77.5:8501", "3232255237", "[::ffff:192.168.77.5]", "[2001:DB8:0::0077]:1",
]  # fmt: skip
#: Addresses, what is shown of each as a link, and where it leads, as the browser reads it.
SHOWN = [
    ("https://Site.EXAMPLE:443/A", "https://Site.EXAMPLE:443/A", "https://site.example/A"),
    ("https://\u0430pple.com", "https://xn--pple-43d.com", "https://xn--pple-43d.com/"),
    ("https://site.example\u2044login.evil.example/", "https://site.example", "https://site.example/"),
]


class Site:
    """A web server elsewhere that remembers what it was told; nothing leaves the machine."""

    origin = "http://site.example"

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []

    def stand_behind(self, tab: Page) -> None:
        tab.context.route(f"{self.origin}/**", self._answer)

    def _answer(self, route: Route) -> None:
        self.heard.append({"path": route.request.url.removeprefix(self.origin), **route.request.headers})
        route.fulfill(status=200, content_type="text/plain", body="found")


def link(tab: Page, end: str) -> Locator:
    return tab.locator(f".log .text a[href$='{end}']")


def opened(node: FakeNode, visit: Visit, *texts: str) -> Page:
    bela = node.add_peer("bela")
    for text in texts:
        node.receive(bela, text)
    tab = visit().open(bela.room)
    expect(tab.locator(".log .row")).to_have_count(len(texts))
    return tab


def test_addresses_are_links_and_the_text_stays_as_it_was_said(node: FakeNode, visit: Visit) -> None:
    tab = opened(node, visit, *(text for text, _ in ADDRESSES))
    for number, (text, links) in enumerate(ADDRESSES):
        said = tab.locator(".log .row .text").nth(number)
        found = said.locator("a")
        if len(text) < 1600:
            assert said.evaluate("said => said.textContent") == text
        assert found.all_inner_texts()[: len(links)] == links, text
        assert len(links) >= 60 or found.count() == len(links), text
        for one in found.all()[:2]:
            assert one.get_attribute("target") == "_blank"
            assert one.get_attribute("rel") == "noopener noreferrer"
            assert one.evaluate("link => link.protocol") in ("http:", "https:")
            # Right-to-left text around it doesn't turn it round.
            assert one.evaluate("link => getComputedStyle(link).direction") == "ltr"
    # What one page may be filled with has a bound, also when all of it is shown.
    tab.get_by_role("button", name="Show all").last.click()
    last = tab.locator(".log .row .text").last
    expect(last.locator("a")).to_have_count(100)
    assert last.evaluate("said => said.textContent") == ADDRESSES[-1][0]


def test_addresses_of_this_machine_are_no_links(node: FakeNode, visit: Visit) -> None:
    visitor = visit()
    here = replace(node.state.self, addresses=["192.168.77.5:5000", "[2001:db8::77]:5000"])
    node.publish("SettingsChanged", ev.SettingsChanged(self=here, settings=node.state.settings))
    texts = [f"http://{one.format(port=visitor.dashboard.port)}/" for one in TO_THIS_MACHINE]
    bela = node.add_peer("bela")
    node.receive(bela, "\n".join(texts))
    node.receive(bela, "last: https://site.example/")
    tab = visitor.open(bela.room)
    expect(link(tab, "site.example/")).to_have_count(1)
    assert tab.locator(".log .text").first.inner_text().splitlines() == texts
    assert tab.locator(".log .text a").evaluate_all("links => links.map(link => link.href)") == [
        "https://site.example/"
    ]


def test_a_link_shows_the_host_to_which_it_leads(node: FakeNode, visit: Visit) -> None:
    tab = opened(node, visit, *(text for text, _, _ in SHOWN))
    found = tab.locator(".log .row .text").evaluate_all(
        "texts => texts.map(text => [...text.querySelectorAll('a')].map(link => [link.textContent, link.href]))"
    )
    assert found == [[[shown, href]] for _, shown, href in SHOWN]


def test_only_messages_have_links_that_lead_elsewhere(node: FakeNode, visit: Visit) -> None:
    """Names, errors and addresses of peers stay text on all pages."""
    name = "https://site.example/name"
    bela = node.add_peer(name, link="offline", error="See https://site.example/error.", host="site.example")
    node.receive(bela, "nothing to follow")
    visitor = visit()
    for page in ("", "peers", "activity", "search", "settings"):
        tab = visitor.open(bela.room if not page else None, page=page)
        expect(tab.locator("h1").first).to_be_attached()
        if page in ("", "peers"):
            expect(tab.get_by_text(name).first).to_be_visible()
        outside = "links => links.map(link => link.href).filter(href => new URL(href).origin !== location.origin)"
        assert tab.locator("a[href]").evaluate_all(outside) == []
        tab.close()


def test_a_link_opens_beside_the_dashboard_and_tells_nothing(node: FakeNode, visit: Visit) -> None:
    site = Site()
    tab = opened(node, visit, f"It is at {site.origin}/found?a=1.")
    site.stand_behind(tab)
    found = tab.locator(".log .text a")
    found.hover()
    assert site.heard == [], "nothing is fetched before somebody wants it"
    with tab.context.expect_page() as coming:
        found.click()
    other = coming.value
    expect(other.locator("body")).to_have_text("found")
    assert other.url == f"{site.origin}/found?a=1"
    assert other.evaluate("window.opener === null && document.referrer === ''")
    first = next(one for one in site.heard if one["path"] == "/found?a=1")
    assert "referer" not in first and "token" not in str(first)
    expect(tab.locator(".talk h2")).to_have_text("bela")
    other.close()


def test_the_keyboard_comes_to_the_links_of_the_message_it_is_at(node: FakeNode, visit: Visit) -> None:
    tab = opened(
        node, visit, "first http://site.example:9/1", "then http://site.example:9/2 and http://site.example:9/3", "end"
    )
    tab.locator(".log").focus()
    tab.keyboard.press("ArrowUp")
    expect(tab.locator(".log .row").nth(2)).to_be_focused()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Tab")
    expect(link(tab, "/2")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(link(tab, "/3")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("button", name="More about this message")).to_be_focused()
    assert link(tab, "/1").get_attribute("tabindex") == "-1", "not one stop for each in the log"


def test_an_address_that_is_not_whole_is_no_link(node: FakeNode, visit: Visit) -> None:
    """A long text is folded: what is left of an address leads elsewhere."""
    start = "x" * 1560 + " "
    tab = opened(node, visit, start + "http://site.example:9/" + "path" * 50 + " end")
    said = tab.locator(".log .text")
    expect(said).to_have_text("…".join([start + ("http://site.example:9/" + "path" * 50)[:39], ""]))
    expect(said.locator("a")).to_have_count(0)
    tab.get_by_role("button", name="Show all").click()
    expect(said.locator("a")).to_have_attribute("href", "http://site.example:9/" + "path" * 50)


def test_brackets_without_end_are_no_part_of_an_address(node: FakeNode, visit: Visit) -> None:
    text = "http://site.example:9/a" + ")" * 60_000
    tab = opened(node, visit, text)
    tab.get_by_role("button", name="Show all").click()
    expect(tab.locator(".log .text")).to_have_text(text)
    expect(link(tab, "/a")).to_have_count(1)
