"""The figures of the Activity page: message rate, waiting messages, the node's health, and its listeners.

Law of this file: pure; `now` is an argument. None means unknown: the node is away, or too old to tell.
"""

from __future__ import annotations

import msgspec

from dashboard import wording
from dashboard.appearance import AwayView
from node import program
from node.bus import requests as rq

#: Width of one step of the rate's curve, in ms, and how many steps are kept: five minutes in all.
STEP_MS = 5_000
STEPS = 60


class RateView(msgspec.Struct, frozen=True):
    """Numbers of messages sent and received, by steps of time. The last step is still running."""

    step_ms: int
    #: When the first step began (ms).
    start: int
    counts: list[int]


class Rate:
    """Counts messages by the step of time of their event. Costs one addition a message."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def count(self, at: int) -> None:
        """Count one message at this time (ms)."""
        step = at // STEP_MS
        if step not in self._counts and len(self._counts) >= 2 * STEPS:
            newest = max(self._counts)
            self._counts = {one: many for one, many in self._counts.items() if one > newest - STEPS}
        self._counts[step] = self._counts.get(step, 0) + 1

    def view(self, now: int) -> RateView:
        """The last steps up to now (ms)."""
        last = now // STEP_MS
        steps = range(last - STEPS + 1, last + 1)
        return RateView(STEP_MS, steps[0] * STEP_MS, [self._counts.get(step, 0) for step in steps])


def speed(rate: RateView, now: int) -> tuple[float, float]:
    """Messages a second: now (over the last whole step and the one that goes on), and at most."""
    counts, step = rate.counts, rate.step_ms
    goes_on = min(step, max(0, now - (rate.start + (len(counts) - 1) * step)))
    recent = sum(counts[-2:]) / ((step + goes_on) / 1000)
    return recent, max(recent, *(count / (step / 1000) for count in counts))


class Sign(msgspec.Struct, frozen=True):
    """The state of one part of the node: a word with its tone, a sentence, and a time (ms) with its label."""

    name: str
    label: str
    tone: str
    text: str
    moment: int | None = None
    moment_word: str = ""


class WaitingCount(msgspec.Struct, frozen=True):
    """Number of messages that wait in one conversation; `more`: there are further ones. The conversation says why."""

    room: str
    count: int
    more: bool


class SubscriberView(msgspec.Struct, frozen=True):
    """A front end that has reported its position lately. `own`: it is this dashboard."""

    name: str
    lag: int
    at: int
    own: bool


class ConsumerView(msgspec.Struct, frozen=True):
    """A cursor that the node keeps for a bot. `used` may be 0: never."""

    name: str
    position: int
    lag: int
    used: int
    lapsed: bool


class ShutOut(msgspec.Struct, frozen=True):
    """A source address over its quota, and the time (ms) until which it is shut out."""

    host: str
    until: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All figures, at one moment. None: unknown."""

    now: int
    rate: RateView
    signs: list[Sign]
    received: int | None = None
    sent: int | None = None
    outbox: int | None = None
    waiting: list[WaitingCount] = []
    links: int | None = None
    refused: int | None = None
    shut_out: list[ShutOut] = []
    messages: int | None = None
    database: str | None = None
    free: str | None = None
    head: int | None = None
    oldest: int | None = None
    kept_events: int | None = None
    #: Number of programs that listen to the bus right now.
    subscribed: int | None = None
    subscribers: list[SubscriberView] | None = None
    consumers: list[ConsumerView] | None = None


def figures(
    now: int,
    rate: Rate,
    stats: rq.StatsResult | None,
    status: rq.StatusResult | None,
    waiting: list[WaitingCount],
    away: AwayView | None,
    own: str,
) -> Figures:
    """All figures. `own` is this dashboard's client name. Without `stats`, most figures are unknown."""
    signs = [_node(now, stats, status, away), _disk(stats, status), _bus(stats, status)]
    if status is not None and status.health.index:
        signs.append(Sign("Search", "incomplete", "wait", wording.clean_text(status.health.index)))
    if stats is None:
        return Figures(now=now, rate=rate.view(now), signs=signs)
    return Figures(
        now=now,
        rate=rate.view(now),
        signs=signs,
        received=stats.received,
        sent=stats.sent,
        outbox=stats.outbox,
        waiting=waiting,
        links=stats.links,
        refused=stats.refused,
        shut_out=[ShutOut(wording.clean_name(host), until) for host, until in stats.shut_out.items()],
        messages=stats.messages,
        database=wording.size(stats.database_bytes),
        free=wording.size(stats.free_bytes),
        head=status.head if status else None,
        oldest=stats.oldest,
        kept_events=stats.kept_events,
        subscribed=stats.subscribed,
        subscribers=_subscribers(stats, own),
        consumers=_consumers(stats),
    )


def away_signs(away: AwayView) -> list[Sign]:
    """How node, disk and bus are while the node doesn't answer."""
    return [
        _node(0, None, None, away),
        Sign("Disk", "unknown", "plain", "Only the node can tell."),
        Sign("Bus", "silent", "wait", "Reconnecting by itself."),
    ]


def _node(now: int, stats: rq.StatsResult | None, status: rq.StatusResult | None, away: AwayView | None) -> Sign:
    if away is not None:
        return Sign("Node", "away", "bad", away.reason, away.since, "Since")
    if status is None:
        return Sign("Node", "unknown", "plain", "It has not told yet.")
    who = f"Version {wording.clean_name(status.program, '?')}, process {status.pid}."
    started = None if stats is None else now - stats.uptime_ms
    return Sign("Node", "running", "good", who, started, "Started")


def _disk(stats: rq.StatsResult | None, status: rq.StatusResult | None) -> Sign:
    if status is None:
        return Sign("Disk", "unknown", "plain", "Only the node can tell.")
    if not status.health.store:
        why = wording.clean_text(status.health.problem or "It can't be written.")
        return Sign("Disk", "can't be written", "bad", f"{why} Nothing is lost; make room, and it goes on by itself.")
    if status.health.problem:
        return Sign("Disk", "nearly full", "bad", wording.clean_text(status.health.problem))
    if status.health.notices:
        return Sign("Disk", "look here", "bad", wording.clean_text(program.typed(" ".join(status.health.notices))))
    free = "" if stats is None else f" {wording.size(stats.free_bytes)} are free."
    return Sign("Disk", "well", "good", f"What is said is stored at once.{free}")


def _bus(stats: rq.StatsResult | None, status: rq.StatusResult | None) -> Sign:
    if status is None:
        return Sign("Bus", "unknown", "plain", "The dashboard hears nothing from the node.")
    newest = f"Event {status.head:,} is the newest."
    if stats is None:
        return Sign("Bus", "in touch", "good", newest)
    who = "One program listens" if stats.subscribed == 1 else f"{stats.subscribed:,} programs listen"
    return Sign("Bus", "in touch", "good", f"{who}. {newest}")


def _subscribers(stats: rq.StatsResult, own: str) -> list[SubscriberView]:
    told = stats.subscribers
    views = [SubscriberView(wording.clean_name(one.client), one.lag, one.at, one.client == own) for one in told]
    return sorted(views, key=lambda one: (-one.lag, one.name))


def _consumers(stats: rq.StatsResult) -> list[ConsumerView]:
    told = stats.consumers
    views = [ConsumerView(wording.clean_name(one.name), one.position, one.lag, one.used, one.lapsed) for one in told]
    return sorted(views, key=lambda one: (not one.lapsed, -one.lag, one.name))
