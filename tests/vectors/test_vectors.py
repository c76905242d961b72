"""The vectors are what the code writes; the code reads them; and so does a reader that knows PROTOCOL.md only."""

from __future__ import annotations

import ast
import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node import model
from node.errors import HandshakeFailed, InvalidEntry, InvalidFrame
from node.peers import tls
from node.protocol import entries
from node.protocol.secure import frames, offer
from tests.vectors import independent, made
from tests.vectors.independent import Held, Refused

FILE = made.FILE
V: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
PAGE = FILE.with_name("PROTOCOL.md").read_text("utf-8")
SECTION = PAGE.partition("\n## 11. ")[2]
#: What the code says of an invalid run, for each reason.
SENTENCES = {
    "prev": "continues another chain|The first header continues nothing",
    "held": "is another than the one held",
    "clock": "doesn't advance",
    "number": "doesn't follow",
    "stream": "one stream only",
    "room": "another room",
    "body": "isn't the one that was signed",
    "signature": "The signature isn't the author's",
    "peer": "The signature isn't the author's",
    "header": "Not a header|A stream or hash|A number or clock|ninth element|A header of",
    "certificate": "can't be read",
    "ca": "one of an authority",
    "authority": "isn't signed by",
    "key": "isn't an Ed25519 key",
}
#: The invalid ones, each with its kind.
CASES = [(group, one) for group in V["invalid"] for one in V["invalid"][group]]


def value(shown: Any) -> Any:
    """A value as it was before it was put in JSON."""
    if isinstance(shown, dict) and list(shown) == ["bin"]:
        return bytes.fromhex(shown["bin"])
    if isinstance(shown, dict) and list(shown) == ["int"]:
        return int(shown["int"])
    if isinstance(shown, list):
        return [value(one) for one in shown]
    if isinstance(shown, dict):
        return {key: value(one) for key, one in shown.items()}
    return shown


def data(one: dict[str, Any]) -> bytes:
    return bytes.fromhex(one["hex"])


def held(one: dict[str, Any]) -> Held | None:
    return one["held"] and Held(one["held"]["n"], bytes.fromhex(one["held"]["hash"]), value(one["held"]["clock"]))


