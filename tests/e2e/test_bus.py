"""The bus of a real node: every subscriber ends with the same complete log, and a snapshot plus events is the truth."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator

import msgspec
import pytest
import zmq

from node.bus import bounds, encoding, following, nouns
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.client import Away, Back, Client, Cursor, Item, Resync
from node.bus.reducer import apply
from node.errors import CommandRefused, NodeAway
from tests.support.old_clients import AncestorConsole, Std
from tests.support.processes import PATIENCE, NodeProcess, Nodes, eventually, free_address, loopback_host


class Subscriber(threading.Thread):
    """Follows a node's log from the start, as a front end does, and keeps what it was given."""

    def __init__(self, node: NodeProcess, *, pause: float = 0.0, cursor: Cursor | None = None) -> None:
        super().__init__(daemon=True)
        self._client = Client(node.home, name="subscriber", timeout=PATIENCE)
        self._pause = pause
        self._cursor = cursor
        self._until: int | None = None
        self.events: list[ev.Event] = []
        self.others: list[Item] = []

    def run(self) -> None:
        follower = self._client.follow(self._cursor)
        while self._until is None or not self.events or (self.events[-1].seq or 0) < self._until:
            item = follower.next(0.1)
            if isinstance(item, ev.Event) and item.seq is not None:
                self.events.append(item)
                time.sleep(self._pause)
            elif item is not None and not isinstance(item, ev.Event):
                self.others.append(item)
        follower.close()

    def finish(self, head: int) -> list[ev.Event]:
        """All events, once this subscriber has seen event `head`."""
        self._until = head
        self.join(PATIENCE)
        assert not self.is_alive(), f"it stands at {self.events[-1].seq if self.events else None}, the head is {head}"
        self._client.close()
        return self.events


