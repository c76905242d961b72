"""How things look on a terminal: one line for a message, a peer or an event, with nothing in it that could steer it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from node import program
from node.bus import events as ev
from node.bus import locate, nouns, words
from node.bus import requests as rq
from node.errors import BusError, CommandRefused
from node.model import short_code
from node.printable import flat, json_line, plain
from node.terminal.columns import cut, padded
from node.terminal.screen import Line, Piece, Role, text_of

#: Characters of a node's id. Other ids are shorter or longer.
PEER_ID_CHARS = 52
#: Most peers listed when a name is ambiguous.
CANDIDATES_SHOWN = 10
#: A time ahead of now by less than this is shown as now, in ms: clocks differ by so much unnoticed.
AHEAD_MS = 5 * 60 * 1000
#: A next try further ahead than this, in ms, is shown as a date, not as a number of seconds.
FAR_OFF_MS = 2 * 24 * 3600 * 1000
#: Longest excerpt of an unknown event's data, in characters.
MAX_UNKNOWN = 300


def clock(at: int | None) -> str:
    """A time (ms) as people here read it: 19 characters, or "never"."""
    return "never" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at / 1000))


def moment(at: int, now: int) -> str:
    """A time (ms) as short as it can be told: of today without the date."""
    text = clock(at)
    return text[11:] if text[:10] == clock(now)[:10] else text


def _now() -> int:
    return int(time.time() * 1000)


def message_line(message: nouns.Message, room: nouns.Room | None = None) -> str:
    """One message as people read it. In a direct `room`, one that was said in clear is marked as plain."""
    return text_of(message_pieces(message, room))


#: How the state of a message looks, if not dimmed.
_STATES: dict[str, Role] = {"failed": "bad", "unconfirmed": "bad", "waiting": "away", "sending": "away"}


def message_pieces(message: nouns.Message, room: nouns.Room | None = None) -> Line:
    """The same, in pieces."""
    who = flat(message.name)
    found: list[Piece] = [(f"{clock(message.at)}  ", "dim")]
    if message.kind == "deleted":
        return [*found, ("* deleted since", "dim")]
    if message.kind == "notice":
        return [*found, (f"* {who} {plain(message.text)}", "dim")]
    if message.kind == "unknown":
        return [*found, (f"* {who} sent something that this version of Snicher can't show", "dim")]
    own = message.direction == "out"
    found.append((f"> {who}" if own else who, "own" if own else "name"))
    if room is not None and room.kind == "direct" and message.entry is None:
        found.append((" (plain)", "away"))
    found.append((": " + plain(message.text).replace("\n", "\n" + " " * 23), ""))
    if message.state:
        found.append((f"  [{message.state}{_reason(message.detail)}]", _STATES.get(message.state, "dim")))
    return found


def address(peer: nouns.Peer) -> str:
    """Where a peer is: HOST:PORT, as far as it is known."""
    host = f"[{peer.host}]" if ":" in peer.host else peer.host
    return f"{host}:{peer.port}" if peer.port is not None else f"{host} (port unknown)"


def called(peer: nouns.Peer) -> str:
    """A peer in a sentence: its name and where it is, or only where it is when that is all there is to say."""
    name, where = flat(peer.name), address(peer)
    if peer.kind == "node":
        return f"{name} ({nouns.mark_of(peer)})"
    return where if name in (where, peer.host) else f"{name} ({where})"


def privacy(encrypted: bool) -> str:
    """Whether others on the network can read along, in a word."""
    return words.privacy(encrypted).short


def room_line(room: nouns.Room, peer: nouns.Peer | None) -> str:
    """A conversation in a line: with whom, and whether it is encrypted."""
    return f"{flat(room.name) if peer is None else called(peer)}: {privacy(room.encrypted)}"


# -- who somebody is


def trust_command(peer: nouns.Peer) -> str:
    """How a person decides about a peer with a warning."""
    return program.typed(f"python -m node trust {peer.id}{'' if peer.kind == 'node' else ' --plain'}")


def doubt_lines(peer: nouns.Peer) -> list[str]:
    """Why it is in doubt who a peer is, the codes to compare, and what to do; nothing when all is clear."""
    if peer.warning is None:
        return []
    found = [f"! {called(peer)}: {flat(peer.warning)}"]
    if peer.rival is not None:
        found += [f"  the code so far: {peer.code}", f"  the new code:    {short_code(peer.rival)}"]
    elif peer.code:
        found.append(f"  its code: {peer.code}")
    return [*found, f"  Ask them which is right. If this is them: {trust_command(peer)}"]


def trusted(peer: nouns.Peer) -> str:
    """What was decided about a peer."""
    if peer.kind == "node":
        return f"{flat(peer.name)} is whoever has the code {peer.code}."
    return f"Clear text may go to {called(peer)}."


# -- who is on this network


def nearby_line(nearby: nouns.Nearby) -> str:
    """Whether nodes on this network find each other, in a sentence."""
    said = flat(nearby.detail or words.of(words.NEARBY, nearby.state).sentence)
    count = len(nearby.services)
    seen = f" {count} {'is' if count == 1 else 'are'} seen." if count else ""
    return f"{said}{seen}"


def sighting_line(one: nouns.Sighting, peer: nouns.Peer | None) -> str:
    """A service on this network: whose it is, where, and whether it is linked."""
    where = ", ".join(map(flat, one.addresses))
    if peer is None:
        return f"  somebody whose key isn't known yet, at {where}"
    linked = "linked" if peer.link == "online" else f"not linked: {flat(peer.error or peer.link)}"
    return f"  {flat(peer.name)}, code {peer.code}, at {where} ({linked})"


# -- what became of a message


def delivery_lines(found: rq.DeliveryResult, peers: dict[str, nouns.Peer]) -> list[str]:
    """What became of a message, for each of those it is for."""
    now = _now()
    lines = [f"#{found.message.id} was accepted at {clock(found.message.at)}: it is on this machine's disk."]
    for one in found.recipients:
        peer = peers.get(one.peer)
        who = called(peer) if peer is not None else flat(one.peer)
        lines.append(f"{who}: {_outcome(one, now)}")
    return lines


def _outcome(one: rq.Recipient, now: int) -> str:
    detail = f" {flat(program.typed(one.detail))}" if one.detail else ""
    if one.state in ("delivered", "read"):
        stored = "on their disk" if one.at is None else f"on their disk since {moment(one.at, now)}"
        read = "" if one.read_at is None else f", read at {moment(one.read_at, now)}"
        return f"{one.state}, {stored}{read}.{detail}"
    if one.state == "sent":
        return f"sent{'' if one.at is None else f' at {moment(one.at, now)}'}; a plain client can't confirm it.{detail}"
    again = "" if one.next_try is None else f" Next try {until(one.next_try.at, now)}."
    return f"{flat(one.state)}.{detail}{again}"


def away_line(reason: str, since: float | None, start: str) -> str:
    """That the node is away and waited for; `since`: when it was last heard, in seconds; `start`: how to start it."""
    heard = "" if since is None else f", last heard at {clock(int(since * 1000))}"
    why = plain(reason.partition(f" {locate.START_WITH} ")[0])
    return f"The node is away{heard}: {why} Waiting for it. If it doesn't run, start it: {start}"


def refusal(refused: BusError) -> str:
    """Why a command was refused, and whom of several one may have meant; or why it didn't get to the node."""
    if not isinstance(refused, CommandRefused):
        return str(refused)
    candidates = refused.details.get("candidates")
    if refused.code != "ambiguous" or not candidates:
        return refused.message
    return f"{refused.message} Which one? {', '.join(map(_candidate, candidates[:CANDIDATES_SHOWN]))}"


