"""TCP connections in memory: bytes come in order, in pieces, after delays; a connection can be cut at any byte."""

from __future__ import annotations

import collections
from typing import Protocol

from tests.support.two_nodes.agenda import Agenda

RESET = "The other side reset the connection."
#: A connection over which nothing comes any more is noticed by the system after this time (ms).
KEEP_ALIVE = 120_000


class Side(Protocol):
    """One end of a connection."""

    def receive(self, data: bytes) -> None:
        """Bytes came."""

    def ended(self) -> None:
        """The other side has closed its half."""

    def lost(self, reason: str | None) -> None:
        """The connection is gone."""


class Network:
    """All connections, and whether anything travels at present."""

    def __init__(self, agenda: Agenda) -> None:
        self.agenda = agenda
        self.down = False
        self.pipes: list[Pipe] = []
        #: What arrives when the network is up again.
        self._stalled: list[tuple[Pipe, int]] = []

    def stall(self, pipe: Pipe, towards: int) -> None:
        self._stalled.append((pipe, towards))

    def set_down(self, down: bool) -> None:
        """Nothing travels any more; or it does again, with what was under way."""
        self.down = down
        if not down:
            stalled, self._stalled = self._stalled, []
            for pipe, towards in stalled:
                pipe.arrive(towards)


class Pipe:
    """A connection. Side 0 dialled it, side 1 accepted it."""

    def __init__(self, network: Network, slowness: int) -> None:
        self._network = network
        self._agenda = network.agenda
        #: Bytes are under way up to so long (ms).
        self._slowness = slowness
        self.sides: list[Side] = []
        self._under_way: tuple[collections.deque[bytes], ...] = (collections.deque(), collections.deque())
        self._free_at = [0, 0]
        self._finished = [False, False]
        self.open = True
        #: Nothing comes any more, and nobody is told.
        self.silent = False
        network.pipes.append(self)

    def write(self, side: int, data: bytes) -> None:
        """Send bytes to the other side, in a few pieces."""
        if not self.open or self._finished[side]:
            return
        dice = self._agenda.dice
        if len(data) > 1 and dice.random() < 0.15:
            at = dice.randrange(1, len(data))
            self._send(side, data[:at])
            data = data[at:]
        self._send(side, data)

    def finish(self, side: int) -> None:
        """Close one half."""
        if self.open and not self._finished[side]:
            self._send(side, b"")
            self._finished[side] = True

    def _send(self, side: int, piece: bytes) -> None:
        towards = 1 - side
        self._under_way[towards].append(piece)
        at = max(self._free_at[towards], self._agenda.now + self._agenda.dice.randint(0, self._slowness))
        self._free_at[towards] = at
        self._agenda.after(at - self._agenda.now, self.arrive, towards)

    def arrive(self, towards: int) -> None:
        """The next piece arrives at a side."""
        if not self.open or self.silent:
            return
        if self._network.down:
            self._network.stall(self, towards)
            return
        piece = self._under_way[towards].popleft()
        if piece:
            self.sides[towards].receive(piece)
        else:
            self.sides[towards].ended()
            self._over()

    def _over(self) -> None:
        if all(self._finished) and not any(self._under_way):
            self._gone()

    def _gone(self) -> None:
        self.open = False
        if self in self._network.pipes:
            self._network.pipes.remove(self)

    def cut(self) -> None:
        """Break at any byte: some of what is under way arrives, then both sides learn that it is gone."""
        if not self.open:
            return
        self._gone()
        for towards in (0, 1):
            self._break(towards)

    def reset(self, side: int) -> None:
        """The process behind one side is no more: the other side learns it."""
        if self.open:
            self._gone()
            self._break(1 - side)

    def _break(self, towards: int) -> None:
        dice = self._agenda.dice
        data = b"".join(self._under_way[towards])
        self._agenda.after(
            dice.randint(0, self._slowness), self._broken, towards, data[: dice.randint(0, len(data))], RESET
        )

    def _broken(self, towards: int, rest: bytes, reason: str) -> None:
        if rest:
            self.sides[towards].receive(rest)
        self.sides[towards].lost(reason)

    def go_silent(self) -> None:
        """Nothing comes any more, in either direction; the systems notice only much later."""
        if self.open and not self.silent:
            self.silent = True
            self._agenda.after(KEEP_ALIVE, self._noticed)

    def _noticed(self) -> None:
        if self.open:
            self._gone()
            for side in self.sides:
                side.lost("No answer.")
