"""The interface of a plain dialect, and what dialects share. A new one is one file with a Codec, listed in registry.py.

Law: pure. Bytes come in as they were read; texts go out as payloads to write. Limits and habits of each dialect are
constants in its file, each with the measured fact behind it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from node.printable import JOINERS, printed
from node.protocol.plain import words

#: Most bytes of a payload, header and tail included. Old clients read 1,024 bytes at a time, and lose the whole message
#: if a multi-byte character crosses that edge. The rest is room for a team name that a client may put in front.
MAX_PAYLOAD = 1000
#: Most characters of a name that a peer claims; the rest is cut.
MAX_NAME = 64
#: Most combining marks on one letter of a name; no language needs more. Further ones would be drawn over other text.
MAX_STACKED = 4
#: Most bytes of one incoming text. A longer one is cut into several, so that no peer can make one grow for ever.
MAX_INCOMING = 64 * 1024
#: Most digits of a claimed port, leading zeros included. With more, its line is an ordinary text.
MAX_DIGITS = 12
#: Blank bytes at the edges of a text. NUL is one, because some programs send the NUL that ends a C string.
BLANK = b" \t\r\n\v\f\x00"

#: Fewest bytes of room in each part of a long text.
MIN_ROOM = 40

Mark = Literal["altered", "not-utf8", "parts"]
#: Control words of the one-shot dialects: hello and good-bye.
Control = Literal["connect", "exit"]


class Announced(msgspec.Struct, frozen=True):
    """The peer claimed its listening port. None: it claimed one, but the number can't be a port."""

    port: int | None


class Text(msgspec.Struct, frozen=True):
    """The peer said a text. `port` is the listening port it claims with it, `name` the name it gives itself."""

    text: str
    name: str | None = None
    port: int | None = None
    marks: tuple[Mark, ...] = ()
    #: The bytes as they came, but only if the text doesn't encode to them.
    raw: bytes | None = None
    #: What the rest of the text is if its beginning is a name. Only a caller who knows the peers of that address can
    #: tell. None: it doesn't begin as with a name, or `name` is set.
    named: Text | Hello | Goodbye | None = None


class Hello(msgspec.Struct, frozen=True):
    """A control word with which old clients introduce themselves. People see it as a quiet notice."""

    word: str
    name: str | None = None
    port: int | None = None


class Goodbye(msgspec.Struct, frozen=True):
    """A control word with which old clients say good-bye."""

    word: str
    name: str | None = None
    port: int | None = None
    #: Only a port was said before it on its connection, so it is a probe for who obeys it (PROTOCOL.md 3.2).
    asked: bool = False


Said = Announced | Text | Hello | Goodbye


class Speaker(msgspec.Struct, frozen=True):
    """Who we are on one connection: our address there (without the port), our listening port and our name."""

    host: str
    port: int
    name: str
    #: The HOST:PORT that we dialled, and our local date and time. One dialect writes the former, another the latter.
    target: str = ""
    clock: str = ""

    @property
    def address(self) -> str:
        """Our address as old clients write it: dotted IPv4 or the word Unknown. Receivers use the source address."""
        return f"{'Unknown' if ':' in self.host else self.host}:{self.port}"


class Payloads(msgspec.Struct, frozen=True):
    """A text as the peer must get it: one payload, or several numbered parts."""

    parts: tuple[bytes, ...]
    marks: tuple[Mark, ...] = ()


class Reader(Protocol):
    """Turns one connection's bytes into what was said. Blank texts are dropped.

    In a one-shot dialect, the result is the same whether the bytes come whole or one by one. In the ancestor's dialect,
    the end of a read is the end of a text, with the exceptions listed in its file.
    """

    #: Seconds of silence after which `quiet` must be called. None: nothing is held back.
    patience: float | None
    #: The answer that the peer waits for on this connection; whoever writes it empties this.
    owed: bytes

    def feed(self, data: bytes) -> list[Said]:
        """Process bytes as they were read."""

    def quiet(self) -> list[Said]:
        """Nothing came for `patience` seconds: what is held back counts as complete."""

    def end(self) -> list[Said]:
        """The peer has closed its side."""


class _Dialect(Protocol):
    name: str

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """Whether a connection that begins with `head` speaks this dialect; None: more bytes are needed to tell.

        `head` doesn't begin with a blank. Return None only for the beginning of a header, and never for more than 512
        bytes, because each read looks at all bytes again until the dialect is known. `ended`: no more bytes will come
        for now, so the result is True or False.
        """

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """Encode `text` for this dialect. Raises nothing: any text can be sent."""


class OneShotCodec(_Dialect, Protocol):
    """A dialect with one connection for each message."""

    persistent: Literal[False]

    def reader(self) -> Reader:
        """Create a reader for one connection."""

    def control(self, word: Control, speaker: Speaker) -> bytes:
        """A hello or good-bye in the form that acts at the peer: never altered, never cut."""


