"""The tag by which those who know a key recognise its node on a network, and nobody else does."""

from __future__ import annotations

import hashlib

import pytest

from node.protocol import nearby

PEER = "a" * 52
DAY = 20_600


def test_a_tag_is_eight_bytes_of_a_hash_over_the_key_and_the_day() -> None:
    assert nearby.tag(PEER, DAY) == hashlib.sha256(b"snicher mdns\0" + PEER.encode() + b"\x002026-05-27").digest()[:8]
    assert len({nearby.tag(PEER, DAY), nearby.tag(PEER, DAY + 1), nearby.tag("b" * 52, DAY)}) == 3


def test_a_record_says_nothing_but_its_version_and_the_tag() -> None:
    assert nearby.txt(PEER, DAY) == {b"v": b"1", b"t": nearby.tag(PEER, DAY)}
    assert nearby.read(nearby.txt(PEER, DAY)) == nearby.tag(PEER, DAY)


@pytest.mark.parametrize(
    "record",
    [
        {}, {b"v": b"1"}, {b"t": b"12345678"}, {b"v": b"2", b"t": b"12345678"}, {b"v": None, b"t": b"12345678"},
        {b"v": b"1", b"t": None}, {b"v": b"1", b"t": b"1234567"}, {b"v": b"1", b"t": b"123456789"},
        {b"V": b"1", b"T": b"12345678"},
    ],
)  # fmt: skip
def test_another_record_is_no_node_s(record: dict[bytes, bytes | None]) -> None:
    assert nearby.read(record) is None


def test_every_time_has_a_day() -> None:
    assert (nearby.day_of(0), nearby.day_of(86_399_999), nearby.day_of(86_400_000)) == (0, 0, 1)
    for now in (-(10**18), 10**18):
        assert len(nearby.tags(PEER, nearby.day_of(now))) == 3


@pytest.mark.parametrize(
    ("name", "instance"),
    [
        ("0123456789abcdef._snicher._tcp.local.", "0123456789abcdef"),
        ("0123456789ABCDEF._snicher._tcp.local.", None),
        ("0123456789abcde._snicher._tcp.local.", None),
        ("anna's laptop._snicher._tcp.local.", None),
        ("0123456789abcdef._http._tcp.local.", None),
        ("x.0123456789abcdef._snicher._tcp.local.", None),
        ("_snicher._tcp.local.", None),
        ("", None),
    ],
)
def test_only_names_as_nodes_make_them_count(name: str, instance: str | None) -> None:
    assert nearby.instance_of(name) == instance
