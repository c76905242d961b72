from __future__ import annotations

import pytest

from node.bus import nouns
from node.core import contacts as module
from node.core import effects as e
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.links import Links
from node.core.plain import Recognising
from node.core.rooms import Rooms
from node.model import Address

HOST = "10.0.0.1"
ME = nouns.Self(id="me", code="", name="anna", listen="0.0.0.0:5000", addresses=["10.0.0.99:5000"])


class Book:
    """Contacts without a node around them."""

    def __init__(self) -> None:
        self.ledger = Ledger("log", 0, 0, 0)
        self.ledger.now = 1_000
        self.rooms = Rooms(self.ledger, [])
        self.contacts = Contacts(self.ledger, self.rooms, "me", [], 0)
        self.contacts.we_are(ME)
        self.recognising = Recognising(self.contacts)

    def identify(self, port: int | None, name: str | None, host: str = HOST) -> Contact:
        return self.recognising.identify(host, port, name, "std")

    def events(self) -> list[str]:
        return [effect.event.type for effect in self.ledger.take() if isinstance(effect, e.Log)]


def test_a_peer_is_its_source_address_and_the_port_it_claims() -> None:
    book = Book()
    bob = book.identify(5000, "bob")
    assert book.events() == ["PeerAdded", "RoomAdded"]
    assert book.identify(5000, "someone else") is bob
    assert book.identify(5001, "bob") is not bob
    assert book.identify(5000, "bob", host="10.0.0.2") is not bob


def test_without_a_port_it_is_the_one_of_that_name_at_that_address() -> None:
    book = Book()
    bob = book.identify(5000, "bob")
    assert book.identify(None, "bob") is bob
    assert book.identify(None, "bob", host="10.0.0.2") is not bob
    eve = book.identify(None, "eve")
    assert eve.peer.port is None
    assert book.identify(None, "eve") is eve


def test_of_two_that_share_a_name_neither_is_guessed() -> None:
    book = Book()
    known = {book.identify(5000, "bob").id, book.identify(5001, "bob").id}
    third = book.identify(None, "bob")
    assert third.id not in known
    assert book.identify(None, "bob") is third


def test_a_name_becomes_a_peer_when_its_port_is_claimed() -> None:
    book = Book()
    bob = book.identify(None, "bob")
    assert book.identify(5000, "bob") is bob
    assert book.contacts.at(HOST, 5000) is bob


def test_where_a_peer_can_be_dialled_follows_its_port() -> None:
    book = Book()
    bob, eve = book.identify(None, "bob"), book.identify(5000, "eve", host="2001:db8::7")
    assert (bob.peer.addresses, eve.peer.addresses) == ([], ["[2001:db8::7]:5000"])
    book.recognising.claim(bob, 5001)
    assert bob.peer.addresses == ["10.0.0.1:5001"]
    book.contacts.change(bob, port=None)
    assert bob.peer.addresses == []


def test_somebody_who_is_connected_is_not_taken_over_by_a_name() -> None:
    book = Book()
    bob = book.identify(None, "bob")
    bob.links.append(Links().up(2, "in", HOST, None, "snicher", two_way=True))
    assert book.identify(5000, "bob") is not bob


def test_nobody_else_listens_where_this_node_does() -> None:
    book = Book()
    liar = book.recognising.identify("10.0.0.99", 5000, "liar", "std")
    assert liar.peer.port is None
    assert book.recognising.claim(liar, 5000) is liar
    assert liar.peer.port is None
    assert book.contacts.is_own(Address("127.0.0.7", 5000))
    assert not book.contacts.is_own(Address("127.0.0.7", 5001))
    assert not book.contacts.is_own(Address(HOST, 5000))


def test_a_claim_joins_the_conversation_that_is_known_there() -> None:
    book = Book()
    known, bob = book.contacts.add(HOST, 5000, None, "unknown", "guess"), book.identify(None, "bob")
    book.contacts.change(bob, wanted=True)
    book.ledger.take()
    assert book.recognising.claim(bob, 5000) is known
    assert (known.peer.name, known.peer.wanted) == ("bob", True)
    assert bob.id not in book.contacts.by_id
    assert bob.peer.room not in book.rooms.by_id
    assert book.events() == ["PeerChanged", "RoomChanged", "PeerChanged", "RoomsMerged", "PeerForgotten"]


def test_a_claim_does_not_rename_who_has_a_name() -> None:
    book = Book()
    known, eve = book.identify(5000, "bob"), book.identify(None, "eve")
    assert book.recognising.claim(eve, 5000) is known
    assert known.peer.name == "bob"


