"""The control words of the older clients: greetings, good-byes, and words that act at the far end. Pure data.

A text may be mistaken for a greeting. So a greeting is shown as a quiet notice, not hidden.
"""

from __future__ import annotations

HELLO = frozenset(
    {
        "connect", "connect_ack", "CONNECT", "CONNECTING", "Connected", "Connected!", "handshake", "connection_request",
        "CONNECTION_REQUEST", "CONNECT_REQUEST", "CONNECT_ACCEPTED", "connection message", "manual connection message",
        "Connection request", "Reconnection", "sent connection!", "Hello, I am connecting!", "Hello, peer!",
        "Hello again!",
    }
)  # fmt: skip
#: Compared without regard to case.
GOODBYE = frozenset({"exit", "quit", "disconnect", "[peer_quit]"})
#: Further words on which some client acts if they are the whole text. Compared without regard to case.
ACTING = frozenset({"ping", "pong", "connected", "rejected"})
#: Words on which some client acts anywhere in a text.
ACTING_INSIDE = ("DISCONNECT", "CONNECT_REQUEST", "GROUP")
#: Most characters of a greeting or good-bye with some blanks around it; a longer text isn't looked up.
MAX_WORD = 64


def is_hello(text: str) -> bool:
    """Whether the whole text is a greeting."""
    return len(text) <= MAX_WORD and text.strip() in HELLO


def is_goodbye(text: str) -> bool:
    """Whether the whole text is a good-bye."""
    return len(text) <= MAX_WORD and text.strip().lower() in GOODBYE


def inert(text: str) -> str:
    """Put a word joiner (U+2060, invisible) into each word that would act anywhere in a text."""
    for word in ACTING_INSIDE:
        text = text.replace(word, word[0] + "\u2060" + word[1:])
    return text


def harmless(text: str) -> tuple[str, bool]:
    """Return the text so that it doesn't act as a control word at the peer, and whether it had to be altered.

    A text that is a control word as a whole, or that begins with `CONNECT:`, gets a full stop. Words that act anywhere
    are made `inert`.
    """
    bare = text.strip()
    low = bare.lower()
    if bare in HELLO or low in GOODBYE or low in ACTING or bare.startswith("CONNECT:"):
        return inert(bare + "."), True
    changed = inert(text)
    return changed, changed != text
