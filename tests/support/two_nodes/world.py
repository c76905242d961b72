"""A life from a seed: who is there, what people do, and what goes wrong."""

from __future__ import annotations

import functools
from unittest import mock

from node.bus import requests as rq
from node.core import effects as e
from node.core import requests
from node.model import direct_room
from node.protocol import link as l
from tests.support import memory_store
from tests.support.memory_store import MemoryStore
from tests.support.two_nodes import deeds, rest
from tests.support.two_nodes.agenda import Agenda
from tests.support.two_nodes.ends import End
from tests.support.two_nodes.machine import PORT, Machine
from tests.support.two_nodes.old_client import OldClient
from tests.support.two_nodes.promises import Promises
from tests.support.two_nodes.wire import Network, Pipe

#: Who is there besides anna and bob. twin: another machine with the key of one of them; copy: one with a copy of the
#: home; usurper: a node with a key of its own that gets bob's address; old: an old client that has bob's address.
KINDS = ("nobody", "nobody", "nobody", "twin", "copy", "usurper", "old")
#: Everything has arrived within this time (ms) of rest; then nothing more is said for a while.
SETTLES, QUIET = 240_000, 60_000
#: Entries that a request takes: a life has few.
MAX_TEXTS = 4
#: Frames for each entry and each link, at most, on average over a life: no frame begets another for ever.
FRAMES_AN_ENTRY, FRAMES_A_LINK = 16, 24


