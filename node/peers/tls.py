"""TLS for encrypted links: over memory, without a socket. It decides nothing. (PROTOCOL.md, section 9)

Each side shows a certificate whose key is its identity, and TLS proves that it holds that key. OpenSSL insists on a
certificate authority, so all certificates are signed by one whose secret key is published here. It vouches for nothing;
what counts is the key in the certificate, and whoever reads `Engine.peer` decides what that is worth.

All of it is TLS 1.3 with ALPN. Nothing is resumed: the server gives no tickets, the client offers none, and so there is
no early data either. No clock is consulted, because machines without a network often have a wrong one.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import pathlib
import secrets
import ssl
import tempfile
from collections.abc import Iterator
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from node.errors import HandshakeFailed, LocalFault

#: The protocol's name in ALPN. Its number is that of the way links begin, not of the frames inside.
ALPN: Final = "snicher/2"
#: The secret key of the authority, published on purpose.
PUBLIC_CA: Final = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"snicher public ca 1").digest())
#: OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which the ssl module has no name.
NO_CHECK_TIME: Final = 0x200000
#: All certificates are valid from here to there.
FIRST: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
LAST: Final = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
#: Bytes of one read; a TLS record has no more.
RECORD = 16 * 1024


def certificate(key: Ed25519PublicKey, subject: str, *, ca: bool) -> x509.Certificate:
    """A certificate signed by the public authority. The same key always gives the same bytes."""
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("snicher"))
        .public_key(key)
        .serial_number(1 + int.from_bytes(hashlib.sha256(key.public_bytes_raw()).digest()[:16], "big"))
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .sign(PUBLIC_CA, None)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


class Credentials:
    """Who this node is, ready for any number of handshakes."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        #: The certificate that this node shows.
        self.leaf = certificate(key.public_key(), "peer", ca=False)
        #: The contexts for accepted links and for dialled ones.
        self.server = _context(ssl.PROTOCOL_TLS_SERVER)
        self.client = _context(ssl.PROTOCOL_TLS_CLIENT)
        self.server.num_tickets = 0
        # Should a file outlive a crash, it is worth nothing without this password, which is kept nowhere.
        password = secrets.token_bytes(32).hex().encode()
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password),
        )
        with _private_file(secret + self.leaf.public_bytes(serialization.Encoding.PEM)) as path:
            for context in (self.server, self.client):
                context.load_cert_chain(path, password=password)


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= NO_CHECK_TIME
    context.set_alpn_protocols([ALPN])
    authority = certificate(PUBLIC_CA.public_key(), "snicher", ca=True)
    context.load_verify_locations(cadata=authority.public_bytes(serialization.Encoding.DER))
    return context


@contextlib.contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """A file with this content for as long as the block lasts: the ssl module reads certificates from files only.

    It is in memory where the system can do that; else it is one that only this user can read.
    """
    with contextlib.ExitStack() as stack:
        yield _in_memory(content, stack) or _in_folder(content, stack)


def _in_memory(content: bytes, stack: contextlib.ExitStack) -> str | None:
    try:
        descriptor = os.memfd_create("snicher", os.MFD_CLOEXEC)
    except (AttributeError, OSError):
        # This system has no such files, or forbids them.
        return None
    file = stack.enter_context(os.fdopen(descriptor, "wb"))
    file.write(content)
    file.flush()
    path = f"/proc/self/fd/{descriptor}"
    return path if os.access(path, os.R_OK) else None


def _in_folder(content: bytes, stack: contextlib.ExitStack) -> str:
    # The folder is made with mode 0700.
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="snicher-"))
    path = pathlib.Path(folder) / "certificate.pem"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return str(path)


