"""Overrides the host configuration that Streamlit's page asks for, so that the page shows no connection dialogs.

Without it, this breaks: when the server is away for some seconds, the page covers itself with a dialog and takes the
focus: "Are you connected to the internet?" Closed, it comes again. Nobody needs the internet here. The strip on top of
every page says what is wrong, and one can go on reading and writing.

Streamlit 1.67 has no option for that. It wants who hosts it to override this very answer "at the platform or proxy
level" (as it says of `client.allowedOrigins`), and it refuses a route of ours at this path. So this is ASGI around it,
by the public `middleware` of `st.App`: it changes one word and passes on what else Streamlit answers. It is no longer
needed once Streamlit has an option; tests/dashboard/test_hostconfig.py fails when there seems to be one, or when the
word means something else.
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
