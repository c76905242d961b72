"""What the server and a tab's page tell each other: every request, answer and frame, declared once.

A tab sends requests. Each but `hello` carries a number `n` and gets one `reply` with an answer or a problem. The server
sends other frames by itself. All are JSON objects whose field `t` names their kind. Either side passes over a kind that
it doesn't know, because a page may be older or newer than the server that it returns to.

The types of the JavaScript come from here: `python -m dashboard.typedefs` writes components/shared/schema.js, and a
test compares. To add a request, declare its structure, and put it with its answer into REQUESTS. A command of the bus
that tabs may give only needs a line in COMMANDS.

Law of this file: pure data. asked.py, live.py and watching.py act on it.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from dashboard import appearance, comparing, diagnosing, doubts, operations, pictures, secure, telling
from node.bus import bounds

#: Rows of a page of the event log; the browser asks for 100.
MAX_ROWS = 200
#: Conversations that a tab may look for at once.
MAX_UNKNOWN_ROOMS = 50
#: Most mandatory peers, and most static ones, in a request; the node's own bounds are lower and have error sentences.
MAX_MANDATORY = MAX_STATIC = 100
#: Most characters of a status on its way to the node, which says what is too long.
MAX_STATUS = 1000
#: Longest code that somebody types, in characters: an invite fits.
MAX_CODE_CHARS = 4096
#: Shortest idempotency key, in characters.
MIN_KEY_CHARS = 8

Id = Annotated[str, Meta(max_length=bounds.MAX_ID_CHARS)]
Key = Annotated[str, Meta(min_length=MIN_KEY_CHARS, max_length=bounds.MAX_ID_CHARS)]
Number = Annotated[int, Meta(ge=0, lt=2**53)]
Setting = Annotated[str, Meta(max_length=2000)]


# -- requests


class Hello(msgspec.Struct, tag_field="t", tag="hello"):
    """The first frame of a tab: its cursor, if it has one, the open conversation, and the pass of its session."""

    log: Id = ""
    seq: Number = 0
    room: Id = ""
    word: Annotated[str, Meta(max_length=100)] = msgspec.field(name="pass", default="")


class Command(msgspec.Struct, tag_field="t", tag="command"):
    """Give the node a command of the bus, one of COMMANDS, with its arguments as BUS.md has them.

    One that changes something needs an idempotency key made by the browser, so that a retry never doubles it.
    """

    n: Number
    op: Annotated[str, Meta(max_length=40)]
    args: msgspec.Raw = msgspec.Raw(b"{}")
    key: Key | None = None


class Send(msgspec.Struct, tag_field="t", tag="send"):
    """Send a text. `node`: the id of the conversation's node, because two nodes number their conversations alike."""

    n: Number
    key: Key
    room: Id
    text: str
    node: Id | None = None


class Secure(msgspec.Struct, tag_field="t", tag="secure"):
    """Ask how the encrypted links with a node are, with both codes."""

    n: Number
    peer: Id


class Doubt(msgspec.Struct, tag_field="t", tag="doubt"):
    """Ask who may be meant by a peer with a warning, with the codes to compare."""

    n: Number
    peer: Id


class Codes(msgspec.Struct, tag_field="t", tag="codes"):
    """Ask for the QR codes of this node's key and of a peer's."""

    n: Number
    peer: Id


class Compare(msgspec.Struct, tag_field="t", tag="compare"):
    """Ask whether a code is that of a peer: one that was typed, or else the one in a picture (JPEG, base64)."""

    n: Number
    peer: Id
    typed: Annotated[str, Meta(max_length=MAX_CODE_CHARS)] = ""
    picture: Annotated[str, Meta(max_length=pictures.MAX_CHARS)] = ""


class Typing(msgspec.Struct, tag_field="t", tag="typing"):
    """Somebody types in this conversation, or has stopped."""

    n: Number
    room: Id
    stopped: bool = False


class Watch(msgspec.Struct, tag_field="t", tag="watch"):
    """Subscribe the tab to the Activity page's rows and figures, or unsubscribe it."""

    n: Number
    on: bool


class Events(msgspec.Struct, tag_field="t", tag="events"):
    """Ask for a page of the event log, newest first; without a position, for the newest. Without kinds: all kinds."""

    n: Number
    before: Number | None = None
    kinds: Annotated[list[Id], Meta(max_length=len(telling.KINDS))] = []
    text: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_ROWS)] = 100


class RawEvent(msgspec.Struct, tag_field="t", tag="event"):
    """Ask for one event as JSON."""

    n: Number
    seq: Annotated[int, Meta(ge=1, lt=2**53)]


class UnknownRooms(msgspec.Struct, tag_field="t", tag="unknown_rooms"):
    """Ask what became of conversations that the tab knows and the node doesn't any more."""

    n: Number
    rooms: Annotated[list[Id], Meta(max_length=MAX_UNKNOWN_ROOMS)]


