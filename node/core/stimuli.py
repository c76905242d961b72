"""The stimuli: everything that can happen to the node, as the core's input. Plain frozen values."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.core import queries
from node.core.facts import Reached
from node.core.links import Direction
from node.model import Address, MandatoryPeer
from node.protocol.plain.codec import Mark, Said
from node.protocol.secure.frames import Frame, Hello


class Started(msgspec.Struct, frozen=True):
    """The node is up: listening, and its store is loaded. The first stimulus of a run."""

    listen: str
    addresses: list[str]
    #: The IP addresses of this machine's interfaces, who is to be greeted from it, and with what.
    hosts: list[str] = []
    mandatory: tuple[MandatoryPeer, ...] = ()
    greeting: str = ""


class NetworkChanged(msgspec.Struct, frozen=True):
    """This machine's addresses are others than before, or it has slept: what failed may work now, and the other way.

    Interfaces that come and go quickly are told of once they have settled. `addresses` are HOST:PORT at which others
    can reach this node from now on, best first; `hosts` all IP addresses of this machine's interfaces, without
    zones. `woke`: this machine or this process was suspended; the addresses may be the same.
    """

    addresses: list[str]
    hosts: list[str]
    woke: bool = False


class LookedUp(msgspec.Struct, frozen=True):
    """The answer to a LookUp: the IP addresses of the host, in the system's order. None: there is no such host."""

    address: str
    peer: str
    hosts: list[str] | None


class Discovering(msgspec.Struct, frozen=True):
    """How looking for nodes on this network by mDNS goes, as in `nouns.Nearby`."""

    state: nouns.NearbyState
    detail: str | None = None


class Sighted(msgspec.Struct, frozen=True):
    """mDNS tells of a service, for the first time or with something new. Nothing of it is proved.

    `name` is its random name. `addresses` are on networks of this machine, the best first. `tag` belongs to its PeerId
    on this day (node.protocol.nearby).
    """

    name: str
    tag: bytes
    addresses: tuple[Address, ...]


class Vanished(msgspec.Struct, frozen=True):
    """The service of this name has said good-bye, or wasn't heard for long."""

    name: str


class Connected(msgspec.Struct, frozen=True):
    """A one-shot connection that we dialled is up and waits for its message."""

    link: int


class Settled(msgspec.Struct, frozen=True):
    """An unknown address turned out to speak this dialect. If it is persistent, the link is open; otherwise it ends.

    `obeyed`: the peer showed it by leaving when it was told `exit`. So the link is over, and is to be dialled anew.
    """

    link: int
    dialect: str
    obeyed: bool = False


class Opened(msgspec.Struct, frozen=True):
    """A persistent link that we dialled is ready for texts."""

    link: int


class LinkUp(msgspec.Struct, frozen=True):
    """A link is up. Comes before anything heard on the link, and again when one of its properties changes.

    `host` is the other side's IP address, `dialect` the link's dialect. `port` is the other side's listening port, if
    known: claimed on the link, or dialled by us. Texts of ours may go over `two_way` links.
    """

    link: int
    direction: Direction
    host: str
    port: int | None
    dialect: str
    two_way: bool


class Heard(msgspec.Struct, frozen=True):
    """A peer said something on a link; a LinkUp came before."""

    link: int
    said: list[Said]
    #: Bytes received over the connection since the last Heard.
    size: int = 0


class Secured(msgspec.Struct, frozen=True):
    """An encrypted link is open: the other side has proved its key, and its HELLO was read.

    Comes before anything else of the link. `host` is the other side's IP address; `peer` is its PeerId. `version` is
    that of the protocol that both speak.
    """

    link: int
    direction: Direction
    host: str
    peer: str
    hello: Hello
    version: int


class Framed(msgspec.Struct, frozen=True):
    """Frames came in over an encrypted link, in order; a Secured came before. Never HELLO, PING or BYE."""

    link: int
    frames: list[Frame]
    #: Bytes received over the connection since the last Framed.
    size: int = 0


class KeyDiffered(msgspec.Struct, frozen=True):
    """A dialled node has another key than the one expected. Nothing was told to it; Closed follows."""

    link: int
    found: str


class AnsweredLate(msgspec.Struct, frozen=True):
    """A peer that we talked to in clear has answered the offer only now: it is a Snicher node.

    Closed follows. `readable`: something of ours was written in clear. The outcome of each text on the link is still
    told, as "not_sent".
    """

    link: int
    readable: bool


class Served(msgspec.Struct, frozen=True):
    """The outcome of a Serve: entries up to number `upto` were sent, in a frame of `size` bytes.

    `upto` equal to `after` of the act: there is none after that. None: the store could not be read, or the link is
    over.
    """

    link: int
    room: str
    author: str
    stream: bytes
    upto: int | None
    size: int = 0


