"""The pages of the door, and the headers that every answer carries. They are the only pages not drawn by Streamlit.

Law of this file: what is put into a page is escaped here, and what a page may load is said here. The pages bring their
style with them, because at an address that isn't ours nothing can be loaded; the scripts lie below a path that is drawn
at each start, so that nobody can have put something else into the browser's cache in their place.
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

HTML = "text/html; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"

_FOLDER = pathlib.Path(__file__).parent / "components" / "door"
_STYLE = (_FOLDER / "page.css").read_text("utf-8")
_FRAME = string.Template((_FOLDER / "page.html").read_text("utf-8"))
_DOOR = string.Template((_FOLDER / "door.html").read_text("utf-8"))
_WRONG_ADDRESS = string.Template((_FOLDER / "wrong_address.html").read_text("utf-8"))
_FOREIGN_ORIGIN = string.Template((_FOLDER / "foreign_origin.html").read_text("utf-8"))
#: Drawn at each start, see above.
_START = secrets.token_hex(8)
#: Path -> content of the scripts of the door's page.
FILES = {f"/door/{_START}/{name}": (_FOLDER / name).read_bytes() for name in ("page.js", "browser.js")}

#: The browser forgets what it has cached under our addresses. (It takes this from a secure context only.)
CLEAR_CACHE = (b"clear-site-data", b'"cache"')
#: A browser asks for a service worker's script with `Service-Worker: script`. Whoever served on this port before us may
#: have left one, which would own every page of ours. Neither 401, 403, 404 nor 410 drives it out; this script does.
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
    """The policy of the door's own pages; `connect`: one more origin that the page may ask."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self'; style-src 'sha256-{style}'; connect-src 'self' {connect}".rstrip()
        + "; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def door(*, host: str, name: str, question: str, echo: str) -> bytes:
    """The page that asks for a link.

    `host`: as the server sees it; `name`: the origin to go on at with the link, or ""; `question` and `echo`: how the
    page recognises this server there.
    """
    values = {"host": host, "name": name, "question": question, "echo": echo}
    content = _DOOR.substitute({key: html.escape(value, quote=True) for key, value in values.items()})
    script = f'<script type="module" src="/door/{_START}/page.js"></script>'
    return _page(content, script)


def wrong_address(host: str) -> bytes:
    """For a Host header that isn't ours. `host`: the name in it without port, or "" when it can't be one."""
    return _page(_WRONG_ADDRESS.substitute(name=html.escape(host) or "NAME"))


def foreign_origin(host: str, origin: str) -> bytes:
    """For a request of another page; or of our own, when a proxy in between changes the Host header."""
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
    """Send a whole answer, with the safety headers. It is never kept by the browser."""
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
