"""The dashboard's ASGI application: Streamlit with our guard, live route and assets, and how it is started.

    python -m dashboard.app [--port 8501] [--home DIR] [--listen ADDRESS] [--allow-host NAME]
    python -m dashboard.app --link [--port 8501] [--home DIR]
    python -m dashboard.app --stop [--port 8501] [--home DIR]

Where Snicher is installed, that is `snicher dashboard`. Law of this file: it wires; it decides nothing. Run it from the
repository's root, so that `node` can be imported.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import pathlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from streamlit import file_util

from dashboard import (
    another,
    connections,
    door,
    fixed,
    given,
    guard,
    hostconfig,
    hosts,
    listening,
    live,
    place,
    preloading,
    running,
)
from dashboard.components import assets
from dashboard.links import PARAMETER
from node import loglines, program, streams, supervisor
from node.bus import locate
from node.errors import ConfigError, ListenError, SnicherError

log = logging.getLogger("snicher.dashboard")

SCRIPT = pathlib.Path(__file__).with_name("main.py")
#: How long a stopping server waits for its connections, in seconds; tabs reconnect by themselves.
GRACEFUL_STOP_S = 2
#: Bytes of one WebSocket frame from a browser; what live.py takes is less.
MAX_FRAME_BYTES = 4 * 1024 * 1024


def build(
    home: pathlib.Path, port: int, address: str = hosts.DEFAULT_ADDRESS, further_hosts: Sequence[str] = ()
) -> tuple[st.App, door.Door]:
    """The application for one home, and its door. Raises ConfigError."""
    try:
        locate.make_home(home)
    except OSError as error:
        raise ConfigError(f"The home {home} can't be used: {error.strerror} ({error.filename}).") from error
    ours = place.Place(home, address, port)
    entrance = door.Door(ours, hosts.hosts_of(address, port, ours.name, further_hosts))
    assets.conceal(ours.secret)
    fixed.fix(port, address)
    hub = live.Hub(home, f"dashboard-{port}", entrance)

    @contextlib.asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        async with hub.running():
            # Streamlit collects garbage after every rerun. Exempt all objects loaded by now, which stay anyway.
            gc.collect()
            gc.freeze()
            yield

    static = pathlib.Path(file_util.get_static_dir())
    index_page = (static / "index.html").read_bytes()
    application = st.App(
        SCRIPT,
        lifespan=lifespan,
        routes=[
            WebSocketRoute("/live", hub.serve),
            Route("/ui/{version}/{path:path}", assets.serve),
            Route("/favicon.png", assets.favicon),
        ],
        middleware=[
            Middleware(guard.Guard, door=entrance, inline=guard.script_hashes(index_page)),
            Middleware(hostconfig.HostConfig),
            Middleware(preloading.Preloading, further=preloading.of_streamlit(static)),
        ],
    )
    return application, entrance


class _Server(uvicorn.Server):
    """Prints the dashboard's link once it can be opened, and stops when the supervisor is gone."""

    greeting = ""

    def __init__(self, config: uvicorn.Config, started_by: supervisor.Supervisor) -> None:
        super().__init__(config)
        self._started_by = started_by

    def end(self) -> None:
        """End gracefully."""
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; returns whether to stop now."""
        if counter % 10 == 0 and self._started_by.is_gone():
            log.warning("going down: %s", supervisor.GONE)
            return True
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            print(self.greeting, file=sys.stderr, flush=True)


def listen(told: given.Given) -> list[socket.socket]:
    """The listening sockets. Raises ListenError, which says what to do and names a dashboard of the same home."""
    try:
        return listening.listen(told.address, told.port)
    except ListenError as error:
        own = running.who_has(told.home, told.port, told.address)
        if own is None:
            raise
        raise ListenError(running.taken_by(told.home, own)) from error


def greeting(entrance: door.Door) -> str:
    """The text printed when the dashboard is ready: a link, and the same for browsers that need another host."""
    code = entrance.new_code()
    lines = ["", "  Snicher's dashboard is ready. Open this link (it works once, so don't pass it on):", ""]
    lines += [f"    {entrance.link(code)}", ""]
    if entrance.hosts.spare:
        lines += [f"  If your browser can't find that address: {entrance.link(code, entrance.hosts.spare)}", ""]
    for name in sorted(entrance.hosts.further):
        lines += [f"  By its other name: the same behind {name}, such as https://{name}/?{PARAMETER}={code}", ""]
    if hosts.is_wildcard(entrance.hosts.address):
        lines += ["  In a browser on another machine, put this machine's address in place of 127.0.0.1.", ""]
    lines += [program.typed("  Another link, for another browser: python -m dashboard.app --link"), ""]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the dashboard until SIGINT or SIGTERM; returns the exit code."""
    streams.open_what_is_closed()
    streams.never_block()
    loglines.set_up("text", "info", timed=supervisor.HONCHO_VARIABLE not in os.environ)
    started_by = supervisor.Supervisor(os.environ)
    try:
        told = given.read(arguments, os.environ)
        if told.link:
            print("\n".join(another.links(told.home, told.only_port)))
            return 0
        if told.stop:
            code, sentences = running.stop(told.home, told.only_port)
            print(*sentences, sep="\n", file=sys.stderr if code else sys.stdout)
            return code
        listeners = listen(told)
        port = int(listeners[0].getsockname()[1])
        application, entrance = build(told.home, port, told.address, told.further_hosts)
        mark = running.mark(told.home, port, told.address)
    except SnicherError as error:
        print(program.typed(f"snicher dashboard: {error}"), file=sys.stderr)
        return error.exit_code
    place.remove_old_token(told.home)
    if not hosts.is_loopback(told.address):
        print(f"snicher dashboard: {told.address} is open to the network, and pages travel unencrypted. "
              "An SSH tunnel to 127.0.0.1 is safer.", file=sys.stderr)  # fmt: skip
    bounds = connections.Connections(connections.room_for(connections.raise_file_limit()))
    server = _Server(
        uvicorn.Config(
            application,
            access_log=False,
            # uvicorn logs through our handlers; its own would block on a stopped terminal.
            log_config=None,
            log_level="warning",
            # Set explicitly, so that uvicorn doesn't read the number from the environment.
            workers=1,
            http=bounds.protocol,  # type: ignore[arg-type]
            ws="websockets-sansio",
            ws_max_size=MAX_FRAME_BYTES,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACEFUL_STOP_S,
            timeout_keep_alive=connections.KEEP_ALIVE_S,
            server_header=False,
            # Never trust a proxy's headers about the client.
            proxy_headers=False,
        ),
        started_by,
    )
    server.greeting = greeting(entrance)
    # After closing, uvicorn raises the signal that stopped it once more; SIGTERM is a normal end here, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    supervisor.on_hangup(server.end)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=listeners)
    finally:
        mark.remove()
    return 0 if server.started else ConfigError.exit_code


if __name__ == "__main__":
    sys.exit(main())
