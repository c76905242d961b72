"""The course of a run: in which order its parts start and end, whatever fails on the way. No sockets, no disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from honcho.manager import KILL_WAIT

from node import course, tasks
from node.announce import Announcements
from node.bus import nouns
from node.core import stimuli as s
from node.course import EXIT_BUG, Course, End, Parts
from node.errors import ListenError, StoreUnavailable
from node.model import Address
from tests.node.peers.live import eventually

LISTEN, REAL = Address("127.0.0.1", 0), Address("127.0.0.1", 5_000)
START = [
    "links.pause",
    "links.listen 127.0.0.1:0",
    "house.started 127.0.0.1:5000",
    "door.open 7",
    "loop.feed Started",
    "house.begin",
    "loop.quiet",
    "door.announce",
    "loop.read_on",
    "retention.start",
    "upkeep.start",
    "house.up",
]
GOODBYE = [
    "loop.feed StopAsked",
    "loop.quiet",
    "links.closed",
    "links.stop_listening",
    "loop.quiet",
    "links.leave_all",
    "links.closed",
    "loop.feed Stopped",
    "loop.quiet",
]
ENDS = [
    "door.close",
    "links.stop_listening",
    "retention.close",
    "loop.close",
    "bus.close",
    "door.remove_sockets",
]


class Part:
    """One part of a house: what is asked of it is written down, and fails where the test says so."""

    def __init__(self, house: House, name: str) -> None:
        self.house = house
        self.name = name

    def did(self, what: str) -> None:
        self.house.done.append(f"{self.name}.{what}")
        if f"{self.name}.{what}".startswith(self.house.fails):
            raise self.house.error

    async def close(self) -> None:
        self.did("close")

    def start(self) -> None:
        self.did("start")


class Loop(Part):
    def __init__(self, house: House) -> None:
        super().__init__(house, "loop")
        self.health = nouns.Health()
        self.upkeep = Part(house, "upkeep")

    def feed(self, stimulus: s.Started | s.StopAsked | s.Stopped) -> None:
        self.did(f"feed {type(stimulus).__name__}")

    def notice(self, about: str, sentence: str | None) -> None:
        self.did(f"notice {about}: {sentence}")

    def read_on(self) -> None:
        self.did("read_on")

    async def quiet(self, timeout: float) -> None:  # noqa: ASYNC109
        assert timeout >= course.MIN_COMMIT
        self.did("quiet")


class Links(Part):
    #: How many don't end.
    count = 0

    def __len__(self) -> int:
        return self.count

    def pause(self) -> None:
        self.did("pause")

    async def listen(self, address: Address) -> Address:
        self.did(f"listen {address}")
        return REAL

    def stop_listening(self) -> None:
        self.did("stop_listening")

    def leave_all(self) -> None:
        self.did("leave_all")

    async def closed(self, timeout: float) -> bool:  # noqa: ASYNC109
        self.did("closed")
        return not self.count


class Door(Part):
    async def open(self, now: int) -> None:
        self.did(f"open {now}")

    def announce(self) -> None:
        self.did("announce")

    def remove_sockets(self) -> None:
        self.did("remove_sockets")


class Answers(Part):
    async def give_up(self) -> None:
        self.did("give_up")


class House(Part):
    """All parts, and what was asked of them in order."""

    def __init__(self) -> None:
        super().__init__(self, "house")
        self.done: list[str] = []
        self.fails = "nothing"
        self.error: Exception = ListenError("It is taken.")
        self.loop, self.links, self.door = Loop(self), Links(self, "links"), Door(self, "door")
        self.announcements = Announcements()
        self.end = End(self.announcements)
        answers, bus, retention = Answers(self, "answers"), Part(self, "bus"), Part(self, "retention")
        self.parts = Parts(self.loop, self.links, self.door, bus, answers, retention, self)

    def now(self) -> int:
        return 7

    def started(self, listen: Address) -> s.Started:
        self.did(f"started {listen}")
        return s.Started(str(listen), [str(listen)])

    def begin(self) -> None:
        self.did("begin")

    def up(self) -> None:
        self.did("up")

    async def run(self, set_back: str | None = None) -> int:
        return await Course(self.parts, self.end, self.announcements).run(LISTEN, set_back)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "LAST_CALL", 0)


def live(test: Callable[[House], Awaitable[None]]) -> House:
    async def whole() -> House:
        house = House()
        async with asyncio.timeout(60):
            await test(house)
        return house

    return asyncio.run(whole())


async def up(house: House, set_back: str | None = None) -> asyncio.Task[int]:
    """The house runs."""
    running = asyncio.ensure_future(house.run(set_back))
    await eventually(lambda: running.done() or "house.up" in house.done)
    assert not running.done()
    return running


def test_good_byes_end_before_honcho_kills() -> None:
    assert course.FAREWELL + course.LAST_CALL + course.GOODBYE < KILL_WAIT


def test_parts_start_in_order_and_run_until_the_end_is_asked_for() -> None:
    async def test(house: House) -> None:
        running = await up(house)
        assert house.done == START
        house.end.stop("x")
        assert await running == 0

    live(test)


def test_links_say_good_bye_and_all_they_said_is_on_disk_before_the_database_and_last_the_bus_close(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")

    async def test(house: House) -> None:
        running = await up(house)
        house.end.stop("Signal SIGTERM.")
        house.end.stop("another reason")
        await running

    assert live(test).done == [*START, *GOODBYE, *ENDS]
    assert caplog.messages == ["going down: Signal SIGTERM.", "good-bye; everything is on disk"]


def test_an_end_that_was_asked_for_before_the_start_comes_right_after_it() -> None:
    async def test(house: House) -> None:
        house.end.stop("x")
        assert await house.run() == 0

    assert live(test).done == [*START, *GOODBYE, *ENDS]


@pytest.mark.parametrize("step", START)
def test_a_part_that_fails_at_the_start_ends_those_before_it(step: str) -> None:
    async def test(house: House) -> None:
        house.fails = step
        with pytest.raises(ListenError):
            await house.run()

    assert live(test).done == [*START[: START.index(step) + 1], *ENDS]


@pytest.mark.parametrize("step", ENDS)
def test_a_part_that_fails_at_the_end_keeps_no_other_from_ending(step: str) -> None:
    async def test(house: House) -> None:
        running = await up(house)
        house.fails = step
        house.end.broke()
        with pytest.raises(ListenError):
            await running

    assert live(test).done[-len(ENDS) :] == ENDS


def test_a_database_that_can_t_be_written_is_no_start_and_nobody_is_told_where_the_node_is() -> None:
    async def test(house: House) -> None:
        house.loop.health = nouns.Health(store=False, problem="The disk is full.")
        with pytest.raises(StoreUnavailable, match=r"The disk is full\."):
            await house.run()

    assert live(test).done == [*START[: START.index("loop.quiet") + 1], *ENDS]


def test_people_are_told_of_a_history_that_was_set_back_before_anybody_is_heard() -> None:
    async def test(house: House) -> None:
        running = await up(house, "It was set back.")
        house.end.stop("x")
        await running

    done = live(test).done
    at = START.index("loop.read_on")
    assert done[: at + 2] == [*START[:at], f"loop.notice history: It was set back. {course.SET_BACK}", "loop.read_on"]


def test_after_a_bug_the_core_is_told_nothing_more_links_are_left_and_whoever_waits_is_told() -> None:
    async def test(house: House) -> None:
        running = await up(house)
        house.end.broke()
        assert await running == EXIT_BUG

    calls = ["links.stop_listening", "loop.quiet", "links.leave_all", "links.closed", "answers.give_up"]
    assert live(test).done == [*START, *calls, *ENDS]


def test_connections_that_stay_and_a_disk_that_fails_at_the_end_are_said(caplog: pytest.LogCaptureFixture) -> None:
    async def test(house: House) -> None:
        running = await up(house)
        house.links.count, house.loop.health = 3, nouns.Health(store=False, problem="It is full.")
        house.end.stop("x")
        await running

    live(test)
    assert caplog.messages == [
        "3 connections didn't close in time",
        "good-bye; the last changes could not be written: It is full.",
    ]


@pytest.mark.parametrize(
    ("context", "broken"),
    [
        ({"message": "what", "exception": ZeroDivisionError("a bug")}, True),
        ({"message": "what", "exception": ConnectionResetError("reset")}, False),
        ({"message": "what", "exception": OSError("gone"), tasks.DIED: True}, True),
        ({"message": "what"}, False),
        ({}, False),
    ],
)
def test_what_nobody_caught_ends_the_run_unless_the_network_brought_it(
    context: dict[str, Any], broken: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(house: House) -> None:
        house.end.uncaught(asyncio.get_running_loop(), context)
        assert house.end.broken == house.end.asked == broken

    live(test)
    assert caplog.messages == ["a bug: what"] if broken else len(caplog.messages) == 1


def test_a_bug_while_the_node_goes_down_does_not_end_it_otherwise() -> None:
    async def test(house: House) -> None:
        house.end.stop("x")
        house.end.uncaught(asyncio.get_running_loop(), {"message": "what", "exception": ZeroDivisionError()})
        assert not house.end.broken

    live(test)


def test_a_task_that_dies_ends_the_run_with_a_message_and_an_exit_code(caplog: pytest.LogCaptureFixture) -> None:
    async def dies() -> None:
        raise OSError("The disk is gone.")

    async def test(house: House) -> None:
        asyncio.get_running_loop().set_exception_handler(house.end.uncaught)
        running = await up(house)
        held = tasks.begin(dies(), "retention")
        assert await running == EXIT_BUG
        assert held.done()

    live(test)
    (record,) = (one for one in caplog.records if one.levelname == "ERROR")
    assert record.message == "a bug: the task 'retention' has died"
    assert record.exc_info is not None and "The disk is gone." in str(record.exc_info[1])
