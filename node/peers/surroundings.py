"""Looks at this machine: its interfaces, tunnels, firewalls, and who on the wire has answered it. It asks no other one.

Only what a user without rights may read is read; no program is given rights. It blocks for up to some seconds where a
program of the system has to be asked (Windows, macOS), so it belongs into a thread.
"""

from __future__ import annotations

import ipaddress
import pathlib
import re
import subprocess
import sys

import ifaddr

from node.core.facts import Firewall, Interface, Policy, Surroundings

#: Longest wait for a program of the system, in seconds.
PROGRAM_S = 2.0
#: Most bytes of a file that are looked at.
MAX_FILE = 256 * 1024
#: Which interfaces are tunnels, by name, and what people call them.
_TUNNELS = (
    (re.compile(r"wg\d*|nordlynx|proton|mullvad", re.I), "WireGuard"),
    (re.compile(r"tailscale|ts\d+", re.I), "Tailscale"),
    (re.compile(r"zt[0-9a-z]{6,}|zerotier", re.I), "ZeroTier"),
    (re.compile(r"tun\d*|tap\d*|openvpn|utun\d*|ipsec\d*|vpn", re.I), "VPN"),
    (re.compile(r"ppp\d+", re.I), "PPP"),
)
_PLATFORMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}
#: In Linux's table of neighbours: the entry is complete, so the machine has answered.
_COMPLETE = 0x2


def look(port: int, root: pathlib.Path = pathlib.Path("/"), platform: str = sys.platform) -> Surroundings:
    """This machine. `port` is the one that the node listens on; `root` is where its files are."""
    system = _PLATFORMS.get(platform, "other")
    return Surroundings(
        platform=system,
        interfaces=tuple(interfaces()),
        firewalls=tuple(firewalls(system, port, root)),
        wire=wire(root) if system == "linux" else None,
        program=sys.executable,
    )


def interfaces() -> list[Interface]:
    """All interfaces of this machine that have an address, without the one that leads to itself."""
    found: list[Interface] = []
    for adapter in ifaddr.get_adapters():
        networks = []
        for ip in adapter.ips:
            host = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            networks.append(f"{host.partition('%')[0]}/{ip.network_prefix}")
        name = str(adapter.nice_name or adapter.name)
        if networks and not all(ipaddress.ip_interface(one).ip.is_loopback for one in networks):
            alone = all(ipaddress.ip_interface(one).ip.is_link_local for one in networks)
            found.append(Interface(name, tuple(networks), "" if alone else tunnel_of(name)))
    return found


def tunnel_of(name: str) -> str:
    """What kind of tunnel an interface of this name is; empty: none.

    One with link-local addresses only is none: macOS keeps some that belong to no VPN.
    """
    return next((kind for pattern, kind in _TUNNELS if pattern.match(name)), "")


def wire(root: pathlib.Path) -> dict[str, bool] | None:
    """Which IPv4 addresses have answered this machine's system lately, or haven't. None: it can't be read."""
    lines = _read(root / "proc/net/arp")
    if lines is None:
        return None
    found = {}
    for line in lines.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 4 and re.fullmatch(r"0x[0-9a-fA-F]+", fields[2]):
            found[fields[0]] = bool(int(fields[2], 16) & _COMPLETE)
    return found


# -- firewalls


def firewalls(system: str, port: int, root: pathlib.Path) -> list[Firewall]:
    """The firewalls of this machine that can be seen."""
    if system == "linux":
        return [one for one in (_ufw(root, port), _firewalld(root), _nftables(root, port)) if one is not None]
    if system == "windows":
        told = _told("netsh", "advfirewall", "show", "currentprofile", "state")
        return [Firewall("windows", "Windows Firewall", windows_is_on(told))]
    if system == "macos":
        told = _told("/usr/libexec/ApplicationFirewall/socketfilterfw", "--getglobalstate")
        return [Firewall("macos", "The macOS firewall", macos_is_on(told))]
    return []


def windows_is_on(told: str) -> bool | None:
    """What `netsh` says of the state. Its words are translated; only English and German ones are known."""
    found = re.search(r"(?:State|Status)\s+(\w+)", told)
    return None if found is None else {"on": True, "ein": True, "off": False, "aus": False}.get(found[1].lower())


def macos_is_on(told: str) -> bool | None:
    """What `socketfilterfw` says."""
    found = re.search(r"State = (\d)", told)
    return None if found is None else found[1] != "0"


def _ufw(root: pathlib.Path, port: int) -> Firewall | None:
    conf = _read(root / "etc/ufw/ufw.conf")
    if conf is None:
        return None
    on = re.search(r"^ENABLED=\"?(yes|no)", conf, re.M | re.I)
    policy = re.search(r"^DEFAULT_INPUT_POLICY=\"?(\w+)", _read(root / "etc/default/ufw") or "", re.M)
    rules = [
        text for text in (_read(root / f"etc/ufw/{name}") for name in ("user.rules", "user6.rules")) if text is not None
    ]
    default: Policy = "unknown" if policy is None else "lets_in" if policy[1].upper() == "ACCEPT" else "drops"

    def judged(number: int, protocol: str) -> Policy:
        if default == "lets_in" or not rules:
            # Its rules can be read by root only.
            return default if default == "lets_in" else "unknown"
        allowed = re.compile(rf"^### tuple ### allow (?:{protocol}|any) {number} ", re.M)
        return "lets_in" if any(map(allowed.search, rules)) else default

    return Firewall(
        "ufw", "ufw", None if on is None else on[1].lower() == "yes", judged(port, "tcp"), judged(5353, "udp")
    )


def _firewalld(root: pathlib.Path) -> Firewall | None:
    if _read(root / "etc/firewalld/firewalld.conf") is None:
        return None
    return Firewall("firewalld", "firewalld", (root / "run/firewalld").exists() or None)


def _nftables(root: pathlib.Path, port: int) -> Firewall | None:
    """What its file says; whether it was loaded, and what was added by hand, only root can see."""
    conf = _read(root / "etc/nftables.conf")
    if conf is None:
        return None
    conf = re.sub(r"#.*", "", conf)
    # The braces of a set would end the chain for the pattern below.
    conf = re.sub(r"\bdport\s+\{([^{}]*)\}", r"dport <\1>", conf)
    table = chain = ""
    for found in re.finditer(r"\btable\s+(\w+)\s+(\w+)\s*\{|\bchain\s+(\w+)\s*\{|\bhook\s+(\w+)\b([^}]*)", conf):
        if found[1]:
            table = f"{found[1]} {found[2]}"
        elif found[3]:
            chain = found[3]
        elif found[4] == "input":
            if not re.search(r"policy\s+drop|\bdrop\b|\breject\b", found[5]):
                return None
            lets_in = re.search(rf"tcp\s+dport\s+(?:<[^>]*\b{port}\b[^>]*>|{port}\b)[^\n]*accept", found[5])
            return Firewall(
                "nftables", "nftables", None, "lets_in" if lets_in else "unknown", chain=f"{table} {chain}".strip()
            )
    return None


def _read(path: pathlib.Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE).decode("utf-8", "replace")
    except OSError:
        return None


def _told(*command: str) -> str:
    """What a program of the system says; empty when it isn't there, or takes too long."""
    try:
        return subprocess.run(
            command, capture_output=True, timeout=PROGRAM_S, check=False, stdin=subprocess.DEVNULL
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return ""
