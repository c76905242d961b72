"""What must hold all along, whatever goes wrong. Whoever breaks it gets the seed and the last steps."""

from __future__ import annotations

import collections
import re
from collections.abc import Sequence
from typing import Any

from node.bus import events as ev
from node.bus import nouns, reducer
from node.bus import requests as rq
from node.core import effects as e
from node.core.loaded import Row
from node.protocol import entries
from node.protocol.secure import frames as f
from tests.support.two_nodes.ends import End
from tests.support.two_nodes.machine import Machine

#: Texts in these lives: who says it, and its number; then "!" and the name of a key, if it was meant for that key only.
#: The end shows whether it is whole.
TOKEN = re.compile(r"(\w+)#(\d+)(?:!(\w+))?;")
_TOKEN_BYTES = re.compile(rb"\w+#\d+(?:!\w+)?;")

#: An author's PeerId, one of its streams, and a number in it.
Place = tuple[str, bytes, int]
Stream = tuple[str, bytes]


class Disk:
    """What a machine's disk has held so far."""

    def __init__(self) -> None:
        self.rows: dict[Stream, Row] = {}
        #: Numbers of entries and headers that were ever stored, by stream.
        self.numbers: dict[Stream, set[int]] = collections.defaultdict(set)
        #: Texts that are entries here.
        self.signed: set[str] = set()
        #: Addresses of nodes on the list, by PeerId, since their acts were let out.
        self.nodes: dict[str, list[str]] = {}
        self.soon_nodes: dict[str, list[str]] = {}
        #: Receipts on disk: (member, stream) -> number.
        self.receipts: dict[Stream, int] = {}
        #: Rooms whose unread count isn't sure, because a count was lost in a crash.
        self.uncounted: set[str] = set()
        self.merged: set[str] = set()
        #: Acknowledged texts: message id -> text.
        self.acknowledged: dict[int, str] = {}
        #: Texts that were deleted here, and those whose order says nothing any more.
        self.deleted: set[str] = set()
        self.reordered: set[str] = set()
        #: In which plain room a text of ours was accepted, when that became part of a direct one, and when a text was
        #: said as an entry at once; by numbers that grow.
        self.origins: dict[str, str] = {}
        self.merged_at: dict[str, int] = {}
        self.said_at: dict[str, int] = {}
        self.steps = 0
        #: What was said in each room.
        self.rooms: dict[str, set[str]] = collections.defaultdict(set)
        #: Texts that have left in clear, and those of which was said that they were readable.
        self.left_in_clear: set[str] = set()
        self.readable: set[str] = set()
        self.replayed: nouns.State | None = None
        self.seen = 0

    def copy(self) -> Disk:
        """What a copy of this disk has held."""
        new = Disk()
        new.rows = dict(self.rows)
        new.numbers = collections.defaultdict(set, {key: set(found) for key, found in self.numbers.items()})
        new.signed, new.receipts = set(self.signed), dict(self.receipts)
        new.nodes, new.soon_nodes = dict(self.nodes), dict(self.soon_nodes)
        new.rooms = collections.defaultdict(set, {room: set(said) for room, said in self.rooms.items()})
        new.deleted, new.uncounted = set(self.deleted), set(self.uncounted) | self.merged
        return new


