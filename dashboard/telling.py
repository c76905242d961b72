"""Events of the bus in plain words, one row each, for the Activity page.

Law of this file: pure. A relative time ("next try in 40 s") is passed on as a timestamp, and the browser counts. Only a
short beginning of a message's text is shown. Text of others (names, messages, reasons) is kept apart from our words, so
that a browser can isolate its direction.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from dashboard import wording
from dashboard.appearance import address_of, mark_of, name_of
from dashboard.doubts import MAX_CHARS
from node import names, program
from node.bus import encoding, nouns
from node.bus import events as ev

#: Longest excerpt of a message in a row, in characters.
PREVIEW_CHARS = 100
#: Longest excerpt of a reason or a notice in a row, in characters.
MAX_REASON_CHARS = 240
#: Characters of one text in the raw form of an event; the rest is cut, with a mark.
RAW_TEXT_CHARS = 160
#: The kinds of rows, which are the filters of the page.
KINDS = ("messages", "peers", "conversations", "node", "connections")


class EventRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. `parts`: our words and text of others in turn, beginning with ours (which may be empty)."""

    key: str
    at: int
    kind: str
    type: str
    parts: list[str]
    tone: str = "plain"
    #: The event's number; None: it is ephemeral.
    seq: int | None = None
    #: A time that belongs to it (ms), and its label: "Next try" or "Until".
    moment: int | None = None
    moment_word: str = ""
    #: The front end whose command caused it.
    by: str = ""
    #: The conversation it is about, if that is still there.
    room: str = ""
    #: The whole event as JSON, for ephemeral events only; others can be asked for.
    raw: str = ""

    def holds(self, text: str) -> bool:
        """Whether the row's words hold `text`, which is as `names.key` makes it. The browser has the same rule
        (filters.js).
        """
        return text in names.key(f"{''.join(self.parts)} {self.by} {self.type}")


class Known(Protocol):
    """Who is who."""

    def peer(self, peer: str) -> nouns.Peer | None:
        """A peer on the list."""

    def name_of(self, room: str) -> str:
        """The name of a conversation."""

    def shares_name(self, peer: str) -> bool:
        """Whether somebody else goes by this peer's name."""

    def has_room(self, room: str) -> bool:
        """Whether the conversation is still there."""


class _Told(msgspec.Struct, frozen=True):
    """The kind and the words of a row."""

    kind: str
    parts: list[str]
    tone: str = "plain"
    moment: int | None = None
    moment_word: str = ""


def row(event: ev.Event, known: Known, key: str, before: nouns.Peer | None = None) -> EventRow:
    """The row of an event. `before` is the peer of a PeerChanged as it was, if that is known."""
    told = _tell(event, known, before)
    room = event.room or ""
    return EventRow(
        key=key,
        at=event.at,
        kind=told.kind,
        type=wording.clean_name(event.type, "?"),
        parts=told.parts,
        tone=told.tone,
        seq=event.seq,
        moment=told.moment,
        moment_word=told.moment_word,
        by=wording.clean_name(event.cause.client, "somebody") if event.cause else "",
        room=room if room and known.has_room(room) else "",
        raw=raw(event) if event.seq is None else "",
    )


def raw(event: ev.Event) -> str:
    """The event as indented JSON, with long texts cut."""
    cut = _cut(msgspec.json.decode(encoding.encode(event)))
    return wording.clean_text(msgspec.json.format(msgspec.json.encode(cut), indent=2).decode())


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_cut(one) for one in value]
    if isinstance(value, str) and len(value) > RAW_TEXT_CHARS:
        return f"{value[:RAW_TEXT_CHARS]}… ({len(value):,} characters)"
    return value


def _say(template: str, *others: str) -> list[str]:
    """A template of our words, with the text of others in the places of {}."""
    ours = template.split("{}")
    parts = [ours[0]]
    for words, other in zip(ours[1:], others, strict=True):
        parts += [other, words]
    return parts


def _reason(text: str | None) -> str:
    return wording.one_line(program.typed(text or ""), MAX_REASON_CHARS)


def _peer_name(peer: nouns.Peer, known: Known) -> str:
    name = name_of(peer)
    return f"{name} ({mark_of(peer)})" if known.shares_name(peer.id) else name


