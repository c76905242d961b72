"""The commands of front ends. Pure.

A command is decided as a whole or not at all: all arguments are checked before the first record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_never

from msgspec.structs import replace

from node import names
from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.adding import Adding
from node.core.belief import Belief
from node.core.blocking import Blocking
from node.core.connections import Connections
from node.core.consumers import Consumers
from node.core.contact import Contact
from node.core.contacts import ANYWHERE, Contacts
from node.core.door import Door
from node.core.ledger import Ledger
from node.core.nearby import Nearby
from node.core.outbox import Outbox
from node.core.presence import Presences
from node.core.replication import Replication
from node.core.rooms import Rooms
from node.core.sending import Sending, check_answerable
from node.core.settings import Fixed, changed, checked_reset
from node.core.static import Static
from node.core.stimuli import Commanded
from node.core.trust import Trust
from node.errors import CommandRefused
from node.model import Address, is_id, is_ip, parse_address
from node.protocol.plain.registry import BY_NAME

#: Peers listed when a name is ambiguous.
MAX_CANDIDATES = 50


class Commands:
    """One method for each command that changes something."""

    def __init__(
        self,
        ledger: Ledger,
        rooms: Rooms,
        contacts: Contacts,
        outbox: Outbox,
        connections: Connections,
        consumers: Consumers,
        belief: Belief,
        replication: Replication,
        trust: Trust,
        door: Door,
        blocking: Blocking,
        presences: Presences,
        static: Static,
        nearby: Nearby,
        settings: nouns.Settings,
        me: nouns.Self,
        saved: dict[str, Any],
        fixed: Mapping[str, Fixed],
        unchanged: nouns.Settings,
    ) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        self._outbox = outbox
        self._connections = connections
        self._consumers = consumers
        self._replication = replication
        self._door = door
        self._trust = trust
        self._blocking = blocking
        self._presences = presences
        self._static = static
        self._nearby = nearby
        self.settings = settings
        self.me = me
        #: The settings changed by front ends, and the name; saved for the next start.
        self.saved = saved
        self._fixed = fixed
        #: The settings as they would be without changes by front ends.
        self._unchanged = unchanged
        #: Why sending is refused while the disk is nearly full; None: it isn't.
        self.no_room: str | None = None
        self._sending = Sending(ledger, rooms, contacts, outbox, replication, blocking)
        adding = Adding(ledger, contacts, connections, trust, blocking)
        self._run: dict[str, Callable[[Commanded], None]] = {
            "send": lambda command: self._sending.send(command, self.me, self._find),
            "resend": self._sending.resend,
            "connect": self._connect,
            "disconnect": self._disconnect,
            "trust": self._trust_it,
            "verify": lambda command: trust.verify(command, self.known),
            "unverify": lambda command: trust.unverify(command, self.known),
            "accept": lambda command: door.accept(command, self._unblocked),
            "refuse": lambda command: door.refuse(command, self._with_conversation),
            "add": lambda command: adding.add(command, self.me.id),
            "block": self._block,
            "unblock": lambda command: blocking.unblock(command, self._find),
            "typing": self._typing,
            "forget": self._forget,
            "rename": self._rename,
            "merge": self._merge,
            "delete": self._delete,
            "mark_read": self._mark_read,
            "settings": self._settings,
            "consumer_create": consumers.create,
            "consumer_acknowledge": consumers.acknowledge,
            "consumer_drop": consumers.drop,
            "trust_clock": belief.trust,
        }

    def run(self, command: Commanded) -> None:
        """Carry out a command, or refuse it."""
        try:
            if self.no_room is not None and command.op in ("send", "resend"):
                raise CommandRefused("store_unavailable", self.no_room)
            self._run[command.op](command)
        except CommandRefused as error:
            self._ledger.refuse(command.token, error.code, error.message, **error.details)
        except OverflowError as error:
            self._ledger.refuse(command.token, "busy", str(error))

    def fetched(self, answer: s.CommandFetched) -> None:
        """Go on with a command that had to ask the store."""
        try:
            match answer:
                case s.ReadCounted():
                    self._counted(answer.query, answer.count)
                case s.MessageRead():
                    self._sending.message_read(answer.query, answer.found)
                case s.OldestRead():
                    self._consumers.fetched(answer.query, answer.oldest)
                case _:
                    assert_never(answer)
        except CommandRefused as error:
            self._ledger.refuse(answer.query.token, error.code, error.message, **error.details)

    # -- who is meant

    def _find(self, text: str) -> Contact | Address:
        """The peer with this id, room, HOST:PORT or name, or an address without a peer. Raises CommandRefused."""
        contact = self._contacts.by_id.get(text)
        if contact is None:
            room = self._rooms.named(text)
            contact = self._contacts.by_id.get(room.peer) if room is not None and room.peer else None
        if contact is not None:
            return contact
        if is_id(text):
            # A text in the shape of an id is never a name, because anybody may choose it as his name.
            raise CommandRefused("not_found", f"There is no peer or conversation with the id {text!r}.")
        # An address comes before a name, because anybody may choose an address as his name.
        try:
            address = parse_address(text)
        except ValueError as error:
            unreadable = error
        else:
            if self._contacts.is_own(address):
                raise CommandRefused("own_address", f"{address} is this node itself.")
            if address.host in ANYWHERE:
                raise CommandRefused("invalid_args", f"{address.host} is not an address that can be dialled.")
            return self._contacts.at(address.host, address.port) or address
        named = self._contacts.named(text)
        if len(named) == 1:
            return named[0]
        if len(named) > 1:
            candidates = [
                {"id": c.id, "address": str(c.address or c.peer.host)} | ({"code": c.peer.code} if c.is_node else {})
                for c in named[:MAX_CANDIDATES]
            ]
            raise CommandRefused(
                "ambiguous", f"{len(named)} peers go by the name {text!r}.", details={"candidates": candidates}
            )
        self._blocking.check_name(text)
        if ":" in text or is_ip(text):
            raise CommandRefused("invalid_args", str(unreadable))
        raise CommandRefused("not_found", f"Nobody goes by the name {text!r}.")

    def known(self, text: str) -> Contact:
        """The peer on the list that is meant. Raises CommandRefused."""
        found = self._find(text)
        if isinstance(found, Address) or found.gone:
            raise CommandRefused("not_found", f"There is no peer {text!r}.")
        return found

    # -- the commands

    def _connect(self, command: Commanded) -> None:
        args: rq.ConnectArgs = command.args
        if args.dialect not in ("auto", *BY_NAME):
            raise CommandRefused("invalid_args", f"`dialect` is auto, {', '.join(sorted(BY_NAME))}.")
        found = self._find(args.address)
        if command.hostname is not None:
            found = self._contacts.places.by_hostname(command.hostname) or found
        self._blocking.check(found)
        if isinstance(found, Contact) and found.is_node:
            if args.dialect != "auto":
                raise CommandRefused("invalid_args", f"{found.peer.name} is a Snicher node; it has no other dialect.")
            if not found.addresses and not found.links:
                raise CommandRefused("no_address", f"No address of {found.peer.name} is known.")
        if isinstance(found, Address):
            found = self._contacts.add(found.host, found.port, None, "unknown", "guess")
        else:
            # A person who gives an address means it, whatever service usually has that port. An id or a name doesn't
            # say that.
            by_address = args.address not in self._rooms.by_id and _is_address(args.address)
            if not by_address:
                check_answerable(found)
            if found.peer.standing == "stranger":
                self._contacts.check_room_for(1)
            self._contacts.stand(found, "asked" if by_address else "known")
            self._contacts.revive(found)
        if args.dialect != "auto":
            if found.peer.dialect != args.dialect:
                for link in found.links:
                    self._connections.hang_up(found, link.number)
            self._contacts.change(found, dialect=args.dialect, dialect_from="chosen")
        elif found.peer.dialect_from == "chosen" or (found.peer.dialect_from == "guess" and found.one_shot):
            # A guess is asked again: a node that was slow once would be taken for an old client for ever, because
            # nobody says CONNECT to those.
            self._contacts.change(found, dialect="unknown", dialect_from="guess")
        if command.hostname is not None:
            self._contacts.places.name_hosts(found, [command.hostname])
        elif found.is_node and _is_address(args.address):
            self._contacts.places.learn(found, [parse_address(args.address)], "typed")
        self._contacts.change(found, wanted=True)
        self._connections.want(found)
        self._ledger.reply(command.token, rq.PeerResult(peer=found.peer), command.key)

    def _trust_it(self, command: Commanded) -> None:
        args: rq.TrustArgs = command.args
        rival = self.known(args.peer).peer.rival
        if rival is not None and not args.plain and self._blocking.has_node(rival):
            raise CommandRefused("blocked", "Whoever has the other key is blocked; unblock them first.")
        self._trust.decide(command, self.known)

    def _block(self, command: Commanded) -> None:
        args: rq.PeerArgs = command.args
        if args.peer == self.me.id:
            raise CommandRefused("own_address", "That is this node itself.")
        self._blocking.block(command, self._find)

    def _disconnect(self, command: Commanded) -> None:
        args: rq.PeerArgs = command.args
        contact = self.known(args.peer)
        self._connections.part(contact)
        self._contacts.change(contact, wanted=False, link="offline", error=None)
        self._ledger.reply(command.token, rq.PeerResult(peer=contact.peer), command.key)

    def _typing(self, command: Commanded) -> None:
        args: rq.TypingArgs = command.args
        room = self._rooms.named(args.room)
        if room is None:
            raise CommandRefused("not_found", f"There is no room {args.room!r}.")
        self._replication.reading.types(room.id, args.stopped)
        self._ledger.reply(command.token, rq.Nothing(), command.key)

    def _forget(self, command: Commanded) -> None:
        args: rq.PeerArgs = command.args
        contact = self.known(args.peer)
        self._contacts.forget(contact)
        self._connections.forget(contact)
        self._outbox.pump(contact)
        self._ledger.reply(command.token, rq.Nothing(), command.key)

    def _rename(self, command: Commanded) -> None:
        args: rq.RenameArgs = command.args
        contact = self.known(args.peer)
        try:
            name = names.checked(args.name, may_be_empty=True)
        except ValueError as error:
            raise CommandRefused("invalid_args", str(error)) from error
        self._contacts.rename(contact, name)
        if name:
            self._contacts.stand(contact, "known")
        self._ledger.reply(command.token, rq.PeerResult(peer=contact.peer), command.key)

    def _with_conversation(self, text: str) -> Contact:
        """A peer with a conversation, on the list or not. Raises CommandRefused."""
        found = self._find(text)
        if isinstance(found, Address):
            raise CommandRefused("not_found", f"There is no conversation with {text!r}.")
        return found

    def _unblocked(self, text: str) -> Contact:
        """As `_with_conversation`, for what brings somebody in. Raises CommandRefused."""
        found = self._with_conversation(text)
        self._blocking.check(found)
        return found

    def _merge(self, command: Commanded) -> None:
        args: rq.MergeArgs = command.args
        gone, into = self._with_conversation(args.peer), self._with_conversation(args.into)
        if gone is into:
            raise CommandRefused("invalid_args", "That is one conversation already.")
        if gone.is_node:
            raise CommandRefused(
                "invalid_args",
                f"The conversation with {gone.peer.name} is that of a key, and becomes no part of another one.",
            )
        self._blocking.check(gone)
        self._blocking.check(into)
        self._contacts.unite(gone, into)
        self._contacts.stand(into, "known")
        self._connections.adopt(gone, into)
        self._outbox.pump(into)
        self._ledger.reply(command.token, rq.PeerResult(peer=into.peer), command.key)

    def _delete(self, command: Commanded) -> None:
        args: rq.PeerArgs = command.args
        self._door.drop(self._with_conversation(args.peer))
        self._ledger.reply(command.token, rq.Nothing(), command.key)

    def _mark_read(self, command: Commanded) -> None:
        args: rq.MarkReadArgs = command.args
        newest = self._ledger.last_message
        upto = newest if args.upto is None else min(args.upto, newest)
        self._mark(command.token, command.cause, command.key, args.room, upto)

    def _mark(self, token: int, cause: ev.Cause | None, key: q.Key | None, room_id: str, upto: int) -> None:
        room = self._rooms.named(room_id)
        if room is None:
            raise CommandRefused("not_found", f"There is no room {room_id!r}.")
        room_id = room.id
        # Nothing is left to read: log no event, so that dashboards that repeat the command don't fill the log.
        if upto > room.read_upto and room.unread:
            if room.last is None or upto < self._rooms.received_upto(room_id):
                revision = self._rooms.revision(room_id)
                self._ledger.put(e.Fetch(q.CountRead(token, cause, key, room_id, room.read_upto, upto, revision)))
                return
            self._rooms.read(room_id, upto, 0)
            self._replication.reading.moved(room_id)
        self._marked(token, key, room_id)

    def _counted(self, query: q.CountRead, count: int) -> None:
        room = self._rooms.by_id.get(query.room)
        if room is None or self._rooms.revision(query.room) != query.revision:
            # The answer is stale: the room was read or merged since the query.
            self._mark(query.token, query.cause, query.key, query.room, query.upto)
            return
        self._rooms.read(room.id, query.upto, max(0, room.unread - count))
        self._replication.reading.moved(room.id)
        self._marked(query.token, query.key, room.id)

    def _marked(self, token: int, key: q.Key | None, room_id: str) -> None:
        room = self._rooms.by_id[room_id]
        self._ledger.reply(token, rq.MarkReadResult(read_upto=room.read_upto, unread=room.unread), key)

    def _settings(self, command: Commanded) -> None:
        args: rq.SettingsArgs = command.args
        reset = checked_reset(args)
        changes = changed(self.settings, args, self._fixed)
        saved = {key: value for key, value in self.saved.items() if key not in reset} | changes
        if "name" in reset and "name" in self._fixed:
            # As at a start, a name that was given is saved for the next one.
            saved["name"] = self._unchanged.name
        settings = replace(self.settings, **changes, **{key: getattr(self._unchanged, key) for key in reset})
        if (settings, saved) != (self.settings, self.saved):
            before, self.settings, self.saved = self.settings, settings, saved
            self.me = replace(self.me, name=self.settings.name)
            self._contacts.own_name = self.me.name
            self._ledger.put(e.PutSettings(self.settings, self.me, self.saved))
            self._ledger.log(ev.SettingsChanged(settings=self.settings, self=self.me))
            self._connections.set_reconnect(self.settings.reconnect)
            self._replication.reading.share(self.settings.share_reading)
            self._door.set(self.settings)
            self._door.changed(before)
            self._presences.set(self.settings)
            self._static.set(self.settings.static_peers)
            self._nearby.set(self.settings)
        self._ledger.reply(command.token, rq.SettingsResult(settings=self.settings), command.key)


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except ValueError:
        return False
    return True
