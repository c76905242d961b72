"""Commands about named consumers, whose position in the event log the node keeps. BUS.md is normative.

Law of this file: pure data, a part of requests.py.
"""

from __future__ import annotations

import msgspec

from node.bus.events import Event
from node.bus.nouns import Consumer


class ConsumerCreateArgs(msgspec.Struct, kw_only=True):
    """A new consumer begins after event `since`, or at the head if that is None. An existing one stays as it is. One
    that has lapsed is refused, or with `restart` begins like a new one.
    """

    name: str
    since: int | None = None
    restart: bool = False


class ConsumerArgs(msgspec.Struct, kw_only=True):
    """A consumer by its name."""

    name: str


class ConsumerNextArgs(msgspec.Struct, kw_only=True):
    """The first events after the consumer's position, which stays where it is."""

    name: str
    limit: int = 100


class ConsumerAcknowledgeArgs(msgspec.Struct, kw_only=True):
    """Events up to `seq` were processed. A `seq` before the consumer's position changes nothing."""

    name: str
    seq: int


class ConsumerResult(msgspec.Struct, kw_only=True):
    """The consumer as it is on disk."""

    consumer: Consumer


class ConsumerNextResult(msgspec.Struct, kw_only=True):
    """In order, without a gap. `more` says that there are further ones already."""

    log: str
    consumer: Consumer
    head: int
    events: list[Event]
    more: bool


class ConsumersResult(msgspec.Struct, kw_only=True):
    """All consumers, by name."""

    consumers: list[Consumer]
