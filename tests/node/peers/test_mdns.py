"""mDNS with a zeroconf of our own making: it opens no socket, and fails as tests want.

What it does on a real network is tested in network namespaces (tests/netns).
"""

from __future__ import annotations

import asyncio
import errno
import types
from collections.abc import Callable
from typing import Any

import pytest
import zeroconf

from node.core import effects as e
from node.core import stimuli as s
from node.model import Address
from node.peers import mdns
from node.peers.interfaces import Own
from node.protocol import nearby

PEER = "a" * 52
DAY = 24 * 3600_000
ETH = Own("192.168.1.20", 24, "eth0", 2)
ETH6 = Own("2001:db8::20", 64, "eth0", 2)
LO = Own("127.0.0.1", 8, "lo", 1)
NAME = "0123456789abcdef"


class Fake:
    """Stands for AsyncZeroconf and its browser: what was asked of it, and what it knows of others."""

    made: list[Fake] = []
    failure: BaseException | None = None

    def __init__(self, interfaces: list[str | int], ip_version: zeroconf.IPVersion) -> None:
        if Fake.failure is not None:
            raise Fake.failure
        self.log: list[Any] = [("open", list(interfaces), ip_version)]
        self.infos: list[zeroconf.ServiceInfo] = []
        self.services: dict[str, zeroconf.ServiceInfo | Exception] = {}
        self.zeroconf = types.SimpleNamespace(cache=self)
        self.heard: Callable[..., None] = lambda **_: None
        self.closed = False
        Fake.made.append(self)

    async def async_register_service(self, info: zeroconf.ServiceInfo, *, cooperating_responders: bool) -> None:
        assert cooperating_responders, "probing takes more than a second"
        self.infos.append(info)

    async def async_update_service(self, info: zeroconf.ServiceInfo) -> None:
        self.infos.append(info)

    async def async_update_interfaces(self, interfaces: list[str | int], ip_version: zeroconf.IPVersion) -> None:
        self.log.append(("interfaces", list(interfaces)))

    async def async_close(self) -> None:
        self.closed = True

    # the cache

    def current_entry_with_name_and_alias(self, type_: str, name: str) -> object:
        return self.services.get(name)

    def async_entries_with_name(self, name: str) -> list[object]:
        if name == nearby.SERVICE:
            return [types.SimpleNamespace(alias=one) for one in self.services]
        return [self.services[name]] if name in self.services else []

    def async_remove_records(self, entries: list[object]) -> None:
        self.services = {name: one for name, one in self.services.items() if one not in entries}

    # what others do

    def tell(self, name: str, info: zeroconf.ServiceInfo | Exception | None = None) -> None:
        full = f"{name}.{nearby.SERVICE}"
        if info is None:
            self.services.pop(full, None)
        else:
            self.services[full] = info
        change = zeroconf.ServiceStateChange.Updated
        self.heard(zeroconf=None, service_type=nearby.SERVICE, name=full, state_change=change)


class FakeBrowser:
    def __init__(self, cache: Any, type_: str, handlers: list[Callable[..., None]]) -> None:
        assert type_ == nearby.SERVICE
        Fake.made[-1].heard = handlers[0]
        Fake.made[-1].log.append("browse")

    async def async_cancel(self) -> None:
        pass


class FakeInfo(zeroconf.ServiceInfo):  # type: ignore[misc]
    def load_from_cache(self, cache: Any, now: float | None = None) -> bool:
        found = Fake.made[-1].services[self.name]
        if isinstance(found, Exception):
            raise found
        self.text = found.text
        self.addresses = [*found.addresses_by_version(zeroconf.IPVersion.All)]
        self.port = found.port
        return True