class Promises:
    """Watches all machines."""

    def __init__(self) -> None:
        self.disks: dict[str, Disk] = collections.defaultdict(Disk)
        #: The one hash of each entry that anybody has stored or sent.
        self.hashes: dict[Place, bytes] = {}
        #: What each entry says, its room, and where a text stands.
        self.texts: dict[Place, str] = {}
        self.room_of: dict[Place, str] = {}
        self._places: dict[str, set[Place]] = collections.defaultdict(set)
        #: Texts that waited in clear in a home when it was copied, and those that people have sent again.
        self.maybe_twice: set[str] = set()
        #: Whose run writes a stream.
        self._writers: dict[bytes, tuple[str, int]] = {}
        #: What some machine of an identity has on its disk: (PeerId, author, stream) -> numbers.
        self.held: dict[tuple[str, str, bytes], set[int]] = collections.defaultdict(set)
        #: Entries that somebody has deleted.
        self.deleted: set[Place] = set()

    # -- what is committed

    def committed(self, machine: Machine, records: Sequence[e.Record]) -> None:
        disk = self.disks[machine.name]
        rows: list[e.PutRow] = []
        for record in records:
            disk.steps += 1
            match record:
                case e.AddEntry() | e.SignMessage():
                    message = record.message
                    if isinstance(record, e.AddEntry) and message.direction == "out":
                        disk.said_at[message.text] = disk.steps
                    self._stored(machine, disk, message.author, record)
                    self._said(disk, message, (message.author, record.stream, record.n))
                    if isinstance(record, e.SignMessage):
                        assert self._is_admitted(disk, message.text), (
                            f"nobody was told that {message.text} was readable"
                        )
                    self._meant(machine, message)
                case e.AddHeader():
                    self._stored(machine, disk, record.author, record)
                case e.AddMessage():
                    if record.message.direction == "out" and record.message.room.startswith("plain-"):
                        disk.origins[record.message.text] = record.message.room
                    elif record.message.direction == "out":
                        disk.said_at[record.message.text] = disk.steps
                    disk.rooms[record.message.room].add(record.message.text)
                    self._meant(machine, record.message)
                case e.MergeRooms():
                    gone = disk.rooms.pop(record.gone, set())
                    disk.rooms[record.into] |= gone
                    if not record.into.startswith("plain-"):
                        disk.merged_at |= dict.fromkeys(gone, disk.steps)
                case e.PutRow():
                    rows.append(record)
                case e.DeleteRoom():
                    self._delete(disk, record.room)
                case e.PutPeer():
                    disk.soon_nodes.pop(record.peer.id, None)
                    if record.peer.kind == "node" and not record.gone:
                        # What nobody here vouches for, and where it never was, is no one's known address.
                        known = [str(path.address) for path in record.paths if not path.is_hearsay]
                        disk.soon_nodes[record.peer.id] = known
                case e.PutReceipt():
                    self._receipt(disk, machine, record)
                case e.Log():
                    self._note(machine, disk, record.event)
                case _:
                    pass
        for put in rows:
            self._row(disk, (put.author, put.stream), put.row)

    def _stored(
        self, machine: Machine, disk: Disk, author: str, record: e.AddEntry | e.SignMessage | e.AddHeader
    ) -> None:
        stream, n = (author, record.stream), record.n
        assert n not in disk.numbers[stream], f"{machine.name} stores number {n} of {author[:6]} twice"
        known = self.hashes.setdefault((*stream, n), record.hash)
        assert known == record.hash, f"two entries with number {n} in one stream of {author[:6]}"
        if author == machine.id and machine.up and record.stream == self._own_stream(machine, record):
            run = machine.name, machine.life
            assert self._writers.setdefault(record.stream, run) == run, "a stream is used by one run only"
        disk.numbers[stream].add(n)
        self.held[machine.id, author, record.stream].add(n)

    def _is_admitted(self, disk: Disk, text: str) -> bool:
        """What was readable becomes an entry only when people were told, or want it."""
        return text not in disk.left_in_clear or text in disk.readable or text in self.maybe_twice

    def _said(self, disk: Disk, message: nouns.Message, place: Place) -> None:
        self.texts[place], self.room_of[place] = message.text, message.room
        self._places[message.text].add(place)
        disk.signed.add(message.text)
        disk.rooms[message.room].add(message.text)

    def _own_stream(self, machine: Machine, record: e.AddEntry | e.SignMessage | e.AddHeader) -> bytes:
        room = record.room if isinstance(record, e.AddHeader) else record.message.room
        return machine.core._replication._author.stream(room)[1]

    def _meant(self, machine: Machine, message: nouns.Message) -> None:
        """What was meant for one key never gets to another."""
        found = TOKEN.fullmatch(message.text)
        if found is not None and found[3] is not None and message.direction == "in":
            assert machine.name.startswith(found[3]), f"{machine.name} got {message.text}"

    def _row(self, disk: Disk, stream: Stream, row: Row) -> None:
        before = disk.rows.get(stream)
        first = max(row.first, 1 if before is None else before.n + 1)
        missing = [n for n in range(first, row.n + 1) if n not in disk.numbers[stream]]
        assert not missing, f"a row says {row.first} to {row.n}, and {missing} are not on disk"
        assert before is None or row.n >= before.n, "a row never goes back"
        disk.rows[stream] = row

    def _delete(self, disk: Disk, room: str) -> None:
        gone = disk.rooms.pop(room, set())
        disk.deleted |= gone
        for text in gone & disk.signed:
            self.deleted |= {place for place in self._places[text] if place[2] in disk.numbers[place[:2]]}

    def _receipt(self, disk: Disk, machine: Machine, record: e.PutReceipt) -> None:
        """*Delivered* is shown only when a machine of the member has it on its disk."""
        assert record.author == machine.id
        held = self.held[record.member, record.author, record.stream]
        for n in range(disk.receipts.get((record.member, record.stream), 0) + 1, record.n + 1):
            place = record.author, record.stream, n
            assert n in held or place in self.deleted, (
                f"{machine.name} shows {self.texts.get(place)} as delivered, and it isn't on the other disk"
            )
        disk.receipts[record.member, record.stream] = record.n

    def _note(self, machine: Machine, disk: Disk, event: ev.Event) -> None:
        data = event.data
        if isinstance(data, ev.RoomsMerged):
            disk.merged.add(data.room.id)
            if data.gone in disk.uncounted:
                disk.uncounted.add(data.room.id)
        elif isinstance(data, ev.RoomRead) and data.read_upto >= (
            machine.disk.column("SELECT max(id) FROM entry")[0] or 0
        ):
            disk.uncounted.discard(data.room)
            disk.merged.discard(data.room)
        elif isinstance(data, ev.MessageStateChanged) and data.state in ("sending", "failed", "unconfirmed"):
            # What was tried in clear may stand elsewhere in the end.
            disk.reordered.update(machine.disk.column("SELECT text FROM body WHERE entry = ?", data.id))
        elif isinstance(data, ev.MessageStateChanged) and data.state == "waiting" and event.cause is not None:
            self.maybe_twice.update(machine.disk.column("SELECT text FROM body WHERE entry = ?", data.id))

    def let_out(self, machine: Machine) -> None:
        disk = self.disks[machine.name]
        disk.nodes = dict(disk.soon_nodes)

    def lost(self, machine: Machine) -> None:
        disk = self.disks[machine.name]
        disk.uncounted |= disk.merged
        disk.nodes = dict(disk.soon_nodes)

    # -- what leaves

    def said(self, machine: Machine, frame: f.Frame) -> None:
        """What a node tells of itself is on its disk."""
        disk = self.disks[machine.name]
        if isinstance(frame, f.Have):
            for row in frame.rows:
                on_disk = disk.rows.get((row.author, row.stream))
                assert row.n <= (0 if on_disk is None else on_disk.n), f"{machine.name} tells of what isn't on its disk"
        elif isinstance(frame, f.Read | f.Typing):
            found = machine.disk.column("SELECT request FROM room WHERE id = ?", frame.room)
            assert found != [1], f"{machine.name} tells what was read in a request"
        elif isinstance(frame, f.Run):
            for data in frame.headers:
                header = entries.read_header(data)
                place = header.author, header.stream, header.n
                assert header.n in disk.numbers[header.author, header.stream], (
                    f"{machine.name} sends number {header.n}, which isn't on its disk"
                )
                assert self.hashes[place] == entries.header_hash(data), (
                    f"{machine.name} sends another number {header.n}"
                )

    def wrote(self, machine: Machine, end: End, data: bytes) -> None:
        """No text goes in clear to a node's address, and what is an entry goes nowhere in clear."""
        if end.secure or b"#" not in data:
            return
        disk = self.disks[machine.name]
        known = {one for addresses in disk.nodes.values() for one in addresses}
        for found in _TOKEN_BYTES.findall(data):
            text = found.decode()
            disk.left_in_clear.add(text)
            end.texts.add(text)
            assert text not in disk.signed or text in self.maybe_twice, f"the entry {text} leaves in clear"
            assert f"{end.host}:{end.port}" not in known, f"{text} goes in clear to a node at {end.host}:{end.port}"

    def answered_late(self, machine: Machine, end: End) -> None:
        """It is said that what left over this connection was readable."""
        self.disks[machine.name].readable |= end.texts

    def left(self, machine: Machine, end: End) -> None:
        """Of two links that crossed, one stays."""
        end.superseded = True
        others = [one for one in machine.ends.values() if one is not end and one.run == end.run and not one.over]
        crossed = any(one.inbound != end.inbound for one in others)
        assert not crossed or any(not one.twin_superseded for one in others), "both links that crossed are left"

    def replied(self, machine: Machine, result: Any) -> None:
        """What is acknowledged is on disk."""
        if isinstance(result, rq.SendResult):
            disk = self.disks[machine.name]
            for message in result.messages:
                (found,) = machine.disk.column("SELECT count(*) FROM entry WHERE id = ?", message.id)
                assert found or message.text in disk.deleted, f"{message.text} is acknowledged and not on disk"
                disk.acknowledged[message.id] = message.text

    # -- what front ends see

    def replay(self, machine: Machine) -> None:
        """The events on top of the last snapshot give a fresh one."""
        disk, store = self.disks[machine.name], machine.disk
        if store.head <= disk.seen:
            return
        fresh = store.state()
        for event in store.events_after(disk.seen):
            disk.seen += 1
            assert event.seq == disk.seen, "events are numbered without gaps"
            if isinstance(event.data, ev.NodeStarted) and disk.replayed is None:
                disk.replayed = nouns.State(self=event.data.self, settings=event.data.settings)
            assert disk.replayed is not None
            reducer.apply(disk.replayed, event)
        assert disk.replayed == fresh, differences(disk.replayed, fresh)


def differences(replayed: nouns.State | None, fresh: nouns.State) -> str:
    """What the log replayed has other than a fresh snapshot."""
    assert replayed is not None
    found = []
    for kind in ("rooms", "peers", "greetings"):
        ours, theirs = getattr(replayed, kind), getattr(fresh, kind)
        found += [
            f"{ours.get(key)}\n    is on disk {theirs.get(key)}"
            for key in {*ours, *theirs}
            if ours.get(key) != theirs.get(key)
        ]
    return "the log replayed is not what is on disk:\n" + "\n".join(found)
