"""The door to all decisions: a stimulus goes in, its effects come out. Pure.

The same stimuli at the same times give the same effects. After a failed commit, `Node` is made anew from the store:
what was in memory only is either told again by the links, or of no consequence.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from node.bus import messages as m
from node.core import effects as e
from node.core import stimuli as s
from node.core.commands import Commands
from node.core.contacts import Contact, Contacts, Waiting
from node.core.ledger import Ledger
from node.core.outbox import Outbox, next_try
from node.core.rooms import Rooms
from node.core.state import Loaded
from node.protocol.plain.codec import Announced, Goodbye, Hello, Said, Text


class Identity(msgspec.Struct, frozen=True):
    """Who this node is and what it was told at its start."""

    peer_id: str
    code: str
    version: str
    #: What the start options say; None: as it was last time.
    name: str | None
    #: What to be called when nobody has ever said.
    default_name: str


class Node:
    """All decisions of one node."""

    def __init__(self, loaded: Loaded, identity: Identity, *, last_link: int = -1) -> None:
        self._identity = identity
        self._ledger = Ledger(loaded.log, loaded.head, loaded.clock, loaded.last_message, last_link)
        self._rooms = Rooms(self._ledger, loaded.rooms)
        contacts = [Contact(row.peer, gone=row.gone, more=row.waiting) for row in loaded.peers]
        self._contacts = Contacts(self._ledger, self._rooms, contacts, loaded.last_plain)
        for sending in loaded.sending:
            contact = self._contacts.by_id.get(sending.peer)
            if contact is not None:
                contact.inflight[sending.message] = Waiting(sending.message, sending.room, sending.text, True)
        self._outbox = Outbox(self._ledger, self._rooms, self._contacts)
        settings = loaded.settings or m.Settings(name=identity.default_name)
        if identity.name is not None:
            settings = msgspec.structs.replace(settings, name=identity.name)
        me = m.Self(id=identity.peer_id, code=identity.code, name=settings.name, listen="", addresses=[])
        self._commands = Commands(self._ledger, self._rooms, self._contacts, self._outbox, settings, me)
        self._outbox.reconnect = settings.reconnect
        #: Who speaks on which persistent link that came in.
        self._inbound: dict[int, Contact] = {}
        self._stopping = False

    @property
    def head(self) -> int:
        """The newest event decided (it may not be on disk yet)."""
        return self._ledger.head

    @property
    def last_link(self) -> int:
        """The last link id given out; a core made anew goes on from it."""
        return self._ledger.last_link

    @property
    def me(self) -> m.Self:
        """This node as front ends see it."""
        return self._commands.me

    @property
    def name(self) -> str:
        """The team name that plain peers see."""
        return self._commands.me.name

    def next_tries(self) -> list[m.NextTry]:
        """Who is tried again and when, soonest first."""
        waiting = [c for c in self._contacts.by_id.values() if c.next_try is not None and not c.gone]
        return [next_try(c) for c in sorted(waiting, key=lambda c: c.next_try or 0)]

    def next_deadline(self) -> int | None:
        """When a Ticked is due, in milliseconds since 1970; None: not before something else happens."""
        return min((c.next_try for c in self._contacts.by_id.values() if c.next_try is not None), default=None)

    def handle(self, stimulus: s.Stimulus, now: int) -> list[e.Effect]:
        """Decide what follows from `stimulus` at `now` (milliseconds since 1970)."""
        self._ledger.now = now
        self._ledger.cause = None
        match stimulus:
            case s.Heard():
                self._heard(stimulus)
            case s.Transmitted():
                contact = self._of(stimulus)
                if contact is not None:
                    self._outbox.transmitted(contact, stimulus)
            case s.Commanded():
                self._ledger.cause = stimulus.cause
                if self._stopping:
                    self._ledger.refuse(stimulus.token, "stopping", "The node is going down.")
                else:
                    self._commands.run(stimulus)
            case s.Connected():
                self._outbox.connected(stimulus.link)
            case s.Opened():
                self._opened(stimulus.link)
            case s.Settled():
                self._settled(stimulus)
            case s.Closed():
                self._closed(stimulus)
            case s.Fetched():
                self._fetched(stimulus)
            case s.Ticked():
                self._ticked()
            case s.Started():
                self._started(stimulus)
            case s.StopAsked():
                self._stop()
            case s.Stopped():
                self._stopped(stimulus.reason)
            case _:
                assert_never(stimulus)
        return self._ledger.take()

    # -- the run

    def _started(self, start: s.Started) -> None:
        commands, ledger = self._commands, self._ledger
        commands.me = msgspec.structs.replace(commands.me, listen=start.listen, addresses=start.addresses)
        ledger.put(e.PutSettings(commands.settings, commands.me))
        ledger.log(m.NodeStarted(self=commands.me, settings=commands.settings, version=self._identity.version))
        self.settle("The node ended while this was being sent; it may or may not have arrived.")

    def settle(self, detail: str) -> None:
        """After a start or a failed disk: nothing is linked, and attempts under way have an unknown outcome."""
        for contact in list(self._contacts.by_id.values()):
            if contact.peer.link in ("online", "connecting") and not contact.links:
                self._contacts.change(contact, link="offline")
            if not contact.links:
                for waiting in contact.inflight.values():
                    self._rooms.state(waiting.room, waiting.id, "unconfirmed", detail)
                contact.inflight.clear()
            self._outbox.pump(contact)

    def resume(self, listen: str, addresses: list[str], now: int) -> None:
        """A core made anew in the middle of a run: as it was told at the start, without an event."""
        self._ledger.now = now
        self._commands.me = msgspec.structs.replace(self._commands.me, listen=listen, addresses=addresses)

    def recovered(self, now: int) -> list[e.Effect]:
        """The disk works again, and all that the links had to tell was handled."""
        self._ledger.now = now
        self._ledger.cause = None
        self.settle("The disk failed while this was being sent; it may or may not have arrived.")
        return self._ledger.take()

    def _stop(self) -> None:
        self._stopping = True
        for contact in self._contacts.by_id.values():
            contact.next_try = None
            for link in (*contact.links, *([contact.busy] if contact.busy is not None else [])):
                self._ledger.put(e.HangUp(link))
        self._ledger.put(e.Exit())

    def _stopped(self, reason: str) -> None:
        for contact in list(self._contacts.by_id.values()):
            if contact.peer.link in ("online", "connecting"):
                self._contacts.change(contact, link="offline")
        self._ledger.log(m.NodeStopped(reason=reason))

    def _ticked(self) -> None:
        now = self._ledger.now
        for contact in list(self._contacts.by_id.values()):
            # A wall clock that was set back must not put a try off for longer than any back-off.
            due = contact.next_try
            if due is not None and (due <= now or due > now + 2 * m.HEARTBEAT_MS * 60):
                contact.next_try = None
                self._outbox.pump(contact)

    def _fetched(self, fetched: s.Fetched) -> None:
        query = fetched.query
        if isinstance(query, e.Waiting):
            contact = self._contacts.by_id.get(query.peer)
            if contact is not None:
                self._outbox.fetched(contact, fetched.result)
        else:
            self._ledger.cause = query.cause
            self._commands.fetched(query, fetched.result)

    # -- links

    def _of(self, done: s.Transmitted) -> Contact | None:
        contact = self._outbox.dialled.get(done.link) or self._inbound.get(done.link)
        if contact is None:
            contact = next((c for c in self._contacts.by_id.values() if done.token in c.inflight), None)
        return contact

    def _opened(self, link: int) -> None:
        contact = self._outbox.dialled.get(link)
        if contact is None:
            self._ledger.put(e.HangUp(link))
            return
        if contact.busy == link:
            contact.busy = None
        contact.links.append(link)
        contact.greet = False
        self._contacts.change(contact, link="online", error=None)
        self._outbox.showed_up(contact)

    def _settled(self, settled: s.Settled) -> None:
        contact = self._outbox.dialled.get(settled.link)
        if contact is None:
            self._ledger.put(e.HangUp(settled.link))
            return
        if contact.peer.dialect_from == "guess":
            self._contacts.change(contact, dialect=settled.dialect)
        if settled.dialect == "snicher":
            self._opened(settled.link)

    def _closed(self, closed: s.Closed) -> None:
        contact = self._outbox.dialled.get(closed.link) or self._inbound.pop(closed.link, None)
        if contact is None:
            return
        was_open = closed.link in contact.links
        if was_open:
            contact.links.remove(closed.link)
            if not contact.links:
                self._contacts.change(contact, link="offline", error=closed.reason)
        one_shot = not was_open and contact.busy == closed.link and closed.reason is None
        if one_shot and contact.peer.dialect == "std":
            self._contacts.change(contact, link="reachable", error=None)
        worked = one_shot or bool(contact.links)
        self._outbox.ended(contact, closed.link, closed.reason, worked=worked)

    # -- what peers say

    def _heard(self, heard: s.Heard) -> None:
        port = heard.port
        texts: list[Text] = []
        contact: Contact | None = None
        try:
            for said in heard.said:
                if isinstance(said, Announced):
                    port = said.port if said.port is not None else port
                    if port is not None:
                        contact = self._claimed(heard, port)
                    continue
                speaker = self._speaker(heard, said, port)
                if contact is not None and speaker is not contact and texts:
                    self._receive(contact, texts)
                    texts = []
                contact = speaker
                if isinstance(said, Text):
                    if said.text.strip() or said.raw is not None:
                        texts.append(said)
                else:
                    self._receive(contact, texts)
                    texts = []
                    self._control(heard, contact, said)
            if contact is not None:
                self._receive(contact, texts)
                self._outbox.showed_up(contact)
        except OverflowError as error:
            self._ledger.tell(m.ConnectionNoticed(address=heard.host, what=f"Refused: {error}"))
            self._ledger.put(e.HangUp(heard.link))

    def _speaker(self, heard: s.Heard, said: Said, port: int | None) -> Contact:
        """Whom a thing said is from, with its name, dialect and link brought up to date."""
        assert not isinstance(said, Announced)
        contact = self._outbox.dialled.get(heard.link) or self._inbound.get(heard.link)
        if contact is None:
            claimed = said.port if said.port is not None else port
            contact = self._contacts.identify(heard.host, claimed, said.name, heard.dialect)
        self._keep(heard, contact)
        if said.name and said.name != contact.peer.name:
            self._contacts.change(contact, name=said.name)
        return contact

    def _claimed(self, heard: s.Heard, port: int) -> Contact:
        """The peer said on which port it listens."""
        contact = self._outbox.dialled.get(heard.link)
        if contact is not None:
            return contact
        before = self._inbound.get(heard.link)
        if before is not None and before.peer.port is None:
            contact = self._contacts.claim(before, port)
            for link, owner in self._inbound.items():
                if owner is before:
                    self._inbound[link] = contact
        elif before is not None and before.peer.port == port:
            contact = before
        else:
            if before is not None and heard.link in before.links:
                before.links.remove(heard.link)
            contact = self._contacts.identify(heard.host, port, None, heard.dialect)
        self._keep(heard, contact)
        return contact

    def _keep(self, heard: s.Heard, contact: Contact) -> None:
        """What a connection shows by being there: the dialect, and that it can be answered on."""
        self._contacts.revive(contact)
        if contact.peer.dialect_from != "chosen":
            if contact.peer.dialect != heard.dialect and heard.dialect == "std":
                # The guess yields to what the peer itself says; a link that rests on it goes.
                for link in contact.links:
                    self._ledger.put(e.HangUp(link))
            self._contacts.change(contact, dialect=heard.dialect, dialect_from="seen")
        if not heard.persistent:
            if not contact.links:
                self._contacts.change(contact, link="reachable", error=None)
            return
        if heard.link % 2 == 0:
            self._inbound[heard.link] = contact
        if heard.link not in contact.links and heard.link != contact.busy:
            contact.links.append(heard.link)
        if contact.links:
            self._contacts.change(contact, link="online", error=None)

    def _receive(self, contact: Contact, texts: list[Text]) -> None:
        if texts:
            self._contacts.seen(contact)
            self._rooms.receive(contact.peer.room, contact.id, contact.peer.name, texts)

    def _control(self, heard: s.Heard, contact: Contact, said: Hello | Goodbye) -> None:
        self._contacts.seen(contact)
        what = "said hello" if isinstance(said, Hello) else "said good-bye"
        self._rooms.notice(contact.peer.room, contact.id, contact.peer.name, f"{what} (“{said.word[:80]}”)")
        if isinstance(said, Goodbye):
            if heard.link in contact.links:
                contact.links.remove(heard.link)
                self._ledger.put(e.HangUp(heard.link))
            if not contact.links:
                self._contacts.change(contact, link="offline", error=None)
