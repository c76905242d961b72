"""How things look on a terminal: one line for a message, a peer or an event, with nothing in it that could steer it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from node.bus import events as ev
from node.bus import locate, nouns
from node.errors import CommandRefused
from node.printable import flat, json_line, plain

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


def message_line(message: nouns.Message) -> str:
    """One message as people read it."""
    who = flat(message.name)
    if message.kind == "deleted":
        return f"{clock(message.at)}  * deleted since"
    if message.kind == "notice":
        return f"{clock(message.at)}  * {who} {plain(message.text)}"
    state = f"  [{message.state}{_reason(message.detail)}]" if message.state else ""
    text = plain(message.text).replace("\n", "\n" + " " * 23)
    return f"{clock(message.at)}  {'> ' if message.direction == 'out' else ''}{who}: {text}{state}"


def address(peer: nouns.Peer) -> str:
    """Where a peer is: HOST:PORT, as far as it is known."""
    host = f"[{peer.host}]" if ":" in peer.host else peer.host
    return f"{host}:{peer.port}" if peer.port is not None else f"{host} (port unknown)"


def called(peer: nouns.Peer) -> str:
    """A peer in a sentence: its name and where it is, or only where it is when that is all there is to say."""
    name, where = flat(peer.name), address(peer)
    return where if name in (where, peer.host) else f"{name} ({where})"


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
    return f"{refused.message} Which one? {', '.join(str(one.get('address')) for one in candidates[:CANDIDATES_SHOWN])}"


#: Above the lines of peers.
PEERS_HEADER = f"{'NAME':20} {'ADDRESS':24} {'STATE':10} {'DIALECT':18} ID"


def peer_line(peer: nouns.Peer, next_try: nouns.NextTry | None) -> str:
    """One peer as people read it. One that has no name is not called by its address twice."""
    error = f"  {flat(peer.error)}" if peer.error else ""
    again = "" if next_try is None else f"  next try {_until(next_try.at, _now())}"
    guess = f"{peer.dialect} ({peer.dialect_from})"
    name = "-" if peer.name in (peer.host, address(peer)) else flat(peer.name)
    return f"{name:20} {address(peer):24} {peer.link:10} {guess:18} {peer.id}{error}{again}"


def _until(at: int, now: int) -> str:
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


def _message(data: ev.MessageReceived | ev.MessageAccepted) -> str:
    return f"#{data.message.id} {message_line(data.message)[21:]}"


def _peer(data: ev.PeerAdded | ev.PeerChanged) -> str:
    peer = data.peer
    return f"{flat(peer.name)} {address(peer)} {peer.dialect} {peer.link}{_reason(peer.error)}"


def _room(data: ev.RoomAdded | ev.RoomChanged) -> str:
    room = data.room
    unread = f", {room.unread} unread" if room.unread else ""
    return f"{flat(room.name)} ({room.id}){unread}"


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
    return f": {flat(text)}" if text else ""


_WHAT: dict[str, Callable[[Any], str]] = {
    "NodeStarted": lambda data: f"{flat(data.self.name)} is up on {data.self.listen}, version {data.version}",
    "NodeStopped": lambda data: str(data.reason),
    "GreetingChanged": lambda data: f"{data.greeting.address} {data.greeting.outcome}{_reason(data.greeting.detail)}",
    "SettingsChanged": _settings,
    "RoomAdded": _room,
    "RoomChanged": _room,
    "RoomsMerged": lambda data: f"{data.gone} is now part of {flat(data.room.name)} ({data.room.id})",
    "RoomDeleted": lambda data: f"{data.room}, with all that was said in it",
    "MessagesExpired": lambda data: f"{data.room} up to #{data.upto} were kept long enough, {data.unread} unread left",
    "RoomRead": lambda data: f"{data.room} up to #{data.read_upto}, {data.unread} unread",
    "PeerAdded": _peer,
    "PeerChanged": _peer,
    "PeerForgotten": lambda data: f"{data.peer}; its conversation stays",
    "QuotaReached": lambda data: f"{data.host} is shut out until {clock(data.until)} ({data.bytes} bytes in a day)",
    "MessageReceived": _message,
    "MessageAccepted": _message,
    "MessageStateChanged": lambda data: f"#{data.id} is {data.state}{_reason(data.detail)}",
    "Heartbeat": lambda data: f"head {data.head}, kept from {data.oldest} on",
    "RetryScheduled": _retry,
    "HealthChanged": lambda data: data.health.problem or data.health.index or "all is well",
    "ConnectionNoticed": lambda data: f"{data.address}: {data.what}",
}