def _tell(event: ev.Event, known: Known, before: nouns.Peer | None) -> _Told:
    data = event.data
    match data:
        case ev.MessageReceived() | ev.MessageAccepted() | ev.MessageStateChanged():
            return _message(data, known)
        case ev.MessageChanged(message=message):
            text = wording.one_line(message.text, PREVIEW_CHARS)
            return _Told(
                "messages", _say("Your message to {} goes encrypted now: “{}”", known.name_of(message.room), text)
            )
        case ev.ReceiptAdvanced(room=room):
            return _Told("messages", _say("What you wrote to {} is on their disk", known.name_of(room)), "good")
        case ev.ReadAdvanced(room=room):
            return _Told("messages", _say("{} has read what you wrote", known.name_of(room)), "good")
        case ev.PeerWarned():
            doubted = known.peer(data.peer)
            name = _peer_name(doubted, known) if doubted else wording.clean_name(data.name)
            return _Told("peers", _say("Is this really {}? {}", name, wording.one_line(data.warning, MAX_CHARS)), "bad")
        case ev.PeerBlocked(blocked=blocked):
            who = wording.clean_name(blocked.name or blocked.id, "somebody")
            return _Told("peers", _say("{} is blocked: nothing of it is taken", who))
        case ev.PeerUnblocked(id=id_):
            return _Told("peers", _say("{} is blocked no more", wording.clean_name(id_, "somebody")))
        case ev.PeerAdded(peer=peer) if peer.kind == "node":
            words = _say(
                "A new peer: {}, a Snicher node with the code {}",
                name_of(peer),
                " ".join(wording.code_groups(peer.code)),
            )
            return _Told("peers", words)
        case ev.PeerAdded(peer=peer):
            return _Told("peers", _say("A new peer: {}", _peer_name(peer, known)))
        case ev.PeerChanged(peer=peer):
            return _changed(peer, before, known)
        case ev.PeerForgotten(peer=gone):
            was = known.peer(gone)
            return _Told("peers", _say("{} was taken off the list", _peer_name(was, known) if was else "A peer"))
        case ev.RetryScheduled(next_try=next_try):
            tried = known.peer(next_try.peer)
            name = _peer_name(tried, known) if tried else "A peer"
            words = _say("{} can't be reached: {}", name, _reason(next_try.reason) or "it doesn't answer.")
            return _Told("peers", words, "wait", next_try.at, "Next try")
        case (
            ev.RoomAdded()
            | ev.RoomChanged()
            | ev.RoomsMerged()
            | ev.RoomDeleted()
            | ev.RoomRead()
            | ev.MessagesExpired()
        ):
            return _Told("conversations", _conversation(data, known))
        case ev.ConnectionNoticed(address=address, what=what):
            return _Told("connections", _say("{}: {}", wording.clean_name(address, "Somebody"), _reason(what)), "wait")
        case ev.QuotaReached(host=host, bytes=size, until=until):
            words = _say(f"{{}} sent {wording.size(size)} within a day and is shut out", wording.clean_name(host))
            return _Told("connections", words, "bad", until, "Until")
        case _:
            return _node(event)


def _message(data: ev.MessageReceived | ev.MessageAccepted | ev.MessageStateChanged, known: Known) -> _Told:
    if isinstance(data, ev.MessageStateChanged):
        other = known.name_of(data.room)
        words, tone = _STATES.get(
            data.state, (f"Your message to {{}} is {wording.clean_name(data.state, '?')}", "plain")
        )
        why = _reason(data.detail)
        return _Told("messages", _say(f"{words}: {{}}", other, why) if why else _say(words, other), tone)
    message = data.message
    text = wording.one_line(message.text, PREVIEW_CHARS)
    if message.kind == "deleted":
        return _Told("messages", ["A message that was deleted since"])
    if message.kind == "unknown":
        name = wording.clean_name(message.name)
        return _Told("messages", _say("{} sent something that this version of Snicher can't show", name))
    if message.kind == "notice":
        return _Told("messages", _say("{}", text))
    if message.direction == "out":
        return _Told("messages", _say("You wrote to {}: “{}”", known.name_of(message.room), text))
    return _Told("messages", _say("{} said: “{}”", wording.clean_name(message.name), text))


_STATES = {
    "waiting": ("Your message to {} waits", "wait"),
    "sending": ("Your message to {} is being handed over", "plain"),
    "sent": ("Your message to {} was sent", "good"),
    "delivered": ("Your message to {} was delivered", "good"),
    "read": ("Your message to {} was read", "good"),
    "failed": ("Your message to {} could not be sent", "bad"),
    "unconfirmed": ("Whether your message reached {} is unknown", "wait"),
}


