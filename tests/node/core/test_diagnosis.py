"""Every state in which something is, with its diagnosis in words. Facts go in, and no machine is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from node.bus import nouns
from node.bus.diagnosis import Check
from node.core import diagnosis, remedies, verdicts
from node.core.facts import (
    Acquaintance,
    DialledBack,
    Echo,
    Facts,
    Firewall,
    Interface,
    Standing,
    Surroundings,
    Trial,
)
from node.model import Address

NOW = 1_800_000_000_000
OWN = Address("192.168.1.20", 5000)
CIAN = Address("192.168.1.40", 5000)
NEAR, FAR = Address("192.168.1.31", 5000), Address("10.7.0.31", 5000)
EN0 = Interface("en0", ("192.168.1.20/24", "fe80::20/64"))
SEEN = nouns.Sighting(id="f" * 16, peer=None, addresses=["192.168.1.31:5000"], since=1)
UFW = Firewall("ufw", "ufw", True)
ME, BELA, DORA = "m" * 52, "b" * 52, "d" * 52


def somebody(name: str, id_: str, *addresses: Address, linked: Address | None = None, **more: Any) -> Acquaintance:
    links = () if linked is None else (Standing(4, "out", linked, NOW - 60_000, more.pop("ahead", 0)),)
    return Acquaintance(id=id_, name=name, is_node=True, known=True, addresses=addresses, links=links, **more)


BELA_LINKED = somebody("bela", BELA, NEAR, linked=NEAR)
DORA_AWAY = somebody("dora", DORA, NEAR, last_seen=NOW - 3 * 3600_000)
OPEN = DialledBack(BELA, "bela", "open", 3, OWN.host)


def around(*interfaces: Interface, platform: str = "linux", firewalls: tuple[Firewall, ...] = (), **more: Any) -> Any:
    return Surroundings(platform, interfaces or (EN0,), firewalls, **more)


def facts(**more: Any) -> Facts:
    """A node that is well: reached by bela, who is linked; and its questions come back."""
    given: dict[str, Any] = {
        "listen": Address("0.0.0.0", 5000), "addresses": (OWN,), "me": ME, "surroundings": around(),
        "people": (BELA_LINKED,), "here": {OWN: Trial("open", 1, ME)}, "back": (OPEN,), "asked": 1,
        "back_done": True, "nearby": nouns.Nearby(state="on", services=[SEEN]), "near": {}, "now": NOW,
        "echoes": (Echo("en0", 3, 3, ("192.168.1.31",)),), **more,
    }  # fmt: skip
    return Facts(**given)


def back(reached: Any, host: str = OWN.host, ms: int = 4_000) -> dict[str, Any]:
    return {"back": (DialledBack(BELA, "bela", reached, ms, host),)}


LOOPBACK = {"listen": Address("127.0.0.1", 5000), "addresses": (Address("127.0.0.1", 5000),)}
DEAF = {"echoes": (Echo("en0", 3, 0),)}
#: What was found out, the check that is meant, its state, words of what is said, and the command.
STATES: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "reached": ({}, "port", "well", "Open. bela's node connected back to it in 3 ms.", ""),
    "reached by a link that came in": (
        {"back": (), "came_in": {OWN.host: (DORA, "dora")}}, "port", "well", "dora's node has connected to it", "",
    ),
    "shut for one who came in before": (
        {**back("no_answer"), "came_in": {OWN.host: (BELA, "bela")}}, "port", "fails", "got no answer",
        "sudo nft list ruleset",
    ),
    "shut for one, and another came in": (
        {**back("no_answer"), "came_in": {OWN.host: (DORA, "dora")}}, "port", "doubtful",
        "dora's node has connected, so it isn't shut for everybody.", "",
    ),
    "bound to loopback": (
        LOOPBACK, "port", "fails", "listens on 127.0.0.1, which only programs on this machine reach",
        "python -m node run --listen 0.0.0.0:5000",
    ),
    "bound to loopback of IPv6": (
        {"listen": Address("::1", 5000), "addresses": (Address("::1", 5000),)}, "port", "fails", "listens on ::1",
        "python -m node run --listen [::]:5000",
    ),
    "no network": ({"addresses": ()}, "port", "fails", "no address in any network", ""),
    "the port is shut, by ufw": (
        {**back("no_answer"), "surroundings": around(firewalls=(UFW,))}, "port", "fails",
        "bela's node tried 192.168.1.20, port 5000, and got no answer (4.0 s). A firewall on this machine is likely.",
        "sudo ufw allow 5000/tcp",
    ),
    "the port is shut, by firewalld": (
        {**back("no_answer"), "surroundings": around(firewalls=(Firewall("firewalld", "firewalld", True),))}, "port",
        "fails", "got no answer", "sudo firewall-cmd --add-port=5000/tcp && sudo firewall-cmd --runtime-to-permanent",
    ),
    "the port is shut, by nftables": (
        {**back("no_answer"), "surroundings": around(firewalls=(
            Firewall("nftables", "nftables", None, chain="inet filter input"),))},
        "port", "fails", "got no answer", "sudo nft insert rule inet filter input tcp dport 5000 accept",
    ),
    "the port is shut, nobody knows by what": (
        back("no_answer"), "port", "fails", "got no answer", "sudo nft list ruleset",
    ),
    "the port is shut, on Windows": (
        {**back("no_answer"), "surroundings": around(platform="windows")}, "port", "fails", "got no answer",
        'netsh advfirewall firewall add rule name="Snicher 5000" dir=in action=allow protocol=TCP localport=5000',
    ),
    "the port is shut, on macOS": (
        {**back("no_answer"), "surroundings": around(platform="macos", program="/usr/bin/python3")}, "port", "fails",
        "got no answer",
        'sudo /usr/libexec/ApplicationFirewall/socketfilterfw --unblockapp "/usr/bin/python3"',
    ),
    "refused at our address": (
        back("refused", ms=2), "port", "fails", "and was refused (2 ms)", "sudo nft list ruleset",
    ),
    "another node at our address": (back("other_key"), "port", "fails", "Two machines seem to use one address.", ""),
    "addresses are translated": (
        back("refused", "203.0.113.9"), "port", "fails", "a router or VPN between the two translates addresses", "",
    ),
    "not even from here": (
        {"back": (), "asked": 0, "here": {OWN: Trial("no_answer", 4_000)}}, "port", "fails",
        "Not even from this machine", "sudo nft list ruleset",
    ),
    "nobody to try": (
        {"back": (), "asked": 0, "people": ()}, "port", "untried", "nobody is linked who could try",
        "python -m node invite",
    ),
    "nobody has tried": (
        back("untried"), "port", "untried", "none of those linked has tried", "python -m node invite",
    ),
    "multicast comes back": ({}, "multicast", "well", "Questions on en0 came back, and 1 other machine was heard.", ""),
    "multicast comes back, and nobody answers": (
        {"echoes": (Echo("en0", 3, 3),)}, "multicast", "doubtful",
        "nobody else was heard, not even bela in this network", "python -m node invite",
    ),
    "alone with multicast": (
        {"echoes": (Echo("en0", 3, 3),), "people": ()}, "multicast", "well", "Nobody else was heard.", "",
    ),
    "multicast doesn't come back": (
        {**DEAF, "surroundings": around(firewalls=(UFW,))}, "multicast", "fails",
        "3 questions went out on en0, none came back.", "sudo ufw allow 5353/udp",
    ),
    "multicast comes back on one interface only": (
        {"echoes": (Echo("en0", 3, 0), Echo("wlan0", 3, 3))}, "multicast", "fails",
        "3 questions went out on en0, none came back. On wlan0 they did.", "sudo nft list ruleset",
    ),
    "multicast, and firewalld": (
        {**DEAF, "surroundings": around(firewalls=(Firewall("firewalld", "firewalld", True),))}, "multicast", "fails",
        "none came back", "sudo firewall-cmd --add-service=mdns && sudo firewall-cmd --runtime-to-permanent",
    ),
    "nothing can be asked": (
        {"echoes": (Echo("en0", 0, 0, problem="another program has UDP 5353 for itself"),)}, "multicast", "fails",
        "No question could be asked (en0: another program has UDP 5353 for itself).", "",
    ),
    "multicast of a node for this machine": (LOOPBACK, "multicast", "untried", "listens on this machine only", ""),
    "a firewall, and a node for this machine": (
        {**LOOPBACK, "surroundings": around(firewalls=(UFW,))}, "firewall", "untried", "It doesn't matter", "",
    ),
    "no firewall": ({}, "firewall", "well", "No firewall program was found", ""),
    "a firewall that lets in": (
        {"surroundings": around(firewalls=(UFW,))}, "firewall", "well", "ufw is on, and lets port 5000 in.", "",
    ),
    "a firewall that drops both": (
        {**back("no_answer"), **DEAF, "surroundings": around(firewalls=(UFW,))}, "firewall", "fails",
        "ufw is on, and TCP 5000 and UDP 5353 are not let in, it seems.", "",
    ),
    "a firewall that may be off": (
        {"surroundings": around(firewalls=(Firewall("nftables", "nftables"),))}, "firewall", "well",
        "whether it is on can't be seen", "",
    ),
    "a firewall without a rule": (
        {"back": (), "asked": 0, "surroundings": around(firewalls=(replace(UFW, port="drops"),))}, "firewall", "fails",
        "has no rule for TCP 5000", "sudo ufw allow 5000/tcp",
    ),
    "a firewall, and nobody has tried": (
        {"back": (), "asked": 0, "surroundings": around(firewalls=(UFW,))}, "firewall", "doubtful",
        "Whether it lets port 5000 in isn't known.", "sudo ufw allow 5000/tcp",
    ),
    "something drops, and no firewall is here": (
        DEAF, "firewall", "doubtful", "No firewall program was found, but UDP 5353 seems to be dropped", "",
    ),
    "nobody is known": ({"people": ()}, "neighbours", "doubtful", "Nobody is known here yet.", "python -m node invite"),
    "all are away": (
        {"people": (DORA_AWAY,)}, "neighbours", "doubtful",
        "The one known node isn't linked. The last one seen was dora, 3 hours ago.", f"python -m node doctor {DORA}",
    ),
    "some are there": (
        {"people": (BELA_LINKED, DORA_AWAY)}, "neighbours", "well",
        "1 linked: bela. 1 is seen by mDNS. 1 known node is away.", "",
    ),
    "nobody is seen": (
        {"nearby": nouns.Nearby(state="deaf")}, "neighbours", "well", "1 linked: bela. Nobody is seen by mDNS.", "",
    ),
    "looking round is off": (
        {"nearby": nouns.Nearby(state="off")}, "multicast", "untried", "switched off (discovery), so nobody finds this",
        "python -m node set discovery on",
    ),
    "no VPN": ({}, "network", "well", "No VPN, and no sign of a guest network on en0.", ""),
    "a VPN that doesn't matter": (
        {"surroundings": around(EN0, Interface("wg0", ("10.2.0.2/32",), "WireGuard"))}, "network", "well",
        "A VPN is on (wg0 (WireGuard)), and doesn't stand in the way.", "",
    ),
    "a VPN, and nobody is linked": (
        {"people": (), "surroundings": around(EN0, Interface("tun0", ("10.2.0.2/24",), "VPN"))}, "network", "doubtful",
        "A VPN is on: tun0 (VPN).", "",
    ),
    "no address from the network": (
        {"surroundings": around(Interface("en0", ("169.254.7.7/16",)))}, "network", "fails",
        "en0 got no address from the network", "",
    ),
    "no interface": ({"surroundings": Surroundings("linux")}, "network", "fails", "This machine is in no network.", ""),
    "kept apart, and the router answers": (
        {"people": (DORA_AWAY,), "near": {NEAR: Trial("no_route", 3_000)},
         "surroundings": around(wire={NEAR.host: False, "192.168.1.1": True})},
        "network", "doubtful",
        "dora should be in this network, and no sign of them comes, while 192.168.1.1 in the same network does: a guest"
        " network, or one that keeps its machines apart (client isolation), is likely.", "",
    ),
    "kept apart, and somebody elsewhere is linked": (
        {"people": (DORA_AWAY, somebody("cian", "c" * 52, FAR, linked=FAR)), "near": {NEAR: Trial("no_answer", 4_000)}},
        "network", "doubtful", "while a node in another network is linked", "",
    ),
    "their firewall, and not kept apart": (
        {"people": (DORA_AWAY,), "near": {NEAR: Trial("no_answer", 4_000)},
         "surroundings": around(wire={NEAR.host: True, "192.168.1.1": True})},
        "network", "well", "no sign of a guest network", "",
    ),
    "somebody of this network is linked, so it isn't kept apart": (
        {"people": (somebody("cian", "c" * 52, CIAN, linked=CIAN), DORA_AWAY), "near": {NEAR: Trial("no_route", 3_000)},
         "surroundings": around(wire={NEAR.host: False, "192.168.1.1": True})},
        "network", "well", "no sign of a guest network", "",
    ),
    "refused, and not kept apart": (
        {"people": (DORA_AWAY,), "near": {NEAR: Trial("refused", 1)},
         "surroundings": around(wire={"192.168.1.1": True})},
        "network", "well", "no sign of a guest network", "",
    ),
    "the clock is right": ({}, "clock", "well", "0.0 s behind that of the one link. Up to 60 s is fine.", ""),
    "the clock is behind one": (
        {"people": (somebody("bela", BELA, NEAR, linked=NEAR, ahead=600_000),)}, "clock", "doubtful",
        "10 min behind that of the one link. One of the two is wrong.", "sudo timedatectl set-ntp true",
    ),
    "the clock is ahead of all": (
        {"people": tuple(somebody(name, name * 52, NEAR, linked=NEAR, ahead=-7_200_000) for name in "abc")}, "clock",
        "fails", "2 h ahead of the median of 3 links.", "sudo timedatectl set-ntp true",
    ),
    "nobody's clock": ({"people": ()}, "clock", "untried", "Nobody is linked whose clock could be compared.", ""),
    "the disk is well": ({}, "node", "well", "its disk is well", ""),
    "the disk is broken": (
        {"health": nouns.Health(store=False, problem="The disk is full.")}, "node", "fails", "The disk is full.", "",
    ),
    "the disk is nearly full": (
        {"health": nouns.Health(problem="Less than 200 MB are free.")}, "node", "fails", "Less than 200 MB", "",
    ),
    "a notice": ({"health": nouns.Health(notices=["The history was set back."])}, "node", "doubtful", "set back", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", STATES)
def test_each_state_has_a_diagnosis_in_words(what: str) -> None:
    given, key, state, said, command = STATES[what]
    check = diagnosis.checks(facts(**given))[key]
    assert check is not None
    assert (check.state, check.command) == (state, command)
    assert said in check.said
    assert check.said.endswith(".")
    assert bool(check.command) <= bool(check.remedy)


def test_the_checks_keep_their_order_and_wait_for_what_they_need() -> None:
    nothing = Facts(listen=Address("0.0.0.0", 5000), addresses=(OWN,), nearby=nouns.Nearby(state="on"))
    found = diagnosis.checks(nothing)
    assert list(found) == list(diagnosis.TITLES) == list(diagnosis.checks(facts()))
    assert [key for key, check in found.items() if check is not None] == ["node"]


def complete(given: Facts) -> dict[str, Check]:
    found = diagnosis.checks(given)
    return {key: check for key, check in found.items() if check is not None}


#: What was found out, the state altogether, and the verdict.
VERDICTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "all is well": ({}, "well", "You can be reached. Multicast comes back, too."),
    "no multicast": (DEAF, "doubtful", "You can be reached. Multicast doesn't come back: others may not see you."),
    "shut": (back("no_answer"), "fails", "Nobody gets through to you."),
    "shut and deaf": (
        {**back("no_answer"), **DEAF}, "fails",
        "Nobody gets through to you. Multicast doesn't come back: others may not see you.",
    ),
    "unknown": ({"back": (), "asked": 0, "people": ()}, "untried", "Whether others get through isn't known yet."),
    "loopback": (LOOPBACK, "fails", "Only this machine reaches this node. Nobody else can see it."),
    "no network": ({"addresses": ()}, "fails", "This machine is in no network. Nobody can be reached."),
    "a broken disk": (
        {"health": nouns.Health(store=False, problem="The disk is full.")}, "fails",
        "This node can't write to its disk. Nothing is sent or taken.",
    ),
    "kept apart": (
        {**STATES["kept apart, and the router answers"][0], "back": (), "asked": 0}, "fails",
        "Nobody is reached. The network or a VPN seems to stand in between.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", VERDICTS)
def test_the_verdict_says_what_works_and_what_does_not_in_two_sentences(what: str) -> None:
    given, state, said = VERDICTS[what]
    case = facts(**given)
    assert verdicts.verdict(case, complete(case), [])[:2] == (state, said)


@pytest.mark.parametrize("what", STATES)
def test_no_verdict_has_more_than_two_sentences(what: str) -> None:
    case = facts(**STATES[what][0])
    _, said, means = verdicts.verdict(case, complete(case), [])
    assert 1 <= said.count(". ") + 1 <= 2 and means


def test_own_addresses_say_who_reached_them() -> None:
    other, shut = Address("10.0.0.7", 5000), Address("172.16.0.9", 5000)
    case = facts(
        addresses=(OWN, other, shut), came_in={"10.0.0.7": (DORA, "dora")}, surroundings=around(EN0),
        back=(OPEN, DialledBack(DORA, "dora", "no_answer", 4_000, shut.host)),
    )  # fmt: skip
    found = diagnosis.addresses(case)
    assert [(one.state, one.said, one.interface) for one in found] == [
        ("well", "reached by bela", "en0"), ("well", "reached by dora", ""), ("fails", "dora got no answer", ""),
    ]  # fmt: skip


def test_names_of_peers_are_said_without_what_could_steer_a_terminal() -> None:
    case = facts(back=(replace(OPEN, name="be\x1b[31mla\nx"),))
    check = diagnosis.checks(case)["port"]
    assert check is not None and check.said.isprintable()


def test_many_names_are_counted() -> None:
    people = tuple(somebody(name, name * 52, NEAR, linked=NEAR) for name in "abcdef")
    check = diagnosis.checks(facts(people=people))["neighbours"]
    assert check is not None and check.said == "6 linked: a, b, c and 3 more. 1 is seen by mDNS."


@pytest.mark.parametrize("mends", [remedies.let_in])
def test_nothing_is_typed_on_a_machine_that_nobody_knows(mends: Callable[..., str]) -> None:
    assert mends(Surroundings("other"), 5000) == "" and mends(None, 5000) == ""
