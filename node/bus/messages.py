"""The vocabulary of the bus: every noun, event, command and error code, as msgspec schemas. BUS.md is normative.

Law of this file: pure data. No sockets, clocks or decisions. What stands here is the contract with every front end, so
a change here is a change of BUS.md (a test fails when the two differ).

Conventions: times are integer milliseconds since 1970 UTC; ids of messages are integers below 2**53 that grow in the
order of arrival on this node; every other id is a string. Unknown fields are ignored and unknown event types skipped.
"""

from __future__ import annotations

import functools
from typing import Any, Literal

import msgspec

VERSION = 1

# ---- bounds; what happens at each stands beside it -------------------------------------------------------------------

#: A larger command is answered with `too_large` and not parsed.
MAX_COMMAND_BYTES = 4 * 1024 * 1024
#: Messages in one `send`; more are refused with `invalid_args`.
MAX_SEND = 500
#: Bytes (UTF-8) of one text; a longer one is refused with `text_too_long`.
MAX_TEXT_BYTES = 64 * 1024
#: Events in one `events` reply; a larger limit is lowered to this.
MAX_EVENTS = 1000
#: Messages in one `history` reply; a larger limit is lowered to this.
MAX_HISTORY = 200
#: Hits in one `search` reply; a larger limit is lowered to this.
MAX_HITS = 100
#: Rooms and peers in one page of a `snapshot`, and peers in one `peers` reply; a larger limit is lowered to this.
MAX_SNAPSHOT = 1000
#: Characters of a room's last message in a snapshot; the rest is cut, without a mark.
PREVIEW_CHARS = 160
#: Characters of a name; longer is refused with `invalid_args`, and cut when a peer says it.
MAX_NAME_CHARS = 64
#: Characters of a client name, request id or key; longer is refused with `malformed`.
MAX_ID_CHARS = 128
#: How long a `key` is remembered.
KEY_LIFETIME_MS = 24 * 3600 * 1000
#: Whom the older program greets, and where they exist; what they are told. (tests/support/WIRE.md, section 6)
DEFAULT_MANDATORY = ("10.206.4.122:1255@10.206.0.0/16", "10.206.5.228:6555@10.206.0.0/16")
DEFAULT_GREETING = "Mandatory message: Hello from our peer!"
#: A heartbeat is published at least this often while nothing else is.
HEARTBEAT_MS = 1000
#: Named consumers of one node; one more is refused with `too_many_consumers`.
MAX_CONSUMERS = 100
#: A consumer that was not used for so long is dropped.
CONSUMER_LIFETIME_MS = 30 * 24 * 3600 * 1000
#: How often a front end that follows says how far it is, while it follows.
REPORT_MS = 5_000
#: A front end that has not reported for so long is forgotten.
REPORT_LIFETIME_MS = 3 * REPORT_MS
#: Front ends whose reports are kept; one more takes the place of the one that reported longest ago.
MAX_REPORTS = 256

DeliveryState = Literal["waiting", "sending", "sent", "delivered", "failed", "unconfirmed"]
LinkState = Literal["online", "connecting", "reachable", "offline", "unknown"]
MessageKind = Literal["text", "notice", "deleted"]
Direction = Literal["in", "out"]
Source = Literal["flag", "environment", "file", "saved", "default"]
#: What this node has to do with a peer.
Standing = Literal["stranger", "known", "asked"]
GreetingOutcome = Literal["skipped", "calling", "greeted", "failed"]


# ---- nouns -----------------------------------------------------------------------------------------------------------


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a conversation, as it stands now."""

    id: int
    room: str
    #: Fixed-width text that sorts (as text) in the order to show; comes from the hybrid logical clock.
    order: str
    at: int
    direction: Direction
    #: The peer's id; for our own messages this node's id.
    author: str
    #: The name the author went by when it was said. Untrusted text.
    name: str
    #: "notice" is a quiet line (a hello, a good-bye): it never counts as unread and is never a room's last message.
    #: "deleted" stands in old events for what was deleted since: nothing else of it is known.
    kind: str = "text"
    text: str = ""
    #: Only for direction "out": waiting, sending, sent, delivered, failed or unconfirmed.
    state: str | None = None
    #: Why it is in this state, in words, when there is something to say.
    detail: str | None = None
    #: What else is true of it: "altered" (changed so that it doesn't act as a control word), "not-utf8" (shown with
    #: replacement characters), "parts" (sent in several marked parts). Unknown marks are ignored.
    marks: list[str] = []


class Room(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation. Of kind "plain": with one plain-text peer, local to this node, never encrypted."""

    id: str
    kind: str
    name: str
    peer: str | None = None
    encrypted: bool = False
    unread: int = 0
    #: Everything up to this message id has been read; at first the newest one that the node had, in any room.
    read_upto: int = 0
    #: The newest text; its text is cut to PREVIEW_CHARS.
    last: Message | None = None
    created: int = 0


