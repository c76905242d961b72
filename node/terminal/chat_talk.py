"""One conversation as the chat knows it: with whom, how they are, what was said, what is unread, and what is wrong.

It is given what a follower gives, and pages of the history. Law of this file: it asks nobody; time (ms) is an argument.
"""

from __future__ import annotations

from node import program
from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.bus.client import Away, Back, Item, Resync
from node.bus.reducer import apply
from node.printable import flat, plain
from node.terminal.chat_log import Log, texts_of_others
from node.terminal.lines import address, away_line, called, privacy, state, until

#: Nobody is shown as typing for longer without another word about it, in ms, also when a clock is set meanwhile.
LONGEST_TYPING_MS = 15_000


class Talk:
    """A conversation with one peer. `start`: the command that starts the node, for when it is away."""

    def __init__(self, snapshot: rq.SnapshotResult, room: str, peer: str | None, start: str) -> None:
        self.room_id = room
        self.peer_id = peer
        self._start = start
        self.log = Log(room)
        self.away: Away | None = None
        self._snapshot(snapshot)
        #: Texts of others above this id are new to the person; None: nothing was unread.
        self.mark: int | None = self.room.read_upto if self.room is not None and self.room.unread else None
        #: The highest id that the person has seen at the end of the history.
        self._seen = 0
        #: The same when the person left the end; None: they are there.
        self._left: int | None = None
        #: Whether all that is held must be read again.
        self.stale = True

    def _snapshot(self, snapshot: rq.SnapshotResult) -> None:
        self.state = snapshot.state
        self.health = snapshot.live.health
        self._tries = {one.peer: one for one in snapshot.live.next_tries}
        #: Until when the other side types (ms).
        self._typing = 0

    @property
    def room(self) -> nouns.Room | None:
        """The conversation; None while nothing was said, or when it was deleted."""
        return self.state.rooms.get(self.room_id)

    @property
    def peer(self) -> nouns.Peer | None:
        """With whom; None when they are off the list."""
        return self.state.peers.get(self.peer_id or "")

    @property
    def to(self) -> str:
        """What `send` gets as the recipient."""
        return self.room_id if self.room is not None else self.peer_id or self.room_id

    @property
    def name(self) -> str:
        """What the other side is called here."""
        if self.peer is not None:
            return called(self.peer)
        return flat(self.room.name) if self.room is not None else flat(self.room_id)

    # -- what comes in

    def take(self, item: Item, now: int) -> None:
        """Take what a follower gave."""
        if isinstance(item, Resync):
            self._snapshot(item.snapshot)
            self.stale = True
        elif isinstance(item, Away):
            self.away, self._typing = item, 0
        elif isinstance(item, Back):
            self.away = None
        elif item.seq is not None:
            self._durable(item)
        else:
            self._ephemeral(item.data, now)

    def _durable(self, event: ev.Event) -> None:
        apply(self.state, event)
        data = event.data
        if isinstance(data, ev.RoomsMerged) and data.gone == self.room_id:
            # Who is talked with turned out to be a node, or somebody merged the two.
            self.room_id, self.peer_id = data.room.id, data.room.peer
            self.log.begin(self.room_id)
            self.stale = True
        elif isinstance(data, ev.RoomsMerged) and data.room.id == self.room_id:
            self.stale = True
        elif isinstance(data, ev.RoomDeleted) and data.room == self.room_id:
            self.mark = None
        elif isinstance(data, ev.PeerChanged) and data.peer.id in self._tries:
            peer = data.peer
            if peer.link in ("online", "connecting", "reachable") or (not peer.wanted and peer.error is None):
                del self._tries[peer.id]
        elif isinstance(data, ev.PeerForgotten):
            self._tries.pop(data.peer, None)
        elif isinstance(data, ev.MessageReceived) and data.message.room == self.room_id:
            self._typing = 0
            if self._left is not None:
                self.mark = max(self._left, self.mark or 0)
        self.log.apply(event)

    def _ephemeral(self, data: object, now: int) -> None:
        if isinstance(data, ev.Typing) and data.room == self.room_id:
            self._typing = min(data.until, now + LONGEST_TYPING_MS)
        elif isinstance(data, ev.RetryScheduled):
            self._tries[data.next_try.peer] = data.next_try
        elif isinstance(data, ev.HealthChanged):
            self.health = data.health

    # -- what was read

    def sees_end(self) -> int | None:
        """The person sees the end of the history: the id up to which that is to be marked as read; None: nothing is."""
        room, newest = self.room, self.log.newest
        self._left = None
        if not self.log.begun or self.log.more_after:
            return None
        self._seen = max(self._seen, newest)
        return newest if room is not None and room.unread and newest > room.read_upto else None

    def sees_above(self) -> None:
        """The person has scrolled up: what comes from now on is new to them."""
        if self._left is None:
            self._left = self._seen

    def goes_on_in(self, room: str) -> None:
        """What was sent here went into this conversation: another one, if the one before it isn't there any more."""
        if room != self.room_id and self.room is None:
            self.room_id = room
            self.log.begin(room)
            self.stale = True

    def answered(self) -> None:
        """The person has said something: they know what was said before."""
        self.mark = None

    def below(self) -> int:
        """How many texts of others came since the person has left the end of the history."""
        if self._left is None:
            return 0
        if self.log.more_after:
            # What isn't held can't be counted; the node counts what is unread.
            return self.room.unread if self.room is not None else 0
        return texts_of_others(self.log.messages, self._left)

    def first_new(self) -> int | None:
        """The id of the first message that is new to the person; None: none is, or it isn't held."""
        if self.mark is None:
            return None
        known = not self.log.more_before
        for one in self.log.messages:
            if one.id > self.mark and one.direction == "in" and one.kind == "text":
                return one.id if known else None
            known = known or one.id <= self.mark
        return None

    # -- what is said about it

    @property
    def may_tell_typing(self) -> bool:
        """Whether the other side may be told that somebody types."""
        room, peer = self.room, self.peer
        return (
            self.away is None and room is not None and peer is not None and room.kind == "direct" and not room.request
            and peer.link == "online" and self.state.settings.share_reading
        )  # fmt: skip

    def title(self) -> list[str]:
        """With whom, whether others can read along, how they are, and whether codes were compared, in a word each."""
        room, peer = self.room, self.peer
        said = [self.name]
        if peer is not None or room is not None:
            said.append(privacy(peer.kind == "node" if peer is not None else room is not None and room.encrypted))
        if self.away is not None:
            said.append("node away")
        elif peer is not None:
            said.append(state(peer))
        if peer is not None and peer.kind == "node":
            said.append("verified" if peer.verified else "not verified")
        return said

    def types(self, now: int) -> str:
        """That the other side types; empty: it doesn't."""
        peer = self.peer
        if self._typing <= now or self.away is not None or peer is None or peer.link != "online":
            return ""
        return f"{flat(peer.name)} is typing"

    def trouble(self, now: int) -> list[str]:
        """What is wrong, the worst first, as sentences."""
        if self.away is not None:
            return [away_line(self.away.reason, self.away.since, self._start)]
        said = [plain(self.health.problem)] if self.health.problem else []
        room, peer = self.room, self.peer
        if room is not None and room.hidden:
            said.append(f"{self.name} is blocked: nothing goes there, and nothing is taken from there.")
        elif peer is None:
            said.append("Off the list of peers; writing to them brings them back.")
        if peer is None:
            return said
        if peer.warning:
            said.append(f"! {flat(peer.warning)} ({program.typed('python -m node peers')} says what to do)")
        if peer.refusal:
            said.append(flat(peer.refusal))
        if room is not None and room.request:
            said.append("A request: nobody here has accepted it yet. Whoever answers accepts it.")
        if peer.link not in ("online", "reachable", "connecting"):
            said.append(self._unlinked(peer, now))
        return [one for one in said if one]

    def _unlinked(self, peer: nouns.Peer, now: int) -> str:
        why = f" at {address(peer)}: {flat(peer.error)}" if peer.error else ""
        one = self._tries.get(peer.id)
        again = f" Next try {until(one.at, now)}." if one is not None and one.at > now else ""
        if not why and not again:
            return ""
        return f"{flat(peer.name)} can't be reached{why or '.'}{again}"
