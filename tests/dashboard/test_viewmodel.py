from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from dashboard import operations as o
from dashboard import viewmodel as v
from dashboard.appearance import PeerView, RoomView
from node.bus import events as ev
from node.bus import nouns
from tests.dashboard.nouns import ME, direct, entry, event, message, node, own, peer, room, snapshot


@pytest.fixture
def model() -> v.Model:
    made = v.Model("/home/of/anna")
    made.resync(snapshot(10))
    return made


class Screen:
    """What a browser has: everything once, then patches. Must always equal a fresh view."""

    def __init__(self, model: v.Model) -> None:
        everything = model.everything()
        self.rooms: dict[str, RoomView] = {one.id: one for one in everything.rooms}
        self.peers: dict[str, PeerView] = {one.id: one for one in everything.peers}
        self.away, self.health, self.me = everything.away, everything.health, everything.me
        self.totals = everything.totals
        self.requests = {one.room.id: one for one in everything.requests}

    def draw(self, ops: list[o.Op]) -> None:
        for op in ops:
            match op:
                case o.RoomOp(room):
                    self.rooms[room.id] = room
                case o.RequestOp(one):
                    self.rooms.pop(one.room.id, None)
                    self.requests[one.room.id] = one
                case o.RequestGone(id=gone):
                    self.requests.pop(gone, None)
                case o.RoomGone(id=gone) | o.HiddenOp(id=gone):
                    self.rooms.pop(gone, None)
                case o.PeerOp(one):
                    self.peers[one.id] = one
                case o.PeerGone(id=gone):
                    self.peers.pop(gone, None)
                case o.AwayOp(away):
                    self.away = away
                case o.HealthOp(health):
                    self.health = health
                case o.SelfOp(me):
                    self.me = me
                case o.TotalsOp(totals):
                    self.totals = totals

    @property
    def counted(self) -> o.Totals:
        """The totals as the lists have them."""
        unread = sum(room.unread for room in self.rooms.values())
        known = sum(not peer.asks for peer in self.peers.values())
        listed = sum(not room.silent for room in self.rooms.values())
        return o.Totals(listed, known, unread, len(self.requests))