def _candidate(one: dict[str, Any]) -> str:
    """One of several peers with one name: a node by its code as well, because two may have been met at one address."""
    who, where = str(one.get("id")), str(one.get("address"))
    return f"{where} (code {short_code(who)}, id {who})" if len(who) == PEER_ID_CHARS else where


#: Above the lines of peers where they go into a pipe. (roster.py lays them out on a terminal.)
PEERS_HEADER = f"{'NAME':20} {'ADDRESS':24} {'STATE':13} {'PRIVACY':10} {'DIALECT OR CODE':25} ID"


def peer_line(peer: nouns.Peer, next_try: nouns.NextTry | None) -> str:
    """One peer, all of it on one line; one that has no name is not called by its address twice."""
    kept = privacy(peer.kind == "node")
    checked = "  verified" if peer.verified else ""
    words = [
        padded(peer_name(peer), 20), f"{address(peer):24}", f"{state(peer):13}", f"{kept:10}",
        f"{dialect_or_code(peer):25}", f"{peer.id}{checked}",
    ]  # fmt: skip
    return "  ".join([" ".join(words), *peer_notes(peer, next_try), *(line.strip() for line in doubt_lines(peer))])


def peer_name(peer: nouns.Peer) -> str:
    """What a peer is called in a list; "-" if it has no name but its address."""
    return "-" if peer.name in (peer.host, address(peer)) else flat(peer.name)


