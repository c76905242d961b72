"""Moments in words, for native pages; the same words as those of components/shared/when.js.

Law of this file: pure; the caller passes what "now" is, and the reader's time zone. Clocks are set, and differ: what is
further from now than clocks differ, or than a distance says anything, is told as a date with its year.
"""

from __future__ import annotations

import datetime

_DAY_MS = 24 * 3600 * 1000
#: Clocks differ by so much without anybody noticing, in ms: what is ahead of now by less is now.
_AHEAD_MS = 5 * 60 * 1000
#: From so far on a date says more than a distance, in ms: of what was, and of what comes.
_LONG_AGO_MS = 30 * _DAY_MS
_FAR_OFF_MS = 2 * _DAY_MS
#: The last moment that Python knows, in ms; clocks and files may tell later ones.
_LAST_MS = 253_402_214_400_000

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")


def _local(at: int, zone: datetime.tzinfo | None) -> datetime.datetime:
    bounded = min(max(at, 0), _LAST_MS)
    return datetime.datetime.fromtimestamp(bounded / 1000, datetime.UTC).astimezone(zone)


def _date(local: datetime.datetime) -> str:
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def moment(at: int, now: int, zone: datetime.tzinfo | None = None) -> str:
    """A time of today, else with its date."""
    local = _local(at, zone)
    time = f"{local:%H:%M}"
    return time if local.date() == _local(now, zone).date() else f"{_date(local)}, {time}"


def _span(ms: int) -> str:
    seconds = max(0, round(ms / 1000))
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"


def ago(at: int, now: int, zone: datetime.tzinfo | None = None) -> str:
    """Such as "just now", "3 min ago", "on 3 Sept 2024"; what is ahead can't be just now: "on 3 Sept 2030, 14:00"."""
    local = _local(at, zone)
    if at - now > _AHEAD_MS:
        return f"on {_date(local)}, {local:%H:%M}"
    if now - at > _LONG_AGO_MS:
        return f"on {_date(local)}"
    return "just now" if now - at < 10_000 else f"{_span(now - at)} ago"


def until(at: int, now: int, zone: datetime.tzinfo | None = None) -> str:
    """Such as "in 40 s", "any moment", "on 3 Sept 2030, 14:00"."""
    if at - now > _FAR_OFF_MS:
        local = _local(at, zone)
        return f"on {_date(local)}, {local:%H:%M}"
    return "any moment" if at - now < 1500 else f"in {_span(at - now)}"


def full(at: int, zone: datetime.tzinfo | None = None) -> str:
    """Everything, for who points at a shorter form: "Tuesday 3 September 2024 at 14:00:05"."""
    local = _local(at, zone)
    return f"{local:%A} {local.day} {local:%B %Y} at {local:%H:%M:%S}"
