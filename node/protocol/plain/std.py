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
#: A header is never longer; what is isn't std.
MAX_HEADER = 160

_ADDRESS = rb"(?:\d{1,3}(?:\.\d{1,3}){3}|Unknown):(\d{1,6})"
_MESSAGE = re.compile(_ADDRESS + rb" ([^\s<>\[]\S*)(?: (.*))?\s*", re.DOTALL)
_CONTROL = re.compile(_ADDRESS + rb" (CONNECT_REQUEST|DISCONNECTED)\s*")
_HEAD = re.compile(_ADDRESS + rb" (?:[^\s<>\[]\S*) ")
#: Any beginning of a header.
_PARTIAL = re.compile(
    rb"(?:\d{1,3}(?:\.\d{0,3}(?:\.\d{0,3}(?:\.\d{0,3})?)?)?|U|Un|Unk|Unkn|Unkno|Unknow|Unknown|(?:\d{1,3}(?:\.\d{1,3}){3}"
    rb"|Unknown):(?:\d{0,6}(?: (?:[^\s<>\[]\S*)?)?))"
)


class StdReader:
    """Collects one message. Several lines that begin with the very same header are several messages."""

    def __init__(self) -> None:
        self._data = b""
        self.patience: float | None = QUIET

    def feed(self, data: bytes) -> list[Said]:
        """Nothing is said before the end, unless more came than one message may hold."""
        self._data += data
        if len(self._data) > codec.MAX_INCOMING:
            cut = codec.complete_length(self._data[: codec.MAX_INCOMING])
            whole, self._data = self._data[:cut], b""
            return _messages(whole)
        return []

    def quiet(self) -> list[Said]:
        """The sender waits for something: what is there is the message."""
        return self.end()

    def end(self) -> list[Said]:
        """The message, or nothing when only blank came."""
        data, self._data = self._data, b""
        return _messages(data)


def _messages(data: bytes) -> list[Said]:
    data = data.strip(b"\r\n \t\x00")
    if not data:
        return []
    control = _CONTROL.fullmatch(data)
    if control is not None:
        port = codec.port_number(control[1])
        if control[2] == b"CONNECT_REQUEST":
            return [Hello("CONNECT_REQUEST", None, port, b"CONNECTED")]
        return [Goodbye("DISCONNECTED", None, port)]
    head = _HEAD.match(data)
    if head is None:
        # A header without a text ("1.2.3.4:5 team"), or the rest of an oversized message.
        return [_said(data)]
    pieces = data.split(b"\n" + head[0])
    return [_said(piece if index == 0 else head[0] + piece) for index, piece in enumerate(pieces)]


def _said(data: bytes) -> Said:
    match = _MESSAGE.fullmatch(data)
    if match is None:
        text, marks, raw = codec.decode(data)
        return Text(text, marks=marks, raw=raw)
    port = codec.port_number(match[1])
    name = match[2].decode(errors="replace")[: codec.MAX_NAME]
    text, marks, raw = codec.decode(match[3] or b"")
    text = text.rstrip("\r\n")
    if words.is_hello(text):
        return Hello(text.strip(), name, port)
    if words.is_goodbye(text):
        return Goodbye(text.strip(), name, port)
    if not text.strip() and raw is None:
        return Announced(port)
    return Text(text, name, port, marks, raw)


class Std:
    """`IP:PORT TEAM text`, one connection a message, no newline at the end."""

    name = "std"
    persistent = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """An address, a space, a word, a space, and something; or an address and one of the two control words."""
        head = head[: MAX_HEADER * 2]
        if _HEAD.match(head) or _CONTROL.fullmatch(head):
            return True
        if not ended and len(head) <= MAX_HEADER and _PARTIAL.fullmatch(head):
            return None
        return False

    def reader(self) -> StdReader:
        """A reader for one connection."""
        return StdReader()

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """At most about 1,000 bytes in all, no newline at the end: control words are compared unstripped by several."""
        header = f"{speaker.host}:{speaker.port} {codec.wire_name(speaker.name)} ".encode()
        text, altered = words.harmless(codec.sendable(text).strip("\n"))
        pieces = codec.split(text, codec.MAX_PAYLOAD - len(header))
        marks: list[codec.Mark] = ["altered"] if altered else []
        if len(pieces) > 1:
            marks.append("parts")
        return Payloads(tuple(header + piece for piece in pieces), tuple(marks))

    def control(self, word: str, speaker: Speaker) -> bytes:
        """A control word as it must be to act: never altered, never cut."""
        return f"{speaker.host}:{speaker.port} {codec.wire_name(speaker.name)} {word}".encode()
