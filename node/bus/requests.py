"""Every command of the bus with its arguments, its result and the errors it may get. BUS.md is normative.

Law of this file: pure data. A test fails when BUS.md lacks a command, a field or an error code.
"""

from __future__ import annotations

import msgspec

from node.bus.consumers import (
    ConsumerAcknowledgeArgs,
    ConsumerArgs,
    ConsumerCreateArgs,
    ConsumerNextArgs,
    ConsumerNextResult,
    ConsumerResult,
    ConsumersResult,
)
from node.bus.diagnosis import DoctorArgs, DoctorResult
from node.bus.events import Event
from node.bus.nouns import (
    Blocked,
    Consumer,
    Greeting,
    Health,
    Link,
    Live,
    Message,
    Nearby,
    NextTry,
    Option,
    Path,
    Peer,
    Self,
    Settings,
    State,
    Subscriber,
)


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """No arguments, or an empty result."""


class HelloResult(msgspec.Struct, kw_only=True):
    """The node's identity, versions, features and limits."""

    versions: list[int]
    node: str
    name: str
    program: str
    log: str
    head: int
    oldest: int
    features: list[str]
    limits: dict[str, int]


class SnapshotArgs(msgspec.Struct, kw_only=True):
    """A page of a snapshot: the first page of a new one, or the page that the previous page names in `next`."""

    limit: int = 500
    page: str | None = None


class SnapshotResult(msgspec.Struct, kw_only=True):
    """Everything as of event `seq` of log `log`, or a page of it: rooms first, then peers."""

    log: str
    seq: int
    state: State
    #: `next_tries` holds those of the peers on this page.
    live: Live
    #: The `page` to ask for next; None: this was the last one.
    next: str | None = None


class EventsArgs(msgspec.Struct, kw_only=True):
    """Events after `since`. If `log` is given and isn't the present log, the command is refused."""

    since: int
    limit: int = 500
    log: str | None = None


class EventsResult(msgspec.Struct, kw_only=True):
    """In order, without a gap. `more` says that there are further ones already."""

    log: str
    head: int
    oldest: int
    events: list[Event]
    more: bool


class ReportArgs(msgspec.Struct, kw_only=True):
    """A front end has processed all events up to `seq`. `follower` tells several followers of one client name apart."""

    seq: int
    follower: str = ""


class HistoryArgs(msgspec.Struct, kw_only=True):
    """A page of a room: at most one of `before`, `after`, `around` (message ids); none means the newest."""

    room: str
    before: int | None = None
    after: int | None = None
    around: int | None = None
    limit: int = 50


class HistoryResult(msgspec.Struct, kw_only=True):
    """Oldest first. Valid at event `seq`."""

    seq: int
    messages: list[Message]
    more_before: bool
    more_after: bool


class SearchArgs(msgspec.Struct, kw_only=True):
    """Messages with all the words, newest first. `word*` is a prefix, "quoted words" a phrase. In scripts that put no
    space between words, a part of a run is found, too. `before` asks for the next page.
    """

    query: str
    room: str | None = None
    before: int | None = None
    limit: int = 20


class SearchResult(msgspec.Struct, kw_only=True):
    """`pending` messages are not indexed yet; usually 0."""

    hits: list[Message]
    more: bool
    pending: int
    #: The index was damaged and is being rebuilt, oldest messages first: the newest `pending` aren't found yet.
    rebuilding: bool = False


class Outgoing(msgspec.Struct, kw_only=True):
    """One text to send. `to` is a room id, a peer id, a peer's name (if only one has it) or HOST:PORT."""

    to: str
    text: str


class SendArgs(msgspec.Struct, kw_only=True):
    """1 to MAX_SEND texts; all are accepted, or none."""

    messages: list[Outgoing]


class SendResult(msgspec.Struct, kw_only=True):
    """The messages as committed, in the order given."""

    messages: list[Message]


class ResendArgs(msgspec.Struct, kw_only=True):
    """A message in state failed or unconfirmed, to be tried again."""

    message: int


class ResendResult(msgspec.Struct, kw_only=True):
    """The message, waiting again."""

    message: Message


class DeliveryArgs(msgspec.Struct, kw_only=True):
    """One of our own messages."""

    message: int


