"""The nouns that front ends see: messages, conversations, peers, settings and the rest, as msgspec schemas.

Law of this file: pure data. No sockets, clocks or decisions. These schemas are the contract with every front end.
BUS.md is normative, and a test fails when the two differ.

Conventions: times are integer milliseconds since 1970 UTC; ids of messages are integers below 2**53 that grow in the
order of arrival on this node; every other id is a string. Unknown fields are ignored.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from node.bus.bounds import PREVIEW_CHARS

#: The peers that the older program greets, with the network in which they exist. (tests/support/WIRE.md, section 6)
DEFAULT_MANDATORY = ("10.206.4.122:1255@10.206.0.0/16", "10.206.5.228:6555@10.206.0.0/16")
DEFAULT_GREETING = "Mandatory message: Hello from our peer!"
DeliveryState = Literal["waiting", "sending", "sent", "delivered", "read", "failed", "unconfirmed"]
#: The state shown for a message with several recipients is the first of these that any recipient has. So it shows as
#: waiting while one recipient is still to get it; after that, failures show before successes.
ADVANCE: tuple[DeliveryState, ...] = (
    "waiting", "sending", "failed", "unconfirmed", "sent", "delivered", "read",
)  # fmt: skip
LinkState = Literal["online", "connecting", "reachable", "offline", "unknown"]
MessageKind = Literal["text", "notice", "deleted", "unknown"]
Direction = Literal["in", "out"]
Source = Literal["flag", "environment", "file", "saved", "default"]
#: How far this node's user has dealt with a peer; see `Peer.standing`.
Standing = Literal["stranger", "known", "asked"]
RoomKind = Literal["plain", "direct"]
PeerKind = Literal["plain", "node"]
#: From whom messages are taken: of nodes, and of plain peers.
AcceptNodes = Literal["ask", "everybody", "nobody"]
AcceptPlain = Literal["everybody", "known", "nobody"]
#: Whether nodes on the same network are found: "on"; "ask": seen, and linked only if known; "off".
Discovery = Literal["on", "ask", "off"]
#: How looking for nodes on this network goes; see `Nearby.state`.
NearbyState = Literal["on", "deaf", "failing", "no_network", "local", "off"]
GreetingOutcome = Literal["skipped", "calling", "greeted", "failed"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The place of an entry among those of its author."""

    #: The author's stream: 32 hexadecimal digits.
    stream: str
    #: 1, 2, 3 ... within the stream.
    n: int


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a conversation, as it stands now."""

    id: int
    room: str
    #: Sort key: messages are shown in the order of this text; of equal ones the lower id comes first. It is the hybrid
    #: logical clock as 16 digits, followed by the hash of the header if the author signed one.
    order: str
    at: int
    direction: Direction
    #: The peer's id; for our own messages this node's id.
    author: str
    #: The author's name at the time of the message. Untrusted text.
    name: str
    #: "notice" is a quiet line (a hello, a good-bye): it never counts as unread and is never a room's last message.
    #: "deleted" appears in old events in the place of a message deleted since; nothing else of it is known.
    #: "unknown" is an entry that this version can't show; it has no text.
    kind: str = "text"
    text: str = ""
    #: Only for direction "out": waiting, sending, sent, delivered, failed or unconfirmed.
    state: str | None = None
    #: A sentence about why it is in this state, if there is something to say.
    detail: str | None = None
    #: What else is true of it: "altered" (changed so that it doesn't act as a control word), "not-utf8" (shown with
    #: replacement characters), "parts" (sent in several marked parts). Unknown marks are ignored.
    marks: list[str] = []
    #: Its place, if it is an entry: signed by its author, and encrypted on its way. None: it was said in clear.
    entry: Place | None = None


class Room(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation. Of kind "plain": with one plain-text peer, local to this node, never encrypted. Of kind "direct":
    with another Snicher node, always encrypted; messages in it without `entry` are from before it was known as one.
    """

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
    #: The sorted ids of the other members; in a plain room the one peer. `peer` is for readers that know only rooms of
    #: two. Never use a room's id as a peer's.
    members: list[str] = []
    #: Ids of plain conversations that became part of this one. Commands take them for this room, and for its peer.
    aliases: list[str] = []
    #: Its peer is a node that nobody here has dealt with yet: what it says waits here until it is accepted or refused.
    #: Its `unread` is no part of any total. Without a `last`, nothing was said yet, and there is nothing to decide.
    request: bool = False
    #: Its peer is blocked: it isn't shown until that ends, or until it is deleted.
    hidden: bool = False


