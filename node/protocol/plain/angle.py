"""The three dialects that begin with an address in angle brackets, one connection for each message.

    angle@     `<IP:PORT> @ <TEAM>` NL text NL `<end>`
    angle-ts   `<IP:PORT> [date time] @ <TEAM>` NL text NL
    angle1     `<IP:PORT> TEAM text`

Their good-byes are, in this order, `<IP:PORT> DISCONNECT`, `<IP:PORT> [date time] DISCONNECT` and the text `quit`. A
message that only begins as one of these forms is shown as it came, and still claims its port.

The claimed IP is ignored, as everywhere; the claimed port counts.
"""

from __future__ import annotations

import re
from typing import Literal

from node.protocol.plain import codec, one_shot
from node.protocol.plain.codec import Control, Goodbye, Hello, Payloads, Said, Speaker

#: Most bytes in which a dialect is recognised: an address, blanks, and the first characters of what follows.
MAX_HEAD = 128

_OPEN = re.compile(rb"<" + one_shot.ADDRESS + rb"> +")
_OPEN_BEGUN = re.compile(rb"<(?:" + one_shot.ADDRESS_BEGUN + rb"(?:> *)?)?")
_AT = re.compile(rb"(?m:^|(?<=<end>))<" + one_shot.ADDRESS + rb"> +@ +<([^>\n]*)>[ \t]*(?:\r?\n|$)")
_TS = re.compile(rb"(?m:^)<" + one_shot.ADDRESS + rb"> +\[[^\]\n]*\] +@ +<([^>\n]*)>[ \t]*(?:\r?\n|$)")
_ONE = re.compile(rb"(?m:^)<" + one_shot.ADDRESS + rb"> +(\S+) ")
_GOODBYE = re.compile(rb"<" + one_shot.ADDRESS + rb"> +(?:\[[^\]\n]*\] +)?DISCONNECT")
_ONE_WORD = re.compile(rb"<" + one_shot.ADDRESS + rb"> +(\S.*)", re.DOTALL)

#: One angle@ client introduces itself in std form, with this text, and then reads and sends angle@ only.
ANNOUNCEMENT = b"connection_request"
_ANNOUNCED = re.compile(one_shot.ADDRESS + rb" (\S+) ")
#: If a std control word stands in place of the name, don't wait for more: its sender waits for an answer.
_ANNOUNCED_BEGUN = re.compile(one_shot.ADDRESS_BEGUN + rb"(?: (?!CONNECT_REQUEST$|DISCONNECTED$)\S*)?")

Kind = Literal["angle@", "angle-ts", "angle1"]


def kind_of(head: bytes, ended: bool) -> Kind | bool | None:
    """The dialect of the three that `head` shows. False: none; None: more bytes are needed (never if `ended`)."""
    head = head[:MAX_HEAD]
    opening = _OPEN.match(head)
    if opening is None:
        return None if not ended and _OPEN_BEGUN.fullmatch(head) else False
    rest = head[opening.end() :]
    if rest.startswith(b"@ <"):
        return "angle@"
    if rest.startswith(b"["):
        return "angle-ts"
    word = rest.rstrip(codec.BLANK)
    if not ended and len(head) < MAX_HEAD and (b"@ <".startswith(rest) or b"DISCONNECT".startswith(word)):
        return None
    return "angle@" if word == b"DISCONNECT" else "angle1" if word else False


def _is_announcement(head: bytes, ended: bool) -> bool | None:
    """Whether `head` is the announcement in std form and nothing else. None: more bytes are needed."""
    opening = _ANNOUNCED.match(head[: one_shot.MAX_HEADER])
    if opening is None:
        return None if not ended and len(head) < one_shot.MAX_HEADER and _ANNOUNCED_BEGUN.fullmatch(head) else False
    text = head[opening.end() :].rstrip(codec.BLANK)
    if ended:
        return text == ANNOUNCEMENT
    return None if ANNOUNCEMENT.startswith(text) and len(head) < one_shot.MAX_HEADER + len(ANNOUNCEMENT) else False


class AngleReader(one_shot.HeadedReader):
    """The part that all three share: the good-bye without a name."""

    def __init__(self, head: re.Pattern[bytes], tail: bytes = b"") -> None:
        super().__init__(head, _OPEN, tail)

    def _control(self, data: bytes) -> Said | None:
        goodbye = _GOODBYE.fullmatch(data)
        return None if goodbye is None else Goodbye("DISCONNECT", None, codec.port_number(goodbye[2]))


