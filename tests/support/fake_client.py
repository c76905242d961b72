"""A client of the bus that answers as told, for testing the command line's verbs without a node."""

from __future__ import annotations

import pathlib
import signal
from collections.abc import Callable
from typing import Any

from node.bus import events as ev


class FakeClient:
    """Answers as told, and remembers what it was asked."""

    def __init__(self, answers: list[Any], home: pathlib.Path) -> None:
        self.answers = answers
        self.home = home
        self.asked: list[Any] = []
        self.head = 0

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _answer(self, *asked: Any) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, to: str, text: str, *, key: str | None = None) -> Any:
        return self._answer(to, text, key)

    def settings(self, **changes: Any) -> Any:
        return self._answer(changes)

    def config(self) -> Any:
        return self._answer()

    def consumers(self) -> Any:
        return self._answer("list")

    def consumer_drop(self, name: str) -> Any:
        return self._answer("drop", name)

    def status(self) -> Any:
        return self._answer()

    def follow(self, cursor: Any) -> Any:
        self.asked.append(cursor)
        return self.answers.pop(0)

    def connect(self, address: str, dialect: str) -> Any:
        return self._answer("connect", address, dialect)

    def delete(self, peer: str) -> Any:
        return self._answer("delete", peer)

    def snapshot(self) -> Any:
        return self._answer("snapshot")

    def history(self, room: str, **more: Any) -> Any:
        return self._answer("history", room)

    def search(self, query: str, **more: Any) -> Any:
        return self._answer("search", query)

    def peers(self) -> Any:
        return self._answer("peers")

    def trust(self, peer: str, *, plain: bool = False, rival: str | None = None) -> Any:
        return self._answer("trust", peer, plain)

    def links(self, peer: str) -> Any:
        return self._answer("links", peer)

    def verify(self, peer: str, code: str) -> Any:
        return self._answer("verify", peer, code)

    def unverify(self, peer: str) -> Any:
        return self._answer("unverify", peer)

    def paths(self, peer: str) -> Any:
        return self._answer("paths", peer)

    def doctor(self, peer: str | None = None, *, again: bool = False) -> Any:
        return self._answer("doctor", peer, again)

    def invite(self) -> Any:
        return self._answer("invite")

    def add(self, link: str) -> Any:
        return self._answer("add", link)

    def accept(self, peer: str) -> Any:
        return self._answer("accept", peer)

    def refuse(self, peer: str) -> Any:
        return self._answer("refuse", peer)

    def block(self, peer: str) -> Any:
        return self._answer("block", peer)

    def unblock(self, peer: str) -> Any:
        return self._answer("unblock", peer)

    def delivery(self, message: int) -> Any:
        return self._answer("delivery", message)

    def consume(self, name: str, **more: Any) -> Any:
        self.asked.append((name, more))
        return self.answers.pop(0)


class FakeConsumer:
    """Gives what it is told to, remembers what is acknowledged and how much was shown by then, and is interrupted."""

    def __init__(self, items: list[Any], shown: Callable[[], str], *, interrupts: int = 0) -> None:
        self.items = items
        self.shown = shown
        self.interrupts = interrupts
        self.fails: dict[int | None, Exception] = {}
        self.acknowledged: list[tuple[int | None, str]] = []

    def next(self, timeout: float) -> Any:
        if not self.items:
            raise KeyboardInterrupt
        return self.items.pop(0)

    def acknowledge(self, event: ev.Event) -> None:
        if event.seq in self.fails:
            raise self.fails[event.seq]
        for _ in range(self.interrupts):
            signal.raise_signal(signal.SIGINT)
        self.acknowledged.append((event.seq, self.shown()))
