"""Who is known here, as the doctor looks at it. Pure: it reads contacts, and changes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from node.core.contact import Contact
from node.core.facts import Acquaintance, Standing
from node.core.links import Link
from node.model import Address

#: Most peers with a link, and most without one, that an examination looks at.
MAX_LOOKED_AT = 200


def acquaintance(contact: Contact) -> Acquaintance:
    """A peer with its addresses and links."""
    peer = contact.peer
    return Acquaintance(
        id=contact.id,
        name=peer.name,
        is_node=contact.is_node,
        known=peer.standing != "stranger",
        addresses=contact.targets,
        links=tuple(_standing(link) for link in contact.links),
        last_seen=peer.last_seen,
        error=contact.not_dialled or peer.refusal or peer.error,
        rival=peer.rival,
        verified=peer.verified,
    )


def acquaintances(contacts: Iterable[Contact]) -> tuple[Acquaintance, ...]:
    """Those with a link, and known nodes without one, MAX_LOOKED_AT of each at most, those met last first."""
    listed = [one for one in contacts if not one.gone]
    linked = [one for one in reversed(listed) if one.links]
    away = [one for one in reversed(listed) if not one.links and one.is_node and one.peer.standing != "stranger"]
    chosen = itertools.chain(linked[:MAX_LOOKED_AT], away[:MAX_LOOKED_AT])
    return tuple(map(acquaintance, chosen))


def _standing(link: Link) -> Standing:
    secure = link.kind == "secure"
    where = Address(link.host, link.port or link.listens)
    return Standing(link.number, link.direction, where, link.since, link.ahead if secure else None)
