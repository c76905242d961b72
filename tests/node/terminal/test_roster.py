"""Peers and others on a terminal: the most important first, and nothing left out."""

from __future__ import annotations

import re
import time

import pytest

from node.bus import nouns, words
from node.terminal import lines, roster
from node.terminal.columns import cells
from node.terminal.screen import text_of

ID, RIVAL = "a" * 52, "b" * 52
CODE = "k7f2 · 9qda · mx31 · t6ow"
BELA = nouns.Peer(
    id=ID, room="direct:1", name="Béla 日本語 \U0001f468\u200d\U0001f469\u200d\U0001f467", kind="node",
    host="192.168.100.200", port=50000, link="online", presence="away", code=CODE, verified=True,
    status="at [bold]lunch[/bold]",
)  # fmt: skip
OLD = nouns.Peer(
    id="plain-1", room="plain-1", name="OLD", host="10.0.0.1", port=5, dialect="std", link="offline", error="No way."
)
DOUBTED = nouns.Peer(id="plain-2", room="plain-2", name="b" * 64, host="2001:db8:1:2:3:4:5:6", port=5000,
                     warning="Clear text comes from the address of a node.")  # fmt: skip
TRIES = {"plain-1": nouns.NextTry(peer="plain-1", at=107_000, attempt=1, reason="x")}


@pytest.fixture(autouse=True)
def it_is_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 100.0)


def drawn(width: int | None) -> list[str]:
    return [text_of(line) for line in roster.peers([BELA, OLD, DOUBTED], TRIES, width)]


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_peers_fit_and_nothing_is_left_out(width: int) -> None:
    told = drawn(width)
    # A word isn't broken: people copy an id.
    assert all(cells(line) <= width or line.strip() in (ID, "b" * 64) for line in told)
    assert told[0].split()[:3] == ["NAME", "STATE", "PRIVACY"]
    name, state, kept = re.split(" {2,}", told[1])[:3]
    assert (state, kept.strip()) == ("away", "encrypted")
    assert name == BELA.name
    whole = " ".join(" ".join(told).split())
    for said in (ID, CODE, "verified", "192.168.100.200:50000", "“at [bold]lunch[/bold]”", "No way. Next try in 7 s.",
                 "std (a guess)", "b" * 64, "Clear text comes from the address of a node."):  # fmt: skip
        assert said in whole, said


def test_where_there_is_room_a_peer_is_one_line() -> None:
    told = drawn(200)
    assert told[0].split() == ["NAME", "STATE", "PRIVACY", "ADDRESS", "DIALECT", "OR", "CODE", "ID"]
    assert told[3].split() == ["OLD", "offline", "plain", "10.0.0.1:5", "std", "(a", "guess)", "plain-1"]


def test_on_a_pipe_each_peer_is_one_line_with_all_there_is() -> None:
    head, *told = drawn(None)
    assert head == lines.PEERS_HEADER
    assert len(told) == 3 and all(one.id in line for one, line in zip((BELA, OLD, DOUBTED), told, strict=True))
    assert "trust plain-2 --plain" in told[2] and "b" * 64 in told[2]
    assert cells(told[0][: told[0].index("192.")]) == head.index("ADDRESS"), "a wide name moves no column"


def test_consumers_and_the_blocked_fit_too() -> None:
    bot = nouns.Consumer(name="b" * 64, position=123456, lag=7, created=1, used=1, lapsed=True)
    bad = nouns.Blocked(id=ID, name="日" * 30, at=1)
    for width in (200, 80, 60, 40):
        told = [text_of(line) for line in roster.consumers([bot], width)]
        assert all(cells(line) <= width or "b" * 64 in line for line in told)
        assert "123456" in (whole := " ".join(told)) and "lapsed" in whole and "b" * 64 in whole
        told = [text_of(line) for line in roster.blocked([bad], width)]
        assert all(cells(line) <= width or "日" * 30 in line for line in told)
        assert "".join(told).replace(" ", "").count("日") >= 30


def test_below_the_list_stands_once_what_its_words_mean_and_for_a_pipe_nothing() -> None:
    told = [text_of(line) for line in roster.legend([BELA, OLD, OLD], 200)]
    assert told == [
        f"plain: {words.PRIVACY['plain'].sentence}",
        f"a guess: {words.DIALECT_FROM['guess'].sentence}",
    ]
    assert all(cells(text_of(line)) <= 40 for line in roster.legend([BELA, OLD], 40))
    assert roster.legend([BELA], 80) == []
    assert roster.legend([OLD], None) == []
