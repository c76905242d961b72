"""Tells the browser, with each page, which scripts it is going to need: ours, and Streamlit's own for components.

Streamlit's page has to start, connect and run a script before it imports any of them; and each import tells of further
ones only when it has come. With the `Link` header they are all there by then. Nothing depends on it: a browser that
doesn't know it loads them later. To see whether it is still of use: `python -m tests.bench opening` without it.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.components import assets

#: What every page needs, and whose page it is that has no name in its address.
FRAME = "frame/main.js"
DEFAULT = "chats"
#: Streamlit's scripts that draw what our script makes: components, and the style of the page.
_DRAWING = ("BidiComponent.*.js", "Html.*.js")
_IMPORT = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")


class Preloading:
    """Passes everything through, and adds a header to pages."""

    def __init__(self, app: ASGIApp, further: Iterable[str] = ()) -> None:
        self._app = app
        self._further = tuple(further)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                link = (b"link", self._link(str(scope["path"])))
                message = {**message, "headers": [*message["headers"], link]}
            await send(message)

        await self._app(scope, receive, tell)

    def _link(self, path: str) -> bytes:
        ours = assets.imports(FRAME, f"{path.strip('/') or DEFAULT}/main.js")
        needed = [*self._further, *map(assets.address, ours)]
        return ", ".join(f"<{address}>; rel=modulepreload" for address in needed).encode()


def _is_page(start: Message) -> bool:
    kind = next((value for name, value in start["headers"] if name.lower() == b"content-type"), b"")
    return start["status"] == 200 and kind.startswith(b"text/html")


def of_streamlit(static: pathlib.Path) -> list[str]:
    """The addresses of Streamlit's scripts that its page needs for components, and doesn't name itself."""
    folder = static / "static" / "js"
    named = (static / "index.html").read_text("utf-8")
    found = [path for pattern in _DRAWING for path in sorted(folder.glob(pattern))]
    for path in found:
        for name in _IMPORT.findall(path.read_text("utf-8")):
            other = folder / name
            if other not in found and name not in named and other.exists():
                found.append(other)
    return [f"/static/js/{path.name}" for path in found]
