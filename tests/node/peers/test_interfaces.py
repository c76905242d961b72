"""Which of this machine's addresses others are told."""

from __future__ import annotations

import pytest

from node.model import Address
from node.peers import interfaces

HOSTS = ["192.168.1.20", "10.0.0.3", "169.254.7.7", "127.0.0.1", "2001:db8::1", "fe80::1%eth0", "::1"]


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found = list(HOSTS)
    monkeypatch.setattr(interfaces, "local_hosts", lambda: found)
    return found


def test_a_single_address_is_named_as_it_is(hosts: list[str]) -> None:
    assert interfaces.reachable_at(Address("127.0.0.2", 5)) == ["127.0.0.2:5"]


def test_the_wildcard_stands_for_what_others_may_reach(hosts: list[str]) -> None:
    assert interfaces.reachable_at(Address("0.0.0.0", 5)) == ["192.168.1.20:5", "10.0.0.3:5"]
    assert interfaces.reachable_at(Address("::", 5)) == ["192.168.1.20:5", "10.0.0.3:5", "[2001:db8::1]:5"]


def test_a_machine_without_a_network_is_reachable_from_itself(hosts: list[str]) -> None:
    hosts[:] = ["127.0.0.1"]
    assert interfaces.reachable_at(Address("0.0.0.0", 5)) == ["127.0.0.1:5"]


def test_loopback_and_link_local_come_last() -> None:
    found = interfaces.local_hosts()
    assert found
    assert sorted(found, key=interfaces.rank) == found
    assert any(host.startswith("127.") for host in found)
