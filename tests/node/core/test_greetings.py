"""Mandatory peers: who is greeted from where, once, and what becomes of it. Nothing here can dial anybody."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.core.node import Node
from node.model import Address, MandatoryPeer, parse_mandatory
from node.peers import interfaces
from tests.support.memory_store import MemoryStore
from tests.support.simulation import IDENTITY, LISTEN, START

NEAR = parse_mandatory("10.1.0.7:1255@10.1.0.0/16")
FAR = parse_mandatory("10.2.0.7:1255@10.2.0.0/16")
ANYWHERE = parse_mandatory("10.3.0.7:1255")
HOSTS = ["10.1.0.99", "fe80::1%eth0", "127.0.0.1"]
TEXT = "Mandatory message: Hello from our peer!"


class Desk:
    """A core on an empty store; what it decides is written down and kept."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.core = Node(self.store.load(), IDENTITY)
        self.acts: list[e.Act] = []

    def feed(self, stimulus: s.Stimulus) -> list[e.Act]:
        effects = self.core.handle(stimulus, START)
        self.store.commit([effect for effect in effects if isinstance(effect, e.Record)])
        acts = [effect for effect in effects if not isinstance(effect, e.Record)]
        self.acts += acts
        return acts

    def start(self, *mandatory: MandatoryPeer, hosts: list[str] = HOSTS) -> list[e.Dial]:
        acts = self.feed(s.Started(LISTEN, [LISTEN], hosts, mandatory, TEXT))
        return [act for act in acts if isinstance(act, e.Dial)]

    @property
    def outcomes(self) -> dict[str, tuple[str, str | None]]:
        assert self.store.state().greetings == {one.address: one for one in self.core.greetings()}
        return {one.address: (one.outcome, one.detail) for one in self.core.greetings()}


def test_only_those_near_are_called_and_the_others_are_passed_over_with_a_reason() -> None:
    desk = Desk()
    dials = desk.start(NEAR, FAR, ANYWHERE)
    assert [(dial.address, dial.how) for dial in dials] == [
        (NEAR.address, "persistent"),
        (ANYWHERE.address, "persistent"),
    ]
    assert desk.outcomes == {
        "10.1.0.7:1255": ("calling", None),
        "10.2.0.7:1255": ("skipped", "This machine has no address in 10.2.0.0/16."),
        "10.3.0.7:1255": ("calling", None),
    }


def test_with_the_interfaces_of_this_machine_the_default_list_is_skipped_and_nothing_is_dialled() -> None:
    defaults = map(parse_mandatory, nouns.DEFAULT_MANDATORY)
    hosts = interfaces.local_hosts()
    assert not any(host.startswith("10.206.") for host in hosts), "these tests must not run on that campus"
    desk = Desk()
    assert desk.start(*defaults, hosts=hosts) == []
    reason = "This machine has no address in 10.206.0.0/16."
    assert desk.outcomes == {
        "10.206.4.122:1255": ("skipped", reason),
        "10.206.5.228:6555": ("skipped", reason),
    }


def test_on_their_campus_both_are_called() -> None:
    defaults = map(parse_mandatory, nouns.DEFAULT_MANDATORY)
    dials = Desk().start(*defaults, hosts=["10.206.1.2"])
    assert [str(dial.address) for dial in dials] == ["10.206.4.122:1255", "10.206.5.228:6555"]


def test_the_greeting_goes_first_and_the_link_stays() -> None:
    desk = Desk()
    (dial,) = desk.start(NEAR)
    assert desk.feed(s.Opened(dial.link)) == [e.Transmit(dial.link, 0, TEXT)]
    desk.feed(s.Transmitted(dial.link, 0, "sent", None, 1, 1, ()))
    assert desk.outcomes["10.1.0.7:1255"] == ("greeted", None)
    (peer,) = desk.store.state().peers.values()
    assert (peer.host, peer.port, peer.link, peer.wanted) == ("10.1.0.7", 1255, "online", False)
    desk.feed(s.Closed(dial.link, "It closed the connection."))
    assert desk.outcomes["10.1.0.7:1255"] == ("greeted", None)
    assert desk.core.next_tries() == []
    assert [act for act in desk.acts if isinstance(act, e.Dial)] == [dial]


@pytest.mark.parametrize("opened", [False, True])
def test_one_that_can_t_be_greeted_is_not_tried_again(opened: bool) -> None:
    desk = Desk()
    (dial,) = desk.start(NEAR)
    if opened:
        desk.feed(s.Opened(dial.link))
        desk.feed(s.Transmitted(dial.link, 0, "not_sent", "It broke.", 1, 1, ()))
    acts = desk.feed(s.Closed(dial.link, "It broke."))
    assert desk.outcomes["10.1.0.7:1255"] == ("failed", "It broke.")
    assert not any(isinstance(act, e.Dial) for act in acts)
    assert desk.core.next_tries() == []


def test_a_one_shot_client_is_greeted_in_its_own_way_before_what_waits_for_it() -> None:
    store = MemoryStore()
    desk = Desk(store)
    desk.start()
    cause = ev.Cause(client="", request="")
    desk.feed(s.Commanded(1, "connect", rq.ConnectArgs(address=str(NEAR.address), dialect="std"), cause))
    desk.feed(s.Commanded(2, "send", rq.SendArgs(messages=[rq.Outgoing(to=str(NEAR.address), text="hi")]), cause))
    again = Desk(store)
    (dial,) = again.start(NEAR)
    assert dial.how == "one_shot"
    assert again.feed(s.Connected(dial.link)) == [e.Transmit(dial.link, 0, TEXT)]
    again.feed(s.Transmitted(dial.link, 0, "sent", None, 1, 1, ()))
    again.feed(s.Closed(dial.link, None))
    (fetch,) = [act for act in again.acts if isinstance(act, e.Fetch)]
    (second,) = again.feed(store.answer(fetch.query))
    assert isinstance(second, e.Dial), "and then what waits is sent as ever"
    assert again.outcomes["10.1.0.7:1255"] == ("greeted", None)


def test_this_node_itself_is_not_greeted() -> None:
    host, _, port = LISTEN.rpartition(":")
    desk = Desk()
    assert desk.start(MandatoryPeer(Address(host, int(port)))) == []
    assert desk.outcomes == {LISTEN: ("skipped", "That is this node itself.")}


def test_a_new_start_begins_with_nobody_greeted() -> None:
    store = MemoryStore()
    Desk(store).start(NEAR)
    again = Desk(store)
    assert again.outcomes == {"10.1.0.7:1255": ("calling", None)}
    again.start(FAR)
    assert list(again.outcomes) == ["10.2.0.7:1255"]


def test_after_a_failed_disk_a_greeting_under_way_counts_as_failed() -> None:
    store = MemoryStore()
    Desk(store).start(NEAR)
    again = Desk(store)
    effects = again.core.recovered(START)
    store.commit([effect for effect in effects if isinstance(effect, e.Record)])
    assert again.outcomes == {"10.1.0.7:1255": ("failed", "The disk failed meanwhile.")}
    assert not any(isinstance(effect, e.Dial) for effect in effects)
