"""What the one-shot dialects share: all bytes of a connection, up to its end or a short silence, are one message.

A message is a header, a text and perhaps a tail. The JSON dialect has a parser of its own.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Iterator

from node.protocol.plain import codec, words
from node.protocol.plain.codec import Announced, Goodbye, Hello, Mark, Payloads, Said, Text

#: Silence that counts as the end of a message, in seconds. One std client stays connected for up to 5 s.
QUIET = 0.2
#: The same while the message is incomplete: its rest is on its way, or never comes.
CUT_QUIET = 1.0
#: Most bytes of a header: an address, 64 characters of four bytes each, and some more.
MAX_HEADER = 320

#: `addr` in the table of PROTOCOL.md section 3, with one group for the whole and one for the port.
ADDRESS = rb"((?:\d{1,3}(?:\.\d{1,3}){3}|Unknown):(\d{1,%d}))" % codec.MAX_DIGITS
#: Any beginning of an address. It also matches a little more, which costs only one more look at the connection.
ADDRESS_BEGUN = rb"(?:[\d.]{1,15}|U[a-z]{0,6})(?::\d{0,%d})?" % codec.MAX_DIGITS


class OneShotReader(abc.ABC):
    """Collects the bytes of one message, and parses them at its end."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.patience: float | None = QUIET
        self.owed = b""

    def feed(self, data: bytes) -> list[Said]:
        """Collect bytes. Returns nothing before the end, unless the message is longer than MAX_INCOMING."""
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
        """After a silence, the message counts as complete: its sender may wait for an answer."""
        return self.end()

    def end(self) -> list[Said]:
        """Parse the message. Returns nothing if it is blank."""
        data = bytes(self._data)
        self._data.clear()
        return self._messages(data)

    def _is_cut(self) -> bool:
        return codec.complete_length(self._data) < len(self._data)

    @abc.abstractmethod
    def _messages(self, data: bytes) -> list[Said]:
        """Parse `data`: a whole message, or the next piece of one that is too long for one text."""


class HeadedReader(OneShotReader):
    """Reads a message that begins with `head` (groups: the address, its port and the name) and may end with `tail`.

    If the same address and name follow again at the beginning of a line, another message begins there. A message that
    begins only with `opening` (groups: the address and its port) claims that port, and is shown as it came.
    """

    def __init__(self, head: re.Pattern[bytes], opening: re.Pattern[bytes], tail: bytes = b"") -> None:
        super().__init__()
        self._pattern = head
        self._opening = opening
        #: The port claimed by an opening without a full header.
        self._port: int | None = None
        self._tail = tail
        #: The header of the message. If it is too long for one text, its further pieces belong to this header.
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
        """The control word that `data` (without blanks at its end) is. None: it isn't one."""
        return None

    def _headless(self, data: bytes) -> list[Said]:
        """Parse a message without a header."""
        opening = self._opening.match(data)
        if opening is not None:
            self._port = codec.port_number(opening[2])
        return list(said(data, None, self._port))


def said(data: bytes, name: str | None = None, port: int | None = None) -> Iterator[Said]:
    """Parse the text behind a header: one control word or text, several if it is too long, or nothing if blank."""
    for piece in codec.bounded(data.rstrip(codec.BLANK)):
        text, marks, raw = codec.decode(piece)
        one = word_or_text(text, name, port, marks, raw)
        if one is not None:
            yield one


def word_or_text(
    text: str, name: str | None, port: int | None, marks: tuple[Mark, ...], raw: bytes | None
) -> Hello | Goodbye | Text | None:
    """Tell whether a whole text is a greeting, a good-bye or a text. None: it is blank."""
    if words.is_hello(text):
        return Hello(text.strip(), name, port)
    if words.is_goodbye(text):
        return Goodbye(text.strip(), name, port)
    return Text(text, name, port, marks, raw) if text.strip() else None


def payloads(text: str, head: str, tail: str = "", *, lines: bool = False, altered: bool = False) -> Payloads:
    """Put `text` between a header and a tail: at most MAX_PAYLOAD bytes in all, without words that act at the peer.

    Line breaks are replaced, unless the messages of the dialect may have several `lines`. `altered`: the caller has
    already altered the text.
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
