from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus import bounds, nouns
from node.bus import events as ev
from node.core import effects as e
from node.core import queries as q
from node.core.ledger import Ledger
from node.core.rooms import Rooms
from node.protocol.plain.codec import Text
from tests.support.authors import write_entry

ME = nouns.Self(id="me", code="", name="anna", listen="", addresses=[])


class Talk:
    """Two conversations, "known" and "passing"."""

    def __init__(self) -> None:
        self.ledger = Ledger("log", 0, 0, 0)
        self.ledger.now = 1_000
        self.rooms = Rooms(self.ledger, [])
        for name in ("known", "passing"):
            self.rooms.add_plain(name, name, name)
        self.ledger.take()

    def hear(self, room: str, count: int = 1) -> None:
        self.rooms.receive(room, room, room, [Text(f"text {n}") for n in range(count)])

    def merge(self) -> list[e.Effect]:
        self.ledger.take()
        self.rooms.merge("passing", "known")
        return self.ledger.take()

    def room(self, room: str = "known") -> nouns.Room:
        return self.rooms.by_id[room]


def test_texts_that_come_together_are_one_row_of_the_room() -> None:
    talk = Talk()
    assert (
        talk.rooms.receive("known", "known", "bob", [Text("one"), Text("two", marks=("not-utf8",), raw=b"\xff")]) == 2
    )
    one, first, two, second, row = talk.ledger.take()
    assert isinstance(one, e.AddMessage) and isinstance(two, e.AddMessage)
    assert (one.message.id, two.message.id, two.raw, two.message.marks) == (1, 2, b"\xff", ["not-utf8"])
    assert one.message.order < two.message.order
    assert isinstance(first, e.Log) and isinstance(second, e.Log)
    assert [first.message, second.message] == [1, 2]
    assert row == e.PutRoom(talk.room())
    assert (talk.room().unread, talk.room().last) == (2, two.message)


def test_a_notice_is_neither_unread_nor_the_last_message() -> None:
    talk = Talk()
    talk.rooms.notice("known", "known", "bob", "said hello")
    message, event = talk.ledger.take()
    assert isinstance(message, e.AddMessage) and isinstance(event, e.Log)
    assert message.message.kind == "notice"
    assert (talk.room().unread, talk.room().last) == (0, None)


def test_the_rooms_last_message_follows_its_state_and_is_cut() -> None:
    talk = Talk()
    message = talk.rooms.accept("known", "known", ME, ["x" * 500])[0]
    last = talk.room().last
    assert last is not None and len(last.text) == bounds.PREVIEW_CHARS and len(message.text) == 500
    talk.rooms.state("known", message.id, "bob", "sent", "why", ["parts"])
    talk.rooms.state("known", message.id, "bob", "unconfirmed")
    last = talk.room().last
    assert last is not None and (last.state, last.detail, last.marks) == ("unconfirmed", None, ["parts"])


def test_a_room_in_the_log_holds_no_text() -> None:
    talk = Talk()
    talk.hear("known")
    talk.ledger.take()
    talk.rooms.rename("known", "bob")
    talk.rooms.rename("known", "bob")
    (row, event) = talk.ledger.take()
    assert isinstance(row, e.PutRoom) and row.room.last is not None
    assert isinstance(event, e.Log) and event.event.data.room.last is None


def test_merging_counts_what_is_unread_from_the_oldest_that_is() -> None:
    talk = Talk()
    talk.hear("known", 5)
    talk.rooms.read("known", 5, 0)
    talk.hear("passing", 2)
    put, row, event = talk.merge()
    assert put == e.MergeRooms("passing", "known")
    assert row == e.PutRoom(talk.room())
    assert isinstance(event, e.Log) and isinstance(event.event.data, ev.RoomsMerged)
    # Exact without asking the disk: 6 and 7 came after everything in "known" was read.
    assert (talk.room().unread, talk.room().read_upto) == (2, 5)
    last = talk.room().last
    assert last is not None and last.room == "known"


