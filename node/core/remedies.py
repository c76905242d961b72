"""What to type on this machine against what the doctor has found. Pure."""

from __future__ import annotations

from node.core.facts import Firewall, Surroundings
from node.model import Address

#: The port of mDNS.
MDNS_PORT = 5353
_LOOK = {
    "linux": "sudo nft list ruleset",
    "windows": "netsh advfirewall show currentprofile",
    "macos": "/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate",
}
_CLOCK = {"linux": "sudo timedatectl set-ntp true", "windows": "w32tm /resync"}


def firewall_of(around: Surroundings | None) -> Firewall | None:
    """The firewall that counts: one that is on, before one of which that can't be seen."""
    found = () if around is None else around.firewalls
    return next((one for one in found if one.on), None) or next((one for one in found if one.on is None), None)


def let_in(around: Surroundings | None, port: int, protocol: str = "tcp") -> str:
    """The command that lets in what comes to a port; or, where none is known, the one that shows the rules."""
    if around is None:
        return ""
    wall = firewall_of(around)
    kind = "" if wall is None else wall.kind
    if kind == "ufw":
        return f"sudo ufw allow {port}/{protocol}"
    if kind == "firewalld":
        what = "--add-service=mdns" if port == MDNS_PORT else f"--add-port={port}/{protocol}"
        return f"sudo firewall-cmd {what} && sudo firewall-cmd --runtime-to-permanent"
    if kind == "nftables" and wall is not None and wall.chain:
        return f"sudo nft insert rule {wall.chain} {protocol} dport {port} accept"
    if around.platform == "windows":
        return (
            f'netsh advfirewall firewall add rule name="Snicher {port}" dir=in action=allow'
            f" protocol={protocol.upper()} localport={port}"
        )
    if around.platform == "macos" and around.program:
        return f'sudo /usr/libexec/ApplicationFirewall/socketfilterfw --unblockapp "{around.program}"'
    return _LOOK.get(around.platform, "")


def adds_rule(around: Surroundings | None) -> bool:
    """Whether `let_in` mends it; otherwise its command only shows the rules."""
    command = let_in(around, 1)
    return bool(command) and around is not None and command != _LOOK.get(around.platform)


def set_clock(around: Surroundings | None) -> str:
    """The command that sets this machine's clock by the network; empty: none is known."""
    return "" if around is None else _CLOCK.get(around.platform, "")


def listen_everywhere(listen: Address) -> str:
    """The command that starts the node so that others reach it."""
    host = "[::]" if ":" in listen.host else "0.0.0.0"
    return f"python -m node run --listen {host}:{listen.port}"
