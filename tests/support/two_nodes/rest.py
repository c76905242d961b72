"""What must hold when the network is whole, everybody runs, and everything has come to rest."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from node.bus import nouns
from node.bus import requests as rq
from node.model import direct_room
from tests.support.two_nodes.machine import Machine
from tests.support.two_nodes.promises import TOKEN, Place, Promises


def expected(promises: Promises, room: str) -> set[Place]:
    """All entries of a room that nobody has deleted."""
    return {place for place, of in promises.room_of.items() if of == room and place not in promises.deleted}


def unlinked(machines: Sequence[Machine]) -> list[tuple[Machine, Machine]]:
    """Machines of different keys that have no link with each other."""
    found = []
    for one in machines:
        runs = {link.run for link in one.core._links._by_number.values() if link.peer and not link.leaving}
        found += [(one, other) for other in machines if other.id != one.id and other.run not in runs]
    return found


def waiting_in_clear(machine: Machine) -> list[nouns.Message]:
    """What a machine's disk holds of its own that is no entry."""
    return [one for one in machine.disk.messages.values() if one.direction == "out" and one.entry is None]


def settled(promises: Promises, machines: Sequence[Machine], room: str) -> bool:
    """Whether everybody has everything, and authors know it."""
    there = expected(promises, room)
    for machine in machines:
        disk = promises.disks[machine.name]
        if machine.asked or any(place[2] not in disk.numbers[place[:2]] for place in there):
            return False
    members = {machine.id for machine in machines}
    for machine in machines:
        disk = promises.disks[machine.name]
        for author, stream, n in there:
            if author == machine.id and any(
                disk.receipts.get((member, stream), 0) < n for member in members - {author}
            ):
                return False
    return True


def history(machine: Machine, room: str) -> list[nouns.Message]:
    """A whole conversation, as front ends see it."""
    if room not in machine.disk.column("SELECT id FROM room"):
        return []
    found: list[nouns.Message] = []
    before = None
    while page := machine.disk.reader.history(rq.HistoryArgs(room=room, limit=200, before=before)).messages:
        found = [*page, *found]
        before = page[0].id
    return found


def check(promises: Promises, machines: Sequence[Machine], one: str, other: str) -> None:
    """All that is promised for the conversation of two identities."""
    room = direct_room(one, other)
    there = expected(promises, room)
    orders = []
    for machine in machines:
        shown = history(machine, room)
        places = [_place(message) for message in shown if message.entry is not None]
        assert len(places) == len(set(places)), f"{machine.name} shows an entry twice"
        # What comes in from oneself was sent in clear to one's own address on another interface.
        own = [
            one for one in shown if one.direction == "in" and one.text.startswith(f"{machine.name}#") and not one.entry
        ]
        told = collections.Counter(message.text for message in shown if message not in own)
        twice = [
            text
            for text, count in told.items()
            if count > 1 and TOKEN.fullmatch(text) and text not in promises.maybe_twice
        ]
        assert not twice, f"{machine.name} shows {twice} twice"
        missing = [promises.texts[place] for place in there - set(places)]
        assert not missing, f"{machine.name} lacks {missing}"
        waiting = [one.text for one in shown if one.entry is not None and one.state not in (None, "delivered", "read")]
        assert not waiting, f"{machine.name} doesn't know that {waiting} arrived"
        orders.append([place for place in places if place in there])
        _check_acknowledged(promises, machine)
    assert all(order == orders[0] for order in orders), "not everybody shows one order"
    _check_authors_order(promises, machines, orders[0])
    for machine in machines:
        _check_links(machine, [one for one in machines if one.id != machine.id])
        check_counts(promises, machine)


def _place(message: nouns.Message) -> Place:
    assert message.entry is not None
    return message.author, bytes.fromhex(message.entry.stream), message.entry.n


def _check_acknowledged(promises: Promises, machine: Machine) -> None:
    disk = promises.disks[machine.name]
    on_disk = set(machine.disk.column("SELECT text FROM body JOIN entry ON entry.id = body.entry WHERE outgoing"))
    lost = [text for text in disk.acknowledged.values() if text not in on_disk and text not in disk.deleted]
    assert not lost, f"{machine.name} has lost {lost}, which it acknowledged"


def _check_authors_order(promises: Promises, machines: Sequence[Machine], order: Sequence[Place]) -> None:
    """An author's texts stand in the order in which they were accepted.

    Two texts that were accepted for one contact are compared: both in clear, or the second when it was known as a node.
    """
    for machine in machines:
        disk = promises.disks[machine.name]
        first_said: dict[str, int] = {}
        newest: dict[str, int] = {}
        last_direct = 0
        for place in order:
            text = promises.texts[place]
            found = TOKEN.fullmatch(text)
            if found is None or found[1] != machine.name or text in disk.reordered or text in promises.maybe_twice:
                continue
            number, origin = int(found[2]), disk.origins.get(text, "")
            if origin:
                assert newest.get(origin, 0) < number, f"{text} stands below a later one to {origin}"
                newest[origin] = number
                first_said[text] = disk.merged_at.get(text, 0)
                assert last_direct <= first_said[text] or not first_said[text], (
                    f"{text} waited before what stands above it was said"
                )
            else:
                assert newest.get("", 0) < number, f"{text} stands below a later one of its author"
                newest[""] = number
                last_direct = max(last_direct, disk.said_at.get(text, 0))


def _check_links(machine: Machine, others: Sequence[Machine]) -> None:
    links = [link for link in machine.core._links._by_number.values() if link.kind == "secure" and link.peer]
    runs = collections.Counter((link.peer, link.run) for link in links if not link.leaving)
    assert all(count == 1 for count in runs.values()), f"{machine.name} has several links with one run: {links}"
    assert len(runs) == len([link for link in links if not link.leaving])
    for other in others:
        assert runs[other.id, other.run] == 1, f"{machine.name} has no link with {other.name}"
    assert {link.number for link in links} <= set(machine.ends), f"{machine.name} believes in links that are over"


def check_counts(promises: Promises, machine: Machine) -> None:
    """Unread counts are right, and every command was answered."""
    assert not machine.asked, f"{machine.name} has not answered {machine.asked}"
    uncounted = promises.disks[machine.name].uncounted
    for id_, room in machine.disk.state().rooms.items():
        if id_ not in uncounted:
            count = machine.disk.incoming(id_, room.read_upto)
            assert room.unread == count, f"{machine.name} says {room.unread} unread texts in {id_}, not {count}"
