from __future__ import annotations

import base64
import hashlib
import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard import guard
from node.errors import ConfigError

TOKEN = "t0ken-" + "x" * 40
ORIGIN = "http://127.0.0.1:8501"
INSIDE = "inside"


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(INSIDE, headers={"x-frame-options": "ALLOWALL", "x-own": "kept"})


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(INSIDE)
    await websocket.close()


@pytest.fixture
def client() -> TestClient:
    app = guard.Guard(
        Starlette(routes=[Route("/{rest:path}", page, methods=["GET", "POST"]), WebSocketRoute("/live", socket)]),
        hosts=guard.hosts_of("127.0.0.1", 8501),
        token=TOKEN,
        cookie="snicher-8501",
        hint="/home/anna/dashboard.token",
        inline=["'sha256-abc='"],
    )
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


@pytest.fixture
def inside(client: TestClient) -> TestClient:
    assert client.get(f"/?token={TOKEN}").status_code == 303
    return client


def test_without_the_token_nothing_is_seen(client: TestClient) -> None:
    for path in ("/", "/_stcore/health", "/static/js/index.js", "/peers", "/ui/x/shared/store.js"):
        answer = client.get(path)
        assert answer.status_code == 401
        assert INSIDE not in answer.text and "/home/anna/dashboard.token" in answer.text
        assert "link" in answer.text
    assert client.post("/").status_code == 401


def test_the_link_lets_in_and_leaves_the_address_clean(client: TestClient) -> None:
    answer = client.get(f"/peers?room=a%20b&token={TOKEN}&x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/peers?room=a+b&x=1"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert cookie.startswith("snicher-8501=")
    assert client.get("/").text == INSIDE


def test_a_link_clicked_elsewhere_goes_on_by_itself(client: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    answer = client.get(f"/?room=1&token={TOKEN}", headers=headers)
    assert answer.status_code == 200 and 'url=/?room=1"' in answer.text
    assert TOKEN not in answer.text


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "///evil.example"])
def test_the_link_leads_nowhere_else(client: TestClient, path: str) -> None:
    location = client.get(f"{ORIGIN}{path}?token={TOKEN}").headers["location"]
    assert location.startswith("/") and not location.startswith(("//", "/\\"))


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "%00", "é"])
def test_a_wrong_token_is_refused_with_a_plain_page(client: TestClient, token: str) -> None:
    answer = client.get(f"/?token={token}")
    assert answer.status_code == 401 and "set-cookie" not in answer.headers
    assert "isn't valid" in answer.text


def test_a_wrong_cookie_is_refused(client: TestClient) -> None:
    for cookie in ("snicher-8501=wrong", f"other={TOKEN}", f"snicher-8502={TOKEN}", "snicher-8501", ""):
        assert client.get("/", headers={"cookie": cookie}).status_code == 401
    assert client.get("/", headers={"cookie": f"a=b; snicher-8501={TOKEN}"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:8502", "127.0.0.1.evil.example:8501", ""])
def test_foreign_hosts_are_refused(inside: TestClient, host: str) -> None:
    answer = inside.get("/", headers={"host": host, "cookie": f"snicher-8501={TOKEN}"})
    assert answer.status_code == 421 and INSIDE not in answer.text


@pytest.mark.parametrize("host", ["localhost:8501", "LOCALHOST:8501", "[::1]:8501"])
def test_other_names_of_this_machine_are_fine(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host, "cookie": f"snicher-8501={TOKEN}"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:3000", "http://localhost:8501", "null", ""]
)
def test_foreign_origins_are_refused(inside: TestClient, origin: str) -> None:
    assert inside.post("/", headers={"origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        inside.websocket_connect("ws://127.0.0.1:8501/live", headers={"origin": origin}),
    ):
        pass


def test_the_socket_needs_origin_and_cookie(client: TestClient) -> None:
    url = "ws://127.0.0.1:8501/live"
    cookie = {"cookie": f"snicher-8501={TOKEN}"}
    for headers in ({}, {"origin": ORIGIN}, cookie, {**cookie, "origin": ORIGIN, "host": "evil.example"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(url, headers=headers):
            pass
    with client.websocket_connect(url, headers={**cookie, "origin": ORIGIN}) as connection:
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
def test_other_pages_may_link_but_not_embed(inside: TestClient, site: str, mode: str, dest: str, status: int) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    assert inside.get("/", headers=headers).status_code == status


def test_every_answer_carries_the_safety_headers(inside: TestClient) -> None:
    answers = [inside.get("/"), inside.get("/?token=wrong"), inside.get("/", headers={"host": "evil.example"})]
    answers.append(inside.get(f"/?token={TOKEN}"))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "'unsafe-eval'" not in policy and "'unsafe-inline'" not in policy.split("style-src")[0]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert answers[0].headers["x-own"] == "kept"
    assert "'sha256-abc='" in answers[0].headers["content-security-policy"]
    assert "ws://127.0.0.1:8501" in answers[0].headers["content-security-policy"]


def test_inline_scripts_are_known_by_their_hash() -> None:
    page = b"<head><script>\n go() \n</script><script src='x.js'></script></head>"
    digest = base64.b64encode(hashlib.sha256(b"\n go() \n").digest()).decode()
    assert guard.script_hashes(page) == [f"'sha256-{digest}'"]


def test_listening_to_the_network_needs_a_token() -> None:
    for address in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        guard.check_listening(address, "")
    for address in ("0.0.0.0", "::", "192.168.1.20", "example.org"):
        with pytest.raises(ConfigError, match="token"):
            guard.check_listening(address, "")
        guard.check_listening(address, TOKEN)
    with pytest.raises(ConfigError):
        guard.Guard(Starlette(), hosts=frozenset(), token="", cookie="c", hint="h")


def test_hosts_when_listening_elsewhere() -> None:
    assert guard.hosts_of("192.168.1.20", 80, ["Anna.local"]) == {"192.168.1.20:80", "anna.local:80"}
    assert "[fe80::1]:80" in guard.hosts_of("fe80::1", 80)


def test_the_page_that_asks_has_no_script(client: TestClient) -> None:
    assert not re.search(r"<script|javascript:|onerror", client.get("/").text)


def test_a_new_token_shuts_out_who_knows_only_the_old_one() -> None:
    tokens = [TOKEN]
    app = guard.Guard(
        Starlette(routes=[Route("/{rest:path}", page), WebSocketRoute("/live", socket)]),
        hosts=guard.hosts_of("127.0.0.1", 8501), token=lambda: tokens[-1], cookie="snicher-8501", hint="",
    )  # fmt: skip
    client = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    assert client.get(f"/?token={TOKEN}").status_code == 303
    assert client.get("/").text == INSIDE
    tokens.append("new-" + "y" * 40)
    assert client.get("/").status_code == 401
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://127.0.0.1:8501/live", headers={"origin": ORIGIN}),
    ):
        pass
    assert client.get(f"/?token={TOKEN}").status_code == 401
    assert client.get(f"/?token={tokens[-1]}").status_code == 303
    assert client.get("/").text == INSIDE
