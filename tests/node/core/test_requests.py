"""Requests: what unknown nodes say waits, bounded, until a person has decided."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import requests
from node.core import stimuli as s
from node.protocol.secure import frames as f
from tests.node.core.nodes import CAUSE, Net, Station


def strangers() -> tuple[Net, Station, Station]:
    """Mallory has dialled Anna, whom nobody there knows."""
    net = Net("ask")
    anna, mallory = net.add("anna"), net.add("mallory")
    mallory.ask("connect", rq.ConnectArgs(address=str(anna.address)))
    net.settle()
    return net, anna, mallory


def room(anna: Station, other: Station) -> nouns.Room:
    return anna.disk.state().rooms[anna.room(other)]


def decide(anna: Station, op: str, other: Station) -> str | None:
    """Ask for it; returns the code of the refusal, if it was refused."""
    anna.tokens += 1
    answers = anna.give(s.Commanded(anna.tokens, op, rq.PeerArgs(peer=other.id), CAUSE))
    (answer,) = [one for one in answers if isinstance(one, e.Reply | e.Refuse)]
    return answer.code if isinstance(answer, e.Refuse) else None


def told(net: Net, kind: type[f.Frame], to: Station) -> list[f.Frame]:
    return [frame for name, frame in net.delivered if name == to.name and isinstance(frame, kind)]


def why(station: Station, other: Station) -> str:
    return station.core.why_waiting(other.id) or ""


def test_what_an_unknown_node_says_is_a_request_and_on_disk_and_nobody_is_told_that_it_was_read() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "hello", "buy this")
    net.settle()
    assert room(anna, mallory).request
    assert anna.texts(mallory) == ["hello", "buy this"]
    assert mallory.states(anna) == ["delivered", "delivered"]
    anna.ask("mark_read", rq.MarkReadArgs(room=anna.room(mallory)))
    anna.ask("typing", rq.TypingArgs(room=anna.room(mallory)))
    net.settle()
    mallory.ask("typing", rq.TypingArgs(room=anna.room(mallory)))
    net.settle()
    assert told(net, f.Read, mallory) == told(net, f.Typing, mallory) == []
    assert [one for one in anna.told if one.type == "Typing"] == []
    assert not room(mallory, anna).request


def test_once_accepted_it_is_a_conversation_like_others_and_what_was_read_is_told() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "hello")
    net.settle()
    anna.ask("mark_read", rq.MarkReadArgs(room=anna.room(mallory)))
    assert decide(anna, "accept", mallory) is None
    net.settle()
    assert not room(anna, mallory).request
    assert anna.peer(mallory).standing == "known"
    assert mallory.states(anna) == ["read"]
    assert decide(anna, "accept", mallory) == decide(anna, "refuse", mallory) == "not_a_request"


@pytest.mark.parametrize("deed", ["send", "connect", "rename", "verify", "trust"])
def test_who_deals_with_an_unknown_node_accepts_it(deed: str) -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "hello")
    net.settle()
    if deed == "trust":
        anna.core._contacts.warn(anna.core._contacts.by_id[mallory.id], "Two of one name.")
    args: dict[str, object] = {
        "send": rq.SendArgs(messages=[rq.Outgoing(to=mallory.id, text="hi")]),
        "connect": rq.ConnectArgs(address=mallory.id),
        "rename": rq.RenameArgs(peer=mallory.id, name="Mal"),
        "verify": rq.VerifyArgs(peer=mallory.id, code=mallory.id),
        "trust": rq.TrustArgs(peer=mallory.id),
    }
    anna.ask(deed, args[deed])
    assert not room(anna, mallory).request


@pytest.mark.parametrize("way", ["at once", "one by one", "while away"])
def test_a_request_takes_so_many_texts_and_the_rest_waits_at_its_author_until_it_is_accepted(way: str) -> None:
    net, anna, mallory = strangers()
    texts = [f"text {number}" for number in range(30)]
    if way == "while away":
        net.cut_all()
    if way == "one by one":
        for text in texts:
            mallory.send(anna, text)
            net.settle()
    else:
        mallory.send(anna, *texts)
    net.wait(30_000)
    most = requests.MAX_TEXTS
    assert anna.texts(mallory) == texts[:most]
    assert mallory.states(anna) == ["delivered"] * most + ["waiting"] * (30 - most)
    assert "hasn't accepted" in why(mallory, anna)
    assert mallory.peer(anna).refusal == why(mallory, anna)
    # Neither a new link nor a restart on either side brings more in.
    for station in (anna, mallory):
        net.cut_all()
        station.begin()
        mallory.ask("connect", rq.ConnectArgs(address=str(anna.address)))
        net.wait(30_000)
        assert len(anna.texts(mallory)) == most
        assert "hasn't accepted" in why(mallory, anna)
    decide(anna, "accept", mallory)
    net.wait(30_000)
    assert anna.texts(mallory) == texts
    assert mallory.states(anna) == ["delivered"] * 30
    assert mallory.peer(anna).refusal is None


def test_it_takes_so_many_bytes_and_one_text_beyond() -> None:
    net, anna, mallory = strangers()
    for _ in range(4):
        mallory.send(anna, "x" * 40_000)
        net.settle()
    assert mallory.states(anna) == ["delivered", "delivered", "waiting", "waiting"]
    anna.begin()
    assert anna.core._replication._requests.is_full(anna.room(mallory))


def test_what_is_refused_is_deleted_its_author_is_told_and_may_ask_again_after_a_day() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "buy this")
    net.settle()
    assert decide(anna, "refuse", mallory) is None
    net.settle()
    assert anna.disk.state().rooms == anna.disk.state().peers == {}
    assert anna.disk.column("SELECT text FROM body") == []
    mallory.send(anna, "once more")
    net.wait(3600_000)
    assert "refused your request" in why(mallory, anna)
    assert mallory.states(anna) == ["delivered", "waiting"]
    anna.begin()
    net.wait(3600_000)
    assert anna.disk.state().rooms == {}
    dials = len(mallory.dials)
    net.wait(3600_000)
    assert len(mallory.dials) - dials < 10
    net.wait(24 * 3600_000)
    assert anna.texts(mallory) == ["once more"]
    assert room(anna, mallory).request
    assert mallory.peer(anna).refusal is None


def test_whoever_was_refused_comes_in_when_somebody_here_writes_to_them() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "buy this")
    net.settle()
    decide(anna, "refuse", mallory)
    anna.send(str(mallory.address), "what was it?")
    net.wait(2_000)
    assert not room(anna, mallory).request
    assert mallory.texts(anna)[-1] == "what was it?"
    net.cut_all()
    net.link(mallory, anna)
    assert anna.peer(mallory).link == "online"


def test_where_nobody_unknown_is_taken_an_unknown_node_is_told_so_and_nothing_of_it_is_kept() -> None:
    net = Net("ask")
    anna, bob, mallory = net.add("anna"), net.add("bob"), net.add("mallory")
    anna.ask("connect", rq.ConnectArgs(address=str(bob.address)))
    net.settle()
    anna.ask("settings", rq.SettingsArgs(accept_nodes="nobody"))
    mallory.send(str(anna.address), "hello?")
    net.wait(60_000)
    assert set(anna.disk.state().peers) == {bob.id}
    assert "takes no messages from people they don't know" in why(mallory, anna)
    bob.send(anna, "I am known")
    net.settle()
    assert anna.texts(bob) == ["I am known"]
    anna.ask("settings", rq.SettingsArgs(accept_nodes="ask"))
    net.wait(11 * 60_000)
    assert anna.texts(mallory) == ["hello?"]
    assert mallory.peer(anna).refusal is None


def test_a_change_to_nobody_ends_the_links_of_strangers_and_their_requests_stay() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "hello")
    net.settle()
    anna.ask("settings", rq.SettingsArgs(accept_nodes="nobody"))
    net.settle()
    assert anna.peer(mallory).link == "offline"
    assert room(anna, mallory).request
    decide(anna, "accept", mallory)
    mallory.send(anna, "thank you")
    net.wait(11 * 60_000)
    assert anna.texts(mallory) == ["hello", "thank you"]


def test_where_everybody_is_taken_there_are_no_requests_and_a_change_to_it_accepts_all() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, *(f"{number}" for number in range(25)))
    net.settle()
    anna.ask("settings", rq.SettingsArgs(accept_nodes="everybody"))
    net.settle()
    assert (room(anna, mallory).request, len(anna.texts(mallory))) == (False, 25)
    bob = net.add("bob")
    bob.send(str(anna.address), *(f"{number}" for number in range(25)))
    net.wait(2_000)
    assert (room(anna, bob).request, len(anna.texts(bob))) == (False, 25)


def test_too_many_requests_push_out_the_oldest_of_the_source_with_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MAX_REQUESTS", 3)
    net = Net("ask")
    anna, bob = net.add("anna"), net.add("bob")
    bob.send(str(anna.address), "I am alone")
    net.wait(1_000)
    crowd = []
    for number in range(4):
        station = net.add(f"m{number}")
        crowd.append(station)
        net.link(station, anna)
        # All of them are behind one address.
        anna.core._contacts.by_id[station.id].peer = anna.peer(station).__class__(
            **{name: getattr(anna.peer(station), name) for name in nouns.Peer.__struct_fields__} | {"host": "10.0.0.9"}
        )
        station.send(anna, "spam")
        net.settle()
    rooms = anna.disk.state().rooms
    assert anna.room(bob) in rooms
    assert [anna.room(one) in rooms for one in crowd] == [False, False, True, True]
    assert any(one.type == "ConnectionNoticed" for one in anna.told)


def crowd_of(anna: Station, net: Net, count: int, host: str = "10.0.0.9") -> list[Station]:
    """Unknown nodes behind one address, each of which has written."""
    crowd = [net.add(f"m{number}") for number in range(count)]
    for station in crowd:
        net.link(station, anna)
        move(anna, station, host)
        station.send(anna, "spam")
        net.settle()
    return crowd


def move(anna: Station, station: Station, host: str) -> None:
    contact = anna.core._contacts.by_id[station.id]
    anna.core._contacts.change(contact, host=host, addresses=[], port=None)


def test_one_source_begins_so_many_requests_a_day_and_is_told_why_and_so_are_people_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "MAX_NEW", 2)
    net = Net("ask")
    anna = net.add("anna")
    crowd = crowd_of(anna, net, 4)
    states = [station.states(anna) for station in crowd]
    assert states == [["delivered"], ["delivered"], ["waiting"], ["waiting"]]
    assert all("Too many new people" in why(station, anna) for station in crowd[2:])
    assert why(crowd[0], anna) == ""
    (notice,) = [one for one in anna.told if isinstance(one.data, ev.ConnectionNoticed)]
    assert (notice.data.address, notice.data.what) == ("10.0.0.9", requests.MANY_NEW)
    # Nobody elsewhere is kept out.
    elsewhere = net.add("elsewhere")
    elsewhere.send(str(anna.address), "hello")
    net.wait(1_000)
    assert elsewhere.states(anna) == ["delivered"]


def test_what_waits_because_of_that_comes_when_the_day_of_its_source_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MAX_NEW", 1)
    net = Net("ask")
    anna = net.add("anna")
    _, late = crowd_of(anna, net, 2)
    net.wait(requests.DAY_MS - 60_000)
    assert late.states(anna) == ["waiting"]
    net.wait(120_000)
    assert late.states(anna) == ["delivered"]
    assert why(late, anna) == ""


def test_an_accepted_node_of_such_a_source_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MAX_NEW", 1)
    net = Net("ask")
    anna = net.add("anna")
    _, late = crowd_of(anna, net, 2)
    assert decide(anna, "accept", late) is None
    net.settle()
    assert late.states(anna) == ["delivered"]
    assert why(late, anna) == ""


def test_a_request_that_has_expired_whole_begins_anew() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, *(f"{number}" for number in range(25)))
    net.settle()
    # As node/core/expiry.py does it with the last message of somebody off the list.
    net.cut_all()
    anna.core._contacts.delete(anna.core._contacts.by_id[mallory.id])
    anna.give(s.Ticked())
    assert anna.core._replication._requests._held == {}
    assert anna.core._replication._requests.surplus() is None


def test_a_request_that_is_taken_off_the_list_stays_a_request() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "hello")
    net.settle()
    anna.ask("forget", rq.PeerArgs(peer=mallory.id))
    net.cut_all()
    net.link(mallory, anna)
    assert room(anna, mallory).request
    assert anna.peer(mallory).standing == "stranger"


def test_the_events_of_all_this_on_a_snapshot_give_a_fresh_one() -> None:
    net, anna, mallory = strangers()
    before = anna.disk.state()
    seq = anna.disk.head
    mallory.send(anna, *(f"{number}" for number in range(25)))
    net.settle()
    decide(anna, "accept", mallory)
    net.settle()
    from node.bus import reducer

    for event in anna.disk.events_after(seq):
        reducer.apply(before, event)
    assert before == anna.disk.state()
    assert any(isinstance(one.data, ev.RoomChanged) for one in anna.events)


# -- what somebody with a node of their own making tries


def test_an_acceptance_holds_when_the_node_ends_before_it_could_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MAX_TEXTS", 1)
    net, anna, mallory = strangers()
    mallory.send(anna, "one", "two")
    net.settle()
    effects = anna.core.handle(s.Commanded(99, "accept", rq.PeerArgs(peer=mallory.id), CAUSE), anna.now)
    anna.disk.commit([one for one in effects if isinstance(one, e.Record)])
    anna.begin()
    net.cut_all()
    net.link(mallory, anna)
    net.wait(5_000)
    assert (anna.texts(mallory), mallory.states(anna)) == (["one", "two"], ["delivered"] * 2)
    assert why(mallory, anna) == ""


def test_a_refusal_holds_when_the_node_ends_before_it_could_tell() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "one")
    net.settle()
    effects = anna.core.handle(s.Commanded(99, "refuse", rq.PeerArgs(peer=mallory.id), CAUSE), anna.now)
    anna.disk.commit([one for one in effects if isinstance(one, e.Record)])
    anna.begin()
    net.cut_all()
    mallory.send(anna, "two")
    net.wait(60_000)
    assert anna.disk.state().rooms == {}
    assert "refused" in why(mallory, anna)


def test_no_acknowledged_request_is_deleted_for_somebody_else_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MAX_REQUESTS", 3)
    net = Net("ask")
    anna = net.add("anna")
    crowd = [net.add(f"m{number}") for number in range(4)]
    for station in crowd:
        station.send(str(anna.address), "hello")
        net.wait(1_000)
    assert [station.states(anna) for station in crowd] == [["delivered"]] * 3 + [["waiting"]]
    assert len(anna.disk.state().rooms) == 4
    assert "Too many new people" in why(crowd[3], anna)
    assert [one.data.what for one in anna.told if isinstance(one.data, ev.ConnectionNoticed)] == [requests.CROWDED]
    net.wait(2 * requests.CROWDED_MS + 60_000)
    assert "Too many new people" in why(crowd[3], anna), "as long as it is so"
    decide(anna, "accept", crowd[0])
    net.wait(requests.CROWDED_MS + 60_000)
    assert crowd[3].states(anna) == ["delivered"]
    assert why(crowd[3], anna) == ""


def test_kinds_that_nobody_knows_use_up_no_more_than_one_beginning() -> None:
    _, anna, mallory = strangers()
    anna.ask("settings", rq.SettingsArgs(accept_nodes="everybody"))
    contact = anna.core._contacts.by_id[mallory.id]
    for _ in range(3):
        anna.core._replication._requests.take(contact, [])
    assert anna.core._replication._requests._day(contact.peer.host)[1] == 1


def test_who_was_accepted_has_no_quota_of_strangers() -> None:
    net, anna, mallory = strangers()
    mallory.send(anna, "hello")
    net.settle()
    anna.core._quotas.shut_out[mallory.id] = net.now + 3600_000
    decide(anna, "accept", mallory)
    mallory.send(anna, "thank you")
    net.wait(2_000)
    assert anna.texts(mallory) == ["hello", "thank you"]