STORY: list[msgspec.Struct] = [
    ev.PeerAdded(peer=peer("cian", link="connecting")),
    ev.RoomAdded(room=room("cian", created=50)),
    ev.MessageReceived(message=message(1, "hello")),
    ev.MessageReceived(message=message(2, "cian joined", name="cian", kind="notice")),
    ev.MessageAccepted(message=own(3, "hi")),
    ev.MessageStateChanged(room="room-bela", id=3, state="sent"),
    ev.PeerChanged(peer=peer("cian", link="offline", error="Refused.")),
    ev.RoomRead(room="room-bela", read_upto=1, unread=0),
    ev.SettingsChanged(settings=nouns.Settings(name="Anna B"), self=replace(ME, name="Anna B")),
    ev.AddressesChanged(self=replace(ME, name="Anna B", addresses=["10.9.9.9:5000"])),
    ev.RoomChanged(room=room("cian", name="cian the second")),
    ev.NodeStopped(reason="stopped"),
    ev.NodeStarted(self=ME, settings=nouns.Settings(name="anna"), version="1"),
    ev.GreetingChanged(greeting=nouns.Greeting(address="127.0.0.9:1", outcome="failed", detail="Refused.", at=1)),
    ev.PeerForgotten(peer="peer-cian"),
    ev.RoomAdded(room=room("dora", peer=None)),
    ev.RoomsMerged(gone="room-dora", room=room("bela", unread=2)),
    ev.QuotaReached(host="127.0.0.9", bytes=200_000_000, until=99),
    ev.PeerChanged(peer=peer("bela", name="Bela from lab 2", own_name="bela")),
    ev.RoomChanged(room=room("bela", name="Bela from lab 2")),
    ev.MessagesExpired(room="room-bela", upto=3, unread=0),
    ev.RoomDeleted(room="room-cian"),
    # Another one of the name bela, now in clear and later as a node, comes, is in doubt, and goes.
    ev.PeerAdded(peer=peer("twin", name="BELA FROM LAB 2", host="192.168.1.21", port=5001)),
    ev.RoomAdded(room=room("twin", name="BELA FROM LAB 2")),
    ev.PeerAdded(peer=node("dora")),
    ev.RoomAdded(room=direct("dora")),
    ev.MessageAccepted(message=entry(20, room="direct:dora")),
    ev.MessageChanged(message=entry(20, "hi again", room="direct:dora")),
    ev.ReceiptAdvanced(room="direct:dora", member="peer-dora", stream="5" * 32, n=20),
    ev.ReadAdvanced(room="direct:dora", member="peer-dora", stream="5" * 32, n=20),
    ev.PeerChanged(peer=peer("twin", name="BELA FROM LAB 2", host="192.168.1.22", warning="In clear.")),
    ev.PeerWarned(peer="peer-twin", name="BELA FROM LAB 2", warning="In clear."),
    ev.PeerChanged(peer=node("dora", host="192.168.1.22", code="aaaa · bbbb · cccc · dddd")),
    ev.PeerChanged(peer=node("dora", warning="Another key.", rival="r" * 52)),
    ev.PeerChanged(peer=node("dora", name="twin", warning="Another of that name.")),
    ev.PeerChanged(peer=peer("twin", host="192.168.1.22")),
    ev.RoomChanged(room=room("twin")),
    ev.PeerForgotten(peer="peer-twin"),
    ev.RoomsMerged(gone="room-twin", room=direct("dora", aliases=["room-twin"])),
    ev.IdentityShared(address="10.0.0.7:5000"),
    # Somebody asks to write under a name like dora's, and is blocked and let in again.
    ev.PeerAdded(peer=node("erik", name="D0RA")),
    ev.RoomAdded(room=direct("erik", name="D0RA", request=True)),
    ev.MessageReceived(message=message(30, "hello?", name="erik", room="direct:erik")),
    ev.PeerChanged(peer=node("dora", name="dora", verified=True)),
    ev.PeerChanged(peer=node("dora", refusal="dora takes no more.")),
    ev.PeerBlocked(blocked=nouns.Blocked(id="peer-erik")),
    ev.PeerForgotten(peer="peer-erik"),
    ev.RoomChanged(room=direct("erik", name="D0RA", request=True, hidden=True)),
    ev.PeerUnblocked(id="peer-erik"),
    ev.RoomChanged(room=direct("erik", name="D0RA", request=True)),
    ev.PeerAdded(peer=node("erik", name="D0RA")),
    ev.RoomChanged(room=direct("erik", name="D0RA", unread=1)),
    ev.PeerForgotten(peer="peer-erik"),
    ev.RoomChanged(room=direct("erik", name="D0RA", unread=1, hidden=True)),
    ev.RoomChanged(room=direct("erik", name="D0RA", unread=1)),
]


def test_patches_and_fresh_views_agree_after_every_event(model: v.Model) -> None:
    screen = Screen(model)
    for seq, data in enumerate(STORY, 11):
        screen.draw(model.event(event(seq, data)))
        fresh = Screen(model)
        assert vars(screen) == vars(fresh), f"after {type(data).__name__}"
        # Neither do they depend on what was drawn before.
        anew = v.Model("/home/of/anna")
        assert model.state is not None
        anew.resync(snapshot(seq, list(model.state.peers.values()), list(model.state.rooms.values())))
        again = Screen(anew)
        assert (fresh.rooms, fresh.peers, fresh.requests) == (again.rooms, again.peers, again.requests), f"after {data}"
        assert screen.totals == fresh.totals == Screen(anew).totals == fresh.counted, f"after {data}"
        assert model.seq == seq
    assert not {"room-dora", "room-cian"} & set(screen.rooms) and "peer-cian" not in screen.peers
    assert screen.rooms["room-bela"].name == screen.peers["peer-bela"].name == "Bela from lab 2"


