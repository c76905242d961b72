"""Tells the browser, with each page, which of our scripts it is going to need.

Streamlit's page has to start, connect and run a script before it imports any of them; and each import tells of further
ones only when it has come. With the `Link` header they are all there by then. Nothing depends on it: a browser that
doesn't know it loads them later. To see whether it is still of use: `python -m tests.bench opening` without it.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.components import assets

#: What every page needs, and whose page it is that has no name in its address.
FRAME = "frame/main.js"
DEFAULT = "chats"


class Preloading:
    """Passes everything through, and adds a header to pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                link = (b"link", _link(str(scope["path"])))
                message = {**message, "headers": [*message["headers"], link]}
            await send(message)

        await self._app(scope, receive, tell)


def _is_page(start: Message) -> bool:
    kind = next((value for name, value in start["headers"] if name.lower() == b"content-type"), b"")
    return start["status"] == 200 and kind.startswith(b"text/html")


def _link(path: str) -> bytes:
    needed = assets.imports(FRAME, f"{path.strip('/') or DEFAULT}/main.js")
    return ", ".join(f"<{assets.address(name)}>; rel=modulepreload" for name in needed).encode()