class PersistentCodec(_Dialect, Protocol):
    """A dialect with one connection for everything."""

    persistent: Literal[True]
    #: Whether the side that accepted the connection may send texts on it, too.
    both_ways: bool
    #: Whether the dialler waits for an answer (any bytes) after each write.
    answered: bool
    #: The bytes that say good-bye on a connection.
    farewell: bytes

    def reader(self, *, dialled: bool = False) -> Reader:
        """Create a reader for one connection. `dialled`: we dialled it."""

    def announcement(self, port: int) -> bytes:
        """The first bytes of a dialler: they claim its listening port."""


#: A dialect.
Codec = OneShotCodec | PersistentCodec


def port_number(digits: str | bytes) -> int | None:
    """A port from its decimal digits (leading zeros allowed, as in int()). None: it isn't in 1..65535."""
    try:
        port = int(digits)
    except ValueError:
        return None
    return port if 1 <= port <= 65535 else None


def wire_name(name: str) -> str:
    """A name that plain clients can read, without spaces, "|", "<", ">" and ":"; "anon" if nothing is left.

    It stands in front of every text, so control words in it are made inert as in texts: a team may be called GROUP7.
    """
    shown = printed(name, " ")
    plain = re.sub(r"[\s|<>:]+", "_", shown.strip()).strip("_")[:MAX_NAME] or "anon"
    if plain == "CONNECT":
        # "CONNECT: 5000" would claim a port.
        plain = "CONNECT_"
    return words.inert(plain)


def read_name(data: bytes) -> str | None:
    """The printable characters of the name in a header, cut to MAX_NAME. None: nothing is left."""
    shown, stacked = "", MAX_STACKED
    # A name may come with 64 KiB. The longest one that is kept, with all its marks, has no more bytes than this.
    for letter in printed(data[: 4 * MAX_NAME * (MAX_STACKED + 1)].decode(errors="replace"), ""):
        if unicodedata.category(letter) in ("Mn", "Me"):
            stacked += 1
        elif letter not in JOINERS:
            stacked = 0
        if stacked <= MAX_STACKED:
            shown += letter
    return shown[:MAX_NAME] or None


def decode(data: bytes) -> tuple[str, tuple[Mark, ...], bytes | None]:
    """Decode bytes as UTF-8: the text, its marks and, if it was changed, its raw bytes.

    Invalid bytes and NUL become U+FFFD, and the text is marked `not-utf8`.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
    else:
        if "\x00" not in text:
            return text, (), None
    return text.replace("\x00", "\ufffd"), ("not-utf8",), data


def bounded(data: bytes) -> Iterator[bytes]:
    """Cut `data` into pieces of at most MAX_INCOMING bytes, between characters."""
    start = 0
    while len(data) - start > MAX_INCOMING:
        end = start + complete_length(data[start : start + MAX_INCOMING])
        yield data[start:end]
        start = end
    yield data[start:] if start else data


def surplus(held: bytearray, ready: int) -> int:
    """How many held bytes a reader must release, at least `ready`, so that it holds at most MAX_INCOMING.

    `bounded` cuts the bytes beyond `ready` into whole pieces.
    """
    while len(held) - ready > MAX_INCOMING:
        ready += complete_length(held[ready : ready + MAX_INCOMING])
    return ready


def complete_length(data: bytes | bytearray) -> int:
    """The length of `data` without an incomplete UTF-8 character at its end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return len(data) - back if needed > back else len(data)
    return len(data)


def split(text: str, room: int) -> list[bytes]:
    """Cut `text` into pieces of at most `room` bytes of UTF-8, between characters, at a space if one is near.

    If there are several pieces, each begins with "(1/3) ", which counts towards `room`. `room` must be at least
    MIN_ROOM.
    """
    data = text.encode(errors="replace")
    if len(data) <= room:
        return [data]
    count = 2
    while True:
        room_each = room - len(f"({count}/{count}) ")
        pieces = _cut(data, room_each)
        if len(str(len(pieces))) <= len(str(count)):
            break
        count = len(pieces)
    return [f"({index}/{len(pieces)}) ".encode() + piece for index, piece in enumerate(pieces, 1)]


def _cut(data: bytes, room: int) -> list[bytes]:
    pieces = []
    start = 0
    while len(data) - start > room:
        end = start + complete_length(data[start : start + room])
        space = data.rfind(b" ", max(start, end - 60), end)
        if space > start:
            end = space + 1
        pieces.append(data[start:end])
        start = end
    pieces.append(data[start:])
    return pieces


def on_one_line(text: str) -> str:
    """Put a text on one line: line breaks at its edges are removed, others become " / ".

    Whatever any receiver may take for a line break counts as one (as in str.splitlines), so no text can begin a second
    message at the peer.
    """
    lines = text.splitlines()
    if lines in ([], [text]):
        return text
    return " / ".join(filter(None, (line.strip(" ") for line in lines)))


def sendable(text: str) -> str:
    """Replace what breaks every plain client: NUL becomes a space, CR LF and CR become LF."""
    return text.replace("\x00", " ").replace("\r\n", "\n").replace("\r", "\n")