class House:
    """The node around it."""

    def __init__(self, listen: str = "0.0.0.0") -> None:
        self.told: list[object] = []
        self.listen = Address(listen, 5000)
        self.now = 20_000 * DAY
        self.mdns = mdns.Mdns(self, PEER, lambda: self.listen, lambda: self.now)

    def feed(self, stimulus: object) -> None:
        self.told.append(stimulus)

    async def until(self, what: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not what():  # noqa: ASYNC110 (what is waited for has no event)
                await asyncio.sleep(0.001)

    async def state(self, state: str) -> str | None:
        """Wait until it says that it is so; returns why."""
        await self.until(lambda: [one for one in self.told if isinstance(one, s.Discovering)][-1:])
        await self.until(lambda: [one for one in self.told if isinstance(one, s.Discovering)][-1].state == state)
        return [one for one in self.told if isinstance(one, s.Discovering)][-1].detail

    async def begin(self, *own: Own) -> Fake:
        self.mdns.moved(list(own or (ETH, LO)))
        self.mdns.perform(e.Discover("on"))
        await self.state("on")
        return Fake.made[-1]


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    Fake.made.clear()
    Fake.failure = None
    monkeypatch.setattr(mdns.azeroconf, "AsyncZeroconf", Fake)
    monkeypatch.setattr(mdns.azeroconf, "AsyncServiceBrowser", FakeBrowser)
    monkeypatch.setattr(mdns.azeroconf, "AsyncServiceInfo", FakeInfo)
    monkeypatch.setattr(mdns, "RETRY_S", 0.01)
    monkeypatch.setattr(mdns, "DAY_LOOK_S", 0.005)
    monkeypatch.setattr(mdns, "TURN_S", 0.001)


def service(
    host: str = "192.168.1.7", *, name: str = NAME, port: int = 5000, record: dict[bytes, bytes] | None = None
) -> zeroconf.ServiceInfo:
    return zeroconf.ServiceInfo(
        nearby.SERVICE, f"{name}.{nearby.SERVICE}", port=port, parsed_addresses=[host],
        properties=dict(nearby.txt("b" * 52, 20_000) if record is None else record),
    )  # fmt: skip


def run(test: Callable[[House], Any], listen: str = "0.0.0.0") -> House:
    async def whole() -> House:
        house = House(listen)
        await test(house)
        await house.mdns.close()
        assert all(one.closed for one in Fake.made)
        return house

    return asyncio.run(whole())


def test_it_tells_a_random_name_its_addresses_its_port_and_a_tag_and_no_more() -> None:
    async def test(house: House) -> None:
        fake = await house.begin(ETH, ETH6, LO)
        (info,) = fake.infos
        name = info.name.removesuffix(f".{nearby.SERVICE}")
        assert nearby.INSTANCE.fullmatch(name) and info.server == f"{name}.local."
        assert info.parsed_addresses() == ["192.168.1.20"] and info.port == 5000
        assert dict(info.properties) == nearby.txt(PEER, 20_000)
        assert fake.log[0] == ("open", ["192.168.1.20"], zeroconf.IPVersion.V4Only)

    run(test)


def test_a_node_that_listens_everywhere_speaks_both_families_once_an_interface() -> None:
    async def test(house: House) -> None:
        second = Own("192.168.1.21", 24, "eth0", 2)
        fake = await house.begin(ETH, second, ETH6, Own("fe80::1", 64, "eth0", 2), LO)
        assert fake.log[0] == ("open", ["192.168.1.20", 2], zeroconf.IPVersion.All)
        assert len(fake.infos[0].parsed_addresses()) == 4

    run(test, "::")


@pytest.mark.parametrize(
    ("listen", "own", "state"),
    [("127.0.0.1", [ETH, LO], "local"), ("0.0.0.0", [LO], "no_network"), ("10.0.0.9", [ETH], "no_network")],
)
def test_a_node_that_nobody_reaches_says_nothing_to_the_network_and_why_to_its_people(
    listen: str, own: list[Own], state: str
) -> None:
    async def test(house: House) -> None:
        house.mdns.moved(own)
        house.mdns.perform(e.Discover("on"))
        assert await house.state(state)
        assert Fake.made == []

    run(test, listen)


def test_a_service_is_told_when_it_comes_changes_and_goes() -> None:
    async def test(house: House) -> None:
        fake = await house.begin()
        fake.tell(NAME, service())
        tag = nearby.tag("b" * 52, 20_000)
        seen = s.Sighted(NAME, tag, (Address("192.168.1.7", 5000),))
        await house.until(lambda: seen in house.told)
        count = len(house.told)
        fake.tell(NAME, service())
        fake.tell(NAME, service("192.168.1.8"))
        moved = s.Sighted(NAME, tag, (Address("192.168.1.8", 5000),))
        await house.until(lambda: moved in house.told)
        assert house.told[count:] == [moved]
        fake.tell(NAME)
        await house.until(lambda: s.Vanished(NAME) in house.told)

    run(test)


def test_what_isn_t_a_node_s_or_leads_elsewhere_is_not_told() -> None:
    async def test(house: House) -> None:
        fake = await house.begin()
        fake.tell("anna", service(name="anna"))
        fake.tell("1" * 16, service("8.8.8.8"))
        fake.tell("2" * 16, service(record={b"v": b"9"}))
        fake.tell("3" * 16, ValueError("spoilt"))
        own = fake.infos[0].name.removesuffix(f".{nearby.SERVICE}")
        fake.tell(own, service(name=own))
        fake.tell(NAME, service())
        await house.until(lambda: any(isinstance(one, s.Sighted) for one in house.told))
        assert [one.name for one in house.told if isinstance(one, s.Sighted)] == [NAME]

    run(test)


def test_services_of_another_network_are_told_once_this_machine_is_on_it() -> None:
    async def test(house: House) -> None:
        fake = await house.begin()
        fake.tell(NAME, service("10.0.0.7"))
        await house.until(lambda: NAME in house.mdns._told)
        house.mdns.moved([ETH, Own("10.0.0.2", 24, "wlan0", 3), LO])
        await house.until(lambda: any(isinstance(one, s.Sighted) for one in house.told))
        await house.until(lambda: ("interfaces", ["192.168.1.20", "10.0.0.2"]) in fake.log)
        await house.until(lambda: len(fake.infos) == 2)
        assert Fake.made == [fake], "it goes on with other interfaces"
        house.mdns.moved([ETH, LO])
        await house.until(lambda: s.Vanished(NAME) in house.told)

    run(test)


def test_ten_thousand_services_are_bounded() -> None:
    async def test(house: House) -> None:
        fake = await house.begin()
        for number in range(10_000):
            name = f"{number:016x}"
            fake.tell(name, service(f"192.168.1.{number % 200 + 30}", name=name))
        await house.until(lambda: not house.mdns._waiting)
        assert sum(isinstance(one, s.Sighted) for one in house.told) == mdns.MAX_NAMES

    run(test)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.EADDRINUSE, "x"), "UDP port 5353"),
        (PermissionError(errno.EACCES, "x"), "doesn't allow"),
        (OSError(errno.ENODEV, "No such device"), "No such device."),
        (RuntimeError("No interfaces"), "doesn't work here"),
        (zeroconf.NonUniqueNameException(), "doesn't work here"),
        (KeyError("x"), "doesn't work here"),
    ],
)
def test_whatever_zeroconf_raises_is_one_sentence_and_is_tried_again(failure: BaseException, words: str) -> None:
    async def test(house: House) -> None:
        Fake.failure = failure
        house.mdns.moved([ETH, LO])
        house.mdns.perform(e.Discover("on"))
        why = await house.state("failing")
        assert why is not None and words in why
        await asyncio.sleep(0.05)
        assert sum(isinstance(one, s.Discovering) for one in house.told) <= 2, "it is said once"
        Fake.failure = None
        assert await house.state("on") is None

    run(test)


