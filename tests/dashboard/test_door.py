from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from dashboard import challenges, door, guard, hosts, pages
from dashboard.challenges import encode, sign, statement, verifies
from dashboard.place import Place
from tests.dashboard.test_guard import INSIDE, page

PORT = 8501
SPARE = f"127.0.0.1:{PORT}"
QUESTION = encode(b"q" * 24)


class Visitor:
    """A browser with a key of its own."""

    def __init__(self, home: pathlib.Path) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PublicFormat.UncompressedPoint
        self.public = encode(self.key.public_key().public_bytes(serialization.Encoding.X962, form))
        self.id = ""
        self.start(home)

    def start(self, home: pathlib.Path) -> None:
        """The dashboard is started (again)."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        place = Place(home, "127.0.0.1", PORT)
        self.door = door.Door(place, hosts.hosts_of("127.0.0.1", PORT, place.name, ["chat.example"]))
        self.host = self.door.hosts.home
        app = guard.Guard(Starlette(routes=[Route("/{rest:path}", page)]), door=self.door)
        self.client = TestClient(app, base_url=f"http://{self.host}", follow_redirects=False)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        answer = self.client.post(f"/door/{path}", json=body, headers={"origin": f"http://{self.host}", **headers})
        return answer.json() if answer.status_code == 200 else answer.status_code

    def enter(self, code: str) -> Any:
        told = self.post("enter", {"link": code, "key": self.public})
        self.id = told.get("browser") or self.id
        return told

    def answer(
        self, who: str = "browser", key: ec.EllipticCurvePrivateKey | None = None, **more: str
    ) -> dict[str, str]:
        """An answer to a new challenge."""
        challenge = self.post("challenge", {"question": QUESTION})["challenge"]
        signature = sign(key or self.key, statement(who, self.host, QUESTION, challenge))
        return {"browser": self.id, "question": QUESTION, "challenge": challenge, "signature": signature, **more}


@pytest.fixture
def visitor(tmp_path: pathlib.Path) -> Iterator[Visitor]:
    yield Visitor(tmp_path)


def test_looking_a_link_up_does_not_use_it_up(visitor: Visitor) -> None:
    code = visitor.door.new_code()
    for method in ("GET", "HEAD"):
        for _ in range(3):
            answer = visitor.client.request(method, f"/peers?room=1&link={code}")
            assert answer.status_code == 200 and "set-cookie" not in answer.headers
            assert code not in answer.text and INSIDE not in answer.text
    assert visitor.enter(code)["in"] is True


def test_a_link_lets_in_once(visitor: Visitor) -> None:
    code = visitor.door.new_code()
    answer = visitor.client.post("/door/enter", json={"link": code}, headers={"origin": f"http://{visitor.host}"})
    told = answer.json()
    assert told["in"] is True and told["server"] == visitor.door.place.public_key and told["browser"] is None
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"snicher-{PORT}=") and "Secure" not in cookie and "Domain" not in cookie
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/"))
    assert told["pass"] not in cookie and code not in cookie
    assert answer.headers["clear-site-data"] == '"cache"'
    assert visitor.client.get("/").text == INSIDE
    for wrong in (code, "", "wrong", code[:-1]):
        refused = visitor.client.post("/door/enter", json={"link": wrong})
        assert refused.json() == {"in": False} and "set-cookie" not in refused.headers


def test_a_link_is_not_for_other_pages_to_use(visitor: Visitor) -> None:
    code = visitor.door.new_code()
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}):
        assert visitor.post("enter", {"link": code}, **headers) == 403
    assert visitor.enter(code)["in"] is True


def test_behind_https_the_cookie_is_secure(visitor: Visitor) -> None:
    headers = {"host": "chat.example", "origin": "https://chat.example"}
    answer = visitor.client.post("/door/enter", json={"link": visitor.door.new_code()}, headers=headers)
    assert "; Secure" in answer.headers["set-cookie"]
    # What a proxy's headers say doesn't count.
    headers = {"x-forwarded-proto": "https", "origin": f"http://{visitor.host}"}
    answer = visitor.client.post("/door/enter", json={"link": visitor.door.new_code()}, headers=headers)
    assert "Secure" not in answer.headers["set-cookie"]


def test_a_browser_comes_back_by_its_key_after_a_new_start(visitor: Visitor, tmp_path: pathlib.Path) -> None:
    visitor.enter(visitor.door.new_code())
    visitor.start(tmp_path)
    assert visitor.client.get("/").status_code == 401
    told = visitor.post("return", visitor.answer())
    assert told["in"] is True and visitor.door.sessions.passes(told["pass"], visitor.host)
    assert visitor.client.get("/").text == INSIDE


def test_the_server_proves_itself_first(visitor: Visitor) -> None:
    told = visitor.post("challenge", {"question": QUESTION})
    text = statement("server", visitor.host, QUESTION, told["challenge"])
    key = challenges.read_key(visitor.enter(visitor.door.new_code())["server"])
    assert key is not None and verifies(key, told["signature"], text)
    assert told["known"] is False and visitor.post("challenge", {"question": QUESTION})["known"] is True


def test_no_other_proof_lets_in(visitor: Visitor, tmp_path: pathlib.Path) -> None:
    visitor.enter(visitor.door.new_code())
    visitor.start(tmp_path)
    stranger = ec.generate_private_key(ec.SECP256R1())
    once = visitor.answer()
    assert visitor.post("return", once)["in"] is True
    visitor.client.cookies.clear()
    wrong = [
        once,
        visitor.answer(key=stranger),
        visitor.answer(who="server"),
        visitor.answer(who="owner"),
        visitor.answer(browser="unknown"),
        visitor.answer(signature=once["signature"]),
        visitor.answer(challenge=once["challenge"]),
        visitor.answer(challenge=""),
        visitor.answer(question=encode(b"r" * 24)),
        visitor.answer(question=QUESTION + "\nx"),
    ]
    for answer in wrong:
        assert visitor.post("return", answer) == {"in": False}
    answer = visitor.answer()
    told = visitor.client.post("/door/return", json=answer, headers={"host": "chat.example"}).json()
    assert told == {"in": False}, "what is signed for one host means nothing at another"
    assert visitor.client.get("/").status_code == 401
    assert visitor.post("return", visitor.answer())["in"] is True


def test_who_is_shut_out_does_not_come_back(visitor: Visitor, tmp_path: pathlib.Path) -> None:
    visitor.enter(visitor.door.new_code())
    link = visitor.door.new_code()
    visitor.door.shut_out_others(None)
    assert visitor.client.get("/").status_code == 401
    assert visitor.post("return", visitor.answer()) == {"in": False} and visitor.enter(link) == {"in": False}
    visitor.start(tmp_path)
    assert visitor.post("return", visitor.answer()) == {"in": False}


def test_the_key_of_the_home_asks_for_another_link(visitor: Visitor) -> None:
    answer = visitor.answer(who="owner", key=visitor.door.place.key)
    code = visitor.post("link", answer)["code"]
    assert visitor.post("link", answer) == 403, "a proof works once"
    for wrong in (visitor.answer(who="owner"), visitor.answer(who="server", key=visitor.door.place.key)):
        assert visitor.post("link", wrong) == 403
    assert visitor.enter(code)["in"] is True


def test_only_a_link_that_works_leads_from_127_0_0_1_to_the_name(visitor: Visitor) -> None:
    code = visitor.door.new_code()
    for host in (SPARE, f"localhost:{PORT}", f"[::1]:{PORT}"):
        for query in ("", "?link=wrong", "?link="):
            answer = visitor.client.get(f"/{query}", headers={"host": host})
            assert answer.status_code == 401
            assert visitor.host not in answer.text + str(answer.headers)
        answer = visitor.client.get(f"/?link={code}", headers={"host": host})
        assert f'data-name="http://{visitor.host}"' in answer.text
        connect = re.search(r"connect-src ([^;]*)", answer.headers["content-security-policy"])
        assert connect and connect[1] == f"'self' http://{visitor.host}", "exactly the name may be asked"
        assert "127.0.0.1" not in visitor.client.get("/").headers["content-security-policy"]


def test_the_name_shows_that_it_is_this_server(visitor: Visitor) -> None:
    text = visitor.client.get(f"/?link={visitor.door.new_code()}", headers={"host": SPARE}).text
    question, echo = (re.search(rf'data-{name}="([^"]+)"', text)[1] for name in ("question", "echo"))  # type: ignore[index]
    path = f"/door/here?question={question}"
    headers = {"origin": f"http://{SPARE}", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
    answer = visitor.client.get(path, headers=headers)
    assert answer.json() == {"echo": echo} and answer.headers["access-control-allow-origin"] == f"http://{SPARE}"
    for wrong in ({}, {"origin": "http://evil.example"}, {**headers, "host": SPARE}, {"origin": "http://127.0.0.1:9"}):
        refused = visitor.client.get(path, headers=wrong)
        assert refused.status_code == 404 and "access-control-allow-origin" not in refused.headers
    assert visitor.client.get("/door/here", headers=headers).status_code == 404


def test_a_browser_without_the_name_can_stay_at_127_0_0_1(visitor: Visitor) -> None:
    headers = {"host": SPARE, "origin": f"http://{SPARE}"}
    told = visitor.client.post("/door/enter", json={"link": visitor.door.new_code()}, headers=headers)
    cookie = told.headers["set-cookie"].partition(";")[0]
    visitor.client.cookies.clear()
    assert visitor.client.get("/", headers={"host": SPARE, "cookie": cookie}).text == INSIDE
    assert visitor.client.get("/", headers={"cookie": cookie}).status_code == 401


@pytest.mark.parametrize(("path", "body", "status"), [
    ("enter", b"", 400), ("enter", b"[]", 400), ("enter", b'{"link": 1}', 400), ("enter", b"\xff", 400),
    ("enter", b'{"link": "x", "key": "none"}', 400), ("challenge", b'{"question": "short"}', 400),
    ("challenge", b"{", 400), ("return", b"{}", 200), ("link", b"{}", 403), ("enter", b" " * 5000, 413),
    ("nothing", b"{}", 404), ("", b"{}", 404),
])  # fmt: skip
def test_what_is_no_question_is_refused(visitor: Visitor, path: str, body: bytes, status: int) -> None:
    answer = visitor.client.post(f"/door/{path}", content=body, headers={"origin": f"http://{visitor.host}"})
    assert answer.status_code == status and "set-cookie" not in answer.headers


def test_a_browser_whose_key_can_not_be_kept_is_let_in_all_the_same(visitor: Visitor) -> None:
    visitor.door.place.path.unlink()
    visitor.door.place.path.parent.rmdir()
    told = visitor.enter(visitor.door.new_code())
    assert told["in"] is True and told["browser"] is None


def test_the_scripts_of_the_door_are_served_to_everybody_under_a_path_of_this_start(visitor: Visitor) -> None:
    assert {path.rpartition("/")[2] for path in pages.FILES} == {"page.js", "browser.js", "door.js"}
    for path in pages.FILES:
        answer = visitor.client.get(path)
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        assert re.match(r"/door/[0-9a-f]{16}/", path)
        # Behind a proxy that changes the Host, the Origin of a module's request isn't the Host.
        assert visitor.client.get(path, headers={"origin": "https://chat.example"}).status_code == 200
    assert visitor.client.get("/door/page.js").status_code == 404


@pytest.mark.parametrize("path", ["challenge", "enter", "return", "link"])
@pytest.mark.parametrize(
    "body",
    [b"[" * 4_000, b'{"x":' * 800, b'{"link": "\xff"}', b'{"question": "\\ud800"}', b'{"link": NaN}', b"\x00", b""],
    ids=["lists", "objects", "no text", "half a pair", "no number", "a NUL", "nothing"],
)
def test_a_hostile_body_is_refused_and_lets_nobody_in(visitor: Visitor, path: str, body: bytes) -> None:
    answer = visitor.client.post(f"/door/{path}", content=body, headers={"origin": f"http://{visitor.host}"})
    assert answer.status_code in (200, 400, 403) and "set-cookie" not in answer.headers
    assert answer.status_code != 200 or answer.json() == {"in": False}
