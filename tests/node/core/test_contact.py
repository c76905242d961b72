"""One peer: its address, its names, how it takes messages."""

from __future__ import annotations

import pytest

from node.bus import nouns
from node.core.contact import Contact
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
