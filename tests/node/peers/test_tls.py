"""TLS over memory: two nodes prove their keys to each other, and whatever is wrong is an error with a sentence."""

from __future__ import annotations

import datetime
import errno
import os
import pathlib
import random
import shutil
import socket
import ssl
import subprocess
import tempfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from node.errors import HandshakeFailed, LocalFault
from node.peers import tls
from node.peers.tls import ALPN, PUBLIC_CA, Credentials, Engine

ANNA, BEN = Ed25519PrivateKey.from_private_bytes(bytes(32)), Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
OURS, THEIRS = Credentials(ANNA), Credentials(BEN)
PAST = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


class Stranger:
    """The far end of a link, with whatever certificate and settings a test likes. It checks nothing itself."""

    def __init__(
        self,
        server: bool,
        key: serialization.pkcs12.PKCS12PrivateKeyTypes | None = None,
        *chain: x509.Certificate,
        alpn: tuple[str, ...] = (ALPN,),
        most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        tickets: int = 0,
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = most
        if server:
            context.num_tickets = tickets
            context.load_verify_locations(
                cadata=tls.certificate(PUBLIC_CA.public_key(), "snicher", ca=True).public_bytes(
                    serialization.Encoding.DER
                )
            )
            context.verify_mode = ssl.CERT_OPTIONAL
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if key is not None:
            pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain) + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            with tempfile.NamedTemporaryFile() as file:
                file.write(pem)
                file.flush()
                context.load_cert_chain(file.name)
        self.up = False
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=server)

    def start(self) -> None:
        self.feed(b"")

    def feed(self, data: bytes) -> bytes:
        self._in.write(data)
        try:
            if not self.up:
                self.tls.do_handshake()
                self.up = True
            return self.tls.read(65536)
        except ssl.SSLWantReadError:
            return b""

    def out(self) -> bytes:
        return self._out.read()


def forged(
    key: x509.base.CertificatePublicKeyTypes,
    *,
    issuer: str = "snicher",
    subject: str = "peer",
    ca: bool | None = False,
    by: Ed25519PrivateKey | ec.EllipticCurvePrivateKey = PUBLIC_CA,
    until: datetime.datetime = tls.LAST,
    by_number: int | None = None,
) -> x509.Certificate:
    def name(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key)
        .serial_number(77)
        .not_valid_before(tls.FIRST)
        .not_valid_after(until)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if by_number is not None:
        by_name = x509.DirectoryName(name("snicher"))
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(None, [by_name], by_number), critical=False)
    return builder.sign(by, None if isinstance(by, Ed25519PrivateKey) else hashes.SHA256())


def meet(dialled: Engine | Stranger, accepted: Engine | Stranger, most: int | None = None) -> tuple[bytes, bytes]:
    """Carry bytes between two ends until neither has more to say, in pieces of at most `most`; returns what came."""
    heard = {id(dialled): b"", id(accepted): b""}
    dice = random.Random(7)
    dialled.start()
    accepted.start()
    while True:
        carried = False
        for one, other in ((dialled, accepted), (accepted, dialled)):
            data = one.out()
            carried = carried or bool(data)
            while data:
                size = len(data) if most is None else dice.randint(1, most)
                heard[id(other)] += other.feed(data[:size])
                data = data[size:]
        if not carried:
            return heard[id(dialled)], heard[id(accepted)]


def pair(most: int | None = None) -> tuple[Engine, Engine]:
    dialled, accepted = Engine(OURS, server=False), Engine(THEIRS, server=True)
    meet(dialled, accepted, most)
    return dialled, accepted


def failure(ours: Engine, stranger: Stranger) -> str:
    """What our engine says about a stranger."""
    server = stranger.tls.server_side
    with pytest.raises(HandshakeFailed) as caught:
        meet(ours, stranger) if server else meet(stranger, ours)
    assert not ours.up
    assert ours.peer is None
    # It stays so.
    with pytest.raises(HandshakeFailed):
        ours.feed(b"more")
    return str(caught.value)


@pytest.mark.parametrize("most", [None, *range(1, 8)])
def test_two_nodes_learn_each_other_s_key_and_talk(most: int | None) -> None:
    dialled, accepted = pair(most)
    assert dialled.up
    assert accepted.up
    assert dialled.peer == BEN.public_key().public_bytes_raw()
    assert accepted.peer == ANNA.public_key().public_bytes_raw()
    dialled.write(b"hello" * 50_000)
    accepted.write(b"hi")
    assert meet(dialled, accepted, most) == (b"hi", b"hello" * 50_000)