@pytest.fixture
def direct_model() -> v.Model:
    made = v.Model("/home/of/anna")
    made.resync(snapshot(10, [node()], [direct()]))
    return made


def test_a_receipt_tells_up_to_where_all_is_delivered(direct_model: v.Model) -> None:
    model = direct_model
    model.event(event(11, ev.MessageAccepted(message=entry(3))))
    ops = model.event(event(12, ev.ReceiptAdvanced(room="direct:bela", member="peer-bela", stream="5" * 32, n=3)))
    (receipt,) = [op for op in ops if isinstance(op, o.ReceiptOp)]
    assert receipt == o.ReceiptOp(12, "direct:bela", "5" * 32, 3, False, receipt.delivery)
    assert receipt.delivery.label == "delivered"
    last = model.everything().rooms[0].last
    assert last is not None and last.delivery is not None and last.delivery.label == "delivered"


def test_what_was_read_is_told_likewise_and_stays_so(direct_model: v.Model) -> None:
    model = direct_model
    model.event(event(11, ev.MessageAccepted(message=entry(3))))
    ops = model.event(event(12, ev.ReadAdvanced(room="direct:bela", member="peer-bela", stream="5" * 32, n=3)))
    (read,) = [op for op in ops if isinstance(op, o.ReceiptOp)]
    assert read.read and (read.delivery.label, read.delivery.why) == ("read", "They have read it.")
    model.event(event(13, ev.ReceiptAdvanced(room="direct:bela", member="peer-bela", stream="5" * 32, n=3)))
    last = model.everything().rooms[0].last
    assert last is not None and last.delivery is not None and last.delivery.label == "read"


def typing(until: int, member: str = "peer-bela", where: str = "direct:bela") -> ev.Event:
    return event(None, ev.Typing(room=where, member=member, until=until))


@pytest.mark.parametrize(
    "end",
    [
        lambda model: model.event(typing(0)),
        lambda model: model.event(event(11, ev.MessageReceived(message=message(1, room="direct:bela")))),
        lambda model: model.event(event(11, ev.NodeStopped(reason="stopped"))),
        lambda model: model.away("It fell silent.", None),
        lambda model: model.resync(snapshot(10, [node()], [direct()])),
    ],
    ids=["stopped", "said", "node stopped", "away", "resync"],
)
def test_somebody_types_until_something_ends_it(direct_model: v.Model, end: Callable[[v.Model], object]) -> None:
    (op,) = direct_model.event(typing(9000))
    assert isinstance(op, o.RoomOp) and op.room.typing == 9000
    assert direct_model.everything().rooms[0].typing == 9000, "for tabs that come later"
    screen = Screen(direct_model)
    end(direct_model)
    assert direct_model.everything().rooms[0].typing == 0
    assert screen.rooms["direct:bela"].typing == 9000


def test_what_one_says_oneself_ends_nobody_else_s_typing(direct_model: v.Model) -> None:
    direct_model.event(typing(9000))
    direct_model.event(event(11, ev.MessageAccepted(message=entry(3))))
    assert direct_model.everything().rooms[0].typing == 9000


def test_who_is_no_member_or_is_plain_types_nowhere(direct_model: v.Model, model: v.Model) -> None:
    assert direct_model.event(typing(9000, member="peer-cian")) == []
    assert direct_model.event(typing(9000, where="direct:nobody")) == []
    assert model.event(typing(9000, where="room-bela")) == []


def test_whoever_shows_links_asks_again_when_something_about_the_node_changed(direct_model: v.Model) -> None:
    ops = direct_model.event(event(11, ev.PeerChanged(peer=node())))
    assert ops == [o.LinksOp("peer-bela")], "also when nothing else shows the change"
    assert direct_model.event(event(12, ev.PeerChanged(peer=peer("old")))) != [o.LinksOp("peer-old")]


