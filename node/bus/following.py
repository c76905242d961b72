"""Following the event log as a state machine: each event once and in order, and word when that can't be. (BUS.md 4)

Law of this file: no I/O. What came in, what was answered and the time go in; what to ask the node next, when to look
again, and what to give out come out. The blocking and the asyncio follower differ in how they wait, in nothing else.

    question ──> ask the node ──> answered / refused / failed
    (none)   ──> wait for PUB until wake_at ──> received / nothing_came
    take     ──> the next thing to give out
"""

from __future__ import annotations

import collections

import msgspec

from node.bus import bounds
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.commands import UNREADABLE, NodeCommands, Steps
from node.errors import BusError, CommandRefused

#: So many heartbeats may be missing before the node counts as away.
MISSED_HEARTBEATS = 3
#: How much longer to listen before silence counts, in seconds: whoever was stopped himself (a machine that slept, or
#: has too much to do) finds three heartbeats missing, and the next one on its way.
DOUBT_S = 0.5
#: How long to wait before looking for an absent node again: at first and at most, in seconds.
RECONNECT_S = (0.1, 2.0)
#: How long to wait for the first thing to hear of a node after subscribing, before asking it, in seconds: what is
#: published before the subscription has come there is missed, and of ephemeral events nothing else would tell. It
#: greets with a heartbeat at once; one that has more to do than that is asked anyway.
WELCOME_S = 0.5
#: How often a consumer that has nothing to do tells the node that it is in use, in seconds. Short beside 30 days.
IN_USE_S = 3600.0

#: The log and the cursor don't fit: what was seen before no longer counts.
_ELSEWHERE = ("log_changed", "cursor_too_old", "cursor_ahead")


class Cursor(msgspec.Struct, frozen=True):
    """How far somebody has read: the log and the last event seen. An empty `log` fits any."""

    log: str
    seq: int


class Resync(msgspec.Struct, frozen=True):
    """Everything seen before no longer counts: go on from this snapshot."""

    snapshot: rq.SnapshotResult


class Away(msgspec.Struct, frozen=True):
    """The node doesn't answer; the follower keeps looking for it."""

    reason: str
    #: When it was last heard, in seconds of time.time(); None when never.
    since: float | None


class Back(msgspec.Struct, frozen=True):
    """The node is there again."""


class Lapsed(msgspec.Struct, frozen=True):
    """A consumer's next event was no longer kept: what came up to `seq` is lost to it, and it goes on from there."""

    seq: int


#: An ev.Event with `seq` None is ephemeral.
Item = ev.Event | Resync | Away | Back


