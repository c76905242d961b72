"""The nouns of Snicher that every room shares: addresses, ids, entries.

Law of this file: pure, and it knows nothing of how a noun is stored, sent or shown. What front ends see of the nouns is
in bus/nouns.py.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, NewType

import msgspec

#: The Ed25519 public key of a node, base32 in lower case without padding: 52 characters.
PeerId = NewType("PeerId", str)
#: Names a conversation on this node.
RoomId = NewType("RoomId", str)

#: Prefix of a plain peer's id and room; a number follows that this node assigns.
PLAIN_PREFIX = "plain-"
#: Prefix of the direct room of two nodes; a hash of their PeerIds follows.
DIRECT_PREFIX = "direct:"

#: `plain-` and a number, a direct room, a PeerId (52 characters of base32), a SHA-256 in hexadecimal.
_ID = re.compile(rf"{PLAIN_PREFIX}[0-9]+|{DIRECT_PREFIX}.*|[a-z2-7]{{52}}|[0-9a-f]{{64}}", re.DOTALL)

#: An address with a scheme before it, as browsers and old clients show it.
_URL = re.compile(r"(?:https?|tcp)://(?P<where>[^/?#]*)(?P<path>.*)", re.DOTALL | re.IGNORECASE)
#: What an interface is called, or its number.
_ZONE = re.compile(r"[A-Za-z0-9._~-]{1,32}")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")


class Address(msgspec.Struct, frozen=True, order=True):
    """Where a node or client listens. `host` is an IP address (IPv6 without brackets) or a host name.

    A link-local IPv6 address keeps its zone (RFC 4007), the interface that leads to it: fe80::1%eth0 and fe80::1%eth1
    are two machines.
    """

    host: str
    #: 1 to 65535; 0 only where the system is to choose.
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, allow_zero: bool = False) -> Address:
    """HOST:PORT as people write and paste it. Raises ValueError with a sentence that says what is wrong.

    Taken as well: a scheme before it and a slash behind it (`http://10.0.0.7:5000/`), angle brackets around it, blanks
    between an IP address and its port, invisible characters that were copied along. IPv6 goes in brackets.
    """
    host, digits = _split_address(text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 5:
        raise ValueError(f"{digits!r} is not a port; it is a number from 1 to 65535.")
    port = int(digits)
    if port > 65535 or (port == 0 and not allow_zero):
        raise ValueError(f"{port} is not a port; it is a number from 1 to 65535.")
    return Address(normal_host(host), port)


def _split_address(text: str) -> tuple[str, str]:
    """The texts of host and port. Raises ValueError with a sentence when one of them is missing."""
    bare = "".join(c for c in text if unicodedata.category(c) != "Cf").replace("\N{FULLWIDTH COLON}", ":").strip()
    if bare.startswith("<") and bare.endswith(">"):
        bare = bare[1:-1].strip()
    url = _URL.fullmatch(bare)
    if url is not None:
        bare = url["where"]
        if url["path"].strip("/"):
            raise ValueError(f"{text.strip()!r} is the address of a page; that of a peer is only HOST:PORT.")
        # In a URL the zone's percent sign is written %25 (RFC 6874).
        bare = re.sub(r"%25(?=[^\]])", "%", bare)
    bare = bare.rstrip("/")
    # Blanks only after an IP address: `Team 5000` and `Team: 5000` are names.
    apart = re.fullmatch(r"(\S+?)(?:\s*:\s+|\s+:?)(\S+)", bare)
    if apart is not None and is_ip(_unbracketed(apart[1])):
        return _unbracketed(apart[1]), apart[2]
    if is_ip(_unbracketed(bare)):
        raise ValueError(_without_port(bare))
    host, colon, digits = bare.rpartition(":")
    if not colon or not host:
        raise ValueError(f"{text.strip()!r} is not HOST:PORT, for example 192.168.1.20:5000.")
    if host.startswith("[") and not host.endswith("]"):
        raise ValueError(f"{text.strip()!r} has a bracket that isn't closed; IPv6 is written [::1]:5000.")
    return _unbracketed(host), digits


def _without_port(text: str) -> str:
    """The sentence about an IP address without a port. The last group of an IPv6 address may be meant as the port."""
    host = _unbracketed(text)
    shorter, _, digits = host.rpartition(":")
    if host == text and ":" in shorter and is_ip(shorter):
        return f"An IPv6 address goes in brackets: [{shorter}]:{digits}. If all of it is the address: [{host}]:PORT."
    shown = f"[{host}]" if ":" in host else host
    return f"Which port? {shown}:PORT, for example {shown}:5000."


def _unbracketed(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def is_ip(host: str) -> bool:
    """Whether `host` is an IP address (IPv6 without brackets)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether an IP address is one that only this machine reaches."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


class MandatoryPeer(msgspec.Struct, frozen=True):
    """A peer that is greeted once at each start."""

    address: Address
    #: Such as 10.206.0.0/16: greeted only from a machine that has an address in it. None: from everywhere.
    network: str | None = None

    def __str__(self) -> str:
        return str(self.address) if self.network is None else f"{self.address}@{self.network}"

    def is_near(self, hosts: Iterable[str]) -> bool:
        """Whether a machine with these IP addresses is in its network."""
        if self.network is None:
            return True
        network = ipaddress.ip_network(self.network)
        return any(ipaddress.ip_address(host.partition("%")[0]) in network for host in hosts)