class Engine:
    """One side of a TLS connection. Bytes from the peer go into `feed`, bytes for the peer come from `out`.

    After each call, send what `out` returns; also after HandshakeFailed, because the peer is told by an alert.
    """

    def __init__(self, credentials: Credentials, server: bool) -> None:
        #: Whether the handshake is complete: the peer has proved its key.
        self.up = False
        #: The peer's Ed25519 public key, 32 bytes. None until then.
        self.peer: bytes | None = None
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = credentials.server if server else credentials.client
        self._tls = context.wrap_bio(self._received, self._to_send, server_side=server)
        #: Why it failed. None: it didn't.
        self._fault: str | None = None
        #: Whether the peer has said that it writes no more; and whether we have.
        self._peer_closed = False
        self._closed = False

    def start(self) -> None:
        """Begin. The dialling side has something to send then."""
        self._shake()

    def feed(self, data: bytes) -> bytes:
        """Process bytes from the peer; returns what it said. What follows its close is dropped.

        Raises HandshakeFailed for whatever is wrong with TLS, before and after the handshake, and from then on always.
        """
        if self._fault is not None:
            raise HandshakeFailed(self._fault)
        if self._peer_closed or not data:
            return b""
        self._received.write(data)
        if not self.up:
            self._shake()
        found: list[bytes] = []
        if self.up:
            self._read(found)
        return b"".join(found)

    def write(self, data: bytes) -> None:
        """Say something to the peer, once `up`. Dropped after `close` and after a fault, because nobody hears it."""
        if not self.up:
            raise LocalFault("Nothing can be said before the handshake is complete.")
        if data and not self._closed and self._fault is None:
            self._tls.write(data)

    def out(self) -> bytes:
        """Take the bytes to send."""
        return self._to_send.read()

    def close(self) -> None:
        """Tell the peer that we write no more (close_notify). It may go on writing."""
        if not self.up or self._closed or self._fault is not None:
            return
        self._closed = True
        # It asks for the peer's close_notify as well, which nobody waits for.
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()

    # -- inside

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            self._fail(_in_words(error))
        try:
            if self._tls.selected_alpn_protocol() != ALPN:
                raise HandshakeFailed(f"The other side doesn't speak {ALPN}.")
            self.peer = _key_of(self._tls.getpeercert(binary_form=True))
        except HandshakeFailed as failed:
            # A client has its certificate ready to be sent by now. Whoever is no node doesn't learn who dialled.
            self._to_send.read()
            self._fail(str(failed))
        self.up = True

    def _read(self, found: list[bytes]) -> None:
        try:
            while data := self._tls.read(RECORD):
                found.append(data)
            self._peer_closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._peer_closed = True
        except ssl.SSLError as error:
            self._fail(_in_words(error))

    def _fail(self, why: str) -> None:
        self._fault = why
        raise HandshakeFailed(why)


#: What reading somebody's certificate may raise. OpenSSL takes more certificates than the library that reads them here.
_UNREADABLE = (
    ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip


def _key_of(der: bytes | None) -> bytes:
    """The identity that a certificate shows. Raises HandshakeFailed.

    OpenSSL has checked that the certificate's chain ends at the public authority. Anybody can make such a chain, and
    only the plainest is taken: the authority has signed this very certificate.
    """
    if der is None:
        raise HandshakeFailed("The other side showed no certificate.")
    try:
        leaf = x509.load_der_x509_certificate(der)
        key = leaf.public_key()
        try:
            is_ca = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_ca = False
        signature, signed = leaf.signature, leaf.tbs_certificate_bytes
    except _UNREADABLE:
        raise HandshakeFailed("Its certificate can't be read.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise HandshakeFailed("The key of its certificate isn't an Ed25519 key.")
    if is_ca:
        raise HandshakeFailed("Its certificate is one of an authority, not of a node.")
    try:
        PUBLIC_CA.public_key().verify(signature, signed)
    except InvalidSignature:
        raise HandshakeFailed("Its certificate isn't signed by Snicher's public authority itself.") from None
    return key.public_bytes_raw()


def _in_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Its certificate was refused: {error.verify_message}."
    reason = (error.reason or "unknown reason").lower().replace("_", " ")
    if " alert " in reason:
        return f"The other side refused TLS: {reason.partition(' alert ')[2]}."
    return f"What came isn't the TLS of an encrypted link: {reason}."
