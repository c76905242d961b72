"""One peer as the core knows it while it runs: its row, its links, the head of its outbox, and what is tried. Pure.

It decides nothing. contacts.py says who it is, queues.py what waits for it, outbox.py which link that goes over.
"""

from __future__ import annotations

import collections

import msgspec

from node.bus import bounds, nouns
from node.core import effects as e
from node.core.ports import is_service
from node.model import Address
from node.printable import one_blank
from node.protocol.plain.registry import ONE_SHOT


class Waiting(msgspec.Struct):
    """One of our messages that waits for a peer, or is on its way."""

    id: int
    room: str
    text: str
    #: Its attempt is recorded ("sending").
    begun: bool = False
    #: Which part goes next, from 1; only one-shot peers get parts one by one.
    part: int = 1
    #: The link it was given to; 0: none, or one of before the core was made.
    link: int = 0


class Contact:
    """A peer and what the core remembers about it only while it runs."""

    __slots__ = (
        "attempt",
        "busy",
        "farewell",
        "fetching",
        "gone",
        "greet",
        "inflight",
        "late",
        "left",
        "links",
        "more",
        "next_try",
        "paused",
        "peer",
        "reason",
        "settled",
        "since",
        "spoken",
        "sweep",
        "tried",
        "waiting",
        "worked",
    )

    def __init__(self, peer: nouns.Peer, *, gone: bool = False, more: bool = False) -> None:
        self.peer = peer
        self.gone = gone
        #: Open persistent links, the one to use last; when the first of them came (ms).
        self.links: list[int] = []
        self.since = 0
        #: The link being dialled or used for one message, if any, what is spoken on it, whether it has done what it was
        #: for, and whether the peer took leave since it was dialled.
        self.busy: int | None = None
        self.spoken = ""
        self.worked = False
        self.left = False
        #: The head of its outbox, in order; `more` says that there are further ones on disk.
        self.waiting: collections.deque[Waiting] = collections.deque()
        self.more = more
        #: What the disk was asked for; whether more was accepted since; and whose outcome became known since.
        self.fetching: e.Waiting | None = None
        self.late = False
        self.settled: set[int] = set()
        #: Of what the disk still has, messages up to this one are given up: the peer was forgotten.
        self.sweep = 0
        #: Given to a link, outcome not known yet.
        self.inflight: dict[int, Waiting] = {}
        #: Failed attempts in a row; when the last one began and when the next is due (ms), and why.
        self.attempt = 0
        self.tried = 0
        self.next_try: int | None = None
        self.reason = ""
        #: Somebody said disconnect: don't dial before there is a new reason to.
        self.paused = False
        #: Say hello when it turns out to be a one-shot client: somebody asked for a connection.
        self.greet = False
        #: Say good-bye to a one-shot client: somebody said disconnect.
        self.farewell = False

    @property
    def id(self) -> str:
        """The peer's id."""
        return self.peer.id

    @property
    def own_name(self) -> str:
        """What it calls itself, whatever a person calls it."""
        return self.peer.own_name or self.peer.name

    @property
    def one_shot(self) -> bool:
        """Whether it takes one connection for each message, as far as known."""
        return self.peer.dialect in ONE_SHOT

    @property
    def address(self) -> Address | None:
        """Where it listens, if it has said so."""
        return None if self.peer.port is None else Address(self.peer.host, self.peer.port)

    @property
    def target(self) -> Address | None:
        """Where this node may dial it: where it listens, but for ports of services that nobody here asked for."""
        return None if self.not_dialled is not None else self.address

    @property
    def not_dialled(self) -> str | None:
        """Why it isn't dialled where it says that it listens. None: it may be, or it has not said where."""
        peer = self.peer
        if peer.port is None or peer.standing == "asked" or not is_service(peer.port):
            return None
        return (
            f"It says that it listens on port {peer.port}, where usually another kind of service does, so it isn't"
            f" dialled unasked. If it is a chat program, connect to {self.address} by hand."
        )


def shown_name(said: str | None) -> str | None:
    """A name that a peer claims, as it may be shown: without what can't be printed, one blank for each run of white
    space, and cut. None: nothing is left.
    """
    if not said:
        return None
    return one_blank("".join(c for c in one_blank(said) if c.isprintable()))[: bounds.MAX_NAME_CHARS].strip() or None
