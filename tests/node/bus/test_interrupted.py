"""Ctrl+C at any line of a client's work: closing it ends at once. And a signal handler may close it, too.

Python raises KeyboardInterrupt wherever the main thread happens to be, in ZeroMQ's binding too. Here it is raised on
purpose, at one line after the other.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest
import zmq

import node.bus
from node.bus.client import Client, Cursor, Item
from node.errors import NodeAway
from tests.support.bus_fakes import PATIENCE, FakeBus

#: Whose lines count.
FOLDERS = tuple(str(pathlib.Path(str(module.__file__)).parent) for module in (node.bus, zmq))


def raise_interrupt() -> None:
    raise KeyboardInterrupt


class Interrupter:
    """Does something, as a signal's handler would, at the line of this number of all that a piece of work runs."""

    def __init__(self, number: int, act: Callable[[], None] = raise_interrupt) -> None:
        self.number = number
        self.act = act
        self.lines = 0
        self.where = "nowhere"

    def run(self, work: Callable[[], None]) -> None:
        sys.settrace(self._trace)
        try:
            work()
        finally:
            sys.settrace(None)

    def _trace(self, frame: types.FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(FOLDERS):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.number:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                self.act()
        return self._trace


def following(bus: FakeBus, client: Client) -> None:
    follower = client.follow(Cursor(bus.log, 0))
    for _ in range(3):
        assert follower.next(PATIENCE) is not None
    client.status()


def sending(bus: FakeBus, client: Client) -> None:
    client.send("room", "hello")
    follower = client.follow()
    assert follower.next(PATIENCE) is not None
    follower.close()


def interrupted(bus: FakeBus, work: Callable[[FakeBus, Client], None], number: int) -> Interrupter:
    """Do the work in a thread of its own, interrupted at that line; fails when closing the client doesn't end."""
    interrupter = Interrupter(number)
    closed = threading.Event()

    def session() -> None:
        try:
            with Client(bus.home) as client:
                interrupter.run(lambda: work(bus, client))
        except KeyboardInterrupt:
            pass
        closed.set()

    threading.Thread(target=session, daemon=True).start()
    assert closed.wait(PATIENCE), f"interrupted at {interrupter.where}, it doesn't end"
    return interrupter


# Where Python must ignore an interrupt, in a finalizer, it says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("work", [following, sending])
def test_a_client_that_is_interrupted_anywhere_can_be_closed(
    bus: FakeBus, work: Callable[[FakeBus, Client], None]
) -> None:
    bus.put(5)
    lines = interrupted(bus, work, 0).lines
    assert lines > 100
    for number in range(1, lines + 1):
        interrupted(bus, work, number)


@pytest.mark.parametrize("of", ["follower", "client"])
def test_a_signal_handler_may_close_what_is_waited_for(bus: FakeBus, of: str) -> None:
    with Client(bus.home) as client:
        follower = client.follow()
        assert follower.next(PATIENCE) is not None
        before = signal.signal(signal.SIGUSR1, lambda *_: (follower if of == "follower" else client).close())
        # Once it waits for what never comes.
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        try:
            assert list(follower) == []
        finally:
            timer.join()
            signal.signal(signal.SIGUSR1, before)


def test_a_follower_that_is_closed_at_any_line_ends(bus: FakeBus) -> None:
    bus.put(5)
    with Client(bus.home) as client:

        def closed_at(number: int) -> Interrupter:
            follower = client.follow(Cursor(bus.log, 0))
            interrupter = Interrupter(number, follower.close)
            seen: list[Item | None] = []
            interrupter.run(lambda: seen.extend(follower.next(PATIENCE) for _ in range(3)))
            # Nothing comes any more once it is closed.
            assert [one is None for one in seen] == sorted(one is None for one in seen)
            follower.close()
            return interrupter

        lines = closed_at(0).lines
        assert lines > 100
        for number in range(1, lines + 1):
            closed_at(number)


@pytest.mark.parametrize("work", [following, sending])
def test_a_client_that_is_closed_at_any_line_says_so(bus: FakeBus, work: Callable[[FakeBus, Client], None]) -> None:
    bus.put(5)

    def closed_at(number: int) -> Interrupter:
        with Client(bus.home) as client:
            interrupter = Interrupter(number, client.close)

            def work_until_closed() -> None:
                try:
                    work(bus, client)
                except NodeAway:
                    pass
                except AssertionError:
                    # A follower that was closed has nothing to give.
                    assert client._closed

            interrupter.run(work_until_closed)
        return interrupter

    lines = closed_at(0).lines
    assert lines > 100
    for number in range(1, lines + 1):
        closed_at(number)