class Recipient(msgspec.Struct, kw_only=True):
    """What became of a message for one of those it is for."""

    peer: str
    #: As in Message.
    state: str
    #: When it was on that peer's disk, if it is an entry and the log still says so.
    at: int | None = None
    #: When it was read, likewise.
    read_at: int | None = None
    #: Why it is in this state, if there is something to say.
    detail: str | None = None
    #: When the peer is dialled again, if that is planned.
    next_try: NextTry | None = None
    #: How the peer is now, as in Peer.link, while it doesn't have the message; None: it has, or nobody knows the peer.
    link: str | None = None


class DeliveryResult(msgspec.Struct, kw_only=True):
    """The message, accepted at its `at`, and what became of it, by peer."""

    message: Message
    recipients: list[Recipient]


class ConnectArgs(msgspec.Struct, kw_only=True):
    """HOST:PORT, or a known peer by id or name. `dialect` ("auto", or as in Peer) overrides the guessed one."""

    address: str
    dialect: str = "auto"


class PeerResult(msgspec.Struct, kw_only=True):
    """The peer as it is once the command is committed."""

    peer: Peer


class PeerArgs(msgspec.Struct, kw_only=True):
    """A peer by id, name (if only one has it) or HOST:PORT."""

    peer: str


class TypingArgs(msgspec.Struct, kw_only=True):
    """Somebody here types in this room, or, with `stopped`, no longer does. Say it again every few seconds."""

    room: str
    stopped: bool = False


class LinksResult(msgspec.Struct, kw_only=True):
    """The encrypted links with a peer, the one in use last. None: there are none now."""

    links: list[Link]


class PathsResult(msgspec.Struct, kw_only=True):
    """The addresses at which a node may be dialled, in the order in which they are tried. None: it is a plain peer."""

    paths: list[Path]


class TrustArgs(msgspec.Struct, kw_only=True):
    """A peer with a warning. What a person decides by it: the address is that of the other key from now on, which has a
    conversation of its own; a node that shares its name with another is what it says. `plain`: whoever is at this
    address may be talked to in clear. `rival`: the other key whose code the person was shown; None: whichever answered
    last.
    """

    peer: str
    plain: bool = False
    rival: str | None = None


class VerifyArgs(msgspec.Struct, kw_only=True):
    """A node, and what a person compared with it: its code (in any spelling of the groups) or its PeerId."""

    peer: str
    code: str


class BlockedResult(msgspec.Struct, kw_only=True):
    """Who is blocked now, or was until now."""

    blocked: Blocked


class InviteResult(msgspec.Struct, kw_only=True):
    """A link by which others add this node. `note`: what is wrong with it, as a sentence; null: nothing."""

    link: str
    note: str | None = None


class AddArgs(msgspec.Struct, kw_only=True):
    """An invite, as it was pasted."""

    link: str


class AddResult(msgspec.Struct, kw_only=True):
    """Who was added. `note`: what of the invite wasn't taken, as a sentence; null: all of it was."""

    peer: Peer
    note: str | None = None


class PeersArgs(msgspec.Struct, kw_only=True):
    """A page of peers in the order of their ids, after the one with this id."""

    limit: int = 500
    after: str | None = None


class PeersResult(msgspec.Struct, kw_only=True):
    """Peers, the next tries of those that can't be reached, and whether there are further peers."""

    peers: list[Peer]
    next_tries: list[NextTry]
    more: bool = False


class NearbyResult(msgspec.Struct, kw_only=True):
    """Who is seen on this network."""

    nearby: Nearby


class RenameArgs(msgspec.Struct, kw_only=True):
    """A peer, and its new local name; empty: the name it gives itself."""

    peer: str
    name: str


class MergeArgs(msgspec.Struct, kw_only=True):
    """Two peers; the conversation with the first becomes part of the one with the second."""

    peer: str
    into: str


class MarkReadArgs(msgspec.Struct, kw_only=True):
    """Messages up to id `upto` count as read; None: up to the newest."""

    room: str
    upto: int | None = None


class MarkReadResult(msgspec.Struct, kw_only=True):
    """The number of messages left unread."""

    read_upto: int
    unread: int


class StatsResult(msgspec.Struct, kw_only=True):
    """Counts since the node started, unless said otherwise."""

    uptime_ms: int
    received: int
    sent: int
    commits: int
    events: int
    links: int
    rooms: int
    peers: int
    #: Total number of messages waiting for their peers.
    outbox: int
    #: Messages on disk.
    messages: int
    database_bytes: int
    #: Bytes free on the disk that holds the home.
    free_bytes: int
    #: Source addresses over their daily quota, each with the time (ms) until which it is shut out.
    shut_out: dict[str, int]
    #: Connections refused because their source has too many or is shut out.
    refused: int
    #: Followers that have reported lately, with their positions.
    subscribers: list[Subscriber]
    #: Number of SUB sockets connected right now.
    subscribed: int
    consumers: list[Consumer]
    #: The oldest event in the log, and the number of events in it.
    oldest: int = 1
    kept_events: int = 0


