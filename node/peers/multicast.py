"""Asks a question by multicast DNS on each interface, and listens whether it comes back and who else is heard.

What comes back to this machine itself shows that its system and firewall let mDNS through; what others say shows that
the network does. It decides nothing. The question is the one by which nodes look for each other, in the form of
RFC 6762, so whoever can answer it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import socket
import struct
import sys
from collections.abc import Sequence

from node.core.facts import Echo, Interface, is_link_local
from node.core.remedies import MDNS_PORT

#: The groups of mDNS.
GROUP, GROUP6 = "224.0.0.251", "ff02::fb"
#: What is asked for, and the type and class of the question (PTR, IN).
SERVICE, _PTR, _IN = "_snicher._tcp.local.", 12, 1
#: How often it is asked on an interface, the time between two questions, and how long answers are waited for after the
#: last one, in seconds.
QUESTIONS, PAUSE_S, WAIT_S = 3, 0.25, 0.8
#: Most interfaces that are asked on; further ones are left out.
MAX_INTERFACES = 8
#: Most other machines that are noted on an interface, and bytes of one datagram.
MAX_OTHERS, MAX_DATAGRAM = 64, 9_000
#: Linux: hear only the groups that this very socket has joined. The socket module has no name for it.
_IP_MULTICAST_ALL = 49


def question(number: int) -> bytes:
    """The bytes of a question; `number` tells it from those of others (receivers ignore it)."""
    labels = b"".join(bytes([len(one)]) + one.encode() for one in SERVICE.rstrip(".").split("."))
    return struct.pack(">6H", number, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", _PTR, _IN)


async def echoes(interfaces: Sequence[Interface], own: Sequence[str]) -> tuple[Echo, ...]:
    """Ask on these interfaces, all at once. `own`: all IP addresses of this machine."""
    chosen = list(interfaces)[:MAX_INTERFACES]
    return tuple(await asyncio.gather(*(_ask(one, frozenset(own)) for one in chosen)))


async def _ask(interface: Interface, own: frozenset[str]) -> Echo:
    host = _host(interface)
    try:
        sock, group = _socket(interface.name, host)
    except OSError as error:
        return Echo(interface.name, 0, 0, problem=_why(error))
    words = question(secrets.randbits(16))
    asked = came_back = 0
    others: dict[str, None] = {}
    problem = ""
    with contextlib.closing(sock):
        loop = asyncio.get_running_loop()

        def read() -> None:
            nonlocal came_back
            with contextlib.suppress(BlockingIOError, InterruptedError):
                while True:
                    data, sender = sock.recvfrom(MAX_DATAGRAM)
                    source = str(sender[0]).partition("%")[0]
                    if source in own:
                        came_back += data == words
                    elif len(others) < MAX_OTHERS:
                        others[source] = None

        loop.add_reader(sock, read)
        try:
            for _ in range(QUESTIONS):
                try:
                    sock.sendto(words, group)
                    asked += 1
                except OSError as error:
                    problem = _why(error)
                    break
                await asyncio.sleep(PAUSE_S)
                if came_back and others:
                    break
            if asked and not (came_back and others):
                await asyncio.sleep(WAIT_S)
        finally:
            loop.remove_reader(sock)
    return Echo(interface.name, asked, min(came_back, asked), tuple(others), problem if not asked else "")


def _host(interface: Interface) -> str:
    """The address to ask from: IPv4, where there is one."""
    hosts = interface.hosts
    return next((one for one in hosts if ":" not in one), next(filter(is_link_local, hosts), hosts[0]))


def _socket(name: str, host: str) -> tuple[socket.socket, tuple[str, int] | tuple[str, int, int, int]]:
    """A socket that hears mDNS on one interface, and where to send to. Raises OSError."""
    six = ":" in host
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if six:
            index = socket.if_nametoindex(name)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(("::", MDNS_PORT))
            joined = socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("@I", index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, joined)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            return sock, (GROUP6, MDNS_PORT, 0, index)
        sock.bind(("", MDNS_PORT))
        here = socket.inet_aton(host)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + here)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        if sys.platform == "linux":
            sock.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        return sock, (GROUP, MDNS_PORT)
    except BaseException:
        sock.close()
        raise


def _why(error: OSError) -> str:
    words = {
        errno.EADDRINUSE: "another program has UDP 5353 for itself",
        errno.ENETUNREACH: "no way leads to other machines",
        errno.EPERM: "this machine doesn't allow it (a firewall here?)",
        errno.EACCES: "this machine doesn't allow it (a firewall here?)",
    }
    number = error.errno or 0
    return words.get(number, (error.strerror or os.strerror(number)).lower())
