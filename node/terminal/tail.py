"""The verb `tail`: all events as they come, from a cursor or for a named consumer, until Ctrl+C.

It waits for a node that is away, at its start as well as later, and says so on stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import signal
import stat
import sys
from collections.abc import Callable, Iterator

from node import program
from node.bus import events as ev
from node.bus import locate
from node.bus.client import Away, Back, Client, Consumer, Cursor, Lapsed, Resync
from node.errors import CommandRefused, HomeRefused, NodeAway
from node.printable import json_line
from node.terminal import screen
from node.terminal.lines import away_line, event_pieces

#: How often `tail` looks whether it was interrupted while nothing comes, in seconds.
LOOK_AGAIN = 1.0


def tail(client: Client, options: argparse.Namespace) -> None:
    """Print events until interrupted. Raises KeyboardInterrupt if it was waiting for the node at that moment."""
    _check_home(client.home)
    printer = _Printer(client.home, options.json)
    try:
        if options.consumer is not None:
            _tail_consumer(client, options, printer)
        else:
            _tail_events(client, options, printer)
    except KeyboardInterrupt:
        if not printer.waits:
            return
        raise
    if printer.waits:
        raise KeyboardInterrupt


def _check_home(home: pathlib.Path) -> None:
    """Refuse to wait for a node that can never come: `tail` waits only where a home is, and for a version it speaks.

    Raises NodeAway when there is no such folder, HomeRefused when it isn't ours alone, and BusProtocolError when
    bus.json is another version's, or none.
    """
    try:
        there = stat.S_ISDIR(home.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        there = False
    except OSError as error:
        raise NodeAway(f"Can't look into {home}: {error.strerror}.") from error
    if not there:
        raise NodeAway(f"There is no home at {home}. Is --home right? A node makes it: {locate.start_command(home)}")
    try:
        locate.read_endpoint(home)
    except HomeRefused:
        # HomeRefused is a NodeAway, too, but no node of ours will ever run on this home: don't wait.
        raise
    except NodeAway:
        pass


def _tail_events(client: Client, options: argparse.Namespace, printer: _Printer) -> None:
    cursor = Cursor("", options.since) if options.since is not None else None
    expected = cursor is None
    follower = client.follow(cursor)
    with _interrupts_noted() as interrupted:
        while not interrupted():
            item = follower.next(timeout=LOOK_AGAIN)
            if isinstance(item, Resync):
                if not expected:
                    seq = item.snapshot.seq
                    print(f"The events asked for aren't there; going on after event {seq}.", file=sys.stderr)
                expected = False
            elif item is not None:
                printer.show(item)


def _tail_consumer(client: Client, options: argparse.Namespace, printer: _Printer) -> None:
    consumer = client.consume(options.consumer, since=options.since, restart=options.restart)
    with _interrupts_noted() as interrupted:
        while not interrupted():
            item = consumer.next(timeout=LOOK_AGAIN)
            with _interrupted_later():
                if item is not None:
                    printer.show(item)
                if isinstance(item, ev.Event):
                    # Acknowledge after printing: if the process is killed in between, the event is shown again.
                    _acknowledge(consumer, item)


def _acknowledge(consumer: Consumer, event: ev.Event) -> None:
    try:
        consumer.acknowledge(event)
    except NodeAway:
        # Skip this one: the node's return is an event at least, and acknowledging that one covers this one.
        pass
    except CommandRefused as refused:
        if not refused.retryable:
            raise


@contextlib.contextmanager
def _interrupts_noted() -> Iterator[Callable[[], bool]]:
    """Ctrl+C raises as usual, and is remembered as well, because Python drops an exception raised in a finalizer."""
    interrupted = False

    def note(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: interrupted
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _interrupted_later() -> Iterator[None]:
    """Postpone Ctrl+C to the end of the block; a second one interrupts at once."""
    interrupted = False

    def note(*_: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt


class _Printer:
    """Prints events on stdout, and on stderr that the node is away or back."""

    def __init__(self, home: pathlib.Path, as_json: bool) -> None:
        #: Whether the node is away, so that `tail` waits for it.
        self.waits = False
        self._home = home
        self._json = as_json

    def show(self, item: ev.Event | Away | Back | Lapsed) -> None:
        """Print one item from a follower."""
        if isinstance(item, Away):
            self.waits = True
            start = program.typed(locate.start_command(self._home))
            print(away_line(item.reason, item.since, start), file=sys.stderr)
        elif isinstance(item, Back):
            self.waits = False
            print("The node is back.", file=sys.stderr)
        elif isinstance(item, Lapsed):
            print(f"Events that it had not seen are kept no more; going on after event {item.seq}.", file=sys.stderr)
        elif self._json:
            print(json_line(item), flush=True)
        else:
            screen.say(event_pieces(item))
            sys.stdout.flush()
