"""The door: login by a link, return by a key, and the page that asks for a link.

Law of this file: it answers requests that the guard hands to it; none of them needs a session. It decides by `Links`,
`Sessions`, `Challenges` and `Place`; it knows no Streamlit and no node. Everything runs on the server's loop.

A GET changes nothing, so a program that fetches a link in advance (a preview, a virus scanner, the browser itself)
doesn't use it up. The page behind the link takes the code out of the address and sends it by POST.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import urllib.parse
from typing import NamedTuple, TypeVar

import msgspec
from starlette.types import Receive, Scope, Send

from dashboard import challenges, pages
from dashboard.challenges import Challenges
from dashboard.hosts import Hosts, Kind
from dashboard.links import PARAMETER, Links
from dashboard.place import Place
from dashboard.sessions import Session, Sessions
from node.errors import ConfigError

log = logging.getLogger("snicher.dashboard")

#: Everything of the door lies below this path.
PATH = "/door/"
#: Largest body of a request, in bytes; a usual one has a few hundred.
MAX_BODY_BYTES = 4096
#: Timeout of a body, in seconds; it usually follows its head at once.
BODY_S = 10.0
#: A query longer than this is not searched for a code (the server's own limit for a head is 64 KiB).
MAX_QUERY_BYTES = 16 * 1024

_Headers = list[tuple[bytes, bytes]]
_T = TypeVar("_T")


class Request(NamedTuple):
    """A request as checked by the guard. `session`: the session of its cookie, if the cookie is known."""

    host: str
    kind: Kind
    origin: str | None
    session: Session | None


class _Question(msgspec.Struct):
    """A browser (or `--link`) asks the server to authenticate."""

    question: str


class _Entry(msgspec.Struct):
    """A browser logs in by a link; `key`: its public key, if it can store one."""

    link: str
    key: str | None = None


class _Answer(msgspec.Struct):
    """A browser answers a challenge; `browser`: the id of its key. The owner's `--link` has none."""

    question: str
    challenge: str
    signature: str
    browser: str = ""


