"""The bare page: a WebSocket and a list of texts in every tab, with no chat in it. The reference for event to pixel.

It shows what the browser itself needs on this machine, with as many tabs, at the same pace.
"""

from __future__ import annotations

import asyncio
import http
import time
from multiprocessing.connection import Connection

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

PAGE = b"""<!doctype html><title>bare</title><main style="height: 90vh; overflow: auto"></main><script>
const list = document.querySelector("main");
new WebSocket(`ws://${location.host}/live`).onmessage = ({ data }) => {
  const row = document.createElement("p");
  row.textContent = data;
  list.append(row);
  list.scrollTop = list.scrollHeight;
};
</script>"""


def publish(line: Connection, per_s: float, count: int) -> None:
    """A worker: says its port; told to go, gives every tab a text `t=NANOSECONDS;` at a steady pace."""
    asyncio.run(_publish(line, per_s, count))


async def _publish(line: Connection, per_s: float, count: int) -> None:
    tabs: set[ServerConnection] = set()

    async def tab(connection: ServerConnection) -> None:
        tabs.add(connection)
        await connection.send("t=0;")
        await connection.wait_closed()

    def page(_: ServerConnection, request: Request) -> Response | None:
        if request.path == "/live":
            return None
        headers = Headers([("Content-Type", "text/html"), ("Content-Length", str(len(PAGE))), ("Connection", "close")])
        return Response(http.HTTPStatus.OK, "OK", headers, PAGE)

    async with serve(tab, "127.0.0.1", 0, process_request=page, compression=None) as server:
        line.send(next(iter(server.sockets)).getsockname()[1])
        await asyncio.to_thread(line.recv)
        start = time.monotonic()
        for number in range(1, count + 1):
            broadcast(tabs, f"t={time.time_ns()};")
            await asyncio.sleep(max(0.0, start + number / per_s - time.monotonic()))
        await asyncio.to_thread(line.recv)