class Following:
    """One follower's state. `now` is monotonic, `wall` is time.time(), both in seconds."""

    def __init__(self, cursor: Cursor | None = None) -> None:
        #: The last durable event given out, or the Resync after it. None until there was one.
        self.cursor = cursor
        #: The same for what is in `_ready` as well. None: begin anew.
        self._position = cursor
        self._ready: collections.deque[Item] = collections.deque()
        self._synced = False
        self._away = False
        self._heard: float | None = None
        self._heard_wall: float | None = None
        #: Until when to listen, once the silence is long enough.
        self._doubt_until: float | None = None
        self._try_at = 0.0
        #: Until when to wait for the first thing to hear.
        self._deaf_until = 0.0
        self._report_at = 0.0
        self._pause = RECONNECT_S[0]

    # -- what comes out

    @property
    def ready(self) -> bool:
        """Whether something came in that wasn't taken."""
        return bool(self._ready)

    def take(self) -> Item | None:
        """The next item to give out; None when there is none yet."""
        if not self._ready:
            return None
        item = self._ready.popleft()
        if isinstance(item, Resync):
            self.cursor = Cursor(item.snapshot.log, item.snapshot.seq)
        elif isinstance(item, ev.Event) and item.seq is not None:
            self.cursor = Cursor(item.log, item.seq)
        return item

    def question(self, now: float) -> Steps[msgspec.Struct] | None:
        """What to ask the node now, after subscribing; None: nothing. Asking may be given up at any moment."""
        if self._synced or now < max(self._try_at, self._deaf_until):
            return None
        if self._position is None:
            return self._begin()
        return NodeCommands.events.steps(self._position.seq, bounds.MAX_EVENTS, self._position.log or None)

    def wake_at(self) -> float:
        """When to look again, though nothing has come in."""
        if not self._synced:
            return max(self._try_at, self._deaf_until)
        return self._silent_at() if self._doubt_until is None else self._doubt_until

    def report(self, now: float) -> int | None:
        """The event to report to the node now as the last one given out; None: none."""
        if not self._synced or now < self._report_at or self.cursor is None:
            return None
        self._report_at = now + bounds.REPORT_MS / 1000
        return self.cursor.seq

    # -- what goes in

    def subscribed(self, now: float) -> None:
        """A subscription was begun just now; it is on its way to the node."""
        self._deaf_until = now + WELCOME_S

    def answered(self, result: msgspec.Struct, now: float, wall: float) -> None:
        """The node answered what was asked."""
        self._alive(now, wall)
        self._try_at = 0.0
        if isinstance(result, rq.EventsResult):
            self._went_on(result.log, result.events, result.more)
        else:
            self._begun(result)

    def unanswered(self, error: BusError, now: float) -> None:
        """What was asked came to nothing: refused, or never answered. Raises as `refused`."""
        if isinstance(error, CommandRefused):
            self.refused(error, now)
        else:
            self.failed(str(error), now)

    def refused(self, error: CommandRefused, now: float) -> None:
        """The node refused what was asked. Raises the error where asking again won't help."""
        if error.code in _ELSEWHERE and self._position is not None:
            self._position, self._try_at = None, 0.0
        else:
            self.failed(f"The node refuses: {error}", now)

    def failed(self, reason: str, now: float) -> None:
        """The node could not be asked."""
        self._synced = False
        self._doubt_until = None
        self._try_at = now + self._pause
        self._pause = min(self._pause * 1.6, RECONNECT_S[1])
        if not self._away:
            self._away = True
            self._ready.append(Away(reason, self._heard_wall))

    def nothing_came(self, now: float) -> None:
        """Nothing was published until now."""
        if not self._synced or now < self._silent_at():
            return
        if self._doubt_until is None:
            self._doubt_until = now + DOUBT_S
        elif now >= self._doubt_until:
            self.failed("No heartbeat.", now)

    def received(self, body: bytes, now: float, wall: float) -> None:
        """This was published."""
        try:
            event = ev.decode_event(body)
        except UNREADABLE:
            # Not an event by BUS.md; were it a durable one, its number will be missed and asked for.
            return
        self._deaf_until = 0.0
        cursor = self._position
        if not self._synced or cursor is None:
            # It is there after all; but a node that publishes and can't be asked must not be asked for each event.
            self._try_at = min(self._try_at, now + RECONNECT_S[0])
            return
        if event.log != cursor.log:
            self._behind()
            return
        self._listened(now, wall)
        if event.seq is None:
            if isinstance(event.data, ev.Heartbeat):
                if event.data.head != cursor.seq:
                    self._behind()
            else:
                self._ready.append(event)
        elif event.seq == cursor.seq + 1:
            self._position = Cursor(cursor.log, event.seq)
            self._ready.append(event)
        elif event.seq > cursor.seq:
            self._behind()

    # -- parts of the above

    def _begin(self) -> Steps[msgspec.Struct]:
        return NodeCommands.snapshot.steps()

    def _begun(self, result: msgspec.Struct) -> None:
        assert isinstance(result, rq.SnapshotResult)
        self._ready.append(Resync(result))
        self._position = Cursor(result.log, result.seq)
        self._synced = True

    def _went_on(self, log: str, events: list[ev.Event], more: bool) -> None:
        """A page of the log after `_position`."""
        assert self._position is not None
        self._ready.extend(events)
        self._position = Cursor(log, events[-1].seq or 0 if events else self._position.seq)
        self._synced = not more or not events

    def _alive(self, now: float, wall: float) -> None:
        self._listened(now, wall)
        self._pause = RECONNECT_S[0]
        if self._away:
            self._away = False
            self._ready.append(Back())

    def _listened(self, now: float, wall: float) -> None:
        self._heard, self._heard_wall, self._doubt_until = now, wall, None

    def _behind(self) -> None:
        self._synced = False
        self._try_at = 0.0

    def _silent_at(self) -> float:
        return (self._heard or 0.0) + MISSED_HEARTBEATS * bounds.HEARTBEAT_MS / 1000


