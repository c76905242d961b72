"""What front ends find the node by: the sockets of the bus, and bus.json in the home; kept there while it runs.

Somebody may remove them under a running node (`rm bus/*`, a cleaner of temporary folders). What has vanished is made
anew: sockets are bound again without letting go of the connections that there are, so no front end loses an event, and
new ones find the node again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pathlib

import node
from node import tasks
from node.bus import bounds, locate, nouns
from node.bus.server import Server, curve_keypair
from node.config import Config
from node.errors import SnicherError
from node.model import Address, parse_address
from node.store.home import HomeLock

log = logging.getLogger("snicher")

#: How often to look, in seconds: a look asks the system about four files.
LOOK_S = 1.0


class Findable:
    """Opens the bus of one run, writes bus.json, and keeps both where front ends look for them."""

    def __init__(self, config: Config, server: Server, lock: HomeLock, log_id: str) -> None:
        self._home = config.home
        self._bus = config.bus
        self._server = server
        self._lock = lock
        self._endpoint = nouns.Endpoint(
            v=1,
            versions=[bounds.VERSION],
            events="",
            commands="",
            log=log_id,
            pid=os.getpid(),
            program=node.__version__,
            started=0,
        )
        #: The directory of the sockets; None with TCP.
        self._sockets: pathlib.Path | None = None
        #: What tells the bus.json that was written from any other: None when it can't be written.
        self._written: tuple[int, ...] | None = None
        #: What was said last of what can't be mended: it is said once.
        self._said = ""
        self._task: asyncio.Task[None] | None = None

    async def open(self, now: int) -> None:
        """Bind the sockets. `now` is the time of the start, in ms. Raises ConfigError or ListenError."""
        endpoint = self._endpoint
        endpoint.started = now
        if self._bus == "ipc":
            directory = self._sockets = locate.socket_directory(self._home)
            await self._server.start(f"ipc://{directory / 'events'}", f"ipc://{directory / 'commands'}")
        else:
            address = parse_address(self._bus.removeprefix("tcp://"), allow_zero=True)
            second = Address(address.host, address.port + 1 if address.port else 0)
            server_key, server_secret = curve_keypair()
            client_key, client_secret = curve_keypair()
            keys = locate.private_directory(locate.private_directory(self._home / "bus") / "clients")

            def allowed(key: str) -> bool:
                return key == client_key or key in locate.allowed_keys(keys)

            await self._server.start(
                f"tcp://{address}", f"tcp://{second}", server_secret=server_secret.encode(), allowed=allowed
            )
            endpoint.server_key, endpoint.client_key, endpoint.client_secret = server_key, client_key, client_secret
        endpoint.events, endpoint.commands = self._server.events_endpoint, self._server.commands_endpoint

    def announce(self) -> None:
        """Write bus.json, and see from now on that all stays where it is. Raises OSError."""
        self._write()
        self._task = tasks.begin(self._keep(), "keeps the bus findable")

    async def close(self) -> None:
        """Take bus.json away, and look no more."""
        if self._task is not None:
            await tasks.end(self._task)
            with contextlib.suppress(SnicherError, OSError):
                self._lock.keep()
        # The home may be somebody else's by now.
        if self._task is None or self._lock.is_ours():
            with contextlib.suppress(OSError):
                locate.remove_endpoint(self._home)

    def remove_sockets(self) -> None:
        """Remove the directory of the sockets where it lies outside the home; once the server has closed them."""
        if self._sockets is not None:
            locate.remove_sockets(self._sockets)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            problem = ""
            try:
                self.mend()
            except SnicherError as error:
                problem = str(error)
            except OSError as error:
                problem = f"{error.strerror or error}."
            if problem and problem != self._said:
                log.warning("front ends can't find this node, which tries again: %s", problem)
            self._said = problem

    def mend(self) -> None:
        """Make anew what has vanished. Raises SnicherError or OSError when it can't be."""
        self._lock.keep()
        if self._sockets is not None and (gone := self._server.vanished()):
            # They may have gone with their directory, and that must be ours alone.
            locate.private_directory(self._sockets)
            self._server.bind_again(gone)
            log.warning("the sockets of the bus were removed from %s, and are there again", self._sockets)
        if self._stamp() != self._written:
            self._write()
            log.warning("bus.json was removed or replaced, and is there again")

    def _write(self) -> None:
        locate.write_endpoint(self._home, self._endpoint)
        self._written = self._stamp()

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = locate.endpoint_file(self._home).lstat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode
