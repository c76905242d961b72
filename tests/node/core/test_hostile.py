"""What a node that proves its key and means no good can do with frames: bounded memory and time, others unaffected."""

from __future__ import annotations

import time

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import asking, quotas, replication, secure, syncs
from node.core import effects as e
from node.core import stimuli as s
from node.model import Address, Position
from node.protocol import entries
from node.protocol.secure import frames as f
from tests.node.core.nodes import Net, Station
from tests.support.authors import write_entry

#: The node's link with the hostile one.
LINK = 100
#: The fastest that this machine must be: a flood of a megabyte takes less than so many seconds, with room to spare.
PATIENCE = 5.0


class Hostile:
    """A node that says over an open link whatever it likes. `said` is what came back."""

    def __init__(self, anna: Station, mallory: Station, link: int = LINK, now: int | None = None) -> None:
        self.anna, self.mallory, self.link = anna, mallory, link
        self.room = anna.room(mallory)
        self.said: list[e.Effect] = []
        hello = f.Hello(
            [2], mallory.instance, link.to_bytes(16, "big"), mallory.name, 5000, anna.now if now is None else now, []
        )
        self._note(anna.give(s.Secured(link, "in", mallory.address.host, mallory.id, hello, 2)))

    def say(self, *frames: f.Frame) -> list[e.Effect]:
        """Say frames in one read; returns what followed."""
        found = self.anna.give(s.Framed(self.link, list(frames), sum(len(f.encode(one)) for one in frames)))
        self._note(found)
        return found

    def _note(self, effects: list[e.Effect]) -> None:
        self.said += effects

    def frames(self, effects: list[e.Effect]) -> list[f.Frame]:
        return [one.frame for one in effects if isinstance(one, e.Say) and one.link == self.link]

    @property
    def session(self) -> replication.Session | None:
        return self.anna.core._replication._sessions.get(self.link)

    @property
    def sync(self) -> replication.Sync:
        assert self.session is not None
        return self.session.rooms[self.room]


def hostile() -> tuple[Station, Hostile]:
    net = Net()
    anna, mallory = net.add("anna"), net.add("mallory")
    del net.stations[mallory.address]
    return anna, Hostile(anna, mallory)


def stream(number: int) -> bytes:
    return number.to_bytes(16, "big")


def rows(author: str, start: int, count: int = f.MAX_ROWS, n: int = 7) -> list[f.Told]:
    """Rows of made-up streams."""
    return [f.Told(author, stream(number), 1, n, bytes(32)) for number in range(start, start + count)]


def run(mallory: Station, room: str, number: int, *, n: int = 1, signed: bool = True, prev: bytes = bytes(32)) -> f.Run:
    """A RUN of one entry in a stream of its own."""
    last = None if n == 1 else Position(n - 1, prev)
    entry = write_entry(mallory.key, room, stream(number), last, 5, "text", entries.text_body("spam"))
    signature = entry.signature if signed else bytes(64)
    assert signature is not None
    return f.Run(room, [entry.header_bytes], [entry.body], signature)


# -- memory


def test_made_up_rows_are_kept_up_to_a_bound_and_none_is_written_to_disk() -> None:
    anna, mallory = hostile()
    began = time.monotonic()
    for number in range(10):
        for author in (anna.id, mallory.mallory.id):
            mallory.say(f.Have(mallory.room, rows(author, number * f.MAX_ROWS)))
    assert time.monotonic() - began < PATIENCE
    asked = anna.core._replication._asking._asked
    assert len(mallory.sync.theirs) == len(mallory.sync.firsts) == syncs.MAX_CLAIMED
    assert len(asked) <= syncs.MAX_CLAIMED
    assert len(mallory.frames(mallory.said)) <= syncs.MAX_CLAIMED + 10
    assert mallory.session is not None
    assert mallory.session.dropped == 20 * f.MAX_ROWS - syncs.MAX_CLAIMED
    assert anna.disk.receipts == {}
    assert anna.disk.vector == {}


def test_the_same_rows_again_and_again_cost_no_more_than_their_own_bytes() -> None:
    _, mallory = hostile()
    other = mallory.mallory.id
    mallory.say(f.Have(mallory.room, rows(other, 0)), f.Have(mallory.room, rows(other, 4_000)))
    began = time.monotonic()
    for number in range(3_000):
        assert mallory.frames(mallory.say(f.Have(mallory.room, rows(other, number, 1)))) == []
    assert time.monotonic() - began < PATIENCE


def test_asking_others_for_made_up_rows_costs_the_same_however_many_are_linked() -> None:
    anna, mallory = hostile()
    for number in range(300):
        Hostile(anna, anna.net.add(f"carl{number}"), LINK + 1 + number)
    for number in range(2):
        mallory.say(f.Have(mallory.room, rows(mallory.mallory.id, number * f.MAX_ROWS)))
    anna.net.now += asking.ASK_AGAIN_MS
    began = time.process_time()
    assert mallory.frames(anna.give(s.Ticked())) == []
    assert time.process_time() - began < 0.1


def test_rows_of_others_and_of_other_rooms_are_dropped_and_counted() -> None:
    anna, mallory = hostile()
    bob = anna.net.add("bob")
    anna.net.link(anna, bob)
    anna.send(bob, "for bob alone")
    anna.send(mallory.mallory, "for mallory")
    before = len(mallory.said)
    mallory.say(
        f.Have(anna.room(bob), rows(bob.id, 0, 1)),
        f.Have(mallory.room, rows(bob.id, 0, 1)),
        f.Digest([(anna.room(bob), bytes(32))]),
        f.Want(anna.room(bob), anna.id, anna.core._replication._author.stream(anna.room(bob))[1], 0, True),
        f.Want(mallory.room, bob.id, stream(1), 0, True),
        f.Stop(anna.room(bob), anna.id, stream(1)),
    )
    assert mallory.session is not None
    assert mallory.session.dropped == 6
    assert mallory.said[before:] == []


def test_runs_behind_a_gap_in_streams_that_nobody_told_of_are_asked_for_by_nobody() -> None:
    anna, mallory = hostile()
    for number in range(300):
        mallory.say(run(mallory.mallory, mallory.room, number, n=9, signed=False))
    assert anna.core._replication._asking._asked == {}
    assert not [frame for frame in mallory.frames(mallory.said) if isinstance(frame, f.Want)]


def test_a_digest_is_answered_once_a_link_however_often_it_is_said() -> None:
    _, mallory = hostile()
    for number in range(50):
        mallory.say(run(mallory.mallory, mallory.room, number))
    digest = f.Digest([(mallory.room, number.to_bytes(32, "big")) for number in range(f.MAX_ROOMS)])
    began = time.monotonic()
    answer = mallory.frames(mallory.say(digest, digest))
    assert time.monotonic() - began < PATIENCE
    assert [len(frame.rows) for frame in answer if isinstance(frame, f.Have)] == [50]
    assert len(answer) == 1
    assert mallory.session is not None
    assert mallory.session.dropped == 2 * f.MAX_ROOMS - 1


@pytest.mark.parametrize("seconds", [(6,), (0,), (6, 0)])
def test_front_ends_are_told_a_few_times_a_second_that_somebody_types_however_often_it_is_said(
    seconds: tuple[int, ...],
) -> None:
    anna, mallory = hostile()
    for _ in range(500):
        mallory.say(*(f.Typing(mallory.room, one) for one in seconds))
    told = sum(isinstance(event.data, ev.Typing) for event in anna.told)
    assert (6 in seconds) <= told <= 2


# -- the disk


class Slow(Net):
    """Nothing is read from disk until `serve`."""

    def __init__(self) -> None:
        super().__init__()
        self.serves: list[tuple[Station, e.Serve]] = []

    def perform(self, station: Station, act: e.Effect) -> None:
        if isinstance(act, e.Serve):
            self.serves.append((station, act))
        else:
            super().perform(station, act)

    def serve(self) -> None:
        serves, self.serves = self.serves, []
        for station, act in serves:
            super().perform(station, act)


