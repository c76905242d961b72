"""A node of version 0.1 of the program, played with bytes: native dialect, 24 tabs behind its port, no encryption."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from tests.support.processes import free_port, loopback_host

#: What it says when it dials; 24 tabs, which that version made for later ones to find.
TABS = b"\t" * 24 + b"\n"
#: Its pause before CONNECT and after it, and between two writes, in seconds.
PAUSE, GAP = 0.05, 0.02


class FirstVersion:
    """It listens, dials, says texts over the newest connection, and answers `exit` with `exit` and the close."""

    def __init__(self, name: str = "old") -> None:
        self.name = name
        self.host = loopback_host()
        self.port = free_port(self.host)
        self._listener = socket.create_server((self.host, self.port))
        self._changed = threading.Condition()
        self._sockets: list[socket.socket] = []
        #: All that came, of all connections.
        self.heard = b""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def dial(self, host: str, port: int) -> None:
        """Connect, and say where it listens."""
        sock = socket.create_connection((host, port), source_address=(self.host, 0))
        time.sleep(PAUSE)
        sock.sendall(b"CONNECT:%d" % self.port + TABS)
        time.sleep(PAUSE)
        self._start(sock)

    def say(self, text: str) -> None:
        """A text over the newest connection."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._sockets, 10), "nobody is connected"
            sock = self._sockets[-1]
        sock.sendall(f"{self.name}: {text}\n".encode())
        time.sleep(GAP)

    def close(self) -> None:
        """End everything."""
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._start(self._listener.accept()[0])

    def _start(self, sock: socket.socket) -> None:
        with self._changed:
            self._sockets.append(sock)
            self._changed.notify_all()
        threading.Thread(target=self._read, args=(sock,), daemon=True).start()

    def _read(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := sock.recv(65_536):
                self.heard += data
                # Behind a CONNECT, too, on a machine that is so busy that both come in one read.
                if data.endswith(b"exit"):
                    sock.sendall(b"exit")
                    break
        with self._changed:
            if sock in self._sockets:
                self._sockets.remove(sock)
        sock.close()