def _changed(peer: nouns.Peer, before: nouns.Peer | None, known: Known) -> _Told:
    name = _peer_name(peer, known)
    if before is not None and (before.warning is None) != (peer.warning is None):
        if peer.warning is None:
            return _Told("peers", _say("Nothing is in doubt about {} any more", name), "good")
        return _Told("peers", _say("A warning stands about {} now", name), "wait")
    if before is not None and (before.link, before.error) == (peer.link, peer.error):
        return _Told("peers", _other_change(peer, before, name))
    if peer.link == "online" and peer.kind == "node":
        return _Told("peers", _say("Connected to {}, encrypted", name), "good")
    if peer.link == "online":
        return _Told("peers", _say("Connected to {}", name), "good")
    if peer.link == "reachable":
        return _Told("peers", _say("{} is reachable", name), "good")
    if peer.link == "connecting":
        return _Told("peers", _say("Connecting to {}…", name))
    if peer.link == "offline" and peer.error:
        return _Told("peers", _say("{} can't be reached: {}", name, _reason(peer.error)), "wait")
    if peer.link == "offline":
        return _Told("peers", _say("{} is offline", name))
    return _Told("peers", _say("{} has not been heard of lately", name))


def _other_change(peer: nouns.Peer, before: nouns.Peer, name: str) -> list[str]:
    """The words for any other change; the most important one wins."""
    if peer.name != before.name:
        return _say("{} is now called {}", name_of(before), name)
    if (peer.host, peer.port) != (before.host, before.port):
        return _say("{} is now at {}", name, address_of(peer) or "an address it has not said")
    if peer.wanted != before.wanted:
        return _say("Your node keeps trying to reach {}" if peer.wanted else "Your node leaves {} alone", name)
    if (peer.dialect, peer.dialect_from) != (before.dialect, before.dialect_from):
        return _say("{} speaks {}", name, wording.dialect(peer)[0])
    return _say("Something about {} changed", name)


def _conversation(
    data: ev.RoomAdded | ev.RoomChanged | ev.RoomsMerged | ev.RoomDeleted | ev.RoomRead | ev.MessagesExpired,
    known: Known,
) -> list[str]:
    match data:
        case ev.RoomAdded(room=room):
            began = "An encrypted conversation with {} began" if room.encrypted else "A conversation with {} began"
            return _say(began, wording.clean_name(room.name))
        case ev.RoomChanged(room=room):
            return _say("A conversation is now called {}", wording.clean_name(room.name))
        case ev.RoomsMerged(gone=gone, room=room):
            return _say(
                f"The conversation with {{}} became part of the {'encrypted ' if room.encrypted else ''}one with {{}}",
                known.name_of(gone),
                wording.clean_name(room.name),
            )
        case ev.RoomDeleted(room=deleted):
            return _say("The conversation with {} was deleted", known.name_of(deleted))
        case ev.MessagesExpired(room=room_id):
            return _say("Old messages with {} were kept long enough and are gone", known.name_of(room_id))
        case ev.RoomRead(room=read, unread=unread):
            left = f", {unread:,} left unread" if unread else ""
            return _say(f"The conversation with {{}} was read{left}", known.name_of(read))


def _node(event: ev.Event) -> _Told:
    match event.data:
        case ev.NodeStarted(version=version):
            return _Told("node", [f"The node started, version {wording.clean_name(version, '?')}"], "good")
        case ev.IdentityShared(address=address):
            words = _say(
                "Another machine, met at {}, uses this node's identity; both go on working",
                wording.clean_name(address, "an unknown address"),
            )
            return _Told("node", words, "bad")
        case ev.NodeStopped(reason=reason):
            return _Told("node", _say("The node stopped: {}", _reason(reason) or "no reason told"), "wait")
        case ev.SettingsChanged(settings=settings):
            return _Told("node", _say("The settings changed; you are called {}", wording.clean_name(settings.name)))
        case ev.AddressesChanged(self=me):
            found = ", ".join(wording.clean_name(one, "?") for one in me.addresses)
            return _Told("node", _say("The network changed; others reach you at {}", found or "no address"))
        case ev.GreetingChanged(greeting=greeting):
            called = wording.greeting(greeting)
            words = _say("Mandatory peer {}: {}", wording.clean_name(greeting.address), called.label)
            detail = _reason(greeting.detail)
            return _Told("node", [*words[:-1], f" ({detail})"] if detail else words, called.tone)
        case ev.HealthChanged(health=health):
            if health.store and not health.problem and health.notices:
                return _Told("node", _say("Worth knowing: {}", _reason(" ".join(health.notices))), "bad")
            if health.store and not health.problem and health.index:
                return _Told("node", [_reason(health.index) or "The search index is being rebuilt."], "wait")
            if health.store and not health.problem:
                return _Told("node", ["The disk and the search index are well"], "good")
            problem = _reason(health.problem) or "it can't be written."
            return _Told("node", _say("The disk has a problem: {}", problem), "bad")
        case _:
            return _Told(
                "node", _say("Something that this version doesn't know: {}", wording.clean_name(event.type, "?"))
            )
