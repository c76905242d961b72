"""The interface of a plain dialect, and what dialects share. A new one is one file with a Codec, added to registry.py.

Law: pure. Bytes come in as they were read; texts go out as the payloads to write. Limits and manners of each dialect
are constants beside it, with the sentence of the measurements they come from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from node.printable import JOINERS, printed
from node.protocol.plain import words

#: Old clients read 1,024 bytes at a time; a multi-byte character across that edge loses the whole message. So a payload
#: with all its trimmings stays below, with some room for a team name that the far end may put before it.
MAX_PAYLOAD = 1000
#: Characters of a name that a peer claims; the rest is cut.
MAX_NAME = 64
#: Marks above and below one letter of a name (no language needs more); further ones would be drawn over its neighbours.
MAX_STACKED = 4
#: Bytes of one incoming text; what is longer is cut into several texts, so that no peer can make one grow for ever.
MAX_INCOMING = 64 * 1024
#: Digits of a claimed port, leading zeros included; with more of them it is no port, and its line an ordinary text.
MAX_DIGITS = 12
#: What is blank at the edges of a text. NUL counts: some programs send the end of a C string along.
BLANK = b" \t\r\n\v\f\x00"

#: Bytes that each part of a long text must have room for.
MIN_ROOM = 40

Mark = Literal["altered", "not-utf8", "parts"]
#: What one-shot dialects say for "hello" and "good-bye".
Control = Literal["connect", "exit"]


class Announced(msgspec.Struct, frozen=True):
    """The peer said on which port it listens. None: it said so, but the number can't be a port."""

    port: int | None


class Text(msgspec.Struct, frozen=True):
    """The peer said something. `port` is the listening port it claims with it; `name` what it calls itself."""

    text: str
    name: str | None = None
    port: int | None = None
    marks: tuple[Mark, ...] = ()
    #: The bytes as they came, only where the text doesn't give them back.
    raw: bytes | None = None
    #: What it is if its beginning is a name, which only who knows the peers of that address can tell. None: it has none
    #: that may be one, or has said `name`.
    named: Text | Hello | Goodbye | None = None


class Hello(msgspec.Struct, frozen=True):
    """A word by which old clients make themselves known; people see it as a quiet notice."""

    word: str
    name: str | None = None
    port: int | None = None


class Goodbye(msgspec.Struct, frozen=True):
    """A word by which old clients take leave."""

    word: str
    name: str | None = None
    port: int | None = None
    #: It is all that was said on its connection, but for the port: somebody asked who obeys it (PROTOCOL.md 3.2).
    asked: bool = False


Said = Announced | Text | Hello | Goodbye


class Speaker(msgspec.Struct, frozen=True):
    """Who we are on one connection: our address there (without the port), our listening port and our name."""

    host: str
    port: int
    name: str
    #: The other side's HOST:PORT where we dialled it, and our date and time as people here read it: each is for the one
    #: dialect that writes it.
    target: str = ""
    clock: str = ""

    @property
    def address(self) -> str:
        """As old clients write it: dotted IPv4 or the word Unknown. Receivers go by the source address anyway."""
        return f"{'Unknown' if ':' in self.host else self.host}:{self.port}"


class Payloads(msgspec.Struct, frozen=True):
    """A text as the far end must get it: one payload, or several marked parts."""

    parts: tuple[bytes, ...]
    marks: tuple[Mark, ...] = ()


class Reader(Protocol):
    """Turns one connection's bytes into what was said. What is blank is never said.

    In a one-shot dialect, what is said is the same whether the bytes come whole or one by one. In the ancestor's the
    end of a read is the end of a text, unless the reader knows better; its file says when.
    """

    #: Seconds of silence after which `quiet` must be called; None when nothing is held back.
    patience: float | None
    #: What the far end waits for on this connection; whoever writes it empties this.
    owed: bytes

    def feed(self, data: bytes) -> list[Said]:
        """Bytes as they were read."""

    def quiet(self) -> list[Said]:
        """Nothing came for `patience` seconds: what is held back counts as complete."""

    def end(self) -> list[Said]:
        """The peer has closed its side."""


class _Dialect(Protocol):
    name: str

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """Whether a connection that begins with `head` speaks this dialect; None: more bytes are needed to tell.

        `head` doesn't begin with a blank. None is for the short beginning of a header only, never for more than 512
        bytes: until it is settled, everything is looked at again. `ended` says that no more will come for now; the
        answer is then True or False.
        """

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """`text` as this dialect sends it. Raises nothing: any text can be sent."""