class Peer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody we can talk with, or have."""

    id: str
    room: str
    #: What a person here calls it, else what it calls itself, or its address while it has said nothing. Untrusted text.
    name: str
    kind: str = "plain"
    host: str = ""
    #: None while it has not said on which port it listens: it can be answered only while it is connected.
    port: int | None = None
    #: "snicher", "std", "angle@", "angle-ts", "angle1", "labelled", "portline", "json" or "unknown" (not settled yet).
    dialect: str = "unknown"
    #: How we know the dialect: "guess", "seen" (it spoke it) or "chosen" (by a person).
    dialect_from: str = "guess"
    #: online: a connection stands. connecting: being dialled. reachable: a one-shot peer whose last exchange went well.
    #: offline: the last try failed, or it left. unknown: nothing tried yet, or a one-shot peer not heard of for long.
    link: str = "unknown"
    #: Why the last try failed, in plain words; None when it went well.
    error: str | None = None
    last_seen: int | None = None
    #: True while the node keeps a connection to it by itself (somebody asked for `connect`).
    wanted: bool = False
    #: What it calls itself, where a person gave it another name; None: `name` is its own.
    own_name: str | None = None
    #: What this node has to do with it. stranger: it has spoken, and nobody here has answered. known: somebody here
    #: wrote to it, connected to it, named it or merged it. asked: somebody here gave its very address to be dialled.
    standing: Standing = "stranger"


class Self(msgspec.Struct, frozen=True, kw_only=True):
    """This node."""

    #: The PeerId: the Ed25519 public key, base32, lower case.
    id: str
    #: Short form of the id for people: four groups of four.
    code: str
    name: str
    #: Where it listens, as HOST:PORT.
    listen: str
    #: The addresses others can reach it at, as HOST:PORT; best first.
    addresses: list[str] = []


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force. People may change them while the node runs, but for what its start fixed."""

    #: The team name that plain peers see; 1 to MAX_NAME_CHARS characters, no line breaks.
    name: str
    #: Dial peers with `wanted` again by itself when a connection ends.
    reconnect: bool = True
    #: How many events the log keeps, the newest ones.
    keep_events: int = 1_000_000
    #: How many days messages are kept; 0: for ever.
    keep_days: int = 0
    #: Whom to greet once at each start: IP:PORT, or IP:PORT@NETWORK for one that is greeted from within it only.
    mandatory: list[str] = msgspec.field(default_factory=lambda: list(DEFAULT_MANDATORY))
    #: What they are told.
    mandatory_greeting: str = DEFAULT_GREETING
    #: "off": they are greeted from any network.
    mandatory_rule: str = "on"


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be set, what it is now, and where that comes from."""

    key: str
    value: str
    source: Source
    #: Which flag, variable, file or database says so; empty for a default.
    where: str
    meaning: str
    #: What it is when nobody says anything, in words.
    default: str
    #: Whether a change counts from the next start on only.
    restart: bool


class Greeting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of greeting a mandatory peer at this start. It is tried once."""

    #: IP:PORT.
    address: str
    #: Greeted only from a machine in this network; None: from everywhere.
    network: str | None = None
    #: "skipped" (this machine isn't in that network), "calling", "greeted" (handed over to the connection), "failed".
    outcome: GreetingOutcome
    #: Why, in words, when there is something to say.
    detail: str | None = None
    at: int


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """A named cursor into the event log that the node keeps for a front end."""

    #: 1 to MAX_NAME_CHARS of the letters A to Z and a to z, the digits, and "._-".
    name: str
    #: The last event that was acknowledged.
    position: int
    #: Durable events after its position; 0 when numbering has started anew since.
    lag: int
    created: int
    #: When somebody asked for what is next, or acknowledged, last.
    used: int
    #: Events after its position are no longer kept, or numbering has started anew: it must be created with `restart`.
    lapsed: bool = False


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A front end that follows and says how far it is."""

    #: Its name, as in its commands.
    client: str
    #: The last event that it has dealt with.
    seq: int
    #: Durable events after that one.
    lag: int
    #: When it said so.
    at: int


class State(msgspec.Struct, kw_only=True):
    """All that durable events change: the snapshot, and what a client's reducer keeps up to date."""

    self: Self
    settings: Settings
    rooms: dict[str, Room] = {}
    peers: dict[str, Peer] = {}
    #: Of this run, by address.
    greetings: dict[str, Greeting] = {}


