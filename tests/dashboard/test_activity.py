from __future__ import annotations

from typing import Any

import pytest

from dashboard import activity
from dashboard.appearance import AwayView
from node.bus import nouns
from node.bus import requests as rq
from tests.dashboard.nouns import ME

NOW = 1_000_000_000


def stats(**more: Any) -> rq.StatsResult:
    fields: dict[str, Any] = {
        "uptime_ms": 60_000, "received": 3, "sent": 2, "commits": 1, "events": 9, "links": 1, "rooms": 1, "peers": 1,
        "outbox": 0, "messages": 5, "database_bytes": 12_400_000, "free_bytes": 38_000_000_000, "shut_out": {},
        "refused": 0, "subscribers": [], "subscribed": 1, "consumers": [], "oldest": 1, "kept_events": 9, **more,
    }  # fmt: skip
    return rq.StatsResult(**fields)


def status(**health: Any) -> rq.StatusResult:
    return rq.StatusResult(
        ready=True, self=ME, pid=77, program="1.0", home="/home", log="l", head=9, health=nouns.Health(**health)
    )


def figures(
    told: rq.StatsResult | None, said: rq.StatusResult | None, away: AwayView | None = None
) -> activity.Figures:
    return activity.figures(NOW, activity.Rate(), told, said, [], away, "dashboard-1")


def test_the_rate_counts_by_steps_and_stays_small() -> None:
    rate = activity.Rate()
    for at in (NOW, NOW, NOW - activity.STEP_MS, NOW - 10 * activity.STEP_MS * activity.STEPS):
        rate.count(at)
    view = rate.view(NOW)
    assert len(view.counts) == activity.STEPS
    assert (view.counts[-1], view.counts[-2], sum(view.counts)) == (2, 1, 3)
    assert view.start + activity.STEPS * view.step_ms > NOW >= view.start + (activity.STEPS - 1) * view.step_ms
    for step in range(10 * activity.STEPS):
        rate.count(NOW + step * activity.STEP_MS)
    assert len(rate._counts) <= 2 * activity.STEPS


def test_a_well_node_is_told_in_words() -> None:
    view = figures(stats(), status())
    assert [(sign.name, sign.label, sign.tone) for sign in view.signs] == [
        ("Node", "running", "good"), ("Disk", "well", "good"), ("Bus", "in touch", "good"),
    ]  # fmt: skip
    assert view.signs[0].moment == NOW - 60_000
    assert "One program listens" in view.signs[2].text
    assert (view.database, view.free, view.head) == ("12 MB", "38 GB", 9)


@pytest.mark.parametrize(
    ("health", "label", "tone"),
    [
        ({"store": False, "problem": "No space."}, "can't be written", "bad"),
        ({"store": True, "problem": "Only 100 MB are free."}, "nearly full", "bad"),
    ],
)
def test_a_disk_in_trouble_is_told(health: dict[str, Any], label: str, tone: str) -> None:
    sign = figures(stats(), status(**health)).signs[1]
    assert (sign.label, sign.tone) == (label, tone) and health["problem"] in sign.text


def test_a_search_index_that_is_built_anew_is_told() -> None:
    signs = figures(stats(), status(index="The search index is damaged.")).signs
    assert [(sign.name, sign.tone) for sign in signs[1:]] == [("Disk", "good"), ("Bus", "good"), ("Search", "wait")]
    assert signs[-1].text == "The search index is damaged."


def test_a_node_that_is_away_or_older_leaves_things_unknown() -> None:
    away = figures(None, None, AwayView(500, "It fell silent.", "start it"))
    assert [(sign.label, sign.tone) for sign in away.signs] == [
        ("away", "bad"), ("unknown", "plain"), ("unknown", "plain"),
    ]  # fmt: skip
    assert away.outbox is None and away.subscribers is None and away.rate.counts
    # An older one answers `stats` in a way that can't be read.
    older = figures(None, status())
    assert [(sign.label, sign.moment) for sign in older.signs] == [
        ("running", None),
        ("well", None),
        ("in touch", None),
    ]
    assert (older.subscribers, older.consumers, older.kept_events, older.subscribed) == (None, None, None, None)


def test_who_is_furthest_behind_stands_first_and_lapsed_ones_before_all() -> None:
    follow = [
        nouns.Subscriber(client=name, seq=1, lag=lag, at=5) for name, lag in (("a", 0), ("dashboard-1", 3), ("b", 9))
    ]
    bots = [
        nouns.Consumer(name="bot", position=1, lag=90, created=1, used=2),
        nouns.Consumer(name="old", position=1, lag=0, created=1, used=2, lapsed=True),
    ]
    view = figures(stats(subscribers=follow, consumers=bots, shut_out={"10.0.0.9": 77}), status())
    assert view.subscribers is not None and view.consumers is not None
    assert [(one.name, one.own) for one in view.subscribers] == [("b", False), ("dashboard-1", True), ("a", False)]
    assert [(one.name, one.lapsed) for one in view.consumers] == [("old", True), ("bot", False)]
    assert [(one.host, one.until) for one in view.shut_out] == [("10.0.0.9", 77)]