def named(vectors: list[dict[str, Any]]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A test for each of these vectors."""
    return pytest.mark.parametrize("one", vectors, ids=[one.get("name", str(at)) for at, one in enumerate(vectors)])


def test_the_code_writes_exactly_these_bytes() -> None:
    assert made.text() == FILE.read_text("utf-8"), "if that was meant, make them anew: python -m tests.vectors"


def test_the_reader_of_the_page_knows_nothing_of_the_code() -> None:
    tree = ast.parse(pathlib.Path(independent.__file__).read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    assert not [name for name in imported if name is None or name.split(".")[0] in ("node", "tests")]


def test_the_page_names_every_part_and_every_reason() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", SECTION, re.MULTILINE))
    reasons = {one["reason"] for _, one in CASES}
    assert told == (set(V) - {"about", "protocol"}) | reasons
    assert "`python -m tests.vectors`" in SECTION


# -- identities


@named(V["keys"])
def test_keys(one: dict[str, Any]) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(one["secret"])).public_key().public_bytes_raw()
    assert key.hex() == one["public"]
    for peer_id, public_key, code in (
        (model.peer_id, model.public_key, model.short_code),
        (independent.peer_of, independent.key_of, independent.code_of),
    ):
        assert peer_id(key) == one["peer"]
        assert public_key(one["peer"]) == key
        assert code(one["peer"]) == one["code"]


@named(V["rooms"])
def test_rooms(one: dict[str, Any]) -> None:
    for direct_room in (model.direct_room, independent.direct_room):
        assert direct_room(*one["of"]) == direct_room(*reversed(one["of"])) == one["id"]


def test_the_authority_is_the_public_one() -> None:
    assert independent.authority().private_bytes_raw().hex() == V["authority"]["secret"]
    with pytest.raises(Refused, match=r"^ca$"):
        independent.certificate_key(bytes.fromhex(V["authority"]["certificate"]))


@named(V["certificates"])
def test_certificates(one: dict[str, Any]) -> None:
    assert independent.peer_of(independent.certificate_key(data(one))) == one["peer"]
    assert model.peer_id(tls._key_of(data(one))) == one["peer"]


# -- first bytes


@named(V["offers"])
def test_offers(one: dict[str, Any]) -> None:
    assert independent.offered_port(data(one)) == one["port"]
    assert offer.OfferReader().take(data(one), 0.0) == offer.Offered(one["port"], b"")


def test_the_answer() -> None:
    answer = bytes.fromhex(V["answer"])
    independent.check_answer(answer)
    assert offer.AnswerReader().take(answer) == b""


# -- entries and frames


@named(V["entries"])
def test_entries(one: dict[str, Any]) -> None:
    header, body, signature = data(one["header"]), data(one["body"]), bytes.fromhex(one["signature"])
    found = independent.header(header)
    assert found == value(one["header"]["value"])
    assert independent.hashlib.sha256(header).hexdigest() == one["hash"]
    assert independent.hashlib.sha256(body).digest() == found[7]
    independent.check_signature(found[1], header, signature)
    assert msgspec.msgpack.decode(body) == value(one["body"]["value"])

    read = entries.read_header(header)
    before = found[8] if read.n == 1 else None
    assert msgspec.structs.astuple(read) == (*found[:8], before and tuple(before))
    assert entries.header_hash(header).hex() == one["hash"]
    assert entries.text_of(body) == value(one["body"]["value"]).get("text")


@named([*V["frames"], *V["tolerated"]])
def test_frames(one: dict[str, Any]) -> None:
    expected = value(one["value"])
    assert independent.frame(data(one)) == expected
    found = frames.decode(data(one)[4:])
    assert (found and msgspec.msgpack.decode(frames.encode(found)[4:])) == expected


def test_frames_of_every_type_are_among_them() -> None:
    types = {value(one["value"])[0] for one in V["frames"]}
    assert types == set(independent._FRAMES) == frames._KNOWN


@named(V["digests"])
def test_digests(one: dict[str, Any]) -> None:
    rows = value(one["rows"])
    assert independent.digest(rows[::-1]) == (bytes.fromhex(one["hashed"]), bytes.fromhex(one["digest"]))
    assert entries.digest([frames.Told(*row[:2], 1, *row[2:]) for row in rows]).hex() == one["digest"]


def by_code(one: dict[str, Any]) -> list[int]:
    """The numbers of the entries that the node takes of a RUN."""
    at = held(one)
    frame = frames.decode(data(one)[4:])
    assert isinstance(frame, frames.Run)
    position = at and model.Position(at.n, at.hash)
    clock = at.clock if at else -1
    found = entries.check_run(one["room"], frame.headers, frame.bodies, frame.signature, position, clock)
    return [entry.header.n for entry in found]


def by_page(one: dict[str, Any]) -> list[int]:
    """The numbers of the entries that the page's reader takes of a RUN."""
    frame = independent.frame(data(one))
    assert frame is not None
    return independent.check_run(one["room"], *frame[2:], held(one))


@named(V["runs"])
def test_runs(one: dict[str, Any]) -> None:
    assert by_page(one) == by_code(one) == one["takes"]


# -- invalid ones


def _of_page(group: str, one: dict[str, Any]) -> object:
    if group == "peers":
        return independent.key_of(one["text"])
    if group == "runs":
        return by_page(one)
    read: dict[str, Callable[[bytes], object]] = {
        "certificates": independent.certificate_key,
        "offers": independent.offered_port,
        "answers": independent.check_answer,
        "headers": independent.header,
        "frames": independent.frame,
    }
    return read[group](data(one))


def _of_code(group: str, one: dict[str, Any]) -> object:
    """What the code makes of it. It has no error for what is no offer or answer: that is clear text."""
    if group == "peers":
        return model.public_key(model.PeerId(one["text"]))
    if group == "runs":
        return by_code(one)
    if group == "offers":
        assert offer.OfferReader().take(data(one), 0.0) is None
        raise ValueError
    if group == "answers":
        reader = offer.AnswerReader()
        assert reader.take(data(one)) is None
        assert not reader.possible
        raise ValueError
    read: dict[str, Callable[[bytes], object]] = {
        "certificates": tls._key_of,
        "headers": entries.read_header,
        "frames": lambda data: [frames.decode(part) for part in frames.Splitter().feed(data)],
    }
    return read[group](data(one))


@pytest.mark.parametrize(("group", "one"), CASES, ids=[f"{group}: {one['name']}" for group, one in CASES])
def test_what_is_invalid_is_refused_for_its_reason(group: str, one: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=f"^{one['reason']}$"):
        _of_page(group, one)
    errors = {"certificates": HandshakeFailed, "headers": InvalidEntry, "runs": InvalidEntry, "frames": InvalidFrame}
    words = SENTENCES[one["reason"]] if group in ("certificates", "headers", "runs") else None
    with pytest.raises(errors.get(group, ValueError), match=words):
        _of_code(group, one)