def test_a_message_that_changed_comes_whole_and_as_what_it_is_now(direct_model: v.Model) -> None:
    model = direct_model
    ops = model.event(event(11, ev.MessageAccepted(message=own(3, room="direct:bela"))))
    (said,) = [op for op in ops if isinstance(op, o.MessageOp)]
    assert said.message.plain and said.message.entry is None
    ops = model.event(event(12, ev.MessageChanged(message=entry(3, order="9"))))
    (changed,) = [op for op in ops if isinstance(op, o.ChangedOp)]
    assert not changed.message.plain and changed.message.order == "9"
    assert o.ExpiredOp(13, "direct:bela", 3).takes(changed) is False, "it waits"


def test_doubts_and_a_shared_identity_are_told_at_once(model: v.Model) -> None:
    doubt = ev.PeerWarned(peer="peer-bela", name="be\nla", warning="Another key\nanswers.")
    assert model.event(event(11, doubt)) == [o.WarnedOp(11, "peer-bela", "room-bela", "be la", "Another key answers.")]
    (shared,) = model.event(event(12, ev.IdentityShared(address="10.0.0.7:5000")))
    assert isinstance(shared, o.IdentitySharedOp) and "10.0.0.7:5000" in shared.text
    assert model.everything().shared == shared, "tabs that are opened later are told as well"


def test_two_of_one_name_are_told_apart_wherever_it_stands(model: v.Model) -> None:
    model.event(event(11, ev.PeerAdded(peer=node("Bela", id="n" * 52))))
    ops = model.event(event(12, ev.RoomAdded(room=direct("Bela", peer="n" * 52))))
    assert {op.room.mark for op in ops if isinstance(op, o.RoomOp)} == {"k7f2 9qda", "192.168.1.21:5000"}
    everything = model.everything()
    assert {one.mark for one in everything.peers} == {"k7f2 9qda", "192.168.1.21:5000"}
    assert model.name_of("room-bela") == "bela (192.168.1.21:5000)"
    (warned,) = model.event(event(13, ev.PeerWarned(peer="n" * 52, name="Bela", warning="Two.")))
    assert isinstance(warned, o.WarnedOp) and warned.name == "Bela (k7f2 9qda)"
    model.event(event(14, ev.PeerForgotten(peer="n" * 52)))
    model.event(event(15, ev.RoomDeleted(room="direct:Bela")))
    assert model.name_of("room-bela") == "bela" and model.everything().peers[0].mark == ""


def test_a_conversation_that_goes_says_its_name_and_where_its_messages_are(model: v.Model) -> None:
    model.event(event(11, ev.RoomAdded(room=room("dora", peer=None))))
    ops = model.event(event(12, ev.RoomsMerged(gone="room-dora", room=room())))
    assert o.RoomGone(12, "room-dora", "room-bela", "dora") in ops
    assert model.event(event(13, ev.PeerForgotten(peer="peer-bela")))
    totals = o.TotalsOp(o.Totals(rooms=0, peers=0, unread=0, requests=0))
    gone = o.RoomGone(14, "room-bela", None, "bela")
    assert model.event(event(14, ev.RoomDeleted(room="room-bela"))) == [totals, gone]
    assert model.everything().rooms == [] and model.everything().peers == []


def test_conversations_are_told_in_the_order_in_which_they_began(model: v.Model) -> None:
    names = [f"nobody-{number}" for number in range(40)]
    rooms = [room(name, peer=None, created=1000 - at) for at, name in enumerate(names)]
    model.resync(snapshot(rooms=rooms[:39]))
    model.event(event(11, ev.RoomAdded(room=rooms[39])))
    model.event(event(12, ev.RoomChanged(room=replace(rooms[3], unread=1))))
    assert [one.name for one in model.everything().rooms] == names


