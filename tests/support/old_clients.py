"""Stand-ins for the older plain-text chat clients, written the way those student programs are written.

The law of this file: blocking sockets, threads, one `recv(1024)`, no framing, standard library only, and nothing
of Snicher's own code: its only source is WIRE.md beside it; each class names its section. A stub does not mend what its
program does badly (it joins reads, loses messages, shows wrong addresses); it only writes down what happened.

Traffic is loopback only: every address, dialled or listened at, passes `loopback`, which raises ValueError.
A stub's outgoing connections come from its own `host`, so that 127.0.0.2 and 127.0.0.3 are two machines.

By hand:  python -m tests.support.old_clients std --listen 127.0.0.1:5300 --team ALPHA [--connect 127.0.0.1:5000]
(names and options: old_clients_rare.py, where the rarer dialects and the command line are).
"""

from __future__ import annotations

import abc
import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self, TypeVar

READ_SIZE = 1024  # nearly all of them read with one recv(1024) (WIRE.md, head)
DIAL_SECONDS = 60.0  # the programs have no limit here; a test must have one
ANSWER_SECONDS = 60.0  # for CONNECTED or REJECTED; the std clients give up after 5 (WIRE.md 2), on machines less busy
RECIPIENT = "recipient"  # as Std(claimed_ip=...): claims the IP it writes to (WIRE.md 3)
ACTING_INSIDE = ("DISCONNECT", "CONNECT_REQUEST", "GROUP")  # WIRE.md 4, at a few
MANDATORY = "Mandatory message: Hello from our peer!"  # WIRE.md 6

Address = tuple[str, int]
T = TypeVar("T")


class Received(NamedTuple):
    """One item as the program displays it: `sender` as it shows it, `raw` the whole read it was taken from."""

    text: str
    sender: str
    raw: bytes
    team: str = ""


class Parsed(NamedTuple):
    """A one-shot message taken apart by its dialect; `address` is what the program believes."""

    address: str
    team: str
    text: str


def loopback(host: str) -> str:
    """The host as dotted IPv4 within 127.0.0.0/8 (the old programs speak IPv4 only); ValueError for all others."""
    host = "127.0.0.1" if host == "localhost" else host
    try:
        inside = ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ValueError(f"refusing {host!r}: these stubs stay on 127.0.0.0/8")
    return host


def split_address(address: str) -> Address:
    """The pair of a "HOST:PORT"; ValueError when there is no number behind the last colon."""
    host, _, port = address.rpartition(":")
    return host, int(port)


