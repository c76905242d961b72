"""The ancestor's dialect ("snicher"): one persistent connection used both ways, `CONNECT:<port>`, bare text, `exit`.

Texts are, by habit, `TEAM: text`, without any framing: one read is one text. When we are slow, several texts arrive in
one read; then newlines and the sender's own `TEAM: ` prefix separate them. So the end of a read is the end of a text,
except for what is held back:
- the start of a CONNECT;
- an incomplete character;
- the last text of a read so long that it may have been cut;
- the unfinished line of a peer that ends its texts with newlines.

A peer counts as one that ends its texts with newlines from its first read that ends with one, until a silence follows
an unfinished line. The ancestor itself writes no newline at the end, so its reads of several lines are whole.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from node.protocol.plain import codec, words
from node.protocol.plain.codec import Announced, Goodbye, Hello, Payloads, Said, Speaker, Text
from node.protocol.secure.offer import OFFER

#: What is held back counts as complete after this time without more bytes, in seconds.
HOLD = 0.1
#: A read of at least this many bytes may have been cut, by the network or by our own reading (node/peers/scheduler.py
#: never cuts at less), so more may follow.
LONG_READ = 512
#: Most bytes of a CONNECT with its padding that are held back until complete. The ancestor takes 1,500 of padding.
MAX_CONNECT = 2048
#: A CONNECT as int() accepts it: with blanks around the number and leading zeros. With a sign or with digits of another
#: script it is chat.
_CONNECT = re.compile(rb"CONNECT:[ \t\r\v\f]*(\d{1,%d})(?!\d)[ \t\r\v\f]*\n?" % codec.MAX_DIGITS)
_CONNECT_PARTIAL = re.compile(rb"CONNECT:[ \t\r\v\f]*\d{0,%d}[ \t\r\v\f]*" % codec.MAX_DIGITS)
#: A team name (64 characters of four bytes at most) and a colon before a text.
_PREFIX = re.compile(rb"([^\s:|<>\x00-\x1f\x7f]{1,256}): ")
#: The same with spaces. If it comes once, it may be any sentence with a colon ("Mandatory message: Hello"), unless a
#: peer at that address has this name (node/core/plain.py decides). If it comes twice, it is a name.
_SPACED = re.compile(rb"([^\s:|<>\x00-\x1f\x7f](?:[^:|<>\x00-\x1f\x7f]{0,254}[^\s:|<>\x00-\x1f\x7f])?): ")


class AncestorReader:
    """Splits one connection's reads into texts. At most MAX_INCOMING bytes are held back."""

    def __init__(self) -> None:
        self.patience: float | None = None
        self.owed = b""
        #: Bytes held back. They contain newlines only behind the prefix, in a text of several lines.
        self._held = bytearray()
        self._prefix: bytes | None = None
        #: The name in the prefix.
        self._name: str | None = None
        #: A prefix with spaces that began one text; if it begins another one, it is a name.
        self._spaced: bytes | None = None
        #: Whether a port was claimed, and whether anything else was said.
        self._claimed = self._spoke = False
        #: Whether the peer ends each text with a newline. Then a line without one is unfinished, and a prefix inside
        #: a line is content.
        self._framed = False

    def feed(self, data: bytes) -> list[Said]:
        """Process one read. Only new bytes are searched, so bytes that come one by one cost no more than together."""
        said: list[Said] = []
        held = self._held
        seen = len(held)
        held += data
        if held[:1] == b"C" and seen <= MAX_CONNECT:
            match = _CONNECT.match(held)
            if match is not None and (match.end() < len(held) or held[-1:] == b"\n" or len(held) > MAX_CONNECT):
                said.append(Announced(codec.port_number(match[1])))
                del held[: match.end()]
                seen = 0
        ready = codec.surplus(held, self._ready(seen))
        if ready:
            whole = bytes(held[:ready])
            del held[:ready]
            self._texts(whole, said)
        self.patience = HOLD if held else None
        return self._told(said)

    def quiet(self) -> list[Said]:
        """Nothing followed: what is held back counts as complete."""
        whole = self._held.endswith(b"\n")
        said = self.end()
        # From a peer that ends its texts with newlines, more would have come.
        self._framed = self._framed and whole
        return said

    def end(self) -> list[Said]:
        """The connection has ended: what is held back counts as complete."""
        data = bytes(self._held)
        self._held.clear()
        self.patience = None
        said: list[Said] = []
        match = _CONNECT.match(data)
        if match is not None:
            said.append(Announced(codec.port_number(match[1])))
            data = data[match.end() :]
        self._texts(data, said)
        return self._told(said)

    def _told(self, said: list[Said]) -> list[Said]:
        """Return `said`, with a good-bye marked as `asked` if only a port was said before it on this connection."""
        for index, one in enumerate(said):
            if isinstance(one, Announced):
                self._claimed = True
                continue
            if isinstance(one, Goodbye) and self._claimed and not self._spoke:
                said[index] = msgspec.structs.replace(one, asked=True)
            self._spoke = True
        return said

    def _ready(self, seen: int) -> int:
        """How many of the held bytes are complete texts; `seen` of them were held before this read."""
        held = self._held
        if len(held) <= MAX_CONNECT and held[:1] == b"C" and _could_be_connect(held):
            return 0
        line = held.rfind(b"\n", seen) + 1
        self._framed = self._framed or 0 < line == len(held)
        if self._framed:
            return self._ready_lines(line, seen)
        if codec.complete_length(held) < len(held):
            return 0
        if len(held) >= LONG_READ:
            # The read may have been cut. What stands before the last prefix is complete anyway.
            self._learn(held, whole=False)
            return line if self._prefix is None else max(0, held.rfind(self._prefix, max(0, seen - len(self._prefix))))
        return len(held)

    def _ready_lines(self, line: int, seen: int) -> int:
        """The same for a peer that ends its texts with newlines; the first `line` bytes end with the last new newline.

        A text behind its name may have several lines. It is kept together if the read was cut inside it.
        """
        held = self._held
        long = len(held) - seen >= LONG_READ
        if line == len(held) and not long:
            return line
        if long:
            self._learn(held, whole=False)
        if self._prefix is None:
            return line
        start = held.rfind(b"\n" + self._prefix, max(0, seen - len(self._prefix))) + 1
        return start if start or held.startswith(self._prefix) else line

    def _texts(self, data: bytes, said: list[Said]) -> None:
        *whole, last = data.split(b"\n")
        #: The lines of the present text behind the name. A line without the name continues it.
        named: list[bytes] = []
        for index, ended in enumerate((*whole, last)):
            line = ended.removesuffix(b"\r")
            self._learn(line)
            if self._prefix is None:
                said.extend(_said(line, None))
                continue
            if self._framed and index < len(whole):
                starts = line.startswith(self._prefix)
                first, texts = (b"", [line[len(self._prefix) :]]) if starts else (line, [])
            else:
                first, *texts = line.split(self._prefix)
            if first or not texts:
                # From a peer that ends each text with a newline, a good-bye without one is a text of its own.
                apart = self._framed and index == len(whole) and words.is_goodbye(first.decode(errors="replace"))
                if named and not apart:
                    named.append(first)
                else:
                    self._say(named, said)
                    named = []
                    said.extend(_said(first, None))
            for text in texts:
                self._say(named, said)
                named = [text]
        self._say(named, said)

    def _learn(self, text: bytes | bytearray, *, whole: bool = True) -> None:
        """Learn the prefix with which the peer begins its texts. `whole`: `text` is complete and new."""
        if self._prefix is not None:
            return
        match = _PREFIX.match(text) or _SPACED.match(text)
        if match is None:
            return
        found = bytes(match[0])
        if b" " not in found[:-1] or found == self._spaced or (whole and text.find(found, match.end()) > 0):
            self._prefix, self._name = found, codec.read_name(match[1])
        elif whole:
            self._spaced = found

    def _say(self, lines: list[bytes], said: list[Said]) -> None:
        if lines:
            said.extend(_said(b"\n".join(lines), self._name))


