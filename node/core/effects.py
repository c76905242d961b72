"""The core's decisions: records for the store, and acts performed once those are on disk. Plain frozen values."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.core.facts import DialledBack
from node.core.loaded import KeptConsumer, Row
from node.core.paths import Path
from node.core.queries import Key, Query
from node.model import Address
from node.protocol.plain.registry import ANCESTOR
from node.protocol.secure.frames import Frame

# ---- records: committed together, in order ---------------------------------------------------------------------------


class PutPeer(msgspec.Struct, frozen=True):
    """A peer as it is now. `gone`: off the list, its row stays for its conversation.

    `paths` are the addresses of a node, in the order of the peer's.
    """

    peer: nouns.Peer
    gone: bool = False
    paths: tuple[Path, ...] = ()


class PutRoom(msgspec.Struct, frozen=True):
    """A conversation as it is now (`last` by its id)."""

    room: nouns.Room


class MergeRooms(msgspec.Struct, frozen=True):
    """All messages of `gone` move to `into`, and `gone` is no more."""

    gone: str
    into: str


class DeleteRoom(msgspec.Struct, frozen=True):
    """Delete a conversation with all its messages."""

    room: str


class ExpireMessages(msgspec.Struct, frozen=True):
    """Delete a room's messages up to this id, except those that still wait. Signed headers stay."""

    room: str
    upto: int


class AddMessage(msgspec.Struct, frozen=True):
    """A message; with `direction` out it goes into the outbox of each of its recipients, who are peers."""

    message: nouns.Message
    clock: int
    recipients: tuple[str, ...] = ()
    raw: bytes | None = None


class AddEntry(msgspec.Struct, frozen=True):
    """An entry, as the message that front ends see, and what its author signed.

    `body` is None if its exact bytes follow from the message's text (entries.text_body). Our own entries have no
    `delivery` rows: their states follow from receipts.
    """

    message: nouns.Message
    clock: int
    stream: bytes
    n: int
    hash: bytes
    header: bytes
    #: The checked signature of this very header. None: a later header of the stream has one that covers it.
    signature: bytes | None
    body: bytes | None = None


class AddHeader(msgspec.Struct, frozen=True):
    """The header of an entry whose body is no more: it keeps the chain whole, and nothing of it is shown."""

    room: str
    author: str
    stream: bytes
    n: int
    hash: bytes
    header: bytes
    signature: bytes | None


class SignMessage(msgspec.Struct, frozen=True):
    """A message of ours that waited in clear (AddMessage) becomes an entry: its `delivery` rows go, its id stays.

    `message` is the message as it is now, with its new `order` and `entry`; its room is the one it is in now.
    """

    message: nouns.Message
    clock: int
    stream: bytes
    n: int
    hash: bytes
    header: bytes
    signature: bytes | None


class PutRow(msgspec.Struct, frozen=True):
    """A row of the vector as it is now."""

    room: str
    author: str
    stream: bytes
    row: Row


class PutReceipt(msgspec.Struct, frozen=True):
    """A member holds our own stream up to number `n`, whose header has this hash, as it said over its own link."""

    room: str
    member: str
    author: str
    stream: bytes
    n: int
    hash: bytes


class PutRead(msgspec.Struct, frozen=True):
    """A member has read our own stream up to number `n`, as it said. It has told before that it holds so much."""

    room: str
    member: str
    author: str
    stream: bytes
    n: int


class SetState(msgspec.Struct, frozen=True):
    """Set the state of one of our own messages for one of its recipients. `marks` None: unchanged."""

    message: int
    peer: str
    state: str
    detail: str | None = None
    marks: list[str] | None = None


class PutSettings(msgspec.Struct, frozen=True):
    """The settings in force, the node as front ends see it, and the settings saved for the next start."""

    settings: nouns.Settings
    self: nouns.Self
    saved: dict[str, Any] = {}


class PutGreetings(msgspec.Struct, frozen=True):
    """The outcomes of greeting the mandatory peers in this run."""

    greetings: dict[str, nouns.Greeting]


class PutShutOut(msgspec.Struct, frozen=True):
    """The sources that are shut out, each with the end of that (ms)."""

    until: dict[str, int]


class PutBlocked(msgspec.Struct, frozen=True):
    """Somebody is blocked."""

    blocked: nouns.Blocked


class DropBlocked(msgspec.Struct, frozen=True):
    """Somebody is blocked no more."""

    id: str


class PutRefused(msgspec.Struct, frozen=True):
    """The nodes that people here have refused, each with the end of that (ms)."""

    until: dict[str, int]


class PutBelieved(msgspec.Struct, frozen=True):
    """The last time of this machine's clock that was believed (ms)."""

    until: int


class PutConsumer(msgspec.Struct, frozen=True):
    """A consumer as it is now."""

    consumer: KeptConsumer


class DropConsumer(msgspec.Struct, frozen=True):
    """Delete a consumer."""

    name: str