class OneShotCodec(_Dialect, Protocol):
    """A dialect with a connection for each message."""

    persistent: Literal[False]

    def reader(self) -> Reader:
        """A fresh reader for one connection."""

    def control(self, word: Control, speaker: Speaker) -> bytes:
        """A hello or good-bye as it must be to act: never altered, never cut."""


class PersistentCodec(_Dialect, Protocol):
    """A dialect with one connection for everything."""

    persistent: Literal[True]
    #: Whether who accepted the connection may send texts on it too.
    both_ways: bool
    #: Whether after each write any bytes are waited for.
    answered: bool
    #: What is said before leaving a connection.
    farewell: bytes

    def reader(self, *, dialled: bool = False) -> Reader:
        """A fresh reader for one connection; `dialled`: by us."""

    def announcement(self, port: int) -> bytes:
        """What a dialler says first: that it listens on `port`."""


#: A dialect.
Codec = OneShotCodec | PersistentCodec


def port_number(digits: str | bytes) -> int | None:
    """A port from its decimal digits (leading zeros allowed, as in int()); None when it isn't 1..65535."""
    try:
        port = int(digits)
    except ValueError:
        return None
    return port if 1 <= port <= 65535 else None


def wire_name(name: str) -> str:
    """A name as plain clients can read it: no spaces, "|", "<", ">" or ":" in it; "anon" when nothing is left.

    It stands in front of every text, so it is made harmless as texts are: a team may well be called GROUP7.
    """
    shown = printed(name, " ")
    plain = re.sub(r"[\s|<>:]+", "_", shown.strip()).strip("_")[:MAX_NAME] or "anon"
    if plain == "CONNECT":
        # "CONNECT: 5000" would claim a port.
        plain = "CONNECT_"
    return words.inert(plain)


def read_name(data: bytes) -> str | None:
    """The name in a header: only what can be shown of it, cut to MAX_NAME; None when nothing is left."""
    shown, stacked = "", MAX_STACKED
    # No more is looked at than the longest name with all its marks has; names may come in 64 KiB.
    for letter in printed(data[: 4 * MAX_NAME * (MAX_STACKED + 1)].decode(errors="replace"), ""):
        if unicodedata.category(letter) in ("Mn", "Me"):
            stacked += 1
        elif letter not in JOINERS:
            stacked = 0
        if stacked <= MAX_STACKED:
            shown += letter
    return shown[:MAX_NAME] or None


def decode(data: bytes) -> tuple[str, tuple[Mark, ...], bytes | None]:
    """Bytes as text. What isn't UTF-8, and NUL, becomes U+FFFD, is marked, and comes with its raw bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
    else:
        if "\x00" not in text:
            return text, (), None
    return text.replace("\x00", "\ufffd"), ("not-utf8",), data


def bounded(data: bytes) -> Iterator[bytes]:
    """`data` in pieces of at most MAX_INCOMING bytes, cut between characters."""
    start = 0
    while len(data) - start > MAX_INCOMING:
        end = start + complete_length(data[start : start + MAX_INCOMING])
        yield data[start:end]
        start = end
    yield data[start:] if start else data


def surplus(held: bytearray, ready: int) -> int:
    """How many bytes a reader must let go, `ready` at least, so that it holds no more than MAX_INCOMING.

    They are what `bounded` cuts into whole pieces.
    """
    while len(held) - ready > MAX_INCOMING:
        ready += complete_length(held[ready : ready + MAX_INCOMING])
    return ready


def complete_length(data: bytes | bytearray) -> int:
    """How many bytes of `data` don't end in the middle of a UTF-8 character."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return len(data) - back if needed > back else len(data)
    return len(data)


def split(text: str, room: int) -> list[bytes]:
    """`text` in pieces of at most `room` bytes of UTF-8, cut between characters, at a space where one is near.

    Several pieces carry "(1/3) " before them, which counts. `room` must be at least MIN_ROOM.
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
    """A text for a dialect whose messages are a single line: line breaks at its edges go, others become " / ".

    All that any receiver may take for a line break counts (as in str.splitlines), so that no text can end a line and
    begin another one, whatever listens there.
    """
    lines = text.splitlines()
    if lines in ([], [text]):
        return text
    return " / ".join(filter(None, (line.strip(" ") for line in lines)))


def sendable(text: str) -> str:
    """A text without what no plain client survives: NUL becomes a space, CR LF becomes LF."""
    return text.replace("\x00", " ").replace("\r\n", "\n").replace("\r", "\n")
