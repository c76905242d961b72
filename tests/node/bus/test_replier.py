"""Many requests at once: who waits for a slow answer holds nobody up, and each sender has its replies in order."""

from __future__ import annotations

import contextlib
import pathlib
import threading
from collections.abc import Iterator

import msgspec
import pytest
import zmq

from node.bus import envelopes as en
from node.bus import replier
from tests.node.bus.test_server import PATIENCE_MS, ask, good, requester
from tests.node.bus.test_sockets import eventually
from tests.support.bus_fakes import PATIENCE, FakeBus


@pytest.fixture
def free() -> Iterator[threading.Event]:
    free = threading.Event()
    yield free
    free.set()


@pytest.fixture
def bus(tmp_path: pathlib.Path) -> Iterator[FakeBus]:
    with FakeBus(tmp_path) as bus:
        yield bus


def commands(bus: FakeBus) -> str:
    assert bus.server is not None
    return bus.server.commands_endpoint


def asked(bus: FakeBus, id_: str) -> None:
    """Wait until the node answers this command."""
    eventually(lambda: any(command.id == id_ for command in bus.commands))


def ids(socket: zmq.Socket[bytes], count: int) -> list[str]:
    """The ids of the next replies to a DEALER."""
    found = []
    for _ in range(count):
        assert socket.poll(PATIENCE_MS), f"no reply after {found}"
        empty, body = socket.recv_multipart()
        assert empty == b""
        found.append(msgspec.json.decode(body, type=en.Reply).id)
    return found


def test_a_slow_answer_holds_nobody_else_up(bus: FakeBus, free: threading.Event) -> None:
    bus.held = [free]
    with requester(commands(bus)) as slow, requester(commands(bus)) as quick:
        slow.send(good(id="slow"))
        asked(bus, "slow")
        assert ask(quick, good(id="quick")).id == "quick"
        assert not slow.poll(0)
        free.set()
        assert slow.poll(PATIENCE_MS)
        assert msgspec.json.decode(slow.recv(), type=en.Reply).id == "slow"


def test_one_sender_has_its_replies_in_the_order_of_its_commands(bus: FakeBus, free: threading.Event) -> None:
    bus.held = [free]
    wanted = [str(number) for number in range(100)]
    with requester(commands(bus), kind=zmq.DEALER) as socket, requester(commands(bus)) as other:
        for number in wanted:
            # Every tenth is no command: its error waits for its turn, too.
            body = good(id=number, op="nonsense") if number.endswith("7") else good(id=number)
            socket.send_multipart([b"", body])
        asked(bus, "0")
        assert ask(other, good(id="other")).ok
        assert [command.id for command in bus.commands] == ["0", "other"]
        free.set()
        assert ids(socket, len(wanted)) == wanted


def test_senders_behind_one_queue_are_told_apart(bus: FakeBus, free: threading.Event, tmp_path: pathlib.Path) -> None:
    """ZeroMQ's own queue, a ROUTER and a DEALER, may stand in between: each hop adds to the envelope."""
    bus.held = [free]
    with (
        queue(commands(bus), f"ipc://{tmp_path}/queue") as front,
        requester(front) as slow,
        requester(front) as quick,
    ):
        slow.send(good(id="slow"))
        asked(bus, "slow")
        assert ask(quick, good(id="quick")).id == "quick"
        free.set()
        assert slow.poll(PATIENCE_MS)
        assert msgspec.json.decode(slow.recv(), type=en.Reply).id == "slow"


@contextlib.contextmanager
def queue(back: str, front: str) -> Iterator[str]:
    context = zmq.Context()
    router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    router.bind(front)
    dealer.connect(back)

    def run() -> None:
        with contextlib.suppress(zmq.ContextTerminated, zmq.ZMQError):
            zmq.proxy(router, dealer)
        for socket in (router, dealer):
            socket.close(linger=0)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield front
    context.term()
    thread.join(PATIENCE)


@pytest.mark.parametrize("bound", ["MOST_REQUESTS", "MOST_BYTES"])
def test_more_than_are_taken_in_at_once_wait_and_are_answered(
    bus: FakeBus, free: threading.Event, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(replier, bound, {"MOST_REQUESTS": 4, "MOST_BYTES": 4 * len(good(id="00"))}[bound])
    bus.held = [free] * 4
    wanted = [f"{number:02}" for number in range(30)]
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(requester(commands(bus))) for _ in wanted]
        for number, socket in zip(wanted, sockets, strict=True):
            socket.send(good(id=number))
        assert bus.server is not None and bus.server._replier is not None
        eventually(lambda: len(bus.commands) == 4)
        assert bus.server._replier.answering == 4
        free.set()
        for number, socket in zip(wanted, sockets, strict=True):
            assert socket.poll(PATIENCE_MS), number
            assert msgspec.json.decode(socket.recv(), type=en.Reply).id == number
        assert bus.server._replier.answering == 0


def test_a_node_that_goes_down_leaves_requests_without_a_reply(bus: FakeBus, free: threading.Event) -> None:
    bus.held = [free]
    with requester(commands(bus)) as socket:
        socket.send(good(id="1"))
        asked(bus, "1")
        bus.stop()
        bus.start()
        assert not socket.poll(0)
    with requester(commands(bus)) as socket:
        assert ask(socket, good(id="2")).ok