class Peer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody this node can talk with, or has talked with."""

    #: `plain-` and a number; of a node its PeerId.
    id: str
    room: str
    #: What a person here calls it, else what it calls itself, or its address while it has said nothing. Untrusted text.
    name: str
    #: "plain": an older client, which is talked to in clear. "node": a Snicher node, which never is.
    kind: str = "plain"
    host: str = ""
    #: None while it has not announced the port it listens on: it can be answered only while it is connected.
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
    #: True while the node keeps a connection to it and redials by itself (somebody asked for `connect`).
    wanted: bool = False
    #: The name it gives itself, if a person here gave it another one; None: `name` is its own.
    own_name: str | None = None
    #: How far people here have dealt with it. stranger: it has spoken, and nobody here has answered. known: somebody
    #: here wrote to it, connected to it, accepted, added, named, verified or merged it. asked: somebody here asked for
    #: its exact address to be dialled.
    standing: Standing = "stranger"
    #: Where it can be dialled, as HOST:PORT, the best first; empty while it has not said its port. `host` and `port`
    #: are for readers that know one address.
    addresses: list[str] = []
    #: Short form of a node's id, for people to compare: four groups of four. Empty for plain peers.
    code: str = ""
    #: A sentence about who this may be, for people to decide: another key at a node's address, another node of the same
    #: name, clear text from a node's address. None: nothing is in doubt. The command `trust` ends it.
    warning: str | None = None
    #: The PeerId of another key that answered at this node's address; None: there was none.
    rival: str | None = None
    #: A person here has compared the code of this node's key with what its owner says. Another key at its address takes
    #: that away.
    verified: bool = False
    #: Why its node takes no messages from here, or no further ones, in words, as that node said; None: it takes them.
    refusal: str | None = None


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
    """The settings in force. People may change them while the node runs, except those fixed at its start."""

    #: The team name that plain peers see; 1 to MAX_NAME_CHARS characters, no line breaks.
    name: str
    #: Redial peers with `wanted` automatically when a connection ends.
    reconnect: bool = True
    #: Tell the other node in a direct chat what was read here, and when somebody here types.
    share_reading: bool = True
    #: What becomes of what unknown nodes say. "ask": it waits as a request. "everybody": it is taken like anything
    #: else. "nobody": it is refused.
    accept_nodes: str = "ask"
    #: From which plain peers messages are taken: "everybody", those that are "known", or "nobody".
    accept_plain: str = "everybody"
    #: Whether nodes on the same network find each other by mDNS. "on": yes, and they are linked. "ask": they are seen
    #: and listed, but only those that people here deal with are linked. "off": this node neither looks nor is found.
    discovery: str = "on"
    #: How many events the log keeps, the newest ones.
    keep_events: int = 1_000_000
    #: How many days messages are kept; 0: for ever.
    keep_days: int = 0
    #: Peers greeted once at each start: IP:PORT, or IP:PORT@NETWORK for one greeted only from within that network.
    mandatory: list[str] = msgspec.field(default_factory=lambda: list(DEFAULT_MANDATORY))
    #: What they are told.
    mandatory_greeting: str = DEFAULT_GREETING
    #: "off": they are greeted from any network.
    mandatory_rule: str = "on"


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of whom nothing is taken, and to whom nothing goes."""

    #: A PeerId, or a source address of plain peers: an IPv4 address or an IPv6 /64.
    id: str
    #: What it was called when it was blocked; empty if nobody knew it.
    name: str = ""
    at: int = 0


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option, its present value, and the source of that value."""

    key: str
    value: str
    source: Source
    #: The flag, variable, file or database that the value comes from; empty for a default.
    where: str
    meaning: str
    #: The default, in words.
    default: str
    #: Whether a change takes effect at the next start only.
    restart: bool


class Greeting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of greeting a mandatory peer at this start. It is tried once."""

    #: IP:PORT.
    address: str
    #: Greeted only from a machine in this network; None: from everywhere.
    network: str | None = None
    #: "skipped" (this machine isn't in that network), "calling", "greeted" (handed over to the connection), "failed".
    outcome: GreetingOutcome
    #: A sentence about why, if there is something to say.
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
    #: Time of the last `consumer_next` or `consumer_acknowledge`.
    used: int
    #: Events after its position are no longer kept, or numbering has started anew: it must be created with `restart`.
    lapsed: bool = False


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A front end that follows events and reports its position."""

    #: Its name, as in its commands.
    client: str
    #: The last event that it has processed.
    seq: int
    #: Durable events after that one.
    lag: int
    #: Time of that report.
    at: int


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An encrypted link that stands now."""

    #: "out": this node dialled. "in": the other one did.
    direction: Direction
    #: The other end, as HOST:PORT.
    address: str
    #: When it opened (ms).
    since: int
    #: The version of the protocol on it, and the program at the other end, such as "snicher/0.1.0"; empty: not told.
    version: int
    program: str = ""
    #: How far the other clock was ahead when it opened, in ms; negative: behind.
    clock: int = 0
    #: The database and the run behind it: 32 hexadecimal digits each. Two databases are two machines of one identity.
    instance: str = ""
    run: str = ""


