"""What a machine tells of itself: files as a system has them, without rights, and words of its programs."""

from __future__ import annotations

import pathlib
import struct

import pytest

from node.core.facts import Firewall
from node.peers import multicast, surroundings

UFW = "etc/ufw/ufw.conf", "# Set to yes to start on boot.\nENABLED=yes\nLOGLEVEL=low\n"
DROP = "etc/default/ufw", 'DEFAULT_INPUT_POLICY="DROP"\n'
NFT = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established accept
        tcp dport { 22, 5000 } accept
    }
    chain forward { type filter hook forward priority filter; }
}
"""
#: The files of a machine, and what is seen of its firewall.
MACHINES: dict[str, tuple[dict[str, str], list[Firewall]]] = {
    "none": ({}, []),
    "ufw, its rules for root only": (dict([UFW, DROP]), [Firewall("ufw", "ufw", True)]),
    "ufw without a rule": (
        dict([UFW, DROP, ("etc/ufw/user.rules", "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n")]),
        [Firewall("ufw", "ufw", True, "drops", "drops")],
    ),
    "ufw with a rule": (
        dict([UFW, DROP, ("etc/ufw/user.rules", "### tuple ### allow tcp 5000 0.0.0.0/0 any 0.0.0.0/0 in\n")]),
        [Firewall("ufw", "ufw", True, "lets_in", "drops")],
    ),
    "ufw that is off": ({UFW[0]: "ENABLED=no\n"}, [Firewall("ufw", "ufw", False)]),
    "firewalld": ({"etc/firewalld/firewalld.conf": "DefaultZone=public\n"}, [Firewall("firewalld", "firewalld", None)]),
    "firewalld that runs": (
        {"etc/firewalld/firewalld.conf": "", "run/firewalld/x": ""}, [Firewall("firewalld", "firewalld", True)],
    ),
    "nftables that lets in": (
        {"etc/nftables.conf": NFT}, [Firewall("nftables", "nftables", None, "lets_in", chain="inet filter input")],
    ),
    "nftables without a rule": (
        {"etc/nftables.conf": NFT.replace("5000", "6000")},
        [Firewall("nftables", "nftables", None, chain="inet filter input")],
    ),
    "nftables that drops nothing": ({"etc/nftables.conf": NFT.replace("drop", "accept")}, []),
    "binary files": ({"etc/nftables.conf": "\x00\x01{{{", "etc/ufw/ufw.conf": "\x00"}, [Firewall("ufw", "ufw", None)]),
}  # fmt: skip


@pytest.mark.parametrize("what", MACHINES)
def test_what_can_be_seen_of_a_firewall_without_rights(what: str, tmp_path: pathlib.Path) -> None:
    files, expected = MACHINES[what]
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    assert surroundings.firewalls("linux", 5000, tmp_path) == expected


@pytest.mark.parametrize(
    ("told", "on"), [("State      ON\r\n", True), ("Status   Aus\r\n", False), ("Etat  Actif", None), ("", None)]
)
def test_what_windows_says_of_its_firewall(told: str, on: bool | None) -> None:
    assert surroundings.windows_is_on(told) is on


@pytest.mark.parametrize(
    ("told", "on"), [("Firewall is enabled. (State = 1)", True), ("disabled. (State = 0)", False), ("", None)]
)
def test_what_macos_says_of_its_firewall(told: str, on: bool | None) -> None:
    assert surroundings.macos_is_on(told) is on


@pytest.mark.parametrize(
    ("name", "kind"),
    [("wg0", "WireGuard"), ("tun0", "VPN"), ("utun3", "VPN"), ("tailscale0", "Tailscale"), ("ppp0", "PPP"),
     ("ztabcdef12", "ZeroTier"), ("eth0", ""), ("wlan0", ""), ("en0", ""), ("br-12", ""), ("docker0", "")],
)  # fmt: skip
def test_tunnels_are_known_by_their_names(name: str, kind: str) -> None:
    assert surroundings.tunnel_of(name) == kind


def test_the_wire_tells_who_has_answered(tmp_path: pathlib.Path) -> None:
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/arp").write_text(
        "IP address  HW type  Flags  HW address         Mask  Device\n"
        "10.1.0.1    0x1      0x2    02:fc:00:00:00:05  *     eth0\n"
        "10.1.0.9    0x1      0x0    00:00:00:00:00:00  *     eth0\nodd\n"
    )
    assert surroundings.wire(tmp_path) == {"10.1.0.1": True, "10.1.0.9": False}
    assert surroundings.wire(tmp_path / "nowhere") is None


def test_this_machine_can_be_looked_at() -> None:
    found = surroundings.look(5000)
    assert found.platform in ("linux", "windows", "macos", "other")
    assert all(one.networks and not one.is_near("127.0.0.1") for one in found.interfaces)


def test_a_question_is_one_of_mdns_for_our_service() -> None:
    data = multicast.question(7)
    assert struct.unpack(">6H", data[:12]) == (7, 0, 1, 0, 0, 0)
    assert data[12:] == b"\x08_snicher\x04_tcp\x05local\x00\x00\x0c\x00\x01"
