"""What the core decides: records for the store, and acts let out once those are on disk. Plain frozen values."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core.loaded import KeptConsumer
from node.model import Address
from node.protocol.plain.registry import ANCESTOR

# ---- records: committed together, in order ---------------------------------------------------------------------------


class Key(msgspec.Struct, frozen=True):
    """What makes a repeated command take effect once: the key, and what the command was."""

    key: str
    #: A hash of op and arguments: the same key with another command is refused.
    fingerprint: bytes


class PutPeer(msgspec.Struct, frozen=True):
    """A peer as it is now. `gone`: off the list, its row stays for its conversation."""

    peer: nouns.Peer
    gone: bool = False


class PutRoom(msgspec.Struct, frozen=True):
    """A conversation as it is now (`last` by its id)."""

    room: nouns.Room


class MergeRooms(msgspec.Struct, frozen=True):
    """All messages of `gone` move to `into`, and `gone` is no more."""

    gone: str
    into: str


class DeleteRoom(msgspec.Struct, frozen=True):
    """A conversation is no more, nor is anything that was said in it."""

    room: str


class ExpireMessages(msgspec.Struct, frozen=True):
    """Messages of a room up to this one are no more, but for those that still wait. Signed headers stay."""

    room: str
    upto: int


class AddMessage(msgspec.Struct, frozen=True):
    """A message; with `direction` out it goes into the outbox of each of its recipients, who are peers."""

    message: nouns.Message
    clock: int
    recipients: tuple[str, ...] = ()
    raw: bytes | None = None


class SetState(msgspec.Struct, frozen=True):
    """One of our own messages is in another state for one of its recipients. `marks` None: unchanged."""

    message: int
    peer: str
    state: str
    detail: str | None = None
    marks: list[str] | None = None


class PutSettings(msgspec.Struct, frozen=True):
    """The settings in force, the node as front ends see it, and which settings are kept for the next start."""

    settings: nouns.Settings
    self: nouns.Self
    saved: dict[str, Any] = {}


class PutGreetings(msgspec.Struct, frozen=True):
    """What became of the mandatory peers in this run."""

    greetings: dict[str, nouns.Greeting]


class PutShutOut(msgspec.Struct, frozen=True):
    """Which source addresses are shut out, until when (ms)."""

    until: dict[str, int]


class PutBelieved(msgspec.Struct, frozen=True):
    """Until when this machine's clock was believed (ms)."""

    until: int


class PutConsumer(msgspec.Struct, frozen=True):
    """A consumer as it is now."""

    consumer: KeptConsumer


class DropConsumer(msgspec.Struct, frozen=True):
    """A consumer is no more."""

    name: str


class SaveReply(msgspec.Struct, frozen=True):
    """The reply to a command with a key, kept for KEY_LIFETIME_MS."""

    key: Key
    reply: Any
    at: int


class Log(msgspec.Struct, frozen=True):
    """A durable event. With `message`, the log holds only a reference: a replay shows the message as it then is."""

    event: ev.Event
    message: int | None = None


Record = (
    PutPeer
    | PutRoom
    | MergeRooms
    | DeleteRoom
    | ExpireMessages
    | AddMessage
    | SetState
    | PutSettings
    | PutGreetings
    | PutShutOut
    | PutBelieved
    | PutConsumer
    | DropConsumer
    | SaveReply
    | Log
)

# ---- acts: performed after the records of the same stimulus are on disk ----------------------------------------------


class Dial(msgspec.Struct, frozen=True):
    """Open a connection; `how` says what for.

    "persistent": say CONNECT and stay. "unsure": say CONNECT with the offer, and find out what it speaks. "one_shot":
    for one message, which follows as a Transmit as soon as the connection stands (a Connected stimulus tells).
    """

    link: int
    address: Address
    how: Literal["persistent", "unsure", "one_shot"]
    #: Whose ways; "unsure" begins with the ancestor's.
    dialect: str = ANCESTOR.name


class Transmit(msgspec.Struct, frozen=True):
    """Send a message over a link. `control`: a word of the dialect itself, sent as it is; its token is 0."""

    link: int
    token: int
    text: str
    #: Of a long text to a one-shot peer: which part goes over this connection, from 1.
    part: int = 1
    control: bool = False


