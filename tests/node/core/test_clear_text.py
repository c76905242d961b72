"""Nothing goes in clear to an address where a node is known, whatever was under way to it."""

from __future__ import annotations

from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from tests.node.core.nodes import Net, Station


class SlowNet(Net):
    """Dials of plain peers wait."""

    def perform(self, station: Station, act: e.Effect) -> None:
        if isinstance(act, e.Dial) and act.how != "secure":
            station.dials.append(act)
        else:
            super().perform(station, act)


def test_a_one_shot_link_gets_no_text_when_a_node_is_known_at_its_address_since_it_was_dialled() -> None:
    net = SlowNet()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(bob, anna)
    net.settle()
    anna.ask("forget", rq.PeerArgs(peer=bob.id))
    anna.ask("connect", rq.ConnectArgs(address=str(bob.address), dialect="std"))
    anna.send(str(bob.address), "in clear")
    (dial,) = anna.dials
    # Writing to the node puts it back on the list.
    net.unreachable.add(bob.address)
    anna.send(bob.id, "encrypted")
    effects = anna.give(s.Connected(dial.link))
    assert not [effect for effect in effects if isinstance(effect, e.Transmit)]
    assert [effect for effect in effects if isinstance(effect, e.HangUp)]


def test_what_waited_in_clear_for_a_node_that_is_forgotten_is_given_up() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.unreachable.add(bob.address)
    (waiting,) = anna.send(str(bob.address), "in clear")
    net.wait(2_000)
    asked: list[q.Query] = []

    def later(query: q.Query) -> s.Stimulus:
        asked.append(query)
        return s.ClockLooked()

    answer = anna.disk.answer
    anna.disk.answer = later  # type: ignore[assignment, method-assign]
    net.link(bob, anna)
    anna.ask("forget", rq.PeerArgs(peer=bob.id))
    anna.disk.answer = answer  # type: ignore[method-assign]
    for query in asked:
        anna.give(answer(query))
    assert [(row.message, row.state) for row in anna.disk.rows()] == [(waiting.id, "failed")]
    # What is said to it later isn't held up, and overtakes nothing.
    anna.send(bob, "encrypted")
    assert [(one.text, one.state) for one in anna.history(bob)] == [("in clear", "failed"), ("encrypted", "waiting")]


def test_a_link_that_becomes_encrypted_when_it_was_just_given_a_text_stays_and_the_text_goes_as_an_entry() -> None:
    net = SlowNet()
    anna, bob = net.add("anna"), net.add("bob")
    anna.send(str(bob.address), "in clear")
    (dial,) = anna.dials
    # It seemed to be an old client, and was given the text; then it answered the offer.
    anna.give(s.Settled(dial.link, "snicher"))
    net.link(anna, bob, dial.link)
    anna.give(s.Transmitted(dial.link, 1, "not_sent", "It is a node.", 1, 1, ()))
    net.settle()
    assert [link.number for link in anna.core._contacts.by_id[bob.id].links] == [dial.link]
    assert bob.texts(anna) == ["in clear"]
    assert anna.states(bob) == ["delivered"]
