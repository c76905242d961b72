"""Access control: a pure ASGI guard in front of every page, asset and WebSocket of the dashboard.

Law of this file: it decides from the request's head alone, before anything else of the server sees the request. It
knows no Streamlit and no node. (Starlette's BaseHTTPMiddleware doesn't see WebSockets; so this is plain ASGI.)

In this order: a request for a service worker's script gets the one that goes (pages.py says why); the Host must be one
of ours (DNS rebinding); the Origin must equal the Host (other pages, also those on other ports of this machine, which
count as the same site); what is for the door goes to the door; everything else needs the cookie of a session.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import pages
from dashboard.door import PATH, Door, Request
from dashboard.hosts import Kind

#: Key of a WebSocket's session in its scope.
SESSION = "snicher.session"
#: WebSocket close code: the session has ended. (4000 to 4999 are free for applications, RFC 6455 section 7.4.2.)
CLOSE_SHUT_OUT = 4004

_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_HOST_NAME = re.compile(r"[a-z0-9_.-]{1,253}", re.ASCII)


def script_hashes(index_page: bytes) -> list[str]:
    """CSP sources for the inline scripts of the served page, so that no other inline script ever runs."""
    found = _INLINE_SCRIPT.findall(index_page)
    return [f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in found]


def content_security_policy(host: str, inline: Iterable[str]) -> str:
    """The policy for pages of `host` (an accepted Host header).

    `blob:` scripts are how Streamlit starts a component's module; `'wasm-unsafe-eval'` is for its tables. Styles must
    be allowed inline, Streamlit makes them on the fly. Nothing of another origin is ever fetched.
    """
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self' blob: 'wasm-unsafe-eval'", *inline)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' ws://{host} wss://{host}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class Guard:
    """ASGI middleware that lets in requests with a session, and puts safety headers on every answer.

    `inline`: CSP sources of the inline scripts of the page behind the guard.
    """

    def __init__(self, app: ASGIApp, *, door: Door, inline: Iterable[str] = ()) -> None:
        self._app = app
        self._door = door
        self._inline = tuple(inline)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._look(scope)
        # Browsers always send Origin with a WebSocket, so a request without it isn't from a tab of ours.
        if request is None or request.session is None or not _same_origin(request, required=True):
            await receive()
            # Closing before accepting makes the server answer with 403.
            await send({"type": "websocket.close", "code": 1008, "reason": "Not allowed."})
            return
        stream = _Stream(receive, send)
        request.session.add(stream.shut_out)
        try:
            await self._app({**scope, SESSION: request.session}, stream.receive, stream.send)
        finally:
            request.session.discard(stream.shut_out)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        if headers.get(b"service-worker") == [b"script"]:
            # The worker's scope may be wider than the folder of its script.
            wider = [(b"service-worker-allowed", b"/")]
            await pages.respond(send, 200, pages.WORKER, pages.SCRIPT, extra=wider)
            return
        request = self._look(scope)
        if request is None:
            page = pages.wrong_address(_name_in(headers.get(b"host", [])))
            await pages.respond(send, 421, page, pages.HTML, policy=pages.policy())
            return
        # A page at a spare host may ask this. And behind a proxy that changes the Host, the page needs its scripts to
        # explain the fault. Neither holds a secret.
        for_all = str(scope["path"]) == f"{PATH}here" or scope["path"] in pages.FILES
        if not for_all and (not _same_origin(request, required=False) or _foreign_fetch(headers)):
            page = pages.foreign_origin(request.host, request.origin or "another page")
            await pages.respond(send, 403, page, pages.HTML, policy=pages.policy())
            return
        if self._door.takes(scope):
            await self._door.answer(scope, receive, send, request)
            return
        if request.session is None:
            await self._door.ask(scope, send, request)
            return
        policy = content_security_policy(request.host, self._inline)
        await self._app(scope, receive, _with_headers(send, pages.safety(policy)))

    def _look(self, scope: Scope) -> Request | None:
        """The request of this head; None unless it has exactly one Host, which is ours."""
        headers = _headers(scope)
        values = headers.get(b"host", [])
        host = values[0].decode("latin-1").strip().lower() if len(values) == 1 else ""
        server = scope.get("server")
        kind: Kind | None = self._door.hosts.kind(host, server[0] if server else None)
        if kind is None:
            return None
        origins = headers.get(b"origin", [])
        # A browser never sends several; together they equal nothing.
        origin = " ".join(one.decode("latin-1").lower() for one in origins) if origins else None
        return Request(host, kind, origin, self._door.sessions.find(host, headers.get(b"cookie", [])))


class _Stream:
    """A WebSocket that is closed from here when its session ends."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._ended = asyncio.Event()
        self._closed = False

    def shut_out(self) -> None:
        self._ended.set()

    async def receive(self) -> Message:
        """The browser's next message, or a disconnect if the session ended first."""
        if not self._ended.is_set():
            coming = asyncio.ensure_future(self._receive())
            ending = asyncio.ensure_future(self._ended.wait())
            try:
                await asyncio.wait({coming, ending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ending.cancel()
                if not coming.done():
                    coming.cancel()
            if coming.done() and not coming.cancelled() and not self._ended.is_set():
                return coming.result()
        await self._close()
        return {"type": "websocket.disconnect", "code": CLOSE_SHUT_OUT, "reason": "Shut out."}

    async def send(self, message: Message) -> None:
        """Send to the browser, unless the session has ended."""
        if self._ended.is_set():
            await self._close()
        if not self._closed:
            await self._send(message)

    async def _close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": CLOSE_SHUT_OUT, "reason": "Shut out."})


def _headers(scope: Scope) -> dict[bytes, list[bytes]]:
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    return headers


def _same_origin(request: Request, *, required: bool) -> bool:
    if request.origin is None:
        return not required
    return request.origin in (f"http://{request.host}", f"https://{request.host}")


def _foreign_fetch(headers: dict[bytes, list[bytes]]) -> bool:
    """Whether another site's page embeds or fetches from us. It may only link to us (navigate the browser here)."""
    site = headers.get(b"sec-fetch-site", [b"none"])[0]
    if site in (b"none", b"same-origin"):
        return False
    mode = headers.get(b"sec-fetch-mode", [b""])[0]
    return mode != b"navigate" or headers.get(b"sec-fetch-dest", [b"document"])[0] != b"document"


def _name_in(values: list[bytes]) -> str:
    """The host's name in a Host header that isn't ours, if it can be shown; "" otherwise."""
    name = values[0].decode("latin-1").strip().lower().partition(":")[0] if len(values) == 1 else ""
    return name if _HOST_NAME.fullmatch(name) else ""


def _with_headers(send: Send, extra: list[tuple[bytes, bytes]]) -> Send:
    ours = {name for name, _ in extra}

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in ours]
            message = {**message, "headers": [*kept, *extra]}
        await send(message)

    return wrapped
