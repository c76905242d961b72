"""apply(state, event): what a durable event does to a snapshot. The one reducer, for every front end.

Law of this file: pure. For every command, `apply(snapshot, events) == fresh snapshot`, where fresh is computed from SQL
by a new process; a property test holds it. An event of an unknown type changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns


def apply(state: nouns.State, event: ev.Event) -> None:
    """Change `state` in place by one durable event. Events must come in the order of their `seq`, each once."""
    step = _STEPS.get(event.type)
    if step is not None:
        step(state, event.data)


def _node_started(state: nouns.State, data: ev.NodeStarted) -> None:
    state.self = data.self
    state.settings = data.settings
    state.greetings = {}


def _greeting_changed(state: nouns.State, data: ev.GreetingChanged) -> None:
    state.greetings[data.greeting.address] = data.greeting


def _settings_changed(state: nouns.State, data: ev.SettingsChanged) -> None:
    state.self = data.self
    state.settings = data.settings


def _addresses_changed(state: nouns.State, data: ev.AddressesChanged) -> None:
    state.self = data.self


def _room_put(state: nouns.State, data: ev.RoomAdded | ev.RoomChanged) -> None:
    before = state.rooms.get(data.room.id)
    state.rooms[data.room.id] = replace(data.room, last=None if before is None else before.last)


def _rooms_merged(state: nouns.State, data: ev.RoomsMerged) -> None:
    into = data.room.id
    merged = [state.rooms[room].last for room in (data.gone, into) if room in state.rooms]
    newest = max((last for last in merged if last is not None), key=lambda last: last.id, default=None)
    state.rooms.pop(data.gone, None)
    state.rooms[into] = replace(data.room, last=None if newest is None else replace(newest, room=into))


def _room_deleted(state: nouns.State, data: ev.RoomDeleted) -> None:
    state.rooms.pop(data.room, None)


def _messages_expired(state: nouns.State, data: ev.MessagesExpired) -> None:
    room = state.rooms.get(data.room)
    if room is not None:
        last = room.last if room.last is not None and room.last.id == data.last else None
        state.rooms[room.id] = replace(room, unread=data.unread, last=last)


def _room_read(state: nouns.State, data: ev.RoomRead) -> None:
    room = state.rooms.get(data.room)
    if room is not None:
        state.rooms[room.id] = replace(room, read_upto=data.read_upto, unread=data.unread)


def _peer_put(state: nouns.State, data: ev.PeerAdded | ev.PeerChanged) -> None:
    state.peers[data.peer.id] = data.peer


def _peer_forgotten(state: nouns.State, data: ev.PeerForgotten) -> None:
    state.peers.pop(data.peer, None)


def _peer_blocked(state: nouns.State, data: ev.PeerBlocked) -> None:
    state.blocked[data.blocked.id] = data.blocked


def _peer_unblocked(state: nouns.State, data: ev.PeerUnblocked) -> None:
    state.blocked.pop(data.id, None)


def _message_received(state: nouns.State, data: ev.MessageReceived) -> None:
    message = data.message
    author: str | None = message.author
    if message.kind == "deleted" and message.room in state.rooms:
        # A deleted message names no author any more. It came from the room's peer, who was heard at that time.
        author = state.rooms[message.room].peer
    peer = state.peers.get(author or "")
    if peer is not None and (peer.last_seen is None or peer.last_seen < message.at):
        state.peers[peer.id] = replace(peer, last_seen=message.at)
    room = state.rooms.get(message.room)
    if room is not None and message.kind == "text":
        state.rooms[room.id] = replace(room, unread=room.unread + 1, last=nouns.preview(message))


def _message_accepted(state: nouns.State, data: ev.MessageAccepted) -> None:
    room = state.rooms.get(data.message.room)
    if room is not None and data.message.kind == "text":
        state.rooms[room.id] = replace(room, last=nouns.preview(data.message))


def _message_state_changed(state: nouns.State, data: ev.MessageStateChanged) -> None:
    room = state.rooms.get(data.room)
    if room is not None and room.last is not None and room.last.id == data.id:
        marks = room.last.marks if data.marks is None else data.marks
        last = replace(room.last, state=data.state, detail=data.detail, marks=marks)
        state.rooms[room.id] = replace(room, last=last)


def _message_changed(state: nouns.State, data: ev.MessageChanged) -> None:
    message = data.message
    room = state.rooms.get(message.room)
    if room is None:
        return
    # Its place is another now: it may have become the newest.
    newest = message.kind == "text" and (room.last is None or room.last.order < message.order)
    if newest or (room.last is not None and room.last.id == message.id):
        state.rooms[room.id] = replace(room, last=nouns.preview(message))


def _read_advanced(state: nouns.State, data: ev.ReadAdvanced) -> None:
    room = state.rooms.get(data.room)
    last = None if room is None else room.last
    if room is None or last is None or last.state is None or last.entry is None:
        return
    if last.entry.stream == data.stream and last.entry.n <= data.n:
        state.rooms[room.id] = replace(room, last=replace(last, state="read", detail=None))


def _receipt_advanced(state: nouns.State, data: ev.ReceiptAdvanced) -> None:
    room = state.rooms.get(data.room)
    last = None if room is None else room.last
    if room is None or last is None or last.state is None or last.entry is None:
        return
    if last.entry.stream == data.stream and last.entry.n <= data.n and last.state != "read":
        state.rooms[room.id] = replace(room, last=replace(last, state="delivered", detail=None))


_STEPS: dict[str, Callable[[nouns.State, Any], None]] = {
    "NodeStarted": _node_started,
    "GreetingChanged": _greeting_changed,
    "SettingsChanged": _settings_changed,
    "AddressesChanged": _addresses_changed,
    "RoomAdded": _room_put,
    "RoomChanged": _room_put,
    "RoomsMerged": _rooms_merged,
    "RoomDeleted": _room_deleted,
    "MessagesExpired": _messages_expired,
    "RoomRead": _room_read,
    "PeerAdded": _peer_put,
    "PeerChanged": _peer_put,
    "PeerForgotten": _peer_forgotten,
    "PeerBlocked": _peer_blocked,
    "PeerUnblocked": _peer_unblocked,
    "MessageReceived": _message_received,
    "MessageAccepted": _message_accepted,
    "MessageStateChanged": _message_state_changed,
    "MessageChanged": _message_changed,
    "ReceiptAdvanced": _receipt_advanced,
    "ReadAdvanced": _read_advanced,
}