class Consuming(Following):
    """Following from a named consumer's position on: durable events, Away and Back. Never a Resync: where the log no
    longer fits, `refused` raises, or with `restart` the consumer begins anew, and Lapsed says so.
    """

    def __init__(self, name: str, since: int | None = None, restart: bool = False) -> None:
        super().__init__()
        self.name = name
        self._since = since
        self._restart = restart
        self._created = False
        #: It has lapsed, and begins anew.
        self._lapsed = False
        #: It has begun anew, and that wasn't given out yet.
        self._lost: Lapsed | None = None
        self._in_use_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether something came in that wasn't taken."""
        return self._lost is not None or super().ready

    # Whoever consumes gets a Lapsed where whoever follows gets a Resync.
    def take(self) -> ev.Event | Away | Back | Lapsed | None:  # type: ignore[override]
        """The next durable event, that the node is away or back, or that events are lost; None: there is none yet."""
        if self._lost is not None:
            lost, self._lost = self._lost, None
            return lost
        while (item := super().take()) is not None:
            if isinstance(item, Away | Back) or (isinstance(item, ev.Event) and item.seq is not None):
                return item
        return None

    def question(self, now: float) -> Steps[msgspec.Struct] | None:
        """As in Following; and now and then, that the consumer is in use."""
        if self._synced and now >= self._in_use_at:
            return NodeCommands.consumer_next.steps(self.name, 1)
        return super().question(now)

    def subscribed(self, now: float) -> None:
        """It is for durable events, which the log has as well: nothing to wait for."""

    def report(self, now: float) -> None:
        """The node knows how far a consumer is."""
        return None

    def answered(self, result: msgspec.Struct, now: float, wall: float) -> None:
        """The node answered what was asked."""
        if isinstance(result, rq.ConsumerNextResult):
            self._in_use_at = now + IN_USE_S
            if self._position is not None:
                self._alive(now, wall)
                return
        super().answered(result, now, wall)

    def refused(self, error: CommandRefused, now: float) -> None:
        """The node refused what was asked. Raises the error where asking again won't help."""
        if self.begins_anew(error):
            return
        if not error.retryable and (self._position is None or error.code not in _ELSEWHERE):
            raise error
        super().refused(error, now)

    def begins_anew(self, error: CommandRefused) -> bool:
        """Whether the node refused something because the consumer has lapsed, and it is to begin anew."""
        if error.code != "consumer_lapsed" or not self._restart or self._lapsed:
            return False
        self._lapsed, self._created, self._synced, self._position, self._try_at = True, False, False, None, 0.0
        # They would be acknowledged in vain.
        self._ready = collections.deque(item for item in self._ready if not isinstance(item, ev.Event))
        return True

    def is_of_this_log(self, event: ev.Event) -> bool:
        """Whether an event that was given out has a number of the log that is followed now."""
        return self._position is None or event.log == self._position.log

    def _begin(self) -> Steps[msgspec.Struct]:
        if not self._created:
            yield from NodeCommands.consumer_create.steps(self.name, since=self._since, restart=self._lapsed)
        return (yield from NodeCommands.consumer_next.steps(self.name, bounds.MAX_EVENTS))

    def _begun(self, result: msgspec.Struct) -> None:
        assert isinstance(result, rq.ConsumerNextResult)
        if self._lapsed:
            self._lost = Lapsed(result.consumer.position)
        # Another time it goes on from the head: what comes after `since` is long gone then.
        self._created, self._lapsed, self._since = True, False, None
        self._position = Cursor(result.log, result.consumer.position)
        self._went_on(result.log, result.events, result.more)
