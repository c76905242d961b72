"""What Streamlit's page asks of whoever hosts it, answered so that it keeps its dialogs to itself.

When its server is away for some seconds, that page lays a dialog over everything, dims it and takes the focus: "Are you
connected to the internet?" Nobody needs the internet here, and the strip on top of every page says what is the matter,
while one goes on reading and writing. Streamlit lets no route stand in this place, so this is ASGI around it.
"""

from __future__ import annotations

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Where the page asks; below the address of the page that is open, too.
PATH = "/_stcore/host-config"


class HostConfig:
    """Passes everything through, and changes one word in the answer at PATH."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        # Packed, it couldn't be read.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app({**scope, "headers": plain}, receive, keep)
        for message in quieter(answer):
            await send(message)


def quieter(answer: list[Message]) -> list[Message]:
    """The answer, with the dialogs switched off; as it was, if it isn't what Streamlit 1.67 answers."""
    start, *rest = answer
    try:
        told = msgspec.json.decode(b"".join(message.get("body", b"") for message in rest), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return answer
    body = msgspec.json.encode({**told, "blockErrorDialogs": True})
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    length = (b"content-length", str(len(body)).encode())
    return [{**start, "headers": [*headers, length]}, {"type": "http.response.body", "body": body}]
