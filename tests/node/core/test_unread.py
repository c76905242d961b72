"""Rooms in which the newest message isn't the one that came last."""

from __future__ import annotations

from node.bus import events as ev
from node.bus import nouns, reducer
from node.bus import requests as rq
from node.core import stimuli as s
from node.model import Address
from node.protocol.plain.codec import Announced, Text
from tests.node.core.nodes import Net


def test_reading_up_to_a_message_leaves_unread_what_came_after_it_although_an_older_one_is_the_newest() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    elsewhere = Address("10.0.0.9", 5000)
    (mine,) = anna.send(str(elsewhere), "mine")
    net.wait(2_000)
    net.link(bob, anna)
    bob.send(anna, "one", "two", "three")
    net.settle()
    # Somebody answers there now, and it is bob: what waited becomes the newest entry, and keeps its id.
    net.stations[elsewhere] = bob
    net.wait(120_000)
    one, *_ = (message for message in anna.history(bob) if message.text == "one")
    room = anna.core._rooms.by_id[anna.room(bob)]
    assert room.last is not None
    assert room.last.id == mine.id < one.id
    result = anna.ask("mark_read", rq.MarkReadArgs(room=room.id, upto=one.id))
    assert anna.core._rooms.by_id[room.id].unread == anna.disk.incoming(room.id, one.id) == 2, result


def test_the_log_replayed_shows_the_same_newest_message_although_the_clock_was_set_back_meanwhile() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    elsewhere = Address("10.0.0.9", 5000)
    anna.give(s.LinkUp(2, "in", bob.address.host, bob.address.port, "snicher", True))
    anna.give(s.Heard(2, [Announced(bob.address.port), Text("in clear", name="bob")]))
    anna.give(s.Closed(2, None))
    anna.send(str(elsewhere), "waits")
    net.wait(2_000)
    anna.clock = -3_600_000
    net.link(bob, anna)
    net.settle()
    net.cut_all()
    net.stations[elsewhere] = bob
    net.wait(120_000)
    assert "waits" in bob.texts(anna)
    replayed: nouns.State | None = None
    for event in anna.disk.events_after(0):
        if isinstance(event.data, ev.NodeStarted):
            replayed = nouns.State(self=event.data.self, settings=event.data.settings)
        assert replayed is not None
        reducer.apply(replayed, event)
    assert replayed == anna.disk.state()
