"""The entry to all decisions: a stimulus goes in, its effects come out. Pure.

The same stimuli at the same times give the same effects. After a failed commit, a new `Node` is loaded from the store.
State that was only in memory either comes again from the links, or doesn't matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import settings, views
from node.core import stimuli as s
from node.core.acquaintances import acquaintance, acquaintances
from node.core.authoring import Author
from node.core.belief import Belief
from node.core.blocking import Blocking
from node.core.commands import Commands
from node.core.connections import Connections
from node.core.consumers import Consumers
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.dialback import DialBack
from node.core.dialling import Dialling, next_try
from node.core.door import Door
from node.core.exchange import Exchange
from node.core.expiry import Expiry
from node.core.facts import Acquaintance
from node.core.greetings import Greetings
from node.core.identity import Identity
from node.core.ledger import Ledger
from node.core.limits import Limits
from node.core.links import Links
from node.core.loaded import Loaded
from node.core.nearby import Nearby
from node.core.outbox import Outbox
from node.core.plain import Plain
from node.core.presence import Presences
from node.core.quotas import Quotas
from node.core.replication import Replication
from node.core.requests import Requests
from node.core.rooms import Rooms
from node.core.secure import Secure
from node.core.space import Space
from node.core.static import Static
from node.core.trust import Trust
from node.core.vectors import Vectors
from node.model import Address, parse_address

#: A wall clock that goes back by more than this was set by somebody; less is the system's own adjustment.
SET_BACK_MS = 1_000

TOO_MANY_SHELVED = "Too many strangers have written whom nobody answered: the oldest conversation with one was deleted."


class Node:
    """All decisions of one node."""

    def __init__(self, loaded: Loaded, identity: Identity, *, last_link: int = -1) -> None:
        self._identity = identity
        self._ledger = Ledger(loaded.log, loaded.head, loaded.clock, loaded.last_message, last_link)
        self._rooms = Rooms(self._ledger, loaded.rooms)
        # A peer whose conversation was merged into another one has no room, so it no longer exists.
        rows = [row for row in loaded.peers if row.peer.room in self._rooms.by_id]
        contacts = [Contact(row.peer, gone=row.gone, more_on_disk=row.waiting, paths=row.paths) for row in rows]
        me_id = identity.peer_id
        self._contacts = Contacts(self._ledger, self._rooms, me_id, contacts, loaded.last_plain)
        self._links = Links()
        self._dialling = Dialling(self._ledger, self._contacts, self._links, me_id)
        author = Author(self._ledger, me_id, identity.sign, identity.secret)
        vectors = Vectors(loaded.rows)
        requests = Requests(self._ledger, self._rooms, loaded.requests)
        for known in sorted(contacts, key=lambda one: one.peer.last_seen or 0):
            requests.load(known)
        self._replication = Replication(
            self._ledger, self._rooms, self._contacts, author, vectors, loaded.receipts, requests
        )
        self._outbox = Outbox(self._ledger, self._rooms, self._contacts, self._links, self._dialling, self._replication)
        self._connections = Connections(self._ledger, self._contacts, self._links, self._dialling, self._outbox)
        self._trust = Trust(self._ledger, self._contacts, self._links, self._dialling, self._connections, self._outbox)
        self._door = Door(
            self._ledger,
            self._rooms,
            self._contacts,
            self._links,
            self._dialling,
            self._connections,
            self._replication,
            requests,
            loaded.refused,
        )
        self._blocking = Blocking(
            self._ledger, self._contacts, self._links, self._connections, self._replication, loaded.blocked
        )
        self._plain = Plain(
            self._ledger,
            self._rooms,
            self._contacts,
            self._links,
            self._dialling,
            self._connections,
            self._trust,
            self._door,
        )
        self._exchange = Exchange(self._ledger, me_id, self._rooms, self._contacts, self._links, self._connections)
        self._presences = Presences(self._ledger, self._contacts, self._links)
        self._static = Static(self._ledger, me_id, self._contacts, self._connections, self._blocking)
        self._dialback = DialBack(self._ledger, self._contacts, self._links)
        self._secure = Secure(
            self._ledger,
            me_id,
            identity.instance,
            identity.run,
            self._contacts,
            self._links,
            self._dialling,
            self._connections,
            self._outbox,
            self._replication,
            self._trust,
            self._door,
            self._blocking,
            self._exchange,
            self._presences,
            self._dialback,
        )
        self._nearby = Nearby(
            self._ledger, me_id, identity.secret, self._rooms, self._contacts, self._links, self._connections,
            self._blocking,
        )  # fmt: skip
        for sending in loaded.sending:
            contact = self._contacts.by_id.get(sending.peer)
            if contact is not None:
                self._outbox.queues.load(contact, sending.message, sending.room, sending.text)
        self._quotas = Quotas(self._ledger, identity.quota, loaded.shut_out)
        self._limits = Limits(
            self._ledger, self._contacts, self._links, self._connections, self._blocking, self._plain, self._secure,
            self._quotas,
        )  # fmt: skip
        self._space = Space(self._ledger)
        self._greetings = Greetings(
            self._ledger, self._contacts, self._links, self._dialling, self._blocking, loaded.greetings
        )
        saved = settings.saved_for(loaded.saved, loaded.settings)
        # Except the name: a core loaded in the middle of a run keeps a name that was changed since the start.
        fixed = {key: one for key, one in identity.fixed.items() if key != "name"}
        current = settings.in_force(identity.default_name, saved, fixed)
        me = nouns.Self(id=identity.peer_id, code=identity.code, name=current.name, listen="", addresses=[])
        self.belief = Belief(self._ledger, loaded.believed)
        self.belief.keep_days = current.keep_days
        self._consumers = Consumers(self._ledger, loaded.consumers, self.belief)
        self._commands = Commands(
            self._ledger,
            self._rooms,
            self._contacts,
            self._outbox,
            self._connections,
            self._consumers,
            self.belief,
            self._replication,
            self._trust,
            self._door,
            self._blocking,
            self._presences,
            self._static,
            self._nearby,
            current,
            me,
            saved,
            identity.fixed,
            settings.in_force(identity.default_name, {}, identity.fixed),
        )
        self._dialling.reconnect = current.reconnect
        self._replication.reading.shared = current.share_reading
        self._door.set(current)
        self._presences.set(current)
        self._static.set(current.static_peers)
        self._nearby.load(current)
        self.expiry = Expiry(self._ledger, self._rooms, self._contacts, self.belief)

    @property
    def head(self) -> int:
        """`seq` of the newest event decided, which may not be on disk yet."""
        return self._ledger.head

    @property
    def last_link(self) -> int:
        """The last link id given out; a core that is loaded again goes on from it."""
        return self._ledger.last_link

    @property
    def me(self) -> nouns.Self:
        """This node as front ends see it."""
        return self._commands.me

    @property
    def name(self) -> str:
        """The team name that plain peers see."""
        return self._commands.me.name

    @property
    def settings(self) -> nouns.Settings:
        """The settings in force."""
        return self._commands.settings

    @property
    def saved(self) -> dict[str, Any]:
        """The settings that are kept for the next start."""
        return self._commands.saved

    def greetings(self) -> list[nouns.Greeting]:
        """The outcomes of greeting the mandatory peers at this start."""
        return list(self._greetings.all.values())

    def consumers_used(self) -> dict[str, int]:
        """When each consumer was last used."""
        return self._consumers.used()

    def shut_out(self) -> dict[str, int]:
        """Source addresses over their quota, each with the time (ms) until which it is shut out."""
        return {host: until for host, until in self._quotas.shut_out.items() if until > self._ledger.now}

    def in_use(self, link: int) -> bool:
        """Whether this link carries messages to a peer that people here know."""
        contact = self._connections.owner(link)
        if contact is None or contact.peer.standing == "stranger" or not contact.links:
            return False
        return contact.links[-1].number == link

    def next_tries(self, peers: Iterable[str] | None = None) -> list[nouns.NextTry]:
        """The next tries of these peers (None: of all), soonest first."""
        known = self._contacts.by_id
        found = known.values() if peers is None else [known[peer] for peer in peers if peer in known]
        waiting = [c for c in found if c.tries.next_at is not None and not c.gone]
        return [next_try(c) for c in sorted(waiting, key=lambda c: c.tries.next_at or 0)]

    def nearby(self) -> nouns.Nearby:
        """Who is seen on this network."""
        return self._nearby.here()

    def links(self, peer: str) -> list[nouns.Link]:
        """The encrypted links with a peer, the one in use last. Raises CommandRefused if there is no such peer."""
        return views.links(self._commands.known(peer))

    def paths(self, peer: str) -> list[nouns.Path]:
        """The addresses of a node, as they are tried. Raises CommandRefused if there is no such peer."""
        return views.paths(self._commands.known(peer))

    def acquaintance(self, peer: str) -> Acquaintance:
        """Somebody on the list, as the doctor looks at them. Raises CommandRefused if there is no such peer."""
        return acquaintance(self._commands.known(peer))

    def acquaintances(self) -> tuple[Acquaintance, ...]:
        """Whom the doctor looks at: those with a link, and known nodes without one."""
        return acquaintances(self._contacts.by_id.values())

    def why_waiting(self, peer: str) -> str | None:
        """Why messages wait for this peer, as a sentence; None: nothing keeps them."""
        contact = self._contacts.by_id.get(peer)
        return None if contact is None else views.why_waiting(contact)

    def link_of(self, peer: str) -> str | None:
        """How a peer is now, as front ends see it (Peer.link); None: nobody knows it."""
        contact = self._contacts.by_id.get(peer)
        return None if contact is None else contact.peer.link

    def next_deadline(self) -> int | None:
        """When a Ticked is due, in milliseconds since 1970; None: not before something else happens."""
        times = (
            self._dialling.next_deadline(),
            self._contacts.reachable.next_deadline(),
            self._consumers.next_deadline(),
            self._secure.next_deadline(),
            self._static.next_deadline(),
            self._nearby.next_deadline(),
        )
        return min((at for at in times if at is not None), default=None)

    def handle(self, stimulus: s.Stimulus, now: int) -> list[e.Effect]:
        """Decide what follows from `stimulus` at `now` (milliseconds since 1970)."""
        set_back = self._ledger.now - now
        if set_back > SET_BACK_MS:
            # The wall clock was set back; that must not postpone a retry.
            self._dialling.shift(-set_back)
            self._static.shift(-set_back)
            self._contacts.reachable.shift(-set_back)
            self._nearby.shift(-set_back)
        self._ledger.now = now
        self._ledger.cause = None
        self.belief.keep_days = self._commands.settings.keep_days
        match stimulus:
            case s.Heard():
                self._limits.heard(stimulus)
            case s.LinkUp():
                # Nothing follows from it.
                self._connections.up(stimulus)
                return self._ledger.take()
            case s.Transmitted():
                self._greetings.transmitted(stimulus)
                self._outbox.transmitted(stimulus)
            case s.Commanded():
                self._ledger.cause = stimulus.cause
                if self._outbox.closed:
                    self._ledger.refuse(stimulus.token, "stopping", "The node is going down.")
                else:
                    self._commands.run(stimulus)
            case s.Connected():
                if not self._greetings.ready(stimulus.link):
                    self._connections.connected(stimulus.link)
            case s.Opened():
                self._greetings.ready(stimulus.link)
                self._connections.opened(stimulus.link)
            case s.Settled():
                self._connections.settled(stimulus)
            case s.Closed():
                self._greetings.closed(stimulus.link, stimulus.reason)
                self._secure.ended(stimulus.link)
                contact = self._connections.owner(stimulus.link)
                self._connections.ended(
                    stimulus.link, stimulus.reason, stimulus.silent, said_bye=stimulus.code is not None
                )
                self._nearby.closed(stimulus.link, None if contact is None else contact.id)
                if contact is not None:
                    self._door.ended(contact, stimulus.code)
            case s.ConsumerAsked():
                self._consumers.asked(stimulus.name)
            case s.WaitingRead():
                self._outbox.fetched(stimulus.query, stimulus.rows)
            case s.UnreadCounted():
                self._rooms.recount(stimulus.query, stimulus.count)
            case s.OldFound():
                self.expiry.fetched(stimulus)
            case s.ReadCounted() | s.MessageRead() | s.OldestRead():
                self._ledger.cause = stimulus.query.cause
                self._commands.fetched(stimulus)
            case s.Framed():
                self._limits.framed(stimulus)
            case s.Served():
                self._replication.served(stimulus)
            case s.Secured():
                self._secured(stimulus)
            case s.KeyDiffered():
                self._trust.differed(stimulus.link, stimulus.found)
            case s.AnsweredLate():
                self._secure.late(stimulus)
            case s.DialBackWanted():
                self._dialback.ask()
            case s.TriedBack():
                self._dialback.tried(stimulus)
            case s.PlacesRead():
                self._replication.reading.placed(stimulus)
            case s.UnsignedRead():
                self._outbox.unsigned(stimulus.query, stimulus.messages)
            case s.SpaceMeasured():
                self._measured(stimulus)
            case s.ExpiryDue():
                if not self._outbox.closed:
                    self.expiry.due(stimulus)
            case s.ClockLooked():
                self.belief.look(now)
            case s.Ticked():
                self._ticked()
            case s.Started():
                self._started(stimulus)
            case s.NetworkChanged():
                self._network_changed(stimulus)
            case s.LookedUp():
                self._looked_up(stimulus)
            case s.Sighted():
                self._nearby.sighted(stimulus)
            case s.Vanished():
                self._nearby.vanished(stimulus.name)
            case s.Discovering():
                self._nearby.discovering(stimulus)
            case s.StopAsked():
                self._stop()
            case s.Stopped():
                self._stopped(stimulus.reason)
            case _:
                assert_never(stimulus)
        self._tidy()
        self._nearby.settle()
        self._connections.admit()
        return self._ledger.take()

    def _secured(self, up: s.Secured) -> None:
        self._greetings.secured(up.link)
        self._secure.opened(up, full=self._limits.is_full(up.peer))
        self._limits.opened(up)
        self._nearby.secured(up.link, up.peer)

    def _tidy(self) -> None:
        """Hang up strangers who left the list. Delete those without a text, and those beyond the bound."""
        for contact in self._contacts.shelved():
            self._connections.let_go(contact)
            if self._contacts.is_empty(contact):
                self._door.drop(contact)
        while (surplus := self._contacts.surplus()) is not None:
            self._ledger.tell(ev.ConnectionNoticed(address=surplus.peer.host, what=TOO_MANY_SHELVED))
            self._door.drop(surplus)
        self._door.tidy()
        for contact in self._contacts.just_known():
            self._exchange.known(contact)
            self._presences.known(contact)
        lost = self._dialling.just_failed()
        if lost:
            self._exchange.seek(lost)

    # -- the run

    def _started(self, start: s.Started) -> None:
        commands, ledger = self._commands, self._ledger
        if self._identity.name is not None:
            commands.settings = msgspec.structs.replace(commands.settings, name=self._identity.name)
            commands.saved = {**commands.saved, "name": self._identity.name}
        self._we_are(commands.settings.name, start.listen, start.addresses)
        ledger.put(e.PutSettings(commands.settings, commands.me, commands.saved))
        ledger.log(ev.NodeStarted(self=commands.me, settings=commands.settings, version=self._identity.version))
        self._quotas.start()
        self.belief.look(ledger.now)
        self._consumers.age()
        self._nearby.begin()
        self._greetings.start(start)
        self._static.start()
        self._connections.settle("The node ended while this was being sent; it may or may not have arrived.")

    def resume(self, listen: str, addresses: list[str], now: int) -> None:
        """Set what `Started` would, without an event, in a core that is loaded in the middle of a run."""
        self._ledger.now = now
        self._we_are(self._commands.settings.name, listen, addresses)

    def _network_changed(self, changed: s.NetworkChanged) -> None:
        """This machine has other addresses, or it has slept: tell others, and look what works."""
        commands = self._commands
        before = commands.me
        self._we_are(commands.settings.name, before.listen, changed.addresses)
        if commands.me != before:
            self._ledger.put(e.PutSettings(commands.settings, commands.me, commands.saved))
            self._ledger.log(ev.AddressesChanged(self=commands.me))
        self._exchange.moved()
        self._secure.network_changed()
        self._static.tick(at_once=True)
        self._connections.network_changed()
        self._nearby.network_changed()

    def _looked_up(self, found: s.LookedUp) -> None:
        port = parse_address(found.address).port
        addresses = [Address(host, port) for host in found.hosts or ()]
        contact = self._contacts.by_id.get(found.peer)
        if contact is not None:
            self._connections.looked_up(contact, addresses)
        elif not found.peer:
            self._static.looked_up(found.address, addresses)

    def _we_are(self, name: str, listen: str, addresses: list[str]) -> None:
        me = msgspec.structs.replace(self._commands.me, name=name, listen=listen, addresses=addresses)
        self._commands.me = me
        self._contacts.we_are(me)

    def recovered(self, now: int) -> list[e.Effect]:
        """The disk works again, and the stimuli held meanwhile were handled. Returns the effects."""
        self._ledger.now = now
        self._ledger.cause = None
        self._greetings.settle("The disk failed meanwhile.")
        self._static.start()
        self._connections.settle("The disk failed while this was being sent; it may or may not have arrived.")
        self._nearby.begin()
        return self._ledger.take()

    def _stop(self) -> None:
        self._nearby.stop()
        self._connections.close()
        self._ledger.put(e.Exit())

    def _stopped(self, reason: str) -> None:
        for contact in list(self._contacts.by_id.values()):
            self._connections.offline(contact)
        self._ledger.log(ev.NodeStopped(reason=reason))

    def _measured(self, space: s.SpaceMeasured) -> None:
        if not self.belief.doubts(self._ledger.now):
            self._contacts.age_strangers()
        self._commands.no_room = self._space.measured(space)

    def _ticked(self) -> None:
        self._contacts.age()
        self._consumers.age()
        self._secure.tick()
        self._static.tick()
        self._dialling.tick()
        self._nearby.tick()
        for contact in self._dialling.retries.due(self._ledger.now):
            self._outbox.pump(contact)
