"""The client: one effect for one command, and every event once and in order, whatever goes wrong between."""

from __future__ import annotations

import asyncio
import pathlib
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from node.bus import bounds, encoding, following, locate, nouns
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.client import Away, Back, Client, Cursor, Follower, Item, Resync
from node.bus.sockets import CommandSocket
from node.errors import BusProtocolError, CommandRefused, NodeAway
from tests.support.bus_fakes import PATIENCE, FakeBus, numbers

#: Longer than a test may take: who waits that long fails.
NEVER_S = 3600.0
#: What waits for this is never let go.
NEVER = threading.Event()


# -- commands


def test_twenty_threads_share_one_client_and_each_gets_its_own_answer(bus: FakeBus, client: Client) -> None:
    def talk(thread: int) -> list[str]:
        return [client.send("room", f"{thread}/{number}").text for number in range(20)]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(talk, range(20)))
    assert answers == [[f"{thread}/{number}" for number in range(20)] for thread in range(20)]
    assert len(bus.effects) == len(set(bus.effects)) == 400


@pytest.fixture
def free() -> Iterator[threading.Event]:
    """Set, it lets the answers go that wait for it."""
    event = threading.Event()
    yield event
    event.set()


def test_a_command_with_a_key_takes_effect_once_though_its_replies_are_lost(
    bus: FakeBus, client: Client, lost: list[threading.Event]
) -> None:
    assert client.send("room", "hello").text == "hello"
    assert (bus.effects, lost) == (["hello"], [])
    assert len(bus.commands) >= 2
    assert len({(command.id, command.key) for command in bus.commands}) == 1


def test_a_command_without_a_key_is_never_repeated(bus: FakeBus, client: Client, free: threading.Event) -> None:
    # It is connected: what is given up is on its way by then.
    assert client.status().ready
    bus.held = [free]
    args = rq.SendArgs(messages=[rq.Outgoing(to="room", text="hello")])
    with pytest.raises(NodeAway):
        client.request("send", args, timeout=1.0)
    free.set()
    assert client.status().ready
    assert bus.effects == ["hello"]
    assert [command.op for command in bus.commands].count("send") == 1


def test_a_late_reply_is_not_taken_for_the_next_commands(bus: FakeBus, client: Client, free: threading.Event) -> None:
    bus.held = [free]
    with pytest.raises(NodeAway):
        client.request("send", rq.SendArgs(messages=[rq.Outgoing(to="r", text="late")]), timeout=0.1)
    free.set()
    assert client.send("r", "next").text == "next"


def test_a_node_that_hangs_is_away_when_the_time_is_up(bus: FakeBus) -> None:
    bus.held = [NEVER] * 10
    with Client(bus.home, timeout=0.6) as client:
        begun = time.monotonic()
        with pytest.raises(NodeAway, match="doesn't answer"):
            client.status()
        assert time.monotonic() - begun > 0.5


def test_who_waits_for_other_threads_too_long_sends_nothing(bus: FakeBus, free: threading.Event) -> None:
    bus.held = [free]
    with Client(bus.home, timeout=PATIENCE) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.request, "send", rq.SendArgs(messages=[rq.Outgoing(to="r", text="first")]))
        wait_until(lambda: bus.effects == ["first"])
        with pytest.raises(NodeAway, match="other commands"):
            client.request("send", rq.SendArgs(messages=[rq.Outgoing(to="r", text="second")]), timeout=0.1)
        free.set()
        assert first.result(PATIENCE).messages[0].text == "first"
        assert client.status().ready
    assert bus.effects == ["first"]


