"""The door: which unknown peers may come in, as the settings say, and whom people here have refused. Pure.

Whoever people here have dealt with (`standing`) comes in. An unknown node makes a request (requests.py), or is taken
like anybody, or is refused with BYE, by the setting `accept_nodes`. Plain peers are taken or refused by `accept_plain`;
a refused one is told so in a line, where it reads what comes back on its connection.
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
from node.core.dialling import Dialling
from node.core.ledger import Ledger
from node.core.links import Input, Link, Links
from node.core.replication import Replication
from node.core.requests import Requests
from node.core.rooms import Rooms
from node.core.stimuli import Commanded
from node.errors import CommandRefused
from node.model import source_of
from node.protocol.plain.codec import Announced, Said, Text
from node.protocol.secure.frames import BYE_CODES

#: For how long whoever was refused isn't let in again (ms).
REFUSED_MS = 24 * 3600 * 1000
#: Most refused nodes that are remembered; beyond, the one whose time is over first.
MAX_REFUSED = 1_000
#: Until a node is dialled again that takes nothing from us, or that has no room (ms).
REFUSED_REST_MS, FULL_REST_MS = 10 * 60_000, 60_000
#: The code of a BYE that says so.
NO_ROOM = 5
#: A plain source that is refused is told so once in this time (ms), and so are people who look for faults.
TELL_MS = 3600_000
#: Most sources that are remembered for that; beyond, the one told longest ago is told anew.
MAX_TOLD = 1_000
NOT_TAKEN = "This is an automatic answer: {name} takes no messages {whose}. Nothing of yours was kept."
WHOSE = {"known": "from people they don't know", "nobody": "from clients that can't encrypt"}
#: Finds the plain contact that claims this port and name at a host.
Find = Callable[[str, int | None, str | None], Contact | None]
#: BYE codes by which a node says that it takes nothing from us, and the words for it.
REFUSALS = {
    7: "{name} takes no messages from people they don't know. What you write waits here.",
    8: "{name} has refused your request. You can ask once more after a day.",
}


class Door:
    """Decides who comes in."""

    def __init__(
        self,
        ledger: Ledger,
        rooms: Rooms,
        contacts: Contacts,
        links: Links,
        dialling: Dialling,
        connections: Connections,
        replication: Replication,
        requests: Requests,
        refused: Mapping[str, int],
    ) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        self._links = links
        self._dialling = dialling
        self._connections = connections
        self._replication = replication
        self._requests = requests
        #: Nodes that people here have refused, until when (ms).
        self._refused = dict(refused)
        self._nodes, self._plain = "ask", "everybody"
        #: When refused plain sources were told so (ms), the one told longest ago first.
        self._told: dict[str, int] = {}

    def set(self, settings: nouns.Settings) -> None:
        """The settings are these from now on. Call `changed` besides when they were others before."""
        self._nodes, self._plain = settings.accept_nodes, settings.accept_plain
        self._contacts.asks = self._nodes != "everybody"

    def changed(self, before: nouns.Settings) -> None:
        """The settings were these until now: let in everybody who waits, or end the links of strangers."""
        if self._nodes == before.accept_nodes:
            return
        for contact in self._contacts.strangers():
            if not contact.is_node:
                continue
            if self._nodes == "everybody":
                self._contacts.let_in(contact)
            elif self._nodes == "nobody":
                self._end_links(contact, 7)

    # -- nodes

    def refuses(self, link: Link, contact: Contact | None) -> int | None:
        """The code of the BYE for a node that has proved its key; None: it comes in. `contact`: who it is, if known."""
        peer = link.peer or ""
        if contact is not None and contact.peer.standing != "stranger":
            if self._refused.pop(peer, None) is not None:
                self._ledger.put(e.PutRefused(dict(self._refused)))
            return None
        now = self._ledger.now
        if now < self._refused.get(peer, 0) <= now + REFUSED_MS:
            return 8
        return 7 if self._nodes == "nobody" else None

    def turn_away(self, link: Link, code: int, text: str | None = None) -> None:
        """End a link before anything of it is kept. `text`: what it is told; None: what the code means."""
        if not link.leaving:
            self._links.go(link.number, Input.LEAVE)
            self._ledger.put(e.HangUp(link.number, code, BYE_CODES[code] if text is None else text))

    def _end_links(self, contact: Contact, code: int) -> None:
        for link in list(contact.links):
            contact.drop_link(link.number)
            self.turn_away(link, code)
        self._connections.offline(contact)

    def ended(self, contact: Contact, code: int | None) -> None:
        """A link ended with this code of the node's BYE. If it takes nothing from us, it is left alone for a while."""
        if code in REFUSALS:
            self._contacts.change(contact, refusal=REFUSALS[code].format(name=contact.peer.name))
            self._dialling.rest(contact, REFUSED_REST_MS)
        elif code == NO_ROOM:
            self._dialling.rest(contact, FULL_REST_MS)

    # -- plain peers

    def heard(self, link: Link, said: list[Said], find: Find) -> list[Said]:
        """What of that which was said in clear is taken. Of the rest nothing is kept, and the speaker is told."""
        if self._plain == "everybody":
            return said
        taken: list[Said] = []
        owner, port = self._contacts.of_link(link), link.port
        refused = False
        for one in said:
            port = one.port if one.port is not None else port
            if self._plain == "known" and _is_known(owner or self._claims(link.host, port, one, find)):
                taken.append(one)
            elif not isinstance(one, Announced):
                refused = True
            elif port is not None and link.direction == "in":
                # It may turn out later who listens there.
                self._links.claim(link.number, port)
        if refused:
            self._tell(link)
        return taken

    def _claims(self, host: str, port: int | None, one: Said, find: Find) -> Contact | None:
        """Whose words these are, as they say."""
        if isinstance(one, Announced):
            return find(host, port, None)
        named = one.named if isinstance(one, Text) else None
        return find(host, port, names.shown(one.name or (None if named is None else named.name)))

    def _tell(self, link: Link) -> None:
        source, now = source_of(link.host), self._ledger.now
        if 0 <= now - self._told.get(source, -TELL_MS) < TELL_MS:
            return
        self._told.pop(source, None)
        self._told[source] = now
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
        what = f"Refused: messages {WHOSE[self._plain]} aren't taken (accept_plain)."
        self._ledger.tell(ev.ConnectionNoticed(address=link.host, what=what))
        if link.two_way and not link.leaving:
            words = NOT_TAKEN.format(name=self._contacts.own_name, whose=WHOSE[self._plain])
            self._ledger.put(e.Transmit(link.number, 0, words))

    # -- what people decide

    def accept(self, command: Commanded, find: Callable[[str], Contact]) -> None:
        """The command `accept`: what a node says comes in from now on. Raises CommandRefused."""
        contact = self._asking(command, find)
        self._contacts.revive(contact, force=True)
        self._contacts.stand(contact, "known")
        self._ledger.reply(command.token, rq.PeerResult(peer=contact.peer), command.key)

    def refuse(self, command: Commanded, find: Callable[[str], Contact]) -> None:
        """The command `refuse`: what a node has said is deleted, and it is told. Raises CommandRefused."""
        contact = self._asking(command, find)
        now = self._ledger.now
        self._refused = {peer: until for peer, until in self._refused.items() if until > now}
        if len(self._refused) >= MAX_REFUSED:
            del self._refused[min(self._refused, key=self._refused.__getitem__)]
        self._refused[contact.id] = now + REFUSED_MS
        self._ledger.put(e.PutRefused(dict(self._refused)))
        self._end_links(contact, 8)
        self.drop(contact)
        self._ledger.reply(command.token, rq.Nothing(), command.key)

    def _asking(self, command: Commanded, find: Callable[[str], Contact]) -> Contact:
        args: rq.PeerArgs = command.args
        contact = find(args.peer)
        if not self._requests.is_one(contact.peer.room):
            raise CommandRefused("not_a_request", f"The conversation with {contact.peer.name} is no request.")
        return contact

    def tidy(self) -> None:
        """Let in who was accepted; delete requests beyond the bound."""
        for contact in self._contacts.just_deleted():
            self._requests.over(contact)
        for contact in self._contacts.just_let_in():
            self._requests.over(contact)
            self._replication.let_in(contact.peer.room)
        while (surplus := self._requests.surplus()) is not None:
            contact = self._contacts.by_id[surplus]
            what = "Too many unknown nodes have written: the request that was heard longest ago was deleted."
            self._ledger.tell(ev.ConnectionNoticed(address=contact.peer.host, what=what))
            self.drop(contact)

    def drop(self, contact: Contact) -> None:
        """Delete a peer with its conversation."""
        self._requests.over(contact)
        self._connections.delete(contact)
        self._contacts.delete(contact)
        if contact.is_node:
            self._replication.forget(contact.peer.room)


def _is_known(contact: Contact | None) -> bool:
    return contact is not None and contact.peer.standing != "stranger"
