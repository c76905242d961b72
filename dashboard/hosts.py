"""The dashboard's hosts: where it listens, which Host headers it accepts, and which addresses its links carry. Pure.

There are three kinds of host. The *name* is a random host under `.localhost`: browsers keep cookies and storage by
host, and no other program serves on that one. A *spare* host (127.0.0.1, localhost, [::1]) shows the door page. That
page leads on to the name, or, in a browser that can't find the name, lets in with weaker protection. A *direct* host is
one that the owner chose with --listen or --allow-host; it is served without the name.
"""

from __future__ import annotations

import enum
import ipaddress
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT_ADDRESS = "127.0.0.1"
#: Spellings of the loopback address that a browser may put into a Host header.
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_.-]{0,252}))(?::([0-9]{1,5}))?", re.ASCII)


class Kind(enum.Enum):
    """The kind of a host in a Host header; see the module's docstring."""

    NAME = "name"
    SPARE = "spare"
    DIRECT = "direct"


def is_loopback(address: str) -> bool:
    """Whether only programs of this machine can reach a server on `address`."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def is_wildcard(address: str) -> bool:
    """Whether `address` stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False


def bracketed(address: str) -> str:
    """An address as written in a URL."""
    return f"[{address}]" if ":" in address else address


@dataclass(frozen=True)
class Hosts:
    """The hosts of one dashboard: what it listens on, its random `name` (without port), and `--allow-host` names."""

    address: str
    port: int
    name: str
    further: frozenset[str] = frozenset()

    @property
    def named(self) -> bool:
        """Whether this dashboard is used under its random name, that is, listens at the default address."""
        return self.address == DEFAULT_ADDRESS

    @property
    def home(self) -> str:
        """The host, with its port, that links lead to."""
        if self.named:
            return f"{self.name}:{self.port}"
        return f"{bracketed(DEFAULT_ADDRESS if is_wildcard(self.address) else self.address)}:{self.port}"

    @property
    def spare(self) -> str | None:
        """The host for browsers that can't find the name; None when there is no name."""
        return f"{DEFAULT_ADDRESS}:{self.port}" if self.named else None

    @property
    def spares(self) -> frozenset[str]:
        """All spare hosts, with the port."""
        return frozenset(f"{name}:{self.port}" for name in LOOPBACK_NAMES) if self.named else frozenset()

    def kind(self, host: str, local: str | None) -> Kind | None:
        """The kind of a Host header (in lower case); None when the host isn't ours.

        `local` is the local address of the connection. A dashboard that listens everywhere (0.0.0.0 or ::) accepts that
        address as the Host. An IP address can't be rebound to another machine as a name can (DNS rebinding), so no list
        of addresses is needed, and one that the machine gets later works as well.
        """
        found = _HOST.fullmatch(host)
        if not found:
            return None
        name, port = found[1], int(found[2] or 80)
        if name in self.further:
            # A proxy listens on a port of its own, so ignore the port. The Origin is still compared as a whole.
            return Kind.DIRECT
        if port != self.port:
            return None
        if self.named:
            return Kind.NAME if name == self.name else Kind.SPARE if name in LOOPBACK_NAMES else None
        if is_wildcard(self.address):
            return Kind.DIRECT if name in LOOPBACK_NAMES or name == _own(local) else None
        return Kind.DIRECT if name == bracketed(self.address) else None


def weakness(origin: str) -> str:
    """A sentence about weaker protection of a page with this origin; empty when there is none.

    The frame says the same (components/shared/protection.js).
    """
    parts = urllib.parse.urlsplit(origin)
    name = parts.hostname or ""
    if parts.scheme == "https" or name.endswith(".localhost"):
        return ""
    if name in ("localhost", "::1") or name.startswith("127."):
        return (
            "Weaker protection: at this address, other servers on this machine that you visit see this dashboard's "
            "cookie. It opens no chats by itself."
        )
    return "Weaker protection: pages travel unencrypted at this address, and others on the network can read them."


def hosts_of(address: str, port: int, name: str, further: Iterable[str] = ()) -> Hosts:
    """The hosts of a dashboard; `further` in lower case and without a port, as `given.host_of` returns them."""
    return Hosts(address, port, name, frozenset(further))


def _own(local: str | None) -> str | None:
    """The connection's local address as written in a Host header; IPv4-mapped IPv6 as IPv4."""
    try:
        address = ipaddress.ip_address((local or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return bracketed(str(mapped or address))
