"""What is refused over a link, said in DOOR: we tell others what isn't taken of them, and they tell us. Pure.

Of an unknown node nothing more is taken once its request is full (FULL), or nothing at all while its source has begun
as many conversations as it may in a day, or too many requests wait (LATER). It is told which, once a link, and when
that is over. What it has written waits at its own node meanwhile, and shows why.
"""

from __future__ import annotations

from collections.abc import Mapping

from node.core import effects as e
from node.core.asking import Asking
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.requests import FULL, LATER, OPEN, Requests
from node.core.rooms import Rooms
from node.core.syncs import MAX_DOORS, Session
from node.protocol.secure import frames as f

#: Why what we write waits, by the state of the DOOR that said so.
WAITS = {
    FULL: "{name} hasn't accepted your messages yet. The first ones are on their disk; what is more waits here until"
    " they do.",
    LATER: "Too many new people have written to {name}, or to {name} from your address. What you write waits here until"
    " there is room for more: in an hour, or tomorrow.",
}


class Refusals:
    """What is refused on all links. `sessions` are the open ones, `me` is this node's PeerId."""

    def __init__(
        self,
        ledger: Ledger,
        rooms: Rooms,
        contacts: Contacts,
        me: str,
        requests: Requests,
        sessions: Mapping[int, Session],
        asking: Asking,
    ) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        self._me = me
        self._requests = requests
        self._sessions = sessions
        self._asking = asking
        #: When a room that was shut for its source's day opens again (ms), by link and room.
        self._opens: dict[tuple[int, str], int] = {}

    # -- what we refuse

    def state(self, room: str) -> int:
        """Whether what the peer of a room says is taken now: OPEN, FULL or LATER."""
        known = self._rooms.by_id.get(room)
        contact = None if known is None else self._contacts.by_id.get(known.peer or "")
        return OPEN if contact is None else self._requests.state(contact)

    def shut(self, session: Session, room: str) -> None:
        """Tell the other side, once a link, why nothing more is taken in a room, if it isn't."""
        state = self.state(room)
        if session.peer == self._me or session.told.get(room, OPEN) == state:
            return
        session.told[room] = state
        self._opens.pop((session.link, room), None)
        if state == LATER:
            self._opens[session.link, room] = self._requests.begins_again(self._contacts.by_id[session.peer])
        self._ledger.put(e.Say(session.link, f.Door(room, state)))

    def over(self, room: str) -> None:
        """Nothing is refused in a room any more: say so, and ask for what waits at its author."""
        for session in self._sessions.values():
            if session.told.pop(room, OPEN) != OPEN:
                self._opens.pop((session.link, room), None)
                self._ledger.put(e.Say(session.link, f.Door(room, OPEN)))
        self._asking.for_all(room)

    def unlinked(self, session: Session) -> None:
        """A link is over."""
        for room in session.told:
            self._opens.pop((session.link, room), None)

    def next_deadline(self) -> int | None:
        """When `tick` has something to do (ms)."""
        return min(self._opens.values(), default=None)

    def tick(self) -> None:
        """Open what was shut for a time that is over, unless it would be shut again."""
        now = self._ledger.now
        for link, room in [key for key, at in self._opens.items() if at <= now]:
            if self.state(room) == LATER:
                contact = self._contacts.by_id[self._sessions[link].peer]
                self._opens[link, room] = self._requests.begins_again(contact)
            else:
                self.over(room)

    # -- what others refuse

    def told(self, session: Session, frame: f.Door) -> None:
        """The other side says whether it takes more in a room."""
        session.doors += 1
        if frame.room not in session.rooms or session.peer == self._me or session.doors > MAX_DOORS:
            session.dropped += 1
            return
        if frame.state != OPEN and frame.state not in WAITS:
            return
        session.shut = frame.state != OPEN
        contact = self._contacts.by_id.get(session.peer)
        name = "" if contact is None else contact.peer.name
        self._wait(session, WAITS[frame.state].format(name=name) if session.shut else None)

    def compared(self, session: Session) -> None:
        """The other side's digest came: unless it has said DOOR before that, it takes what we say."""
        if not session.shut:
            self._wait(session, None)

    def _wait(self, session: Session, why: str | None) -> None:
        contact = self._contacts.by_id.get(session.peer)
        if contact is not None:
            self._contacts.change(contact, refusal=why)
