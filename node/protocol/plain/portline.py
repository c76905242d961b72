"""The portline dialect: persistent connections of lines, each used by the side that dialled it only.

The dialler says its listening port and `CONNECT`, a line each, then `IP:PORT TEAM text` lines, and waits for an answer,
any bytes, after each. It says `exit` before it closes: without that, its client spins for ever.
"""

from __future__ import annotations

import re
from typing import Literal

from node.protocol.plain import codec, one_shot
from node.protocol.plain.codec import Announced, Goodbye, Payloads, Said, Speaker

#: A line without its newline counts as complete after so long without more, in seconds.
HOLD = 0.2
#: What its client waits for after each message. Any bytes will do; these are what its own kind answers.
ANSWER = b"Message received\n"
#: Answers owed at once. A client that says more without waiting for one needs no more of them.
MAX_OWED = 64

_PORT = re.compile(rb"(\d{1,5})")
_FIRST_LINE = re.compile(rb"\d{1,5}\r?\n")
_FIRST_LINE_BEGUN = re.compile(rb"\d{1,5}\r?")
_HEAD = re.compile(one_shot.ADDRESS + rb" (\S+)(?: |$)")


class PortlineReader:
    """Splits one connection into lines. `dialled`: by us, so that all but messages are answers to ours."""

    def __init__(self, *, dialled: bool = False) -> None:
        self.patience: float | None = None
        self.owed = b""
        self._dialled = dialled
        self._held = bytearray()
        #: Lines that were no message yet: the port comes first, then CONNECT.
        self._started = dialled
        self._port: int | None = None

    def feed(self, data: bytes) -> list[Said]:
        """One read; an unfinished line is held back."""
        seen = len(self._held)
        self._held += data
        end = codec.surplus(self._held, self._held.rfind(b"\n", seen) + 1)
        said = self._take(end)
        self.patience = HOLD if self._held else None
        return said

    def quiet(self) -> list[Said]:
        """Nothing followed: the line is all there is."""
        return self.end()

    def end(self) -> list[Said]:
        """The connection's last words."""
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
    """First `PORT` NL `CONNECT` NL, then a line for each message, and an answer for each line."""

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
        """A reader for one connection."""
        return PortlineReader(dialled=dialled)

    def announcement(self, port: int) -> bytes:
        """The first two lines."""
        return b"%d\nCONNECT\n" % port

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """One line each, of at most about 1,000 bytes."""
        head = f"{speaker.address} {codec.wire_name(speaker.name)} "
        return one_shot.payloads(text, head, "\n")
