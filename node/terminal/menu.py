"""The older program's text menu, as a front end of the bus: `python -m node menu`.

When no node runs on the home, it asks for a team name and a port, starts one, and ends that one (and only that one)
when it quits. Messages that come in are printed above the prompt and leave what is being typed alone.
"""

from __future__ import annotations

import argparse
import io
import pathlib
import shutil
import sys
import threading
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
from node.bus.commands import new_id
from node.errors import BusError, CommandRefused, SnicherError
from node.model import is_id, parse_address
from node.printable import flat, plain
from node.terminal import roster, screen
from node.terminal.arguments import MAX_DIGITS
from node.terminal.chat import found, talk
from node.terminal.heard import Heard
from node.terminal.lines import (
    address,
    called,
    delivery_lines,
    doubt_lines,
    message_line,
    refusal,
    room_line,
    trusted,
)
from node.terminal.linked import link_lines
from node.terminal.own_node import OwnNode
from node.terminal.patience import patiently
from node.terminal.said import room_of

MENU = """
  1. Send message
  2. Query active peers
  3. Connect to a peer
  4. Rename, merge, delete, trust, delivery, link
  5. Show a conversation
  6. Chat with somebody, live
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
#: Messages of a conversation that are shown before one writes to it, and when one asks to see it.
LINES_SHOWN = 6
CONVERSATION_SHOWN = 20
#: Lines about what happens that are kept during a chat, for after it; beyond that, only their number is told.
MAX_HELD = 200
#: Rows reserved below a question for name completions, and the least rows of a screen that has them. On a smaller
#: screen the question itself would not be shown.
WORDS_SHOWN = 6
ROWS_FOR_WORDS = 16
#: Answers that mean yes.
YES = ("y", "yes")
#: The client name of the menu's commands; events caused by them carry it.
CLIENT_NAME = "menu"
CHAT_NAME = "menu chat"


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
        self._terminal = terminal
        self._client = Client(home, name=CLIENT_NAME)
        self._ended = threading.Event()
        self._node = OwnNode(self._client, name, listen, terminal.ask, terminal.tell)
        self._heard = Heard(self._hear, CLIENT_NAME)
        #: What happened during a chat, which has the screen, and how many more lines that were not kept.
        self._hearing = threading.Lock()
        self._held: list[str] | None = None
        self._unkept = 0

    def run(self) -> int:
        """Until the person quits; returns the exit code. Raises SnicherError when no node can be had."""
        try:
            self._node.find_or_start()
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
            self._node.end()
            self._client.close()
        return 0

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
                self._hear(f"(the node is away: {item.reason})")
            elif isinstance(item, Back):
                self._hear("(the node is back)")
            elif isinstance(item, ev.Event):
                self._heard.take(item)
        follower.close()

    def _hear(self, line: str) -> None:
        """Tell what happens, or keep it while a chat has the screen."""
        with self._hearing:
            if self._held is None:
                self._terminal.tell(line)
            elif len(self._held) < MAX_HELD:
                self._held.append(line)
            else:
                self._unkept += 1

    def _tell_all(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._terminal.tell(line)

    # -- what can be chosen

    def _show_addresses(self) -> None:
        me = self._client.status().self
        shown = "".join(f"\n  {address}" for address in me.addresses) or "\n  (none: this machine has no network)"
        self._terminal.tell(f"You are {flat(me.name)}. Others reach you at:{shown}")

    def _choose(self) -> None:
        choices = {"1": self._send, "2": self._peers, "3": self._connect, "4": self._more, "5": self._show}
        self._offer(MENU, {**choices, "6": self._chat})

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
        self._check(to)
        for room in list(self._heard.rooms.values()):
            if means(to, room.id, room.name) or to in room.aliases:
                self._tell_room(room, LINES_SHOWN)
        text = self._terminal.ask("Message: ")
        if text:
            key = new_id()
            message = patiently(lambda: self._client.send(to, text, key=key))
            self._terminal.tell(f"#{message.id} is on disk; it goes to {flat(to)} now or as soon as that is possible.")

    def _check(self, to: str) -> None:
        """Whether somebody is meant by this, and only one. Raises CommandRefused with whom one may have meant."""
        try:
            # It asks about a peer and changes nothing: the node itself says who is meant.
            self._client.links(to)
        except CommandRefused as refused:
            if refused.code != "not_found" or not self._is_reachable(to):
                raise

    def _is_reachable(self, to: str) -> bool:
        """Whether somebody who isn't on the list can be written to: at a new address, or in a conversation."""
        if any(to == room.id or to in room.aliases for room in self._heard.rooms.values()):
            return True
        try:
            parse_address(to)
        except ValueError:
            return any(means(to, room.id, room.name) for room in self._heard.rooms.values())
        return True

    def _tell_room(self, room: nouns.Room, count: int) -> None:
        self._terminal.tell(room_line(room, self._heard.peers.get(room.peer or "")))
        for message in self._client.history(room.id, limit=count).messages:
            self._terminal.tell(message_line(message, room))

    def _show(self) -> None:
        who = self._whom("With whom (HOST:PORT or a name): ")
        if who:
            room = room_of(self._client.snapshot().state, who)
            self._tell_room(room, CONVERSATION_SHOWN)
            self._terminal.tell("6 goes on with it, live.")

    def _chat(self) -> None:
        who = self._whom("With whom (HOST:PORT or a name): ")
        if not who:
            return
        self._held = []
        try:
            with Client(self._home, name=CHAT_NAME) as client:
                where = found(client, who)
                self._heard.aside = where.room
                talk(client, where)
        finally:
            self._heard.aside = None
            with self._hearing:
                self._tell_all(self._held)
                if self._unkept:
                    self._terminal.tell(f"(and {self._unkept} more lines about what happened meanwhile)")
                self._held, self._unkept = None, 0

    def _peers(self) -> None:
        result = self._client.peers()
        tries = {one.peer: one for one in result.next_tries}
        active = [peer for peer in result.peers if peer.link in ("online", "reachable", "connecting")]
        others = [peer for peer in result.peers if peer not in active]
        self._terminal.tell("Active peers:" if active else "No active peers.")
        width = screen.width()
        for listed in (active, others):
            if listed is others and others:
                self._terminal.tell("Known, but not there now:")
            if listed:
                self._tell_all([screen.text_of(line) for line in roster.peers(listed, tries, width)])
        self._tell_all([screen.text_of(line) for line in roster.legend(result.peers, width)])

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
