"""A man in the middle of two nodes: raw sockets, the standard `ssl`, `cryptography`, and no code of the node.

What it knows of the protocol is written out here, from PROTOCOL.md. It listens on an address of its own, and `manner`
treats each connection that comes, in a thread. What it could read is in `readable`: all bytes as they went by, and all
that came out of TLS connections of its own.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import os
import pathlib
import select
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

#: Sections 9.1 and 9.2 of PROTOCOL.md.
OFFER_TABS, ANSWER = 32, b"\t" * 16 + b"\n"
PUBLIC_CA = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"snicher public ca 1").digest())
ALPN = "snicher/2"
NO_CHECK_TIME = 0x200000
#: Longest wait for anything, in seconds; a test that goes well never waits for so long.
PATIENCE = 5.0

Secret = Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


# -- MessagePack, frames and entries: sections 4, 9.3 and 10


def pack(value: Any) -> bytes:
    """MessagePack of what frames are made of."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return struct.pack(">BQ", 0xCF, value) if value >= 0 else struct.pack(">Bq", 0xD3, value)
    if isinstance(value, str):
        return struct.pack(">BI", 0xDB, len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return struct.pack(">BI", 0xC6, len(value)) + value
    if isinstance(value, dict):
        pairs = b"".join(pack(key) + pack(one) for key, one in value.items())
        return struct.pack(">BI", 0xDF, len(value)) + pairs
    return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(pack, value))


def frame(*elements: Any) -> bytes:
    """A frame with its length."""
    data = pack(elements)
    return struct.pack(">I", len(data)) + data


def hello(name: str = "mallory", port: int = 5000, **other: Any) -> bytes:
    """A HELLO, as a node says it unless told otherwise."""
    said = {"versions": [2], "instance": os.urandom(16), "run": os.urandom(16), "now": 1_800_000_000_000, **other}
    features = said.get("features", [])
    return frame(0, said["versions"], said["instance"], said["run"], name, port, said["now"], features)


def peer_id(key: Ed25519PrivateKey) -> str:
    """The PeerId of a key."""
    return base64.b32encode(key.public_key().public_bytes_raw()).decode().rstrip("=").lower()


def direct_room(one: str, other: str) -> str:
    """The id of the direct room of two PeerIds."""
    low, high = sorted((one, other))
    return "direct:" + hashlib.sha256(b"snicher direct 1\x00" + low.encode() + high.encode()).hexdigest()


def run(room: str, author: str, signer: Ed25519PrivateKey, text: str, stream: bytes = b"S" * 16) -> bytes:
    """A RUN of one entry in a stream of its own; `signer` signs in the name of `author`."""
    body = pack({"text": text})
    clock = 1_800_000_000_000 << 16
    header = pack([room, author, stream, 1, bytes(32), clock, "text", hashlib.sha256(body).digest(), None])
    return frame(8, room, [header], [body], signer.sign(b"snicher entry 1\x00" + header))


# -- certificates