def test_the_last_text_to_come_in_lifts_its_conversation_whatever_the_clock_says(model: v.Model) -> None:
    model.event(event(11, ev.RoomAdded(room=room("cian", read_upto=7))))
    ahead = message(8, name="cian", at=10**13)
    model.event(event(12, ev.MessageReceived(message=ahead)))
    model.event(event(13, ev.MessageReceived(message=message(9, at=5))))
    model.event(event(14, ev.MessageReceived(message=message(10, name="cian", kind="notice"))))
    model.event(event(15, ev.RoomAdded(room=room("dora", peer=None, read_upto=10))))
    places = {one.name: one.place for one in model.everything().rooms}
    assert places == {"bela": 9, "cian": 8, "dora": 10}


def test_every_durable_event_is_in_the_story() -> None:
    assert {type(data).__name__ for data in STORY} == set(ev.DURABLE)


def test_a_message_brings_its_room_first(model: v.Model) -> None:
    ops = model.event(event(11, ev.MessageReceived(message=message(1, "hello"))))
    kinds = [type(op) for op in ops]
    assert kinds[-1] is o.MessageOp and o.RoomOp in kinds[:-1]
    said = ops[-1]
    assert isinstance(said, o.MessageOp) and said.seq == 11 and said.message.text == "hello"
    changed = next(op.room for op in ops if isinstance(op, o.RoomOp))
    assert changed.unread == 1 and changed.last is not None and changed.last.text == "hello"


def test_a_notice_is_never_unread(model: v.Model) -> None:
    ops = model.event(event(11, ev.MessageReceived(message=message(1, "joined", kind="notice"))))
    assert model.everything().rooms[0].unread == 0
    assert isinstance(ops[-1], o.MessageOp) and ops[-1].message.notice


def test_a_state_goes_to_the_message_and_to_the_list(model: v.Model) -> None:
    model.event(event(11, ev.MessageAccepted(message=own(1))))
    ops = model.event(event(12, ev.MessageStateChanged(room="room-bela", id=1, state="failed", detail="Refused.")))
    last = next(op.room.last for op in ops if isinstance(op, o.RoomOp))
    state = next(op for op in ops if isinstance(op, o.StateOp))
    assert last is not None and last.delivery is not None and last.delivery.label == "failed"
    assert (state.delivery.why, state.delivery.repair, state.marks) == ("Refused.", "Try again", None)
    ops = model.event(event(13, ev.MessageStateChanged(room="room-bela", id=1, state="sent", marks=["altered"])))
    state = next(op for op in ops if isinstance(op, o.StateOp))
    assert state.marks is not None and state.marks[0].label == "altered"


def test_what_changes_nothing_visible_gives_nothing(model: v.Model) -> None:
    assert model.event(event(11, ev.PeerChanged(peer=peer()))) == []
    assert model.event(event(12, ev.RoomRead(room="room-bela", read_upto=0, unread=0))) == []
    assert model.event(event(None, ev.ConnectionNoticed(address="10.0.0.9", what="garbage"))) == []
    assert model.seq == 12


def test_an_event_of_a_newer_node_is_skipped_and_counted(model: v.Model) -> None:
    assert model.event(ev.Event(v=1, log="log-1", at=1, type="FromTheFuture", seq=11, data={"x": 1})) == []
    assert model.seq == 11


