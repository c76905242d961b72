"""What can happen to the node: the vocabulary that goes into the core. Plain frozen values."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.core import effects
from node.core.links import Direction
from node.model import MandatoryPeer
from node.protocol.plain.codec import Mark, Said


class Started(msgspec.Struct, frozen=True):
    """The node is up: listening, and its store is loaded. The first stimulus of a run."""

    listen: str
    addresses: list[str]
    #: The IP addresses of this machine's interfaces, who is to be greeted from it, and with what.
    hosts: list[str] = []
    mandatory: tuple[MandatoryPeer, ...] = ()
    greeting: str = ""


class Connected(msgspec.Struct, frozen=True):
    """A one-shot connection that we dialled stands and waits for its message."""

    link: int


class Settled(msgspec.Struct, frozen=True):
    """An address that nobody knew turned out to speak this. A persistent dialect: the link is open; else it is over.

    `obeyed`: it spoke by leaving when it was told `exit`. So the link is over, and is to be dialled anew.
    """

    link: int
    dialect: str
    obeyed: bool = False


class Opened(msgspec.Struct, frozen=True):
    """A persistent link that we dialled is ready for texts."""

    link: int


class LinkUp(msgspec.Struct, frozen=True):
    """What a link is, before anything that is heard on it; told again when it changes.

    `host` is the other side's address, `dialect` what the link speaks. `port` is where that side listens, as far as the
    link has told: claimed on it, or dialled by us. Texts of ours may go over `two_way` links.
    """

    link: int
    direction: Direction
    host: str
    port: int | None
    dialect: str
    two_way: bool


class Heard(msgspec.Struct, frozen=True):
    """A peer said something on a link of which a LinkUp told."""

    link: int
    said: list[Said]
    #: Bytes that came over the connection since the last time.
    size: int = 0


class Transmitted(msgspec.Struct, frozen=True):
    """What became of message `token` on a link; `part` of `parts` is done."""

    link: int
    token: int
    outcome: Literal["sent", "not_sent", "unknown"]
    reason: str | None
    part: int
    parts: int
    marks: tuple[Mark, ...]


class Closed(msgspec.Struct, frozen=True):
    """A link is over, or never came about. `reason` None: it ended as it should."""

    link: int
    reason: str | None


class Commanded(msgspec.Struct, frozen=True):
    """A front end wants something done. `token` names the command for its reply."""

    token: int
    op: str
    args: Any
    cause: ev.Cause
    key: effects.Key | None = None


class ConsumerAsked(msgspec.Struct, frozen=True):
    """A front end was told what is next for a consumer: it is in use."""

    name: str


class WaitingRead(msgspec.Struct, frozen=True):
    """What waits for a peer, in order: (id, room, text). None: it could not be read."""

    query: effects.ReadWaiting
    rows: list[tuple[int, str, str]] | None


class ReadCounted(msgspec.Struct, frozen=True):
    """So many texts are read by a command."""

    query: effects.CountRead
    count: int


class UnreadCounted(msgspec.Struct, frozen=True):
    """So many texts are unread in a merged room."""

    query: effects.CountUnread
    count: int


class MessageRead(msgspec.Struct, frozen=True):
    """A message of ours, and the id of the peer it is for. None: there is no such message."""

    query: effects.ReadMessage
    found: tuple[nouns.Message, str | None] | None


class OldestRead(msgspec.Struct, frozen=True):
    """The number of the oldest event that is kept."""

    query: effects.ReadOldest
    oldest: int


class OldFound(msgspec.Struct, frozen=True):
    """Rooms in which messages are old, and after which message to go on. `next` None: no further message is old."""

    query: effects.FindOld
    rooms: list[effects.OldOf]
    next: int | None


class SpaceMeasured(msgspec.Struct, frozen=True):
    """So many bytes are free on the disk that holds the home; below `floor`, it is to be left alone."""

    free: int
    floor: int


class ExpiryDue(msgspec.Struct, frozen=True):
    """Messages that came before this time (ms) are to go; a step is to be taken, with those after message `after`.

    A ReportExpiry follows, unless the node ends or the disk fails.
    """

    before: int
    after: int


class ClockLooked(msgspec.Struct, frozen=True):
    """The clock is looked at: whether it can be believed."""


class Ticked(msgspec.Struct, frozen=True):
    """The time that `next_deadline` named has come."""


class StopAsked(msgspec.Struct, frozen=True):
    """The node is to end: say good-bye to everybody."""

    reason: str


class Stopped(msgspec.Struct, frozen=True):
    """All links are closed. The last stimulus of a graceful run."""

    reason: str


#: The answers to queries of commands, and to all queries: from the store as it was after all that was decided before
#: the Fetch.
CommandFetched = ReadCounted | MessageRead | OldestRead
Fetched = CommandFetched | WaitingRead | UnreadCounted | OldFound

Stimulus = (
    Started
    | Connected
    | Settled
    | Opened
    | LinkUp
    | Heard
    | Transmitted
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