class Identity:
    """A key with a certificate of some kind: what the middleman shows. Its files live in `folder`."""

    def __init__(self, kind: str = "good", key: Ed25519PrivateKey | None = None) -> None:
        self.kind = kind
        self.key = key or Ed25519PrivateKey.generate()
        secret: Secret = self.key
        signer, issuer, chain = PUBLIC_CA, "snicher", list[x509.Certificate]()
        if kind == "RSA":
            secret = rsa.generate_private_key(65537, 2048)
        elif kind == "ECDSA":
            secret = ec.generate_private_key(ec.SECP256R1())
        elif kind == "another CA":
            signer = Ed25519PrivateKey.generate()
        elif kind == "self-signed":
            signer, issuer = self.key, "peer"
        elif kind == "intermediate":
            signer, issuer = Ed25519PrivateKey.generate(), "between"
            chain = [certificate(signer, issuer, "snicher", PUBLIC_CA, ca=True)]
        leaf = certificate(secret, "peer", issuer, signer, ca=kind == "CA:TRUE")
        self.pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, *chain))
        self.secret = secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def id(self) -> str:
        """Its PeerId."""
        return peer_id(self.key)

    def context(self, server: bool) -> ssl.SSLContext:
        """A context of `ssl` that shows this certificate, and asks for any."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_OPTIONAL if server else ssl.CERT_NONE
        context.verify_flags |= NO_CHECK_TIME
        authority = certificate(PUBLIC_CA, "snicher", "snicher", PUBLIC_CA, ca=True)
        context.load_verify_locations(cadata=authority.public_bytes(serialization.Encoding.DER))
        if self.kind == "TLS 1.2":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if self.kind == "another ALPN":
            context.set_alpn_protocols(["http/1.1"])
        elif self.kind != "no ALPN":
            context.set_alpn_protocols([ALPN])
        if self.kind != "none":
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "pem"
                path.write_bytes(self.secret + self.pem)
                context.load_cert_chain(path)
        return context


def certificate(key: Secret, subject: str, issuer: str, signer: Ed25519PrivateKey, *, ca: bool) -> x509.Certificate:
    """A certificate as section 9.2 has it, or nearly."""
    extension = x509.BasicConstraints(ca=ca, path_length=None)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(1970, 1, 1))
        .not_valid_after(datetime.datetime(9999, 12, 31, 23, 59, 59))
        .add_extension(extension, critical=True)
        .sign(signer, None)
    )


#: The certificates, and the ways of TLS, that no node shows.
ODD = [
    "RSA", "ECDSA", "CA:TRUE", "another CA", "self-signed", "intermediate", "none", "TLS 1.2", "no ALPN",
    "another ALPN",
]  # fmt: skip


# -- the middleman


class Middleman:
    """Listens at `host` and stands before `target`. `manner` may be changed at any moment."""

    def __init__(self, host: str, target: tuple[str, int], manner: Manner | None = None) -> None:
        self.target = target
        self.manner = manner or wire
        #: All that it could read.
        self.readable = bytearray()
        #: What came out of its own TLS connections.
        self.inside = bytearray()
        #: The certificates that were shown to it, as DER.
        self.shown: list[bytes] = []
        #: What each connection's bytes were, in each direction: a record to replay.
        self.records: list[tuple[bytearray, bytearray]] = []
        #: Connections that came, and how many of them are over.
        self.came = self.over = 0
        self._sockets: list[socket.socket] = []
        self._server = socket.create_server((host, 0))
        self.address = self._server.getsockname()
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while self._open:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            self.came += 1
            self._keep(sock)
            threading.Thread(target=self._treat, args=(sock,), daemon=True).start()

    def _keep(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        self._sockets.append(sock)

    def _treat(self, sock: socket.socket) -> None:
        # Whatever the other sides do to it is no fault of a test.
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            self.manner(self, sock)
        with contextlib.suppress(OSError):
            sock.close()
        self.over += 1

    def dial(self, source: str | None = None) -> socket.socket:
        """Connect with the target, perhaps from an address."""
        sock = socket.create_connection(self.target, PATIENCE, None if source is None else (source, 0))
        self._keep(sock)
        return sock

    def cut(self) -> None:
        """Cut all connections."""
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._sockets = []

    def close(self) -> None:
        """Listen no more, and cut everything."""
        self._open = False
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- tools of manners

    def read(self, sock: socket.socket, size: int = 65536) -> bytes:
        """Read once; b"" at the end."""
        data = sock.recv(size)
        self.readable += data
        if isinstance(sock, ssl.SSLSocket):
            self.inside += data
        return data

    def read_line(self, sock: socket.socket) -> bytes:
        """Read up to a newline and no further."""
        found = b""
        while not found.endswith(b"\n"):
            data = self.read(sock, 1)
            if not data:
                raise OSError("it closed the connection")
            found += data
        return found

    def read_all(self, sock: socket.socket) -> bytes:
        """Read until the end."""
        found = b""
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := self.read(sock):
                found += data
        return found

    def serve_tls(self, sock: socket.socket, identity: Identity) -> ssl.SSLSocket:
        """Be the server of TLS."""
        return self._tls(sock, identity, server=True)

    def ask_tls(self, sock: socket.socket, identity: Identity) -> ssl.SSLSocket:
        """Be the client of TLS."""
        return self._tls(sock, identity, server=False)

    def _tls(self, sock: socket.socket, identity: Identity, *, server: bool) -> ssl.SSLSocket:
        wrapped = identity.context(server).wrap_socket(sock, server_side=server)
        self._keep(wrapped)
        self.shown.append(wrapped.getpeercert(binary_form=True) or b"")
        return wrapped

    def offer(self, sock: socket.socket, port: int = 5000) -> None:
        """Offer to encrypt, and read the answer."""
        sock.sendall(b"CONNECT:%d" % port + b"\t" * OFFER_TABS + b"\n")
        found = self.read_line(sock)
        if found != ANSWER:
            raise OSError(f"no answer, but {found!r}")

    def relay(
        self,
        dialler: socket.socket,
        acceptor: socket.socket,
        there: Change | None = None,
        back: Change | None = None,
        limit: int | None = None,
    ) -> None:
        """Carry bytes both ways until one side ends; each read may be changed. `limit`: cut after so many bytes."""
        record = bytearray(), bytearray()
        self.records.append(record)
        carried = 0
        while True:
            ready, _, _ = select.select([dialler, acceptor], [], [], PATIENCE)
            if not ready:
                return
            for sock in ready:
                forward = sock is dialler
                data = self.read(sock)
                if not data:
                    return
                record[not forward].extend(data)
                change = there if forward else back
                if change is not None:
                    data = change(data)
                if limit is not None and carried + len(data) >= limit:
                    (acceptor if forward else dialler).sendall(data[: limit - carried])
                    return
                carried += len(data)
                (acceptor if forward else dialler).sendall(data)


Manner = Callable[[Middleman, socket.socket], None]
Change = Callable[[bytes], bytes]


# -- manners


def wire(middle: Middleman, dialler: socket.socket) -> None:
    """Changes nothing."""
    with middle.dial() as acceptor:
        middle.relay(dialler, acceptor)


def cut_after(size: int) -> Manner:
    """A wire that is cut after so many bytes."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        with middle.dial() as acceptor:
            middle.relay(dialler, acceptor, limit=size)

    return manner