class NextTry(msgspec.Struct, frozen=True, kw_only=True):
    """When a peer will be dialled again."""

    peer: str
    at: int
    attempt: int
    reason: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the node is. Ephemeral: a full disk can't log that it is full."""

    #: False while writes fail: commands that change something get `store_unavailable`, reading from peers stops.
    #: True with a problem: the disk is nearly full, so that sending is refused and reading from peers stops.
    store: bool = True
    #: What is wrong with the disk, in words; None when all is well.
    problem: str | None = None
    #: What is wrong with the search index, in words; None when all is well. Nothing else is affected by it.
    index: str | None = None
    #: What a person should know though nothing is refused for it, a sentence each: the history was set back.
    notices: list[str] = []


class Live(msgspec.Struct, kw_only=True):
    """What is true right now and not in the log."""

    next_tries: list[NextTry] = []
    health: Health = Health()


# ---- durable events: data of each type -------------------------------------------------------------------------------


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


# ---- ephemeral events: their topic begins with "~", they have no seq -------------------------------------------------


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


# ---- commands: arguments and result of each op -----------------------------------------------------------------------


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """No arguments, or nothing to tell."""


class HelloResult(msgspec.Struct, kw_only=True):
    """Who answers and what it can do."""

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
    """A page of a snapshot: the first of a new one, or with `page` the one that the page before names in `next`."""

    limit: int = 500
    page: str | None = None


class SnapshotResult(msgspec.Struct, kw_only=True):
    """Everything as of event `seq` of log `log`, or a page of it: rooms first, then peers."""

    log: str
    seq: int
    state: State
    #: The next tries are those of the peers on the page.
    live: Live
    #: What to ask for as `page` next; None: this was the last one.
    next: str | None = None


class EventsArgs(msgspec.Struct, kw_only=True):
    """Events after `since`. With `log`, the command is refused when that is not the present log."""

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


class ConsumerCreateArgs(msgspec.Struct, kw_only=True):
    """`since` None: from the head on. One that exists stays as it is, unless it has lapsed and `restart` is given."""

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
    """Everything up to event `seq` was dealt with. One before the consumer's position changes nothing."""

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


class ReportArgs(msgspec.Struct, kw_only=True):
    """A front end has dealt with all events up to `seq`. `follower` tells several of one client name apart."""

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
    """All words must occur; `word*` is a prefix, "quoted words" a phrase. Newest first; page with `before`."""

    query: str
    room: str | None = None
    before: int | None = None
    limit: int = 20


class SearchResult(msgspec.Struct, kw_only=True):
    """`pending` messages are not indexed yet; usually 0."""

    hits: list[Message]
    more: bool
    pending: int
    #: The index was damaged and is being built anew, oldest messages first: the newest `pending` aren't found yet.
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


class ConnectArgs(msgspec.Struct, kw_only=True):
    """HOST:PORT, or a known peer by id or name. `dialect` ("auto", or as in Peer) overrules what was guessed."""

    address: str
    dialect: str = "auto"


class PeerResult(msgspec.Struct, kw_only=True):
    """The peer as it is once the command is committed."""

    peer: Peer


class PeerArgs(msgspec.Struct, kw_only=True):
    """A peer by id, name (if only one has it) or HOST:PORT."""

    peer: str


class PeersArgs(msgspec.Struct, kw_only=True):
    """A page of peers in the order of their ids, after the one with this id."""

    limit: int = 500
    after: str | None = None


class PeersResult(msgspec.Struct, kw_only=True):
    """Peers, when those of them that can't be reached are tried next, and whether there are further peers."""

    peers: list[Peer]
    next_tries: list[NextTry]
    more: bool = False


