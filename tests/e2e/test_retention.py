"""Retention in a real node: what goes, what front ends learn of it, and that nothing else is lost."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from node.bus import events as ev
from node.bus import reducer
from node.bus.client import Cursor, Resync
from node.errors import CommandRefused
from node.store.database import FILE_NAME
from tests.support.old_clients import AncestorConsole, Std
from tests.support.processes import PATIENCE, NodeProcess, Nodes, eventually, free_address, loopback_host

DAY_MS = 24 * 3600 * 1000


def age(node: NodeProcess, days: int, upto: int) -> None:
    """As if all up to this message had been said so many days ago."""
    with contextlib.closing(sqlite3.connect(node.home / FILE_NAME)) as db, db:
        db.execute("UPDATE entry SET at = at - ? WHERE id <= ?", (days * DAY_MS, upto))


def test_old_messages_go_front_ends_learn_of_it_and_what_waits_stays(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    gone = free_address()
    with Std(loopback_host(), team="OLD") as old:
        for text in ("zebra one", "zebra two"):
            old.send(anna.host, anna.port, text)
        anna.wait_heard(old.address, ["zebra one", "zebra two"])
        waiting = anna.send(gone, "zebra waits")
        anna.wait_for_peer(gone, link="offline")
        old.send(anna.host, anna.port, "zebra three")
        anna.wait_count(old.address, 3)
        room = anna.wait_for_peer(old.address).room
        assert anna.stop() == 0
        age(anna, 40, waiting.id)
        anna.start()
        before = anna.client.snapshot()
        assert before.state.rooms[room].unread == 3
        with contextlib.closing(anna.client.follow(Cursor(before.log, before.seq))) as follower:
            anna.client.settings(keep_days=30)
            eventually(lambda: anna.heard(old.address) == ["zebra three"])
            anna.check_disk()
            after = anna.client.snapshot()
            assert (after.state.rooms[room].unread, after.state.rooms[waiting.room].last) == (
                1,
                before.state.rooms[waiting.room].last,
            )
            told: list[ev.MessagesExpired] = []
            while (follower.cursor or Cursor("", 0)).seq < after.seq:
                item = follower.next(PATIENCE)
                assert isinstance(item, ev.Event), item
                if item.seq is not None:
                    reducer.apply(before.state, item)
                if isinstance(item.data, ev.MessagesExpired):
                    told.append(item.data)
            assert before.state == after.state
        (one,) = told
        assert (one.room, one.unread) == (room, 1)
        found = {hit.text for hit in anna.client.search("zebra").hits}
        assert found == {"zebra three", "zebra waits"}
        # A replay of the whole log comes to the same: what is gone shows as deleted.
        anna.check_log()


def test_the_log_keeps_its_bound_says_its_oldest_event_and_numbers_on_over_a_restart(nodes: Nodes) -> None:
    anna = nodes.start("anna", arguments=["--keep-events", "10000"])
    with AncestorConsole(loopback_host(), team="BUSY") as busy:
        busy.connect(anna.host, anna.port)
        for block in range(12):
            lines = "".join(f"line number {block} {number}\n" for number in range(1_000))
            busy.send_bytes(anna.host, anna.port, lines.encode())
        eventually(lambda: anna.client.stats().messages >= 12_000, "all is on disk")
    # What comes of its leaving is in the log as well: then nothing is trimmed any more.
    anna.wait_for_peer(busy.address, link="offline")
    stats = eventually(lambda: [one for one in [anna.client.stats()] if one.kept_events <= 10_000], "it is trimmed")[0]
    assert stats.kept_events > 8_000
    hello = anna.client.hello()
    assert hello.oldest == stats.oldest > 1
    assert anna.client.events(hello.oldest - 1, 1).events[0].seq == hello.oldest
    with pytest.raises(CommandRefused) as refused:
        anna.client.events(hello.oldest - 2)
    assert (refused.value.code, refused.value.details) == ("cursor_too_old", {"oldest": hello.oldest})
    with contextlib.closing(anna.client.follow(Cursor("", 5))) as follower:
        assert isinstance(follower.next(PATIENCE), Resync), "who slept for too long starts afresh"
    head = hello.head
    anna.kill()
    # What no run of a node would do by itself: not one event is left.
    with contextlib.closing(sqlite3.connect(anna.home / FILE_NAME)) as db, db:
        head = db.execute("SELECT max(seq) FROM event").fetchone()[0]
        db.execute("DELETE FROM event")
        db.execute("INSERT OR REPLACE INTO fact VALUES ('trimmed', ?)", (str(head),))
    anna.start()
    assert anna.client.hello().oldest == head + 1
    assert anna.client.events(head, 1).events[0].type == "NodeStarted"
    anna.check_disk()
