"""Two nodes that talk both ways while both are killed, again and again: real processes, and `kill -9` as a power cut.

On each side one front end says single texts and another one lists. Each command has a key and is repeated until it is
acknowledged; so what is acknowledged is known exactly. A node is killed alone, together with the other one, or again
while it starts. All the while, and when both are down, what each has noted of the other's disk is compared with that
disk. After each lap, and at the end, all that was acknowledged must be on both disks, once and in order, and show
*delivered*.
"""

from __future__ import annotations

import contextlib
import pathlib
import random
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator

import msgspec

from node.bus import bounds, nouns
from node.bus import requests as rq
from node.bus.client import Client
from node.errors import BusError, NodeAway
from tests.support.namespaces import Wire
from tests.support.processes import PATIENCE, NodeProcess, eventually
from tests.support.witness import check_database

#: How long one command tries to reach a node, before it begins anew, in seconds.
ATTEMPT = 1.0
#: Where nodes listen that have a machine of their own.
PORT = 5000
#: How many texts one list has.
LISTS = (2, 10, 60, bounds.MAX_SEND)
#: A node that starts is killed at most so long after its launch, in seconds. It takes about half a second to start.
STARTING = 1.2

#: What a node has noted about the other's disk, and what is on a disk.
RECEIPTS = "SELECT room, stream, n, hash FROM receipt WHERE member = ? AND author = ? AND n > 0"
HELD = "SELECT hash FROM signed WHERE room = ? AND author = ? AND stream = ? AND n = ?"
#: Between two looks at the disks, in seconds.
LOOKS = 0.05
#: Nobody is there who could accept the other.
OPEN = ("--accept-nodes", "everybody")


class Scale(msgspec.Struct, frozen=True):
    """How much happens."""

    #: In one lap.
    kills: int
    #: Longest time without a kill, in seconds.
    quiet: float
    #: Longest time between two commands of one front end, in seconds.
    pace: float


SHORT = Scale(kills=7, quiet=0.6, pace=0.1)
LONG = Scale(kills=60, quiet=2.0, pace=0.6)


class Talker(threading.Thread):
    """A front end that says numbered texts, singly or in lists. What was acknowledged counts, in order."""

    def __init__(self, node: NodeProcess, to: str, word: str, seed: str, pace: float, *, lists: bool) -> None:
        super().__init__(daemon=True)
        self._client = Client(node.home, name=word, timeout=ATTEMPT)
        self._to, self._word, self._pace, self._lists = to, word, pace, lists
        self._dice = random.Random(seed)
        self._enough = threading.Event()
        self.acknowledged: list[str] = []
        #: Why it ended, if not because it was told to.
        self.fault: Exception | None = None

    def run(self) -> None:
        try:
            while not self._enough.wait(self._dice.random() * self._pace):
                self._say(self._dice.choice(LISTS) if self._lists else 1)
        except (BusError, AssertionError) as error:
            self.fault = error

    def _say(self, count: int) -> None:
        first = len(self.acknowledged)
        texts = [f"{self._word} {number}" for number in range(first, first + count)]
        while True:
            try:
                # The texts are the key: whatever was committed, the repetition means the same command.
                said = self._client.send_all([rq.Outgoing(to=self._to, text=one) for one in texts], key=texts[0])
            except NodeAway:
                continue
            assert [one.text for one in said] == texts
            self.acknowledged += texts
            return

    def finish(self) -> None:
        """Say no more; the command at hand is acknowledged first. Both nodes must be up."""
        self._enough.set()
        self.join(PATIENCE)
        assert not self.is_alive(), f"{self._word}: the command at hand was not acknowledged"
        self._client.close()
        if self.fault is not None:
            raise self.fault


