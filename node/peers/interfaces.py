"""The addresses of this machine, read from its interfaces, without asking any other machine."""

from __future__ import annotations

import ipaddress

import ifaddr

from node.model import Address


def local_hosts() -> list[str]:
    """All IP addresses of this machine: first those that others can reach, last loopback and link-local ones."""
    hosts: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            host = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            if host not in hosts:
                hosts.append(host)
    return sorted(hosts, key=_rank)


def _rank(host: str) -> tuple[bool, bool, bool]:
    address = ipaddress.ip_address(host.partition("%")[0])
    return (address.is_loopback, address.is_link_local, address.version == 6)


def reachable_at(listen: Address) -> list[str]:
    """HOST:PORT of every address at which others can reach a node that listens there, best first.

    A wildcard stands for all interfaces of its family; loopback is named only when there is nothing else.
    """
    if listen.host not in ("0.0.0.0", "::"):
        return [str(listen)]
    hosts = [host for host in local_hosts() if listen.host == "::" or ":" not in host]
    outside = [host for host in hosts if not _rank(host)[0] and not _rank(host)[1]]
    return [str(Address(host, listen.port)) for host in outside or hosts]