def test_what_follows_the_handshake_at_once_is_read_with_it() -> None:
    dialled, accepted = Engine(OURS, server=False), Engine(THEIRS, server=True)
    dialled.start()
    accepted.feed(dialled.out())
    dialled.feed(accepted.out())
    assert dialled.up
    dialled.write(b"first words")
    assert accepted.feed(dialled.out()) == b"first words"


def test_it_is_tls_1_3_without_tickets() -> None:
    dialled, accepted = pair()
    assert dialled._tls.version() == "TLSv1.3"
    assert accepted.out() == b""
    assert OURS.server.num_tickets == 0
    session = dialled._tls.session
    assert session is None or not session.has_ticket


def test_a_node_that_meets_itself_gets_its_own_key() -> None:
    dialled, accepted = Engine(OURS, server=False), Engine(OURS, server=True)
    meet(dialled, accepted)
    assert dialled.peer == accepted.peer == ANNA.public_key().public_bytes_raw()


def test_a_side_that_closes_still_hears_the_other() -> None:
    dialled, accepted = pair()
    dialled.write(b"last words")
    dialled.close()
    dialled.close()
    assert meet(dialled, accepted) == (b"", b"last words")
    accepted.write(b"and mine")
    accepted.close()
    dialled.write(b"too late")
    assert meet(dialled, accepted) == (b"and mine", b"")
    # Behind its close a peer says nothing more.
    assert accepted.feed(b"garbage") == b""
    assert dialled.feed(b"garbage") == b""


def test_nothing_can_be_said_before_the_handshake_is_complete() -> None:
    engine = Engine(OURS, server=False)
    engine.start()
    with pytest.raises(LocalFault):
        engine.write(b"early")
    engine.close()
    hello = engine.out()
    assert hello
    assert engine.out() == b""


# -- who isn't let in


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_key_of_another_kind_is_refused(server: bool, kind: str) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    why = failure(Engine(OURS, server=not server), Stranger(server, key, forged(key.public_key())))
    assert why == "The key of its certificate isn't an Ed25519 key."


@pytest.mark.parametrize("server", [False, True])
def test_the_certificate_of_an_authority_is_refused(server: bool) -> None:
    stranger = Stranger(server, BEN, forged(BEN.public_key(), ca=True))
    why = failure(Engine(OURS, server=not server), stranger)
    assert why == "Its certificate is one of an authority, not of a node."


@pytest.mark.parametrize("server", [False, True])
def test_a_certificate_that_nobody_or_somebody_else_signed_is_refused(server: bool) -> None:
    own = forged(BEN.public_key(), issuer="peer", by=BEN)
    why = failure(Engine(OURS, server=not server), Stranger(server, BEN, own))
    assert why.startswith("Its certificate was refused: self")
    # It claims our authority, and is signed by another key.
    why = failure(Engine(OURS, server=not server), Stranger(server, BEN, forged(BEN.public_key(), by=BEN)))
    assert why == "Its certificate was refused: certificate signature failure."


class Versioned:
    """The certificate of Ben in another version of X.509, and signed by the authority so."""

    def __init__(self, version: int) -> None:
        good = forged(BEN.public_key())
        signed = good.tbs_certificate_bytes.replace(b"\xa0\x03\x02\x01\x02", bytes([0xA0, 3, 2, 1, version]), 1)
        der = good.public_bytes(serialization.Encoding.DER).replace(good.tbs_certificate_bytes, signed)
        self.der = der.replace(good.signature, PUBLIC_CA.sign(signed))

    def public_bytes(self, _: serialization.Encoding) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.der).encode()


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize("version", [0, 1, 3, 127])
def test_a_certificate_of_another_version_than_3_is_refused(server: bool, version: int) -> None:
    """OpenSSL lets all of these in."""
    stranger = Stranger(server, BEN, Versioned(version))  # type: ignore[arg-type]
    assert failure(Engine(OURS, server=not server), stranger) == "Its certificate can't be read."


@pytest.mark.parametrize("server", [False, True])
def test_a_chain_with_an_authority_in_between_is_refused(server: bool) -> None:
    """Anybody could make one, because the authority's key is public."""
    between = Ed25519PrivateKey.generate()
    root = tls.certificate(PUBLIC_CA.public_key(), "snicher", ca=True).serial_number
    for name, why in (
        ("between", "Its certificate was refused: path length constraint exceeded."),
        # RFC 5280 doesn't count an authority that has its issuer's name, so OpenSSL lets this one in. (Each names its
        # issuer by number, so that OpenSSL finds the right one.)
        ("snicher", "Its certificate isn't signed by Snicher's public authority itself."),
    ):
        chain = (
            forged(BEN.public_key(), issuer=name, by=between, by_number=77),
            forged(between.public_key(), subject=name, ca=True, by_number=root),
        )
        assert failure(Engine(OURS, server=not server), Stranger(server, BEN, *chain)) == why


