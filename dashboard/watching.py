"""Tabs that show the Activity page: they get each event as a row, and the node's figures. Other tabs cost nothing.

Law of this file: everything here runs on the server's event loop. The node is asked once for all such tabs, and only
while there is one. Rows are gathered for a moment, so that a flood of events becomes a few frames. At the bound a frame
is cut to its newest rows, with the number of rows left out.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import time
from typing import Protocol

import msgspec

from dashboard import activity, schema, telling, viewmodel
from dashboard.feed import Asker
from node.bus import events as ev
from node.bus import requests as rq
from node.errors import BusProtocolError, CommandRefused, NodeAway

log = logging.getLogger("snicher.dashboard")

#: How often the node is asked for its figures, in seconds.
POLL_S = 2.0
#: How long rows are gathered, in seconds: people notice no delay, and a flood becomes five frames a second.
GATHER_S = 0.2
#: Most rows of one frame: more than fit on a screen. Older ones of that moment are only counted.
MAX_ROWS = 60
#: Most conversations asked for waiting messages, and most messages examined in each.
MAX_WAITING_ROOMS = 5
MAX_WAITING_MESSAGES = 50


class Tab(Protocol):
    """Where frames go."""

    def put(self, frame: bytes) -> None:
        """Queue a frame."""


class Watchers:
    """The tabs that show the Activity page now. `own` is this server's client name on the bus."""

    def __init__(self, asker: Asker, model: viewmodel.Model, own: str) -> None:
        self._asker = asker
        self._model = model
        self._own = own
        self._tabs: set[Tab] = set()
        self._rate = activity.Rate()
        self._rows: collections.deque[telling.EventRow] = collections.deque(maxlen=MAX_ROWS)
        self._skipped = 0
        self._passing = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._polling: asyncio.Task[None] | None = None
        #: The last figures, while there is a tab.
        self.figures: activity.Figures | None = None
        self._waiting: tuple[tuple[object, ...], list[activity.WaitingCount]] = ((), [])
        self._encoder = msgspec.json.Encoder()

    def add(self, tab: Tab) -> None:
        """The tab shows the page from now on."""
        self._tabs.add(tab)
        if self.figures is not None:
            tab.put(self._encoder.encode(schema.FiguresFrame()))
        if self._polling is None:
            self._polling = asyncio.get_running_loop().create_task(self._poll())

    def discard(self, tab: Tab) -> None:
        """The tab doesn't show the page any more, or is gone."""
        self._tabs.discard(tab)
        if not self._tabs:
            self.close()

    def close(self) -> None:
        """Stop asking the node."""
        if self._polling is not None:
            self._polling.cancel()
            self._polling = None
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        self._rows.clear()
        self._skipped = 0
        self.figures = None

    def note(self, event: ev.Event) -> None:
        """Take an event before the model does, so that things it removes still have their names."""
        data = event.data
        if isinstance(data, ev.MessageReceived | ev.MessageAccepted) and data.message.kind == "text":
            self._rate.count(event.at)
        # What is over in a moment is no row: that the node lives, and that somebody types.
        if not self._tabs or isinstance(data, ev.Heartbeat | ev.Typing):
            return
        before = self._model.peer(data.peer.id) if isinstance(data, ev.PeerChanged) else None
        self._passing += event.seq is None
        # The key includes the time, because the count begins again with each server, and tabs outlive servers.
        key = f"e{event.at}-{self._passing}" if event.seq is None else f"s{event.seq}"
        if len(self._rows) == MAX_ROWS:
            self._skipped += 1
        self._rows.append(telling.row(event, self._model, key, before))
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(GATHER_S, self._flush)

    def _flush(self) -> None:
        self._flushing = None
        rows, skipped = list(self._rows), self._skipped
        self._rows.clear()
        self._skipped = 0
        self._publish(schema.RowsFrame(rows, skipped))

    def _publish(self, frame: msgspec.Struct) -> None:
        encoded = self._encoder.encode(frame)
        for tab in list(self._tabs):
            tab.put(encoded)

    async def _poll(self) -> None:
        while True:
            try:
                self.figures = await self._look()
                self._publish(schema.FiguresFrame())
            except Exception:
                # A bug here must not end the figures for good.
                log.exception("looking at the node's figures failed")
            await asyncio.sleep(POLL_S)

    async def _look(self) -> activity.Figures:
        stats, status, waiting = None, None, list[activity.WaitingCount]()
        if self._model.absent is None:
            # Figures that an older or an absent node doesn't tell are shown as unknown.
            with contextlib.suppress(NodeAway, CommandRefused, BusProtocolError):
                status = await self._asker.ask("status")
                stats = await self._asker.ask("stats")
                waiting = await self._who_waits(stats.outbox)
        away = self._model.absent
        now = int(time.time() * 1000)
        return activity.figures(now, self._rate, stats, status, waiting, away, self._own)

    async def _who_waits(self, outbox: int) -> list[activity.WaitingCount]:
        """The conversations with waiting messages; read again only when they may have changed."""
        if not outbox:
            return []
        rooms = self._model.waiting_rooms(MAX_WAITING_ROOMS)
        fingerprint = (outbox, *rooms)
        if self._waiting[0] == fingerprint:
            return self._waiting[1]
        found = []
        for room in rooms:
            args = rq.HistoryArgs(room=room, limit=MAX_WAITING_MESSAGES)
            page: rq.HistoryResult = await self._asker.ask("history", args)
            count = sum(one.direction == "out" and one.state in ("waiting", "sending") for one in page.messages)
            if count:
                found.append(activity.WaitingCount(room, count, page.more_before and count == len(page.messages)))
        self._waiting = (fingerprint, found)
        return found
