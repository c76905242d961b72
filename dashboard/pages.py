"""The pages of the door, and the headers that every answer carries. They are the only pages not drawn by Streamlit.

Law of this file: it escapes all values put into a page, and sets what a page may load. The pages contain their style,
because nothing can be loaded at an address that isn't ours. The scripts lie below a path that is random for each start,
so that no other server can have put something in their place into the browser's cache.
"""

from __future__ import annotations

import base64
import hashlib
import html
import pathlib
import secrets
import string
from collections.abc import Iterable

from starlette.types import Send

from node import program

HTML = "text/html; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"

_FOLDER = pathlib.Path(__file__).parent / "components" / "door"
_STYLE = (_FOLDER / "page.css").read_text("utf-8")
_FRAME = string.Template((_FOLDER / "page.html").read_text("utf-8"))
_DOOR = string.Template(program.typed((_FOLDER / "door.html").read_text("utf-8")))
_WRONG_ADDRESS = string.Template(program.typed((_FOLDER / "wrong_address.html").read_text("utf-8")))
_FOREIGN_ORIGIN = string.Template(program.typed((_FOLDER / "foreign_origin.html").read_text("utf-8")))
#: Random for each start, see above.
_START = secrets.token_hex(8)
#: Path -> content of the scripts of the door's page.
FILES = {f"/door/{_START}/{name}": (_FOLDER / name).read_bytes() for name in ("page.js", "browser.js", "door.js")}

#: Makes the browser clear its cache for our addresses. (It obeys in a secure context only.)
CLEAR_CACHE = (b"clear-site-data", b'"cache"')
#: A browser requests a service worker's script with `Service-Worker: script`. A server that used this port before us
#: may have left a worker, which would control every page of ours. Answers 401, 403, 404 and 410 don't remove it; this
#: script does.
WORKER = b"""// Snicher has no service worker. This one takes the place of somebody else's, and goes.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  await self.registration.unregister();
  for (const page of await self.clients.matchAll({ type: "window" })) page.navigate(page.url).catch(() => {});
})()));
"""

_ALWAYS: list[tuple[bytes, bytes]] = [
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), usb=()"),
]


def safety(policy: str) -> list[tuple[bytes, bytes]]:
    """The headers of every answer, with this content-security policy."""
    return [(b"content-security-policy", policy.encode("latin-1")), *_ALWAYS]


def policy(connect: str = "") -> str:
    """The policy of the door's own pages; `connect`: one more origin that the page may connect to."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self'; style-src 'sha256-{style}'; connect-src 'self' {connect}".rstrip()
        + "; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def door(*, host: str, name: str, question: str, echo: str) -> bytes:
    """The page that asks for a link.

    `host`: the host as the server sees it. `name`: the origin at which to go on with the link, or "". `question` and
    `echo`: a challenge and its answer, by which the page recognises this server there.
    """
    values = {"host": host, "name": name, "question": question, "echo": echo}
    content = _DOOR.substitute({key: html.escape(value, quote=True) for key, value in values.items()})
    script = f'<script type="module" src="/door/{_START}/page.js"></script>'
    return _page(content, script)


def wrong_address(host: str) -> bytes:
    """The page for a Host header that isn't ours. `host`: its name without port, or "" when it isn't a valid one."""
    return _page(_WRONG_ADDRESS.substitute(name=html.escape(host) or "NAME"))


def foreign_origin(host: str, origin: str) -> bytes:
    """The page for a request of another site's page; or of our own page, when a proxy changes the Host header."""
    return _page(_FOREIGN_ORIGIN.substitute(host=html.escape(host), origin=html.escape(origin)))


def _page(content: str, script: str = "") -> bytes:
    return _FRAME.substitute(style=_STYLE, content=content, script=script).encode()


async def respond(
    send: Send,
    status: int,
    body: bytes,
    kind: str,
    *,
    policy: str = "default-src 'none'; frame-ancestors 'none'",
    extra: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Send a whole answer, with the safety headers. The browser never caches it."""
    further = list(extra)
    names = {name for name, _ in further}
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *(header for header in safety(policy) if header[0] not in names),
        *further,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
