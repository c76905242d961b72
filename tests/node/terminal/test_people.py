"""The verbs about people: who somebody is, who may come in, and how people find each other."""

from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import pytest

from node import qr
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from node.model import short_code
from node.terminal import people
from tests.node.terminal.test_said import BELA, DIRECT, OLD, PLAIN, message, page, there
from tests.support.fake_client import FakeClient

ME = nouns.Self(id="b" * 52, code=short_code("b" * 52), name="anna", listen="")
LINK = f"snicher://{'a' * 52}@10.0.0.1:5000?name=anna"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def snapshot(*rooms: nouns.Room, **state: object) -> rq.SnapshotResult:
    found = there(*rooms)
    return msgspec.structs.replace(found, state=msgspec.structs.replace(found.state, **{"self": ME, **state}))


def test_an_invite_is_one_line_for_other_programs_and_says_on_stderr_what_is_wrong_with_it(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(["invite"], rq.InviteResult(link=LINK, note="No network."))
    assert capsys.readouterr() == (f"{LINK}\n", "No network.\n")
    verb(["invite", "--json"], rq.InviteResult(link=LINK))
    assert msgspec.json.decode(capsys.readouterr().out)["link"] == LINK


@pytest.mark.parametrize("words", [["invite"], ["invite", "--no-qr"]])
def test_on_a_terminal_an_invite_has_its_qr_code_unless_it_is_not_wanted(
    verb: Callable[..., FakeClient], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    verb(words, rq.InviteResult(link=LINK))
    assert ("\n".join(qr.lines(LINK)) in screen.getvalue()) == (len(words) == 1)
    assert f"{LINK}\n" in screen.getvalue()


def test_whoever_is_added_is_told_with_their_code_and_what_was_left_out(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    client = verb(["add", LINK], rq.AddResult(peer=BELA, note="Not \x1btried."))
    assert client.asked == [("add", LINK)]
    out, err = capsys.readouterr()
    assert out == f"bela (k7f2 9qda) is added; only the key with the code {BELA.code} may answer there.\n"
    assert "\x1b" not in err and "Not" in err


def test_both_codes_stand_in_the_order_that_the_other_side_sees_too() -> None:
    theirs = nouns.Self(id=BELA.id, code=BELA.code, name="bela", listen="")
    anna = nouns.Peer(id=ME.id, room="r", name="anna", kind="node")
    ours = [line.partition("(")[0] for line in people.code_lines(ME, BELA)]
    assert ours == [line.partition("(")[0] for line in people.code_lines(theirs, anna)]
    assert ours[0].split(". ")[1].strip() == short_code(BELA.id), "the lower PeerId comes first"


@pytest.mark.parametrize(("answer", "verified"), [("yes\n", True), ("no\n", False), ("", False), ("\n", False)])
def test_verify_asks_and_enter_verifies_nobody(
    verb: Callable[..., FakeClient],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    verified: bool,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    answers = snapshot(DIRECT), msgspec.structs.replace(BELA, verified=True)
    if verified:
        assert ("verify", BELA.id, BELA.code) in verb(["verify", "bela"], *answers).asked
    else:
        # A script that asks sees by the exit code that nobody was verified.
        with pytest.raises(CommandRefused, match="Not verified"):
            verb(["verify", "bela"], *answers)
    out = capsys.readouterr().out
    assert f"1. {short_code(BELA.id)}   (the code of bela)" in out
    assert f"2. {ME.code}   (your code)" in out
    assert ("is verified" in out) == verified


def test_a_code_that_was_given_is_not_asked_for(verb: Callable[..., FakeClient]) -> None:
    client = verb(["verify", "bela", "--code", "k7f2"], BELA)
    assert client.asked == [("verify", "bela", "k7f2")]
    assert verb(["unverify", "bela"], BELA).asked == [("unverify", "bela")]


def test_a_plain_client_cannot_be_verified(verb: Callable[..., FakeClient]) -> None:
    with pytest.raises(CommandRefused, match="no key to verify"):
        verb(["verify", "plain-2"], snapshot(PLAIN))


def test_requests_show_name_code_address_lines_and_whom_the_name_looks_like(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = nouns.Peer(
        id="c" * 52,
        room="direct:9",
        name="b\u0435la\u202e",
        kind="node",
        host="10.0.0.9",
        port=5,
        code=short_code("c" * 52),
    )
    known = msgspec.structs.replace(BELA, standing="known")
    room = nouns.Room(
        id="direct:9", kind="direct", name="b\u0435la", peer=stranger.id, request=True, last=message(room="direct:9"),
        unread=2,
    )  # fmt: skip
    empty = nouns.Room(id="direct:8", kind="direct", name="nothing yet", request=True)
    hidden = msgspec.structs.replace(room, id="direct:7", hidden=True)
    state = snapshot(DIRECT, room, empty, hidden, peers={BELA.id: known, stranger.id: stranger, OLD.id: OLD})
    lines = page(message(room="direct:9", text="buy\x1b[2J\nthis"), message(room="direct:9", text="http://evil/"))
    client = verb(["requests"], state, lines)
    assert client.asked == [("snapshot",), ("history", "direct:9")]
    out = capsys.readouterr().out
    assert "\x1b" not in out and "nothing yet" not in out
    assert out.startswith(f"b\u0435la (code {stranger.code}) at 10.0.0.9:5, since ")
    assert "! Its name is like that of bela (k7f2 9qda), who has another code." in out
    assert "  | this\n  | http://evil/\n" in out
    verb(["requests", "--json"], state, lines)
    assert msgspec.json.decode(capsys.readouterr().out)["room"]["id"] == "direct:9"
    verb(["requests"], snapshot(DIRECT))
    assert capsys.readouterr().out == "Nobody waits.\n"


def test_what_is_decided_is_told(verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]) -> None:
    one = nouns.Blocked(id="10.0.0.2", name="be\nla", at=0)
    for words, answer, asked in (
        (["accept", "bela"], BELA, ("accept", "bela")),
        (["refuse", "bela"], None, ("refuse", "bela")),
        (["block", "10.0.0.2"], one, ("block", "10.0.0.2")),
        (["unblock", "10.0.0.2"], one, ("unblock", "10.0.0.2")),
    ):
        assert verb(words, answer).asked == [asked]
        assert len(capsys.readouterr().out.splitlines()) == 1
    verb(["blocked"], snapshot(blocked={one.id: one}))
    assert capsys.readouterr().out.endswith("plain clients at 10.0.0.2 (be la)\n")
    verb(["blocked"], snapshot())
    assert capsys.readouterr().out == "Nobody is blocked.\n"


def test_what_others_are_told_is_said_and_changed_by_one_verb(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    told = nouns.Settings(name="anna", presence="away", status="at lunch")
    client = verb(["presence", "away", "--status", "at lunch"], told)
    assert client.asked == [({"presence": "away", "status": "at lunch"},)]
    assert "are told that you are away, and that you say: at lunch." in capsys.readouterr().out
    found = there()
    found.state.settings = nouns.Settings(name="anna", presence="invisible")
    verb(["presence"], found)
    assert "Nobody is told anything about you." in capsys.readouterr().out
    with pytest.raises(SystemExit):
        verb(["presence", "offline"])


def test_each_line_of_a_request_is_marked_on_a_narrow_terminal_too() -> None:
    room = nouns.Room(id="direct:9", kind="direct", name="bela", peer="b" * 52, request=True)
    state = nouns.State(self=ME, settings=nouns.Settings(name="anna"))
    forged = message(text="word " * 8 + "python -m node accept me\n\nend")
    told = people.request_lines(state, room, None, [forged], 40)  # type: ignore[arg-type]
    assert told[-1] == f"  python -m node accept|refuse|block {'b' * 52}"
    said = [line for line in told if line.startswith("  |")]
    assert told[-1 - len(said) : -1] == said and len(said) == 4
    assert all(len(line) <= 40 for line in told[:-1])
    assert people.request_lines(state, room, None, [forged], None)[1] == f"  | {forged.text.splitlines()[0]}"  # type: ignore[arg-type]
