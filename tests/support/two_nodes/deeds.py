"""What people do, and what goes wrong: one deed at a time, at random."""

from __future__ import annotations

import typing

from node.bus import requests as rq
from tests.support.two_nodes.machine import PORT, Machine

if typing.TYPE_CHECKING:
    from tests.support.two_nodes.world import World


def connect(machine: Machine, address: str, dialect: str = "auto") -> None:
    machine.command("connect", rq.ConnectArgs(address=address, dialect=dialect))


# -- people


def people(world: World) -> None:
    """Somebody does something at a machine that runs."""
    dice = world.agenda.dice
    up = [machine for machine in world.machines if machine.up and not machine.stopping]
    if up:
        may = PEOPLE | WARY if world.wary else PEOPLE
        dice.choices(list(may), list(may.values()))[0](world, dice.choice(up))


def _whom(world: World, machine: Machine) -> tuple[str, str | None]:
    """Somebody who may be named here, and the name of the key that is meant, if one is."""
    dice = world.agenda.dice
    other = dice.choice([one for one in world.machines if one.id != machine.id])
    keys = {one.id: one.name.rstrip("2") for one in world.machines}
    known = [one for one in machine.core._contacts.by_id if one in keys or one.startswith("plain-")]
    address = f"{other.host}:{PORT}"
    if other.id not in known:
        return dice.choice((address, address, *known)), None
    whom = dice.choice((other.id, other.id, other.id, address, *known))
    return whom, keys.get(whom)


def _say(world: World, machine: Machine) -> None:
    dice = world.agenda.dice
    outgoing = []
    for _ in range(dice.choice((1, 1, 1, 2))):
        whom, meant = _whom(world, machine)
        for _ in range(dice.choice((1, 1, 3))):
            machine.spoken += 1
            text = f"{machine.name}#{machine.spoken}" + (f"!{meant};" if meant else ";")
            outgoing.append(rq.Outgoing(to=whom, text=text))
    machine.command("send", rq.SendArgs(messages=outgoing))


def _connect(world: World, machine: Machine) -> None:
    connect(machine, _whom(world, machine)[0])


def _connect_elsewhere(world: World, machine: Machine) -> None:
    """The same machine over another interface: a second link, if there is one already. Or this machine itself."""
    connect(machine, f"{world.agenda.dice.choice(world.machines).other_host}:{PORT}")


def _read(world: World, machine: Machine) -> None:
    rooms = machine.disk.column("SELECT id FROM room")
    if rooms:
        dice = world.agenda.dice
        upto = dice.choice((None, dice.randrange(machine.core._ledger.last_message + 2)))
        machine.command("mark_read", rq.MarkReadArgs(room=dice.choice(rooms), upto=upto))


def _disconnect(world: World, machine: Machine) -> None:
    machine.command("disconnect", rq.PeerArgs(peer=_whom(world, machine)[0]))


def _forget(world: World, machine: Machine) -> None:
    machine.command("forget", rq.PeerArgs(peer=_whom(world, machine)[0]))


def _delete(world: World, machine: Machine) -> None:
    machine.command("delete", rq.PeerArgs(peer=_whom(world, machine)[0]))


def _resend(world: World, machine: Machine) -> None:
    ours = [row.message for row in machine.disk.rows("state IN ('failed', 'unconfirmed')")]
    if ours:
        machine.command("resend", rq.ResendArgs(message=world.agenda.dice.choice(ours)))


def _merge(world: World, machine: Machine) -> None:
    """Two contacts are one, a person says: only plain ones, or one into a node where nothing is said by the way."""
    plain = [one for one in machine.core._contacts.by_id if one.startswith("plain-")]
    if plain:
        dice = world.agenda.dice
        into = dice.choice([*machine.core._contacts.by_id])
        machine.command("merge", rq.MergeArgs(peer=dice.choice(plain), into=into))


def _trust(world: World, machine: Machine) -> None:
    dice = world.agenda.dice
    machine.command("trust", rq.TrustArgs(peer=_whom(world, machine)[0], plain=dice.random() < 0.2))


def _accept(world: World, machine: Machine) -> None:
    machine.command("accept", rq.PeerArgs(peer=_whom(world, machine)[0]))


def _refuse(world: World, machine: Machine) -> None:
    machine.command("refuse", rq.PeerArgs(peer=_whom(world, machine)[0]))


def _block(world: World, machine: Machine) -> None:
    machine.command("block", rq.PeerArgs(peer=_whom(world, machine)[0]))


