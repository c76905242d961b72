"""A node whose waits for a peer don't run while the peer has yet to read what was said to it.

    python -m tests.support.courteous_node run --home DIR ...

A node tells old clients apart by what they do within a second, and leaves a gap between two writes so that each is read
alone (PROTOCOL.md 3.2 and 2.1). A stub whose machine stands still meanwhile is taken for another one, and reads glued
what was said apart; real clients fare no better. Where a test isn't about that, but about what is said, it runs this
node: on one machine, the system tells it what the other end of a connection has not read.
"""

from __future__ import annotations

import socket
import struct
import sys
import weakref

from node import __main__
from node.peers.connection import Connection

#: What Python runs instead of `-m node`.
SCRIPT = ("-m", "tests.support.courteous_node")
#: How often it is looked whether the peer has read, in seconds.
LOOK = 0.02
#: How long one that was late has to do what follows from what it read, in seconds.
MOMENT = 0.1
#: Who has not read after so long, in seconds, doesn't mean to: then the wait is over, as it would be anyway.
MOST = 8.0
#: Of netlink(7) and sock_diag(7): the protocol, what is asked, its flag, the length of a head, and "whatever it is".
SOCK_DIAG, BY_FAMILY, REQUEST, HEAD, ANY = 4, 20, 1, 16, 0xFFFFFFFF


def is_unread(connection: Connection) -> bool:
    """Whether the other end of a connection has yet to read something; False also where that can't be known."""
    transport = connection._transport
    if transport is None or transport.is_closing():
        return False
    theirs, mine = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    # An end that we said waits there as one more byte.
    return bool(theirs and mine) and unread(theirs, mine) > connection._half_closed


def unread(end: tuple[str, int], other: tuple[str, int]) -> int:
    """How many bytes wait to be read at this end of a connection on this machine; 0 also where that can't be known.

    The system is asked for this one connection: its table in /proc names thousands that are long over.
    """
    hosts = (socket.inet_aton(host).ljust(16, b"\0") for host, _ in (end, other))
    named = struct.pack("!HH", end[1], other[1]) + b"".join(hosts)
    asked = struct.pack("=BBxxI", socket.AF_INET, socket.IPPROTO_TCP, ANY) + named + struct.pack("=III", 0, ANY, ANY)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as system:
            system.send(struct.pack("=IHHII", HEAD + len(asked), BY_FAMILY, REQUEST, 0, 0) + asked)
            answer = system.recv(4096)
    except (AttributeError, OSError):
        return 0
    # Where there is no such connection, it answers with an error, or with who listens at this end.
    (kind,) = struct.unpack_from("=H", answer, 4)
    if kind != BY_FAMILY or not answer.startswith(named, HEAD + 4):
        return 0
    (waiting,) = struct.unpack_from("=I", answer, HEAD + 4 + len(asked) - 8 + 4)
    return int(waiting)


def begin() -> None:
    """Be courteous, from now on, to all peers."""
    due = Connection._due
    #: Those that haven't read, and since when.
    late: weakref.WeakKeyDictionary[Connection, float] = weakref.WeakKeyDictionary()

    def courteously(self: Connection) -> None:
        now = self._loop.time()
        since = late.get(self, now)
        if is_unread(self):
            late[self] = since
            wait = LOOK
        else:
            wait = MOMENT if late.pop(self, None) is not None else 0.0
        if not wait or now - since > MOST:
            due(self)
            return
        self._timer_at = now + wait
        self._timer = self._loop.call_at(self._timer_at, self._due)

    Connection._due = courteously  # type: ignore[method-assign]


if __name__ == "__main__":
    begin()
    sys.exit(__main__.main())
