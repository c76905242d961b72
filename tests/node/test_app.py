"""The composition root: runs after bugs, what is undone when a part can't be made, and who does what was decided.

The store and the core are real; links and bus are fakes, so that there is no socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from node import app, config, course
from node.app import App
from node.bus import encoding
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.config import Config
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.course import EXIT_BUG
from node.errors import CommandRefused, ListenError, SnicherError
from node.model import Address
from node.store import home as homes
from node.store.reader import Reader
from tests.node.peers.live import eventually

REAL = Address("127.0.0.1", 5_000)


def configured(home: pathlib.Path) -> Config:
    return config.load(["--home", str(home), "--listen", "127.0.0.1:0", "--name", "anna"], {"SNICHER_MANDATORY": ""})


# -- runs


class Runs:
    """Runs that end as told; remembers how each was begun."""

    def __init__(self, *codes: int | Exception) -> None:
        self.codes = list(codes)
        self.begun: list[tuple[Address, bool]] = []
        self.listen_address = REAL

    def __call__(self, config: Config, lock: homes.HomeLock, room: int, *, greet: bool) -> Runs:
        self.begun.append((config.listen, greet))
        return self

    async def run(self) -> int:
        code = self.codes.pop(0)
        if isinstance(code, Exception):
            raise code
        return code


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Callable[..., tuple[Runs, Any]]:
    """Run a node whose runs end so; returns the runs and the exit code, or the error."""
    monkeypatch.setattr(app.loglines, "set_up", lambda *_, **__: None)
    monkeypatch.setattr(app.gc, "set_threshold", lambda *_: None)

    def run(*codes: int | Exception) -> tuple[Runs, Any]:
        runs = Runs(*codes)
        monkeypatch.setattr(app, "App", runs)
        code: int | Exception
        try:
            code = app.run(configured(tmp_path))
        except SnicherError as error:
            code = error
        # Whatever happened, somebody else can have the home now.
        homes.claim(tmp_path).release()
        return runs, code

    return run


def test_a_run_that_was_ended_is_the_last(begun: Any) -> None:
    runs, code = begun(0)
    assert (code, runs.begun) == (0, [(Address("127.0.0.1", 0), True)])


def test_after_a_bug_a_new_run_listens_where_the_last_one_did_and_greets_nobody_again(begun: Any) -> None:
    runs, code = begun(EXIT_BUG, EXIT_BUG, 0)
    assert code == 0
    assert runs.begun == [(Address("127.0.0.1", 0), True), (REAL, False), (REAL, False)]


def test_a_bug_that_comes_back_too_often_ends_the_process(begun: Any, caplog: pytest.LogCaptureFixture) -> None:
    runs, code = begun(*[EXIT_BUG] * 9)
    assert (code, len(runs.begun)) == (EXIT_BUG, app.FRESH_STARTS[0] + 1)
    assert "the bug came back too often" in caplog.messages[-1]


def test_bugs_that_come_seldom_end_nothing(begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 10_000, int(app.FRESH_STARTS[1]) // app.FRESH_STARTS[0] + 1))
    monkeypatch.setattr(app, "time", SimpleNamespace(monotonic=lambda: next(times)))
    runs, code = begun(*[EXIT_BUG] * 9, 0)
    assert (code, len(runs.begun)) == (0, 10)


def test_a_start_that_fails_lets_go_of_the_home(begun: Any) -> None:
    taken = ListenError("It is taken.")
    assert begun(taken)[1] is taken


# -- a core that is broken


def test_a_core_whose_decision_failed_half_way_decides_nothing_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(self: Any, stimulus: Any, now: int) -> list[e.Effect]:
        if isinstance(stimulus, s.Ticked):
            raise ZeroDivisionError("a bug")
        return [e.Exit()]

    monkeypatch.setattr(app.Node, "__init__", lambda self: None)
    monkeypatch.setattr(app.Node, "handle", breaks)
    monkeypatch.setattr(app.Node, "recovered", lambda self, now: [e.Exit()])
    monkeypatch.setattr(app.Node, "next_deadline", lambda self: 5)
    broke: list[None] = []
    core = app._Core(broke=lambda: broke.append(None))
    assert (core.handle(s.StopAsked("x"), 1), core.recovered(1), core.next_deadline()) == ([e.Exit()], [e.Exit()], 5)
    for _ in range(2):
        assert core.handle(s.Ticked(), 1) == core.handle(s.StopAsked("x"), 1) == core.recovered(1) == []
    assert core.next_deadline() is None
    assert broke == [None]
    assert caplog.messages == ["a bug in deciding what follows from Ticked"]


# -- one run


class Links:
    """Links to nobody."""

    def __init__(self, feed: Callable[[s.Stimulus], None], *rest: Any) -> None:
        self.feed = feed
        self.listen_address = Address("127.0.0.1", 0)
        self.refused = 0
        self.acts: list[Any] = []

    def __len__(self) -> int:
        return 0

    async def listen(self, address: Address) -> Address:
        self.listen_address = REAL
        return REAL

    async def closed(self, timeout: float) -> bool:  # noqa: ASYNC109
        return True

    def perform(self, act: e.Act) -> None:
        self.acts.append(act)

    def shut_out(self, source: str, seconds: float) -> None:
        self.acts.append((source, seconds))

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def go_on(self) -> None: ...

    def leave_all(self) -> None: ...

    def stop_listening(self) -> None: ...


class Bus:
    """A bus with one front end, which is the test."""

    def __init__(self, answer: Callable[[en.Command], Awaitable[en.Reply]], heartbeat: Callable[[], ev.Event]) -> None:
        self.answer = answer
        self.heartbeat = heartbeat
        self.events: list[ev.Event] = []
        self.subscribed = 0
        self.closed = False

    def publish(self, events: list[ev.Event]) -> None:
        self.events.extend(events)

    async def close(self) -> None:
        self.closed = True


class Door:
    """Nobody finds the node."""

    def __init__(self, *rest: Any) -> None: ...

    async def open(self, now: int) -> None: ...

    def announce(self) -> None: ...

    async def close(self) -> None: ...

    def remove_sockets(self) -> None: ...


class House:
    """One run in a home of its own."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.lock = homes.claim(home)
        self.app = App(configured(home), self.lock, 100)

    @property
    def bus(self) -> Bus:
        return cast(Bus, self.app._server)

    @property
    def links(self) -> Links:
        return cast(Links, self.app._network)

    async def up(self) -> asyncio.Task[int]:
        running = asyncio.ensure_future(self.app.run())
        await eventually(lambda: running.done() or (hasattr(self.app, "_server") and self.events("NodeStarted")))
        assert not running.done()
        return running

    def events(self, kind: str) -> list[ev.Event]:
        return [event for event in self.bus.events if event.type == kind]

    async def ask(self, op: str, args: Any) -> Any:
        raw = msgspec.Raw(encoding.encode(args))
        return msgspec.json.decode((await self.bus.answer(en.Command(v=1, id="1", op=op, args=raw))).result)


