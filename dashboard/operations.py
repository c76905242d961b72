"""What the browser's tabs are told: all lists, then operations that bring them up to date.

Law of this file: pure data. viewmodel.py makes these, live.py passes them on, and the browser only draws.
"""

from __future__ import annotations

import msgspec

from dashboard.appearance import (
    AwayView,
    Delivery,
    HealthView,
    Mark,
    MessageView,
    PeerView,
    RoomView,
    SelfView,
)
from dashboard.near import NearbyView
from dashboard.requested import RequestView

#: Labels of messages that still wait to be sent, and so never expire.
WAITING = ("waiting", "sending")


class RoomOp(msgspec.Struct, frozen=True, tag_field="op", tag="room"):
    """A conversation is new or changed."""

    room: RoomView


class RoomGone(msgspec.Struct, frozen=True, tag_field="op", tag="room_gone"):
    """A conversation is gone: merged into `into`, or (null) deleted. `name`: the name it had."""

    seq: int
    id: str
    into: str | None
    name: str


class HiddenOp(msgspec.Struct, frozen=True, tag_field="op", tag="hidden"):
    """A conversation isn't shown any more, because its peer is blocked. It may come back. `name`: the name it has."""

    seq: int
    id: str
    name: str


class RequestOp(msgspec.Struct, frozen=True, tag_field="op", tag="request"):
    """Somebody asks to write, or something about that changed."""

    request: RequestView


class RequestGone(msgspec.Struct, frozen=True, tag_field="op", tag="request_gone"):
    """It is no request any more: decided, here or elsewhere. `id`: its conversation's."""

    id: str


class PeerOp(msgspec.Struct, frozen=True, tag_field="op", tag="peer"):
    """A peer is new or changed."""

    peer: PeerView


class PeerGone(msgspec.Struct, frozen=True, tag_field="op", tag="peer_gone"):
    """A peer was taken off the list."""

    id: str


class MessageOp(msgspec.Struct, frozen=True, tag_field="op", tag="message"):
    """A new message. `seq` is the event's number: a page of history may already hold it, or a newer state of it."""

    seq: int
    message: MessageView


class ChangedOp(msgspec.Struct, frozen=True, tag_field="op", tag="changed"):
    """A message is another than before, and its place may be another; its id is the same."""

    seq: int
    message: MessageView


class ReceiptOp(msgspec.Struct, frozen=True, tag_field="op", tag="receipt"):
    """Our entries of this stream up to number `n`, in this conversation, are delivered, or even `read`."""

    seq: int
    room: str
    stream: str
    n: int
    read: bool
    delivery: Delivery


class LinksOp(msgspec.Struct, frozen=True, tag_field="op", tag="links"):
    """Something about a node changed: who shows how the links with it are asks again."""

    peer: str


class WarnedOp(msgspec.Struct, frozen=True, tag_field="op", tag="warned"):
    """It has become doubtful who a peer is: to be shown at once, wherever the reader is. `room` null: it is gone."""

    seq: int
    peer: str
    room: str | None
    name: str
    text: str


class IdentitySharedOp(msgspec.Struct, frozen=True, tag_field="op", tag="shared"):
    """Another machine uses this node's identity: to be shown at once."""

    seq: int
    text: str


class StateOp(msgspec.Struct, frozen=True, tag_field="op", tag="state"):
    """The state of one of our own messages changed. `marks` null: unchanged."""

    seq: int
    room: str
    id: int
    delivery: Delivery
    marks: list[Mark] | None


class ExpiredOp(msgspec.Struct, frozen=True, tag_field="op", tag="expired"):
    """A conversation's messages up to `upto` have expired, except our own that still wait."""

    seq: int
    room: str
    upto: int

    def takes(self, op: Lasting) -> bool:
        """Whether `op` is about an expired message."""
        if not isinstance(op, MessageOp | StateOp | ChangedOp):
            return False
        about = op if isinstance(op, StateOp) else op.message
        if about.room != self.room or about.id > self.upto:
            return False
        return about.delivery is None or about.delivery.label not in WAITING


class SelfOp(msgspec.Struct, frozen=True, tag_field="op", tag="self"):
    """This node's name or addresses changed."""

    me: SelfView


class AwayOp(msgspec.Struct, frozen=True, tag_field="op", tag="away"):
    """The node went away, or (null) is back."""

    away: AwayView | None


class HealthOp(msgspec.Struct, frozen=True, tag_field="op", tag="health"):
    """The node's disk has a problem, or (null) works again."""

    health: HealthView | None


class NearbyOp(msgspec.Struct, frozen=True, tag_field="op", tag="nearby"):
    """Who is nearby, or how looking for them goes, changed."""

    nearby: NearbyView


class Totals(msgspec.Struct, frozen=True):
    """How many there are of all: a tab knows it before all pages of the lists have come."""

    rooms: int
    peers: int
    unread: int
    #: Who asks to write; nothing of that is in `rooms` and `unread`.
    requests: int = 0


class TotalsOp(msgspec.Struct, frozen=True, tag_field="op", tag="totals"):
    """There are more or fewer of them."""

    totals: Totals


class OptionsOp(msgspec.Struct, frozen=True, tag_field="op", tag="options"):
    """The settings, the outcome of a greeting, or who is blocked changed: pages that show them ask again."""


#: Operations that a tab must get after it was away for a moment, because the lists alone don't show them.
Lasting = MessageOp | ChangedOp | StateOp | ReceiptOp | ExpiredOp | RoomGone | HiddenOp | WarnedOp | IdentitySharedOp
Op = (
    Lasting
    | RoomOp
    | RequestOp
    | RequestGone
    | PeerOp
    | PeerGone
    | SelfOp
    | AwayOp
    | HealthOp
    | NearbyOp
    | OptionsOp
    | LinksOp
    | TotalsOp
)


class Everything(msgspec.Struct, frozen=True):
    """All lists, as they are now. `me` is null until the node has been seen."""

    log: str
    seq: int
    me: SelfView | None
    rooms: list[RoomView]
    peers: list[PeerView]
    away: AwayView | None
    health: HealthView | None
    #: The last news that this node's identity is used twice, for tabs that were opened since.
    shared: IdentitySharedOp | None
    totals: Totals
    #: The newest requests; `totals` knows how many there are.
    requests: list[RequestView]
    nearby: NearbyView
