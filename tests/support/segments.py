"""Machines on networks of their own: network namespaces, joined by bridges in one more namespace.

Nothing in them has a way to anywhere else: no packet gets in or out. It needs what namespaces.py needs.
"""

from __future__ import annotations

import itertools
import os
import re
from types import TracebackType
from typing import Self

from tests.support.namespaces import Unavailable, check, run

_numbers = itertools.count(1)


class Machine:
    """One namespace. Its devices are called eth0, eth1 ... in the order in which it joined segments."""

    def __init__(self, ground: Ground, name: str) -> None:
        self._ground = ground
        self.name = name
        self.devices = 0

    @property
    def inside(self) -> tuple[str, ...]:
        """What to put before a command, so that it runs there. It keeps its process id."""
        return ("ip", "netns", "exec", self.name)

    def run(self, *command: str, text: str = "") -> str:
        """Run a command there; returns what it prints."""
        return run(*self.inside, *command, text=text)

    def join(self, segment: str, *addresses: str) -> str:
        """Plug a new device into a segment, with addresses such as 10.1.0.2/24; returns its name."""
        device, ground = f"eth{self.devices}", self._ground
        self.devices += 1
        port = f"p{next(ground.ports)}"
        ground.hub("ip", "link", "add", port, "type", "veth", "peer", "name", device, "netns", self.name)
        ground.hub("ip", "link", "set", port, "master", segment, "up")
        if ground.isolated:
            ground.hub("bridge", "link", "set", "dev", port, "isolated", "on")
        self.run("ip", "link", "set", device, "up")
        for address in addresses:
            self.add(address, device)
        return device

    def add(self, address: str, device: str = "eth0") -> None:
        """Give a device one more address."""
        self.run("ip", "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def drop(self, address: str, device: str = "eth0") -> None:
        """Take an address from a device."""
        self.run("ip", "addr", "del", address, "dev", device)

    def rules(self, text: str) -> None:
        """Set the rules of nftables there."""
        self.run("nft", "-f", "-", text=text)

    def traffic(self, device: str = "eth0") -> tuple[int, int, int, int]:
        """Bytes received and sent, and packets received and sent, since the device is there."""
        for line in self.run("cat", "/proc/net/dev").splitlines():
            name, _, numbers = line.partition(":")
            if name.strip() == device:
                found = [int(one) for one in re.findall(r"\d+", numbers)]
                return found[0], found[8], found[1], found[9]
        raise LookupError(device)


class Ground:
    """The hub and all machines. `isolated`: machines on a segment don't reach each other, as in a guest network."""

    def __init__(self, *, isolated: bool = False) -> None:
        self.isolated = isolated
        self.ports = itertools.count(1)
        self._prefix = f"sn-{os.getpid()}-{next(_numbers)}"
        self._names: list[str] = []

    def __enter__(self) -> Self:
        check()
        try:
            self._name("hub")
        except Unavailable:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything. No process may be in there any more."""
        for name in reversed(self._names):
            run("ip", "netns", "del", name)
        self._names.clear()

    def _name(self, name: str) -> str:
        whole = f"{self._prefix}-{name}"
        run("ip", "netns", "add", whole)
        self._names.append(whole)
        # An address of IPv6 is usable at once: nobody else has it.
        run("ip", "netns", "exec", whole, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        run("ip", "-n", whole, "link", "set", "lo", "up")
        return whole

    def hub(self, *command: str) -> str:
        """Run a command where the bridges are."""
        return run("ip", "netns", "exec", self._names[0], *command)

    def segment(self, name: str) -> str:
        """Make a segment; returns its name."""
        self.hub("ip", "link", "add", name, "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
        self.hub("ip", "link", "set", name, "up")
        return name

    def machine(self, name: str) -> Machine:
        """Make a machine on no network yet."""
        return Machine(self, self._name(name))