class Options(msgspec.Struct, tag_field="t", tag="options"):
    """Ask for all options, with their values and sources."""

    n: Number


class Change(msgspec.Struct, tag_field="t", tag="change"):
    """Change settings; one that is left out stays as it is. The node checks the values."""

    n: Number
    key: Key
    name: Setting | None = None
    reconnect: bool | None = None
    share_reading: bool | None = None
    accept_nodes: Setting | None = None
    accept_plain: Setting | None = None
    discovery: Setting | None = None
    static_peers: Annotated[list[Setting], Meta(max_length=MAX_STATIC)] | None = None
    presence: Setting | None = None
    status: Annotated[str, Meta(max_length=MAX_STATUS)] | None = None
    keep_events: Number | None = None
    keep_days: Number | None = None
    mandatory: Annotated[list[Setting], Meta(max_length=MAX_MANDATORY)] | None = None
    mandatory_greeting: Setting | None = None
    mandatory_rule: Setting | None = None


class Naming(msgspec.Struct, tag_field="t", tag="naming"):
    """Ask for this node's name, and whether anybody has ever chosen it."""

    n: Number


class Name(msgspec.Struct, tag_field="t", tag="name"):
    """Choose this node's name, be it the one that it has. The node checks it."""

    n: Number
    key: Key
    name: Setting


class Link(msgspec.Struct, tag_field="t", tag="link"):
    """Ask for a link that opens this dashboard once, for another browser."""

    n: Number


class ShutOutOthers(msgspec.Struct, tag_field="t", tag="shut_out"):
    """Shut out all other browsers; they need a link again."""

    n: Number


class Unknown(msgspec.Struct):
    """A request of a kind that this server doesn't know; without a number, nobody waits for an answer."""

    n: Number | None = None


# -- answers


class Done(msgspec.Struct, frozen=True):
    """It is done, and there is nothing to tell."""


class Page(msgspec.Struct, frozen=True):
    """A page of a conversation, oldest first; valid at event `seq`."""

    seq: int
    messages: list[appearance.MessageView]
    more_before: bool
    more_after: bool


class Hits(msgspec.Struct, frozen=True):
    """The hits of a search, newest first. `pending` messages are not indexed yet."""

    hits: list[appearance.MessageView]
    more: bool
    pending: int


class Said(msgspec.Struct, frozen=True):
    """A message as the node has stored it."""

    message: appearance.MessageView


class Told(msgspec.Struct, frozen=True):
    """What became of a message: it was accepted at its `at`; one recipient for each peer it is for."""

    message: appearance.MessageView
    recipients: list[appearance.RecipientView]


class Meant(msgspec.Struct, frozen=True):
    """All who may be meant by a peer with a warning; and its rival, whose key is among those shown."""

    sides: list[doubts.Side]
    rival: str | None = None


class Met(msgspec.Struct, frozen=True):
    """A peer as it is now."""

    peer: appearance.PeerView


class QrCode(msgspec.Struct, frozen=True):
    """A QR code: the path of what is dark in a square of `side` modules, with the light around it."""

    path: str
    side: int


class BothCodes(msgspec.Struct, frozen=True):
    """The QR codes of this node's PeerId and of the other's."""

    mine: QrCode
    theirs: QrCode


class Invite(msgspec.Struct, frozen=True):
    """A link by which others add this node, and its QR code. `note`: what is wrong with the link; empty: nothing."""

    link: str
    note: str
    qr: QrCode


class Added(msgspec.Struct, frozen=True):
    """Who was added by an invite. `note`: what of it wasn't taken; empty: all of it was."""

    peer: appearance.PeerView
    note: str


class Diagnosed(msgspec.Struct, frozen=True):
    """What the doctor has found so far."""

    diagnosis: diagnosing.DiagnosisView


class EventPage(msgspec.Struct, frozen=True):
    """Rows, newest first. All events from number `down_to` on were examined; `more`: there are older ones."""

    rows: list[telling.EventRow]
    down_to: int
    more: bool
    #: The oldest event that is still kept.
    oldest: int


class Raw(msgspec.Struct, frozen=True):
    """One event as JSON, with long texts cut."""

    raw: str


class Gone(msgspec.Struct, frozen=True):
    """What became of conversations, according to the log; those it doesn't mention are left out."""

    gone: list[operations.RoomGone]


class Named(msgspec.Struct, frozen=True):
    """This node's name. `chosen`: by a person, at its start or since; else it is the user's name on this machine."""

    name: str
    chosen: bool


class Code(msgspec.Struct, frozen=True):
    """The code of a link that opens this dashboard once."""

    code: str


# -- what belongs together