class Pair:
    """Two nodes, those who talk through them, and whoever kills them."""

    def __init__(self, seed: int, scale: Scale, wire: Wire | None = None) -> None:
        """Create them, in the namespaces of a wire or both on this machine."""
        self.seed, self.scale = seed, scale
        self.dice = random.Random(seed)
        self.laps = self.kills = 0
        #: How long it took until both said that they are linked, after both were up, in seconds.
        self.linked: list[float] = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sn-"))
        self.anna, self.bert = (
            NodeProcess(self.folder / name, name, arguments=OPEN) for name in ("anna", "bert")
        )  # fmt: skip
        if wire is not None:
            self.anna, self.bert = (self._on(wire, number) for number in (0, 1))
        self.both = (self.anna, self.bert)
        self.ids: dict[NodeProcess, str] = {}
        #: What was acknowledged by each node, one list for each front end.
        self.said: dict[NodeProcess, list[list[str]]] = {node: [] for node in self.both}

    def _on(self, wire: Wire, number: int) -> NodeProcess:
        """A node in one of the namespaces. It listens everywhere there, because its address may change."""
        name = ("anna", "bert")[number]
        node = NodeProcess(self.folder / name, name, f"0.0.0.0:{PORT}", arguments=OPEN, inside=wire.inside(number))
        node.address = f"{wire.hosts[number]}:{PORT}"
        return node

    def begin(self, *, meet: bool = True) -> None:
        """Both start and meet, unless they shall not."""
        for node in self.both:
            node.launch()
        for node in self.both:
            node.wait_ready()
            self.ids[node] = node.client.status().self.id
        if not meet:
            return
        for node in self.both:
            node.client.connect(self.other(node).address)
        self.wait_linked()

    def close(self) -> None:
        """End everything, and remove the homes."""
        for node in self.both:
            node.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def other(self, node: NodeProcess) -> NodeProcess:
        """The other one."""
        return self.bert if node is self.anna else self.anna

    @property
    def count(self) -> int:
        """How many texts were acknowledged."""
        return sum(len(texts) for lists in self.said.values() for texts in lists)

    # -- a lap

    def lap(self) -> None:
        """Talk while nodes are killed; then everything must be right. Raises AssertionError."""
        with self.talking():
            for _ in range(self.scale.kills):
                until = time.monotonic() + self.dice.random() * self.scale.quiet
                while time.monotonic() < until:
                    self.check_receipts()
                    time.sleep(min(LOOKS, max(0.0, until - time.monotonic())))
                self._kill()
        self.check()

    @contextlib.contextmanager
    def talking(self) -> Iterator[None]:
        """All front ends talk meanwhile; at its end both nodes must be up."""
        self.laps += 1
        talkers = [(node, talker) for node in self.both for talker in self._talkers(node)]
        for _, talker in talkers:
            talker.start()
        yield
        for node, talker in talkers:
            talker.finish()
            self.said[node].append(talker.acknowledged)

    def _talkers(self, node: NodeProcess) -> list[Talker]:
        # One knows the other by address and one by id.
        other = self.other(node)
        return [
            Talker(node, other.address, f"{node.name} {self.laps} single", f"{self.seed} {node.name} {self.laps} s",
                   self.scale.pace, lists=False),
            Talker(node, self.ids[other], f"{node.name} {self.laps} list", f"{self.seed} {node.name} {self.laps} l",
                   self.scale.pace * 4, lists=True),
        ]  # fmt: skip

    def _kill(self) -> None:
        """Kill one, both at once, or one that starts; afterwards both are up."""
        how = self.dice.choice(("one", "one", "both", "starting"))
        victims = self.both if how == "both" else (self.dice.choice(self.both),)
        self._end(victims)
        if how == "both":
            self.check_receipts()
        if how == "starting":
            for _ in range(self.dice.randrange(1, 3)):
                victims[0].launch()
                time.sleep(self.dice.random() * STARTING)
                self._end(victims)
        time.sleep(self.dice.choice((0.0, self.dice.random())))
        for node in victims:
            node.launch()
        for node in victims:
            node.wait_ready()
        if self.dice.random() < 0.5:
            self.linked.append(self.wait_linked())

    def _end(self, victims: tuple[NodeProcess, ...]) -> None:
        for node in victims:
            assert node.runs, f"{node.name} ended by itself:\n" + "\n".join(node.lines[-15:])
        for node in victims:
            # Both are hit before anybody waits for one.
            node.process.kill()  # type: ignore[union-attr]
        for node in victims:
            node.wait()
            self.kills += 1

    def wait_linked(self) -> float:
        """Wait until both say that they are linked; returns how long that took (s)."""
        began = time.monotonic()
        for node in self.both:
            node.wait_for_peer(self.other(node).address, kind="node", link="online")
        return time.monotonic() - began

    def wait_delivered(self) -> float:
        """Wait until all is delivered; returns how long that took (s)."""
        began = time.monotonic()
        for node in self.both:
            eventually(lambda node=node: node.client.stats().outbox == 0, f"all of {node.name} is delivered")  # type: ignore[misc]
        return time.monotonic() - began

    # -- what must be true

    def check_receipts(self) -> None:
        """What one has noted as on the other's disk is there, because it was there before that was noted."""
        with contextlib.ExitStack() as stack:
            # Read only, so that the node itself finds what a crash left.
            disks = {
                node: stack.enter_context(
                    contextlib.closing(sqlite3.connect(f"file:{node.home / 'snicher.db'}?mode=ro", uri=True))
                )
                for node in self.both
            }
            for node in self.both:
                me, other = self.ids[node], self.other(node)
                for room, stream, n, hash_ in disks[node].execute(RECEIPTS, (self.ids[other], me)).fetchall():
                    found = disks[other].execute(HELD, (room, me, stream, n)).fetchone()
                    # A receipt for less than was written by then has no hash.
                    right = found is not None and hash_ in (b"", *found)
                    assert right, f"{node.name} takes {n} of its stream {stream.hex()} for delivered; there: {found}"

    def check(self) -> None:
        """All that was acknowledged is on both disks, once and in order, and shows *delivered*."""
        self.wait_delivered()
        shown = {node: node.messages(self.other(node).address) for node in self.both}
        shown = {node: [one for one in messages if one.kind == "text"] for node, messages in shown.items()}
        for node in self.both:
            ours = [one for one in shown[node] if one.direction == "out"]
            assert {one.state for one in ours} <= {"delivered"}
            texts = [one.text for one in ours]
            for acknowledged in self.said[node]:
                wanted = set(acknowledged)
                difference(
                    acknowledged, [one for one in texts if one in wanted], f"{node.name} has what it acknowledged"
                )
            assert len(texts) == sum(map(len, self.said[node])), f"{node.name} has nothing twice and nothing else"
            difference(texts, [one.text for one in shown[self.other(node)] if one.direction == "in"], "it came over")
        # Both show one conversation in one order.
        difference(*(list(map(_seen, shown[node])) for node in self.both), "both show the same")
        for node in self.both:
            assert len(node.client.peers().peers) == 1
            node.check_disk()
            node.check_log()

    def end(self) -> None:
        """Both stop; SQLite finds nothing wrong with either disk."""
        for node in self.both:
            assert node.stop() == 0
        self.check_receipts()
        for node in self.both:
            check_database(node.home)