def test_next_tries_come_and_go(model: v.Model) -> None:
    model.event(event(11, ev.PeerChanged(peer=peer(link="offline"))))
    next_try = nouns.NextTry(peer="peer-bela", at=9000, attempt=3, reason="Refused.")
    ops = model.event(event(None, ev.RetryScheduled(next_try=next_try)))
    assert {type(op) for op in ops} == {o.PeerOp, o.RoomOp}
    assert model.everything().rooms[0].next_at == 9000
    model.event(event(12, ev.PeerChanged(peer=peer(link="online"))))
    assert model.everything().rooms[0].next_at is None
    # A name that a person gives changes nothing of it; whoever disconnects ends it.
    model.event(event(None, ev.RetryScheduled(next_try=next_try)))
    model.event(event(13, ev.PeerChanged(peer=peer(link="offline", wanted=True))))
    model.event(event(14, ev.PeerChanged(peer=peer(link="offline", error="Refused."))))
    assert model.everything().rooms[0].next_at == 9000
    model.event(event(15, ev.PeerChanged(peer=peer(link="offline"))))
    assert model.everything().rooms[0].next_at is None
    # What is asked afresh after the node was away replaces all that was known.
    model.event(event(16, ev.PeerChanged(peer=peer(link="offline"))))
    model.live([next_try], nouns.Health(), nouns.Nearby())
    assert model.everything().peers[0].next_at == 9000
    model.live([], nouns.Health(), nouns.Nearby())
    assert model.everything().peers[0].next_at is None


def test_health_comes_and_goes_once(model: v.Model) -> None:
    broken = event(None, ev.HealthChanged(health=nouns.Health(store=False, problem="Disk full.")))
    [op] = model.event(broken)
    assert isinstance(op, o.HealthOp) and op.health is not None and op.health.problem == "Disk full."
    assert model.event(broken) == []
    assert model.event(event(None, ev.HealthChanged(health=nouns.Health()))) == [o.HealthOp(None)]


def test_away_says_since_when_and_how_to_start(model: v.Model) -> None:
    [op] = model.away("No heartbeat.", 123)
    assert isinstance(op, o.AwayOp) and op.away is not None
    assert (op.away.since, op.away.start) == (123, "python -m node run --home /home/of/anna")
    assert model.back() == [o.AwayOp(None)]
    assert model.back() == []


def test_a_good_bye_is_known_at_once_and_silence_then_is_no_news(model: v.Model) -> None:
    ops = model.event(event(11, ev.NodeStopped(reason="stopped")))
    assert isinstance(ops[-1], o.AwayOp) and ops[-1].away is not None and ops[-1].away.since == 5000
    assert model.away("No heartbeat.", 9000) == []
    ops = model.event(event(12, ev.NodeStarted(self=ME, settings=nouns.Settings(name="anna"), version="1")))
    assert o.AwayOp(None) in ops


def test_before_the_node_was_seen() -> None:
    model = v.Model("/home/of/anna")
    assert model.event(event(1, ev.MessageReceived(message=message()))) == []
    everything = model.everything()
    assert everything.me is None and everything.away is not None and everything.away.since is None
    model.resync(snapshot(3))
    assert model.everything().away is None and len(model.everything().rooms) == 1


def test_messages_that_expired_are_told_and_those_that_wait_stay(model: v.Model) -> None:
    heard = model.event(event(11, ev.MessageReceived(message=message(1, "old"))))
    waits = model.event(event(12, ev.MessageAccepted(message=own(2, "waits"))))
    state = model.event(event(13, ev.MessageStateChanged(room="room-bela", id=2, state="sent")))
    newer = model.event(event(14, ev.MessageReceived(message=message(4, "new"))))
    ops = model.event(event(15, ev.MessagesExpired(room="room-bela", upto=3, unread=1, last=4)))
    (expired,) = [op for op in ops if isinstance(op, o.ExpiredOp)]
    assert expired == o.ExpiredOp(15, "room-bela", 3)
    assert isinstance(ops[0], o.RoomOp), "the list shows what is unread now"

    def taken(found: list[o.Op]) -> list[bool]:
        return [expired.takes(op) for op in found if isinstance(op, o.MessageOp | o.StateOp)]

    assert (taken(heard), taken(waits), taken(state), taken(newer)) == ([True], [False], [True], [False])
    elsewhere = model.event(event(16, ev.MessageReceived(message=message(3, "old", "cian"))))
    assert taken(elsewhere) == [False]


