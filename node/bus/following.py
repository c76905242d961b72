"""Following the event log as a state machine: each event once and in order, or a Resync where that can't be. (BUS.md 4)

Law of this file: no I/O. Published frames, replies and the time go in. The next question to the node, the next deadline
and the items for the user come out. The blocking and the asyncio follower differ only in how they wait.

    question ──> ask the node ──> answered / refused / failed
    (none)   ──> wait for PUB until wake_at ──> received / nothing_came
    take     ──> the next thing to give out
"""

from __future__ import annotations

import collections

import msgspec

from node.bus import bounds
from node.bus import consumers as cn
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.commands import UNREADABLE, NodeCommands, Steps
from node.errors import BusError, CommandRefused

#: Missing heartbeats after which the node counts as away.
MISSED_HEARTBEATS = 3
#: How much longer to listen after that, in seconds. A follower that was suspended itself (a machine that slept, or is
#: overloaded) finds three heartbeats missing although the next one is on its way.
DOUBT_S = 0.5
#: Backoff between tries to reach an absent node: first and longest pause, in seconds.
RECONNECT_S = (0.1, 2.0)
#: How long to wait for a first frame after subscribing before asking the node, in seconds. Whatever the node publishes
#: before the subscription arrives is missed, and for ephemeral events nothing fills the gap. The node greets a new
#: subscriber with a heartbeat at once; if it is too busy for that, it is asked anyway.
WELCOME_S = 0.5
#: How often an idle consumer tells the node that it is in use, in seconds: well within the 30 days after which it is
#: dropped.
IN_USE_S = 3600.0

#: Error codes that mean the cursor doesn't fit the log: begin anew from a snapshot.
_ELSEWHERE = ("log_changed", "cursor_too_old", "cursor_ahead")


class Cursor(msgspec.Struct, frozen=True):
    """A position in the event log: the log's id and the last event seen. An empty `log` matches any log."""

    log: str
    seq: int


class Resync(msgspec.Struct, frozen=True):
    """Discard all earlier state, and go on from this snapshot."""

    snapshot: rq.SnapshotResult


class Away(msgspec.Struct, frozen=True):
    """The node doesn't answer; the follower keeps looking for it."""

    reason: str
    #: When it was last heard, in seconds of time.time(); None when never.
    since: float | None


class Back(msgspec.Struct, frozen=True):
    """The node is there again."""


class Lapsed(msgspec.Struct, frozen=True):
    """A consumer's next event was no longer kept. It has missed the events up to `seq`, and goes on after that one."""

    seq: int


#: An ev.Event with `seq` None is ephemeral.
Item = ev.Event | Resync | Away | Back


