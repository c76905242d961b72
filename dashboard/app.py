"""The dashboard's ASGI application: Streamlit with our guard, live route and assets, and how it is started.

    python -m dashboard.app [--port 8501] [--home DIR] [--listen ADDRESS] [--allow-host NAME]

Law of this file: it wires; it decides nothing. Run it from the repository's root, so that `node` can be imported.
"""

from __future__ import annotations

import argparse
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

from dashboard import access, guard, hostconfig, live
from dashboard.components import assets
from node.bus import locate
from node.errors import ConfigError, ListenError, SnicherError

DEFAULT_PORT = 8501
DEFAULT_ADDRESS = "127.0.0.1"
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
    home: pathlib.Path, port: int, address: str = DEFAULT_ADDRESS, further_hosts: Sequence[str] = ()
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
    """Says where the dashboard is once it can be opened."""

    link = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            print(f"\n  Snicher's dashboard is ready. Open this link (it is your key, don't pass it on):\n\n"
                  f"    {self.link}\n", file=sys.stderr, flush=True)  # fmt: skip


def listen(address: str, port: int) -> socket.socket:
    """A listening socket. Raises ListenError that says what to do."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    try:
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
        raise ListenError(f"Port {port} on {address} {why}. Choose another one: --port, or PORT=...") from error
    listener.setblocking(False)
    return listener


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the dashboard until SIGINT or SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.app", description="Snicher's web dashboard.")
    parser.add_argument("--home", help="the node's home (default: SNICHER_HOME or the platform's data folder)")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", DEFAULT_PORT), help="default: PORT or 8501")
    parser.add_argument("--listen", default=DEFAULT_ADDRESS, metavar="ADDRESS", help="default: this machine only")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a further name it goes by")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        home = locate.find_home(given.home)
        listener = listen(given.listen, given.port)
        port = int(listener.getsockname()[1])
        application, token = build(home, port, given.listen, given.allow_host)
    except SnicherError as error:
        print(f"snicher dashboard: {error}", file=sys.stderr)
        return error.exit_code
    if not guard.is_loopback(given.listen):
        print(f"snicher dashboard: {given.listen} is open to the network, and pages travel unencrypted. "
              "An SSH tunnel to 127.0.0.1 is safer.", file=sys.stderr)  # fmt: skip
    server = _Server(
        uvicorn.Config(
            application,
            access_log=False,
            log_level="warning",
            ws="websockets-sansio",
            ws_max_size=MAX_FRAME_BYTES,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACEFUL_STOP_S,
            server_header=False,
        )
    )
    shown = "127.0.0.1" if guard.is_loopback(given.listen) else given.listen
    server.link = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/?token={token}"
    # When all is closed, uvicorn raises the signal that ended it once more: SIGTERM is then a wish fulfilled, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0 if server.started else ConfigError.exit_code


if __name__ == "__main__":
    sys.exit(main())