def offer_becomes(tabs: bytes) -> Manner:
    """The tabs of the offer become others."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        with middle.dial() as acceptor:
            middle.relay(dialler, acceptor, there=lambda data: data.replace(b"\t" * OFFER_TABS, tabs))

    return manner


def answers(*pieces: bytes) -> Manner:
    """Answers the offer with these bytes, and reads on until the end."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        middle.read_line(dialler)
        for piece in pieces:
            dialler.sendall(piece)
        middle.read_all(dialler)

    return manner


def impersonates(identity: Identity, said: Sequence[bytes] = ()) -> Manner:
    """Answers for the peer, and is the server of TLS with an identity of its own."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        middle.read_line(dialler)
        dialler.sendall(ANSWER)
        tls = middle.serve_tls(dialler, identity)
        for one in said:
            tls.sendall(one)
        middle.read_all(tls)

    return manner


def swaps(to_dialler: Identity, to_acceptor: Identity) -> Manner:
    """Two TLS connections instead of one: it reads all that goes through."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        middle.read_line(dialler)
        with middle.dial() as acceptor:
            middle.offer(acceptor)
            asked = middle.ask_tls(acceptor, to_acceptor)
            dialler.sendall(ANSWER)
            served = middle.serve_tls(dialler, to_dialler)
            middle.relay(served, asked)

    return manner


def injects(where: str, data: bytes) -> Manner:
    """Puts bytes of its own into the stream: before the offer, behind it, before the answer, or inside TLS."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        offer = middle.read_line(dialler)
        with middle.dial() as acceptor:
            acceptor.sendall({"before the offer": data + offer, "behind the offer": offer + data}.get(where, offer))
            answer = middle.read(acceptor, len(ANSWER))
            dialler.sendall({"before the answer": data + answer, "behind the answer": answer + data}.get(where, answer))
            if where == "inside TLS":
                middle.relay(dialler, acceptor, limit=1000)
                dialler.sendall(data)
                acceptor.sendall(data)
            middle.relay(dialler, acceptor)

    return manner


def flips(which: int) -> Manner:
    """Changes one bit of the byte with this number behind the offer, in each direction."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        with middle.dial() as acceptor:
            acceptor.sendall(middle.read_line(dialler))
            dialler.sendall(middle.read(acceptor, len(ANSWER)))
            middle.relay(dialler, acceptor, there=_flip(which), back=_flip(which))

    return manner


def _flip(which: int) -> Change:
    seen = 0

    def change(data: bytes) -> bytes:
        nonlocal seen
        at, seen = which - seen, seen + len(data)
        return data if not 0 <= at < len(data) else data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return change


def replays(data: bytes) -> Manner:
    """Says to the dialler what an acceptor has said in an earlier session."""

    def manner(middle: Middleman, dialler: socket.socket) -> None:
        middle.read_line(dialler)
        dialler.sendall(data)
        middle.read_all(dialler)

    return manner
