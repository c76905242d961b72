"""The ZeroMQ sockets of a front end, connected to the endpoints in bus.json. (BUS.md section 2)

Law of this file: no call here blocks, but `wait`. Each kind of client waits for a readable socket in its own way.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

import zmq

from node.bus import commands, locate, nouns
from node.bus import envelopes as en
from node.bus import requests as rq
from node.errors import BusError, NodeAway

#: High-water mark of SUB, in events. When it is full, events are dropped, and the gap is filled by `events`.
SUB_HIGH_WATER_MARK = 100_000
#: Most events taken from SUB in a row, because polling for more costs about as much as receiving an event.
RECEIVE_MOST = 100
#: As a plain number, because converting the enum flag takes longer than receiving a frame.
_NOBLOCK = int(zmq.NOBLOCK)


class NodeSocket:
    """A socket connected to a node. It reconnects when the node has moved or was restarted."""

    kind = zmq.REQ

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._file = str(locate.endpoint_file(home))
        self._connected_to: tuple[str, int] = ("", 0)
        #: The bus.json that was read last.
        self._read: locate.Mark | None = None
        #: None while it isn't connected.
        self.socket: zmq.Socket[bytes] | None = None
        #: The node's process, as bus.json says.
        self.pid = 0

    def connect(self) -> zmq.Socket[bytes]:
        """The connected socket. Raises NodeAway or BusProtocolError when no node can be found."""
        # A signal handler may call `drop` at any line.
        socket = self.socket
        # Reading and checking bus.json takes as long as a third of a short command. While it is the same file and its
        # process lives, nobody else can have taken the place of the node.
        mark = locate.mark(self._file)
        if socket is not None and mark is not None and mark == self._read and locate.is_alive(self.pid):
            return socket
        endpoint = locate.read_endpoint(self._home)
        target = (self._address(endpoint), endpoint.started)
        self._read = mark
        socket = self.socket
        if socket is None or self._connected_to != target:
            self.drop()
            try:
                socket = self.socket = self._open(endpoint)
            except zmq.ZMQError as error:
                raise self._failed(error) from error
            self._connected_to, self.pid = target, endpoint.pid
        return socket

    def _open(self, endpoint: nouns.Endpoint) -> zmq.Socket[bytes]:
        # Use the context of the whole process, which nobody terminates. Terminating one would wait for ever for a
        # socket that was being made when Ctrl+C came.
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(self.kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IPV6, 1)
        if endpoint.server_key and endpoint.client_key and endpoint.client_secret:
            socket.setsockopt_string(zmq.CURVE_SERVERKEY, endpoint.server_key)
            socket.setsockopt_string(zmq.CURVE_PUBLICKEY, endpoint.client_key)
            socket.setsockopt_string(zmq.CURVE_SECRETKEY, endpoint.client_secret)
        self._prepare(socket)
        socket.connect(self._address(endpoint))
        return socket

    def _failed(self, error: zmq.ZMQError) -> NodeAway:
        self.drop()
        return NodeAway(f"The bus of {self._home} failed: {error.strerror or error}.")

    def drop(self) -> None:
        """Close it; `connect` opens another one."""
        socket = self.socket
        if socket is not None:
            socket.close(linger=0)
            self.socket = None

    def _address(self, endpoint: nouns.Endpoint) -> str:
        return endpoint.commands

    def _prepare(self, socket: zmq.Socket[bytes]) -> None:
        pass


class CommandSocket(NodeSocket):
    """REQ: one request, then its reply. A caller that gives up in between must call `drop`."""

    #: Waits for the reply. Kept, because making one takes longer than asking it.
    _poller: zmq.Poller

    def _prepare(self, socket: zmq.Socket[bytes]) -> None:
        self._poller = zmq.Poller()
        self._poller.register(socket, zmq.POLLIN)

    def send(self, body: bytes) -> zmq.Socket[bytes]:
        """Send a request. Its reply has come when the returned socket is readable.

        Raises NodeAway or BusProtocolError.
        """
        socket = self.connect()
        try:
            socket.send(body, zmq.NOBLOCK)
        except zmq.ZMQError as error:
            raise self._failed(error) from error
        return socket

    def receive(self) -> en.Reply:
        """The reply that has come. Raises NodeAway or BusProtocolError."""
        socket = self.socket
        if socket is None:
            raise NodeAway("It was closed in the meantime.")
        try:
            return commands.read_reply(socket.recv(zmq.NOBLOCK))
        except zmq.ZMQError as error:
            raise self._failed(error) from error
        except BusError:
            self.drop()
            raise

    def wait(self, seconds: float) -> bool:
        """Wait until the reply has come; returns whether it has. Raises zmq.ZMQError if it was closed meanwhile."""
        return bool(self._poller.poll(int(1000 * seconds)))

    def is_alive(self) -> bool:
        """Whether the process that was asked still runs; a killed node can't answer any more."""
        return locate.is_alive(self.pid)


class EventSocket(NodeSocket):
    """SUB: everything that the node publishes."""

    kind = zmq.SUB

    def receive(self) -> Iterator[bytes]:
        """The bodies of events that have arrived, RECEIVE_MOST at most; none when closed."""
        socket = self.socket
        if socket is None:
            return
        receive = socket.recv_multipart
        with contextlib.suppress(zmq.Again):
            for _ in range(RECEIVE_MOST):
                yield receive(_NOBLOCK)[-1]

    def _address(self, endpoint: nouns.Endpoint) -> str:
        return endpoint.events

    def _prepare(self, socket: zmq.Socket[bytes]) -> None:
        socket.setsockopt(zmq.RCVHWM, SUB_HIGH_WATER_MARK)
        socket.subscribe(b"")


class Reporter:
    """Reports a follower's position to the node, and never waits for the reply.

    At most one report of a follower is in flight. A node that doesn't know the command gets no second report.
    """

    def __init__(self, home: pathlib.Path, client: str) -> None:
        self._line = CommandSocket(home)
        self._client = client
        self._follower = commands.new_id()[:8]
        #: The socket of the report in flight.
        self._asked: zmq.Socket[bytes] | None = None
        #: The run of a node that doesn't know `report`.
        self._unwanted: zmq.Socket[bytes] | None = None

    def report(self, seq: int) -> None:
        """All events up to `seq` were given out."""
        with contextlib.suppress(BusError):
            socket = self._line.connect()
            if socket is self._unwanted:
                return
            if socket is self._asked:
                if not socket.poll(0):
                    return
                self._asked = None
                reply = self._line.receive()
                if reply.error is not None and reply.error.code == "unknown_op":
                    self._unwanted = socket
                    return
            args = rq.ReportArgs(seq=seq, follower=self._follower)
            body = commands.frame(commands.Request("report", args), commands.new_id(), self._client)
            self._asked = self._line.send(body)

    def close(self) -> None:
        """Report no more."""
        self._line.drop()
