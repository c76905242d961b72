"""Random commands for a real node over its real bus: every command, good, borderline and broken, from several clients.

    python -m tests.fuzz --bus --minutes 5

What must hold, whatever is asked: every reply is a result or a documented error, and never `internal`; the snapshot
with the events after it is the fresh snapshot; the log has no gap; conversations, counts and unread marks are what was
said, read, merged and deleted; the search finds just the texts that are there; and after a kill or a stop all that was
acknowledged is still there. tests/support/witness.py compares, tests/support/oracle.py knows the truth.

Peers are loopback addresses. Nothing is ever asked for that would make the node dial another one.

A seed gives the same steps each time, as far as the node does the same: when a peer is reached, and how far a command
is when the node is killed, depends on the machine.
"""

from __future__ import annotations

import itertools
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from node.bus import bounds
from node.bus import envelopes as en
from node.bus import requests as rq
from tests.fuzz.commands import GENERATORS, JUNK, NAMES, WEIGHTS, WORDS, Args, Expected, is_harmless
from tests.support.loopback import Listeners, say
from tests.support.oracle import Oracle
from tests.support.processes import NodeProcess, free_port, loopback_host
from tests.support.witness import Broken, Witness, check_database

CLIENTS = 4
#: Steps between two checks, and between two ends of the node.
CHECK_EVERY = 120
CHAPTER = 700


