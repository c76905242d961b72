"""Who this node is, and what its start options say. Pure."""

from __future__ import annotations

import msgspec

from node.core import settings
from node.core.quotas import DEFAULT_QUOTA
from node.errors import LocalFault
from node.protocol.entries import Signer


def _no_key(data: bytes) -> bytes:
    raise LocalFault("This node has no key to sign with.")


class Identity(msgspec.Struct, frozen=True):
    """The node's identity, and what its start options say."""

    peer_id: str
    code: str
    version: str
    #: The name in the start options; None: use the last name.
    name: str | None
    #: The name if nobody has ever set one.
    default_name: str
    #: Quota of a plain source address, in bytes a day; 0: none.
    quota: int = DEFAULT_QUOTA
    #: The settings that the start fixed.
    fixed: dict[str, settings.Fixed] = {}
    #: Signs with the node's key.
    sign: Signer = _no_key
    #: 32 random bytes of this run that nobody else knows.
    secret: bytes = b""
    #: What HELLO tells of this database and of this run: 16 random bytes each.
    instance: bytes = b""
    run: bytes = b""
