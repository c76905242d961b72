"""Who may come in: a pure ASGI guard in front of every page, asset and WebSocket of the dashboard.

Law of this file: it decides from the request's head alone, before anything else of the server sees the request. It
knows no Streamlit and no node. (Starlette's BaseHTTPMiddleware doesn't see WebSockets; so this is plain ASGI.)

In this order: the Host must be one of ours (DNS rebinding), the Origin must equal the Host (other pages, also those on
other ports of this machine, which count as the same site), then the token, from a cookie or once from the link.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import ipaddress
import re
import urllib.parse
from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.errors import ConfigError

#: How long a browser stays let in, in seconds. The token itself lives until its file is deleted.
COOKIE_SECONDS = 180 * 24 * 3600
#: A query longer than this is not searched for a token (the server's own limit is 64 KiB).
MAX_QUERY_BYTES = 16 * 1024

_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)

_PLAIN_HEADERS: list[tuple[bytes, bytes]] = [
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), usb=()"),
]


def is_loopback(address: str) -> bool:
    """Whether only programs of this machine can reach what listens on `address`."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def check_listening(address: str, token: str) -> None:
    """Raise ConfigError when the dashboard may not listen on `address` with this token ("" for none)."""
    if not token and not is_loopback(address):
        raise ConfigError(f"The dashboard doesn't listen on {address} without a token: anybody could read along.")


def hosts_of(address: str, port: int, further: Iterable[str] = ()) -> frozenset[str]:
    """The Host headers to accept when listening on `address` and `port`; `further` are names without a port."""
    names = set(further)
    if is_loopback(address):
        names |= {"127.0.0.1", "localhost", "[::1]"}
    else:
        names.add(f"[{address}]" if ":" in address else address)
    return frozenset(f"{name.lower()}:{port}" for name in names)


def script_hashes(index_page: bytes) -> list[str]:
    """CSP sources for the inline scripts of the page that is served, so that no other inline script ever runs."""
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
    """ASGI middleware that lets in who holds the token, and puts safety headers on every answer.

    `hosts` are the accepted Host headers; `cookie` is the cookie's name (with the port in it: browsers send cookies of
    127.0.0.1 to all its ports); `hint` is where the token is kept, for the page that asks for it. `token` may be a call
    that gives the token as it is now: then a new one shuts out who knows only the old one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        token: str | Callable[[], str],
        cookie: str,
        hint: str,
        inline: Iterable[str] = (),
    ) -> None:
        if not token:
            raise ConfigError("The dashboard's guard needs a token.")
        self._app = app
        self._hosts = hosts
        self._key = token
        self._cookie = cookie
        self._hint = hint
        self._inline = tuple(inline)

    @property
    def _token(self) -> bytes:
        return (self._key if isinstance(self._key, str) else self._key()).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        host = self._host(headers)
        # Browsers always send Origin with a WebSocket; who doesn't is no browser tab of ours.
        if host is None or not _same_origin(headers, host, required=True) or not self._knows(headers):
            await receive()
            # Closing before accepting makes the server answer with 403.
            await send({"type": "websocket.close", "code": 1008, "reason": "Not allowed."})
            return
        await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        host = self._host(headers)
        if host is None:
            text = "<p>This dashboard doesn't go by that name. Use the link it printed when it started.</p>"
            await _answer(send, 421, _page("Wrong address", text), self._safety("127.0.0.1"))
            return
        safety = self._safety(host)
        if not _same_origin(headers, host, required=False) or _foreign_fetch(headers):
            await _answer(send, 403, _page("Not allowed", "<p>Another page tried to use this dashboard.</p>"), safety)
            return
        offered, rest = _token_in(scope)
        if offered is not None and scope["method"] in ("GET", "HEAD"):
            if hmac.compare_digest(offered, self._token):
                await self._welcome(scope, headers, rest, send, safety)
            else:
                await _answer(send, 401, self._ask(wrong=True), safety)
            return
        if not self._knows(headers):
            await _answer(send, 401, self._ask(wrong=False), safety)
            return
        await self._app(scope, receive, _with_headers(send, safety))

    def _host(self, headers: dict[bytes, list[bytes]]) -> str | None:
        """The request's Host, if there is exactly one and it is ours."""
        values = headers.get(b"host", [])
        host = values[0].decode("latin-1").strip().lower() if len(values) == 1 else ""
        return host if host in self._hosts else None

    def _knows(self, headers: dict[bytes, list[bytes]]) -> bool:
        """Whether the request carries our cookie with the right token."""
        for line in headers.get(b"cookie", []):
            for pair in line.decode("latin-1").split(";"):
                name, _, value = pair.strip().partition("=")
                if name == self._cookie and hmac.compare_digest(value.encode("latin-1"), self._token):
                    return True
        return False

    def _safety(self, host: str) -> list[tuple[bytes, bytes]]:
        policy = content_security_policy(host, self._inline)
        return [(b"content-security-policy", policy.encode("latin-1")), *_PLAIN_HEADERS]

    async def _welcome(
        self, scope: Scope, headers: dict[bytes, list[bytes]], rest: str, send: Send, safety: list[tuple[bytes, bytes]]
    ) -> None:
        """Remember the browser, and go on to the same page without the token in its address."""
        # From the parsed path only, and never "//host": the target must stay on this server.
        target = "/" + urllib.parse.quote(str(scope["path"]).lstrip("/")) + (f"?{rest}" if rest else "")
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{self._cookie}={self._token.decode()}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Strict"
        extra = [(b"set-cookie", (cookie + secure).encode("latin-1")), (b"cache-control", b"no-store"), *safety]
        if headers.get(b"sec-fetch-site", [b"none"])[0] in (b"none", b"same-origin"):
            await _answer(send, 303, b"", [(b"location", target.encode("latin-1")), *extra])
            return
        # The link was clicked on somebody else's page: a redirect would still count as theirs, and the browser would
        # hold the strict cookie back. A page of our own in between makes the next step ours.
        link = html.escape(target, quote=True)
        onward = f'<meta http-equiv="refresh" content="0; url={link}"><p><a href="{link}">Go on to Snicher</a></p>'
        await _answer(send, 200, _page("Welcome", onward), extra)

    def _ask(self, *, wrong: bool) -> bytes:
        lead = "That link isn't valid (any more)." if wrong else "This dashboard shows only its owner's chats."
        return _page(
            "Open it with your link",
            f"<p>{lead} Open it with the link that was printed in the terminal when it started. It ends with "
            "<code>?token=…</code></p>"
            f"<p>The token is also kept in <code>{html.escape(self._hint)}</code>. You can paste it here:</p>"
            '<form method="get" action="/"><input name="token" type="password" aria-label="Token" autocomplete="off" '
            "autofocus required><button>Open</button></form>"
            '<p class="small">You have opened it here before? <a href="/">Try again</a>.</p>',
        )