class RenameArgs(msgspec.Struct, kw_only=True):
    """A peer, and what to call it from now on; empty: as it calls itself."""

    peer: str
    name: str


class MergeArgs(msgspec.Struct, kw_only=True):
    """Two peers; the conversation with the first becomes part of the one with the second."""

    peer: str
    into: str


class MarkReadArgs(msgspec.Struct, kw_only=True):
    """`upto` None means the newest message there is."""

    room: str
    upto: int | None = None


class MarkReadResult(msgspec.Struct, kw_only=True):
    """What is left unread."""

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
    #: Messages waiting for their peers, in all.
    outbox: int
    #: Messages on disk.
    messages: int
    database_bytes: int
    #: Bytes free on the disk that holds the home.
    free_bytes: int
    #: Source addresses that have met their quota, and until when they are shut out.
    shut_out: dict[str, int]
    #: Connections that were closed at once, because their source has too many or is shut out.
    refused: int
    #: Who follows and has reported lately, and how far they are.
    subscribers: list[Subscriber]
    #: SUB sockets that are connected right now, whoever they are.
    subscribed: int
    consumers: list[Consumer]
    #: The oldest event in the log, and how many it holds.
    oldest: int = 1
    kept_events: int = 0


class SettingsArgs(msgspec.Struct, kw_only=True):
    """What is left out stays as it is. The fields of Settings, and which of them are to be as if nobody had changed
    them."""

    name: str | None = None
    reconnect: bool | None = None
    keep_events: int | None = None
    keep_days: int | None = None
    mandatory: list[str] | None = None
    mandatory_greeting: str | None = None
    mandatory_rule: str | None = None
    reset: list[str] = []


class SettingsResult(msgspec.Struct, kw_only=True):
    """The settings now in force."""

    settings: Settings


class ConfigResult(msgspec.Struct, kw_only=True):
    """Everything that can be set, the home first."""

    settings: list[Option]


class StatusResult(msgspec.Struct, kw_only=True):
    """Is it ready, where, and is it well."""

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
    "connect": (ConnectArgs, PeerResult),
    "disconnect": (PeerArgs, PeerResult),
    "peers": (PeersArgs, PeersResult),
    "forget": (PeerArgs, Nothing),
    "rename": (RenameArgs, PeerResult),
    "merge": (MergeArgs, PeerResult),
    "delete": (PeerArgs, Nothing),
    "mark_read": (MarkReadArgs, MarkReadResult),
    "stats": (Nothing, StatsResult),
    "settings": (SettingsArgs, SettingsResult),
    "config": (Nothing, ConfigResult),
    "trust_clock": (Nothing, Nothing),
    "status": (Nothing, StatusResult),
    "stop": (Nothing, Nothing),
}

#: Commands that change nothing: they may be repeated freely and are answered even while the store can't be written.
READS = frozenset({
    "hello", "snapshot", "events", "consumer_next", "consumers", "report", "history", "search", "peers", "stats",
    "config", "status",
})  # fmt: skip
#: Commands that may be repeated without a key as well: done twice, they have done no more than once.
REPEATABLE = READS | {"consumer_create", "consumer_acknowledge"}

