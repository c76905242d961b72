"""The rarer dialects of the older chat clients, and the command line for all of them.

The law of this file is that of old_clients.py: written like those programs, from WIRE.md alone, loopback only.
Readers are strict: what WIRE.md does not say a program sends, its stub complains about.

By hand:  python -m tests.support.old_clients angle-at --listen 127.0.0.1:5100 --team ALPHA [--connect 127.0.0.1:5000]
          lines on stdin: `HOST:PORT text` sends, `HOST:PORT` alone connects, `exit` (or end of input) leaves.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tests.support.old_clients import (
    READ_SIZE,
    Address,
    AncestorConsole,
    AncestorFlask,
    OldClient,
    OneShot,
    Parsed,
    Received,
    Std,
    loopback,
    split_address,
)

ANGLE_AT = re.compile(r"<([^>]*)> @ <([^>]*)>\n(.*)\n<end>", re.DOTALL)
ANGLE_TS_GOODBYE = re.compile(r"<([^>]*)> \[([^\]]*)\] DISCONNECT")
ANGLE_TS = re.compile(r"<([^>]*)> \[([^\]]*)\] @ <([^>]*)>\n(.*)\n", re.DOTALL)
LABELLED = re.compile(r"LISTENING_PORT:(\d+)\|TEAM_NAME:([^|]*)\|(.*)", re.DOTALL)
JSON_CONTENT = re.compile(r"<([^>]*)> <([^>]*)> (.*)", re.DOTALL)


class AngleAt(OneShot):
    """Dialect "angle@", `<IP:PORT> @ <TEAM>` NL text NL `<end>`: WIRE.md 1 and 2 (row angle@), 3 (good-bye words).

    Leaves with `<IP:PORT> DISCONNECT` unless `goodbye` is None. After `announces_in_std = True` its `connect` says
    `IP:PORT TEAM connection_request`, the trap of WIRE.md 2 (row std); it still reads and sends angle@ only.
    """

    announces_in_std = False

    def form(self, text: str, host: str, port: int) -> str:
        return f"<{self.claimed(host)}> @ <{self.team}>\n{text}\n<end>"

    def parse(self, line: str, source: Address) -> Parsed | None:
        if line.startswith("<") and line.endswith("> DISCONNECT") and self.goodbye is not None:
            return Parsed(line[1 : -len("> DISCONNECT")], "", self.goodbye)
        match = ANGLE_AT.fullmatch(line)
        return Parsed(match[1], match[2], match[3]) if match else None

    def connect(self, host: str, port: int) -> None:
        if not self.announces_in_std:
            return super().connect(host, port)
        announcement = f"{self.claimed(loopback(host))} {self.team} connection_request"
        self.send_bytes(host, port, announcement.encode())
        self._list(f"{loopback(host)}:{port}")

    def goodbye_line(self, host: str, port: int) -> str | None:
        return None if self.goodbye is None else f"<{self.claimed(host)}> DISCONNECT"


class AngleTs(OneShot):
    """Dialect "angle-ts", `<IP:PORT> [date time] @ <TEAM>` NL text NL: WIRE.md 1 and 2 (row angle-ts).

    Its good-bye, which is the only one it obeys, is `<IP:PORT> [date time] DISCONNECT` (WIRE.md 3).
    """

    def __init__(self, *arguments: Any, goodbye: str | None = "DISCONNECT", **variant: Any) -> None:
        super().__init__(*arguments, goodbye=goodbye, **variant)

    def form(self, text: str, host: str, port: int) -> str:
        return f"{self._opening(host)} @ <{self.team}>\n{text}\n"

    def goodbye_line(self, host: str, port: int) -> str | None:
        return None if self.goodbye is None else f"{self._opening(host)} {self.goodbye}"

    def _opening(self, host: str) -> str:
        return f"<{self.claimed(host)}> [{datetime.now():%Y-%m-%d %H:%M:%S}]"

    def parse(self, line: str, source: Address) -> Parsed | None:
        goodbye = ANGLE_TS_GOODBYE.fullmatch(line)
        if goodbye is not None and self.goodbye is not None:
            return Parsed(goodbye[1], "", self.goodbye)
        match = ANGLE_TS.fullmatch(line)
        return Parsed(match[1], match[3], match[4]) if match else None


class Angle1(OneShot):
    """Dialect "angle1", `<IP:PORT> TEAM text`: WIRE.md 1 and 2 (row angle1), 4 (its misreading and its blanks).

    Takes the first and the last character of the first word for the brackets, whatever they are: a std line gives
    it a wrong address, which it lists and dials when it leaves (the stub's refusal to dial lands in `errors`).
    The message after a blank one makes it abort. It says and obeys `quit`; `exit` it shows as chat (WIRE.md 3).
    """

    _has_blank = False

    def __init__(self, *arguments: Any, goodbye: str | None = "quit", **variant: Any) -> None:
        super().__init__(*arguments, goodbye=goodbye, **variant)

    def form(self, text: str, host: str, port: int) -> str:
        return f"<{self.claimed(host)}> {self.team} {text}"

    def parse(self, line: str, source: Address) -> Parsed | None:
        if self._has_blank:
            self._fail(IndexError("a blank message among its messages: it aborts"))
            self.vanish()
            return None
        parts = line.split(" ", 2)
        if len(parts) < 3:
            return None
        self._has_blank = not parts[2].strip()
        return Parsed(parts[0][1:-1], parts[1], parts[2])


class Labelled(OneShot):
    """Dialect "labelled", `LISTENING_PORT:p|TEAM_NAME:t|text`: WIRE.md 1 and 2 (row labelled)."""

    def form(self, text: str, host: str, port: int) -> str:
        return f"LISTENING_PORT:{self.port}|TEAM_NAME:{self.team}|{text}"

    def parse(self, line: str, source: Address) -> Parsed | None:
        match = LABELLED.fullmatch(line)
        return Parsed(f"{source[0]}:{int(match[1])}", match[2], match[3]) if match else None


class Json(OneShot):
    """Dialect "json", type, content, sender_name, sender_port: WIRE.md 1 and 2 (row json).

    Content is `<target> <team> text` with literal brackets, target the receiver's address (as the stub reads it;
    the program behind this row was only read, never run). Types message, connect and exit.
    """

    def form(self, text: str, host: str, port: int) -> str:
        kind = {self.hello: "connect", self.goodbye: "exit"}.get(text, "message")
        content = f"<{host}:{port}> <{self.team}> {text}"
        return json.dumps({"type": kind, "content": content, "sender_name": self.team, "sender_port": self.port})

    def parse(self, line: str, source: Address) -> Parsed | None:
        try:
            fields = json.loads(line)
            address, name = f"{source[0]}:{int(fields['sender_port'])}", str(fields["sender_name"])
            if fields["type"] == "connect":
                return Parsed(address, name, self.hello)
            if fields["type"] == "exit" and self.goodbye is not None:
                return Parsed(address, name, self.goodbye)
            match = JSON_CONTENT.fullmatch(fields["content"])
        except (ValueError, TypeError, KeyError):
            return None
        return Parsed(address, name, match[3]) if match and fields["type"] == "message" else None


class Portline(OldClient):
    """Dialect "portline": WIRE.md 1 and 2 (row portline), 4 (portline).

    `connect` opens a persistent connection with `PORT` NL `CONNECT` NL; every message is a std line with NL, after
    which it waits for an answer of any bytes (put into `answers`; without one in `answer_within` seconds, where the
    program waits for ever, `send` raises TimeoutError). It answers each message it reads with `Message received`,
    but not the CONNECT. What comes on a connection it dialled is only ever an answer to it. A connection that ends
    without `exit` makes the program spin: an EOFError in `errors`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        team: str = "ALPHA",
        *,
        answer: str = "Message received",
        answer_within: float = 60.0,
    ) -> None:
        self.answer = answer
        self.answer_within = answer_within
        self._connections: dict[Address, socket.socket] = {}
        super().__init__(host, port, team)

    def connect(self, host: str, port: int) -> None:
        self._open((loopback(host), port))

    def send(self, host: str, port: int, text: str) -> None:
        self.send_bytes(host, port, f"{self.address} {self.team} {text}\n".encode())

    def send_bytes(self, host: str, port: int, payload: bytes) -> None:
        peer = (loopback(host), port)
        sock = self._connections.get(peer) or self._open(peer)
        try:
            sock.sendall(payload)
            answer = sock.recv(READ_SIZE)
            if not answer:
                raise ConnectionAbortedError(f"{host}:{port} closed the connection")
        except OSError:
            self._connections.pop(peer, None)
            self._unlist(f"{peer[0]}:{peer[1]}")
            self._close(sock)
            raise
        self._record(self.answers, answer)

    def _open(self, peer: Address) -> socket.socket:
        sock = self._dial(*peer)
        sock.settimeout(self.answer_within)
        sock.sendall(f"{self.port}\nCONNECT\n".encode())
        self._connections[peer] = sock
        self._list(f"{peer[0]}:{peer[1]}")
        return sock

    def _say_goodbye(self) -> None:
        for peer, sock in self._connections.items():
            try:
                sock.sendall(b"exit\n")
            except OSError as error:
                self._complain(f"no good-bye to {peer}: {error}")

    def _handle(self, sock: socket.socket, source: Address) -> None:
        try:
            with sock.makefile("rb") as lines:
                self._serve(sock, source, iter(lines.readline, b""))
        finally:
            self._close(sock)

    def _serve(self, sock: socket.socket, source: Address, lines: Iterator[bytes]) -> None:
        origin = f"{source[0]}:{source[1]}"
        peer = ""
        for number, raw in enumerate(lines):
            self._record(self.reads, (origin, raw))
            try:
                line = raw.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                self._fail(error)
                continue
            if number == 0:
                if not line.isdecimal():
                    return self._complain(f"no port from {origin}: {line!r}")
                peer = f"{source[0]}:{int(line)}"
            elif number == 1:
                if line != "CONNECT":
                    return self._complain(f"no CONNECT from {origin}: {line!r}")
                self._list(peer)
            elif line == "exit":
                return self._unlist(peer)
            else:
                self._take(line, raw, origin)
                sock.sendall(self.answer.encode())
        if peer and self.alive:
            self._unlist(peer)
            raise EOFError(f"{origin} ended without exit: the program spins here")

    def _take(self, line: str, raw: bytes, origin: str) -> None:
        parts = line.split(" ", 2)
        if len(parts) == 3:
            self._show(Received(parts[2], parts[0], raw, parts[1]))
        else:
            self._complain(f"invalid message from {origin}: {line!r}")


