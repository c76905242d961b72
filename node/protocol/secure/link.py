"""One encrypted connection with another node, as a state machine: bytes and times in, events and bytes out.

Law of this file: as of ../link.py: no sockets, no loop, no clock (`now` is an argument, in seconds of any steady
clock), no dice. TLS is handed in (engine.py), and so is our HELLO. It takes over a connection on which an offer was
answered.

states.py has the table of transitions. (PROTOCOL.md, section 9)
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from node.errors import HandshakeFailed, InvalidFrame, LocalFault
from node.model import PeerId, peer_id
from node.printable import flat
from node.protocol.plain import codec
from node.protocol.secure import frames
from node.protocol.secure.engine import Engine
from node.protocol.secure.frames import BYE_CODES, Bye, Frame, Hello, Ping, Pong, Splitter, decode, encode
from node.protocol.secure.states import TRANSITIONS, Input, State

#: The versions of the protocol that we speak.
VERSIONS = (2,)
#: Longest time from the answer to the offer until the other side's HELLO, in seconds; then we close.
HANDSHAKE = 5.0
#: After so long a silence of the other side, in seconds, it is asked for a sign of life.
SILENCE = 25.0
#: After so long a silence behind that question, in seconds, it is taken for dead.
DEAD = 20.0
#: A connection whose other side doesn't read is closed after this time, in seconds.
STALL = 30.0
#: Most bytes of frames that wait while the other side doesn't read; with more, we close.
MAX_QUEUED = 4 * 1024 * 1024
#: How the tokens of our own PINGs begin; a number follows. Whoever says a PING over a link takes another beginning.
OWN_TOKEN = b"live"

CLOSED = "It closed the connection."
CLOSED_EARLY = "It closed the connection during the TLS handshake."
NO_HANDSHAKE = f"It didn't finish the TLS handshake within {HANDSHAKE:.0f} s."
NO_HELLO = f"It said no HELLO within {HANDSHAKE:.0f} s."
DEAD_SILENT = f"Nothing came from it for {SILENCE + DEAD:.0f} s."
DOES_NOT_READ = "It doesn't read what it is sent."
TOO_SLOW = "It reads too slowly: too much waits for it."
OTHER_KEY = "It has another key than the one expected."
NO_VERSION = "It speaks no version of the protocol that this node speaks."


class Secured(msgspec.Struct, frozen=True):
    """The link is open: the other side has proved its key, and its HELLO was read. Comes before any Framed.

    The name in `hello` has 1 to 64 characters and is printable. `version` is that of the protocol for this link.
    """

    peer: PeerId
    hello: Hello
    version: int


class Framed(msgspec.Struct, frozen=True):
    """Frames came, in order. Never HELLO, PING or BYE, nor a PONG to a PING of the link itself."""

    frames: list[Frame]


class KeyDiffered(msgspec.Struct, frozen=True):
    """The other side has another key than the one expected. Nothing was told to it, not even our key. Ended follows."""

    found: PeerId


class Ended(msgspec.Struct, frozen=True):
    """The link is over. `reason` is None if it ended in order: we left, or the other side did, with code 0.

    `code` is that of the other side's BYE. None: it said none. `silent`: for how long nothing had come, in seconds, if
    that is why the link ended.
    """

    reason: str | None
    code: int | None = None
    silent: float = 0.0


SecureEvent = Secured | Framed | KeyDiffered | Ended


class SecureLink:
    """The state machine. `begin` it where the plain link ended with Offered or Answered.

    Feed it with `receive_data`, `receive_eof`, `connection_lost` and `handle_deadline`. After each call, take `events`
    and `data_to_send`, obey `half_close` and `closing`, and arm a timer for `next_deadline`.
    """

    def __init__(
        self, engine: Engine, hello: Callable[[], Hello], *, expect: str | None = None, rest: bytes = b""
    ) -> None:
        """Create a link over a new engine.

        `hello` makes our HELLO when TLS is up, so that its time is right; the link sets its versions, and cuts its name
        to its bound (without one, it is "anon"). `expect` is the PeerId that must answer; None:
        whoever does, as always where we accepted. `rest` is what came behind the offer or the answer.
        """
        self.state = State.SHAKING
        #: Set when our side of the connection should be closed.
        self.half_close = False
        #: Set when the connection should be closed, after the bytes from `data_to_send` are written.
        self.closing = False
        self._engine = engine
        self._hello = hello
        self._expect = expect
        self._rest = rest
        self._events: list[SecureEvent] = []
        self._splitter = Splitter()
        #: The other side, once it has proved its key.
        self._peer = PeerId("")
        #: Encoded frames that TLS hasn't taken yet, and their bytes.
        self._queue: list[bytes] = []
        self._queued = 0
        #: Frames that came and are handed on when all bytes at hand are processed.
        self._found: list[Frame] = []
        #: The write buffer is full: nothing is written until `resume_writing`.
        self._held = False
        #: Nothing is told to who has another key, so nothing of TLS either.
        self._mute = False
        #: When it is too late for the other side's HELLO; when to act on its silence; when it should have read.
        self._greeted_by: float | None = None
        self._silent_at: float | None = None
        self._stalled_at: float | None = None
        #: PINGs that the link has said, and whether the last one waits for a sign of life.
        self._pings = 0
        self._asked = False

    # -- input

    def begin(self, now: float) -> None:
        """Start the handshake. Call it once, before anything else."""
        self._greeted_by = now + HANDSHAKE
        self._engine.start()
        if self._rest:
            rest, self._rest = self._rest, b""
            self.receive_data(rest, now)

    def receive_data(self, data: bytes, now: float) -> None:
        """Process bytes as they were read. No input from the other side raises an error."""
        if self.state is State.CLOSED:
            return
        if self.state is State.OPEN:
            self._listen(now)
        try:
            said = self._engine.feed(data)
        except HandshakeFailed as fault:
            self._finish(Input.BROKEN, str(fault))
            return
        if self.state is State.SHAKING and self._engine.up:
            self._meet()
        if said:
            self._read(said, now)

    def receive_eof(self, now: float) -> None:
        """The other side closed its half without a BYE."""
        self.connection_lost(None, now)

    def connection_lost(self, reason: str | None, now: float) -> None:
        """The connection is gone. `reason` is None if it was closed in order."""
        if self.state is not State.CLOSED:
            self._finish(Input.LOST, reason or (CLOSED_EARLY if self.state is State.SHAKING else CLOSED))

    def pause_writing(self, now: float) -> None:
        """The write buffer is full because the other side doesn't read: write nothing until `resume_writing`."""
        self._held = True
        self._stalled_at = now + STALL

    def resume_writing(self, now: float) -> None:
        """The write buffer has drained: write again."""
        self._held = False
        self._stalled_at = None

    def say(self, frame: Frame, now: float) -> None:
        """Send a frame. It waits while the other side doesn't read; when too much waits, the link ends.

        Raises LocalFault and sends nothing if the link isn't open, for HELLO, BYE (see `leave`) and a PING whose token
        begins as the link's own, and for a frame beyond its bound.
        """
        if self.state is not State.OPEN:
            raise LocalFault(f"An encrypted link that is {self.state.name} can't send.")
        if isinstance(frame, Hello | Bye) or (isinstance(frame, Ping) and frame.token.startswith(OWN_TOKEN)):
            raise LocalFault(f"{type(frame).__name__} is the link's own business.")
        self._say(frame)

    def leave(self, now: float, code: int = 0, text: str = "") -> None:
        """Say BYE, if TLS is up, and close. `code` is one of BYE_CODES, `text` for people; cut to its bound."""
        if code not in BYE_CODES:
            raise LocalFault(f"BYE has no code {code}.")
        if self.state is not State.CLOSED:
            self._finish(Input.LEAVE, None, Bye(code, text))

    def next_deadline(self) -> float | None:
        """When to call `handle_deadline`, unless other input comes before. None: no timer is needed."""
        times = [at for at in (self._greeted_by, self._silent_at, self._stalled_at) if at is not None]
        return None if self.state is State.CLOSED else min(times, default=None)

    def handle_deadline(self, now: float) -> None:
        """Handle the timeouts that are due at `now`."""
        if self.state is State.CLOSED:
            return
        if self._greeted_by is not None and self._greeted_by <= now:
            shaking = self.state is State.SHAKING
            reason = NO_HANDSHAKE if shaking else NO_HELLO
            self._finish(Input.OVERDUE, reason, None if shaking else Bye(6, "No HELLO."))
        elif self._stalled_at is not None and self._stalled_at <= now:
            self._finish(Input.OVERDUE, DOES_NOT_READ)
        elif self._silent_at is not None and self._silent_at <= now:
            if self._asked:
                self._finish(Input.OVERDUE, DEAD_SILENT, Bye(6, ""), silent=SILENCE + DEAD)
            else:
                self._ask(now)

    @property
    def held(self) -> int:
        """Bytes of a frame that isn't complete."""
        return 0 if self.state is State.CLOSED else self._splitter.held

    # -- output

    def events(self) -> list[SecureEvent]:
        """Take the events since the last call, in order."""
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes:
        """Take the bytes to write now."""
        if self._mute:
            return b""
        if self._queue and not self._held:
            # Together, so that TLS makes as few records of them as it can.
            self._engine.write(b"".join(self._queue))
            self._queue.clear()
            self._queued = 0
        return self._engine.out()

    # -- inside

    def _go(self, by: Input) -> None:
        try:
            self.state = TRANSITIONS[self.state, by]
        except KeyError:
            raise LocalFault(f"{by.name} doesn't fit an encrypted link that is {self.state.name}.") from None

    def _finish(
        self, by: Input, reason: str | None, bye: Bye | None = None, *, code: int | None = None, silent: float = 0.0
    ) -> None:
        """End the link. `bye` goes out before the close, if TLS is up; `code` is that of the other side's BYE."""
        if self._held:
            # Who doesn't read doesn't wait for these.
            self._queue.clear()
        if bye is not None and self.state is not State.SHAKING:
            self._queue.append(encode(Bye(bye.code, bye.text[: frames.MAX_BYE_TEXT])))
        self._go(by)
        if self._queue:
            self._engine.write(b"".join(self._queue))
            self._queue.clear()
        self._queued = 0
        if not self._mute:
            self._engine.close()
        self.half_close = self.closing = True
        self._greeted_by = self._silent_at = self._stalled_at = None
        self._tell()
        self._events.append(Ended(reason, code, silent))

    def _meet(self) -> None:
        """TLS is up: look at the key, and say HELLO."""
        assert self._engine.peer is not None
        self._peer = peer_id(self._engine.peer)
        if self._expect is not None and self._peer != self._expect:
            self._mute = True
            self._events.append(KeyDiffered(self._peer))
            self._finish(Input.DIFFERED, OTHER_KEY)
            return
        self._go(Input.SHAKEN)
        hello = self._hello()
        name = hello.name.strip()[: frames.MAX_NAME] or "anon"
        self._say(msgspec.structs.replace(hello, versions=list(VERSIONS), name=name))

    def _listen(self, now: float) -> None:
        self._silent_at = now + SILENCE
        self._asked = False

    def _ask(self, now: float) -> None:
        self._asked = True
        self._silent_at = now + DEAD
        token = OWN_TOKEN + (self._pings % 2**32).to_bytes(4, "big")
        self._pings += 1
        self._say(Ping(token))

    def _say(self, frame: Frame) -> None:
        data = encode(frame)
        if len(data) > frames.MAX_FRAME:
            raise LocalFault(f"A frame of {len(data)} bytes is too large.")
        self._queue.append(data)
        self._queued += len(data)
        if self._queued > MAX_QUEUED:
            self._finish(Input.OVERDUE, TOO_SLOW)

    def _read(self, said: bytes, now: float) -> None:
        """Process what TLS brought: any number of frames, cut anywhere."""
        try:
            for data in self._splitter.feed(said):
                frame = decode(data)
                if self.state is State.GREETING:
                    self._greeted(frame, now)
                elif frame is not None:
                    self._take(frame)
                if self.state is State.CLOSED:
                    return
        except InvalidFrame as fault:
            self._finish(Input.BROKEN, f"It broke the protocol: {fault}", Bye(4, str(fault)))
            return
        self._tell()

    def _tell(self) -> None:
        """Hand on the frames that came."""
        if self._found:
            self._events.append(Framed(self._found))
            self._found = []

    def _greeted(self, frame: Frame | None, now: float) -> None:
        """Process the first frame. Raises InvalidFrame."""
        if isinstance(frame, Bye):
            self._parted(frame)
            return
        if not isinstance(frame, Hello):
            raise InvalidFrame("The first frame is no HELLO.")
        common = set(VERSIONS).intersection(frame.versions)
        if not common:
            self._finish(Input.NO_VERSION, NO_VERSION, Bye(1, f"This node speaks {', '.join(map(str, VERSIONS))}."))
            return
        self._go(Input.GREETED)
        self._splitter.limit = frames.MAX_FRAME
        self._greeted_by = None
        self._listen(now)
        name = codec.read_name(frame.name.encode()) or "anon"
        self._events.append(Secured(self._peer, msgspec.structs.replace(frame, name=name), max(common)))

    def _take(self, frame: Frame) -> None:
        """Process a frame of an open link. Raises InvalidFrame."""
        if isinstance(frame, Hello):
            raise InvalidFrame("A second HELLO.")
        if isinstance(frame, Bye):
            self._parted(frame)
        elif isinstance(frame, Ping):
            self._say(Pong(frame.token))
        elif not (isinstance(frame, Pong) and frame.token.startswith(OWN_TOKEN)):
            self._found.append(frame)

    def _parted(self, bye: Bye) -> None:
        if bye.code == 0:
            self._finish(Input.PARTED, None, code=0)
            return
        reason = f"It left: {BYE_CODES.get(bye.code, f'code {bye.code}.')}"
        said = flat(bye.text[: frames.MAX_BYE_TEXT])
        self._finish(Input.PARTED, f"{reason} It says: {said}" if said else reason, code=bye.code)