def test_a_change_is_logged_once_and_the_row_written_with_it() -> None:
    book = Book()
    bob = book.identify(5000, "bob")
    book.ledger.take()
    assert book.contacts.change(bob, link="online", error=None)
    assert book.ledger.take()[0] == e.PutPeer(bob.peer)
    assert not book.contacts.change(bob, link="online", error=None)
    assert book.ledger.take() == []


def test_a_new_name_renames_the_conversation_and_is_found() -> None:
    book = Book()
    bob = book.identify(5000, "bob")
    book.ledger.take()
    book.contacts.change(bob, name="Robert")
    assert book.events() == ["PeerChanged", "RoomChanged"]
    assert book.contacts.named("ROBERT") == [bob]
    assert book.contacts.named("bob") == []


def test_last_seen_never_goes_back() -> None:
    book = Book()
    bob = book.identify(5000, "bob")
    book.contacts.seen(bob)
    book.ledger.now -= 500
    book.ledger.take()
    book.contacts.seen(bob)
    assert (bob.peer.last_seen, book.ledger.take()) == (1_000, [])


def test_a_forgotten_peer_is_off_the_list_and_comes_back_with_its_conversation() -> None:
    book = Book()
    bob = book.identify(5000, "bob")
    book.contacts.forget(bob)
    assert book.contacts.named("bob") == []
    book.ledger.take()
    assert book.identify(5000, "bob") is bob
    assert book.events() == ["PeerAdded"]
    assert not bob.gone


def test_a_list_full_of_known_peers_takes_a_stranger_and_nobody_becomes_known_until_somebody_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_PEERS", 2)
    monkeypatch.setattr(module, "NEWCOMERS", 1)
    book = Book()
    bob, eve = book.identify(5000, "bob"), book.identify(5001, "eve")
    book.contacts.stand(bob, "known")
    book.contacts.stand(eve, "asked")
    first, second = book.identify(5002, "mallory"), book.identify(5003, "trent")
    assert (first.gone, second.gone) == (True, False)
    with pytest.raises(OverflowError):
        book.contacts.check_room_for(1)
    with pytest.raises(OverflowError):
        book.contacts.add("10.0.0.9", 5000, None, "unknown", "guess")
    assert book.identify(5000, "bob") is bob
    book.contacts.forget(bob)
    assert book.contacts.add("10.0.0.9", 5000, None, "unknown", "guess").peer.standing == "asked"
    assert not second.gone


def test_one_source_can_t_fill_the_list_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PER_SOURCE", 2)
    book = Book()
    bob, eve = book.identify(5000, "bob"), book.identify(None, "eve")
    for port, name in ((5002, None), (None, "mallory")):
        with pytest.raises(OverflowError, match=r"2 peers are known at 10\.0\.0\.1"):
            book.identify(port, name)
    assert book.identify(5000, "bob") is bob, "who is known is heard"
    assert book.recognising.claim(eve, 5003) is eve, "and so is where it listens"
    assert book.contacts.add("10.0.0.1", 5004, None, "unknown", "guess"), "a person here asked for it"
    assert book.recognising.identify("10.0.0.2", 5000, "bob", "std"), "others don't notice"
    for contact in list(book.contacts.by_id.values()):
        book.contacts.forget(contact)
    assert book.identify(5005, "mallory")
    again = Recognising(module.Contacts(book.ledger, book.rooms, "me", book.contacts.by_id.values(), 9))
    assert again.identify("10.0.0.1", 5006, "trent", "std"), "a restart counts who is on the list"
    with pytest.raises(OverflowError):
        again.identify("10.0.0.1", 5007, "wendy", "std")


def test_a_peer_with_several_addresses_is_found_at_each_of_them() -> None:
    book = Book()
    bob = book.identify(5000, "bob")
    book.contacts.change(bob, addresses=["10.0.0.1:5000", "10.0.0.2:6000"])
    assert book.identify(6000, "bob", host="10.0.0.2") is bob
    assert book.identify(None, "bob", host="10.0.0.2") is bob, "it is known by its name there, too"
    book.contacts.change(bob, port=5001)
    assert bob.peer.addresses == ["10.0.0.1:5001", "10.0.0.2:6000"], "only that one has changed"
    assert book.contacts.at(HOST, 5000) is None
    book.contacts.delete(bob)
    assert [book.contacts.at(host, port) for host, port in ((HOST, 5001), ("10.0.0.2", 6000))] == [None, None]


def test_a_merged_peers_address_is_nobodys() -> None:
    book = Book()
    bob, again = book.identify(5000, "bob"), book.identify(6000, "bob", host="10.0.0.2")
    book.contacts.unite(bob, again)
    assert (again.peer.addresses, book.contacts.at(HOST, 5000)) == (["10.0.0.2:6000"], None)
