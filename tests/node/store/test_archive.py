"""The archive of a backup: read as strictly as it is written."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from node.errors import FileDamaged, FileTooNew, FileUnfit
from node.store import archive
from node.store.archive import Manifest, Part

CONTENT = {"identity": b"a key", "config.toml": b"", "snicher.db": bytes(range(256)) * 9}
PARTS = tuple(archive.part_of(name, iter((content,))) for name, content in CONTENT.items())
MANIFEST = Manifest(1, "0.1.0", 8, "an-id", "anna", "2026-11-27T20:40:19Z", 3, PARTS)


def written(manifest: Manifest = MANIFEST, content: dict[str, bytes] = CONTENT) -> bytes:
    file = io.BytesIO()
    archive.write(file, manifest, {name: io.BytesIO(one) for name, one in content.items()})
    return file.getvalue()


def read(content: bytes) -> tuple[Manifest, dict[str, bytes]]:
    file, found = io.BytesIO(content), dict[str, bytearray]()
    manifest = archive.read_manifest(file, "FILE")

    def take(part: Part) -> Callable[[bytes], object]:
        found[part.name] = bytearray()
        return found[part.name].extend

    archive.read_parts(file, manifest, "FILE", take)
    return manifest, {name: bytes(one) for name, one in found.items()}


def test_what_is_written_is_read() -> None:
    assert read(written()) == (MANIFEST, CONTENT)


def test_any_tar_program_reads_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(written())) as tar:
        assert [(one.name, one.mode, one.isreg()) for one in tar] == [
            (name, 0o600, True) for name in ("snicher-backup.json", *CONTENT)
        ]
        file = tar.extractfile("snicher.db")
        assert file is not None and file.read() == CONTENT["snicher.db"]


def test_every_byte_that_is_changed_or_missing_is_noticed_or_has_no_meaning() -> None:
    whole = written()
    for at in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[at] ^= 0x10
        for content in (bytes(changed), whole[:at]):
            try:
                assert read(content)[1] == CONTENT, at
            except (FileDamaged, FileUnfit) as error:
                assert "FILE" in str(error)
            else:
                assert content is not whole[:at] and len(content) == len(whole), "cut off"


@pytest.mark.parametrize("end", [b"x", bytes(30_000), written()], ids=["a byte", "zeros", "another backup"])
def test_nothing_may_follow(end: bytes) -> None:
    with pytest.raises(FileDamaged, match="doesn't end"):
        read(written() + end)


def test_a_tar_program_may_fill_up_its_end() -> None:
    assert read(written() + bytes(9 * 512))[1] == CONTENT


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1024), b"\xff" * 600, b"PK\x03\x04" * 200])
def test_another_kind_of_file_is_said_to_be_one(content: bytes) -> None:
    with pytest.raises(FileUnfit, match="isn't a backup of Snicher"):
        read(content)


def test_another_archive_is_no_backup() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("README"))
    with pytest.raises(FileUnfit):
        read(file.getvalue())


@pytest.mark.parametrize(
    ("manifest", "what"),
    [
        (replace(MANIFEST, parts=(*PARTS, Part("../../.bashrc", 1, "0" * 64))), "which no backup has"),
        (replace(MANIFEST, parts=(*PARTS, Part("/etc/passwd", 1, "0" * 64))), "which no backup has"),
        (replace(MANIFEST, parts=(*PARTS, Part("history", 1, "0" * 64))), "which no backup has"),
        (replace(MANIFEST, parts=(*PARTS, PARTS[0])), "one identity and one database"),
        (replace(MANIFEST, parts=(*PARTS, Part("identity.sealed", 1, "0" * 64))), "one identity and one database"),
        (replace(MANIFEST, parts=PARTS[:2]), "one identity and one database"),
        (replace(MANIFEST, parts=PARTS[1:]), "one identity and one database"),
        (replace(MANIFEST, parts=(replace(PARTS[0], size=2**40), *PARTS[1:])), "which can't be"),
        (replace(MANIFEST, parts=(replace(PARTS[0], size=-1), *PARTS[1:])), "which can't be"),
        (replace(MANIFEST, parts=(replace(PARTS[0], sha256="x"), *PARTS[1:])), "the sum of its identity is none"),
        (replace(MANIFEST, schema=-1), "impossible numbers"),
        (replace(MANIFEST, format=0), "impossible numbers"),
    ],
)
def test_a_list_of_contents_that_no_snicher_writes_is_refused(manifest: Manifest, what: str) -> None:
    file = io.BytesIO()
    member(file, archive.MANIFEST, msgspec.json.encode(manifest))
    with pytest.raises(FileDamaged, match="damaged") as caught:
        read(file.getvalue())
    assert what in str(caught.value)


def member(file: io.BytesIO, name: str, content: bytes, kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    header = tarfile.TarInfo(name)
    header.size, header.type, header.linkname = len(content), kind, link
    file.write(header.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("identity", tarfile.SYMTYPE),
        ("identity", tarfile.LNKTYPE),
        ("identity", tarfile.CHRTYPE),
        ("identity", tarfile.FIFOTYPE),
        ("identity", tarfile.DIRTYPE),
        ("identity", tarfile.GNUTYPE_SPARSE),
        ("identity", tarfile.XHDTYPE),
        ("identity", tarfile.GNUTYPE_LONGNAME),
        ("../identity", tarfile.REGTYPE),
        ("/identity", tarfile.REGTYPE),
        ("identity/", tarfile.REGTYPE),
        ("./identity", tarfile.REGTYPE),
        ("config.toml", tarfile.REGTYPE),
    ],
)
def test_a_member_that_is_no_ordinary_file_of_its_name_is_refused(name: str, kind: bytes) -> None:
    file = io.BytesIO()
    member(file, archive.MANIFEST, msgspec.json.encode(MANIFEST))
    member(file, name, CONTENT["identity"], kind, "/etc/passwd")
    with pytest.raises(FileDamaged, match="identity isn't where it should be"):
        read(file.getvalue())


def test_a_member_with_another_size_than_its_list_says_is_refused() -> None:
    file = io.BytesIO()
    member(file, archive.MANIFEST, msgspec.json.encode(MANIFEST))
    member(file, "identity", b"a longer key")
    with pytest.raises(FileDamaged, match="isn't where it should be"):
        read(file.getvalue())


def test_a_part_that_was_changed_is_named() -> None:
    whole = written().replace(b"a key", b"A key")
    with pytest.raises(FileDamaged, match="identity isn't as it was"):
        read(whole)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 9000, b"{}", b'{"format": "1"}', b"\xff" * 20, b'{"format": 1}'])
def test_a_list_of_contents_that_is_none_is_damage(content: bytes) -> None:
    file = io.BytesIO()
    member(file, archive.MANIFEST, content)
    with pytest.raises(FileDamaged, match="can't be read"):
        read(file.getvalue())


def test_a_huge_list_of_contents_is_not_read() -> None:
    file = io.BytesIO()
    header = tarfile.TarInfo(archive.MANIFEST)
    header.size = 2**40
    file.write(header.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(FileDamaged, match="more than 16,384 bytes"):
        read(file.getvalue())


def test_a_newer_format_is_not_called_damaged_and_unknown_fields_are_passed_over() -> None:
    file = io.BytesIO()
    member(file, archive.MANIFEST, b'{"format": 2, "all": "new"}')
    with pytest.raises(FileTooNew, match="format 2; this program knows 1"):
        read(file.getvalue())
    more = msgspec.to_builtins(MANIFEST) | {"colour": "green"}
    file = io.BytesIO()
    member(file, archive.MANIFEST, msgspec.json.encode(more))
    file.seek(0)
    assert archive.read_manifest(file, "FILE") == MANIFEST


def test_a_file_that_changes_while_it_is_copied_is_no_part_of_a_backup() -> None:
    with pytest.raises(OSError, match="has changed"):
        written(content=CONTENT | {"identity": b"another key"})


def test_the_sums_are_those_of_sha256() -> None:
    assert PARTS[0] == Part("identity", 5, hashlib.sha256(b"a key").hexdigest())
