"""The offer to encrypt, and its answer: how both are written, and how they are found in a connection's first bytes.

Law of this file: pure. Both are made of tabs, which old clients don't notice behind a port. (PROTOCOL.md, section 9)
"""

from __future__ import annotations

import re

import msgspec

from node.protocol.plain import codec

#: Tabs of the offer, behind the port of a CONNECT; then a newline. Version 0.1 of the program makes 24 and can't go on,
#: so another number is no offer. Old clients strip tabs; it has no spaces, because some clients tolerate one at most.
OFFER_TABS = 32
OFFER = b"\t" * OFFER_TABS + b"\n"
#: Tabs of the answer; then a newline. Everything behind it belongs to TLS, in both directions.
ANSWER_TABS = 16
ANSWER = b"\t" * ANSWER_TABS + b"\n"
#: How long an accepted connection waits for the newline of an offer, from the first tab on, in seconds.
NEWLINE_WAIT = 1.0
#: How long an accepted connection waits for the next byte of a CONNECT that may get the tabs of an offer, in seconds.
#: The dialects wait as long for further digits.
DIGITS_WAIT = 0.1
#: How long a dialler that talks encrypted only waits for the answer, in seconds.
ANSWER_WAIT = 5.0
#: How long, from CONNECT on, a dialler that goes on in clear keeps back that a text was sent, in seconds. An answer in
#: this time shows that the text was not taken.
DOUBT = 0.5

_WHOLE = re.compile(rb"CONNECT:(\d{1,%d})\t{%d}\n" % (codec.MAX_DIGITS, OFFER_TABS))
_BEGUN = re.compile(rb"CONNECT:\d{0,%d}|CONNECT:\d{1,%d}\t{1,%d}" % (codec.MAX_DIGITS, codec.MAX_DIGITS, OFFER_TABS))
_START = b"CONNECT:"


class Offered(msgspec.Struct, frozen=True):
    """The other side offered to encrypt, and was answered. The link is over: the connection belongs to TLS now.

    `port`: where the other side listens. None: it claimed a number that can't be a port. `rest`: bytes behind the
    offer.
    """

    port: int | None
    rest: bytes


class OfferReader:
    """The first bytes of an accepted connection, while they may be an offer."""

    def __init__(self) -> None:
        self.held = b""
        #: When `held` can't become an offer any more, in seconds. None: it can't now, or nothing came yet.
        self.due: float | None = None
        #: Whether a tab behind the digits was read.
        self.tabbed = False

    def take(self, data: bytes, now: float) -> Offered | None:
        """Add bytes. If they complete an offer, returns it. Otherwise `due` says whether they may still become one."""
        self.held += data
        whole = _WHOLE.match(self.held)
        if whole is not None:
            self.due = None
            return Offered(codec.port_number(whole[1]), self.held[whole.end() :])
        if not (_START.startswith(self.held) or _BEGUN.fullmatch(self.held)):
            self.due = None
        elif not self.tabbed:
            self.tabbed = self.held.endswith(b"\t")
            self.due = now + (NEWLINE_WAIT if self.tabbed else DIGITS_WAIT)
        return None


class AnswerReader:
    """The first bytes that come back to a dialler's offer, while they may be the answer."""

    def __init__(self) -> None:
        #: What was read so far, read by read.
        self.reads: list[bytes] = []

    def take(self, data: bytes) -> bytes | None:
        """Add one read. If the answer is complete, returns the bytes behind it. Otherwise `possible` says more."""
        self.reads.append(data)
        head = b"".join(self.reads)
        return head[len(ANSWER) :] if head.startswith(ANSWER) else None

    @property
    def possible(self) -> bool:
        """Whether the bytes so far are a beginning of the answer."""
        return ANSWER.startswith(b"".join(self.reads))