def _seen(message: nouns.Message) -> str:
    return f"{message.order} {message.author}: {message.text}"


def difference(wanted: list[str], found: list[str], what: str) -> None:
    """AssertionError at the first difference; comparing lists of many thousands, pytest would say too much."""
    if wanted == found:
        return
    at = next((n for n, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), min(len(wanted), len(found)))
    raise AssertionError(
        f"not true: {what}: {len(wanted)} and {len(found)}; at {at}: {wanted[at : at + 3]} and {found[at : at + 3]}"
    )


def run(seed: int, scale: Scale, minutes: float = 0.0) -> tuple[Pair, str | None]:
    """Begin laps for so long, one at least; returns what happened, and which promise was broken."""
    pair = Pair(seed, scale)
    began = time.monotonic()
    try:
        pair.begin()
        while True:
            pair.lap()
            if time.monotonic() - began >= minutes * 60:
                break
            print(f"lap {pair.laps}: {told(pair)}; {time.monotonic() - began:.0f} s so far", flush=True)
        pair.end()
    except (AssertionError, BusError, sqlite3.Error) as error:
        said = "\n".join(f"{node.name}: {line}" for node in pair.both for line in node.lines[-15:])
        return pair, f"seed {seed}, lap {pair.laps}, {pair.kills} kills: {error}\nthe nodes said last:\n{said}"
    finally:
        pair.close()
    return pair, None


def told(pair: Pair) -> str:
    """What happened, as a line."""
    linked = sorted(pair.linked) or [0.0]
    return (
        f"{pair.kills} kills, {pair.count} texts acknowledged; linked again once both were up:"
        f" median {statistics.median(linked):.2f} s, 95 % within {linked[len(linked) * 95 // 100]:.2f} s,"
        f" longest {linked[-1]:.2f} s"
    )