def test_who_is_blocked_is_on_no_list_and_comes_back_as_it_was(model: v.Model) -> None:
    model.event(event(11, ev.MessageReceived(message=message(1))))
    before = model.everything()
    assert before.totals == o.Totals(rooms=1, peers=1, unread=1, requests=0)
    ops = model.event(event(12, ev.RoomChanged(room=room(unread=1, hidden=True))))
    assert o.HiddenOp(12, "room-bela", "bela") in ops and not [op for op in ops if isinstance(op, o.RoomGone)]
    assert (model.everything().rooms, model.everything().totals.unread) == ([], 0)
    assert model.has_room("room-bela"), "it isn't told as deleted to who asks for it"
    (back,) = [op for op in model.event(event(13, ev.RoomChanged(room=room(unread=1)))) if isinstance(op, o.RoomOp)]
    assert (back.room, model.everything().totals) == (before.rooms[0], before.totals)
    model.resync(snapshot(20, rooms=[room(hidden=True)]))
    assert model.everything().rooms == []


def asking(model: v.Model, seq: int, who: str, name: str) -> list[o.Op]:
    """A node of this name asks to write; returns what its first text changes."""
    model.event(event(seq, ev.PeerAdded(peer=node(who, name=name))))
    ops = model.event(event(seq + 1, ev.RoomAdded(room=direct(who, name=name, request=True, created=7))))
    # It can be opened, and stands on no list.
    assert all(op.room.silent for op in ops if isinstance(op, o.RoomOp))
    assert not [op for op in ops if not isinstance(op, o.PeerOp | o.TotalsOp | o.RoomOp)]
    said = message(seq, "hello?", name=who, room=f"direct:{who}")
    return model.event(event(seq + 2, ev.MessageReceived(message=said)))


def test_a_request_is_told_apart_and_becomes_a_conversation(model: v.Model) -> None:
    ops = asking(model, 11, "mira", "mira")
    assert not [op for op in ops if isinstance(op, o.RoomOp | o.MessageOp)]
    (request,) = model.everything().requests
    assert (request.room.name, request.since, request.room.unread, request.alike) == ("mira", 7, 1, None)
    assert model.everything().totals == o.Totals(rooms=1, peers=1, unread=0, requests=1)
    ops = model.event(event(14, ev.RoomChanged(room=direct("mira"))))
    assert model.everything().totals == o.Totals(rooms=2, peers=2, unread=0, requests=0)
    assert o.RequestGone("direct:mira") in ops and [op.room.id for op in ops if isinstance(op, o.RoomOp)] == [
        "direct:mira"
    ]
    assert model.everything().requests == []


def test_a_stranger_is_told_apart_among_the_peers_until_somebody_decides(model: v.Model) -> None:
    def mira() -> tuple[bool, bool]:
        (found,) = [one for one in model.everything().peers if one.id == "peer-mira"]
        return found.asks, found.waits

    model.event(event(11, ev.PeerAdded(peer=node("mira"))))
    model.event(event(12, ev.RoomAdded(room=direct("mira", request=True, created=7))))
    assert mira() == (True, False), "it has said nothing"
    model.event(event(13, ev.MessageReceived(message=message(99, name="mira", room="direct:mira"))))
    assert mira() == (True, True)
    model.event(event(14, ev.RoomChanged(room=direct("mira"))))
    assert mira() == (False, False)


def test_a_request_that_is_refused_was_never_a_conversation_that_was_deleted(model: v.Model) -> None:
    asking(model, 11, "mira", "mira")
    model.event(event(14, ev.PeerForgotten(peer="peer-mira")))
    ops = model.event(event(15, ev.RoomDeleted(room="direct:mira")))
    assert ops[0] == o.RequestGone("direct:mira") and not [op for op in ops if isinstance(op, o.RoomGone)]


