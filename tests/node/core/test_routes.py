"""Each way to a peer that ended in some way, with the reason in words; and the peer's key and clock."""

from __future__ import annotations

from typing import Any

import pytest

from node.bus import nouns
from node.core import routes, verdicts
from node.core.facts import Echo, Interface, Trial
from node.model import Address, short_code
from tests.node.core.test_diagnosis import DORA, EN0, FAR, NEAR, NOW, around, complete, facts, somebody

OTHER = "o" * 52
#: What came of an address, what is known of the network, the answer, and words of the reason.
WAYS: dict[str, tuple[Address, Trial, dict[str, Any], str, str]] = {
    "proved": (NEAR, Trial("open", 2, DORA), {}, "open", "It proved the key."),
    "refused": (NEAR, Trial("refused", 1), {}, "refused", "nothing listens on that port"),
    "dropped by a machine that is there": (
        NEAR, Trial("no_answer", 4_000), {"surroundings": around(wire={NEAR.host: True})}, "no answer",
        "The machine is there, and drops it: probably dora's firewall.",
    ),
    "nobody there": (
        NEAR, Trial("no_route", 3_000), {"surroundings": around(wire={NEAR.host: False})}, "no route",
        "No machine with that address is in this network: it is off, has moved, or the two are kept apart.",
    ),
    "no answer, and the wire isn't known": (NEAR, Trial("no_answer", 4_000), {}, "no answer", "or a firewall drops it"),
    "another network": (FAR, Trial("no_answer", 4_000), {}, "no answer", "It isn't in a network of this machine: off"),
    "another network, and a VPN": (
        FAR, Trial("no_answer", 4_000), {"surroundings": around(EN0, Interface("wg0", ("10.2.0.2/32",), "WireGuard"))},
        "no answer", "the way may lead through the VPN (wg0)",
    ),
    "no way": (FAR, Trial("no_route", 0), {}, "no route", "There is no way from here to that address."),
    "another key": (NEAR, Trial("other_key", 2, OTHER), {}, "other key", f"with the code {short_code(OTHER)}."),
    "no node": (NEAR, Trial("no_node", 2_000), {}, "no node", "Something answers there that is no Snicher node."),
    "not allowed here": (NEAR, Trial("forbidden"), {}, "no route", "a firewall here"),
    "too busy": (NEAR, Trial("untried"), {}, "untried", "It wasn't tried"),
}  # fmt: skip


@pytest.mark.parametrize("what", WAYS)
def test_each_way_has_its_answer_and_the_reason_in_words(what: str) -> None:
    address, trial, given, answer, reason = WAYS[what]
    path, _ = routes.paths(facts(peer=somebody("dora", DORA, address), tried={address: trial}, **given))
    assert (path.answer, path.ms) == (answer, trial.ms)
    assert reason in path.reason
    assert path.interface == ("en0" if address == NEAR else "")


def test_links_come_first_and_their_addresses_are_not_tried() -> None:
    dora = somebody("dora", DORA, NEAR, FAR, linked=NEAR)
    case = facts(peer=dora, tried={FAR: Trial("refused", 5)})
    assert routes.to_try(dora) == [FAR]
    linked, other, _ = routes.paths(case)
    assert (linked.answer, linked.since, linked.ms) == ("linked", NOW - 60_000, None)
    assert other.answer == "refused"


def test_what_was_not_tried_yet_stays_as_it_was_before() -> None:
    dora = somebody("dora", DORA, NEAR)
    before = routes.paths(facts(peer=dora, tried={NEAR: Trial("refused", 5)}))
    assert routes.paths(facts(peer=dora), before) == before
    assert [one.answer for one in routes.paths(facts(peer=dora))] == ["untried", "not seen"]


#: What mDNS tells, the answer, and words of the reason.
SEEN = nouns.Sighting(id="f" * 16, peer=DORA, addresses=[str(NEAR)], since=1)
MDNS: dict[str, tuple[dict[str, Any], str, str]] = {
    "seen": ({"nearby": nouns.Nearby(state="on", services=[SEEN])}, "seen", f"It tells {NEAR}."),
    "not heard": ({}, "not seen", "their node is off, in another network, or doesn't look round"),
    "deaf": ({"nearby": nouns.Nearby(state="deaf")}, "not seen", "Multicast doesn't come back here."),
    "our own question is lost": ({"echoes": (Echo("en0", 3, 0),)}, "not seen", "Multicast doesn't come back here."),
    "off": ({"nearby": nouns.Nearby(state="off")}, "untried", "switched off here (discovery)"),
    "failing": ({"nearby": nouns.Nearby(state="failing", detail="No socket.")}, "untried", "No socket."),
}


