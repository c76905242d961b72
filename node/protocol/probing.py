"""What an address that nobody knows says back, and what it speaks by that: to our CONNECT, and then to `exit`.

Law of this file: as link.py's, whose part this is: no sockets, no clock. The link says when the wait is over.
"""

from __future__ import annotations

from node.protocol.plain import codec, registry
from node.protocol.plain.codec import Goodbye, Hello, Reader, Said, Text

#: How long an unknown address may take to show what it speaks, in seconds.
PROBE_WAIT = 1.0
#: One that stays and says nothing is told `exit`, and may take so long to close, in seconds. The ancestor closes at
#: once; the std clients that read in a loop stay.
EXIT_WAIT = 0.3
#: Bytes that may come while a dialect is being found out; with more of them it is decided at once.
MAX_ANSWER = 16 * 1024
#: Bytes of an answer that are looked at as the first bytes of a dialect.
HEAD = 256


class Probe:
    """All that came back so far."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._head = b""
        self._size = 0
        self._said: list[Said] = []

    def take(self, data: bytes) -> None:
        """Bytes as they were read."""
        self._said += self._reader.feed(data)
        self._head = (self._head + data[:MAX_ANSWER]).lstrip(codec.BLANK)[:HEAD]
        self._size += len(data)

    def quiet(self) -> None:
        """Nothing followed: what the reader holds back counts as complete."""
        self._said += self._reader.quiet()

    @property
    def full(self) -> bool:
        """Whether more came than may: it is decided at once."""
        return self._size > MAX_ANSWER

    @property
    def silent(self) -> bool:
        """Whether nothing but blank bytes came."""
        return not self._head

    @property
    def native(self) -> bool:
        """Whether it spoke as the ancestor does: CONNECT, or a name before a text."""
        named = any(isinstance(one, Text | Hello) and one.name for one in self._said)
        return named or self._head.startswith(b"CONNECT:")

    @property
    def left(self) -> bool:
        """Whether it said good-bye, as a node answers ours."""
        return any(isinstance(one, Goodbye) for one in self._said)

    @property
    def said(self) -> list[Said]:
        """What one that speaks natively has said, but for its answer to our good-bye."""
        return [one for one in self._said if not isinstance(one, Goodbye)]

    def guess(self) -> str:
        """The dialect of a one-shot client, which may have answered in its own way."""
        found = registry.recognise(self._head, ended=True) if self._head else None
        return registry.STD.name if found is None or found.persistent else found.name