class SaveReply(msgspec.Struct, frozen=True):
    """The reply to a command with a key, kept for KEY_LIFETIME_MS."""

    key: Key
    reply: Any
    at: int


class Log(msgspec.Struct, frozen=True):
    """A durable event. With `message`, the log holds only a reference: a replay shows the message's present content."""

    event: ev.Event
    message: int | None = None


Record = (
    PutPeer
    | PutRoom
    | MergeRooms
    | DeleteRoom
    | ExpireMessages
    | AddMessage
    | AddEntry
    | AddHeader
    | SignMessage
    | PutRow
    | PutReceipt
    | PutRead
    | SetState
    | PutSettings
    | PutGreetings
    | PutShutOut
    | PutBlocked
    | DropBlocked
    | PutRefused
    | PutBelieved
    | PutConsumer
    | DropConsumer
    | SaveReply
    | Log
)

# ---- acts: performed after the records of the same stimulus are on disk ----------------------------------------------


class Dial(msgspec.Struct, frozen=True):
    """Open a connection, in one of four ways.

    `how` "persistent": send CONNECT with the offer, and stay. "unsure": the same, and find out what the peer speaks.
    "one_shot": open it for one message, which follows as a Transmit after the Connected stimulus. "secure": send
    CONNECT with the offer, and nothing in clear, whatever comes back. Whoever answers the offer is talked to encrypted.
    """

    link: int
    address: Address
    how: Literal["persistent", "unsure", "one_shot", "secure"]
    #: The dialect to speak; "unsure" begins with the ancestor's.
    dialect: str = ANCESTOR.name
    #: The PeerId that must answer. None: whoever does.
    expect: str | None = None


class LookUp(msgspec.Struct, frozen=True):
    """Look up a host name. `address` is HOST:PORT; `peer` whom it is for. Answered by LookedUp."""

    address: str
    peer: str


class Transmit(msgspec.Struct, frozen=True):
    """Send a message over a link. `control`: a word of the dialect itself, sent as it is; its token is 0."""

    link: int
    token: int
    text: str
    #: The part of a long text that goes over this connection to a one-shot peer, from 1.
    part: int = 1
    control: bool = False


class Say(msgspec.Struct, frozen=True):
    """Send a frame over an encrypted link. Nothing happens if the link is no more: its end is told anyway."""

    link: int
    frame: Frame


class Serve(msgspec.Struct, frozen=True):
    """Send entries of a stream from disk over an encrypted link, from number `after` + 1 on, as one RUN.

    Answered by Served.
    """

    link: int
    room: str
    author: str
    stream: bytes
    after: int


class TryBack(msgspec.Struct, frozen=True):
    """Try whether a node that asked for it can be reached at this address. Answered by TriedBack."""

    peer: str
    address: Address


class AskedBack(msgspec.Struct, frozen=True):
    """So many linked nodes are asked to connect back, for a DialBackWanted."""

    count: int


class ReportDialledBack(msgspec.Struct, frozen=True):
    """A linked node has answered whether it can connect back."""

    answer: DialledBack


class HangUp(msgspec.Struct, frozen=True):
    """Say good-bye where the dialect has one, and close. `code` and `text` are those of BYE on an encrypted link."""

    link: int
    code: int = 0
    text: str = ""


class ShutOut(msgspec.Struct, frozen=True):
    """Close all connections of a source, and refuse new ones for a time."""

    host: str
    ms: int


class Hold(msgspec.Struct, frozen=True):
    """Stop reading from peers because of this problem. None: read again."""

    problem: str | None


class Notice(msgspec.Struct, frozen=True):
    """Set the notice on a topic: a sentence that people should know although nothing is refused. None removes it."""

    about: str
    sentence: str | None


class Discover(msgspec.Struct, frozen=True):
    """Look for nodes on this network by mDNS, and be found, from here on; tell everything that is seen again.

    "on" and "ask": both. "off": say good-bye, and neither.
    """

    how: str


class Reconfirm(msgspec.Struct, frozen=True):
    """Find out whether this service is still there: it was dialled in vain (RFC 6762, section 10.4)."""

    name: str


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
    """An expiry step has ended, and its records are on disk: report it.

    The step began after message `after`. The next one begins after `next` (equal to `after`: repeat the step; None: no
    further message is old). `gone`: whether anything was deleted.
    """

    after: int
    next: int | None
    gone: bool


class Exit(msgspec.Struct, frozen=True):
    """Everything is decided and performed: the node may end once the links are closed."""


Act = (
    Dial
    | LookUp
    | Transmit
    | Say
    | Serve
    | TryBack
    | AskedBack
    | ReportDialledBack
    | HangUp
    | ShutOut
    | Hold
    | Notice
    | Discover
    | Reconfirm
    | Tell
    | Reply
    | Refuse
    | Fetch
    | ReportExpiry
    | Exit
)
Effect = Record | Act
