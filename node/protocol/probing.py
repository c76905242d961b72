"""Finds the dialect of an unknown address by its answers, first to our CONNECT and then to `exit`.

This is a part of link.py with the same law: no sockets, no clock. The link says when the wait is over.
"""

from __future__ import annotations

from node.protocol.plain import codec, registry
from node.protocol.plain.codec import Goodbye, Hello, Reader, Said, Text

#: How long to wait for an unknown address to show its dialect, in seconds.
PROBE_WAIT = 1.0
#: How long to wait for an address that was silent to close after our `exit`, in seconds. The ancestor closes at once;
#: std clients that read in a loop stay.
EXIT_WAIT = 0.3
#: Most bytes of an answer. Beyond, the probe decides at once.
MAX_ANSWER = 16 * 1024
#: Bytes at the beginning of an answer by which a dialect is recognised.
HEAD = 256


class Probe:
    """The answers of one unknown address so far."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._head = b""
        self._size = 0
        self._said: list[Said] = []

    def take(self, data: bytes) -> None:
        """Add bytes as they were read."""
        self._said += self._reader.feed(data)
        self._head = (self._head + data[:MAX_ANSWER]).lstrip(codec.BLANK)[:HEAD]
        self._size += len(data)

    def quiet(self) -> None:
        """Treat what the reader holds back as complete, after a silence."""
        self._said += self._reader.quiet()

    @property
    def full(self) -> bool:
        """Whether more than MAX_ANSWER bytes came, so that the probe decides at once."""
        return self._size > MAX_ANSWER

    @property
    def silent(self) -> bool:
        """Whether no bytes came, or only blank ones."""
        return not self._head

    @property
    def native(self) -> bool:
        """Whether the peer spoke as the ancestor does: with CONNECT, or with a name before a text."""
        named = any(isinstance(one, Text | Hello) and one.name for one in self._said)
        return named or self._head.startswith(b"CONNECT:")

    @property
    def left(self) -> bool:
        """Whether the peer said good-bye, as a node does in answer to ours."""
        return any(isinstance(one, Goodbye) for one in self._said)

    @property
    def said(self) -> list[Said]:
        """What the peer has said so far, without its answer to our good-bye."""
        return [one for one in self._said if not isinstance(one, Goodbye)]

    def guess(self) -> str:
        """The dialect of a one-shot client: that of its answer, or std."""
        found = registry.recognise(self._head, ended=True) if self._head else None
        return registry.STD.name if found is None or found.persistent else found.name
