"""How one peer, conversation or message is drawn: from the node's noun to a ready view.

Law of this file: pure. A relative time ("in 40 s") is passed on as a timestamp, and the browser counts.
"""

from __future__ import annotations

import msgspec

from dashboard import wording
from dashboard.doubts import DoubtView
from node import program
from node.bus import nouns
from node.bus import requests as rq

#: Characters of the last message in the conversation list; the list shows about 40.
PREVIEW_CHARS = 120
#: Characters of what somebody says of themselves.
MAX_STATUS = 100
#: Longest excerpt of a peer's error text, in characters.
MAX_ERROR_CHARS = 300


class Mark(msgspec.Struct, frozen=True):
    """A mark on a message, and its explanation."""

    label: str
    title: str


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one of our own messages. `wait`: the conversation tells its reason and next try."""

    label: str
    tone: str
    why: str = ""
    repair: str | None = None
    wait: bool = False


class MessageView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message, ready to draw. The browser adds grouping and day breaks, because they depend on the neighbours."""

    id: int
    room: str
    order: str
    at: int
    mine: bool
    author: str
    name: str
    hue: int
    text: str
    notice: bool = False
    #: Said in clear, in a conversation that is encrypted by now.
    plain: bool = False
    #: Its place among its author's entries: a receipt tells up to which one they are delivered.
    entry: nouns.Place | None = None
    delivery: Delivery | None = None
    marks: list[Mark] = []


class LastView(msgspec.Struct, frozen=True):
    """The newest text of a conversation, on one line."""

    id: int
    at: int
    mine: bool
    text: str
    delivery: Delivery | None


class RoomView(msgspec.Struct, frozen=True):
    """One row of the conversation list, and the head of its conversation."""

    id: str
    name: str
    #: What tells it from another one of the same name; empty while there is none.
    mark: str
    initials: str
    hue: int
    encrypted: bool
    #: "encrypted" or "plain", and what that means.
    privacy: str
    privacy_title: str
    #: The code of the node there, as groups; a plain client has none.
    code: list[str]
    #: Somebody here has compared that code.
    verified: bool
    doubt: DoubtView | None
    #: Ids of conversations that became part of this one; links and drafts may still name them.
    aliases: list[str]
    unread: int
    read_upto: int
    #: Sort key of the list, highest first: the order in which the node stored messages, whatever the clocks said. It is
    #: the id of the newest text; without one, the id up to which the conversation was read. With a node, the greater of
    #: the two: its newest text may be one that waited for long and became an entry since.
    place: int
    last: LastView | None
    peer: str | None
    address: str
    #: Link of the peer: online, reachable, connecting, offline, unknown, or gone (off the list).
    link: str
    presence: str
    presence_tone: str
    presence_title: str
    last_seen: int | None
    #: Why messages wait here, and when the next try is (ms).
    wait: str
    #: Their node takes nothing (more) from here; `wait` says why.
    refused: bool
    next_at: int | None
    #: Until when the other side types, at most (ms); 0: it doesn't.
    typing: int
    #: What its person says of themselves; empty: nothing.
    status: str
    #: With somebody nobody here has dealt with, and neither side has said anything: it can be opened, and stands on no
    #: list.
    silent: bool


class PeerView(msgspec.Struct, frozen=True):
    """One row of the table of peers."""

    id: str
    room: str
    name: str
    mark: str
    initials: str
    hue: int
    encrypted: bool
    privacy_title: str
    code: list[str]
    verified: bool
    #: Whether nobody here has dealt with it yet: what it says is a request.
    asks: bool
    #: Whether it has said something that waits for a decision.
    waits: bool
    #: Why it is in doubt who this is; empty: it isn't.
    doubt: str
    address: str
    #: Whether it can be dialled at all.
    dialable: bool
    link: str
    presence: str
    presence_tone: str
    presence_title: str
    #: What its person says of themselves; empty: nothing.
    status: str
    dialect: str
    dialect_title: str
    wanted: bool
    last_seen: int | None
    error: str
    next_at: int | None
    attempt: int


class RecipientView(msgspec.Struct, frozen=True):
    """What became of a message for one of those it is for."""

    name: str
    mark: str
    initials: str
    hue: int
    label: str
    tone: str
    #: When it was on their disk (ms), as long as the log tells.
    at: int | None
    #: When it was read (ms), likewise.
    read_at: int | None
    why: str
    next_at: int | None


