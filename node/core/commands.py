"""What the commands of front ends mean. Pure.

Whatever a command does is decided whole or not at all: arguments are checked before the first record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from node.bus import messages as m
from node.core import effects as e
from node.core.contacts import Contact, Contacts
from node.core.ledger import Ledger
from node.core.outbox import Outbox
from node.core.rooms import Rooms
from node.core.stimuli import Commanded
from node.errors import CommandRefused
from node.model import Address, parse_address
from node.protocol.plain.registry import BY_NAME


class Commands:
    """One method for each command that changes something."""

    def __init__(
        self, ledger: Ledger, rooms: Rooms, contacts: Contacts, outbox: Outbox, settings: m.Settings, me: m.Self
    ) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        self._outbox = outbox
        self.settings = settings
        self.me = me
        self._run: dict[str, Callable[[Commanded], None]] = {
            "send": self._send,
            "resend": self._resend,
            "connect": self._connect,
            "disconnect": self._disconnect,
            "forget": self._forget,
            "mark_read": self._mark_read,
            "settings": self._settings,
        }

    def run(self, command: Commanded) -> None:
        """Carry out a command, or refuse it."""
        try:
            self._run[command.op](command)
        except CommandRefused as error:
            self._ledger.refuse(command.token, error.code, error.message, **error.details)
        except OverflowError as error:
            self._ledger.refuse(command.token, "busy", str(error))

    def fetched(self, query: e.CountRead | e.ReadMessage | e.WaitingIds, result: Any) -> None:
        """Go on with a command that had to ask the store."""
        if isinstance(query, e.CountRead):
            room = self._rooms.by_id.get(query.room)
            left = 0 if room is None else max(0, room.unread - result)
            self._read(query.token, query.key, query.room, query.upto, left)
        elif isinstance(query, e.ReadMessage):
            self._send_again(query, result)
        else:
            self._forgotten(query, result)

    # -- who is meant

    def _find(self, text: str) -> Contact | Address:
        """A peer by id, room, HOST:PORT or name; an address that nobody knows yet. Raises CommandRefused."""
        contact = self._contacts.by_id.get(text)
        if contact is None:
            room = self._rooms.by_id.get(text)
            contact = self._contacts.by_id.get(room.peer) if room is not None and room.peer else None
        if contact is not None:
            return contact
        named = self._contacts.named(text)
        if len(named) == 1:
            return named[0]
        if len(named) > 1:
            candidates = [{"id": c.id, "address": str(c.address or c.peer.host)} for c in named]
            raise CommandRefused(
                "ambiguous", f"{len(named)} peers go by the name {text!r}.", details={"candidates": candidates}
            )
        try:
            address = parse_address(text)
        except ValueError as error:
            if ":" in text:
                raise CommandRefused("invalid_args", str(error)) from None
            raise CommandRefused("not_found", f"Nobody goes by the name {text!r}.") from None
        if self._is_own(address):
            raise CommandRefused("own_address", f"{address} is this node itself.")
        return self._contacts.at(address.host, address.port) or address

    def _known(self, text: str) -> Contact:
        found = self._find(text)
        if isinstance(found, Address) or found.gone:
            raise CommandRefused("not_found", f"There is no peer {text!r}.")
        return found

    def _is_own(self, address: Address) -> bool:
        if str(address) in self.me.addresses or str(address) == self.me.listen:
            return True
        try:
            listen = parse_address(self.me.listen)
        except ValueError:
            return False
        wildcard = listen.host in ("0.0.0.0", "::")
        return wildcard and listen.port == address.port and (address.host == "::1" or address.host.startswith("127."))

    # -- the commands

    def _send(self, command: Commanded) -> None:
        args: m.SendArgs = command.args
        if not 1 <= len(args.messages) <= m.MAX_SEND:
            raise CommandRefused("invalid_args", f"`messages` holds 1 to {m.MAX_SEND} texts.")
        targets: list[Contact | Address] = []
        for index, outgoing in enumerate(args.messages):
            try:
                self._check_text(outgoing.text)
                target = self._find(outgoing.to)
                if isinstance(target, Contact) and target.address is None and not target.links:
                    raise CommandRefused(
                        "no_address",
                        f"{target.peer.name} never said on which port it listens, and isn't connected.",
                    )
            except CommandRefused as error:
                error.details["index"] = index
                raise
            targets.append(target)
        accepted = []
        touched: dict[str, Contact] = {}
        for outgoing, target in zip(args.messages, targets, strict=True):
            if isinstance(target, Address):
                target = self._contacts.at(target.host, target.port) or self._contacts.add(
                    target.host, target.port, None, "unknown", "guess"
                )
            self._contacts.revive(target)
            message = self._rooms.accept(target.peer.room, target.id, self.me, outgoing.text)
            accepted.append(message)
            touched[target.id] = target
            self._outbox.add(target, message)
        self._ledger.reply(command.token, m.SendResult(messages=accepted), command.key)

    def _check_text(self, text: str) -> None:
        if not text.strip().strip("\x00"):
            raise CommandRefused("text_empty", "A text has nothing in it that could be shown.")
        if len(text) > m.MAX_TEXT_BYTES or len(text.encode(errors="replace")) > m.MAX_TEXT_BYTES:
            raise CommandRefused("text_too_long", f"A text may hold {m.MAX_TEXT_BYTES} bytes.")

    def _resend(self, command: Commanded) -> None:
        args: m.ResendArgs = command.args
        self._ledger.put(e.Fetch(e.ReadMessage(command.token, command.cause, command.key, args.message)))

    def _send_again(self, query: e.ReadMessage, found: tuple[m.Message, str | None] | None) -> None:
        message, peer = found or (None, None)
        contact = self._contacts.by_id.get(peer) if peer is not None else None
        if message is None or contact is None:
            self._ledger.refuse(query.token, "not_found", f"There is no message {query.message} of ours.")
        elif message.state not in ("failed", "unconfirmed"):
            self._ledger.refuse(query.token, "not_resendable", f"The message is {message.state}.")
        else:
            self._contacts.revive(contact)
            self._rooms.state(message.room, message.id, "waiting")
            message = replace(message, state="waiting", detail=None)
            self._outbox.again(contact, message)
            self._ledger.reply(query.token, m.ResendResult(message=message), query.key)

    def _connect(self, command: Commanded) -> None:
        args: m.ConnectArgs = command.args
        if args.dialect not in ("auto", *BY_NAME):
            raise CommandRefused("invalid_args", f"`dialect` is auto, {', '.join(sorted(BY_NAME))}.")
        found = self._find(args.address)
        if isinstance(found, Address):
            found = self._contacts.add(found.host, found.port, None, "unknown", "guess")
        elif found.address is None and not found.links:
            raise CommandRefused("no_address", f"{found.peer.name} never said on which port it listens.")
        self._contacts.revive(found)
        if args.dialect != "auto":
            if found.peer.dialect != args.dialect:
                for link in found.links:
                    self._ledger.put(e.HangUp(link))
            self._contacts.change(found, dialect=args.dialect, dialect_from="chosen")
        elif found.peer.dialect_from == "chosen":
            self._contacts.change(found, dialect="unknown", dialect_from="guess")
        self._contacts.change(found, wanted=True)
        found.greet = True
        self._outbox.showed_up(found)
        self._ledger.reply(command.token, m.PeerResult(peer=found.peer), command.key)

    def _disconnect(self, command: Commanded) -> None:
        args: m.PeerArgs = command.args
        contact = self._known(args.peer)
        self._let_go(contact)
        self._contacts.change(contact, wanted=False, link="offline", error=None)
        self._ledger.reply(command.token, m.PeerResult(peer=contact.peer), command.key)

    def _let_go(self, contact: Contact) -> None:
        contact.paused = True
        contact.greet = False
        contact.next_try = None
        contact.attempt = 0
        for link in (*contact.links, *([contact.busy] if contact.busy is not None else [])):
            self._ledger.put(e.HangUp(link))
        contact.links.clear()

    def _forget(self, command: Commanded) -> None:
        args: m.PeerArgs = command.args
        contact = self._known(args.peer)
        self._ledger.put(e.Fetch(e.WaitingIds(command.token, command.cause, command.key, contact.id)))

    def _forgotten(self, query: e.WaitingIds, waiting: list[tuple[int, str]]) -> None:
        contact = self._contacts.by_id.get(query.peer)
        if contact is None or contact.gone:
            self._ledger.refuse(query.token, "not_found", "That peer is gone already.")
            return
        self._let_go(contact)
        kept = set(contact.inflight)
        for message, room in waiting:
            if message not in kept:
                self._rooms.state(room, message, "failed", "The peer was forgotten before this could be sent.")
        contact.waiting.clear()
        contact.more = False
        self._contacts.forget(contact)
        self._ledger.reply(query.token, m.Nothing(), query.key)

    def _mark_read(self, command: Commanded) -> None:
        args: m.MarkReadArgs = command.args
        room = self._rooms.by_id.get(args.room)
        if room is None:
            raise CommandRefused("not_found", f"There is no room {args.room!r}.")
        newest = self._ledger.last_message
        upto = newest if args.upto is None else min(args.upto, newest)
        if upto <= room.read_upto or room.unread == 0:
            # Nothing to read: no event, so that dashboards that say so again don't fill the log.
            result = m.MarkReadResult(read_upto=room.read_upto, unread=room.unread)
            self._ledger.reply(command.token, result, command.key)
        elif room.last is not None and upto >= room.last.id:
            self._read(command.token, command.key, room.id, upto, 0)
        else:
            query = e.CountRead(command.token, command.cause, command.key, room.id, room.read_upto, upto)
            self._ledger.put(e.Fetch(query))

    def _read(self, token: int, key: e.Key | None, room_id: str, upto: int, unread: int) -> None:
        room = self._rooms.by_id.get(room_id)
        if room is None:
            self._ledger.refuse(token, "not_found", "That room is gone.")
            return
        if upto > room.read_upto:
            self._rooms.read(room_id, upto, unread)
        room = self._rooms.by_id[room_id]
        result = m.MarkReadResult(read_upto=room.read_upto, unread=room.unread)
        self._ledger.reply(token, result, key)

    def _settings(self, command: Commanded) -> None:
        args: m.SettingsArgs = command.args
        settings = self.settings
        if args.name is not None:
            name = args.name.strip()
            if not 1 <= len(name) <= m.MAX_NAME_CHARS or not name.isprintable():
                raise CommandRefused(
                    "invalid_args", f"A name has 1 to {m.MAX_NAME_CHARS} characters and no line breaks."
                )
            settings = replace(settings, name=name)
        if args.reconnect is not None:
            settings = replace(settings, reconnect=args.reconnect)
        if settings != self.settings:
            self.settings = settings
            self.me = replace(self.me, name=settings.name)
            self._outbox.reconnect = settings.reconnect
            self._ledger.put(e.PutSettings(settings, self.me))
            self._ledger.log(m.SettingsChanged(settings=settings, self=self.me))
        self._ledger.reply(command.token, m.SettingsResult(settings=settings), command.key)
