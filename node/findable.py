"""How front ends find the node: the sockets of the bus, and bus.json in the home; both are kept in place.

Somebody may remove them under a running node (`rm bus/*`, a cleaner of temporary folders). The node then binds the
sockets again and writes bus.json again. Present connections stay, so no front end loses an event, and new front ends
find the node again.
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

#: How often the files are checked, in seconds; a check is four calls of stat.
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
        #: Identifies the bus.json that this node wrote; None while it can't be written.
        self._written: tuple[int, ...] | None = None
        #: The last problem that was logged, so that it is logged once.
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
        """Write bus.json, and keep all files in place from now on. Raises OSError."""
        self._write()
        self._task = tasks.begin(self._keep(), "keeps the bus findable")

    async def close(self) -> None:
        """Stop checking, and remove bus.json."""
        if self._task is not None:
            await tasks.end(self._task)
            with contextlib.suppress(SnicherError, OSError):
                self._lock.keep()
        # The home may have been handed to another node by now.
        if self._task is None or self._lock.is_ours():
            with contextlib.suppress(OSError):
                locate.remove_endpoint(self._home)

    def remove_sockets(self) -> None:
        """Remove the directory of the sockets if it lies outside the home. Call it once the server has closed them."""
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
                log.warning("front ends can't find this node (it retries): %s", problem)
            self._said = problem

    def mend(self) -> None:
        """Restore whatever has vanished. Raises SnicherError or OSError when that fails."""
        self._lock.keep()
        if self._sockets is not None and (gone := self._server.vanished()):
            # Their directory may be gone, too; the new one must be private again.
            locate.private_directory(self._sockets)
            self._server.bind_again(gone)
            log.warning("the sockets of the bus were removed from %s; they are bound again", self._sockets)
        if self._stamp() != self._written:
            self._write()
            log.warning("bus.json was removed or replaced; it is written again")

    def _write(self) -> None:
        locate.write_endpoint(self._home, self._endpoint)
        self._written = self._stamp()

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = locate.endpoint_file(self._home).lstat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode
