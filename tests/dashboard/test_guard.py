from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import pathlib
import re
import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard import door, guard, hosts, pages, place

PORT = 8501
INSIDE = "inside"


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(INSIDE, headers={"x-frame-options": "ALLOWALL", "x-own": "kept"})


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(INSIDE)
    with contextlib.suppress(WebSocketDisconnect):
        await websocket.receive_text()


class Inside:
    """A guarded application, and a browser that was let in at its name."""

    def __init__(self, home: pathlib.Path) -> None:
        kept = place.Place(home, "127.0.0.1", PORT)
        self.door = door.Door(kept, hosts.hosts_of("127.0.0.1", PORT, kept.name, ["chat.example"]))
        application = guard.Guard(
            Starlette(routes=[Route("/{rest:path}", page, methods=["GET", "POST"]), WebSocketRoute("/live", socket)]),
            door=self.door,
            inline=["'sha256-abc='"],
        )
        self.host = self.door.hosts.home
        self.origin = f"http://{self.host}"
        self.client = TestClient(application, base_url=self.origin, follow_redirects=False)
        self.cookie = self.let_in(self.host)

    def let_in(self, host: str) -> str:
        return f"snicher-{PORT}={self.door.sessions.begin(host)[0]}"

    def get(self, path: str = "/", **headers: str) -> tuple[int, str]:
        answer = self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return answer.status_code, answer.text


@pytest.fixture
def inside(tmp_path: pathlib.Path) -> Iterator[Inside]:
    yield Inside(tmp_path)


def refused(inside: Inside, headers: dict[str, str]) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        inside.client.websocket_connect(f"ws://{inside.host}/live", headers=headers),
    ):
        pass


def test_without_a_session_nothing_is_seen(inside: Inside) -> None:
    for path in ("/", "/_stcore/health", "/static/js/index.js", "/peers", "/ui/x/shared/store.js"):
        status, text = inside.get(path)
        assert status == 401 and INSIDE not in text and "link" in text
    assert inside.client.post("/").status_code == 401


def test_a_cookie_of_this_run_lets_in(inside: Inside) -> None:
    assert inside.get(cookie=inside.cookie) == (200, INSIDE)
    assert inside.get(cookie=f"a=b; snicher-{PORT}=wrong; {inside.cookie}") == (200, INSIDE)
    value = inside.cookie.partition("=")[2]
    for cookie in (f"snicher-{PORT}=wrong", f"other={value}", f"snicher-8502={value}", f"snicher-{PORT}", ""):
        assert inside.get(cookie=cookie)[0] == 401


def test_a_cookie_is_worth_nothing_at_another_host_of_ours(inside: Inside) -> None:
    """Who serves on another port of 127.0.0.1 may see cookies of 127.0.0.1, and none of the name."""
    assert inside.get(host="127.0.0.1:8501", cookie=inside.cookie)[0] == 401
    assert inside.get(cookie=inside.let_in("127.0.0.1:8501"))[0] == 401
    assert inside.get(host="127.0.0.1:8501", cookie=inside.let_in("127.0.0.1:8501")) == (200, INSIDE)


def test_a_cookie_dies_with_the_server(inside: Inside, tmp_path: pathlib.Path) -> None:
    again = Inside(tmp_path)
    assert again.host == inside.host
    assert again.get(cookie=inside.cookie)[0] == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:8502", "127.0.0.1.evil.example:8501", "", "x"]
)
def test_foreign_hosts_are_refused(inside: Inside, host: str) -> None:
    status, text = inside.get(host=host, cookie=inside.cookie)
    assert status == 421 and INSIDE not in text


def test_a_foreign_name_is_told_how_to_be_allowed(inside: Inside) -> None:
    assert "--allow-host talk.example</code>" in inside.get(host="talk.example")[1]
    assert "--allow-host NAME</code>" in inside.get(host="<script>.example")[1]


@pytest.mark.parametrize("host", ["localhost:8501", "LOCALHOST:8501", "[::1]:8501", "chat.example", "chat.example:444"])
def test_further_hosts_are_served(inside: Inside, host: str) -> None:
    assert inside.get(host=host, cookie=inside.let_in(host.lower())) == (200, INSIDE)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:3000", "http://127.0.0.1:8501", "null", ""]
)
def test_foreign_origins_are_refused(inside: Inside, origin: str) -> None:
    answer = inside.client.post("/", headers={"origin": origin, "cookie": inside.cookie})
    assert answer.status_code == 403 and "$http_host" in answer.text
    refused(inside, {"origin": origin, "cookie": inside.cookie})


