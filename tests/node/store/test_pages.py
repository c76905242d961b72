"""Snapshots in pages: of one moment, bounded in size, number and time."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import cast

import pytest

from node.bus import bounds, nouns, paging
from node.bus import requests as rq
from node.errors import CommandRefused
from node.store import pages, snapshot
from node.store.pages import Pages
from tests.node.store import story as stories
from tests.node.store.story import commit


class Store(stories.Store):
    def __init__(self, home: pathlib.Path) -> None:
        super().__init__(home)
        self.now = 100.0
        self.pages = Pages(home, clock=lambda: self.now)

    def meet(self, count: int) -> None:
        for _ in range(count):
            number = len(self.story.contacts.by_id)
            contact = self.story.meet(f"10.0.{number // 256}.{number % 256}", 5000, f"peer {number}")
            self.story.hear(contact, f"text {number}")
        commit(self.writer, self.story)

    def rest(self, page: rq.SnapshotResult, limit: int = 7) -> list[rq.SnapshotResult]:
        """This page and all that follow."""
        found = [page]
        while found[-1].next is not None:
            found.append(self.pages.next(found[-1].next, limit))
        return found


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.pages.close()
    made.close()


def refused(of: pytest.ExceptionInfo[CommandRefused]) -> str:
    return of.value.code


@pytest.mark.parametrize("limit", [1, 7, 20, 39, 40, 41, 1_000])
def test_pages_joined_are_the_whole_and_each_thing_is_on_one_of_them(store: Store, limit: int) -> None:
    store.meet(20)
    store.story.contacts.forget(store.story.meet("10.9.9.9", 5000))
    commit(store.writer, store.story)
    found = store.rest(store.pages.first(limit), limit)
    whole = store.reader.snapshot(nouns.Live())
    rooms = [room for page in found for room in page.state.rooms]
    peers = [peer for page in found for peer in page.state.peers]
    assert (rooms, peers) == (list(whole.state.rooms), list(whole.state.peers))
    assert {(page.log, page.seq) for page in found} == {(whole.log, whole.seq)}
    for page in found:
        assert len(page.state.rooms) + len(page.state.peers) <= limit
        assert (page.state.self, page.state.settings) == (whole.state.self, whole.state.settings)

    walk = paging.snapshot(lambda _, args: cast(rq.SnapshotArgs, args), limit)
    args = next(walk)
    with pytest.raises(StopIteration) as end:
        while True:
            page = store.pages.first(limit) if args.page is None else store.pages.next(args.page, limit)
            args = walk.send(page)
    assert end.value.value == whole
    assert len(store.pages) == 0, "one that was told to its end isn't kept"


def test_all_pages_are_of_the_moment_of_the_first(store: Store) -> None:
    store.meet(20)
    before = store.reader.snapshot(nouns.Live())
    first = store.pages.first(5)
    store.meet(20)
    store.story.contacts.delete(next(iter(store.story.contacts.by_id.values())))
    commit(store.writer, store.story)
    found = store.rest(first)
    assert {page.seq for page in found} == {before.seq}
    assert {room: one for page in found for room, one in page.state.rooms.items()} == before.state.rooms
    assert {peer: one for page in found for peer, one in page.state.peers.items()} == before.state.peers


def test_a_page_may_be_asked_for_again_while_the_snapshot_is_open(store: Store) -> None:
    store.meet(20)
    token = store.pages.first(5).next
    assert token is not None
    assert store.pages.next(token, 5) == store.pages.next(token, 5)


def test_a_limit_is_lowered_to_the_bound_and_is_one_at_least(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.meet(20)
    monkeypatch.setattr(bounds, "MAX_SNAPSHOT", 10)
    assert len(store.pages.first(2**80).state.rooms) == 10
    assert len(store.pages.first(-1).state.rooms) == 1


def test_a_page_with_long_texts_ends_early_and_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MAX_PAGE_CHARS", 5_000)
    store.meet(10)
    for contact in store.story.contacts.by_id.values():
        store.story.hear(contact, "x" * 2_000)
    commit(store.writer, store.story)
    found = store.rest(store.pages.first(100), 100)
    assert [len(page.state.rooms) for page in found] == [3, 3, 3, 1]
    assert sum(len(page.state.peers) for page in found) == 10


def test_so_many_are_open_at_once_and_a_further_one_waits(store: Store) -> None:
    store.meet(20)
    opened = [store.pages.first(5) for _ in range(pages.MAX_OPEN)]
    with pytest.raises(CommandRefused) as caught:
        store.pages.first(5)
    assert refused(caught) == "busy"
    store.rest(opened[0])
    store.pages.first(5)


def test_one_that_nobody_goes_on_with_is_given_up(store: Store) -> None:
    store.meet(20)
    first = store.pages.first(5)
    assert first.next is not None
    store.now += pages.IDLE_S - 1
    second = store.pages.next(first.next, 5)
    store.now += pages.IDLE_S - 1
    assert second.next is not None
    store.pages.next(second.next, 5)
    store.now += pages.IDLE_S + 1
    store.pages.give_up()
    assert len(store.pages) == 0
    with pytest.raises(CommandRefused) as caught:
        store.pages.next(second.next, 5)
    assert refused(caught) == "snapshot_gone"


def test_one_that_takes_too_long_is_given_up_however_busy_its_reader(store: Store) -> None:
    store.meet(20)
    token = store.pages.first(5).next
    assert token is not None
    until = store.now + pages.WHOLE_S
    with pytest.raises(CommandRefused) as caught:
        while store.now < until + 10:
            store.now += 5
            store.pages.next(token, 5)
    assert refused(caught) == "snapshot_gone"
    assert store.now > until


@pytest.mark.parametrize("token", ["", "nonsense", "0123.r0", ".", "x" * 10_000])
def test_a_token_of_nobody_is_gone(store: Store, token: str) -> None:
    store.meet(1)
    with pytest.raises(CommandRefused) as caught:
        store.pages.next(token, 5)
    assert refused(caught) == "snapshot_gone"


@pytest.mark.parametrize("position", ["", "r", "rx", "r-1", "q1", "r" + "9" * 30, "p" + "x" * 200])
def test_a_position_that_is_none_is_gone(store: Store, position: str) -> None:
    store.meet(5)
    token = store.pages.first(1).next
    assert token is not None
    with pytest.raises(CommandRefused) as caught:
        store.pages.next(f"{token.partition('.')[0]}.{position}", 5)
    assert refused(caught) == "snapshot_gone"


def test_an_open_one_holds_no_deletion_up(store: Store) -> None:
    store.meet(20)
    first = store.pages.first(5)
    store.story.contacts.delete(next(iter(store.story.contacts.by_id.values())))
    commit(store.writer, store.story)
    assert len(store.rest(first)) > 1
    assert store.writer._db.execute("PRAGMA busy_timeout").fetchone()[0] > 1_000


def test_peers_come_in_pages_by_id(store: Store) -> None:
    store.meet(12)
    seen: list[str] = []
    after = None
    while True:
        page = store.reader.peers(rq.PeersArgs(limit=5, after=after))
        assert len(page.peers) <= 5
        seen += [peer.id for peer in page.peers]
        if not page.more:
            break
        after = seen[-1]
    assert seen == sorted(store.story.contacts.by_id)
    assert store.reader.peers(rq.PeersArgs(limit=0)).peers[0].id == seen[0]
    assert store.reader.peers(rq.PeersArgs(after="zzz")) == rq.PeersResult(peers=[], next_tries=[], more=False)