def test_multicast_that_doesn_t_come_back_is_said_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdns, "ECHO_S", 0.2)

    async def test(house: House) -> None:
        fake = await house.begin()
        assert "Multicast" in (await house.state("deaf") or "")
        own = fake.infos[0].name.removesuffix(f".{nearby.SERVICE}")
        fake.tell(own, service(name=own))
        assert await house.state("on") is None

    run(test)


def test_another_day_and_a_sleep_mean_another_name_and_a_fresh_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdns, "ALONE_S", 0.005)

    async def test(house: House) -> None:
        first = await house.begin()
        first.tell(NAME, service())
        await house.until(lambda: any(isinstance(one, s.Sighted) for one in house.told))
        house.now += DAY
        await house.until(lambda: len(Fake.made) == 2)
        second = Fake.made[1]
        await house.until(lambda: second.infos)
        assert first.closed and second.infos[0].name != first.infos[0].name
        assert dict(second.infos[0].properties) == nearby.txt(PEER, 20_001)
        await house.until(lambda: s.Vanished(NAME) in house.told)
        house.mdns.moved([ETH, LO], woke=True)
        await house.until(lambda: len(Fake.made) == 3)

    run(test)


@pytest.mark.parametrize("answers", [False, True])
def test_a_service_that_was_dialled_in_vain_is_asked_for_and_forgotten_if_it_doesn_t_answer(
    answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def request(self: FakeInfo, running: Any, timeout: float) -> bool:  # noqa: ASYNC109 (zeroconf's own)
        if answers:
            Fake.made[-1].services[self.name] = service()
            self.load_from_cache(running)
        return answers

    monkeypatch.setattr(FakeInfo, "async_request", request, raising=False)

    async def test(house: House) -> None:
        fake = await house.begin()
        fake.tell(NAME, service())
        await house.until(lambda: any(isinstance(one, s.Sighted) for one in house.told))
        house.mdns.perform(e.Reconfirm(NAME))
        house.mdns.perform(e.Reconfirm("9" * 16))
        await house.until(lambda: not house.mdns._asked)
        assert (s.Vanished(NAME) in house.told) is not answers
        house.told.clear()
        fake.tell(NAME, service("192.168.1.8"))
        await house.until(lambda: any(isinstance(one, s.Sighted) for one in house.told))

    run(test)


def test_while_nobody_is_seen_it_asks_and_tells_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdns, "ALONE_S", 0.005)

    async def test(house: House) -> None:
        fake = await house.begin()
        await house.until(lambda: len(fake.infos) > 2 and fake.log.count("browse") > 2)
        assert len({info.name for info in fake.infos}) == 1

    run(test)


def test_off_says_good_bye_and_on_begins_anew() -> None:
    async def test(house: House) -> None:
        first = await house.begin()
        house.mdns.perform(e.Discover("off"))
        await house.state("off")
        assert first.closed
        house.mdns.perform(e.Discover("ask"))
        await house.state("on")
        assert len(Fake.made) == 2

    run(test)


def test_told_again_it_tells_all_that_is_there_again() -> None:
    async def test(house: House) -> None:
        fake = await house.begin()
        fake.tell(NAME, service())
        await house.until(lambda: any(isinstance(one, s.Sighted) for one in house.told))
        house.told.clear()
        house.mdns.perform(e.Discover("on"))
        await house.until(lambda: any(isinstance(one, s.Sighted) for one in house.told))
        assert house.told[0] == s.Discovering("on")

    run(test)


def test_what_zeroconf_raises_is_no_bug_of_ours() -> None:
    with pytest.raises(zeroconf.BadTypeInNameException) as theirs:
        zeroconf.ServiceInfo("x", "y")
    assert mdns.caused(theirs.value)
    with pytest.raises(ZeroDivisionError) as ours:
        _ = 1 / 0
    assert not mdns.caused(ours.value)
    assert not mdns.caused(None)
