"""Host names in commands of front ends become IP addresses here, because the core identifies peers by IP address."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import msgspec

from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.errors import CommandRefused
from node.model import Address, is_id, is_ip, parse_address
from node.peers import zones
from node.peers.resolve import Resolver, Unresolved


class Names(Protocol):
    """Resolves host names."""

    async def resolve(self, address: Address) -> Address:
        """The address with an IP address for its host. Raises Unresolved."""

    async def all_of(self, host: str) -> list[str]:
        """All IP addresses of a host; empty if there is no such host."""


class Hosts:
    """Replaces host names in a command's arguments. A front end waits for a look-up for a short time only."""

    def __init__(self, names: Names | None = None) -> None:
        self._names: Names = names or Resolver()

    async def resolved(self, args: Any) -> Any:
        """The same arguments with host names as IP addresses. Raises CommandRefused."""
        if isinstance(args, rq.ConnectArgs):
            return msgspec.structs.replace(args, address=await self._host(args.address, dialled=True))
        if isinstance(args, rq.SendArgs):
            names = [name for name in {one.to for one in args.messages} if ":" in name and not is_id(name)]
            if not names:
                return args
            # Look up all names at once, so that the bus waits for one look-up's time, however many there are.
            found = await asyncio.gather(*(self._host(name, dialled=True) for name in names))
            hosts = dict(zip(names, found, strict=True))
            return rq.SendArgs(
                messages=[rq.Outgoing(to=hosts.get(one.to, one.to), text=one.text) for one in args.messages]
            )
        if isinstance(args, rq.PeerArgs | rq.RenameArgs | rq.VerifyArgs):
            return msgspec.structs.replace(args, peer=await self._host(args.peer))
        if isinstance(args, rq.MergeArgs):
            return rq.MergeArgs(peer=await self._host(args.peer), into=await self._host(args.into))
        return args

    @staticmethod
    def named(args: Any) -> str | None:
        """The host name that a command gives for the peer to connect to, as HOST:PORT. None: it gives none."""
        if not isinstance(args, rq.ConnectArgs) or ":" not in args.address or is_id(args.address):
            return None
        try:
            address = parse_address(args.address)
        except ValueError:
            return None
        return None if is_ip(address.host.partition("%")[0]) else str(address)

    async def found(self, asked: e.LookUp) -> s.LookedUp:
        """The answer to a look-up of the core."""
        hosts = await self._names.all_of(parse_address(asked.address).host)
        return s.LookedUp(asked.address, asked.peer, hosts or None)

    async def _host(self, to: str, *, dialled: bool = False) -> str:
        """`to` with an IP address for its host. `dialled`: an IPv6 zone must name an interface of this machine."""
        if ":" not in to or is_id(to):
            return to
        try:
            address = await self._names.resolve(parse_address(to))
        except ValueError:
            return to
        except Unresolved as error:
            if error.pending:
                raise CommandRefused(
                    "lookup_pending", f"{error.host} is being looked up; try again in a moment."
                ) from None
            raise CommandRefused("not_found", f"There is no host {error.host!r} on this network.") from None
        try:
            return str(zones.elsewhere(address) if dialled else zones.checked(address))
        except ValueError as error:
            if dialled:
                raise CommandRefused("invalid_args", str(error)) from None
            # A peer that was met through an interface that is gone now can still be named, only not dialled.
            return str(address)
