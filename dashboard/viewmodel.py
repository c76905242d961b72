"""From the node's snapshot and events to what is drawn: complete views first, then patches.

Law of this file: pure, without clock and I/O. It decides what people see, and the browser only draws. appearance.py
draws single things; this file decides what belongs together and what has changed.
"""

from __future__ import annotations

import shlex
from typing import Any

from dashboard import wording
from dashboard.appearance import (
    AwayView,
    Delivery,
    HealthView,
    MessageView,
    PeerView,
    RoomView,
    delivery_of,
    mark_of,
    marks_of,
    message_view,
    name_of,
    peer_view,
    room_view,
    self_view,
)
from dashboard.doubts import MAX_CHARS, doubt_view
from dashboard.namesakes import Namesakes
from dashboard.near import nearby_view
from dashboard.operations import (
    AwayOp,
    ChangedOp,
    Everything,
    ExpiredOp,
    HealthOp,
    HiddenOp,
    IdentitySharedOp,
    LinksOp,
    MessageOp,
    NearbyOp,
    Op,
    OptionsOp,
    PeerGone,
    PeerOp,
    ReceiptOp,
    RequestGone,
    RequestOp,
    RoomGone,
    RoomOp,
    SelfOp,
    StateOp,
    Totals,
    TotalsOp,
    WarnedOp,
)
from dashboard.requested import MAX_TOLD, Looks, RequestView, is_request, request_view
from node import program
from node.bus import events as ev
from node.bus import nouns, reducer
from node.bus import requests as rq


def _own(room: str, **more: Any) -> nouns.Message:
    """One of our own messages, as far as words about its state need it."""
    return nouns.Message(id=0, room=room, order="", at=0, direction="out", author="", name="", **more)


