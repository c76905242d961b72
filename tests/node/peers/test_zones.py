"""Zones of link-local addresses: kept, by the interface's name, and checked against the interfaces there are."""

from __future__ import annotations

import socket

import pytest

from node.model import Address
from node.peers import zones

INTERFACES = {1: "lo", 2: "eth0", 3: "wlan0"}


@pytest.fixture(autouse=True)
def interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {name: number for number, name in INTERFACES.items()}

    def of(known: dict[object, object], asked: object) -> object:
        if asked not in known:
            raise OSError("no such device")
        return known[asked]

    monkeypatch.setattr("node.peers.interfaces.local_hosts", lambda: ["10.0.0.1", "fe80::7%eth0", "::1"])
    monkeypatch.setattr(socket, "if_indextoname", lambda number: of(dict(INTERFACES), number))
    monkeypatch.setattr(socket, "if_nametoindex", lambda name: of(dict(numbers), name))
    monkeypatch.setattr(socket, "if_nameindex", lambda: list(INTERFACES.items()))


@pytest.mark.parametrize(
    ("sockaddr", "host"),
    [
        (("10.0.0.7", 5000), "10.0.0.7"),
        (("::ffff:10.0.0.7", 5000, 0, 0), "10.0.0.7"),
        (("2001:db8::1", 5000, 0, 0), "2001:db8::1"),
        (("::1%lo", 5000, 0, 1), "::1"),
        (("fe80::1", 5000, 0, 2), "fe80::1%eth0"),
        (("fe80::1", 5000, 0, 3), "fe80::1%wlan0"),
        (("fe80::1%eth0", 5000, 0, 2), "fe80::1%eth0"),
        (("fe80::1%3", 5000, 0, 3), "fe80::1%wlan0"),
        (("fe80::1", 5000, 0, 9), "fe80::1%9"),
        (("fe80::1", 5000, 0, 0), "fe80::1"),
    ],
)
def test_whoever_connects_has_the_zone_of_the_interface(sockaddr: tuple[object, ...], host: str) -> None:
    assert zones.host_of(sockaddr) == host


@pytest.mark.parametrize(
    ("host", "found"),
    [("fe80::1%wlan0", "fe80::1%wlan0"), ("fe80::1%2", "fe80::1%eth0"), ("10.0.0.7", "10.0.0.7"), ("::1", "::1")],
)
def test_an_interface_goes_by_its_name(host: str, found: str) -> None:
    assert zones.checked(Address(host, 5000)) == Address(found, 5000)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("fe80::1%usb0", "no interface 'usb0', as in [fe80::1%eth0]:5000 (there are eth0, lo, wlan0)."),
        ("fe80::1%9", "no interface '9'"),
        ("fe80::1%99999999999999999999", "no interface '99999999999999999999'"),
        ("fe80::1", "write through which one, as in [fe80::1%eth0]:5000"),
    ],
)
def test_what_leads_nowhere_from_this_machine_is_refused_in_words(host: str, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        zones.checked(Address(host, 5000))
    assert says in str(refused.value)


def test_nobody_dials_this_machine_by_its_link_local_address_but_may_listen_there() -> None:
    own, other = Address("fe80::7%eth0", 5000), Address("fe80::8%2", 5000)
    assert zones.checked(own) == own
    assert zones.elsewhere(other) == Address("fe80::8%eth0", 5000)
    with pytest.raises(ValueError, match=r"fe80::7%eth0 is this machine itself; .* write \[::1\]:5000."):
        zones.elsewhere(own)
