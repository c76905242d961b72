"""The asyncio client, on asyncio's own loop and on uvloop: cancelled at any await, it harms and doubles nothing.

The promises of following itself are held in test_following.py; here they meet real sockets.
"""

from __future__ import annotations

import asyncio
import pathlib
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import msgspec
import pytest
import uvloop

from node.bus import aio, encoding, following, nouns
from node.bus import consumers as cn
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.aio import AsyncClient, AsyncFollower
from node.bus.following import Away, Back, Cursor, Item, Resync
from node.errors import CommandRefused, NodeAway
from tests.support.bus_fakes import PATIENCE, FakeBus, numbers

#: What waits for this is never let go.
NEVER = threading.Event()

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    """Runs a coroutine to its end, and nothing may be left of it."""

    def to_its_end(what: Coroutine[Any, Any, T]) -> T:
        problems: list[dict[str, Any]] = []

        async def main() -> T:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
            async with asyncio.timeout(PATIENCE + 30):
                result = await what
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return result

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            result = runner.run(main())
        assert problems == []
        return result

    yield to_its_end


def client_of(bus: FakeBus, timeout: float = PATIENCE) -> AsyncClient:
    return AsyncClient(bus.home, name="tester", timeout=timeout)


async def until(follower: AsyncFollower, enough: Callable[[list[Item]], bool]) -> list[Item]:
    """What a follower gives until it is enough."""
    items: list[Item] = []
    deadline = time.monotonic() + PATIENCE
    while not enough(items):
        assert time.monotonic() < deadline, items[-5:]
        item = await follower.next(0.5)
        if item is not None:
            items.append(item)
    return items


def upto(seq: int) -> Callable[[list[Item]], bool]:
    return lambda items: seq in numbers(items[-1:])


def kinds(items: list[Item]) -> list[type]:
    return [type(item) for item in items]


# -- commands


def test_twenty_tasks_share_one_client_and_each_gets_its_own_answer(bus: FakeBus, run: Run[None]) -> None:
    async def talk(client: AsyncClient, task: int) -> list[str]:
        return [(await client.send("room", f"{task}/{number}")).text for number in range(20)]

    async def main() -> None:
        async with client_of(bus) as client:
            answers = await asyncio.gather(*(talk(client, task) for task in range(20)))
        assert answers == [[f"{task}/{number}" for number in range(20)] for task in range(20)]

    run(main())
    assert len(bus.effects) == len(set(bus.effects)) == 400


def test_a_refusal_comes_with_its_code_and_details(bus: FakeBus, run: Run[None]) -> None:
    async def main() -> None:
        async with client_of(bus) as client:
            with pytest.raises(CommandRefused) as refused:
                await client.events(99)
            assert (refused.value.code, refused.value.details) == ("cursor_ahead", {"head": 0})
            assert (await client.status()).ready

    run(main())


