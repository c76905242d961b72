"""Named consumers and reports, on a real node: what is on disk, who is told what, and what `stats` shows of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

import pytest
import uvloop

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus.aio import AsyncClient
from node.bus.client import Client, Lapsed, Resync
from node.errors import CommandRefused
from tests.support.processes import PATIENCE, NodeProcess, Nodes, eventually, free_address


def refused(code: str, client: Client, op: str, **args: object) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        client.request(op, args)
    assert caught.value.code == code
    return caught.value


def change(node: NodeProcess, sql: str) -> None:
    """Change the database of a node that doesn't run."""
    with sqlite3.connect(node.home / "snicher.db") as db:
        db.execute(sql)
    db.close()


def test_what_was_acknowledged_survives_the_node_s_crash(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    client = anna.client
    client.consumer_create("bot", since=0)
    for _ in range(5):
        anna.send(free_address(), "hello")
    page = client.consumer_next("bot", 3)
    assert [event.seq for event in page.events] == [1, 2, 3]
    assert page.more and page.consumer.lag == page.head
    client.consumer_acknowledge("bot", 3)
    anna.kill()
    anna.start()
    page = client.consumer_next("bot")
    assert [event.seq for event in page.events][:2] == [4, 5]
    assert client.consumer_acknowledge("bot", 1).position == 3
    assert isinstance(page.events[0], ev.Event)


def test_a_lapsed_consumer_is_told_so_and_begins_anew(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    client = anna.client
    anna.send(free_address(), "hello")
    client.consumer_create("bot", since=0)
    client.consumer_create("other", since=4)
    anna.stop()
    change(anna, "DELETE FROM event WHERE seq <= 3")
    anna.start()
    error = refused("consumer_lapsed", client, "consumer_next", name="bot")
    assert error.details == {"position": 0, "oldest": 4}
    refused("consumer_lapsed", client, "consumer_acknowledge", name="bot", seq=5)
    refused("consumer_lapsed", client, "consumer_create", name="bot")
    assert {one.name: one.lapsed for one in client.consumers()} == {"bot": True, "other": False}
    consumer = client.consume("bot")
    with pytest.raises(CommandRefused, match="restart"):
        consumer.next(PATIENCE)
    again = client.consume("bot", since=3, restart=True)
    assert again.next(PATIENCE) == Lapsed(3)
    event = again.next(PATIENCE)
    assert isinstance(event, ev.Event) and event.seq == 4
    kept = again.acknowledge(event)
    assert kept is not None and kept.position == 4
    anna.stop()
    change(anna, "UPDATE fact SET value = 'restored' WHERE name = 'log'")
    anna.start()
    assert all(one.lapsed for one in client.consumers())
    refused("consumer_lapsed", client, "consumer_next", name="other")
    # A bot that was running meanwhile and may restart goes on by itself, and is told from where.
    assert again.acknowledge(event) is None
    lost = eventually(
        lambda: next((item for item in [again.next(0.1)] if isinstance(item, Lapsed)), None), "it is told"
    )
    anna.send(free_address(), "hello again")
    item = eventually(lambda: next((one for one in [again.next(0.1)] if isinstance(one, ev.Event)), None), "it goes on")
    assert item.seq == lost.seq + 1 and item.log == "restored"
    kept = again.acknowledge(item)
    assert kept is not None and (kept.position, kept.lapsed) == (item.seq, False)


def test_stats_show_who_follows_how_far_they_are_and_the_consumers(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    client = anna.client
    assert (client.stats().subscribers, client.stats().subscribed, client.stats().consumers) == ([], 0, [])
    client.consumer_create("bot", since=0)
    with Client(anna.home, name="dashboard") as one:
        follower = one.follow()
        assert isinstance(follower.next(PATIENCE), Resync)

        def reported() -> list[nouns.Subscriber]:
            follower.next(0.05)
            return client.stats().subscribers

        (subscriber,) = eventually(reported, "the follower reports by itself")
        assert subscriber.client == "dashboard"
        eventually(lambda: client.stats().subscribed == 1, "it is counted")
        stats = client.stats()
        assert subscriber.lag == stats.subscribers[0].lag == 0
        for _ in range(3):
            anna.send(free_address(), "hello")
        # It doesn't look, so it falls behind.
        before = client.hello().head
        (behind,) = client.stats().subscribers
        assert (behind.client, behind.seq) == (subscriber.client, subscriber.seq)
        # The peers that it can't reach go on making events.
        assert behind.seq < before <= behind.seq + behind.lag <= client.hello().head
        consumer = next(one for one in client.stats().consumers if one.name == "bot")
        assert (consumer.position, consumer.lapsed) == (0, False)
    eventually(lambda: client.stats().subscribed == 0, "it has gone")


#: A node that forgets no report for its age, however long this test takes.
REMEMBERING = """
import sys
from node import __main__
from node.bus import bounds
bounds.REPORT_LIFETIME_MS = 3_600_000
sys.exit(__main__.main())
"""


def test_reports_cost_the_disk_nothing_and_are_bounded(nodes: Nodes) -> None:
    anna = nodes.start("anna", script=["-c", REMEMBERING])
    head = anna.client.status().head
    commits = anna.client.stats().commits
    for seq in range(300):
        anna.client.report(head, f"follower {seq}")
    stats = anna.client.stats()
    assert len(stats.subscribers) == bounds.MAX_REPORTS
    assert (stats.commits, anna.client.status().head) == (commits, head)


@pytest.mark.parametrize("make_loop", [asyncio.SelectorEventLoop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_an_asyncio_bot_goes_on_over_a_crash_of_its_node(
    nodes: Nodes, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    anna = nodes.start("anna")
    said: list[str] = []

    async def bot(client: AsyncClient, until: str) -> None:
        """Acknowledges what was said, until it was this."""
        consumer = client.consume("bot", since=0)
        async for event in consumer:
            if isinstance(event.data, ev.MessageAccepted):
                said.append(event.data.message.text)
            await consumer.acknowledge(event)
            if said[-1:] == [until]:
                return

    async def main() -> None:
        address = free_address()
        async with AsyncClient(anna.home, name="async") as client, asyncio.timeout(100):
            await client.send(address, "one")
            await bot(client, "one")
            running = asyncio.create_task(bot(client, "three"))
            await client.send(address, "two")
            await asyncio.to_thread(anna.kill)
            await asyncio.to_thread(anna.start)
            await client.send(address, "three")
            await running
            assert (await client.consumers())[0].position <= (await client.status()).head

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main())
    assert said == ["one", "two", "three"]
