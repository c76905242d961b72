"""The socket that takes commands: a ROUTER that speaks REP's envelope, so that any REQ can ask it. (BUS.md section 2)

A REP socket answers one request at a time, so each commit would hold one command, and a slow command would hold
everybody up. A ROUTER hands on many requests, each with the envelope that leads back to its sender (ZeroMQ RFC 28, and
the guide's *shared queue*). The commands of one sender are still answered one after the other.

Law of this file: a leaf. It knows neither the commands nor the core: it is given a callable that makes a reply of a
request, and each request gets exactly one reply.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
from collections.abc import Awaitable, Callable

import zmq

log = logging.getLogger("snicher.bus")

#: Requests that are taken in at most, and bytes of them. What is more waits in libzmq, where each connection has its
#: turn, until one has its reply.
MOST_REQUESTS = 512
MOST_BYTES = 32 * 1024 * 1024
#: Requests taken in before the loop turns to other work.
IN_A_ROW = 32

#: As plain numbers, because combining enum flags takes longer than sending a frame.
_NOBLOCK, _MORE = int(zmq.NOBLOCK), int(zmq.NOBLOCK) | int(zmq.SNDMORE)

#: Makes the body of a reply from the body of a request, in frames. Raises nothing.
Respond = Callable[[list[bytes]], Awaitable[bytes]]
#: The frames before a request that lead back to its sender, up to and including the empty one.
_Envelope = tuple[bytes, ...]


class Replier:
    """Takes requests from a bound ROUTER and sends each one's reply.

    Requests of different senders are answered at the same time, those with one envelope in the order they came in.
    """

    def __init__(self, socket: zmq.Socket[bytes], respond: Respond) -> None:
        self._socket = socket
        self._respond = respond
        self._loop = asyncio.get_running_loop()
        #: What each sender asked and has no reply to yet, oldest first.
        self._lines: dict[_Envelope, collections.deque[list[bytes]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._requests = 0
        self._bytes = 0
        self._looking = False
        # The descriptor of a ZeroMQ socket becomes readable only when something changes, whatever is left to take. So
        # look again after each send, which also clears the change, and after taking IN_A_ROW.
        self._descriptor = int(socket.getsockopt(zmq.FD))
        self._loop.add_reader(self._descriptor, self._take)
        self._look()

    @property
    def answering(self) -> int:
        """How many requests were taken in and have no reply yet."""
        return self._requests

    async def close(self) -> None:
        """Take nothing more in, and answer nothing more. The socket stays open."""
        self._looking = True
        self._loop.remove_reader(self._descriptor)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lines.clear()

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            self._loop.call_soon(self._again)

    def _again(self) -> None:
        self._looking = False
        self._take()

    def _take(self) -> None:
        for _ in range(IN_A_ROW):
            if self._requests >= MOST_REQUESTS or self._bytes >= MOST_BYTES:
                # `_sent` looks again when there is room.
                return
            try:
                frames = self._socket.recv_multipart(_NOBLOCK)
            except zmq.Again:
                return
            except zmq.ZMQError as error:
                log.warning("the bus can't take a command: %s", error.strerror or error)
                return
            self._came(frames)
        self._look()

    def _came(self, frames: list[bytes]) -> None:
        try:
            end = frames.index(b"", 1) + 1
        except ValueError:
            # Without the empty frame nobody knows where the envelope ends. REP drops such a request, too.
            return
        envelope, request = tuple(frames[:end]), frames[end:]
        self._requests += 1
        self._bytes += sum(map(len, request))
        line = self._lines.get(envelope)
        if line is not None:
            line.append(request)
            return
        line = self._lines[envelope] = collections.deque([request])
        task = self._loop.create_task(self._answer(envelope, line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, envelope: _Envelope, line: collections.deque[list[bytes]]) -> None:
        while line:
            request = line[0]
            self._send(envelope, await self._respond(request))
            line.popleft()
            self._requests -= 1
            self._bytes -= sum(map(len, request))
        del self._lines[envelope]

    def _send(self, envelope: _Envelope, body: bytes) -> None:
        # A sender that has gone, or takes no more, gets nothing: ROUTER drops what is for it, as REP does.
        with contextlib.suppress(zmq.ZMQError):
            for frame in envelope:
                self._socket.send(frame, _MORE)
            self._socket.send(body, _NOBLOCK)
        self._look()