class Following:
    """One follower's state. `now` is monotonic, `wall` is time.time(), both in seconds."""

    def __init__(self, cursor: Cursor | None = None) -> None:
        #: Position of the last durable event or Resync given out; None before the first.
        self.cursor = cursor
        #: The same, counting the items in `_ready` as well. None: begin anew with a snapshot.
        self._position = cursor
        self._ready: collections.deque[Item] = collections.deque()
        self._synced = False
        self._away = False
        self._heard: float | None = None
        self._heard_wall: float | None = None
        #: Once heartbeats are missing: until when to listen for one more.
        self._doubt_until: float | None = None
        self._try_at = 0.0
        #: After subscribing: until when to wait for the first frame before asking.
        self._deaf_until = 0.0
        self._report_at = 0.0
        self._pause = RECONNECT_S[0]

    # -- what comes out

    @property
    def ready(self) -> bool:
        """Whether an item is there to take."""
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
        """The question to ask the node now, after subscribing; None: nothing. It may be abandoned at any moment."""
        if self._synced or now < max(self._try_at, self._deaf_until):
            return None
        if self._position is None:
            return self._begin()
        return NodeCommands.events.steps(self._position.seq, bounds.MAX_EVENTS, self._position.log or None)

    def wake_at(self) -> float:
        """The next deadline: call `question` or `nothing_came` then."""
        if not self._synced:
            return max(self._try_at, self._deaf_until)
        return self._silent_at() if self._doubt_until is None else self._doubt_until

    def report(self, now: float) -> int | None:
        """The `seq` to report to the node now, of the last event given out; None: no report is due."""
        if not self._synced or now < self._report_at or self.cursor is None:
            return None
        self._report_at = now + bounds.REPORT_MS / 1000
        return self.cursor.seq

    # -- what goes in

    def subscribed(self, now: float) -> None:
        """A subscription was just made; it is on its way to the node."""
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
        """The question failed: refused, or never answered. Raises as `refused`."""
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
        """The node published this frame."""
        try:
            event = ev.decode_event(body)
        except UNREADABLE:
            # Not a valid event. If it was a durable one, its number leaves a gap, which is filled by asking.
            return
        self._deaf_until = 0.0
        cursor = self._position
        if not self._synced or cursor is None:
            # The node is there after all, so ask soon. But don't ask at each event of a node that publishes and
            # doesn't answer.
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
        """Take a page of the log after `_position`."""
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
    """Follows from a named consumer's position: durable events, Away and Back, never a Resync. If the consumer has
    lapsed, `refused` raises; with `restart` it begins anew instead, and a Lapsed says so.
    """

    def __init__(self, name: str, since: int | None = None, restart: bool = False) -> None:
        super().__init__()
        self.name = name
        self._since = since
        self._restart = restart
        self._created = False
        #: Whether it has lapsed and has to begin anew.
        self._lapsed = False
        #: Whether it has begun anew and the Lapsed wasn't given out yet.
        self._lost: Lapsed | None = None
        self._in_use_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether something came in that wasn't taken."""
        return self._lost is not None or super().ready

    # A consumer gets a Lapsed where a follower gets a Resync.
    def take(self) -> ev.Event | Away | Back | Lapsed | None:  # type: ignore[override]
        """The next durable event, Away, Back or Lapsed; None: there is none yet."""
        if self._lost is not None:
            lost, self._lost = self._lost, None
            return lost
        while (item := super().take()) is not None:
            if isinstance(item, Away | Back) or (isinstance(item, ev.Event) and item.seq is not None):
                return item
        return None

    def question(self, now: float) -> Steps[msgspec.Struct] | None:
        """As in Following; an idle consumer also tells the node from time to time that it is in use."""
        if self._synced and now >= self._in_use_at:
            return NodeCommands.consumer_next.steps(self.name, 1)
        return super().question(now)

    def subscribed(self, now: float) -> None:
        """No need to wait for a first frame: a consumer gets durable events only, and the log has them all."""

    def report(self, now: float) -> None:
        """Nothing to report: the node keeps a consumer's position itself."""
        return None

    def answered(self, result: msgspec.Struct, now: float, wall: float) -> None:
        """The node answered what was asked."""
        if isinstance(result, cn.ConsumerNextResult):
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
        """Whether this error says that the consumer has lapsed, and `restart` allows it to begin anew."""
        if error.code != "consumer_lapsed" or not self._restart or self._lapsed:
            return False
        self._lapsed, self._created, self._synced, self._position, self._try_at = True, False, False, None, 0.0
        # Drop what is still to be given out: acknowledging it would have no effect any more.
        self._ready = collections.deque(item for item in self._ready if not isinstance(item, ev.Event))
        return True

    def is_of_this_log(self, event: ev.Event) -> bool:
        """Whether an event that was given out belongs to the log that is followed now."""
        return self._position is None or event.log == self._position.log

    def _begin(self) -> Steps[msgspec.Struct]:
        if not self._created:
            yield from NodeCommands.consumer_create.steps(self.name, since=self._since, restart=self._lapsed)
        return (yield from NodeCommands.consumer_next.steps(self.name, bounds.MAX_EVENTS))

    def _begun(self, result: msgspec.Struct) -> None:
        assert isinstance(result, cn.ConsumerNextResult)
        if self._lapsed:
            self._lost = Lapsed(result.consumer.position)
        # A later restart begins at the head, because the events after `since` are long gone then.
        self._created, self._lapsed, self._since = True, False, None
        self._position = Cursor(result.log, result.consumer.position)
        self._went_on(result.log, result.events, result.more)
