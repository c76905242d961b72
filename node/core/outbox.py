"""Gives messages to links, one part at a time where needed, and records their outcomes. Plain peers only. Pure.

Has both kinds of peers dialled. What waited for a peer that turned out to be a Snicher node becomes entries.

A message whose outcome is unknown is never retried automatically: it becomes "unconfirmed" and people decide. All
messages in flight to a peer are on one link. Another link is used only when their outcomes are known, so that a message
that wasn't sent returns to its place. queues.py holds the waiting messages; dialling.py decides when to dial for them.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.bus import nouns
from node.core import queries as q
from node.core import stimuli as s
from node.core.contact import Contact, Waiting
from node.core.contacts import Contacts
from node.core.dialling import Dialling
from node.core.ledger import Ledger
from node.core.links import Input, Links
from node.core.queues import FORGOTTEN, Queues, part_lost
from node.core.replication import Replication
from node.core.retries import FIRST_RETRY_MS
from node.core.rooms import Rooms

#: Most messages in flight on one persistent link. Few, because all of them become unconfirmed if the machine stops.
IN_FLIGHT = 4


class Outbox:
    """Gives waiting messages to links, and has peers dialled for them."""

    def __init__(
        self,
        ledger: Ledger,
        rooms: Rooms,
        contacts: Contacts,
        links: Links,
        dialling: Dialling,
        entries: Replication,
    ) -> None:
        self._ledger = ledger
        self._entries = entries
        self._contacts = contacts
        self._links = links
        self._dialling = dialling
        self.queues = Queues(ledger, rooms)
        #: The node is stopping: no message is given to a link any more.
        self.closed = False

    # -- messages come

    def add(self, contact: Contact, messages: Iterable[nouns.Message]) -> None:
        """Queue messages that were accepted for this peer."""
        for message in messages:
            self.queues.add(contact, message)
        self._dialling.hurry(contact)
        self.pump(contact)

    def hurry(self, contact: Contact) -> None:
        """Entries for a node were accepted: dial it now, if it isn't linked."""
        self._dialling.hurry(contact)
        self.pump(contact)

    def again(self, contact: Contact, message: nouns.Message) -> None:
        """Put a message that was given up back in its place in the queue, and retry it."""
        contact.tries.paused = False
        self.queues.again(contact, message)
        self.pump(contact)

    def fetched(self, query: q.ReadWaiting, rows: list[tuple[int, str, str]] | None) -> None:
        """Take the disk's answer to a query. `rows` is None if the disk could not be read; retry after a pause."""
        contact = self._contacts.by_id.get(query.peer)
        if contact is None or contact.queue.fetching != query:
            return
        if rows is None:
            contact.queue.fetching = None
            self._dialling.retries.put(contact, self._ledger.now + FIRST_RETRY_MS)
            return
        self.queues.fetched(contact, query, rows)
        self.pump(contact)

    def unsigned(self, query: q.ReadUnsigned, messages: list[nouns.Message] | None) -> None:
        """Take the disk's answer about what was meant to go in clear to a node: it becomes entries.

        `messages` is None if the disk could not be read; retry after a pause.
        """
        contact = self._contacts.by_id.get(query.peer)
        if contact is None or contact.queue.fetching != query:
            return
        contact.queue.fetching = None
        if messages is None:
            self._dialling.retries.put(contact, self._ledger.now + FIRST_RETRY_MS)
            return
        queue = contact.queue
        queue.more_on_disk = queue.added_since or len(messages) >= query.limit
        queue.added_since = False
        waiting = [one for one in messages if one.id not in queue.ended_since]
        for one in waiting:
            if one.id <= queue.give_up_to:
                self.queues.end(contact, Waiting(one.id, one.room, one.text), "failed", FORGOTTEN)
        waiting = [one for one in waiting if one.id > queue.give_up_to]
        if waiting:
            self._entries.sign(contact.peer.room, waiting)
        if not queue.more_on_disk:
            queue.give_up_to = 0
        self.pump(contact)

    # -- and go

    def pump(self, contact: Contact) -> None:
        """Do the next thing that can be done for this peer now."""
        if self.closed:
            return
        queue, tries = contact.queue, contact.tries
        if contact.is_node:
            # What was meant to go in clear becomes entries, in the order that the disk has.
            self.queues.let_disk_order_all(contact)
        elif self.usable(contact):
            self._fill(contact)
        if self.usable(contact):
            pass
        elif tries.link is None and not queue.inflight and self._dialling.due(contact):
            self._dialling.dial(contact)
        elif not contact.links and contact.not_dialled is not None and self._dialling.wants(contact):
            self._contacts.change(contact, link="offline", error=contact.not_dialled)
        if queue.more_on_disk and not queue.waiting and queue.fetching is None:
            pausing = tries.next_at is not None and tries.next_at > self._ledger.now
            if contact.is_node:
                # One in flight may come back, to its place before all others.
                if not queue.inflight:
                    self.queues.fetch_unsigned(contact)
            elif contact.links or not pausing:
                self.queues.fetch(contact)

    def usable(self, contact: Contact) -> bool:
        """Whether an open link can carry texts. A peer that has switched to a one-shot dialect gets no bare text."""
        if contact.node_here:
            return False
        if contact.one_shot and (contact.peer.dialect_from == "chosen" or contact.address is not None):
            return False
        return bool(contact.links)

    def _fill(self, contact: Contact) -> None:
        queue, link = contact.queue, contact.links[-1].number
        if any(waiting.link != link for waiting in queue.inflight.values()):
            return
        while queue.waiting and len(queue.inflight) < IN_FLIGHT:
            waiting = queue.waiting.popleft()
            if waiting.part > 1:
                self.queues.end(
                    contact, waiting, "unconfirmed", f"Part {waiting.part} could not be sent as the ones before."
                )
            else:
                self.queues.give(contact, waiting, link)

    def give_one(self, contact: Contact, link: int) -> bool:
        """Give the next message to a one-shot link; return whether one was given."""
        queue = contact.queue
        if not queue.waiting or queue.inflight or self.usable(contact) or self.closed:
            return False
        self.queues.give(contact, queue.waiting.popleft(), link)
        return True

    # -- what became of them

    def transmitted(self, done: s.Transmitted) -> None:
        """Record the outcome of a Transmit. Exactly one outcome follows each Transmit."""
        contact = self.queues.carried.get(done.token)
        waiting = contact.queue.inflight[done.token] if contact is not None else None
        if contact is None or waiting is None or waiting.link not in (0, done.link):
            self._word_sent(done)
            return
        tries = contact.tries
        self.queues.take_back(contact, waiting)
        if done.outcome == "sent":
            marks: list[str] | None = list(done.marks) if done.marks else None
            tries.failed = 0
            tries.tested = self._ledger.now
            tries.succeeded = tries.succeeded or done.link == tries.link
            if done.part >= done.parts:
                self.queues.end(contact, waiting, "sent", None, marks)
            elif contact.gone or tries.paused:
                self.queues.end(contact, waiting, "unconfirmed", part_lost(done.part + 1, "it was broken off"))
            else:
                waiting.part, waiting.link = done.part + 1, 0
                self.queues.back(contact, waiting)
        elif done.outcome == "not_sent" and waiting.part == 1 and done.part == 1:
            self._not_sent(contact, waiting, done)
        else:
            said = f" ({done.reason.rstrip('.')})" if done.reason else ""
            detail = f"The connection ended{said}; it may or may not have arrived."
            tries.tested = self._ledger.now
            self.queues.end(contact, waiting, "unconfirmed", detail)
        self.pump(contact)

    def _word_sent(self, done: s.Transmitted) -> None:
        """Record the outcome of a control word (hello or good-bye), which is no message."""
        owner = self._contacts.of_link(self._links.get(done.link))
        if owner is not None and done.token == 0 and done.outcome == "sent":
            owner.tries.succeeded = True

    def _not_sent(self, contact: Contact, waiting: Waiting, done: s.Transmitted) -> None:
        """A message certainly wasn't sent: put it back in its place, and stop using its link."""
        self.queues.not_sent(contact, waiting)
        if contact.gone:
            return
        link = self._links.get(done.link)
        if contact.has_link(done.link) and link is not None and link.kind != "secure":
            # Unless it is encrypted by now, so that it takes no text, but entries.
            contact.drop_link(done.link)
            self._links.go(done.link, Input.SHUT)
        if not self._links.is_leaving(done.link) and not self.usable(contact) and contact.tries.link is None:
            self.failed(contact, done.reason)

    def failed(self, contact: Contact, reason: str | None) -> None:
        """A dial failed or a link was lost: schedule a retry, unless we broke it off."""
        tries = contact.tries
        self.queues.give_up_parts(contact, reason)
        tries.greet = tries.farewell = False
        at_once = not contact.is_node and self._dialling.elsewhere(contact)
        if tries.paused or contact.gone or self.closed:
            # We broke it off ourselves.
            self._contacts.change(contact, link="offline", error=None)
            return
        self._contacts.change(contact, link="online" if contact.links else "offline", error=reason)
        if tries.next_at is None and not at_once:
            self._dialling.later(contact, reason or "It left.")

    def adopt(self, gone: Contact, into: Contact) -> None:
        """Two contacts turned out to be one: move the messages of `gone`, waiting or in flight, to `into`."""
        self.queues.adopt(gone, into)