def test_no_node_and_a_dead_one_are_away_at_once(tmp_path: pathlib.Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with Client(tmp_path, timeout=NEVER_S) as client:
        with pytest.raises(NodeAway, match="No node is running"):
            client.status()
        stale = nouns.Endpoint(
            v=1, versions=[1], events=f"ipc://{tmp_path}/e", commands=f"ipc://{tmp_path}/c", log="l",
            pid=process.pid, program="0", started=1,
        )  # fmt: skip
        locate.write_endpoint(tmp_path, stale)
        with pytest.raises(NodeAway, match="without a good-bye"):
            client.send("room", "hello")


def test_a_stale_bus_json_of_a_living_process_ends_with_the_timeout(bus: FakeBus) -> None:
    bus.stop(gracefully=False)
    with Client(bus.home, timeout=0.5) as client, pytest.raises(NodeAway, match="doesn't answer"):
        client.status()


def test_a_node_that_dies_while_it_is_asked_is_away_before_the_time_is_up(bus: FakeBus) -> None:
    process = subprocess.Popen(["sleep", "60"])
    bus.stop()
    bus.pid = process.pid
    bus.start()
    bus.held = [NEVER]
    with Client(bus.home, timeout=NEVER_S) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.send, "room", "hello")
        wait_until(lambda: bool(bus.effects))
        process.kill()
        process.wait()
        with pytest.raises(NodeAway, match="without a good-bye"):
            answer.result(PATIENCE)


def test_a_node_that_was_replaced_is_found_at_its_new_endpoints(bus: FakeBus, client: Client) -> None:
    assert client.status().ready
    bus.stop()
    with pytest.raises(NodeAway):
        client.status()
    bus.sockets = "elsewhere"
    bus.start()
    assert client.status().ready
    # The same endpoints and another process: the old connection is no longer used.
    bus.stop()
    bus.start()
    assert client.send("room", "again").text == "again"


def test_a_node_that_is_replaced_while_a_read_waits_answers_it(bus: FakeBus, client: Client) -> None:
    bus.held = [NEVER]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.status)
        wait_until(lambda: bool(bus.commands))
        endpoint = locate.read_endpoint(bus.home)
        with FakeBus(bus.home, sockets="other") as other:
            assert locate.read_endpoint(bus.home) != endpoint
            assert answer.result(PATIENCE).ready
            assert {command.op for command in other.commands} == {"status"}


def test_a_refusal_comes_with_its_code_and_details(bus: FakeBus, client: Client) -> None:
    with pytest.raises(CommandRefused) as refused:
        client.events(99)
    assert (refused.value.code, refused.value.retryable, refused.value.details) == ("cursor_ahead", False, {"head": 0})


def test_a_command_that_is_too_long_is_refused_without_waiting(bus: FakeBus, client: Client) -> None:
    with pytest.raises(CommandRefused) as refused:
        client.send("room", "x" * 5 * 1024 * 1024)
    assert refused.value.code == "too_large"
    assert bus.commands == []


def test_a_text_that_is_not_unicode_is_sent_with_marks_in_its_place(client: Client) -> None:
    assert client.send("room", "caf\udce9").text == "caf?"


def test_an_answer_that_is_none_is_told(bus: FakeBus, client: Client) -> None:
    async def wrong(command: en.Command) -> en.Reply:
        return en.Reply(v=1, id=command.id, ok=True, result=msgspec.Raw(b'{"log": 5}'))

    async def elses(command: en.Command) -> en.Reply:
        return en.Reply(v=1, id="somebody else's", ok=True)

    async def unreadable_event(command: en.Command) -> en.Reply:
        event = ev.Event(v=1, log="l", at=0, type="PeerForgotten", seq=1, data={"peer": 5})
        page = rq.EventsResult(log="l", head=1, oldest=1, events=[event], more=False)
        return en.Reply(v=1, id=command.id, ok=True, result=msgspec.Raw(encoding.encode(page)))

    bus.special = {"snapshot": wrong, "hello": elses, "events": unreadable_event}
    for ask in (client.snapshot, client.hello, lambda: client.events(0)):
        with pytest.raises(BusProtocolError):
            ask()
    assert client.status().ready


