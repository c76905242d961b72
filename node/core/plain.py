"""Identifies old clients by source address, claimed port and name, and handles what they say. Pure.

A plain peer is identified by the source address of its connection and the port it claims, so nobody can speak for
another address. Until it claims a port, it is identified by address and name. After the claim, it is merged with the
peer of that port.
"""

from __future__ import annotations

from node import names
from node.bus import events as ev
from node.core import effects as e
from node.core.connections import Connections
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.dialling import Dialling
from node.core.door import Door
from node.core.ledger import Ledger
from node.core.links import Link, Links
from node.core.rooms import Rooms
from node.core.trust import Trust
from node.model import Address
from node.protocol.plain.codec import Announced, Goodbye, Hello, Said, Text
from node.protocol.plain.registry import PERSISTENT


class Recognising:
    """Finds the contact of a plain peer, or adds it."""

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts

    def identify(self, host: str, port: int | None, name: str | None, dialect: str) -> Contact:
        """Find the peer at `host` with this port or, if `port` is None, with this name. If there is none, add it.

        A claim of our own address is ignored. Raises OverflowError at MAX_PER_SOURCE.
        """
        contacts = self._contacts
        contact = contacts.plain_at(host, port) if port is not None else None
        if contact is not None:
            pass
        elif port is not None and not contacts.is_own(Address(host, port)):
            contact = self._without_port(host, name) if name else None
            if contact is not None and not contact.links:
                contacts.change(contact, port=port)
            else:
                # A peer of this name that is connected now is another one, behind the same address.
                contact = contacts.add(host, port, name, dialect, "seen")
        else:
            same = contacts.at_host(host, name) if name is not None else []
            if len(same) == 1:
                contact = same[0]
            else:
                contact = self._without_port(host, name) or contacts.add(host, None, name, dialect, "seen")
        contacts.revive(contact)
        return contact

    def known(self, host: str, port: int | None, name: str | None) -> Contact | None:
        """The peer at `host` with this port, or with this name and no other port. None: there is none."""
        contact = None if port is None else self._contacts.plain_at(host, port)
        if contact is not None or name is None:
            return contact
        same = [one for one in self._contacts.at_host(host, name) if port is None or one.peer.port is None]
        return same[0] if len(same) == 1 else None

    def claim(self, contact: Contact, port: int) -> Contact:
        """A peer known only by name claims its listening port: merge it with the peer known at that port.

        Returns the contact that stays. The caller moves links and messages of the other one. A claim of our own address
        is ignored.
        """
        contacts, host = self._contacts, contact.peer.host
        known = contacts.plain_at(host, port)
        if known is contact or (known is None and contacts.is_own(Address(host, port))):
            return contact
        if known is None:
            nameless = contact.own_name == host
            contacts.change(contact, port=port)
            if nameless:
                contacts.calls_itself(contact, str(Address(host, port)))
            return contact
        # The contact with the port stays. What was said before the claim is merged into its conversation.
        contacts.unite(contact, known)
        return known

    def before_claim(self, contact: Contact, name: str) -> Contact | None:
        """Find an earlier, port-less contact with this name, to merge. None: there is none.

        This is for a peer whose port is known and who says its name for the first time. An earlier contact that is
        connected is another peer, behind the same address.
        """
        if contact.peer.port is None or not contact.nameless:
            return None
        found = self._without_port(contact.peer.host, name)
        return None if found is None or found.links else found

    def goes_by(self, host: str, owner: Contact | None, name: str | None) -> bool:
        """Whether the words before a colon are the speaker's name, and not part of the text.

        They are if the speaker (`owner`) has this name. If it has no name yet, they are if another peer of this
        address has it.
        """
        name = names.shown(name)
        if name is None:
            return False
        if owner is not None and not owner.nameless:
            return owner.own_name == name
        return bool(self._contacts.at_host(host, name))

    def _without_port(self, host: str, name: str | None) -> Contact | None:
        """The peer of this address and name that hasn't claimed a port yet."""
        for contact in self._contacts.at_host(host, name or host):
            if contact.peer.port is None:
                return contact
        return None


