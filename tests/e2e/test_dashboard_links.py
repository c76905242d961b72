"""Web addresses in messages: what becomes a link, where it leads, and that nothing is told to whom it leads."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Visit
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: Texts, and what of them is a link; the rest of each stays text.
ADDRESSES = [
    ("http://127.0.0.1:9/x", ["http://127.0.0.1:9/x"]),
    ("See HTTPS://127.0.0.1:9/A?b=c&d=%20#e, please.", ["HTTPS://127.0.0.1:9/A?b=c&d=%20#e"]),
    ("(http://127.0.0.1:9/wiki/A_(b)), and [http://[::1]:9/]!", ["http://127.0.0.1:9/wiki/A_(b)", "http://[::1]:9/"]),
    ('<a href="http://127.0.0.1:9/q">http://127.0.0.1:9/q</a>', ["http://127.0.0.1:9/q", "http://127.0.0.1:9/q"]),
    ("هذا http://127.0.0.1:9/rtl؟ نعم", ["http://127.0.0.1:9/rtl"]),
    ("one\nhttp://127.0.0.1:9/1\nhttp://127.0.0.1:9/2\n", ["http://127.0.0.1:9/1", "http://127.0.0.1:9/2"]),
    # Shows one place and leads to another.
    ("http://good.example@127.0.0.1:9/", []),
    ("http://127.0.0.1:9/" + "x" * 2000, []),
    ("http:// https://, http://[ http://a b", ["http://a"]),
    (
        "javascript:alert(1) data:text/html,x file:///etc/passwd ftp://127.0.0.1/ www.example.org xhttp://127.0.0.1:9/",
        [],
    ),
    ("http://127.0.0.1:9/ " * 150, ["http://127.0.0.1:9/"] * 80),
]


class Site(http.server.ThreadingHTTPServer):
    """A web server that remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), Page_)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Page_(http.server.BaseHTTPRequestHandler):  # noqa: N801 (Page is the browser's)
    server: Site

    def do_GET(self) -> None:
        self.server.heard.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.end_headers()
        self.wfile.write(b"found")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        yield made
        made.shutdown()


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
        assert len(links) >= 80 or found.count() == len(links), text
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


def test_a_link_opens_beside_the_dashboard_and_tells_nothing(node: FakeNode, visit: Visit, site: Site) -> None:
    tab = opened(node, visit, f"It is at {site.origin}/found?a=1.")
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
    tab = opened(node, visit, "first http://127.0.0.1:9/1", "then http://127.0.0.1:9/2 and http://127.0.0.1:9/3", "end")
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
    tab = opened(node, visit, start + "http://127.0.0.1:9/" + "path" * 50 + " end")
    said = tab.locator(".log .text")
    expect(said).to_have_text("…".join([start + ("http://127.0.0.1:9/" + "path" * 50)[:39], ""]))
    expect(said.locator("a")).to_have_count(0)
    tab.get_by_role("button", name="Show all").click()
    expect(said.locator("a")).to_have_attribute("href", "http://127.0.0.1:9/" + "path" * 50)


def test_brackets_without_end_are_no_part_of_an_address(node: FakeNode, visit: Visit) -> None:
    text = "http://127.0.0.1:9/a" + ")" * 60_000
    tab = opened(node, visit, text)
    tab.get_by_role("button", name="Show all").click()
    expect(tab.locator(".log .text")).to_have_text(text)
    expect(link(tab, "/a")).to_have_count(1)
