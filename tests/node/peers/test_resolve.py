"""Host names: looked up in the background, each once, and remembered for a while."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from node.model import Address
from node.peers import resolve
from node.peers.resolve import Resolver, Unresolved


class Names:
    """A stand-in for the system's look-up: nobody outside is asked."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {"bert": ["::1", "127.0.0.9"], "odd": ["fe80::1%lo"]}
        self.asked: list[str] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        self.go.wait(60)
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, 1, 6, "", (address, 0)) for address in self.known[host]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.go.set()


def test_an_ip_address_is_not_looked_up(names: Names) -> None:
    address = Address("127.0.0.1", 5)
    assert asyncio.run(Resolver().resolve(address)) == address
    assert names.asked == []


def test_a_name_is_looked_up_once_and_ipv4_goes_first(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "PATIENCE", 60.0)

    async def test() -> None:
        resolver = Resolver()
        for _ in range(3):
            assert await resolver.resolve(Address("bert", 5)) == Address("127.0.0.9", 5)
        assert names.asked == ["bert"]

    asyncio.run(test())


def test_a_slow_name_is_refused_for_now_and_known_later(names: Names) -> None:
    async def test() -> None:
        resolver = Resolver()
        names.go.clear()
        for _ in range(2):
            with pytest.raises(Unresolved) as pending:
                await resolver.resolve(Address("bert", 5))
            assert pending.value.pending
        names.go.set()
        await resolver._running["bert"]
        assert await resolver.resolve(Address("bert", 5)) == Address("127.0.0.9", 5)
        assert names.asked == ["bert"], "one look-up at a time"

    asyncio.run(test())


def test_an_unknown_name_is_refused_for_good_and_asked_again_when_its_time_is_over(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "PATIENCE", 60.0)

    async def test() -> None:
        resolver = Resolver()
        with pytest.raises(Unresolved) as unknown:
            await resolver.resolve(Address("nobody", 5))
        assert not unknown.value.pending
        monkeypatch.setattr(resolve, "LIFETIME", -1.0)
        names.known["new"] = ["127.0.0.7"]
        for _ in range(2):
            assert await resolver.resolve(Address("new", 5)) == Address("127.0.0.7", 5)
        assert names.asked == ["nobody", "new", "new"]

    asyncio.run(test())


def test_the_names_remembered_have_a_bound(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "PATIENCE", 60.0)
    monkeypatch.setattr(resolve, "MAX_NAMES", 3)

    async def test() -> None:
        resolver = Resolver()
        for number in range(10):
            with pytest.raises(Unresolved):
                await resolver.resolve(Address(f"name{number}", 5))
        assert len(resolver._known) == 3

    asyncio.run(test())


def test_all_addresses_of_a_name_are_given_however_long_that_takes(names: Names) -> None:
    async def test() -> None:
        resolver = Resolver()
        names.known["many"] = ["::1", "127.0.0.7", "127.0.0.8", "127.0.0.7"]
        names.go.clear()
        asked = asyncio.create_task(resolver.all_of("many"))
        await asyncio.sleep(0)
        names.go.set()
        assert await asked == ["127.0.0.7", "127.0.0.8", "::1"]
        assert await resolver.all_of("many") == ["127.0.0.7", "127.0.0.8", "::1"]
        assert names.asked == ["many"]
        assert await resolver.all_of("nobody") == []

    asyncio.run(test())


def test_that_there_is_no_such_host_is_soon_asked_again(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "FAILED_LIFETIME", -1.0)

    async def test() -> None:
        resolver = Resolver()
        assert await resolver.all_of("late") == []
        names.known["late"] = ["127.0.0.9"]
        assert await resolver.all_of("late") == ["127.0.0.9"]

    asyncio.run(test())


def test_of_a_name_with_very_many_addresses_some_are_used(names: Names) -> None:
    names.known["crowd"] = [f"127.0.0.{number}" for number in range(1, 100)]
    assert len(asyncio.run(Resolver().all_of("crowd"))) == resolve.MAX_ADDRESSES