class Plain:
    """Handles everything that plain peers say."""

    def __init__(
        self,
        ledger: Ledger,
        rooms: Rooms,
        contacts: Contacts,
        links: Links,
        dialling: Dialling,
        connections: Connections,
        trust: Trust,
        door: Door,
    ) -> None:
        self._ledger = ledger
        self._trust = trust
        self._rooms = rooms
        self._contacts = contacts
        self._links = links
        self._dialling = dialling
        self._connections = connections
        self._door = door
        self._recognising = Recognising(contacts)

    def heard(self, link: Link, said_now: list[Said]) -> None:
        """Handle what was said on a link, in order."""
        said_now = self._door.heard(link, said_now, self._recognising.known)
        number, port = link.number, link.port
        texts: list[Text] = []
        contact: Contact | None = None
        speaks: tuple[str | None, int | None] | None = None
        left = False
        try:
            for said in said_now:
                if isinstance(said, Announced):
                    if said.port is not None:
                        self._receive(contact, texts)
                        port, speaks, left = said.port, None, False
                        contact = self._claimed(link, said.port)
                        if link.direction == "in":
                            self._links.claim(number, port)
                    continue
                if isinstance(said, Text):
                    if said.raw is None and not said.text.strip():
                        continue
                    said = self._known_by_name(link, said)
                if contact is None or speaks != (said.name, said.port):
                    # Most texts are from the previous speaker, so the lookup is skipped for them.
                    speaker = self._speaker(link, said, port)
                    if speaker is not contact:
                        self._receive(contact, texts)
                        contact = speaker
                    self._name(contact, said.name, texts)
                    speaks = said.name, said.port
                left = isinstance(said, Goodbye)
                if isinstance(said, Text):
                    texts.append(said)
                else:
                    self._receive(contact, texts)
                    self._control(link, contact, said)
        except OverflowError as error:
            self._ledger.tell(ev.ConnectionNoticed(address=link.host, what=f"Refused: {error}"))
            self._ledger.put(e.HangUp(number))
        self._receive(contact, texts)
        if contact is not None and not left and not self._links.is_leaving(number):
            self._connections.showed_up(contact)

    def _speaker(self, link: Link, said: Text | Hello | Goodbye, port: int | None) -> Contact:
        """The contact that said this, with its dialect and link state updated."""
        contact = self._connections.owner(link.number)
        if contact is None:
            claimed = said.port if said.port is not None else port
            contact = self._recognising.identify(link.host, claimed, names.shown(said.name), link.dialect)
        self._keep(link, contact)
        return contact

    def _known_by_name(self, link: Link, text: Text) -> Text | Hello | Goodbye:
        """Separate the name from a text that begins with one, if it is the name of a peer there."""
        if text.named is None:
            return text
        owner = self._connections.owner(link.number)
        return text.named if self._recognising.goes_by(link.host, owner, text.named.name) else text

    def _name(self, contact: Contact, said: str | None, texts: list[Text]) -> None:
        """Record the peer's new name. Texts said before it are stored first, with the old name."""
        if said and said != contact.own_name:
            name = names.shown(said)
            if name is not None and name != contact.own_name:
                self._receive(contact, texts)
                earlier = self._recognising.before_claim(contact, name)
                if earlier is not None:
                    self._contacts.unite(earlier, contact)
                    self._connections.adopt(earlier, contact)
                self._contacts.calls_itself(contact, name)

    def _claimed(self, link: Link, port: int) -> Contact:
        """The peer claimed its listening port: find the contact, and move the link to it."""
        owner = self._connections.owner(link.number)
        if owner is None:
            contact = self._recognising.identify(link.host, port, None, link.dialect)
        elif link.direction == "out" or owner.peer.port == port:
            # The peer listens where we dialled it, whatever it claims.
            contact = owner
        elif owner.peer.port is None:
            contact = self._recognising.claim(owner, port)
            if contact is not owner:
                self._connections.adopt(owner, contact)
        else:
            contact = self._recognising.identify(link.host, port, None, link.dialect)
            if contact is not owner:
                self._connections.detach(owner, link.number)
        self._keep(link, contact)
        return contact

    def _keep(self, link: Link, contact: Contact) -> None:
        """Record what a connection shows: the peer's address and dialect, and whether it is online or reachable."""
        connections, peer = self._connections, contact.peer
        if self._links.is_leaving(link.number):
            return
        self._contacts.revive(contact)
        self._dialling.prefer(contact, link.host, link.port)
        if peer.dialect_from != "chosen" and (peer.dialect != link.dialect or peer.dialect_from != "seen"):
            if peer.dialect != link.dialect:
                # Links that we dialled use the dialect assumed before. The one the peer speaks overrides it.
                for other in contact.links:
                    if other.direction == "out" and other.number != link.number:
                        connections.hang_up(contact, other.number)
            self._contacts.change(contact, dialect=link.dialect, dialect_from="seen")
        if link.two_way or (link.direction == "in" and link.dialect in PERSISTENT):
            self._links.belong(link.number, contact.id)
        if link.two_way:
            if link.number != contact.tries.link:
                connections.attach(contact, link.number)
        elif not contact.links and not self._dialling.wants(contact):
            # If there is something to send, the next attempt shows whether the peer can be reached.
            self._contacts.change(contact, link="reachable", error=None)

    def _receive(self, contact: Contact | None, texts: list[Text]) -> None:
        """Store the texts collected so far in the conversation."""
        if texts and contact is not None:
            self._trust.clear_text(contact)
            self._contacts.seen(contact)
            self._rooms.receive(contact.peer.room, contact.id, contact.peer.name, texts)
        texts.clear()

    def _control(self, link: Link, contact: Contact, said: Hello | Goodbye) -> None:
        self._contacts.seen(contact)
        if not (isinstance(said, Goodbye) and said.asked):
            what = "said hello" if isinstance(said, Hello) else "said good-bye"
            self._rooms.notice(contact.peer.room, contact.id, contact.peer.name, f"{what} (“{said.word[:80]}”)")
        if isinstance(said, Goodbye) and not self._links.is_leaving(link.number):
            self._connections.left(contact, self._links.get(link.number) or link)
