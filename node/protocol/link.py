"""One connection with a plain peer, as a state machine: bytes and times in, events and bytes out.

Law of this file: no sockets, no loop, no clock (`now` is an argument, in seconds of any steady clock), no dice. The
asyncio side feeds it, writes what `data_to_send` returns, half-closes or closes when told, and arms one timer.

states.py has the table of transitions, events.py what a link tells, conversation.py what it does once its dialect is
known, writing.py the write queue of persistent connections, and probing.py finds the dialect of an unknown address.
When an offer to encrypt is answered, the link is over and the connection goes on as a SecureLink (secure/).
"""

from __future__ import annotations

from node.errors import LocalFault
from node.protocol import probing
from node.protocol.conversation import Conversation
from node.protocol.events import (
    Answered,
    AnsweredLate,
    Ended,
    Heard,
    LinkEvent,
    Opened,
    Recognised,
    Settled,
)
from node.protocol.plain import codec as plain
from node.protocol.plain import registry
from node.protocol.plain.codec import Speaker
from node.protocol.probing import Probe
from node.protocol.secure import offer
from node.protocol.secure.offer import AnswerReader, Offered, OfferReader
from node.protocol.states import Input, State
from node.protocol.writing import Transmitted

__all__ = [
    "Answered",
    "AnsweredLate",
    "Ended",
    "Heard",
    "Link",
    "LinkEvent",
    "Offered",
    "Opened",
    "Recognised",
    "Settled",
    "Transmitted",
]

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


#: Why a text goes back when the peer turned out to be a Snicher node, which takes nothing in clear.
NOT_WRITTEN = "It turned out to be a Snicher node: this goes there encrypted only."
READABLE = "It turned out to be a Snicher node, and took nothing in clear. This was readable on the network."
LOSSY = "It was not heard: the network loses packets."
LATE = "It answered the offer to encrypt only after this node had gone on in clear."


