from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest

from dashboard import asked, secure, viewmodel
from node.bus import bounds, nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from tests.dashboard.nouns import ME, direct, entry, message, node, snapshot
from tests.support import hostile_json


class FakeAsker:
    """Answers everything with one result, and notes what it was asked."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self.asked: list[tuple[str, Any]] = []

    async def ask(self, op: str, args: Any = None, **_: Any) -> Any:
        self.asked.append((op, args))
        return self.result


def search(**fields: object) -> asked.Search:
    word = asked.decode(msgspec.json.encode({"t": "search", "n": 1, "query": "a word", **fields}).decode())
    assert isinstance(word, asked.Search)
    return word


def test_a_search_is_put_to_the_node_with_room_place_and_limit() -> None:
    hit = message(7, text="a word\u202e")
    asker = FakeAsker(rq.SearchResult(hits=[hit], more=True, pending=3))
    question = search(room="plain-2", before=9, limit=50)
    found = asyncio.run(asked.answer(question, asker, viewmodel.Model("home")))  # type: ignore[arg-type]
    assert asker.asked == [("search", rq.SearchArgs(query="a word", room="plain-2", before=9, limit=50))]
    assert isinstance(found, asked.Hits)
    assert (found.more, found.pending) == (True, 3)
    assert [(one.id, one.text) for one in found.hits] == [(7, "a word")]


def test_a_search_everywhere_needs_only_words() -> None:
    assert search() == asked.Search(n=1, query="a word", room=None, before=None, limit=30)


@pytest.mark.parametrize(
    "fields",
    [
        {"query": "x" * (asked.MAX_QUERY + 1)},
        {"limit": 0},
        {"limit": asked.MAX_HITS + 1},
        {"before": -1},
        {"room": "x" * (bounds.MAX_ID_CHARS + 1)},
    ],
    ids=["query", "no limit", "limit", "before", "room"],
)
def test_what_is_out_of_bounds_never_reaches_the_node(fields: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        search(**fields)


def test_every_setting_of_the_node_may_be_changed() -> None:
    assert set(nouns.Settings.__struct_fields__) <= set(asked.Change.__struct_fields__)


def put(question: dict[str, object], result: Any, model: viewmodel.Model) -> tuple[Any, list[tuple[str, Any]]]:
    asker = FakeAsker(result)
    word = asked.decode(msgspec.json.encode(question).decode())
    return asyncio.run(asked.answer(word, asker, model)), asker.asked  # type: ignore[arg-type]


def test_what_became_of_a_message_is_asked_and_told_by_name() -> None:
    model = viewmodel.Model("home")
    model.resync(snapshot(10, [node()], [direct()]))
    became = rq.DeliveryResult(
        message=entry(7, state="delivered"), recipients=[rq.Recipient(peer="peer-bela", state="delivered", at=5)]
    )
    told, put_to_the_node = put({"t": "delivery", "n": 1, "message": 7}, became, model)
    assert put_to_the_node == [("delivery", rq.DeliveryArgs(message=7))]
    assert isinstance(told, asked.Told) and told.message.id == 7
    assert [(one.name, one.label, one.at) for one in told.recipients] == [("bela", "delivered", 5)]


def test_how_the_links_with_a_node_are_is_told_with_both_codes_and_programs() -> None:
    class Node(FakeAsker):
        async def ask(self, op: str, args: Any = None, **more: Any) -> Any:
            await super().ask(op, args, **more)
            return rq.LinksResult(links=[]) if op == "links" else self.result

    status = rq.StatusResult(
        ready=True, self=ME, pid=1, program="snicher/0.1.0", home="h", log="l", head=1, health=nouns.Health()
    )
    model = viewmodel.Model("home")
    model.resync(snapshot(10, [node()], [direct()]))
    asker = Node(status)
    question = asked.decode('{"t":"secure","n":1,"peer":"peer-bela"}')
    told = asyncio.run(asked.answer(question, asker, model))  # type: ignore[arg-type]
    assert asker.asked == [("links", rq.PeerArgs(peer="peer-bela")), ("status", None)]
    assert isinstance(told, secure.SecureView) and (told.links, told.program) == ([], "snicher/0.1.0")
    assert (told.mine, told.theirs) == (["aaaa", "bbbb", "cccc", "dddd"], ["k7f2", "9qda", "mx31", "t6ow"])


def test_who_may_be_meant_is_told_without_the_node() -> None:
    model = viewmodel.Model("home")
    model.resync(snapshot(10, [node(warning="Another key.", rival="r" * 52), node("cian")], [direct()]))
    told, put_to_the_node = put({"t": "doubt", "n": 1, "peer": "peer-bela"}, None, model)
    assert isinstance(told, asked.Meant) and len(told.sides) == 2 and not put_to_the_node
    assert told.rival == "r" * 52
    for nobody in ("peer-cian", "peer-nobody"):
        with pytest.raises(CommandRefused, match="doubt"):
            put({"t": "doubt", "n": 1, "peer": nobody}, None, model)


@pytest.mark.parametrize(("plain", "rival"), [(False, "r" * 52), (True, None)])
def test_a_decision_about_a_peer_is_put_to_the_node_with_the_key_that_was_shown(plain: bool, rival: str | None) -> None:
    question = {"t": "trust", "n": 1, "key": "k" * 8, "peer": "peer-bela", "plain": plain}
    question |= {} if rival is None else {"rival": rival}
    met, put_to_the_node = put(question, rq.PeerResult(peer=node()), viewmodel.Model("home"))
    assert put_to_the_node == [("trust", rq.TrustArgs(peer="peer-bela", plain=plain, rival=rival))]
    assert isinstance(met, asked.Met) and met.peer.encrypted


@pytest.mark.parametrize("value", hostile_json.VALUES.values(), ids=hostile_json.VALUES)
@pytest.mark.parametrize(
    "place", ["{}", '{{"t":{}}}', '{{"t":"hello","seq":{}}}', '{{"t":"hello","log":{}}}', '{{"t":"renew","n":{}}}']
)
def test_hostile_json_from_a_browser_is_one_documented_error(place: str, value: str) -> None:
    with pytest.raises(asked.UNREADABLE):
        asked.decode(place.format(value))


@pytest.mark.parametrize("value", hostile_json.VALUES.values(), ids=hostile_json.VALUES)
def test_hostile_json_where_nothing_of_ours_stands_is_passed_over_or_is_that_error(value: str) -> None:
    with contextlib.suppress(*asked.UNREADABLE):
        assert asked.decode(f'{{"t":"hello","else":{value}}}') == asked.Hello()