@pytest.mark.parametrize("method", ["send", "receive"])
def test_interrupted_in_a_command_the_next_one_is_answered(
    bus: FakeBus, client: Client, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    original = getattr(CommandSocket, method)

    def interrupted(self: CommandSocket, *args: bytes) -> object:
        monkeypatch.undo()
        if method == "send":
            original(self, *args)
        raise KeyboardInterrupt

    monkeypatch.setattr(CommandSocket, method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.send("room", "interrupted", key="k")
    assert client.send("room", "interrupted", key="k").text == "interrupted"
    assert client.status().ready
    assert bus.effects == ["interrupted"]


def test_a_closed_client_is_away_and_ends_those_who_wait(bus: FakeBus, client: Client) -> None:
    bus.held = [NEVER]
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(client.status)
        wait_until(lambda: bool(bus.commands))
        client.close()
        with pytest.raises(NodeAway):
            asking.result(PATIENCE)
    with pytest.raises(NodeAway, match="closed"):
        client.status()
    client.close()


def test_closing_does_not_wait_for_a_node_that_hangs(bus: FakeBus, client: Client) -> None:
    bus.held = [NEVER]
    args = rq.SendArgs(messages=[rq.Outgoing(to="room", text="hello")])
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(client.request, "send", args, timeout=NEVER_S)
        wait_until(lambda: bool(bus.commands))
        client.close()
        with pytest.raises(NodeAway):
            asking.result(PATIENCE)


# -- following


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until(follower: Follower, enough: Callable[[list[Item]], bool]) -> list[Item]:
    """What a follower gives until it is enough."""
    items: list[Item] = []
    deadline = time.monotonic() + PATIENCE
    while not enough(items):
        assert time.monotonic() < deadline, items[-5:]
        item = follower.next(0.5)
        if item is not None:
            items.append(item)
    return items


def upto(seq: int) -> Callable[[list[Item]], bool]:
    return lambda items: seq in numbers(items[-1:])


def kinds(items: list[Item]) -> list[type]:
    return [type(item) for item in items]


def settled(follower: Follower, bus: FakeBus) -> None:
    """Wait until the subscription stands: an ephemeral event arrives."""
    deadline = time.monotonic() + PATIENCE
    told, heard = 0, 0
    while not heard or heard < told:
        if not heard:
            told += 1
            bus.tell("Probe", {"number": told})
        item = follower.next(0.05 if not heard else PATIENCE)
        if item is not None:
            assert isinstance(item, ev.Event) and item.type == "Probe"
            heard = item.data["number"]
        assert time.monotonic() < deadline


@pytest.fixture
def follower(bus: FakeBus, client: Client) -> Follower:
    """One that got its first Resync and is subscribed."""
    follower = client.follow()
    assert kinds(until(follower, lambda items: bool(items))) == [Resync]
    settled(follower, bus)
    return follower


def test_without_a_cursor_the_present_state_comes_first_and_events_after_it(bus: FakeBus, client: Client) -> None:
    bus.put(5)
    follower = client.follow()
    (first,) = until(follower, lambda items: bool(items))
    assert isinstance(first, Resync) and first.snapshot.seq == 5
    bus.put(3)
    assert numbers(until(follower, upto(8))) == [6, 7, 8]


def test_no_ephemeral_event_after_the_snapshot_is_missed(bus: FakeBus) -> None:
    async def snapshot(command: en.Command) -> en.Reply:
        # Published the moment after: its subscription must have come by now.
        result = bus._result(command)
        asyncio.get_running_loop().call_soon(bus.server.publish, [whisper])  # type: ignore[union-attr]
        return en.Reply(v=1, id=command.id, ok=True, result=msgspec.Raw(encoding.encode(result)), head=bus.head)

    whisper = ev.Event(v=1, log=bus.log, at=0, type="Whisper", data={})
    bus.special["snapshot"] = snapshot
    for _ in range(50):
        with Client(bus.home, timeout=PATIENCE) as client:
            follower = client.follow()
            assert isinstance(follower.next(PATIENCE), Resync)
            item = follower.next(PATIENCE)
            assert isinstance(item, ev.Event)
            assert item.type == "Whisper"


def test_with_a_cursor_it_goes_on_where_it_stopped_over_many_pages(bus: FakeBus, client: Client) -> None:
    bus.put(2_500)
    follower = client.follow(Cursor("log-1", 7))
    items = until(follower, upto(2_500))
    assert numbers(items) == list(range(8, 2_501))
    assert set(kinds(items)) == {ev.Event}
    assert numbers(until(client.follow(Cursor("", 2_498)), upto(2_500))) == [2_499, 2_500]


def test_what_publishing_loses_is_asked_for_at_the_next_event(bus: FakeBus, follower: Follower) -> None:
    bus.put(10, lost=lambda seq: seq in (3, 4, 5, 8))
    assert numbers(until(follower, upto(10))) == list(range(1, 11))


def test_what_publishing_loses_at_the_end_is_asked_for_at_the_next_heartbeat(bus: FakeBus, follower: Follower) -> None:
    bus.put(10, lost=lambda seq: seq > 4)
    assert numbers(until(follower, upto(10))) == list(range(1, 11))


def test_each_event_comes_once_and_in_order_however_many_are_lost(bus: FakeBus, follower: Follower) -> None:
    dice = random.Random(7)

    def publish() -> None:
        for _ in range(60):
            bus.put(dice.randint(1, 40), lost=lambda seq: dice.random() < 0.3)

    publisher = threading.Thread(target=publish)
    publisher.start()
    items: list[Item] = []
    while publisher.is_alive() or numbers(items)[-1:] != [bus.head]:
        item = follower.next(0.2)
        if item is not None:
            items.append(item)
    publisher.join()
    assert numbers(items) == list(range(1, bus.head + 1))
    assert set(kinds(items)) == {ev.Event}


def test_the_cursor_never_runs_ahead_of_what_was_given_out(bus: FakeBus, client: Client) -> None:
    bus.put(50)
    follower = client.follow(Cursor("log-1", 0))
    for seq in range(1, 31):
        item = follower.next(PATIENCE)
        assert isinstance(item, ev.Event) and item.seq == seq
        assert follower.cursor == Cursor("log-1", seq)
    # A bot that is killed here and begins again with its cursor lacks nothing and gets nothing twice.
    assert numbers(until(client.follow(follower.cursor), upto(50))) == list(range(31, 51))


@pytest.mark.parametrize(
    "break_log",
    [
        lambda bus: bus.renumber("log-2", head=20),
        lambda bus: bus.renumber("log-2", head=3),
        lambda bus: bus.renumber("log-1", head=3),
        lambda bus: bus.renumber("log-1", head=40, oldest=30),
    ],
    ids=["another log", "another log with a lower head", "a head behind the cursor", "older events are gone"],
)
@pytest.mark.parametrize("when", ["while following", "between two runs"])
def test_a_log_that_does_not_fit_the_cursor_gives_a_new_snapshot_once(
    bus: FakeBus, client: Client, follower: Follower, break_log: Callable[[FakeBus], None], when: str
) -> None:
    bus.put(10)
    until(follower, upto(10))
    break_log(bus)
    if when == "between two runs":
        follower = client.follow(follower.cursor)
    items = until(follower, lambda items: Resync in kinds(items))
    assert kinds(items) == [Resync]
    assert follower.cursor == Cursor(bus.log, bus.head)
    seq = bus.head
    bus.put(2)
    after = until(follower, upto(seq + 2))
    assert (numbers(after), kinds(after)) == ([seq + 1, seq + 2], [ev.Event, ev.Event])


def test_events_of_unknown_types_are_given_and_count(bus: FakeBus, follower: Follower) -> None:
    bus.put(1, type_="FromTheFuture")
    bus.tell("AlsoNew", {"x": 1})
    bus.put(1)
    items = [item for item in until(follower, upto(2)) if isinstance(item, ev.Event)]
    assert [(item.type, item.seq) for item in items] == [("FromTheFuture", 1), ("AlsoNew", None), ("Counted", 2)]
    assert bus.commands[-1].op != "events"


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"topic"],
        [b"topic", b"no json"],
        [b"topic", b"\xff\xfe"],
        [b"topic", b"[" * 100_000],
        [b"topic", b'{"v":1,"log":"log-1","at":0,"type":"PeerForgotten","seq":1,"data":{"peer":5}}'],
        [b"one", b"two", b"three"],
    ],
    ids=lambda frames: repr(frames)[:30],
)
def test_what_is_no_event_is_passed_over(bus: FakeBus, follower: Follower, frames: list[bytes]) -> None:
    bus.publish_raw(frames)
    bus.put(2)
    assert numbers(until(follower, upto(2))) == [1, 2]


