"""What followers report is kept for a short while, and never more than a bound of it."""

from __future__ import annotations

from node.bus import bounds
from node.bus import requests as rq
from node.bus.subscribers import Reports


def said(reports: Reports, head: int = 10, now: int = 0) -> list[tuple[str, int, int, int]]:
    return [(one.client, one.seq, one.lag, one.at) for one in reports.subscribers(head, now)]


def test_the_last_report_of_each_follower_counts() -> None:
    reports = Reports()
    reports.take("bot", rq.ReportArgs(seq=3), 1)
    reports.take("bot", rq.ReportArgs(seq=7), 2)
    reports.take("dashboard", rq.ReportArgs(seq=10, follower="b"), 3)
    reports.take("dashboard", rq.ReportArgs(seq=12, follower="a"), 4)
    assert said(reports) == [("bot", 7, 3, 2), ("dashboard", 12, 0, 4), ("dashboard", 10, 0, 3)]


def test_what_is_before_the_first_event_counts_as_nothing() -> None:
    reports = Reports()
    reports.take("bot", rq.ReportArgs(seq=-(2**80)), 1)
    assert said(reports) == [("bot", 0, 10, 1)]


def test_who_reports_no_more_is_forgotten() -> None:
    reports = Reports()
    reports.take("early", rq.ReportArgs(seq=3), 0)
    reports.take("late", rq.ReportArgs(seq=3), 5)
    assert len(said(reports, now=bounds.REPORT_LIFETIME_MS - 1)) == 2
    assert [one[0] for one in said(reports, now=bounds.REPORT_LIFETIME_MS)] == ["late"]
    assert said(reports, now=bounds.REPORT_LIFETIME_MS + 5) == []


def test_of_too_many_the_one_that_reported_longest_ago_is_forgotten() -> None:
    reports = Reports()
    for number in range(bounds.MAX_REPORTS):
        reports.take(f"{number:03}", rq.ReportArgs(seq=1), number)
    reports.take("000", rq.ReportArgs(seq=2), 999)
    reports.take("more", rq.ReportArgs(seq=1), 1000)
    left = [one[0] for one in said(reports, now=1000)]
    assert len(left) == bounds.MAX_REPORTS
    assert {"000", "more"} <= set(left) and "001" not in left


def test_a_name_of_any_length_takes_little_room() -> None:
    reports = Reports()
    reports.take("bot", rq.ReportArgs(seq=1, follower="x" * 10_000), 0)
    reports.take("bot", rq.ReportArgs(seq=2, follower="x" * 20_000), 0)
    assert said(reports) == [("bot", 2, 8, 0)]
