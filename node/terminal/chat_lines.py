"""The chat line by line, for pipes, scripts and terminals that can't move their cursor.

It prints the newest messages, then what comes; it reads lines and sends each. At the end of its input it ends, once the
node has accepted all of them. Two threads: this one reads and sends, the other one follows and prints.
"""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Iterator

from node import program
from node.bus import events as ev
from node.bus import locate, nouns
from node.bus import requests as rq
from node.bus.client import Away, Back, Client, Cursor, Item, Resync
from node.bus.commands import new_id
from node.errors import BusError, CommandRefused, NodeAway
from node.printable import plain
from node.terminal.chat_log import PAGE, unsent
from node.terminal.chat_sending import AGAIN_MS, COMMANDS, HINT, LONGEST_MS, understood
from node.terminal.chat_talk import Talk
from node.terminal.lines import away_line, message_line, refusal, room_line
from node.terminal.patience import patiently
from node.terminal.said import print_json

#: Messages that are printed first.
SHOWN = 20
#: Ids of printed messages that are remembered, so that none is printed twice after a resynchronisation.
MAX_PRINTED = 10_000
#: How long one wait for events is, in seconds: so long the end takes at most.
LOOK_S = 0.2
#: How long the end waits for the events of what was sent, so that it is printed, too, in seconds.
SETTLE_S = 2.0
#: Most characters of a refused line that are quoted back.
MAX_QUOTED = 200


class Lines:
    """One run of the chat line by line. `as_json`: messages as JSON, and nothing else on standard output."""

    def __init__(
        self, client: Client, snapshot: rq.SnapshotResult, room: str, peer: str | None, *, as_json: bool
    ) -> None:
        self._client = client
        self._cursor = Cursor(snapshot.log, snapshot.seq)
        self._start = program.typed(locate.start_command(client.home))
        self._talk = Talk(snapshot, room, peer, self._start)
        self._json = as_json
        self._ended = threading.Event()
        #: The last event that was taken, and what to wait on for the next one.
        self._taken = snapshot.seq
        self._takes = threading.Condition()
        self._printed: dict[int, None] = {}
        #: Messages may be missing since a resynchronisation.
        self._missing = False
        #: On a terminal, what one types stands there already.
        self._echoed = sys.stdin.isatty() and not as_json
        if isinstance(sys.stdin, io.TextIOWrapper):
            # Bytes that are no text become replacement characters, as on the command line.
            sys.stdin.reconfigure(errors="replace")

    def run(self) -> int:
        """Until the input ends; returns the exit code: 1 when a line was refused. Raises BusError."""
        talk = self._talk
        if not self._json:
            print(room_line(talk.room, talk.peer) if talk.room is not None else talk.name, flush=True)
        if talk.room is not None:
            self._show(self._client.history(talk.room_id, limit=SHOWN).messages)
        follows = threading.Thread(target=self._follow, name="chat events", daemon=True)
        follows.start()
        try:
            code = self._read()
            with self._takes:
                self._takes.wait_for(lambda: self._taken >= self._client.head, SETTLE_S)
            return code
        finally:
            self._ended.set()
            follows.join(2.0)

    # -- what is typed

    def _read(self) -> int:
        code = 0
        for line in _lines():
            typed = understood(line)
            if typed.command == "quit":
                break
            if typed.command == "again":
                code = code if self._send_again() else 1
            elif typed.command:
                print(f"{', '.join('/' + one for one in COMMANDS)}. {HINT}", file=sys.stderr)
            elif typed.wrong:
                print(plain(typed.wrong), file=sys.stderr)
                code = 1
            elif typed.text and not self._send(typed.text):
                code = 1
        return code

    def _send_again(self) -> bool:
        """Send the last message again that has failed. False: it was refused, and that was said."""
        talk = self._talk
        try:
            one = None if talk.room is None else unsent(self._client.history(talk.room_id, limit=PAGE).messages)
            if one is None:
                print("Nothing that you sent here has failed.", file=sys.stderr)
            else:
                self._client.resend(one.id)
        except BusError as error:
            print(f"Not sent again: {plain(refusal(error))}", file=sys.stderr)
            return False
        return True

    def _send(self, text: str) -> bool:
        """Hand a text over to the node, however long that is away. False: it was refused, and that was said."""
        key, until = new_id(), time.monotonic() + LONGEST_MS / 1000
        while True:
            try:
                message = patiently(lambda: self._client.send(self._talk.to, text, key=key))
            except CommandRefused as refused:
                if refused.code != "stopping" or time.monotonic() > until:
                    quoted = text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + " ..."
                    print(f"Not sent: {plain(refusal(refused))} The line was: {plain(quoted)}", file=sys.stderr)
                    return False
            except BusError as error:
                if time.monotonic() > until:
                    raise NodeAway(f"{error} Not sent: {text[:MAX_QUOTED]}") from error
            else:
                self._talk.goes_on_in(message.room)
                return True
            self._ended.wait(AGAIN_MS / 1000)

    # -- what comes in

    def _follow(self) -> None:
        follower = self._client.follow(self._cursor)
        while not self._ended.is_set():
            try:
                item = follower.next(timeout=LOOK_S)
                if item is not None:
                    self._take(item)
                if self._missing:
                    self._show_newest()
                with self._takes:
                    self._taken = follower.cursor.seq if follower.cursor is not None else self._taken
                    self._takes.notify_all()
            except BusError:
                continue
            except Exception:
                # The client was closed under us, or nobody reads our output any more: the chat ends.
                break
        follower.close()

    def _take(self, item: Item) -> None:
        talk = self._talk
        talk.take(item, int(time.time() * 1000))
        if isinstance(item, Away):
            print(away_line(item.reason, item.since, self._start), file=sys.stderr, flush=True)
        elif isinstance(item, Back):
            print("The node is back.", file=sys.stderr, flush=True)
        elif isinstance(item, Resync):
            self._missing = True
        elif isinstance(item.data, ev.MessageReceived | ev.MessageAccepted) and item.data.message.room == talk.room_id:
            own = item.cause is not None and item.cause.client == self._client.name
            if own and self._echoed:
                self._printed[item.data.message.id] = None
            else:
                self._show([item.data.message])
        elif isinstance(item.data, ev.MessageStateChanged) and item.data.room == talk.room_id:
            self._became(item.data)

    def _show_newest(self) -> None:
        """What came while nothing could be followed. Raises BusError; then it is still missing."""
        if self._talk.room is not None:
            self._show(self._client.history(self._talk.room_id, limit=PAGE).messages)
        self._missing = False

    def _became(self, data: ev.MessageStateChanged) -> None:
        if data.state in ("failed", "unconfirmed") and not self._json:
            print(plain(f"(message #{data.id} is {data.state}: {data.detail or ''})"), flush=True)

    def _show(self, messages: list[nouns.Message]) -> None:
        """Print those that were not printed yet."""
        for one in messages:
            if one.id in self._printed or one.kind == "deleted":
                continue
            self._printed[one.id] = None
            if len(self._printed) > MAX_PRINTED:
                del self._printed[next(iter(self._printed))]
            if self._json:
                print_json(one)
            else:
                print(message_line(one, self._talk.room), flush=True)


def _lines() -> Iterator[str]:
    """The lines of standard input, as they come."""
    while line := sys.stdin.readline():
        yield line