def test_the_authority_itself_is_no_node() -> None:
    root = tls.certificate(PUBLIC_CA.public_key(), "snicher", ca=True)
    assert failure(Engine(OURS, server=True), Stranger(False, PUBLIC_CA, root))


def test_a_dialler_without_a_certificate_is_refused() -> None:
    why = failure(Engine(OURS, server=True), Stranger(False))
    assert "peer did not return a certificate" in why


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize("alpn", [(), ("snicher/3",), ("h2", "http/1.1")])
def test_who_speaks_another_protocol_in_tls_is_refused(server: bool, alpn: tuple[str, ...]) -> None:
    stranger = Stranger(server, BEN, forged(BEN.public_key()), alpn=alpn)
    assert failure(Engine(OURS, server=not server), stranger) == "The other side doesn't speak snicher/2."


@pytest.mark.parametrize("odd", ["RSA", "ALPN"])
def test_who_is_no_node_does_not_learn_who_dialled(odd: str) -> None:
    key = rsa.generate_private_key(65537, 2048) if odd == "RSA" else BEN
    stranger = Stranger(True, key, forged(key.public_key()), alpn=() if odd == "ALPN" else ("snicher/2",))
    ours = Engine(OURS, server=False)
    failure(ours, stranger)
    # Our certificate was ready to be sent.
    assert ours.out() == b""


def test_an_older_tls_is_refused_by_both_sides() -> None:
    old = ssl.TLSVersion.TLSv1_2
    ours, stranger = Engine(OURS, server=True), Stranger(False, BEN, forged(BEN.public_key()), most=old)
    assert failure(ours, stranger) == "What came isn't the TLS of an encrypted link: unsupported protocol."
    # It was told by an alert.
    with pytest.raises(ssl.SSLError, match="ALERT"):
        stranger.feed(ours.out())
    stranger = Stranger(True, BEN, forged(BEN.public_key()), most=old)
    ours = Engine(OURS, server=False)
    ours.start()
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        stranger.feed(ours.out())
    with pytest.raises(HandshakeFailed, match=r"^The other side refused TLS: protocol version\.$"):
        ours.feed(stranger.out())


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"\x16\x03\x01\xff\xff" + b"\0" * 64, b"CONNECT:5000\n", bytes(range(256))],
)
def test_garbage_is_refused(garbage: bytes, server: bool) -> None:
    for whole in (True, False):
        engine = Engine(OURS, server=server)
        engine.start()
        with pytest.raises(HandshakeFailed, match=r"\.$"):
            for piece in [garbage] if whole else [garbage[at : at + 1] for at in range(len(garbage))]:
                engine.feed(piece)


def test_random_bytes_are_tls_or_a_documented_error() -> None:
    dice = random.Random(11)
    for _ in range(300):
        engine = Engine(OURS, server=dice.random() < 0.5)
        engine.start()
        try:
            for _ in range(4):
                engine.feed(b"\x16\x03\x03\0\x10"[: dice.randrange(6)] + dice.randbytes(dice.randrange(40)))
        except HandshakeFailed as failed:
            assert str(failed).endswith(".")
        assert not engine.up


def test_a_byte_changed_on_the_way_ends_it() -> None:
    dialled, accepted = pair()
    dialled.write(b"hello")
    data = bytearray(dialled.out())
    data[-1] ^= 1
    with pytest.raises(HandshakeFailed, match="bad record mac"):
        accepted.feed(bytes(data))
    accepted.write(b"nobody hears this")
    accepted.close()
    # The dialler is told by an alert.
    with pytest.raises(HandshakeFailed, match=r"^The other side refused TLS: bad record mac\.$"):
        dialled.feed(accepted.out())


def test_the_dialler_hears_why_it_was_refused() -> None:
    """Its own handshake is complete before the acceptor has looked at its certificate."""
    nobody = Credentials(ANNA)
    nobody.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.client.check_hostname = False
    nobody.client.verify_mode = ssl.CERT_NONE
    nobody.client.set_alpn_protocols([ALPN])
    dialled, accepted = Engine(nobody, server=False), Engine(THEIRS, server=True)
    with pytest.raises(HandshakeFailed, match="did not return a certificate"):
        meet(dialled, accepted)
    assert dialled.up
    with pytest.raises(HandshakeFailed, match=r"^The other side refused TLS: certificate required\.$"):
        dialled.feed(accepted.out())


# -- who is let in all the same