def parse_mandatory(text: str) -> MandatoryPeer:
    """HOST:PORT or HOST:PORT@NETWORK as people write it; the host is an IP address. Raises ValueError."""
    where, at, network = text.partition("@")
    address = parse_address(where)
    try:
        ipaddress.ip_address(address.host)
        return MandatoryPeer(address, str(ipaddress.ip_network(network.strip(), strict=False)) if at else None)
    except ValueError:
        raise ValueError(f"{text.strip()!r} is not IP:PORT or IP:PORT@NETWORK: 10.0.0.1:5000@10.0.0.0/8.") from None


def normal_host(host: str) -> str:
    """A host in canonical form: IPv4-mapped IPv6 as IPv4, names in lower case. Raises ValueError.

    The zone of a link-local IPv6 address stays as it is: only the machine itself can interpret it (peers/zones.py).
    """
    bare, percent, zone = host.partition("%")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        if re.fullmatch(r"[\d.]+", host) or not _HOST_NAME.fullmatch(host) or len(host) > 253:
            raise ValueError(f"{host!r} is neither an IP address nor a host name.") from None
        return host.lower().rstrip(".")
    if percent:
        if not (address.version == 6 and address.is_link_local):
            raise ValueError(f"{bare} takes no zone (what follows %): only link-local addresses (fe80::) have one.")
        if not _ZONE.fullmatch(zone):
            raise ValueError(f"{zone!r} is no zone; it is the name or number of an interface, such as eth0.")
        return f"{address}%{zone}"
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


@functools.lru_cache(4096)
def source_of(host: str) -> str:
    """The source that an IP address counts for, wherever something is bounded or shared out per source.

    An IPv4 address is one. Of IPv6 it is the /64 network, because one machine may have all addresses of that (RFC
    6177). IPv4 written as IPv6 is the IPv4 address. What is no IP address counts for itself.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address) if address.is_loopback else str(ipaddress.ip_network((address, 64), strict=False))


def is_id(text: str) -> bool:
    """Whether a text has the shape of a peer's or a room's id, in capitals or not. Such a text is never a name.

    Any peer may use the name `plain-15`. If ids were looked up as names too, it would get what is meant for the peer of
    that id, as soon as that one is deleted.
    """
    return _ID.fullmatch(text.strip().casefold()) is not None


def is_peer_id(text: str) -> bool:
    """Whether a text is a PeerId: the key in it, and no other spelling of it."""
    try:
        return len(text) == 52 and bool(public_key(PeerId(text)))
    except ValueError:
        return False


def peer_id(public_key: bytes) -> PeerId:
    """The PeerId of a 32-byte Ed25519 public key."""
    return PeerId(base64.b32encode(public_key).decode().rstrip("=").lower())


def public_key(peer: PeerId) -> bytes:
    """The 32-byte key in a PeerId. Raises ValueError when it is none."""
    key = base64.b32decode(peer.upper() + "=" * (-len(peer) % 8))
    # A key has one PeerId: nobody is two authors by writing theirs in capitals or with other bits at its end.
    if len(key) != 32 or peer_id(key) != peer:
        raise ValueError(f"{peer!r} is not a PeerId.")
    return key


def direct_room(one: str, other: str) -> RoomId:
    """The id of the direct room of two PeerIds. Both nodes compute it, so nobody announces it."""
    low, high = sorted((one, other))
    return RoomId(DIRECT_PREFIX + hashlib.sha256(f"snicher direct 1\0{low}{high}".encode()).hexdigest())


def short_code(peer: str) -> str:
    """A PeerId for people to compare: four groups of four characters, from its SHA-256."""
    digest = base64.b32encode(hashlib.sha256(peer.encode()).digest()).decode().lower()
    return " · ".join(digest[index : index + 4] for index in range(0, 16, 4))


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What an author signs of an entry (PROTOCOL.md section 4). The body stands apart, so that it may go."""

    room: str
    author: PeerId
    #: Drawn at random for the room in each run of the author's node: 16 bytes.
    stream: bytes
    #: 1, 2, 3 ... within room, author and stream.
    n: int
    #: SHA-256 of the previous header of the stream; for n = 1 of the header that `before` names, or 32 zero bytes.
    prev: bytes
    #: Hybrid logical clock: milliseconds since 1970 times 65,536, plus a counter. Above that of n - 1.
    clock: int
    kind: str
    #: SHA-256 of the body.
    body_hash: bytes
    #: Only for n = 1: stream and number of the author's last header in this room before; None: there was none.
    before: Any = None


class Entry(msgspec.Struct, frozen=True):
    """A signed header with its exact bytes, and the body if we hold it."""

    header: Header
    #: The author's exact bytes: what was signed, hashed, stored and is passed on.
    header_bytes: bytes
    #: The SHA-256 of those bytes.
    hash: bytes
    #: The author's signature of this header. None: that of a later header covers it.
    signature: bytes | None
    body: bytes | None


class Position(msgspec.Struct, frozen=True):
    """How far a stream is held without a gap: the last number and the hash of its header."""

    n: int
    hash: bytes
