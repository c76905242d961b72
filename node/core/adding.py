"""Adding somebody by an invite. Pure."""

from __future__ import annotations

from node import invites
from node.bus import requests as rq
from node.core.blocking import Blocking
from node.core.connections import Connections
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.stimuli import Commanded
from node.core.trust import Trust
from node.errors import CommandRefused
from node.model import is_ip


class Adding:
    """Takes invites."""

    def __init__(
        self, ledger: Ledger, contacts: Contacts, connections: Connections, trust: Trust, blocking: Blocking
    ) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._connections = connections
        self._trust = trust
        self._blocking = blocking

    def add(self, command: Commanded, me: str) -> None:
        """The command `add`: the key of an invite is pinned to its addresses before the first byte leaves.

        `me` is this node's PeerId. Raises CommandRefused.
        """
        args: rq.AddArgs = command.args
        try:
            invite = invites.parse(args.link)
        except ValueError as error:
            raise CommandRefused("invalid_invite", str(error)) from error
        if invite.peer == me:
            raise CommandRefused("own_address", "That is this node's own invite.")
        known = self._contacts.by_id.get(invite.peer)
        if self._blocking.has_node(invite.peer):
            raise CommandRefused("blocked", "Whoever has this key is blocked; unblock them first.")
        named = [str(one) for one in invite.addresses if not is_ip(one.host.partition("%")[0])]
        usable = [one for one in invite.addresses if str(one) not in named and not self._contacts.is_own(one)]
        if known is None:
            self._contacts.check_room_for(1)
            known = self._trust.meet(invite.peer, invite.name or "", usable)
        else:
            self._contacts.stand(known, "known")
            self._contacts.revive(known)
            self._contacts.places.learn(known, usable, "invite")
        self._contacts.stand(known, "known")
        self._contacts.places.name_hosts(known, named)
        left_out = [str(one) for one in usable if one not in known.addresses]
        note = f"Another node is known at {', '.join(left_out)}, so that isn't tried." if left_out else None
        self._contacts.change(known, wanted=True)
        self._connections.want(known)
        self._ledger.reply(command.token, rq.AddResult(peer=known.peer, note=note), command.key)