class Allowed(NamedTuple):
    """A command that tabs may give: what is answered, and whether it needs an idempotency key."""

    answer: type[msgspec.Struct]
    keyed: bool = True


#: The commands of the bus that a tab may give, by op.
COMMANDS: dict[str, Allowed] = {
    "history": Allowed(Page, keyed=False),
    "search": Allowed(Hits, keyed=False),
    "delivery": Allowed(Told, keyed=False),
    "mark_read": Allowed(Done, keyed=False),
    "resend": Allowed(Said),
    "connect": Allowed(Met),
    "disconnect": Allowed(Met),
    "forget": Allowed(Done),
    "rename": Allowed(Met),
    "merge": Allowed(Met),
    "delete": Allowed(Done),
    "trust": Allowed(Met),
    "verify": Allowed(Met),
    "unverify": Allowed(Met),
    "accept": Allowed(Met),
    "refuse": Allowed(Done),
    "block": Allowed(Done),
    "unblock": Allowed(Done),
    "invite": Allowed(Invite, keyed=False),
    "add": Allowed(Added),
    "doctor": Allowed(Diagnosed, keyed=False),
}

#: Every other request that has an answer, with it.
REQUESTS: dict[type[msgspec.Struct], type[msgspec.Struct]] = {
    Send: Said,
    Secure: secure.SecureView,
    Doubt: Meant,
    Codes: BothCodes,
    Compare: comparing.Compared,
    Typing: Done,
    Watch: Done,
    Events: EventPage,
    RawEvent: Raw,
    UnknownRooms: Gone,
    Options: msgspec.Struct,
    Change: msgspec.Struct,
    Naming: Named,
    Name: Named,
    Link: Code,
    ShutOutOthers: Done,
}

Request = (
    Command
    | Send
    | Secure
    | Doubt
    | Codes
    | Compare
    | Typing
    | Watch
    | Events
    | RawEvent
    | UnknownRooms
    | Options
    | Change
    | Naming
    | Name
    | Link
    | ShutOutOthers
)


# -- frames


class AllFrame(msgspec.Struct, frozen=True, tag_field="t", tag="all"):
    """The first page of all lists; `left` more pages come. `missed`: the operations since the tab's cursor; null:
    unknown, so the tab loads its history again."""

    now: int
    everything: operations.Everything
    missed: list[operations.Lasting] | None
    left: int


class MoreFrame(msgspec.Struct, frozen=True, tag_field="t", tag="more"):
    """A further page of all lists, as they were at the `seq` of `all`; `left` more pages come. What a `patch` has said
    since counts more."""

    rooms: list[appearance.RoomView]
    peers: list[appearance.PeerView]
    left: int


class PatchFrame(msgspec.Struct, frozen=True, tag_field="t", tag="patch"):
    """Changes; the tab's cursor is `seq` after them."""

    seq: int
    ops: list[operations.Op]


class BeatFrame(msgspec.Struct, frozen=True, tag_field="t", tag="beat"):
    """The server lives."""

    now: int


class Problem(msgspec.Struct, frozen=True):
    """Why a request was refused. `retryable`: the same request, with its key, may work later."""

    code: str
    message: str
    retryable: bool = False


class ReplyFrame(msgspec.Struct, frozen=True, tag_field="t", tag="reply", omit_defaults=True):
    """The answer to request number `n`, or why there is none."""

    n: int
    result: msgspec.Struct | None = None
    problem: Problem | None = None


class RowsFrame(msgspec.Struct, frozen=True, tag_field="t", tag="rows"):
    """New events in words, oldest first, after `skipped` others that came too quickly. For tabs that watch."""

    rows: list[telling.EventRow]
    skipped: int


class FiguresFrame(msgspec.Struct, frozen=True, tag_field="t", tag="figures"):
    """There are new figures of the node; native parts read them through the hatch. For tabs that watch."""


Frame = AllFrame | MoreFrame | PatchFrame | BeatFrame | ReplyFrame | RowsFrame | FiguresFrame


# -- reading


#: What `decode` raises: invalid JSON, a request other than declared, a lone surrogate, or brackets nested too deeply.
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
_NAMED: tuple[type[msgspec.Struct], ...] = (Hello, Command, *REQUESTS)
_KINDS = frozenset(str(one.__struct_config__.tag) for one in _NAMED)
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Hello | Request)


class _Kind(msgspec.Struct):
    t: str
    n: Number | None = None


def decode(text: str) -> Hello | Request | Unknown:
    """Parse a request of a tab. Raises one of UNREADABLE."""
    try:
        request: Hello | Request = _decoder.decode(text)
    except msgspec.ValidationError:
        kind = msgspec.json.decode(text, type=_Kind)
        if kind.t in _KINDS:
            raise
        return Unknown(kind.n)
    return request
