"""From facts to findings in words: the checks of this node and its network, and its addresses. Pure.

Each check returns None while it can't be judged yet. Their order never changes, so that two runs can be compared.
What is said names what was tried and by whom; a cause that is only likely is told as such.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from node.bus.diagnosis import Check, Mark, OwnAddress
from node.core import remedies
from node.core.facts import DialledBack, Echo, Facts, Interface, Reached, is_link_local
from node.printable import flat

#: Clocks that differ by more (ms) are a fault; by more than NOTED_MS, it is told to the tenth of a second.
CLOCK_MS = 60_000
#: Most names in one sentence; of the others, only how many.
MAX_NAMES = 3

#: The checks by key, with their titles, in their order.
TITLES = {
    "port": "Port", "multicast": "Multicast", "firewall": "Firewall", "neighbours": "Neighbours",
    "network": "Network", "clock": "Clock", "node": "This node",
}  # fmt: skip
_BACK: dict[Reached, str] = {
    "refused": "was refused",
    "no_answer": "got no answer",
    "no_route": "found no way there",
    "other_key": "met another node there",
    "no_node": "met another program there",
}


def checks(facts: Facts) -> dict[str, Check | None]:
    """All checks by key, in their order. None: not all that it needs is known yet."""
    judges: dict[str, Callable[[Facts], Check | None]] = {
        "port": _port, "multicast": _multicast, "firewall": _firewall, "neighbours": _neighbours,
        "network": _network, "clock": _clock, "node": _node,
    }  # fmt: skip
    return {key: judge(facts) for key, judge in judges.items()}


def title(key: str, facts: Facts) -> str:
    """What a check is called."""
    return f"Port {facts.listen.port}" if key == "port" else TITLES[key]


def _check(facts: Facts, key: str, state: Mark, said: str, remedy: str = "", command: str = "") -> Check:
    return Check(key=key, title=title(key, facts), state=state, said=said, remedy=remedy, command=command, at=facts.now)


# -- the port


def _port(facts: Facts) -> Check | None:
    if facts.on_this_machine_only:
        met = next((one for one in facts.back if one.reached == "open"), None)
        within = "" if met is None else f" From there, {_whose(met.name)} node connected back in {took(met.ms)}."
        return _check(
            facts, "port", "fails",
            f"This node listens on {facts.listen.host}, which only programs on this machine reach.{within}",
            "Start it so that others reach it:", remedies.listen_everywhere(facts.listen),
        )  # fmt: skip
    if not facts.addresses:
        return _check(facts, "port", "fails", "This machine has no address in any network.",
                      "Join a network, then run again.")  # fmt: skip
    back = [one for one in facts.back if one.reached != "untried"]
    opened = next((one for one in back if one.reached == "open"), None)
    if opened is not None:
        return _check(
            facts, "port", "well", f"Open. {_whose(opened.name)} node connected back to it in {took(opened.ms)}."
        )
    if not facts.back_done or facts.here is None:
        return None
    if back:
        return _shut(facts, back[0])
    if facts.came_in:
        who = next(iter(facts.came_in.values()))[1]
        return _check(facts, "port", "well", f"Open. {_whose(who)} node has connected to it.")
    dead = [one for one, trial in facts.here.items() if trial.reached != "open"]
    if dead and len(dead) == len(facts.here):
        return _check(
            facts, "port", "fails", f"Not even from this machine does anybody get through to {dead[0]}.",
            "Something on this machine drops it. Look, or let it in:",
            remedies.let_in(facts.surroundings, facts.listen.port),
        )  # fmt: skip
    said = "It answers on this machine. Whether others get through isn't known: "
    why = "nobody is linked who could try." if not facts.asked else "none of those linked has tried."
    return _check(facts, "port", "untried", said + why, "Add somebody, then run again:", "python -m node invite")


def _shut(facts: Facts, back: DialledBack) -> Check:
    """Somebody has tried to connect back, and couldn't, whoever else has connected before."""
    port, around = facts.listen.port, facts.surroundings
    where = f"{back.host}, port {port}" if back.host else f"port {port}"
    said = f"{_whose(back.name)} node tried {where}, and {_BACK.get(back.reached, 'failed')} ({took(back.ms)})."
    own = {address.host.partition("%")[0] for address in facts.addresses}
    if back.host and back.host not in own:
        return _check(
            facts, "port", "fails",
            f"{said} That isn't an address of this machine: a router or VPN between the two translates addresses.",
            f"Nobody beyond it can connect to you; you can connect to them. Or have the router pass port {port} on.",
        )  # fmt: skip
    if back.reached in ("other_key", "no_node"):
        return _check(
            facts, "port", "fails", f"{said} Two machines seem to use one address.",
            "Have this machine get another address, then run again.",
        )  # fmt: skip
    other = next((name for id_, name in facts.came_in.values() if id_ != back.peer), None)
    if other is not None:
        return _check(
            facts, "port", "doubtful", f"{said} {_whose(other)} node has connected, so it isn't shut for everybody.",
            "The two may be in networks that are treated differently; their doctors may say more.",
        )  # fmt: skip
    likely = " A firewall on this machine is likely." if back.reached == "no_answer" else ""
    mends = remedies.adds_rule(around)
    return _check(
        facts, "port", "fails", said + likely,
        f"Let port {port} in, then run again:" if mends else "Find the rule that drops it:",
        remedies.let_in(around, port),
    )  # fmt: skip


