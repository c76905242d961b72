"""Two nodes on a network that loses packets, and what must be true within a minute after it is sound again.

The nodes know each other. While packets are lost in both directions, they talk in lists and singly, and one of them is
killed and started again, so that they also link up under loss. Afterwards all that was acknowledged must be on both
disks, once and in order, and show *delivered*.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import msgspec

from node.bus import nouns
from node.errors import BusError
from tests.soak.kills import PORT, Pair, Scale
from tests.support.namespaces import Wire
from tests.support.processes import NodeProcess, eventually

#: All must be delivered so long after the last loss, in seconds.
COMPLETE = 60.0
#: Few texts: at 80 % TCP brings little through, and what counts is that all of it comes.
SCALE = Scale(kills=0, quiet=0.0, pace=1.0)


class Lost(msgspec.Struct):
    """What happened."""

    texts: int = 0
    #: How long it took until both said that they are linked, in seconds, under loss; None: not before its end.
    linked: list[float | None] = []
    #: How many texts the other side had when the loss ended.
    before: int = 0
    #: How many packets were lost.
    dropped: int = 0
    #: How long it took from the end of the loss until all was delivered, in seconds.
    complete: float = 0.0


@contextlib.contextmanager
def _meeting(wire: Wire, seed: int, *, meet: bool = True) -> Iterator[Pair]:
    """Two nodes that have met, unless they shall not. Their disks are checked in the end."""
    pair = Pair(seed, SCALE, wire)
    try:
        pair.begin(meet=meet)
        yield pair
        pair.check()
        pair.end()
    except (AssertionError, BusError) as error:
        said = "\n".join(f"{node.name}: {line}" for node in pair.both for line in node.lines[-25:])
        error.add_note(f"seed {seed}; the nodes said last:\n{said}")
        raise
    finally:
        pair.close()


def lose(wire: Wire, seed: int, percent: int, seconds: float, restarts: int = 2) -> Lost:
    """Lose so many packets for so long. Raises AssertionError or BusError when a promise was broken."""
    lost = Lost()
    with _meeting(wire, seed) as pair:
        with pair.talking():
            _lose(pair, wire, percent, seconds, restarts, lost)
            ended = time.monotonic()
        lost.texts = pair.count
        pair.wait_delivered()
        lost.complete = time.monotonic() - ended
        assert lost.complete <= COMPLETE, f"complete only {lost.complete:.0f} s after the loss"
    return lost


def _lose(pair: Pair, wire: Wire, percent: int, seconds: float, restarts: int, lost: Lost) -> None:
    """The time of the loss; the wire is sound again at its end."""
    wire.lose(percent)
    for _ in range(restarts):
        victim = pair.dice.choice(pair.both)
        victim.kill()
        victim.start()
        lost.linked.append(_linked_within(pair, seconds / restarts))
    lost.before = sum(len(pair.other(node).heard(node.address)) for node in pair.both)
    lost.dropped = wire.dropped()
    wire.lose(0)


def _linked_within(pair: Pair, seconds: float) -> float | None:
    """Wait so long; returns after what time both said that they are linked."""
    began, linked = time.monotonic(), None
    while (passed := time.monotonic() - began) < seconds:
        peers = [node.peer(pair.other(node).address) for node in pair.both]
        if linked is None and all(peer is not None and peer.link == "online" for peer in peers):
            linked = passed
        time.sleep(0.02)
    return linked


class Reunion(msgspec.Struct):
    """How long it took in seconds: until both said that they are not linked, if that was waited for; and, from when
    they could reach each other, until they were linked again, and until all was delivered."""

    noticed: float | None
    linked: float
    complete: float


def cut(wire: Wire, seconds: float, seed: int = 1) -> Reunion:
    """The wire is cut for so long, and neither side is told; both write meanwhile. Raises as `lose` does."""
    with _meeting(wire, seed) as pair:
        wire.lose(100)
        began = time.monotonic()
        said = _write(pair, "through the cut")
        for node in pair.both:
            node.wait_for_peer(pair.other(node).address, link="offline")
        noticed = time.monotonic() - began
        for node, message in said.items():
            (recipient,) = eventually(
                lambda node=node, message=message: [  # type: ignore[misc]
                    one for one in node.client.delivery(message.id).recipients if one.next_try is not None
                ],
                "it says when the next try is",
            )
            assert (recipient.state, bool(recipient.detail)) == ("waiting", True), "it says why"
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        wire.lose(0)
        return _reunion(pair, noticed)


def move(wire: Wire, host: str, seed: int = 1) -> Reunion:
    """Bert's machine gets another address; both write. Raises as `lose` does."""
    with _meeting(wire, seed) as pair:
        wire.move(1, host)
        pair.bert.address = f"{host}:{PORT}"
        _write(pair, "after the move")
        return _reunion(pair, None)


def meet(wire: Wire, percent: int, seconds: float, seed: int = 1) -> Reunion:
    """They meet for the first time while packets are lost: nothing is ever said in clear. Raises as `lose` does."""
    with _meeting(wire, seed, meet=False) as pair:
        wire.lose(percent)
        began = time.monotonic()
        pair.anna.send(pair.bert.address, "hello")
        pair.said[pair.anna].append(["hello"])
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        wire.lose(0)
        reunion = _reunion(pair, None)
        assert all(one.entry for one in pair.bert.messages(pair.anna.address)), "nothing came in clear"
        return reunion


def _write(pair: Pair, text: str) -> dict[NodeProcess, nouns.Message]:
    for node in pair.both:
        pair.said[node].append([text])
    return {node: node.send(pair.ids[pair.other(node)], text) for node in pair.both}


def _reunion(pair: Pair, noticed: float | None) -> Reunion:
    began = time.monotonic()
    eventually(lambda: pair.anna.peer(pair.bert.address), "anna knows bert's address")
    pair.wait_linked()
    linked = time.monotonic() - began
    pair.wait_delivered()
    return Reunion(noticed, linked, time.monotonic() - began)


def told(percent: int, lost: Lost) -> str:
    """What happened, as a line."""
    linked = ", ".join("not before its end" if one is None else f"{one:.1f} s" for one in lost.linked)
    return (
        f"{percent} % lost: linked under loss after {linked}; {lost.texts} texts, {lost.before} of them there when the"
        f" loss of {lost.dropped} packets ended; all delivered {lost.complete:.1f} s after it"
    )
