"""One connection with a plain peer, as a state machine: bytes and times in, events and bytes out.

Law of this file: no sockets, no loop, no clock (`now` is an argument, in seconds of any steady clock), no dice. The
asyncio side feeds it, writes what `data_to_send` returns, half-closes or closes when told, and arms one timer.

states.py has the table of transitions, writing.py the write queue of persistent connections, and probing.py finds the
dialect of an unknown address.
"""

from __future__ import annotations

import msgspec

from node.errors import LocalFault
from node.protocol import probing, writing
from node.protocol.plain import codec as plain
from node.protocol.plain import registry
from node.protocol.plain.codec import Said, Speaker
from node.protocol.probing import Probe
from node.protocol.states import TRANSITIONS, Input, State
from node.protocol.writing import LineWriter, Transmitted

#: Pause before CONNECT and after it, in seconds, so that it has a TCP segment of its own.
CONNECT_PAUSE = 0.05
#: Pause before a good-bye and after it, in seconds.
EXIT_PAUSE = 0.05
#: How long to wait for a one-shot peer to close after our message, in seconds; then we close.
CLOSE_WAIT = 1.0
#: An accepted connection that says nothing is closed after this time, in seconds, without a trace.
SILENCE = 60.0
#: Longest time for a whole message of a one-shot dialect, in seconds; then what has come of it counts.
COLLECT = 30.0
#: How long to wait for more if the first bytes fit several dialects, in seconds; then they decide as they are.
RECOGNISE_WAIT = 0.3
#: A connection whose peer doesn't read is closed after this time, in seconds. Unwritten texts return to the outbox.
STALL = 30.0


class Recognised(msgspec.Struct, frozen=True):
    """The dialect of an accepted connection was recognised."""

    dialect: str
    persistent: bool


class Settled(msgspec.Struct, frozen=True):
    """The dialect of an unknown address was found. If it is persistent, the link is open; if one-shot, it is over.

    `obeyed`: the peer obeyed our `exit`, as the ancestor does. So the link is over, and the peer must be dialled again.
    """

    dialect: str
    obeyed: bool = False


class Opened(msgspec.Struct, frozen=True):
    """A persistent link that we dialled in a known dialect is ready for texts."""


class Heard(msgspec.Struct, frozen=True):
    """The peer said something."""

    said: list[Said]


class Ended(msgspec.Struct, frozen=True):
    """The link is over. `reason` is None if it ended in order."""

    reason: str | None


LinkEvent = Recognised | Settled | Opened | Heard | Transmitted | Ended


