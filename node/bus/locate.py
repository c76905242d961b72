"""Finds a node's home and its bus.json: the first thing that every front end does. (BUS.md section 1)

Law of this file: it reads and writes a few small files, and imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
import tempfile

import msgspec
import platformdirs

from node.bus import messages as m
from node.errors import BusProtocolError, ConfigError, NodeAway

#: sun_path of a Unix socket holds 108 bytes with its NUL on Linux, 104 on macOS and the BSDs; libzmq adds nothing.
MAX_IPC_PATH = 100

HOME_VARIABLE = "SNICHER_HOME"


def find_home(explicit: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """The node's home: what was said explicitly, else SNICHER_HOME, else the platform's user-data folder."""
    chosen = explicit or os.environ.get(HOME_VARIABLE) or platformdirs.user_data_dir("snicher", appauthor=False)
    return pathlib.Path(chosen).expanduser().absolute()


def endpoint_file(home: pathlib.Path) -> pathlib.Path:
    """Where the home's bus.json is, or would be."""
    return home / "bus.json"


def read_endpoint(home: pathlib.Path) -> m.Endpoint:
    """What bus.json says.

    Raises NodeAway when there is no such file or its process is gone, BusProtocolError when it can't be read as one.
    """
    path = endpoint_file(home)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NodeAway(f"No node is running on {home}. Start one with: python -m node run --home {home}") from None
    except OSError as error:
        raise NodeAway(f"Can't read {path}: {error.strerror}.") from error
    try:
        endpoint = msgspec.json.decode(content, type=m.Endpoint)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BusProtocolError(f"{path} isn't the connection file of a node: {error}.") from error
    if m.VERSION not in endpoint.versions:
        raise BusProtocolError(
            f"The node on {home} speaks bus versions {endpoint.versions}, this program {m.VERSION}; update one."
        )
    if not is_alive(endpoint.pid):
        raise NodeAway(
            f"The node on {home} is gone without a good-bye (pid {endpoint.pid}). Start it again; nothing is lost."
        )
    return endpoint


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists. On Windows always True: asking there would end it."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def write_private(path: pathlib.Path, content: bytes) -> None:
    """Put `content` into a file only its owner can read, all or nothing, and onto the disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def sync_directory(path: pathlib.Path) -> None:
    """Put a directory's entries onto the disk: only then does a new or renamed file survive a power cut by its name."""
    if os.name == "nt":
        # Windows has no such call; NTFS logs its directories.
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_endpoint(home: pathlib.Path, endpoint: m.Endpoint) -> None:
    """Write bus.json, mode 0600, atomically."""
    write_private(endpoint_file(home), msgspec.json.format(m.encode(endpoint), indent=2))


def remove_endpoint(home: pathlib.Path) -> None:
    """Take bus.json away, if it is there."""
    endpoint_file(home).unlink(missing_ok=True)


def private_directory(path: pathlib.Path) -> pathlib.Path:
    """Make sure that `path` is a directory of ours with mode 0700.

    Raises ConfigError when it belongs to somebody else, is none, or can't be made.
    """
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700, parents=True)
        if os.name != "nt":
            status = path.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
                raise ConfigError(f"{path} must be a directory of your own; it isn't.")
            if stat.S_IMODE(status.st_mode) != 0o700:
                path.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"The directory {path} can't be used: {error.strerror}.") from error
    return path


def allowed_keys(directory: pathlib.Path) -> set[str]:
    """The public keys (Z85, 40 characters) in the `*.key` files of a folder; files that are none are passed over."""
    keys = set()
    for path in directory.glob("*.key"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            key = path.read_text("ascii").strip()
            if len(key) == 40:
                keys.add(key)
    return keys


def socket_directory(home: pathlib.Path, token: str) -> pathlib.Path:
    """Where the `ipc` sockets go: bus/ of the home, or a short private directory when that path would be too long.

    `token` makes the fallback's name unguessable and the home's own.
    """
    longest = len(os.fsencode(home / "bus" / "commands"))
    if longest <= MAX_IPC_PATH:
        return private_directory(home / "bus")
    refused = f"{home} is too long a path for Unix sockets; choose a shorter --home."
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if base and len(os.fsencode(base)) + len(token) + len("/snicher-/commands") <= MAX_IPC_PATH:
            try:
                return private_directory(pathlib.Path(base) / f"snicher-{token}")
            except ConfigError as error:
                refused = f"{refused} ({error})"
    raise ConfigError(refused)
