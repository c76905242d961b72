"""The frames of an encrypted link, and how they are written and read. Pure. (PROTOCOL.md, section 9)

A frame is 4 bytes of length (big-endian) and a MessagePack array that begins with its type, a number. Receivers ignore
types that they don't know, and elements behind those that they know.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from node.errors import InvalidFrame

#: Most bytes of a frame behind its length, and the least.
MAX_FRAME, MIN_FRAME = 1024 * 1024, 1
#: Most bytes of a HELLO, so of the first frame: nobody has vouched for the sender yet.
MAX_HELLO = 16 * 1024
#: Most entries of a RUN, and most bytes of its headers and bodies together.
MAX_RUN, MAX_RUN_BYTES = 1_000, 128 * 1024
#: Most rows of a HAVE, and rooms of a DIGEST, so that each fits in a frame. More go in several.
MAX_ROWS, MAX_ROOMS = 4_000, 4_000
#: Most characters of a name in HELLO, and of a text in BYE; what is longer is cut.
MAX_NAME, MAX_BYE_TEXT = 64, 256
#: Most versions, and most features, in a HELLO.
MAX_LISTED = 64
#: Most nodes that one SEEK asks for, and most that one WHERE tells of.
MAX_SOUGHT = 32
#: Most addresses of one node in a WHERE, and most characters of a host in a WHERE or a DIALLED.
MAX_TOLD, MAX_HOST = 8, 64
#: Most characters of what a person says of themselves.
MAX_STATUS = 100
#: Longest time of one TYPING, in seconds.
MAX_TYPING_S = 10
#: Most milliseconds in a DIALLED.
MAX_DIALLED_MS = 60_000
_LENGTH = struct.Struct(">I")


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """Who speaks. The first frame of each side."""

    #: The versions of the protocol that it speaks.
    versions: list[int]
    #: Random for its database, and for its run: 16 bytes each.
    instance: bytes
    run: bytes
    #: What it calls itself: 1 to 64 characters. Untrusted text.
    name: str
    #: The port that it listens on.
    port: int
    #: Its time, in milliseconds since 1970 UTC.
    now: int
    features: list[str]


class Ping(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Asks for a PONG with the same token, 8 bytes."""

    token: bytes