class Link:
    """The state machine. Create one with `accepted`, `announce` or `one_shot`.

    Feed it with `connected`, `receive_data`, `receive_eof`, `connection_lost` and `handle_deadline`. After each call,
    take `events` and `data_to_send`, obey `half_close` and `closing`, and arm a timer for `next_deadline`.
    """

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
        self._head = b""
        self._speaker: Speaker | None = None
        self._me: tuple[int, str] = (0, "")
        #: The persistent dialect in which we dialled.
        self._dialled: plain.PersistentCodec | None = None
        self._told = False
        self._told_exit = False
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

    # -- constructors

    @classmethod
    def accepted(cls) -> Link:
        """Create the link of an incoming connection."""
        return cls(State.AWAITING)

    @classmethod
    def announce(cls, port: int, name: str, *, unsure: bool, codec: plain.PersistentCodec = registry.ANCESTOR) -> Link:
        """Create a persistent link to dial. `unsure`: the dialect isn't known, and the answer to CONNECT shows it."""
        link = cls(State.ANNOUNCING)
        link._me, link._dialled = (port, name), codec
        link._reader = codec.reader(dialled=True)
        link._probe = Probe(link._reader) if unsure else None
        link.codec = None if unsure else codec
        return link

    @classmethod
    def one_shot(cls, port: int, name: str, codec: plain.OneShotCodec = registry.STD) -> Link:
        """Create a link to dial for one message, or one part of it; `send` it as soon as the link is connected."""
        link = cls(State.DELIVERING)
        link._me = (port, name)
        link.codec = codec
        return link

    # -- input

    def connected(self, host: str, port: int, name: str, now: float, *, target: str = "", clock: str = "") -> None:
        """The connection is established. `host` is our address on it, `port` our listening port, `name` our name.

        `target` is the HOST:PORT that we dialled, `clock` our date and time, both as the peer should read them.
        """
        self._speaker = Speaker(host, port, name, target, clock)
        if self.state is State.AWAITING:
            self._deadline = now + SILENCE
        elif self.state is State.ANNOUNCING:
            self._deadline = now + CONNECT_PAUSE
        elif self.state is State.DELIVERING:
            self._deadline = now + CLOSE_WAIT

    def receive_data(self, data: bytes, now: float) -> None:
        """Process bytes as they were read. No input from a peer raises an error."""
        if self.state is State.AWAITING:
            self._recognise(data, now, ended=False)
        elif self.state in (State.COLLECTING, State.OPEN, State.LEAVING):
            self._read(data, now)
        elif self.state in (State.ANNOUNCING, State.PROBING, State.ASKING):
            if self._probe is not None:
                self._take_answer(self._probe, data, now)
            else:
                self._read(data, now)
        # DELIVERING: an answer such as "Message received". CLOSED: too late. Neither is content.

    def receive_eof(self, now: float) -> None:
        """The peer closed its side."""
        self._left = True
        if self.state is State.AWAITING:
            if self._head:
                self._recognise(b"", now, ended=True)
            else:
                self._finish(Input.DONE, None)
                return
        if self.state is State.COLLECTING:
            assert self._reader is not None
            self._hear(self._reader.end())
            self._finish(Input.COMPLETE, None)
        elif self.state in (State.ANNOUNCING, State.PROBING):
            self._turned_away("It closed the connection.")
        elif self.state is State.ASKING:
            self._answered_exit()
        elif self.state is State.DELIVERING:
            self._delivered("It closed the connection.")
        elif self.state in (State.OPEN, State.LEAVING):
            self._last_words()
            reason = "It closed the connection."
            self._give_back(reason)
            self._finish(Input.DONE, None if self._parted or self.state is State.LEAVING else reason)

    def connection_lost(self, reason: str | None, now: float) -> None:
        """The connection is gone. `reason` is None if it was closed in order."""
        if self.state is State.CLOSED:
            return
        if reason is None:
            self.receive_eof(now)
        elif self._probe is not None and self._told:
            self._turned_away(reason)
        else:
            if self.state is State.AWAITING and self._head:
                self._recognise(b"", now, ended=True)
            self._last_words()
            self._finish(Input.LOST, reason)

    def send(self, token: int, text: str, now: float, *, part: int = 1, control: bool = False) -> None:
        """Queue a text on an open persistent link, or write the one message of a one-shot link.

        Exactly one Transmitted follows, at the latest with Ended. `part` (from 1) and `control` (the text is a control
        word, never altered) are for one-shot links. If the link's state doesn't allow it or the queue is full, raises
        LocalFault and takes nothing.
        """
        if self.codec is None or self._speaker is None:
            raise LocalFault("A link that isn't connected can't send.")
        if self.state is State.DELIVERING and self._outcome is None and not self.half_close:
            self._write_one_shot(token, text, part, control, now)
            return
        if self.state is not State.OPEN or not self.two_way:
            raise LocalFault(f"A link that is {self.state.name} can't send.")
        self._writer.put(token, self.codec.payloads(text, self._speaker), now)
        self._write(now)

    def pause_writing(self, now: float) -> None:
        """The write buffer is full because the peer doesn't read: write nothing until `resume_writing`."""
        self._writer.hold()
        if self.state is State.OPEN:
            self._deadline = now + STALL

    def resume_writing(self, now: float) -> None:
        """The write buffer has drained: write again."""
        self._writer.resume(now)
        if self.state is State.OPEN:
            self._deadline = None
            self._write(now)

    def leave(self, now: float) -> None:
        """Say good-bye and close. Texts not begun are reported as not sent; one that is fully written, as sent."""
        state = self.state
        if state in (State.CLOSED, State.LEAVING) or (state is State.DELIVERING and self._outcome is not None):
            return
        if state is State.OPEN and self.two_way:
            # The connection still stands after the write, so this text counts as sent, as any other.
            self._tell(self._writer.confirm())
            self._give_back("We left.")
            self._go(Input.LEAVE)
            self._deadline = now + EXIT_PAUSE
        else:
            self._finish(Input.DONE if state is State.OPEN else Input.LEAVE, None)

    def next_deadline(self) -> float | None:
        """When to call `handle_deadline`, unless other input comes before. None: no timer is needed."""
        times = [at for at in (self._deadline, self._patience_at, self._writer.due) if at is not None]
        return None if self.state is State.CLOSED else min(times, default=None)

    def handle_deadline(self, now: float) -> None:
        """Handle the timeouts that are due at `now`."""
        if self.state is not State.CLOSED and self._patience_at is not None and self._patience_at <= now:
            self._patience_at = None
            self._quiet(now)
        if self.state is not State.CLOSED and self._deadline is not None and self._deadline <= now:
            self._deadline = None
            self._due(now)
        if self.state is State.OPEN:
            self._write(now)

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

    # -- inside

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
        self._deadline = self._patience_at = None
        self._events.append(Ended(reason))

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

    def _recognise(self, data: bytes, now: float, *, ended: bool) -> None:
        # Blanks before the first word don't count. A connection with nothing else leaves no trace.
        self._head = (self._head + data).lstrip(plain.BLANK)
        if not self._head:
            return
        codec = registry.recognise(self._head, ended)
        if codec is None:
            self._patience_at = now + RECOGNISE_WAIT
            return
        head, self._head = self._head, b""
        self.codec, self._reader = codec, codec.reader()
        self._go(Input.PERSISTENT_SEEN if codec.persistent else Input.ONE_SHOT_SEEN)
        if codec.persistent:
            self._deadline = now + STALL if self._writer.held else None
        else:
            self._deadline = now + COLLECT
        self._events.append(Recognised(codec.name, codec.persistent))
        self._read(head, now)

    def _quiet(self, now: float) -> None:
        if self.state is State.AWAITING:
            self._recognise(b"", now, ended=True)
            return
        assert self._reader is not None
        if self._probe is not None:
            self._probe.quiet()
            return
        self._hear(self._reader.quiet())
        if self.state is State.COLLECTING:
            self._finish(Input.COMPLETE, None)

    def _due(self, now: float) -> None:
        if self.state is State.AWAITING:
            self._finish(Input.DONE, None)
        elif self.state is State.COLLECTING:
            self._last_words()
            self._finish(Input.COMPLETE, None)
        elif self.state is State.ANNOUNCING and not self._told:
            self._told = True
            assert self._dialled is not None
            self._out.append(self._dialled.announcement(self._me[0]))
            self._deadline = now + CONNECT_PAUSE
        elif self.state is State.ANNOUNCING:
            if self._probe is not None:
                self._go(Input.UNSURE)
                self._deadline = now + probing.PROBE_WAIT - CONNECT_PAUSE
            else:
                self._events.append(Opened())
                self._open(Input.ANNOUNCED, now)
        elif self.state is State.PROBING:
            self._decide(now)
        elif self.state is State.ASKING:
            self._answered_exit(closed=False)
        elif self.state is State.DELIVERING:
            self._delivered("No message was given to it in time.")
        elif self.state is State.OPEN:
            self._finish(Input.DONE, "It doesn't read what it is sent.")
        elif self.state is State.LEAVING and not self._told_exit:
            assert self.codec is not None
            assert self.codec.persistent
            self._say_goodbye(self.codec)
            self._deadline = now + EXIT_PAUSE
        elif self.state is State.LEAVING:
            self._finish(Input.DONE, None)

    def _say_goodbye(self, codec: plain.PersistentCodec) -> None:
        self._told_exit = True
        self._out.append(codec.farewell)

    def _open(self, by: Input, now: float) -> None:
        self.codec = self._dialled
        self._go(by)
        self._deadline = now + STALL if self._writer.held else None
        self._listen(now)

    def _take_answer(self, probe: Probe, data: bytes, now: float) -> None:
        """Collect the answer of an unknown address. Decide at the timeout, or earlier if the answer is too long."""
        probe.take(data)
        self._listen(now)
        if self.state is State.ASKING:
            if probe.left or probe.full:
                self._answered_exit()
        elif probe.full and self.state is State.ANNOUNCING:
            self._turned_away("It talks without listening.")
        elif probe.full:
            self._decide(now)

    def _decide(self, now: float) -> None:
        """Decide which dialect a peer speaks that is still connected. If it spoke as the ancestor does, it is one.

        If it said nothing, it may be an ancestor, or a client that reads in a loop and ignores CONNECT. We send `exit`
        to find out, because only the ancestor obeys it.
        """
        probe = self._probe
        assert probe is not None
        if probe.native:
            self._probe = None
            self._events.append(Settled(registry.ANCESTOR.name))
            self._open(Input.STAYED, now)
            self._hear(probe.said)
        elif probe.silent and not probe.full:
            self._go(Input.SILENT)
            self._say_goodbye(registry.ANCESTOR)
            self._deadline = now + probing.EXIT_WAIT
        else:
            self._turned_away("It answered in another way.")

    def _answered_exit(self, *, closed: bool = True) -> None:
        """Decide by the reaction to our `exit`. An ancestor closes or says good-bye, or has spoken as one meanwhile."""
        probe = self._probe
        assert probe is not None
        if probe.native or probe.left or (closed and probe.silent):
            self._probe = None
            self._events.append(Settled(registry.ANCESTOR.name, obeyed=True))
            self._hear(probe.said)
            self._finish(Input.OBEYED, None)
        else:
            self._turned_away("It doesn't know `exit`.")

    def _turned_away(self, reason: str) -> None:
        if self._probe is not None and self._told:
            self._events.append(Settled(self._probe.guess()))
            self._finish(Input.TURNED_AWAY, None)
        else:
            self._last_words()
            self._finish(Input.TURNED_AWAY, reason)

    def _last_words(self) -> None:
        if self._reader is not None and self._probe is None:
            self._hear(self._reader.end())

    def _write_one_shot(self, token: int, text: str, part: int, control: bool, now: float) -> None:
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
        self._deadline = now + CLOSE_WAIT

    def _delivered(self, otherwise: str) -> None:
        """End a one-shot link, and report its message as sent. `otherwise` is the reason if there was no message."""
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            self._events.append(outcome)
        self._finish(Input.DONE, otherwise if outcome is None else None)

    def _write(self, now: float) -> None:
        """Write what is due of our texts."""
        data, done = self._writer.write(now, writing.ANSWER_WAIT if self._is_answered else writing.WRITE_GAP)
        self._tell(done)
        if data:
            self._out.append(data)

    @property
    def _is_answered(self) -> bool:
        """Whether we wait for an answer after each write."""
        return self._dialled is not None and self._dialled.answered

    def _tell(self, done: Transmitted | None) -> None:
        if done is not None:
            self._events.append(done)

    def _give_back(self, reason: str | None) -> None:
        """Report the outcome of all texts that haven't one yet, because the link ends."""
        self._events.extend(self._writer.give_back(reason))
        if self._outcome is not None:
            self._events.append(msgspec.structs.replace(self._outcome, outcome="unknown", reason=reason, marks=()))
            self._outcome = None
