"""Finds nodes on the same network by mDNS (RFC 6762, RFC 6763), and lets them find this one, with python-zeroconf.

The core says whether (`perform`), interfaces.Watcher where (`moved`). Out come Discovering, Sighted and Vanished. What
others send is judged in sightings.py; how much of it is looked at is bounded here. Whatever zeroconf raises, the node
goes on: it says once that others can't be found, and tries again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import secrets
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol

import zeroconf
from zeroconf import asyncio as azeroconf

from node import tasks
from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.model import Address
from node.peers import sightings
from node.peers.interfaces import Own, rank
from node.protocol import nearby

log = logging.getLogger("snicher")

#: After a failure it is tried again so often, in seconds; sooner when the network changes.
RETRY_S = 30.0
#: While nobody is seen, it asks and tells again so often, in seconds: words get lost, and networks change elsewhere.
ALONE_S = 30.0
#: How often the day is looked at, in seconds: each day has its own tag.
DAY_LOOK_S = 60.0
#: Our own words must come back within so many seconds, or multicast is blocked on this machine.
ECHO_S = 5.0
#: Time for good-byes at the end, in seconds.
GOODBYE_S = 1.0
#: Most services that are known at a time; further ones are left out until some vanish. The core keeps fewer.
MAX_NAMES = 1024
#: Services are looked at in turns so far apart (seconds), at most so many in one: 10,000 made-up ones don't keep the
#: node from its work.
TURN_S, MAX_A_TURN = 0.02, 16
#: Most services that are asked for what is missing at a time, and for how long each, in ms. Answers hold all of it, as
#: a rule.
MAX_ASKED, ASK_MS = 8, 3_000
#: Addresses that a node tells of itself at most.
MAX_ADDRESSES = 8
#: An address, and interfaces to speak on, as zeroconf has them.
Interfaces = list[str | int]

CANT = "Others on this network can't be found, and don't find this node: {why} It is tried again every half minute."
NO_NETWORK = "This machine is on no network, so nobody can be found."
LOCAL = "This node listens on {host}, where only this machine reaches it; so it neither looks for others nor is found."
DEAF = (
    "Multicast doesn't work here: not even what this node says comes back to it. A firewall may block UDP port 5353."
    " Others may not be found."
)


class Node(Protocol):
    """The node, as mDNS sees it."""

    def feed(self, stimulus: s.Discovering | s.Sighted | s.Vanished) -> None:
        """Something happened."""


class Plan(NamedTuple):
    """How it is to be. A change of `day` or `epoch` means to begin anew, under another name."""

    interfaces: tuple[str | int, ...]
    addresses: tuple[str, ...]
    port: int
    day: int
    epoch: int


class Mdns:
    """What this node says and hears by mDNS."""

    def __init__(self, node: Node, peer: str, listen: Callable[[], Address], clock: Callable[[], int]) -> None:
        self._node = node
        self._peer = peer
        self._listen = listen
        self._clock = clock
        self._how = "off"
        self._own: list[Own] = []
        self._epoch = 0
        self._stir = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._done: Plan | None = None
        self._zeroconf: azeroconf.AsyncZeroconf | None = None
        self._browser: azeroconf.AsyncServiceBrowser | None = None
        self._info: zeroconf.ServiceInfo | None = None
        self._instance = ""
        self._echo: asyncio.TimerHandle | None = None
        self._state: tuple[nouns.NearbyState, str | None] = ("off", None)
        self._ending = False
        #: What was told of each service; services to look at; and those being asked.
        self._told: dict[str, sightings.Seen | None] = {}
        self._waiting: dict[str, None] = {}
        self._turn: asyncio.TimerHandle | None = None
        self._asked: dict[str, asyncio.Task[None]] = {}
        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)

    # -- what is wanted

    def perform(self, act: e.Discover | e.Reconfirm) -> None:
        """Begin, or end, as the core says; told again, everything that is seen is told again. Or ask for a service."""
        if isinstance(act, e.Reconfirm):
            self._reconfirm(act.name)
            return
        self._how = act.how
        self._node.feed(s.Discovering(*self._state))
        self._told.clear()
        for name in self._known():
            self._look_at(name)
        if self._task is None and act.how != "off" and not self._ending:
            self._task = tasks.begin(self._work(), "mDNS")
        self._stir.set()

    def moved(self, own: list[Own], *, woke: bool = False) -> None:
        """The interfaces are these from now on. `woke`: the machine was asleep, so nothing known is fresh."""
        self._own = own
        self._epoch += woke
        self._stir.set()
        for name in list(self._told):
            # What was on no network of this machine may be on one now, and the other way.
            self._look_at(name)

    async def close(self) -> None:
        """Say good-bye, and end. Takes little more than GOODBYE_S at most."""
        self._how, self._ending = "off", True
        self._stir.set()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=2 * GOODBYE_S)
            await tasks.end(task)

    def _plan(self) -> Plan | None:
        """How it is to be; None: neither to look nor to be found."""
        listen = self._listen()
        usable = sorted((one for one in self._own if _suits(one, listen.host)), key=lambda one: rank(one.host))
        if self._how == "off" or not usable:
            return None
        speak: dict[str | int, None] = {}
        for one in usable:
            if ":" in one.host:
                speak[one.number] = None
            elif not any(one.name == other.name and other.host in speak for other in usable):
                speak[one.host] = None
        hosts = tuple(dict.fromkeys(one.host for one in usable))[:MAX_ADDRESSES]
        return Plan(tuple(speak), hosts, listen.port, nearby.day_of(self._clock()), self._epoch)

    def _idle(self) -> tuple[nouns.NearbyState, str | None]:
        """Why there is no plan."""
        listen = self._listen()
        if self._how == "off":
            return "off", None
        if any(one.is_local and one.host == listen.host for one in self._own):
            return "local", LOCAL.format(host=listen.host)
        return "no_network", NO_NETWORK

    # -- making it so

    async def _work(self) -> None:
        while True:
            self._stir.clear()
            plan = self._plan()
            alone = not any(self._told.values())
            wait = ALONE_S if alone else DAY_LOOK_S
            try:
                if plan is None:
                    await self._shut()
                    self._tell(*self._idle())
                elif plan != self._done:
                    await self._make(plan)
                    self._done = plan
                    if self._state[0] != "deaf":
                        self._tell("on")
                elif alone and self._info is not None and self._zeroconf is not None:
                    await self._zeroconf.async_update_service(self._info)
                    await self._browse(self._zeroconf)
            except Exception as error:
                # Also errors that aren't OSErrors: what zeroconf raises depends on what others send.
                log.debug("mDNS failed", exc_info=error)
                await self._shut()
                self._tell("failing", CANT.format(why=_why(error)))
                wait = RETRY_S
            if self._ending:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stir.wait()

    async def _make(self, plan: Plan) -> None:
        """Do as planned. Raises whatever zeroconf raises."""
        done, running = self._done, self._zeroconf
        speak: Interfaces = list(plan.interfaces)
        if running is None or done is None or (done.day, done.epoch, done.port) != (plan.day, plan.epoch, plan.port):
            await self._shut()
            running = self._zeroconf = azeroconf.AsyncZeroconf(interfaces=speak, ip_version=_versions(speak))
            self._instance = secrets.token_hex(8)
            self._info = self._service(plan)
            # No probing: nobody else has this name, which is random; and it takes more than a second.
            await running.async_register_service(self._info, cooperating_responders=True)
        else:
            if done.interfaces != plan.interfaces:
                await running.async_update_interfaces(speak, _versions(speak))
            self._info = self._service(plan)
            await running.async_update_service(self._info)
        await self._browse(running)

    async def _browse(self, running: azeroconf.AsyncZeroconf) -> None:
        """Ask who is there. A new browser asks at once, on new interfaces too."""
        if self._browser is not None:
            await self._browser.async_cancel()
        # Before that: what is known already counts, and comes at once.
        self._await_echo()
        self._browser = azeroconf.AsyncServiceBrowser(running.zeroconf, nearby.SERVICE, handlers=[self._heard])

    def _service(self, plan: Plan) -> zeroconf.ServiceInfo:
        return zeroconf.ServiceInfo(
            nearby.SERVICE,
            f"{self._instance}.{nearby.SERVICE}",
            port=plan.port,
            properties=dict(nearby.txt(self._peer, plan.day)),
            server=f"{self._instance}.local.",
            parsed_addresses=list(plan.addresses),
        )

    async def _shut(self) -> None:
        """End what runs, with good-byes; what was seen isn't any more. Raises nothing."""
        running, self._zeroconf = self._zeroconf, None
        self._browser = self._info = self._done = None
        for timer in (self._echo, self._turn):
            if timer is not None:
                timer.cancel()
        self._echo = self._turn = None
        self._waiting.clear()
        for task in list(self._asked.values()):
            task.cancel()
        for name in [name for name, seen in self._told.items() if seen is not None]:
            self._vanish(name)
        self._told.clear()
        if running is None:
            return
        try:
            async with asyncio.timeout(GOODBYE_S):
                await running.async_close()
        except Exception as error:
            log.debug("mDNS could not be closed: %s", error)

    def _tell(self, state: nouns.NearbyState, detail: str | None = None) -> None:
        if self._state != (state, detail):
            self._state = (state, detail)
            self._node.feed(s.Discovering(state, detail))

    def _await_echo(self) -> None:
        """Our own words come back where multicast works at all."""
        if self._echo is not None:
            self._echo.cancel()
        self._echo = asyncio.get_running_loop().call_later(ECHO_S, lambda: self._tell("deaf", DEAF))

    # -- what is heard

    def _heard(
        self, zeroconf: zeroconf.Zeroconf, service_type: str, name: str, state_change: zeroconf.ServiceStateChange
    ) -> None:
        """zeroconf calls this, from within the handling of a packet: only the name is noted."""
        instance = nearby.instance_of(name)
        if instance is None:
            return
        if instance == self._instance:
            if self._echo is not None:
                self._echo.cancel()
                self._echo = None
            if self._state[0] == "deaf":
                self._tell("on")
        else:
            self._look_at(instance)

    def _known(self) -> list[str]:
        """All services that zeroconf remembers."""
        if self._zeroconf is None:
            return []
        entries = self._zeroconf.zeroconf.cache.async_entries_with_name(nearby.SERVICE)
        found = (nearby.instance_of(getattr(one, "alias", "")) for one in entries)
        return [name for name in found if name is not None and name != self._instance]

    def _look_at(self, name: str) -> None:
        if name in self._told or len(self._told) + len(self._waiting) < MAX_NAMES:
            self._waiting[name] = None
            if self._turn is None:
                self._turn = asyncio.get_running_loop().call_later(TURN_S, self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        for name in list(self._waiting)[:MAX_A_TURN]:
            del self._waiting[name]
            try:
                self._look(name)
            except Exception as error:
                log.debug("a service on this network can't be read: %s", error)
        if self._waiting and self._turn is None:
            self._turn = asyncio.get_running_loop().call_later(TURN_S, self._take_turn)

    def _look(self, name: str) -> None:
        """Read what is known of a service."""
        running = self._zeroconf
        if running is None:
            return
        full = f"{name}.{nearby.SERVICE}"
        if not running.zeroconf.cache.current_entry_with_name_and_alias(nearby.SERVICE, full):
            # It has said good-bye, or has expired.
            self._vanish(name)
            return
        info = azeroconf.AsyncServiceInfo(nearby.SERVICE, full)
        if info.load_from_cache(running.zeroconf):
            self._take(name, info)
        elif name not in self._asked and len(self._asked) < MAX_ASKED:
            self._spawn(name, self._ask(running, name, info))

    def _reconfirm(self, name: str) -> None:
        """Ask for a service as if nothing were known of it. One that doesn't answer has vanished."""
        running = self._zeroconf
        if running is None or name in self._asked or len(self._asked) >= MAX_ASKED:
            return
        full = f"{name}.{nearby.SERVICE}"
        cache = running.zeroconf.cache
        pointer = cache.current_entry_with_name_and_alias(nearby.SERVICE, full)
        cache.async_remove_records(list(cache.async_entries_with_name(full)))

        async def find_out() -> None:
            await self._ask(running, name, azeroconf.AsyncServiceInfo(nearby.SERVICE, full))
            if running is self._zeroconf and not list(cache.async_entries_with_name(full)):
                if pointer is not None:
                    # So that it is new when it comes back.
                    cache.async_remove_records([pointer])
                self._vanish(name)

        self._spawn(name, find_out())

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._asked[name] = asyncio.create_task(work, name=f"mDNS {name}")
        task.add_done_callback(lambda _: self._asked.pop(name, None))

    async def _ask(self, running: azeroconf.AsyncZeroconf, name: str, info: azeroconf.AsyncServiceInfo) -> None:
        try:
            if await info.async_request(running.zeroconf, ASK_MS) and running is self._zeroconf:
                self._take(name, info)
        except Exception as error:
            log.debug("a service on this network doesn't answer: %s", error)

    def _take(self, name: str, info: azeroconf.AsyncServiceInfo) -> None:
        seen = sightings.read(info.properties, info.parsed_scoped_addresses(), info.port, self._own)
        before = self._told.get(name)
        if seen is None:
            self._vanish(name)
            # Remembered, so that it counts, and is looked at again when the network changes.
            self._told[name] = None
        elif seen != before:
            self._told[name] = seen
            self._node.feed(s.Sighted(name, seen.tag, seen.addresses))

    def _vanish(self, name: str) -> None:
        if self._told.pop(name, None) is not None:
            self._node.feed(s.Vanished(name))


def caused(error: BaseException | None) -> bool:
    """Whether zeroconf raised this, in handling what others sent: no bug of this node."""
    frames = traceback.extract_tb(None if error is None else error.__traceback__)
    return any("zeroconf" in frame.filename.replace("\\", "/").split("/") for frame in frames)


def _suits(one: Own, host: str) -> bool:
    """Whether others reach a node that listens at `host` at this address."""
    if one.is_local:
        return False
    return host == "::" or (host == "0.0.0.0" and ":" not in one.host) or host.partition("%")[0] == one.host


def _versions(speak: Interfaces) -> zeroconf.IPVersion:
    six = any(isinstance(one, int) for one in speak)
    four = any(isinstance(one, str) for one in speak)
    if six and four:
        return zeroconf.IPVersion.All
    return zeroconf.IPVersion.V6Only if six else zeroconf.IPVersion.V4Only


def _why(error: Exception) -> str:
    if not isinstance(error, OSError):
        return "mDNS doesn't work here."
    if error.errno == errno.EADDRINUSE:
        return "another program has UDP port 5353 for itself."
    if error.errno in (errno.EACCES, errno.EPERM):
        return "this machine doesn't allow multicast, or UDP port 5353."
    return f"{error.strerror or error}."