def addresses(facts: Facts, before: Iterable[OwnAddress] = ()) -> list[OwnAddress]:
    """The own addresses, and who has reached each. What isn't known yet stays as it was in `before`."""
    old = {one.address: one for one in before}
    found = []
    for address in facts.addresses:
        host = address.host.partition("%")[0]
        around = facts.surroundings
        interface = None if around is None else around.interface_of(host)
        name = "" if interface is None else interface.name
        back = next((one for one in facts.back if one.host == host and one.reached != "untried"), None)
        trial = (facts.here or {}).get(address)
        state: Mark = "untried"
        said, by = "not tried yet", ""
        if back is not None and back.reached == "open":
            state, by, said = "well", back.name, f"reached by {flat(back.name)}"
        elif back is not None:
            state, by, said = "fails", back.name, f"{flat(back.name)} {_BACK.get(back.reached, 'failed')}"
        elif host in facts.came_in:
            by = facts.came_in[host][1]
            state, said = "well", f"reached by {flat(by)}"
        elif facts.on_this_machine_only:
            state, said = "fails", "this machine only"
        elif trial is not None and trial.reached != "open":
            state, said = "fails", "doesn't answer here"
        elif not facts.back_done and str(address) in old:
            found.append(old[str(address)])
            continue
        elif facts.back_done:
            said = "nobody has tried"
        found.append(OwnAddress(address=str(address), interface=name, state=state, said=said, reached_by=by))
    return found


# -- multicast, and the firewall