@pytest.mark.usefixtures("doubting")
def test_a_node_that_goes_and_comes_back_gives_one_away_and_one_back_and_nothing_is_missed(
    bus: FakeBus, client: Client, follower: Follower
) -> None:
    client.timeout = 0.6
    for round_ in range(2):
        begun = time.time()
        bus.put(3)
        until(follower, upto(bus.head))
        bus.stop(gracefully=round_ == 0)
        gone = until(follower, lambda items: bool(items))
        # However long it looks, there is nothing more to say.
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            assert follower.next(0.2) is None
        assert kinds(gone) == [Away]
        assert isinstance(gone[0], Away) and gone[0].since is not None and begun <= gone[0].since <= time.time()
        bus.put(2)
        bus.sockets = f"run{round_}"
        bus.start()
        back = until(follower, upto(bus.head))
        assert kinds(back) == [Back, ev.Event, ev.Event]


def test_a_node_that_was_never_there_is_away_once_and_comes_with_a_snapshot(
    tmp_path: pathlib.Path, quick: None
) -> None:
    with Client(tmp_path) as client:
        follower = client.follow()
        first = follower.next(PATIENCE)
        assert isinstance(first, Away) and first.since is None
        assert follower.next(0.5) is None
        with FakeBus(tmp_path):
            assert kinds(until(follower, lambda items: len(items) == 2)) == [Back, Resync]


