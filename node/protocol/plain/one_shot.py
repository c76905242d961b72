"""What the one-shot dialects share: all that a connection brings, up to its end or a short silence, is one message.

A dialect of this kind is a header, a text and perhaps a tail; JSON brings its own way of taking a message apart.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Iterator

from node.protocol.plain import codec, words
from node.protocol.plain.codec import Announced, Goodbye, Hello, Mark, Payloads, Said, Text

#: Silence after a complete header that counts as the end, in seconds. One std client stays up to 5 s.
QUIET = 0.2
#: The same while the message is cut in the middle: the rest of it is on its way, or never comes.
CUT_QUIET = 1.0
#: A header is never longer; what is isn't one. Room for an address, 64 characters of four bytes each, and some.
MAX_HEADER = 320

#: `addr` of the table in PROTOCOL.md section 3, as one group for the whole and one for the port.
ADDRESS = rb"((?:\d{1,3}(?:\.\d{1,3}){3}|Unknown):(\d{1,%d}))" % codec.MAX_DIGITS
#: Any beginning of an address, a little more generous than exact: a connection is only looked at once more.
ADDRESS_BEGUN = rb"(?:[\d.]{1,15}|U[a-z]{0,6})(?::\d{0,%d})?" % codec.MAX_DIGITS


class OneShotReader(abc.ABC):
    """Collects one message, and has it taken apart at its end."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.patience: float | None = QUIET
        self.owed = b""

    def feed(self, data: bytes) -> list[Said]:
        """Nothing is said before the end, unless more came than one message may hold."""
        self._data += data
        said: list[Said] = []
        cut = codec.surplus(self._data, 0)
        if cut:
            whole = bytes(self._data[:cut])
            del self._data[:cut]
            said = self._messages(whole)
        self.patience = CUT_QUIET if self._is_cut() else QUIET
        return said

    def quiet(self) -> list[Said]:
        """The sender waits for something: what is there is the message."""
        return self.end()

    def end(self) -> list[Said]:
        """The message, or nothing when only blank came."""
        data = bytes(self._data)
        self._data.clear()
        return self._messages(data)

    def _is_cut(self) -> bool:
        return codec.complete_length(self._data) < len(self._data)

    @abc.abstractmethod
    def _messages(self, data: bytes) -> list[Said]:
        """What is said in `data`: the message, or the next piece of one that is too long for one text."""


class HeadedReader(OneShotReader):
    """A message that begins with `head`, whose groups are the address, its port and the name, and may end with `tail`.

    Several that begin on lines of their own with the same address and name are several messages. What begins with the
    `opening` of such a header only (its groups are the address and its port) claims that port, and is a text as it
    came.
    """

    def __init__(self, head: re.Pattern[bytes], opening: re.Pattern[bytes], tail: bytes = b"") -> None:
        super().__init__()
        self._pattern = head
        self._opening = opening
        #: The port that the opening of an unfinished header claims.
        self._port: int | None = None
        self._tail = tail
        #: The header of a message that is too long for one text: what still comes belongs to it.
        self._head: re.Match[bytes] | None = None

    def _messages(self, data: bytes) -> list[Said]:
        if self._head is not None:
            return self._texts(data)
        control = self._control(data.rstrip(codec.BLANK))
        if control is not None:
            return [control]
        head = self._head = self._pattern.match(data)
        if head is None:
            return self._headless(data)
        found: list[Said] = []
        start = head.end()
        for again in self._pattern.finditer(data, start):
            if again.groups() == head.groups():
                found += self._texts(data[start : again.start()])
                start = again.end()
        found += self._texts(data[start:])
        return found or [Announced(codec.port_number(head[2]))]

    def _texts(self, data: bytes) -> list[Said]:
        assert self._head is not None
        data = data.rstrip(codec.BLANK)
        if self._tail and (data == self._tail or data.endswith(b"\n" + self._tail)):
            data = data.removesuffix(self._tail)
        return list(said(data, codec.read_name(self._head[3]), codec.port_number(self._head[2])))

    def _control(self, data: bytes) -> Said | None:
        """A word of the dialect itself, when `data`, without blanks behind it, is one."""
        return None

    def _headless(self, data: bytes) -> list[Said]:
        """What is said without a header."""
        opening = self._opening.match(data)
        if opening is not None:
            self._port = codec.port_number(opening[2])
        return list(said(data, None, self._port))


def said(data: bytes, name: str | None = None, port: int | None = None) -> Iterator[Said]:
    """What a header's text says: a word, a text, several when it is longer than a text may be, nothing when blank."""
    for piece in codec.bounded(data.rstrip(codec.BLANK)):
        text, marks, raw = codec.decode(piece)
        one = word_or_text(text, name, port, marks, raw)
        if one is not None:
            yield one


def word_or_text(
    text: str, name: str | None, port: int | None, marks: tuple[Mark, ...], raw: bytes | None
) -> Hello | Goodbye | Text | None:
    """What a whole text is: a greeting, a good-bye, a text; None when it is blank."""
    if words.is_hello(text):
        return Hello(text.strip(), name, port)
    if words.is_goodbye(text):
        return Goodbye(text.strip(), name, port)
    return Text(text, name, port, marks, raw) if text.strip() else None


def payloads(text: str, head: str, tail: str = "", *, lines: bool = False, altered: bool = False) -> Payloads:
    """`text` between a header and a tail: at most MAX_PAYLOAD bytes in all, and no word that acts at the far end.

    Nor has it a line break, unless the messages of the dialect may have several `lines`.
    """
    around = head.encode(), tail.encode()
    sendable = codec.sendable(text).strip("\n")
    line = sendable if lines else codec.on_one_line(sendable)
    text, changed = words.harmless(line)
    altered = altered or line != sendable
    pieces = codec.split(text, codec.MAX_PAYLOAD - len(around[0]) - len(around[1]))
    marks: list[Mark] = ["altered"] if altered or changed else []
    if len(pieces) > 1:
        marks.append("parts")
    return Payloads(tuple(around[0] + piece + around[1] for piece in pieces), tuple(marks))
