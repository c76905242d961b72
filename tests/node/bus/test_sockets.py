"""The sockets of a front end, and its reports: nothing waits for a node that is busy, old or away."""

from __future__ import annotations

import asyncio
import pathlib
import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from node.bus import bounds, encoding, locate, nouns
from node.bus import envelopes as en
from node.bus import requests as rq
from node.bus.client import Client, Cursor
from node.bus.following import Away
from node.bus.sockets import CommandSocket, Reporter
from node.errors import CommandRefused, NodeAway
from tests.support.bus_fakes import PATIENCE, FakeBus


def eventually(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def reports(bus: FakeBus) -> list[en.Command]:
    return [command for command in bus.commands if command.op == "report"]


@pytest.fixture
def reporter(bus: FakeBus) -> Reporter:
    return Reporter(bus.home, "bot")


def test_a_report_says_who_how_far_and_which_one(bus: FakeBus, reporter: Reporter) -> None:
    reporter.report(7)
    eventually(lambda: reports(bus))
    (command,) = reports(bus)
    args = msgspec.json.decode(command.args, type=rq.ReportArgs)
    assert (command.client, args.seq, len(args.follower), command.key) == ("bot", 7, 8, None)
    reporter.close()


def test_a_busy_node_has_one_report_before_it_and_nobody_waits(bus: FakeBus, reporter: Reporter) -> None:
    free = threading.Event()

    async def wait(command: en.Command) -> en.Reply:
        await asyncio.get_running_loop().run_in_executor(None, free.wait)
        return en.Reply(v=1, id=command.id, ok=True, result=msgspec.Raw(encoding.encode(rq.Nothing())), head=0)

    bus.special["report"] = wait
    for seq in range(1000):
        reporter.report(seq)
    # Nothing here waited for an answer: none comes until now.
    eventually(lambda: len(reports(bus)) == 1)
    reporter.report(1500)
    free.set()

    def told() -> bool:
        reporter.report(2000)
        return len(reports(bus)) >= 2

    eventually(told)
    reporter.close()


def test_a_node_that_knows_no_reports_gets_one_and_its_successor_gets_them_again(
    bus: FakeBus, reporter: Reporter
) -> None:
    async def unknown(command: en.Command) -> en.Reply:
        raise CommandRefused("unknown_op", "There is no command 'report'; see BUS.md.")

    bus.special["report"] = unknown
    reporter.report(1)

    def refused() -> bool:
        reporter.report(1)
        return reporter._unwanted is not None

    eventually(refused)
    for seq in range(50):
        reporter.report(seq)
    assert len(reports(bus)) == 1
    bus.stop()
    del bus.special["report"]
    bus.start()

    def told() -> bool:
        reporter.report(2)
        return len(reports(bus)) >= 2

    eventually(told)
    reporter.close()


def test_a_node_that_is_away_is_no_error(tmp_path: pathlib.Path) -> None:
    reporter = Reporter(tmp_path, "bot")
    reporter.report(1)
    reporter.close()


def test_a_report_whose_node_died_is_not_waited_for(bus: FakeBus, reporter: Reporter) -> None:
    bus.held = [threading.Event()]
    reporter.report(1)
    eventually(lambda: reports(bus))
    bus.stop()
    bus.sockets = "elsewhere"
    bus.start()

    def told() -> bool:
        reporter.report(2)
        return len(reports(bus)) >= 2

    eventually(told)
    reporter.close()


def test_followers_report_by_themselves_and_go_on_when_that_is_refused(
    bus: FakeBus, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "REPORT_MS", 50)

    async def unknown(command: en.Command) -> en.Reply:
        raise CommandRefused("unknown_op", "There is no command 'report'; see BUS.md.")

    bus.special["report"] = unknown
    follower = client.follow(Cursor("log-1", 0))
    seen: list[object] = []

    def all_came() -> bool:
        if bus.head < 30:
            bus.put(1)
        seen.append(follower.next(0.05))
        return bool(bus.head >= 30 and getattr(seen[-1], "seq", None) == bus.head)

    eventually(all_came)
    assert not any(isinstance(one, Away) for one in seen)
    eventually(lambda: reports(bus))
    assert len(reports(bus)) == 1


def test_bus_json_is_read_again_only_when_it_changed_or_its_process_has_gone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[pathlib.Path] = []
    real = locate.read_endpoint

    def counted(home: pathlib.Path) -> nouns.Endpoint:
        read.append(home)
        return real(home)

    monkeypatch.setattr(locate, "read_endpoint", counted)
    with FakeBus(tmp_path) as bus:
        line = CommandSocket(tmp_path)
        first = line.connect()
        assert line.connect() is first
        assert len(read) == 1
        # Another node has taken the place: the same content in a new file is read, too.
        locate.write_endpoint(tmp_path, real(tmp_path))
        assert line.connect() is first
        assert len(read) == 2
        monkeypatch.setattr(locate, "is_alive", lambda pid: False)
        with pytest.raises(NodeAway):
            line.connect()
        monkeypatch.undo()
        bus.stop()
        with pytest.raises(NodeAway):
            line.connect()
        line.drop()
