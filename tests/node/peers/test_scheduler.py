"""Turns: nobody waits for one that sends much, and nothing is lost."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time

import pytest

from node.core import stimuli as s
from node.peers import connection as connections
from node.peers import scheduler
from tests.node.peers.live import Anna, dialled, eventually, listening, run
from tests.support.processes import loopback_host

ADDRESS = "127.0.0.1:5000"


def test_small_texts_beyond_the_bound_wait_in_the_network_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.peers.pace.BURST", 100)
    monkeypatch.setattr("node.peers.pace.RATE", 2)

    async def test() -> None:
        async with listening() as network:
            loop = asyncio.get_running_loop()
            with dialled(network) as flood, dialled(network) as other:
                begun, scheduler = loop.time(), network._scheduler
                flood.sendall(b"".join(b"n%d\n" % number for number in range(300)))
                await eventually(lambda: scheduler.slowed)
                flood.sendall(b"later\n")
                other.sendall(b"NEW: a text of somebody else\n")
                await eventually(lambda: "a text of somebody else" in network.texts)
                assert "later" not in network.texts
                network.pause()
                network.resume()
                other.sendall(b"NEW: and another one of theirs\n")
                await eventually(lambda: "and another one of theirs" in network.texts)
                assert "later" not in network.texts
                (timer,) = scheduler.slowed.values()
                texts = sum(text[0] == "n" for text in network.texts)
                assert timer.when() - begun >= (texts - 100) / 2 > 0, "what came beyond the burst, at 2 a second"

                def the_time_is_over() -> bool:
                    for host, timer in list(scheduler.slowed.items()):
                        timer.cancel()
                        scheduler._speed_up(host)
                    return "later" in network.texts

                await eventually(the_time_is_over)
                numbers = [text for text in network.texts if text[0] == "n"]
                assert numbers == [f"n{number}" for number in range(300)]

    run(test)


def test_a_source_that_the_disk_has_enough_of_waits_and_nobody_else() -> None:
    async def test() -> None:
        async with listening() as network:
            host = loopback_host()
            with dialled(network, host) as flood, dialled(network) as other:
                flood.sendall(b"FLOOD: first\n")
                await eventually(lambda: network.texts == ["first"])
                network.full.add(host)
                flood.sendall(b"FLOOD: second\n")
                with dialled(network, host) as late:
                    late.sendall(b"127.0.0.1:5000 LATE third")
                    late.shutdown(socket.SHUT_WR)
                    await eventually(lambda: network._connections[2].waits and network._arrivals.untaken)
                    other.sendall(b"NEW: a text of somebody else\n")
                    await eventually(lambda: "a text of somebody else" in network.texts)
                    assert len(network.texts) == 2
                    network.full.clear()
                    network.go_on()
                    await eventually(lambda: sorted(network.texts[2:]) == ["second", "third"])

    run(test)


def test_of_one_that_floods_a_little_is_read_at_a_time_and_all_of_it_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its texts cost much, so that the turns get short; somebody else's text comes between them."""
    monkeypatch.setattr("node.peers.pace.BURST", 1_000_000)

    async def test() -> None:
        async with listening() as network:
            feed = network._feed
            sizes: list[int] = []
            floods: set[int] = set()

            def slow(stimulus: s.Stimulus) -> None:
                if isinstance(stimulus, s.LinkUp) and stimulus.host == host:
                    floods.add(stimulus.link)
                if isinstance(stimulus, s.Heard) and stimulus.link in floods:
                    sizes.append(stimulus.size)
                    busy_until = time.perf_counter() + 0.0001 * len(stimulus.said)
                    while time.perf_counter() < busy_until:
                        pass
                feed(stimulus)

            network._feed = slow
            host = loopback_host()
            with dialled(network, host) as flood, dialled(network) as other:
                lines = b"".join(b"%d\n" % number for number in range(5_000))
                sent = asyncio.create_task(asyncio.get_running_loop().sock_sendall(flood, b"CONNECT:7000\n" + lines))
                await eventually(lambda: len(network.texts) > 500)
                other.sendall(b"NEW: hello\n")
                await eventually(lambda: "hello" in network.texts)
                assert len(network.texts) < 5_000, "it didn't wait for all the others"
                await sent
                await eventually(lambda: len(network.texts) == 5_001)
                numbers = [text for text in network.texts if text != "hello"]
                assert numbers == [str(number) for number in range(5_000)]
                assert statistics.median(sizes) <= scheduler.MIN_READ < connections.READ_SIZE // 16

    run(test)


def test_a_crowd_rests_between_its_turns_and_who_says_little_needn_t_wait_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The crowd has one turn, and then rests for longer than the test takes.
    monkeypatch.setattr(scheduler, "STINT", 0.0)
    monkeypatch.setattr(scheduler, "REST", 1_000.0)
    monkeypatch.setattr(scheduler, "CROWD", 2)

    async def test() -> None:
        turns = scheduler.Scheduler(Anna([], set(), set()))
        done: list[str] = []
        for source in "abcdef":
            turns.put(source, lambda source=source: done.append(source), small=False)  # type: ignore[misc]
        await eventually(lambda: turns._rest is not None)
        assert done == ["a"]
        turns.put("me", lambda: done.append("a small thing"), small=True)
        await eventually(lambda: len(done) > 1)
        assert done == ["a", "a small thing"]
        assert turns._rest is not None
        turns._rest.cancel()
        turns._rested()
        await eventually(lambda: done == ["a", "a small thing", "b"])
        # With few of them left nobody rests.
        monkeypatch.setattr(scheduler, "CROWD", 100)
        turns._rest.cancel()
        turns._rested()
        await eventually(lambda: done == ["a", "a small thing", *"bcdef"])

    run(test)
