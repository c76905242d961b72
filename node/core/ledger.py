"""The ledger of a decision: its effects in order, event numbers without gaps, and new ids. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from node.bus import bounds
from node.bus import events as ev
from node.core import effects as e
from node.core import queries as q
from node.core.clock import Clock


class Ledger:
    """The effects of the present stimulus, and the counters that go on after it."""

    def __init__(self, log: str, head: int, clock: int, last_message: int, last_link: int = -1) -> None:
        self.log_id = log
        #: Number of the newest durable event.
        self.head = head
        self.clock = Clock(clock)
        self.last_message = last_message
        #: Links that the core dials have odd numbers; accepted ones have even numbers.
        self.last_link = last_link
        self.now = 0
        self.cause: ev.Cause | None = None
        self._effects: list[e.Effect] = []

    def take(self) -> list[e.Effect]:
        """All effects since the last call."""
        effects, self._effects = self._effects, []
        return effects

    def put(self, effect: e.Effect) -> None:
        """Decide something."""
        self._effects.append(effect)

    def log(self, data: msgspec.Struct, room: str | None = None, message: int | None = None) -> None:
        """Log a durable event now. Its type is the class of its data."""
        self.head += 1
        event = ev.Event(
            v=bounds.VERSION,
            log=self.log_id,
            at=self.now,
            type=type(data).__name__,
            seq=self.head,
            room=room,
            cause=self.cause,
            data=data,
        )
        self._effects.append(e.Log(event, message))

    def tell(self, data: msgspec.Struct) -> None:
        """Publish an ephemeral event."""
        event = ev.Event(v=bounds.VERSION, log=self.log_id, at=self.now, type=type(data).__name__, data=data)
        self._effects.append(e.Tell(event))

    def next_message(self) -> int:
        """The id of a new message."""
        self.last_message += 1
        return self.last_message

    def next_link(self) -> int:
        """The id of a link to be dialled."""
        self.last_link += 2
        return self.last_link

    def reply(self, token: int, result: Any, key: q.Key | None) -> None:
        """Answer a command. With a key, the reply is saved in the same commit as the command's records."""
        if key is not None:
            self._effects.append(e.SaveReply(key, result, self.now))
        self._effects.append(e.Reply(token, result))

    def refuse(self, token: int, code: str, message: str, **details: Any) -> None:
        """Answer a command with an error."""
        self._effects.append(e.Refuse(token, code, message, details))
