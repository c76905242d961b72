"""How things look on a terminal, and what the verbs make of their words. What they do is tested in tests/e2e."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.errors import CommandRefused
from node.terminal import arguments, backup, console, identity, patience, screen
from node.terminal.lines import CONSUMERS_HEADER, consumer_line
from tests.support.fake_client import FakeClient, FakeConsumer

NOON = int(time.mktime((2026, 1, 2, 12, 0, 0, 0, 0, -1)) * 1000)


def message(**more: Any) -> nouns.Message:
    fields = {"id": 7, "room": "r", "order": "0", "at": NOON, "direction": "in", "author": "p", "name": "BERT"}
    return msgspec.convert({**fields, **more}, nouns.Message)


def test_a_send_that_must_be_repeated_is_the_same_send(
    verb: Callable[..., FakeClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    again = CommandRefused("lookup_pending", "Being looked up.", retryable=True)
    client = verb(["send", "--no-wait", "bert:5", "hi"], again, again, message(direction="out", state="waiting"))
    assert [asked[:2] for asked in client.asked] == [("bert:5", "hi")] * 3
    assert len({asked[2] for asked in client.asked}) == 1
    assert client.asked[0][2]


def test_patience_has_an_end(verb: Callable[..., FakeClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", -1.0)
    with pytest.raises(CommandRefused):
        verb(["send", "--no-wait", "bert:5", "hi"], CommandRefused("busy", "Too much.", retryable=True))


def test_words_that_are_no_text_become_text(verb: Callable[..., FakeClient]) -> None:
    word = os.fsdecode(b"caf\xe9")
    client = verb(["send", "--no-wait", "bert:5", word], message(direction="out", state="waiting"))
    assert client.asked[0][1] == "caf\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (b"one line\n", "one line"),
        (b"two\r\nlines\r\n\n", "two\r\nlines"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"x" * (bounds.MAX_TEXT_BYTES + 100), "x" * (bounds.MAX_TEXT_BYTES + 2)),
    ],
    ids=["one line", "two lines", "no text", "too long"],
)
def test_standard_input_is_read_as_text_and_not_without_end(
    verb: Callable[..., FakeClient], monkeypatch: pytest.MonkeyPatch, given: bytes, text: str
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(given)))
    client = verb(["send", "--no-wait", "bert:5", "-"], message(direction="out", state="waiting"))
    assert client.asked[0][1] == text


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["send", "--no-wait", "bert:5", "hi"], [message(text="\x9b31m\x7f\u202e", name="B\x9d")]),
        (["consumers"], [[nouns.Consumer(name="\x9b", position=1, lag=0, created=1, used=1)]]),
        (
            ["tail"],
            [FakeConsumer([ev.Event(v=1, log="l", at=NOON, type="Odd", seq=1, data={"\x9c": "\u2066"})], str)],
        ),
    ],
    ids=["a message", "a list", "events"],
)
def test_json_steers_no_terminal_and_says_the_same(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], words: list[str], answers: list[Any]
) -> None:
    (told,) = answers[0] if isinstance(answers[0], list) else answers
    printed = None if isinstance(told, FakeConsumer) else msgspec.to_builtins(told)
    verb([*words, "--json"], *answers)
    line = capsys.readouterr().out.removesuffix("\n")
    assert line.isprintable(), ascii(line)
    if printed is not None:
        assert msgspec.json.decode(line) == printed
    else:
        assert '"data":{"\\u009c":"\\u2066"}' in line


@pytest.mark.parametrize(
    "words", [["tail", "--since", "-1"], ["tail", "--since", "1.5"], ["history", "x", "--limit", "0"]]
)
def test_numbers_are_whole_and_not_below_what_makes_sense(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        console.main(words)
    assert ended.value.code == 2
    assert "not a whole number" in (err := capsys.readouterr().err) or "at least 1" in err or "expected one" in err


@pytest.mark.parametrize(
    ("key", "word", "value"),
    [
        ("name", "two words", "two words"),
        ("reconnect", "off", False),
        ("share_reading", "on", True),
        ("keep_days", "30", 30),
        ("mandatory", "10.0.0.1:5, 10.0.0.2:6,", ["10.0.0.1:5", " 10.0.0.2:6"]),
        ("mandatory", "", []),
        ("mandatory_rule", "off", "off"),
    ],
)
def test_a_setting_is_asked_for_as_what_it_is(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], key: str, word: str, value: Any
) -> None:
    option = nouns.Option(key=key, value="\x1b5", source="saved", where="", meaning="", default="", restart=True)
    client = verb(["set", key, word], nouns.Settings(name="n"), [option])
    assert client.asked[0] == ({key: value},)
    assert capsys.readouterr().out == f"{key} is now \N{REPLACEMENT CHARACTER}5. It counts from the next start on.\n"


def option(source: nouns.Source, where: str, *, restart: bool = False) -> nouns.Option:
    return nouns.Option(
        key="keep_days", value="0", source=source, where=where, meaning="", default="", restart=restart
    )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (option("default", ""), "keep_days is now 0, its default."),
        (option("flag", "--keep-days"), "keep_days is now 0, as --keep-days says."),
        (option("default", "", restart=True), "keep_days is now 0, its default. It counts from the next start on."),
    ],
)
@pytest.mark.parametrize("words", [["keep_days", "--default"], ["--default", "keep_days"]])
def test_a_setting_is_reset_and_who_says_so_then_is_told(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], words: list[str], told: nouns.Option, says: str
) -> None:
    client = verb(["set", *words], nouns.Settings(name="n"), [told])
    assert client.asked[0] == ({"reset": ["keep_days"]},)
    assert capsys.readouterr().out == says + "\n"


def test_a_node_that_resets_nothing_is_too_old(verb: Callable[..., FakeClient]) -> None:
    with pytest.raises(CommandRefused, match="too old"):
        verb(["set", "keep_days", "--default"], nouns.Settings(name="n"), [option("saved", "snicher.db")])


@pytest.mark.parametrize("words", [["keep_days"], ["keep_days", "5", "--default"], ["--default"], ["keep_days", ""]])
def test_a_setting_is_given_a_value_or_its_default(words: list[str], verb: Callable[..., FakeClient]) -> None:
    if words[-1]:
        with pytest.raises(SystemExit) as ended:
            console.main(["set", *words])
        assert ended.value.code == 2
    else:
        with pytest.raises(CommandRefused, match="whole number"):
            verb(["set", *words])


def test_consumers_are_listed_and_dropped(verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]) -> None:
    kept = nouns.Consumer(name="bot", position=7, lag=2, created=NOON, used=NOON)
    gone = msgspec.structs.replace(kept, name="old", lapsed=True)
    verb(["consumers"], [kept, gone])
    head, *lines = capsys.readouterr().out.splitlines()
    assert (head, lines) == (CONSUMERS_HEADER, [consumer_line(one) for one in (kept, gone)])
    verb(["consumers", "--json"], [kept])
    assert msgspec.json.decode(capsys.readouterr().out, type=nouns.Consumer) == kept
    verb(["consumers"], [])
    assert "tail --consumer" in capsys.readouterr().out
    assert verb(["consumers", "--drop", "bot"], None).asked == [("drop", "bot")]
    assert capsys.readouterr().out == "No place is kept for bot any more.\n"
    verb(["consumers", "--drop", "bot", "--json"], None)
    assert capsys.readouterr().out == "{}\n"
    with pytest.raises(CommandRefused):
        verb(["consumers", "--drop", "bot"], CommandRefused("not_found", "There is none."))


@pytest.mark.parametrize(("key", "word"), [("reconnect", "maybe"), ("keep_days", "1.5"), ("keep_days", "9" * 16)])
def test_a_setting_that_is_none_isn_t_sent(verb: Callable[..., FakeClient], key: str, word: str) -> None:
    with pytest.raises(CommandRefused, match=key):
        verb(["set", key, word])


def test_every_verb_on_the_files_of_a_home_is_in_the_usage_and_helps(capsys: pytest.CaptureFixture[str]) -> None:
    for verb, main in (("identity", identity.main), ("backup", backup.main), ("restore", backup.restore)):
        assert f" python -m node {verb} " in arguments.usage(None)
        with pytest.raises(SystemExit) as ended:
            main(["--help"], {})
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: python -m node {verb} ")


def test_every_verb_is_in_the_usage_and_helps(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in console.VERBS:
        assert f"\n  {verb} " in arguments.usage(None)
        with pytest.raises(SystemExit) as ended:
            console.main([verb, "--help"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: python -m node {verb} ")


def test_a_peer_is_trusted(verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]) -> None:
    bela = nouns.Peer(id="a" * 52, room="r", name="bela", kind="node", code="k7f2 · 9qda · mx31 · t6ow")
    assert verb(["trust", "bela"], bela).asked == [("trust", "bela", False)]
    assert capsys.readouterr().out == "bela is whoever has the code k7f2 · 9qda · mx31 · t6ow.\n"
    plain = nouns.Peer(id="plain-3", room="plain-3", name="bela", host="10.0.0.1", port=5)
    assert verb(["trust", "plain-3", "--plain"], plain).asked == [("trust", "plain-3", True)]
    assert capsys.readouterr().out == "Clear text may go to bela (10.0.0.1:5).\n"
    verb(["trust", "bela", "--json"], bela)
    assert msgspec.json.decode(capsys.readouterr().out, type=nouns.Peer) == bela
    with pytest.raises(CommandRefused, match="doubt"):
        verb(["trust", "bela"], CommandRefused("nothing_to_trust", "Nothing about this peer is in doubt."))


def test_history_of_an_id_is_never_that_of_a_peer_with_the_id_as_its_name(verb: Callable[..., FakeClient]) -> None:
    room = nouns.Room(id="plain-16", kind="plain", name="plain-15", peer="plain-16", created=NOON)
    there = SimpleNamespace(state=SimpleNamespace(rooms={room.id: room}, peers={}))
    with pytest.raises(CommandRefused, match="id 'plain-15'"):
        verb(["history", "plain-15"], there)
    page = rq.HistoryResult(seq=1, messages=[message()], more_before=False, more_after=False)
    assert verb(["history", "plain-16"], there, page).asked[-1] == ("history", "plain-16")


@pytest.mark.parametrize(
    "words",
    [["tail", "--since"], ["history", "bert", "--limit"], ["search", "word", "--limit"]],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize(
    "value", ["x", "-1", "1.5", "\u0663", "\uff11", "", " ", "1_0", "9" * 16, "9" * 5_000, "\udcff"]
)
def test_a_number_that_is_none_is_named_with_its_flag(
    words: list[str], value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        console.main([*words[:-1], f"{words[-1]}={value}"])
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"argument {words[-1]}: " in last and len(last) < 300


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_the_help_fits_the_terminal_and_says_the_same(width: int) -> None:
    told = arguments.usage(width).splitlines()
    assert max(map(len, told)) <= width
    assert arguments.usage(width).split() == arguments.usage(None).split()


@pytest.mark.parametrize("width", [80, 40])
def test_the_help_of_each_verb_fits_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for verb in console.VERBS:
        with pytest.raises(SystemExit):
            console.main([verb, "--help"])
        usage, _, told = capsys.readouterr().out.partition("\n\n")
        # argparse puts each flag behind the name of the verb.
        assert all(len(line) <= max(width, 50) for line in usage.splitlines()), verb
        assert all(len(line) <= width for line in told.splitlines()), verb


STATUS = rq.StatusResult(
    ready=True, log="l", head=1, pid=7, program="", home="/home/anna",
    self=nouns.Self(id="i", code="k7f2", name="anna", listen="0.0.0.0:5000", addresses=["10.0.0.1:5000"]),
    health=nouns.Health(problem="The disk is nearly full, so that nothing is taken in until there is room again."),
)  # fmt: skip


def test_status_is_one_line_each_on_a_pipe_and_fits_a_terminal() -> None:
    whole = [screen.text_of(line) for line in console.status_lines(STATUS, None)]
    assert whole[0] == "anna is ready (pid 7, /home/anna)"
    assert whole[1] == "listens on   0.0.0.0:5000"
    narrow = [screen.text_of(line) for line in console.status_lines(STATUS, 40)]
    assert max(map(len, narrow)) <= 40 and " ".join(narrow).split() == " ".join(whole).split()
