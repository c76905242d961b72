"""Messages that are kept for a number of days only: which go, in small steps, and what that changes. Pure.

The store is asked which messages are old; what goes of each room is decided here and logged, so that front ends drop
it too. What still waits to be sent never goes.
"""

from __future__ import annotations

from node.core import effects as e
from node.core import stimuli as s
from node.core.belief import Belief
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.rooms import Rooms

#: Messages that are looked at in one step; what is old of them goes in one commit, and must not hold up another.
STEP = 100


class Expiry:
    """One walk over the messages, oldest first, a step at a time. Whoever asked for a step is told when it is over."""

    def __init__(self, ledger: Ledger, rooms: Rooms, contacts: Contacts, belief: Belief) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        self._belief = belief
        #: What the store was asked and hasn't answered yet.
        self.asked: e.FindOld | None = None

    def due(self, step: s.ExpiryDue) -> None:
        """Take a step: messages after `step.after` that came before `step.before`. None while the clock is doubted."""
        if self._belief.doubts(self._ledger.now):
            self.asked = None
            self._ledger.put(e.ReportExpiry(step.after, None, gone=False))
            return
        self.asked = e.FindOld(step.before, step.after, STEP, self._rooms.moves)
        self._ledger.put(e.Fetch(self.asked))

    def fetched(self, found: s.OldFound) -> None:
        """What the store knows of old messages. Worth nothing for rooms that were read or merged since it was asked."""
        query = found.query
        if query is not self.asked:
            return
        self.asked = None
        if self._rooms.moves != query.moves:
            self._ledger.put(e.ReportExpiry(query.after, query.after, gone=False))
            return
        gone = [self._expire(one) for one in found.rooms]
        self._ledger.put(e.ReportExpiry(query.after, found.next, any(gone)))

    def _expire(self, one: e.OldOf) -> bool:
        if not self._rooms.expire(one.room, one.upto, one.unread):
            return False
        contact = self._contacts.by_id.get(self._rooms.by_id[one.room].peer or "")
        if one.empty and contact is not None and contact.gone:
            # Nothing is left of somebody who is off the list: the conversation goes as well.
            self._contacts.delete(contact)
        return True
