"""The older program's text menu, as a front end of the bus: `python -m node menu`.

When no node runs on the home, it asks for a team name and a port, starts one, and ends that one (and only that one)
when it quits. Messages that come in are printed above the prompt and leave what is being typed alone.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import DummyCompleter, WordCompleter
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.utils import is_dumb_terminal

from node import names, program
from node.bus import events as ev
from node.bus import locate, nouns
from node.bus.client import Away, Back, Client, Cursor, Resync
from node.bus.commands import new_key
from node.errors import BusError, CommandRefused, ConfigError, HomeInUse, HomeRefused, NodeAway, SnicherError
from node.model import is_id, parse_address
from node.printable import flat, plain
from node.terminal.console import MAX_DIGITS
from node.terminal.heard import Heard
from node.terminal.lines import (
    PEERS_HEADER,
    address,
    called,
    delivery_lines,
    doubt_lines,
    message_line,
    peer_line,
    refusal,
    room_line,
    trusted,
)
from node.terminal.linked import link_lines
from node.terminal.patience import patiently

MENU = """
  1. Send message
  2. Query active peers
  3. Connect to a peer
  4. Rename, merge, delete, trust, delivery, link
  0. Quit
"""
#: The submenu of point 4. The older program had none of these actions, so they don't crowd its own menu.
MORE = """
  1. Rename a peer
  2. Merge two conversations
  3. Delete a conversation
  4. Decide who somebody is (when there is a warning)
  5. What became of a message
  6. How the link with somebody is
  0. Back
