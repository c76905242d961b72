"""Which of this machine's addresses others are told."""

from __future__ import annotations

import asyncio
import time

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


ETH = interfaces.Own("192.168.1.20", 24, "eth0", 2)
WLAN = interfaces.Own("10.0.0.3", 8, "wlan0", 3)


class Looks:
    """What each look finds, and a clock that a test sets ahead."""

    def __init__(self, *found: list[interfaces.Own] | None) -> None:
        self.left = list(found)
        self.count = 0
        self.ahead = 0.0

    def look(self) -> list[interfaces.Own]:
        self.count += 1
        one = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if one is None:
            raise OSError("no memory")
        return one

    def clock(self) -> float:
        return time.time() + self.ahead


async def watched(looks: Looks, count: int) -> list[tuple[list[interfaces.Own], bool]]:
    """What the watcher tells in so many looks."""
    told: list[tuple[list[interfaces.Own], bool]] = []
    watcher = interfaces.Watcher(lambda found, woke: told.append((found, woke)), looks.look, looks.clock)
    watcher.start()
    async with asyncio.timeout(10):
        while looks.count < count:  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.001)
    await watcher.close()
    return told


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "LOOK_S", 0.002)
    monkeypatch.setattr(interfaces, "SETTLE_S", 0.001)


@pytest.mark.usefixtures("quick")
def test_a_change_is_told_once_when_it_has_settled() -> None:
    looks = Looks([ETH], [ETH], [], [ETH, WLAN], [ETH, WLAN], [ETH, WLAN])
    assert asyncio.run(watched(looks, 12)) == [([ETH, WLAN], False)]


@pytest.mark.usefixtures("quick")
def test_what_comes_and_goes_between_two_looks_is_not_told() -> None:
    looks = Looks([ETH], [ETH, WLAN], [ETH], [ETH])
    assert asyncio.run(watched(looks, 12)) == []


@pytest.mark.usefixtures("quick")
def test_a_failed_look_changes_nothing() -> None:
    assert asyncio.run(watched(Looks([ETH], None, [ETH]), 8)) == []
    assert asyncio.run(watched(Looks([ETH], [WLAN], None, [WLAN], [WLAN]), 10)) == [([WLAN], False)]


@pytest.mark.usefixtures("quick")
def test_a_machine_that_has_slept_says_so_even_with_the_same_addresses() -> None:
    looks = Looks([ETH])

    async def sleep() -> list[tuple[list[interfaces.Own], bool]]:
        waiting = asyncio.create_task(watched(looks, 12))
        await asyncio.sleep(0.01)
        looks.ahead = 3600.0
        return await waiting

    assert asyncio.run(sleep()) == [([ETH], True)]


def test_what_flaps_for_ever_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "LOOK_S", 0.002)
    monkeypatch.setattr(interfaces, "SETTLE_S", 0.001)
    looks = Looks([ETH], *[[ETH], [WLAN]] * 20, [ETH])
    told = asyncio.run(watched(looks, 40))
    assert len(told) <= 40 / interfaces.MAX_SETTLING + 1


def test_addresses_of_one_cable_matter_only_where_there_are_no_others() -> None:
    assert interfaces.outside(["10.0.0.3", "fe80::1", "127.0.0.1"]) == ["10.0.0.3"]
    assert interfaces.outside(["fe80::1", "127.0.0.1"]) == ["fe80::1"]
    assert interfaces.outside(["127.0.0.1"]) == []
