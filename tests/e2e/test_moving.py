"""Backups, restored homes and carried identities, with real nodes that talk: nothing is lost, doubled or reordered."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import threading

import pytest

from node.bus.client import Resync
from node.bus.following import Cursor
from tests.support.processes import (
    PATIENCE,
    NodeProcess,
    Nodes,
    eventually,
    verb,
)

PASSPHRASE = b"correct horse battery staple\n"


def run(*words: str | pathlib.Path, stdin: bytes = b"", code: int = 0) -> str:
    """A verb; returns what it said, on stdout where it worked, else on stderr."""
    done = verb(*words, stdin=stdin)
    assert done.returncode == code, done
    assert b"Traceback" not in done.stderr
    return (done.stderr if code else done.stdout).decode()


def back_up(node: NodeProcess) -> pathlib.Path:
    path = node.home.parent / f"{node.name}.backup"
    run("backup", path, "--home", node.home)
    return path


def restored(nodes: Nodes, backup: pathlib.Path, name: str, listen: str | None = None) -> NodeProcess:
    node = nodes.make(name, listen)
    run("restore", backup, "--home", node.home)
    return node


def facts(node: NodeProcess) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(f"file:{node.home / 'snicher.db'}?mode=ro", uri=True)) as db:
        return dict(db.execute("SELECT name, value FROM fact"))


def texts(node: NodeProcess, address: str) -> list[str]:
    """All texts of the conversation with the peer at this address, in the order to show."""
    found = sorted(node.messages(address), key=lambda one: (one.order, one.id))
    return [one.text for one in found if one.kind == "text"]


def numbers(node: NodeProcess) -> dict[tuple[str, bytes, int], bytes]:
    """Every signed entry on disk by its number, with its hash. Fails when a number has two."""
    with contextlib.closing(sqlite3.connect(f"file:{node.home / 'snicher.db'}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT author, stream, n, hash FROM signed").fetchall()
    return {(author, stream, n): hash_ for author, stream, n, hash_ in rows}


def check_numbers(*nodes: NodeProcess) -> None:
    """No number stands for two entries anywhere, nothing is disputed, and each stream has no gap."""
    found: dict[tuple[str, bytes, int], bytes] = {}
    for node in nodes:
        for key, hash_ in numbers(node).items():
            assert found.setdefault(key, hash_) == hash_, f"number {key} was used twice"
    streams: dict[tuple[str, bytes], list[int]] = {}
    for author, stream, n in sorted(found):
        streams.setdefault((author, stream), []).append(n)
    for held in streams.values():
        assert held == list(range(1, len(held) + 1))
    for node in nodes:
        with contextlib.closing(sqlite3.connect(f"file:{node.home / 'snicher.db'}?mode=ro", uri=True)) as db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
            assert "fork" not in tables or db.execute("SELECT count(*) FROM fork").fetchone() == (0,)


def everything(node: NodeProcess) -> list[str]:
    """All texts of the one direct conversation, in the order to show."""
    (room,) = [one for one in node.client.snapshot().state.rooms.values() if one.kind == "direct"]
    found = sorted(node.client.history(room.id, limit=200).messages, key=lambda one: (one.order, one.id))
    return [one.text for one in found if one.kind == "text"]


@pytest.fixture
def pair(nodes: Nodes) -> tuple[NodeProcess, NodeProcess]:
    anna, bert = nodes.make("anna").launch(), nodes.make("bert").launch()
    anna.wait_ready(), bert.wait_ready()
    anna.wait_state(anna.send(bert.address, "first"), "delivered")
    eventually(lambda: bert.peer(anna.address), "bert knows anna")
    return anna, bert


def talk(one: NodeProcess, other: NodeProcess, about: str) -> list[str]:
    """Both say three things, one after another, and all arrive; returns them."""
    said = []
    for number in range(3):
        for sender, receiver in ((one, other), (other, one)):
            text = f"{about} {number} of {sender.name}"
            sender.wait_state(sender.send(receiver.address, text), "delivered")
            said.append(text)
    return said


def test_two_talk_and_one_is_set_back_by_a_backup_made_while_they_talked(
    nodes: Nodes, pair: tuple[NodeProcess, NodeProcess]
) -> None:
    anna, bert = pair
    said = ["first", *talk(anna, bert, "before")]
    backup = back_up(anna)
    before = anna.client.status()
    said += talk(anna, bert, "after")
    old, known = facts(anna), numbers(anna)
    seen = anna.client.status()
    anna.stop()
    # The same address, as after a disk has died.
    again = restored(nodes, backup, "anna", anna.address).start()
    again.wait_said("This home was restored from a backup.")
    new = facts(again)
    assert new["log"] not in (old["log"], before.log)
    assert new["instance"] != old["instance"]
    # What was said after the backup comes back from who has it, the restored one's own words, too.
    again.client.connect(bert.address)
    eventually(lambda: texts(again, bert.address) == said, "all is back")
    said += talk(again, bert, "again")
    assert texts(again, bert.address) == texts(bert, again.address) == said
    check_numbers(again, bert)
    assert known.items() <= numbers(again).items()
    me = again.client.status().self.id
    streams = [{stream for author, stream, _ in one if author == me} for one in (known, numbers(again))]
    assert streams[0] < streams[1], "it goes on in a stream of its own"
    assert len(bert.client.peers().peers) == 1
    for node in (again, bert):
        assert [peer.warning for peer in node.client.peers().peers] == [None]
        node.check_disk()
    with contextlib.closing(again.client.follow(Cursor(seen.log, seen.head))) as follower:
        assert isinstance(follower.next(PATIENCE), Resync)
    again.stop()
    again.start()
    assert facts(again)["log"] == new["log"], "it is restored once"
    assert texts(again, bert.address) == said


def say(node: NodeProcess, to: str, texts: list[str]) -> None:
    for text in texts:
        node.send(to, text)


def test_a_backup_made_in_the_middle_of_talking_is_restored_after_a_crash(
    nodes: Nodes, pair: tuple[NodeProcess, NodeProcess]
) -> None:
    anna, bert = pair
    me = anna.client.status().self.id
    there = [f"there {number}" for number in range(60)]
    back = [f"back {number}" for number in range(60)]
    threads = [threading.Thread(target=say, args=(anna, bert.address, there)),
               threading.Thread(target=say, args=(bert, me, back))]  # fmt: skip
    for thread in threads:
        thread.start()
    eventually(lambda: len(everything(bert)) > 10, "they talk")
    backup = back_up(anna)
    for thread in threads:
        thread.join()
    eventually(lambda: len(everything(bert)) == 121, "bert has all")
    anna.kill()
    say(bert, me, late := [f"late {number}" for number in range(5)])
    again = restored(nodes, backup, "anna", anna.address).start()
    kept = everything(again)
    assert len(kept) == len(set(kept))
    # Before it has met anybody again.
    say(again, bert.address, anew := [f"anew {number}" for number in range(20)])
    everybody = {"first", *there, *back, *late, *anew}
    for node in (again, bert):
        eventually(lambda node=node: len(everything(node)) >= len(everybody), f"all is at {node.name}")
        found = everything(node)
        assert len(found) == len(everybody) and set(found) == everybody
        for texts_of in (there, back, late, anew):
            assert [text for text in found if text in texts_of] == texts_of
        node.check_disk()
    assert everything(again) == everything(bert)
    check_numbers(again, bert)
    for message in bert.messages(again.address):
        if message.direction == "out":
            bert.wait_state(message, "delivered")


def test_a_backup_is_restored_elsewhere_while_the_original_runs_on(
    nodes: Nodes, pair: tuple[NodeProcess, NodeProcess]
) -> None:
    anna, bert = pair
    said = ["first", *talk(anna, bert, "before")]
    backup = back_up(anna)
    said += talk(anna, bert, "after")
    twin = restored(nodes, backup, "anna").start()
    assert twin.client.status().self.id == anna.client.status().self.id
    assert facts(twin)["instance"] != facts(anna)["instance"]
    # Each of the two goes on, and so does bert.
    for number in range(4):
        for sender in (anna, twin, bert):
            text = f"{number} of {'twin' if sender is twin else sender.name}"
            to = bert.address if sender is not bert else bert.client.peers().peers[0].id
            sender.send(to, text)
            said.append(text)
            eventually(lambda text=text: text in everything(bert), f"bert has {text}")

    for node in (bert, anna, twin):
        eventually(
            lambda node=node: sorted(everything(node)) == sorted(said),
            f"all is at {node.address}",
        )
    orders = [everything(node) for node in (anna, twin, bert)]
    assert orders[0] == orders[1] == orders[2]
    for author in ("anna", "twin", "bert"):
        mine = [text for text in said if text.endswith(f"of {author}")]
        assert [text for text in orders[0] if text.endswith(f"of {author}")] == mine
    check_numbers(anna, twin, bert)
    assert bert.client.status().health.notices == []
    anna.client.connect(twin.address)
    for node in (anna, twin):
        node.wait_said("uses this node's identity; both go on working")