@pytest.mark.parametrize("server", [False, True])
def test_no_clock_is_consulted(server: bool) -> None:
    ours = Engine(OURS, server=not server)
    stranger = Stranger(server, BEN, forged(BEN.public_key(), until=PAST))
    meet(ours, stranger) if server else meet(stranger, ours)
    assert ours.peer == BEN.public_key().public_bytes_raw()


def test_a_certificate_without_basic_constraints_is_no_authority() -> None:
    ours = Engine(OURS, server=True)
    meet(Stranger(False, BEN, forged(BEN.public_key(), ca=None)), ours)
    assert ours.up


def test_tickets_of_another_program_do_no_harm() -> None:
    ours = Engine(OURS, server=False)
    stranger = Stranger(True, BEN, forged(BEN.public_key()), tickets=3)
    meet(ours, stranger)
    stranger.tls.write(b"after the tickets")
    assert ours.feed(stranger.out()) == b"after the tickets"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")
def test_new_keys_in_between_do_no_harm(tmp_path: pathlib.Path) -> None:
    """KeyUpdate, as s_client sends it: with a line of a single K, which asks for ours as well."""
    file = tmp_path / "ben.pem"
    file.write_bytes(
        THEIRS.leaf.public_bytes(serialization.Encoding.PEM)
        + BEN.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-cert", str(file), "-key", str(file)]
        process = subprocess.Popen(
            [*command, "-alpn", ALPN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with process, listener.accept()[0] as sock:
            assert process.stdin is not None
            assert process.stdout is not None
            sock.settimeout(30)
            engine, heard, said = Engine(OURS, server=True), b"", [b"one\n", b"K\n", b"two\n"]
            engine.start()
            while b"two\n" not in heard:
                sock.sendall(engine.out())
                if engine.up and said:
                    process.stdin.write(said.pop(0))
                    process.stdin.flush()
                data = sock.recv(65536)
                assert data
                heard += engine.feed(data)
            assert heard == b"one\ntwo\n"
            engine.write(b"with our new keys\n")
            sock.sendall(engine.out())
            while b"with our new keys" not in process.stdout.readline():
                assert process.poll() is None
            process.kill()


# -- what is shown, and from where


def test_the_certificate_follows_from_the_key() -> None:
    leaf = OURS.leaf
    assert leaf == Credentials(ANNA).leaf
    assert leaf.serial_number != THEIRS.leaf.serial_number
    assert 0 < leaf.serial_number < 2**159
    assert leaf.version is x509.Version.v3
    assert (leaf.issuer.rfc4514_string(), leaf.subject.rfc4514_string()) == ("CN=snicher", "CN=peer")
    assert leaf.not_valid_before_utc == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert leaf.not_valid_after_utc == datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    (extension,) = leaf.extensions
    assert (extension.value, extension.critical) == (x509.BasicConstraints(ca=False, path_length=None), True)


@pytest.mark.parametrize("system", ["has files in memory", "has none", "forbids them", "has no /proc"])
def test_the_key_s_file_does_not_outlive_the_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, system: str
) -> None:
    in_memory = system == "has files in memory"
    if system == "has none":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    elif not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files in memory")
    elif system == "forbids them":

        def forbidden(name: str, flags: int) -> int:
            raise PermissionError(errno.EPERM, "put in by a test")

        monkeypatch.setattr(os, "memfd_create", forbidden)
    elif system == "has no /proc":
        monkeypatch.setattr(os, "access", lambda path, mode: not path.startswith("/proc"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[tuple[int, int]] = []
    load = ssl.SSLContext.load_cert_chain

    def watched(self: ssl.SSLContext, path: str, **kwargs: bytes) -> None:
        file = pathlib.Path(path)
        assert path.startswith("/proc") is in_memory
        seen.append((file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777))
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in file.read_bytes()
        load(self, path, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    before = len(os.listdir("/proc/self/fd")) if in_memory else 0  # noqa: PTH208
    credentials = Credentials(ANNA)
    if in_memory:
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    else:
        assert seen == [(0o600, 0o700)] * 2
    assert list(tmp_path.iterdir()) == []
    dialled, accepted = Engine(credentials, server=False), Engine(THEIRS, server=True)
    meet(dialled, accepted)
    assert accepted.peer == ANNA.public_key().public_bytes_raw()


def test_the_key_s_file_goes_even_when_it_can_t_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken(self: ssl.SSLContext, path: str, **kwargs: bytes) -> None:
        raise ssl.SSLError("put in by a test")

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", broken)
    with pytest.raises(ssl.SSLError):
        Credentials(ANNA)
    assert list(tmp_path.iterdir()) == []
