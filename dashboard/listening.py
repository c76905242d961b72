"""The sockets that the dashboard listens on.

Browsers connect to a name under `.localhost` at ::1 first, then at 127.0.0.1. Another program that listened on one of
the two could impersonate us, so by default the dashboard takes both; if it can't, it doesn't start.
"""

from __future__ import annotations

import errno
import os
import socket

from dashboard import hosts
from node.errors import ListenError

#: Backlog of each listening socket.
BACKLOG = 256
#: Attempts to find a free port (`--port 0`): one that is free in IPv4 may be taken in IPv6.
TRIES = 20
IPV6_LOOPBACK = "::1"
#: Error codes of a system without IPv6, or with IPv6 switched off.
_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPFNOSUPPORT, errno.EPROTONOSUPPORT)


def listen(address: str, port: int) -> list[socket.socket]:
    """Listening sockets on `address` and `port` (0: any free one); by default on both loopback addresses.

    Raises ListenError, which says which address isn't available and what to do.
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
            # On Windows, another program could otherwise bind the same port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `::` means all addresses of the machine, IPv4 included; any other address means only itself.
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