class BusFuzz:
    """A node, its peers, and somebody who asks it for all kinds of things."""

    def __init__(self, seed: int, *, chapter: int = CHAPTER) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.steps = 0
        self._chapter = chapter
        # Not the system's own choice of a folder for tests: its paths are too long for Unix sockets.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sn-"))
        self.node = NodeProcess(self.folder / "home")
        hosts = [loopback_host() for _ in range(4)]
        self.addresses = [(host, free_port(host)) for host in hosts for _ in range(5)]
        self._listeners = Listeners(self.addresses[::3], self.addresses[1::6])
        self.witness = Witness(self.node, self.dice, CLIENTS)
        #: Commands with a key that took effect: frame, op, result.
        self._keyed: list[tuple[bytes, str, bytes]] = []
        self._keys = itertools.count(1)
        self.consumers: set[str] = set()

    @property
    def oracle(self) -> Oracle:
        """The truth."""
        return self.witness.oracle

    def run(self, going_on: Callable[[int], bool]) -> None:
        """Take steps while `going_on`; raises Broken."""
        try:
            self.node.start()
            self.witness.open()
            self.witness.begin()
            while going_on(self.steps):
                self.steps += 1
                self._step()
                if self.steps % CHECK_EVERY == 0:
                    self.witness.check()
                if self.steps % self._chapter == 0:
                    self._end(graceful=self.steps // self._chapter % 3 == 0)
            self.witness.check(thorough=True)
            self._end(graceful=True)
            self.witness.check(thorough=True)
        except BaseException as error:
            error.add_note(f"seed {self.seed}, step {self.steps}")
            raise

    def close(self) -> None:
        """End everything, and remove the home."""
        self.node.close()
        self.witness.close()
        self._listeners.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- steps

    def _step(self) -> None:
        luck = self.dice.random()
        if luck < 0.16:
            self._hear()
        elif luck < 0.28:
            self._broken()
        elif luck < 0.31:
            self._bytes()
        elif luck < 0.33:
            self._together()
        elif luck < 0.37:
            self._repeat()
        else:
            op = self._op()
            args, expected = GENERATORS[op](self)
            self.ask(op, args, expected)

    def _op(self) -> str:
        ops = [op for op in GENERATORS if op != "stop"]
        return self.dice.choices(ops, [WEIGHTS.get(op, 2) for op in ops])[0]

    def ask(self, op: str, args: Args, expected: Expected = (), client: int | None = None) -> en.Reply:
        """Ask, now and then with a key."""
        assert is_harmless(args), args
        keyed = op not in rq.READS and op != "stop" and self.dice.random() < 0.3
        key = f"fuzz {next(self._keys)}" if keyed else None
        client = self.dice.randrange(CLIENTS) if client is None else client
        meant = self.witness.meant(op, args)
        frame = self.witness.frame(op, args, key)
        reply = self.witness.raw(frame, client)
        self.witness.learn(op, args, meant, reply, expected)
        if key is not None and reply.ok:
            self._keyed.append((frame, op, bytes(reply.result)))
            del self._keyed[:-300]
        return reply

    def _hear(self) -> None:
        """Peers say something: texts, several at once, and now and then a control word."""
        host, port = self.dice.choice(self.addresses)
        if self.dice.random() < 0.1:
            word = self.dice.choice(("CONNECT_REQUEST", "DISCONNECTED"))
            self._say(host, port, word)
        for _ in range(self.dice.choice((1, 1, 1, 4))):
            self._say(host, port, self.oracle.text(self.dice.choice(WORDS)))

    def _say(self, host: str, port: int, text: str) -> None:
        # A control word of the std dialect has no name before it.
        name = "" if text.isupper() else self.dice.choice(("BEN ", "eve ", "Ann "))
        try:
            say((self.node.host, self.node.port), host, f"{host}:{port} {name}{text}")
        except ConnectionError as error:
            raise self.witness.fail(f"the node doesn't listen: {error}") from error
        self.witness.heard(text, host, port)

    def _broken(self) -> None:
        """A command with one argument spoilt, missing, or too many."""
        dice = self.dice
        op = self._op()
        args, _ = GENERATORS[op](self)
        args = json.loads(json.dumps(args))
        for _ in range(dice.choice((1, 1, 2))):
            where: Any = args
            if op == "send" and isinstance(args.get("messages"), list) and args["messages"] and dice.random() < 0.7:
                where = dice.choice(args["messages"])
            names = [*(where if isinstance(where, dict) else ()), *rq.COMMANDS[op][0].__struct_fields__, "unknown"]
            name = dice.choice(names)
            if isinstance(where, dict) and name in where and dice.random() < 0.2:
                del where[name]
            elif isinstance(where, dict):
                where[name] = dice.choice(JUNK)
        if is_harmless(args):
            self.ask(op, args)

    def _bytes(self) -> None:
        """What is hardly a command: other frames, other fields, another version, cut off, spoilt."""
        dice, witness = self.dice, self.witness
        op = dice.choice(sorted(rq.READS))
        frame = witness.frame(op, GENERATORS[op](self)[0])
        kind = dice.randrange(8)
        if kind == 0:
            frame = frame[: dice.randrange(len(frame))]
        elif kind == 1:
            data = bytearray(frame)
            for _ in range(dice.choice((1, 3, 20))):
                data[dice.randrange(len(data))] = dice.randrange(256)
            frame = bytes(data)
        elif kind == 2:
            frame = dice.choice((b"", b"\x00", b"[]", b"null", b"{}", b"[" * 100_000, b'{"a":' * 5_000, b"\xff" * 9))
        elif kind == 3:
            frame = b" " * (bounds.MAX_COMMAND_BYTES + dice.choice((0, 1)) - len(frame)) + frame
        else:
            body = json.loads(frame)
            name = dice.choice(("v", "id", "op", "client", "key", "args"))
            if kind == 4:
                body.pop(name, None)
            else:
                body[name] = dice.choice((*JUNK, "nothing", [dict(body)], 2))
            frame = json.dumps(body).encode()
        if b'"stop"' not in frame:
            witness.raw(frame, dice.randrange(CLIENTS))

    def _together(self) -> None:
        """All clients ask at once; what was answered first changed it first."""
        witness, dice = self.witness, self.dice
        asked: list[tuple[bytes, Args, str, list[Any]]] = []
        for _ in range(CLIENTS):
            op = dice.choice(("send", "mark_read", "search", "history", "stats", "connect"))
            args, _ = GENERATORS[op](self)
            assert is_harmless(args), args
            asked.append((witness.frame(op, args), args, op, []))
        for client, (frame, _, _, _) in enumerate(asked):
            witness.put(frame, client)
        replies = [witness.get(frame, client) for client, (frame, _, _, _) in enumerate(asked)]
        order = sorted(range(CLIENTS), key=lambda at: (replies[at].head or 0, asked[at][2] in rq.READS))
        for at in order:
            witness.learn(asked[at][2], asked[at][1], asked[at][3], replies[at])

    def _repeat(self) -> None:
        """A command with a key comes again: it gets its first result, and nothing happens. With other arguments: no."""
        if not self._keyed:
            return
        frame, _, result = self.dice.choice(self._keyed)
        client = self.dice.randrange(CLIENTS)
        if self.dice.random() < 0.3:
            body = json.loads(frame)
            body["args"] = {**body["args"], "other": 1}
            code = "key_reused"
            reply = self.witness.raw(json.dumps(body).encode(), client)
            if reply.error is None or reply.error.code != code:
                raise self.witness.fail(
                    f"another command with a key that was used is answered with {reply}, not {code}"
                )
            return
        reply = self.witness.raw(frame, client)
        again, first = json.loads(bytes(reply.result)), json.loads(result)
        if not reply.ok or _without_texts(again) != _without_texts(first):
            raise self.witness.fail(f"a key's second result is {reply}, not {result!r}")
        for one, before in zip(_texts(again), _texts(first), strict=True):
            # Messages of a `send` are as they are by now: how they stand, and where.
            same = one == before or ("messages" in first and one.get("text") == before.get("text"))
            if one["id"] in self._ids() and not same:
                raise self.witness.fail(f"a key's second result has {one}, not {before}")
            if one["id"] not in self._ids() and one.get("text"):
                raise self.witness.fail(f"{one} was deleted, and is still in the reply kept for a key")

    def _ids(self) -> set[int]:
        return {line.id for _, line in self.oracle.lines()}

    # -- ends

    def _end(self, *, graceful: bool) -> None:
        """The node ends: killed while a command is on its way, or stopped. Then it starts on what is on disk."""
        witness, node = self.witness, self.node
        asked: tuple[bytes, Args] | None = None
        if graceful:
            self.ask("stop", {}, ("ok",))
            if node.wait() != 0:
                raise witness.fail(f"the node ended with {node.process and node.process.returncode}")
        else:
            host, port = self.dice.choice(self.addresses)
            args = {"messages": [{"to": f"{host}:{port}", "text": self.oracle.text()} for _ in range(3)]}
            frame = witness.frame("send", args, f"fuzz {next(self._keys)}")
            witness.put(frame)
            asked = frame, args
            time.sleep(self.dice.choice((0.0, 0.001, 0.003, 0.01)))
            node.kill()
        copy = self.folder / "copy"
        shutil.copytree(node.home, copy, ignore=shutil.ignore_patterns("bus*"))
        check_database(copy)
        shutil.rmtree(copy)
        node.start()
        witness.open()
        if asked is not None:
            # Whether it took effect before the kill or takes effect now: once.
            reply = witness.raw(asked[0])
            witness.learn("send", asked[1], [], reply, ("ok",))
        witness.check(thorough=True)

    # -- what commands are about

    def peer(self) -> str:
        """Somebody by id, room, address or name, or nobody."""
        dice, known = self.dice, list(self.oracle.peers.values())
        luck = dice.random()
        if known and luck < 0.5:
            who = dice.choice(known)
            return dice.choice((who.id, who.room, who.address))
        if luck < 0.85:
            host, port = dice.choice(self.addresses)
            return f"{host}:{port}"
        if luck < 0.95:
            return dice.choice((*NAMES, "BEN", "eve"))
        return dice.choice(("nobody", "plain-0", self.node.address, ":", "127.0.0.1:0"))

    def known(self) -> str | None:
        """Somebody who is known for sure."""
        known = list(self.oracle.peers.values())
        return self.dice.choice(known).id if known else None

    def room(self) -> str:
        """A conversation, hardly ever none."""
        rooms = list(self.oracle.talks)
        return self.dice.choice(rooms) if rooms and self.dice.random() < 0.95 else "nowhere"

    def message(self, room: str | None = None) -> int:
        """A message's id, mostly one that is there."""
        talk = self.oracle.talks.get(room or "")
        ids = list(talk.lines) if talk is not None else [line.id for _, line in self.oracle.lines()]
        return self.dice.choice(ids) if ids and self.dice.random() < 0.9 else self.dice.choice((0, -1, 2**53, 2**63))


def _texts(result: Any) -> list[Any]:
    return [*result.get("messages", ()), *([result["message"]] if "message" in result else ())]


def _without_texts(result: Any) -> Any:
    blank = [one["id"] for one in _texts(result)]
    return {**{key: value for key, value in result.items() if key not in ("messages", "message")}, "ids": blank}


def run(seed: int, going_on: Callable[[int], bool], *, chapter: int = CHAPTER) -> tuple[BusFuzz, str | None]:
    """Fuzz a node of its own while `going_on` (it is told how many steps were taken); what to print of a failure."""
    fuzz = BusFuzz(seed, chapter=chapter)
    try:
        fuzz.run(going_on)
    except (AssertionError, Broken) as error:
        return fuzz, f"seed {seed}, step {fuzz.steps}: {error}"
    finally:
        fuzz.close()
    return fuzz, None


def long_run(seed: int, minutes: float) -> int:
    """Fuzz for a while; exit code 1 when a promise was broken."""
    end = time.monotonic() + minutes * 60
    fuzz, failure = run(seed, lambda _: time.monotonic() < end)
    print(f"{fuzz.steps} steps, {sum(fuzz.witness.outcomes.values())} commands", flush=True)
    if failure is not None:
        print(failure, file=sys.stderr)
    return int(failure is not None)
