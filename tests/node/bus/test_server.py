"""The node's side of the bus: whatever comes in on REP, one reply goes out, and the next one is answered too."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import stat
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest
import zmq
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from node import tasks
from node.bus import bounds, locate, nouns, server
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus.client import Client, Resync
from node.errors import CommandRefused, ListenError, NodeAway
from tests.support import hostile_json
from tests.support.bus_fakes import PATIENCE, FakeBus

PATIENCE_MS = int(PATIENCE * 1000)
#: Who waits so long for an answer that won't come has waited long enough, in seconds.
SHORT = 0.7


@contextlib.contextmanager
def requester(endpoint: str, **options: Any) -> Iterator[zmq.Socket[bytes]]:
    """A REQ socket, without any of our client."""
    context = zmq.Context()
    socket = context.socket(options.pop("kind", zmq.REQ))
    for name, value in options.items():
        socket.setsockopt(getattr(zmq, name), value)
    socket.connect(endpoint)
    try:
        yield socket
    finally:
        context.destroy(linger=0)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeBus]:
    with FakeBus(tmp_path_factory.mktemp("server")) as bus:
        yield bus


@pytest.fixture(scope="module")
def request_(node: FakeBus) -> Iterator[zmq.Socket[bytes]]:
    assert node.server is not None
    with requester(node.server.commands_endpoint) as socket:
        yield socket


def ask(socket: zmq.Socket[bytes], *frames: bytes) -> en.Reply:
    """Send frames; the one reply, which is one frame and by BUS.md."""
    socket.send_multipart(frames)
    assert socket.poll(PATIENCE_MS), "no reply"
    (body,) = socket.recv_multipart()
    reply = msgspec.json.decode(body, type=en.Reply)
    assert reply.v == bounds.VERSION
    assert reply.ok == (reply.error is None)
    if reply.error is not None:
        assert reply.error.retryable == en.ERROR_CODES[reply.error.code][1]
    return reply


def refused(socket: zmq.Socket[bytes], *frames: bytes) -> tuple[str, str]:
    """The code of the error and the id it is for; a good command is answered afterwards."""
    reply = ask(socket, *frames)
    assert reply.error is not None
    assert ask(socket, good()).ok
    return reply.error.code, reply.id


def good(**fields: object) -> bytes:
    return msgspec.json.encode({"v": 1, "id": "1", "op": "status", "client": "c", "args": {}, **fields})


LONG = "x" * (bounds.MAX_ID_CHARS + 1)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ("malformed", "")),
        (b"\x00\xff", ("malformed", "")),
        (b"{", ("malformed", "")),
        (b"null", ("malformed", "")),
        (b"[]", ("malformed", "")),
        (b'{"v":1}', ("malformed", "")),
        (b'{"v":1,"id":"7"}', ("malformed", "7")),
        (b'{"v":1,"id":"7","op":5}', ("malformed", "7")),
        (b'{"v":1,"id":7,"op":"status"}', ("malformed", "")),
        (b'{"v":"1","id":"7","op":"status"}', ("malformed", "7")),
        (b'{"v":1e999,"id":"7","op":"status"}', ("malformed", "7")),
        (b'{"v":1,"id":"\\ud800","op":"status"}', ("malformed", "")),
        (b'{"v":1,"id":"\xff","op":"status"}', ("malformed", "")),
        (good() + b"x", ("malformed", "")),
        (b"[" * 100_000, ("malformed", "")),
        (b'{"v":1,"id":"7","op":"status","args":' + b"[" * 100_000 + b"]" * 100_000 + b"}", ("malformed", "")),
        (b'{"id":"' + LONG.encode() + b'"}', ("malformed", LONG[:-1])),
        (good(id=LONG), ("malformed", LONG[:-1])),
        (good(client=LONG), ("malformed", "1")),
        (good(key=LONG), ("malformed", "1")),
        (good(v=2), ("unsupported_version", "1")),
        (good(v=2, op="nonsense"), ("unsupported_version", "1")),
        (good(v=10**30), ("unsupported_version", "1")),
        (good(op="nonsense"), ("unknown_op", "1")),
        (good(op=""), ("unknown_op", "1")),
        (good(op="x" * 1_000_000), ("unknown_op", "1")),
        (good(args={"pad": "x" * bounds.MAX_COMMAND_BYTES}), ("too_large", "")),
        (b" " * (bounds.MAX_COMMAND_BYTES + 1), ("too_large", "")),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_command_gets_its_error(request_: zmq.Socket[bytes], body: bytes, expected: tuple[str, str]) -> None:
    assert refused(request_, body) == expected


def test_who_subscribes_hears_at_once_that_he_does(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HEARTBEAT_MS", 3_600_000)
    with FakeBus(tmp_path) as bus:
        assert bus.server is not None
        for _ in range(2):
            with requester(bus.server.events_endpoint, kind=zmq.SUB, SUBSCRIBE=b"") as socket:
                assert socket.poll(PATIENCE_MS), "not a word"
                topic, body = socket.recv_multipart()
                assert (topic, ev.decode_event(body).type) == (b"~Heartbeat", "Heartbeat")


def test_who_is_connected_to_pub_is_counted(tmp_path: pathlib.Path) -> None:
    def connected(count: int) -> None:
        assert bus.server is not None
        deadline = time.monotonic() + PATIENCE
        while bus.server.subscribed != count:
            assert time.monotonic() < deadline, bus.server.subscribed
            time.sleep(0.01)

    with FakeBus(tmp_path) as bus:
        assert bus.server is not None
        endpoint = bus.server.events_endpoint
        with requester(endpoint, kind=zmq.SUB) as first:
            connected(1)
            # Not a subscription more or less: connections count, and those of commands don't.
            for topic in (b"a", b"b"):
                first.subscribe(topic)
            with requester(endpoint, kind=zmq.SUB), requester(bus.server.commands_endpoint):
                connected(2)
            connected(1)
            bus.stop()
            bus.start()
            connected(1)
        connected(0)


def test_several_frames_are_no_command(request_: zmq.Socket[bytes]) -> None:
    assert refused(request_, good(), good()) == ("malformed", "")
    assert refused(request_, b"", b"", good()) == ("malformed", "")


def test_a_command_as_long_as_allowed_is_read(request_: zmq.Socket[bytes]) -> None:
    filling = bounds.MAX_COMMAND_BYTES - len(good(args={"pad": ""}))
    assert ask(request_, good(args={"pad": "x" * filling})).ok


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.lists(st.binary(max_size=50), min_size=1, max_size=4)
    | st.dictionaries(
        st.sampled_from(["v", "id", "op", "client", "args", "key"]),
        st.none() | st.integers() | st.text(max_size=5) | st.sampled_from([1, "status", "send", {}, [], True, 1.5]),
    ).map(lambda command: [msgspec.json.encode(command)])
)
@example(frames=[good()])
def test_any_frames_are_answered_exactly_once(request_: zmq.Socket[bytes], frames: list[bytes]) -> None:
    ask(request_, *frames)
    assert request_.poll(0) == 0
    assert ask(request_, good(id="after")).id == "after"


def test_a_client_that_does_not_wait_for_its_reply_harms_nobody(node: FakeBus, request_: zmq.Socket[bytes]) -> None:
    assert node.server is not None
    before = len(node.commands)
    for _ in range(30):
        with requester(node.server.commands_endpoint, kind=zmq.DEALER) as socket:
            socket.setsockopt(zmq.LINGER, 1000)
            socket.send_multipart([b"", good()])
            assert socket.poll(PATIENCE_MS)
            socket.send_multipart([b"", good()])
    assert ask(request_, good(id="after")).id == "after"
    assert len(node.commands) > before + 30


def test_a_client_that_leaves_out_the_empty_frame_is_dropped_and_costs_nobody_a_reply(
    node: FakeBus, request_: zmq.Socket[bytes]
) -> None:
    assert node.server is not None
    for number in range(30):
        with requester(node.server.commands_endpoint, kind=zmq.DEALER) as socket:
            socket.send_multipart([good(id=f"dropped-{number}")])
        assert ask(request_, good(id=f"after-{number}")).id == f"after-{number}"
    assert not [command for command in node.commands if command.id.startswith("dropped-")]


def test_a_frame_beyond_all_measure_costs_its_sender_the_connection(node: FakeBus, request_: zmq.Socket[bytes]) -> None:
    assert node.server is not None
    with requester(node.server.commands_endpoint) as socket:
        monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        socket.send(b" " * (server.MAX_FRAME_BYTES + 1))
        assert monitor.poll(PATIENCE_MS), "still connected"
        assert ask(request_, good(id="after")).id == "after"
        socket.disable_monitor()


async def _bug(command: en.Command) -> en.Reply:
    raise RuntimeError("a bug")


async def _refusal(command: en.Command) -> en.Reply:
    raise CommandRefused("ambiguous", "two of them", details={"candidates": ["a\ud800"]})


async def _unknown_code(command: en.Command) -> en.Reply:
    raise CommandRefused("no_such_code", "text")


async def _not_json(command: en.Command) -> en.Reply:
    raise CommandRefused("ambiguous", "text", details={"what": object()})


@pytest.mark.parametrize(
    ("answer", "code"),
    [(_bug, "internal"), (_refusal, "ambiguous"), (_unknown_code, "internal"), (_not_json, "internal")],
)
def test_an_answer_that_fails_is_an_error_reply(
    node: FakeBus, request_: zmq.Socket[bytes], answer: Callable[[en.Command], Awaitable[en.Reply]], code: str
) -> None:
    node.special["hello"] = answer
    assert refused(request_, good(op="hello")) == (code, "1")


def test_a_refusal_carries_its_details(node: FakeBus, request_: zmq.Socket[bytes]) -> None:
    node.special["hello"] = _refusal
    error = ask(request_, good(op="hello")).error
    assert error is not None
    assert (error.message, error.details) == ("two of them", {"candidates": ["a?"]})


def test_the_sockets_are_their_owners_alone(node: FakeBus) -> None:
    assert node.server is not None
    for endpoint in (node.server.events_endpoint, node.server.commands_endpoint):
        path = pathlib.Path(endpoint.removeprefix("ipc://"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_endpoint_that_cannot_be_had_is_told_and_can_be_closed(tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        async def answer(command: en.Command) -> en.Reply:
            raise NotImplementedError

        def heartbeat() -> ev.Event:
            raise NotImplementedError

        one = server.Server(answer, heartbeat)
        with pytest.raises(ListenError, match="nowhere"):
            await one.start(f"ipc://{tmp_path}/nowhere/events", f"ipc://{tmp_path}/nowhere/commands")
        await one.close()
        two = server.Server(answer, heartbeat)
        with pytest.raises(ListenError, match="only with CURVE"):
            await two.start("tcp://127.0.0.1:0", "tcp://127.0.0.1:0")
        await two.close()

    asyncio.run(main())


def test_a_task_of_the_bus_that_dies_is_told_at_once(tmp_path: pathlib.Path) -> None:
    told: list[dict[str, Any]] = []

    async def main() -> None:
        async def answer(command: en.Command) -> en.Reply:
            raise NotImplementedError

        def heartbeat() -> ev.Event:
            raise LookupError("a bug")

        died = asyncio.Event()

        def tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            told.append(context)
            died.set()

        asyncio.get_running_loop().set_exception_handler(tell)
        one = server.Server(answer, heartbeat)
        await one.start(f"ipc://{tmp_path}/events", f"ipc://{tmp_path}/commands")
        async with asyncio.timeout(60):
            await died.wait()
        await one.close()

    asyncio.run(main())
    assert [(one["message"], one[tasks.DIED]) for one in told] == [("the task 'bus heartbeat' has died", True)]


# -- the bus on TCP


class TcpNode:
    """A bus on TCP with CURVE, as app.py opens it."""

    def __init__(self, home: pathlib.Path, host: str) -> None:
        self.home = home
        self.bus = FakeBus(home)
        server_key, server_secret = server.curve_keypair()
        self.client_key, self.client_secret = server.curve_keypair()
        self.keys = home / "clients"
        self.keys.mkdir()

        def allowed(key: str) -> bool:
            return key == self.client_key or key in locate.allowed_keys(self.keys)

        async def start() -> server.Server:
            opened = server.Server(self.bus._answer, self.bus._heartbeat)
            endpoint = f"tcp://{host}:0"
            await opened.start(endpoint, endpoint, server_secret=server_secret.encode(), allowed=allowed)
            return opened

        self.bus.server = self.bus.run(start())
        self.endpoint = nouns.Endpoint(
            v=1, versions=[1], events=self.bus.server.events_endpoint, commands=self.bus.server.commands_endpoint,
            log="log-1", pid=self.bus.pid, program="0", started=1, server_key=server_key,
            client_key=self.client_key, client_secret=self.client_secret,
        )  # fmt: skip
        self.write(self.client_key, self.client_secret)

    def write(self, key: str | None, secret: str | None) -> None:
        """What bus.json gives to front ends."""
        endpoint = msgspec.structs.replace(self.endpoint, client_key=key, client_secret=secret)
        locate.write_endpoint(self.home, endpoint)

    def lets_in(self) -> None:
        """A front end with the keys of bus.json is answered, and hears events."""
        with Client(self.home, timeout=PATIENCE) as client:
            assert client.status().ready
            follower = client.follow()
            assert isinstance(follower.next(PATIENCE), Resync)
            self.bus.put()
            assert isinstance(follower.next(PATIENCE), ev.Event)

    def keeps_out(self) -> None:
        """One with these keys gets no answer, and nobody has heard its question."""
        with Client(self.home, name="kept out", timeout=SHORT) as client, pytest.raises(NodeAway):
            client.status()
        self.write(self.client_key, self.client_secret)
        self.lets_in()
        assert not [command for command in self.bus.commands if command.client == "kept out"]


@pytest.fixture(params=["127.0.0.1", "[::1]"])
def tcp(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[TcpNode]:
    node = TcpNode(tmp_path, request.param)
    yield node
    node.bus.close()


def test_the_keys_of_bus_json_open_the_bus(tcp: TcpNode) -> None:
    tcp.lets_in()


def test_a_key_of_the_folder_is_let_in_from_then_on_and_an_unknown_one_is_not(tcp: TcpNode) -> None:
    public, secret = server.curve_keypair()
    tcp.write(public, secret)
    tcp.keeps_out()
    (tcp.keys / "bot.key").write_text(public + "\n")
    tcp.write(public, secret)
    tcp.lets_in()
    (tcp.keys / "bot.key").unlink()
    tcp.write(public, secret)
    tcp.keeps_out()


def test_a_secret_that_does_not_fit_its_key_opens_nothing(tcp: TcpNode) -> None:
    _, other_secret = server.curve_keypair()
    tcp.write(tcp.client_key, other_secret)
    tcp.keeps_out()


def test_a_plain_front_end_gets_nothing_and_nobody_else_notices(tcp: TcpNode) -> None:
    with (
        requester(tcp.endpoint.commands) as command,
        requester(tcp.endpoint.events, kind=zmq.SUB, SUBSCRIBE=b"") as events,
    ):
        command.send(good())
        tcp.lets_in()
        tcp.bus.put(5)
        tcp.lets_in()
        assert command.poll(200) == 0
        assert events.poll(0) == 0
    assert all(one.op != "status" or one.client != "c" for one in tcp.bus.commands)


@pytest.mark.parametrize("value", hostile_json.VALUES.values(), ids=hostile_json.VALUES)
@pytest.mark.parametrize("place", ["{}", '{{"v":1,"id":{}}}', '{{"v":{},"id":"i","op":"status","args":0}}'])
def test_hostile_json_is_refused_as_malformed(place: str, value: str) -> None:
    told = server.parse_command([place.format(value).encode(errors="surrogatepass")])
    assert isinstance(told, en.Reply) and told.error is not None and told.error.code == "malformed"
