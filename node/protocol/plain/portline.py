"""The portline dialect: persistent connections of lines. Only the side that dialled a connection sends texts on it.

The dialler sends its listening port and `CONNECT`, each on a line. Then it sends lines `IP:PORT TEAM text`, and waits
for an answer (any bytes) after each. It sends `exit` before it closes; without it, a client of this dialect spins for
ever.
"""

from __future__ import annotations

import re
from typing import Literal

from node.protocol.plain import codec, one_shot
from node.protocol.plain.codec import Announced, Goodbye, Payloads, Said, Speaker

#: A line without its newline counts as complete after this time without more bytes, in seconds.
HOLD = 0.2
#: The answer that the client waits for after each message. Any bytes will do; these are what such clients answer.
ANSWER = b"Message received\n"
#: Most answers owed at a time. A client that sends more lines without waiting doesn't need an answer to each.
MAX_OWED = 64

_PORT = re.compile(rb"(\d{1,5})")
_FIRST_LINE = re.compile(rb"\d{1,5}\r?\n")
_FIRST_LINE_BEGUN = re.compile(rb"\d{1,5}\r?")
_HEAD = re.compile(one_shot.ADDRESS + rb" (\S+)(?: |$)")


class PortlineReader:
    """Splits one connection into lines. `dialled`: we dialled it, so lines other than messages are answers to ours."""

    def __init__(self, *, dialled: bool = False) -> None:
        self.patience: float | None = None
        self.owed = b""
        self._dialled = dialled
        self._held = bytearray()
        #: Whether the first line, which may be the port, has come. It never comes where we dialled.
        self._started = dialled
        self._port: int | None = None

    def feed(self, data: bytes) -> list[Said]:
        """Process one read. An unfinished line is held back."""
        seen = len(self._held)
        self._held += data
        end = codec.surplus(self._held, self._held.rfind(b"\n", seen) + 1)
        said = self._take(end)
        self.patience = HOLD if self._held else None
        return said

    def quiet(self) -> list[Said]:
        """Nothing followed: the line held back counts as complete."""
        return self.end()

    def end(self) -> list[Said]:
        """The connection has ended: the line held back counts as complete."""
        self.patience = None
        return self._take(len(self._held))

    def _take(self, end: int) -> list[Said]:
        whole = bytes(self._held[:end])
        del self._held[:end]
        said: list[Said] = []
        for line in whole.split(b"\n"):
            bare = line.strip(codec.BLANK)
            if bare:
                said += self._line(bare)
        return said

    def _line(self, line: bytes) -> list[Said]:
        if not self._started:
            self._started = True
            first = _PORT.fullmatch(line)
            if first is not None:
                self._port = codec.port_number(first[1])
                return [Announced(self._port)]
        if line == b"CONNECT":
            return []
        if line == b"exit":
            return [Goodbye("exit", None, self._port)]
        head = _HEAD.match(line)
        if self._dialled and head is None:
            return []
        if not self._dialled and len(self.owed) < MAX_OWED * len(ANSWER):
            self.owed += ANSWER
        if head is None:
            return list(one_shot.said(line, None, self._port))
        port = self._port if self._port is not None else codec.port_number(head[2])
        return list(one_shot.said(line[head.end() :], codec.read_name(head[3]), port))


class Portline:
    """First `PORT` NL `CONNECT` NL, then one line for each message, with an answer to each."""

    name = "portline"
    persistent: Literal[True] = True
    both_ways = False
    answered = True
    farewell = b"exit\n"

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """One to five digits and a newline."""
        if _FIRST_LINE.match(head):
            return True
        return None if not ended and _FIRST_LINE_BEGUN.fullmatch(head) else False

    def reader(self, *, dialled: bool = False) -> PortlineReader:
        """Create a reader for one connection."""
        return PortlineReader(dialled=dialled)

    def announcement(self, port: int) -> bytes:
        """The first two lines: the port and CONNECT."""
        return b"%d\nCONNECT\n" % port

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """One line for each part, of at most about 1,000 bytes."""
        head = f"{speaker.address} {codec.wire_name(speaker.name)} "
        return one_shot.payloads(text, head, "\n")
