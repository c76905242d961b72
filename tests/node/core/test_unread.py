"""Unread counts where the newest message of a room isn't the one that came last."""

from __future__ import annotations

from node.bus import requests as rq
from node.model import Address
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
