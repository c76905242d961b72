"""The door of the dashboard in a real browser: links, coming back, and somebody else on the port."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.e2e.browser import SCREENSHOTS, Dashboard, Visit, Visitor, bubble, patient, room, until, write
from tests.support.chromium import ARGUMENTS, CHROMIUM
from tests.support.fake_node import FakeNode
from tests.support.processes import PATIENCE

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: What a squatter answers: (status, headers, body) for a path.
Answer = Callable[[str], tuple[int, dict[str, str], str]]


def nothing(path: str) -> tuple[int, dict[str, str], str]:
    return 404, {}, ""


class Squatter:
    """Another server on this machine: on a port of both loopback addresses. It notes what browsers send."""

    def __init__(self, port: int = 0, answer: Answer = nothing) -> None:
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        heads, bodies = self.heads, self.bodies

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                heads.append(f"{self.requestline}\n{self.headers}")
                bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                status, headers, body = answer(self.path)
                self.send_response(status)
                for name, value in {
                    "Content-Length": str(len(body.encode())),
                    "Connection": "close",
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class OnIPv6(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6

        self._servers = [http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)]
        self.port = self._servers[0].server_address[1]
        with contextlib.suppress(OSError):
            self._servers.append(OnIPv6(("::1", self.port), Handler))

    def __enter__(self) -> Squatter:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def cookies(self) -> set[str]:
        """The dashboard's cookies that browsers sent here."""
        return set(re.findall(r"snicher-\d+=[\w-]+", "\n".join(self.heads)))


def fresh(visitor: Visitor) -> Page:
    """A page on which nothing is watched yet: what is shown here is met with complaints of the browser."""
    return visitor.context.new_page()


# -- links


def test_the_printed_link_opens_it_with_one_click_and_leaves_the_address(
    node: FakeNode, visit: Visit, dashboard: Dashboard
) -> None:
    code = dashboard.link.partition("link=")[2]
    tab = fresh(visit())
    tab.goto("about:blank")
    tab.goto(dashboard.link + "&room=nothing")
    expect(tab.locator(".me .name")).to_have_text("anna")
    assert tab.url.startswith(f"{dashboard.origin}/") and code not in tab.url
    assert tab.evaluate("history.length") == 2 and code not in tab.evaluate("document.referrer")
    assert code not in tab.evaluate("performance.getEntriesByType('navigation')[0].name")
    tab.go_back()
    expect(tab).to_have_url("about:blank")
    tab.go_forward()
    expect(tab.locator(".me .name")).to_have_text("anna")
    assert code not in tab.url
    # Once more in the same browser: it is known.
    tab.goto(dashboard.link)
    expect(tab.locator(".me .name")).to_have_text("anna")
    assert tab.url == f"{dashboard.origin}/"


def test_a_used_link_opens_nothing_in_another_browser(node: FakeNode, visit: Visit, dashboard: Dashboard) -> None:
    first, second = fresh(visit()), fresh(visit())
    first.goto(dashboard.link)
    expect(first.locator(".me .name")).to_have_text("anna")
    second.goto(dashboard.link)
    expect(second.locator("#wrong")).to_contain_text("Each works once")
    assert "link=" not in second.url
    # One that works can be pasted, whole or its code alone.
    second.get_by_label("Link").fill("nonsense!")
    second.get_by_role("button", name="Open").click()
    expect(second.locator("#wrong")).to_be_visible()
    second.get_by_label("Link").fill(dashboard.another_link())
    second.get_by_role("button", name="Open").click()
    expect(second.locator(".me .name")).to_have_text("anna")


def test_without_script_nothing_uses_a_link_up(node: FakeNode, visit: Visit, dashboard: Dashboard) -> None:
    """As somebody who looks links up beforehand: a preview, a scanner, the browser itself."""
    looking = fresh(visit(java_script_enabled=False))
    looking.goto(dashboard.link)
    expect(looking.get_by_text("One moment…")).to_be_visible()
    tab = fresh(visit())
    tab.goto(dashboard.link)
    expect(tab.locator(".me .name")).to_have_text("anna")


