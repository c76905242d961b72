"""The labelled dialect: `LISTENING_PORT:p|TEAM_NAME:t|text`, one connection for each message."""

from __future__ import annotations

import re
from typing import Literal

from node.protocol.plain import codec, one_shot
from node.protocol.plain.codec import Control, Payloads, Speaker

_LABEL = b"LISTENING_PORT:"
#: Groups as HeadedReader needs them. The address in this dialect is the port alone.
_OPENING = re.compile(rb"(LISTENING_PORT:[ \t]*(\d{1,%d}))(?!\d)" % codec.MAX_DIGITS)
_HEAD = re.compile(rb"(?m:^)(LISTENING_PORT:[ \t]*(\d{1,%d}))\|TEAM_NAME:([^|\n]*)\|" % codec.MAX_DIGITS)


class Labelled:
    """The port and the name carry labels. The text follows the second bar, and may contain bars."""

    name = "labelled"
    persistent: Literal[False] = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """The first label."""
        if head.startswith(_LABEL):
            return True
        return None if not ended and _LABEL.startswith(head) else False

    def reader(self) -> one_shot.HeadedReader:
        """Create a reader for one connection."""
        return one_shot.HeadedReader(_HEAD, _OPENING)

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """At most about 1,000 bytes in all, no newline at the end."""
        return one_shot.payloads(text, _header(speaker))

    def control(self, word: Control, speaker: Speaker) -> bytes:
        """A control word in the form that acts at the peer: never altered, never cut."""
        return (_header(speaker) + word).encode()


def _header(speaker: Speaker) -> str:
    return f"LISTENING_PORT:{speaker.port}|TEAM_NAME:{codec.wire_name(speaker.name)}|"