class State(msgspec.Struct, kw_only=True):
    """All that durable events change. A snapshot holds it, and a client's reducer keeps it up to date."""

    self: Self
    settings: Settings
    rooms: dict[str, Room] = {}
    peers: dict[str, Peer] = {}
    #: Outcomes of this run, by the peer's address.
    greetings: dict[str, Greeting] = {}
    #: Who is blocked, by id.
    blocked: dict[str, Blocked] = {}


class NextTry(msgspec.Struct, frozen=True, kw_only=True):
    """When a peer will be dialled again."""

    peer: str
    at: int
    attempt: int
    reason: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The node's health. Its events are ephemeral, because a full disk can't log that it is full."""

    #: False while writes fail: commands that change something get `store_unavailable`, reading from peers stops.
    #: True with a problem: the disk is nearly full, so that sending is refused and reading from peers stops.
    store: bool = True
    #: What is wrong with the disk, in words; None when all is well.
    problem: str | None = None
    #: What is wrong with the search index, in words; None when all is well. Nothing else is affected by it.
    index: str | None = None
    #: Sentences that people should know although nothing is refused, such as that the history was set back.
    notices: list[str] = []


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A service that mDNS tells of on this network. Anybody there can make one up."""

    #: Its name: 16 random hexadecimal digits, others after each start.
    id: str
    #: The PeerId of the node: recognised by its tag, or proved on a link. None: nobody knows yet whose it is.
    peer: str | None = None
    #: Where it says it listens, as HOST:PORT, as far as that is on a network of this machine.
    addresses: list[str] = []
    #: When it was seen first (ms).
    since: int = 0


class Nearby(msgspec.Struct, frozen=True, kw_only=True):
    """Who is seen on this network, and whether looking round works."""

    #: "on": it works. "deaf": it should, but not even our own words come back: multicast is blocked somewhere.
    #: "failing": it can't be done here, and is tried again. "no_network": this machine is on no network. "local": this
    #: node listens where only this machine reaches it. "off": the setting says so.
    state: str = "off"
    #: Why it is so, as a sentence, if there is something to say.
    detail: str | None = None
    services: list[Sighting] = []


class Live(msgspec.Struct, kw_only=True):
    """What is true right now and not in the log."""

    next_tries: list[NextTry] = []
    health: Health = Health()
    nearby: Nearby = Nearby()


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


def in_order(one: str, other: str) -> tuple[str, str]:
    """Two PeerIds in the order in which both sides show their codes, the lower first: both screens are equal."""
    return (one, other) if one < other else (other, one)


#: How the text of a QR code for comparing begins.
COMPARED = "snicher-codes:"


def compared(one: str, other: str) -> str:
    """What a QR code for comparing two PeerIds holds: the same text at both sides, so that the codes look the same."""
    return f"{COMPARED}{','.join(in_order(one, other))}"


def in_compared(text: str) -> list[str]:
    """What stands for the two PeerIds in such a text, whoever made it; empty when it is another one."""
    bare = text.strip()
    return bare.removeprefix(COMPARED).split(",", 2)[:2] if bare.startswith(COMPARED) else []


def mark_of(peer: Peer) -> str:
    """What tells a peer from another one of the same name: the first two groups of a node's code, else HOST:PORT."""
    if peer.code:
        return " ".join(re.findall(r"[a-z0-9]+", peer.code.lower())[:2])
    host = f"[{peer.host}]" if ":" in peer.host else peer.host
    return f"{host}:{peer.port}" if peer.port is not None and host else host


def preview(message: Message) -> Message:
    """The message as it appears in a room's `last`, with its text cut to PREVIEW_CHARS."""
    if len(message.text) <= PREVIEW_CHARS:
        return message
    return msgspec.structs.replace(message, text=message.text[:PREVIEW_CHARS])
