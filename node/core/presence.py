"""How present people are: told to the nodes that are linked, and heard from them. Pure.

Whether a node is online shows by its link: a silent one is asked after 25 s, and taken for dead 20 s later, so nothing
is wrong for more than 45 s. What is told besides is only what people set: that they are away, and a line about
themselves. Strangers are told nothing, and nothing of theirs is shown. A person who is invisible tells nothing at all.
(PROTOCOL.md, section 9.7)
"""

from __future__ import annotations

import msgspec

from node import names
from node.bus import nouns
from node.core import effects as e
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.links import Link, Links
from node.protocol.secure import frames as f

#: What one link tells is shown at most so often (ms). What comes in between waits; the newest counts.
SHOWN_MS = 2_000
HERE, AWAY = 0, 1
#: What is told of somebody who has said nothing.
NOTHING = f.Presence(HERE, "")


class Line(msgspec.Struct):
    """What goes on over one link with regard to presence."""

    #: What was told last.
    told: f.Presence = NOTHING
    #: What came last, whether it is shown, and when something was shown last (ms).
    heard: f.Presence = NOTHING
    shown: bool = True
    at: int | None = None


class Presences:
    """What is told and heard over all encrypted links."""

    def __init__(self, ledger: Ledger, contacts: Contacts, links: Links) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self._lines: dict[int, Line] = {}
        self._mine = NOTHING
        #: The links on which something waits to be shown.
        self._waiting: set[int] = set()

    # -- told

    def set(self, settings: nouns.Settings) -> None:
        """The settings are these from now on: tell everybody who is linked what is new."""
        visible = settings.presence != "invisible"
        away = settings.presence == "away"
        self._mine = f.Presence(AWAY if away else HERE, settings.status) if visible else NOTHING
        for number in list(self._lines):
            self._tell(number)

    def linked(self, link: Link) -> None:
        """An encrypted link is open."""
        self._lines[link.number] = Line()
        self._tell(link.number)

    def known(self, contact: Contact) -> None:
        """Somebody here has dealt with this node for the first time."""
        for link in contact.links:
            self._tell(link.number)
            self._show(link.number)

    def unlinked(self, number: int) -> None:
        """A link is over."""
        self._lines.pop(number, None)
        self._waiting.discard(number)

    def _tell(self, number: int) -> None:
        """Tell what is new; who was told nothing is told nothing."""
        line, link = self._lines.get(number), self._links.get(number)
        contact = self._contacts.of_link(link)
        if line is None or link is None or link.leaving or contact is None or contact.peer.standing == "stranger":
            return
        if line.told != self._mine:
            line.told = self._mine
            self._ledger.put(e.Say(number, self._mine))

    # -- heard

    def heard(self, link: Link, frame: f.Presence) -> None:
        """A node has told how present its person is."""
        line = self._lines.get(link.number)
        if line is not None:
            text = names.clean(names.clean(frame.text)[: f.MAX_STATUS])
            line.heard = f.Presence(AWAY if frame.state == AWAY else HERE, text)
            line.shown = False
            self._show(link.number)

    def _show(self, number: int) -> None:
        line, now = self._lines.get(number), self._ledger.now
        contact = self._contacts.of_link(self._links.get(number))
        if line is None or line.shown or contact is None or contact.peer.standing == "stranger":
            return
        if line.at is not None and 0 <= now - line.at < SHOWN_MS:
            self._waiting.add(number)
            return
        self._waiting.discard(number)
        line.shown, line.at = True, now
        if contact.links:
            presence = "away" if line.heard.state == AWAY else "online"
            self._contacts.change(contact, presence=presence, status=line.heard.text)

    def next_deadline(self) -> int | None:
        """When something that came may be shown (ms)."""
        lines = [self._lines[number] for number in self._waiting]
        return min((line.at + SHOWN_MS for line in lines if line.at is not None), default=None)

    def tick(self) -> None:
        """Show what has waited long enough."""
        for number in list(self._waiting):
            self._show(number)
