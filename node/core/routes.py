"""What came of each way to a peer, in words: its addresses, its key, its clock. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from node.bus.diagnosis import Finding, PathTried
from node.core.diagnosis import CLOCK_MS, took
from node.core.facts import ANSWERS, Acquaintance, Facts, Trial
from node.model import Address, short_code
from node.printable import flat

#: Most addresses of a peer that are tried.
MAX_PATHS = 8


def to_try(peer: Acquaintance) -> list[Address]:
    """The addresses of a peer to try, the best first: those on which no link stands."""
    linked = {link.address for link in peer.links}
    return [address for address in peer.addresses if address not in linked][:MAX_PATHS]


def paths(facts: Facts, before: Iterable[PathTried] = ()) -> list[PathTried]:
    """Each way to the peer. What isn't known yet stays as it was in `before`."""
    peer = facts.peer
    if peer is None:
        return []
    old = {one.path: one for one in before}
    found = []
    for link in {link.address: link for link in peer.links}.values():
        way = "They connected from there." if link.direction == "in" else "In use."
        found.append(
            PathTried(
                path=str(link.address),
                interface=_through(facts, link.address),
                answer="linked",
                reason=way,
                since=link.since or None,
            )
        )
    for address in to_try(peer):
        trial = facts.tried.get(address)
        if trial is None:
            found.append(
                old.get(str(address))
                or PathTried(path=str(address), interface=_through(facts, address), answer="untried")
            )
            continue
        found.append(
            PathTried(
                path=str(address),
                interface=_through(facts, address),
                ms=trial.ms,
                answer=ANSWERS[trial.reached],
                reason=_reason(facts, peer, address, trial),
            )
        )
    if peer.is_node:
        found.append(_by_mdns(facts, peer))
    return found


def _by_mdns(facts: Facts, peer: Acquaintance) -> PathTried:
    """Whether the peer is seen by mDNS, and if not, why that may be."""
    near = facts.nearby
    interfaces = ", ".join(one.interface for one in facts.echoes or () if not one.problem)
    service = next((one for one in near.services if one.peer == peer.id), None)
    answer, reason = (
        "not seen",
        "Nothing of them is heard: their node is off, in another network, or doesn't look round.",
    )
    if service is not None:
        answer, reason = "seen", f"It tells {', '.join(service.addresses)}." if service.addresses else "It is heard."
    elif near.state == "off":
        answer, reason = "untried", "Looking round is switched off here (discovery)."
    elif near.state in ("local", "no_network", "failing"):
        answer, reason = "untried", near.detail or "It can't be done here now."
    elif near.state == "deaf" or any(not one.came_back for one in facts.echoes or ()):
        reason = "Multicast doesn't come back here."
    return PathTried(path="by mDNS", interface=interfaces, answer=answer, reason=reason)


def _through(facts: Facts, address: Address) -> str:
    around = facts.surroundings
    interface = None if around is None else around.interface_to(address.host)
    return "" if interface is None else interface.name


def _reason(facts: Facts, peer: Acquaintance, address: Address, trial: Trial) -> str:
    """Why a way ended as it did, as far as it can be told."""
    name = flat(peer.name)
    around = facts.surroundings
    near = around is not None and around.interface_to(address.host) is not None
    there = None if around is None or around.wire is None else around.wire.get(address.host)
    if trial.reached == "open":
        return "It proved the key." if peer.is_node else "Something takes connections there."
    if trial.reached == "refused":
        return "The machine is there, but nothing listens on that port. Is the node on, and the port right?"
    if trial.reached == "other_key":
        return f"Somebody else's node answers there, with the code {short_code(trial.found)}."
    if trial.reached == "no_node":
        return "Something answers there that is no Snicher node."
    if trial.reached == "forbidden":
        return "This machine doesn't allow that connection: a firewall here."
    if trial.reached == "untried":
        return "It wasn't tried: too much is under way."
    if near and there:
        return f"The machine is there, and drops it: probably {name}'s firewall."
    if near and there is False:
        return "No machine with that address is in this network: it is off, has moved, or the two are kept apart."
    if trial.reached == "no_route":
        return "There is no way from here to that address."
    tunnels = [] if around is None else [one.name for one in around.interfaces if one.tunnel]
    if tunnels and not near:
        return f"It isn't in a network of this machine; the way may lead through the VPN ({tunnels[0]})."
    if near:
        return "It is off, has moved, or a firewall drops it."
    return "It isn't in a network of this machine: off, moved, or something in between drops it."


def key(facts: Facts) -> Finding | None:
    """Whether the peer's key is the one that is kept. None: a plain peer has none."""
    peer = facts.peer
    if peer is None or not peer.is_node:
        return None
    other = next((one for one in facts.tried.items() if one[1].reached == "other_key"), None)
    proved = bool(peer.links) or any(trial.reached == "open" for trial in facts.tried.values())
    kept = "the key that was verified" if peer.verified else "the key that is kept here"
    if other is not None:
        also = f" {flat(peer.name)}'s own key answers elsewhere." if proved else ""
        code = short_code(other[1].found)
        return Finding(state="doubtful" if proved else "fails",
                       said=f"Another key answers at {other[0]}: {code}.{also}")  # fmt: skip
    if proved:
        return Finding(state="well", said=f"The same: {kept}, {short_code(peer.id)}.")
    return Finding(state="untried", said="Nobody answered who could prove a key.")


def clock(facts: Facts) -> Finding | None:
    """How far the peer's clock is from ours. None: a plain peer tells none."""
    peer = facts.peer
    if peer is None or not peer.is_node:
        return None
    ahead = next((link.ahead for link in reversed(peer.links) if link.ahead is not None), None)
    if ahead is None:
        return Finding(state="untried", said="It is compared once there is a link.")
    far = took(abs(ahead)) if abs(ahead) < CLOCK_MS else f"{round(abs(ahead) / 60_000)} min"
    return Finding(
        state="well" if abs(ahead) <= CLOCK_MS else "doubtful",
        said=f"{far} {'ahead of' if ahead > 0 else 'behind'} this machine's.",
    )
