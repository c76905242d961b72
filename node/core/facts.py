"""What an examination finds out about this node and its network, before anybody judges it. Pure data.

peers/ and the core gather it, diagnosis.py and routes.py judge it. None means that it isn't known yet.
"""

from __future__ import annotations

import ipaddress
from typing import Literal

import msgspec

from node.bus import nouns
from node.bus.diagnosis import Answer
from node.model import Address, is_loopback

#: How far trying an address came; see `Answer` for what each means.
Reached = Literal["open", "refused", "no_answer", "no_route", "other_key", "no_node", "forbidden", "untried"]
#: What a firewall does with something: lets it in, drops it, or nobody without its rights can tell.
Policy = Literal["lets_in", "drops", "unknown"]


class Trial(msgspec.Struct, frozen=True):
    """What came of trying one address."""

    reached: Reached
    ms: int = 0
    #: The PeerId that proved its key there; empty: none did.
    found: str = ""


class DialledBack(msgspec.Struct, frozen=True):
    """What a linked node answered when it was asked to connect back. `host`: where it tried, as it says."""

    peer: str
    name: str
    reached: Reached
    ms: int = 0
    host: str = ""


class Interface(msgspec.Struct, frozen=True):
    """A network interface of this machine, with the networks it is in: IP/PREFIX, as 192.168.1.20/24."""

    name: str
    networks: tuple[str, ...] = ()
    #: What kind of tunnel it is ("WireGuard", "Tailscale" ...); empty: none.
    tunnel: str = ""

    @property
    def hosts(self) -> list[str]:
        """Its IP addresses."""
        return [one.partition("/")[0] for one in self.networks]

    def is_near(self, host: str) -> bool:
        """Whether an IP address is in one of its networks."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
            return any(address in ipaddress.ip_network(one, strict=False) for one in self.networks)
        except ValueError:
            return False


class Firewall(msgspec.Struct, frozen=True):
    """A firewall of this machine, as far as a user without rights can tell."""

    #: "ufw", "firewalld", "nftables", "windows" or "macos".
    kind: str
    #: What people call it.
    name: str
    #: Whether it is on. None: that can't be seen.
    on: bool | None = None
    #: What it does with connections to this node's port, and with mDNS.
    port: Policy = "unknown"
    multicast: Policy = "unknown"
    #: Of nftables: the family, table and chain that judge what comes in.
    chain: str = ""


class Surroundings(msgspec.Struct, frozen=True):
    """This machine, as it can be looked at without asking any other one."""

    #: "linux", "windows", "macos" or "other".
    platform: str
    interfaces: tuple[Interface, ...] = ()
    firewalls: tuple[Firewall, ...] = ()
    #: IP addresses in the same network that have answered this machine's system (ARP), or haven't. None: the system
    #: doesn't tell.
    wire: dict[str, bool] | None = None
    #: The program that runs this node, for firewalls that go by it.
    program: str = ""

    def interface_to(self, host: str) -> Interface | None:
        """The interface in whose network an IP address is."""
        return next((one for one in self.interfaces if one.is_near(host)), None)

    def interface_of(self, host: str) -> Interface | None:
        """The interface that has an IP address."""
        bare = host.partition("%")[0]
        return next((one for one in self.interfaces if bare in one.hosts), None)


class Echo(msgspec.Struct, frozen=True):
    """What came of asking a question by multicast on one interface."""

    interface: str
    #: How many times it was asked, and how many of these came back.
    asked: int
    came_back: int
    #: IP addresses of other machines that were heard meanwhile.
    others: tuple[str, ...] = ()
    #: Why nothing could be asked; empty: it could.
    problem: str = ""


class Standing(msgspec.Struct, frozen=True):
    """A link with somebody, as it stands."""

    number: int
    direction: nouns.Direction
    #: The other end.
    address: Address
    since: int
    #: How far the other clock was ahead, in ms. None: a plain client, which says no time.
    ahead: int | None = None


class Acquaintance(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on the list, as the core knows them."""

    id: str
    name: str
    is_node: bool
    #: Whether people here have dealt with them.
    known: bool
    addresses: tuple[Address, ...] = ()
    links: tuple[Standing, ...] = ()
    last_seen: int | None = None
    #: Why nothing is dialled, or what went wrong last, in words.
    error: str | None = None
    #: Another key that answered at their address.
    rival: str | None = None
    verified: bool = False


class Facts(msgspec.Struct, kw_only=True):
    """All that is known so far in one examination. It is filled in while the examination goes on."""

    #: Where the node listens, and at which addresses others can reach it, best first.
    listen: Address
    addresses: tuple[Address, ...] = ()
    me: str = ""
    health: nouns.Health = nouns.Health()
    surroundings: Surroundings | None = None
    people: tuple[Acquaintance, ...] | None = None
    #: What came of trying each own address from here.
    here: dict[Address, Trial] | None = None
    #: Own hosts at which links of known nodes came in, and whose: PeerId and name.
    came_in: dict[str, tuple[str, str]] = {}
    #: What linked nodes answered that were asked to connect back; `asked`: how many were.
    back: tuple[DialledBack, ...] = ()
    asked: int = 0
    #: Whether all of them have answered, or had the time to.
    back_done: bool = False
    #: What came of multicast, by interface. Not even tried for a node that listens on this machine only.
    echoes: tuple[Echo, ...] | None = None
    #: Who is seen by mDNS, and whether that works.
    nearby: nouns.Nearby = nouns.Nearby()
    #: What came of trying nodes in our own networks that aren't linked, by address.
    near: dict[Address, Trial] | None = None
    #: Who is examined, and what came of trying each of their addresses so far.
    peer: Acquaintance | None = None
    tried: dict[Address, Trial] = {}
    #: When the examination began (ms).
    now: int = 0

    @property
    def on_this_machine_only(self) -> bool:
        """Whether the node listens on a loopback address."""
        return is_loopback(self.listen.host)


def is_link_local(host: str) -> bool:
    """Whether an IP address is one that a machine gives itself, for its own link."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_link_local
    except ValueError:
        return False


#: The words of the bus for how far a trial came.
ANSWERS: dict[Reached, Answer] = {
    "open": "open", "refused": "refused", "no_answer": "no answer", "no_route": "no route", "other_key": "other key",
    "no_node": "no node", "forbidden": "no route", "untried": "untried",
}  # fmt: skip