def test_ten_subscribers_end_with_the_same_complete_log_whatever_happens(nodes: Nodes) -> None:
    """One is slow, one comes late, and the node is killed and started under them while it is busy."""
    anna = nodes.start("anna")
    start = Cursor("", 0)
    subscribers = [Subscriber(anna, cursor=start) for _ in range(8)] + [Subscriber(anna, cursor=start, pause=0.002)]
    for subscriber in subscribers:
        subscriber.start()
    with Std(loopback_host(), team="OLD") as old:
        for run in range(2):
            for number in range(15):
                old.send(anna.host, anna.port, f"in {run} {number}")
                anna.client.send_all([rq.Outgoing(to=old.address, text=f"out {run} {number} {n}") for n in range(10)])
            anna.kill()
            anna.start()
        late = Subscriber(anna, cursor=start)
        late.start()
        anna.send(old.address, "the last one")
        anna.wait_state(anna.messages(old.address)[-1], "sent", "unconfirmed")
    assert anna.stop() == 0
    anna.start()
    head = anna.client.status().head
    logs = [subscriber.finish(head) for subscriber in (*subscribers, late)]
    assert [event.seq for event in logs[0]] == list(range(1, head + 1)), "complete, in order, each once"
    first = without_states(logs[0])
    for log in logs[1:]:
        assert without_states(log) == first
    assert len({event.log for event in logs[0]}) == 1
    for subscriber in subscribers:
        assert not any(isinstance(item, Resync) for item in subscriber.others)
        ups_and_downs = [type(item) for item in subscriber.others if isinstance(item, Away | Back)]
        # A restart that is over before three heartbeats are missed is no absence.
        assert ups_and_downs == [Away, Back] * (len(ups_and_downs) // 2)


def without_states(events: list[ev.Event]) -> list[ev.Event]:
    """Events as everybody must have seen them: a replay shows a message in the state that it has by then."""
    kept = []
    for event in events:
        if isinstance(event.data, ev.MessageReceived | ev.MessageAccepted):
            message = msgspec.structs.replace(event.data.message, state=None, detail=None, marks=[])
            event = msgspec.structs.replace(event, data=type(event.data)(message=message))
        kept.append(event)
    return kept


# -- snapshot plus events


class Reduced:
    """A snapshot taken at the start, kept up to date by events alone, as they are published.

    Not by pages of the log: those show messages as they are now, so they may be newer than the snapshot to compare
    with, while the node goes on.
    """

    def __init__(self, node: NodeProcess) -> None:
        self._node = node
        taken = node.client.snapshot()
        self.state, self.seq = taken.state, taken.seq
        self._follower = node.client.follow(Cursor(taken.log, taken.seq))
        while (item := self._follower.next(0.2)) is not None:
            self._take(item)

    def _take(self, item: Item | None) -> None:
        assert item is None or isinstance(item, ev.Event), item
        if item is not None and item.seq is not None:
            assert item.seq == self.seq + 1
            apply(self.state, item)
            self.seq = item.seq

    def upto(self, seq: int) -> nouns.State:
        deadline = time.monotonic() + PATIENCE
        while self.seq < seq:
            assert time.monotonic() < deadline, f"event {self.seq + 1} never came"
            self._take(self._follower.next(0.5))
        return self.state

    def agrees(self) -> None:
        """Compare with a fresh snapshot now, while the node runs and goes on."""
        snapshot = self._node.fresh_snapshot()
        assert self.upto(snapshot.seq) == snapshot.state


@pytest.fixture
def nobody_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is silent because the machine is busy is waited for: what `Reduced` sees has no absences."""
    monkeypatch.setattr(following, "DOUBT_S", PATIENCE)


@pytest.mark.usefixtures("nobody_is_away")
def test_apply_of_snapshot_and_events_is_a_fresh_snapshot_for_every_command(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    client = anna.client
    reduced = Reduced(anna)
    done = {"snapshot", "events"}

    def did(*ops: str) -> None:
        done.update(ops)
        reduced.agrees()

    with Std(loopback_host(), team="STD") as std, AncestorConsole(loopback_host(), team="ANC") as ancestor:
        client.hello()
        client.stats()
        client.status()
        client.config()
        did("hello", "stats", "status", "config")
        sent = client.send(std.address, "hello there, old friend")
        anna.wait_state(sent, "sent")
        did("send")
        assert [one.state for one in client.delivery(sent.id).recipients] == ["sent"]
        did("delivery")
        client.connect(ancestor.address)
        anna.wait_for_peer(ancestor.address, link="online")
        did("connect")
        std.send(anna.host, anna.port, "one two three")
        std.send(anna.host, anna.port, "x" * 400)
        anna.wait_count(std.address, 2)
        # Consumers are no part of the snapshot, and make no events.
        before = client.snapshot()
        client.consumer_create("bot", since=0)
        assert [event.seq for event in client.consumer_next("bot", 2).events] == [1, 2]
        client.consumer_acknowledge("bot", 2)
        assert [one.position for one in client.consumers()] == [2]
        client.consumer_drop("bot")
        client.report(1)
        client.trust_clock()
        assert not [one for one in client.events(before.seq).events if one.cause is not None]
        did("consumer_create", "consumer_next", "consumer_acknowledge", "consumers", "consumer_drop", "report")
        did("trust_clock")
        room = client.peers().peers[0].room if client.peers().peers[0].name == "STD" else client.peers().peers[1].room
        first = next(one for one in client.history(room).messages if one.direction == "in")
        client.search("three")
        did("history", "search", "peers")
        client.mark_read(room, first.id)
        reduced.agrees()
        client.mark_read(room)
        did("mark_read")
        gone = free_address()
        lost = client.send(gone, "never to arrive")
        anna.wait_for_peer(gone, link="offline")
        reduced.agrees()
        client.forget(gone)
        assert anna.wait_state(lost, "failed").detail
        did("forget")
        client.resend(lost.id)
        did("resend")
        client.disconnect(ancestor.address)
        anna.wait_for_peer(ancestor.address, link="offline")
        did("disconnect")
        client.settings(name="Änne", reconnect=False)
        did("settings")
        client.rename(gone, "nobody")
        did("rename")
        client.merge(gone, std.address)
        did("merge")
        client.delete(std.address)
        did("delete")
        namesakes = [nodes.start("bert"), nodes.start("bert")]
        for node in namesakes:
            client.connect(node.address)
            anna.wait_for_peer(node.address, link="online", kind="node")
        encrypted = client.send(namesakes[0].address, "which of you?")
        anna.wait_state(encrypted, "delivered")
        reduced.agrees()
        assert [link.direction for link in client.links(namesakes[0].address)] == ["out"]
        client.typing(encrypted.room)
        client.typing(encrypted.room, stopped=True)
        did("links", "typing")
        doubtful = anna.peer(namesakes[1].address)
        assert doubtful is not None
        assert doubtful.warning is not None
        assert client.trust(doubtful.id).warning is None
        did("trust")
        assert client.verify(doubtful.id, doubtful.code).verified
        assert not client.unverify(doubtful.id).verified
        did("verify", "unverify")
        for decision in ("accept", "refuse"):
            stranger = nodes.start(f"nobody who is {decision}ed")
            stranger.send(anna.address, "do you know me?")

            def asks(name: str = stranger.name) -> str | None:
                rooms = client.snapshot().state.rooms.values()
                return next((room.peer for room in rooms if room.request and room.last and room.name == name), None)

            who = eventually(asks, "a request waits")
            reduced.agrees()
            client.block(who)
            reduced.agrees()
            client.unblock(who)
            did("block", "unblock")
            getattr(client, decision)(who)
            did(decision)
            namesakes.append(stranger)
        invited = nodes.start("invited")
        client.add(invited.client.invite().link)
        anna.wait_for_peer(invited.address, link="online", kind="node")
        client.invite()
        did("invite", "add")
        client.settings(presence="away", status="at lunch", static_peers=[invited.address])
        reduced.agrees()
        client.paths(invited.client.hello().node)
        client.nearby()
        client.doctor()
        did("paths", "nearby", "doctor")
        client.settings(static_peers=[])
        namesakes.append(invited)
        for node in namesakes:
            if anna.peer(node.address) is not None:
                client.disconnect(node.address)
            node.stop()
            if anna.peer(node.address) is not None:
                client.delete(node.address)
        reduced.agrees()
        std.send(anna.host, anna.port, "begins anew")
        anna.wait_heard(std.address, ["begins anew"])
        reduced.agrees()
        with AncestorConsole(loopback_host(), team="EARLY", connect_first=False) as early:
            # Known by its address, then by its name only, until its CONNECT makes one conversation of both.
            client.connect(early.address, "snicher")
            anna.wait_for_peer(early.address, link="online")
            early.wait_for(lambda c: anna.address in c.peers)
            client.disconnect(early.address)
            early.wait_for(lambda c: c.last_read == b"exit")
            early._connections.clear()
            early.send(anna.host, anna.port, "before CONNECT")
            eventually(lambda: any(p.name == "EARLY" for p in client.peers().peers))
            reduced.agrees()
            early.connect(anna.host, anna.port)
            anna.wait_heard(early.address, ["before CONNECT"])
            reduced.agrees()
            early.leave()
            anna.wait_for_peer(early.address, link="offline")
            reduced.agrees()
        client.stop()
        assert anna.wait() == 0
    done.add("stop")
    stopped = anna.fresh_snapshot()
    anna.start()
    assert reduced.upto(stopped.seq) == stopped.state
    anna.kill()
    crashed = anna.fresh_snapshot()
    anna.start()
    assert reduced.upto(crashed.seq) == crashed.state
    reduced.agrees()
    assert done == set(rq.COMMANDS)


@pytest.mark.usefixtures("nobody_is_away")
def test_apply_keeps_up_with_a_busy_node(anna: NodeProcess) -> None:
    reduced = Reduced(anna)
    rng = random.Random(5)
    with Std(loopback_host(), team="BUSY") as old:
        busy = threading.Event()

        def talk() -> None:
            while not busy.is_set():
                old.send(anna.host, anna.port, f"number {rng.random()}")

        talker = threading.Thread(target=talk)
        talker.start()
        try:
            for number in range(4):
                anna.client.send_all([rq.Outgoing(to=old.address, text=f"{number} {n}") for n in range(20)])
                reduced.agrees()
        finally:
            busy.set()
            talker.join()


# -- commands


@pytest.fixture
def raw(anna: NodeProcess) -> Iterator[zmq.Socket[bytes]]:
    """A REQ socket by hand, as in any other language."""
    endpoint = anna.endpoint
    assert endpoint is not None
    context = zmq.Context()
    request = context.socket(zmq.REQ)
    request.setsockopt(zmq.LINGER, 0)
    request.connect(endpoint.commands)
    yield request
    context.destroy(linger=0)


def ask(raw: zmq.Socket[bytes], command: object) -> en.Reply:
    raw.send(command if isinstance(command, bytes) else json.dumps(command).encode())
    assert raw.poll(PATIENCE * 1000), "every command gets a reply"
    return msgspec.json.decode(raw.recv(), type=en.Reply)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b"x" * (bounds.MAX_COMMAND_BYTES + 1), "too_large"),
        ({"v": 1, "id": "1"}, "malformed"),
        ({"v": 9, "id": "1", "op": "status"}, "unsupported_version"),
        ({"v": 1, "id": "1", "op": "fly"}, "unknown_op"),
        ({"v": 1, "id": "1" * 200, "op": "status"}, "malformed"),
        ({"v": 1, "id": "1", "op": "send", "args": {"messages": [{"to": 5, "text": ""}]}}, "invalid_args"),
        ({"v": 1, "id": "1", "op": "send", "args": {"messages": []}}, "invalid_args"),
        ({"v": 1, "id": "1", "op": "history", "args": {"room": "x", "before": 1, "after": 1}}, "invalid_args"),
        ({"v": 1, "id": "1", "op": "events", "args": {"since": 10**9}}, "cursor_ahead"),
    ],
)
def test_a_bad_command_gets_an_error_and_harms_nobody(
    anna: NodeProcess, raw: zmq.Socket[bytes], command: object, code: str
) -> None:
    reply = ask(raw, command)
    assert not reply.ok
    assert reply.error is not None
    assert reply.error.code == code
    assert ask(raw, {"v": 1, "id": "after", "op": "status"}).ok


def test_replies_come_in_time_while_peers_stall(anna: NodeProcess) -> None:
    """One takes a connection and reads nothing, one doesn't even take it: they hold up nobody but themselves."""
    with socket.socket() as deaf, socket.socket() as full, contextlib.ExitStack() as waiting:
        for listener in (deaf, full):
            listener.bind((loopback_host(), 0))
            listener.listen(0)
        for _ in range(4):
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        for stalled in (deaf, full):
            address = "{}:{}".format(*stalled.getsockname())
            anna.client.connect(address, "snicher")
            anna.client.send_all([rq.Outgoing(to=address, text="x" * 60_000) for _ in range(20)])
        anna.wait_for_peer("{}:{}".format(*deaf.getsockname()), link="online")
        for _ in range(40):
            anna.client.status()
        assert anna.wait_for_peer("{}:{}".format(*full.getsockname())).link in ("connecting", "offline")


def test_a_key_makes_a_repeated_command_take_effect_once(anna: NodeProcess) -> None:
    address = free_address()
    key = uuid.uuid4().hex
    first = anna.client.send_all([rq.Outgoing(to=address, text="once")], key=key)
    again = anna.client.send_all([rq.Outgoing(to=address, text="once")], key=key)
    assert [one.id for one in again] == [one.id for one in first]
    assert [one.text for one in anna.messages(address)] == ["once"]
    with pytest.raises(CommandRefused) as refused:
        anna.client.send_all([rq.Outgoing(to=address, text="twice")], key=key)
    assert refused.value.code == "key_reused"


def test_a_key_survives_a_crash(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    address, key = free_address(), uuid.uuid4().hex
    first = anna.client.send_all([rq.Outgoing(to=address, text="once")], key=key)
    anna.kill()
    anna.start()
    assert anna.client.send_all([rq.Outgoing(to=address, text="once")], key=key)[0].id == first[0].id
    assert [one.text for one in anna.messages(address)] == ["once"]


def test_reply_head_covers_the_command_s_own_events(anna: NodeProcess) -> None:
    before = anna.client.status().head
    sent = anna.send(free_address(), "mine")
    head = anna.client.head
    own = [event for event in anna.client.events(before).events if event.type == "MessageAccepted"]
    assert [event.data.message.id for event in own] == [sent.id]
    assert before < (own[0].seq or 0) <= head
    assert own[0].cause is not None
    assert own[0].cause.client == "test"


def test_the_bus_on_tcp_lets_in_who_has_a_key_and_nobody_else(nodes: Nodes) -> None:
    anna = nodes.start("anna", arguments=["--bus", "tcp://127.0.0.1:0"])
    endpoint = anna.endpoint
    assert endpoint is not None
    assert endpoint.commands.startswith("tcp://")
    assert "127.0.0.1" in endpoint.commands
    assert (anna.home / "bus.json").stat().st_mode & 0o777 == 0o600
    assert anna.client.status().ready
    follower = anna.client.follow()
    assert isinstance(follower.next(PATIENCE), Resync)
    follower.close()
    bare = msgspec.structs.replace(endpoint, server_key=None, client_key=None, client_secret=None)
    (other := nodes.folder / "other").mkdir()
    (other / "bus.json").write_bytes(encoding.encode(bare))
    with Client(other, timeout=1.0) as stranger, pytest.raises(NodeAway):
        stranger.status()
    public, secret = zmq.curve_keypair()
    allowed = msgspec.structs.replace(endpoint, client_key=public.decode(), client_secret=secret.decode())
    (other / "bus.json").write_bytes(encoding.encode(allowed))
    with Client(other, timeout=1.0) as stranger, pytest.raises(NodeAway):
        stranger.status()
    (anna.home / "bus" / "clients" / "friend.key").write_bytes(public)
    with Client(other) as friend:
        assert friend.status().ready


def test_a_snapshot_in_small_pages_is_the_whole_though_the_node_goes_on(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    client = anna.client
    for _ in range(6):
        client.send(free_address(), "to nobody")

    def begun() -> list[tuple[rq.SnapshotResult, rq.SnapshotResult]]:
        """The whole, and the first page of it. Peers that can't be reached make events meanwhile."""
        whole, first = anna.fresh_snapshot(), client.request("snapshot", rq.SnapshotArgs(limit=2))
        if whole.seq == first.seq:
            return [(whole, first)]
        # One that doesn't fit is gone through to its end: only a few may be open at once.
        page = first
        while page.next is not None:
            page = client.request("snapshot", rq.SnapshotArgs(limit=2, page=page.next))
        return []

    before, first = eventually(begun, "it stands still for a moment")[0]
    assert len(first.state.rooms) == 2 and first.next is not None
    client.send(free_address(), "to somebody new")
    found = first
    while found.next is not None:
        found = client.request("snapshot", rq.SnapshotArgs(limit=2, page=found.next))
        first.state.rooms.update(found.state.rooms)
        first.state.peers.update(found.state.peers)
        assert {one.peer for one in found.live.next_tries} <= set(found.state.peers)
    assert (first.state, first.seq) == (before.state, before.seq)
    with pytest.raises(CommandRefused) as refused:
        client.request("snapshot", rq.SnapshotArgs(page=first.next))
    assert (refused.value.code, refused.value.retryable) == ("snapshot_gone", True)
    page = client.request("peers", rq.PeersArgs(limit=3))
    assert (len(page.peers), page.more) == (3, True)
    anna.check_disk()
