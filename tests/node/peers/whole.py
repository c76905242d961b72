"""Whole nodes in one process: the real core, real connections and TLS, and the real store in memory."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import retries
from node.core import stimuli as s
from node.core.identity import Identity
from node.core.node import Node
from node.model import Address, peer_id, short_code
from node.peers import connection
from node.peers.network import Network
from node.peers.tls import Credentials
from node.protocol import probing
from node.protocol.secure import link as secure
from node.protocol.secure import offer
from node.protocol.secure.frames import Hello
from tests.support.memory_store import MemoryStore
from tests.support.processes import loopback_host

CAUSE = ev.Cause(client="test", request="1")


def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all waits of a test's nodes short, in their order of length."""
    monkeypatch.setattr(offer, "ANSWER_WAIT", 0.4)
    monkeypatch.setattr(secure, "HANDSHAKE", 0.6)
    monkeypatch.setattr(probing, "PROBE_WAIT", 0.5)
    monkeypatch.setattr(connection, "DRAIN", 0.05)
    monkeypatch.setattr(retries, "QUICK_RETRY_MS", 50)


class Whole:
    """A node. What it logs and tells gathers in `events` and `told`; what it has on disk is in `disk`."""

    owed = 0.0

    def __init__(self, name: str, key: Ed25519PrivateKey, host: str | None = None) -> None:
        self.name = name
        self.key = key
        self.id = peer_id(key.public_key().public_bytes_raw())
        self.host = host or loopback_host()
        self.disk = MemoryStore()
        self.events: list[ev.Event] = []
        self.told: list[ev.Event] = []
        #: Links that ended, each with the reason.
        self.ends: list[str | None] = []
        self.refused: list[e.Refuse] = []
        self.dials: list[e.Dial] = []
        seed = hashlib.sha256(name.encode()).digest()
        self.instance, self.run = seed[:16], seed[16:]
        self.core = Node(
            self.disk.load(),
            Identity(
                self.id, short_code(self.id), "0", name, name, sign=key.sign, secret=seed, instance=self.instance,
                run=self.run,
            ),
        )  # fmt: skip
        self.network = Network(self, 1000, Credentials(key), self._hello)
        self._loop = asyncio.get_running_loop()
        self._fed: collections.deque[s.Stimulus] = collections.deque()
        self._timer: asyncio.TimerHandle | None = None
        self._tokens = 0
        self._results: dict[int, object] = {}

    async def start(self) -> None:
        """Listen, and begin."""
        await self.network.listen(Address(self.host, 0))
        self.feed(s.Started(self.address, [self.address]))
        self._drain()

    @property
    def address(self) -> str:
        return str(self.network.listen_address)

    @property
    def port(self) -> int:
        return self.network.listen_address.port

    def _hello(self) -> Hello:
        return Hello([2], self.instance, self.run, self.name, self.port, self._now(), [])

    @staticmethod
    def _now() -> int:
        return round(time.time() * 1000)

    # -- what Network asks of a node

    def feed(self, stimulus: s.Stimulus) -> None:
        if isinstance(stimulus, s.Closed):
            self.ends.append(stimulus.reason)
        self._fed.append(stimulus)
        self._loop.call_soon(self._drain)

    def in_use(self, link: int) -> bool:
        return self.core.in_use(link)

    def full_for(self, source: str, light: bool) -> bool:
        return False

    # -- its loop

    def _drain(self) -> None:
        while self._fed:
            effects = self.core.handle(self._fed.popleft(), self._now())
            self.disk.commit([effect for effect in effects if isinstance(effect, e.Record)])
            for effect in effects:
                self._perform(effect)
        at = self.core.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
        if at is not None:
            self._timer = self._loop.call_later(max(0.0, at / 1000 - time.time()), self.feed, s.Ticked())

    def _perform(self, effect: e.Effect) -> None:
        if isinstance(effect, e.Log):
            self.events.append(effect.event)
        elif isinstance(effect, e.Tell):
            self.told.append(effect.event)
        elif isinstance(effect, e.Fetch):
            self.feed(self.disk.answer(effect.query))
        elif isinstance(effect, e.Reply):
            self._results[effect.token] = effect.result
        elif isinstance(effect, e.Refuse):
            self.refused.append(effect)
        elif isinstance(effect, e.Serve):
            run, upto = self.disk.reader.run_after(effect.room, effect.author, effect.stream, effect.after)
            sent = run is None or self.network.say(effect.link, [run])
            self.feed(s.Served(effect.link, effect.room, effect.author, effect.stream, upto if sent else None, 1))
        elif isinstance(effect, e.ShutOut):
            self.network.shut_out(effect.host, effect.ms / 1000)
        elif isinstance(effect, e.Dial | e.Transmit | e.Say | e.HangUp):
            if isinstance(effect, e.Dial):
                self.dials.append(effect)
            self.network.perform(effect)

    # -- what people do and see

    def ask(self, op: str, args: object) -> object:
        """A command; returns its result, None if it was refused."""
        self._tokens += 1
        self.feed(s.Commanded(self._tokens, op, args, CAUSE))
        self._drain()
        return self._results.get(self._tokens)

    def send(self, to: str, *texts: str) -> list[nouns.Message]:
        result = self.ask("send", rq.SendArgs(messages=[rq.Outgoing(to=to, text=text) for text in texts]))
        return result.messages if isinstance(result, rq.SendResult) else []

    @property
    def peers(self) -> dict[str, nouns.Peer]:
        return {contact.id: contact.peer for contact in self.core._contacts.by_id.values()}

    def history(self, peer: str) -> list[nouns.Message]:
        return self.disk.reader.history(rq.HistoryArgs(room=self.peers[peer].room, limit=500)).messages

    def heard(self, peer: str) -> list[str]:
        """The texts that came from a peer."""
        if peer not in self.peers:
            return []
        return [one.text for one in self.history(peer) if one.direction == "in" and one.kind == "text"]

    def states(self, peer: str) -> list[str | None]:
        return [one.state for one in self.history(peer) if one.direction == "out"]

    @property
    def warnings(self) -> list[str]:
        return [event.data.warning for event in self.events if isinstance(event.data, ev.PeerWarned)]

    @property
    def notices(self) -> list[str]:
        return [event.data.what for event in self.told if isinstance(event.data, ev.ConnectionNoticed)]

    def kinds(self) -> set[str]:
        """The types of all that it has logged."""
        return {event.type for event in self.events}

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.network.stop_listening()
        self.network.leave_all()
        await self.network.closed(20.0)
        if self._timer is not None:
            self._timer.cancel()


@contextlib.asynccontextmanager
async def whole(name: str, key: Ed25519PrivateKey, host: str | None = None) -> AsyncIterator[Whole]:
    """A node until the end of the block."""
    node = Whole(name, key, host)
    await node.start()
    try:
        yield node
    finally:
        await node.stop()