def test_127_0_0_1_leads_to_the_name_with_a_link_only(node: FakeNode, visit: Visit, dashboard: Dashboard) -> None:
    tab = fresh(visit())
    spare = f"http://127.0.0.1:{dashboard.port}"
    tab.goto(f"{spare}/peers")
    expect(tab.get_by_role("heading", name="Open it with your link")).to_be_visible()
    assert tab.url == f"{spare}/peers"
    tab.goto(f"{spare}/peers?{dashboard.link.partition('?')[2]}")
    expect(tab.locator(".peers h1")).to_be_visible()
    assert tab.url == f"{dashboard.origin}/peers"
    tab.goto(f"{spare}/")
    expect(tab.get_by_role("heading", name="Open it with your link")).to_be_visible()


@pytest.fixture
def without_names(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that doesn't find names under .localhost."""
    rules = "--host-resolver-rules=MAP *.localhost ~NOTFOUND"
    browser = chromium.browser_type.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS, rules])
    yield patient(browser.new_context())
    browser.close()


def test_where_the_name_can_not_be_found_it_is_used_at_127_0_0_1_and_says_so(
    node: FakeNode, dashboard: Dashboard, without_names: BrowserContext
) -> None:
    tab = without_names.new_page()
    spare = f"http://127.0.0.1:{dashboard.port}"
    tab.goto(f"{spare}/?{dashboard.link.partition('?')[2]}")
    expect(tab.get_by_text("with weaker protection")).to_be_visible()
    tab.screenshot(path=SCREENSHOTS / "door-spare.png")
    tab.get_by_role("button", name="Go on here").click()
    expect(tab.locator(".me .weaker")).to_have_text("Weaker protection")
    assert tab.url == f"{spare}/"
    tab.goto(f"{spare}/settings")
    expect(tab.get_by_text("Weaker protection: at this address")).to_be_visible()
    # It comes back by its key there as well.
    dashboard.stop()
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    tab.goto(f"{spare}/peers")
    expect(tab.locator(".peers h1")).to_be_visible()


def test_a_browser_that_keeps_no_cookies_is_told_what_to_do(node: FakeNode, visit: Visit, dashboard: Dashboard) -> None:
    visitor = visit()
    visitor.context.add_init_script(
        "{ const ask = fetch; window.fetch = (what, how) => ask(what, { ...how, credentials: 'omit' }); }"
    )
    tab = fresh(visitor)
    tab.goto(dashboard.link)
    expect(tab.get_by_role("heading", name="doesn't keep cookies")).to_be_visible()
    expect(tab.get_by_text("Allow cookies and site data")).to_be_visible()


# -- a new start


def test_pages_come_back_by_themselves_after_a_new_start(node: FakeNode, visit: Visit, dashboard: Dashboard) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab, other = visitor.open(bela.room), visitor.open(page="peers")
    cookies = [one["value"] for one in visitor.context.cookies() if one["name"].startswith("snicher-")]
    visitor.forgiving = True
    dashboard.leave(tab)
    write(tab, "said meanwhile")
    dashboard.start()
    for one in (tab, other):
        expect(one.locator(".strip")).to_be_hidden()
    expect(bubble(tab, "said meanwhile").locator(".state")).to_have_text("sent")
    assert cookies != [one["value"] for one in visitor.context.cookies() if one["name"].startswith("snicher-")]
    dashboard.stop()
    dashboard.start()
    later = fresh(visitor)
    later.goto(f"{dashboard.origin}/?room={bela.room}")
    expect(bubble(later, "said meanwhile")).to_be_visible()
    # The key that did it can be used, and read by nobody.
    told = later.evaluate("""async () => {
      const open = indexedDB.open("snicher-door");
      await new Promise((go) => { open.onsuccess = go; });
      const get = open.result.transaction("keys").objectStore("keys").get("this");
      await new Promise((go) => { get.onsuccess = go; });
      const key = get.result.keys.privateKey;
      return [key.extractable, await crypto.subtle.exportKey("pkcs8", key).then(() => "read", (error) => error.name)];
    }""")
    assert told == [False, "InvalidAccessError"]