class Model:
    """The state that all tabs of one server show. Feed it in order; each step returns the operations for the tabs."""

    def __init__(self, home: str) -> None:
        #: The command that starts the node, shown while it is away.
        self._start = program.typed(f"python -m node run --home {shlex.quote(home)}")
        self.log = ""
        self.seq = 0
        self._state: nouns.State | None = None
        self._tries: dict[str, nouns.NextTry] = {}
        self._health: HealthView | None = None
        self._shared: IdentitySharedOp | None = None
        #: Until when the other side types, by conversation.
        self._typing: dict[str, int] = {}
        #: Away until the node is heard: a dashboard that starts before its node says so.
        self._away: AwayView | None = AwayView(None, "Looking for it.", self._start)
        #: The views last given out, so that only changes are given out.
        self._rooms: dict[str, RoomView] = {}
        self._requests: dict[str, RequestView] = {}
        self._peers: dict[str, PeerView] = {}
        #: How many of the peers ask, or may ask, to write: they aren't counted as known.
        self._asking = 0
        #: How many of the conversations stand on no list, because nothing was said.
        self._silent = 0
        #: The sum of all that is unread, and the totals last given out.
        self._unread = 0
        self._totals = Totals(0, 0, 0)
        self._of_one_name = Namesakes()
        self._rooms_of_one_name = Namesakes()
        self._looks = Looks()
        #: Who is seen on the network, as the node tells it, and as it was last given out.
        self._nearby = nouns.Nearby()
        self._near = nearby_view(self._nearby, {}, {})

    # -- whole views

    def everything(self) -> Everything:
        """All lists as they are now."""
        me = self_view(self._state.self) if self._state else None
        rooms, peers = list(self._rooms.values()), list(self._peers.values())
        asking = sorted(self._requests.values(), key=lambda one: one.room.place, reverse=True)[:MAX_TOLD]
        return Everything(
            self.log,
            self.seq,
            me,
            rooms,
            peers,
            self._away,
            self._health,
            self._shared,
            self._totals,
            asking,
            self._near,
        )

    def name_of(self, room: str) -> str:
        """The name of the other side in a conversation; of several of one name, with what tells it apart."""
        view = self._rooms.get(room)
        if view is None and room in self._requests:
            view = self._requests[room].room
        if view is None:
            return "the other side"
        return f"{view.name} ({view.mark})" if view.mark else view.name

    def room(self, room: str) -> RoomView | None:
        """A conversation as the lists show it."""
        return self._rooms.get(room)

    def has_room(self, room: str) -> bool:
        """Whether this conversation exists, shown or not."""
        return room in self._rooms or (self._state is not None and room in self._state.rooms)

    def peer(self, peer: str) -> nouns.Peer | None:
        """The node's noun of a peer on the list."""
        return self._state.peers.get(peer) if self._state else None

    def shares_name(self, peer: str) -> bool:
        """Whether somebody else on the list goes by this peer's name."""
        return self._of_one_name.shares(peer)

    @property
    def state(self) -> nouns.State | None:
        """The node's state; None until the node was seen. Don't change it."""
        return self._state

    @property
    def absent(self) -> AwayView | None:
        """Since when the node doesn't answer, and why; None while it answers."""
        return self._away

    def waiting_rooms(self, limit: int) -> list[str]:
        """At most `limit` conversations in which messages may wait: their peer has a next try, or their newest text is
        ours and hasn't been sent."""
        found = []
        for view in self._rooms.values():
            if view.silent:
                continue
            last = view.last.delivery if view.last else None
            if view.next_at is not None or (last is not None and last.label in ("waiting", "sending")):
                found.append(view.id)
                if len(found) == limit:
                    break
        return found

    def message(self, message: nouns.Message) -> MessageView:
        """A message from history, search or an answer, ready to draw."""
        room = self._state.rooms.get(message.room) if self._state else None
        return message_view(message, direct=room is not None and room.kind == "direct")

    # -- steps

    def resync(self, snapshot: rq.SnapshotResult) -> None:
        """Begin again from a snapshot. Every tab needs `everything` afterwards."""
        self.log, self.seq, self._state = snapshot.log, snapshot.seq, snapshot.state
        self._away = None
        self._rooms, self._peers, self._typing = {}, {}, {}
        self._unread = self._asking = self._silent = 0
        self._of_one_name, self._rooms_of_one_name, self._looks = Namesakes(), Namesakes(), Looks()
        self._requests = {}
        self.live(snapshot.live.next_tries, snapshot.live.health, snapshot.live.nearby)
        self._changed(set(self._state.peers), set(self._state.rooms))
        # In the order in which they began, as the node tells them: it decides where nothing was said.
        self._rooms = {room: self._rooms[room] for room in self._state.rooms if room in self._rooms}

    def live(self, tries: list[nouns.NextTry], health: nouns.Health, nearby: nouns.Nearby) -> list[Op]:
        """Take the newly read state that isn't in the log."""
        before = set(self._tries)
        self._nearby = nearby
        self._tries = {next_try.peer: next_try for next_try in tries}
        changed = self._changed(before | set(self._tries), set())
        return [*self._set_health(health), *changed, *self._look_round()]

    def away(self, reason: str, since: int | None) -> list[Op]:
        """The node went away; `since` in ms, None when it was never heard."""
        if self._away and self._away.stopped:
            # It has said good-bye already, so its silence is no news.
            return []
        self._away = AwayView(since, wording.away(reason), self._start)
        return [*self._nobody_types(), AwayOp(self._away)]

    def back(self) -> list[Op]:
        """The node is there again."""
        if self._away is None:
            return []
        self._away = None
        return [AwayOp(None)]

    def event(self, event: ev.Event) -> list[Op]:
        """Take one event of the bus, in order."""
        data, state = event.data, self._state
        if state is None:
            return []
        if event.seq is None:
            return self._ephemeral(data)
        self.seq = event.seq
        reducer.apply(state, event)
        ops: list[Op] = []
        peers: set[str] = set()
        rooms: set[str] = set()
        match data:
            case ev.NodeStarted() | ev.SettingsChanged():
                ops += [*self.back(), SelfOp(self_view(state.self)), OptionsOp()]
            case ev.AddressesChanged():
                ops.append(SelfOp(self_view(state.self)))
            case ev.NodeStopped():
                self._away = AwayView(event.at, "It was stopped.", self._start, stopped=True)
                ops += [*self._nobody_types(), AwayOp(self._away)]
            case ev.RoomAdded(room=room) | ev.RoomChanged(room=room):
                rooms.add(room.id)
                if room.peer in state.peers:
                    peers.add(room.peer)
                if room.hidden and room.id in self._rooms:
                    ops.append(self._hidden(event.seq, room.id))
            case ev.RoomsMerged(gone=gone, room=room):
                ops.append(self._gone(event.seq, gone, room.id))
                rooms |= {gone, room.id}
                peers |= {peer.id for peer in state.peers.values() if peer.room == room.id}
            case ev.RoomDeleted(room=deleted):
                if deleted in self._rooms:
                    ops.append(self._gone(event.seq, deleted, None))
                rooms.add(deleted)
            case ev.MessagesExpired(room=room_id, upto=upto):
                rooms.add(room_id)
                ops.append(ExpiredOp(event.seq, room_id, upto))
            case ev.RoomRead(room=room_id):
                rooms.add(room_id)
            case ev.PeerAdded(peer=peer) | ev.PeerChanged(peer=peer):
                # BUS.md section 4 says what ends a next try.
                given_up = not peer.wanted and peer.error is None
                if given_up or peer.link in ("online", "reachable", "connecting"):
                    self._tries.pop(peer.id, None)
                peers.add(peer.id)
                if peer.kind == "node":
                    ops.append(LinksOp(peer.id))
            case ev.PeerForgotten(peer=gone_peer):
                self._tries.pop(gone_peer, None)
                peers.add(gone_peer)
                rooms |= {room.id for room in state.rooms.values() if room.peer == gone_peer}
            case ev.MessageReceived(message=message) | ev.MessageAccepted(message=message):
                rooms.add(message.room)
                if message.direction == "in":
                    self._typing.pop(message.room, None)
                if message.author in state.peers:
                    peers.add(message.author)
                if not self._is_apart(message.room):
                    ops.append(MessageOp(event.seq, self.message(message)))
            case ev.MessageChanged(message=message):
                rooms.add(message.room)
                ops.append(ChangedOp(event.seq, self.message(message)))
            case ev.ReceiptAdvanced() | ev.ReadAdvanced():
                rooms.add(data.room)
                ops.append(self._receipt(event.seq, data))
            case ev.PeerWarned():
                ops.append(self._warned(event.seq, data))
            case ev.IdentityShared(address=address):
                self._shared = IdentitySharedOp(event.seq, wording.identity_shared(address))
                ops.append(self._shared)
            case ev.MessageStateChanged():
                rooms.add(data.room)
                ops.append(self._state_op(event.seq, data))
            case ev.GreetingChanged():
                ops.append(OptionsOp())
            case ev.PeerBlocked() | ev.PeerUnblocked():
                ops += [OptionsOp(), *self._look_round()]
            case _:
                # Events that only the event log shows are handled by watching.py.
                pass
        # Lists first, so that the browser knows a message's conversation when it draws the message.
        return [*self._changed(peers, rooms), *ops]

    def _ephemeral(self, data: object) -> list[Op]:
        match data:
            case ev.RetryScheduled(next_try=next_try):
                self._tries[next_try.peer] = next_try
                return self._changed({next_try.peer}, set())
            case ev.HealthChanged(health=health):
                return self._set_health(health)
            case ev.NearbyChanged(nearby=nearby):
                self._nearby = nearby
                return self._look_round()
            case ev.Typing():
                return self._types(data)
            case _:
                return []

    def _types(self, data: ev.Typing) -> list[Op]:
        room = self._state.rooms.get(data.room) if self._state else None
        if room is None or room.kind != "direct" or data.member != room.peer:
            return []
        if data.until:
            self._typing[room.id] = data.until
        else:
            self._typing.pop(room.id, None)
        return self._changed(set(), {room.id})

    def _nobody_types(self) -> list[Op]:
        rooms = set(self._typing)
        self._typing.clear()
        return self._changed(set(), rooms)

    def _set_health(self, health: nouns.Health) -> list[Op]:
        problem = wording.clean_text(health.problem or "") or (
            "" if health.store else "The node can't write to its disk."
        )
        view = HealthView(problem) if problem else None
        if view == self._health:
            return []
        self._health = view
        return [HealthOp(view)]

    def _look_round(self) -> list[Op]:
        state = self._state
        near = nearby_view(self._nearby, state.peers if state else {}, state.blocked if state else {})
        if near == self._near:
            return []
        self._near = near
        return [NearbyOp(near)]

    def _gone(self, seq: int, room_id: str, into: str | None) -> RoomGone:
        name = self.name_of(room_id)
        if view := self._rooms.pop(room_id, None):
            self._unread -= view.unread
            self._silent -= view.silent
        self._typing.pop(room_id, None)
        return RoomGone(seq, room_id, into, name)

    def _hidden(self, seq: int, room_id: str) -> HiddenOp:
        view = self._rooms.pop(room_id)
        self._unread -= view.unread
        self._silent -= view.silent
        self._typing.pop(room_id, None)
        return HiddenOp(seq, room_id, view.name)

    def _is_apart(self, room_id: str) -> bool:
        """Whether a conversation is kept from the lists: somebody asks to write in it, or is blocked."""
        room = self._state.rooms.get(room_id) if self._state else None
        return room is not None and (room.hidden or room.request)

    def _state_op(self, seq: int, data: ev.MessageStateChanged) -> StateOp:
        stand_in = _own(data.room, state=data.state, detail=data.detail, marks=data.marks or [])
        marks = None if data.marks is None else marks_of(stand_in)
        return StateOp(seq, data.room, data.id, delivery_of(stand_in), marks)

    def _receipt(self, seq: int, data: ev.ReceiptAdvanced | ev.ReadAdvanced) -> ReceiptOp:
        read = isinstance(data, ev.ReadAdvanced)
        told = wording.delivery(_own(data.room, state="read" if read else "delivered"))
        return ReceiptOp(seq, data.room, data.stream, data.n, read, Delivery(told.label, told.tone, told.why))

    def _warned(self, seq: int, data: ev.PeerWarned) -> WarnedOp:
        peer = self.peer(data.peer)
        name = wording.clean_name(data.name)
        if peer is not None and self.shares_name(peer.id):
            name = f"{name} ({mark_of(peer)})"
        return WarnedOp(seq, data.peer, peer.room if peer else None, name, wording.one_line(data.warning, MAX_CHARS))

    def _widened(self, state: nouns.State, peers: set[str], rooms: set[str]) -> tuple[set[str], set[str]]:
        """These peers and rooms, and those whose look depends on them, because they share a name."""
        wider = set(peers)
        for peer_id in peers:
            peer = state.peers.get(peer_id)
            name = None if peer is None else peer.name
            room = state.rooms.get(peer.room) if peer is not None else None
            wider |= self._of_one_name.put(peer_id, name)
            # Whether it asks to write is known when its conversation is.
            seen, verified = name if room is not None else None, peer is not None and peer.verified
            wider |= self._looks.put(peer_id, seen, asks=room is not None and room.request, verified=verified)
        # Whether somebody asks is told of their conversation, and is drawn at the peer as well.
        wider |= {room.peer for room in map(state.rooms.get, rooms) if room and room.peer and self._asks_anew(room)}
        found = rooms | {state.peers[peer_id].room for peer_id in wider if peer_id in state.peers}
        for room_id in list(found):
            room = state.rooms.get(room_id)
            # A conversation that isn't shown is no reason to tell another one of its name apart.
            shown = room is not None and not room.hidden
            found |= self._rooms_of_one_name.put(room_id, room.name if room is not None and shown else None)
        return wider, found

    def _asks_anew(self, room: nouns.Room) -> bool:
        row = self._peers.get(room.peer or "")
        return row is not None and (row.asks, row.waits) != (room.request and not room.hidden, is_request(room))

    def _changed(self, peers: set[str], rooms: set[str]) -> list[Op]:
        """Draw these peers and rooms again, with the peers' rooms; returns the operations for what has changed."""
        state = self._state
        if state is None:
            return []
        peers, rooms = self._widened(state, peers, rooms)
        ops: list[Op] = []
        for peer_id in peers:
            peer = state.peers.get(peer_id)
            if peer is None:
                gone = self._peers.pop(peer_id, None)
                if gone is not None:
                    self._asking -= gone.asks
                    ops.append(PeerGone(peer_id))
                continue
            shared, room = self._of_one_name.shares(peer_id), state.rooms.get(peer.room)
            view = peer_view(peer, self._tries.get(peer_id), shared=shared, room=room)
            drawn = self._peers.get(peer_id)
            if view != drawn:
                self._asking += view.asks - (drawn is not None and drawn.asks)
                self._peers[peer_id] = view
                ops.append(PeerOp(view))
        for room_id in rooms:
            room = state.rooms.get(room_id)
            if (room is None or not is_request(room)) and room_id in self._requests:
                del self._requests[room_id]
                ops.append(RequestGone(room_id))
            if room is None or room.hidden:
                continue
            peer = state.peers.get(room.peer or "")
            row = room_view(
                room,
                peer,
                self._tries.get(peer.id) if peer else None,
                shared=self._rooms_of_one_name.shares(room_id),
                doubt=doubt_view(peer, name_of(peer)) if peer else None,
                typing=self._typing.get(room_id, 0),
            )
            if is_request(room):
                asking = request_view(room, row, state.peers.get(self._looks.alike(room.peer or "") or ""))
                if listed := self._rooms.pop(room_id, None):
                    # Something was said there for the first time. Tabs take it from their lists with the request.
                    self._unread -= listed.unread
                    self._silent -= listed.silent
                if asking != self._requests.get(room_id):
                    self._requests[room_id] = asking
                    ops.append(RequestOp(asking))
                continue
            before = self._rooms.get(room_id)
            if row != before:
                self._unread += row.unread - (before.unread if before else 0)
                self._silent += row.silent - (before.silent if before else False)
                self._rooms[room_id] = row
                ops.append(RoomOp(row))
        totals = Totals(
            len(self._rooms) - self._silent, len(self._peers) - self._asking, self._unread, len(self._requests)
        )
        if totals != self._totals:
            self._totals = totals
            ops.append(TotalsOp(totals))
        if peers and not peers.isdisjoint(service.peer for service in self._nearby.services):
            ops += self._look_round()
        return ops
