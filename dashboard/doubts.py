"""Why it is in doubt who a peer is, and what a person can decide: ready to draw.

Law of this file: pure. The node's sentence says what happened; the words here say what to do and what it means.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dashboard import wording
from node import looks
from node.bus import nouns
from node.model import short_code

#: Longest sentence of a doubt, in characters.
MAX_CHARS = 400
#: Most others of one name, or at one address, whose codes are shown beside a peer's own.
MAX_OTHERS = 3


class Side(msgspec.Struct, frozen=True):
    """One of those who may be meant: a title, its code as groups (of a plain peer: none), and where it is."""

    title: str
    code: list[str]
    where: str


class DoubtView(msgspec.Struct, frozen=True):
    """A doubt: the node's sentence, what to do, the button that ends it, and what is asked before that is done."""

    text: str
    advice: str
    act: str
    question: str
    #: What the decision means.
    meaning: str
    #: Whether the decision is that clear text may go there.
    plain: bool


def doubt_view(peer: nouns.Peer, name: str) -> DoubtView | None:
    """What is in doubt about a peer; None: nothing."""
    if peer.warning is None:
        return None
    text = wording.one_line(peer.warning, MAX_CHARS)
    if peer.rival is not None:
        return DoubtView(
            text=text,
            advice=f"Ask {name} in person or on the phone which code is theirs. What you write here waits meanwhile.",
            act="Trust the new key",
            question=f"Is the new key {name}'s?",
            meaning=f"A new key is normal after {name} has set up a new machine. It is also what somebody shows who"
            " wants to read along. If you trust it, the address is that of the new key, which gets a conversation of"
            " its own. What waits here stays here and never goes to the new key.",
            plain=False,
        )
    if peer.kind != "node":
        return DoubtView(
            text=text,
            advice="A known node never writes in clear by itself, so this may be somebody else.",
            act="Allow clear text",
            question=f"May clear text go to {name}?",
            meaning="Others on the network can read and change what goes there, and you can't know who answers. Allow"
            f" it only if {name} told you that they use an older client now.",
            plain=True,
        )
    return DoubtView(
        text=text,
        advice=f"A name is only a label: compare the code with the one that {name} reads out to you.",
        act="That's right",
        question=f"Is this {name}?",
        meaning="If you say that this is right, the warning goes. The code still stands beside the name, so that you"
        " can tell them apart.",
        plain=False,
    )


def sides(peer: nouns.Peer, name: str, others: Iterable[nouns.Peer]) -> list[Side]:
    """All who may be meant, with the codes to compare; `others`: everybody on the list.

    It is asked for only when somebody decides, because it looks at the whole list.
    """
    if peer.rival is not None:
        return [
            Side("1. Known so far", wording.code_groups(peer.code), _where(peer)),
            Side("2. The new key", wording.code_groups(short_code(peer.rival)), _where(peer)),
        ]
    if peer.kind == "node":
        own, what = "this one", "a name like that"
        found = [one for one in others if one.id != peer.id and looks.alike(one.name, peer.name)]
    else:
        own, what = "in clear", "the node known there"
        found = [one for one in others if _is_at(one, peer)]
    found = sorted(found, key=lambda one: one.id)[:MAX_OTHERS]
    return [
        Side(f"1. {name}, {own}", wording.code_groups(peer.code), _where(peer)),
        *(
            Side(f"{number}. {wording.clean_name(one.name)}, {what}", wording.code_groups(one.code), _where(one))
            for number, one in enumerate(found, 2)
        ),
    ]


def _is_at(node: nouns.Peer, peer: nouns.Peer) -> bool:
    return node.kind == "node" and bool(peer.host) and peer.host in _hosts(node)


def _hosts(node: nouns.Peer) -> set[str]:
    return {node.host, *(address.rpartition(":")[0].strip("[]") for address in node.addresses)}


def _where(peer: nouns.Peer) -> str:
    return wording.clean_name(nouns.mark_of(msgspec.structs.replace(peer, code="")), "")
