"""The std dialect, spoken by most of the older clients: `IP:PORT TEAM text`, one connection for each message.

The end of the message is the end of the connection, or a short silence, because some senders stay and wait for an
answer. The claimed IP is often wrong and is ignored; the claimed port counts.
"""

from __future__ import annotations

import re

from node.protocol.plain import codec, words
from node.protocol.plain.codec import Announced, Goodbye, Hello, Payloads, Said, Speaker, Text

#: Silence after a complete header that counts as the end, in seconds. One std client stays up to 5 s.
QUIET = 0.2
#: The same while the last character is cut in the middle: the rest of it is on its way, or it isn't UTF-8.
CUT_QUIET = 1.0
#: A header is never longer; what is isn't std. Room for an address, 64 characters of four bytes each, and some.
MAX_HEADER = 320

_ADDRESS = rb"(?:\d{1,3}(?:\.\d{1,3}){3}|Unknown):(\d{1,%d})" % codec.MAX_DIGITS
_HEAD = re.compile(_ADDRESS + rb" (\S+) ")
_CONTROL = re.compile(_ADDRESS + rb" (CONNECT_REQUEST|DISCONNECTED)\s*")
#: Any beginning of a header.
_PARTIAL = re.compile(
    rb"(?:\d{1,3}(?:\.\d{0,3}(?:\.\d{0,3}(?:\.\d{0,3})?)?)?|U|Un|Unk|Unkn|Unkno|Unknow|Unknown|(?:\d{1,3}(?:\.\d{1,3}){3}"
    rb"|Unknown):(?:\d{0,%d}(?: \S*)?))" % codec.MAX_DIGITS
)


class StdReader:
    """Collects one message. Several lines that begin with the very same header are several messages."""

    def __init__(self) -> None:
        self._data = bytearray()
        #: The header of a message that is too long for one text: what still comes belongs to it.
        self._head: re.Match[bytes] | None = None
        self.patience: float | None = QUIET

    def feed(self, data: bytes) -> list[Said]:
        """Nothing is said before the end, unless more came than one message may hold."""
        self._data += data
        said: list[Said] = []
        cut = codec.surplus(self._data, 0)
        if cut:
            whole = bytes(self._data[:cut])
            del self._data[:cut]
            said = self._messages(whole)
        self.patience = QUIET if codec.complete_length(self._data) == len(self._data) else CUT_QUIET
        return said

    def quiet(self) -> list[Said]:
        """The sender waits for something: what is there is the message."""
        return self.end()

    def end(self) -> list[Said]:
        """The message, or nothing when only blank came."""
        data = bytes(self._data)
        self._data.clear()
        return self._messages(data)

    def _messages(self, data: bytes) -> list[Said]:
        if self._head is not None:
            return _texts(data, self._head)
        control = _CONTROL.fullmatch(data)
        if control is not None:
            port = codec.port_number(control[1])
            if control[2] == b"CONNECT_REQUEST":
                return [Hello("CONNECT_REQUEST", None, port, b"CONNECTED")]
            return [Goodbye("DISCONNECTED", None, port)]
        head = self._head = _HEAD.match(data)
        if head is None:
            return _texts(data, None)
        said: list[Said] = []
        for text in data[head.end() :].split(b"\n" + head[0]):
            said.extend(_texts(text, head))
        return said or [Announced(codec.port_number(head[1]))]


def _texts(data: bytes, head: re.Match[bytes] | None) -> list[Said]:
    """What was said behind a header: a word, a text, or several when it is longer than a text may be."""
    data = data.rstrip(codec.BLANK)
    name = None if head is None else codec.read_name(head[2])
    port = None if head is None else codec.port_number(head[1])
    said: list[Said] = []
    for piece in codec.bounded(data):
        text, marks, raw = codec.decode(piece)
        if words.is_hello(text):
            said.append(Hello(text.strip(), name, port))
        elif words.is_goodbye(text):
            said.append(Goodbye(text.strip(), name, port))
        elif text.strip():
            said.append(Text(text, name, port, marks, raw))
    return said


class Std:
    """`IP:PORT TEAM text`, one connection a message, no newline at the end."""

    name = "std"
    persistent = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """An address, a space, a word, a space, and whatever; or an address and one of the two control words."""
        head = head[: MAX_HEADER + 1]
        if _HEAD.match(head[:MAX_HEADER]) or _CONTROL.fullmatch(head):
            return True
        if not ended and len(head) <= MAX_HEADER and _PARTIAL.fullmatch(head):
            return None
        return False

    def reader(self) -> StdReader:
        """A reader for one connection."""
        return StdReader()

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """At most about 1,000 bytes in all, no newline at the end: control words are compared unstripped by several."""
        header = _header(speaker)
        text, altered = words.harmless(codec.sendable(text).strip("\n"))
        pieces = codec.split(text, codec.MAX_PAYLOAD - len(header))
        marks: list[codec.Mark] = ["altered"] if altered else []
        if len(pieces) > 1:
            marks.append("parts")
        return Payloads(tuple(header + piece for piece in pieces), tuple(marks))

    def control(self, word: str, speaker: Speaker) -> bytes:
        """A control word as it must be to act: never altered, never cut."""
        return _header(speaker) + word.encode()


def _header(speaker: Speaker) -> bytes:
    # The dialect knows dotted IPv4 and the word Unknown only; receivers go by the source address anyway.
    host = "Unknown" if ":" in speaker.host else speaker.host
    return f"{host}:{speaker.port} {codec.wire_name(speaker.name)} ".encode()
