"""The token that opens the dashboards of one home: kept in a file that only its owner can read, and renewed on wish.

Law of this file: it touches one file and nothing else. All dashboards of a home share the token, so that `honcho` may
start several at once, and a browser that was let in stays in when a dashboard is started again.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import stat

from node.errors import ConfigError

#: Name of the token's file in the home.
TOKEN_FILE = "dashboard.token"
#: Bytes of randomness: far beyond guessing, which is why tries need not be counted.
TOKEN_BYTES = 32
#: A shorter content is no token of ours (somebody truncated or edited the file) and is replaced.
MIN_TOKEN_CHARS = 40


def token_file(home: pathlib.Path) -> pathlib.Path:
    """Where the home's token is kept."""
    return home / TOKEN_FILE


def read_or_create_token(home: pathlib.Path) -> str:
    """The home's token; made when there is none yet, and made anew when others could have read it.

    Safe when several dashboards start at once: all end up with the same token. Raises ConfigError when the home or
    the file can't be used.
    """
    path = token_file(home)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Two rounds are enough: the loser of a race reads what the winner wrote.
        for _ in range(2):
            token = _read(path)
            if token is not None:
                return token
            _create(path)
        token = _read(path)
    except OSError as error:
        raise ConfigError(f"The dashboard can't keep its token in {path}: {error.strerror or error}.") from error
    if token is None:
        raise ConfigError(f"{path} holds no usable token and can't be replaced; delete it and start again.")
    return token


class Key:
    """The home's token as it is now. Another dashboard of the home may renew it: the file is the truth.

    Raises ConfigError, when made, if the home or the file can't be used.
    """

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._token = read_or_create_token(home)
        self._stamp = self._look()

    @property
    def token(self) -> str:
        """The token that lets in right now. While the file is gone or of no use, the one from before does."""
        stamp = self._look()
        if stamp is not None and stamp != self._stamp:
            with contextlib.suppress(OSError):
                self._token = _read(token_file(self._home)) or self._token
            self._stamp = self._look()
        return self._token

    def renew(self) -> str:
        """Make a new token and return it: what was let in with the old one is shut out. Raises ConfigError."""
        path = token_file(self._home)
        try:
            temporary = _write(path)
            temporary.replace(path)
        except OSError as error:
            raise ConfigError(f"No new token could be kept in {path}: {error.strerror or error}.") from error
        return self.token

    def _look(self) -> tuple[int, int] | None:
        """What differs when the file was replaced."""
        try:
            found = token_file(self._home).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


def _read(path: pathlib.Path) -> str | None:
    try:
        status = path.stat()
        token = path.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    exposed = os.name != "nt" and stat.S_IMODE(status.st_mode) & 0o077
    if exposed or len(token) < MIN_TOKEN_CHARS or not token.isascii() or not token.isprintable():
        path.unlink(missing_ok=True)
        return None
    return token


def _create(path: pathlib.Path) -> None:
    """Write a new token, unless somebody else is quicker: `link` never replaces, and never shows half a file."""
    temporary = _write(path)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write(path: pathlib.Path) -> pathlib.Path:
    """A new token in a file of its own beside `path`, which is complete once it goes by that name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary
