"""How it is altogether, in at most two sentences: what works, and what doesn't. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from node.bus.diagnosis import Check, Mark, PathTried
from node.core.facts import Facts
from node.printable import flat

REACHED = "You can be reached."


def own(facts: Facts, found: dict[str, Check]) -> tuple[Mark, str, str]:
    """How it is altogether, what works and what doesn't in at most two sentences, and what that means."""
    port, multicast, network, node = (found[key] for key in ("port", "multicast", "network", "node"))
    if node.state == "fails":
        return "fails", "This node can't write to its disk. Nothing is sent or taken.", node.said
    if facts.on_this_machine_only:
        return (
            "fails", "Only this machine reaches this node. Nobody else can see it.",
            "Programs on this machine talk with it; other machines don't, and it doesn't look for them.",
        )  # fmt: skip
    if not facts.addresses:
        return "fails", "This machine is in no network. Nobody can be reached.", "What you write waits until it is."
    if network.state == "doubtful" and not any(one.links for one in facts.people or ()):
        return "fails", "Nobody is reached. The network or a VPN seems to stand in between.", network.said
    mark, first, means = {
        "well": ("well", REACHED, "Whoever has your address or an invite gets through."),
        "fails": ("fails", "Nobody gets through to you.",
                  "You can still connect to others, and then both write as usual."),
        "doubtful": ("doubtful", "Perhaps not everybody gets through to you.", "Your invite may work for some only."),
    }.get(port.state, ("untried", "Whether others get through isn't known yet.",
                       "As soon as somebody is linked, their node can try."))  # fmt: skip
    second, then = "", ""
    if multicast.state == "fails":
        second = "Multicast doesn't come back: others may not see you."
        then = "Nobody finds you by themselves until UDP 5353 is let in."
    elif multicast.state == "doubtful":
        second, then = "Multicast may not get through: others may not see you.", "An invite works all the same."
    elif port.state == "well" and multicast.state == "well":
        second = "Multicast comes back, too."
    marks: list[Mark] = [_as_mark(mark), "doubtful" if second and then else "well"]
    if mark == "well" and any(one.state == "fails" for one in found.values()):
        marks.append("doubtful")
    if not second and (
        worst := next((one for one in found.values() if one.state == "fails" and one.key != "port"), None)
    ):
        second = f"Something else fails: {worst.title.lower()}."
    return worst_of(marks), f"{first} {second}".strip(), f"{means} {then}".strip()


def _as_mark(text: str) -> Mark:
    return text if text in ("well", "doubtful", "fails") else "untried"  # type: ignore[return-value]


def worst_of(marks: Iterable[Mark]) -> Mark:
    """The worst of several marks; untried is better than doubtful, and worse than well."""
    order: tuple[Mark, ...] = ("well", "untried", "doubtful", "fails")
    return max(marks, key=order.index, default="untried")


def of_peer(facts: Facts, found: Sequence[PathTried]) -> tuple[Mark, str]:
    """How it is with the peer, in a sentence; the checks say what is wrong here."""
    peer = facts.peer
    assert peer is not None
    name = flat(peer.name)
    # mDNS tells addresses; whether somebody answers there, those addresses tell.
    answers = [one.answer for one in found if one.answer not in ("seen", "not seen") and one.path != "by mDNS"]
    if "linked" in answers:
        return "well", f"{name} is linked."
    if "open" in answers:
        return "doubtful", f"{name} answers, but there is no link yet."
    if not answers:
        return "fails", f"No address of {name} is known, so only they can connect."
    if "other key" in answers:
        return "fails", f"Somebody else's node answers at {name}'s address."
    if all(one == "untried" for one in answers):
        return "untried", f"No address of {name} was tried yet."
    many = "its one address" if len(answers) == 1 else f"any of {len(answers)} addresses"
    if all(one == "refused" for one in answers if one != "untried"):
        return "fails", f"{name}'s machine is there, but its node isn't running."
    return "fails", f"{name} doesn't answer at {many}."


def verdict(facts: Facts, found: dict[str, Check], paths: Sequence[PathTried]) -> tuple[Mark, str, str]:
    """The verdict: its mark, its sentences, and what it means. About a peer, if one is examined."""
    mark, said, means = own(facts, found)
    if facts.peer is None:
        return mark, said, means
    theirs, first = of_peer(facts, paths)
    reason = next((one.reason for one in paths if one.answer not in ("linked", "open", "seen", "untried")), "")
    if mark in ("well", "untried"):
        return theirs, first, "" if theirs == "well" else reason
    # What is wrong here may be why, and comes second.
    sentences = said.removeprefix(REACHED).strip().partition(". ")
    wrong = f"{first} {sentences[0].rstrip('.')}."
    return (mark, wrong, means) if theirs == "well" else (theirs, wrong, reason or means)
