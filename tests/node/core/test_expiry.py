"""Messages that were kept long enough: which go, what that changes, and what happens meanwhile."""

from __future__ import annotations

from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.protocol.plain.codec import Announced
from tests.node.core.desk import BOB, CAUSE, Desk, data, events, only, result

ROOM = "plain-1"


def ask_store(desk: Desk, before: int | None = None, after: int = 0) -> q.FindOld:
    """A step is due; what the store is asked. Without a time, all that was said before now is old."""
    (fetch,) = only(e.Fetch, desk.give(s.ExpiryDue(desk.now if before is None else before, after, 100)))
    assert isinstance(fetch.query, q.FindOld)
    return fetch.query


def answer(desk: Desk, query: q.FindOld | q.CountRead | q.ReadMessage) -> list[e.Effect]:
    return desk.give(desk.store.answer(query))


def expire(desk: Desk, before: int | None = None) -> list[e.Effect]:
    return answer(desk, ask_store(desk, before))


def heard(desk: Desk, *texts: str) -> None:
    desk.call(2)
    desk.hear(2, *texts)
    desk.now += 1_000


def test_what_is_old_goes_and_what_came_later_stays() -> None:
    desk = Desk()
    heard(desk, "one", "two")
    middle = desk.now
    heard(desk, "three")
    effects = expire(desk, middle)
    assert [one for one in effects if isinstance(one, e.ExpireMessages)] == [e.ExpireMessages(ROOM, 2)]
    (told,) = data(ev.MessagesExpired, effects)
    assert told == ev.MessagesExpired(room=ROOM, upto=2, unread=1, last=3)
    assert [one.text for one in desk.store.messages.values()] == ["three"]
    assert events(expire(desk, middle)) == []
    assert data(ev.MessagesExpired, expire(desk)) == [ev.MessagesExpired(room=ROOM, upto=3, unread=0, last=None)]
    assert desk.store.state().rooms[ROOM].last is None


def test_a_walk_goes_on_where_the_last_step_ended_and_ends_where_nothing_is_old() -> None:
    desk = Desk()
    heard(desk, "one", "two")
    assert only(e.ReportExpiry, answer(desk, ask_store(desk))) == [e.ReportExpiry(0, 2, gone=True)]
    assert answer(desk, ask_store(desk, after=2)) == [e.ReportExpiry(2, None, gone=False)]


def test_what_still_waits_never_goes_and_stays_the_rooms_last() -> None:
    desk = Desk()
    desk.send(BOB, "waits")
    desk.now += 1_000
    assert events(expire(desk)) == []
    desk.give(s.Closed(1, "Refused."))
    desk.hear(2, Announced(5000), "a text")
    desk.hear(2, Announced(5001))
    desk.now += 1_000
    desk.store.commit([e.SetState(1, "plain-1", "waiting")])
    effects = expire(desk)
    assert data(ev.MessagesExpired, effects)[0].last is None, "a newer one was the last, and is gone"
    assert sorted(desk.store.messages) == [1]


def test_only_what_was_unread_of_it_is_taken_off() -> None:
    desk = Desk()
    heard(desk, "one", "two", "three")
    desk.ask("mark_read", rq.MarkReadArgs(room=ROOM, upto=2))
    (told,) = data(ev.MessagesExpired, expire(desk))
    assert told.unread == 0
    assert desk.store.rooms[ROOM].unread == 0
    heard(desk, "four")
    assert desk.store.rooms[ROOM].unread == 1


def test_a_room_read_while_the_store_was_asked_has_its_turn_later() -> None:
    desk = Desk()
    heard(desk, "one", "two")
    query = ask_store(desk)
    found = desk.store.answer(query)
    desk.ask("mark_read", rq.MarkReadArgs(room=ROOM))
    assert desk.give(found) == [e.ReportExpiry(0, 0, gone=False)], "the same step again"
    assert data(ev.MessagesExpired, expire(desk))[0].unread == 0


def test_an_answer_that_came_too_late_is_worth_nothing() -> None:
    desk = Desk()
    heard(desk, "one")
    first = ask_store(desk)
    found = desk.store.answer(first)
    ask_store(desk)
    assert desk.give(found) == []


def test_counting_what_is_read_begins_anew_when_messages_go_meanwhile() -> None:
    desk = Desk()
    heard(desk, "one", "two", "three")
    middle = desk.now
    heard(desk, "four", "five")
    (fetch,) = only(e.Fetch, desk.give(s.Commanded(9, "mark_read", rq.MarkReadArgs(room=ROOM, upto=4), CAUSE)))
    assert isinstance(fetch.query, q.CountRead)
    counted = desk.store.answer(fetch.query)
    expire(desk, middle)
    (again,) = only(e.Fetch, desk.give(counted))
    assert isinstance(again.query, q.CountRead)
    assert result(answer(desk, again.query)) == rq.MarkReadResult(read_upto=4, unread=1)


def test_a_message_that_goes_while_it_is_to_be_sent_again_is_not_found() -> None:
    desk = Desk()
    desk.send(BOB, "hello")
    desk.ask("forget", rq.PeerArgs(peer=BOB))
    assert desk.states() == ["failed"]
    heard(desk, "a text")
    (fetch,) = only(e.Fetch, desk.give(s.Commanded(9, "resend", rq.ResendArgs(message=1), CAUSE)))
    assert isinstance(fetch.query, q.ReadMessage)
    read = desk.store.answer(fetch.query)
    expire(desk)
    effects = desk.answered(desk.give(read))
    assert result(effects) == "not_found"
    assert only(e.Transmit, effects) == []


def test_a_room_of_which_the_unread_are_still_counted_has_its_turn_later() -> None:
    desk = Desk()
    heard(desk, "one")
    desk.core._rooms._estimated.add(ROOM)
    assert events(expire(desk)) == []
    assert sorted(desk.store.messages) == [1]


def test_when_nothing_is_left_of_somebody_who_was_forgotten_the_conversation_goes_as_well() -> None:
    desk = Desk()
    heard(desk, "one")
    desk.ask("forget", rq.PeerArgs(peer=BOB))
    heard_again = Desk(desk.store)
    heard_again.now = desk.now + 1_000
    assert events(expire(heard_again)) == ["MessagesExpired", "RoomDeleted"]
    assert heard_again.store.rooms == {}


def test_conversations_go_after_the_messages_of_all_because_the_store_takes_those_at_once() -> None:
    desk = Desk()
    heard(desk, "one")
    desk.call(3, host="10.0.0.2")
    desk.hear(3, "two", host="10.0.0.2")
    for peer in list(desk.store.peers):
        desk.ask("forget", rq.PeerArgs(peer=peer))
    heard_again = Desk(desk.store)
    heard_again.now = desk.now + 1_000
    told = events(expire(heard_again))
    assert told == ["MessagesExpired", "MessagesExpired", "RoomDeleted", "RoomDeleted"]


def test_an_empty_conversation_of_somebody_on_the_list_and_one_that_isn_t_empty_stay() -> None:
    desk = Desk()
    heard(desk, "one")
    middle = desk.now
    assert events(expire(desk)) == ["MessagesExpired"]
    heard(desk, "two")
    later = desk.now
    heard(desk, "three")
    desk.ask("forget", rq.PeerArgs(peer=BOB))
    assert middle < later
    assert events(expire(desk, later)) == ["MessagesExpired"]
    assert list(desk.store.rooms) == [ROOM]


def test_nothing_goes_while_the_node_ends() -> None:
    desk = Desk()
    heard(desk, "one")
    desk.give(s.StopAsked("x"))
    assert desk.give(s.ExpiryDue(desk.now, 0, 100)) == []
