"""The node that the text menu uses: the one that runs on the home, or one that the menu starts, and ends again.

A node that was there already is left alone.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from typing import Protocol

from node import names, program
from node.bus.client import Client
from node.errors import BusError, ConfigError, HomeInUse, HomeRefused, NodeAway
from node.model import parse_address
from node.printable import flat

#: How long a running node may take to answer, in seconds. If none runs, that shows at once.
FIND_PATIENCE = 15.0
#: How long a node may take to come up, in seconds; a busy machine needs long. If its process ends, the wait ends.
START_PATIENCE = 60.0
#: How long the node that we started may take to say good-bye, in seconds.
STOP_PATIENCE = 10.0


class Ask(Protocol):
    """Asks the person for one line."""

    def __call__(self, question: str) -> str:
        """The answer."""


class Tell(Protocol):
    """Tells the person something."""

    def __call__(self, text: str) -> None:
        """Print it."""


class OwnNode:
    """The node on the client's home. `name` and `listen`: what a node that must be started gets; None: ask."""

    def __init__(self, client: Client, name: str | None, listen: str | None, ask: Ask, tell: Tell) -> None:
        self._client = client
        self._name = name
        self._listen = listen
        self._ask = ask
        self._tell = tell
        self._started: subprocess.Popen[bytes] | None = None

    def find_or_start(self) -> None:
        """Use the node that runs, or ask how one is to be called and start it. Raises SnicherError."""
        if self._found():
            return
        tell, ask = self._tell, self._ask
        tell("No node is running here yet; let's start one.")
        name = self._name
        while name is None:
            name = ask("Your team name: ")
            try:
                name = names.checked(name)
            except ValueError as error:
                tell(str(error))
                name = None
        listen = self._listen
        while listen is None:
            digits = ask("Port to listen on [5000]: ") or "5000"
            try:
                listen = str(parse_address(f"0.0.0.0:{digits}"))
            except ValueError as error:
                tell(str(error))
        self._start(name, listen)

    def _found(self) -> bool:
        """Whether a node runs here already; if so, the person is told."""
        try:
            status = self._client.status(timeout=FIND_PATIENCE)
        except HomeRefused:
            # No node of ours could start here.
            raise
        except NodeAway:
            return False
        self._tell(f"A node is running here already: {flat(status.self.name)} on {status.self.listen}.")
        return True

    def _start(self, name: str, listen: str) -> None:
        # Its log lines would break the prompt: they go to a file that is shown only if it doesn't come up.
        with tempfile.TemporaryFile() as log:
            command = program.command("run", "--home", str(self._client.home))
            self._started = subprocess.Popen(
                [*command, "--name", name, "--listen", listen],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                # Ctrl+C is for the menu; it ends the node gracefully afterwards.
                start_new_session=os.name != "nt",
            )
            until = time.monotonic() + START_PATIENCE
            while True:
                code = self._started.poll()
                if code is not None or time.monotonic() > until:
                    log.seek(0)
                    said = log.read().decode(errors="replace").strip().splitlines()
                    self.end()
                    if code == HomeInUse.exit_code and self._found():
                        # Somebody was quicker, in another menu perhaps.
                        return
                    raise ConfigError(said[-1] if said else "The node didn't come up.")
                with contextlib.suppress(BusError):
                    # Not somebody else's who was quicker: ours ends then. (On Windows a launcher stands between.)
                    if self._client.status(timeout=1.0).pid == self._started.pid or os.name == "nt":
                        return
                time.sleep(0.05)

    def end(self) -> None:
        """End the node, if it was started here."""
        process, self._started = self._started, None
        if process is None or process.poll() is not None:
            return
        self._tell("Ending the node that was started here.")
        try:
            self._client.stop()
        except BusError:
            process.terminate()
        try:
            process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