class Door:
    """The door of one dashboard."""

    def __init__(self, place: Place, hosts: Hosts) -> None:
        self.place = place
        self.hosts = hosts
        self.links = Links()
        self.sessions = Sessions(f"snicher-{hosts.port}")
        self._challenges = Challenges()

    # -- for the rest of the program

    def new_code(self) -> str:
        """A new code that opens the dashboard once."""
        return self.links.make(time.monotonic())

    def link(self, code: str, host: str | None = None) -> str:
        """The link with this code, at `host` or our usual host."""
        return f"http://{host or self.hosts.home}/?{PARAMETER}={code}"

    def shut_out_others(self, but: Session | None) -> None:
        """End all other sessions with their streams, and forget all other browsers and all links.

        Raises ConfigError when the home can't be written; then they are shut out only until the next start.
        """
        self.links.clear()
        self.sessions.end_others(but)
        self.place.forget_others(but.browser if but else None)

    # -- for the guard

    @staticmethod
    def takes(scope: Scope) -> bool:
        """Whether this request is for the door."""
        return str(scope["path"]).startswith(PATH) or (
            scope["method"] in ("GET", "HEAD") and code_in(scope) is not None
        )

    async def answer(self, scope: Scope, receive: Receive, send: Send, request: Request) -> None:
        """Answer a request for the door."""
        path, method = str(scope["path"]), scope["method"]
        if not path.startswith(PATH):
            await self.ask(scope, send, request)
        elif path == f"{PATH}here" and method == "GET":
            await self._here(scope, send, request)
        elif path in pages.FILES and method in ("GET", "HEAD"):
            await pages.respond(send, 200, pages.FILES[path], pages.SCRIPT)
        elif path in _ASKED and method == "POST":
            body = await _body(receive)
            if body is None:
                await _json(send, 413, {"problem": "too long"})
                return
            await getattr(self, _ASKED[path])(body, send, request)
        else:
            await _json(send, 404, {"problem": "not found"})

    async def ask(self, scope: Scope, send: Send, request: Request) -> None:
        """Send the page that asks for a link, or submits the code in its address. Its script also returns by a key."""
        code = code_in(scope)
        works = code is not None and self.links.works(code, time.monotonic())
        # At a spare host, only a valid link reveals the name.
        name = f"http://{self.hosts.home}" if request.kind is Kind.SPARE and works else ""
        question = challenges.encode(secrets.token_bytes(24))
        page = pages.door(
            host=request.host, name=name, question=question, echo=self._challenges.echo(question) if name else ""
        )
        policy = pages.policy(connect=name)
        await pages.respond(send, 200 if works else 401, page, pages.HTML, policy=policy)

    # -- requests of the door's page and the dashboard's pages

    async def _here(self, scope: Scope, send: Send, request: Request) -> None:
        """Confirm that the name leads to this server. A page at a spare host asks before it gives the name a code."""
        query = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
        question = query.get("question", [""])[0]
        spare = request.origin is not None and request.origin.removeprefix("http://") in self.hosts.spares
        if request.kind is not Kind.NAME or not spare or not challenges.is_question(question):
            await _json(send, 404, {"problem": "not found"})
            return
        assert request.origin is not None
        cors = [(b"access-control-allow-origin", request.origin.encode("latin-1")), (b"vary", b"origin"),
                (b"cross-origin-resource-policy", b"cross-origin")]  # fmt: skip
        await _json(send, 200, {"echo": self._challenges.echo(question)}, cors)

    async def _challenge(self, body: bytes, send: Send, request: Request) -> None:
        """Prove that this is the dashboard, and challenge the browser; `known` says whether its cookie is valid."""
        asked = _decoded(body, _Question)
        if asked is None or not challenges.is_question(asked.question):
            await _json(send, 400, {"problem": "malformed"})
            return
        challenge = self._challenges.make(request.host, asked.question, time.monotonic())
        text = challenges.statement(challenges.SERVER, request.host, asked.question, challenge)
        signature = challenges.sign(self.place.key, text)
        known = request.session is not None
        # Clear the browser's cache: another server on our addresses may have put something there while we were away.
        extra = [] if known else [pages.CLEAR_CACHE]
        await _json(send, 200, {"challenge": challenge, "signature": signature, "known": known}, extra)

    async def _enter(self, body: bytes, send: Send, request: Request) -> None:
        """Let in a browser with a valid link, and register its key."""
        asked = _decoded(body, _Entry)
        if asked is None:
            await _json(send, 400, {"problem": "malformed"})
            return
        if asked.key is not None and challenges.read_key(asked.key) is None:
            await _json(send, 400, {"problem": "malformed"})
            return
        if not self.links.use(asked.link, time.monotonic()):
            await _json(send, 200, {"in": False})
            return
        browser = None
        if asked.key is not None:
            try:
                browser = self.place.register(request.host, asked.key, int(time.time()))
            except ConfigError as error:
                # Let it in all the same, because its link is used up. It needs another one after the next start.
                log.warning("%s This browser will need a link again.", error)
        await self._let_in(send, request, browser, {"browser": browser, "server": self.place.public_key})

    async def _return(self, body: bytes, send: Send, request: Request) -> None:
        """Let in a browser that proves that it has a registered key."""
        asked = _decoded(body, _Answer)
        browser = self.place.find(asked.browser, request.host) if asked else None
        if asked is None or browser is None or not self._proves(asked, challenges.BROWSER, browser.key, request.host):
            await _json(send, 200, {"in": False})
            return
        self.place.used(browser, int(time.time()))
        await self._let_in(send, request, browser.id, {})

    async def _link(self, body: bytes, send: Send, request: Request) -> None:
        """Give another link to a program that can read the home: `--link` signs with the key stored there."""
        asked = _decoded(body, _Answer)
        if asked is None or not self._proves(asked, challenges.OWNER, self.place.public_key, request.host):
            await _json(send, 403, {"problem": "not allowed"})
            return
        await _json(send, 200, {"code": self.new_code()})

    def _proves(self, answer: _Answer, who: str, key: str, host: str) -> bool:
        public = challenges.read_key(key)
        text = challenges.statement(who, host, answer.question, answer.challenge)
        if public is None or "\n" in answer.question + answer.challenge:
            return False
        # Verify the signature first, so that only a valid answer uses the challenge up.
        return challenges.verifies(public, answer.signature, text) and self._challenges.use(
            answer.challenge, host, answer.question, time.monotonic()
        )

    async def _let_in(self, send: Send, request: Request, browser: str | None, told: dict[str, str | None]) -> None:
        cookie, word = self.sessions.begin(request.host, browser)
        # The Origin tells whether the browser uses https, also behind a proxy; so no proxy header must be trusted.
        secure = "; Secure" if (request.origin or "").startswith("https://") else ""
        line = f"{self.sessions.cookie}={cookie}; Path=/; HttpOnly; SameSite=Strict{secure}"
        extra = [(b"set-cookie", line.encode("latin-1")), pages.CLEAR_CACHE]
        await _json(send, 200, {"in": True, "pass": word, **told}, extra)


_ASKED = {
    f"{PATH}challenge": "_challenge",
    f"{PATH}enter": "_enter",
    f"{PATH}return": "_return",
    f"{PATH}link": "_link",
}


def code_in(scope: Scope) -> str | None:
    """The code in a request's query, if there is one."""
    query = scope.get("query_string", b"")
    if PARAMETER.encode() + b"=" not in query or len(query) > MAX_QUERY_BYTES:
        return None
    pairs = urllib.parse.parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return next((value.strip() for name, value in pairs if name == PARAMETER), None)


def _decoded(body: bytes, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None when it is too long, too slow, or breaks off."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    return None
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        return None


async def _json(send: Send, status: int, told: dict[str, object], extra: _Headers | None = None) -> None:
    await pages.respond(send, status, msgspec.json.encode(told), "application/json", extra=extra or [])
