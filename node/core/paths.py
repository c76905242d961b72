"""Where a node may be reached: its addresses, how each was learnt, when it was last good, and which to try first. Pure.

One identity may have many addresses, and they come and go. At most `most` of them are kept (`kept`). A round of tries
(racing.py) begins with the best ones (`order`). An address proves nothing: a node is always dialled with the key that
has to answer.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

import msgspec

from node.bus.nouns import How
from node.core.ports import is_service
from node.model import Address

#: Those that were never good are tried in this order, and dropped in the opposite one.
TRUSTED: tuple[How, ...] = ("typed", "invite", "name", "mdns", "exchange", "seen")
#: A person has given these, so they outlast all others.
BY_PEOPLE: tuple[How, ...] = ("typed", "invite")
#: Nobody here vouches for these. Before such an address was good, it may be anybody's: it is no one's known address.
HEARSAY: tuple[How, ...] = ("name", "mdns", "exchange")


class Path(msgspec.Struct, frozen=True):
    """One address of a node. Times are milliseconds since 1970."""

    address: Address
    how: How = "seen"
    #: When it was learnt, or learnt anew.
    learnt: int = 0
    #: When the node was last linked at it, or called from it. None: never.
    good: int | None = None

    @property
    def is_hearsay(self) -> bool:
        """Whether nothing but hearsay says that the node is there."""
        return self.good is None and self.how in HEARSAY


def order(paths: Iterable[Path]) -> list[Path]:
    """The paths in the order in which they are tried: the one that was good last comes first.

    What a person gave just now is as good as what was good just now. Then IPv4 and IPv6 take turns (RFC 8305, section
    4), so that a network on which one of the two doesn't work costs one try and not several.
    """
    best = sorted(paths, key=lambda path: (-_evidence(path), TRUSTED.index(path.how), -path.learnt))
    if not best:
        return []
    first = _is_6(best[0])
    same, other = [one for one in best if _is_6(one) == first], [one for one in best if _is_6(one) != first]
    found = []
    for index in range(max(len(same), len(other))):
        found += same[index : index + 1] + other[index : index + 1]
    return found


def _evidence(path: Path) -> int:
    """When something spoke for this address last (ms); 0: nothing ever did."""
    return max(path.good or 0, path.learnt if path.how in BY_PEOPLE else 0)


def _is_6(path: Path) -> bool:
    return ":" in path.address.host


def kept(paths: Iterable[Path], most: int) -> list[Path]:
    """The paths that are kept if there is room for so many, in the order given.

    The one that was good last is kept in any case. Then those that people gave outlast those that were ever good, and
    those outlast the ones that never were. Among equals the older ones go: good, or learnt, longest ago.
    """
    found = list(paths)
    newest = max((path.good or 0 for path in found), default=0)

    def worth(path: Path) -> tuple[bool, bool, int, int, int]:
        by_people = path.how in BY_PEOPLE
        is_newest = bool(newest) and path.good == newest
        return is_newest, by_people, path.good or 0, -TRUSTED.index(path.how), path.learnt

    best = sorted(found, key=worth, reverse=True)[:most]
    return [path for path in found if path in best]


def learnt(known: Mapping[Address, Path], address: Address, how: How, now: int, *, good: bool = False) -> Path:
    """The path to an address that was learnt now, in this way. `good`: the node was linked there, or called from there.

    What a person said of an address stays known, however often it is learnt in another way.
    """
    path = known.get(address)
    if path is None:
        return Path(address, how, now, now if good else None)
    if TRUSTED.index(how) > TRUSTED.index(path.how):
        how = path.how
    return msgspec.structs.replace(path, how=how, learnt=now, good=now if good else path.good)


def plausible(address: Address, teller: str) -> bool:
    """Whether an address that a node told over a link with host `teller` may be dialled at all.

    Never taken are host names, loopback addresses from elsewhere, addresses of several or of no machine, link-local
    ones (their zone is the teller's own), and ports of other kinds of service: nobody makes this node knock at doors
    that only it can reach.
    """
    try:
        host = ipaddress.ip_address(address.host)
        where = ipaddress.ip_address(teller.partition("%")[0])
    except ValueError:
        return False
    if not 1 <= address.port <= 65535 or is_service(address.port):
        return False
    if host.is_unspecified or host.is_multicast or (host.version == 6 and host.is_link_local):
        return False
    if host.version == 4 and (host.is_reserved or host == ipaddress.ip_address("255.255.255.255")):
        return False
    if host.version == 6 and (host.ipv4_mapped is not None or "%" in address.host):
        return False
    if host.version == 4 and host.is_link_local and not where.is_link_local:
        return False
    return not host.is_loopback or where.is_loopback
