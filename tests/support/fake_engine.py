"""A TLS engine for simulations: it proves nothing and hides nothing, but moves as TLS 1.3 does.

Two of them are joined by their bytes only. What they write is records: a letter, two bytes of length, content. The
dialler says H; the acceptor answers S with its key; the dialler is up and says C with its key; the acceptor is up. D
has what is said, N is close_notify, A an alert. Anything else fails, as clear text does in TLS.
"""

from __future__ import annotations

import struct

from node.errors import HandshakeFailed, LocalFault

_HEAD = struct.Struct(">cH")
#: Most bytes in a record, as in TLS.
RECORD = 16 * 1024


class FakeEngine:
    """An Engine (node/protocol/secure/engine.py) that shows a given key.

    `fails`: a sentence with which it refuses the other side's key, as a real one refuses a certificate.
    """

    def __init__(self, key: bytes, *, server: bool, fails: str | None = None) -> None:
        self.up = False
        self.peer: bytes | None = None
        self._key = key
        self._server = server
        #: The record that must come next in the handshake.
        self._awaited = b"H" if server else b"S"
        self._fails = fails
        self._fault: str | None = None
        self._closed = self._peer_closed = False
        self._in = bytearray()
        self._out = bytearray()

    def start(self) -> None:
        """Begin: the dialler says H."""
        if not self._server:
            self._record(b"H", b"")

    def feed(self, data: bytes) -> bytes:
        """Process bytes from the other side; returns what it said. Raises HandshakeFailed."""
        if self._fault is not None:
            raise HandshakeFailed(self._fault)
        self._in += data
        said = []
        start = 0
        while len(self._in) - start >= 1 and not self._peer_closed:
            kind = bytes(self._in[start : start + 1])
            if kind not in b"HSCDNA":
                self._fail("What came isn't the TLS of an encrypted link.")
            if len(self._in) - start < _HEAD.size:
                break
            _, size = _HEAD.unpack_from(self._in, start)
            end = start + _HEAD.size + size
            if len(self._in) < end:
                break
            content = bytes(self._in[start + _HEAD.size : end])
            start = end
            said.append(self._take(kind, content))
        del self._in[:start]
        return b"".join(said)

    def write(self, data: bytes) -> None:
        """Say something, once up. Dropped after `close` and after a fault."""
        if not self.up:
            raise LocalFault("Nothing can be said before the handshake is complete.")
        if self._closed or self._fault is not None:
            return
        for start in range(0, len(data), RECORD):
            self._record(b"D", data[start : start + RECORD])

    def out(self) -> bytes:
        """Take the bytes to write."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def close(self) -> None:
        """Say N, once up."""
        if self.up and not self._closed and self._fault is None:
            self._closed = True
            self._record(b"N", b"")

    def _take(self, kind: bytes, content: bytes) -> bytes:
        if kind == b"A":
            self._fault = f"The other side refused TLS: {content.decode(errors='replace')}."
            raise HandshakeFailed(self._fault)
        if kind == b"D" and self.up:
            return content
        if kind == b"N" and self.up:
            self._peer_closed = True
            return b""
        if self.up or kind != self._awaited:
            self._fail("What came isn't the TLS of an encrypted link.")
        if kind == b"H":
            self._awaited = b"C"
            self._record(b"S", self._key)
            return b""
        if len(content) != 32 or self._fails is not None:
            self._fail(self._fails or "Its certificate can't be read.")
        self.peer, self.up = content, True
        if not self._server:
            self._record(b"C", self._key)
        return b""

    def _record(self, kind: bytes, content: bytes) -> None:
        self._out += _HEAD.pack(kind, len(content)) + content

    def _fail(self, why: str) -> None:
        self._fault = why
        self._record(b"A", b"bad record")
        raise HandshakeFailed(why)
