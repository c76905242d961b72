"""Finds a node's home and its bus.json, the first thing that every front end does. (BUS.md section 1)

Law of this file: it reads and writes a few small files, and imports nothing heavy.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import pathlib
import shlex
import tempfile
from collections.abc import Mapping

import msgspec
import platformdirs

from node.bus import bounds, encoding, nouns, ownership
from node.errors import BusProtocolError, ConfigError, HomeRefused, NodeAway

#: Longest path of a Unix socket: sun_path has 108 bytes with its NUL on Linux, 104 on macOS and the BSDs.
MAX_IPC_PATH = 100

HOME_VARIABLE = "SNICHER_HOME"
#: How addresses of Unix sockets begin.
IPC = "ipc://"
#: The largest process id that any system gives (a pid_t).
MAX_PID = 2**31 - 1
#: Prefix of the names of socket directories outside a home.
FALLBACK_PREFIX = "snicher-"
#: Largest file with a client's public key, in bytes; a longer one is ignored.
MAX_KEY_BYTES = 1024
#: Longest path of a home, in bytes. PATH_MAX of Linux is 4096 with its NUL, and names of files follow the home's.
MAX_PATH = 3_900
#: Characters of a wrong value that an error quotes.
MAX_QUOTED = 100
#: Precedes the command that starts a node, at the end of an error sentence.
START_WITH = "Start one with:"


def find_home(
    explicit: str | os.PathLike[str] | None = None, environment: Mapping[str, str] = os.environ
) -> pathlib.Path:
    """The node's home: the explicit path, else SNICHER_HOME, else the platform's user-data folder.

    An empty SNICHER_HOME counts as not set. Raises ConfigError, which names the flag or the variable, when the path
    can't be one: empty, not text, longer than any system allows, or in the home folder of a user who doesn't exist.
    """
    if explicit is not None:
        chosen, said = os.fspath(explicit), "--home"
        if not chosen:
            raise ConfigError("--home is empty; it must name a folder. Leave it out for the usual place.")
    elif variable := environment.get(HOME_VARIABLE):
        chosen, said = variable, HOME_VARIABLE
    else:
        chosen, said = platformdirs.user_data_dir("snicher", appauthor=False), "The usual home"
    shown = ascii(chosen) if len(chosen) <= MAX_QUOTED else f"{chosen[:MAX_QUOTED]!a}..."
    if "\0" in chosen:
        raise ConfigError(f"{said} is {shown}; a folder's name can't hold a NUL character.")
    if len(os.fsencode(chosen)) > MAX_PATH:
        raise ConfigError(f"{said} is {shown}; it is longer than the {MAX_PATH} bytes that a path may have.")
    try:
        # bus.json and the bus itself are UTF-8.
        chosen.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{said} is {shown}; its name must be valid UTF-8.") from None
    try:
        home = pathlib.Path(chosen).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        why = getattr(error, "strerror", None) or "there is no such user, or that user has no home folder"
        raise ConfigError(f"{said} is {shown}, which can't be resolved: {why}. Give a full path.") from error
    try:
        wrong = home.exists() and not home.is_dir()
    except OSError as error:
        raise ConfigError(f"{said} is {shown}, which can't be looked at: {error.strerror}.") from error
    if wrong:
        raise ConfigError(f"{said} is {shown}, which is not a folder; it must name one, or one that can be made.")
    return home


def start_command(home: pathlib.Path) -> str:
    """The command that starts the node of this home, for people to type."""
    return f"python -m node run --home {shlex.quote(str(home))}"


def endpoint_file(home: pathlib.Path) -> pathlib.Path:
    """The path of the home's bus.json, whether it exists or not."""
    return home / "bus.json"


#: Device, inode, size and both times (ns) of a bus.json: every write makes another file (`write_private`).
Mark = tuple[int, int, int, int, int]


def mark(path: str) -> Mark | None:
    """What tells the bus.json at this path from every other one; None if there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def read_endpoint(home: pathlib.Path) -> nouns.Endpoint:
    """Read bus.json.

    Raises NodeAway when there is no such file or its process is gone, BusProtocolError when its content is invalid, and
    HomeRefused (a NodeAway and a ConfigError) when somebody else may have put the file or its sockets there.
    """
    path = endpoint_file(home)
    try:
        ownership.check_home(home)
        content = ownership.read_private(path)
    except FileNotFoundError:
        raise NodeAway(f"No node is running on {home}. {START_WITH} {start_command(home)}") from None
    except OSError as error:
        raise NodeAway(f"Can't read {path}: {error.strerror}.") from error
    try:
        endpoint = msgspec.json.decode(content, type=nouns.Endpoint)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BusProtocolError(f"{path} isn't the connection file of a node: {error}.") from error
    if not 1 <= endpoint.pid <= MAX_PID:
        raise BusProtocolError(f"{path} isn't the connection file of a node: {endpoint.pid} is no process.")
    if bounds.VERSION not in endpoint.versions:
        raise BusProtocolError(
            f"The node on {home} speaks bus versions {endpoint.versions}, this program {bounds.VERSION}; update one."
        )
    if not is_alive(endpoint.pid):
        raise NodeAway(
            f"The node on {home} is gone without a good-bye (pid {endpoint.pid}). Start it again; nothing is lost."
        )
    for address in (endpoint.events, endpoint.commands):
        # After a node has ended, its directory may be removed from /tmp and created again by another user.
        if address.startswith(IPC):
            directory = pathlib.Path(address.removeprefix(IPC)).parent
            try:
                ownership.check_above(directory)
                ownership.check_sockets(directory)
            except (OSError, ValueError) as error:
                raise NodeAway(f"The sockets of the node on {home} can't be reached: {directory}: {error}.") from error
    return endpoint


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists. On Windows always True, because the same call would end the process."""
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
    """Write `content` atomically to a file that only its owner can read, and sync it to the disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    # Remove what a crash left under this name; and never write into a file that somebody else put there.
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
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
    """Sync a directory's entries to the disk. Without it, a new or renamed file may lose its name in a power cut."""
    if os.name == "nt":
        # Windows has no such call; NTFS logs its directories.
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_endpoint(home: pathlib.Path, endpoint: nouns.Endpoint) -> None:
    """Write bus.json, mode 0600, atomically."""
    write_private(endpoint_file(home), msgspec.json.format(encoding.encode(endpoint), indent=2))