def _could_be_connect(data: bytearray) -> bool:
    return b"CONNECT:".startswith(data) or _CONNECT_PARTIAL.fullmatch(data) is not None


def _said(data: bytes, name: str | None) -> list[Said]:
    """Return `data` as one text, as several if it is longer than a text may be, or as none if it is blank."""
    said: list[Said] = []
    for piece in codec.bounded(data.rstrip(codec.BLANK)):
        one = _word_or_text(piece, name)
        if one is not None:
            said.append(one)
    return said


def _word_or_text(data: bytes, name: str | None) -> Text | Hello | Goodbye | None:
    text, marks, raw = codec.decode(data)
    if words.is_goodbye(text):
        return Goodbye(text.strip(), name)
    if words.is_hello(text):
        return Hello(text.strip(), name)
    return Text(text, name, None, marks, raw, _named(data) if name is None else None) if text.strip() else None


def _named(data: bytes) -> Text | Hello | Goodbye | None:
    """What the rest of a text is if the text begins with a name. None: it doesn't begin as with a name."""
    spaced = _SPACED.match(data)
    name = None if spaced is None else codec.read_name(spaced[1])
    return None if spaced is None or name is None else _word_or_text(data[spaced.end() :], name)


class Ancestor:
    """`CONNECT:<port>` once, then texts both ways over the same connection; `exit` before leaving."""

    name = "snicher"
    persistent: Literal[True] = True
    both_ways = True
    answered = False
    farewell = b"exit"

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """Always True: whatever no other dialect recognises is bare text. So this codec is asked last."""
        return True

    def reader(self, *, dialled: bool = False) -> AncestorReader:
        """Create a reader for one connection, whoever dialled it."""
        return AncestorReader()

    def announcement(self, port: int) -> bytes:
        """CONNECT, with the offer to encrypt."""
        return b"CONNECT:%d" % port + OFFER

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """`TEAM: text` and a newline, so that texts that arrive in one read are at least on lines of their own."""
        name = f"{codec.wire_name(speaker.name)}: "
        prefix = name.encode()
        text, altered = words.harmless(codec.sendable(text).strip("\n"))
        if f"\n{name}" in text:
            # The peer would take a line that begins with our name, as in a pasted conversation, for a text of its own.
            text, altered = text.replace(f"\n{name}", f"\n\u2060{name}"), True
        pieces = codec.split(text, codec.MAX_PAYLOAD - len(prefix) - 1)
        marks: list[codec.Mark] = ["altered"] if altered else []
        if len(pieces) > 1:
            marks.append("parts")
        return Payloads(tuple(prefix + piece + b"\n" for piece in pieces), tuple(marks))