@pytest.mark.parametrize("what", MDNS)
def test_whether_somebody_is_seen_by_mdns_is_a_way_of_its_own(what: str) -> None:
    given, answer, reason = MDNS[what]
    path = routes.paths(facts(peer=somebody("dora", DORA, NEAR), **given))[-1]
    assert (path.path, path.interface, path.answer) == ("by mDNS", "en0", answer)
    assert reason in path.reason


def test_a_plain_client_is_asked_for_no_key_and_no_clock() -> None:
    cian = somebody("cian", "plain-3", NEAR)
    case = facts(peer=type(cian)(id="plain-3", name="cian", is_node=False, known=True, addresses=(NEAR,)),
                 tried={NEAR: Trial("open", 1)})  # fmt: skip
    assert routes.key(case) is None and routes.clock(case) is None
    assert routes.paths(case)[0].reason == "Something takes connections there."


KEYS: dict[str, tuple[dict[Address, Trial], bool, str, str]] = {
    "proved": (
        {NEAR: Trial("open", 1, DORA)}, False, "well", f"The same: the key that is kept here, {short_code(DORA)}.",
    ),
    "linked": ({}, True, "well", "The same"),
    "another": ({NEAR: Trial("other_key", 1, OTHER)}, False, "fails", f"Another key answers at {NEAR}"),
    "both": (
        {NEAR: Trial("other_key", 1, OTHER), FAR: Trial("open", 1, DORA)}, False, "doubtful", "answers elsewhere",
    ),
    "nobody": ({NEAR: Trial("no_answer", 1)}, False, "untried", "Nobody answered"),
}  # fmt: skip


@pytest.mark.parametrize("what", KEYS)
def test_the_key_is_compared_with_the_one_that_is_kept(what: str) -> None:
    tried, linked, state, said = KEYS[what]
    dora = somebody("dora", DORA, NEAR, FAR, linked=NEAR if linked else None)
    found = routes.key(facts(peer=dora, tried=tried))
    assert found is not None and found.state == state and said in found.said


@pytest.mark.parametrize(
    ("ahead", "state", "said"),
    [(-400, "well", "400 ms behind this machine's."), (61_000, "doubtful", "1 min ahead of this machine's.")],
)
def test_the_clock_is_compared(ahead: int, state: str, said: str) -> None:
    found = routes.clock(facts(peer=somebody("dora", DORA, NEAR, linked=NEAR, ahead=ahead)))
    assert found is not None and (found.state, found.said) == (state, said)


#: What came of each address, whether a link stands, and the verdict.
VERDICTS: dict[str, tuple[dict[Address, Trial], bool, str, str]] = {
    "linked": ({}, True, "well", "dora is linked."),
    "answers": ({NEAR: Trial("open", 1, DORA)}, False, "doubtful", "dora answers, but there is no link yet."),
    "off": ({NEAR: Trial("refused", 1)}, False, "fails", "dora's machine is there, but its node isn't running."),
    "away": (
        {NEAR: Trial("no_answer", 1), FAR: Trial("no_route", 1)}, False, "fails",
        "dora doesn't answer at any of 2 addresses.",
    ),
    "another": (
        {NEAR: Trial("other_key", 1, OTHER)}, False, "fails", "Somebody else's node answers at dora's address.",
    ),
    "no address": ({}, False, "fails", "No address of dora is known, so only they can connect."),
}  # fmt: skip


@pytest.mark.parametrize("what", VERDICTS)
def test_the_verdict_about_a_peer_comes_first(what: str) -> None:
    tried, linked, state, said = VERDICTS[what]
    dora = somebody("dora", DORA, *tried, linked=NEAR if linked else None)
    case = facts(peer=dora, tried=tried)
    assert verdicts.verdict(case, complete(case), routes.paths(case))[:2] == (state, said)


def test_what_is_wrong_here_comes_second() -> None:
    dora = somebody("dora", DORA, NEAR)
    case = facts(peer=dora, tried={NEAR: Trial("refused", 1)}, listen=Address("127.0.0.1", 5000))
    found = verdicts.verdict(case, complete(case), routes.paths(case))
    assert found[1] == "dora's machine is there, but its node isn't running. Only this machine reaches this node."
