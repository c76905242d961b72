"""What comes in is taken within limits: each source has its quota, and so has each unknown node. Pure."""

from __future__ import annotations

from node.core import effects as e
from node.core import stimuli as s
from node.core.blocking import Blocking
from node.core.connections import Connections
from node.core.contacts import Contacts
from node.core.door import NO_ROOM
from node.core.ledger import Ledger
from node.core.links import Links
from node.core.plain import Plain
from node.core.quotas import LINK_SAID, USED_UP, Quotas
from node.core.secure import Secure
from node.protocol.secure.frames import Run


class Limits:
    """Hands on what was heard, and counts it; or ends the link over which too much came."""

    def __init__(
        self,
        ledger: Ledger,
        contacts: Contacts,
        links: Links,
        connections: Connections,
        blocking: Blocking,
        plain: Plain,
        secure: Secure,
        quotas: Quotas,
    ) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self._connections = connections
        self._blocking = blocking
        self._plain = plain
        self._secure = secure
        self._quotas = quotas

    def heard(self, heard: s.Heard) -> None:
        """Something was said over a plain link."""
        link = self._links.get(heard.link)
        if link is None:
            raise LookupError(f"Something was heard on link {heard.link}, of which no LinkUp told.")
        if self._quotas.is_shut_out(link.host) or self._blocking.has_host(link.host):
            self._ledger.put(e.HangUp(heard.link))
            return
        self._plain.heard(link, heard.said)
        self._quotas.count(link.host, heard.size, len(heard.said))

    def opened(self, up: s.Secured) -> None:
        """An encrypted link is open. One of an unknown node is counted."""
        contact = self._connections.owner(up.link)
        if contact is not None and contact.peer.standing == "stranger":
            self._quotas.count(up.host, 0, LINK_SAID)

    def framed(self, framed: s.Framed) -> None:
        """Frames came over an encrypted link."""
        link = self._links.get(framed.link)
        if link is not None and (self._quotas.is_shut_out(link.host) or self.is_full(link.peer or "")):
            self._ledger.put(e.HangUp(framed.link, NO_ROOM, USED_UP))
            return
        contact = self._secure.heard(framed)
        if contact is not None and link is not None and contact.peer.standing == "stranger":
            # Each entry of a RUN costs the disk what a message costs.
            said = sum(len(frame.headers) if isinstance(frame, Run) else 1 for frame in framed.frames)
            self._quotas.count(link.host, framed.size, said)
            # Whoever has many addresses has no more for it.
            self._quotas.count(contact.id, framed.size, said)

    def is_full(self, peer: str) -> bool:
        """Whether a node has used up what an unknown one may store in a day. One that was accepted since has not."""
        contact = self._contacts.by_id.get(peer)
        return self._quotas.is_shut_out(peer) and (contact is None or contact.peer.standing == "stranger")
