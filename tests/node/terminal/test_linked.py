"""The verb `link`: how the link with a node is, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from node.bus import nouns
from node.bus import requests as rq
from node.terminal import linked
from node.terminal.lines import clock
from tests.node.terminal.test_said import BELA, DIRECT, OLD, PLAIN, there
from tests.support.fake_client import FakeClient

SINCE = 1_700_000_000_000
STATUS = rq.StatusResult(
    ready=True, self=nouns.Self(id="me", code="", name="anna", listen=""), pid=1, program="snicher/0.1.0", home="h",
    log="l", head=1, health=nouns.Health(),
)  # fmt: skip


def link(**more: Any) -> nouns.Link:
    fields: dict[str, Any] = {
        "direction": "out", "address": "10.0.0.9:5000", "since": SINCE, "version": 1, "program": "snicher/0.2.0",
        "instance": "1" * 32, **more,
    }  # fmt: skip
    return nouns.Link(**fields)


def test_a_link_is_told_with_both_programs_and_both_codes(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    client = verb(["link", "bela"], there(DIRECT), [link(clock=-7 * 60_000)], STATUS)
    assert client.asked[1] == ("links", BELA.id)
    assert capsys.readouterr().out.splitlines() == [
        f"bela (k7f2 9qda): encrypted since {clock(SINCE)}",
        "  address     10.0.0.9:5000 (this node connected)",
        "  programs    snicher/0.1.0 here, snicher/0.2.0 there, protocol 1",
        "  clock       theirs is 7 min behind this one",
        "  your code   ",
        f"  their code  {BELA.code}",
    ]


def test_a_code_that_was_compared_is_told_as_verified(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    found = there(DIRECT)
    found.state.peers[BELA.id] = msgspec.structs.replace(BELA, verified=True)
    verb(["link", "bela"], found, [link()], STATUS)
    assert capsys.readouterr().out.splitlines()[-1] == f"  their code  {BELA.code}, verified"


def test_two_machines_of_one_identity_are_told_apart_the_one_in_use_first(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    other = link(direction="in", instance="2" * 32, since=SINCE + 60_000, program="", clock=3 * 3600_000)
    verb(["link", "bela"], there(DIRECT), [link(), other], STATUS)
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith(f"since {clock(SINCE)}, with 2 of their machines")
    assert told[1] == f"  machine 1 of 2, since {clock(SINCE + 60_000)}" and told[2].endswith("(they connected)")
    assert "not told there" in told[3] and told[4] == "  clock       theirs is 3 h ahead of this one"
    assert told[5] == f"  machine 2 of 2, since {clock(SINCE)}"


def test_no_link_says_why_and_when_the_next_try_is(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked.time, "time", lambda: 0.0)
    snapshot = there(DIRECT)
    snapshot.state.peers[BELA.id] = msgspec.structs.replace(BELA, error="It refused.")
    snapshot.live.next_tries = [nouns.NextTry(peer=BELA.id, at=40_000, attempt=2, reason="x")]
    verb(["link", "bela"], snapshot, [])
    first, *codes = capsys.readouterr().out.splitlines()
    assert first == "bela (k7f2 9qda): there is no link now. It refused. Next try in 40 s."
    assert len(codes) == 2


def test_a_plain_client_has_no_such_link_and_nobody_off_the_list(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(["link", "plain-2"], there(PLAIN), [])
    assert capsys.readouterr().out == "Bela (10.0.0.2:5) is a plain client: what is said there is not encrypted.\n"
    gone = there(PLAIN)
    del gone.state.peers[OLD.id]
    verb(["link", "plain-2"], gone)
    assert capsys.readouterr().out == "Bela is not on the list of peers, so there is no link.\n"


def test_links_as_json(verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]) -> None:
    verb(["link", "bela", "--json"], there(DIRECT), [link()])
    assert msgspec.json.decode(capsys.readouterr().out, type=rq.LinksResult).links == [link()]


def test_the_addresses_of_a_node_are_told_with_how_each_was_learnt_and_what_became_of_it(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [
        nouns.Path(address="10.0.0.9:5000", how="seen", learnt=SINCE, good=SINCE),
        nouns.Path(address="[2001:db8::9]:5000", how="exchange", learnt=SINCE, tried=SINCE, error="No \x1banswer."),
    ]
    client = verb(["link", "bela", "--paths"], paths)
    assert client.asked == [("paths", "bela")]
    assert capsys.readouterr().out.splitlines() == [
        f"10.0.0.9:5000  called from there; good at {clock(SINCE)}",
        f"[2001:db8::9]:5000  told by a node; never good so far; tried at {clock(SINCE)}:"
        " No \N{REPLACEMENT CHARACTER}answer.",
    ]
