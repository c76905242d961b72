"""Files that people keep and bring back: exported identities and backups. What must hold whatever is in them.

Each input of the corpus is used as it is, and put into a good file.
"""

from __future__ import annotations

import functools
import io
import pathlib
import random
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.errors import FileDamaged, FileTooNew, FileUnfit
from node.store import archive, sealed

_CONTENT = {"identity": b"a key", "config.toml": b"name = 1\n", "snicher.db": bytes(range(256)) * 5}


@functools.cache
def _exported() -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return sealed.seal(key, sealed.UNKNOWN, "a passphrase", min(sealed.COSTS))


@functools.cache
def _archived() -> bytes:
    parts = tuple(archive.part_of(name, iter((content,))) for name, content in _CONTENT.items())
    file = io.BytesIO()
    manifest = archive.Manifest(1, "0", 8, "id", "anna", "2026-11-27T20:40:19Z", 1, parts)
    archive.write(file, manifest, {name: io.BytesIO(content) for name, content in _CONTENT.items()})
    return file.getvalue()


def _inputs(good: bytes, data: bytes, rng: random.Random) -> list[bytes]:
    """The data, and a good file with the data in it, in place of some of it, or at its end."""
    at, length = rng.randint(0, len(good)), rng.choice((0, 1, 16, len(data)))
    return [data, good[:at] + data[: rng.choice((1, 8, 200_000))] + good[at + length :], good[:at] + data]


def importing(data: bytes, rng: random.Random) -> None:
    """A whole exported identity within its bounds, or an error that names the file; never a key without its sum."""
    for content in _inputs(_exported(), data, rng):
        try:
            found = sealed.read(content, "FILE")
        except (FileUnfit, FileDamaged, FileTooNew) as error:
            assert str(error).startswith("FILE ")
            continue
        assert found.cost in sealed.COSTS
        assert (len(found.salt), len(found.nonce), len(found.box)) == (16, 12, 48)
        assert found == sealed.read(_exported(), "FILE"), "nobody can write another one by chance"


def restoring(data: bytes, rng: random.Random) -> None:
    """Parts by the names that a backup has, no larger than the file, as their sums say; or an error with its name."""
    for content in _inputs(_archived(), data, rng):
        file, taken = io.BytesIO(content), dict[str, bytearray]()

        def take(part: archive.Part, taken: dict[str, bytearray] = taken) -> Callable[[bytes], object]:
            assert part.name in archive.MAX_PART and pathlib.PurePath(part.name).name == part.name
            assert part.name not in taken
            taken[part.name] = bytearray()
            return taken[part.name].extend

        try:
            manifest = archive.read_manifest(file, "FILE")
            archive.read_parts(file, manifest, "FILE", take)
        except (FileUnfit, FileDamaged, FileTooNew) as error:
            assert str(error).startswith("FILE ")
        else:
            assert {"snicher.db"} < set(taken)
            assert [archive.part_of(name, iter((bytes(one),))) for name, one in taken.items()] == list(manifest.parts)
        assert sum(map(len, taken.values())) <= len(content)


KEPT: dict[str, Callable[[bytes, random.Random], None]] = {"exported identity": importing, "backup": restoring}