def _multicast(facts: Facts) -> Check | None:
    if facts.on_this_machine_only:
        return _check(facts, "multicast", "untried", "Not asked: this node listens on this machine only.")
    if facts.nearby.state == "off":
        return _check(
            facts, "multicast", "untried",
            "Not asked: looking for nodes on this network is switched off (discovery), so nobody finds this one.",
            "To be found, and to find others:", "python -m node set discovery on",
        )  # fmt: skip
    echoes = facts.echoes
    if echoes is None:
        return None
    asked = [one for one in echoes if not one.problem]
    if not asked:
        why = f" ({echoes[0].interface}: {echoes[0].problem})" if echoes else ""
        return _check(facts, "multicast", "fails" if echoes else "untried", f"No question could be asked{why}.")
    deaf = [one for one in asked if not one.came_back]
    if deaf:
        return _deaf(facts, asked, deaf)
    others = {host for one in asked for host in one.others}
    silent = [
        one.name for one in facts.people or ()
        if one.is_node and one.links and not others & {link.address.host for link in one.links}
        and any(_is_near(facts, link.address.host) for link in one.links)
    ]  # fmt: skip
    where = _listed([one.interface for one in asked])
    if others:
        heard = "1 other machine was" if len(others) == 1 else f"{len(others)} other machines were"
        return _check(facts, "multicast", "well", f"Questions on {where} came back, and {heard} heard.")
    if silent:
        return _check(
            facts, "multicast", "doubtful",
            f"Questions on {where} came back, but nobody else was heard, not even {_listed(silent)} in this network.",
            "The network may not pass multicast on. Add people by an invite:", "python -m node invite",
        )  # fmt: skip
    return _check(facts, "multicast", "well", f"Questions on {where} came back. Nobody else was heard.")


def _deaf(facts: Facts, asked: Sequence[Echo], deaf: Sequence[Echo]) -> Check:
    count = sum(one.asked for one in deaf)
    where = _listed([one.interface for one in deaf])
    questions = "1 question" if count == 1 else f"{count} questions"
    said = f"{questions} went out on {where}, none came back."
    if len(deaf) < len(asked):
        fine = _listed([one.interface for one in asked if one.came_back])
        said += f" On {fine} they did."
    mends = remedies.adds_rule(facts.surroundings)
    return _check(
        facts, "multicast", "fails", said,
        "Let mDNS in, then run again:" if mends else "Find the rule that drops UDP 5353:",
        remedies.let_in(facts.surroundings, remedies.MDNS_PORT, "udp"),
    )  # fmt: skip


def _firewall(facts: Facts) -> Check | None:
    around = facts.surroundings
    if around is None:
        return None
    if facts.on_this_machine_only:
        return _check(facts, "firewall", "untried", "It doesn't matter: this node listens on this machine only.")
    port = _port(facts)
    multicast = _multicast(facts)
    if port is None or multicast is None:
        return None
    shut = [f"TCP {facts.listen.port}"] if port.state == "fails" else []
    shut += ["UDP 5353"] if multicast.state == "fails" and multicast.command else []
    wall = remedies.firewall_of(around)
    if wall is None:
        if shut:
            return _check(
                facts, "firewall", "doubtful",
                f"No firewall program was found, but {' and '.join(shut)} {'seems' if len(shut) == 1 else 'seem'} to be"
                " dropped: by rules of another program, or on the way.",
            )  # fmt: skip
        return _check(facts, "firewall", "well", "No firewall program was found on this machine.")
    if shut:
        verb = "is on" if wall.on else "is here (whether it is on can't be seen)"
        command = "The command above mends it." if len(shut) == 1 else "The commands above mend both."
        return _check(
            facts, "firewall", "fails" if wall.on else "doubtful",
            f"{wall.name} {verb}, and {' and '.join(shut)} {'is' if len(shut) == 1 else 'are'} not let in, it seems.",
            command,
        )  # fmt: skip
    if wall.on is None:
        return _check(facts, "firewall", "well" if port.state == "well" else "untried",
                      f"{wall.name} is here; whether it is on can't be seen without its rights.")  # fmt: skip
    if port.state == "well":
        return _check(facts, "firewall", "well", f"{wall.name} is on, and lets port {facts.listen.port} in.")
    if wall.port == "drops":
        return _check(
            facts, "firewall", "fails", f"{wall.name} is on, and has no rule for TCP {facts.listen.port}.",
            f"Let port {facts.listen.port} in, then run again:", remedies.let_in(around, facts.listen.port),
        )  # fmt: skip
    return _check(
        facts, "firewall", "doubtful", f"{wall.name} is on. Whether it lets port {facts.listen.port} in isn't known.",
        "If others don't get through, let it in:", remedies.let_in(around, facts.listen.port),
    )  # fmt: skip


