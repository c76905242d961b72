"""The verb `tail`: what it prints, acknowledges and says of a node that is away. Whole processes: tests/e2e."""

from __future__ import annotations

import pathlib
import signal
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.bus.client import Away, Back, Lapsed, Resync
from node.errors import BusProtocolError, CommandRefused, NodeAway
from node.terminal.lines import event_line
from tests.support.fake_client import FakeClient, FakeConsumer

NOON = int(time.mktime((2026, 1, 2, 12, 0, 0, 0, 0, -1)) * 1000)


def snapshot(seq: int) -> rq.SnapshotResult:
    me = nouns.Self(id="i", code="c", name="n", listen="l")
    state = nouns.State(self=me, settings=nouns.Settings(name="n"))
    return rq.SnapshotResult(log="l", seq=seq, state=state, live=nouns.Live())


def test_tail_tells_of_absences_and_of_what_is_missing_on_stderr(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    event = ev.Event(v=1, log="l", at=NOON, type="PeerForgotten", seq=5, data=ev.PeerForgotten(peer="p"))
    items = [Resync(snapshot(4)), event, Away("No heartbeat.", NOON / 1000), None, Back(), Resync(snapshot(9))]
    verb(["tail"], FakeConsumer(items, lambda: ""))
    out, err = capsys.readouterr()
    assert out.splitlines() == [event_line(event)]
    assert err.splitlines() == [
        "The node is away, last heard at 2026-01-02 12:00:00: No heartbeat. Waiting for it. If it doesn't run, start"
        f" it: python -m node run --home {tmp_path}",
        "The node is back.",
        "The events asked for aren't there; going on after event 9.",
    ]


def forgotten(seq: int) -> ev.Event:
    return ev.Event(v=1, log="l", at=NOON, type="PeerForgotten", seq=seq, data=ev.PeerForgotten(peer="p"))


@pytest.mark.parametrize("words", [[], ["--json"]], ids=["for people", "json"])
def test_tail_for_a_consumer_acknowledges_what_was_shown(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    items = [forgotten(4), Away("No heartbeat.", None), None, Back(), Lapsed(4), forgotten(5)]
    consumer = FakeConsumer(items, lambda: capsys.readouterr().out)
    client = verb(["tail", "--consumer", "log", "--since", "3", "--restart", *words], consumer)
    assert client.asked[0] == ("log", {"since": 3, "restart": True})
    lines = [msgspec.json.encode(forgotten(seq)).decode() if words else event_line(forgotten(seq)) for seq in (4, 5)]
    assert consumer.acknowledged == [(4, lines[0] + "\n"), (5, lines[1] + "\n")]


def test_tail_for_a_consumer_that_is_interrupted_has_acknowledged_what_was_shown(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    consumer = FakeConsumer([forgotten(4), forgotten(5)], lambda: "", interrupts=1)
    verb(["tail", "--consumer", "log"], consumer)
    assert consumer.acknowledged == [(4, "")]
    impatient = FakeConsumer([forgotten(4), forgotten(5)], lambda: "", interrupts=2)
    verb(["tail", "--consumer", "log"], impatient)
    assert impatient.acknowledged == []
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_tail_for_a_consumer_goes_on_when_its_node_goes_away_and_ends_when_it_can_t_go_on(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    consumer = FakeConsumer([forgotten(4), forgotten(5), forgotten(6), forgotten(7)], lambda: "")
    consumer.fails = {4: NodeAway("away"), 5: CommandRefused("stopping", "going down", retryable=True)}
    verb(["tail", "--consumer", "log"], consumer)
    assert [seq for seq, _ in consumer.acknowledged] == [6, 7]
    assert len(capsys.readouterr().out.splitlines()) == 4
    dropped = FakeConsumer([forgotten(4), forgotten(5)], lambda: "")
    dropped.fails = {4: CommandRefused("not_found", "dropped")}
    with pytest.raises(CommandRefused):
        verb(["tail", "--consumer", "log"], dropped)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("words", [[], ["--consumer", "log"]], ids=["events", "consumer"])
def test_tail_ends_though_an_interrupt_came_where_python_ignores_it(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    class Interrupted(FakeConsumer):
        def next(self, timeout: float) -> Any:
            if not self.items:
                Finalized()
            return super().next(timeout) if self.items else None

    verb(["tail", *words], Interrupted([forgotten(4)], lambda: ""))
    assert capsys.readouterr().out.splitlines() == [event_line(forgotten(4))]


@pytest.mark.parametrize("words", [["tail"], ["tail", "--json"], ["tail", "--consumer", "log"]], ids=" ".join)
def test_tail_that_is_interrupted_while_it_waits_for_its_node_was_not_done(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path, words: list[str]
) -> None:
    away = Away(f"No node is running on {tmp_path}. Start one with: python -m node run --home {tmp_path}", None)
    verb(words, FakeConsumer([away, None], lambda: ""), code=130)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"The node is away: No node is running on {tmp_path}. Waiting for it. If it doesn't run, start it:"
        f" python -m node run --home {tmp_path}\n"
    )
    verb(words, FakeConsumer([away, Back(), forgotten(4)], lambda: ""), code=0)


def test_tail_waits_for_no_node_where_there_is_no_home(verb: Callable[..., FakeClient], tmp_path: pathlib.Path) -> None:
    with pytest.raises(NodeAway, match="There is no home at"):
        verb(["tail"], home=tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(NodeAway, match="There is no home at"):
        verb(["tail"], home=tmp_path / "file")


def test_tail_waits_for_no_node_that_it_can_t_understand(
    verb: Callable[..., FakeClient], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "bus.json").write_text("not JSON")
    with pytest.raises(BusProtocolError, match="isn't the connection file of a node"):
        verb(["tail"])
