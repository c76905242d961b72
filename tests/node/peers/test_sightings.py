"""What is taken of an mDNS answer: nothing that could lead elsewhere than to this network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.model import Address
from node.peers import sightings
from node.peers.interfaces import Own
from node.protocol import nearby

RECORD = nearby.txt("a" * 52, 20_000)
TAG = nearby.tag("a" * 52, 20_000)
OWN = [
    Own("192.168.1.20", 24, "eth0", 2),
    Own("10.8.0.2", 32, "tun0", 3),
    Own("11.0.0.1", 1, "odd0", 4),
    Own("2001:db8::20", 64, "eth0", 2),
    Own("fe80::20", 64, "lo", 1),
    Own("127.0.0.1", 8, "lo", 1),
    Own("::1", 128, "lo", 1),
]


def found(*hosts: str, port: int | None = 5000) -> list[str] | None:
    seen = sightings.read(RECORD, hosts, port, OWN)
    return None if seen is None else [str(address) for address in seen.addresses]


def test_addresses_on_our_networks_are_taken_the_best_first() -> None:
    assert found("2001:db8::7", "192.168.1.7") == ["192.168.1.7:5000", "[2001:db8::7]:5000"]
    seen = sightings.read(RECORD, ["192.168.1.7"], 5000, OWN)
    assert seen == sightings.Seen(TAG, (Address("192.168.1.7", 5000),))
    assert found("192.168.1.20", "10.8.0.2") == ["192.168.1.20:5000", "10.8.0.2:5000"], "another node on this machine"
    assert found("fe80::7%1") == ["[fe80::7%lo]:5000"] or found("fe80::7%1") is None


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8", "192.168.2.7", "192.168.1.0", "192.168.1.255", "127.0.0.1", "127.0.0.9", "::1", "0.0.0.0", "::",
        "224.0.0.251", "255.255.255.255", "ff02::fb", "2001:db8:1::7", "::ffff:192.168.1.7", "fe80::7", "fe80::7%9999",
        "fe80::7%99999999999999999999", "fe80::7%eth9", "10.8.0.3", "100.0.0.1", "example.org", "",
        "1", "192.168.1.7:5",
    ],
)  # fmt: skip
def test_addresses_elsewhere_are_not(host: str) -> None:
    assert found(host) is None
    assert found(host, "192.168.1.7") == ["192.168.1.7:5000"]


@pytest.mark.parametrize("port", [None, -1, 0, 65_536, 10**30])
def test_a_port_that_is_none_is_not(port: int | None) -> None:
    assert found("192.168.1.7", port=port) is None


def test_many_addresses_are_bounded() -> None:
    many = [f"192.168.1.{n}" for n in range(1, 255)]
    assert len(found(*many) or []) == sightings.MAX_KEPT
    assert found(*["8.8.8.8"] * sightings.MAX_LOOKED_AT, "192.168.1.7") is None


@given(
    st.dictionaries(st.binary(max_size=3), st.none() | st.binary(max_size=12), max_size=4),
    st.lists(st.text(max_size=40) | st.ip_addresses().map(str), max_size=9),
    st.none() | st.integers(),
)
def test_whatever_comes_is_read_or_left(record: dict[bytes, bytes | None], hosts: list[str], port: int | None) -> None:
    for properties in (record, RECORD):
        seen = sightings.read(properties, hosts, port, OWN)
        assert seen is None or 1 <= len(seen.addresses) <= sightings.MAX_KEPT
