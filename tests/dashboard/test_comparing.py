"""Whether a code is somebody's: read from a picture, or typed."""

from __future__ import annotations

import pytest

from dashboard import comparing
from node.bus import nouns
from node.model import short_code
from tests.dashboard.nouns import ME, node
from tests.support.fake_node import node_id

BELA = node(id=node_id(1), code=short_code(node_id(1)))
DORA = node("dora", id=node_id(2), code=short_code(node_id(2)))
#: Someone nobody here knows.
OTHER = node_id(3)
US = type(ME)(id=node_id(4), code=short_code(node_id(4)), name="anna", listen="", addresses=[])
ALL = [BELA, DORA]


def groups(key: str) -> list[str]:
    return short_code(key).split(" · ")


@pytest.mark.parametrize(
    "texts",
    [
        [BELA.id], [BELA.id.upper()], [f"snicher://{BELA.id}@10.0.0.1:5000?name=x"], [US.id, BELA.id],
        ["https://site.example", BELA.id], [nouns.compared(US.id, BELA.id)],
    ],
    ids=["alone", "large letters", "an invite", "both codes", "beside something else", "a terminal's"],
)  # fmt: skip
def test_the_others_code_in_a_picture_matches(texts: list[str]) -> None:
    assert comparing.read(texts, BELA, US, ALL) == comparing.Compared(True, groups(BELA.id), "bela")


@pytest.mark.parametrize(
    ("texts", "found", "known"),
    [
        ([DORA.id], DORA.id, "dora"),
        ([OTHER], OTHER, ""),
        # Their own code is right, and the one that they have for us is not: somebody stands in between.
        ([BELA.id, OTHER], OTHER, ""),
        ([nouns.compared(OTHER, BELA.id)], OTHER, ""),
    ],
    ids=["somebody known", "nobody known", "in between", "in between, by a terminal"],
)
def test_another_nodes_code_in_a_picture_differs(texts: list[str], found: str, known: str) -> None:
    assert comparing.read(texts, BELA, US, ALL) == comparing.Compared(False, groups(found), known)


def test_a_picture_without_a_code_of_theirs_is_neither() -> None:
    with pytest.raises(ValueError, match="isn't one of Snicher"):
        comparing.read(
            ["https://site.example", BELA.id[:-1], "snicher://nonsense", nouns.COMPARED, nouns.COMPARED + "a,b,c"],
            BELA,
            US,
            ALL,
        )
    with pytest.raises(ValueError, match="your own code"):
        comparing.read([US.id], BELA, US, ALL)


@pytest.mark.parametrize("change", [str, str.upper, lambda code: code.replace(" · ", ""), lambda code: f" {code}-"])
def test_a_code_is_typed_in_any_case_and_with_any_blanks(change: object) -> None:
    assert callable(change)
    assert comparing.typed(change(BELA.code), BELA, US, ALL) == comparing.Compared(True, groups(BELA.id), "bela")


def test_a_peer_id_or_an_invite_may_be_pasted_instead() -> None:
    assert comparing.typed(f" {BELA.id}\n", BELA, US, ALL).matches
    assert comparing.typed(f"snicher://{DORA.id}@10.0.0.1:5000", BELA, US, ALL).known == "dora"


def test_another_code_differs_and_half_a_code_is_none() -> None:
    assert comparing.typed(short_code(OTHER), BELA, US, ALL) == comparing.Compared(False, groups(OTHER), "")
    assert comparing.typed(DORA.code, BELA, US, ALL) == comparing.Compared(False, groups(DORA.id), "dora")
    with pytest.raises(ValueError, match="this one has 15"):
        comparing.typed(BELA.code[:-1], BELA, US, ALL)
    with pytest.raises(ValueError, match="your own code"):
        comparing.typed(US.code, BELA, US, ALL)
