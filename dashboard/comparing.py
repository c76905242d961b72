"""Whether a code that somebody read or typed is the one of a peer.

Law of this file: pure. A PeerId is a key, and the short code is made of it (node.model.short_code). It is in the QR
codes of the Verify sheet and in every invite; that of `python -m node verify --qr` holds both sides'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from dashboard import wording
from node import invites
from node.bus import nouns
from node.model import is_peer_id, short_code

#: Letters and digits of a short code.
CODE_CHARS = 16

NOT_OURS = "There is a QR code in this picture, but it isn't one of Snicher."
OWN = "This is your own code. Read the one that stands beside it: {name}'s, on {name}'s screen."
OWN_TYPED = "This is your own code. Type the one of {name}, as it stands on {name}'s screen."
WRONG_LENGTH = "A code has 16 letters and digits; this one has {number}."


class Compared(msgspec.Struct, frozen=True):
    """What came out: whether it matches; the code that was found, as groups; and who is known by it (empty: nobody)."""

    matches: bool
    found: list[str]
    known: str


def read(texts: Sequence[str], peer: nouns.Peer, me: nouns.Self, everybody: Iterable[nouns.Peer]) -> Compared:
    """Compare the texts of QR codes. The other's screen shows both codes: then both must be right.

    Raises ValueError with a sentence for people when none of them is another's.
    """
    parts = [part for text in texts for part in (nouns.in_compared(text) or [text])]
    keys = {key for key in map(_key, parts) if key is not None}
    if not keys:
        raise ValueError(NOT_OURS)
    wrong = sorted(keys - {peer.id, me.id})
    if wrong:
        known = next((one.name for one in everybody if one.id == wrong[0]), None)
        return _compared(False, short_code(wrong[0]), known)
    if peer.id not in keys:
        raise ValueError(OWN.format(name=wording.clean_name(peer.name)))
    return _compared(True, peer.code, peer.name)


def typed(text: str, peer: nouns.Peer, me: nouns.Self, everybody: Iterable[nouns.Peer]) -> Compared:
    """Compare a code that was typed, or pasted as a PeerId or an invite. Case, blanks and points don't count.

    Raises ValueError with a sentence for people when it can't be another's code.
    """
    key = _key(text)
    code = _bare(text if key is None else short_code(key))
    if len(code) != CODE_CHARS:
        raise ValueError(WRONG_LENGTH.format(number=len(code)))
    if code == _bare(me.code):
        raise ValueError(OWN_TYPED.format(name=wording.clean_name(peer.name)))
    if key == peer.id or (key is None and code == _bare(peer.code)):
        return _compared(True, peer.code, peer.name)
    known = next((one.name for one in everybody if one.kind == "node" and _bare(one.code) == code), None)
    return _compared(False, " ".join(code[index : index + 4] for index in range(0, CODE_CHARS, 4)), known)


def _compared(matches: bool, code: str, known: str | None) -> Compared:
    return Compared(matches, wording.code_groups(code), "" if known is None else wording.clean_name(known))


def _key(text: str) -> str | None:
    """The PeerId in a text: the text itself, or an invite's."""
    text = text.strip()
    if invites.is_link(text):
        try:
            return invites.parse(text).peer
        except ValueError:
            return None
    return text.lower() if is_peer_id(text.lower()) else None


def _bare(code: str) -> str:
    return "".join(re.findall(r"[^\W_]", code)).lower()
