from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard import eventlog, schema
from dashboard.viewmodel import Model
from node.bus import events as ev
from node.bus import requests as rq
from node.errors import CommandRefused
from tests.dashboard.nouns import event, message, peer, room, snapshot


class Log:
    """A node's log, and how often it was asked. `page` is how many events fit into one answer."""

    def __init__(self, events: list[ev.Event], oldest: int = 1, page: int = 1000) -> None:
        self.events = events
        self.oldest = oldest
        self.page = page
        self.asked: list[tuple[int, int]] = []

    async def ask(self, op: str, args: Any = None, *, key: str | None = None) -> Any:
        assert op == "events" and args.log == "log-1"
        self.asked.append((args.since, args.limit))
        if args.since < self.oldest - 1:
            raise CommandRefused("cursor_too_old", "Too old.", details={"oldest": self.oldest})
        found = self.events[args.since : args.since + min(args.limit, self.page)]
        more = args.since + len(found) < len(self.events)
        return rq.EventsResult(log="log-1", head=len(self.events), oldest=self.oldest, events=found, more=more)


def log_of(count: int, rare: tuple[int, ...] = (), **more: Any) -> Log:
    """Events 1 to `count`: messages, and a peer's change at each number in `rare`."""
    events = [
        event(n, ev.PeerChanged(peer=peer(link="offline", error=f"try {n}")))
        if n in rare
        else event(n, ev.MessageReceived(message=message(n, f"text {n}")))
        for n in range(1, count + 1)
    ]
    return Log(events, **more)


def page(
    log: Log, before: int | None = None, kinds: tuple[str, ...] = (), text: str = "", limit: int = 100
) -> schema.EventPage:
    model = Model("/home")
    model.resync(snapshot(len(log.events)))
    return asyncio.run(eventlog.page(log, model, before, frozenset(kinds), text, limit))  # type: ignore[arg-type]


def test_pages_follow_one_another_without_a_gap_or_an_overlap() -> None:
    log = log_of(1234)
    seen: list[int | None] = []
    before = None
    while True:
        found = page(log, before)
        seen += [row.seq for row in found.rows]
        before = found.down_to
        if not found.more:
            break
    assert seen == list(range(1234, 0, -1))
    assert before == 1


def test_what_is_rare_is_found_and_one_page_has_a_bound() -> None:
    log = log_of(20_000, rare=(100, 17_000))
    first = page(log, kinds=("peers",))
    assert [row.seq for row in first.rows] == [17_000] and first.more
    assert first.down_to == 20_000 - eventlog.MAX_LOOKED + 1
    assert len(log.asked) == eventlog.MAX_LOOKED // eventlog.STEP
    found, before = list(first.rows), first.down_to
    while first.more:
        first = page(log, before, ("peers",))
        found, before = [*found, *first.rows], first.down_to
    assert [row.seq for row in found] == [17_000, 100]


def test_words_are_looked_for() -> None:
    found = page(log_of(50), text="TEXT 4", limit=5)
    assert ["".join(row.parts) for row in found.rows] == [f"bela said: “text {n}”" for n in (49, 48, 47, 46, 45)]
    assert found.down_to == 45 and found.more


@pytest.mark.parametrize("oldest", [1, 2, 777, 1000])
def test_the_log_ends_where_events_are_no_longer_kept(oldest: int) -> None:
    log = log_of(1000, oldest=oldest)
    seen, before, more = list[Any](), None, True
    while more:
        found = page(log, before)
        seen += [row.seq for row in found.rows]
        before, more = found.down_to, found.more
    assert seen == list(range(1000, oldest - 1, -1))


def test_answers_that_end_early_are_put_together() -> None:
    found = page(log_of(300, page=70), limit=200)
    assert [row.seq for row in found.rows] == list(range(300, 100, -1))


def test_an_empty_log_is_an_empty_page() -> None:
    assert page(Log([])) == schema.EventPage([], 1, False, 1)


def test_a_refusal_is_handed_on() -> None:
    log = log_of(10)

    async def refuse(*_: Any, **__: Any) -> Any:
        raise CommandRefused("log_changed", "New numbering.")

    log.ask = refuse  # type: ignore[method-assign]
    with pytest.raises(CommandRefused, match="New numbering"):
        page(log)


def test_changes_of_a_peer_are_compared_within_a_page() -> None:
    log = Log([event(1, ev.PeerAdded(peer=peer())), event(2, ev.PeerChanged(peer=peer(name="Bela B")))])
    assert "".join(page(log).rows[0].parts) == "bela is now called Bela B"


def unknown_rooms(log: Log, *rooms: str) -> list[tuple[str, str | None]]:
    model = Model("/home")
    model.resync(snapshot(len(log.events)))
    found = asyncio.run(eventlog.unknown_rooms(log, model, list(rooms)))  # type: ignore[arg-type]
    return [(one.id, one.into) for one in found.gone]


def history(count: int, **what: Any) -> Log:
    """A log of `count` events, with these at the numbers that their names end with."""
    log = log_of(count)
    for name, data in what.items():
        number = int(name.removeprefix("at"))
        log.events[number - 1] = event(number, data)
    return log


def test_what_became_of_a_conversation_is_found_through_several_merges() -> None:
    log = history(
        1200,
        at3=ev.RoomsMerged(gone="room-a", room=room("b")),
        at700=ev.RoomDeleted(room="room-d"),
        at1100=ev.RoomsMerged(gone="room-b", room=room("bela")),
        at1150=ev.RoomDeleted(room="room-c"),
    )
    assert unknown_rooms(log, "room-a", "room-b", "room-d", "nowhere", "room-bela") == [
        ("room-a", "room-bela"), ("room-b", "room-bela"), ("room-d", None),
    ]  # fmt: skip
    # Not further back than it needs.
    log.asked.clear()
    assert unknown_rooms(log, "room-b") == [("room-b", "room-bela")]
    assert len(log.asked) == 1


def test_what_is_no_longer_told_of_is_left_out_and_looking_back_has_a_bound() -> None:
    log = history(1200, at3=ev.RoomsMerged(gone="room-a", room=room("bela")))
    log.oldest = 10
    assert unknown_rooms(log, "room-a") == []
    log = history(eventlog.MAX_SEARCHED + 10, at3=ev.RoomsMerged(gone="room-a", room=room("bela")))
    assert unknown_rooms(log, "room-a") == []
    assert len(log.asked) == eventlog.MAX_SEARCHED // eventlog.STEP
    log.asked.clear()
    assert unknown_rooms(log, "room-bela") == []
    assert not log.asked


def test_one_event_is_given_as_it_is() -> None:
    log = log_of(5, oldest=3)
    raw = asyncio.run(eventlog.raw(log, "log-1", 4))  # type: ignore[arg-type]
    assert '"seq": 4' in raw.raw and "text 4" in raw.raw
    with pytest.raises(CommandRefused, match="no longer kept"):
        asyncio.run(eventlog.raw(log, "log-1", 2))  # type: ignore[arg-type]
