"""The dashboard's ASGI application: Streamlit with our guard, live route and assets, and how it is started.

    python -m dashboard.app [--port 8501] [--home DIR] [--listen ADDRESS] [--allow-host NAME]
    python -m dashboard.app --stop [--port 8501] [--home DIR]

Law of this file: it wires; it decides nothing. Run it from the repository's root, so that `node` can be imported.
"""

from __future__ import annotations

import contextlib
import errno
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
from streamlit.web import bootstrap

from dashboard import access, given, guard, hostconfig, live, running
from dashboard.components import assets
from node import loglines, streams, supervisor
from node.bus import locate
from node.errors import ConfigError, ListenError, SnicherError

log = logging.getLogger("snicher.dashboard")

SCRIPT = pathlib.Path(__file__).with_name("main.py")
#: How long a stopping server waits for its connections, in seconds; tabs reconnect by themselves.
GRACEFUL_STOP_S = 2
#: Bytes of one WebSocket frame from a browser; what live.py takes is less.
MAX_FRAME_BYTES = 4 * 1024 * 1024

#: What must hold wherever the program is started from; .streamlit/config.toml says the same and adds the looks.
FIXED_OPTIONS: dict[str, object] = {
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showSidebarNavigation": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "server.maxUploadSize": 1,
    "server.showEmailPrompt": False,
}


def build(
    home: pathlib.Path, port: int, address: str = given.DEFAULT_ADDRESS, further_hosts: Sequence[str] = ()
) -> tuple[st.App, str]:
    """The application for one home, and the token that opens it. Raises ConfigError."""
    try:
        locate.make_home(home)
    except OSError as error:
        raise ConfigError(f"The home {home} can't be used: {error.strerror} ({error.filename}).") from error
    key = access.Key(home)
    guard.check_listening(address, key.token)
    options = {**FIXED_OPTIONS, "server.port": port, "server.address": address}
    bootstrap.load_config_options(options)
    hub = live.Hub(home, f"dashboard-{port}", key)

    @contextlib.asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        async with hub.running():
            # Streamlit collects garbage after every rerun: what is loaded by now need not be looked at each time.
            gc.collect()
            gc.freeze()
            yield

    index_page = pathlib.Path(file_util.get_static_dir(), "index.html").read_bytes()
    application = st.App(
        SCRIPT,
        lifespan=lifespan,
        routes=[
            WebSocketRoute("/live", hub.serve),
            Route("/ui/{version}/{path:path}", assets.serve),
            Route("/favicon.png", assets.favicon),
        ],
        middleware=[
            Middleware(
                guard.Guard,
                hosts=guard.hosts_of(address, port, further_hosts),
                token=lambda: key.token,
                cookie=f"snicher-{port}",
                hint=str(access.token_file(home)),
                inline=guard.script_hashes(index_page),
            ),
            Middleware(hostconfig.HostConfig),
        ],
    )
    return application, key.token


class _Server(uvicorn.Server):
    """Says where the dashboard is once it can be opened, and ends with who started it."""

    link = ""

    def __init__(self, config: uvicorn.Config, started_by: supervisor.Supervisor) -> None:
        super().__init__(config)
        self._started_by = started_by

    def end(self) -> None:
        """End gracefully."""
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; whether to end now."""
        if counter % 10 == 0 and self._started_by.is_gone():
            log.warning("going down: %s", supervisor.GONE)
            return True
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            print(f"\n  Snicher's dashboard is ready. Open this link (it is your key, don't pass it on):\n\n"
                  f"    {self.link}\n", file=sys.stderr, flush=True)  # fmt: skip


def listen(address: str, port: int, home: pathlib.Path) -> socket.socket:
    """A listening socket. Raises ListenError that says what to do; a dashboard of the same home is named."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    try:
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        own = running.who_has(home, port, address) if error.errno == errno.EADDRINUSE else None
        if own is not None:
            raise ListenError(running.taken_by(home, own)) from error
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        raise ListenError(f"Port {port} on {address} {why}. Choose another one: --port, or PORT=...") from error
    listener.setblocking(False)
    return listener


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the dashboard until SIGINT or SIGTERM; returns the exit code."""
    streams.open_what_is_closed()
    streams.never_block()
    loglines.set_up("text", "info", timed=supervisor.HONCHO_VARIABLE not in os.environ)
    started_by = supervisor.Supervisor(os.environ)
    try:
        told = given.read(arguments, os.environ)
        if told.stop:
            code, sentences = running.stop(told.home, told.only_port)
            print(*sentences, sep="\n", file=sys.stderr if code else sys.stdout)
            return code
        listener = listen(told.address, told.port, told.home)
        port = int(listener.getsockname()[1])
        application, token = build(told.home, port, told.address, told.further_hosts)
        mark = running.mark(told.home, port, told.address)
    except SnicherError as error:
        print(f"snicher dashboard: {error}", file=sys.stderr)
        return error.exit_code
    if not guard.is_loopback(told.address):
        print(f"snicher dashboard: {told.address} is open to the network, and pages travel unencrypted. "
              "An SSH tunnel to 127.0.0.1 is safer.", file=sys.stderr)  # fmt: skip
    server = _Server(
        uvicorn.Config(
            application,
            access_log=False,
            # Its lines go where all others go; by itself it would write to the terminal, and wait for it.
            log_config=None,
            log_level="warning",
            # Said, so that it doesn't look for a number of them in the environment.
            workers=1,
            ws="websockets-sansio",
            ws_max_size=MAX_FRAME_BYTES,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACEFUL_STOP_S,
            server_header=False,
        ),
        started_by,
    )
    shown = "127.0.0.1" if guard.is_loopback(told.address) else told.address
    server.link = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/?token={token}"
    # When all is closed, uvicorn raises the signal that ended it once more: SIGTERM is then a wish fulfilled, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    supervisor.on_hangup(server.end)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        mark.remove()
    return 0 if server.started else ConfigError.exit_code


if __name__ == "__main__":
    sys.exit(main())
