"""Whom people here have blocked: nodes by their key, and plain peers by their source address. Pure.

Of a blocked peer nothing is taken, stored or asked for, whoever brings it, and nothing goes to it. Its conversation
stays, hidden, until it is unblocked or deleted. It isn't told: its link ends as if there were no room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from node import names
from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core.connections import Connections
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.door import NO_ROOM
from node.core.ledger import Ledger
from node.core.links import Input, Links
from node.core.replication import Replication
from node.core.stimuli import Commanded
from node.errors import CommandRefused
from node.model import Address, is_ip, is_peer_id, source_of
from node.protocol.secure.frames import BYE_CODES

#: Most who are blocked. A further one is refused, so that a snapshot stays small.
MAX_BLOCKED = 500


class Blocking:
    """Who is blocked."""

    def __init__(
        self,
        ledger: Ledger,
        contacts: Contacts,
        links: Links,
        connections: Connections,
        replication: Replication,
        blocked: Mapping[str, nouns.Blocked],
    ) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self._connections = connections
        self._replication = replication
        self._blocked = dict(blocked)

    def has(self, contact: Contact | Address | None) -> bool:
        """Whether this peer is blocked, or whoever speaks in clear from this address."""
        if isinstance(contact, Address):
            return self.has_host(contact.host) or self.has(self._contacts.node_of(contact))
        if contact is None or contact.is_node:
            return contact is not None and contact.id in self._blocked
        return self.has_host(contact.peer.host)

    def has_node(self, peer: str) -> bool:
        """Whether this PeerId is blocked."""
        return peer in self._blocked

    def has_host(self, host: str) -> bool:
        """Whether plain peers of this address are blocked."""
        return bool(self._blocked) and source_of(host) in self._blocked

    def check_name(self, text: str) -> None:
        """Raises CommandRefused when somebody blocked is called so. Call it when nobody else is."""
        if self._named(text) is not None:
            raise CommandRefused("blocked", f"{text[:64]!r} is blocked; unblock them first.")

    def check(self, contact: Contact | Address) -> None:
        """Raises CommandRefused when this peer is blocked."""
        if self.has(contact):
            name = contact if isinstance(contact, Address) else contact.peer.name
            raise CommandRefused("blocked", f"{name} is blocked; unblock them first.")

    # -- what people decide

    def block(self, command: Commanded, find: Callable[[str], Contact | Address]) -> None:
        """The command `block`. Raises CommandRefused."""
        args: rq.PeerArgs = command.args
        id_, name = self._meant(args.peer, find)
        if id_ not in self._blocked:
            if len(self._blocked) >= MAX_BLOCKED:
                raise CommandRefused("too_many_blocked", f"{MAX_BLOCKED} are blocked; unblock one.")
            blocked = self._blocked[id_] = nouns.Blocked(id=id_, name=name, at=self._ledger.now)
            self._ledger.put(e.PutBlocked(blocked))
            self._ledger.log(ev.PeerBlocked(blocked=blocked))
            for contact in self._concerned(id_):
                self._shut(contact)
        self._ledger.reply(command.token, rq.BlockedResult(blocked=self._blocked[id_]), command.key)

    def unblock(self, command: Commanded, find: Callable[[str], Contact | Address]) -> None:
        """The command `unblock`. Raises CommandRefused."""
        args: rq.PeerArgs = command.args
        id_ = self._named(args.peer) or self._meant(args.peer, find)[0]
        blocked = self._blocked.pop(id_, None)
        if blocked is None:
            raise CommandRefused("not_blocked", f"{args.peer[:64]!r} isn't blocked.")
        self._ledger.put(e.DropBlocked(id_))
        self._ledger.log(ev.PeerUnblocked(id=id_))
        for contact in self._concerned(id_):
            self._contacts.unblock(contact)
            if contact.is_node:
                self._replication.come_back(contact.peer.room)
        self._ledger.reply(command.token, rq.BlockedResult(blocked=blocked), command.key)

    def _named(self, text: str) -> str | None:
        """The id of the one blocked who is called so."""
        if text in self._blocked:
            return text
        found = [one.id for one in self._blocked.values() if one.name and names.key(one.name) == names.key(text)]
        return found[0] if len(found) == 1 else None

    def _meant(self, text: str, find: Callable[[str], Contact | Address]) -> tuple[str, str]:
        """The id that is blocked, and a name for it. An address or a key needn't be known."""
        bare = text.strip().strip("[]")
        if is_ip(bare):
            return source_of(bare), ""
        if is_peer_id(text) and text not in self._contacts.by_id:
            return text, ""
        found = find(text)
        if isinstance(found, Address):
            return source_of(found.host), ""
        return (found.id if found.is_node else source_of(found.peer.host)), found.peer.name

    def _concerned(self, id_: str) -> list[Contact]:
        """All contacts that are blocked by this id."""
        node = self._contacts.by_id.get(id_)
        if node is not None:
            return [node]
        return [one for one in self._contacts.by_id.values() if not one.is_node and source_of(one.peer.host) == id_]

    def _shut(self, contact: Contact) -> None:
        for link in list(contact.links):
            if link.kind == "secure" and not link.leaving:
                contact.drop_link(link.number)
                self._links.go(link.number, Input.LEAVE)
                self._ledger.put(e.HangUp(link.number, NO_ROOM, BYE_CODES[NO_ROOM]))
        self._contacts.block(contact)
        self._connections.forget(contact)
        if contact.is_node:
            self._replication.leave(contact.peer.room)