@pytest.fixture
def live(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> Callable[[Callable[[House], Awaitable[None]]], None]:
    for name, fake in (("Network", Links), ("Server", Bus), ("Findable", Door)):
        monkeypatch.setattr(app, name, fake)
    monkeypatch.setattr(App, "_watch_signals", lambda self: None)

    def run(test: Callable[[House], Awaitable[None]]) -> None:
        async def whole() -> None:
            house = House(tmp_path)
            try:
                async with asyncio.timeout(60):
                    await test(house)
            finally:
                house.lock.release()

        asyncio.run(whole())

    return run


def kept(home: pathlib.Path) -> list[str]:
    """The events that are on disk, by type."""
    with contextlib.closing(Reader(home)) as reader:
        return [event.type for event in reader.events(rq.EventsArgs(since=0)).events]


def test_what_was_acknowledged_while_the_node_goes_down_is_on_disk_and_what_comes_later_is_refused(
    live: Any, tmp_path: pathlib.Path
) -> None:
    async def test(house: House) -> None:
        running = await house.up()
        # Said, and not acknowledged yet, when the end is asked for.
        sending = asyncio.ensure_future(
            house.ask("send", rq.SendArgs(messages=[rq.Outgoing(to="127.0.0.9:5000", text="hello")]))
        )
        while not house.app._answers._deciding._waiting:  # noqa: ASYNC110 (the commit is quick)
            await asyncio.sleep(0)
        house.app.stop("x")
        await sending
        assert await running == 0
        assert house.bus.closed
        with pytest.raises(CommandRefused) as refused:
            await house.ask("connect", rq.ConnectArgs(address="127.0.0.8:5000"))
        assert refused.value.code == "stopping"

    live(test)
    assert not (tmp_path / "snicher.db-wal").exists(), "the database was closed"
    found = kept(tmp_path)
    assert (found[0], found[-1]) == ("NodeStarted", "NodeStopped")
    assert "MessageAccepted" in found


def test_a_bug_in_an_act_ends_the_run_as_after_a_crash(
    live: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is left of the batch is never let out.
    monkeypatch.setattr(course, "LAST_COMMIT", 0)
    monkeypatch.setattr(course, "MIN_COMMIT", 0.1)

    async def test(house: House) -> None:
        running = await house.up()

        def broken(act: e.Act) -> None:
            raise ZeroDivisionError("a bug")

        house.links.perform = broken  # type: ignore[method-assign]
        with pytest.raises(CommandRefused) as refused:
            await house.ask("send", rq.SendArgs(messages=[rq.Outgoing(to="127.0.0.9:5000", text="hello")]))
        assert refused.value.code == "internal", "nobody was told that it is done"
        assert await running == EXIT_BUG

    live(test)
    assert "MessageAccepted" in kept(tmp_path)
    assert "NodeStopped" not in kept(tmp_path), "it was no graceful end"


def test_a_background_task_that_dies_ends_the_run(
    live: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def dies(self: Any) -> None:
        raise OSError("what nobody has thought of")

    monkeypatch.setattr(app.Retention, "_run", dies)

    async def test(house: House) -> None:
        assert await (await house.up()) == EXIT_BUG

    live(test)
    assert "a bug: the task 'retention' has died" in caplog.messages


@pytest.mark.parametrize("part", ["Reader", "Network", "Turns", "Answers", "Server", "Retention", "Findable"])
def test_a_part_that_can_t_be_made_leaves_the_database_closed(
    part: str, live: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ListenError("It can't be had.")

    closed: list[str] = []
    for kind in (app.Writer, app.Reader):

        def close(self: Any, *, kind: Any = kind, original: Any = kind.close, **options: Any) -> None:
            closed.append(kind.__name__)
            original(self, **options)

        monkeypatch.setattr(kind, "close", close)
    monkeypatch.setattr(app, part, broken)

    async def test(house: House) -> None:
        with pytest.raises(ListenError):
            await house.app.run()

    live(test)
    assert closed == (["Writer"] if part == "Reader" else ["Reader", "Writer"]), "whoever writes closes last"
    assert not (tmp_path / "snicher.db-wal").exists()


def test_each_act_is_done_by_whom_it_is_about(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(house: House) -> None:
        running = await house.up()
        done: list[Any] = []
        for part, method in (
            (house.app._turns, "hold"),
            (house.app._turns, "fetch"),
            (house.app._answers, "settle"),
            (house.app._retention, "reported"),
        ):
            monkeypatch.setattr(part, method, lambda what, method=method: done.append((method, what)))
        query, report = q.ReadWaiting("plain-1", 1), e.ReportExpiry(0, None, gone=False)
        told = ev.Event(v=1, log="x", at=0, type="Typing", data=rq.Nothing())
        links = [e.Dial(1, REAL, "one_shot"), e.Transmit(1, 1, "x"), e.HangUp(1)]
        refusal, reply = e.Refuse(1, "busy", "x"), e.Reply(1, None)
        for act in (
            *links,
            e.ShutOut("h", 2_000),
            e.Hold("full"),
            reply,
            refusal,
            e.Tell(told),
            e.Fetch(query),
            report,
        ):
            house.app.perform(act)
        assert house.links.acts == [*links, ("h", 2.0)]
        assert house.bus.events[-1] == told
        settled = [("settle", reply), ("settle", refusal)]
        assert done == [("hold", "full"), *settled, ("fetch", query), ("reported", report)]
        house.app.perform(e.Exit())
        monkeypatch.undo()
        house.app.stop("x")
        await running

    live(test)


def test_the_heartbeat_says_how_far_the_log_has_come_and_where_it_begins(live: Any) -> None:
    async def test(house: House) -> None:
        running = await house.up()
        house.app._retention._keeping.oldest = 5
        beat = house.bus.heartbeat()
        data = beat.data
        assert (beat.type, data.log, data.head, data.oldest) == (
            "Heartbeat",
            house.app._log_id,
            house.app._turns.head,
            5,
        )
        house.app.stop("x")
        await running

    live(test)


def test_mandatory_peers_are_greeted_by_the_rule_and_once(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(house: House) -> None:
        running = await house.up()
        settings = house.app._turns.core.settings
        mandatory = ["127.0.0.9:5000@127.0.0.0/8"]
        for rule, greet, networks in (("on", True, 1), ("off", True, 0), ("on", False, None)):
            changed = msgspec.structs.replace(settings, mandatory=mandatory, mandatory_rule=rule)
            monkeypatch.setattr(house.app._turns.core._commands, "settings", changed)
            house.app._greet = greet
            found = house.app.started(REAL).mandatory
            assert [one.network is not None for one in found] == ([] if networks is None else [bool(networks)])
        house.app.stop("x")
        await running

    live(test)
