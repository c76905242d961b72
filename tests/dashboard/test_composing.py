"""That somebody types here, told to the node by one voice for all tabs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dashboard import viewmodel
from dashboard.composing import RECENT_S, SAY_AGAIN_S, Composing
from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.errors import NodeAway
from tests.dashboard.nouns import ME, direct, event, node, peer, room, snapshot

BELA, CIAN = "direct:bela", "direct:cian"


class Stage:
    """Tabs, a clock that stands, and what the node was told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[tuple[str, bool]] = []
        self.away = False
        self.busy: asyncio.Event | None = None
        self.model = viewmodel.Model("home")
        self.model.resync(snapshot(10, [node(), node("cian"), peer("old")], [direct(), direct("cian"), room("old")]))
        self.composing = Composing(self, self.model, lambda: self.now)  # type: ignore[arg-type]

    async def ask(self, op: str, args: Any = None, **_: Any) -> rq.Nothing:
        assert op == "typing"
        if self.busy is not None:
            await self.busy.wait()
        if self.away:
            raise NodeAway("Gone.")
        self.told.append((args.room, args.stopped))
        return rq.Nothing()

    async def heard(self, *told: tuple[str, bool]) -> None:
        """All that was said has come to the node, and is this."""
        if self.composing._telling is not None:
            await self.composing._telling
        assert self.told == list(told)


def play(story: Callable[[Stage], Awaitable[None]]) -> None:
    async def go() -> None:
        await story(Stage())

    asyncio.run(go())


def test_the_node_is_told_at_most_every_three_seconds_while_keys_are_pressed_and_once_at_the_end() -> None:
    async def story(stage: Stage) -> None:
        for second in range(7):
            stage.composing.types("tab", BELA)
            await stage.heard(*[(BELA, False)] * (1 + second // int(SAY_AGAIN_S)))
            stage.now += 1.0
        stage.composing.stops("tab")
        stage.composing.stops("tab")
        await stage.heard(*[(BELA, False)] * 3, (BELA, True))
        # Whoever begins anew is told at once.
        stage.composing.types("tab", BELA)
        await stage.heard(*[(BELA, False)] * 3, (BELA, True), (BELA, False))

    play(story)


def test_several_tabs_have_one_voice() -> None:
    async def story(stage: Stage) -> None:
        stage.composing.types("one", BELA)
        stage.composing.types("two", BELA)
        stage.composing.stops("one")
        await stage.heard((BELA, False))
        stage.composing.types("one", BELA)
        stage.now += RECENT_S + 1
        stage.composing.types("two", BELA)
        # A tab in which a draft stands for long doesn't type.
        stage.composing.stops("two")
        await stage.heard((BELA, False), (BELA, True))

    play(story)


def test_another_conversation_ends_it_in_the_one_before() -> None:
    async def story(stage: Stage) -> None:
        stage.composing.types("tab", BELA)
        await stage.heard((BELA, False))
        stage.composing.types("tab", CIAN)
        await stage.heard((BELA, False), (BELA, True), (CIAN, False))

    play(story)


@pytest.mark.parametrize("where", ["room-old", "direct:nobody"])
def test_a_plain_peer_and_nobody_are_told_nothing(where: str) -> None:
    async def story(stage: Stage) -> None:
        stage.composing.types("tab", where)
        stage.composing.stops("tab")
        await stage.heard()

    play(story)


def test_nobody_is_told_anything_while_it_is_not_shared() -> None:
    async def story(stage: Stage) -> None:
        off = nouns.Settings(name="anna", share_reading=False)
        stage.composing.types("before", BELA)
        await stage.heard((BELA, False))
        stage.model.event(event(11, ev.SettingsChanged(settings=off, self=ME)))
        stage.now += SAY_AGAIN_S
        stage.composing.types("tab", BELA)
        stage.composing.stops("before")
        await stage.heard((BELA, False))

    play(story)


def test_a_node_that_is_away_or_slow_loses_words_and_holds_up_nothing() -> None:
    async def story(stage: Stage) -> None:
        stage.away = True
        stage.composing.types("tab", BELA)
        await stage.heard()
        stage.away = False
        stage.composing.stops("tab")
        await stage.heard((BELA, True))
        stage.busy = asyncio.Event()
        stage.composing.types("tab", CIAN)
        await asyncio.sleep(0)
        for _ in range(20):
            stage.now += SAY_AGAIN_S
            stage.composing.types("tab", BELA)
            stage.composing.stops("tab")
        assert len(stage.composing._words) == 2, "only the last word about each is kept"
        stage.busy.set()
        await stage.heard((BELA, True), (CIAN, False), (CIAN, True), (BELA, True))
        stage.model.away("It fell silent.", None)
        stage.composing.types("tab", BELA)
        await stage.heard((BELA, True), (CIAN, False), (CIAN, True), (BELA, True))

    play(story)


def test_after_its_end_nothing_is_told() -> None:
    async def story(stage: Stage) -> None:
        stage.busy = asyncio.Event()
        stage.composing.types("tab", BELA)
        await asyncio.sleep(0)
        telling = stage.composing._telling
        stage.composing.close()
        assert telling is not None
        with pytest.raises(asyncio.CancelledError):
            await telling
        assert stage.told == []

    play(story)
