"""Ports on which other services listen: nobody is dialled there because a peer says that it listens there. Pure.

A peer claims its port itself, and what is sent there may hold words that it has made up (a bot repeats them). So a
claim could make this node talk to a mail server or a database that trusts this machine. A person may still dial such a
port by its address: `connect HOST:PORT`.
"""

from __future__ import annotations

#: Ports below this one belong to the system's own services; a chat program of a plain user can't listen there.
FIRST_FREE = 1024
#: From 1024 on: the "bad ports" of the Fetch standard (https://fetch.spec.whatwg.org/#port-blocking), which browsers
#: don't dial for a web page either. But for 6000 (X11): old chat clients listen there, and an X server closes whatever
#: doesn't begin with its byte order.
FETCH = frozenset(
    {
        1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
        10080,
    }
)  # fmt: skip
#: Services that obey lines of text or often trust whoever reaches them, from IANA's registry and their own manuals. Of
#: 5000 to 5999, where chat programs usually listen, only the ports that are known for one service.
OTHERS = frozenset(
    {
        1080, 3128, 8118, 9050, 9051,  # proxies; Tor and its control port
        1433, 1521, 3306, 5432, 5984, 7474, 7687, 8086, 9042, 26257, 27017, 28015,  # databases
        2181, 2375, 2376, 2379, 2380, 4369, 8500, 10250,  # ZooKeeper, Docker, etcd, Erlang, Consul, Kubernetes
        4730, 5672, 6379, 9092, 9200, 9300, 11211, 11300, 26379,  # queues, caches, search
        3389, 5900, 5985, 5986,  # remote desktops and shells
        2525, 3260, 3632, 9100,  # mail submission, iSCSI, distcc, printers
    }
)  # fmt: skip


def is_service(port: int) -> bool:
    """Whether a service other than chat usually listens on this port."""
    return port < FIRST_FREE or port in FETCH or port in OTHERS
