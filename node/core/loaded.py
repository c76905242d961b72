"""The small part of the store that the core is loaded from. Pure data."""

from __future__ import annotations

from typing import Any

import msgspec

from node.bus import nouns
from node.core.paths import Path


class LoadedPeer(msgspec.Struct, frozen=True):
    """A peer's row, whether it was forgotten, whether messages wait for it, and the paths to a node."""

    peer: nouns.Peer
    gone: bool
    waiting: bool
    paths: tuple[Path, ...] = ()


class Sending(msgspec.Struct, frozen=True):
    """A message whose attempt was under way."""

    message: int
    room: str
    peer: str
    text: str


class KeptConsumer(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer's row. Its position is an event number of `log`."""

    name: str
    log: str
    position: int
    created: int
    used: int


class Row(msgspec.Struct, frozen=True):
    """What is held of one stream of a room without a gap: numbers `first` to `n`. (PROTOCOL.md, section 10)"""

    #: One above `n` when all of it was deleted.
    first: int
    #: 0 when nothing of it is held yet.
    n: int
    #: The hash of header `n`; zeros when `n` is 0.
    hash: bytes
    #: The clock of header `n`; -1 when it isn't known.
    clock: int
    #: The ninth element of header 1: the author's last header before this stream. None: there was none, or header 1
    #: isn't known.
    before: tuple[bytes, int] | None = None


class KeptRow(msgspec.Struct, frozen=True):
    """A row of the vector on disk."""

    room: str
    author: str
    stream: bytes
    row: Row


class KeptReceipt(msgspec.Struct, frozen=True):
    """What a member holds of one of our own streams: all of it up to number `n`; and up to which it has read it."""

    room: str
    member: str
    stream: bytes
    n: int
    read: int = 0


class Loaded(msgspec.Struct, frozen=True):
    """Everything the core holds in memory, as of one commit."""

    log: str
    #: The newest and the oldest durable event on disk.
    head: int
    oldest: int
    #: The highest clock value and the highest message id given out.
    clock: int
    last_message: int
    #: The highest number in a plain peer's id.
    last_plain: int
    #: None in a database that was never used.
    settings: nouns.Settings | None
    peers: list[LoadedPeer]
    rooms: list[nouns.Room]
    sending: list[Sending]
    greetings: dict[str, nouns.Greeting] = {}
    #: Source addresses that are shut out, until when.
    shut_out: dict[str, int] = {}
    consumers: list[KeptConsumer] = []
    #: Nodes that people here have refused, until when.
    refused: dict[str, int] = {}
    #: What is held of each request, by room: the number of entries, and their bytes.
    requests: dict[str, tuple[int, int]] = {}
    blocked: dict[str, nouns.Blocked] = {}
    #: The last believed time (ms), or that of the newest message; None: neither is known.
    believed: int | None = None
    #: Settings that front ends changed, and the name. None: an older Snicher wrote the database and didn't distinguish
    #: them from defaults.
    saved: dict[str, Any] | None = None
    rows: list[KeptRow] = []
    receipts: list[KeptReceipt] = []
