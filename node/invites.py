"""Invites: a link for others to add that says who somebody is and where: snicher://PEERID@HOST:PORT,HOST:PORT?name=NAME

Law of this file: pure. What a link says proves nothing, but for the PeerId: that is the key which has to answer.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Iterable

import msgspec

from node import names
from node.model import Address, PeerId, is_peer_id, parse_address

SCHEME = "snicher"
#: Most characters of a link: 8 addresses, and a name of 64 characters of 4 bytes, each written as %XX.
MAX_CHARS = 2_048
#: Most addresses in a link. Further ones are left out when one is made, and refused when one is read.
MAX_ADDRESSES = 8
#: Characters of a wrong part that are quoted back.
MAX_QUOTED = 64
ONLY_HERE = (
    "Only programs on this machine can use this link: there is no network now, or this node listens at an address of"
    " its own machine only."
)
_LINK = re.compile(r"snicher:(?://)?(?P<peer>[^@/?#]*)@(?P<where>[^/?#]*)/?(?:\?(?P<query>[^#]*))?(?:#.*)?", re.I)


class Invite(msgspec.Struct, frozen=True):
    """Who is meant, and where they listen, the best address first."""

    peer: PeerId
    addresses: tuple[Address, ...]
    #: What they call themselves, as it is shown. None: the link doesn't say.
    name: str | None = None

    def __str__(self) -> str:
        where = ",".join(map(str, self.addresses))
        name = "" if self.name is None else f"?name={urllib.parse.quote(self.name, safe='')}"
        return f"{SCHEME}://{self.peer}@{where}{name}"


def is_link(text: str) -> bool:
    """Whether a text is meant as an invite."""
    return text.strip()[: len(SCHEME) + 1].lower() == f"{SCHEME}:"


def made(peer: PeerId, name: str, addresses: Iterable[str]) -> tuple[Invite, str | None]:
    """The invite of a node that listens at these addresses (HOST:PORT, the best first), and what is wrong with it.

    Addresses that others can't use are left out, unless there are no others. Raises ValueError when there is none.
    """
    found = list(dict.fromkeys(map(parse_address, addresses)))
    usable = [one for one in found if _reach(one.host) == "everywhere"]
    here = [one for one in found if _reach(one.host) == "here"]
    if not usable and not here:
        raise ValueError("This node has no address at which others could reach it.")
    note = None if usable else ONLY_HERE
    return Invite(peer, tuple((usable or here)[:MAX_ADDRESSES]), names.shown(name)), note


def parse(text: str) -> Invite:
    """An invite as people paste it. Raises ValueError with a sentence that says what is wrong."""
    bare = text.strip().strip("<>").strip()
    if len(bare) > MAX_CHARS:
        raise ValueError(f"An invite has at most {MAX_CHARS:,} characters; this one has {len(bare):,}.")
    link = _LINK.fullmatch(bare)
    if link is None:
        raise ValueError(
            f"{bare[:MAX_QUOTED]!r} is no invite; one begins with {SCHEME}:// and a code of 52 characters."
        )
    peer = link["peer"].lower()
    if not is_peer_id(peer):
        raise ValueError(f"{link['peer'][:MAX_QUOTED]!r} is no node's id: part of the link is missing, or was changed.")
    where = [one for one in link["where"].split(",") if one]
    if not where:
        raise ValueError("The invite names no address.")
    if len(where) > MAX_ADDRESSES:
        raise ValueError(f"An invite names at most {MAX_ADDRESSES} addresses; this one names {len(where)}.")
    said = urllib.parse.parse_qs((link["query"] or ""), max_num_fields=64, errors="replace").get("name", [""])[0]
    return Invite(PeerId(peer), tuple(dict.fromkeys(map(_address, where))), names.shown(said))


def _address(text: str) -> Address:
    """One address of a link. Raises ValueError with a sentence."""
    try:
        address = parse_address(text)
    except ValueError as error:
        raise ValueError(f"The invite names an address that can't be used. {error}"[: 4 * MAX_QUOTED]) from None
    if _reach(address.host) == "nowhere":
        raise ValueError(f"The invite names {text[:MAX_QUOTED]!r}, where nobody can be reached from another machine.")
    return address


def _reach(host: str) -> str:
    """From where an address can be reached: "everywhere", "here" (this machine only) or "nowhere"."""
    if "%" in host:
        # Its zone is this machine's own name for an interface.
        return "nowhere"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A host name; an invite has IP addresses only, because those are what the node itself knows of itself.
        return "nowhere"
    if address.is_unspecified or address.is_multicast or (address.version == 6 and address.is_link_local):
        return "nowhere"
    return "here" if address.is_loopback else "everywhere"