class SelfView(msgspec.Struct, frozen=True):
    """This node, for the frame."""

    id: str
    code: str
    name: str
    listen: str
    addresses: list[str]


class AwayView(msgspec.Struct, frozen=True):
    """The node doesn't answer: since when (ms; None: never seen), why, and the command that starts it."""

    since: int | None
    reason: str
    start: str
    #: Whether it said good-bye: then its absence is known at once, without waiting for missing heartbeats.
    stopped: bool = False


class HealthView(msgspec.Struct, frozen=True):
    """Something is wrong with the node's disk."""

    problem: str


def address_of(peer: nouns.Peer) -> str:
    """HOST:PORT of a peer, as far as it is known."""
    host = wording.clean_name(peer.host, "") if peer.host else ""
    if not host:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{peer.port}" if peer.port else host


def self_view(me: nouns.Self) -> SelfView:
    """This node."""
    return SelfView(me.id, me.code, wording.clean_name(me.name, "you"), me.listen, list(me.addresses))


def name_of(peer: nouns.Peer) -> str:
    """A peer's name, or its address while it has none."""
    return wording.clean_name(peer.name, address_of(peer) or "somebody")


def mark_of(peer: nouns.Peer) -> str:
    """What tells a peer from another one of the same name."""
    return wording.clean_name(nouns.mark_of(peer), "")


def peer_view(
    peer: nouns.Peer, next_try: nouns.NextTry | None, *, shared: bool = False, room: nouns.Room | None = None
) -> PeerView:
    """A row of the table. `shared`: somebody else goes by the same name. `room`: the conversation with it."""
    asks = room is not None and room.request and not room.hidden
    name = name_of(peer)
    seen = wording.presence(peer.link, peer.presence, heard=peer.last_seen is not None)
    dialect, dialect_title = wording.dialect(peer)
    error = wording.one_line(program.typed(peer.error or (next_try.reason if next_try else "")), MAX_ERROR_CHARS)
    return PeerView(
        id=peer.id,
        room=peer.room,
        name=name,
        mark=mark_of(peer) if shared else "",
        initials=wording.initials(name),
        hue=wording.hue(peer.id),
        encrypted=peer.kind == "node",
        privacy_title=wording.encryption(peer.kind == "node")[1],
        code=wording.code_groups(peer.code),
        verified=peer.verified,
        asks=asks,
        waits=asks and room is not None and room.last is not None,
        doubt=wording.one_line(peer.warning or "", MAX_ERROR_CHARS),
        address=address_of(peer),
        dialable=bool(peer.host and peer.port),
        link=peer.link,
        presence=seen.label,
        presence_tone=seen.tone,
        presence_title=seen.why,
        status=wording.one_line(peer.status, MAX_STATUS),
        dialect=dialect,
        dialect_title=dialect_title,
        wanted=peer.wanted,
        last_seen=peer.last_seen,
        error=error if peer.link not in ("online", "reachable") else "",
        next_at=next_try.at if next_try else None,
        attempt=next_try.attempt if next_try else 0,
    )


def room_view(
    room: nouns.Room,
    peer: nouns.Peer | None,
    next_try: nouns.NextTry | None,
    *,
    shared: bool = False,
    doubt: DoubtView | None = None,
    typing: int = 0,
) -> RoomView:
    """A row of the conversation list. `shared`: another one goes by the same name."""
    privacy, privacy_title = wording.encryption(room.encrypted)
    name = wording.clean_name(room.name, (address_of(peer) if peer else "") or "somebody")
    link = peer.link if peer else "gone"
    seen = wording.presence(link, peer.presence if peer else "", heard=peer is not None and peer.last_seen is not None)
    last = room.last
    return RoomView(
        id=room.id,
        name=name,
        mark=mark_of(peer) if shared and peer else "",
        initials=wording.initials(name),
        hue=wording.hue(room.peer or room.id),
        encrypted=room.encrypted,
        privacy=privacy,
        privacy_title=privacy_title,
        code=wording.code_groups(peer.code) if peer else [],
        verified=peer is not None and peer.verified,
        doubt=doubt,
        aliases=room.aliases,
        unread=room.unread,
        read_upto=room.read_upto,
        place=max(last.id if last else 0, room.read_upto if room.kind == "direct" or not last else 0),
        last=None if last is None else LastView(
            id=last.id,
            at=last.at,
            mine=last.direction == "out",
            text=wording.one_line(last.text, PREVIEW_CHARS),
            delivery=delivery_of(last) if last.direction == "out" else None,
        ),
        peer=room.peer,
        address=address_of(peer) if peer else "",
        link=link,
        presence=seen.label,
        presence_tone=seen.tone,
        presence_title=seen.why,
        last_seen=peer.last_seen if peer else None,
        wait=_why_waiting(name, peer),
        refused=peer is not None and peer.refusal is not None,
        next_at=next_try.at if next_try else None,
        typing=typing,
        status=wording.one_line(peer.status, MAX_STATUS) if peer else "",
        silent=room.request and last is None,
    )  # fmt: skip