"""
#: How long a running node may take to answer, in seconds. If none runs, that shows at once.
FIND_PATIENCE = 15.0
#: How long a node may take to come up, in seconds; a busy machine needs long. If its process ends, the wait ends.
START_PATIENCE = 60.0
#: How long the node that we started may take to say good-bye, in seconds.
STOP_PATIENCE = 10.0
#: Lines of a conversation that are shown before one writes to it.
LINES_SHOWN = 6
#: Rows reserved below a question for name completions, and the least rows of a screen that has them. On a smaller
#: screen the question itself would not be shown.
WORDS_SHOWN = 6
ROWS_FOR_WORDS = 16
#: Answers that mean yes.
YES = ("y", "yes")
#: The client name of the menu's commands; events caused by them carry it.
CLIENT_NAME = "menu"


class _Leave(Exception):
    """Ctrl+C, Ctrl+D or the end of the input: leave this question, or quit the program at the menu itself."""


class Terminal:
    """Asks questions and prints lines: with line editing on a real terminal, line by line on a pipe."""

    def __init__(self) -> None:
        real = sys.stdin.isatty() and sys.stdout.isatty() and not is_dumb_terminal()
        self._session: PromptSession[str] | None = PromptSession() if real else None
        if isinstance(sys.stdin, io.TextIOWrapper):
            # Bytes that are no text become replacement characters, as on the command line.
            sys.stdin.reconfigure(errors="replace")

    def ask(self, question: str, words: Sequence[str] = ()) -> str:
        """Ask for one line, and return it stripped. Raises _Leave when the person leaves the question."""
        try:
            if self._session is None:
                return input(question).strip()
            # The session keeps the last completer if none is given, so without words it gets an empty one.
            completer = WordCompleter(list(words), sentence=True) if words else DummyCompleter()
            rows = WORDS_SHOWN if shutil.get_terminal_size().lines >= ROWS_FOR_WORDS else 0
            return self._session.prompt(question, completer=completer, reserve_space_for_menu=rows).strip()
        except (EOFError, KeyboardInterrupt):
            raise _Leave from None

    def tell(self, text: str) -> None:
        """Print some lines, above the prompt if one is open."""
        print(text, flush=True)


class Menu:
    """One run of the menu."""

    def __init__(self, home: pathlib.Path, name: str | None, listen: str | None, terminal: Terminal) -> None:
        self._home = home
        self._name = name
        self._listen = listen
        self._terminal = terminal
        self._started: subprocess.Popen[bytes] | None = None
        self._client = Client(home, name=CLIENT_NAME)
        self._ended = threading.Event()
        self._heard = Heard(terminal.tell, CLIENT_NAME)

    def run(self) -> int:
        """Until the person quits; returns the exit code. Raises SnicherError when no node can be had."""
        try:
            self._find_or_start()
            # Every event after this snapshot is shown, also one that comes before the watcher has started.
            now = patiently(self._client.snapshot)
            self._heard.know(now.state)
            watcher = threading.Thread(
                target=self._watch, args=(Cursor(now.log, now.seq),), name="menu events", daemon=True
            )
            watcher.start()
            with patch_stdout():
                self._show_addresses()
                for peer in now.state.peers.values():
                    self._tell_all(doubt_lines(peer))
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
        if self._found():
            return
        tell, ask = self._terminal.tell, self._terminal.ask
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
        self._terminal.tell(f"A node is running here already: {flat(status.self.name)} on {status.self.listen}.")
        return True

    def _start(self, name: str, listen: str) -> None:
        # Its log lines would break the prompt: they go to a file that is shown only if it doesn't come up.
        with tempfile.TemporaryFile() as log:
            command = program.command("run", "--home", str(self._home))
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
                    if code == HomeInUse.exit_code and self._found():
                        # Somebody was quicker, in another menu perhaps.
                        return
                    raise ConfigError(said[-1] if said else "The node didn't come up.")
                with contextlib.suppress(BusError):
                    # Not somebody else's who was quicker: ours ends then. (On Windows a launcher stands between.)
                    if self._client.status(timeout=1.0).pid == self._started.pid or os.name == "nt":
                        return
                self._ended.wait(0.05)

    def _end_what_was_started(self) -> None:
        process, self._started = self._started, None
        if process is None or process.poll() is not None:
            return
        self._terminal.tell("Ending the node that was started here.")
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

    def _watch(self, since: Cursor) -> None:
        follower = self._client.follow(since)
        while not self._ended.is_set():
            try:
                item = follower.next(timeout=0.3)
            except Exception:
                # The client was closed under us: the menu is ending.
                return
            if isinstance(item, Resync):
                self._heard.know(item.snapshot.state)
            elif isinstance(item, Away) and not self._ended.is_set():
                self._terminal.tell(f"(the node is away: {item.reason})")
            elif isinstance(item, Back):
                self._terminal.tell("(the node is back)")
            elif isinstance(item, ev.Event):
                self._heard.take(item)
        follower.close()

    def _tell_all(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._terminal.tell(line)

    # -- what can be chosen

    def _show_addresses(self) -> None:
        me = self._client.status().self
        shown = "".join(f"\n  {address}" for address in me.addresses) or "\n  (none: this machine has no network)"
        self._terminal.tell(f"You are {flat(me.name)}. Others reach you at:{shown}")

    def _choose(self) -> None:
        self._offer(MENU, {"1": self._send, "2": self._peers, "3": self._connect, "4": self._more})

    def _more(self) -> None:
        more = {"1": self._rename, "2": self._merge, "3": self._delete, "4": self._trust, "5": self._delivery}
        self._offer(MORE, {**more, "6": self._link})

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
            except _Leave:
                self._terminal.tell("Nothing was done.")
            except CommandRefused as refused:
                self._terminal.tell(plain(refusal(refused)))
            except BusError as error:
                self._terminal.tell(plain(program.typed(str(error))))

    def _send(self) -> None:
        to = self._whom("To (HOST:PORT or a name): ")
        if not to:
            return
        for room in list(self._heard.rooms.values()):
            if means(to, room.id, room.name) or to in room.aliases:
                self._terminal.tell(room_line(room, self._heard.peers.get(room.peer or "")))
                for message in self._client.history(room.id, limit=LINES_SHOWN).messages:
                    self._terminal.tell(message_line(message, room))
        text = self._terminal.ask("Message: ")
        if text:
            key = new_key()
            message = patiently(lambda: self._client.send(to, text, key=key))
            self._terminal.tell(f"#{message.id} is on disk; it goes to {flat(to)} now or as soon as that is possible.")

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
            peer = patiently(lambda: self._client.connect(address))
            more = "" if peer.link == "online" else "; 2 shows what comes of it"
            self._terminal.tell(f"{called(peer)} is {peer.link}{more}.")

    def _whom(self, question: str) -> str:
        return self._terminal.ask(question, words=offered(self._heard.rooms.values(), self._heard.peers))

    def _rename(self) -> None:
        peer = self._whom("Whom (HOST:PORT or a name): ")
        if peer:
            name = self._terminal.ask("New name (empty: its own): ")
            renamed = patiently(lambda: self._client.rename(peer, name))
            self._terminal.tell(f"It is now {flat(renamed.name)}.")

    def _merge(self) -> None:
        peer = self._whom("Whose conversation moves: ")
        into = self._whom("Whose takes it in: ") if peer else ""
        if into:
            kept = patiently(lambda: self._client.merge(peer, into))
            self._terminal.tell(f"All that was said with {flat(peer)} is now with {called(kept)}.")

    def _delete(self) -> None:
        peer = self._whom("Whose conversation goes for good: ")
        if not peer:
            return
        sure = self._terminal.ask("All that was said in it goes too. Sure? (yes/no): ")
        if sure.casefold() not in YES:
            self._terminal.tell("Nothing was deleted.")
            return
        patiently(lambda: self._client.delete(peer))
        self._terminal.tell("Deleted.")

    def _trust(self) -> None:
        doubted = [peer for peer in self._client.peers().peers if peer.warning is not None]
        if not doubted:
            self._terminal.tell("Nothing is in doubt about anybody.")
            return
        for peer in doubted:
            self._tell_all(doubt_lines(peer))
        which = self._terminal.ask("Whom (HOST:PORT, a name or an id): ", words=[peer.id for peer in doubted])
        meant = [peer for peer in doubted if which in (peer.id, address(peer)) or means(which, peer.id, peer.name)]
        if len(meant) != 1:
            self._terminal.tell(
                "Several are called that; give the id." if meant else "Nothing is in doubt about that one."
            )
            return
        (peer,) = meant
        self._tell_all(doubt_lines(peer)[:-1])
        if peer.kind == "node":
            question = (
                "Did you ask them, and is the new code theirs? (yes/no): " if peer.rival else "Is this them? (yes/no): "
            )
        else:
            question = "Others can read what goes there. Allow clear text? (yes/no): "
        if self._terminal.ask(question).casefold() not in YES:
            self._terminal.tell("Nothing was changed.")
            return
        self._terminal.tell(
            trusted(patiently(lambda: self._client.trust(peer.id, plain=peer.kind != "node", rival=peer.rival)))
        )

    def _delivery(self) -> None:
        number = self._terminal.ask("Number of the message: ").removeprefix("#")
        if not number:
            return
        if not number.isascii() or not number.isdigit() or len(number) > MAX_DIGITS:
            self._terminal.tell("That is no number of a message.")
            return
        found = self._client.delivery(int(number))
        self._tell_all(delivery_lines(found, self._heard.peers))

    def _link(self) -> None:
        peer = self._whom("Whom (HOST:PORT or a name): ")
        if peer:
            self._tell_all(link_lines(self._client, peer))


def offered(rooms: Iterable[nouns.Room], peers: dict[str, nouns.Peer]) -> list[str]:
    """The words to choose somebody by: a name, or where several have it, the address of each."""
    rooms = [room for room in rooms if not room.hidden]
    keys = Counter(names.key(room.name) for room in rooms)
    words = set()
    for room in rooms:
        peer = peers.get(room.peer or "")
        unique = keys[names.key(room.name)] == 1
        words.add(room.name if unique or peer is None or peer.port is None else address(peer))
    return sorted(words)


def means(to: str, room: str, name: str) -> bool:
    """Whether what somebody typed means this conversation. As the node takes it: an id is never a name."""
    return to == room if is_id(to) else names.key(to) == names.key(name)


def main(argv: Sequence[str]) -> int:
    """Run the menu; returns the exit code. Raises SnicherError."""
    parser = argparse.ArgumentParser(
        prog=program.typed("python -m node menu"), description="The text menu.", allow_abbrev=False
    )
    parser.add_argument("--home", metavar="DIR", help="the node's home (default: SNICHER_HOME, or the usual place)")
    parser.add_argument("--name", metavar="NAME", help="your team name, if a node must be started")
    parser.add_argument("--listen", metavar="HOST:PORT", help="where it listens, if a node must be started")
    options = parser.parse_args(argv)
    try:
        if options.listen is not None:
            parse_address(options.listen, allow_zero=True)
    except ValueError as error:
        parser.error(f"--listen: {error}")
    try:
        return Menu(locate.find_home(options.home), options.name, options.listen, Terminal()).run()
    except SnicherError as error:
        print(plain(program.typed(str(error))), file=sys.stderr)
        return error.exit_code
