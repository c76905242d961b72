"""The TLS engine that a SecureLink is handed: what it must do. The real one is peers/tls.py; simulations bring a fake.

Law of this file: pure. An engine works over memory: bytes from the other side go in, bytes for it come out.
"""

from __future__ import annotations

from typing import Protocol


class Engine(Protocol):
    """One side of one TLS connection."""

    #: Whether the handshake is complete: the other side has proved its key.
    up: bool
    #: The other side's Ed25519 public key, 32 bytes, once `up`.
    peer: bytes | None

    def start(self) -> None:
        """Begin the handshake. Called once, before anything else."""

    def feed(self, data: bytes) -> bytes:
        """Process bytes as they were read; returns what the other side said with them, often nothing.

        Raises HandshakeFailed with a sentence for whatever is wrong with TLS, during the handshake and after it. `out`
        may then have an alert for the other side. The end of the connection is no business of the engine.
        """

    def write(self, data: bytes) -> None:
        """Say something, once `up`."""

    def out(self) -> bytes:
        """Take the bytes to write now."""

    def close(self) -> None:
        """Tell the other side that nothing more is said (close_notify). Does nothing before `up`."""
