"""One peer as the core holds it in memory: its row, links, queue and dial attempts. Pure.

It decides nothing. contacts.py keeps the list of peers, plain.py recognises a peer, queues.py holds its messages,
dialling.py decides when to dial it, connections.py follows its links, and outbox.py chooses the link for a message.
"""

from __future__ import annotations

import collections

import msgspec

from node.bus import nouns
from node.core import queries as q
from node.core.links import Link
from node.core.ports import is_service
from node.model import Address, parse_address
from node.protocol.plain.registry import ONE_SHOT

NODE_HERE = (
    "A Snicher node was known at {address}, so nothing goes there in clear. If an older program is there now, say so:"
    " python -m node trust {address} --plain"
)


class Waiting(msgspec.Struct):
    """One of our messages that waits for a peer, or is on its way."""

    id: int
    room: str
    text: str
    #: Whether its attempt is recorded (state "sending").
    begun: bool = False
    #: The next part to send, from 1. Only one-shot peers get a text in parts.
    part: int = 1
    #: The link it was given to; 0: none, or one from before the core was loaded.
    link: int = 0


class Queue(msgspec.Struct):
    """The messages that wait for one peer: the head in memory, the rest on disk."""

    #: The head, in order, and whether further ones are on disk.
    waiting: collections.deque[Waiting] = msgspec.field(default_factory=collections.deque)
    more_on_disk: bool = False
    #: The query in flight; whether messages were accepted since; and the messages whose outcome became known since.
    fetching: q.ReadWaiting | q.ReadUnsigned | None = None
    added_since: bool = False
    ended_since: set[int] = msgspec.field(default_factory=set)
    #: Messages on disk up to this id are given up, because the peer was forgotten.
    give_up_to: int = 0
    #: Messages in flight, by id: given to a link, with an unknown outcome.
    inflight: dict[int, Waiting] = msgspec.field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Whether any message is still to be sent, or has no outcome yet. What comes after it must not overtake it."""
        return bool(self.waiting or self.inflight or self.more_on_disk or self.fetching is not None)


class Tries(msgspec.Struct):
    """The dial attempts and retries for one peer. Times are milliseconds since 1970."""

    #: The link being dialled or used for one message; None: there is none.
    link: int | None = None
    #: Whether that link has served its purpose, and whether the peer said good-bye since it was dialled.
    succeeded: bool = False
    left: bool = False
    #: Index of the address to dial next; it changes only after a failure.
    address: int = 0
    #: Failed attempts in a row; start of the last one, time of the next one, and why it has to wait.
    failed: int = 0
    began: int = 0
    next_at: int | None = None
    reason: str = ""
    #: After `disconnect`: don't dial until there is a new reason.
    paused: bool = False
    #: Of a guess that it speaks natively: whether an answer in this run of the node supports it; when the peer last got
    #: something that would show it wrong (ms); and whether that has shown it wrong before.
    asked: bool = False
    tested: int = 0
    fallen: bool = False
    #: It answered our offer too late: it is dialled as a node once, with nothing in clear.
    secure: bool = False
    #: After `connect`: say hello if it turns out to be a one-shot client.
    greet: bool = False
    #: After `disconnect`: say good-bye to a one-shot client.
    farewell: bool = False


class Contact:
    """A peer's row, and what the core remembers of it in memory only."""

    __slots__ = ("_targets", "gone", "linked_at", "links", "near", "node_here", "owed", "peer", "queue", "tries")

    def __init__(self, peer: nouns.Peer, *, gone: bool = False, more_on_disk: bool = False) -> None:
        self.peer = peer
        self.gone = gone
        #: Open two-way links, with the one to use at the end; and when the first of them opened (ms).
        self.links: list[Link] = []
        self.linked_at = 0
        self.queue = Queue(more_on_disk=more_on_disk)
        self.tries = Tries()
        #: Of a plain peer: whether a Snicher node is known at its address, so that nothing goes to it in clear.
        self.node_here = False
        #: Of a node: whether entries of ours are missing on its disk.
        self.owed = False
        #: Of a node: whether it is to be linked because it is on this network.
        self.near = False
        #: The targets, and the row that they follow from: they are asked for with each message.
        self._targets: tuple[nouns.Peer, bool, tuple[Address, ...]] | None = None

    @property
    def id(self) -> str:
        """The peer's id."""
        return self.peer.id

    @property
    def is_node(self) -> bool:
        """Whether it is a Snicher node, which is never talked to in clear."""
        return self.peer.kind == "node"

    @property
    def own_name(self) -> str:
        """The name it gives itself, whatever its local name is."""
        return self.peer.own_name or self.peer.name

    @property
    def nameless(self) -> bool:
        """Whether it has never said a name."""
        return self.own_name in (self.peer.host, str(self.address))

    @property
    def one_shot(self) -> bool:
        """Whether it takes one connection for each message, as far as its dialect is known."""
        return self.peer.dialect in ONE_SHOT

    @property
    def address(self) -> Address | None:
        """The address where it listens, if it has announced its port."""
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
    def targets(self) -> tuple[Address, ...]:
        """The addresses at which this node may dial it, the best first. Ports of other services are left out, unless
        somebody here asked for them.
        """
        if self._targets is None or self._targets[0] is not self.peer or self._targets[1] != self.node_here:
            asked = self.peer.standing == "asked"
            found = tuple(address for address in self.addresses if asked or not is_service(address.port))
            self._targets = self.peer, self.node_here, () if self.node_here else found
        return self._targets[2]

    @property
    def not_dialled(self) -> str | None:
        """Why its announced address isn't dialled; None: it may be dialled, or isn't known."""
        if self.targets or self.peer.port is None:
            return None
        peer = self.peer
        if self.node_here:
            return NODE_HERE.format(address=self.address)
        return (
            f"It says that it listens on port {peer.port}, which usually belongs to another kind of service, so it"
            f" isn't dialled unasked. If it is a chat program, connect to {self.address} by hand."
        )

    def has_link(self, number: int) -> bool:
        """Whether this is one of its open links."""
        return any(link.number == number for link in self.links)

    def drop_link(self, number: int) -> None:
        """Remove a link that carries no more texts to it."""
        self.links = [link for link in self.links if link.number != number]
