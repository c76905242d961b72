"""One examination at a time: gathers facts, has them judged as they come, and keeps what was found. (`doctor`)

Law of this file: it decides nothing about chat, and holds up nobody: `newest` answers at once. An examination is
bounded: MAX_SOCKETS trials at a time, so many of each kind, and MAX_S seconds in all. What hasn't come by then counts
as not found out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec.structs import replace

from node.bus import nouns
from node.bus.diagnosis import Check, Diagnosis, Finding, OwnAddress, PathTried
from node.core import diagnosis, routes, verdicts
from node.core import effects as e
from node.core import stimuli as s
from node.core.facts import Acquaintance, Facts, Surroundings, Trial
from node.model import Address, parse_address
from node.peers import interfaces, multicast, surroundings
from node.turns import now_ms

log = logging.getLogger("snicher")

#: A diagnosis younger than this (ms) is given as it is, unless another one is asked for.
FRESH_MS = 20_000
#: Longest time of an examination, in seconds.
MAX_S = 14.0
#: How long the answers of those who were asked to connect back are waited for, in seconds. Their trial takes up to 9.
BACK_S = 6.0
#: Most trials at a time; most own addresses, and most addresses of others in our networks, that are tried.
MAX_SOCKETS, MAX_OWN, MAX_NEAR = 8, 8, 4
#: Most diagnoses that are kept, one for each peer; beyond, the one asked for longest ago goes.
MAX_KEPT = 8


class Core(Protocol):
    """What the core knows of this node and others."""

    @property
    def me(self) -> nouns.Self:
        """This node."""

    def nearby(self) -> nouns.Nearby:
        """Who is seen on this network."""

    def acquaintance(self, peer: str) -> Acquaintance:
        """Somebody on the list. Raises CommandRefused."""

    def acquaintances(self) -> tuple[Acquaintance, ...]:
        """Everybody who is looked at."""


class House(Protocol):
    """The node."""

    @property
    def core(self) -> Core:
        """The core as it is now."""

    @property
    def health(self) -> nouns.Health:
        """The node's health."""

    def feed(self, stimulus: s.Stimulus) -> None:
        """Something happened."""


class Links(Protocol):
    """All connections."""

    async def trial(self, address: Address, *, expect: str = "", plain: bool = False) -> Trial:
        """Try an address."""

    def own_host(self, link: int) -> str | None:
        """The address of this machine at which a link ends."""


