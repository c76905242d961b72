"""What a link with a plain peer tells its owner, in order. Plain frozen values."""

from __future__ import annotations

import msgspec

from node.protocol.plain.codec import Said
from node.protocol.secure.offer import Offered
from node.protocol.writing import Transmitted


class Recognised(msgspec.Struct, frozen=True):
    """The dialect of an accepted connection was recognised."""

    dialect: str
    persistent: bool


class Settled(msgspec.Struct, frozen=True):
    """The dialect of an unknown address was found. If it is persistent, the link is open; if one-shot, it is over.

    `obeyed`: the peer obeyed our `exit`, as the ancestor does. So the link is over, and the peer must be dialled again.
    """

    dialect: str
    obeyed: bool = False


class Opened(msgspec.Struct, frozen=True):
    """A persistent link that we dialled in a known dialect is ready for texts."""


class Heard(msgspec.Struct, frozen=True):
    """The peer said something."""

    said: list[Said]


class Answered(msgspec.Struct, frozen=True):
    """The peer answered our offer. The link is over: the connection belongs to TLS now.

    `rest`: bytes behind the answer. Texts that the link had taken were reported as not sent before this.
    """

    rest: bytes


class AnsweredLate(msgspec.Struct, frozen=True):
    """The peer answered our offer after we had gone on in clear, so this connection can't be used. Ended follows.

    `readable`: a text of ours was written in clear. The texts without an outcome are reported as not sent in between.
    """

    readable: bool


class Ended(msgspec.Struct, frozen=True):
    """The link is over. `reason` is None if it ended in order."""

    reason: str | None


LinkEvent = Recognised | Settled | Opened | Heard | Transmitted | Offered | Answered | AnsweredLate | Ended