# -- others


def _neighbours(facts: Facts) -> Check | None:
    if facts.people is None:
        return None
    linked = [one.name for one in facts.people if one.links]
    nodes = [one for one in facts.people if one.is_node and not one.links]
    seen = len(facts.nearby.services)
    by_mdns = f" {seen} {'is' if seen == 1 else 'are'} seen by mDNS." if seen else ""
    if not seen and facts.nearby.state in ("on", "deaf"):
        by_mdns = " Nobody is seen by mDNS."
    away = f" {len(nodes)} known {'node is' if len(nodes) == 1 else 'nodes are'} away." if nodes else ""
    if linked:
        return _check(facts, "neighbours", "well", f"{len(linked)} linked: {_listed(linked)}.{by_mdns}{away}")
    if nodes:
        last = max(nodes, key=lambda one: one.last_seen or 0)
        before = "" if last.last_seen is None else f", {ago(facts.now - last.last_seen)}"
        many = "The one known node isn't" if len(nodes) == 1 else f"None of {len(nodes)} known nodes is"
        who = f" The last one seen was {flat(last.name)}{before}." if last.last_seen is not None else ""
        return _check(
            facts, "neighbours", "doubtful", f"{many} linked.{who}{by_mdns}", "See why somebody isn't there:",
            f"python -m node doctor {last.id}",
        )  # fmt: skip
    return _check(facts, "neighbours", "doubtful", f"Nobody is known here yet.{by_mdns}", "Bring somebody in:",
                  "python -m node invite")  # fmt: skip


def _network(facts: Facts) -> Check | None:
    around = facts.surroundings
    if around is None:
        return None
    outside = [one for one in around.interfaces if not one.tunnel and any(map(_is_outside, one.hosts))]
    tunnels = [one for one in around.interfaces if one.tunnel]
    if facts.on_this_machine_only:
        return _check(facts, "network", "untried", "Not looked at: this node listens on this machine only.")
    if not outside and not tunnels:
        own = [one for one in around.interfaces if any(map(is_link_local, one.hosts))]
        said = "This machine is in no network."
        if own:
            said = f"{_listed([one.name for one in own])} got no address from the network, and made up one of its own."
        return _check(facts, "network", "fails", said, "Join a network, or plug the cable in again.")
    if facts.near is None or facts.people is None:
        return None
    apart = _kept_apart(facts)
    if apart:
        return _check(
            facts, "network", "doubtful", apart,
            "Ask for the main network, or for client isolation to be switched off; a phone's hotspot or a cable helps.",
        )  # fmt: skip
    near = any(one.links and any(_is_near(facts, link.address.host) for link in one.links) for one in facts.people)
    if tunnels:
        named = _listed([f"{one.name} ({one.tunnel})" for one in tunnels])
        if not near and not any(one.links for one in facts.people):
            return _check(
                facts, "network", "doubtful",
                f"A VPN is on: {named}. Many of them keep a machine from its own network.",
                "Switch it off, or allow the local network in its settings, then run again.",
            )  # fmt: skip
        return _check(facts, "network", "well", f"A VPN is on ({named}), and doesn't stand in the way.")
    names = _listed([one.name for one in outside])
    return _check(facts, "network", "well", f"No VPN, and no sign of a guest network on {names}.")