class Examining:
    """The doctor of one node."""

    def __init__(self, house: House, links: Links, look: Callable[[int], Surroundings] = surroundings.look) -> None:
        self._house = house
        self._links = links
        self._look = look
        #: What was found last: of this node, and of each peer by id (None: of nobody).
        self._checks: dict[str, Check] = {}
        self._addresses: list[OwnAddress] = []
        self._kept: dict[str | None, Diagnosis] = {}
        #: The examination under way.
        self._facts: Facts | None = None
        self._task: asyncio.Task[None] | None = None
        self._sockets = asyncio.Semaphore(MAX_SOCKETS)
        self._answered = asyncio.Event()
        #: Trials for others.
        self._back: set[asyncio.Task[None]] = set()

    # -- what front ends ask

    def newest(self, peer: str | None, again: bool) -> Diagnosis:
        """What is known now. An examination begins if none goes on and none is fresh, or if another one is wanted.

        While another peer's goes on, it says that it is running, and begins when it is asked for after that.
        """
        whom = None if peer is None else self._house.core.acquaintance(peer)
        id_ = None if whom is None else whom.id
        facts = self._facts
        if facts is not None:
            about = None if facts.peer is None else facts.peer.id
            if about == id_:
                return self._kept[id_]
            kept = self._kept.get(id_)
            if kept is not None and not again and self._is_fresh(kept):
                return kept
            return replace(kept or self._blank(whom), running=True)
        kept = self._kept.get(id_)
        if kept is None or again or not self._is_fresh(kept):
            self._begin(whom)
        return self._kept[id_]

    def _is_fresh(self, kept: Diagnosis) -> bool:
        return 0 <= now_ms() - kept.at - kept.took_ms < FRESH_MS

    def _blank(self, whom: Acquaintance | None) -> Diagnosis:
        return Diagnosis(
            checks=list(self._checks.values()), addresses=self._addresses, peer=None if whom is None else whom.id,
            name="" if whom is None else whom.name,
        )  # fmt: skip

    # -- an examination

    def _begin(self, whom: Acquaintance | None) -> None:
        me = self._house.core.me
        listen = parse_address(me.listen)
        own = tuple(map(parse_address, interfaces.reachable_at(listen)))
        people = self._house.core.acquaintances()
        came_in: dict[str, tuple[str, str]] = {}
        for one in people:
            for link in one.links if one.is_node and one.known else ():
                host = self._links.own_host(link.number) if link.direction == "in" else None
                if host is not None:
                    came_in.setdefault(host.partition("%")[0], (one.id, one.name))
        self._facts = Facts(
            listen=listen, addresses=own, me=me.id, health=self._house.health, people=people, came_in=came_in,
            nearby=self._house.core.nearby(), peer=whom, now=now_ms(),
        )  # fmt: skip
        self._judge(self._facts, time.monotonic(), running=True)
        self._task = asyncio.create_task(self._examine(self._facts), name="doctor")

    async def _examine(self, facts: Facts) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(MAX_S):
                await self._gather(facts, began)
        except TimeoutError:
            pass
        except Exception:
            log.exception("a bug in an examination; the node goes on")
        finally:
            self._facts = None
            _complete(facts)
            self._judge(facts, began, running=False)

    async def _gather(self, facts: Facts, began: float) -> None:
        async def part(work: Awaitable[None]) -> None:
            await work
            self._judge(facts, began, running=True)

        facts.surroundings = await asyncio.to_thread(self._look, facts.listen.port)
        self._judge(facts, began, running=True)
        async with asyncio.TaskGroup() as group:
            # The answers come as acts, from the core.
            back = group.create_task(part(self._ask_back(facts)))
            group.create_task(part(self._own(facts)))
            group.create_task(part(self._multicast(facts)))
            group.create_task(self._others(facts, began))
            await back

    async def _ask_back(self, facts: Facts) -> None:
        self._answered.clear()
        facts.asked = -1
        self._house.feed(s.DialBackWanted())
        try:
            async with asyncio.timeout(BACK_S):
                while facts.asked < 0 or len(facts.back) < facts.asked:
                    await self._answered.wait()
                    self._answered.clear()
        except TimeoutError:
            pass
        facts.asked = max(0, facts.asked)
        facts.back_done = True

    async def _own(self, facts: Facts) -> None:
        found: dict[Address, Trial] = {}

        async def one(address: Address) -> None:
            found[address] = await self._try(address, expect=facts.me)

        await asyncio.gather(*map(one, facts.addresses[:MAX_OWN]))
        facts.here = found

    async def _multicast(self, facts: Facts) -> None:
        around = facts.surroundings
        if facts.on_this_machine_only or around is None or facts.nearby.state == "off":
            facts.echoes = ()
            return
        chosen = diagnosis.outside(one for one in around.interfaces if not one.tunnel)
        if facts.listen.host not in ("0.0.0.0", "::"):
            chosen = [one for one in chosen if facts.listen.host.partition("%")[0] in one.hosts]
        own = [host for one in around.interfaces for host in one.hosts]
        facts.echoes = await multicast.echoes(chosen, own)

    async def _others(self, facts: Facts, began: float) -> None:
        """Try the addresses of the peer, and of those who should be near, and look who has answered on the wire."""
        around = facts.surroundings
        assert around is not None
        near: dict[Address, Acquaintance] = {}
        for one in facts.people or ():
            if one.is_node and one.known and not one.links:
                found = next((at for at in one.addresses if around.interface_to(at.host) is not None), None)
                if found is not None and len(near) < MAX_NEAR:
                    near[found] = one
        tried_near: dict[Address, Trial] = {}

        async def of_peer(address: Address) -> None:
            assert facts.peer is not None
            expect = facts.peer.id if facts.peer.is_node else ""
            facts.tried[address] = await self._try(address, expect=expect, plain=not facts.peer.is_node)
            self._judge(facts, began, running=True)

        async def of_near(address: Address, one: Acquaintance) -> None:
            tried_near[address] = await self._try(address, expect=one.id)

        peers = [] if facts.peer is None else routes.to_try(facts.peer)
        await asyncio.gather(
            *map(of_peer, peers), *(of_near(address, one) for address, one in near.items() if address not in peers)
        )
        tried_near |= {address: facts.tried[address] for address in near if address in facts.tried}
        if around.wire is not None:
            # Trying them made the system ask for them on the wire.
            again = await asyncio.to_thread(self._look, facts.listen.port)
            facts.surroundings = replace(around, wire=again.wire)
        facts.near = tried_near
        self._judge(facts, began, running=True)

    async def _try(self, address: Address, *, expect: str = "", plain: bool = False) -> Trial:
        async with self._sockets:
            return await self._links.trial(address, expect=expect, plain=plain)

    # -- what was found

    def _judge(self, facts: Facts, began: float, *, running: bool) -> None:
        """Have the facts judged. Rows of which not all is known yet stay as they were."""
        for key, check in diagnosis.checks(facts).items():
            if check is not None:
                self._checks[key] = check
            elif key not in self._checks:
                self._checks[key] = Check(
                    key=key, title=diagnosis.title(key, facts), state="untried", said="Not looked at yet."
                )
        self._checks = {key: self._checks[key] for key in diagnosis.TITLES}
        self._addresses = diagnosis.addresses(facts, self._addresses)
        id_ = None if facts.peer is None else facts.peer.id
        before = self._kept.pop(id_, None)
        paths: list[PathTried] = routes.paths(facts, () if before is None else before.paths)
        state: str = "untried"
        said = means = ""
        if not running:
            state, said, means = verdicts.verdict(facts, self._checks, paths)
        elif before is not None:
            # What holds so far may turn out otherwise.
            state, said, means = before.state, before.verdict, before.meaning
        self._kept[id_] = Diagnosis(
            at=facts.now, took_ms=round((time.monotonic() - began) * 1000), running=running, state=state, verdict=said,
            meaning=means, checks=list(self._checks.values()), addresses=self._addresses, peer=id_,
            name="" if facts.peer is None else facts.peer.name, paths=paths, key=_key(facts, running, before),
            clock=routes.clock(facts),
        )  # fmt: skip
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]

    # -- acts of the core

    def perform(self, act: e.TryBack | e.AskedBack | e.ReportDialledBack) -> None:
        """Perform an act: try to connect back for somebody, or take the answer of somebody who has tried."""
        facts = self._facts
        if isinstance(act, e.TryBack):
            task = asyncio.create_task(self._try_back(act), name="dial back")
            self._back.add(task)
            task.add_done_callback(self._back.discard)
        elif facts is None:
            # It came too late for the examination that asked.
            pass
        elif isinstance(act, e.AskedBack):
            facts.asked = act.count
        elif all(one.peer != act.answer.peer for one in facts.back):
            facts.back = (*facts.back, act.answer)
        self._answered.set()

    async def _try_back(self, act: e.TryBack) -> None:
        trial = await self._links.trial(act.address, expect=act.peer)
        self._house.feed(s.TriedBack(act.peer, trial.reached, trial.ms))

    async def close(self) -> None:
        """End everything."""
        tasks = [*self._back, *([] if self._task is None else [self._task])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _key(facts: Facts, running: bool, before: Diagnosis | None) -> Finding | None:
    """What is known of the peer's key. It stays as it was until there is something to say."""
    finding = routes.key(facts)
    if running and finding is not None and finding.state == "untried" and before is not None and before.key is not None:
        return before.key
    return finding


def _complete(facts: Facts) -> None:
    """What wasn't found out in time isn't found out."""
    facts.surroundings = facts.surroundings or Surroundings("other")
    facts.here, facts.near, facts.back_done = facts.here or {}, facts.near or {}, True
    facts.asked = max(0, facts.asked)
    facts.echoes = facts.echoes or ()
