from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from dashboard import lists, viewmodel
from dashboard.operations import Everything
from node.bus import nouns
from tests.dashboard.nouns import message, peer, room, snapshot


def everything(rooms: list[nouns.Room], peers: list[nouns.Peer]) -> Everything:
    model = viewmodel.Model("/home/of/anna")
    model.resync(snapshot(10, peers, rooms))
    return model.everything()


def many(count: int) -> Everything:
    """As many conversations; in number N the newest text is message N."""
    names = [f"n{number}" for number in range(1, count + 1)]
    said = [message(number, name=name) for number, name in enumerate(names, 1)]
    rooms = [room(name, last=last, unread=1) for name, last in zip(names, said, strict=True)]
    return everything(rooms, [peer(name) for name in names])


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "FIRST", 3)
    monkeypatch.setattr(lists, "PAGE", 4)


def pages(made: lists.Lists) -> list[dict[str, Any]]:
    return [json.loads(page) for page in made.pages(msgspec.json.Encoder())]


def ids(views: list[Any]) -> list[str]:
    return [str(view["id"] if isinstance(view, dict) else view.id) for view in views]


def test_the_newest_come_first_and_each_page_brings_the_peers_of_its_conversations() -> None:
    made = lists.Lists(many(12))
    first = made.first("")
    assert ids(first.rooms) == ["room-n12", "room-n11", "room-n10"]
    assert ids(first.peers) == ["peer-n12", "peer-n11", "peer-n10"]
    assert (first.totals.rooms, first.totals.peers, first.totals.unread) == (12, 12, 12), "of all"
    rest = pages(made)
    assert [page["t"] for page in rest] == ["more"] * 3 and [page["left"] for page in rest] == [2, 1, 0]
    assert made.count == 3
    assert [ids(page["rooms"]) for page in rest] == [
        ["room-n9", "room-n8", "room-n7", "room-n6"], ["room-n5", "room-n4", "room-n3", "room-n2"], ["room-n1"],
    ]  # fmt: skip
    assert all(ids(page["peers"]) == [one.replace("room", "peer") for one in ids(page["rooms"])] for page in rest)


def test_of_two_with_the_same_place_the_one_begun_last_comes_first() -> None:
    made = lists.Lists(everything([room("a"), room("b"), room("c", read_upto=1), room("d")], []))
    assert ids(made.first("").rooms) + ids(pages(made)[0]["rooms"]) == ["room-c", "room-d", "room-b", "room-a"]


def test_what_fits_on_one_page_is_whole_with_it() -> None:
    for count in (0, 1, 3):
        made = lists.Lists(many(count))
        assert made.count == 0 and pages(made) == []
        assert len(made.first("").rooms) == count


def test_the_open_conversation_is_on_the_first_page_by_any_of_its_ids() -> None:
    rooms = [room("old", aliases=["room-older"]), *(room(f"n{number}", read_upto=number) for number in range(1, 9))]
    made = lists.Lists(everything(rooms, [peer("old"), *(peer(f"n{number}") for number in range(1, 9))]))
    for opened in ("room-old", "room-older"):
        first = made.first(opened)
        assert ids(first.rooms) == ["room-n8", "room-n7", "room-n6", "room-old"]
        assert "peer-old" in ids(first.peers)
    assert ids(made.first("room-n8").rooms) == ids(made.first("nowhere").rooms) == ids(made.first("").rooms)
    told = [one for page in pages(made) for one in ids(page["rooms"])]
    assert told[-1] == "room-old", "and once more in its place"


def test_peers_without_a_conversation_come_as_well() -> None:
    made = lists.Lists(everything([room("a")], [peer(f"lone{number}", room="") for number in range(9)]))
    found = ids(made.first("").peers) + [one for page in pages(made) for one in ids(page["peers"])]
    assert len(found) == len(set(found)) == 9
    assert made.count == 2


def test_a_page_is_encoded_once_for_all_tabs() -> None:
    made = lists.Lists(many(12))
    encoder = msgspec.json.Encoder()
    one, other = list(made.pages(encoder)), list(made.pages(encoder))
    assert all(page is again for page, again in zip(one, other, strict=True))