def _kept_apart(facts: Facts) -> str:
    """Why the network is suspected to keep its machines apart; empty: it isn't."""
    around = facts.surroundings
    if not facts.near or around is None or facts.people is None:
        return ""
    if any(trial.reached not in ("no_answer", "no_route") for trial in facts.near.values()):
        return ""
    hosts = {address.host for address in facts.near}
    linked = [link.address.host for one in facts.people for link in one.links]
    if any(_is_near(facts, host) for host in linked):
        return ""
    if around.wire is not None and any(around.wire.get(host) for host in hosts):
        # These machines answer the system, so they aren't kept apart: a firewall of theirs drops the connections.
        return ""
    works = sorted(host for host, there in (around.wire or {}).items() if there and host not in hosts)
    heard = sorted({host for one in facts.echoes or () for host in one.others} - hosts)
    proof = ""
    if works:
        proof = f"{works[0]} in the same network does"
    elif heard:
        proof = f"{heard[0]} is heard by multicast"
    elif linked:
        proof = "a node in another network is linked"
    if not proof:
        return ""
    near = set(facts.near)
    names = [one.name for one in facts.people if not one.links and near & set(one.addresses)]
    return (
        f"{_listed(names)} should be in this network, and no sign of them comes, while {proof}: a guest network, or one"
        " that keeps its machines apart (client isolation), is likely."
    )


def _clock(facts: Facts) -> Check | None:
    if facts.people is None:
        return None
    ahead = [link.ahead for one in facts.people if one.known for link in one.links[-1:] if link.ahead is not None]
    if not ahead:
        return _check(facts, "clock", "untried", "Nobody is linked whose clock could be compared.")
    # How far ours is ahead of theirs.
    off = -statistics.median(ahead)
    of = "that of the one link" if len(ahead) == 1 else f"the median of {len(ahead)} links"
    said = f"{_span(abs(off))} {'ahead of' if off > 0 else 'behind'} {of}."
    if abs(off) <= CLOCK_MS:
        return _check(facts, "clock", "well", f"{said} Up to {CLOCK_MS // 1000} s is fine.")
    if len(ahead) == 1:
        return _check(facts, "clock", "doubtful", f"{said} One of the two is wrong.",
                      "If it is this one, set it right:", remedies.set_clock(facts.surroundings))  # fmt: skip
    return _check(facts, "clock", "fails", f"{said} What is written here is dated by theirs.", "Set the clock right:",
                  remedies.set_clock(facts.surroundings))  # fmt: skip


def _node(facts: Facts) -> Check | None:
    health = facts.health
    if not health.store:
        return _check(facts, "node", "fails", health.problem or "The disk can't be written.",
                      "Make room on the disk; it goes on by itself.")  # fmt: skip
    if health.problem:
        return _check(facts, "node", "fails", health.problem, "Make room on the disk; it goes on by itself.")
    said = [*(one for one in (health.index,) if one), *health.notices]
    if said:
        return _check(facts, "node", "doubtful", " ".join(said))
    return _check(facts, "node", "well", "It runs, and its disk is well.")


# -- words


def took(ms: int) -> str:
    """A duration as people read it: 3 ms, 5.0 s."""
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def ago(ms: int) -> str:
    """How long ago something was, roughly."""
    minutes = max(0, ms) // 60_000
    for size, word in ((60 * 24, "days"), (60, "hours"), (1, "minutes")):
        if minutes >= 2 * size:
            return f"{minutes // size} {word} ago"
    return "just now"


def _span(ms: float) -> str:
    if ms < 120_000:
        return f"{ms / 1000:.1f} s"
    minutes = round(ms / 60_000)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence: a few of them, and how many more."""
    shown = [flat(one) for one in names[:MAX_NAMES]]
    if len(names) > MAX_NAMES:
        return f"{', '.join(shown)} and {len(names) - MAX_NAMES} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _whose(name: str) -> str:
    return f"{flat(name)}'s"


def _is_near(facts: Facts, host: str) -> bool:
    return facts.surroundings is not None and facts.surroundings.interface_to(host) is not None


def _is_outside(host: str) -> bool:
    return not is_link_local(host) and not host.startswith("127.") and host != "::1"


def outside(interfaces: Iterable[Interface]) -> list[Interface]:
    """The interfaces on which other machines may be found."""
    return [one for one in interfaces if any(not host.startswith("127.") and host != "::1" for host in one.hosts)]
