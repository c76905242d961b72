"""What became of one message: for each of those it is for, and since when, while the log still says so."""

from __future__ import annotations

import contextlib
import pathlib
import random
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.errors import CommandRefused
from node.store import recipients
from tests.node.store.direct import OTHER, ROOM, THIRD, Direct


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Direct]:
    made = Direct(tmp_path)
    yield made
    made.close()


def told(store: Direct, message: nouns.Message) -> list[tuple[str, str, int | None]]:
    store.commit()
    result = store.reader.delivery(message.id)
    assert result.message.id == message.id
    return [(one.peer, one.state, one.at) for one in result.recipients]


def test_an_entry_waits_and_is_delivered_at_the_time_of_the_first_receipt_that_covers_it(store: Direct) -> None:
    first, second = store.add(store.mine, "one"), store.add(store.mine, "two")
    assert told(store, first) == [(OTHER, "waiting", None)]
    store.receipt(1)
    at = store.ledger.now
    store.receipt(2)
    assert told(store, first) == [(OTHER, "delivered", at)]
    assert told(store, second) == [(OTHER, "delivered", at + 1)]
    assert store.reader.delivery(first.id).message.state == "delivered"


def test_each_member_has_its_own_time(tmp_path: pathlib.Path) -> None:
    with contextlib.closing(Direct(tmp_path, (THIRD, OTHER))) as store:
        message = store.add(store.mine, "one")
        store.receipt(1, THIRD)
        at = store.ledger.now
        rest = [(OTHER, "waiting", None), (THIRD, "delivered", at)]
        assert told(store, message) == sorted(rest)
        store.receipt(1, OTHER)
        assert {peer: when for peer, _, when in told(store, message)} == {THIRD: at, OTHER: at + 1}


def test_receipts_of_other_streams_members_and_rooms_are_not_taken_for_its_own(store: Direct) -> None:
    message = store.add(store.mine, "one")
    for room, member, stream in (
        ("another", OTHER, store.mine.stream), (ROOM, THIRD, store.mine.stream), (ROOM, OTHER, b"x" * 16),
    ):  # fmt: skip
        store.ledger.log(ev.ReceiptAdvanced(room=room, member=member, stream=stream.hex(), n=9), room)
    store.ledger.now += 5
    store.receipt(1)
    assert told(store, message) == [(OTHER, "delivered", store.ledger.now)]


def test_a_message_to_plain_peers_tells_what_became_of_it_for_each(store: Direct) -> None:
    message = store.wait("in clear", "plain-9")
    store.ledger.put(e.SetState(message.id, "plain-9", "failed", "no route to host"))
    store.commit()
    result = store.reader.delivery(message.id)
    assert result.recipients == [rq.Recipient(peer="plain-9", state="failed", detail="no route to host")]
    assert result.message.state == "failed"


def test_of_a_receipt_that_the_log_does_not_keep_only_the_state_is_known(store: Direct) -> None:
    message = store.add(store.mine, "one")
    store.receipt(1)
    store.ledger.log(ev.PeerForgotten(peer="x"))
    store.commit()
    store.writer.trim(store.ledger.head)
    assert told(store, message) == [(OTHER, "delivered", None)]
    store.writer.trim(store.ledger.head + 1)
    assert told(store, message) == [(OTHER, "delivered", None)], "an empty log"


def test_the_search_for_a_time_has_an_end(store: Direct, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipients, "MAX_SCANNED", 3)
    # The event that accepts a message is the first one searched.
    near, far = store.add(store.mine, "near"), store.add(store.mine, "far")
    store.receipt(1)
    at = store.ledger.now
    for _ in range(2):
        store.ledger.log(ev.PeerForgotten(peer="x"))
    store.receipt(2)
    assert told(store, near) == [(OTHER, "delivered", at)]
    assert told(store, far) == [(OTHER, "delivered", None)]


def test_a_message_that_is_not_ours_or_not_there_is_refused(store: Direct) -> None:
    theirs = store.add(store.theirs, "theirs")
    store.commit()
    for id_ in (theirs.id, 999, -1, 2**70):
        with pytest.raises(CommandRefused) as refused:
            store.reader.delivery(id_)
        assert refused.value.code == "not_found"


@given(times=st.lists(st.integers(0, 30), max_size=40), at=st.integers(-1, 31), trimmed=st.integers(0, 5))
def test_the_first_event_since_a_time_is_found_by_halves(times: list[int], at: int, trimmed: int) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER)")
        log = list(enumerate(sorted(times), trimmed + 1))
        db.executemany("INSERT INTO event VALUES (?, ?)", log)
        assert recipients._first_since(db, at) == next((seq for seq, when in log if when >= at), None)


def test_a_clock_that_was_set_back_makes_the_search_no_longer(store: Direct) -> None:
    dice = random.Random(1)
    for _ in range(50):
        store.ledger.now = 1_700_000_000_000 + dice.randrange(1000)
        store.ledger.log(ev.PeerForgotten(peer="x"))
    message = store.add(store.mine, "one")
    store.receipt(1)
    ((_, state, at),) = told(store, message)
    assert state == "delivered" and at in (None, store.ledger.now)