def dialect_or_code(peer: nouns.Peer) -> str:
    """What a plain client speaks and how that is known; a node's code."""
    return peer.code if peer.kind == "node" else flat(words.dialect_of(peer).short)


def peer_notes(peer: nouns.Peer, next_try: nouns.NextTry | None) -> list[str]:
    """What else there is to say about a peer: its own words, when it was last heard, why it isn't there."""
    found = [
        f"“{flat(peer.status)}”" if peer.status else "",
        seen(peer),
        flat(program.typed(peer.error or "")),
        flat(peer.refusal or ""),
        "" if next_try is None else f"next try {until(next_try.at, _now())}",
    ]
    return [one for one in found if one]


def state(peer: nouns.Peer) -> str:
    """How a peer is, in a word: of a node that is linked, whether its person is away."""
    return flat(words.link_of(peer).short)


def seen(peer: nouns.Peer) -> str:
    """When a peer that isn't linked was last heard."""
    if peer.link == "online" or peer.last_seen is None:
        return ""
    # One that came by itself and was never tried is quiet since then; its connection is not known to have failed.
    said = "quiet since" if peer.link == "unknown" else "last seen"
    return f"{said} {moment(peer.last_seen, _now())}"


def until(at: int, now: int) -> str:
    """When something comes (ms), in seconds; far off, its date."""
    return f"on {clock(at)}" if at - now > FAR_OFF_MS else f"in {max(0, round((at - now) / 1000))} s"


#: Above the lines of consumers.
CONSUMERS_HEADER = f"{'NAME':20} {'SHOWN UP TO':>11} {'BEHIND':>8}  LAST USED"


#: Said of a consumer that can't go on.
LAPSED = "lapsed: what comes next for it is no longer kept"


def consumer_line(consumer: nouns.Consumer) -> str:
    """One named consumer as people read it."""
    lapsed = f"  {LAPSED}" if consumer.lapsed else ""
    return f"{consumer.name:20} {consumer.position:>11} {consumer.lag:>8}  {clock(consumer.used)}{lapsed}"


def event_line(event: ev.Event) -> str:
    """One event as people read it; of a type that this version doesn't know, its data as it is."""
    return text_of(event_pieces(event))


def event_pieces(event: ev.Event) -> Line:
    """The same, in pieces."""
    number = "-" if event.seq is None else str(event.seq)
    tell = _WHAT.get(event.type)
    now = _now()
    # Its clock may have been set back since: an event that seems to come is told with its date.
    at = clock(event.at) if event.at - now > AHEAD_MS else moment(event.at, now)
    what = tell(event.data) if tell is not None else cut(json_line(event.data), MAX_UNKNOWN)
    role: Role = "bad" if event.type in _LOUD else ""
    return [(f"{number:>8}  {at}  ", "dim"), (f"{event.type:20}", "head"), (f" {plain(what)}", role)]


#: Events that people should look at.
_LOUD = ("PeerWarned", "IdentityShared", "QuotaReached")


def blocked_line(blocked: nouns.Blocked) -> str:
    """Somebody who is blocked, in a sentence."""
    if len(blocked.id) == PEER_ID_CHARS:
        return f"{flat(blocked.name) or 'a node'} (code {short_code(blocked.id)})"
    return f"plain clients at {blocked.id}{f' ({flat(blocked.name)})' if blocked.name else ''}"


def _message(data: ev.MessageReceived | ev.MessageAccepted | ev.MessageChanged) -> str:
    kept = ", encrypted" if data.message.entry is not None else ""
    return f"#{data.message.id}{kept} {message_line(data.message)[21:]}"