class Link(Conversation):
    """The state machine. Create one with `accepted`, `announce`, `one_shot` or `secure`.

    Feed it with `connected`, `receive_data`, `receive_eof`, `connection_lost` and `handle_deadline`. After each call,
    take `events` and `data_to_send`, obey `half_close` and `closing`, and arm a timer for `next_deadline`. After
    Offered or Answered nothing of it counts any more: write `data_to_send` once more, and the connection is TLS's.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        #: Whether offers are answered. False: they are treated as padding, because there is no room for a handshake.
        self.answers = True
        #: Whether bytes of ours had to be sent again on this connection. Who is silent then may just not be heard: an
        #: unknown address would be taken for a plain client, and a Snicher node would be talked to in clear for good.
        self.lossy = False
        self._head = b""
        self._me: tuple[int, str] = (0, "")
        #: The first bytes of an accepted connection, while they may be an offer. None: they can't be.
        self._offer: OfferReader | None = OfferReader() if state is State.AWAITING else None

    # -- constructors

    @classmethod
    def accepted(cls, *, answers: bool = True) -> Link:
        """Create the link of an incoming connection. `answers`: as the attribute."""
        link = cls(State.AWAITING)
        link.answers = answers
        return link

    @classmethod
    def announce(cls, port: int, name: str, *, unsure: bool, codec: plain.PersistentCodec = registry.ANCESTOR) -> Link:
        """Create a persistent link to dial. `unsure`: the dialect isn't known, and the answer to CONNECT shows it."""
        link = cls(State.ANNOUNCING)
        link._me, link._dialled = (port, name), codec
        link._reader = codec.reader(dialled=True)
        link._probe = Probe(link._reader) if unsure else None
        link.codec = None if unsure else codec
        link._answer = AnswerReader() if codec is registry.ANCESTOR else None
        return link

    @classmethod
    def one_shot(cls, port: int, name: str, codec: plain.OneShotCodec = registry.STD) -> Link:
        """Create a link to dial for one message, or one part of it; `send` it as soon as the link is connected."""
        link = cls(State.DELIVERING)
        link._me = (port, name)
        link.codec = codec
        return link

    @classmethod
    def secure(cls, port: int, name: str) -> Link:
        """Create a link to dial to a Snicher node: after the offer, it says nothing in clear, whatever comes back."""
        link = cls(State.OFFERING)
        link._me, link._dialled = (port, name), registry.ANCESTOR
        link._answer = AnswerReader()
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
        elif self.state is State.OFFERING:
            # Nothing old listens there, so CONNECT needs no segment of its own.
            self._announce()
            self._deadline = now + offer.ANSWER_WAIT
        elif self.state is State.DELIVERING:
            self._deadline = now + CLOSE_WAIT

    def receive_data(self, data: bytes, now: float) -> None:
        """Process bytes as they were read. No input from a peer raises an error; no bytes are no input."""
        if not data:
            return
        if self.state is State.AWAITING:
            self._take_first(data, now)
            return
        for read in self._unless_answer(data):
            self._take(read, now)

    def receive_eof(self, now: float) -> None:
        """The peer closed its side."""
        self._left = True
        if self.state is State.AWAITING:
            self._no_offer()
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
        elif self.state is State.OFFERING:
            self._finish(Input.TURNED_AWAY, "It closed the connection instead of answering as a Snicher node.")
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
        if self.state in (State.CLOSED, State.UPGRADED):
            return
        if reason is None:
            self.receive_eof(now)
        elif self._probe is not None and self._told:
            self._turned_away(reason)
        else:
            self._no_offer()
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
            self._write_one_shot(token, text, part, control)
            self._deadline = now + CLOSE_WAIT
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
        if self._offer is not None and self._offer.held:
            self._no_offer()
            self._recognise(b"", now, ended=True)
        state = self.state
        if state in (State.CLOSED, State.UPGRADED, State.LEAVING) or (
            state is State.DELIVERING and self._outcome is not None
        ):
            return
        if state is State.OPEN and self.two_way:
            # The connection still stands after the write, so this text counts as sent, as any other.
            done = self._writer.confirm()
            if done is not None:
                self._doubted.append(done)
            self._give_back("We left.")
            self._go(Input.LEAVE)
            self._deadline = now + EXIT_PAUSE
        else:
            self._finish(Input.DONE if state is State.OPEN else Input.LEAVE, None)

    def next_deadline(self) -> float | None:
        """When to call `handle_deadline`, unless other input comes before. None: no timer is needed."""
        doubt = self._doubt_until if self._doubted else None
        times = [at for at in (self._deadline, self._patience_at, self._writer.due, doubt) if at is not None]
        return None if self.state in (State.CLOSED, State.UPGRADED) else min(times, default=None)

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

    # -- inside: the offer to encrypt, and its answer

    def _announce(self) -> None:
        """Say CONNECT, with the offer in the native dialect."""
        assert self._dialled is not None
        self._told = True
        self._out.append(self._dialled.announcement(self._me[0]))

    def _take_first(self, data: bytes, now: float) -> None:
        """Look for an offer in the first bytes of an accepted connection; then for a dialect."""
        if self._offer is None:
            self._recognise(data, now, ended=False)
            return
        found = self._offer.take(data, now) if self.answers else None
        if found is not None:
            self._out.append(offer.ANSWER)
            self._upgrade(Input.OFFERED, found)
        elif self.answers and self._offer.due is not None:
            # It ends before long. Then there is a dialect, because this is no blank.
            self._deadline, self._patience_at = None, self._offer.due
        else:
            held = b"" if self.answers else data
            self._no_offer()
            self._recognise(held, now, ended=False)

    def _no_offer(self) -> None:
        """What may have become an offer is the beginning of something else."""
        if self._offer is not None:
            self._head, self._offer = self._offer.held, None

    def _unless_answer(self, data: bytes) -> list[bytes]:
        """Return the reads to process: none while they may be the answer to our offer, or if they are."""
        answer = self._answer
        if answer is None:
            return [data]
        rest = answer.take(data) if self._told else None
        if rest is not None:
            self._answered(rest)
            return []
        if self._told and answer.possible:
            return []
        self._answer = None
        self._trust()
        # Read by read, as they would have been taken without an offer.
        return answer.reads if self._told else [data]

    def _answered(self, rest: bytes) -> None:
        if self.state is State.LEAVING or self._told_exit or self._wrote:
            self._events.append(AnsweredLate(self._wrote))
            self._take_back(NOT_WRITTEN, READABLE)
            self._finish(Input.ANSWERED_LATE, LATE)
        else:
            self._take_back(NOT_WRITTEN, READABLE)
            self._upgrade(Input.ANSWERED, Answered(rest))

    def _upgrade(self, by: Input, event: Offered | Answered) -> None:
        self._go(by)
        self._offer = self._answer = self._probe = None
        self._deadline = self._patience_at = None
        self._events.append(event)

    # -- inside: which dialect

    def _take(self, data: bytes, now: float) -> None:
        """Process bytes that are neither an offer nor an answer."""
        if self.state in (State.COLLECTING, State.OPEN, State.LEAVING):
            self._read(data, now)
        elif self.state in (State.ANNOUNCING, State.PROBING, State.ASKING):
            if self._probe is not None:
                self._take_answer(self._probe, data, now)
            else:
                self._read(data, now)
        elif self.state is State.OFFERING:
            self._finish(Input.TURNED_AWAY, "It doesn't answer as a Snicher node.")
        # DELIVERING: an answer such as "Message received". CLOSED, UPGRADED: too late. None of it is content.

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
            digits = self._offer is not None and not self._offer.tabbed
            self._no_offer()
            self._recognise(b"", now, ended=True)
            if not digits:
                return
            # The silence that ended the wait for tabs is also the one that ends a CONNECT.
            self._patience_at = None
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
            self._announce()
            self._doubt_until = now + offer.DOUBT
            self._deadline = now + CONNECT_PAUSE
        elif self.state is State.ANNOUNCING:
            if self._probe is not None:
                self._go(Input.UNSURE)
                self._deadline = now + probing.PROBE_WAIT - CONNECT_PAUSE
            else:
                self._events.append(Opened())
                self._open(Input.ANNOUNCED, now)
        elif self.state is State.OFFERING:
            self._finish(Input.TURNED_AWAY, f"It didn't answer as a Snicher node within {offer.ANSWER_WAIT:.0f} s.")
        elif self.state in (State.PROBING, State.ASKING) and self.lossy and self._probe and self._probe.silent:
            self._finish(Input.TURNED_AWAY, LOSSY)
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