def test_a_command_with_a_key_takes_effect_once_though_its_replies_are_lost(
    bus: FakeBus, run: Run[None], lost: list[threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with client_of(bus) as client:
            assert (await client.send("room", "hello")).text == "hello"

    monkeypatch.setattr(aio, "ATTEMPT_S", 0.3)
    run(main())
    assert (bus.effects, lost) == (["hello"], [])
    assert len(bus.commands) >= 2


def test_a_command_without_a_key_is_never_repeated(bus: FakeBus, run: Run[None]) -> None:
    async def main() -> None:
        async with client_of(bus) as client:
            # It is connected: what is given up is on its way by then.
            assert (await client.status()).ready
            bus.held = [free]
            args = rq.SendArgs(messages=[rq.Outgoing(to="room", text="hello")])
            with pytest.raises(NodeAway):
                await client.request("send", args, timeout=1.0)
            free.set()
            assert (await client.status()).ready

    free = threading.Event()
    run(main())
    assert bus.effects == ["hello"]
    assert [command.op for command in bus.commands].count("send") == 1


def test_who_waits_for_other_tasks_too_long_sends_nothing(bus: FakeBus, run: Run[None]) -> None:
    async def main() -> None:
        async with client_of(bus) as client:
            first = asyncio.create_task(client.send("r", "first"))
            await asyncio.to_thread(wait_until, lambda: bus.effects == ["first"])
            args = rq.SendArgs(messages=[rq.Outgoing(to="r", text="second")])
            with pytest.raises(NodeAway, match="other commands"):
                await client.request("send", args, timeout=0.1)
            free.set()
            assert (await first).text == "first"
            assert (await client.status()).ready

    free = threading.Event()
    bus.held = [free]
    run(main())
    assert bus.effects == ["first"]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_cancelled_at_any_moment_a_command_is_done_once_or_not_and_the_next_one_is_answered(
    bus: FakeBus, run: Run[None]
) -> None:
    """Each is cancelled after another number of turns of the loop or milliseconds, and then given again."""
    dice = random.Random(3)

    async def main() -> None:
        async with client_of(bus) as client:
            for number in range(120):
                task = asyncio.create_task(client.send("room", f"text {number}", key=f"key {number}"))
                if number % 2:
                    await asyncio.sleep(dice.random() * 0.004)
                else:
                    for _ in range(number // 8):
                        await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                assert (await client.send("room", f"text {number}", key=f"key {number}")).text == f"text {number}"

    run(main())
    assert bus.effects == [f"text {number}" for number in range(120)]


def test_those_who_wait_behind_a_cancelled_command_are_answered(bus: FakeBus, run: Run[None]) -> None:
    async def main() -> None:
        async with client_of(bus) as client:
            tasks = [asyncio.create_task(client.send("room", str(number))) for number in range(30)]
            await asyncio.sleep(0.001)
            for task in tasks[::3]:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            answered = [one for one in done if isinstance(one, nouns.Message)]
            assert len(answered) >= 20

    run(main())
    assert len(bus.effects) == len(set(bus.effects))


def test_no_node_is_away_at_once_and_a_closed_client_too(tmp_path: pathlib.Path, run: Run[None]) -> None:
    async def main() -> None:
        client = AsyncClient(tmp_path)
        with pytest.raises(NodeAway, match="No node is running"):
            await client.status()
        client.close()
        with pytest.raises(NodeAway, match="closed"):
            await client.status()
        assert await client.follow().next(PATIENCE) is None
        client.close()

    run(main())


def test_one_that_has_just_subscribed_asks_once_it_hears_something(bus: FakeBus, run: Run[None]) -> None:
    asked_before: list[bool] = []

    async def main() -> None:
        client = client_of(bus, PATIENCE)
        follower = client.follow()
        received = follower._following.received

        def note(body: bytes, now: float, wall: float) -> None:
            asked_before.append(any(command.op == "snapshot" for command in bus.commands))
            received(body, now, wall)

        monkey.setattr(follower._following, "received", note)
        assert isinstance(await follower.next(PATIENCE), Resync)
        client.close()

    with pytest.MonkeyPatch.context() as monkey:
        monkey.setattr(following, "WELCOME_S", PATIENCE)
        run(main())
    assert asked_before[0] is False


def test_closing_ends_those_who_wait_at_once(bus: FakeBus, run: Run[None]) -> None:
    async def main() -> None:
        client = client_of(bus, 3600.0)
        follower = client.follow(Cursor("log-1", 0))
        seen: list[Item] = []

        async def follow() -> None:
            async for item in follower:
                seen.append(item)

        task = asyncio.create_task(follow())
        # It reports once it has nothing left to ask: it waits for what is published.
        await until_true(lambda: any(command.op == "report" for command in bus.commands))
        bus.held = [NEVER]
        asking = asyncio.create_task(client.send("room", "hello"))
        await until_true(lambda: bool(bus.effects))
        client.close()
        await task
        with pytest.raises(NodeAway):
            await asking
        assert await follower.next(1.0) is None

    run(main())


async def until_true(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


# -- following


def test_events_come_once_and_in_order_however_many_are_lost(bus: FakeBus, run: Run[None]) -> None:
    dice = random.Random(7)

    def publish() -> None:
        for _ in range(40):
            bus.put(dice.randint(1, 40), lost=lambda seq: dice.random() < 0.3)

    async def main() -> None:
        async with client_of(bus) as client:
            follower = client.follow()
            assert kinds(await until(follower, lambda items: bool(items))) == [Resync]
            publishing = asyncio.create_task(asyncio.to_thread(publish))
            items: list[Item] = []
            while not publishing.done() or numbers(items)[-1:] != [bus.head]:
                item = await follower.next(0.2)
                if item is not None:
                    items.append(item)
            await publishing
            assert numbers(items) == list(range(1, bus.head + 1))
            assert follower.cursor == Cursor("log-1", bus.head)

    run(main())


def test_cancelled_at_any_moment_a_follower_loses_and_doubles_nothing(bus: FakeBus, run: Run[None]) -> None:
    dice = random.Random(11)
    cancelled = 0

    def publish() -> None:
        rounds = 0
        # Until it was cancelled often enough, however slow or quick this machine is.
        while rounds < 150 or cancelled <= 20:
            bus.put(dice.randint(1, 5), lost=lambda seq: dice.random() < 0.2)
            time.sleep(0.002)
            rounds += 1

    async def main() -> None:
        nonlocal cancelled
        async with client_of(bus) as client:
            follower = client.follow(Cursor("log-1", 0))
            publishing = asyncio.create_task(asyncio.to_thread(publish))
            items: list[Item] = []
            while not publishing.done() or numbers(items)[-1:] != [bus.head]:
                task = asyncio.ensure_future(anext(follower))
                await asyncio.wait([task], timeout=dice.random() * 0.003)
                if not task.done():
                    task.cancel()
                await asyncio.wait([task])
                if task.cancelled():
                    cancelled += 1
                else:
                    items.append(task.result())
            await publishing
            assert numbers(items) == list(range(1, bus.head + 1))

    run(main())


@pytest.mark.usefixtures("doubting")
def test_a_node_that_goes_and_comes_back_gives_one_away_and_one_back(bus: FakeBus, run: Run[None]) -> None:
    async def main() -> None:
        async with client_of(bus, 0.6) as client:
            follower = client.follow(Cursor("log-1", 0))
            bus.put(3)
            await until(follower, upto(3))
            await asyncio.to_thread(bus.stop)
            assert kinds(await until(follower, lambda items: bool(items))) == [Away]
            assert await follower.next(0.5) is None
            await asyncio.to_thread(bus.put, 2)
            bus.sockets = "elsewhere"
            await asyncio.to_thread(bus.start)
            assert kinds(await until(follower, upto(5))) == [Back, ev.Event, ev.Event]

    run(main())


def test_a_log_that_does_not_fit_gives_a_new_snapshot(bus: FakeBus, run: Run[None]) -> None:
    async def main() -> None:
        async with client_of(bus) as client:
            bus.put(5)
            follower = client.follow(Cursor("another", 3))
            assert kinds(await until(follower, lambda items: Resync in kinds(items))) == [Resync]
            assert follower.cursor == Cursor("log-1", 5)

    run(main())


def test_a_follower_far_behind_lets_others_have_their_turn(bus: FakeBus, run: Run[None]) -> None:
    bus.put(900)

    async def main() -> None:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async with client_of(bus) as client:
            follower = client.follow(Cursor("log-1", 0))
            first = await anext(follower)
            assert isinstance(first, ev.Event) and first.seq == 1
            other = asyncio.create_task(others())
            # All of these have come already: nothing has to be waited for.
            for _ in range(899):
                await anext(follower)
            assert turns >= 899 // aio.GIVE_WAY_EVERY - 1
            other.cancel()
            await asyncio.wait([other])

    run(main())


def test_two_tasks_may_follow_by_turns(bus: FakeBus, run: Run[None]) -> None:
    async def main() -> None:
        async with client_of(bus) as client:
            follower = client.follow(Cursor("log-1", 0))

            async def some() -> list[Item]:
                return [await anext(follower) for _ in range(20)]

            both = asyncio.gather(some(), some())
            await asyncio.to_thread(bus.put, 40)
            first, second = await both
            assert sorted(numbers(first + second)) == list(range(1, 41))

    run(main())


# -- consuming


class Positions:
    """Answers for one consumer, on the fake bus's own log."""

    def __init__(self, bus: FakeBus) -> None:
        self.bus = bus
        self.position = 0
        for op in ("consumer_create", "consumer_next", "consumer_acknowledge"):
            bus.special[op] = self.answer

    async def answer(self, command: en.Command) -> en.Reply:
        args = msgspec.json.decode(command.args, type=rq.COMMANDS[command.op][0])
        if isinstance(args, cn.ConsumerAcknowledgeArgs):
            self.position = max(self.position, args.seq)
        consumer = nouns.Consumer(name="bot", position=self.position, lag=0, created=0, used=0)
        result: cn.ConsumerResult | cn.ConsumerNextResult = cn.ConsumerResult(consumer=consumer)
        if isinstance(args, cn.ConsumerNextArgs):
            page = self.bus._page(rq.EventsArgs(since=self.position, limit=args.limit))
            result = cn.ConsumerNextResult(
                log=page.log, consumer=consumer, head=page.head, events=page.events, more=page.more
            )
        return en.Reply(v=1, id=command.id, ok=True, result=msgspec.Raw(encoding.encode(result)), head=self.bus.head)


def test_a_consumer_goes_on_where_it_was_acknowledged(bus: FakeBus, run: Run[None]) -> None:
    positions = Positions(bus)
    bus.put(5)

    async def main() -> None:
        async with client_of(bus) as client:
            seen = []
            consumer = client.consume("bot")
            async for event in consumer:
                seen.append(event.seq)
                if event.seq == 3:
                    break
                await consumer.acknowledge(event)
            assert (seen, positions.position) == ([1, 2, 3], 2)
            consumer.close()
            again = client.consume("bot")
            for expected in (3, 4, 5):
                event = await anext(again)
                assert event.seq == expected
                await again.acknowledge(event)
            assert await again.next(0.05) is None
            await asyncio.to_thread(bus.put, 1)
            assert (await anext(again)).seq == 6

    run(main())


def test_a_consumer_that_can_t_be_had_is_told_so(bus: FakeBus, run: Run[None]) -> None:
    async def lapsed(command: en.Command) -> en.Reply:
        raise CommandRefused("consumer_lapsed", "lapsed")

    bus.special["consumer_create"] = lapsed

    async def main() -> None:
        async with client_of(bus) as client:
            with pytest.raises(CommandRefused) as refused:
                await anext(client.consume("bot"))
            assert refused.value.code == "consumer_lapsed"

    run(main())


# -- the parts


def test_a_wait_ends_when_it_is_ended_and_so_does_every_later_one(run: Run[None]) -> None:
    async def main() -> None:
        readiness = aio._Readiness()
        waiting = asyncio.create_task(readiness.readable(None, 3600.0))
        await asyncio.sleep(0)
        readiness.end()
        assert await waiting is False
        assert await readiness.readable(None, 3600.0) is False

    run(main())


def test_whoever_is_cancelled_when_it_is_his_turn_lets_the_next_one_in(run: Run[None]) -> None:
    async def main() -> None:
        door = aio._Door()
        assert await door.enter(0.0)
        second, third = (asyncio.create_task(door.enter(3600.0)) for _ in range(2))
        await asyncio.sleep(0)
        door.leave()
        second.cancel()
        assert await third
        await asyncio.wait([second])
        assert not await door.enter(0.01), "the third one is still in"
        door.leave()
        assert await door.enter(0.0)

    run(main())