def _unblock(world: World, machine: Machine) -> None:
    blocked = machine.disk.column("SELECT id FROM blocked")
    if blocked:
        machine.command("unblock", rq.PeerArgs(peer=world.agenda.dice.choice(blocked)))


def _whom_to_take(world: World, machine: Machine) -> None:
    """What becomes of what unknown nodes say from now on."""
    accept = world.agenda.dice.choice(("ask", "ask", "everybody", "nobody"))
    machine.command("settings", rq.SettingsArgs(accept_nodes=accept))


PEOPLE = {
    _say: 14,
    _connect: 3,
    _read: 2,
    _disconnect: 1,
    _resend: 1,
    _merge: 0.5,
    _forget: 0.5,
    _delete: 0.5,
    _trust: 1,
    _connect_elsewhere: 1,
}
#: What people do besides where they are wary of strangers.
WARY = {_accept: 1, _refuse: 0.5, _whom_to_take: 0.5, _block: 0.5, _unblock: 0.5}


# -- nature


def nature(world: World) -> None:
    """Something goes wrong, or is put right."""
    dice = world.agenda.dice
    dice.choices(list(NATURE), list(NATURE.values()))[0](world)


def _cut(world: World) -> None:
    """A connection breaks at any byte, or all of them do."""
    pipes = [pipe for pipe in world.network.pipes if len(pipe.sides) == 2]
    dice = world.agenda.dice
    if pipes:
        for pipe in pipes if dice.random() < 0.3 else [dice.choice(pipes)]:
            pipe.cut()


def _silence(world: World) -> None:
    pipes = [pipe for pipe in world.network.pipes if len(pipe.sides) == 2]
    if pipes:
        world.agenda.dice.choice(pipes).go_silent()


def _down(world: World) -> None:
    """Nothing travels for a while."""
    if not world.network.down:
        world.network.set_down(True)
        world.agenda.after(world.agenda.dice.choice((50, 1_000, 7_000, 60_000)), world.network.set_down, False)


def _crash(world: World) -> None:
    machine = world.agenda.dice.choice(world.machines)
    machine.crash()
    world.begin_soon(machine)


def _power_cut(world: World) -> None:
    """As a crash, but the others aren't told that their connections are over."""
    machine = world.agenda.dice.choice(world.machines)
    machine.crash(power=True)
    world.begin_soon(machine)


def _restart(world: World) -> None:
    machine = world.agenda.dice.choice(world.machines)
    machine.stop()
    world.begin_soon(machine)


def _move(world: World) -> None:
    """A machine gets other addresses: nothing travels any more over its connections, and the others aren't told."""
    if world.kind not in ("old", "usurper"):
        world.move(world.agenda.dice.choice(world.machines))


def _disk(world: World) -> None:
    """Writing fails for a while."""
    machine = world.agenda.dice.choice(world.machines)
    machine.disk_fails = True
    world.agenda.after(world.agenda.dice.choice((50, 1_500, 5_000)), _mend, machine)


def _mend(machine: Machine) -> None:
    machine.disk_fails = False


def _clock(world: World) -> None:
    """A machine's clock is set: a little, far off, back, or right."""
    machine = world.agenda.dice.choice(world.machines)
    machine.clock = world.agenda.dice.choice((0, 0, 5_000, -5_000, 3_600_000, -3_600_000, -40 * 365 * 86_400_000))


def _no_room(world: World) -> None:
    """A machine has no room for TLS handshakes for a while."""
    machine = world.agenda.dice.choice(world.machines)
    machine.has_room = False
    world.agenda.after(world.agenda.dice.choice((500, 3_000)), _has_room, machine)


def _has_room(machine: Machine) -> None:
    machine.has_room = True


def _third(world: World) -> None:
    """What makes this life special."""
    dice = world.agenda.dice
    if world.kind == "old":
        deed = (
            world.old_comes if world.old is None else dice.choice((world.old_dials, world.old_dials, world.old_leaves))
        )
        deed()
        if world.old is None and world.kept_off is None:
            world.begin_soon(world.bob)
    elif world.kind != "nobody":
        world.third_comes()


NATURE = {
    _cut: 4,
    _silence: 1,
    _down: 1,
    _crash: 3,
    _power_cut: 1,
    _restart: 1,
    _move: 1,
    _disk: 2,
    _clock: 1,
    _no_room: 0.5,
    _third: 3,
}
