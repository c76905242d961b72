"""One peer as the core knows it while it runs: its row, its links, its queue, and how it is tried to reach it. Pure.

It decides nothing. contacts.py keeps the list, plain.py says who it is, queues.py what waits for it, dialling.py when
it is dialled, connections.py what becomes of its links, and outbox.py which of them a message takes.
"""

from __future__ import annotations

import collections

import msgspec

from node.bus import nouns
from node.core import effects as e
from node.core.links import Link
from node.core.ports import is_service
from node.model import Address, parse_address
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


class Queue(msgspec.Struct):
    """What waits for one peer: the head of it in memory, the rest on disk."""

    #: The head, in order; `more` says that there are further ones on disk.
    waiting: collections.deque[Waiting] = msgspec.field(default_factory=collections.deque)
    more: bool = False
    #: What the disk was asked for; whether more was accepted since; and whose outcome became known since.
    fetching: e.ReadWaiting | None = None
    added_since: bool = False
    ended_since: set[int] = msgspec.field(default_factory=set)
    #: Of what the disk still has, messages up to this one are given up: the peer was forgotten.
    give_up_to: int = 0
    #: Given to a link, outcome not known yet.
    inflight: dict[int, Waiting] = msgspec.field(default_factory=dict)


class Tries(msgspec.Struct):
    """How it is tried to reach one peer. Times are milliseconds since 1970."""

    #: The link being dialled, or used for one message. None: none is.
    link: int | None = None
    #: Whether that link has done what it was for, and whether the peer took leave since it was dialled.
    worked: bool = False
    left: bool = False
    #: Which of its addresses is dialled next; it stays while it works.
    address: int = 0
    #: Failed attempts in a row; when the last one began, when the next is due, and why it has to wait.
    failed: int = 0
    began: int = 0
    next_at: int | None = None
    reason: str = ""
    #: Somebody said disconnect: don't dial before there is a new reason to.
    paused: bool = False
    #: Of a guess that it speaks natively: whether it rests on an answer since this node has started; when the peer was
    #: last given something that would show it wrong; and whether that has shown it wrong before.
    asked: bool = False
    tested: int = 0
    fallen: bool = False
    #: Say hello when it turns out to be a one-shot client: somebody asked for a connection.
    greet: bool = False
    #: Say good-bye to a one-shot client: somebody said disconnect.
    farewell: bool = False


class Contact:
    """A peer and what the core remembers about it only while it runs."""

    __slots__ = ("gone", "linked_at", "links", "peer", "queue", "tries")

    def __init__(self, peer: nouns.Peer, *, gone: bool = False, more: bool = False) -> None:
        self.peer = peer
        self.gone = gone
        #: Open links that carry texts both ways, the one to use last; when the first of them opened (ms).
        self.links: list[Link] = []
        self.linked_at = 0
        self.queue = Queue(more=more)
        self.tries = Tries()

    @property
    def id(self) -> str:
        """The peer's id."""
        return self.peer.id

    @property
    def own_name(self) -> str:
        """What it calls itself, whatever a person calls it."""
        return self.peer.own_name or self.peer.name

    @property
    def nameless(self) -> bool:
        """Whether it has never said a name."""
        return self.own_name in (self.peer.host, str(self.address))

    @property
    def one_shot(self) -> bool:
        """Whether it takes one connection for each message, as far as known."""
        return self.peer.dialect in ONE_SHOT

    @property
    def address(self) -> Address | None:
        """Where it listens, if it has said so."""
        return None if self.peer.port is None else Address(self.peer.host, self.peer.port)

    @property
    def addresses(self) -> list[Address]:
        """All addresses where it listens, that of its row first."""
        first, others = self.address, self.peer.addresses[1:]
        return [] if first is None else [first, *map(parse_address, others)] if others else [first]

    @property
    def hosts(self) -> set[str]:
        """All hosts that it speaks from."""
        return {self.peer.host, *(address.host for address in self.addresses)}

    @property
    def targets(self) -> list[Address]:
        """Where this node may dial it, the best first: where it listens, but for ports of services that nobody here
        asked for.
        """
        asked = self.peer.standing == "asked"
        return [address for address in self.addresses if asked or not is_service(address.port)]

    @property
    def not_dialled(self) -> str | None:
        """Why it isn't dialled where it says that it listens. None: it may be, or it has not said where."""
        if self.address is None or self.targets:
            return None
        peer = self.peer
        return (
            f"It says that it listens on port {peer.port}, where usually another kind of service does, so it isn't"
            f" dialled unasked. If it is a chat program, connect to {self.address} by hand."
        )

    def has_link(self, number: int) -> bool:
        """Whether this is one of its open links."""
        return any(link.number == number for link in self.links)

    def drop_link(self, number: int) -> None:
        """A link carries no more texts to it."""
        self.links = [link for link in self.links if link.number != number]
