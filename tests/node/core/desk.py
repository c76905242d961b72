"""A core on its own, with a store in memory that takes in at once what is decided."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.contact import Contact
from node.core.identity import Identity
from node.core.node import Node
from node.core.settings import Fixed
from node.protocol.plain.codec import Announced, Said, Text
from tests.support.memory_store import MemoryStore

START = 1_700_000_000_000
LISTEN = "10.0.0.99:5000"
CAUSE = ev.Cause(client="test", request="1")
BOB = "10.0.0.1:5000"

Kind = TypeVar("Kind")


class Desk:
    """Give it stimuli; what follows is returned and stored. `now` is moved by hand."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        name: str | None = None,
        started: bool = True,
        fixed: dict[str, Fixed] | None = None,
    ) -> None:
        self.store = store or MemoryStore()
        self.now = START
        self.core = Node(self.store.load(), Identity("me", "me", "0", name, "anna", fixed=fixed or {}))
        self.tokens = 0
        if started:
            self.begun = self.give(s.Started(LISTEN, [LISTEN]))

    def give(self, stimulus: s.Stimulus) -> list[e.Effect]:
        """What follows from a stimulus, on disk already."""
        effects = self.core.handle(stimulus, self.now)
        self.store.commit([effect for effect in effects if isinstance(effect, e.Record)])
        return effects

    def ask(self, op: str, args: Any, key: q.Key | None = None) -> list[e.Effect]:
        """A front end's command; what it has to ask the store for is answered at once."""
        self.tokens += 1
        return self.answered(self.give(s.Commanded(self.tokens, op, args, CAUSE, key)))

    def answered(self, effects: list[e.Effect]) -> list[e.Effect]:
        """The effects, and those of the answers to what was asked of the store."""
        found = list(effects)
        for effect in found:
            if isinstance(effect, e.Fetch):
                found.extend(self.give(self.store.answer(effect.query)))
        return found

    def send(self, to: str, *texts: str) -> list[e.Effect]:
        return self.ask("send", rq.SendArgs(messages=[rq.Outgoing(to=to, text=text) for text in texts]))

    def hear(self, link: int, *said: Said | str, host: str = "10.0.0.1", dialect: str = "snicher") -> list[e.Effect]:
        """A peer says something: on a persistent link, or as a one-shot client."""
        heard = [Text(one) if isinstance(one, str) else one for one in said]
        return self.hear_on(link, heard, host=host, dialect=dialect, two_way=dialect == "snicher")

    def hear_on(
        self,
        link: int,
        said: list[Said],
        *,
        host: str = "10.0.0.1",
        port: int | None = None,
        dialect: str = "snicher",
        two_way: bool = True,
        size: int = 0,
    ) -> list[e.Effect]:
        """A peer says something on a link that is what the arguments say. We dialled those with odd numbers."""
        up = s.LinkUp(link, "out" if link % 2 else "in", host, port, dialect, two_way)
        return [*self.give(up), *self.give(s.Heard(link, said, size))]

    def call(self, link: int, port: int = 5000, host: str = "10.0.0.1") -> list[e.Effect]:
        """A peer opens a persistent link and says where it listens."""
        return self.hear(link, Announced(port), host=host)

    def outcome(self, link: int, token: int, outcome: Any, part: int = 1, parts: int = 1) -> list[e.Effect]:
        reason = None if outcome == "sent" else "It broke off."
        return self.give(s.Transmitted(link, token, outcome, reason, part, parts, ()))

    def contact(self, host: str = "10.0.0.1", port: int = 5000) -> Contact:
        found = self.core._contacts.at(host, port)
        assert found is not None
        return found

    def open_links(self, host: str = "10.0.0.1", port: int = 5000) -> list[int]:
        """The links over which texts go to a peer, the one to use last."""
        return [link.number for link in self.contact(host, port).links]

    def state(self, message: int) -> str:
        return self.store.outbox[message].state

    def states(self) -> list[str]:
        """The states of all our messages, in order of acceptance."""
        return [row.state for _, row in sorted(self.store.outbox.items())]


def events(effects: list[e.Effect]) -> list[str]:
    """The durable events among the effects, by type."""
    return [effect.event.type for effect in effects if isinstance(effect, e.Log)]


def acts(effects: list[e.Effect]) -> list[e.Act]:
    """What is to be done, without replies."""
    return [effect for effect in effects if isinstance(effect, e.Dial | e.Transmit | e.HangUp | e.Fetch | e.Exit)]


def only(kind: type[Kind], effects: list[e.Effect]) -> list[Kind]:
    return [effect for effect in effects if isinstance(effect, kind)]


def result(effects: list[e.Effect]) -> Any:
    """The one answer to a command: its result, or the code it was refused with."""
    (answer,) = [effect for effect in effects if isinstance(effect, e.Reply | e.Refuse)]
    return answer.code if isinstance(answer, e.Refuse) else answer.result


def data(kind: type[Kind], effects: list[e.Effect]) -> list[Kind]:
    """The data of all events of a kind."""
    logged: list[msgspec.Struct] = [effect.event.data for effect in effects if isinstance(effect, e.Log | e.Tell)]
    return [one for one in logged if isinstance(one, kind)]


def transmits(effects: list[e.Effect]) -> list[tuple[int, int]]:
    """(link, message) of what is given to links."""
    return [(one.link, one.token) for one in only(e.Transmit, effects)]


def linked() -> Desk:
    """Bob has opened link 2."""
    desk = Desk()
    desk.call(2)
    return desk


def std() -> Desk:
    """Bob is a one-shot client that was heard of; what he said has number 1."""
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    return desk
