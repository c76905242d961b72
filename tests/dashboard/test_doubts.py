"""What is in doubt, what a person can decide, and whose codes they compare."""

from __future__ import annotations

from dashboard.doubts import DoubtView, Side, doubt_view, sides
from node.bus import nouns
from node.model import short_code
from tests.dashboard.nouns import CODE, node, peer

RIVAL = "r" * 52


def doubt(one: nouns.Peer) -> DoubtView:
    found = doubt_view(one, one.name)
    assert found is not None
    return found


def meant(one: nouns.Peer, *others: nouns.Peer) -> list[Side]:
    return sides(one, one.name, [one, *others])


def test_most_peers_are_in_no_doubt() -> None:
    assert doubt_view(peer(), "bela") is None


def test_another_key_is_shown_beside_the_known_one() -> None:
    one = node(warning="Another key\nanswers.", rival=RIVAL)
    found = doubt(one)
    assert (found.text, found.act, found.plain) == ("Another key answers.", "Trust the new key", False)
    known, new = meant(one)
    assert known.code == CODE.split(" · ") and new.code == short_code(RIVAL).split(" · ")


def test_clear_text_from_the_address_of_a_node_shows_that_node() -> None:
    clear = peer("bela", warning="In clear.")
    there = node("bela", id="n" * 52)
    listed = node("dora", id="m" * 52, host="10.0.0.9", addresses=["10.0.0.9:5", "192.168.1.21:5000"])
    elsewhere = node("cian", host="10.0.0.8")
    found = doubt(clear)
    assert (found.act, found.plain) == ("Allow clear text", True)
    own, *nodes = meant(clear, there, listed, elsewhere, peer("eve"))
    assert own.code == [] and own.where == "192.168.1.21:5000"
    assert [side.title for side in nodes] == ["2. dora, the node known there", "3. bela, the node known there"]


def test_a_shared_name_shows_all_of_that_name() -> None:
    one = node(warning="Two of one name.")
    found = doubt(one)
    assert (found.act, found.plain) == ("That's right", False)
    assert [side.code for side in meant(one, node("BELA", id="n" * 52, code="aaaa · bbbb"), node("cian"))] == [
        CODE.split(" · "),
        ["aaaa", "bbbb"],
    ]
    many = [node("bela", id=f"{number:052}") for number in range(9)]
    assert len(meant(node(warning="Many."), *many)) == 4