def test_a_request_says_whose_name_its_own_looks_like(model: v.Model) -> None:
    asking(model, 11, "false", "b\u0435la")
    (request,) = model.everything().requests
    assert request.alike is not None and (request.alike.name, request.alike.verified) == ("bela", False)
    model.event(event(14, ev.PeerChanged(peer=peer(name="beata"))))
    assert model.everything().requests[0].alike is None
    asking(model, 15, "other", "beIa")
    assert [one.alike for one in model.everything().requests] == [None, None], "those who ask aren't known"


def test_a_tab_is_told_of_the_newest_requests_and_of_their_number(model: v.Model) -> None:
    for number in range(v.MAX_TOLD + 3):
        asking(model, 11 + 3 * number, f"n{number}", f"mira {number}")
    told = model.everything()
    assert (len(told.requests), told.totals.requests, told.totals.rooms) == (v.MAX_TOLD, v.MAX_TOLD + 3, 1)
    assert told.requests[0].room.id == f"direct:n{v.MAX_TOLD + 2}"


def test_a_stranger_who_said_nothing_can_be_written_to_and_stands_on_no_list(model: v.Model) -> None:
    model.event(event(11, ev.PeerAdded(peer=node("mira", name="mira", standing="stranger"))))
    model.event(event(12, ev.RoomAdded(room=direct("mira", name="mira", request=True))))
    everything = model.everything()
    assert [room.silent for room in everything.rooms if room.id == "direct:mira"] == [True]
    assert (everything.totals.rooms, everything.requests) == (1, [])
    # Somebody here writes to them, and so deals with them.
    ops = model.event(event(13, ev.RoomChanged(room=direct("mira", name="mira"))))
    assert [op.room.silent for op in ops if isinstance(op, o.RoomOp)] == [False]
    assert model.everything().totals.rooms == 2


def test_who_is_nearby_is_told_and_forgotten(model: v.Model) -> None:
    model.event(event(11, ev.PeerAdded(peer=node("mira", name="mira", standing="stranger"))))
    services = [
        nouns.Sighting(id="1", peer="peer-mira", since=5), nouns.Sighting(id="2", peer="peer-mira", since=3),
        nouns.Sighting(id="3", peer="peer-bela", since=4), nouns.Sighting(id="4"),
        nouns.Sighting(id="5", peer="peer-nobody"),
    ]  # fmt: skip
    nearby = nouns.Nearby(state="on", services=services)
    (op,) = model.event(event(None, ev.NearbyChanged(nearby=nearby)))
    assert isinstance(op, o.NearbyOp)
    assert [(one.peer, one.since, one.known) for one in op.nearby.people] == [
        ("peer-mira", 3, False),
        ("peer-bela", 4, False),
    ]
    assert (op.nearby.unknown, op.nearby.word, op.nearby.text) == (1, "found", "2 people on this network")
    assert model.event(event(None, ev.NearbyChanged(nearby=nearby))) == []
    # Whoever is dealt with is a stranger no more; whoever is blocked isn't shown.
    ops = model.event(event(12, ev.PeerChanged(peer=node("mira", name="mira", standing="known"))))
    assert [[one.known for one in op.nearby.people] for op in ops if isinstance(op, o.NearbyOp)] == [[True, False]]
    ops = model.event(event(13, ev.PeerBlocked(blocked=nouns.Blocked(id="peer-mira", name="mira", at=1))))
    assert [len(op.nearby.people) for op in ops if isinstance(op, o.NearbyOp)] == [1]


WORDS = {
    "deaf": "not heard", "failing": "can't look", "no_network": "no network", "local": "not looking",
    "off": "not looking", "odd": "odd",
}  # fmt: skip


@pytest.mark.parametrize(("state", "word"), WORDS.items())
def test_how_looking_round_goes_is_said_in_words(model: v.Model, state: str, word: str) -> None:
    (op,) = model.event(event(None, ev.NearbyChanged(nearby=nouns.Nearby(state=state, detail="Why it is so."))))
    assert isinstance(op, o.NearbyOp)
    assert (op.nearby.word, op.nearby.text) == (word, "Why it is so.")