@pytest.mark.parametrize("with_stop", [False, True])
def test_however_often_a_stream_is_wanted_one_read_from_disk_is_under_way(with_stop: bool) -> None:
    net = Slow()
    anna, other = net.add("anna"), net.add("mallory")
    del net.stations[other.address]
    mallory = Hostile(anna, other)
    anna.send(other, *(f"text {number}" for number in range(5)))
    author, own = anna.core._replication._author.stream(mallory.room)
    anna.begin()
    mallory = Hostile(anna, other, LINK + 1)
    want, stop = f.Want(mallory.room, author, own, 0, False), f.Stop(mallory.room, author, own)
    for _ in range(200):
        mallory.say(*([want, stop] if with_stop else [want, want]))
    assert len(net.serves) == 1
    mallory.say(f.Want(mallory.room, author, own, 3, False))
    net.serve()
    # The last question counts.
    assert [act.after for _, act in net.serves] == [3]
    net.serve()
    assert net.serves == []
    mallory.say(want, stop)
    assert len(net.serves) == 1
    net.serve()
    assert net.serves == []
    assert (author, own) not in mallory.sync.feeds


# -- entries


def forged(mallory: Hostile, what: str) -> f.Run:
    anna, other, room = mallory.anna, mallory.mallory, mallory.room
    good = run(other, room, 1)
    if what == "not signed":
        return run(other, room, 1, signed=False)
    if what == "another body":
        return f.Run(room, good.headers, [entries.text_body("changed on the way")], good.signature)
    if what == "another header":
        return f.Run(room, [good.headers[0].replace(b"\x05\xa4text", b"\x06\xa4text")], good.bodies, good.signature)
    if what == "in our name":
        _, data = entries.next_header(anna.id, room, stream(1), None, 5, "text", b"\x80")  # type: ignore[arg-type]
        return f.Run(room, [data], [b"\x80"], other.key.sign(entries.CONTEXT + data))
    if what == "by a third":
        third = Net().add("carl")
        return run(third, room, 1)
    if what == "of another room":
        return f.Run(room, run(other, "direct:" + "0" * 64, 1).headers, good.bodies, good.signature)
    if what == "no header":
        return f.Run(room, [b"\x91" * 500], [None], bytes(64))
    assert what == "another chain"
    return run(other, room, 1, n=2, prev=b"x" * 32)


FORGERIES = [
    "not signed", "another body", "another header", "in our name", "by a third", "of another room", "no header",
    "another chain",
]  # fmt: skip


@pytest.mark.parametrize("what", FORGERIES)
def test_forged_and_changed_entries_are_refused_said_once_and_end_the_link_when_they_go_on(what: str) -> None:
    anna, mallory = hostile()
    if what == "another chain":
        mallory.say(run(mallory.mallory, mallory.room, 1))
    before = anna.texts(mallory.mallory)
    for _ in range(syncs.MAX_REFUSED - 1):
        assert not [one for one in mallory.say(forged(mallory, what)) if isinstance(one, e.Record)]
    assert mallory.session is not None
    assert not [one for one in mallory.said if isinstance(one, e.HangUp)]
    mallory.say(*[forged(mallory, what)] * 50)
    assert [(one.link, one.code) for one in mallory.said if isinstance(one, e.HangUp)] == [(LINK, 4)]
    assert mallory.session is None
    assert anna.texts(mallory.mallory) == before
    said = [event.data.what for event in anna.told if event.type == "ConnectionNoticed"]
    assert len(said) == 2
    assert "Refused entries" in said[0]
    assert "Ended" in said[1]


def test_nobody_gets_a_receipt_for_more_than_was_written() -> None:
    anna, mallory = hostile()
    anna.send(mallory.mallory, "one")
    author, own = anna.core._replication._author.stream(mallory.room)
    mallory.say(f.Have(mallory.room, [f.Told(author, own, 1, 2**62, bytes(32))]))
    assert anna.states(mallory.mallory) == ["waiting"]
    # In a stream of an earlier run a claim counts up to what was written.
    anna.begin()
    mallory = Hostile(anna, mallory.mallory, LINK + 1)
    mallory.say(f.Have(mallory.room, [f.Told(author, own, 1, 2**62, bytes(32))]))
    assert anna.disk.receipts == {(mallory.room, mallory.mallory.id, own): 1}