#: Every error code of a reply, what it means, and whether the same command may work later.
ERROR_CODES: dict[str, tuple[str, bool]] = {
    "malformed": ("The frame is not a command as BUS.md describes it.", False),
    "too_large": ("The command is longer than MAX_COMMAND_BYTES.", False),
    "unsupported_version": ("`v` is none of the versions that `hello` lists.", False),
    "unknown_op": ("There is no such command in this version.", False),
    "invalid_args": ("An argument is missing, of the wrong type or out of its bounds; `message` says which.", False),
    "key_reused": ("The same key was used before with another command or other arguments.", False),
    "not_found": ("There is no such room, peer, message or consumer.", False),
    "ambiguous": ("Several peers go by that name; use an id or HOST:PORT (`details.candidates`).", False),
    "text_empty": ("A text has nothing in it that could be shown.", False),
    "text_too_long": ("A text is longer than MAX_TEXT_BYTES.", False),
    "lookup_pending": ("The host name is being looked up in the background; ask again.", True),
    "no_address": ("The peer never said on which port it listens, and isn't connected.", False),
    "service_port": (
        "The peer says that it listens on a port of another kind of service, where nobody is dialled unasked, and isn't"
        " connected; `connect` to its HOST:PORT allows it.",
        False,
    ),
    "own_address": ("That is this node's own address.", False),
    "not_resendable": ("Only a message in state failed or unconfirmed can be sent again.", False),
    "setting_fixed": (
        "A flag, the environment or config.toml fixes this setting (`details.key`, `details.source`, `details.where`).",
        False,
    ),
    "log_changed": ("Numbering has started anew; take a new snapshot.", False),
    "cursor_too_old": ("Events after `since` are no longer kept (`details.oldest`); take a new snapshot.", False),
    "snapshot_gone": ("The snapshot of that page was given up; begin a new one, without `page`.", True),
    "cursor_ahead": (
        "`since`, or the `seq` acknowledged, is beyond the head (`details.head`); take a new snapshot.",
        False,
    ),
    "consumer_lapsed": (
        "Events after the consumer's position are no longer kept (`details.position`, `details.oldest`);"
        " create it with `restart`, or drop it.",
        False,
    ),
    "too_many_consumers": ("There are as many consumers as there may be; drop one.", False),
    "store_unavailable": (
        "The disk can't be written right now; nothing was done, unless `message` says that this isn't known.",
        True,
    ),
    "busy": ("Too much is waiting to be written; nothing was done.", True),
    "stopping": ("The node is going down; nothing was done.", True),
    "internal": ("A bug in the node; its log says more. Nothing was done.", False),
}


class Command(msgspec.Struct, kw_only=True):
    """A request frame."""

    v: int
    id: str
    op: str
    client: str = ""
    args: msgspec.Raw = msgspec.Raw(b"{}")
    key: str | None = None


class ErrorBody(msgspec.Struct, kw_only=True):
    """Why a command was refused."""

    code: str
    message: str
    retryable: bool = False
    details: dict[str, Any] = {}


class Reply(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A reply frame. `head` lets a client wait until its own write has come round as an event."""

    v: int
    id: str
    ok: bool
    #: JSON; null in an error.
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorBody | None = None
    head: int | None = None


class Endpoint(msgspec.Struct, kw_only=True):
    """The content of bus.json: what a front end needs to find the node. Written with mode 0600."""

    v: int
    #: Versions of the bus the node speaks.
    versions: list[int]
    events: str
    commands: str
    log: str
    pid: int
    program: str
    started: int
    #: CURVE: the server's public key and a key pair that the server lets in; None with `ipc`.
    server_key: str | None = None
    client_key: str | None = None
    client_secret: str | None = None


_event_encoder = msgspec.json.Encoder()
_raw_event_decoder = msgspec.json.Decoder(Event)
_KINDS: dict[str, type[msgspec.Struct]] = {**DURABLE, **EPHEMERAL}


@functools.lru_cache(256)
def topic_of(type_name: str) -> bytes:
    """The first frame of an event: its type, with "~" before it when it is ephemeral."""
    return (("~" if type_name in EPHEMERAL else "") + type_name).encode()


def encode(body: msgspec.Struct | dict[str, Any]) -> bytes:
    """A body as JSON. Texts in it that aren't Unicode are made `sound`."""
    try:
        return _event_encoder.encode(body)
    except UnicodeEncodeError:
        return _event_encoder.encode(_sound_in(body))


def sound(text: str) -> str:
    """The same text without halves of surrogate pairs, which neither JSON nor SQLite takes; "?" stands for each.

    Python makes them of bytes from the system (arguments, file names) that aren't UTF-8.
    """
    return text if text.isascii() else text.encode(errors="replace").decode()


def _sound_in(value: Any) -> Any:
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, list | tuple):
        return [_sound_in(one) for one in value]
    if isinstance(value, dict):
        return {_sound_in(key): _sound_in(one) for key, one in value.items()}
    if isinstance(value, msgspec.Struct):
        changed = {name: _sound_in(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **changed)
    return value


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


def preview(message: Message) -> Message:
    """The message as it stands in a room's `last`: its text cut to PREVIEW_CHARS."""
    if len(message.text) <= PREVIEW_CHARS:
        return message
    return msgspec.structs.replace(message, text=message.text[:PREVIEW_CHARS])