def test_merging_twice_keeps_the_mark_below_the_oldest_unread_text() -> None:
    talk = Talk()
    talk.rooms.add_plain("third", "third", "third")
    talk.hear("known", 5)
    talk.rooms.read("known", 5, 0)
    talk.hear("passing", 2)
    talk.merge()
    talk.hear("third")
    talk.rooms.merge("third", "known")
    # 6 is still the oldest unread text: the second merge knows it from the first, and the mark stays where it was.
    assert (talk.room().unread, talk.room().read_upto) == (3, 5)


def test_merging_lets_the_disk_count_where_read_texts_stand_above_the_mark() -> None:
    talk = Talk()
    talk.hear("passing", 2)
    talk.hear("known", 3)
    talk.rooms.read("known", 5, 0)
    *_, fetch = talk.merge()
    assert isinstance(fetch, e.Fetch) and isinstance(fetch.query, q.CountUnread)
    query = fetch.query
    assert (query.after, query.upto, query.unread) == (0, 5, 2)
    talk.hear("known")
    talk.rooms.recount(query, 5)
    assert (talk.room().unread, talk.room().read_upto) == (6, 0)


def test_a_count_is_worth_nothing_once_the_mark_has_moved() -> None:
    talk = Talk()
    talk.hear("passing", 2)
    talk.hear("known", 3)
    talk.rooms.read("known", 5, 0)
    *_, fetch = talk.merge()
    assert isinstance(fetch, e.Fetch) and isinstance(fetch.query, q.CountUnread)
    talk.rooms.read("known", 1, 1)
    # What is unread is still an estimate: the disk is asked again.
    again = [effect for effect in talk.ledger.take() if isinstance(effect, e.Fetch)]
    assert [one.query.after for one in again if isinstance(one.query, q.CountUnread)] == [1]
    talk.rooms.recount(fetch.query, 5)
    assert talk.ledger.take() == []


def test_rooms_without_anything_unread_keep_the_higher_mark() -> None:
    talk = Talk()
    talk.hear("known", 3)
    talk.rooms.read("known", 3, 0)
    assert not [effect for effect in talk.merge() if isinstance(effect, e.Fetch)]
    assert (talk.room().unread, talk.room().read_upto) == (0, 3)


def test_a_conversation_begins_after_all_that_was_said_before_whatever_the_clock_says() -> None:
    talk = Talk()
    talk.hear("known", 3)
    talk.ledger.now -= 2 * 3600_000
    talk.rooms.add_plain("later", "later", "p-later")
    assert talk.rooms.by_id["later"].read_upto == 3
    talk.hear("known")
    last = talk.rooms.by_id["known"].last
    assert last is not None and last.id > talk.rooms.by_id["later"].read_upto
    talk.hear("later", 2)
    assert (talk.rooms.by_id["later"].unread, talk.rooms.by_id["later"].read_upto) == (2, 3)


def test_what_waited_in_clear_is_the_newest_of_its_room_once_it_is_an_entry() -> None:
    talk = Talk()
    waits = talk.rooms.accept("known", "known", ME, ["waits"])[0]
    talk.hear("known")
    talk.ledger.take()
    entry = write_entry(Ed25519PrivateKey.generate(), "known", bytes(16), None, 2**60, "text", b"")
    talk.rooms.sign(waits, entry)
    last = talk.room().last
    assert last is not None and (last.id, last.entry is not None) == (waits.id, True)
    effects = talk.ledger.take()
    assert [one.room.last for one in effects if isinstance(one, e.PutRoom)] == [last], "and so it is on disk"


def test_what_becomes_an_entry_before_the_newest_leaves_that_as_it_is() -> None:
    talk = Talk()
    waits = talk.rooms.accept("known", "known", ME, ["waits"])[0]
    talk.hear("known")
    newest = talk.room().last
    talk.rooms.sign(waits, write_entry(Ed25519PrivateKey.generate(), "known", bytes(16), None, 1, "text", b""))
    assert talk.room().last == newest
