from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import msgspec
import pytest

from dashboard import asked, comparing, schema, secure, viewmodel
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from node.model import short_code
from tests.dashboard.nouns import ME, direct, entry, message, node, peer, room, snapshot
from tests.dashboard.pictured import picture
from tests.support import hostile_json
from tests.support.fake_node import node_id


class FakeAsker:
    """Answers everything with one result, and notes what it was asked."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self.asked: list[tuple[str, Any]] = []

    async def ask(self, op: str, args: Any = None, **_: Any) -> Any:
        self.asked.append((op, args))
        return self.result


def command(op: str, **args: object) -> dict[str, object]:
    return {"t": "command", "n": 1, "op": op, "args": args, "key": "k" * 8}


def put(request: dict[str, object], result: Any, model: viewmodel.Model) -> tuple[Any, list[tuple[str, Any]]]:
    asker = FakeAsker(result)
    word = schema.decode(msgspec.json.encode(request).decode())
    return asyncio.run(asked.answer(word, asker, model)), asker.asked  # type: ignore[arg-type]


def test_a_search_is_put_to_the_node_with_room_place_and_limit() -> None:
    result = rq.SearchResult(hits=[message(7, text="a word\u202e")], more=True, pending=3)
    request = command("search", query="a word", room="plain-2", before=9, limit=50)
    found, put_to_the_node = put(request, result, viewmodel.Model("home"))
    assert put_to_the_node == [("search", rq.SearchArgs(query="a word", room="plain-2", before=9, limit=50))]
    assert isinstance(found, schema.Hits)
    assert (found.more, found.pending) == (True, 3)
    assert [(one.id, one.text) for one in found.hits] == [(7, "a word")]


def test_every_command_that_pages_may_give_is_one_of_the_bus_and_needs_a_key_unless_it_may_be_repeated() -> None:
    for op, allowed in schema.COMMANDS.items():
        assert op in rq.COMMANDS
        # That something was read is a fact that only grows.
        assert allowed.keyed == (op not in rq.REPEATABLE and op != "mark_read"), op


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (command("stop"), "unknown_op"),
        (command("search"), "invalid_args"),
        (command("search", query=7), "invalid_args"),
        ({**command("forget", peer="x"), "key": None}, "invalid_args"),
    ],
    ids=["not for pages", "nothing asked", "no text", "no key"],
)
def test_what_a_page_may_not_ask_never_reaches_the_node(request_: dict[str, object], code: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        put(request_, None, viewmodel.Model("home"))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "fields",
    [{"limit": 0}, {"limit": schema.MAX_ROWS + 1}, {"before": -1}, {"text": "x" * 201}, {"kinds": ["x"] * 9}],
    ids=["no limit", "limit", "before", "text", "kinds"],
)
def test_what_is_out_of_bounds_is_no_request(fields: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        schema.decode(msgspec.json.encode({"t": "events", "n": 1, **fields}).decode())


def test_a_kind_of_request_that_is_not_known_is_passed_over() -> None:
    assert schema.decode('{"t":"from a later page","n":7,"x":[]}') == schema.Unknown(7)
    assert schema.decode('{"t":"from a later page"}') == schema.Unknown(None)


def test_every_setting_of_the_node_may_be_changed() -> None:
    assert set(nouns.Settings.__struct_fields__) <= set(schema.Change.__struct_fields__)


def test_what_became_of_a_message_is_asked_and_told_by_name() -> None:
    model = viewmodel.Model("home")
    model.resync(snapshot(10, [node()], [direct()]))
    became = rq.DeliveryResult(
        message=entry(7, state="delivered"), recipients=[rq.Recipient(peer="peer-bela", state="delivered", at=5)]
    )
    told, put_to_the_node = put(command("delivery", message=7), became, model)
    assert put_to_the_node == [("delivery", rq.DeliveryArgs(message=7))]
    assert isinstance(told, schema.Told) and told.message.id == 7
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
    question = schema.decode('{"t":"secure","n":1,"peer":"peer-bela"}')
    told = asyncio.run(asked.answer(question, asker, model))  # type: ignore[arg-type]
    assert asker.asked == [("links", rq.PeerArgs(peer="peer-bela")), ("status", None)]
    assert isinstance(told, secure.SecureView) and (told.links, told.program) == ([], "snicher/0.1.0")
    assert (told.mine, told.theirs) == (["aaaa", "bbbb", "cccc", "dddd"], ["k7f2", "9qda", "mx31", "t6ow"])


def test_who_may_be_meant_is_told_without_the_node() -> None:
    model = viewmodel.Model("home")
    model.resync(snapshot(10, [node(warning="Another key.", rival="r" * 52), node("cian")], [direct()]))
    told, put_to_the_node = put({"t": "doubt", "n": 1, "peer": "peer-bela"}, None, model)
    assert isinstance(told, schema.Meant) and len(told.sides) == 2 and not put_to_the_node
    assert told.rival == "r" * 52
    for nobody in ("peer-cian", "peer-nobody"):
        with pytest.raises(CommandRefused, match="doubt"):
            put({"t": "doubt", "n": 1, "peer": nobody}, None, model)


@pytest.mark.parametrize(("plain", "rival"), [(False, "r" * 52), (True, None)])
def test_a_decision_about_a_peer_is_put_to_the_node_with_the_key_that_was_shown(plain: bool, rival: str | None) -> None:
    request = command("trust", peer="peer-bela", plain=plain, rival=rival)
    met, put_to_the_node = put(request, rq.PeerResult(peer=node()), viewmodel.Model("home"))
    assert put_to_the_node == [("trust", rq.TrustArgs(peer="peer-bela", plain=plain, rival=rival))]
    assert isinstance(met, schema.Met) and met.peer.encrypted


@pytest.mark.parametrize("value", hostile_json.VALUES.values(), ids=hostile_json.VALUES)
@pytest.mark.parametrize(
    "place", ["{}", '{{"t":{}}}', '{{"t":"hello","seq":{}}}', '{{"t":"hello","log":{}}}', '{{"t":"renew","n":{}}}']
)
def test_hostile_json_from_a_browser_is_one_documented_error(place: str, value: str) -> None:
    with pytest.raises(schema.UNREADABLE):
        schema.decode(place.format(value))


@pytest.mark.parametrize("value", hostile_json.VALUES.values(), ids=hostile_json.VALUES)
def test_hostile_json_where_nothing_of_ours_stands_is_passed_over_or_is_that_error(value: str) -> None:
    with contextlib.suppress(*schema.UNREADABLE):
        assert schema.decode(f'{{"t":"hello","else":{value}}}') == schema.Hello()


def test_an_invite_comes_with_its_qr_code_as_a_path_with_light_around_it() -> None:
    made = rq.InviteResult(link="snicher://" + "a" * 52 + "@10.0.0.1:5000?name=anna", note="There is no network.")
    told, _ = put({**command("invite"), "key": None}, made, viewmodel.Model("home"))
    assert isinstance(told, schema.Invite) and (told.link, told.note) == (made.link, "There is no network.")
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", told.qr.path)}
    assert {min(x for x, _ in dark), min(y for _, y in dark)} == {4}, "four modules of light"
    assert max(x for x, _ in dark) == told.qr.side - 5


def test_who_was_added_is_told_with_what_was_not_taken() -> None:
    told, asked_for = put(command("add", link="snicher:"), rq.AddResult(peer=node()), viewmodel.Model("home"))
    assert isinstance(told, schema.Added) and (told.peer.name, told.note) == ("bela", "")
    assert asked_for == [("add", rq.AddArgs(link="snicher:"))]


def test_codes_are_drawn_and_compared_without_the_node() -> None:
    bela = node(id=node_id(1), code=short_code(node_id(1)))
    model = viewmodel.Model("home")
    model.resync(snapshot(10, [bela, peer("cian")], [direct(peer=bela.id), room("cian")]))
    drawn, put_to_the_node = put({"t": "codes", "n": 1, "peer": bela.id}, None, model)
    assert isinstance(drawn, schema.BothCodes) and drawn.mine != drawn.theirs and not put_to_the_node
    for given in ({"typed": bela.code}, {"picture": picture(bela.id)}):
        found, put_to_the_node = put({"t": "compare", "n": 1, "peer": bela.id, **given}, None, model)
        assert isinstance(found, comparing.Compared) and found.matches and not put_to_the_node
    for wrong, code in ((bela.id, "not_compared"), ("peer-cian", "not_a_node"), ("nobody", "not_found")):
        with pytest.raises(CommandRefused) as refused:
            put({"t": "compare", "n": 1, "peer": wrong, "typed": "abc"}, None, model)
        assert refused.value.code == code


@pytest.mark.parametrize(("source", "chosen"), [("default", False), ("saved", True), ("flag", True), ("file", True)])
def test_a_name_is_chosen_once_anybody_gave_one(source: nouns.Source, chosen: bool) -> None:
    name = nouns.Option(key="name", value="root\u202e", source=source, where="", meaning="", default="", restart=False)
    found, put_to_the_node = put({"t": "naming", "n": 1}, rq.ConfigResult(settings=[name]), viewmodel.Model("home"))
    assert (found, put_to_the_node) == (schema.Named("root", chosen), [("config", None)])


def test_choosing_the_name_that_a_node_has_is_a_choice_as_well() -> None:
    result = rq.SettingsResult(settings=nouns.Settings(name="anna"))
    request: dict[str, object] = {"t": "name", "n": 1, "key": "k" * 8, "name": "anna"}
    found, put_to_the_node = put(request, result, viewmodel.Model("home"))
    assert found == schema.Named("anna", chosen=True)
    assert put_to_the_node == [("settings", rq.SettingsArgs(name="anna"))]
