"""Hosts in commands: names become addresses, and what can't be one is refused before the core hears of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.errors import CommandRefused
from node.hosts import Hosts
from node.model import Address
from node.peers import zones
from node.peers.resolve import Unresolved


class Names:
    """Knows one name."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []

    async def resolve(self, address: Address) -> Address:
        self.looked_up.append(address.host)
        if address.host == "ben.lan":
            return Address("10.0.0.2", address.port)
        if address.host[0].isdigit() or ":" in address.host:
            return address
        raise Unresolved(address.host, pending=address.host == "slow.lan")

    async def all_of(self, host: str) -> list[str]:
        return ["10.0.0.2", "10.0.0.3"] if host == "ben.lan" else []


def resolved(args: Any, names: Names | None = None) -> Any:
    return asyncio.run(Hosts(names or Names()).resolved(args))


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (rq.ConnectArgs(address="ben.lan:5000"), rq.ConnectArgs(address="10.0.0.2:5000")),
        (rq.PeerArgs(peer="ben.lan:5000"), rq.PeerArgs(peer="10.0.0.2:5000")),
        (rq.PeerArgs(peer="ben"), rq.PeerArgs(peer="ben")),
        (rq.PeerArgs(peer="not:an:address"), rq.PeerArgs(peer="not:an:address")),
        (rq.RenameArgs(peer="ben.lan:5000", name="x"), rq.RenameArgs(peer="10.0.0.2:5000", name="x")),
        (rq.MergeArgs(peer="ben.lan:1", into="a"), rq.MergeArgs(peer="10.0.0.2:1", into="a")),
        (rq.MergeArgs(peer="a", into="ben.lan:1"), rq.MergeArgs(peer="a", into="10.0.0.2:1")),
        (rq.MarkReadArgs(room="ben.lan:1"), rq.MarkReadArgs(room="ben.lan:1")),
    ],
)
def test_names_become_addresses_and_all_else_stays(args: Any, found: Any) -> None:
    assert resolved(args) == found


def test_each_name_of_a_list_is_looked_up_once_and_the_order_stays() -> None:
    names = Names()
    to = ["ben.lan:1", "10.0.0.3:1", "ben.lan:1"]
    args = rq.SendArgs(messages=[rq.Outgoing(to=one, text=str(number)) for number, one in enumerate(to)])
    found = resolved(args, names).messages
    assert [(one.to, one.text) for one in found] == [("10.0.0.2:1", "0"), ("10.0.0.3:1", "1"), ("10.0.0.2:1", "2")]
    assert sorted(names.looked_up) == ["10.0.0.3", "ben.lan"]


@pytest.mark.parametrize(("host", "code"), [("slow.lan", "lookup_pending"), ("nobody.lan", "not_found")])
def test_a_name_that_nobody_knows_or_that_takes_long_is_refused(host: str, code: str) -> None:
    with pytest.raises(CommandRefused) as caught:
        resolved(rq.ConnectArgs(address=f"{host}:5000"))
    assert caught.value.code == code


def test_a_zone_is_checked_where_somebody_is_dialled_and_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "_named", lambda zone: {"2": "eth0", "eth0": "eth0"}[zone])

    def no_such(zone: str) -> str:
        raise OSError(zone)

    def ask(args: Any) -> Any:
        return asyncio.run(Hosts().resolved(args))

    assert ask(rq.ConnectArgs(address="http://[fe80::1%252]:5000/")).address == "[fe80::1%eth0]:5000"
    monkeypatch.setattr(zones, "_named", no_such)
    gone = "[fe80::1%eth0]:5000"
    assert ask(rq.PeerArgs(peer=gone)).peer == gone, "a peer that was met there can be forgotten"
    for asked in (rq.ConnectArgs(address=gone), rq.SendArgs(messages=[rq.Outgoing(to=gone, text="hi")])):
        with pytest.raises(CommandRefused, match="This machine has no interface 'eth0'") as caught:
            ask(asked)
        assert caught.value.code == "invalid_args"


def test_this_machine_s_own_link_local_address_can_be_named_and_not_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "_named", lambda zone: "eth0")
    monkeypatch.setattr(zones.interfaces, "local_hosts", lambda: ["fe80::1%eth0"])
    assert asyncio.run(Hosts().resolved(rq.PeerArgs(peer="[fe80::1%2]:5000"))).peer == "[fe80::1%eth0]:5000"
    with pytest.raises(CommandRefused, match="is this machine itself"):
        asyncio.run(Hosts().resolved(rq.ConnectArgs(address="[fe80::1%2]:5000")))


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (rq.ConnectArgs(address="Ben.Lan:5000"), "ben.lan:5000"),
        (rq.ConnectArgs(address="http://ben.lan:5000/"), "ben.lan:5000"),
        (rq.ConnectArgs(address="10.0.0.2:5000"), None),
        (rq.ConnectArgs(address="[fe80::1%eth0]:5000"), None),
        (rq.ConnectArgs(address="ben"), None),
        (rq.ConnectArgs(address="ben: the one"), None),
        (rq.ConnectArgs(address="direct:5000"), None),
        (rq.PeerArgs(peer="ben.lan:5000"), None),
    ],
)
def test_the_host_name_to_connect_to_is_kept_beside_its_address(args: Any, name: str | None) -> None:
    assert Hosts.named(args) == name


def test_the_core_gets_all_addresses_of_a_name_or_none() -> None:
    hosts = Hosts(Names())
    assert asyncio.run(hosts.found(e.LookUp("ben.lan:5000", "x"))) == s.LookedUp(
        "ben.lan:5000", "x", ["10.0.0.2", "10.0.0.3"]
    )
    assert asyncio.run(hosts.found(e.LookUp("nobody.lan:5000", ""))) == s.LookedUp("nobody.lan:5000", "", None)
