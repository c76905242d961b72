"""Changes the host configuration that Streamlit's page asks for, so that it shows no connection dialogs.

When its server is away for some seconds, the page covers itself with a dialog and takes the focus: "Are you connected
to the internet?" Nobody needs the internet here. The strip on top of every page says what is wrong, and one can go on
reading and writing. Streamlit doesn't allow a route of ours at this path, so this is ASGI around it.
"""

from __future__ import annotations

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: End of the path that the page asks for; it may follow the address of the open page.
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
        # Ask for an uncompressed answer, which can be read.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app({**scope, "headers": plain}, receive, keep)
        for message in quieter(answer):
            await send(message)


def quieter(answer: list[Message]) -> list[Message]:
    """The answer with the dialogs switched off; unchanged if it isn't the answer of Streamlit 1.67."""
    start, *rest = answer
    try:
        told = msgspec.json.decode(b"".join(message.get("body", b"") for message in rest), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return answer
    body = msgspec.json.encode({**told, "blockErrorDialogs": True})
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    length = (b"content-length", str(len(body)).encode())
    return [{**start, "headers": [*headers, length]}, {"type": "http.response.body", "body": body}]
