"""PROTOCOL.md section 10 says what the code does: its example byte by byte, and its bounds."""

from __future__ import annotations

import pathlib
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core import asking, authoring, feeds, reading, replication, syncs
from node.model import Entry, direct_room
from node.protocol import entries
from node.protocol.secure import frames
from tests.support.authors import author_of, write_entry

PAGE = (pathlib.Path(entries.__file__).parent / "PROTOCOL.md").read_text("utf-8")
SECTION = PAGE[PAGE.index("## 10. ") :]
ONE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
UNITS = {"KiB": 1024, "MiB": 1024 * 1024, "s": 1000, "ms": 1, "": 1}


def example() -> str:
    """The example, as the code makes it."""
    room = direct_room(author_of(ONE), author_of(OTHER))
    entry: Entry = write_entry(ONE, room, b"S" * 16, None, 100, "text", entries.text_body("hello"))
    assert entry.signature is not None
    row = frames.Told(entry.header.author, b"S" * 16, 1, 1, entry.hash)
    lines = [
        f"one       {author_of(ONE)}",
        f"other     {author_of(OTHER)}",
        f"room      {room}",
        f"body      {entries.text_body('hello').hex()}",
        f"header    {entry.header_bytes.hex()}",
        f"signature {entry.signature.hex()}",
        f"RUN       {frames.encode(frames.Run(room, [entry.header_bytes], [entry.body], entry.signature)).hex()}",
        f"HAVE      {frames.encode(frames.Have(room, [row])).hex()}",
        f"DIGEST    {frames.encode(frames.Digest([(room, entries.digest([row]))])).hex()}",
        f"WANT      {frames.encode(frames.Want(room, entry.header.author, b'S' * 16, 0, True)).hex()}",
        f"READ      {frames.encode(frames.Read(room, [(entry.header.author, b'S' * 16, 1)])).hex()}",
        f"TYPING    {frames.encode(frames.Typing(room, 6)).hex()}",
        f"STOP      {frames.encode(frames.Stop(room, entry.header.author, b'S' * 16)).hex()}",
    ]
    return "\n".join(lines)


def test_the_example_is_what_the_code_writes() -> None:
    assert example() in SECTION


def test_the_example_can_be_read_again() -> None:
    for line in example().splitlines():
        name, _, value = line.partition(" ")
        if name.isupper():
            frame = frames.decode(bytes.fromhex(value.strip())[4:])
            assert frame is not None
            assert type(frame).__name__.upper() == name


def test_the_bounds_are_those_of_the_code() -> None:
    modules = {
        "asking": asking,
        "authoring": authoring,
        "feeds": feeds,
        "reading": reading,
        "replication": replication,
        "syncs": syncs,
    }
    found = re.findall(r"^\| `(\w+)\.(\w+)` \| (\d+) ?(\w*) \|", SECTION, re.MULTILINE)
    assert len(found) == 14
    for module, name, number, unit in found:
        assert getattr(modules[module], name) == int(number) * UNITS[unit], name
