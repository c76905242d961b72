"""A real node on a backup: who followed it begins anew, is told why, and sees nothing twice or too little."""

from __future__ import annotations

import contextlib
import shutil

import pytest

from node.bus.client import Resync
from node.bus.following import Cursor
from node.errors import CommandRefused
from tests.support.processes import PATIENCE, Nodes, eventually, free_address


def test_a_backup_put_back_changes_the_log_and_followers_and_bots_are_told(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    to = free_address()
    anna.send(to, "before the backup")
    anna.client.consumer_create("bot")
    anna.stop()
    shutil.copyfile(anna.home / "snicher.db", anna.home.parent / "backup.db")
    anna.start()
    log = anna.client.status().log
    anna.send(to, "lost with the backup")
    seen = anna.fresh_snapshot()
    anna.stop()
    shutil.copyfile(anna.home.parent / "backup.db", anna.home / "snicher.db")
    anna.start()
    anna.wait_said("seems to come from a backup")
    for text in ("one", "two", "three", "four"):
        # As many as make the head pass the one that was kept: only the log's id tells that it is another history.
        anna.send(to, text)
    status = anna.client.status()
    assert status.log != log and status.head > seen.seq
    assert any("backup" in notice for notice in status.health.notices)
    with contextlib.closing(anna.client.follow(Cursor(log, seen.seq))) as follower:
        item = follower.next(PATIENCE)
    assert isinstance(item, Resync)
    assert item.snapshot.log == status.log
    assert item.snapshot.live.health.notices == status.health.notices
    with pytest.raises(CommandRefused, match="numbering has started anew"):
        anna.client.consumer_next("bot")
    assert anna.client.consumer_create("bot", restart=True).lag == 0
    assert [one.text for one in anna.messages(to)] == ["before the backup", "one", "two", "three", "four"]
    anna.check_log()
    anna.kill()
    anna.start()
    assert anna.client.status().log == status.log
    assert anna.client.status().health.notices == []


def test_what_is_sent_while_the_database_is_gone_from_its_path_is_refused_until_it_is_back(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    to = free_address()
    anna.send(to, "before")
    away = anna.home.parent / "away.db"
    (anna.home / "snicher.db").rename(away)
    for _ in range(2):
        with pytest.raises(CommandRefused) as caught:
            anna.send(to, "while it is away")
        assert caught.value.code == "store_unavailable"
        assert "while the node runs" in caught.value.message
    assert not anna.client.status().health.store
    assert not (anna.home / "snicher.db").exists()
    away.rename(anna.home / "snicher.db")
    eventually(lambda: anna.client.status().health.store, "writing works again")
    anna.send(to, "after")
    anna.kill()
    anna.start()
    assert [one.text for one in anna.messages(to)] == ["before", "after"]
    anna.check_log()