class Pong(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Answers a PING."""

    token: bytes


class Bye(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The last frame of a side: why it goes."""

    code: int
    text: str


class Digest(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """For rooms that both share: the SHA-256 of the rows that the sender tells."""

    rooms: list[tuple[str, bytes]]


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A row of a vector as it is told: the sender holds the stream without a gap from `first` to `n`."""

    author: str
    stream: bytes
    first: int
    n: int
    hash: bytes


class Have(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """What the sender holds of a room, on its disk."""

    room: str
    rows: list[Told]


class Want(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Asks for a stream from number `after` + 1 on. `follow`: and for whatever comes later."""

    room: str
    author: str
    stream: bytes
    after: int
    follow: bool


class Stop(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Ends what a WANT began."""

    room: str
    author: str
    stream: bytes


class Run(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """Consecutive entries of one stream. The signature is that of the last header."""

    room: str
    headers: list[bytes]
    bodies: list[bytes | None]
    signature: bytes


class Read(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """How far somebody at the sender's node has read streams of a room: (author, stream, number)."""

    room: str
    rows: list[tuple[str, bytes, int]]


class Typing(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """Somebody at the sender's node types in a room, for so many seconds at most. 0: no longer."""

    room: str
    seconds: int


class Door(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """Whether the sender's user takes what is said in a room: 0 yes; 1 no more, before they have decided about it; 2
    nothing today, because too many unknown nodes of the receiver's address have begun to write."""

    room: str
    state: int


class Seek(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """Asks where these nodes, by PeerId, can be reached."""

    peers: list[str]


class At(msgspec.Struct, frozen=True, array_like=True):
    """An address of a node, and how long ago (in seconds) the sender knew it to be good; 0 for the sender's own."""

    host: str
    port: int
    age: int


class Where(msgspec.Struct, frozen=True, array_like=True, tag=17):
    """Where nodes can be reached: the sender, and others that were asked for. (PeerId, addresses)"""

    rows: list[tuple[str, list[At]]]


class Presence(msgspec.Struct, frozen=True, array_like=True, tag=18):
    """How present the sender's person is: 0 here, 1 away; and what they say of themselves. Untrusted text."""

    state: int
    text: str


class DialBack(msgspec.Struct, frozen=True, array_like=True, tag=20):
    """Asks the receiver to connect to the sender, at the host from which this link reaches it, to see whether it can.

    The port is the one of the sender's HELLO. `number` comes back with the answer.
    """

    number: int


class Dialled(msgspec.Struct, frozen=True, array_like=True, tag=21):
    """Answers a DIALBACK: what came of it, a key of DIALLED; after how long; and the host that was dialled."""

    number: int
    outcome: int
    ms: int
    host: str


Frame = (
    Hello
    | Ping
    | Pong
    | Bye
    | Digest
    | Have
    | Want
    | Stop
    | Run
    | Read
    | Typing
    | Door
    | Seek
    | Where
    | Presence
    | DialBack
    | Dialled
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)
_KNOWN = frozenset((*range(9), *range(13, 19), 20, 21))
BYE_CODES = {
    0: "The sender goes down, or somebody there asked for it.",
    1: "No version of the protocol is common to both.",
    2: "Another link between the two stays.",
    3: "Both ends are one node.",
    4: "The receiver broke the protocol; the text says how.",
    5: "The sender has no room for the receiver: too many links, or too much that came.",
    6: "Nothing came for too long.",
    7: "The sender takes no messages from people it doesn't know.",
    8: "Somebody there has refused the receiver's request; it may ask once more after a day.",
}
#: The outcomes of a DIALBACK. A receiver takes an unknown one for 6.
DIALLED = {
    0: "The sender of DIALBACK answered there, and proved its key.",
    1: "Nothing listens there.",
    2: "No answer came.",
    3: "There is no way to that address.",
    4: "A node with another key answered.",
    5: "Something answered that is no node.",
    6: "It was not tried: too soon, or not for this sender.",
}


class _Typed(msgspec.Struct, array_like=True):
    """Any frame: its type, and whatever follows."""

    type: int


_type_decoder = msgspec.msgpack.Decoder(_Typed)


def encode(frame: Frame) -> bytes:
    """A frame with its length before it."""
    data = _encoder.encode(frame)
    return _LENGTH.pack(len(data)) + data


def decode(data: bytes) -> Frame | None:
    """Read a frame without its length. None: its type isn't known. Raises InvalidFrame."""
    try:
        frame = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kind = _type_of(data)
        if kind in _KNOWN:
            raise InvalidFrame(f"A frame of type {kind} can't be read: {error}.") from error
        return None
    _check(frame)
    return frame


def _type_of(data: bytes) -> int:
    """The type of a frame. What follows it may be any MessagePack. Raises InvalidFrame."""
    try:
        return _type_decoder.decode(data).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidFrame(f"It isn't a MessagePack array that begins with a type: {error}.") from error


def _check(frame: Frame) -> None:
    """Raises InvalidFrame when a field is out of its bounds."""
    if isinstance(frame, Hello):
        if not 1 <= len(frame.versions) <= MAX_LISTED or len(frame.features) > MAX_LISTED:
            raise InvalidFrame("HELLO lists no version, or too many.")
        if len(frame.instance) != 16 or len(frame.run) != 16:
            raise InvalidFrame("`instance` or `run` of HELLO doesn't have 16 bytes.")
        if not 1 <= frame.port <= 65535 or not 0 <= frame.now < 2**48:
            raise InvalidFrame("`port` or `now` of HELLO is out of its bounds.")
        if len(frame.name) > MAX_NAME:
            raise InvalidFrame(f"A name in HELLO has at most {MAX_NAME} characters.")
    elif isinstance(frame, Ping | Pong):
        if len(frame.token) != 8:
            raise InvalidFrame("A token has 8 bytes.")
    elif isinstance(frame, Run):
        if not 1 <= len(frame.headers) <= MAX_RUN or len(frame.headers) != len(frame.bodies):
            raise InvalidFrame(f"A RUN has 1 to {MAX_RUN} headers, and as many bodies.")
        size = sum(map(len, frame.headers)) + sum(len(body) for body in frame.bodies if body is not None)
        if size > MAX_RUN_BYTES:
            raise InvalidFrame(f"A RUN has at most {MAX_RUN_BYTES} bytes of headers and bodies.")
    elif isinstance(frame, Have):
        if len(frame.rows) > MAX_ROWS or not all(map(_is_sound, frame.rows)):
            raise InvalidFrame("A HAVE has too many rows, or one that is out of its bounds.")
    elif isinstance(frame, Digest):
        if len(frame.rooms) > MAX_ROOMS or any(len(digest) != 32 for _, digest in frame.rooms):
            raise InvalidFrame("A DIGEST has too many rooms, or one whose hash doesn't have 32 bytes.")
    elif isinstance(frame, Want) and not 0 <= frame.after < 2**63:
        raise InvalidFrame("A number is out of its bounds.")
    elif isinstance(frame, Read):
        if len(frame.rows) > MAX_ROWS or any(len(stream) != 16 or not 0 < n < 2**63 for _, stream, n in frame.rows):
            raise InvalidFrame("A READ has too many rows, or one that is out of its bounds.")
    elif isinstance(frame, Door):
        if not 0 <= frame.state < 2**63:
            raise InvalidFrame("The state of a door is out of its bounds.")
    elif isinstance(frame, DialBack):
        if not 0 <= frame.number < 2**32:
            raise InvalidFrame("The number of a DIALBACK is out of its bounds.")
    elif isinstance(frame, Dialled):
        sound = 0 <= frame.number < 2**32 and 0 <= frame.outcome < 2**63 and 0 <= frame.ms <= MAX_DIALLED_MS
        if not sound or len(frame.host) > MAX_HOST:
            raise InvalidFrame("A DIALLED has an element that is out of its bounds.")
    elif isinstance(frame, Typing) and not 0 <= frame.seconds <= MAX_TYPING_S:
        raise InvalidFrame(f"TYPING is for 0 to {MAX_TYPING_S} s.")
    elif isinstance(frame, Seek):
        if len(frame.peers) > MAX_SOUGHT:
            raise InvalidFrame(f"A SEEK asks for at most {MAX_SOUGHT} nodes.")
    elif isinstance(frame, Where):
        if len(frame.rows) > MAX_SOUGHT or not all(map(_is_told, frame.rows)):
            raise InvalidFrame("A WHERE has too many rows, or one that is out of its bounds.")
    elif isinstance(frame, Presence) and not (0 <= frame.state < 2**63 and len(frame.text) <= MAX_STATUS):
        raise InvalidFrame(f"A PRESENCE has a state, and a text of at most {MAX_STATUS} characters.")
    if isinstance(frame, Want | Stop) and len(frame.stream) != 16:
        raise InvalidFrame("A stream has 16 bytes.")


def _is_sound(row: Told) -> bool:
    bounds = 1 <= row.first <= row.n + 1 and 0 <= row.n < 2**63
    return bounds and len(row.stream) == 16 and len(row.hash) == 32


def _is_told(row: tuple[str, list[At]]) -> bool:
    found = row[1]
    return len(found) <= MAX_TOLD and all(
        len(one.host) <= MAX_HOST and 0 <= one.port <= 65535 and 0 <= one.age < 2**48 for one in found
    )


class Splitter:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        #: Most bytes of the next frame.
        self.limit = MAX_HELLO

    @property
    def held(self) -> int:
        """Bytes of a frame that isn't complete."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Add bytes, and go through the frames that are complete now, without their lengths.

        Raises InvalidFrame for an impossible length, after the frames before it.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _LENGTH.size:
                (size,) = _LENGTH.unpack_from(buffer, start)
                if not MIN_FRAME <= size <= self.limit:
                    raise InvalidFrame(f"A frame here has {MIN_FRAME} to {self.limit} bytes, not {size}.")
                end = start + _LENGTH.size + size
                if len(buffer) < end:
                    break
                frame = bytes(buffer[start + _LENGTH.size : end])
                start = end
                yield frame
        finally:
            del buffer[:start]
