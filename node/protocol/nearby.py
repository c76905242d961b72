"""What a node says of itself by mDNS: a service under a random name, and a tag that those who know its key recognise.

Pure. PROTOCOL.md, section 12, is normative. Neither the instance's name nor the host's names anybody: both are random
in each run. The tag changes each day, so that nobody else can follow a machine from one network to another.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping

#: The type of the service (RFC 6763).
SERVICE = "_snicher._tcp.local."
#: The version of this TXT record. A service with another one is left alone.
VERSION = b"1"
#: The keys in the TXT record: the version, and the tag.
VERSION_KEY, TAG_KEY = b"v", b"t"
#: Bytes of a tag: enough that no two of a campus have the same.
TAG_BYTES = 8
#: An instance's name: 16 random hexadecimal digits.
INSTANCE = re.compile(r"[0-9a-f]{16}")
#: Nodes whose clocks are on another side of midnight still recognise each other; one day is more than any time zone.
DAYS = (0, -1, 1)

_DAY_MS = 24 * 3600_000
_EPOCH = datetime.date(1970, 1, 1).toordinal()


def day_of(now: int) -> int:
    """The number of the day (UTC, from 1970) of a time in ms. Times before 1970 and after 9999 count as their edge."""
    return min(max(0, now // _DAY_MS), datetime.date.max.toordinal() - _EPOCH - 1)


def tag(peer: str, day: int) -> bytes:
    """The tag of a PeerId on a day."""
    date = datetime.date.fromordinal(_EPOCH + max(0, day)).isoformat()
    said = b"\0".join((b"snicher mdns", peer.encode(), date.encode()))
    return hashlib.sha256(said).digest()[:TAG_BYTES]


def tags(peer: str, day: int) -> list[bytes]:
    """The tags by which a PeerId may be known on a day: that of the day first, then those beside it."""
    return [tag(peer, day + off) for off in DAYS]


def txt(peer: str, day: int) -> dict[bytes, bytes]:
    """The TXT record of a node."""
    return {VERSION_KEY: VERSION, TAG_KEY: tag(peer, day)}


def read(properties: Mapping[bytes, bytes | None]) -> bytes | None:
    """The tag in a TXT record; None when it isn't one that this version knows."""
    found = properties.get(TAG_KEY)
    if properties.get(VERSION_KEY) != VERSION or found is None or len(found) != TAG_BYTES:
        return None
    return bytes(found)


def instance_of(name: str) -> str | None:
    """The instance in a service's full name; None when it isn't one that a node gives itself."""
    label = name[: -len(SERVICE) - 1]
    return label if name == f"{label}.{SERVICE}" and INSTANCE.fullmatch(label) else None
