"""Answers to the commands of front ends. A read goes from the store to the reply; all else goes through the core."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar

import msgspec

import node
from node import invites
from node.bus import bounds, encoding, nouns
from node.bus import consumers as cn
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.diagnosis import Diagnosis, DoctorArgs, DoctorResult
from node.bus.subscribers import Reports
from node.config import Config, explain
from node.core import effects as e
from node.core import stimuli as s
from node.deciding import Deciding
from node.errors import CommandRefused, IndexBroken, StoreUnavailable
from node.hosts import Hosts
from node.model import PeerId, parse_address
from node.peers import interfaces
from node.store.reader import Reader
from node.turns import now_ms

#: Longest wait of a search for the index to take in the newest messages, in seconds.
INDEX_PATIENCE = 0.03
LIMITS = {
    "command_bytes": bounds.MAX_COMMAND_BYTES,
    "send": bounds.MAX_SEND,
    "text_bytes": bounds.MAX_TEXT_BYTES,
    "events": bounds.MAX_EVENTS,
    "history": bounds.MAX_HISTORY,
    "hits": bounds.MAX_HITS,
    "name_chars": bounds.MAX_NAME_CHARS,
    "consumers": bounds.MAX_CONSUMERS,
    "snapshot": bounds.MAX_SNAPSHOT,
}


P = ParamSpec("P")
T = TypeVar("T")


class Core(Protocol):
    """The parts of the core that replies show."""

    @property
    def me(self) -> nouns.Self:
        """This node."""

    @property
    def settings(self) -> nouns.Settings:
        """The settings in force."""

    @property
    def saved(self) -> Mapping[str, Any]:
        """The settings that front ends changed, by key."""

    def next_tries(self, peers: Iterable[str] | None = None) -> list[nouns.NextTry]:
        """When these peers (None: all) are dialled again."""

    def links(self, peer: str) -> list[nouns.Link]:
        """The encrypted links with a peer. Raises CommandRefused if there is no such peer."""

    def nearby(self) -> nouns.Nearby:
        """Who is seen on this network."""

    def link_of(self, peer: str) -> str | None:
        """How a peer is now, as in Peer.link; None: nobody knows it."""

    def why_waiting(self, peer: str) -> str | None:
        """Why messages wait for this peer, as a sentence; None: nothing keeps them."""

    def consumers_used(self) -> dict[str, int]:
        """When each named consumer was used last, in ms."""

    def shut_out(self) -> dict[str, int]:
        """Sources over their daily quota, each with the time (ms) until which it is shut out."""

    def paths(self, peer: str) -> list[nouns.Path]:
        """The addresses of a node."""

    def greetings(self) -> list[nouns.Greeting]:
        """The outcome of greeting each mandatory peer."""


class Index(Protocol):
    """The search index."""

    async def step(self) -> None:
        """Index some more messages. Raises nothing."""

    async def broken(self, why: str) -> None:
        """Report the index as broken, so that it is rebuilt. Raises StoreUnavailable."""


class Loop(Protocol):
    """The loop around the core, and the store's reader."""

    @property
    def core(self) -> Core:
        """The core as it is now: after the disk failed, it is another one."""

    @property
    def upkeep(self) -> Index:
        """The search index."""

    @property
    def health(self) -> nouns.Health:
        """Whether the node works, and what is wrong if not."""

    @property
    def busy(self) -> bool:
        """Whether so many records wait for the disk that commands are refused."""

    @property
    def head(self) -> int:
        """`seq` of the newest event on disk."""

    @property
    def events(self) -> int:
        """Number of events since the start."""

    @property
    def commits(self) -> int:
        """Number of transactions since the start."""

    def feed(self, stimulus: s.Commanded | s.ConsumerAsked) -> None:
        """Hand a stimulus to the core."""

    async def read(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the reader in its thread. Raises CommandRefused when the node goes down."""


class Run(Protocol):
    """The run of the node, which ends when a front end asks for it."""

    @property
    def links(self) -> int:
        """Number of open connections to peers."""

    @property
    def refused(self) -> int:
        """Number of connections refused since the start."""

    @property
    def subscribed(self) -> int:
        """Number of sockets subscribed to the bus's events."""

    def stop(self, reason: str) -> None:
        """Ask the node to stop; `reason` is logged."""

    def examine(self, peer: str | None, again: bool) -> Diagnosis:
        """What the doctor has found; it begins if need be. Raises CommandRefused if there is no such peer."""


class Answers:
    """Answers every command of the bus. `published` and `settle` keep it up to date."""

    def __init__(
        self, config: Config, turns: Loop, reader: Reader, log_id: str, run: Run, hosts: Hosts | None = None
    ) -> None:
        self._config = config
        self._turns = turns
        self._reader = reader
        self._log_id = log_id
        self._run = run
        self._reports = Reports()
        self._started = time.monotonic()
        self._deciding = Deciding(turns, reader.kept_replies, hosts or Hosts())
        self._received = 0
        self._sent = 0
        self._reads: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "hello": self._hello,
            "snapshot": self._snapshot,
            "events": self._events,
            "consumer_next": self._consumer_next,
            "consumers": self._consumers,
            "history": self._history,
            "search": self._search,
            "delivery": self._delivery,
            "links": self._links,
            "paths": self._paths,
            "nearby": self._nearby,
            "invite": self._invite,
            "peers": self._peers,
            "doctor": self._doctor,
            "stats": self._stats,
            "config": self._config_told,
            "status": self._status,
            "stop": self._stop_soon,
        }

    def settle(self, act: e.Reply | e.Refuse) -> None:
        """Pass on the core's answer to a command. The turns call this once the command's records are on disk."""
        self._deciding.settle(act)

    def published(self, events: Iterable[ev.Event]) -> None:
        """Count received and sent messages, for `stats`."""
        for event in events:
            if event.type == "MessageReceived":
                self._received += 1
            elif isinstance(event.data, ev.MessageStateChanged):
                self._sent += event.data.state == "sent"
            elif isinstance(event.data, ev.MessageAccepted) and event.data.message.entry is not None:
                # Whether and when it arrives, its receipts tell; it is sent as soon as there is a link.
                self._sent += 1

    async def answer(self, command: en.Command) -> en.Reply:
        """The reply to a well-formed command. Raises CommandRefused."""
        try:
            args = msgspec.json.decode(command.args, type=rq.COMMANDS[command.op][0])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CommandRefused("invalid_args", f"{command.op}: {error}.") from error
        read = self._reads.get(command.op)
        if isinstance(args, rq.ReportArgs):
            if args.seq > self._turns.head:
                head = self._turns.head
                raise CommandRefused("cursor_ahead", f"The head is {head}.", details={"head": head})
            self._reports.take(command.client, args, now_ms())
            result: Any = rq.Nothing()
        else:
            try:
                result = await read(args) if read is not None else await self._deciding.decide(command, args)
            except StoreUnavailable as error:
                raise CommandRefused("store_unavailable", str(error)) from error
        body = result if isinstance(result, msgspec.Raw) else msgspec.Raw(encoding.encode(result))
        return en.Reply(v=bounds.VERSION, id=command.id, ok=True, result=body, head=self._turns.head)

    async def give_up(self) -> None:
        """The core has stopped after a bug: refuse every command that still waits for it, with `internal`."""
        self._deciding.give_up()
        # A moment for the replies to leave.
        await asyncio.sleep(0.02)

    # -- reads

    async def _hello(self, args: rq.Nothing) -> rq.HelloResult:
        core = self._turns.core
        oldest, _ = await self._turns.read(self._reader.log_ends)
        return rq.HelloResult(
            versions=[bounds.VERSION],
            node=core.me.id,
            name=core.me.name,
            program=node.__version__,
            log=self._log_id,
            head=self._turns.head,
            oldest=oldest,
            features=sorted(rq.COMMANDS),
            limits=LIMITS,
        )

    async def _snapshot(self, args: rq.SnapshotArgs) -> rq.SnapshotResult:
        page: rq.SnapshotResult = await self._turns.read(self._reader.page, args)
        core = self._turns.core
        page.live = nouns.Live(
            next_tries=core.next_tries(page.state.peers), health=self._turns.health, nearby=core.nearby()
        )
        return page

    async def _events(self, args: rq.EventsArgs) -> rq.EventsResult:
        return await self._turns.read(self._reader.events, args)

    async def _consumer_next(self, args: cn.ConsumerNextArgs) -> cn.ConsumerNextResult:
        page: cn.ConsumerNextResult = await self._turns.read(self._reader.consumer_next, args)
        self._turns.feed(s.ConsumerAsked(args.name))
        page.consumer = msgspec.structs.replace(page.consumer, used=now_ms())
        return page

    async def _consumers(self, args: rq.Nothing) -> cn.ConsumersResult:
        return cn.ConsumersResult(consumers=await self._all_consumers())

    async def _all_consumers(self) -> list[nouns.Consumer]:
        return await self._turns.read(self._reader.consumers, self._turns.core.consumers_used())

    async def _history(self, args: rq.HistoryArgs) -> rq.HistoryResult:
        return await self._turns.read(self._reader.history, args)

    async def _search(self, args: rq.SearchArgs) -> rq.SearchResult:
        if self._turns.health.store and not self._turns.busy:
            # A search should find the newest messages, so the index takes one step first, unless the disk is slow.
            step = asyncio.ensure_future(self._turns.upkeep.step())
            await asyncio.wait([step], timeout=INDEX_PATIENCE)
        try:
            return await self._turns.read(self._reader.search, args)
        except IndexBroken as error:
            await self._index_broken(str(error))
        try:
            return await self._turns.read(self._reader.search, args)
        except IndexBroken as error:
            # The reader still sees the broken index: the rebuild that was just started isn't visible to it yet.
            raise CommandRefused("busy", f"The search index is damaged ({error}); try again in a moment.") from error

    async def _index_broken(self, why: str) -> None:
        try:
            await self._turns.upkeep.broken(why)
        except StoreUnavailable as error:
            raise CommandRefused(
                "store_unavailable", f"The search index is damaged, and can't be rebuilt just now. {error}"
            ) from error

    async def _delivery(self, args: rq.DeliveryArgs) -> rq.DeliveryResult:
        found: rq.DeliveryResult = await self._turns.read(self._reader.delivery, args.message)
        for recipient in found.recipients:
            if recipient.state in ("waiting", "sending"):
                tries = self._turns.core.next_tries([recipient.peer])
                recipient.next_try = tries[0] if tries else None
                recipient.detail = recipient.detail or self._turns.core.why_waiting(recipient.peer)
                recipient.link = self._turns.core.link_of(recipient.peer)
        return found

    async def _links(self, args: rq.PeerArgs) -> rq.LinksResult:
        return rq.LinksResult(links=self._turns.core.links(args.peer))

    async def _paths(self, args: rq.PeerArgs) -> rq.PathsResult:
        return rq.PathsResult(paths=self._turns.core.paths(args.peer))

    async def _nearby(self, args: rq.Nothing) -> rq.NearbyResult:
        return rq.NearbyResult(nearby=self._turns.core.nearby())

    async def _invite(self, args: rq.Nothing) -> rq.InviteResult:
        me = self._turns.core.me
        try:
            # As they are now: a machine may have come to a network since the start.
            link, note = invites.made(PeerId(me.id), me.name, interfaces.reachable_at(parse_address(me.listen)))
        except ValueError as error:
            raise CommandRefused("no_address", str(error)) from error
        return rq.InviteResult(link=str(link), note=note)

    async def _peers(self, args: rq.PeersArgs) -> rq.PeersResult:
        page: rq.PeersResult = await self._turns.read(self._reader.peers, args)
        page.next_tries = self._turns.core.next_tries(peer.id for peer in page.peers)
        return page

    async def _doctor(self, args: DoctorArgs) -> DoctorResult:
        return DoctorResult(diagnosis=self._run.examine(args.peer, args.again))

    async def _stats(self, args: rq.Nothing) -> rq.StatsResult:
        messages, outbox, rooms, peers = await self._turns.read(self._reader.counts)
        oldest, head = await self._turns.read(self._reader.log_ends)
        size = sum(path.stat().st_size for path in self._config.home.glob("snicher.db*"))
        return rq.StatsResult(
            uptime_ms=int((time.monotonic() - self._started) * 1000),
            received=self._received,
            sent=self._sent,
            commits=self._turns.commits,
            events=self._turns.events,
            links=self._run.links,
            rooms=rooms,
            peers=peers,
            outbox=outbox,
            messages=messages,
            database_bytes=size,
            free_bytes=shutil.disk_usage(self._config.home).free,
            shut_out=self._turns.core.shut_out(),
            refused=self._run.refused,
            subscribers=self._reports.subscribers(self._turns.head, now_ms()),
            subscribed=self._run.subscribed,
            consumers=await self._all_consumers(),
            oldest=oldest,
            kept_events=head - oldest + 1,
        )

    async def _config_told(self, args: rq.Nothing) -> rq.ConfigResult:
        core = self._turns.core
        return rq.ConfigResult(settings=explain(self._config, core.settings, core.saved))

    async def _status(self, args: rq.Nothing) -> rq.StatusResult:
        return rq.StatusResult(
            ready=True,
            self=self._turns.core.me,
            pid=os.getpid(),
            program=node.__version__,
            home=str(self._config.home),
            log=self._log_id,
            head=self._turns.head,
            health=self._turns.health,
            greetings=self._turns.core.greetings(),
        )

    async def _stop_soon(self, args: rq.Nothing) -> rq.Nothing:
        # Stop a moment later, so that this reply leaves first.
        asyncio.get_running_loop().call_later(0.02, self._run.stop, "A front end asked for it.")
        return rq.Nothing()