class OldClient(abc.ABC):
    """What all stubs share: a listener, threads, and a record of what happened. Listens as soon as it is made.

    Read at any time from any thread (each is a list in order of happening):
    `received` displayed items; `peers` its list of peers, as "ip:port"; `reads` every read that gave bytes, control
    words included, as ("ip:port" it came from, bytes); `answers` bytes that came back where it waits for an answer;
    `complaints` lines the program would print about what it did not understand or could not reach; `errors`
    exceptions in its threads (a text that is not UTF-8 is one, a reset by the other side is one).
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        team: str = "ALPHA",
        *,
        accept_backlog: int = 5,
        thread_per_connection: bool = True,
    ) -> None:
        # Subclasses set their own attributes before they call this: it starts the thread which uses them.
        self.host = loopback(host)
        self.team = team
        self.thread_per_connection = thread_per_connection
        self.received: list[Received] = []
        self.peers: list[str] = []
        self.reads: list[tuple[str, bytes]] = []
        self.answers: list[bytes] = []
        self.complaints: list[str] = []
        self.errors: list[BaseException] = []
        self.on_line: Callable[[str], None] | None = None  # for the command line: one printable line per event
        self._changed = threading.Condition()
        self._changes = 0
        self._left = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((self.host, port))
            self._listener.listen(accept_backlog)
        except OSError:
            self._listener.close()
            raise
        self.port: int = self._listener.getsockname()[1]
        self.address = f"{self.host}:{self.port}"
        self._start(self._accept)

    # -- what its user does --------------------------------------------------------------------------------------

    @abc.abstractmethod
    def connect(self, host: str, port: int) -> None:
        """Do what the program does when its user chooses "connect to a peer". OSError if it could not."""

    @abc.abstractmethod
    def send(self, host: str, port: int, text: str) -> None:
        """Send one message in the program's own form. Returns when written; OSError if it could not."""

    @abc.abstractmethod
    def send_bytes(self, host: str, port: int, payload: bytes) -> None:
        """Write these bytes the way `send` writes a message (for broken UTF-8, foreign words, blank lines)."""

    @abc.abstractmethod
    def _say_goodbye(self) -> None: ...

    def leave(self) -> None:
        """Say good-bye if the program has one, then close everything. A second call does nothing."""
        if self.alive:
            self._say_goodbye()
        self.vanish()

    def vanish(self) -> None:
        """Close everything without good-bye."""
        with self._changed:
            if self._left.is_set():
                return
            self._left.set()
            sockets = [self._listener, *self._sockets]
            threads = [thread for thread in self._threads if thread is not threading.current_thread()]
        for sock in sockets:  # shut down first: closing alone does not wake a thread out of accept or recv
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(1.0)
        for sock in sockets:
            sock.close()
        self._note()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.vanish()

    # -- what a test looks at ------------------------------------------------------------------------------------

    @property
    def texts(self) -> list[str]:
        """The displayed texts alone."""
        return [item.text for item in self.received]

    @property
    def last_read(self) -> bytes:
        """The bytes that came last; b"" before there were any."""
        return self.reads[-1][1] if self.reads else b""

    @property
    def alive(self) -> bool:
        """False once it has left, vanished, or died."""
        return not self._left.is_set()

    def wait_for(self, condition: Callable[[Self], object], timeout: float = 60.0) -> None:
        """Return as soon as `condition(self)` is true; AssertionError with the whole state after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            with self._changed:
                seen = self._changes
            if condition(self):  # asked without the lock, so that it may look at another client
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise AssertionError(f"not within {timeout} s: {self.state()}")
            with self._changed:  # at most 0.1 s: the condition may hang on things that do not notify us
                if self._changes == seen:
                    self._changed.wait(min(remaining, 0.1))

    def state(self) -> str:
        """Everything this stub knows, as lines."""
        names = ("received", "peers", "reads", "answers", "complaints", "errors")
        lines = [f"  {name}: {getattr(self, name)!r}" for name in names]
        return "\n".join([f"{type(self).__name__} {self.address} {self.team} alive={self.alive}", *lines])

    # -- sockets, threads, records -------------------------------------------------------------------------------

    @abc.abstractmethod
    def _handle(self, sock: socket.socket, source: Address) -> None:
        """Serve one accepted connection."""

    def _accept(self) -> None:
        while True:
            sock, source = self._listener.accept()
            self._track(sock)
            if self.thread_per_connection:
                self._start(self._handle, sock, source)
            else:
                self._guarded(self._handle, sock, source)

    def _start(self, work: Callable[..., object], *args: object) -> threading.Thread:
        def run() -> None:
            self._guarded(work, *args)
            with self._changed:
                self._threads.discard(thread)

        thread = threading.Thread(target=run, daemon=True)
        with self._changed:
            self._threads.add(thread)
            thread.start()
        return thread

    def _guarded(self, work: Callable[..., object], *args: object) -> object:
        try:
            return work(*args)
        except Exception as error:  # whatever a thread stumbles over must be seen by the test
            if not (self._left.is_set() and isinstance(error, OSError)):
                self._fail(error)
            return None

    def _dial(self, host: str, port: int) -> socket.socket:
        sock = socket.create_connection((loopback(host), port), timeout=DIAL_SECONDS, source_address=(self.host, 0))
        sock.settimeout(None)
        return self._track(sock)

    def _track(self, sock: socket.socket) -> socket.socket:
        with self._changed:
            if self._left.is_set():
                sock.close()
                raise ConnectionAbortedError("this client has left")
            self._sockets.add(sock)
        return sock

    def _close(self, sock: socket.socket) -> None:
        with self._changed:
            self._sockets.discard(sock)
        sock.close()

    def _read(self, sock: socket.socket, source: Address) -> bytes:
        raw = sock.recv(READ_SIZE)
        if raw:
            self._record(self.reads, (f"{source[0]}:{source[1]}", raw))
        return raw

    def _show(self, item: Received) -> None:
        self._record(self.received, item, " ".join(filter(None, (item.sender, item.team, item.text))))

    def _complain(self, line: str) -> None:
        self._record(self.complaints, line, f"(complaint) {line}")

    def _fail(self, error: BaseException) -> None:
        self._record(self.errors, error, f"(error) {error!r}")

    def _list(self, address: str) -> None:
        with self._changed:
            if address not in self.peers:
                self._record(self.peers, address)

    def _unlist(self, address: str) -> None:
        with self._changed, contextlib.suppress(ValueError):
            self.peers.remove(address)
        self._note()

    def _record(self, where: list[T], item: T, line: str = "") -> None:
        with self._changed:
            where.append(item)
            self._note()
        if line and self.on_line is not None:
            self.on_line(line)

    def _note(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()


class AncestorConsole(OldClient):
    """Dialect "snicher", console version: WIRE.md 1 (row snicher), 4 (snicher), 6 and 7.

    One connection per peer, used both ways; `CONNECT:<port>` bare when it dials (not answered by one of its own);
    texts as `TEAM: text` without newline; each recv(1024) is one displayed item under the *ephemeral* address, so
    joined texts are one item. A second CONNECT on one connection closes it; what int() refuses closes it too and
    lands in `errors`. It closes at an `exit`, but still lists the peer, and its next message is lost. The same peer
    connecting again replaces the first connection, which stays open and is still read.

    `connect_first=False`: a message to a new peer opens the connection without CONNECT (which `connect` then says
    on that same connection). `connect_pause`: seconds between CONNECT and the first text when `send` itself had to
    connect; 0 writes them back to back, None glues both into one write.
    """

    _is_console = True
    _goodbye = "{team}: exit"
    _greeting = "{team}: " + MANDATORY

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        team: str = "ALPHA",
        *,
        connect_first: bool = True,
        connect_pause: float | None = 0.05,
        accept_backlog: int = 5,
    ) -> None:
        self.connect_first = connect_first
        self.connect_pause = connect_pause
        self._connections: dict[Address, socket.socket] = {}
        self._unannounced: set[socket.socket] = set()  # dialled, but no CONNECT said yet
        self._over: set[socket.socket] = set()  # closed at an exit, but still listed
        super().__init__(host, port, team, accept_backlog=accept_backlog)

    def connect(self, host: str, port: int) -> None:
        peer = (loopback(host), port)
        sock = self._connections.get(peer)
        if sock is None or sock not in self._unannounced:
            sock = self._open(peer)
        sock.sendall(f"CONNECT:{self.port}".encode())
        self._unannounced.discard(sock)

    def send(self, host: str, port: int, text: str) -> None:
        self.send_bytes(host, port, f"{self.team}: {text}".encode())

    def send_bytes(self, host: str, port: int, payload: bytes) -> None:
        peer = (loopback(host), port)
        sock = self._connections.get(peer)
        if sock in self._over:
            self._drop(sock)
            return self._complain(f"lost: the connection with {peer} was closed")
        if sock is not None:
            try:
                return sock.sendall(payload)
            except OSError:  # closed under its hands: it dials anew, and only this message gets through
                self._drop(sock)
        sock = self._open(peer)
        if self.connect_first:
            self._unannounced.discard(sock)
            hello = f"CONNECT:{self.port}".encode()
            if self.connect_pause is None:
                return sock.sendall(hello + payload)
            sock.sendall(hello)
            self._left.wait(self.connect_pause)
        sock.sendall(payload)

    def greet_mandatory(self, addresses: Iterable[Address]) -> None:
        """Do what it does at start with its two mandatory peers: bare greeting, connection kept. Loopback only."""
        for peer in [(loopback(host), port) for host, port in addresses]:
            try:
                self._open(peer).sendall(self._greeting.format(team=self.team).encode())
            except OSError as error:
                self._complain(f"mandatory peer {peer} not reached: {error}")

    def _say_goodbye(self) -> None:
        for peer, sock in list(self._connections.items()):
            try:
                sock.sendall(self._goodbye.format(team=self.team).encode())
            except OSError as error:
                self._complain(f"no good-bye to {peer}: {error}")

    def _open(self, peer: Address) -> socket.socket:
        sock = self._dial(*peer)
        self._unannounced.add(sock)
        self._register(peer, sock)
        self._start(self._converse, sock, peer, peer)
        return sock

    def _register(self, peer: Address, sock: socket.socket) -> None:
        with self._changed:
            self._connections[peer] = sock  # an older one is replaced, not closed: the zombie of WIRE.md 7
            self._list(f"{peer[0]}:{peer[1]}")

    def _drop(self, sock: socket.socket) -> None:
        with self._changed:
            for peer in [peer for peer, other in self._connections.items() if other is sock]:
                del self._connections[peer]
                self._unlist(f"{peer[0]}:{peer[1]}")
            self._unannounced.discard(sock)
        self._close(sock)

    def _handle(self, sock: socket.socket, source: Address) -> None:
        self._converse(sock, source, None)

    def _converse(self, sock: socket.socket, source: Address, peer: Address | None) -> None:
        connected = False
        try:
            while raw := self._read(sock, source):
                try:
                    text = raw.decode("utf-8")
                    port = int(text[len("CONNECT:") :]) if text.startswith("CONNECT:") else None
                except ValueError as error:  # not UTF-8, or no number behind CONNECT: that read is lost
                    self._fail(error)
                    if self._is_console and not isinstance(error, UnicodeDecodeError):
                        break
                    continue
                if port is not None:
                    if connected and self._is_console:
                        break
                    peer, connected = (source[0], port), True
                    self._register(peer, sock)
                elif text == "exit":
                    if self._is_console:
                        self._over.add(sock)
                        return self._close(sock)  # not taken off its list: its next message goes into the void
                    break
                else:
                    shown = source if self._is_console or peer is None else peer
                    self._show(Received(text, f"{shown[0]}:{shown[1]}", raw))
        except OSError:
            self._drop(sock)
            raise
        self._drop(sock)


class AncestorFlask(AncestorConsole):
    """Dialect "snicher", Flask version: WIRE.md 1 (row snicher), 2 (last row), 6 and 7.

    As the console version, but: it shows the claimed port once it knows it, its `exit` is bare, an `exit` it reads
    takes the peer off its list, its start-up greeting has no team name, a second CONNECT on a connection merely
    registers again, and a CONNECT that int() refuses is lost without closing anything.
    """

    _is_console = False
    _goodbye = "exit"
    _greeting = MANDATORY


class OneShot(OldClient):
    """One connection per message, closed at once; the receiver does accept, one recv(1024), show, close.

    WIRE.md 1 (head and the rows "one per message"), 3 and 4 (one-shot dialects). A text that is exactly `hello`
    (what `connect` sends) or `goodbye` (what `leave` sends to every listed peer; None: it leaves in silence) is not
    shown but lists or unlists the sender; every other message is shown and lists it too. The variants that exist:

    claimed_ip         IP it writes in front ("127.0.1.1", "Unknown", ...; RECIPIENT: the one it writes to)
    thread_per_connection=False   reads inside its accept loop without a limit: a silent connection blocks it
    stays_open         keeps its connection up to so many seconds after writing, for any short answer (put into
                       `answers`); `send` returns at once, but the next `send` waits until that is over
    keeps_open         reads once, and does not close what it could not take apart (a CONNECT, for one)
    unknown_reads      so many reads that it can't take apart make it close; math.inf: it reads on (WIRE.md 5)
    obeys_exit         closes at a bare `exit`, as the ancestor does (WIRE.md 5)
    answers_connect    answers a hello word by dialling the claimed address with its own `connect_ack`
    control_words      `connect` writes the two-field CONNECT_REQUEST and waits for CONNECTED or REJECTED
                       on that connection; answers such a request with CONNECTED; leaves with two-field DISCONNECTED
    probes             `connect` asks `probe` first
    newline            ends what it sends with a newline
    dies_of_reset      a reset, or a closed port it dials, ends the whole program (`alive` is False then)
    unknown            what it does about a read that it can't take apart: "complain", "show" it as a text, or "list" a
                       bogus peer named after it (WIRE.md 5)
    acts_inside        acts on DISCONNECT, CONNECT_REQUEST and GROUP wherever they stand, and on PING and PONG: such a
                       text is not shown, and the first takes its sender off the list (WIRE.md 4)
    pause              seconds between two accepted connections: it does other things, and its queue is short
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        team: str = "ALPHA",
        *,
        claimed_ip: str | None = None,
        hello: str = "connect",
        goodbye: str | None = "exit",
        accept_backlog: int = 5,
        thread_per_connection: bool = True,
        stays_open: float = 0.0,
        keeps_open: bool = False,
        unknown_reads: float = 1,
        obeys_exit: bool = False,
        answers_connect: bool = False,
        control_words: bool = False,
        probes: bool = False,
        newline: bool = False,
        dies_of_reset: bool = False,
        unknown: str = "complain",
        acts_inside: bool = False,
        pause: float = 0.0,
    ) -> None:
        self.unknown = unknown
        self.acts_inside = acts_inside
        self.pause = pause
        self.claimed_ip = claimed_ip
        self.hello = hello
        self.goodbye = goodbye
        self.stays_open = stays_open
        self.keeps_open = keeps_open
        self.unknown_reads = unknown_reads
        self.obeys_exit = obeys_exit
        self.answers_connect = answers_connect
        self.control_words = control_words
        self.probes = probes
        self.newline = newline
        self.dies_of_reset = dies_of_reset
        self._lingering: threading.Thread | None = None
        super().__init__(host, port, team, accept_backlog=accept_backlog, thread_per_connection=thread_per_connection)

    @abc.abstractmethod
    def form(self, text: str, host: str, port: int) -> str:
        """One message of this dialect, as it is written to host and port."""

    @abc.abstractmethod
    def parse(self, line: str, source: Address) -> Parsed | None:
        """One read taken apart the way the program does it; None if it makes nothing of it."""

    def claimed(self, host: str) -> str:
        """The IP:PORT it claims to be when it writes to host."""
        return f"{host if self.claimed_ip == RECIPIENT else self.claimed_ip or self.host}:{self.port}"

    def probe(self, host: str, port: int) -> bool:
        """Connect and close with no bytes; whether somebody listens there."""
        try:
            self._close(self._dial(host, port))
        except OSError as error:
            self._die_of(error)
            return False
        return True

    def connect(self, host: str, port: int) -> None:
        if self.probes and not self.probe(host, port):
            raise ConnectionRefusedError(f"nobody answers the probe of {host}:{port}")
        if self.control_words:
            request = f"{self.claimed(loopback(host))} CONNECT_REQUEST" + "\n" * self.newline
            if self._write(host, port, request.encode(), ANSWER_SECONDS) != b"CONNECTED":
                return self._complain(f"{host}:{port} did not accept")
        else:
            self.send(host, port, self.hello)
        self._list(f"{loopback(host)}:{port}")

    def send(self, host: str, port: int, text: str) -> None:
        self.send_bytes(host, port, (self.form(text, loopback(host), port) + "\n" * self.newline).encode())

    def send_bytes(self, host: str, port: int, payload: bytes) -> None:
        self._write(host, port, payload)

    def _write(self, host: str, port: int, payload: bytes, answer_within: float = 0.0) -> bytes:
        """Dial, write, wait for an answer if this variant does, close; what was answered, b"" for nothing."""
        if self._lingering is not None:
            self._lingering.join()
        try:
            sock = self._dial(host, port)
            sock.sendall(payload)
            if self.stays_open and not answer_within:
                self._lingering = self._start(self._conclude, sock, self.stays_open)
                return b""
            return self._conclude(sock, answer_within)
        except ConnectionError as error:
            self._die_of(error)
            raise

    def _conclude(self, sock: socket.socket, answer_within: float) -> bytes:
        answer = b""
        try:
            if answer_within:
                sock.settimeout(answer_within)
                answer = sock.recv(READ_SIZE)
                if answer:
                    self._record(self.answers, answer)
        except TimeoutError:
            self._complain(f"no answer within {answer_within} s")
        finally:
            self._close(sock)
        return answer

    def goodbye_line(self, host: str, port: int) -> str | None:
        """What it writes to a listed peer when it leaves; None: nothing."""
        if self.control_words:
            return f"{self.claimed(host)} DISCONNECTED"
        return None if self.goodbye is None else self.form(self.goodbye, host, port)

    def _say_goodbye(self) -> None:
        for peer in list(self.peers):
            try:
                host, port = split_address(peer)
                line = self.goodbye_line(host, port)
                if line is not None:
                    self.send_bytes(host, port, line.encode())
            except OSError as error:
                self._complain(f"no good-bye to {peer}: {error}")
            except ValueError as error:  # an address it misread or was told: not on loopback, or none at all
                self._fail(error)

    def _handle(self, sock: socket.socket, source: Address) -> None:
        # Guarded here already, so that an error is on record before the other side sees the connection close.
        self._left.wait(self.pause)
        unknown = 0
        while (understood := self._guarded(self._take, sock, source)) is False:
            unknown += 1
            if unknown >= self.unknown_reads:
                break
        if understood is not False or not self.keeps_open:
            self._close(sock)

    def _take(self, sock: socket.socket, source: Address) -> bool:
        """Read once and act on it; False if the program could not take it apart."""
        raw = self._read(sock, source)
        if not raw:
            return True
        line = raw.decode("utf-8")
        if self.obeys_exit and line == "exit":
            return True
        if self.control_words and self._obey(line, sock):
            return True
        parsed = self.parse(line, source)
        if parsed is None:
            self._complain(f"invalid message from {source[0]}:{source[1]}: {line!r}")
            if self.unknown == "show":
                self._show(Received(line, f"{source[0]}:{source[1]}", raw))
            elif self.unknown == "list":
                self._list(line)
            return False
        if self.acts_inside and (parsed.text.upper() in ("PING", "PONG") or any(map(parsed.text.count, ACTING_INSIDE))):
            if "DISCONNECT" in parsed.text:
                self._unlist(parsed.address)
            return True
        if parsed.text == self.goodbye:
            self._unlist(parsed.address)
            return True
        self._list(parsed.address)
        if parsed.text not in (self.hello, "connect_ack"):
            self._show(Received(parsed.text, parsed.address, raw, parsed.team))
        elif self.answers_connect and parsed.text == self.hello:
            self.send(*split_address(parsed.address), "connect_ack")
        return True

    def _obey(self, line: str, sock: socket.socket) -> bool:
        address, _, word = line.partition(" ")
        if word == "CONNECT_REQUEST":
            self._list(address)
            sock.sendall(b"CONNECTED")
        elif word == "DISCONNECTED":
            self._unlist(address)
        return word in ("CONNECT_REQUEST", "DISCONNECTED")

    def _fail(self, error: BaseException) -> None:
        super()._fail(error)
        if isinstance(error, ConnectionError) and self.dies_of_reset:
            self.vanish()

    def _die_of(self, error: OSError) -> None:
        if self.dies_of_reset and self.alive:
            self._fail(error)


class Std(OneShot):
    """Dialect "std", `IP:PORT TEAM text`: WIRE.md 1 (row std), 2 (rows std and CONNECT_REQUEST), 3 and 4 (one-shot).

    Splits at spaces into three and checks nothing, so three words of bare text are a message to it. OneShot lists
    the variants.
    """

    def form(self, text: str, host: str, port: int) -> str:
        return f"{self.claimed(host)} {self.team} {text}"

    def parse(self, line: str, source: Address) -> Parsed | None:
        parts = line.split(" ", 2)
        return Parsed(*parts) if len(parts) == 3 else None


if __name__ == "__main__":
    from tests.support.old_clients_rare import main

    main()
