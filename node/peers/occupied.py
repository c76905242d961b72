"""Finds another node of the same user that has the port this node should listen on. Works on Linux only.

/proc lists the listening sockets, and the files that each process has open. A node has its home's node.lock open.
"""

from __future__ import annotations

import ipaddress
import os
import pathlib
import re
import sys

from node.bus import locks
from node.model import Address

#: The state of a socket that listens, in /proc/net/tcp.
_LISTENS = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")


def node_on(address: Address, proc: pathlib.Path = pathlib.Path("/proc")) -> tuple[int, pathlib.Path] | None:
    """Pid and home of the node that listens at this address; None when it isn't a node, or that can't be found out.

    Only processes of the same user can be looked at.
    """
    sockets = _listening(address, proc)
    if not sockets:
        return None
    for folder in proc.glob("[0-9]*/fd"):
        home: pathlib.Path | None = None
        listens = False
        try:
            for one in folder.iterdir():
                target = _target(one)
                found = _SOCKET.fullmatch(target)
                if found is not None:
                    listens = listens or found[1] in sockets
                elif target.endswith(f"/{locks.NODE_LOCK}"):
                    home = pathlib.Path(target).parent
        except OSError:
            # It belongs to another user, or has ended.
            continue
        if listens and home is not None:
            return int(folder.parent.name), home
    return None


def _target(link: pathlib.Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 (what it says may be no path)
    except OSError:
        return ""


def _listening(address: Address, proc: pathlib.Path) -> set[str]:
    """Inode numbers of the sockets that listen on this port, at this address or a wildcard."""
    try:
        ip = ipaddress.ip_address(address.host.partition("%")[0])
    except ValueError:
        # The host is a name: any socket that listens on this port may be the one.
        ip = ipaddress.ip_address("0.0.0.0")
    ours = _as_listed(ip)
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / name).read_text("ascii", errors="replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            # NUMBER LOCAL:PORT REMOTE:PORT STATE ... and the inode as the tenth.
            if len(fields) > 9 and fields[3] == _LISTENS and fields[1].endswith(f":{address.port:04X}"):
                there = fields[1].partition(":")[0]
                if there == ours or ip.is_unspecified or not there.strip("0"):
                    found.add(fields[9])
    return found


def _as_listed(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An address as /proc/net/tcp writes it: four-byte words in the machine's byte order, in hexadecimal."""
    words = (ip.packed[start : start + 4] for start in range(0, len(ip.packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