class World:
    """Machines, the network between them, and what happens to them."""

    def __init__(self, seed: int) -> None:
        self.agenda = Agenda(seed)
        dice = self.agenda.dice
        self.network = Network(self.agenda)
        self.watch = self.promises = Promises()
        self.kind = dice.choice(KINDS)
        #: Whether people are wary of strangers; else they take everybody.
        self.wary = seed % 2 == 1
        self.slowness = dice.choice((0, 2, 2, 10, 120))
        self.anna, self.bob = Machine(self, "anna", 1, "anna"), Machine(self, "bob", 2, "bob")
        self.machines = [self.anna, self.bob]
        self.room = direct_room(self.anna.id, self.bob.id)
        self.agenda.names[self.room] = "<their room>"
        self.old: OldClient | None = None
        self.resting = False
        self.links = self.moves = 0
        #: Whose address an old client has: it can't start.
        self.kept_off: Machine | None = None
        self.anna.begin()
        if self.kind == "old" and dice.random() < 0.5:
            self.old_comes()
        else:
            self.bob.begin()

    # -- connections

    def _listening(self, host: str, port: int) -> Machine | OldClient | None:
        if self.old is not None and (host, port) == (self.old.address.host, self.old.address.port):
            return self.old
        found = [one for one in self.machines if one.up and host in (one.host, one.other_host) and port == PORT]
        return found[0] if found else None

    def dial(self, machine: Machine, act: e.Dial) -> None:
        dice = self.agenda.dice
        if self.network.down:
            machine.soon(5_000, machine.not_dialled, act.link, "No answer.")
        else:
            machine.soon(dice.randint(0, 2 * self.slowness), self._connect, machine, act)

    def _connect(self, machine: Machine, act: e.Dial) -> None:
        host, port = act.address.host, act.address.port
        target = self._listening(host, port)
        if not machine.is_dialling(act.link):
            return
        if target is None or self.network.down:
            machine.not_dialled(act.link, "Nobody listens there.")
            return
        self.links += 1
        pipe = self._pipe()
        end = functools.partial(End, machine, act.link, pipe=pipe, host=host, port=port, expect=act.expect)
        machine.dialled(act, lambda link: _joined(pipe, end(link)))
        if isinstance(target, OldClient):
            target.accept(pipe)
        else:
            self._accept(target, pipe, machine.host if host == target.host else machine.other_host)

    def _accept(self, machine: Machine, pipe: Pipe, host: str) -> None:
        def make(number: int, link: l.Link) -> End:
            return _joined(pipe, End(machine, number, link, pipe, host=host, port=None, expect=None))

        machine.accept(make)

    def _pipe(self) -> Pipe:
        slow = 2_500 if self.agenda.dice.random() < 0.04 and not self.resting else self.slowness
        return Pipe(self.network, slow)

    # -- machines come and go

    def begin(self, machine: Machine) -> None:
        """Start a machine, unless it runs or somebody else has its address."""
        if not machine.up and machine is not self.kept_off:
            machine.begin()

    def begin_soon(self, machine: Machine) -> None:
        """Start it after a while."""
        self.agenda.after(self.agenda.dice.choice((20, 200, 1_000, 4_000, 15_000)), self.begin, machine)

    def move(self, machine: Machine) -> None:
        """A machine gets addresses that nobody had before; its connections stay, and nothing travels over them."""
        self.moves += 1
        host = machine.host.rpartition(".")[2]
        machine.move(f"10.{2 * self.moves}.0.{host}", f"10.{2 * self.moves + 1}.0.{host}")

    def third_comes(self) -> None:
        """Another machine joins: with the key of one of the two, or with its own key at bob's address."""
        dice = self.agenda.dice
        if len(self.machines) > 2:
            return
        if self.kind == "usurper":
            self.bob.stop()
            self.bob.host, self.bob.other_host = "10.0.0.4", "10.1.0.4"
            self.begin_soon(self.bob)
            new = Machine(self, "mallory", 2, "mallory")
        else:
            of = dice.choice((self.anna, self.bob))
            disk = None
            name = f"{of.name}2"
            if self.kind == "copy":
                with mock.patch.object(memory_store, "_empty", lambda: of.disk.db):
                    disk = MemoryStore()
                self.promises.disks[name] = self.promises.disks[of.name].copy()
                # What waits in clear on both is said by both, each for itself.
                self.promises.maybe_twice |= {row.text for row in rest.waiting_in_clear(of)}
            new = Machine(self, name, 3, of.name, disk)
            if disk is not None:
                new.instance = of.instance
        self.machines.append(new)
        self.agenda.after(2_000, self.begin, new)

    def old_comes(self) -> None:
        """An old client gets bob's address, and keeps it until it leaves."""
        if self.old is None:
            self.bob.stop()
            self.kept_off = self.bob
            self.agenda.after(2_000, self._old_is_there)

    def _old_is_there(self) -> None:
        if self.old is None and self.kept_off is not None:
            self.old = OldClient(self.agenda, self.bob.address)

    def old_dials(self) -> None:
        if self.old is not None and self.anna.up and not self.network.down:
            pipe = self._pipe()
            self.old.dial(pipe)
            self._accept(self.anna, pipe, self.old.address.host)

    def old_leaves(self) -> None:
        if self.old is not None:
            self.old.leave()
            self.old = None
        self.kept_off = None

    # -- a life

    def live(self, deeds_done: int) -> None:
        """Random deeds, then rest, and what must hold then."""
        dice = self.agenda.dice
        for _ in range(deeds_done):
            deeds.people(self) if dice.random() < 0.6 else deeds.nature(self)
            self.agenda.run(self.agenda.now + dice.choice((0, 1, 5, 20, 60, 200, 200, 1_000, 3_000)))
            self.promises.replay(dice.choice(self.machines))
        self.rest()

    def rest(self) -> None:
        """Everything is whole, and everybody runs: wait until nothing moves, and look."""
        agenda = self.agenda
        agenda.note("world", "everything is whole from here on")
        self.resting = True
        self.old_leaves()
        self.network.set_down(False)
        for machine in list(self.machines):
            machine.disk_fails, machine.has_room = False, True
            if machine.name == "mallory":
                machine.crash()
                self.machines.remove(machine)
        agenda.run(agenda.now + 5_000)
        for machine in self.machines:
            self.begin(machine)
        agenda.run(agenda.now + 5_000)
        for machine in self.machines:
            for blocked in machine.disk.column("SELECT id FROM blocked"):
                machine.command("unblock", rq.PeerArgs(peer=blocked))
            for other in self.machines:
                if other is not machine:
                    deeds.connect(machine, f"{other.host}:{PORT}")
        until = agenda.now + SETTLES
        while agenda.now < until and not rest.settled(self.promises, self.machines, self.room):
            agenda.run(agenda.now + 10_000)
            for machine, other in rest.unlinked(self.machines):
                # One was taken for an old client of another kind meanwhile: people say what it is.
                deeds.connect(machine, f"{other.host}:{PORT}", "snicher")
        # Whatever is dead is noticed by now, and there is no more to say.
        agenda.run(agenda.now + 2 * QUIET)
        frames = sum(machine.said for machine in self.machines)
        entries = len(self.promises.texts)
        most = FRAMES_AN_ENTRY * entries * (len(self.machines) - 1) + FRAMES_A_LINK * self.links
        assert frames <= most, f"{frames} frames for {entries} entries and {self.links} links"
        agenda.run(agenda.now + QUIET)
        more = sum(machine.said for machine in self.machines) - frames
        assert not more, f"{more} frames although everything is told"
        for machine in self.machines:
            self.promises.replay(machine)
        rest.check(self.promises, self.machines, self.anna.id, self.bob.id)


def _joined(pipe: Pipe, end: End) -> End:
    pipe.sides.append(end)
    return end


def live(seed: int, deeds_done: int = 40) -> World:
    """A life. Whatever breaks in it is told with the seed and the last steps."""
    world = World(seed)
    try:
        with mock.patch.object(requests, "MAX_TEXTS", MAX_TEXTS):
            world.live(deeds_done)
    except Exception as error:
        error.add_note(f"{world.agenda.told()}\nseed {seed} ({world.kind}): {error}")
        raise
    return world
