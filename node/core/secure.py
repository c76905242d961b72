"""The life of encrypted links: who is behind one, which of several stays, and when a silent one is given up. Pure.

Within one run of the other side there is one link: of two that crossed, the one that the lower PeerId dialled stays
(with one PeerId on both sides, the lower run). Of two that one side dialled, that side leaves the older; the other side
can't know which that is, because they may have opened in another order there, and pings the older one. Another run
beside an old link is a node that was started anew, or a second machine with the same identity: the old link is pinged,
too, and stays if it answers. (PROTOCOL.md, section 9, has a table.)
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.core.blocking import Blocking
from node.core.connections import Connections
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.dialback import DialBack
from node.core.dialling import Dialling
from node.core.door import NO_ROOM, Door
from node.core.exchange import Exchange
from node.core.ledger import Ledger
from node.core.links import Input, Link, Links
from node.core.outbox import Outbox
from node.core.presence import Presences
from node.core.quotas import USED_UP
from node.core.replication import Replication
from node.core.trust import Trust
from node.model import Address
from node.printable import printed
from node.protocol.secure import frames as f

#: How long an old link has to answer a ping when another run of its node has come, or another link with it (ms); and
#: how long all links have when this machine's network has changed, or it has slept.
PING_MS, NETWORK_PING_MS = 1_000, 2_000
#: Two links have crossed if the second opens within this time (ms) of the first: a dial takes no longer. Later the
#: other side has dialled because it lost the first one, which this side may not know yet.
CROSSED_MS = 10_000
#: Most links with one PeerId. Each machine of an identity has one; a further link ends at once.
MAX_OF_PEER = 8
#: Clocks that differ by more (ms) are said to differ, and may be corrected.
CLOCK_MS = 60_000
#: No clock that works is before this (2026-11-01, in ms): it is the time of this release.
RELEASE_MS = 1_793_491_200_000

#: How the feature of a HELLO begins that names the program; its version follows. Most characters of it that are kept.
PROGRAM, MAX_PROGRAM = "snicher/", 32

BLOCKED = "Somebody whom you have blocked answers there."
ITSELF = "That is this node itself."
TWIN = "Another machine of yours answers there: it has the same identity. Both go on, and share what both know."


class Secure:
    """All encrypted links of this node."""

    def __init__(
        self,
        ledger: Ledger,
        me: str,
        instance: bytes,
        run: bytes,
        contacts: Contacts,
        links: Links,
        dialling: Dialling,
        connections: Connections,
        outbox: Outbox,
        replication: Replication,
        trust: Trust,
        door: Door,
        blocking: Blocking,
        exchange: Exchange,
        presences: Presences,
        dialback: DialBack,
    ) -> None:
        self._ledger = ledger
        self._exchange = exchange
        self._presences = presences
        self._me = me
        self._instance = instance
        self._run = run
        self._contacts = contacts
        self._links = links
        self._dialling = dialling
        self._connections = connections
        self._outbox = outbox
        self._replication = replication
        self._trust = trust
        self._door = door
        self._blocking = blocking
        self._dialback = dialback
        #: Links that must answer a ping: its token, and until when (ms).
        self._pinged: dict[int, tuple[bytes, int]] = {}
        self._pings = 0
        #: Links that have a rival of the same run since, by number: one of the two goes once the old one has answered.
        self._contested: dict[int, int] = {}
        #: How far the other side's clock is ahead of ours on each link, in ms.
        self._ahead: dict[int, int] = {}
        #: Other machines with our identity that were met in this run.
        self._twins: set[tuple[bytes, bytes]] = set()

    # -- what links report

    def opened(self, up: s.Secured, *, full: bool = False) -> None:
        """An encrypted link is open. `full`: its node has used up what unknown ones may store in a day."""
        hello = up.hello
        now = self._ledger.now
        details = {"since": now, "version": up.version, "program": _program(hello), "ahead": hello.now - now}
        link = self._links.secured(
            up.link, up.direction, up.host, hello.port, up.peer, hello.instance, hello.run, **details
        )
        if link.leaving:
            return
        if up.peer == self._me:
            self._met_own(link)
            return
        if full:
            self._door.turn_away(link, NO_ROOM, USED_UP)
            return
        if self._blocking.has_node(up.peer):
            dialled = self._contacts.of_link(link)
            if dialled is not None:
                # An address where somebody blocked turned out to be.
                self._dialling.done(dialled)
                self._dialling.pause(dialled)
                self._contacts.change(dialled, link="offline", wanted=False, error=BLOCKED)
                self._links.disown(link.number)
            self._door.turn_away(self._links.get(link.number) or link, NO_ROOM)
            return
        refusal = self._door.refuses(link, self._trust.known(link, up.peer, hello.port))
        if refusal is not None:
            self._door.turn_away(link, refusal)
            return
        try:
            contact = self._trust.settle(link, up.peer, hello.name, hello.port)
        except OverflowError as error:
            self._ledger.tell(ev.ConnectionNoticed(address=link.host, what=f"Refused: {error}"))
            self._ledger.put(e.HangUp(link.number, 5, "There is no room for further peers."))
            return
        self._attach(contact, link.number)
        self._ahead[link.number] = hello.now - self._ledger.now
        self._look_at_clocks()
        if self._links.is_leaving(link.number):
            return
        self._replication.linked(link.number, up.peer)
        self._exchange.linked(self._links.get(link.number) or link, contact)
        self._presences.linked(link)
        self._outbox.pump(contact)

    def heard(self, heard: s.Framed) -> Contact | None:
        """Frames came in. Returns who said them, if it is somebody else's link that is still known."""
        link = self._links.get(heard.link)
        if link is None or link.leaving or link.peer is None:
            return None
        for frame in heard.frames:
            if isinstance(frame, f.Pong) and self._pinged.get(link.number, (b"",))[0] == frame.token:
                del self._pinged[link.number]
                self._settle(link)
        contact = self._contacts.of_link(link)
        for frame in heard.frames:
            if isinstance(frame, f.DialBack | f.Dialled):
                self._dialback.heard(link, contact, frame)
            elif contact is None:
                continue
            elif isinstance(frame, f.Seek | f.Where):
                self._exchange.heard(link, contact, frame)
            elif isinstance(frame, f.Presence):
                self._presences.heard(link, frame)
        if not self._replication.heard(link.number, heard.frames):
            self._leave(link, 4)
        return contact

    def late(self, late: s.AnsweredLate) -> None:
        """A peer that we talked to in clear answered the offer too late: dial it again, encrypted from the start."""
        contact = self._contacts.of_link(self._links.get(late.link))
        if contact is None:
            return
        what = "It is a Snicher node, and answered late."
        if late.readable:
            what += (
                " What was sent meanwhile was readable on the network; it was not delivered, and goes out encrypted."
            )
        self._ledger.tell(ev.ConnectionNoticed(address=str(contact.address or contact.peer.host), what=what))
        contact.tries.secure = True
        self._contacts.change(contact, dialect="unknown", dialect_from="guess", error=what)

    def ended(self, number: int) -> None:
        """A link is over. Call it before the link is removed."""
        self._pinged.pop(number, None)
        self._ahead.pop(number, None)
        self._contested.pop(number, None)
        self._exchange.unlinked(number)
        self._presences.unlinked(number)
        self._dialback.ended(number)
        self._replication.unlinked(number)

    # -- who it is

    def _met_own(self, link: Link) -> None:
        """The other side has our own identity: it is this node, or another machine of ours."""
        dialled = self._contacts.of_link(link)
        itself = (link.instance, link.run) == (self._instance, self._run)
        if dialled is not None:
            self._dialling.done(dialled)
            self._dialling.pause(dialled)
            self._contacts.change(dialled, link="offline", wanted=False, error=ITSELF if itself else TWIN)
            self._links.disown(link.number)
        where = str(Address(link.host, link.port)) if link.port is not None else link.host
        if itself:
            if link.direction == "out" and link.port is not None:
                self._contacts.met_self(Address(link.host, link.port))
            self._leave(link, 3)
            return
        if (link.instance, link.run) not in self._twins:
            self._twins.add((link.instance, link.run))
            self._ledger.log(ev.IdentityShared(address=where))
        self._keep_one(link)
        if not self._links.is_leaving(link.number):
            self._links.go(link.number, Input.OPEN)
            self._replication.linked(link.number, self._me)

    def _attach(self, contact: Contact, number: int) -> None:
        """An open link is this contact's; it may be the second one, of which one goes."""
        link = self._links.go(number, Input.OPEN)
        link = self._links.belong(number, contact.id)
        tries = contact.tries
        if self._dialling.dialled(contact, number):
            self._dialling.done(contact, winner=number)
        else:
            self._dialling.stop(contact)
        tries.succeeded, tries.greet, tries.left, tries.lost = True, False, False, False
        if not contact.links:
            contact.linked_at = self._ledger.now
        contact.links.append(link)
        self._keep_one(link)
        if contact.has_link(number):
            self._dialling.showed_up(contact)
            tries.next_at = None
        self._contacts.change(contact, link="online", error=None, last_seen=self._ledger.now)

    def _keep_one(self, link: Link) -> None:
        """Of several links with one run of the other side one stays. A link with another run has to answer a ping."""
        if len(self._links.with_peer(link.peer or "")) > MAX_OF_PEER:
            self._leave(link, 5)
            return
        for other in self._links.with_peer(link.peer or ""):
            if other.number == link.number:
                continue
            other_run = (other.instance, other.run) != (link.instance, link.run)
            stood = not 0 <= self._ledger.now - other.since < CROSSED_MS
            if other_run or (other.direction == link.direction == "in"):
                self._ping(other.number)
            elif stood and other.direction != link.direction:
                self._contested[other.number] = link.number
                self._ping(other.number)
            elif self._stays(other, link):
                self._leave(link, 2)
                return
            else:
                self._leave(other, 2)

    def _settle(self, link: Link) -> None:
        """A link that had a rival has answered, so both work: the one that would stay of two that crossed stays."""
        rival = self._links.get(self._contested.pop(link.number, -1))
        if rival is None or rival.leaving or link.leaving:
            return
        self._leave(rival if self._stays(link, rival) else link, 2)

    def _stays(self, old: Link, new: Link) -> bool:
        """Which of two links with one run stays, if we dialled one of them at least. True: the old one."""
        if old.direction == new.direction:
            return False
        lower_is_us = (self._me, self._run) < (new.peer or "", new.run)
        return (old.direction == "out") == lower_is_us

    def _leave(self, link: Link, code: int) -> None:
        contact = self._contacts.of_link(link)
        if contact is not None:
            contact.drop_link(link.number)
        self._replication.unlinked(link.number)
        if not link.leaving:
            self._links.go(link.number, Input.LEAVE)
            self._ledger.put(e.HangUp(link.number, code, f.BYE_CODES[code]))

    # -- time

    def heard_of(self, contact: Contact, found: Iterable[Address], how: nouns.How) -> None:
        """Others say that a node is at these addresses now. A link that it has at another one has to answer a ping."""
        addresses = list(found)
        news = [one for one in addresses if one not in contact.addresses]
        self._connections.heard_of(contact, addresses, how)
        for link in contact.links if news else ():
            if link.kind == "secure" and not link.leaving:
                self._ping(link.number, NETWORK_PING_MS)

    def network_changed(self) -> None:
        """This machine has other addresses, or it has slept: see soon which links still work."""
        for contact in list(self._contacts.by_id.values()):
            for link in contact.links:
                if link.kind == "secure" and not link.leaving:
                    self._ping(link.number, NETWORK_PING_MS)

    def _ping(self, number: int, ms: int = PING_MS) -> None:
        if number not in self._pinged:
            self._pings += 1
            # The high bit tells these from the link's own, which begin with ASCII letters.
            token = (self._pings | 1 << 63).to_bytes(8, "big")
            self._pinged[number] = token, self._ledger.now + ms
            self._ledger.put(e.Say(number, f.Ping(token)))

    def _lost(self, link: Link) -> None:
        """A link didn't answer a ping. What it was for goes on over another one at once."""
        contact = self._contacts.of_link(link)
        self._leave(link, 6)
        if contact is not None and not contact.links:
            self._connections.lost(contact)

    def next_deadline(self) -> int | None:
        """When `tick` has something to do (ms)."""
        times: Iterable[int | None] = (
            *(until for _, until in self._pinged.values()),
            self._replication.next_deadline(),
            self._presences.next_deadline(),
        )
        return min((at for at in times if at is not None), default=None)

    def tick(self) -> None:
        """Give up links that didn't answer a ping, and let entries travel."""
        for number, (_, until) in list(self._pinged.items()):
            if until <= self._ledger.now:
                del self._pinged[number]
                link = self._links.get(number)
                if link is not None:
                    self._lost(link)
        self._presences.tick()
        self._replication.tick()

    def _is_known(self, number: int) -> bool:
        contact = self._contacts.of_link(self._links.get(number))
        return contact is not None and contact.peer.standing != "stranger"

    def _look_at_clocks(self) -> None:
        """Correct the date of our entries when this machine's clock is clearly wrong; say when clocks differ."""
        ahead = list(self._ahead.values())
        # Anybody can make identities, so strangers have no vote against a clock that works.
        known = [ms for number, ms in self._ahead.items() if self._is_known(number)]
        correction, sentence = 0, None
        if len(known) > 1:
            median = round(statistics.median([0, *known]))
            if abs(median) > CLOCK_MS:
                correction = median
        elif ahead and self._ledger.now < RELEASE_MS:
            correction = ahead[0]
        if correction:
            wrong = "slow" if correction > 0 else "fast"
            sentence = (
                f"This machine's clock is {_duration(correction)} {wrong}, as other nodes show. What you write is dated"
                " by theirs. Set the clock right."
            )
        elif len(ahead) == 1 and abs(ahead[0]) > CLOCK_MS:
            sentence = (
                f"This machine's clock and that of the node linked with it differ by {_duration(ahead[0])}. One of them"
                " is wrong, so messages may stand in an odd order."
            )
        self._ledger.clock.correction = correction
        self._ledger.put(e.Notice("clocks", sentence))


def _program(hello: f.Hello) -> str:
    """The program that a HELLO names among its features; empty if none. It is the other side's word."""
    found = next((one for one in hello.features if one.startswith(PROGRAM)), "")
    return printed(found[:MAX_PROGRAM], "") or ""


def _duration(ms: int) -> str:
    """A difference of clocks in words."""
    minutes = round(abs(ms) / 60_000)
    for size, word in ((60 * 24 * 365, "years"), (60 * 24, "days"), (60, "hours")):
        if minutes >= 2 * size:
            return f"{minutes // size} {word}"
    return f"{minutes} minutes"
