"""Two machines with a bad network between them: network namespaces joined by a pair of virtual Ethernet devices.

Both devices are made inside the namespaces, which have no route to anywhere else: no packet gets in or out. It needs
root, a Linux kernel with namespaces and nftables, and Debian's packages iproute2 and nftables.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from types import TracebackType
from typing import Self

#: Addresses for networks of one's own (RFC 1918). They exist in the namespaces only.
HOSTS = ("10.99.0.1", "10.99.0.2")
PREFIX = 24
#: Drops what comes in, whatever it is: in both namespaces, that is each direction. A connection that is known gets no
#: better treatment than one that begins.
RULES = """
add table inet snicher
flush table inet snicher
table inet snicher {{
    chain incoming {{
        type filter hook input priority 0; policy accept;
        iifname "wire" {rule}
    }}
}}
"""


_numbers = itertools.count(1)


class Unavailable(Exception):
    """They can't be made here; says why. `curable`: it isn't for the kernel."""

    def __init__(self, reason: str, *, curable: bool = False) -> None:
        super().__init__(reason)
        self.curable = curable


class Wire:
    """The two namespaces and what is between them. Raises Unavailable."""

    def __init__(self) -> None:
        self.names = tuple(f"snicher-{os.getpid()}-{next(_numbers)}" for _ in range(2))
        self.hosts = list(HOSTS)

    def __enter__(self) -> Self:
        check()
        try:
            for name in self.names:
                run("ip", "netns", "add", name)
            one, other = self.names
            run("ip", "-n", one, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", other)
            for name, host in zip(self.names, self.hosts, strict=True):
                run("ip", "-n", name, "link", "set", "lo", "up")
                run("ip", "-n", name, "addr", "add", f"{host}/{PREFIX}", "dev", "wire")
                run("ip", "-n", name, "link", "set", "wire", "up")
            self.lose(1)
            self.lose(0)
        except Unavailable:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove both; the devices go with them. No process may be in them any more."""
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def inside(self, number: int) -> tuple[str, ...]:
        """What to put before a command, so that it runs in namespace 0 or 1. It keeps its process id."""
        return ("ip", "netns", "exec", self.names[number])

    def lose(self, percent: int) -> None:
        """Drop so many of all packets from now on, each by chance; 100 cuts the wire, and nobody is told."""
        rule = "counter drop" if percent >= 100 else f"numgen random mod 100 < {percent} counter drop"
        for name in self.names:
            run("ip", "netns", "exec", name, "nft", "-f", "-", text=RULES.format(rule=rule))

    def dropped(self) -> int:
        """How many packets were dropped since `lose` was called last."""
        told = [run(*self.inside(number), "nft", "list", "table", "inet", "snicher") for number in (0, 1)]
        return sum(int(count) for text in told for count in re.findall(r"counter packets (\d+)", text))

    def move(self, number: int, host: str) -> None:
        """Namespace 0 or 1 gets another address, in place of the one that it has."""
        name = self.names[number]
        run("ip", "-n", name, "addr", "del", f"{self.hosts[number]}/{PREFIX}", "dev", "wire")
        run("ip", "-n", name, "addr", "add", f"{host}/{PREFIX}", "dev", "wire")
        self.hosts[number] = host


def check() -> None:
    """Raises Unavailable when namespaces can't be made here."""
    for program, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed (Debian: {package})", curable=True)
    if os.geteuid() != 0:
        raise Unavailable("only root can make network namespaces", curable=True)


def run(*command: str, text: str = "") -> str:
    """Run a command; returns what it prints. Raises Unavailable when it fails."""
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Unavailable(f"{' '.join(command)}: {result.stderr.strip() or result.returncode}")
    return result.stdout
