"""Mandatory peers: each is greeted once at each start; a greeting is never queued or retried. Pure.

One with a network is greeted only from a machine that has an address in it, because the default ones exist on one
campus only. Each outcome is logged. A greeted peer becomes a peer like any other, and its link is kept. (What the older
program does: tests/support/WIRE.md, section 6.)
"""

from __future__ import annotations

from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.core.blocking import Blocking
from node.core.contacts import Contacts
from node.core.dialling import Dialling
from node.core.ledger import Ledger
from node.core.links import Links
from node.model import MandatoryPeer
from node.protocol.plain.registry import ANCESTOR

#: The token of a greeting, which isn't a message, so nothing of it is stored.
TOKEN = 0


class Greetings:
    """The greetings of this run, by address."""

    def __init__(
        self,
        ledger: Ledger,
        contacts: Contacts,
        links: Links,
        dialling: Dialling,
        blocking: Blocking,
        loaded: dict[str, nouns.Greeting],
    ) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self._dialling = dialling
        self._blocking = blocking
        self.all = dict(loaded)
        #: Link -> the greeting under way on it, and the text still to be sent.
        self._under_way: dict[int, str] = {}
        self._text = ""

    def start(self, start: s.Started) -> None:
        """Decide for each mandatory peer whether to greet it from here, and dial those at once."""
        self.all = {}
        self._text = start.greeting
        self._ledger.put(e.PutGreetings({}))
        for one in start.mandatory:
            self._begin(one, start.hosts)

    def _begin(self, one: MandatoryPeer, hosts: list[str]) -> None:
        address = one.address
        greeting = nouns.Greeting(address=str(address), network=one.network, outcome="calling", at=self._ledger.now)
        if self._contacts.is_own(address):
            self._put(replace(greeting, outcome="skipped", detail="That is this node itself."))
        elif self._blocking.has(self._contacts.at(address.host, address.port) or address):
            self._put(replace(greeting, outcome="skipped", detail="It is blocked."))
        elif not one.is_near(hosts):
            self._put(replace(greeting, outcome="skipped", detail=f"This machine has no address in {one.network}."))
        else:
            self._put(greeting)
            try:
                contact = self._contacts.at(address.host, address.port) or self._contacts.add(
                    address.host, address.port, None, ANCESTOR.name, "guess"
                )
            except OverflowError as error:
                self._put(replace(greeting, outcome="failed", detail=str(error)))
                return
            self._contacts.revive(contact)
            self._contacts.stand(contact, "asked")
            self._under_way[self._dialling.call(contact)] = greeting.address

    def ready(self, link: int) -> bool:
        """A dialled link is up: send its greeting first, if it has one. Returns whether it has."""
        if link not in self._under_way or self._links.is_leaving(link):
            return False
        self._ledger.put(e.Transmit(link, TOKEN, self._text))
        return True

    def secured(self, link: int) -> None:
        """The peer on this link is a Snicher node: meeting it encrypted is the greeting, and no text is needed."""
        if link in self._under_way:
            self._end(link, True, None)

    def transmitted(self, done: s.Transmitted) -> None:
        """The outcome of a greeting that was handed to its link."""
        if done.token == TOKEN and done.link in self._under_way:
            self._end(done.link, done.outcome == "sent", done.reason)

    def closed(self, link: int, reason: str | None) -> None:
        """A link ended; its greeting, if any, has failed."""
        if link in self._under_way:
            self._end(link, False, reason or "It closed the connection.")

    def settle(self, detail: str) -> None:
        """Greetings under way in an earlier core have failed."""
        for greeting in list(self.all.values()):
            if greeting.outcome == "calling" and greeting.address not in self._under_way.values():
                self._put(replace(greeting, outcome="failed", detail=detail, at=self._ledger.now))

    def _end(self, link: int, greeted: bool, reason: str | None) -> None:
        greeting = self.all[self._under_way.pop(link)]
        detail = None if greeted else reason
        self._put(replace(greeting, outcome="greeted" if greeted else "failed", detail=detail, at=self._ledger.now))

    def _put(self, greeting: nouns.Greeting) -> None:
        self.all[greeting.address] = greeting
        self._ledger.put(e.PutGreetings(dict(self.all)))
        self._ledger.log(ev.GreetingChanged(greeting=greeting))
