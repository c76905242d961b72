"""Every event of the bus, durable and ephemeral, and how its frames are written and read. BUS.md is normative.

Law of this file: pure data. Older front ends skip event types that they don't know. A test fails when BUS.md lacks one.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from node.bus.nouns import Blocked, Greeting, Health, Message, Nearby, NextTry, Peer, Room, Self, Settings


class NodeStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The node is up. The first event of every run."""

    self: Self
    settings: Settings
    version: str


class NodeStopped(msgspec.Struct, frozen=True, kw_only=True):
    """The node ends gracefully. A crash leaves no such event."""

    reason: str


class GreetingChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of greeting a mandatory peer changed: skipped, calling, greeted or failed."""

    greeting: Greeting


class SettingsChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody changed the settings."""

    settings: Settings
    self: Self


class AddressesChanged(msgspec.Struct, frozen=True, kw_only=True):
    """This machine's network changed: others reach this node at other addresses from now on."""

    self: Self


class RoomAdded(msgspec.Struct, frozen=True, kw_only=True):
    """There is a new conversation. In events, a room's `last` is always None: only message events hold texts."""

    room: Room


class RoomChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation's name or peer changed, or whether it is a request or hidden.

    Carries the whole room except `last`, which stays as it was."""

    room: Room


class RoomsMerged(msgspec.Struct, frozen=True, kw_only=True):
    """Two conversations became one: the messages of `gone` now belong to `room`. Its `last` is the newer one of the
    two."""

    gone: str
    room: Room


class RoomDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation was deleted with all its messages. The peer's next message begins a new one."""

    room: str


class MessagesExpired(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation's messages up to id `upto` have expired and are gone, except those that still wait to be sent.

    `unread` is the number left unread. `last` is the id of the room's last message; None: it has none any more."""

    room: str
    upto: int
    unread: int
    last: int | None = None


class RoomRead(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody read a conversation up to message `read_upto`; `unread` messages are left."""

    room: str
    read_upto: int
    unread: int


class PeerAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A new peer is known."""

    peer: Peer


class PeerChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a peer changed (name, address, dialect, link, error). Carries the whole peer."""

    peer: Peer


class PeerForgotten(msgspec.Struct, frozen=True, kw_only=True):
    """A peer was taken off the list. Its conversation stays."""

    peer: str


class PeerWarned(msgspec.Struct, frozen=True, kw_only=True):
    """Who a peer is has become doubtful; `warning` says why, as a sentence. People should see it at once."""

    peer: str
    name: str
    warning: str


class PeerBlocked(msgspec.Struct, frozen=True, kw_only=True):
    """A node, or the plain peers of an address, are blocked: nothing of them is taken, and their past is hidden."""

    blocked: Blocked


class PeerUnblocked(msgspec.Struct, frozen=True, kw_only=True):
    """They are blocked no more."""

    id: str


class IdentityShared(msgspec.Struct, frozen=True, kw_only=True):
    """Another machine uses this node's identity: an imported key, or a copied home. Both go on working."""

    #: Where the other machine was met, as HOST:PORT, or its host alone.
    address: str


class QuotaReached(msgspec.Struct, frozen=True, kw_only=True):
    """A source address has used up its daily quota and is shut out until `until` (ms). Nobody else is affected."""

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
    """The state of one of our own messages changed."""

    room: str
    id: int
    state: str
    detail: str | None = None
    #: The message's new marks; None: they are unchanged.
    marks: list[str] | None = None


class MessageChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A message is another than before: one that waited in clear became an entry. Its id stays."""

    message: Message


class ReceiptAdvanced(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a room has more of our entries on its disk: all of the stream up to number `n`.

    Messages of this room with such an `entry` are *delivered* to that member."""

    room: str
    member: str
    stream: str
    n: int


class ReadAdvanced(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a room who shares it has read more of our entries: all of the stream up to number `n`.

    Messages of this room with such an `entry` are *read* by that member."""

    room: str
    member: str
    stream: str
    n: int


class Typing(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a room types, until this time (ms) at most, or until its next message. 0: it has stopped."""

    room: str
    member: str
    until: int


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The node is alive. `head` is the newest durable event, `oldest` the oldest that is still kept."""

    log: str
    head: int
    oldest: int


class RetryScheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A peer could not be reached and will be tried again."""

    next_try: NextTry


class HealthChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The node's health changed."""

    health: Health


class NearbyChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Who is seen on this network changed, or whether looking round works. Carries all of it."""

    nearby: Nearby


class ConnectionNoticed(msgspec.Struct, frozen=True, kw_only=True):
    """A single connection worth noting in the search for faults: refused, garbage, probe, one-shot."""

    address: str
    what: str


DURABLE: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind
    for kind in (
        NodeStarted, NodeStopped, GreetingChanged, SettingsChanged, AddressesChanged, RoomAdded, RoomChanged,
        RoomsMerged, RoomDeleted, MessagesExpired, RoomRead, PeerAdded, PeerChanged, PeerForgotten, PeerWarned,
        PeerBlocked, PeerUnblocked, IdentityShared, QuotaReached, MessageReceived, MessageAccepted,
        MessageStateChanged, MessageChanged, ReceiptAdvanced, ReadAdvanced,
    )
}  # fmt: skip
EPHEMERAL: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind for kind in (Heartbeat, RetryScheduled, HealthChanged, NearbyChanged, ConnectionNoticed, Typing)
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