# -- by hand -------------------------------------------------------------------------------------------------------

CLIENTS: dict[str, type[OldClient]] = {
    "ancestor": AncestorConsole,
    "flask": AncestorFlask,
    "std": Std,
    "angle-at": AngleAt,
    "angle-ts": AngleTs,
    "angle1": Angle1,
    "labelled": Labelled,
    "portline": Portline,
    "json": Json,
}


def attempt(client: OldClient, line: str) -> None:
    """Send one line `HOST:PORT text` (or connect, with no text); what goes wrong is said, not raised."""
    address, _, text = line.partition(" ")
    try:
        host, port = split_address(address)
        if text:
            client.send(host, port, text)
        else:
            client.connect(host, port)
    except (OSError, ValueError) as error:
        print(f"(not sent) {error}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one stub by hand. What it receives goes to stdout; lines from stdin: `HOST:PORT text` sends, `HOST:PORT`
    alone connects, `exit` or the end of input leaves with the good-bye of that program."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.old_clients", description=main.__doc__)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--listen", type=split_address, default=("127.0.0.1", 0), metavar="HOST:PORT")
    parser.add_argument("--team", default="ALPHA")
    parser.add_argument("--connect", metavar="HOST:PORT")
    options = parser.parse_args(arguments)
    host, port = options.listen
    with CLIENTS[options.client](host, port, options.team) as client:
        client.on_line = lambda line: print(line, flush=True)
        print(f"{options.client} {options.team} listens at {client.address}", flush=True)
        if options.connect:
            attempt(client, options.connect)
        for line in map(str.strip, sys.stdin):
            if line == "exit":
                break
            if line:
                attempt(client, line)
        client.leave()
