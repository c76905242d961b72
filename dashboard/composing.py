"""That somebody types here, told to the node: one voice for all tabs of this server.

Law of this file: everything here runs on the server's event loop. The node is told only about conversations with other
nodes, only while the person shares it, and one word at a time, so that no word overtakes another.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Hashable

from dashboard import viewmodel
from dashboard.feed import Asker
from node.bus import requests as rq
from node.errors import BusProtocolError, CommandRefused, NodeAway

#: The node is told again after so long, in seconds, while keys are still pressed.
SAY_AGAIN_S = 3.0
#: A tab without a key for so long, in seconds, doesn't count as typing: another tab's end is an end then.
RECENT_S = 6.0


class Composing:
    """Who types where, by tab."""

    def __init__(self, asker: Asker, model: viewmodel.Model, clock: Callable[[], float] = time.monotonic) -> None:
        self._asker = asker
        self._model = model
        self._clock = clock
        #: The conversation in which each tab types, and when its last key was pressed.
        self._typists: dict[Hashable, tuple[str, float]] = {}
        #: When the node was told last, by conversation, until it is told that typing has stopped.
        self._told: dict[str, float] = {}
        #: What the node is to be told next, by conversation: whether typing has stopped.
        self._words: dict[str, bool] = {}
        self._telling: asyncio.Task[None] | None = None

    def types(self, tab: Hashable, room: str) -> None:
        """A key was pressed in the field of this conversation."""
        if tab in self._typists and self._typists[tab][0] != room:
            self.stops(tab)
        if not self._shared(room):
            return
        now = self._clock()
        self._typists[tab] = (room, now)
        told = self._told.get(room)
        if told is None or now - told >= SAY_AGAIN_S:
            self._told[room] = now
            self._tell(room, stopped=False)

    def stops(self, tab: Hashable) -> None:
        """The tab's field is empty, what stood in it was sent, or the tab is closed or left."""
        room, _ = self._typists.pop(tab, ("", 0.0))
        since = self._clock() - RECENT_S
        if room in self._told and not any(other == room and at > since for other, at in self._typists.values()):
            del self._told[room]
            self._tell(room, stopped=True)

    def close(self) -> None:
        """Tell nothing any more."""
        if self._telling is not None:
            self._telling.cancel()

    def _shared(self, room_id: str) -> bool:
        state = self._model.state
        room = state.rooms.get(room_id) if state is not None else None
        return state is not None and room is not None and room.kind == "direct" and state.settings.share_reading

    def _tell(self, room: str, *, stopped: bool) -> None:
        self._words[room] = stopped
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell_all())

    async def _tell_all(self) -> None:
        try:
            while self._words:
                room = next(iter(self._words))
                stopped = self._words.pop(room)
                if self._model.absent is not None or not self._shared(room):
                    continue
                # A word that is lost does no harm: the other side forgets it after a moment.
                with contextlib.suppress(NodeAway, CommandRefused, BusProtocolError):
                    await self._asker.ask("typing", rq.TypingArgs(room=room, stopped=stopped))
        finally:
            self._telling = None
