"""What stands around turns and answers in tests: fakes that remember what was asked of them."""

from __future__ import annotations

import threading

from node.bus import events as ev
from node.bus import nouns
from node.bus.diagnosis import Diagnosis
from node.core import effects as e


class World:
    """Remembers acts, events and how the node was, each in order."""

    def __init__(self) -> None:
        self.acts: list[e.Act] = []
        self.events: list[ev.Event] = []
        self.told: list[nouns.Health] = []

    def perform(self, act: e.Act) -> None:
        self.acts.append(act)

    def publish(self, events: list[ev.Event]) -> None:
        self.events.extend(events)

    def tell_health(self, health: nouns.Health) -> None:
        self.told.append(health)


class Peers:
    """Remembers what was asked of the links, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def pause(self) -> None:
        self.done.append("pause")

    def resume(self) -> None:
        self.done.append("resume")

    def go_on(self) -> None:
        self.done.append("go on")

    def leave_all(self) -> None:
        self.done.append("leave all")


class Run:
    """A run that is asked for its figures, and for its end."""

    links, refused, subscribed = 2, 3, 4

    def __init__(self) -> None:
        self.stopped: list[str] = []

    def stop(self, reason: str) -> None:
        self.stopped.append(reason)

    def examine(self, peer: str | None, again: bool) -> Diagnosis:
        return Diagnosis(peer=peer, running=again)


class Disk:
    """A writer whose commits wait until they are let through."""

    def __init__(self) -> None:
        self.written: list[list[e.Record]] = []
        self.commits = 0
        #: What the next commit fails with.
        self.fault: Exception | None = None
        self._through = threading.Semaphore(0)
        #: As a reader: no snapshot is open.
        self.pages = self

    def commit(self, records: list[e.Record]) -> None:
        assert self._through.acquire(timeout=60)
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        self.written.append(records)
        self.commits += 1

    def let_through(self, count: int = 1) -> None:
        self._through.release(count)

    def probe(self) -> None:
        pass

    def fold(self) -> bool:
        return True

    def interrupt(self) -> None:
        pass

    def close(self, *, fold: bool = True) -> None:
        pass
