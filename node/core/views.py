"""What front ends may ask about a peer that is in memory only: its links, its paths, and why messages wait. Pure."""

from __future__ import annotations

from node.bus import nouns
from node.core.contact import Contact


def links(contact: Contact) -> list[nouns.Link]:
    """The encrypted links with a peer, the one in use last."""
    return [one.told() for one in contact.links if one.kind == "secure"]


def paths(contact: Contact) -> list[nouns.Path]:
    """The addresses of a node, the one that is tried first at the beginning."""
    found = []
    for path in contact.paths:
        tried, error = contact.faults.get(path.address, (None, None))
        found.append(
            nouns.Path(
                address=str(path.address), how=path.how, learnt=path.learnt, good=path.good, tried=tried, error=error
            )
        )
    return found


def why_waiting(contact: Contact) -> str | None:
    """Why messages wait for this peer, as a sentence; None: nothing keeps them."""
    if contact.peer.refusal is not None:
        return contact.peer.refusal
    if contact.links:
        return None
    if contact.gone:
        return "The peer was forgotten; it gets this when it comes back."
    if contact.not_dialled is not None or contact.peer.error is not None:
        return contact.not_dialled or contact.peer.error
    if contact.tries.paused:
        return "Somebody here disconnected; it isn't dialled before there is a new reason."
    return None if contact.can_be_dialled else "It isn't connected, and no address of it is known."
