"""How the encrypted links with a node are drawn, and the codes of both sides.

Law of this file: pure. Times are passed on as timestamps, and the browser puts them into words.
"""

from __future__ import annotations

import msgspec

from dashboard import wording
from node.bus import nouns

#: Clocks that differ by less, in ms, are said to agree: nobody notices.
CLOCK_MS = 60_000


class LinkView(msgspec.Struct, frozen=True):
    """One link that stands."""

    since: int
    address: str
    #: Who connected to whom.
    way: str
    #: The program at the other end; empty: it didn't say.
    program: str
    version: int
    #: How the other clock differs, as a sentence; empty while the two agree.
    clock: str
    #: Which of the other side's machines it leads to, from 1 on.
    machine: int


class SecureView(msgspec.Struct, frozen=True):
    """All links with a node, the one in use first, and both codes as groups."""

    links: list[LinkView]
    #: How many machines of the other side they lead to.
    machines: int
    #: This node's program; empty: it didn't say.
    program: str
    mine: list[str]
    theirs: list[str]


def secure_view(links: list[nouns.Link], me: nouns.Self, peer: nouns.Peer | None, program: str) -> SecureView:
    """`links` as the node tells them: the one in use last."""
    machines = list(dict.fromkeys(link.instance for link in reversed(links)))
    return SecureView(
        links=[_link(link, machines.index(link.instance) + 1) for link in reversed(links)],
        machines=len(machines),
        program=wording.clean_name(program, ""),
        mine=wording.code_groups(me.code),
        theirs=wording.code_groups(peer.code) if peer is not None else [],
    )


def _link(link: nouns.Link, machine: int) -> LinkView:
    return LinkView(
        since=link.since,
        address=wording.clean_name(link.address, "an address that isn't told"),
        way="you connected" if link.direction == "out" else "they connected",
        program=wording.clean_name(link.program, ""),
        version=link.version,
        clock=clock(link.clock),
        machine=machine,
    )


def clock(ahead: int) -> str:
    """How another clock differs, `ahead` ms; empty while nobody would notice."""
    if abs(ahead) < CLOCK_MS:
        return ""
    return f"theirs is {_span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} yours"


def _span(ms: int) -> str:
    minutes = round(ms / 60_000)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24):,} days"