def test_the_socket_needs_origin_and_cookie(inside: Inside) -> None:
    cookie = {"cookie": inside.cookie}
    both = {**cookie, "origin": inside.origin}
    for headers in ({}, {"origin": inside.origin}, cookie, {**both, "host": "evil.example"}):
        refused(inside, headers)
    with inside.client.websocket_connect(f"ws://{inside.host}/live", headers=both) as connection:
        assert connection.receive_text() == INSIDE


@pytest.mark.parametrize(("site", "mode", "dest", "status"), [
    ("same-origin", "cors", "empty", 200),
    ("none", "navigate", "document", 200),
    ("cross-site", "navigate", "document", 200),
    ("same-site", "navigate", "document", 200),
    ("same-site", "navigate", "iframe", 403),
    ("cross-site", "no-cors", "script", 403),
    ("same-site", "no-cors", "image", 403),
])  # fmt: skip
def test_other_pages_may_link_but_not_embed(inside: Inside, site: str, mode: str, dest: str, status: int) -> None:
    headers = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": dest}
    assert inside.get(cookie=inside.cookie, **headers)[0] == status


def test_every_answer_carries_the_safety_headers(inside: Inside) -> None:
    get = inside.client.get
    answers = [get("/", headers={"cookie": inside.cookie}), get("/?link=wrong"), get("/door/nothing")]
    answers += [get("/", headers={"host": "evil.example"}), get("/", headers={"service-worker": "script"})]
    answers += [get(path) for path in pages.FILES]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src" in policy and "frame-ancestors 'none'" in policy
        assert "'unsafe-eval'" not in policy and "'unsafe-inline'" not in policy.split("style-src")[0]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert answers[0].headers["x-own"] == "kept"
    assert "'sha256-abc='" in answers[0].headers["content-security-policy"]
    assert f"ws://{inside.host}" in answers[0].headers["content-security-policy"]
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers[1:])


def test_inline_scripts_are_known_by_their_hash() -> None:
    page = b"<head><script>\n go() \n</script><script src='x.js'></script></head>"
    digest = base64.b64encode(hashlib.sha256(b"\n go() \n").digest()).decode()
    assert guard.script_hashes(page) == [f"'sha256-{digest}'"]


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1:8501"])
@pytest.mark.parametrize("path", ["/", "/sw.js", "/door/challenge", "/deep/er/worker.js?link=x"])
def test_a_planted_service_worker_is_replaced_before_any_other_check(inside: Inside, host: str, path: str) -> None:
    headers = {
        "service-worker": "script",
        "host": host,
        "origin": "http://evil.example",
        "sec-fetch-site": "cross-site",
    }
    answer = inside.client.get(path, headers=headers)
    assert answer.status_code == 200 and "registration.unregister()" in answer.text
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-store" and answer.headers["service-worker-allowed"] == "/"


def test_no_page_of_the_door_runs_a_script_of_its_own_text(inside: Inside) -> None:
    for text in (inside.get()[1], inside.get("/?link=x")[1], inside.get(host="evil.example")[1]):
        assert not re.search(r"<script(?! type=\"module\" src=\"/door/)|javascript:|onerror", text)


def test_streams_of_those_who_are_shut_out_end(inside: Inside) -> None:
    """Also Streamlit's own, which knows nothing of sessions."""
    session = inside.door.sessions.find(inside.host, [inside.cookie.encode()])
    assert session is not None
    with inside.client.websocket_connect(
        f"ws://{inside.host}/live", headers={"cookie": inside.cookie, "origin": inside.origin}
    ) as connection:
        assert connection.receive_text() == INSIDE
        connection.portal.call(inside.door.shut_out_others, None)  # type: ignore[attr-defined]
        with pytest.raises(WebSocketDisconnect) as ended:
            connection.receive_text()
        assert ended.value.code == guard.CLOSE_SHUT_OUT
    refused(inside, {"cookie": inside.cookie, "origin": inside.origin})


def test_a_stream_that_ended_says_nothing_more(inside: Inside) -> None:
    async def run() -> list[Message]:
        said: list[Message] = []

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            said.append(message)

        async def app(scope: object, receive: object, send: object) -> None:
            session = inside.door.sessions.find(inside.host, [inside.cookie.encode()])
            assert session is not None
            session.end()
            for _ in range(2):
                await send({"type": "websocket.send", "text": "a secret"})  # type: ignore[operator]
            assert (await receive())["type"] == "websocket.disconnect"  # type: ignore[operator]

        headers = [(b"host", inside.host.encode()), (b"origin", inside.origin.encode())]
        headers.append((b"cookie", inside.cookie.encode()))
        guarded = guard.Guard(app, door=inside.door)  # type: ignore[arg-type]
        await guarded({"type": "websocket", "path": "/live", "headers": headers, "server": None}, receive, send)
        return said

    started = time.monotonic()
    assert [message["type"] for message in asyncio.run(run())] == ["websocket.close"]
    assert time.monotonic() - started < 30
