"""The links of this node: each is a value, and its states follow a table. Pure.

A link is one connection with a peer, dialled or accepted. Which contact it belongs to may show only later, by what is
said on it. connections.py decides what happens to links; contact.py keeps the links that carry texts to a peer.
"""

from __future__ import annotations

import enum
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from node.bus import nouns
from node.errors import LocalFault
from node.model import Address

Direction = Literal["in", "out"]
#: "one_shot": it carries one message, and ends. "persistent": it stays, and carries texts both ways where `two_way`.
#: "secure": it is encrypted, and carries frames.
Kind = Literal["one_shot", "persistent", "secure"]


class State(enum.Enum):
    """The states of a link. A link that has ended is removed."""

    #: We dialled it; nothing has come back yet.
    DIALLED = enum.auto()
    #: It is up: texts may be received on it, and a one-shot link may be given its message.
    UP = enum.auto()
    #: It is up, and texts of ours may go over it.
    OPEN = enum.auto()
    #: We hung up: nothing new is sent on it.
    LEAVING = enum.auto()


class Input(enum.Enum):
    """The inputs of the state table."""

    #: The network reports that it is up, or which dialect it speaks.
    COME_UP = enum.auto()
    #: Texts of ours may go over it from here on.
    OPEN = enum.auto()
    #: Texts of ours may no longer go over it: it fails, or it turned out to be another peer's.
    SHUT = enum.auto()
    #: We hang up.
    LEAVE = enum.auto()


