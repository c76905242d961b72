"""What every link with a plain peer does once its dialect is known: hear, write, tell outcomes, end.

Law of this file: as of link.py, whose class is the whole state machine: how a link begins, whom it may be talking to,
and what is due when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from node.errors import LocalFault
from node.protocol import writing
from node.protocol.events import Ended, Heard, LinkEvent
from node.protocol.plain import codec as plain
from node.protocol.plain.codec import Said, Speaker
from node.protocol.states import TRANSITIONS, Input, State
from node.protocol.writing import LineWriter, Transmitted

if TYPE_CHECKING:
    from node.protocol.probing import Probe
    from node.protocol.secure.offer import AnswerReader


class Conversation:
    """The base of Link: reader, write queue, state and output of one connection."""

    def __init__(self, state: State) -> None:
        self.state = state
        #: The dialect of the connection. None: not known yet.
        self.codec: plain.Codec | None = None
        #: Set when our side of the connection should be closed (the peer may still send).
        self.half_close = False
        #: Set when the connection should be closed, after the bytes from `data_to_send` are written.
        self.closing = False
        self._events: list[LinkEvent] = []
        self._out: list[bytes] = []
        self._reader: plain.Reader | None = None
        self._speaker: Speaker | None = None
        #: The persistent dialect in which we dialled.
        self._dialled: plain.PersistentCodec | None = None
        self._told = False
        self._told_exit = False
        #: Whether a byte of a text was written on a persistent connection.
        self._wrote = False
        #: Whether the peer said good-bye; and, in `_left`, whether it closed its side.
        self._parted = False
        self._left = False
        self._deadline: float | None = None
        self._patience_at: float | None = None
        self._writer = LineWriter()
        #: The outcome of the one message of a one-shot link, to report if nothing goes wrong.
        self._outcome: Transmitted | None = None
        #: The answers of an unknown address. None: its dialect is known.
        self._probe: Probe | None = None
        #: What came back to our offer. None: no answer can come (any more).
        self._answer: AnswerReader | None = None
        #: Until this time an answer takes back that a text was sent; and the outcomes that are kept back so long.
        self._doubt_until = 0.0
        self._doubted: list[Transmitted] = []

    @property
    def two_way(self) -> bool:
        """Whether we may send texts over this connection: it is persistent, and its dialect allows us to."""
        codec = self.codec
        return codec is not None and codec.persistent and (codec.both_ways or self._dialled is not None)

    # -- output

    def events(self) -> list[LinkEvent]:
        """Take the events since the last call, in order."""
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes:
        """Take the bytes to write now."""
        data, self._out = b"".join(self._out), []
        return data

    # -- inside: the table

    def _go(self, by: Input) -> None:
        try:
            self.state = TRANSITIONS[self.state, by]
        except KeyError:
            raise LocalFault(f"{by.name} doesn't fit a link that is {self.state.name}.") from None

    def _finish(self, by: Input, reason: str | None) -> None:
        dialled = self._dialled
        if dialled is not None and dialled.answered and self._told and not self._told_exit and not self._left:
            # Without a good-bye, the client of this dialect spins for ever when a connection ends.
            self._say_goodbye(dialled)
        self._give_back(reason)
        self._go(by)
        self.closing = True
        self._deadline = self._patience_at = self._answer = None
        self._events.append(Ended(reason))

    # -- inside: what the peer says

    def _hear(self, said: list[Said]) -> None:
        if said:
            self._events.append(Heard(said))
            self._parted = self._parted or any(isinstance(one, plain.Goodbye) for one in said)
        if self._reader is not None and self._reader.owed:
            # A peer that doesn't read its answers doesn't wait for them.
            if not self._writer.held:
                self._out.append(self._reader.owed)
            self._reader.owed = b""

    def _listen(self, now: float) -> None:
        patience = self._reader.patience if self._reader is not None else None
        self._patience_at = None if patience is None else now + patience

    def _read(self, data: bytes, now: float) -> None:
        assert self._reader is not None
        self._hear(self._reader.feed(data))
        self._listen(now)
        if self.state is State.OPEN and self._is_answered:
            self._writer.answered(now)
            self._write(now)

    def _last_words(self) -> None:
        if self._reader is not None and self._probe is None:
            self._hear(self._reader.end())

    # -- inside: what we say

    def _say_goodbye(self, codec: plain.PersistentCodec) -> None:
        self._told_exit = True
        self._out.append(codec.farewell)

    def _write(self, now: float) -> None:
        """Write what is due of our texts."""
        data, done = self._writer.write(now, writing.ANSWER_WAIT if self._is_answered else writing.WRITE_GAP)
        if done is not None:
            self._doubted.append(done)
        if self._answer is None or now >= self._doubt_until:
            self._trust()
        if data:
            self._wrote = True
            self._out.append(data)

    def _write_one_shot(self, token: int, text: str, part: int, control: bool) -> None:
        assert self._speaker is not None
        assert self.codec is not None
        if control:
            assert not self.codec.persistent
            word: plain.Control = "exit" if text == "exit" else "connect"
            payloads = plain.Payloads((self.codec.control(word, self._speaker),))
        else:
            payloads = self.codec.payloads(text, self._speaker)
        part = min(part, len(payloads.parts))
        self._out.append(payloads.parts[part - 1])
        self._outcome = Transmitted(token, "sent", None, part, len(payloads.parts), payloads.marks)
        self.half_close = True

    def _delivered(self, otherwise: str) -> None:
        """End a one-shot link, and report its message as sent. `otherwise` is the reason if there was no message."""
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            self._events.append(outcome)
        self._finish(Input.DONE, otherwise if outcome is None else None)

    @property
    def _is_answered(self) -> bool:
        """Whether we wait for an answer after each write."""
        return self._dialled is not None and self._dialled.answered

    def _trust(self) -> None:
        """Tell the outcomes that were kept back."""
        self._events.extend(self._doubted)
        self._doubted.clear()

    def _give_back(self, reason: str | None) -> None:
        """Report the outcome of all texts that haven't one yet, because the link ends."""
        self._trust()
        self._events.extend(self._writer.give_back(reason))
        if self._outcome is not None:
            self._events.append(msgspec.structs.replace(self._outcome, outcome="unknown", reason=reason, marks=()))
            self._outcome = None

    def _take_back(self, waiting: str, readable: str) -> None:
        """Report all texts without an outcome as not sent, because the peer takes nothing in clear."""
        self._events.extend(Transmitted(one.token, "not_sent", readable) for one in self._doubted)
        self._doubted.clear()
        self._events.extend(self._writer.take_back(waiting, readable))
