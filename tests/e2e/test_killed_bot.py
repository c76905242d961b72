"""The README's bot, killed at any moment and started again: it misses no message and answers none twice.

A longer run, with kills at random moments:  CRASH_ROUNDS=100 python -m pytest tests/e2e/test_killed_bot.py -k random
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from node.bus.client import Client
from node.errors import NodeAway
from tests.support.dying_bot import COMMANDS, POINTS, VARIABLE
from tests.support.old_clients import Std
from tests.support.processes import PATIENCE, ROOT, NodeProcess, Nodes, clean_environment, eventually, loopback_host

NAME = "echo-bot"
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "4"))


class Talk:
    """Somebody who tells the bot to echo numbered texts, and the bot that is started again and again."""

    def __init__(self, node: NodeProcess, old: Std) -> None:
        self.node = node
        self.old = old
        self.asked: list[str] = []
        self.bot: subprocess.Popen[str] | None = None

    def ask(self, count: int = 1) -> None:
        for _ in range(count):
            text = f"number {len(self.asked)}"
            self.old.send(self.node.host, self.node.port, f"!echo {text}")
            self.asked.append(text)
        self.node.wait_count(self.old.address, len(self.asked))

    def start(self, die_at: str = "") -> subprocess.Popen[str]:
        self.bot = subprocess.Popen(
            [sys.executable, "-m", "tests.support.dying_bot"],
            cwd=ROOT,
            env=clean_environment({"SNICHER_HOME": str(self.node.home), VARIABLE: die_at}),
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.bot

    def kill(self) -> None:
        """End the bot as a crash does."""
        if self.bot is not None:
            self.bot.kill()
            self.bot.communicate()
            self.bot = None

    def answers(self) -> list[str]:
        """What the bot said, in order, as it is on the node's disk."""
        return [one.text for one in self.node.messages(self.old.address) if one.direction == "out"]

    def caught_up(self) -> bool:
        """Whether the bot has dealt with everything."""
        (consumer,) = self.node.client.consumers()
        return consumer.lag == 0 and len(self.answers()) >= len(self.asked)

    def check(self) -> None:
        """Run the bot until it has nothing left to do: each text was answered once, and in order."""
        bot = self.start()
        eventually(lambda: self.caught_up() or bot.poll() is not None, "the bot has dealt with everything")
        assert bot.poll() is None, bot.communicate()[1]
        self.kill()
        assert self.answers() == self.asked


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    nodes = Nodes()
    with Std(loopback_host(), team="OLD") as old:
        node = nodes.start("anna")
        node.client.consumer_create(NAME)
        talk = Talk(node, old)
        try:
            yield talk
        finally:
            talk.kill()
            nodes.close()


#: A bot creates its consumer and asks what is next once; it answers and acknowledges again and again.
MOMENTS = [
    (point, command, number)
    for point in POINTS
    for command in COMMANDS
    for number in ((1, 2) if command in ("send", "consumer_acknowledge") else (1,))
]


@pytest.mark.parametrize(("point", "command", "number"), MOMENTS)
def test_killed_at_any_point_of_any_command(talk: Talk, point: str, command: str, number: int) -> None:
    talk.ask(2)
    assert talk.start(f"{point}:{command}:{number}").wait(PATIENCE) == -signal.SIGKILL
    # Nothing is answered more than once by now, and the rest comes in the end: `check` at the last one looks at all.
    answers = talk.answers()
    assert answers == talk.asked[: len(answers)]


def test_after_all_that_nothing_is_missing_or_doubled(talk: Talk) -> None:
    talk.ask()
    talk.check()

    def texts() -> list[str]:
        return sorted(text for text in talk.old.texts if text.startswith("number "))

    # What stands in the log is still on its way: one connection after the other.
    eventually(lambda: len(texts()) >= len(talk.asked), "all answers have come")
    assert texts() == sorted(talk.asked)


def test_killed_at_random_moments_with_its_node_too(nodes: Nodes) -> None:
    seed = random.randrange(10**6)
    dice = random.Random(seed)
    print(f"seed {seed}")
    with Std(loopback_host(), team="OLD") as old:
        node = nodes.start("anna")
        node.client.consumer_create(NAME)
        talk = Talk(node, old)
        try:
            for _ in range(ROUNDS):
                talk.start()
                for _ in range(5):
                    talk.ask(dice.randint(1, 4))
                    time.sleep(dice.random() * 0.2)
                if dice.random() < 0.4:
                    node.kill()
                    node.start()
                talk.kill()
            talk.check()
        finally:
            talk.kill()


# -- several, and other ways to end


def test_two_bots_on_one_consumer_answer_once(talk: Talk) -> None:
    first = talk.start()
    second = talk.start()
    try:
        talk.ask(10)
        eventually(lambda: talk.caught_up() or first.poll() or second.poll(), "both have dealt with everything")
        assert (first.poll(), second.poll()) == (None, None)
        assert talk.answers() == talk.asked
        first.kill()
        talk.ask(3)
        eventually(talk.caught_up, "the other one goes on alone")
        assert talk.answers() == talk.asked
    finally:
        for bot in (first, second):
            bot.kill()
            bot.communicate()
        talk.bot = None


def test_a_bot_that_can_t_answer_somebody_goes_on_with_the_others(talk: Talk) -> None:
    """Somebody who never said on which port it listens, and is gone: what is refused for good is over with."""
    node = talk.node
    with socket.create_connection((node.host, node.port)) as stranger:
        stranger.sendall(b"!echo into the void\n")
        eventually(lambda: any(peer.port is None for peer in node.client.peers().peers), "the stranger is known")
    eventually(lambda: not node.client.stats().links, "the stranger is gone")
    talk.ask(2)
    talk.check()


def test_a_bot_whose_node_is_away_waits_for_it(nodes: Nodes) -> None:
    node = nodes.make("anna")
    node.home.mkdir(parents=True)
    with Client(node.home, name="bot") as client:
        consumer = client.consume("bot", since=0)
        assert type(consumer.next(PATIENCE)).__name__ == "Away"
        with pytest.raises(NodeAway):
            client.status()
        node.start()
        found: list[object] = []
        eventually(lambda: found.append(consumer.next(1.0)) or getattr(found[-1], "seq", None) == 1, "the first event")
        # It may be away again for a moment, on a machine that is busy.
        *before, last = [type(one).__name__ for one in found if one is not None]
        assert last == "Event" and before == ["Back", "Away"] * (len(before) // 2) + ["Back"]