def _headers(scope: Scope) -> dict[bytes, list[bytes]]:
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    return headers


def _same_origin(headers: dict[bytes, list[bytes]], host: str, *, required: bool) -> bool:
    origins = headers.get(b"origin", [])
    if not origins:
        return not required
    if len(origins) > 1:
        return False
    return origins[0].decode("latin-1").lower() in (f"http://{host}", f"https://{host}")


def _foreign_fetch(headers: dict[bytes, list[bytes]]) -> bool:
    """Whether another page embeds or fetches from us. It may only link to us (that is, make the browser come here)."""
    site = headers.get(b"sec-fetch-site", [b"none"])[0]
    if site in (b"none", b"same-origin"):
        return False
    mode = headers.get(b"sec-fetch-mode", [b""])[0]
    return mode != b"navigate" or headers.get(b"sec-fetch-dest", [b"document"])[0] != b"document"


def _token_in(scope: Scope) -> tuple[bytes | None, str]:
    """The token in the query, if there is one, and the query without it."""
    query = scope.get("query_string", b"")
    if b"token=" not in query or len(query) > MAX_QUERY_BYTES:
        return None, ""
    pairs = urllib.parse.parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    tokens = [value for name, value in pairs if name == "token"]
    rest = urllib.parse.urlencode([(name, value) for name, value in pairs if name != "token"])
    return (tokens[0].strip().encode() if tokens else None), rest


def _with_headers(send: Send, extra: list[tuple[bytes, bytes]]) -> Send:
    ours = {name for name, _ in extra}

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in ours]
            message = {**message, "headers": [*kept, *extra]}
        await send(message)

    return wrapped


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    kind = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if not any(name == b"cache-control" for name, _ in headers):
        kind.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": status, "headers": [*kind, *headers]})
    await send({"type": "http.response.body", "body": body})


def _page(title: str, content: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Snicher</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><style>'
        ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:14vh auto;"
        "padding:0 1.25rem;background:light-dark(#fbfaf8,#15171b);color:light-dark(#1c1e21,#e8e9eb)}"
        "h1{font-size:1.4rem}code{background:light-dark(#efede7,#23262d);padding:.1em .35em;border-radius:.3em;"
        "overflow-wrap:anywhere}form{display:flex;gap:.5rem;margin:1rem 0}"
        "input,button{font:inherit;padding:.5rem .8rem;border-radius:.6rem;"
        "border:1px solid light-dark(#cfccc4,#3a3f48);background:light-dark(#fff,#1e2127);"
        "color:inherit}input{flex:1;min-width:0}button{background:#0f766e;border-color:#0f766e;color:#fff}"
        "a{color:light-dark(#0f766e,#2dd4bf)}.small{font-size:.875rem}</style></head><body>"
        f"<h1>{title}</h1>{content}</body></html>"
    ).encode()
