"""How things look on a terminal: one line for a message, a peer or an event, with nothing in it that could steer it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from node import program
from node.bus import events as ev
from node.bus import locate, nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from node.model import short_code
from node.printable import flat, json_line, plain

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
    who = flat(message.name)
    if message.kind == "deleted":
        return f"{clock(message.at)}  * deleted since"
    if message.kind == "notice":
        return f"{clock(message.at)}  * {who} {plain(message.text)}"
    if message.kind == "unknown":
        return f"{clock(message.at)}  * {who} sent something that this version of Snicher can't show"
    state = f"  [{message.state}{_reason(message.detail)}]" if message.state else ""
    if room is not None and room.kind == "direct" and message.entry is None:
        who += " (plain)"
    text = plain(message.text).replace("\n", "\n" + " " * 23)
    return f"{clock(message.at)}  {'> ' if message.direction == 'out' else ''}{who}: {text}{state}"


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
    return "encrypted" if encrypted else "plain"


def room_line(room: nouns.Room, peer: nouns.Peer | None) -> str:
    """A conversation in a line: with whom, and whether it is encrypted."""
    kept = "encrypted" if room.encrypted else "not encrypted"
    return f"{flat(room.name) if peer is None else called(peer)}: {kept}"


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

_LOOKING = {
    "on": "Others on this network find this node, and it finds them.",
    "no_network": "This machine is on no network.",
    "off": "This node doesn't look for others on this network, and isn't found (the setting `discovery`).",
}


def nearby_line(nearby: nouns.Nearby) -> str:
    """Whether nodes on this network find each other, in a sentence."""
    said = flat(nearby.detail) if nearby.detail else _LOOKING.get(nearby.state, nearby.state)
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


def refusal(refused: CommandRefused) -> str:
    """Why a command was refused, and whom of several one may have meant."""
    candidates = refused.details.get("candidates")
    if refused.code != "ambiguous" or not candidates:
        return refused.message
    return f"{refused.message} Which one? {', '.join(map(_candidate, candidates[:CANDIDATES_SHOWN]))}"


def _candidate(one: dict[str, Any]) -> str:
    """One of several peers with one name: a node by its code as well, because two may have been met at one address."""
    who, where = str(one.get("id")), str(one.get("address"))
    return f"{where} (code {short_code(who)}, id {who})" if len(who) == PEER_ID_CHARS else where


#: Above the lines of peers.
PEERS_HEADER = f"{'NAME':20} {'ADDRESS':24} {'STATE':10} {'PRIVACY':10} {'DIALECT OR CODE':25} ID"


def peer_line(peer: nouns.Peer, next_try: nouns.NextTry | None) -> str:
    """One peer as people read it; what is in doubt about it stands below. One that has no name is not called by its
    address twice.
    """
    error = f"  {flat(program.typed(peer.error))}" if peer.error else ""
    again = "" if next_try is None else f"  next try {until(next_try.at, _now())}"
    how = peer.code if peer.kind == "node" else f"{peer.dialect} ({peer.dialect_from})"
    error += f"  {flat(peer.refusal)}" if peer.refusal else ""
    name = "-" if peer.name in (peer.host, address(peer)) else flat(peer.name)
    kept = privacy(peer.kind == "node")
    checked = "  verified" if peer.verified else ""
    more = f"{checked}  “{flat(peer.status)}”" if peer.status else checked
    line = f"{name:20} {address(peer):24} {state(peer):10} {kept:10} {how:25} {peer.id}{more}{seen(peer)}{error}{again}"
    return "\n  ".join([line, *doubt_lines(peer)])


def state(peer: nouns.Peer) -> str:
    """How a peer is, in a word: of a node that is linked, whether its person is away."""
    return peer.presence if peer.link == "online" and peer.presence else peer.link


def seen(peer: nouns.Peer) -> str:
    """When a peer that isn't linked was last heard."""
    if peer.link == "online" or peer.last_seen is None:
        return ""
    return f"  last seen {moment(peer.last_seen, _now())}"


def until(at: int, now: int) -> str:
    """When something comes (ms), in seconds; far off, its date."""
    return f"on {clock(at)}" if at - now > FAR_OFF_MS else f"in {max(0, round((at - now) / 1000))} s"


#: Above the lines of consumers.
CONSUMERS_HEADER = f"{'NAME':20} {'SHOWN UP TO':>11} {'BEHIND':>8}  LAST USED"


def consumer_line(consumer: nouns.Consumer) -> str:
    """One named consumer as people read it."""
    lapsed = "  lapsed: what comes next for it is no longer kept" if consumer.lapsed else ""
    return f"{consumer.name:20} {consumer.position:>11} {consumer.lag:>8}  {clock(consumer.used)}{lapsed}"


def event_line(event: ev.Event) -> str:
    """One event as people read it; of a type that this version doesn't know, its data as it is."""
    number = "-" if event.seq is None else str(event.seq)
    tell = _WHAT.get(event.type)
    now = _now()
    # Its clock may have been set back since: an event that seems to come is told with its date.
    at = clock(event.at) if event.at - now > AHEAD_MS else moment(event.at, now)
    what = tell(event.data) if tell is not None else json_line(event.data)[:MAX_UNKNOWN]
    return f"{number:>8}  {at}  {event.type:20} {plain(what)}"


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