#: (state, input) -> next state. Any other pair is a bug.
TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.DIALLED, Input.COME_UP): State.UP,
    (State.DIALLED, Input.OPEN): State.OPEN,
    (State.DIALLED, Input.LEAVE): State.LEAVING,
    (State.UP, Input.COME_UP): State.UP,
    (State.UP, Input.OPEN): State.OPEN,
    (State.UP, Input.LEAVE): State.LEAVING,
    (State.OPEN, Input.COME_UP): State.OPEN,
    (State.OPEN, Input.OPEN): State.OPEN,
    (State.OPEN, Input.SHUT): State.UP,
    (State.OPEN, Input.LEAVE): State.LEAVING,
    # Events that were under way when we hung up still arrive.
    (State.LEAVING, Input.COME_UP): State.LEAVING,
    (State.LEAVING, Input.OPEN): State.LEAVING,
    (State.LEAVING, Input.LEAVE): State.LEAVING,
}


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One link, as it is now."""

    number: int
    direction: Direction
    kind: Kind
    state: State
    #: Its dialect, as far as known.
    dialect: str
    #: The other side's address, and its listening port, as far as the link has told.
    host: str
    port: int | None
    #: Whether texts of ours can go over it.
    two_way: bool
    #: The id of the contact that it belongs to, if known.
    contact: str | None = None
    #: Of an encrypted link: the PeerId that it has proved; and the database and the run of the node behind it, both
    #: random.
    peer: str | None = None
    instance: bytes = b""
    run: bytes = b""
    #: When it opened (ms), the version of the protocol on it, the program at the other end, and how far the other clock
    #: was ahead (ms).
    since: int = 0
    version: int = 0
    program: str = ""
    ahead: int = 0
    #: Of an encrypted link: the port on which the other side listens, as its HELLO says. `port` of one that we dialled
    #: is the port that was dialled.
    listens: int = 0

    @property
    def leaving(self) -> bool:
        """Whether we hung up."""
        return self.state is State.LEAVING

    def told(self) -> nouns.Link:
        """An encrypted link as front ends see it."""
        return nouns.Link(
            direction=self.direction,
            address=str(Address(self.host, self.port)) if self.port is not None else self.host,
            since=self.since,
            version=self.version,
            program=self.program,
            clock=self.ahead,
            instance=self.instance.hex(),
            run=self.run.hex(),
        )


class Links:
    """All links, by number."""

    def __init__(self) -> None:
        self._by_number: dict[int, Link] = {}

    def __len__(self) -> int:
        return len(self._by_number)

    def get(self, number: int) -> Link | None:
        """The link with this number; None when it has ended or never existed."""
        return self._by_number.get(number)

    def is_leaving(self, number: int) -> bool:
        """Whether we hung up this link and it hasn't ended yet."""
        link = self._by_number.get(number)
        return link is not None and link.leaving

    def dialled(self, number: int, contact: str, address: Address, kind: Kind, dialect: str) -> Link:
        """Add a link to a contact that is being dialled."""
        link = Link(
            number=number,
            direction="out",
            kind=kind,
            state=State.DIALLED,
            dialect=dialect,
            host=address.host,
            port=address.port,
            two_way=kind == "persistent",
            contact=contact,
        )
        self._by_number[number] = link
        return link

    def up(self, number: int, direction: Direction, host: str, port: int | None, dialect: str, two_way: bool) -> Link:
        """The network reports a link: an accepted one, one that we dialled, or one that an earlier core knew."""
        known = self._by_number.get(number)
        if known is None:
            kind: Kind = "persistent" if two_way else "one_shot"
            link = Link(
                number=number,
                direction=direction,
                kind=kind,
                state=State.UP,
                dialect=dialect,
                host=host,
                port=port,
                two_way=two_way,
            )
        else:
            state = TRANSITIONS[known.state, Input.COME_UP]
            link = replace(known, state=state, host=host, port=port, dialect=dialect, two_way=two_way)
        self._by_number[number] = link
        return link

    def secured(
        self,
        number: int,
        direction: Direction,
        host: str,
        port: int,
        peer: str,
        instance: bytes,
        run: bytes,
        **details: Any,
    ) -> Link:
        """A link is encrypted from here on. `port` is the one on which the other side listens, as it says.

        A link that we dialled keeps the address that was dialled. `details` are further fields of the link.
        """
        known = self._by_number.get(number)
        state = State.UP if known is None else TRANSITIONS[known.state, Input.COME_UP]
        link = self._by_number[number] = Link(
            number=number,
            direction=direction,
            kind="secure",
            state=state,
            dialect="snicher",
            host=host if known is None else known.host,
            port=port if known is None else known.port,
            two_way=True,
            contact=None if known is None else known.contact,
            peer=peer,
            instance=instance,
            run=run,
            listens=port,
            **details,
        )
        return link

    def with_peer(self, peer: str) -> list[Link]:
        """All encrypted links with a PeerId that we haven't left, the oldest first."""
        return [link for link in self._by_number.values() if link.peer == peer and not link.leaving]

    def go(self, number: int, by: Input) -> Link:
        """Apply an input to a link; returns the new link. Raises LocalFault when the table has no such transition."""
        link = self._by_number[number]
        try:
            link = replace(link, state=TRANSITIONS[link.state, by])
        except KeyError:
            raise LocalFault(f"{by.name} doesn't fit a link that is {link.state.name}.") from None
        self._by_number[number] = link
        return link

    def claim(self, number: int, port: int) -> None:
        """The other side announced its listening port."""
        self._by_number[number] = replace(self._by_number[number], port=port)

    def belong(self, number: int, contact: str) -> Link:
        """Assign a link to a contact."""
        link = self._by_number[number]
        if link.contact != contact:
            link = self._by_number[number] = replace(link, contact=contact)
        return link

    def of(self, contact: str) -> list[Link]:
        """All links of a contact, the oldest first."""
        return [link for link in self._by_number.values() if link.contact == contact]

    def disown(self, number: int) -> None:
        """Detach a link from its contact; later events of it are ignored."""
        link = self._by_number.get(number)
        if link is not None:
            self._by_number[number] = replace(link, contact=None)

    def over(self, number: int) -> Link | None:
        """Remove a link that has ended; returns its last value."""
        return self._by_number.pop(number, None)