class HangUp(msgspec.Struct, frozen=True):
    """Say good-bye where the dialect has one, and close."""

    link: int


class ShutOut(msgspec.Struct, frozen=True):
    """Leave all connections of a source address, and refuse new ones for so long."""

    host: str
    ms: int


class Hold(msgspec.Struct, frozen=True):
    """Read from nobody as long as this problem stands. None: read on."""

    problem: str | None


class Tell(msgspec.Struct, frozen=True):
    """Publish an ephemeral event."""

    event: ev.Event


class Reply(msgspec.Struct, frozen=True):
    """Answer a command."""

    token: int
    result: Any


class Refuse(msgspec.Struct, frozen=True):
    """Answer a command with an error (a code of ERROR_CODES)."""

    token: int
    code: str
    message: str
    details: dict[str, Any] = {}


class Fetch(msgspec.Struct, frozen=True):
    """Ask the store; the answer comes back as the stimulus that the query names."""

    query: Query


class ReportExpiry(msgspec.Struct, frozen=True):
    """A step of expiry is over and what it decided is on disk: tell whoever asked for it.

    It began after message `after`; the next one begins after `next` (the same one: it is to be taken again; None: no
    further message is old). `gone`: something has gone.
    """

    after: int
    next: int | None
    gone: bool


class Exit(msgspec.Struct, frozen=True):
    """All is decided and said: the node may end once the links are closed."""


Act = Dial | Transmit | HangUp | ShutOut | Hold | Tell | Reply | Refuse | Fetch | ReportExpiry | Exit
Effect = Record | Act

# ---- queries: what a decision may need from disk; each is answered by a stimulus of its own --------------------------


class ReadWaiting(msgspec.Struct, frozen=True):
    """The first messages that wait for a peer, at most `limit`. Answered by WaitingRead."""

    peer: str
    limit: int
    #: Tells one asking from another: only the answer to the last one counts.
    number: int = 0


class CountRead(msgspec.Struct, frozen=True):
    """How many texts came into the room after message `after`, up to message `upto`. Answered by ReadCounted.

    For a command that says what was read.
    """

    token: int
    cause: ev.Cause | None
    key: Key | None
    room: str
    after: int
    upto: int
    #: How often the room was read or merged when this was asked: after one more, the answer is worth nothing.
    revision: int = 0


class CountUnread(msgspec.Struct, frozen=True):
    """How many texts came into a merged room after message `after`, up to message `upto`. Answered by UnreadCounted."""

    room: str
    after: int
    upto: int
    #: As of CountRead.
    revision: int
    #: How much of the room was taken for unread when this was asked.
    unread: int


class ReadMessage(msgspec.Struct, frozen=True):
    """One message of ours and whom it is for. Answered by MessageRead. For a command that sends it again."""

    token: int
    cause: ev.Cause | None
    key: Key | None
    message: int
    #: The newest event when this was asked.
    head: int = 0


class ReadOldest(msgspec.Struct, frozen=True):
    """The oldest event that is kept. Answered by OldestRead.

    For a command about a consumer, which is decided once it is known.
    """

    token: int
    cause: ev.Cause | None
    key: Key | None
    op: str
    args: rq.ConsumerCreateArgs | rq.ConsumerAcknowledgeArgs


class FindOld(msgspec.Struct, frozen=True):
    """Of the next `limit` messages after one: in which rooms some came before this time (ms), and still are there.

    Answered by OldFound.
    """

    before: int
    after: int
    limit: int
    #: How often rooms were read or merged when this was asked.
    moves: int


class OldOf(msgspec.Struct, frozen=True):
    """The newest old message of a room, how many texts up to it are unread, and whether the room is empty then."""

    room: str
    upto: int
    unread: int
    empty: bool


#: Queries of a command, which goes on with the answer: whoever can't give one refuses the command.
CommandQuery = CountRead | ReadMessage | ReadOldest
Query = CommandQuery | ReadWaiting | CountUnread | FindOld
