from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from dashboard import connections, listening
from dashboard.connections import Connections, room_for
from tests.support.processes import PATIENCE

WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BEGUN = {
    "nothing": b"",
    "one letter": b"G",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "half a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
}


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(3600)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Running:
    """A server with these bounds, in a thread."""

    def __init__(self, bounds: Connections) -> None:
        self.bounds = bounds
        (self._socket,) = listening.listen("127.0.0.51", 0)
        self.address = self._socket.getsockname()
        config = uvicorn.Config(
            application, http=bounds.protocol, lifespan="off", log_level="error", access_log=False,  # type: ignore[arg-type]
            timeout_keep_alive=connections.KEEP_ALIVE_S, timeout_graceful_shutdown=1, ws="none",
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self.server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = self.server.force_exit = True
        self._thread.join(PATIENCE)
        self._socket.close()


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    with Running(Connections(*request.param)) as server:
        yield server


async def say(server: Running, text: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(text)
    await writer.drain()
    return reader, writer


async def heard(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server closes."""
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), PATIENCE)
    return b""


async def answered(server: Running) -> None:
    reader, writer = await say(server, WHOLE)
    assert (await asyncio.wait_for(reader.readline(), PATIENCE)).startswith(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize("running", [(40, 3600.0)], indirect=True)
@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN)
def test_hundreds_of_half_requests_keep_nobody_out(running: Running, begun: bytes) -> None:
    async def attack() -> None:
        held = [await say(running, begun) for _ in range(300)]
        await answered(running)
        held += [await say(running, begun) for _ in range(100)]
        await answered(running)
        assert len(running.server.server_state.connections) <= 41
        for _, writer in held:
            writer.close()

    asyncio.run(attack())


@pytest.mark.parametrize("running", [(40, 3600.0)], indirect=True)
def test_connections_that_were_answered_make_room_too(running: Running) -> None:
    async def attack() -> None:
        held = []
        for _ in range(120):
            reader, writer = await say(running, WHOLE)
            await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE)
            held.append(writer)
        await answered(running)
        for writer in held:
            writer.close()

    asyncio.run(attack())


@pytest.mark.parametrize("running", [(5, 3600.0)], indirect=True)
def test_when_all_are_being_answered_the_newcomer_goes(running: Running) -> None:
    async def attack() -> None:
        slow = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
        held = [await say(running, slow) for _ in range(5)]
        deadline = time.monotonic() + PATIENCE
        while running.bounds.waiting or len(running.server.server_state.connections) < 5:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        reader, _ = await say(running, WHOLE)
        assert await heard(reader) == b""
        for _, writer in held:
            writer.close()

    asyncio.run(attack())


@pytest.mark.parametrize("running", [(100, 0.2)], indirect=True)
@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN)
def test_a_request_must_be_whole_in_time(running: Running, begun: bytes) -> None:
    async def wait() -> None:
        reader, _ = await say(running, begun)
        await heard(reader)
        assert not running.bounds.waiting

    asyncio.run(wait())


@pytest.mark.parametrize("running", [(100, 0.5)], indirect=True)
def test_drops_of_a_head_do_not_prolong_its_time(running: Running) -> None:
    async def drip() -> None:
        reader, writer = await say(running, b"GET / HTTP/1.1\r\n")
        closed = asyncio.ensure_future(heard(reader))
        deadline = time.monotonic() + PATIENCE
        while not closed.done():
            assert time.monotonic() < deadline, "it was never given up"
            with contextlib.suppress(ConnectionError):
                writer.write(b"x")
                await writer.drain()
            await asyncio.sleep(0.02)

    asyncio.run(drip())


@pytest.mark.parametrize("running", [(100, 0.5)], indirect=True)
def test_the_second_request_of_a_connection_has_a_limit_of_its_own(running: Running) -> None:
    async def twice() -> None:
        reader, writer = await say(running, WHOLE)
        await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE)
        writer.write(WHOLE)
        await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE)
        writer.write(b"GET / HT")
        assert await heard(reader) == b""

    asyncio.run(twice())


@pytest.mark.parametrize("running", [(100, 0.2)], indirect=True)
def test_an_answer_may_take_its_time(running: Running) -> None:
    async def slow() -> None:
        reader, writer = await say(running, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 1.0)
        writer.close()

    asyncio.run(slow())


def test_there_is_room_for_connections_and_for_other_files() -> None:
    assert room_for(4096) == connections.MAX_CONNECTIONS
    assert room_for(256) == 64 and room_for(10) == 1
    assert connections.raise_file_limit() > 0
