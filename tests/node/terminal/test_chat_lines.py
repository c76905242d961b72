"""The chat line by line, on a node that is a memory: what scripts get, and what becomes of each line."""

from __future__ import annotations

import io
import json
import pathlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from node.bus import envelopes as en
from node.bus import requests as rq
from node.bus.client import Client, Resync
from node.errors import CommandRefused
from node.terminal import chat_lines, console
from tests.support.fake_node import FakeNode
from tests.support.processes import eventually


class Input(io.StringIO):
    """Standard input with these lines; between them, `then` is waited for."""

    def __init__(self, *lines: str, gate: threading.Event | None = None) -> None:
        super().__init__("".join(f"{line}\n" for line in lines))
        self._gate = gate

    def readline(self, *size: int) -> str:  # type: ignore[override]
        line = super().readline()
        if not line and self._gate is not None:
            assert self._gate.wait(60)
        return line


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Iterator[FakeNode]:
    with FakeNode(tmp_path) as fake:
        yield fake


def chat(node: FakeNode, monkeypatch: pytest.MonkeyPatch, given: Input, *more: str) -> int:
    monkeypatch.setattr("sys.stdin", given)
    return console.main(["chat", "bela", "--home", str(node.home), *more])


def test_what_was_said_is_printed_and_each_line_is_a_message(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bela = node.add_node("bela")
    for number in range(chat_lines.SHOWN + 2):
        node.receive(bela, f"number {number}.")
    assert chat(node, monkeypatch, Input("one", "", "//two", "می\u200cشود")) == 0
    assert [one.text for one in node.messages[bela.room]][-3:] == ["one", "/two", "می\u200cشود"]
    told = capsys.readouterr().out
    assert "number 1." not in told and "number 2." in told and told.splitlines()[0].endswith(": encrypted")
    assert "> anna: one" in told and "> anna: می\u200cشود" in told, "also the last one"


def test_again_sends_the_last_message_that_failed(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bela = node.add_peer("bela")
    assert chat(node, monkeypatch, Input("/again")) == 0
    assert "Nothing that you sent here has failed." in capsys.readouterr().err
    node.set_state(node.say(bela.room, "first"), "failed", "It refused.")
    node.set_state(node.say(bela.room, "second"), "unconfirmed", "Nobody knows.")
    assert chat(node, monkeypatch, Input("/again")) == 0
    assert [one.state for one in node.messages[bela.room]] == ["failed", "waiting"]

    def refuse(command: en.Command) -> None:
        if command.op == "resend":
            raise CommandRefused("busy", "Too much is waiting.", True)

    node.before = refuse
    assert chat(node, monkeypatch, Input("/again")) == 1
    assert "Not sent again: Too much is waiting." in capsys.readouterr().err


def test_what_comes_meanwhile_is_printed(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bela, other = node.add_node("bela"), node.add_node("cian")
    gate = threading.Event()
    told = ""

    def speak() -> None:
        nonlocal told
        eventually(lambda: "chat" in " ".join(thread.name for thread in threading.enumerate()), "it follows")
        node.receive(other, "not this")
        node.set_state(node.say(bela.room, "said elsewhere"), "failed", "It refused.")
        node.receive(bela, "hear this")

        def heard() -> bool:
            nonlocal told
            told += capsys.readouterr().out
            return "hear this" in told

        eventually(heard, "it is printed")
        gate.set()

    speaker = threading.Thread(target=speak)
    speaker.start()
    assert chat(node, monkeypatch, Input(gate=gate)) == 0
    speaker.join(60)
    assert "not this" not in told and "> anna: said elsewhere" in told
    assert "is failed: It refused.)" in told


def test_a_page_that_could_not_be_read_after_a_resynchronisation_is_printed_later(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bela = node.add_node("bela")
    node.receive(bela, "missed")
    with Client(node.home) as client:
        snapshot = client.snapshot()
        lines = chat_lines.Lines(client, snapshot, bela.room, bela.id, as_json=False)
        read, asked = client.history, 0

        def history(*args: Any, **options: Any) -> rq.HistoryResult:
            nonlocal asked
            asked += 1
            if asked == 1:
                raise CommandRefused("busy", "Busy.")
            return read(*args, **options)

        class Follows:
            cursor = None
            given = 0

            def next(self, timeout: float) -> Resync | None:
                self.given += 1
                if self.given == 3:
                    lines._ended.set()
                return Resync(snapshot) if self.given == 1 else None

            def close(self) -> None:
                pass

        monkeypatch.setattr(client, "history", history)
        monkeypatch.setattr(client, "follow", lambda cursor: Follows())
        lines._follow()
    assert (capsys.readouterr().out.count("bela: missed"), asked) == (1, 2)


def test_a_line_that_is_refused_is_said_with_the_line_and_makes_the_exit_code(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bela = node.add_node("bela")

    def refuse(command: en.Command) -> None:
        if command.op == "send" and b"bad" in bytes(command.args):
            raise CommandRefused("invalid_args", "Not that.")

    node.before = refuse
    assert chat(node, monkeypatch, Input("bad \x1b words", "/nope", "good", "/quit", "unread")) == 1
    told = capsys.readouterr().err
    assert "Not sent: Not that. The line was: bad \N{REPLACEMENT CHARACTER} words" in told
    assert "There is no command /nope" in told
    assert [one.text for one in node.messages[bela.room]] == ["good"]


def test_a_node_that_goes_away_is_waited_for_and_gets_each_line_once(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bela = node.add_node("bela")
    node.hold_back["send"] = threading.Event()

    def restart() -> None:
        eventually(lambda: node.messages.get(bela.room), "it took effect")
        node.stop(politely=False)
        node.hold_back.clear()
        node.start()

    helper = threading.Thread(target=restart)
    helper.start()
    assert chat(node, monkeypatch, Input("once", "twice")) == 0
    helper.join(60)
    assert [one.text for one in node.messages[bela.room]] == ["once", "twice"]


def test_as_json_there_is_nothing_else(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bela = node.add_node("bela")
    node.receive(bela, "before\x1b")
    assert chat(node, monkeypatch, Input("mine"), "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["before\x1b", "mine"] and "\x1b" not in "".join(lines)
