"""Putting a backup back as a home of its own. The home appears whole or not at all.

Everything is unpacked and checked in a folder beside the home, which then gets the home's name in one step. Nothing of
the archive becomes a path, so nothing can land elsewhere.

The restored home has no run to go on: its mark (history.py) makes the next start draw a new id for the event log and
for the database, so that front ends begin anew and other nodes see another machine of this identity.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus import ownership
from node.bus.locate import sync_directory
from node.errors import FileTooNew, HomeRefused, KeptFileError, PlaceTaken, StoreError, StoreTooNew
from node.printable import flat
from node.store import archive, backup, database, files, history, identity, sealed
from node.store.files import open_kept

#: Asks for the passphrase of a sealed identity, and opens it.
Unseal = Callable[[sealed.Sealed], Ed25519PrivateKey]


def restore(path: pathlib.Path, home: pathlib.Path, unseal: Unseal) -> archive.Manifest:
    """Make `home` from the backup at `path`; returns the backup's manifest.

    Raises PlaceTaken when the home isn't empty, FileUnfit, FileDamaged, FileTooNew, WrongPassphrase, KeptFileError and
    HomeRefused. Then the home is as it was.
    """
    with open_kept(path) as file:
        manifest = archive.read_manifest(file, str(path))
        newest = database.migrations()[-1][0]
        if manifest.schema > newest:
            raise FileTooNew(
                f"{path} was made by a newer Snicher ({flat(manifest.program)[: archive.MAX_SHOWN]}, schema "
                f"{manifest.schema}; this program knows {newest}). Restore it with the newer program."
            )
        needed, size = sum(part.size for part in manifest.parts), os.fstat(file.fileno()).st_size
        if needed > size:
            raise archive.damaged(str(path), f"it is cut off: its parts have {needed:,} bytes, and it has {size:,}")
        with _place(home) as place:
            files.need_space(place.parent, needed, "this home")
            with files.workspace(place) as folder:
                made = folder / "home"
                made.mkdir(mode=0o700)
                _unpack(file, manifest, str(path), made, unseal)
                _check(manifest, made, str(path))
                history.write_restored(made)
                _name(made, place)
    return manifest


@contextlib.contextmanager
def _place(home: pathlib.Path) -> Iterator[pathlib.Path]:
    """Where the home will be: nothing, or an empty folder of ours. Missing parents are made, and go after a failure."""
    made: list[pathlib.Path] = []

    def remember(folder: pathlib.Path) -> None:
        made.append(folder)
        sync_directory(folder.parent)

    try:
        if ownership.check_home(home) and any(home.iterdir()):
            raise PlaceTaken(
                f"{home} isn't empty, and stays as it is. Restore into a new home with --home DIR, or move it away."
            )
        place = home.resolve()
        ownership.make_directory(place.parent, remember)
    except OSError as error:
        raise KeptFileError(f"The home {home} can't be made: {error.strerror}.") from error
    try:
        yield place
    except BaseException:
        with contextlib.suppress(OSError):
            for folder in reversed(made):
                folder.rmdir()
        raise


def _unpack(file: BinaryIO, manifest: archive.Manifest, name: str, made: pathlib.Path, unseal: Unseal) -> None:
    """Put the parts into a folder, each on the disk. A sealed identity is opened before the database is unpacked."""
    with contextlib.ExitStack() as stack:
        box = bytearray()

        def take(part: archive.Part) -> Callable[[bytes], object]:
            if part.name == archive.SEALED:
                return box.extend
            if box and not identity.exists(made):
                open_box()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            target = stack.enter_context(os.fdopen(os.open(made / part.name, flags, 0o600), "wb"))
            stack.callback(os.fsync, target.fileno())
            stack.callback(target.flush)
            return target.write

        def open_box() -> None:
            found = sealed.read(bytes(box), f"The identity in {name}")
            identity.put(made, unseal(found), found.made)

        archive.read_parts(file, manifest, name, take)
        if box and not identity.exists(made):
            open_box()


def _check(manifest: archive.Manifest, made: pathlib.Path, name: str) -> None:
    """Check that what was unpacked is a home. Raises FileDamaged or FileTooNew."""
    try:
        if identity.read(made).peer != manifest.id:
            raise archive.damaged(name, "its key is another one than it says")
        schema, _, _ = backup.examine(made / archive.DATABASE)
    except StoreTooNew as error:
        raise FileTooNew(f"{name} was made by a newer Snicher. Restore it with the newer program.") from error
    except (StoreError, HomeRefused) as error:
        # What is wrong, without the path of a folder that is gone by now.
        said = str(error).replace(f"{made}{os.sep}", "").partition(". ")[0].rstrip(".")
        raise archive.damaged(name, said) from error
    if schema != manifest.schema:
        raise archive.damaged(name, "its database is of another version than it says")


def _name(made: pathlib.Path, place: pathlib.Path) -> None:
    """Give the folder the home's name, in one step."""
    sync_directory(made)
    try:
        if os.name == "nt" and place.exists():
            place.rmdir()
        # A rename replaces an empty folder, and no other one.
        made.rename(place)
    except OSError as error:
        if place.is_mount():
            raise KeptFileError(
                f"{place} is the root of a disk, which can't be replaced in one step. Choose a folder in it: "
                f"--home {place / 'snicher'}"
            ) from error
        if place.exists() and any(place.iterdir()):
            raise PlaceTaken(f"{place} isn't empty any more, and stays as it is. Was a node started there?") from error
        raise
    sync_directory(place.parent)
