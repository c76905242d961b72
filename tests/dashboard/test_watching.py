from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from dashboard import viewmodel, watching
from dashboard.feed import Asker
from node.bus import events as ev
from tests.dashboard.nouns import event, message, peer
from tests.support.fake_node import PATIENCE, FakeNode


class Tab:
    """A tab that keeps what it gets."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.came = asyncio.Event()

    def put(self, frame: bytes) -> None:
        self.frames.append(json.loads(frame))
        self.came.set()

    async def until(self, done: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not done():
                self.came.clear()
                await self.came.wait()

    def kinds(self) -> list[str]:
        return [frame["t"] for frame in self.frames]


def run(tmp_path: pathlib.Path, story: Callable[[FakeNode, watching.Watchers], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        with FakeNode(tmp_path) as node:
            asker = Asker(tmp_path, "test")
            model = viewmodel.Model(str(tmp_path))
            model.resync(await asker.ask("snapshot"))
            watchers = watching.Watchers(asker, model, "test")
            try:
                await story(node, watchers)
            finally:
                watchers.close()
                asker.close()

    asyncio.run(play())


def said(number: int) -> ev.Event:
    return event(number, ev.MessageReceived(message=message(number, f"text {number}")))


def test_the_node_is_asked_only_while_somebody_watches(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody is asked again, however slow this machine is.
    monkeypatch.setattr(watching, "POLL_S", 3600.0)

    async def story(node: FakeNode, watchers: watching.Watchers) -> None:
        watchers.note(said(1))
        await asyncio.sleep(0)
        assert "stats" not in node.commands and watchers._polling is None and watchers._flushing is None
        one, two = Tab(), Tab()
        watchers.add(one)
        watchers.add(two)
        await one.until(lambda: "figures" in one.kinds())
        await two.until(lambda: "figures" in two.kinds())
        assert node.commands.count("stats") == 1, "once for both"
        figures = watchers.figures
        assert figures is not None and figures.outbox == 0 and sum(figures.rate.counts) in (0, 1)
        watchers.discard(one)
        assert watchers._polling is not None
        watchers.discard(two)
        assert watchers._polling is None
        watchers.note(said(2))
        assert watchers._flushing is None and not watchers._rows

    run(tmp_path, story)


def test_whoever_comes_later_gets_the_latest_figures_at_once(tmp_path: pathlib.Path) -> None:
    async def story(node: FakeNode, watchers: watching.Watchers) -> None:
        one, late = Tab(), Tab()
        watchers.add(one)
        await one.until(lambda: "figures" in one.kinds())
        watchers.add(late)
        assert late.kinds() == ["figures"]

    run(tmp_path, story)


def test_events_become_rows_in_few_frames(tmp_path: pathlib.Path) -> None:
    async def story(node: FakeNode, watchers: watching.Watchers) -> None:
        tab = Tab()
        watchers.add(tab)
        for number in range(1, watching.MAX_ROWS + 41):
            watchers.note(said(number))
        watchers.note(event(None, ev.ConnectionNoticed(address="10.0.0.9", what="A probe.")))
        watchers.note(event(None, ev.Heartbeat(log="l", head=1, oldest=1)))
        watchers.note(event(None, ev.Typing(room="direct:bela", member="peer-bela", until=9)))
        await tab.until(lambda: "rows" in tab.kinds())
        frame = next(frame for frame in tab.frames if frame["t"] == "rows")
        assert len(frame["rows"]) == watching.MAX_ROWS and frame["skipped"] == 41
        assert [row["key"] for row in frame["rows"][-2:]] == [f"s{watching.MAX_ROWS + 40}", "e5000-1"]
        watchers.note(said(500))
        await tab.until(lambda: tab.kinds().count("rows") == 2)
        last = [frame for frame in tab.frames if frame["t"] == "rows"][-1]
        assert ([row["key"] for row in last["rows"]], last["skipped"]) == (["s500"], 0)

    run(tmp_path, story)


def test_a_peer_is_compared_with_what_it_was(tmp_path: pathlib.Path) -> None:
    async def story(node: FakeNode, watchers: watching.Watchers) -> None:
        tab = Tab()
        watchers.add(tab)
        bela = peer()
        for number, data in enumerate((ev.PeerAdded(peer=bela), ev.PeerChanged(peer=peer(name="Bela B"))), 1):
            one = event(len(node.events) + number, data)
            watchers.note(one)
            watchers._model.event(one)
        await tab.until(lambda: "rows" in tab.kinds())
        rows = next(frame for frame in tab.frames if frame["t"] == "rows")["rows"]
        assert "".join(rows[1]["parts"]) == "bela is now called Bela B"

    run(tmp_path, story)


def test_it_is_told_for_whom_messages_wait(tmp_path: pathlib.Path) -> None:
    async def story(node: FakeNode, watchers: watching.Watchers) -> None:
        cian = node.add_peer("cian", link="offline")
        for text in ("one", "two"):
            node.say(cian.room, text)
        watchers._model.resync(await watchers._asker.ask("snapshot"))
        figures = await watchers._look()
        assert figures.outbox == 2
        assert [(one.room, one.count, one.more) for one in figures.waiting] == [(cian.room, 2, False)]
        asked = node.commands.count("history")
        await watchers._look()
        assert node.commands.count("history") == asked, "nothing changed, so nobody is asked again"
        node.say(cian.room, "three")
        assert (await watchers._look()).waiting[0].count == 3

    run(tmp_path, story)


def test_a_node_that_is_away_is_not_asked(tmp_path: pathlib.Path) -> None:
    async def story(node: FakeNode, watchers: watching.Watchers) -> None:
        watchers._model.away("It fell silent.", 5)
        before = len(node.commands)
        figures = await watchers._look()
        assert len(node.commands) == before
        assert figures.signs[0].label == "away" and figures.outbox is None

    run(tmp_path, story)
