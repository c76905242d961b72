"""The ancestor's dialect ("snicher"): one persistent connection used both ways, `CONNECT:<port>`, bare text, `exit`.

Texts are, by habit, `TEAM: text`, without any framing: one read is one text. When we are slow, several arrive in one
read; then newlines and the sender's own `TEAM: ` prefix tell them apart.
"""

from __future__ import annotations

import re

from node.protocol.plain import codec, words
from node.protocol.plain.codec import Announced, Goodbye, Hello, Payloads, Said, Speaker, Text

#: A text cut by the network in the middle is held back for so long, in seconds, before what is there counts.
HOLD = 0.1
#: The ancestor's own reads end at 1,024 bytes; a read of at least this length may be cut, so more may follow.
LONG_READ = 1024
#: Digits that may follow CONNECT: before it stops being one.
MAX_DIGITS = 12

_CONNECT = re.compile(rb"CONNECT:[ \t\r\v\f]*(\d{1,12})(?![0-9])[\t\r\v\f ]*\n?")
_CONNECT_ENDED = re.compile(rb"CONNECT:[ \t\r\v\f]*(\d{1,12})[\t\r\v\f ]*\n?")
_CONNECT_PARTIAL = re.compile(rb"CONNECT:[ \t\r\v\f]*\d{0,12}[\t\r\v\f ]*")
#: A team name and a colon before a text. No spaces: "Mandatory message: Hello" is not a team name.
_PREFIX = re.compile(rb"([^\s:|<>]{1,32}): ")


class AncestorReader:
    """Splits one connection's reads into texts."""

    def __init__(self) -> None:
        self.patience: float | None = None
        self._held = b""
        self._prefix: bytes | None = None
        #: The peer ends its texts with newlines, so a read without one is a text that goes on.
        self._newlines = False

    def feed(self, data: bytes) -> list[Said]:
        """One read. Held back: the start of a CONNECT, a cut character, an unfinished line of one who sends lines."""
        if self._held:
            data = self._held + data
            self._held = b""
        said: list[Said] = []
        if data[:1] == b"C":
            data = self._control(data, said)
        keep = self._unfinished(data)
        if keep:
            self._held = data[len(data) - keep :]
            data = data[: len(data) - keep]
        self.patience = HOLD if self._held else None
        if data:
            self._texts(data, said)
        return said

    def quiet(self) -> list[Said]:
        """Nothing followed: what is held back is all there is."""
        return self.end()

    def end(self) -> list[Said]:
        """The connection's last words."""
        data, self._held, self.patience = self._held, b"", None
        said: list[Said] = []
        match = _CONNECT_ENDED.match(data)
        if match is not None:
            said.append(Announced(codec.port_number(match[1])))
            data = data[match.end() :]
        if data:
            self._texts(data, said)
        return said

    def _control(self, data: bytes, said: list[Said]) -> bytes:
        """Take a CONNECT off the front. Digits at the very end of a read may go on in the next."""
        match = _CONNECT.match(data)
        if match is not None and match.end() < len(data):
            said.append(Announced(codec.port_number(match[1])))
            return data[match.end() :]
        if match is not None and data.endswith(b"\n"):
            said.append(Announced(codec.port_number(match[1])))
            return b""
        return data

    def _unfinished(self, data: bytes) -> int:
        """How many bytes at the end must wait for more; never more than one text may hold."""
        tail = self._tail(data)
        return tail if tail <= codec.MAX_INCOMING else 0

    def _tail(self, data: bytes) -> int:
        if not data or (data[:1] == b"C" and (_CONNECT_PARTIAL.fullmatch(data) or b"CONNECT:".startswith(data))):
            return len(data)
        if data.endswith(b"\n"):
            self._newlines = True
            return 0
        line = data.rfind(b"\n") + 1
        if self._newlines or codec.complete_length(data) < len(data):
            return len(data) - line
        if len(data) >= LONG_READ:
            # Maybe cut at the far end's or the network's size; what stands before the last prefix is complete anyway.
            return len(data) - max(line, data.rfind(self._prefix) if self._prefix else 0)
        return 0

    def _texts(self, data: bytes, said: list[Said]) -> None:
        if b"\n" in data:
            self._newlines = True
        for index, line in enumerate(data.split(b"\n")):
            if self._prefix is None:
                match = _PREFIX.match(line)
                if match is None:
                    if line.strip():
                        said.append(_said(line, None))
                    continue
                self._prefix = match[0]
            name = self._prefix[:-2].decode(errors="replace")
            first, *others = line.split(self._prefix)
            if first.strip():
                before = said[-1] if said and index else None
                if isinstance(before, Text) and before.name == name and before.raw is None:
                    # A line without the name, in one read with a line that had it: the text goes on.
                    more, marks, raw = codec.decode(first.rstrip(b"\r"))
                    whole = None if raw is None else before.text.encode() + b"\n" + raw
                    said[-1] = Text(f"{before.text}\n{more}", name, None, before.marks + marks, whole)
                else:
                    said.append(_said(first, None))
            said.extend(_said(text, name) for text in others if text.strip())


def _said(data: bytes, name: str | None) -> Said:
    text, marks, raw = codec.decode(data.strip(b"\r\x00"))
    if words.is_goodbye(text):
        return Goodbye(text.strip(), name)
    if words.is_hello(text):
        return Hello(text.strip(), name)
    return Text(text, name, None, marks, raw)


class Ancestor:
    """`CONNECT:<port>` once, then texts both ways over the same connection; `exit` before leaving."""

    name = "snicher"
    persistent = True

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """Anything that is nobody else's: bare text is the ancestor's too. So this codec is asked last."""
        return True

    def reader(self) -> AncestorReader:
        """A reader for one connection."""
        return AncestorReader()

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """`TEAM: text` and a newline, so that joined texts at least stand on lines of their own."""
        prefix = f"{codec.wire_name(speaker.name)}: ".encode()
        text, altered = words.harmless(codec.sendable(text).strip("\n"))
        pieces = codec.split(text, codec.MAX_PAYLOAD - len(prefix) - 1)
        marks: list[codec.Mark] = ["altered"] if altered else []
        if len(pieces) > 1:
            marks.append("parts")
        return Payloads(tuple(prefix + piece + b"\n" for piece in pieces), tuple(marks))
