"""The std dialect, spoken by most of the older clients: `IP:PORT TEAM text`, one connection for each message.

A message ends with the connection, or with a short silence, because some senders stay connected and wait for an
answer. The claimed IP is often wrong and is ignored; the claimed port counts.
"""

from __future__ import annotations

import re
from typing import Literal

from node.protocol.plain import codec, one_shot
from node.protocol.plain.codec import Control, Goodbye, Hello, Payloads, Said, Speaker

#: The answer to a sender that stays after its message. One such client waits up to 5 s for any short answer.
ANSWER = b"OK"

_HEAD = re.compile(rb"(?m:^)" + one_shot.ADDRESS + rb" (\S+) ")
_OPENING = re.compile(one_shot.ADDRESS + rb" ")
_CONTROL = re.compile(one_shot.ADDRESS + rb" (CONNECT_REQUEST|DISCONNECTED)\s*")
_CONTROL_LINE = re.compile(one_shot.ADDRESS + rb" (?:CONNECT_REQUEST|DISCONNECTED)(?=\s|$)")
_BEGUN = re.compile(rb"(?:" + one_shot.ADDRESS_BEGUN + rb"|" + one_shot.ADDRESS + rb" \S*)")


class StdReader(one_shot.HeadedReader):
    """Reads a header with the text on the same line, or one of two control words without a name."""

    def __init__(self) -> None:
        super().__init__(_HEAD, _OPENING)

    def quiet(self) -> list[Said]:
        """After a silence, the message counts as complete. Its sender waits for an answer, and gets one."""
        said = self.end()
        if said and not self.owed:
            self.owed = ANSWER
        return said

    def _control(self, data: bytes) -> Said | None:
        control = _CONTROL.fullmatch(data)
        if control is None:
            return None
        port = codec.port_number(control[2])
        if control[3] == b"DISCONNECTED":
            return Goodbye("DISCONNECTED", None, port)
        self.owed = b"CONNECTED"
        return Hello("CONNECT_REQUEST", None, port)


class Std:
    """`IP:PORT TEAM text`, one connection for each message, without a newline at the end."""

    name = "std"
    persistent: Literal[False] = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """An address, a space, a word, a space, and anything; or an address and a control word."""
        head = head[: one_shot.MAX_HEADER + 1]
        if _HEAD.match(head[: one_shot.MAX_HEADER]) or _CONTROL_LINE.match(head):
            return True
        if not ended and len(head) <= one_shot.MAX_HEADER and _BEGUN.fullmatch(head):
            return None
        return False

    def reader(self) -> StdReader:
        """Create a reader for one connection."""
        return StdReader()

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """At most about 1,000 bytes in all. No newline at the end: some clients compare control words unstripped."""
        return one_shot.payloads(text, _header(speaker))

    def control(self, word: Control, speaker: Speaker) -> bytes:
        """A control word in the form that acts at the peer: never altered, never cut."""
        return (_header(speaker) + word).encode()


def _header(speaker: Speaker) -> str:
    return f"{speaker.address} {codec.wire_name(speaker.name)} "
