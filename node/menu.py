"""The older program's text menu, as a front end of the bus: `python -m node menu`.

When no node runs on the home, it asks for a team name and a port, starts one, and ends that one (and only that one)
when it quits. Messages that come in are printed above the prompt and leave what is being typed alone.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.patch_stdout import patch_stdout

from node.bus import locate
from node.bus import messages as m
from node.bus.client import Away, Back, Client, Resync
from node.errors import BusError, CommandRefused, ConfigError, NodeAway, SnicherError
from node.lines import PEERS_HEADER, message_line, peer_line, plain
from node.model import parse_address

MENU = """
  1. Send message
  2. Query active peers
  3. Connect to a peer
  4. Rename, merge or delete
  0. Quit
"""
#: What stands behind point 4. The older program had none of it, so it isn't in the way of what that one had.
MORE = """
  1. Rename a peer
  2. Merge two conversations
  3. Delete a conversation
  0. Back
"""
#: How long a node may take to come up, in seconds.
START_PATIENCE = 15.0
#: How long the node that we started may take to say good-bye, in seconds.
STOP_PATIENCE = 10.0
#: Lines of a conversation that are shown before one writes to it.
LINES_SHOWN = 6


class _Leave(Exception):
    """The person wants to go: Ctrl+C, Ctrl+D, or the input has ended."""


class Terminal:
    """Asks and tells. On a real terminal with line editing; on a pipe line by line."""

    def __init__(self) -> None:
        self._session: PromptSession[str] | None = PromptSession() if sys.stdin.isatty() else None

    def ask(self, question: str, default: str = "", words: Sequence[str] = ()) -> str:
        """One line. Raises _Leave when the person wants to go."""
        try:
            if self._session is None:
                return input(question).strip() or default
            completer = WordCompleter(list(words), sentence=True) if words else None
            return self._session.prompt(question, default=default, completer=completer).strip()
        except (EOFError, KeyboardInterrupt):
            raise _Leave from None

    def tell(self, text: str) -> None:
        """Some lines, above the prompt if one is open."""
        print(text, flush=True)


class Menu:
    """One run of the menu."""

    def __init__(self, home: pathlib.Path, name: str | None, listen: str | None, terminal: Terminal) -> None:
        self._home = home
        self._name = name
        self._listen = listen
        self._terminal = terminal
        self._started: subprocess.Popen[bytes] | None = None
        self._client = Client(home, name="menu")
        self._ended = threading.Event()
        self._names: dict[str, str] = {}

    def run(self) -> int:
        """Until the person quits; returns the exit code. Raises SnicherError when no node can be had."""
        try:
            self._find_or_start()
            watcher = threading.Thread(target=self._watch, name="menu events", daemon=True)
            watcher.start()
            with patch_stdout():
                self._show_addresses()
                self._choose()
            self._ended.set()
            watcher.join(2.0)
        except _Leave:
            self._terminal.tell("")
        finally:
            self._ended.set()
            self._end_what_was_started()
            self._client.close()
        return 0

    # -- the node

    def _find_or_start(self) -> None:
        try:
            status = self._client.status(timeout=3.0)
            self._terminal.tell(f"A node is running here already: {plain(status.self.name)} on {status.self.listen}.")
            return
        except NodeAway:
            pass
        tell, ask = self._terminal.tell, self._terminal.ask
        tell("No node is running here yet; let's start one.")
        name = self._name
        while not name:
            name = ask("Your team name: ")
        listen = self._listen
        while listen is None:
            digits = ask("Port to listen on [5000]: ") or "5000"
            try:
                listen = str(parse_address(f"0.0.0.0:{digits}"))
            except ValueError as error:
                tell(str(error))
        self._start(name, listen)

    def _start(self, name: str, listen: str) -> None:
        # Its log lines would break the prompt: they go to a file that is shown only if it doesn't come up.
        with tempfile.TemporaryFile() as log:
            command = [sys.executable, "-m", "node", "run", "--home", str(self._home)]
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
                    self._end_what_was_started()
                    raise ConfigError(said[-1] if said else "The node didn't come up.")
                try:
                    self._client.status(timeout=1.0)
                    return
                except BusError:
                    self._ended.wait(0.05)

    def _end_what_was_started(self) -> None:
        process, self._started = self._started, None
        if process is None or process.poll() is not None:
            return
        try:
            self._client.stop()
        except BusError:
            process.terminate()
        try:
            process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    # -- what comes in

    def _watch(self) -> None:
        follower = self._client.follow()
        while not self._ended.is_set():
            try:
                item = follower.next(timeout=0.3)
            except Exception:
                # The client was closed under us: the menu is ending.
                return
            if isinstance(item, Resync):
                self._names = {room.id: room.name for room in item.snapshot.state.rooms.values()}
            elif isinstance(item, Away) and not self._ended.is_set():
                self._terminal.tell(f"(the node is away: {item.reason})")
            elif isinstance(item, Back):
                self._terminal.tell("(the node is back)")
            elif isinstance(item, m.Event):
                self._show(item)
        follower.close()

    def _show(self, event: m.Event) -> None:
        data = event.data
        if isinstance(data, m.MessageReceived):
            self._terminal.tell(message_line(data.message))
        elif isinstance(data, m.RoomAdded | m.RoomChanged):
            self._names[data.room.id] = data.room.name
        elif isinstance(data, m.MessageStateChanged) and data.state in ("failed", "unconfirmed"):
            self._terminal.tell(f"(message #{data.id} is {data.state}: {data.detail})")

    # -- what can be chosen

    def _show_addresses(self) -> None:
        me = self._client.status().self
        shown = "".join(f"\n  {address}" for address in me.addresses) or "\n  (none: this machine has no network)"
        self._terminal.tell(f"You are {plain(me.name)}. Others reach you at:{shown}")

    def _choose(self) -> None:
        self._offer(MENU, {"1": self._send, "2": self._peers, "3": self._connect, "4": self._more})

    def _more(self) -> None:
        self._offer(MORE, {"1": self._rename, "2": self._merge, "3": self._delete})

    def _offer(self, menu: str, choices: dict[str, Callable[[], None]]) -> None:
        """Let the person choose again and again, until it is 0."""
        while True:
            self._terminal.tell(menu)
            choice = self._terminal.ask("Enter choice: ")
            if choice == "0":
                return
            action = choices.get(choice)
            if action is None:
                self._terminal.tell(f"Please enter {', '.join(choices)} or 0.")
                continue
            try:
                action()
            except CommandRefused as refused:
                self._terminal.tell(refused.message)
            except BusError as error:
                self._terminal.tell(str(error))

    def _send(self) -> None:
        words = sorted(set(self._names.values()))
        to = self._terminal.ask("To (HOST:PORT or a name): ", words=words)
        if not to:
            return
        for room, name in list(self._names.items()):
            if name == to:
                for message in self._client.history(room, limit=LINES_SHOWN).messages:
                    self._terminal.tell(message_line(message))
        text = self._terminal.ask("Message: ")
        if text:
            message = self._client.send(to, text)
            self._terminal.tell(f"#{message.id} is on disk; it goes out as soon as {plain(to)} can be reached.")

    def _peers(self) -> None:
        result = self._client.peers()
        tries = {one.peer: one for one in result.next_tries}
        active = [peer for peer in result.peers if peer.link in ("online", "reachable", "connecting")]
        others = [peer for peer in result.peers if peer not in active]
        self._terminal.tell("Active peers:" if active else "No active peers.")
        if active:
            self._terminal.tell("  " + PEERS_HEADER)
        for peer in active:
            self._terminal.tell("  " + peer_line(peer, tries.get(peer.id)))
        if others:
            self._terminal.tell("Known, but not there now:")
            for peer in others:
                self._terminal.tell("  " + peer_line(peer, tries.get(peer.id)))

    def _connect(self) -> None:
        address = self._terminal.ask("Address (HOST:PORT): ")
        if address:
            peer = self._client.connect(address)
            self._terminal.tell(f"{plain(peer.name)} is {peer.link}; 2 shows what comes of it.")

    def _whom(self, question: str) -> str:
        return self._terminal.ask(question, words=sorted(set(self._names.values())))

    def _rename(self) -> None:
        peer = self._whom("Whom (HOST:PORT or a name): ")
        if peer:
            name = self._terminal.ask("New name (empty: its own): ")
            self._terminal.tell(f"It is now {plain(self._client.rename(peer, name).name)}.")

    def _merge(self) -> None:
        peer = self._whom("Whose conversation moves: ")
        into = self._whom("Whose takes it in: ") if peer else ""
        if into:
            kept = self._client.merge(peer, into)
            self._terminal.tell(f"All that was said with {plain(peer)} is now with {plain(kept.name)}.")

    def _delete(self) -> None:
        peer = self._whom("Whose conversation goes for good: ")
        if peer and self._terminal.ask("All that was said in it goes too. Sure? (yes/no): ") == "yes":
            self._client.delete(peer)
            self._terminal.tell("Deleted.")


def main(argv: Sequence[str]) -> int:
    """Run the menu; returns the exit code. Raises SnicherError."""
    parser = argparse.ArgumentParser(prog="python -m node menu", description="The text menu.", allow_abbrev=False)
    parser.add_argument("--home", metavar="DIR", help="the node's home (default: SNICHER_HOME, or the usual place)")
    parser.add_argument("--name", metavar="NAME", help="your team name, if a node must be started")
    parser.add_argument("--listen", metavar="HOST:PORT", help="where it listens, if a node must be started")
    options = parser.parse_args(argv)
    try:
        return Menu(locate.find_home(options.home), options.name, options.listen, Terminal()).run()
    except SnicherError as error:
        print(plain(str(error)), file=sys.stderr)
        return error.exit_code
