from __future__ import annotations

from dashboard.links import LIFETIME_S, MAX_LINKS, Links


def test_a_link_works_once() -> None:
    links = Links()
    code, other = links.make(0), links.make(0)
    assert code != other and len(code) >= 32
    assert links.works(code, 1) and links.works(code, 1), "looking uses nothing up"
    assert links.use(code, 1) and not links.use(code, 1) and not links.works(code, 1)
    assert links.use(other, 1)


def test_a_link_that_nobody_uses_stops_working_after_a_day() -> None:
    links = Links()
    code = links.make(100)
    assert links.works(code, 100 + LIFETIME_S)
    assert not links.works(code, 101 + LIFETIME_S) and not links.use(code, 100)


def test_the_oldest_link_goes_when_there_are_many() -> None:
    links = Links()
    codes = [links.make(at) for at in range(MAX_LINKS + 1)]
    assert [links.works(code, MAX_LINKS) for code in codes] == [False] + [True] * MAX_LINKS
    links.clear()
    assert not any(links.works(code, MAX_LINKS) for code in codes)


def test_anything_may_be_tried() -> None:
    assert not any(Links().use(code, 0) for code in ("", "x" * 10_000, "é", "\x00", "\ud800"))
