"""Whose key it is: a node is pinned to its key at first use, and whatever contradicts that is said loudly. Pure.

A node's contact has its PeerId as id, so nothing meant for one key can go to another. What is pinned besides is the
address: a node's address is never talked to in clear, and another key there is a rival, until a person decides. A name
is only a label: two nodes of one name are told apart by their codes.

A person verifies a key by comparing codes. That belongs to the key: it survives other names and addresses. Another key
at the address takes it away, unless the node has moved from there meanwhile. Another key under the name doesn't,
because anybody may choose any name: then whoever wanted could take it away from everybody. The one that has taken the
name is warned of, as one that isn't verified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from node import names
from node.bus import nouns
from node.bus import requests as rq
from node.core.connections import Connections
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.dialling import Dialling
from node.core.ledger import Ledger
from node.core.links import Link, Links
from node.core.outbox import Outbox
from node.core.stimuli import Commanded
from node.errors import CommandRefused
from node.model import Address, short_code

#: A further rival of a node is told of only after this time (ms).
RIVAL_MS = 3600_000
RIVAL = (
    "Another key answers at {address}: its code is {found}, and that of {name} is {code}. Nothing meant for {name} goes"
    " to it. If {name} has a new key, or another person is at that address now, trust the new key."
)
SAME_NAME = (
    "{name} is also the name of another Snicher node (code {other}). They are two identities; this one has the code"
    " {code}."
)
LIKE_NAME = (
    "The name {name} looks like {their}, which is the name of another Snicher node (code {other}). They are two"
    " identities; this one has the code {code}."
)
VERIFIED_NAME = " The other one is verified, and this one isn't."
NO_LONGER = " Until now it was verified; that no longer holds: compare the codes again."
CLEAR = (
    "This is clear text from {address}, where the Snicher node {name} is known. It stands apart from the encrypted"
    " conversation, and nothing of yours goes there in clear. If an older program is there now, allow clear text."
)


class Trust:
    """Finds the contact of a key, and notices what contradicts what is known."""

    def __init__(
        self,
        ledger: Ledger,
        contacts: Contacts,
        links: Links,
        dialling: Dialling,
        connections: Connections,
        outbox: Outbox,
    ) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self._dialling = dialling
        self._connections = connections
        self._outbox = outbox
        #: Where a node's rival answered, in this run, and when (ms).
        self._rival_at: dict[str, tuple[Address, int]] = {}

    # -- who is behind a link

    def settle(self, link: Link, peer: str, said_name: str, port: int) -> Contact:
        """The contact of a key that has proved itself on a link; a new one at first use.

        A plain contact at the address that was dialled, or that the other side claims, becomes this node. Raises
        OverflowError when the list is full.
        """
        contacts = self._contacts
        address, plain = self._found(link, port)
        known = contacts.by_id.get(peer)
        pinned = contacts.node_at(address.host, address.port)
        elsewhere = pinned is not None and pinned.id != peer
        if known is None:
            name = names.shown(said_name) or f"node {short_code(peer).split(' ')[0]}"
            standing: nouns.Standing = "stranger" if plain is None else plain.peer.standing
            known = contacts.add_node(peer, name, link.host, None if elsewhere else address, standing, instead=plain)
            if not elsewhere:
                contacts.places.learn(known, (address,), _how(plain), good=True)
            if elsewhere and pinned is not None:
                self._rival(pinned, known.id, address)
            self._compare_name(known)
        else:
            contacts.revive(known)
            self._rename(known, said_name)
            if not elsewhere:
                contacts.places.learn(known, (address,), _how(plain), good=True)
        if plain is not None:
            self._become(plain, known, link)
        return known

    def meet(self, peer: str, said_name: str, addresses: Iterable[Address]) -> Contact:
        """A key that an invite names: it is pinned to these addresses, where nothing was asked yet.

        Raises OverflowError when the list is full.
        """
        name = names.shown(said_name) or f"node {short_code(peer).split(' ')[0]}"
        contact = self._contacts.add_node(peer, name, "", None, "known")
        self._contacts.places.learn(contact, addresses, "invite")
        self._compare_name(contact)
        return contact

    def known(self, link: Link, peer: str, port: int) -> Contact | None:
        """The contact that a key would have, or the plain one that would become it. None: nobody knows it."""
        known, plain = self._contacts.by_id.get(peer), self._found(link, port)[1]
        if known is None or (plain is not None and known.peer.standing == "stranger"):
            return plain or known
        return known

    def _found(self, link: Link, port: int) -> tuple[Address, Contact | None]:
        """The address of a node that has proved its key, and the plain contact that it turns out to be."""
        dialled = self._contacts.of_link(link) if link.direction == "out" else None
        address = Address(link.host, link.port or port) if dialled is not None else Address(link.host, port)
        if dialled is not None and not dialled.is_node:
            return address, dialled
        plain = self._contacts.plain_at(address.host, address.port)
        # One that spoke in clear from a node's address stands apart; only a person merges the two. One that is blocked
        # would hand its standing and its past to whoever dials from there.
        apart = plain is not None and (plain.node_here or self._contacts.is_hidden(plain))
        return address, None if apart else plain

    def _become(self, plain: Contact, node: Contact, link: Link) -> None:
        """A plain contact turned out to be this node: its history, and what waits for it, become the node's."""
        if self._dialling.dialled(plain, link.number):
            self._dialling.done(plain)
        plain.drop_link(link.number)
        for other in list(plain.links):
            self._connections.hang_up(plain, other.number)
        self._contacts.unite(plain, node)
        self._connections.adopt(plain, node)
        # What waited is on disk; it is read from there, and signed.
        node.queue.more_on_disk = True

    def _rename(self, contact: Contact, said_name: str) -> None:
        name = names.shown(said_name)
        if name is not None and name != contact.own_name:
            self._contacts.calls_itself(contact, name)
            self._compare_name(contact)

    def _compare_name(self, contact: Contact) -> None:
        """Say loudly when another node goes by the same name, or by one that looks like it."""
        others = [one for one in self._contacts.alike(contact.peer.name) if one is not contact]
        if others and contact.peer.warning is None:
            peer, key = contact.peer, names.key(contact.peer.name)
            # The one that somebody would impersonate; of several, one of the very name.
            other = min(others, key=lambda one: (not one.peer.verified, names.key(one.peer.name) != key))
            words = SAME_NAME if names.key(other.peer.name) == key else LIKE_NAME
            warning = words.format(name=peer.name, their=other.peer.name, code=peer.code, other=other.peer.code)
            if other.peer.verified and not peer.verified:
                warning += VERIFIED_NAME
            self._contacts.warn(contact, warning)

    def differed(self, number: int, found: str) -> None:
        """A node that was dialled has another key than the one pinned to this contact."""
        link = self._links.get(number)
        contact = self._contacts.of_link(link)
        if contact is not None and link is not None and link.port is not None:
            address = Address(link.host, link.port)
            if not self._contacts.places.drop_hearsay(contact, address):
                self._rival(contact, found, address)

    def _rival(self, contact: Contact, found: str, address: Address) -> None:
        if contact.peer.standing == "stranger":
            # Nobody here knows it, so there is nobody to be mistaken for.
            return
        peer, now = contact.peer, self._ledger.now
        before = self._rival_at.get(contact.id)
        if peer.rival not in (None, found) and before is not None and 0 <= now - before[1] < RIVAL_MS:
            # Whoever answers with a new key each time is said once, and fills no log.
            return
        self._rival_at[contact.id] = address, now
        warning = RIVAL.format(address=address, found=short_code(found), name=peer.name, code=peer.code)
        if (peer.verified and not _is_elsewhere(contact, address)) or NO_LONGER in (peer.warning or ""):
            warning += NO_LONGER
            self._contacts.change(contact, verified=False)
        self._contacts.warn(contact, warning, rival=found)

    def clear_text(self, contact: Contact) -> None:
        """A plain contact has spoken: say it loudly if it did so from a node's address."""
        if contact.node_here and contact.address is not None:
            node = self._contacts.node_at(contact.address.host, contact.address.port)
            if node is not None:
                self._contacts.warn(contact, CLEAR.format(address=contact.address, name=node.peer.name))

    # -- what people decide

    def decide(self, command: Commanded, find: Callable[[str], Contact]) -> None:
        """The command `trust`. `find` finds the peer that is meant. Raises CommandRefused."""
        args: rq.TrustArgs = command.args
        contact = find(args.peer)
        if args.rival is not None and args.rival != contact.peer.rival:
            raise CommandRefused(
                "invalid_args", f"Another key than the one shown is in question for {contact.peer.name}. Compare again."
            )
        if args.plain:
            contact = self._allow_clear_text(contact)
        elif contact.peer.rival is not None:
            contact = self._replace(contact, contact.peer.rival)
        elif contact.peer.warning is not None and contact.is_node:
            self._contacts.change(contact, warning=None)
            self._contacts.stand(contact, "known")
        elif contact.peer.warning is not None:
            raise CommandRefused("invalid_args", "It spoke in clear; `plain` says that it may be answered so.")
        else:
            raise CommandRefused("nothing_to_trust", f"Nothing about {contact.peer.name} is in doubt.")
        self._ledger.reply(command.token, rq.PeerResult(peer=contact.peer), command.key)

    def verify(self, command: Commanded, find: Callable[[str], Contact]) -> None:
        """The command `verify`: a person has compared this code with its owner. Raises CommandRefused.

        It also ends a warning: whoever the other key belongs to, this one is who was meant.
        """
        args: rq.VerifyArgs = command.args
        contact = find(args.peer)
        if not contact.is_node:
            raise CommandRefused("not_a_node", f"{contact.peer.name} is a plain client, which has no key to verify.")
        if _bare(args.code) not in (_bare(contact.peer.code), contact.id):
            raise CommandRefused(
                "code_differs", f"That isn't the code of {contact.peer.name}, which is {contact.peer.code}."
            )
        self._rival_at.pop(contact.id, None)
        self._contacts.change(contact, verified=True, warning=None, rival=None)
        self._contacts.stand(contact, "known")
        self._ledger.reply(command.token, rq.PeerResult(peer=contact.peer), command.key)

    def unverify(self, command: Commanded, find: Callable[[str], Contact]) -> None:
        """The command `unverify`. Raises CommandRefused."""
        args: rq.PeerArgs = command.args
        contact = find(args.peer)
        self._contacts.change(contact, verified=False)
        self._ledger.reply(command.token, rq.PeerResult(peer=contact.peer), command.key)

    def _allow_clear_text(self, contact: Contact) -> Contact:
        """Somebody here allows clear text to go to a node's addresses: they are the node's no longer."""
        contacts = self._contacts
        if contact.is_node:
            if not contact.addresses:
                raise CommandRefused("nothing_to_trust", f"No address of {contact.peer.name} is known.")
            plain = [contacts.plain_at(one.host, one.port) for one in contact.addresses]
            contacts.places.set_addresses(contact, ())
            self._freed([one for one in plain if one is not None])
            return contact
        address = contact.address
        node = None if address is None else contacts.node_at(address.host, address.port)
        if node is None:
            raise CommandRefused("nothing_to_trust", f"Clear text may go to {contact.peer.name} already.")
        contacts.places.set_addresses(node, [one for one in node.addresses if one != address])
        self._freed([contact])
        return contact

    def _freed(self, contacts: list[Contact]) -> None:
        for contact in contacts:
            self._contacts.change(contact, warning=None, error=None)
            self._contacts.stand(contact, "known")
            self._outbox.pump(contact)

    def _replace(self, contact: Contact, rival: str) -> Contact:
        """Somebody here trusts another key at a node's address: the address is that key's from now on."""
        contacts = self._contacts
        addresses = contact.addresses
        # Since a restart, nobody knows where the other key has answered: not where this one is linked now.
        linked = [Address(link.host, link.port) for link in contact.links if link.port is not None]
        address = next((one for one in reversed(addresses) if one not in linked), None)
        if contact.id in self._rival_at:
            address, _ = self._rival_at.pop(contact.id)
        contacts.places.set_addresses(contact, [one for one in addresses if one != address])
        wanted = contact.peer.wanted
        contacts.change(contact, warning=None, rival=None, error=None, wanted=False)
        found = contacts.by_id.get(rival)
        if found is None:
            found = contacts.add_node(rival, contact.own_name, contact.peer.host, address, "known")
        else:
            contacts.revive(found)
            contacts.stand(found, "known")
            if address is not None:
                contacts.places.learn(found, (address,), "typed")
        if wanted:
            contacts.change(found, wanted=True)
            self._connections.want(found)
        return found


def _how(plain: Contact | None) -> nouns.How:
    """How the address of a node was learnt that was taken for a plain peer until now."""
    return "typed" if plain is not None and plain.peer.standing == "asked" else "seen"


def _is_elsewhere(contact: Contact, address: Address) -> bool:
    """Whether a node has proved its key at another address since it was last met at this one, or does so now.

    Then it has moved, and the other key says nothing about its own.
    """
    good = {path.address: path.good or 0 for path in contact.paths}
    return bool(contact.links) or max(good.values(), default=0) > good.get(address, 0)


def _bare(code: str) -> str:
    """A code or a PeerId without what may stand between its groups, however it was typed."""
    return "".join(c for c in code.casefold() if c.isalnum())