def test_a_page_whose_pass_was_lost_gets_another_by_its_key(node: FakeNode, visit: Visit, dashboard: Dashboard) -> None:
    visitor = visit()
    tab = visitor.open()
    for spoil in ("put('of another run', 'pass')", "delete('pass')"):
        tab.evaluate(f"""() => new Promise((go) => {{
          const open = indexedDB.open("snicher-door");
          open.onsuccess = () => {{
            const work = open.result.transaction("keys", "readwrite");
            work.objectStore("keys").{spoil};
            work.oncomplete = go;
          }};
        }})""")
        tab.reload()
        expect(tab.locator(".me .name")).to_have_text("anna")
        expect(tab.locator(".strip")).to_be_hidden()


# -- somebody else


def test_other_ports_of_this_machine_see_no_cookie_that_opens_it(
    node: FakeNode, visit: Visit, dashboard: Dashboard
) -> None:
    visitor = visit()
    visitor.open()
    with Squatter(answer=lambda path: (200, {"Content-Type": "text/html"}, "<a href='/again'>go</a>")) as elsewhere:
        tab = fresh(visitor)
        for host in ("127.0.0.1", "localhost", "127.1", "snicher.localhost"):
            tab.goto(f"http://{host}:{elsewhere.port}/pic")
            tab.locator("a").click()
        until(lambda: len(elsewhere.heads) >= 8, "it was visited")
        assert elsewhere.cookies == set()
        # Who knows the name sees the cookie. It opens no chats: the live connection wants the pass, which stays here.
        name = dashboard.origin.removeprefix("http://").partition(":")[0]
        tab.goto(f"http://{name}:{elsewhere.port}/pic")
        assert len(elsewhere.cookies) == 1
        kept = tab.evaluate("indexedDB.databases()")
        assert kept == [] and "pass" not in "".join(elsewhere.heads)


def test_who_takes_the_port_meanwhile_hears_nothing_of_worth(
    node: FakeNode, visit: Visit, dashboard: Dashboard
) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    expect(room(tab, "bela")).to_be_visible()
    visitor.forgiving = True
    dashboard.leave(tab)
    write(tab, "for bela only")
    fake = '{"challenge": "AAAA", "signature": "' + "A" * 86 + '", "known": true}'
    with Squatter(dashboard.port, lambda path: (200, {"Content-Type": "application/json"}, fake)) as squatter:
        expect(tab.locator(".strip")).to_contain_text("somebody else answers in place of your dashboard")
        tab.screenshot(path=SCREENSHOTS / "door-stranger.png")
        count = len(squatter.heads)
        until(lambda: len(squatter.heads) > count + 2 or tab.wait_for_timeout(50), "it goes on asking")
        asked = {head.split()[1] for head in squatter.heads}
        # Neither the live connection nor Streamlit's was opened, and nothing but the question was asked.
        assert {path for path in asked if not path.startswith("/static/")} == {"/door/challenge"}
        assert all(b"for bela" not in body and b"signature" not in body for body in squatter.bodies)
        stolen = squatter.cookies
    assert len(stolen) == 1
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    expect(bubble(tab, "for bela only").locator(".state")).to_have_text("sent")
    thief = fresh(visit(extra_http_headers={"cookie": stolen.pop()}))
    assert thief.goto(f"{dashboard.origin}/").status == 401  # type: ignore[union-attr]
    visitor.complaints.clear()


WORKER = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => event.respondWith(
  new Response("<h1>planted</h1>", { headers: { "Content-Type": "text/html" } })));