def remove_endpoint(home: pathlib.Path) -> None:
    """Remove bus.json, if it is there."""
    endpoint_file(home).unlink(missing_ok=True)


def make_home(home: pathlib.Path) -> None:
    """Make the home and its parents if need be, sync each new entry to the disk, and check the home.

    Raises HomeRefused when it isn't ours alone (see ownership), and OSError when it can't be made.
    """
    if not ownership.check_home(home):
        ownership.make_directory(home, lambda made: sync_directory(made.parent))
        # Another process may have made it meanwhile.
        ownership.check_home(home)


def private_directory(path: pathlib.Path) -> pathlib.Path:
    """Make sure that `path` is a directory of ours with mode 0700.

    Raises ConfigError when it belongs to somebody else, isn't a directory, or can't be made.
    """
    try:
        return ownership.own_directory(path)
    except OSError as error:
        raise ConfigError(f"The directory {path} can't be used: {error.strerror}.") from error


def allowed_keys(directory: pathlib.Path) -> set[str]:
    """The public keys (Z85, 40 characters) in the `*.key` files of a folder.

    Skips files without a valid key, and files that belong to anybody but us or root.
    """
    keys = set()
    for path in directory.glob("*.key"):
        with contextlib.suppress(OSError, UnicodeDecodeError, HomeRefused):
            content = ownership.read_private(path, MAX_KEY_BYTES, forbidden=ownership.READABLE, linked=True)
            # Windows editors put a byte-order mark at the beginning.
            key = content.removeprefix(codecs.BOM_UTF8).decode("ascii").strip()
            if len(key) == 40:
                keys.add(key)
    return keys


def socket_directory(home: pathlib.Path) -> pathlib.Path:
    """The directory of the `ipc` sockets: bus/ of the home, or a short private directory if that path is too long.

    The private one is made under an unpredictable name, which bus.json tells front ends. The caller must call
    `remove_sockets` at the end. Raises ConfigError when no directory can be made.
    """
    longest = len(os.fsencode(home / "bus" / "commands"))
    if longest <= MAX_IPC_PATH:
        return private_directory(home / "bus")
    _sweep(home)
    refused = f"{home} is too long a path for Unix sockets; choose a shorter --home."
    for base in dict.fromkeys((os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")):
        # XDG_RUNTIME_DIR counts only if it is the absolute path of a folder that exists.
        if not base or not pathlib.Path(base).is_absolute() or not pathlib.Path(base).is_dir():
            continue
        # mkdtemp adds eight characters.
        if len(os.fsencode(base)) + len(f"/{FALLBACK_PREFIX}12345678/commands") <= MAX_IPC_PATH:
            try:
                ownership.check_above(pathlib.Path(base) / FALLBACK_PREFIX)
                return private_directory(pathlib.Path(tempfile.mkdtemp(prefix=FALLBACK_PREFIX, dir=base)))
            except (OSError, ConfigError) as error:
                refused = f"{refused} ({error})"
    raise ConfigError(refused)


def _sweep(home: pathlib.Path) -> None:
    """Remove the directory outside the home that a killed node left behind; its bus.json still names it."""
    with contextlib.suppress(OSError, ValueError, HomeRefused, msgspec.DecodeError, RecursionError):
        old = msgspec.json.decode(ownership.read_private(endpoint_file(home)), type=nouns.Endpoint)
        directory = pathlib.Path(old.events.removeprefix(IPC)).parent
        if old.events.startswith(IPC):
            ownership.check_sockets(directory)
            remove_sockets(directory)


def remove_sockets(directory: pathlib.Path) -> None:
    """Remove a directory that `socket_directory` made outside the home, with the two sockets in it."""
    if directory.name.startswith(FALLBACK_PREFIX):
        with contextlib.suppress(OSError):
            for name in ("events", "commands"):
                (directory / name).unlink(missing_ok=True)
            directory.rmdir()