def _peer(data: ev.PeerAdded | ev.PeerChanged) -> str:
    peer = data.peer
    how = (
        f"{nouns.mark_of(peer)} encrypted{', verified' if peer.verified else ''}"
        if peer.kind == "node"
        else peer.dialect
    )
    doubt = f" ({flat(peer.warning)})" if peer.warning else ""
    return f"{flat(peer.name)} {address(peer)} {how} {state(peer)}{_reason(peer.error)}{doubt}"


def _room(data: ev.RoomAdded | ev.RoomChanged) -> str:
    room = data.room
    unread = f", {room.unread} unread" if room.unread else ""
    what = f"{', encrypted' if room.encrypted else ''}{', a request' if room.request else ''}"
    return f"{flat(room.name)} ({room.id}){what}{', hidden' if room.hidden else ''}{unread}"


def _retry(data: ev.RetryScheduled) -> str:
    one = data.next_try
    return f"{one.peer} is tried again at {moment(one.at, _now())} (attempt {one.attempt}): {one.reason}"


def _settings(data: ev.SettingsChanged) -> str:
    values = ((name, getattr(data.settings, name)) for name in data.settings.__struct_fields__)
    return ", ".join(f"{name}: {_value(value)}" for name, value in values)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else flat(str(value))


def _reason(text: str | None) -> str:
    return f": {flat(program.typed(text))}" if text else ""


_WHAT: dict[str, Callable[[Any], str]] = {
    "NodeStarted": lambda data: f"{flat(data.self.name)} is up on {data.self.listen}, version {data.version}",
    "NodeStopped": lambda data: str(data.reason),
    "GreetingChanged": lambda data: f"{data.greeting.address} {data.greeting.outcome}{_reason(data.greeting.detail)}",
    "SettingsChanged": _settings,
    "AddressesChanged": lambda data: f"others reach this node at {', '.join(data.self.addresses) or 'no address'} now",
    "RoomAdded": _room,
    "RoomChanged": _room,
    "RoomsMerged": lambda data: f"{data.gone} is now part of {flat(data.room.name)} ({data.room.id})",
    "RoomDeleted": lambda data: f"{data.room}, with all that was said in it",
    "MessagesExpired": lambda data: f"{data.room} up to #{data.upto} were kept long enough, {data.unread} unread left",
    "RoomRead": lambda data: f"{data.room} up to #{data.read_upto}, {data.unread} unread",
    "PeerAdded": _peer,
    "PeerChanged": _peer,
    "PeerForgotten": lambda data: f"{data.peer}; its conversation stays",
    "PeerWarned": lambda data: (
        f"{flat(data.name)}: {flat(data.warning)} (`{program.typed('python -m node peers')}` says what to do)"
    ),
    "PeerBlocked": lambda data: f"{blocked_line(data.blocked)} is blocked: nothing of it is taken",
    "PeerUnblocked": lambda data: f"{data.id} is blocked no more",
    "IdentityShared": lambda data: (
        f"another machine, met at {flat(data.address)}, uses this node's identity; both go on working"
    ),
    "QuotaReached": lambda data: f"{data.host} is shut out until {clock(data.until)} ({data.bytes} bytes in a day)",
    "MessageReceived": _message,
    "MessageAccepted": _message,
    "MessageChanged": _message,
    "ReceiptAdvanced": lambda data: f"{data.member} has all of {data.stream[:8]}… in {data.room} up to {data.n}",
    "ReadAdvanced": lambda data: f"{data.member} has read all of {data.stream[:8]}… in {data.room} up to {data.n}",
    "MessageStateChanged": lambda data: f"#{data.id} is {data.state}{_reason(data.detail)}",
    "Heartbeat": lambda data: f"head {data.head}, kept from {data.oldest} on",
    "RetryScheduled": _retry,
    "HealthChanged": lambda data: data.health.problem or data.health.index or "all is well",
    "Typing": lambda data: f"{data.member} {'types' if data.until else 'has stopped typing'} in {data.room}",
    "NearbyChanged": lambda data: nearby_line(data.nearby),
    "ConnectionNoticed": lambda data: f"{data.address}: {data.what}",
}