def _why_waiting(name: str, peer: nouns.Peer | None) -> str:
    if peer is None:
        return f"{name} is not on your list any more"
    if peer.refusal is not None:
        return wording.one_line(peer.refusal, MAX_ERROR_CHARS).rstrip(".")
    if peer.link in ("online", "reachable"):
        return "its turn comes next"
    if peer.rival is not None:
        return f"another key answers in place of {name}'s"
    if peer.link == "connecting":
        return f"connecting to {name}"
    if not peer.port and peer.kind == "node":
        return f"{name} has to connect to you: no address is known any more"
    if not peer.port:
        return f"{name} has to connect to you: it never said where it listens"
    if peer.link == "unknown":
        return f"{name} {'has been quiet' if peer.last_seen is not None else 'has not been tried yet'}"
    return f"{name} is offline"


def message_view(message: nouns.Message, *, direct: bool = False) -> MessageView:
    """One line of a conversation. `direct`: of one with a node, where what was said in clear is marked."""
    mine = message.direction == "out"
    unknown = message.kind == "unknown"
    name = wording.clean_name(message.name)
    return MessageView(
        id=message.id,
        room=message.room,
        order=message.order,
        at=message.at,
        mine=mine,
        author=message.author,
        name=name,
        hue=wording.hue(message.author),
        text=wording.unknown_kind(name, mine=mine) if unknown else wording.clean_text(message.text),
        notice=unknown or message.kind == "notice",
        plain=direct and message.kind == "text" and message.entry is None,
        entry=message.entry,
        delivery=delivery_of(message) if mine and message.kind == "text" else None,
        marks=marks_of(message),
    )


def delivery_of(message: nouns.Message) -> Delivery:
    """The state of one of our own messages."""
    phrase = wording.delivery(message)
    # For a waiting message the conversation says why, and when the next try is.
    waits = message.state == "waiting" and not phrase.why
    return Delivery(phrase.label, phrase.tone, phrase.why, wording.repair(message.state), waits)


def recipient_view(one: rq.Recipient, peer: nouns.Peer | None, *, shared: bool) -> RecipientView:
    """What became of a message for one recipient; `peer`: who that is, if still on the list."""
    name = name_of(peer) if peer is not None else "somebody who is not on your list any more"
    stand_in = nouns.Message(
        id=0, room="", order="", at=0, direction="out", author="", name="", state=one.state, detail=one.detail
    )
    phrase = wording.delivery(stand_in)
    waits = one.state == "waiting" and not phrase.why
    return RecipientView(
        name=name,
        mark=mark_of(peer) if peer is not None and shared else "",
        initials=wording.initials(name),
        hue=wording.hue(one.peer),
        label=phrase.label,
        tone=phrase.tone,
        at=one.at,
        read_at=one.read_at,
        why=_sentence(_why_waiting(name, peer), name) if waits else phrase.why,
        next_at=one.next_try.at if one.next_try else None,
    )


def _sentence(words: str, name: str) -> str:
    """Words as a sentence; a name at its beginning stays as it is written."""
    return f"{words}." if words.startswith(name) else f"{words[:1].upper()}{words[1:]}."


def marks_of(message: nouns.Message) -> list[Mark]:
    """The marks that this version knows."""
    return [Mark(*known) for known in map(wording.mark, message.marks) if known]
