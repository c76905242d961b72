"""Encrypted links: from the answer to the open link, memory of each, and what a message costs, beside plain ones."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus import requests as rq
from node.peers.tls import Credentials, Engine
from tests.bench import processes
from tests.bench.far import FarEnd
from tests.bench.processes import PATIENCE_S, Failed, NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes

TEXT = "x" * 100
LIST = 100


def measure(sizes: Sizes) -> list[Row]:
    """All figures of links."""
    opened, bare = [], []
    for _ in range(sizes.repeats):
        bare.append(percentile(bare_handshakes(sizes.handshakes), 95))
        opened.append(percentile(handshakes(sizes.handshakes), 95))
    costs = [encrypted_cost(sizes.costed) for _ in range(sizes.repeats)]
    plain = [plain_cost(sizes.costed_plain) for _ in range(sizes.repeats)]
    return [
        Row(
            what="answer to open link: p95", unit="ms", values=opened, target=Target("<", 3), beside="bare TLS 1.3",
            references=bare,
        ),
        Row(what="memory a link", unit="kB", values=[memory(sizes.secure_links)], target=Target("<", 80)),
        Row(
            what=f"bytes a message of {len(TEXT)}", unit="bytes", values=[one[0] for one in costs], beside="plain",
            references=[one[0] for one in plain],
        ),
        Row(
            what="CPU a message, sender", unit="µs", values=[one[1] for one in costs], beside="plain",
            references=[one[1] for one in plain],
        ),
        Row(
            what="CPU a message, both ends", unit="µs", values=[one[1] + one[2] for one in costs], beside="sender",
            references=[one[1] for one in costs],
        ),
    ]  # fmt: skip


def handshakes(count: int) -> list[float]:
    """From the answer until the link is open, each in ms."""

    async def dial(host: str, port: int) -> list[float]:
        end, found = FarEnd(), []
        for _ in range(count):
            await end.open(host, port)
            found.append(end.opened_s * 1000)
            await end.close()
        return found

    with temporary_home() as home, NodeProcess(home) as node:
        return asyncio.run(dial(node.host, node.port))


def serve_tls(line: Connection) -> None:
    """A worker: takes TLS connections with certificates as nodes have them, and says a byte on each."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")
        await reader.read()
        writer.close()

    async def main() -> None:
        context = Credentials(Ed25519PrivateKey.generate()).server
        server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
        line.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def bare_handshakes(count: int) -> list[float]:
    """The same for TLS alone, to the first byte: both sides show certificates."""

    async def dial(port: int) -> list[float]:
        credentials, found = Credentials(Ed25519PrivateKey.generate()), []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            began = time.perf_counter()
            engine = Engine(credentials, server=False)
            engine.start()
            got = b""
            while not got:
                writer.write(engine.out())
                got = engine.feed(await reader.read(65536))
            found.append((time.perf_counter() - began) * 1000)
            writer.close()
        return found

    with Worker(serve_tls) as worker:
        return asyncio.run(dial(worker.hear()))


def memory(count: int) -> float:
    """What a node grows by for each link with another identity, contact and all, in kB."""

    async def dial(node: NodeProcess) -> float:
        ends = [FarEnd() for _ in range(count)]
        before = processes.memory_mb(node.pid)
        for end in ends:
            await end.open(node.host, node.port)
        deadline = time.monotonic() + PATIENCE_S
        while node.client.stats().links < count:
            if time.monotonic() > deadline:
                raise Failed("The links don't stand.")
            await asyncio.sleep(0.05)
        grown = (processes.memory_mb(node.pid) - before) * 1024 / count
        for end in ends:
            await end.close()
        return grown

    with temporary_home() as home, NodeProcess(home) as node:
        # Once: what a first link loads is no cost of the others.
        asyncio.run(_once(node))
        return asyncio.run(dial(node))


async def _once(node: NodeProcess) -> None:
    end = FarEnd()
    await end.open(node.host, node.port)
    await end.close()


class Wire:
    """A wire between two nodes that counts what goes over it."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self.bytes = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(self._to)
            except OSError:
                # Nobody listens there any more: the nodes are ending.
                here.close()
                continue
            for pair in ((here, there), (there, here)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self.bytes += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        """Take no new connection."""
        self._listener.close()


def encrypted_cost(count: int) -> tuple[float, float, float]:
    """Bytes on the wire and µs of CPU (sender, receiver) for a message, in lists of LIST."""
    with ExitStack() as stack:
        here, there = (stack.enter_context(NodeProcess(stack.enter_context(temporary_home()))) for _ in range(2))
        wire = Wire(there.host, there.port)
        stack.callback(wire.close)
        here.client.connect(f"127.0.0.1:{wire.port}")
        _wait(lambda: any(peer.link == "online" and peer.kind == "node" for peer in here.client.peers().peers))
        (peer,) = [one.id for one in here.client.peers().peers]
        _send(here, peer, LIST)
        before = wire.bytes, processes.cpu_s(here.pid), processes.cpu_s(there.pid)
        _send(here, peer, count)
        after = wire.bytes, processes.cpu_s(here.pid), processes.cpu_s(there.pid)
    size, sender, receiver = (new - old for new, old in zip(after, before, strict=True))
    return size / count, sender / count * 1e6, receiver / count * 1e6


def _send(node: NodeProcess, peer: str, count: int) -> None:
    """Send messages, and wait until the other node has them."""
    last = None
    for _ in range(count // LIST):
        last = node.client.send_all([rq.Outgoing(to=peer, text=TEXT)] * LIST)[-1]
    assert last is not None
    _wait(lambda: node.client.delivery(last.id).recipients[0].state == "delivered")


def plain_cost(count: int) -> tuple[float, float]:
    """Bytes on the wire and µs of CPU of the sender, for a message to an old client."""
    with ExitStack() as stack:
        node = stack.enter_context(NodeProcess(stack.enter_context(temporary_home())))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        got = 0

        def read() -> None:
            nonlocal got
            sock, _ = listener.accept()
            with sock:
                while data := sock.recv(65536):
                    got += len(data)

        threading.Thread(target=read, daemon=True).start()
        peer = node.client.connect(f"127.0.0.1:{listener.getsockname()[1]}", dialect="snicher")
        _wait(lambda: any(one.link == "online" for one in node.client.peers().peers))
        before, cpu = got, processes.cpu_s(node.pid)
        last = None
        for _ in range(count // LIST):
            last = node.client.send_all([rq.Outgoing(to=peer.id, text=TEXT)] * LIST)[-1]
        assert last is not None
        _wait(lambda: node.client.delivery(last.id).recipients[0].state == "sent")
        return (got - before) / count, (processes.cpu_s(node.pid) - cpu) / count * 1e6


def _wait(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        if time.monotonic() > deadline:
            raise Failed("It takes too long.")
        time.sleep(0.01)