"""
PLANTING = """<h1>squat</h1><script>navigator.serviceWorker.register("/deep/sw.js", { scope: "/" })
.then(() => navigator.serviceWorker.ready).then(() => { document.title = "done"; });</script>"""


def test_a_service_worker_that_was_planted_meanwhile_is_driven_out(
    node: FakeNode, visit: Visit, dashboard: Dashboard
) -> None:
    visitor = visit()
    visitor.open().close()
    visitor.forgiving = True
    dashboard.stop()

    def plant(path: str) -> tuple[int, dict[str, str], str]:
        if path.endswith("sw.js"):
            headers = {
                "Content-Type": "text/javascript",
                "Service-Worker-Allowed": "/",
                "Cache-Control": "max-age=9999",
            }
            return 200, headers, WORKER
        return 200, {"Content-Type": "text/html"}, PLANTING

    tab = fresh(visitor)
    with Squatter(dashboard.port, plant):
        tab.goto(f"{dashboard.origin}/")
        expect(tab).to_have_title("done")
        tab.goto(f"{dashboard.origin}/peers")
        expect(tab.get_by_role("heading", name="planted")).to_be_visible()
    dashboard.start()
    # The first page is still the worker's. Chromium asks for the worker's script some time after a page was opened.

    def planted() -> bool:
        return tab.get_by_role("heading", name="planted").count() > 0

    def looked_again() -> bool:
        with contextlib.suppress(Error):
            # It may be led on by our worker meanwhile.
            tab.goto(f"{dashboard.origin}/")
            deadline = time.monotonic() + 5
            while planted() and time.monotonic() < deadline:
                tab.wait_for_timeout(100)
        return not planted()

    until(looked_again, "it is gone")
    expect(tab.locator(".me .name")).to_have_text("anna")
    assert tab.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


def test_what_was_put_into_the_cache_meanwhile_is_gone_after_a_link(
    node: FakeNode, visit: Visit, dashboard: Dashboard
) -> None:
    visitor = visit()
    visitor.open().close()
    dashboard.stop()
    visitor.forgiving = True
    tab = fresh(visitor)
    keep = {"Content-Type": "text/html", "Cache-Control": "max-age=99999999, immutable"}
    with Squatter(dashboard.port, lambda path: (200, keep, "<h1>planted</h1>")):
        tab.goto(f"{dashboard.origin}/peers")
        expect(tab.get_by_role("heading", name="planted")).to_be_visible()
    dashboard.start()
    tab.goto("about:blank")
    tab.goto(f"{dashboard.origin}/peers")
    expect(tab.get_by_role("heading", name="planted")).to_be_visible()
    tab.goto(dashboard.another_link())
    expect(tab.locator(".me .name")).to_have_text("anna")
    tab.goto(f"{dashboard.origin}/peers")
    expect(tab.locator(".peers h1")).to_be_visible()


# -- behind a proxy, and how it looks


def test_a_proxy_that_changes_the_host_is_told_instead_of_a_blank_page(
    node: FakeNode, visit: Visit, dashboard: Dashboard
) -> None:
    def through(path: str) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        kept = {"Content-Type", "Content-Security-Policy"}
        headers = {name: value for name, value in answer.getheaders() if name.title() in kept}
        return answer.status, headers, answer.read().decode()

    tab = fresh(visit())
    with Squatter(answer=through) as proxy:
        tab.goto(f"http://127.0.0.1:{proxy.port}/?{dashboard.link.partition('?')[2]}")
        expect(tab.get_by_role("heading", name="A proxy in between changes the address")).to_be_visible()
        expect(tab.locator("#proxy")).to_contain_text("proxy_set_header Host $http_host;")
        expect(tab.locator("#proxy .used")).to_have_text(f"127.0.0.1:{proxy.port}")
        expect(tab.locator("#proxy .seen")).to_have_text(f"127.0.0.1:{dashboard.port}")
    visit().open()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_the_door_fit_and_can_be_read(
    node: FakeNode, visit: Visit, dashboard: Dashboard, scheme: str
) -> None:
    visitor = visit(color_scheme=scheme)
    tab = fresh(visitor)
    for width in (1280, 390, 320):
        tab.set_viewport_size({"width": width, "height": 760})
        for part in ("ask", "spare", "blocked", "stranger", "away", "proxy"):
            tab.goto(f"{dashboard.origin}/peers")
            expect(tab.locator("#ask")).to_be_visible()
            tab.evaluate(
                "(id) => document.querySelectorAll('section').forEach((one) => { one.hidden = one.id !== id; })",
                part,
            )
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, f"{part} at {width}"
            tab.screenshot(path=SCREENSHOTS / f"door-{part}-{scheme}-{width}.png")