class AngleAtReader(AngleReader):
    """Reads a header line, a text and a line `<end>`; or the announcement in std form."""

    def __init__(self) -> None:
        super().__init__(_AT, b"<end>")

    def _control(self, data: bytes) -> Said | None:
        announced = _ANNOUNCED.match(data)
        if announced is not None and data[announced.end() :] == ANNOUNCEMENT:
            return Hello(ANNOUNCEMENT.decode(), codec.read_name(announced[3]), codec.port_number(announced[2]))
        return super()._control(data)


class Angle1Reader(AngleReader):
    """Reads a header with the text on the same line. A single word is a text without a name."""

    def __init__(self) -> None:
        super().__init__(_ONE)

    def _headless(self, data: bytes) -> list[Said]:
        match = _ONE_WORD.match(data)
        if match is None:
            return super()._headless(data)
        self._port = codec.port_number(match[2])
        return list(one_shot.said(match[3], None, self._port))


class AngleAt:
    """`<IP:PORT> @ <TEAM>` NL text NL `<end>`; `<IP:PORT> DISCONNECT` is its good-bye."""

    name = "angle@"
    persistent: Literal[False] = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """`<addr> @ <`, `<addr> DISCONNECT` alone, or the announcement in std form."""
        kind = kind_of(head, ended)
        return _is_announcement(head, ended) if kind is False else kind and kind == self.name

    def reader(self) -> AngleAtReader:
        """Create a reader for one connection."""
        return AngleAtReader()

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """At most about 1,000 bytes in all. `<end>` in the text would end it early, so it is made inert."""
        inert = text.replace("<end>", "<\u2060end>")
        return one_shot.payloads(inert, _at_header(speaker), "\n<end>", lines=True, altered=inert != text)

    def control(self, word: Control, speaker: Speaker) -> bytes:
        """A control word in the form that acts at the peer."""
        if word == "exit":
            return f"<{speaker.address}> DISCONNECT".encode()
        return f"{_at_header(speaker)}{word}\n<end>".encode()


class AngleTs:
    """`<IP:PORT> [date time] @ <TEAM>` NL text NL; `<IP:PORT> [date time] DISCONNECT` is its good-bye."""

    name = "angle-ts"
    persistent: Literal[False] = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """`<addr> [`."""
        kind = kind_of(head, ended)
        return kind and kind == self.name

    def reader(self) -> AngleReader:
        """Create a reader for one connection."""
        return AngleReader(_TS)

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """At most about 1,000 bytes in all, with the newline at the end."""
        return one_shot.payloads(text, self._header(speaker), "\n", lines=True)

    def control(self, word: Control, speaker: Speaker) -> bytes:
        """A control word in the form that acts at the peer."""
        if word == "exit":
            return f"{self._opening(speaker)} DISCONNECT".encode()
        return f"{self._header(speaker)}{word}\n".encode()

    def _header(self, speaker: Speaker) -> str:
        return f"{self._opening(speaker)} @ <{codec.wire_name(speaker.name)}>\n"

    def _opening(self, speaker: Speaker) -> str:
        return f"<{speaker.address}> [{speaker.clock}]"


class Angle1:
    """`<IP:PORT> TEAM text`; the text `quit` is its good-bye, and `exit` is chat to it.

    Its client misreads every other dialect, and a blank message makes it abort later.
    """

    name = "angle1"
    persistent: Literal[False] = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """`<addr> word`, unless the word begins as in the other two dialects."""
        kind = kind_of(head, ended)
        return kind and kind == self.name

    def reader(self) -> Angle1Reader:
        """Create a reader for one connection."""
        return Angle1Reader()

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """At most about 1,000 bytes in all, no newline at the end, and never blank."""
        blank = not codec.sendable(text).strip()
        return one_shot.payloads("." if blank else text, self._header(speaker), altered=blank)

    def control(self, word: Control, speaker: Speaker) -> bytes:
        """A control word in the form that acts at the peer."""
        return (self._header(speaker) + ("quit" if word == "exit" else word)).encode()

    def _header(self, speaker: Speaker) -> str:
        name = codec.wire_name(speaker.name)
        # With "[" or "@" behind the address, it would be one of the other two dialects.
        return f"<{speaker.address}> {'_' if name[0] in '[@' else ''}{name} "


def _at_header(speaker: Speaker) -> str:
    return f"<{speaker.address}> @ <{codec.wire_name(speaker.name)}>\n"
