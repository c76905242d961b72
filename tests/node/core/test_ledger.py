from __future__ import annotations

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import queries as q
from node.core.ledger import Ledger

KEY = q.Key("k", b"f")


def ledger() -> Ledger:
    made = Ledger("log", head=7, clock=0, last_message=3)
    made.now = 5
    return made


def test_events_go_on_from_the_newest_on_disk_and_carry_their_cause() -> None:
    book = ledger()
    book.cause = ev.Cause(client="c", request="r")
    book.log(ev.PeerForgotten(peer="plain-1"))
    book.cause = None
    book.log(ev.NodeStopped(reason="x"), room="plain-2", message=9)
    first, second = book.take()
    assert first == e.Log(
        ev.Event(
            v=1, log="log", at=5, type="PeerForgotten", seq=8, cause=ev.Cause(client="c", request="r"),
            data=ev.PeerForgotten(peer="plain-1"),
        )
    )  # fmt: skip
    assert isinstance(second, e.Log)
    assert (second.event.seq, second.event.room, second.event.cause, second.message) == (9, "plain-2", None, 9)


def test_what_is_told_has_no_number() -> None:
    book = ledger()
    book.tell(ev.HealthChanged(health=nouns.Health()))
    (told,) = book.take()
    assert isinstance(told, e.Tell)
    assert told.event.seq is None
    assert book.head == 7


def test_effects_are_taken_once_and_in_order() -> None:
    book = ledger()
    book.put(e.HangUp(1))
    book.put(e.HangUp(2))
    assert book.take() == [e.HangUp(1), e.HangUp(2)]
    assert book.take() == []


def test_ids_are_counted_and_links_that_we_dial_are_odd() -> None:
    book = ledger()
    assert [book.next_message(), book.next_message()] == [4, 5]
    assert [book.next_link(), book.next_link()] == [1, 3]


def test_the_reply_to_a_command_with_a_key_is_kept_and_a_refusal_never_is() -> None:
    book = ledger()
    book.reply(1, "done", KEY)
    book.reply(2, "done", None)
    book.refuse(3, "busy", "Later.", index=1)
    assert book.take() == [
        e.SaveReply(KEY, "done", 5),
        e.Reply(1, "done"),
        e.Reply(2, "done"),
        e.Refuse(3, "busy", "Later.", {"index": 1}),
    ]
