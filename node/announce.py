"""The node's lines on its terminal: that it is up and where, who comes and goes, and how it ends.

Each thing that matters to a user is one readable log line (loglines.py formats it). Details for developers are logged
where they happen.
"""

from __future__ import annotations

import logging
import pathlib
import shlex
from collections.abc import Iterable

from node import program
from node.bus import events as ev
from node.bus import nouns
from node.model import Address, is_loopback, parse_address

log = logging.getLogger("snicher")


class Announcements:
    """Logs the lines of one run. Remembers the last line about each peer, so that no line is repeated."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._looking = ""

    # -- the run

    def up(self, me: nouns.Self, home: pathlib.Path, pid: int) -> None:
        """The node is up: where it listens, and where others can reach it."""
        log.info("%s is up on %s (home %s, pid %d)", me.name, me.listen, home, pid)
        for address in me.addresses:
            if is_loopback(parse_address(address).host):
                log.info("only this machine can reach you, at %s", address)
            else:
                log.info("others can reach you at %s", address)

    def named_by_itself(self, name: str, home: pathlib.Path | None) -> None:
        """Nobody has chosen a name: which one was taken, and how to choose. `home`: None if it is the usual one."""
        where = "" if home is None else f" --home {shlex.quote(str(home))}"
        change = program.typed("python -m node set name NAME")
        log.info("others see you as %s, your user name; change it with: %s%s", name, change, where)

    def going_down(self, reason: str) -> None:
        """A stop was asked for."""
        log.info("going down: %s", reason)

    def still_connected(self, count: int) -> None:
        """Some peers didn't close their connection after our good-bye."""
        log.warning("%d connections didn't close in time", count)

    def down(self, health: nouns.Health) -> None:
        """The run has ended; `health` says whether the last commit succeeded."""
        if health.store:
            log.info("good-bye; everything is on disk")
        else:
            log.warning("good-bye; the last changes could not be written: %s", health.problem)

    # -- what went wrong

    def bug(self, what: str, error: BaseException | None) -> None:
        """Our own code failed, which ends this run."""
        log.error("a bug: %s", what, exc_info=error)

    def trouble(self, what: str, error: BaseException | None) -> None:
        """Something failed that may fail, such as the network: the run goes on."""
        log.warning("%s%s", what, "" if error is None else f": {error}")

    # -- what happened

    def published(self, events: Iterable[ev.Event]) -> None:
        """Log those of these events that matter to a user."""
        for event in events:
            if event.type != "MessageReceived":
                self._say(event.data)

    def told(self, event: ev.Event) -> None:
        """Log that others on this network can find this node, or why not, when that changes."""
        if not isinstance(event.data, ev.NearbyChanged):
            return
        nearby = event.data.nearby
        if nearby.state == self._looking:
            return
        self._looking = nearby.state
        if nearby.state == "on":
            log.info("others on this network can find you, and you them")
        elif nearby.state == "off":
            log.info("others on this network can't find you (the setting `discovery` is off)")
        elif nearby.state not in ("deaf", "failing"):
            # Those are notices, which are logged by themselves.
            log.info("others on this network can't find you: %s", nearby.detail)

    def _say(self, data: object) -> None:
        if isinstance(data, ev.GreetingChanged):
            one = data.greeting
            what = f": {one.detail}" if one.detail else ""
            log.info("mandatory peer %s: %s%s", one.address, one.outcome, what)
        elif isinstance(data, ev.QuotaReached):
            log.warning("%s has sent as much as one source may in a day; it is shut out for now", data.host)
        elif isinstance(data, ev.PeerAdded):
            how = f"a Snicher node, code {data.peer.code}" if data.peer.kind == "node" else data.peer.dialect
            about = ", ".join(one for one in (_where(data.peer), how) if one)
            log.info("new peer: %s (%s)", data.peer.name, about)
        elif isinstance(data, ev.PeerWarned):
            log.warning("is it really %s? %s", data.name, data.warning)
        elif isinstance(data, ev.IdentityShared):
            log.warning("another machine, met at %s, uses this node's identity; both go on working", data.address)
        elif isinstance(data, ev.RoomsMerged) and data.room.kind == "direct":
            log.info("%s is a Snicher node now: what you say to each other is encrypted from here on", data.room.name)
        elif isinstance(data, ev.PeerChanged) and data.peer.link != "unknown":
            what = f": {data.peer.error}" if data.peer.error else ""
            kept = (
                f", encrypted (code {data.peer.code}{', verified' if data.peer.verified else ''})"
                if (data.peer.kind, data.peer.link) == ("node", "online")
                else ""
            )
            line = f"{data.peer.name} ({_where(data.peer)}) is {data.peer.link}{kept}{what}"
            # Other changes of a peer, such as its dialect or its local name, are no news: skip a line already logged.
            if self._said.get(data.peer.id) != line:
                self._said[data.peer.id] = line
                log.info("%s", line)
        elif isinstance(data, ev.PeerForgotten):
            self._said.pop(data.peer, None)


def anew() -> None:
    """After a bug, another run begins."""
    log.warning("starting anew from what is on disk")


def given_up() -> None:
    """The same kind of bug ended too many runs: the process stops."""
    log.error("the bug came back too often; giving up. Nothing that was acknowledged is lost")


def _where(peer: nouns.Peer) -> str:
    return str(Address(peer.host, peer.port)) if peer.port is not None else peer.host