@pytest.mark.usefixtures("doubting")
def test_a_node_that_is_only_silent_is_away_until_it_speaks(bus: FakeBus, follower: Follower) -> None:
    assert bus.server is not None
    bus.run(cancel_heartbeat(bus))
    assert kinds(until(follower, lambda items: bool(items))) == [Away]
    bus.put(1)
    assert kinds(until(follower, upto(1))) == [Back, ev.Event]


async def cancel_heartbeat(bus: FakeBus) -> None:
    assert bus.server is not None
    (beating,) = (task for task in bus.server._tasks if task.get_name() == "bus heartbeat")
    beating.cancel()


def test_one_that_looks_away_for_long_finds_the_node_still_there(bus: FakeBus, follower: Follower) -> None:
    bus.put(5)
    # Longer than the heartbeats that may be missing: they wait in the socket meanwhile.
    time.sleep(following.MISSED_HEARTBEATS * bounds.HEARTBEAT_MS / 1000 * 2)
    assert kinds(until(follower, upto(5))) == [ev.Event] * 5
    assert follower.next(0.5) is None


def test_a_node_that_publishes_and_refuses_is_not_asked_for_each_event(bus: FakeBus, client: Client) -> None:
    async def refuse(command: en.Command) -> en.Reply:
        raise CommandRefused("internal", "a bug")

    bus.special["snapshot"] = refuse
    follower = client.follow()
    assert isinstance(follower.next(PATIENCE), Away)
    asked = len(bus.commands)
    for _ in range(300):
        bus.tell("Progress", {})
    begun = time.monotonic()
    assert follower.next(0.5) is None
    assert len(bus.commands) - asked <= (time.monotonic() - begun) / following.RECONNECT_S[0] + 2
    del bus.special["snapshot"]
    assert kinds(until(follower, lambda items: Resync in kinds(items)))[:2] == [Back, Resync]


@pytest.mark.parametrize("which", ["follower", "client"])
def test_a_follower_can_be_closed_by_another_thread(bus: FakeBus, client: Client, which: str) -> None:
    follower = client.follow()
    seen: list[Item] = []
    thread = threading.Thread(target=lambda: seen.extend(follower))
    thread.start()
    wait_until(lambda: bool(seen))
    (follower if which == "follower" else client).close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert follower.next(0.1) is None


def test_followers_and_commands_of_one_client_do_not_disturb_each_other(bus: FakeBus, client: Client) -> None:
    def follow(number: int) -> list[int]:
        return numbers(until(client.follow(Cursor("log-1", 0)), upto(200)))

    def talk(number: int) -> str:
        return client.send("room", str(number)).text

    with ThreadPoolExecutor(20) as pool:
        following = [pool.submit(follow, number) for number in range(5)]
        talking = [pool.submit(talk, number) for number in range(100)]
        for _ in range(20):
            bus.put(10, lost=lambda seq: seq % 3 == 0)
        assert [one.result(PATIENCE * 2) for one in following] == [list(range(1, 201))] * 5
        assert [one.result(PATIENCE * 2) for one in talking] == [str(number) for number in range(100)]
