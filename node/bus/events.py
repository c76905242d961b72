"""Every event of the bus, durable and ephemeral, and how its frames are written and read. BUS.md is normative.

Law of this file: pure data. A new type of event is skipped by older front ends; a test fails when BUS.md lacks it.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from node.bus.nouns import Greeting, Health, Message, NextTry, Peer, Room, Self, Settings


class NodeStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The node is up. The first event of every run."""

    self: Self
    settings: Settings
    version: str


class NodeStopped(msgspec.Struct, frozen=True, kw_only=True):
    """The node ends gracefully. Missing when it crashed."""

    reason: str


class GreetingChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A mandatory peer was passed over, is being called, was greeted, or could not be."""

    greeting: Greeting


class SettingsChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody changed the settings."""

    settings: Settings
    self: Self


class RoomAdded(msgspec.Struct, frozen=True, kw_only=True):
    """There is a new conversation. `last` of a room in an event is always None: texts stand in messages only."""

    room: Room


class RoomChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation's name or peer changed; carries it whole, but for `last`, which stays what it was."""

    room: Room


class RoomsMerged(msgspec.Struct, frozen=True, kw_only=True):
    """Two conversations turned out to be with one person: the messages of `gone` now stand in `room`. Its `last` is the
    newer one of both."""

    gone: str
    room: Room


class RoomDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation was deleted with all that was said in it. What its peer says next begins a new one."""

    room: str


class MessagesExpired(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation's messages up to `upto` were kept long enough and are gone, but for those that still wait.

    `unread` is what is left. `last` is the message that stays the room's last; None: it has none any more."""

    room: str
    upto: int
    unread: int
    last: int | None = None


class RoomRead(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody read a conversation up to `read_upto`; `unread` is what is left."""

    room: str
    read_upto: int
    unread: int


class PeerAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A new peer is known."""

    peer: Peer


class PeerChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a peer changed (name, address, dialect, link, error); carries it whole."""

    peer: Peer


class PeerForgotten(msgspec.Struct, frozen=True, kw_only=True):
    """A peer was taken off the list. Its conversation stays."""

    peer: str


class QuotaReached(msgspec.Struct, frozen=True, kw_only=True):
    """A source address cost so many bytes in a day that it is shut out. Nobody else is affected."""

    host: str
    bytes: int
    until: int


class MessageReceived(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody said something, or a quiet notice about a peer was added; it is on this node's disk."""

    message: Message


class MessageAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """A front end said something; it is on this node's disk and will be sent."""

    message: Message


class MessageStateChanged(msgspec.Struct, frozen=True, kw_only=True):
    """One of our own messages went to another state."""

    room: str
    id: int
    state: str
    detail: str | None = None
    #: The message's marks from now on; None leaves them as they are.
    marks: list[str] | None = None


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The node is alive. `head` is the newest durable event, `oldest` the oldest that can still be asked for."""

    log: str
    head: int
    oldest: int


class RetryScheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A peer could not be reached and will be tried again."""

    next_try: NextTry


class HealthChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The node's health changed."""

    health: Health


class ConnectionNoticed(msgspec.Struct, frozen=True, kw_only=True):
    """A single connection that matters to people who look for faults: refused, garbage, probe, one-shot."""

    address: str
    what: str


DURABLE: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind
    for kind in (
        NodeStarted, NodeStopped, GreetingChanged, SettingsChanged, RoomAdded, RoomChanged, RoomsMerged,
        RoomDeleted, MessagesExpired, RoomRead, PeerAdded, PeerChanged, PeerForgotten, QuotaReached, MessageReceived,
        MessageAccepted, MessageStateChanged,
    )
}  # fmt: skip
EPHEMERAL: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind for kind in (Heartbeat, RetryScheduled, HealthChanged, ConnectionNoticed)
}


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Which command led to an event."""

    client: str
    request: str


class Event(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of an event. `seq` is None for ephemeral ones. `data` is a structure of the kind named by `type`, or
    a plain dict for a type this version doesn't know."""

    v: int
    log: str
    at: int
    type: str
    seq: int | None = None
    room: str | None = None
    cause: Cause | None = None
    data: Any = None


_raw_event_decoder = msgspec.json.Decoder(Event)
_KINDS: dict[str, type[msgspec.Struct]] = {**DURABLE, **EPHEMERAL}


@functools.lru_cache(256)
def topic_of(type_name: str) -> bytes:
    """The first frame of an event: its type, with "~" before it when it is ephemeral."""
    return (("~" if type_name in EPHEMERAL else "") + type_name).encode()


def decode_event(body: bytes) -> Event:
    """Read an event body; `data` becomes the structure of its type when this version knows it.

    Raises msgspec.DecodeError (msgspec.ValidationError included) when the bytes are no event.
    """
    return typed(_raw_event_decoder.decode(body))


def typed(event: Event) -> Event:
    """The same event with `data` as the structure of its type, if this version knows the type."""
    kind = _KINDS.get(event.type)
    if kind is not None and isinstance(event.data, dict):
        event.data = msgspec.convert(event.data, kind)
    return event
