"""What the core asks of the disk: each query is answered by a stimulus of its own. Plain frozen values.

A query on behalf of a command carries all that the command needs to go on, its idempotency key as well.
"""

from __future__ import annotations

import msgspec

from node.bus import consumers as cn
from node.bus import events as ev


class Key(msgspec.Struct, frozen=True):
    """An idempotency key, with a fingerprint of its command."""

    key: str
    #: A hash of op and arguments: the same key with another command is refused.
    fingerprint: bytes


class ReadWaiting(msgspec.Struct, frozen=True):
    """The first messages that wait for a peer, at most `limit`. Answered by WaitingRead."""

    peer: str
    limit: int
    #: Number of the query: only the answer to a peer's last query counts.
    number: int = 0


class ReadUnsigned(msgspec.Struct, frozen=True):
    """The first messages that were meant to go in clear to a peer that is a Snicher node, at most `limit`.

    Answered by UnsignedRead.
    """

    peer: str
    limit: int
    #: As of ReadWaiting.
    number: int = 0


class ReadPlaces(msgspec.Struct, frozen=True):
    """Find how far others' streams of a room reach among its messages up to this id. Answered by PlacesRead."""

    room: str
    upto: int


class CountRead(msgspec.Struct, frozen=True):
    """Count the texts received in a room after message `after`, up to `upto`. Answered by ReadCounted.

    For the command `mark_read`.
    """

    token: int
    cause: ev.Cause | None
    key: Key | None
    room: str
    after: int
    upto: int
    #: The room's revision at the time of the query; if it has changed, the answer is stale.
    revision: int = 0


class CountUnread(msgspec.Struct, frozen=True):
    """Count the texts received in a merged room after message `after`, up to `upto`. Answered by UnreadCounted."""

    room: str
    after: int
    upto: int
    #: As of CountRead.
    revision: int
    #: The estimate of unread texts at the time of the query.
    unread: int


class ReadMessage(msgspec.Struct, frozen=True):
    """Read one message of ours and its recipient, for the command `resend`. Answered by MessageRead."""

    token: int
    cause: ev.Cause | None
    key: Key | None
    message: int
    #: The newest event at the time of the query.
    head: int = 0


class ReadOldest(msgspec.Struct, frozen=True):
    """Read the number of the oldest event in the log. Answered by OldestRead.

    For a command about a consumer, which is decided with the answer.
    """

    token: int
    cause: ev.Cause | None
    key: Key | None
    op: str
    args: cn.ConsumerCreateArgs | cn.ConsumerAcknowledgeArgs


class FindOld(msgspec.Struct, frozen=True):
    """Find the rooms with old messages, received before this time (ms), among the next `limit` ones after a message.

    Answered by OldFound.
    """

    before: int
    after: int
    limit: int
    #: The revision of all rooms at the time of the query.
    moves: int


class OldOf(msgspec.Struct, frozen=True):
    """The newest old message of a room, the number of unread texts up to it, and whether nothing else is left."""

    room: str
    upto: int
    unread: int
    empty: bool


#: Queries on behalf of a command, which goes on with the answer. If a query fails, the command is refused.
CommandQuery = CountRead | ReadMessage | ReadOldest
Query = CommandQuery | ReadWaiting | ReadUnsigned | ReadPlaces | CountUnread | FindOld
