"""How things look on a terminal, and what the verbs make of their words. What they do is tested in tests/e2e."""

from __future__ import annotations

import io
import os
import pathlib
import signal
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from node import console
from node.bus import messages as m
from node.bus.client import Away, Back, Resync
from node.errors import BusProtocolError, CommandRefused, NodeAway

NOON = int(time.mktime((2026, 1, 2, 12, 0, 0, 0, 0, -1)) * 1000)


def message(**more: Any) -> m.Message:
    fields = {"id": 7, "room": "r", "order": "0", "at": NOON, "direction": "in", "author": "p", "name": "BERT"}
    return msgspec.convert({**fields, **more}, m.Message)


class FakeClient:
    """Answers as told, and remembers what it was asked."""

    def __init__(self, answers: list[Any], home: pathlib.Path) -> None:
        self.answers = answers
        self.home = home
        self.asked: list[Any] = []

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _answer(self, *asked: Any) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, to: str, text: str, *, key: str | None = None) -> Any:
        return self._answer(to, text, key)

    def settings(self, **changes: Any) -> Any:
        return self._answer(changes)

    def config(self) -> Any:
        return self._answer()

    def consumers(self) -> Any:
        return self._answer("list")

    def consumer_drop(self, name: str) -> Any:
        return self._answer("drop", name)

    def status(self) -> Any:
        return self._answer()

    def follow(self, cursor: Any) -> Any:
        self.asked.append(cursor)
        return self.answers.pop(0)

    def snapshot(self) -> Any:
        return self._answer("snapshot")

    def history(self, room: str, **more: Any) -> Any:
        return self._answer("history", room)

    def consume(self, name: str, **more: Any) -> Any:
        self.asked.append((name, more))
        return self.answers.pop(0)


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Callable[..., FakeClient]:
    def run(words: list[str], *answers: Any, code: int = 0, home: pathlib.Path = tmp_path) -> FakeClient:
        client = FakeClient(list(answers), home)
        monkeypatch.setattr(console, "Client", lambda *_, **__: client)
        assert console.main(words) == code
        return client

    return run


def test_a_send_that_must_be_repeated_is_the_same_send(
    verb: Callable[..., FakeClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    again = CommandRefused("lookup_pending", "Being looked up.", retryable=True)
    client = verb(["send", "bert:5", "hi"], again, again, message(direction="out", state="waiting"))
    assert [asked[:2] for asked in client.asked] == [("bert:5", "hi")] * 3
    assert len({asked[2] for asked in client.asked}) == 1
    assert client.asked[0][2]


def test_patience_has_an_end(verb: Callable[..., FakeClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "PATIENCE", -1.0)
    with pytest.raises(CommandRefused):
        verb(["send", "bert:5", "hi"], CommandRefused("busy", "Too much.", retryable=True))


def test_words_that_are_no_text_become_text(verb: Callable[..., FakeClient]) -> None:
    word = os.fsdecode(b"caf\xe9")
    client = verb(["send", "bert:5", word], message(direction="out", state="waiting"))
    assert client.asked[0][1] == "caf\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (b"one line\n", "one line"),
        (b"two\r\nlines\r\n\n", "two\r\nlines"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"x" * (m.MAX_TEXT_BYTES + 100), "x" * (m.MAX_TEXT_BYTES + 2)),
    ],
    ids=["one line", "two lines", "no text", "too long"],
)
def test_standard_input_is_read_as_text_and_not_without_end(
    verb: Callable[..., FakeClient], monkeypatch: pytest.MonkeyPatch, given: bytes, text: str
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(given)))
    client = verb(["send", "bert:5", "-"], message(direction="out", state="waiting"))
    assert client.asked[0][1] == text


def snapshot(seq: int) -> m.SnapshotResult:
    me = m.Self(id="i", code="c", name="n", listen="l")
    state = m.State(self=me, settings=m.Settings(name="n"))
    return m.SnapshotResult(log="l", seq=seq, state=state, live=m.Live())


