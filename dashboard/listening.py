"""The sockets that the dashboard listens on.

Browsers dial a name under `.localhost` at ::1 first, and at 127.0.0.1. Whoever had one of the two could stand in for
us there, so by default the dashboard takes both, or none and doesn't start.
"""

from __future__ import annotations

import errno
import os
import socket

from dashboard import hosts
from node.errors import ListenError

#: Connections that wait to be taken, per socket.
BACKLOG = 256
#: How often a free port is looked for (`--port 0`): one that is free in IPv4 may be taken in IPv6.
TRIES = 20
IPV6_LOOPBACK = "::1"
#: What the system says where there is no IPv6, or where it is switched off.
_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPFNOSUPPORT, errno.EPROTONOSUPPORT)


def listen(address: str, port: int) -> list[socket.socket]:
    """Listening sockets on `address` and `port` (0: any free one); by default on both loopback addresses.

    Raises ListenError that says which address can't be had, and what to do.
    """
    if address != hosts.DEFAULT_ADDRESS:
        return [_bound(address, port)]
    for left in reversed(range(TRIES)):
        first = _bound(address, port)
        try:
            second = _second(int(first.getsockname()[1]))
        except ListenError:
            first.close()
            if port or not left:
                raise
        else:
            return [first, *second]
    raise AssertionError("the last try raises")


def _second(port: int) -> list[socket.socket]:
    """The same port on IPv6's loopback address, where there is one."""
    if not socket.has_ipv6:
        return []
    try:
        return [_bound(IPV6_LOOPBACK, port)]
    except ListenError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_IPV6:
            return []
        raise


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = None
    try:
        listener = socket.socket(family)
        if os.name == "nt":
            # There, another program could otherwise take the port together with us.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `::` means all addresses of the machine, the old ones too; any other one is exactly what it says.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if hosts.is_wildcard(address) else 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        taken = error.errno == errno.EADDRINUSE
        why = "is taken by another program" if taken else f"can't be used ({error.strerror or error})"
        where = hosts.bracketed(address)
        raise ListenError(f"Port {port} on {where} {why}. Choose another one: --port, or PORT=...") from error
    listener.setblocking(False)
    return listener
