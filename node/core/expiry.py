"""Expiry of messages after a number of days, in small steps. Pure.

The store is asked which messages are old. What expires in each room is decided here and logged, so that front ends drop
it, too. A message that still waits to be sent never expires.
"""

from __future__ import annotations

from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.belief import Belief
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.rooms import Rooms


class Expiry:
    """A walk over the messages, oldest first, one step at a time. A ReportExpiry answers each request for a step."""

    def __init__(self, ledger: Ledger, rooms: Rooms, contacts: Contacts, belief: Belief) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        self._belief = belief
        #: The query in flight.
        self.asked: q.FindOld | None = None

    def due(self, step: s.ExpiryDue) -> None:
        """Take a step: expire messages after id `step.after` received before `step.before`.

        Expires nothing while the clock is doubted.
        """
        if self._belief.doubts(self._ledger.now):
            self.asked = None
            self._ledger.put(e.ReportExpiry(step.after, None, gone=False))
            return
        self.asked = q.FindOld(step.before, step.after, step.limit, self._rooms.moves)
        self._ledger.put(e.Fetch(self.asked))

    def fetched(self, found: s.OldFound) -> None:
        """Take the store's answer. It is stale for rooms that were read or merged since the query."""
        query = found.query
        if query is not self.asked:
            return
        self.asked = None
        if self._rooms.moves != query.moves:
            self._ledger.put(e.ReportExpiry(query.after, query.after, gone=False))
            return
        gone = [one for one in found.rooms if self._rooms.expire(one.room, one.upto, one.unread)]
        # After all messages: the store deletes those of several rooms at once if nothing is between.
        for one in gone:
            self._delete_if_empty(one)
        self._ledger.put(e.ReportExpiry(query.after, found.next, bool(gone)))

    def _delete_if_empty(self, one: q.OldOf) -> None:
        """Delete the conversation as well, if its peer is off the list and no message is left."""
        contact = self._contacts.by_id.get(self._rooms.by_id[one.room].peer or "")
        if one.empty and contact is not None and contact.gone:
            self._contacts.delete(contact)
