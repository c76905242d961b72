"""The file in the home for a dashboard's place (address and port): its name, its key, and the browsers it knows.

Law of this file: it touches that one file, which only its owner can read. Only one dashboard can listen at a place, so
no other process writes the file meanwhile.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pathlib
import re
import secrets
import stat
import string

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dashboard import challenges, hosts
from node.bus import locate, ownership
from node.errors import ConfigError, HomeRefused

log = logging.getLogger("snicher.dashboard")

#: Length of the random name. An alphabet of 36 characters makes 82 bits, so nobody can guess the dashboard's host.
NAME_CHARS = 16
#: Most browsers that may return by their key. A person has a few. At the bound the least recently used one is
#: forgotten, and needs a link again.
MAX_BROWSERS = 64
#: Shortest time between two writes of "last used", in seconds: it only decides which browser is dropped at the bound.
USED_EVERY_S = 3600
_PATTERN = "door-*.json"
_NAME = re.compile(r"snicher-[a-z0-9]{16}\.localhost", re.ASCII)
_LETTERS = string.ascii_lowercase + string.digits
#: The token file of older versions, which isn't used any more.
OLD_TOKEN = "dashboard.token"


class Browser(msgspec.Struct):
    """A browser that was let in by a link. `key`: its public key; times are seconds since 1970."""

    id: str
    host: str
    key: str
    registered: int
    used: int


class _Content(msgspec.Struct):
    """The file. `key` is the private key as PEM."""

    address: str
    port: int
    name: str
    key: str
    browsers: list[Browser] = []


class Place:
    """One dashboard's place. Raises ConfigError when the home or the file can't be used."""

    def __init__(self, home: pathlib.Path, address: str, port: int) -> None:
        self.path = home / f"door-{_slug(address, port)}.json"
        try:
            locate.make_home(home)
            content = _read(self.path)
            if content is None or (content.address, content.port) != (address, port):
                content = _new(address, port)
                _write(self.path, content)
        except OSError as error:
            raise ConfigError(
                f"The dashboard can't keep its keys in {self.path}: {error.strerror or error}."
            ) from error
        self._content = content
        self.key = _private_key(content.key)

    @property
    def name(self) -> str:
        """The random host, without a port."""
        return self._content.name

    @property
    def address(self) -> str:
        """The address the dashboard listens on."""
        return self._content.address

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._content.port

    @property
    def public_key(self) -> str:
        """The key by which browsers recognise this dashboard: base64url of the uncompressed point."""
        encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        return challenges.encode(self.key.public_key().public_bytes(encoding, form))

    @property
    def secret(self) -> bytes:
        """A secret that only programs with access to the home know; it stays the same as long as the place exists."""
        return hashlib.sha256(self._content.key.encode()).digest()

    def register(self, host: str, key: str, now: int) -> str:
        """Register a browser by its public key; returns its id. Raises ConfigError when the file can't be written."""
        browsers = self._content.browsers
        known = next((one for one in browsers if (one.host, one.key) == (host, key)), None)
        if known is None:
            known = Browser(secrets.token_urlsafe(12), host, key, now, now)
            while len(browsers) >= MAX_BROWSERS:
                browsers.remove(min(browsers, key=lambda one: one.used))
            browsers.append(known)
        known.used = now
        self._save()
        return known.id

    def find(self, id_: str, host: str) -> Browser | None:
        """The browser with this id that was let in at this host."""
        return next((one for one in self._content.browsers if (one.id, one.host) == (id_, host)), None)

    def used(self, browser: Browser, now: int) -> None:
        """Note that the browser has returned."""
        if now - browser.used < USED_EVERY_S:
            return
        browser.used = now
        try:
            self._save()
        except ConfigError as error:
            # Let it in all the same. Only its "last used" is out of date.
            log.warning("%s", error)

    def forget_others(self, id_: str | None) -> None:
        """Forget all browsers but this one. Raises ConfigError when the file can't be written; then they are shut out
        only until the dashboard is started again."""
        self._content.browsers = [one for one in self._content.browsers if one.id == id_]
        self._save()

    def _save(self) -> None:
        try:
            _write(self.path, self._content)
        except OSError as error:
            raise ConfigError(f"{self.path} can't be written: {error.strerror or error}.") from error


def places(home: pathlib.Path) -> list[Place]:
    """All places of a home where a dashboard has run."""
    found = []
    for path in sorted(home.glob(_PATTERN)):
        content = _read(path, mend=False)
        if content is not None and path.name == f"door-{_slug(content.address, content.port)}.json":
            found.append(Place(home, content.address, content.port))
    return found


def remove_old_token(home: pathlib.Path) -> None:
    """Remove the token of an older version. Links with that token don't work any more."""
    try:
        (home / OLD_TOKEN).unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s is of no use any more, but can't be removed: %s", home / OLD_TOKEN, error.strerror)
        return
    log.info("removed %s: links work once now, so open the one below in each of your browsers", home / OLD_TOKEN)


def _slug(address: str, port: int) -> str:
    """Part of the file's name: only the port for the default address."""
    return f"{port}" if address == hosts.DEFAULT_ADDRESS else f"{re.sub('[^a-z0-9]', '-', address)}-{port}"


def _new(address: str, port: int) -> _Content:
    name = "snicher-" + "".join(secrets.choice(_LETTERS) for _ in range(NAME_CHARS)) + ".localhost"
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _Content(address, port, name, key.decode())


def _private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("no P-256 key")  # noqa: TRY004
    return key


def _read(path: pathlib.Path, *, mend: bool = True) -> _Content | None:
    """The file's content; None when it doesn't exist, others could have read it, or its content is invalid."""
    try:
        status = path.lstat()
        private = os.name == "nt" or (not stat.S_IMODE(status.st_mode) & 0o077 and status.st_uid == os.geteuid())
        if stat.S_ISREG(status.st_mode) and private:
            content = msgspec.json.decode(ownership.read_private(path), type=_Content)
            _private_key(content.key)
            if _NAME.fullmatch(content.name):
                return content
        why = "it isn't complete" if private else "others could have read it"
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError, HomeRefused):
        why = "it isn't complete"
    if mend:
        log.warning("%s is made anew, because %s. Your browsers need a new link", path, why)
    return None


def _write(path: pathlib.Path, content: _Content) -> None:
    locate.write_private(path, msgspec.json.format(msgspec.json.encode(content), indent=2))