class Transmitted(msgspec.Struct, frozen=True):
    """The outcome of message `token` on a link, for part `part` of `parts`."""

    link: int
    token: int
    outcome: Literal["sent", "not_sent", "unknown"]
    reason: str | None
    part: int
    parts: int
    marks: tuple[Mark, ...]


class DialBackWanted(msgspec.Struct, frozen=True):
    """Linked nodes are to be asked whether they can connect back. Their answers come as ReportDialledBack."""


class TriedBack(msgspec.Struct, frozen=True):
    """The outcome of a TryBack, and how long it took (ms)."""

    peer: str
    reached: Reached
    ms: int


class Closed(msgspec.Struct, frozen=True):
    """A link has ended, or could not be opened. `reason` None: it ended normally.

    `code` is that of the other side's BYE, on an encrypted link. None: it said none. `silent`: how long nothing had
    come over the link when it ended (ms), as far as that matters.
    """

    link: int
    reason: str | None
    code: int | None = None
    silent: int = 0


class Commanded(msgspec.Struct, frozen=True):
    """A front end wants something done. `token` names the command for its reply.

    `hostname`: the HOST:PORT that stood where `args` has an IP address now.
    """

    token: int
    op: str
    args: Any
    cause: ev.Cause
    key: queries.Key | None = None
    hostname: str | None = None


class ConsumerAsked(msgspec.Struct, frozen=True):
    """A front end has called `consumer_next`, so the consumer is in use."""

    name: str


class WaitingRead(msgspec.Struct, frozen=True):
    """The messages that wait for a peer, in order: (id, room, text). None: they could not be read."""

    query: queries.ReadWaiting
    rows: list[tuple[int, str, str]] | None


class UnsignedRead(msgspec.Struct, frozen=True):
    """Messages that wait in clear for a peer, in order, as front ends see them. None: they could not be read."""

    query: queries.ReadUnsigned
    messages: list[nouns.Message] | None


class PlacesRead(msgspec.Struct, frozen=True):
    """How far others' streams of a room reach up to a message: (author, stream, number), a few of each author."""

    query: queries.ReadPlaces
    rows: list[tuple[str, bytes, int]]


class ReadCounted(msgspec.Struct, frozen=True):
    """The number of texts that a `mark_read` command covers."""

    query: queries.CountRead
    count: int


class UnreadCounted(msgspec.Struct, frozen=True):
    """The number of unread texts in a merged room."""

    query: queries.CountUnread
    count: int


class MessageRead(msgspec.Struct, frozen=True):
    """A message of ours, and the id of the peer it is for. None: there is no such message."""

    query: queries.ReadMessage
    found: tuple[nouns.Message, str | None] | None


class OldestRead(msgspec.Struct, frozen=True):
    """The `seq` of the oldest event in the log."""

    query: queries.ReadOldest
    oldest: int


class OldFound(msgspec.Struct, frozen=True):
    """Rooms with old messages, and the message after which to go on. `next` None: no further message is old."""

    query: queries.FindOld
    rooms: list[queries.OldOf]
    next: int | None


class SpaceMeasured(msgspec.Struct, frozen=True):
    """Bytes free on the disk that holds the home, and the floor that the node must leave free."""

    free: int
    floor: int


class ExpiryDue(msgspec.Struct, frozen=True):
    """An expiry step is due: `limit` messages with ids above `after`; those of them go that came before this time (ms).

    A ReportExpiry follows, unless the node ends or the disk fails.
    """

    before: int
    after: int
    limit: int


class ClockLooked(msgspec.Struct, frozen=True):
    """The clock is to be checked, whether it can be believed."""


class Ticked(msgspec.Struct, frozen=True):
    """The time that `next_deadline` named has come."""


class StopAsked(msgspec.Struct, frozen=True):
    """The node is to end: say good-bye to everybody."""

    reason: str


class Stopped(msgspec.Struct, frozen=True):
    """All links are closed. The last stimulus of a graceful run."""

    reason: str


#: The answers to queries of commands, and to all queries. An answer comes from the store as it was after all decisions
#: before the Fetch.
CommandFetched = ReadCounted | MessageRead | OldestRead
Fetched = CommandFetched | WaitingRead | UnsignedRead | PlacesRead | UnreadCounted | OldFound

Stimulus = (
    Started
    | NetworkChanged
    | LookedUp
    | Discovering
    | Sighted
    | Vanished
    | Connected
    | Settled
    | Opened
    | LinkUp
    | Heard
    | Secured
    | Framed
    | KeyDiffered
    | AnsweredLate
    | Served
    | Transmitted
    | DialBackWanted
    | TriedBack
    | Closed
    | Commanded
    | ConsumerAsked
    | Fetched
    | SpaceMeasured
    | ExpiryDue
    | ClockLooked
    | Ticked
    | StopAsked
    | Stopped
)