class SettingsArgs(msgspec.Struct, kw_only=True):
    """New values for fields of Settings; a field left out stays as it is. `reset` names fields whose changes by front
    ends are undone.
    """

    name: str | None = None
    reconnect: bool | None = None
    share_reading: bool | None = None
    accept_nodes: str | None = None
    accept_plain: str | None = None
    discovery: str | None = None
    keep_events: int | None = None
    keep_days: int | None = None
    mandatory: list[str] | None = None
    mandatory_greeting: str | None = None
    mandatory_rule: str | None = None
    static_peers: list[str] | None = None
    presence: str | None = None
    status: str | None = None
    reset: list[str] = []


class SettingsResult(msgspec.Struct, kw_only=True):
    """The settings now in force."""

    settings: Settings


class ConfigResult(msgspec.Struct, kw_only=True):
    """All options, the home first."""

    settings: list[Option]


class StatusResult(msgspec.Struct, kw_only=True):
    """Whether the node is ready and healthy, and where it is."""

    ready: bool
    self: Self
    pid: int
    program: str
    home: str
    log: str
    head: int
    health: Health
    greetings: list[Greeting] = []


COMMANDS: dict[str, tuple[type[msgspec.Struct], type[msgspec.Struct]]] = {
    "hello": (Nothing, HelloResult),
    "snapshot": (SnapshotArgs, SnapshotResult),
    "events": (EventsArgs, EventsResult),
    "consumer_create": (ConsumerCreateArgs, ConsumerResult),
    "consumer_next": (ConsumerNextArgs, ConsumerNextResult),
    "consumer_acknowledge": (ConsumerAcknowledgeArgs, ConsumerResult),
    "consumers": (Nothing, ConsumersResult),
    "consumer_drop": (ConsumerArgs, Nothing),
    "report": (ReportArgs, Nothing),
    "history": (HistoryArgs, HistoryResult),
    "search": (SearchArgs, SearchResult),
    "send": (SendArgs, SendResult),
    "resend": (ResendArgs, ResendResult),
    "delivery": (DeliveryArgs, DeliveryResult),
    "connect": (ConnectArgs, PeerResult),
    "disconnect": (PeerArgs, PeerResult),
    "peers": (PeersArgs, PeersResult),
    "typing": (TypingArgs, Nothing),
    "links": (PeerArgs, LinksResult),
    "paths": (PeerArgs, PathsResult),
    "nearby": (Nothing, NearbyResult),
    "trust": (TrustArgs, PeerResult),
    "verify": (VerifyArgs, PeerResult),
    "unverify": (PeerArgs, PeerResult),
    "accept": (PeerArgs, PeerResult),
    "refuse": (PeerArgs, Nothing),
    "invite": (Nothing, InviteResult),
    "add": (AddArgs, AddResult),
    "block": (PeerArgs, BlockedResult),
    "unblock": (PeerArgs, BlockedResult),
    "forget": (PeerArgs, Nothing),
    "rename": (RenameArgs, PeerResult),
    "merge": (MergeArgs, PeerResult),
    "delete": (PeerArgs, Nothing),
    "mark_read": (MarkReadArgs, MarkReadResult),
    "doctor": (DoctorArgs, DoctorResult),
    "stats": (Nothing, StatsResult),
    "settings": (SettingsArgs, SettingsResult),
    "config": (Nothing, ConfigResult),
    "trust_clock": (Nothing, Nothing),
    "status": (Nothing, StatusResult),
    "stop": (Nothing, Nothing),
}
#: Commands that change nothing. They may be retried freely, and are answered even while the disk can't be written.
READS = frozenset({
    "nearby",
    "hello", "snapshot", "events", "consumer_next", "consumers", "report", "history", "search", "delivery", "links",
    "paths", "invite", "peers", "doctor", "stats", "config", "status",
})  # fmt: skip
#: Idempotent commands, which may be retried without a key.
REPEATABLE = READS | {"consumer_create", "consumer_acknowledge", "typing"}