def test_tail_tells_of_absences_and_of_what_is_missing_on_stderr(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    event = m.Event(v=1, log="l", at=NOON, type="PeerForgotten", seq=5, data=m.PeerForgotten(peer="p"))
    items = [Resync(snapshot(4)), event, Away("No heartbeat.", NOON / 1000), None, Back(), Resync(snapshot(9))]
    verb(["tail"], FakeConsumer(items, lambda: ""))
    out, err = capsys.readouterr()
    assert out.splitlines() == [console.event_line(event)]
    assert err.splitlines() == [
        "The node is away, last heard at 2026-01-02 12:00:00: No heartbeat. Waiting for it. If it doesn't run, start"
        f" it: python -m node run --home {tmp_path}",
        "The node is back.",
        "The events asked for aren't there; going on after event 9.",
    ]


class FakeConsumer:
    """Gives what it is told to, remembers what is acknowledged and how much was shown by then, and is interrupted."""

    def __init__(self, items: list[Any], shown: Callable[[], str], *, interrupts: int = 0) -> None:
        self.items = items
        self.shown = shown
        self.interrupts = interrupts
        self.fails: dict[int | None, Exception] = {}
        self.acknowledged: list[tuple[int | None, str]] = []

    def next(self, timeout: float) -> Any:
        if not self.items:
            raise KeyboardInterrupt
        return self.items.pop(0)

    def acknowledge(self, event: m.Event) -> None:
        if event.seq in self.fails:
            raise self.fails[event.seq]
        for _ in range(self.interrupts):
            signal.raise_signal(signal.SIGINT)
        self.acknowledged.append((event.seq, self.shown()))


def forgotten(seq: int) -> m.Event:
    return m.Event(v=1, log="l", at=NOON, type="PeerForgotten", seq=seq, data=m.PeerForgotten(peer="p"))


@pytest.mark.parametrize("words", [[], ["--json"]], ids=["for people", "json"])
def test_tail_for_a_consumer_acknowledges_what_was_shown(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    items = [forgotten(4), Away("No heartbeat.", None), None, Back(), forgotten(5)]
    consumer = FakeConsumer(items, lambda: capsys.readouterr().out)
    client = verb(["tail", "--consumer", "log", "--since", "3", "--restart", *words], consumer)
    assert client.asked[0] == ("log", {"since": 3, "restart": True})
    lines = [
        msgspec.json.encode(forgotten(seq)).decode() if words else console.event_line(forgotten(seq)) for seq in (4, 5)
    ]
    assert consumer.acknowledged == [(4, lines[0] + "\n"), (5, lines[1] + "\n")]


def test_tail_for_a_consumer_that_is_interrupted_has_acknowledged_what_was_shown(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    consumer = FakeConsumer([forgotten(4), forgotten(5)], lambda: "", interrupts=1)
    verb(["tail", "--consumer", "log"], consumer)
    assert consumer.acknowledged == [(4, "")]
    impatient = FakeConsumer([forgotten(4), forgotten(5)], lambda: "", interrupts=2)
    verb(["tail", "--consumer", "log"], impatient)
    assert impatient.acknowledged == []
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_tail_for_a_consumer_goes_on_when_its_node_goes_away_and_ends_when_it_can_t_go_on(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    consumer = FakeConsumer([forgotten(4), forgotten(5), forgotten(6), forgotten(7)], lambda: "")
    consumer.fails = {4: NodeAway("away"), 5: CommandRefused("stopping", "going down", retryable=True)}
    verb(["tail", "--consumer", "log"], consumer)
    assert [seq for seq, _ in consumer.acknowledged] == [6, 7]
    assert len(capsys.readouterr().out.splitlines()) == 4
    dropped = FakeConsumer([forgotten(4), forgotten(5)], lambda: "")
    dropped.fails = {4: CommandRefused("not_found", "dropped")}
    with pytest.raises(CommandRefused):
        verb(["tail", "--consumer", "log"], dropped)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("words", [[], ["--consumer", "log"]], ids=["events", "consumer"])
def test_tail_ends_though_an_interrupt_came_where_python_ignores_it(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    class Interrupted(FakeConsumer):
        def next(self, timeout: float) -> Any:
            if not self.items:
                Finalized()
            return super().next(timeout) if self.items else None

    verb(["tail", *words], Interrupted([forgotten(4)], lambda: ""))
    assert capsys.readouterr().out.splitlines() == [console.event_line(forgotten(4))]


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["send", "bert:5", "hi"], [message(text="\x9b31m\x7f\u202e", name="B\x9d")]),
        (["consumers"], [[m.Consumer(name="\x9b", position=1, lag=0, created=1, used=1)]]),
        (
            ["tail"],
            [FakeConsumer([m.Event(v=1, log="l", at=NOON, type="Odd", seq=1, data={"\x9c": "\u2066"})], str)],
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


@pytest.mark.parametrize("words", [["tail"], ["tail", "--json"], ["tail", "--consumer", "log"]], ids=" ".join)
def test_tail_that_is_interrupted_while_it_waits_for_its_node_was_not_done(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path, words: list[str]
) -> None:
    away = Away(f"No node is running on {tmp_path}. Start one with: python -m node run --home {tmp_path}", None)
    verb(words, FakeConsumer([away, None], lambda: ""), code=130)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"The node is away: No node is running on {tmp_path}. Waiting for it. If it doesn't run, start it:"
        f" python -m node run --home {tmp_path}\n"
    )
    verb(words, FakeConsumer([away, Back(), forgotten(4)], lambda: ""), code=0)


def test_tail_waits_for_no_node_where_there_is_no_home(verb: Callable[..., FakeClient], tmp_path: pathlib.Path) -> None:
    with pytest.raises(NodeAway, match="There is no home at"):
        verb(["tail"], home=tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(NodeAway, match="There is no home at"):
        verb(["tail"], home=tmp_path / "file")


def test_tail_waits_for_no_node_that_it_can_t_understand(
    verb: Callable[..., FakeClient], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "bus.json").write_text("not JSON")
    with pytest.raises(BusProtocolError, match="isn't the connection file of a node"):
        verb(["tail"])


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
        ("keep_days", "30", 30),
        ("mandatory", "10.0.0.1:5, 10.0.0.2:6,", ["10.0.0.1:5", " 10.0.0.2:6"]),
        ("mandatory", "", []),
        ("mandatory_rule", "off", "off"),
    ],
)
def test_a_setting_is_asked_for_as_what_it_is(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], key: str, word: str, value: Any
) -> None:
    option = m.Option(key=key, value="\x1b5", source="saved", where="", meaning="", default="", restart=True)
    client = verb(["set", key, word], m.Settings(name="n"), [option])
    assert client.asked[0] == ({key: value},)
    assert capsys.readouterr().out == f"{key} is now \N{REPLACEMENT CHARACTER}5. It counts from the next start on.\n"


def option(source: m.Source, where: str, *, restart: bool = False) -> m.Option:
    return m.Option(
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
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str], words: list[str], told: m.Option, says: str
) -> None:
    client = verb(["set", *words], m.Settings(name="n"), [told])
    assert client.asked[0] == ({"reset": ["keep_days"]},)
    assert capsys.readouterr().out == says + "\n"


def test_a_node_that_resets_nothing_is_too_old(verb: Callable[..., FakeClient]) -> None:
    with pytest.raises(CommandRefused, match="too old"):
        verb(["set", "keep_days", "--default"], m.Settings(name="n"), [option("saved", "snicher.db")])


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
    kept = m.Consumer(name="bot", position=7, lag=2, created=NOON, used=NOON)
    gone = msgspec.structs.replace(kept, name="old", lapsed=True)
    verb(["consumers"], [kept, gone])
    head, *lines = capsys.readouterr().out.splitlines()
    assert (head, lines) == (console.CONSUMERS_HEADER, [console.consumer_line(one) for one in (kept, gone)])
    verb(["consumers", "--json"], [kept])
    assert msgspec.json.decode(capsys.readouterr().out, type=m.Consumer) == kept
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


def test_every_verb_is_in_the_usage_and_helps(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in console.VERBS:
        assert f"\n  {verb} " in console.USAGE
        with pytest.raises(SystemExit) as ended:
            console.main([verb, "--help"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: python -m node {verb} ")


def test_history_of_an_id_is_never_that_of_somebody_who_calls_himself_so(verb: Callable[..., FakeClient]) -> None:
    room = m.Room(id="plain-16", kind="plain", name="plain-15", peer="plain-16", created=NOON)
    there = SimpleNamespace(state=SimpleNamespace(rooms={room.id: room}, peers={}))
    with pytest.raises(CommandRefused, match="id 'plain-15'"):
        verb(["history", "plain-15"], there)
    page = m.HistoryResult(seq=1, messages=[message()], more_before=False, more_after=False)
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
