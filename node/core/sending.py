"""`send` and `resend`: which texts are taken, and what each becomes. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core.blocking import Blocking
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.outbox import Outbox
from node.core.replication import Replication
from node.core.rooms import Rooms
from node.core.stimuli import Commanded
from node.errors import CommandRefused
from node.model import Address
from node.printable import can_be_seen

#: Most resent messages remembered, because answers from the store may still show their old state.
MAX_RESENT = 1_024


class Sending:
    """Takes texts that people here say, and those that they say again."""

    def __init__(
        self,
        ledger: Ledger,
        rooms: Rooms,
        contacts: Contacts,
        outbox: Outbox,
        replication: Replication,
        blocking: Blocking,
    ) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        self._outbox = outbox
        self._replication = replication
        self._blocking = blocking
        #: Recently resent messages, each with the event about it.
        self._resent: dict[int, int] = {}

    def send(self, command: Commanded, me: nouns.Self, find: Callable[[str], Contact | Address]) -> None:
        """Take texts, all or none. `find` says who is meant, and raises CommandRefused. Raises CommandRefused."""
        args: rq.SendArgs = command.args
        if not 1 <= len(args.messages) <= bounds.MAX_SEND:
            raise CommandRefused("invalid_args", f"`messages` holds 1 to {bounds.MAX_SEND} texts.")
        found: dict[str, Contact | Address] = {}
        for index, outgoing in enumerate(args.messages):
            try:
                _check_text(outgoing.text)
                if outgoing.to not in found:
                    found[outgoing.to] = self._recipient(find(outgoing.to))
            except CommandRefused as error:
                error.details["index"] = index
                raise
        strangers = (
            target if isinstance(target, Address) else target.id
            for target in found.values()
            if isinstance(target, Address) or target.peer.standing == "stranger"
        )
        self._contacts.check_room_for(len(set(strangers)))
        for target in found.values():
            if isinstance(target, Contact):
                # First of all, so that a recipient doesn't leave the list to make room for others.
                self._contacts.stand(target, "known")
        accepted: dict[int, nouns.Message] = {}
        for contact, indexes in self._runs(args.messages, found):
            messages = self._accept(contact, me, [args.messages[index].text for index in indexes])
            accepted |= zip(indexes, messages, strict=True)
        self._ledger.reply(
            command.token, rq.SendResult(messages=[accepted[index] for index in sorted(accepted)]), command.key
        )

    def _recipient(self, target: Contact | Address) -> Contact | Address:
        """The same, if it may be written to. Raises CommandRefused."""
        self._blocking.check(target)
        if isinstance(target, Contact):
            check_answerable(target)
        return target

    def _runs(
        self, messages: Sequence[rq.Outgoing], found: dict[str, Contact | Address]
    ) -> Iterator[tuple[Contact, list[int]]]:
        """The messages by recipient, as their indexes: in clear those that follow each other, in their order.

        Then all to each node, because a signature costs as much as fifty messages.
        """
        to_nodes: dict[str, tuple[Contact, list[int]]] = {}
        for to, run in itertools.groupby(range(len(messages)), lambda index: messages[index].to):
            target = found[to]
            if isinstance(target, Address):
                target = found[to] = self._contacts.at(target.host, target.port) or self._contacts.add(
                    target.host, target.port, None, "unknown", "guess"
                )
            if _becomes_entries(target):
                to_nodes.setdefault(target.id, (target, []))[1].extend(run)
            else:
                yield target, list(run)
        yield from to_nodes.values()

    def _accept(self, contact: Contact, me: nouns.Self, texts: list[str]) -> list[nouns.Message]:
        self._contacts.revive(contact)
        room = contact.peer.room
        if _becomes_entries(contact):
            messages = self._replication.say(room, me, texts)
            self._outbox.hurry(contact)
        else:
            messages = self._rooms.accept(room, contact.id, me, texts)
            self._outbox.add(contact, messages)
        return messages

    def resend(self, command: Commanded) -> None:
        """Ask the store what became of a message; `message_read` goes on."""
        args: rq.ResendArgs = command.args
        self._read_message(command.token, command.cause, command.key, args.message)

    def _read_message(self, token: int, cause: ev.Cause | None, key: q.Key | None, message: int) -> None:
        self._ledger.put(e.Fetch(q.ReadMessage(token, cause, key, message, self._ledger.head)))

    def message_read(self, query: q.ReadMessage, found: tuple[nouns.Message, str | None] | None) -> None:
        """Resend a message, which the store has `found` with its recipient. Raises CommandRefused."""
        message, peer = found or (None, None)
        if message is None or peer is None:
            raise CommandRefused("not_found", f"There is no message {query.message} of ours.")
        again = self._resent.get(message.id, -1) > query.head or message.room not in self._rooms.by_id
        if again or self._rooms.expired_since(message.room, message.id, query.head):
            # The answer is stale: since the query, the message was resent by another front end, moved, or deleted.
            self._read_message(query.token, query.cause, query.key, query.message)
            return
        if message.state not in ("failed", "unconfirmed"):
            raise CommandRefused("not_resendable", f"The message is {message.state}.")
        contact = self._contacts.by_id[peer]
        self._blocking.check(contact)
        check_answerable(contact)
        self._contacts.stand(contact, "known")
        self._contacts.revive(contact)
        self._rooms.state(message.room, message.id, contact.id, "waiting")
        self._resent[message.id] = self._ledger.head
        if len(self._resent) > MAX_RESENT:
            del self._resent[next(iter(self._resent))]
        message = replace(message, state="waiting", detail=None)
        self._outbox.again(contact, message)
        self._ledger.reply(query.token, rq.ResendResult(message=message), query.key)


def check_answerable(contact: Contact) -> None:
    """Raises CommandRefused when there is no way to reach this peer, or none that is allowed.

    Entries for a node are taken in any case: they travel as soon as the two meet.
    """
    if contact.is_node:
        return
    if contact.node_here:
        raise CommandRefused("clear_text_refused", contact.not_dialled or "")
    if contact.address is None and not contact.links:
        raise CommandRefused(
            "no_address", f"{contact.peer.name} never said on which port it listens, and isn't connected."
        )
    if contact.not_dialled is not None and not contact.links:
        raise CommandRefused("service_port", contact.not_dialled)


def _becomes_entries(contact: Contact) -> bool:
    """Whether what is said to a peer becomes entries. Behind messages that still wait in clear, it waits with them."""
    return contact.is_node and not contact.queue.pending


def _check_text(text: str) -> None:
    if not can_be_seen(text):
        raise CommandRefused("text_empty", "A text has nothing in it that could be shown.")
    if len(text) > bounds.MAX_TEXT_BYTES or len(text.encode(errors="replace")) > bounds.MAX_TEXT_BYTES:
        raise CommandRefused("text_too_long", f"A text may hold {bounds.MAX_TEXT_BYTES} bytes.")
