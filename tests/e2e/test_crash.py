"""`kill -9` at any moment: nothing acknowledged is missing, nothing is doubled, and what is unknown is said to be so.

A longer run, with kills at random moments:  CRASH_ROUNDS=200 python -m pytest tests/e2e/test_crash.py -k random
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
import uuid

import pytest

from node.bus import nouns
from node.bus import requests as rq
from node.bus.client import Client
from node.errors import NodeAway
from tests.support import courteous_node
from tests.support.crashing_node import STEPS, VARIABLE
from tests.support.old_clients import AncestorConsole, OldClient, Std
from tests.support.processes import PATIENCE, NodeProcess, Nodes, eventually, loopback_host

#: Between two texts of one speaker, in seconds: less than what a peer takes them in at.
PACE = 0.02
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "4"))


class FrontEnd(threading.Thread):
    """Says numbered texts to a peer, `most` or until told to stop, each with one key for all its tries."""

    def __init__(self, node: NodeProcess, to: str, word: str, most: int = 10**9) -> None:
        super().__init__(daemon=True)
        self._client = Client(node.home, name=word, timeout=0.5)
        self._to = to
        self._word = word
        self._most = most
        self._enough = threading.Event()
        #: What was acknowledged, in order.
        self.acknowledged: list[nouns.Message] = []

    def run(self) -> None:
        while not self._enough.wait(PACE) and len(self.acknowledged) < self._most:
            text = f"{self._word} {len(self.acknowledged)}"
            key = uuid.uuid4().hex
            while True:
                try:
                    self.acknowledged.append(self._client.send(self._to, text, key=key))
                    break
                except NodeAway:
                    time.sleep(0.02)

    def finish(self) -> None:
        """Say no more; the text at hand is acknowledged first, or, with `most`, all of them."""
        if self._most == 10**9:
            self._enough.set()
        self.join(PATIENCE)
        assert not self.is_alive()
        self._client.close()


class Stranger(threading.Thread):
    """An old client that talks all the time, whether anybody listens or not."""

    def __init__(self, node: NodeProcess, old: Std) -> None:
        super().__init__(daemon=True)
        self._node = node
        self._old = old
        self._enough = threading.Event()
        self.said: list[str] = []

    def run(self) -> None:
        while not self._enough.wait(PACE):
            self.said.append(f"said {len(self.said)}")
            try:
                self._old.send(self._node.host, self._node.port, self.said[-1])
            except OSError:
                time.sleep(0.02)

    def finish(self) -> None:
        """Be silent."""
        self._enough.set()
        self.join(PATIENCE)


def lines(client: OldClient) -> list[str]:
    """The texts that the client shows, joined reads taken apart."""
    found = [line for item in client.received for line in item.text.split("\n") if line]
    return [line.removeprefix("anna: ") for line in found]


def check_messages(node: NodeProcess, peer: OldClient, acknowledged: list[nouns.Message]) -> None:
    """Each acknowledged text is there once; the peer got it once if it was sent, and never twice."""

    def settled() -> bool:
        return all(one.state in ("sent", "unconfirmed") for one in ours())

    def ours() -> list[nouns.Message]:
        return [one for one in node.messages(peer.address) if one.direction == "out"]

    eventually(settled, "every message is sent or unconfirmed")
    kept = ours()
    texts = [one.text for one in acknowledged]
    assert [one.text for one in kept] == texts, "each once, in order"
    assert [one.id for one in kept] == [one.id for one in acknowledged]
    sent = {one.text for one in kept if one.state == "sent"}
    eventually(lambda: sent <= set(lines(peer)), f"{peer.address} has got what was sent")
    got = lines(peer)
    assert len(got) == len(set(got)), "nothing arrived twice"
    assert [text for text in texts if text in set(got)] == got, "in order"
    for one in kept:
        assert one.state == "sent" or one.detail, "what is not known is explained"


def test_kills_at_random_moments_under_load(nodes: Nodes) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    anna = nodes.start("anna", script=courteous_node.SCRIPT)
    with (
        Std(loopback_host(), team="STD") as std,
        AncestorConsole(loopback_host(), team="ANC") as ancestor,
        Std(loopback_host(), team="TALKS") as talks,
    ):
        front_ends = [FrontEnd(anna, std.address, "std"), FrontEnd(anna, ancestor.address, "anc")]
        stranger = Stranger(anna, talks)
        for thread in (*front_ends, stranger):
            thread.start()
        for _ in range(ROUNDS):
            time.sleep(rng.uniform(0.05, 0.6))
            anna.kill()
            anna.start()
        for front_end in front_ends:
            front_end.finish()
        stranger.finish()
        for client, front_end in zip((std, ancestor), front_ends, strict=True):
            check_messages(anna, client, front_end.acknowledged)
        heard = anna.heard(talks.address)
        assert len(heard) == len(set(heard)), "nothing is kept twice"
        assert [text for text in stranger.said if text in set(heard)] == heard, "in order"
        anna.check_log()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("kind", "occurrence"), [(Std, 1), (AncestorConsole, 7)])
def test_a_crash_at_each_step_of_sending(nodes: Nodes, step: str, kind: type[OldClient], occurrence: int) -> None:
    anna = nodes.make("anna", script=["-m", "tests.support.crashing_node"])
    anna.start(environment={VARIABLE: f"{step}:{occurrence}"})
    with kind(loopback_host(), team="OLD") as old:
        front_end = FrontEnd(anna, old.address, "text", most=12)
        front_end.start()
        assert anna.wait() == -9
        # What the database says before anybody could mend it.
        last = [room.last for room in anna.fresh_snapshot().state.rooms.values()]
        under_way = {one.id for one in last if one is not None and one.state == "sending"}
        anna.start(environment={VARIABLE: f"{step}:{10**9}"})
        front_end.finish()
        check_messages(anna, old, front_end.acknowledged)
        for message in front_end.acknowledged:
            if message.id in under_way:
                assert anna.wait_state(message, "unconfirmed")
        anna.check_log()


def test_what_was_being_sent_is_unconfirmed_and_can_be_sent_again(nodes: Nodes) -> None:
    anna = nodes.make("anna", script=["-m", "tests.support.crashing_node"])
    anna.start(environment={VARIABLE: "transmitted:1"})
    with Std(loopback_host(), team="OLD") as old:
        old.send(anna.host, anna.port, "so that you know me")
        anna.wait_heard(old.address, ["so that you know me"])
        message = anna.send(old.address, "did it arrive?")
        assert anna.wait() == -9
        anna.start(environment={VARIABLE: f"transmitted:{10**9}"})
        unconfirmed = anna.wait_state(message, "unconfirmed")
        assert unconfirmed.detail == "The node ended while this was being sent; it may or may not have arrived."
        later = anna.send(old.address, "and this one?")
        anna.wait_state(later, "sent")
        # Each comes over a connection of its own; the first one's is read by then as well.
        old.wait_for(lambda c: "and this one?" in lines(c))
        before = lines(old)
        assert before.count("did it arrive?") <= 1
        anna.client.resend(message.id)
        anna.wait_state(message, "sent")
        old.wait_for(lambda c: lines(c).count("did it arrive?") == before.count("did it arrive?") + 1)


@pytest.mark.parametrize(("step", "occurrence"), [("taken away", 1), ("removing", 1), ("removing", 4)])
@pytest.mark.parametrize("what", ["delete", "merge"])
def test_a_crash_while_a_conversation_is_deleted_or_merged_shows_nothing_of_it_and_the_next_start_goes_on(
    nodes: Nodes, what: str, step: str, occurrence: int
) -> None:
    anna = nodes.make("anna", script=["-m", "tests.support.crashing_node"])
    anna.start(environment={VARIABLE: f"{step}:{10**9}"})
    goes, stays = (f"{loopback_host()}:{port}" for port in (9, 10))
    texts = [f"unmistakable{number}" for number in range(60)]
    anna.client.send_all([rq.Outgoing(to=goes, text=text) for text in texts])
    anna.client.send(stays, "stays")
    anna.stop()
    anna.start(environment={VARIABLE: f"{step}:{occurrence}"})
    # A crash before the reply: don't wait for long for a node that is gone.
    with contextlib.suppress(NodeAway), Client(anna.home, name="test", timeout=1) as client:
        client.delete(goes) if what == "delete" else client.merge(goes, stays)
    assert anna.wait() == -9
    left = on_disk(anna, "SELECT count(*) FROM leaving")
    assert left == [(1,)], "the crash came in the middle"
    anna.start(environment={VARIABLE: f"{step}:{10**9}"})

    def check() -> None:
        assert [room.name for room in anna.fresh_snapshot().state.rooms.values()] == [stays]
        assert [one.text for one in anna.messages(stays)] == [*(texts if what == "merge" else ()), "stays"]

    check()
    eventually(lambda: on_disk(anna, "SELECT * FROM leaving") == [], "all of it is removed or moved")
    eventually(lambda: on_disk(anna, "SELECT value FROM fact WHERE name = 'blanking'") == [], "replies, too")
    check()
    assert on_disk(anna, "SELECT count(*) FROM entry") == [(61 if what == "merge" else 1,)]
    anna.check_log()


def on_disk(node: NodeProcess, sql: str) -> list[tuple[object, ...]]:
    """What a query finds in the database of a node that may run."""
    with contextlib.closing(sqlite3.connect(f"{(node.home / 'snicher.db').as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()
