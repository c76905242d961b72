"""What a doctor may find, for tests of front ends: each state, and names that nobody should trust."""

from __future__ import annotations

from node.bus.diagnosis import Check, Diagnosis, Finding, OwnAddress, PathTried

HOSTILE = "**dora** <img src=//a.example/x>"


def some(at: int, *, running: bool = False) -> Diagnosis:
    """A node that can be reached, but not found; and somebody with several addresses."""

    def check(key: str, title: str, state: str, said: str, remedy: str = "", command: str = "") -> Check:
        return Check(key=key, title=title, state=state, said=said, remedy=remedy, command=command, at=at)

    return Diagnosis(
        at=at, took_ms=5_100, running=running, state="doubtful",
        verdict="You can be reached. Multicast doesn't come back: others may not see you.",
        meaning="Whoever has your address or an invite gets through. Nobody finds you by themselves until UDP 5353 is"
        " let in.",
        checks=[
            check("port", "Port 5000", "well", "Open. bela's node connected back to it in 3 ms."),
            check("multicast", "Multicast", "fails", "6 questions went out on en0 and wlan0, none came back.",
                  "Let mDNS in, then run again:", "sudo ufw allow 5353/udp"),
            check("firewall", "Firewall", "fails", "ufw is on, and UDP 5353 is not let in, it seems.",
                  "The command above mends it."),
            check("neighbours", "Neighbours", "doubtful", f"2 linked: bela and {HOSTILE}."),
            check("network", "Network", "well", "No VPN, and no sign of a guest network on en0 and wlan0."),
            check("clock", "Clock", "well", "0.2 s ahead of the median of 2 links. Up to 60 s is fine."),
            check("node", "This node", "well", "It runs, and its disk is well."),
        ],
        addresses=[
            OwnAddress(address="192.168.1.20:5000", interface="en0", state="well", said=f"reached by {HOSTILE}",
                       reached_by=HOSTILE),
            OwnAddress(address="10.0.0.7:5000", interface="wlan0", state="well", said="reached by bela",
                       reached_by="bela"),
            OwnAddress(address="[fd12::20]:5000", interface="en0", state="untried", said="not tried yet"),
        ],
        paths=[
            PathTried(path="192.168.1.31:5000", interface="en0", answer="linked", reason="In use.", since=at - 600_000),
            PathTried(path="10.0.0.31:5000", interface="wlan0", ms=4_001, answer="no answer",
                      reason="The machine is there, and drops it: probably dora's firewall."),
            PathTried(path="[fd12::31]:5000", interface="en0", ms=1, answer="refused",
                      reason="The machine is there, but nothing listens on that port. Is the node on, and the port"
                      " right?"),
            PathTried(path="10.9.0.31:5000", ms=12, answer="other key",
                      reason="Somebody else's node answers there, with the code abcd · efgh · ijkl · mnop."),
        ],
        key=Finding(state="well", said="The same: the key that was verified, k7f2 · 9qda · mx31 · t6ow."),
        clock=Finding(state="well", said="400 ms behind this machine's."),
    )  # fmt: skip
