"""A backup as a file: a plain tar archive of a few named parts, read as strictly as it is written.

The format, version 1 (normative). Any tar program lists and unpacks it.

    snicher-backup.json   the manifest, which comes first: version of the format, program, schema, whose, when, how many
                          messages, and name, size and SHA-256 of each part, in order
    identity              the key in clear, as a home has it; or
    identity.sealed       the same, encrypted with a passphrase (sealed.py)
    config.toml           where there is one
    snicher.db            the database, made by SQLite's own backup: it needs no write-ahead log

Each member is an ordinary file with a header of one block (512 bytes), mode 0600, filled up to whole blocks. Two blocks
of zeros end the archive. Nothing is compressed, so no file becomes larger than the archive is. A reader takes exactly
these members, at most once each, in the order of the manifest. No member's name becomes a path: names are compared with
the ones above. The sums protect from accidents only; whoever can write to a backup can make them right.

Law of this file: bytes in and out. It opens no file and knows no database.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

import msgspec

from node.errors import FileDamaged, FileTooNew, FileUnfit
from node.printable import flat
from node.store import sealed

FORMAT = 1
MANIFEST = "snicher-backup.json"
IDENTITY, SEALED, CONFIG, DATABASE = "identity", "identity.sealed", "config.toml", "snicher.db"
#: Most bytes of the manifest (it has about 600), and of each part. The database is bounded by the archive's own size.
MAX_MANIFEST = 16 * 1024
MAX_PART = {IDENTITY: 16 * 1024, SEALED: sealed.MAX_BYTES, CONFIG: 16 * 1024, DATABASE: 2**62}
BLOCK = 512
#: Bytes read or written at once.
PIECE = 1024 * 1024
#: Most zeros after the last member: tar programs fill up to 20 blocks.
MAX_END = 20 * BLOCK
#: Most characters of a text in the manifest that is shown.
MAX_SHOWN = 64


class Part(msgspec.Struct, frozen=True):
    """One part, as the manifest tells of it."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. A reader ignores fields that it doesn't know."""

    format: int
    #: Version of the program that made it, and of the database's schema.
    program: str
    schema: int
    #: PeerId and name of the node.
    id: str
    name: str
    #: When, as 2026-11-27T20:40:19Z (UTC).
    made: str
    messages: int
    parts: tuple[Part, ...]

    def size_of(self, name: str) -> int:
        """Bytes of a part; 0 when there is none of that name."""
        return sum(part.size for part in self.parts if part.name == name)


class _Format(msgspec.Struct, frozen=True):
    format: int


def part_of(name: str, pieces: Iterator[bytes]) -> Part:
    """What the manifest tells of a part with this content."""
    size, sha = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        sha.update(piece)
    return Part(name, size, sha.hexdigest())


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """A file in pieces."""
    while piece := file.read(PIECE):
        yield piece


def _whole(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


# -- writing


def write(file: BinaryIO, manifest: Manifest, sources: Mapping[str, BinaryIO]) -> None:
    """Write an archive; `sources` has the content of each part of the manifest. Raises OSError."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=0)
    at = int(datetime.datetime.fromisoformat(manifest.made).timestamp())
    _member(file, MANIFEST, at, len(content), iter((content,)))
    for part in manifest.parts:
        _member(file, part.name, at, part.size, pieces(sources[part.name]))
    file.write(bytes(2 * BLOCK))


def _member(file: BinaryIO, name: str, at: int, size: int, content: Iterator[bytes]) -> None:
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, 0o600, at
    file.write(header.tobuf(tarfile.GNU_FORMAT))
    written = 0
    for piece in content:
        file.write(piece)
        written += len(piece)
    if written != size:
        raise OSError(0, f"{name} has changed while it was copied")
    file.write(bytes(_whole(size) - size))


# -- reading


def read_manifest(file: BinaryIO, name: str) -> Manifest:
    """The manifest at the beginning of an archive; `name` is what errors call the file.

    Raises FileUnfit when it is no backup, FileTooNew or FileDamaged.
    """
    found = _header(file.read(BLOCK))
    if found is None or found.name != MANIFEST:
        raise FileUnfit(f"{name} isn't a backup of Snicher, or its beginning is damaged.")
    if found.size > MAX_MANIFEST:
        raise damaged(name, f"its list of contents has more than {MAX_MANIFEST:,} bytes")
    content = file.read(_whole(found.size))[: found.size]
    if len(content) < found.size:
        raise damaged(name, "it is cut off")
    try:
        version = msgspec.json.decode(content, type=_Format).format
        if version > FORMAT:
            raise FileTooNew(
                f"{name} was made by a newer Snicher (format {version}; this program knows {FORMAT}). "
                "Restore it with the newer program."
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise damaged(name, "its list of contents can't be read") from error
    _check(manifest, name)
    return manifest


def _check(manifest: Manifest, name: str) -> None:
    names = [part.name for part in manifest.parts]
    for part in manifest.parts:
        if part.name not in MAX_PART:
            raise damaged(name, f"it holds {flat(part.name)[:MAX_SHOWN]!r}, which no backup has")
        if not 0 <= part.size <= MAX_PART[part.name]:
            raise damaged(name, f"its {part.name} has {part.size:,} bytes, which can't be")
        if re.fullmatch(r"[0-9a-f]{64}", part.sha256) is None:
            raise damaged(name, f"the sum of its {part.name} is none")
    if len(names) != len(set(names)) or len({IDENTITY, SEALED} & set(names)) != 1 or DATABASE not in names:
        raise damaged(name, "it must hold one identity and one database")
    if manifest.format != FORMAT or not 0 <= manifest.schema < 2**31 or not 0 <= manifest.messages < 2**63:
        raise damaged(name, "its list of contents has impossible numbers")


def read_parts(
    file: BinaryIO, manifest: Manifest, name: str, take: Callable[[Part], Callable[[bytes], object]]
) -> None:
    """Read all parts, and check them. `take` gets each part before its content, and returns what takes the pieces.

    When `take` is called for a part, those before it are whole. Raises FileDamaged.
    """
    for part in manifest.parts:
        found = _header(file.read(BLOCK))
        if found is None or (found.name, found.size) != (part.name, part.size):
            raise damaged(name, f"{part.name} isn't where it should be")
        left, sha, put = part.size, hashlib.sha256(), take(part)
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise damaged(name, f"it is cut off within {part.name}")
            put(piece)
            sha.update(piece)
            left -= len(piece)
        file.read(_whole(part.size) - part.size)
        if sha.hexdigest() != part.sha256:
            raise damaged(name, f"{part.name} isn't as it was")
    end = file.read(MAX_END + 1)
    if not 2 * BLOCK <= len(end) <= MAX_END or end.strip(b"\0"):
        raise damaged(name, "it doesn't end as a backup does")


def _header(block: bytes) -> tarfile.TarInfo | None:
    """The header of an ordinary member; None for anything else. Pure."""
    try:
        found = tarfile.TarInfo.frombuf(block, "ascii", "replace")
    except (tarfile.HeaderError, ValueError):
        return None
    return found if found.type == tarfile.REGTYPE and found.size >= 0 else None


def damaged(name: str, what: str) -> FileDamaged:
    """The error about a backup that isn't what was written once."""
    return FileDamaged(f"{name} is damaged: {what}. Nothing of it was used. Copy it again, or take another backup.")
