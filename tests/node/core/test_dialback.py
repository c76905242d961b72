"""Dialling back: who is asked, who is answered, where is dialled, and how often."""

from __future__ import annotations

from node.core import dialback
from node.core import effects as e
from node.core import stimuli as s
from node.core.facts import DialledBack
from node.model import Address
from node.protocol.secure import frames as f
from tests.node.core.nodes import Net, Station


class World(Net):
    """Notes what is to be tried, and what was answered."""

    def __init__(self, accept: str = "everybody") -> None:
        super().__init__(accept)
        self.tries: list[tuple[str, e.TryBack]] = []
        self.answers: list[DialledBack] = []
        self.asked: list[int] = []

    def perform(self, station: Station, act: e.Effect) -> None:
        if isinstance(act, e.TryBack):
            self.tries.append((station.name, act))
        elif isinstance(act, e.ReportDialledBack):
            self.answers.append(act.answer)
        elif isinstance(act, e.AskedBack):
            self.asked.append(act.count)
        else:
            super().perform(station, act)


def two(accept: str = "everybody") -> tuple[World, Station, Station]:
    """Two nodes who know each other, linked."""
    net = World(accept)
    anna, bela = net.add("anna"), net.add("bela")
    net.link(anna, bela)
    anna.send(bela, "hello")
    bela.send(anna, "hello")
    net.settle()
    return net, anna, bela


def ask(net: World, station: Station) -> None:
    station.give(s.DialBackWanted())
    net.settle()


def test_a_linked_node_tries_our_host_and_port_and_tells_what_came_of_it() -> None:
    net, anna, bela = two()
    ask(net, anna)
    assert net.asked == [1]
    assert net.tries == [("bela", e.TryBack(anna.id, anna.address))]
    bela.give(s.TriedBack(anna.id, "open", 3))
    net.settle()
    assert net.answers == [DialledBack(bela.id, "bela", "open", 3, anna.address.host)]


def test_each_outcome_arrives_as_it_was() -> None:
    for reached in dialback.OUTCOMES:
        net, anna, bela = two()
        ask(net, anna)
        bela.give(s.TriedBack(anna.id, reached, 70_000))
        net.settle()
        assert [(one.reached, one.ms) for one in net.answers] == [(reached, f.MAX_DIALLED_MS)]


def test_only_the_host_of_the_link_is_dialled_whatever_the_asker_claims() -> None:
    net, anna, _ = two()
    # A further element, such as an address of somebody else, is ignored like any.
    frame = f.decode(b"\x93\x14\x07\xae10.9.9.9:5000 ")
    assert frame == f.DialBack(7)
    ask(net, anna)
    assert [act.address for _, act in net.tries] == [Address(anna.address.host, 5000)]


def test_a_service_port_is_not_dialled() -> None:
    net = World()
    anna, bela = net.add("anna"), net.add("bela")
    anna.address = Address(anna.address.host, 22)
    net.stations[anna.address] = anna
    net.link(anna, bela)
    bela.send(anna, "hello")
    anna.send(bela, "hello")
    net.settle()
    ask(net, anna)
    assert net.tries == [] and [one.reached for one in net.answers] == ["untried"]


def test_strangers_are_neither_asked_nor_answered() -> None:
    net = World("ask")
    anna, bela = net.add("anna"), net.add("bela")
    net.link(anna, bela)
    net.settle()
    ask(net, anna)
    assert net.asked == [0]
    # She knows him now, and he doesn't know her.
    anna.send(bela, "hello")
    net.settle()
    ask(net, anna)
    assert net.tries == []
    assert [one.reached for one in net.answers] == ["untried"]


def test_one_identity_has_one_trial_at_a_time_and_one_in_ten_seconds_also_over_a_new_link() -> None:
    net, anna, bela = two()
    link = anna.core._links.with_peer(bela.id)[0].number
    for number in range(3):
        net.perform(anna, e.Say(link, f.DialBack(number)))
    net.settle()
    assert len(net.tries) == 1
    bela.give(s.TriedBack(anna.id, "open", 3))
    net.settle()
    net.cut_all()
    out, _ = net.link(anna, bela)
    net.perform(anna, e.Say(out, f.DialBack(8)))
    net.settle()
    assert len(net.tries) == 1
    net.wait(dialback.TRY_MS)
    net.perform(anna, e.Say(out, f.DialBack(9)))
    net.settle()
    assert len(net.tries) == 2


def test_so_many_trials_are_under_way_at_once() -> None:
    net = World()
    bela = net.add("bela")
    others = [net.add(f"other {number}") for number in range(dialback.MAX_TRIALS + 2)]
    for one in others:
        net.link(one, bela)
        bela.send(one, "hello")
        one.send(bela, "hello")
        net.settle()
        ask(net, one)
    assert len(net.tries) == dialback.MAX_TRIALS


def test_asked_again_too_soon_the_last_answer_counts() -> None:
    net, anna, bela = two()
    ask(net, anna)
    bela.give(s.TriedBack(anna.id, "refused", 3))
    net.settle()
    ask(net, anna)
    assert [one.reached for one in net.answers] == ["refused", "refused"]
    assert len(net.tries) == 1


def test_an_answer_to_no_question_an_unknown_outcome_and_a_host_that_is_none_do_nothing() -> None:
    net, anna, bela = two()
    link = bela.core._links.with_peer(anna.id)[0].number
    net.perform(bela, e.Say(link, f.Dialled(1, 0, 3, "10.0.0.1")))
    net.settle()
    assert net.answers == []
    ask(net, anna)
    number = next(one.number for _, one in net.delivered if isinstance(one, f.DialBack))
    net.perform(bela, e.Say(link, f.Dialled(number, 99, 3, "\x1b[31m")))
    net.perform(bela, e.Say(link, f.Dialled(number, 0, 3, "10.0.0.1")))
    net.settle()
    assert net.answers == [DialledBack(bela.id, "bela", "untried", 3, "")]


def test_a_trial_whose_asker_has_gone_is_told_to_nobody() -> None:
    net, anna, bela = two()
    ask(net, anna)
    net.cut_all()
    assert bela.give(s.TriedBack(anna.id, "open", 3)) == []
