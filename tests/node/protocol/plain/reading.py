"""Feeding a reader whole or in pieces, as a stream may bring its bytes."""

from __future__ import annotations

from node.protocol.plain.codec import Reader, Said


def read(reader: Reader, data: bytes, size: int | None = None) -> list[Said]:
    """All that is said when `data` comes in pieces of `size` bytes (None: whole) and the connection ends."""
    said: list[Said] = []
    for start in range(0, len(data), size or len(data) or 1):
        said += reader.feed(data[start : start + (size or len(data))])
    return said + reader.end()


def read_each(reader: Reader, reads: list[bytes]) -> list[Said]:
    """All that is said when these reads come, one after the other, and the connection ends."""
    said = [one for data in reads for one in reader.feed(data)]
    return said + reader.end()