def test_a_stranger_s_entries_count_for_the_quota_like_messages_however_few_runs_they_come_in() -> None:
    anna, mallory = hostile()
    last, headers, bodies = None, [], []
    for number in range(100):
        body = entries.text_body("")
        entry = write_entry(mallory.mallory.key, mallory.room, stream(1), last, number, "text", body)
        headers.append(entry.header_bytes)
        bodies.append(entry.body)
        last, signature = Position(entry.header.n, entry.hash), entry.signature
    assert signature is not None
    mallory.say(f.Run(mallory.room, headers, bodies, signature))
    assert len(anna.texts(mallory.mallory)) == 100
    costs = anna.core._quotas._days
    assert set(costs) == {mallory.mallory.address.host, mallory.mallory.id}
    assert all(cost >= 100 * quotas.MESSAGE_COST for _, cost in costs.values())


def test_a_stranger_with_many_addresses_has_one_quota() -> None:
    anna, mallory = hostile()
    anna.core._quotas._quota = 10_000
    for number in range(1, 40):
        address = Address(f"10.1.0.{number}", 5000)
        mallory.mallory.address = address
        link = Hostile(anna, mallory.mallory, LINK + number)
        link.say(f.Stop(mallory.room, mallory.mallory.id, stream(1)))
        if number < 39:
            anna.give(s.Closed(LINK + number, None))
    assert mallory.mallory.id in anna.core._quotas.shut_out
    assert not any(host.startswith("10.1.") for host in anna.core._quotas.shut_out)
    bye = next(one for one in link.said if isinstance(one, e.HangUp))
    assert (bye.link, bye.code, bye.text) == (LINK + 39, 5, quotas.USED_UP)


def test_links_of_a_stranger_that_come_and_go_without_end_count_for_the_quota() -> None:
    anna, mallory = hostile()
    links = anna.core._quotas._quota = 100 * quotas.MESSAGE_COST
    for number in range(1, links):
        if anna.core.shut_out():
            break
        anna.give(s.Closed(LINK + number - 1, None))
        Hostile(anna, mallory.mallory, LINK + number)
    assert number <= 100 // quotas.LINK_SAID
    assert list(anna.core.shut_out()) == [mallory.mallory.address.host]


def test_a_door_that_opens_and_shuts_again_and_again_is_told_of_a_few_times() -> None:
    anna, mallory = hostile()
    head = anna.disk.head
    mallory.say(*(f.Door(mallory.room, number % 2) for number in range(1_000)))
    mallory.say(f.Door("direct:of others", 1))
    assert anna.disk.head - head <= syncs.MAX_DOORS


def test_a_door_in_a_state_that_nobody_knows_changes_nothing() -> None:
    anna, mallory = hostile()
    mallory.say(f.Door(mallory.room, 1))
    refusal = anna.peer(mallory.mallory).refusal
    assert refusal is not None
    mallory.say(f.Door(mallory.room, 7))
    assert anna.peer(mallory.mallory).refusal == refusal
    mallory.say(f.Door(mallory.room, 0))
    assert anna.peer(mallory.mallory).refusal is None


# -- identities


def test_strangers_have_no_vote_against_a_clock_that_works() -> None:
    net = Net()
    anna = net.add("anna")
    for number in range(5):
        Hostile(anna, net.add(f"mallory{number}"), LINK + number, now=2**48 - 1)
    assert anna.core._ledger.clock.correction == 0


def test_one_identity_has_a_bounded_number_of_links() -> None:
    anna, mallory = hostile()
    for number in range(1, 30):
        link = Hostile(anna, mallory.mallory, LINK + number)
    assert len(anna.core._replication._sessions) == secure.MAX_OF_PEER
    assert [(one.link, one.code) for one in link.said if isinstance(one, e.HangUp)] == [(LINK + 29, 5)]


def test_another_machine_of_ours_brings_nothing_into_a_conversation_that_is_deleted_here() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    twin = net.add("twin", key="anna")
    net.link(anna, twin)
    net.settle()
    anna.ask("delete", rq.PeerArgs(peer=bob.id))
    link = next(number for number, one in anna.core._replication._sessions.items() if one.peer == anna.id)
    anna.give(s.Framed(link, [run(twin, anna.room(bob), 1)], 100))
    assert anna.core._replication._sessions[link].dropped == 1
