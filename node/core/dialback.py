"""Dialling back: whether others can reach this node, asked of those who are linked, and tried for them. Pure.

A node tries only the host from which the asker's link comes, at the port of the asker's HELLO: nobody can have it dial
somebody else. It does so for peers that people here have dealt with, one trial at a time and one in TRY_MS for each
identity, and MAX_TRIALS at a time in all. (PROTOCOL.md, section 9.8)
"""

from __future__ import annotations

from node.core import effects as e
from node.core import stimuli as s
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.facts import DialledBack, Reached
from node.core.ledger import Ledger
from node.core.links import Link, Links
from node.core.ports import is_service
from node.model import Address, is_ip
from node.protocol.secure import frames as f

#: Shortest time between two trials for one identity (ms); what is asked sooner isn't tried.
TRY_MS = 10_000
#: Most trials under way; beyond, nothing is tried.
MAX_TRIALS = 8
#: Most nodes that one examination asks.
MAX_ASKED = 4
#: What is told of an outcome: its number in a DIALLED, and the number of one that wasn't tried.
OUTCOMES: dict[Reached, int] = {
    "open": 0, "refused": 1, "no_answer": 2, "no_route": 3, "other_key": 4, "no_node": 5, "untried": 6,
}  # fmt: skip
_REACHED = {number: reached for reached, number in OUTCOMES.items()}


class DialBack:
    """Asks, and answers."""

    def __init__(self, ledger: Ledger, contacts: Contacts, links: Links) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self._number = 0
        #: What was asked of others: the number of the question, by link.
        self._asked: dict[int, int] = {}
        #: When each identity was asked last (ms), and its answer since.
        self._asked_at: dict[str, int] = {}
        self._answers: dict[str, DialledBack] = {}
        #: Trials under way for others, and when the last one of each identity began (ms).
        self._under_way: dict[str, tuple[int, int, str]] = {}
        self._tried_at: dict[str, int] = {}

    # -- asking

    def ask(self) -> None:
        """Ask linked nodes that people here know to connect back, those linked longest first."""
        known = [one for one in self._contacts.by_id.values() if self._may_be_asked(one)]
        chosen = sorted(known, key=lambda one: (one.linked_at, one.id))[:MAX_ASKED]
        now = self._ledger.now
        self._ledger.put(e.AskedBack(len(chosen)))
        for contact in chosen:
            if 0 <= now - self._asked_at.get(contact.id, -TRY_MS) < TRY_MS:
                # It would not try again so soon.
                if contact.id in self._answers:
                    self._ledger.put(e.ReportDialledBack(self._answers[contact.id]))
                continue
            self._number = (self._number + 1) % 2**32
            link = contact.links[-1]
            self._asked[link.number] = self._number
            self._asked_at[contact.id] = now
            self._answers.pop(contact.id, None)
            self._ledger.put(e.Say(link.number, f.DialBack(self._number)))
        self._asked_at = {peer: at for peer, at in self._asked_at.items() if 0 <= now - at < TRY_MS}
        self._answers = {peer: one for peer, one in self._answers.items() if peer in self._asked_at}

    def _may_be_asked(self, contact: Contact) -> bool:
        return (
            contact.is_node
            and contact.peer.standing != "stranger"
            and bool(contact.links)
            and contact.links[-1].kind == "secure"
        )

    def _answered(self, link: Link, contact: Contact, frame: f.Dialled) -> None:
        if self._asked.get(link.number) != frame.number:
            return
        del self._asked[link.number]
        host = frame.host if is_ip(frame.host) else ""
        answer = DialledBack(contact.id, contact.peer.name, _REACHED.get(frame.outcome, "untried"), frame.ms, host)
        self._answers[contact.id] = answer
        self._ledger.put(e.ReportDialledBack(answer))

    # -- answering

    def heard(self, link: Link, contact: Contact | None, frame: f.DialBack | f.Dialled) -> None:
        """Somebody asks for a trial, or answers."""
        if isinstance(frame, f.Dialled):
            if contact is not None:
                self._answered(link, contact, frame)
            return
        address = self._where(link, contact)
        if address is None or contact is None:
            self._say(link.number, frame.number, "untried", 0, "")
            return
        now = self._ledger.now
        self._tried_at = {peer: at for peer, at in self._tried_at.items() if 0 <= now - at < TRY_MS}
        self._tried_at[contact.id] = now
        self._under_way[contact.id] = link.number, frame.number, address.host
        self._ledger.put(e.TryBack(contact.id, address))

    def _where(self, link: Link, contact: Contact | None) -> Address | None:
        """Where to dial for this link. None: not now, or not for this one."""
        if contact is None or contact.peer.standing == "stranger" or is_service(link.listens):
            return None
        now = self._ledger.now
        soon = 0 <= now - self._tried_at.get(contact.id, -TRY_MS) < TRY_MS
        if soon or contact.id in self._under_way or len(self._under_way) >= MAX_TRIALS:
            return None
        return Address(link.host, link.listens)

    def tried(self, tried: s.TriedBack) -> None:
        """A trial has ended: tell who asked for it, if the link is still there."""
        found = self._under_way.pop(tried.peer, None)
        if found is not None:
            link, number, host = found
            self._say(link, number, tried.reached, tried.ms, host.partition("%")[0])

    def _say(self, link: int, number: int, reached: Reached, ms: int, host: str) -> None:
        known = self._links.get(link)
        if known is not None and not known.leaving:
            outcome = OUTCOMES.get(reached, OUTCOMES["untried"])
            self._ledger.put(e.Say(link, f.Dialled(number, outcome, min(ms, f.MAX_DIALLED_MS), host)))

    def ended(self, link: int) -> None:
        """A link is over."""
        self._asked.pop(link, None)
