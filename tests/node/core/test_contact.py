"""One peer: its address, its names, how it takes messages."""

from __future__ import annotations

import pytest

from node.bus import bounds, nouns
from node.core.contact import Contact, shown_name
from node.model import Address
from node.protocol.plain.registry import ONE_SHOT, PERSISTENT

BOB = nouns.Peer(id="plain-1", room="plain-1", name="bob", host="10.0.0.1")


def test_it_has_an_address_once_it_has_said_its_port() -> None:
    assert Contact(BOB).address is None
    assert Contact(nouns.Peer(id="plain-1", room="plain-1", name="bob", host="10.0.0.1", port=5)).address == Address(
        "10.0.0.1", 5
    )


def test_what_it_calls_itself_is_its_name_unless_a_person_named_it() -> None:
    assert Contact(BOB).own_name == "bob"
    assert Contact(nouns.Peer(id="plain-1", room="plain-1", name="brother", own_name="bob")).own_name == "bob"


@pytest.mark.parametrize("dialect", [*ONE_SHOT, *PERSISTENT, "unknown"])
def test_it_takes_one_connection_for_each_message_where_its_dialect_does(dialect: str) -> None:
    contact = Contact(nouns.Peer(id="plain-1", room="plain-1", name="bob", dialect=dialect))
    assert contact.one_shot == (dialect in ONE_SHOT)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("bob", "bob"), (None, None), ("", None), ("\x1b[31m", "[31m"), ("\u202ebob\x00", "bob"), ("\u200b", None),
        ("b" * 500, "b" * bounds.MAX_NAME_CHARS), ("  ", None), ("bob      10.0.0.9:5", "bob 10.0.0.9:5"),
        ("a\u00a0\u3000\n\t b", "a b"), ("a \u202e b", "a b"), ("a\u3164\u2800b", "a b"), ("\u3164", None),
        ("b" * 63 + " x", "b" * 63),
    ],
)  # fmt: skip
def test_a_name_is_shown_without_what_cannot_be_printed(said: str | None, shown: str | None) -> None:
    assert shown_name(said) == shown
