"""What the text menu tells of what happens: lines above the prompt, and who is who by now.

Law of this file: it asks nobody; the menu gives it the node's snapshot and events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from node import program
from node.bus import events as ev
from node.bus import nouns
from node.printable import flat, plain
from node.terminal.lines import called, doubt_lines, message_line

#: That somebody types is told once until their next message, or again after so long, in ms: a line stays on the screen.
TYPING_AGAIN_MS = 60_000


class Heard:
    """The conversations and peers, and what is told about their changes. `own`: the menu's client name."""

    def __init__(self, tell: Callable[[str], None], own: str) -> None:
        self._tell = tell
        self._own = own
        #: The conversations without their newest texts, and the peers, by id.
        self.rooms: dict[str, nouns.Room] = {}
        self.peers: dict[str, nouns.Peer] = {}
        #: The conversation that the person has before them elsewhere: what is said in it isn't told.
        self.aside: str | None = None
        #: Peers dialled because of a choice in this menu, without an outcome yet, and the conversation of each.
        self._dialled: dict[str, str] = {}
        #: Requests that were told of.
        self._asking: set[str] = set()
        #: When it was told that somebody types, by conversation.
        self._typing: dict[str, int] = {}

    def know(self, state: nouns.State) -> None:
        """Begin again from a snapshot."""
        self.rooms, self.peers = dict(state.rooms), dict(state.peers)

    def take(self, event: ev.Event) -> None:
        """Take one event, and tell what people should know at once."""
        data = event.data
        if isinstance(data, ev.MessageReceived):
            self._typing.pop(data.message.room, None)
            room = self.rooms.get(data.message.room)
            if data.message.room == self.aside:
                return
            if room is not None and room.request:
                self._asks(room)
            else:
                self._tell(message_line(data.message, room))
        elif isinstance(data, ev.Typing):
            self._types(data, event.at)
        elif isinstance(data, ev.RoomAdded | ev.RoomChanged):
            self.rooms[data.room.id] = data.room
        elif isinstance(data, ev.RoomsMerged):
            if data.gone in self._dialled.values() and data.room.peer is not None:
                # Who was dialled turned out to be a node, which goes by another id.
                self._dialled[data.room.peer] = data.room.id
            self.rooms.pop(data.gone, None)
            self.rooms[data.room.id] = data.room
        elif isinstance(data, ev.RoomDeleted):
            self.rooms.pop(data.room, None)
        elif isinstance(data, ev.PeerForgotten):
            self.peers.pop(data.peer, None)
        elif isinstance(data, ev.PeerAdded | ev.PeerChanged):
            before = self.peers.get(data.peer.id)
            self.peers[data.peer.id] = data.peer
            if before is None or (before.warning, before.rival) != (data.peer.warning, data.peer.rival):
                self._tell_all(doubt_lines(data.peer))
            self._show_link(data.peer, ours=event.cause is not None and event.cause.client == self._own)
        elif isinstance(data, ev.PeerWarned):
            # What to do stands with the peer, whose change comes along with this.
            if data.peer not in self.peers or self.peers[data.peer].warning != data.warning:
                self._tell(plain(f"! {flat(data.name)}: {flat(data.warning)}"))
        elif isinstance(data, ev.IdentityShared):
            self._tell(
                f"! Another machine, met at {flat(data.address)}, uses this node's identity. Both go on working."
            )
        elif isinstance(data, ev.MessageStateChanged) and data.state in ("failed", "unconfirmed"):
            self._tell(f"(message #{data.id} is {data.state}: {flat(program.typed(data.detail or ''))})")

    def _asks(self, room: nouns.Room) -> None:
        """Somebody whom nobody here knows has written: tell that once, and not what."""
        if room.id not in self._asking:
            self._asking.add(room.id)
            count = len(self._asking & {one.id for one in self.rooms.values() if one.request})
            waits = "1 request waits" if count == 1 else f"{count} requests wait"
            self._tell(f"({waits}: {program.typed('python -m node requests')})")

    def _tell_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._tell(line)

    def _types(self, data: ev.Typing, at: int) -> None:
        peer = self.peers.get(data.member)
        told = self._typing.get(data.room)
        if (
            data.room == self.aside
            or peer is None
            or not data.until
            or (told is not None and abs(at - told) < TYPING_AGAIN_MS)
        ):
            return
        self._typing[data.room] = at
        self._tell(f"({called(peer)} is typing)")

    def _show_link(self, peer: nouns.Peer, *, ours: bool) -> None:
        """What came of dialling somebody because of what was chosen here, once."""
        if peer.link == "connecting":
            if ours:
                self._dialled[peer.id] = peer.room
        elif peer.id in self._dialled and peer.link != "unknown":
            del self._dialled[peer.id]
            self._tell(f"({called(peer)} is {peer.link}{': ' + flat(program.typed(peer.error)) if peer.error else ''})")
