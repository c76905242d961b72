"""The dashboard's words for states, links, marks and errors, in one place. What the values of the bus are called stands
in node/bus/words.py, for all front ends; here they get the tone of their colour.

Law of this file: pure text; no time, no I/O. Plain words come before codes, and what happened before what to do.
"""

from __future__ import annotations

import re

import msgspec

from node import names, program
from node.bus import nouns, words

#: Longest name shown, in characters. The node already cuts at 64; this is for names from elsewhere.
MAX_NAME_CHARS = 80

#: Direction overrides, embeddings and isolates, with which a text can be shown in another order than it is stored.
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200E, 0x200F])
#: Controls become their visible pictures (U+2400 ...), so that none is hidden or takes effect.
_CONTROLS: dict[int, int | str | None] = {
    **{code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: 0x2421,
    **dict.fromkeys(range(128, 160), "�"),
    0x2028: "\n",
    0x2029: "\n",
    0xFEFF: None,
}
#: Separators of the words whose first letters make an avatar.
_SEPARATORS = str.maketrans(dict.fromkeys("._-:@/#+", " "))


class Phrase(msgspec.Struct, frozen=True):
    """A short word, a tone for its colour, and a sentence that explains it."""

    label: str
    #: "plain", "good", "wait" or "bad".
    tone: str
    why: str


def clean_text(text: str) -> str:
    """A message's text, safe to show: line ends normalised, controls made visible, direction overrides taken out."""
    return text.replace("\r\n", "\n").translate(_CONTROLS).translate(_BIDI)


def clean_name(name: str, fallback: str = "somebody") -> str:
    """A name, safe to show on one line."""
    flat = names.clean(name)
    if not flat:
        return fallback
    return flat if len(flat) <= MAX_NAME_CHARS else flat[: MAX_NAME_CHARS - 1] + "…"


def one_line(text: str, limit: int) -> str:
    """The beginning of a text on one line."""
    flat = " ".join(clean_text(text[: limit * 4]).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def initials(name: str) -> str:
    """Up to three letters for an avatar: of the first two words, or the first two letters."""
    parts = [w for w in ("".join(c for c in word if c.isalnum()) for word in name.translate(_SEPARATORS).split()) if w]
    if not parts:
        return name[:1] or "?"
    if all(part.isdigit() for part in parts):
        # It is only an address so far. The last part of its host tells peers apart, because most have the same port.
        return parts[-2][-3:] if ":" in name and len(parts) > 1 else parts[-1][-2:]
    return (parts[0][0] + parts[1][0] if len(parts) > 1 else parts[0][:2]).upper()


def hue(identity: str) -> int:
    """An avatar's colour, 0 to 11, always the same for the same id (FNV-1a; Python's hash() differs between runs)."""
    value = 0x811C9DC5
    for byte in identity.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value % 12


def code_groups(code: str) -> list[str]:
    """The groups of a node's code, for people to compare."""
    return re.findall(r"[a-z0-9]+", code.lower())


def encryption(encrypted: bool) -> tuple[str, str]:
    """Whether others can read a conversation: in a word, and as a sentence."""
    said = words.privacy(encrypted)
    return said.short, said.sentence


def unknown_kind(name: str, *, mine: bool) -> str:
    """The line for an entry that this version can't show."""
    return f"{'You' if mine else name} sent something that this version of Snicher can't show."


def identity_shared(address: str) -> str:
    """Another machine uses this node's identity."""
    return (
        f"Another machine, met at {clean_name(address, 'an unknown address')}, uses this node's identity: a copied home"
        " or key. Both go on working. If it isn't yours, somebody has your key."
    )


#: The tones of how a peer is, by the key of the word; others are plain.
_LINK_TONES = {"online": "good", "reachable": "good", "connecting": "wait", "away": "wait"}


def presence(link: str, said: str = "", *, heard: bool = False) -> Phrase:
    """The state of a peer's connection; `said`: what its person says of being there; `heard`: whether it ever spoke."""
    key = words.link_key(link, said, heard=heard)
    return _phrase(words.LINK, key, _LINK_TONES.get(key, "plain"))


def dialect(peer: nouns.Peer) -> tuple[str, str]:
    """A peer's dialect: a word, and a sentence about what it means and how it is known."""
    known = peer if peer.dialect in words.DIALECT else msgspec.structs.replace(peer, dialect="unknown")
    said = words.dialect_of(known)
    return said.short, said.sentence


#: The tones of the states of a message; others are plain.
_DELIVERY_TONES = {"waiting": "wait", "delivered": "good", "read": "good", "failed": "bad", "unconfirmed": "wait"}


def delivery(message: nouns.Message) -> Phrase:
    """The state of one of our own messages. Why one waits, and when the next try is, the conversation tells."""
    state = message.state or ""
    said = _phrase(words.DELIVERY, state, _DELIVERY_TONES.get(state, "plain"))
    detail = clean_text(program.typed(message.detail or ""))
    return said if not detail and state != "waiting" else msgspec.structs.replace(said, why=detail)


def _phrase(table: dict[str, words.Word], value: str, tone: str, detail: str = "") -> Phrase:
    """The word for a value with a tone; `detail`: why it is so, in the node's words, which say more than ours."""
    said = words.of(table, clean_name(value, "unknown"))
    return Phrase(said.short, tone, detail or said.sentence)


def repair(state: str | None) -> str | None:
    """The label of the button on a message in this state; None: there is no button."""
    return {"failed": "Try again", "unconfirmed": "Send again"}.get(state or "")


def mark(name: str) -> tuple[str, str] | None:
    """What a mark is called and means; None for one that this version doesn't know."""
    said = words.MARK.get(name)
    return (said.short, said.sentence) if said else None


def away(reason: str) -> str:
    """Why the node doesn't answer. What to do stands beside it, so an advice at the end of the reason is left out."""
    first = clean_text(program.typed(reason)).partition(" Start one with: ")[0]
    return {"No heartbeat.": "It fell silent."}.get(first, first)


def size(count: int) -> str:
    """A number of bytes, with two or three digits that count (units of 1,000, as disks are sold)."""
    if count < 1000:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"


#: The tones of what came of a greeting; others are plain.
_GREETING_TONES = {"calling": "wait", "greeted": "good", "failed": "bad"}


def greeting(one: nouns.Greeting) -> Phrase:
    """What became of greeting a mandatory peer at this start."""
    tone = _GREETING_TONES.get(one.outcome, "plain")
    return _phrase(words.GREETING, one.outcome, tone, clean_text(one.detail or ""))


_PROBLEMS = {
    "away": "The node doesn't answer.",
    "store_unavailable": "The node can't write to its disk right now.",
    "busy": "The node is very busy.",
    "stopping": "The node is just going down.",
    "text_too_long": "The text is too long: at most 64 KiB fit into one message.",
    "text_empty": "There is nothing in it that could be shown.",
    "no_address": "This peer isn't connected and never said where it listens. It has to connect to you first.",
    "own_address": "That is your own address.",
    "internal": "The node met a bug; its log says more.",
    "nothing_to_trust": "Nothing about this peer is in doubt any more.",
    "not_a_request": "This is no request any more: somebody has decided about it, here or elsewhere.",
    "code_differs": "That isn't the code of their key now. Open this again, and compare once more.",
    "key_reused": "The node took another message under this one's number. Send it again as a new one.",
}


def problem(code: str, message: str) -> str:
    """An error in words: ours where the code says all there is, else the node's own."""
    return _PROBLEMS.get(code) or clean_text(program.typed(message)) or f"The node refused ({code})."
