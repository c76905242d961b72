"""The peers that the settings name: they are always to be linked, and dialled for ever, with backoff. Pure.

A peer that is given by an IP address is known from the start. One that is given by a host name has to be looked up
first, and is looked up again with backoff while that fails. What is at an address shows when it answers: a node is
pinned to its key, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from node.bus import events as ev
from node.core import effects as e
from node.core.blocking import Blocking
from node.core.connections import Connections
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.retries import backoff_ms
from node.model import Address, is_ip, parse_address


class Search(msgspec.Struct):
    """A host name that led nowhere so far: failed look-ups in a row, and the time of the next one (ms)."""

    failed: int = 0
    #: None: one is under way.
    next_at: int | None = None


class Static:
    """All peers that the settings name."""

    def __init__(
        self, ledger: Ledger, me: str, contacts: Contacts, connections: Connections, blocking: Blocking
    ) -> None:
        self._ledger = ledger
        self._me = me
        self._contacts = contacts
        self._connections = connections
        self._blocking = blocking
        self._named: list[str] = []
        self._searches: dict[str, Search] = {}
        self._started = False

    def set(self, named: list[str]) -> None:
        """The settings name these, as HOST:PORT."""
        if named == self._named:
            return
        self._named = list(named)
        if self._started:
            self.start()

    def start(self) -> None:
        """Dial them; call it when the node has started, and when they may be others."""
        self._started = True
        for contact in self._contacts.by_id.values():
            contact.always = False
        self._searches = {name: search for name, search in self._searches.items() if name in self._named}
        for text in self._named:
            address = parse_address(text)
            if is_ip(address.host):
                self._link([address], None)
                continue
            known = self._contacts.places.by_hostname(text)
            if known is not None:
                self._always(known)
            elif text not in self._searches:
                self._searches[text] = Search()
                self._ledger.put(e.LookUp(text, ""))

    def looked_up(self, name: str, found: Iterable[Address]) -> None:
        """A look-up of a name has ended; nothing found: there is no such host now."""
        search = self._searches.get(name)
        if search is None:
            return
        usable = [one for one in found if not self._contacts.is_own(one)]
        if usable:
            del self._searches[name]
            self._link(usable, name)
            return
        search.failed += 1
        search.next_at = self._ledger.now + backoff_ms(name, search.failed, me=self._me)

    def _link(self, found: list[Address], hostname: str | None) -> None:
        """A peer at one of these addresses is always to be linked."""
        usable = [one for one in found if not self._contacts.is_own(one) and not self._blocking.has(one)]
        if not usable:
            return
        known = [self._contacts.at(one.host, one.port) for one in usable]
        contact = next((one for one in known if one is not None), None)
        try:
            if contact is None:
                first = usable[0]
                contact = self._contacts.add(first.host, first.port, None, "unknown", "guess")
            if hostname is not None:
                self._contacts.places.name_hosts(contact, [hostname])
                self._contacts.places.learn(contact, usable, "name")
            elif contact.is_node:
                self._contacts.places.learn(contact, usable, "typed")
            self._always(contact)
        except OverflowError as error:
            self._ledger.tell(ev.ConnectionNoticed(address=str(usable[0]), what=f"Not linked: {error}"))

    def _always(self, contact: Contact) -> None:
        if self._blocking.has(contact):
            return
        self._contacts.stand(contact, "asked")
        self._contacts.revive(contact, force=True)
        contact.always = True
        self._connections.showed_up(contact)

    # -- time

    def next_deadline(self) -> int | None:
        """When a name is looked up again (ms)."""
        return min((one.next_at for one in self._searches.values() if one.next_at is not None), default=None)

    def tick(self, *, at_once: bool = False) -> None:
        """Look up again what is due. `at_once`: all of it, because the network has changed."""
        for name, search in self._searches.items():
            if search.next_at is not None and (at_once or search.next_at <= self._ledger.now):
                search.next_at = None
                self._ledger.put(e.LookUp(name, ""))

    def shift(self, by: int) -> None:
        """The wall clock was set by `by` ms."""
        for search in self._searches.values():
            if search.next_at is not None:
                search.next_at += by
