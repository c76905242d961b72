"""The chat's screen with a keyboard that is a pipe and a terminal that shows nothing, on a node that is a memory."""

from __future__ import annotations

import concurrent.futures
import contextlib
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from node.bus import envelopes as en
from node.bus import nouns
from node.bus.client import Client
from node.errors import CommandRefused
from node.terminal.chat import found
from node.terminal.chat_screen import STAYS, Screen
from tests.support.bus_fakes import PATIENCE
from tests.support.fake_node import FakeNode
from tests.support.processes import eventually

T = TypeVar("T")


class Person:
    """Somebody before the screen: types, and looks."""

    def __init__(self, screen: Screen, keyboard: Any) -> None:
        self.screen = screen
        self._keyboard = keyboard
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        eventually(lambda: screen.app.is_running and screen.talk.log.begun, "the chat is there")

    def _run(self) -> None:
        self.code = self.screen.run()

    def types(self, keys: str) -> None:
        self._keyboard.send_text(keys)

    def look(self, at: Callable[[], T]) -> T:
        """Look in the thread of the screen."""
        done: concurrent.futures.Future[T] = concurrent.futures.Future()
        loop = self.screen.app.loop
        assert loop is not None

        def work() -> None:
            try:
                done.set_result(at())
            except BaseException as error:
                done.set_exception(error)

        loop.call_soon_threadsafe(work)
        return done.result(PATIENCE)

    def rows(self, columns: int = 80, count: int = 38) -> list[str]:
        """Lines of the history on a screen as large as the terminal that shows nothing."""
        return self.look(lambda: ["".join(text for _, text in row) for row in self.screen.history(columns, count)])

    def sees(self, text: str) -> None:
        eventually(lambda: any(text in row for row in self.rows()), f"{text!r} is shown")

    def hears(self, text: str) -> None:
        eventually(lambda: text in self.look(self.screen.said), f"{text!r} is said")

    def ends(self) -> int:
        self._thread.join(PATIENCE)
        assert self.code is not None
        return self.code


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Iterator[FakeNode]:
    with FakeNode(tmp_path) as fake:
        yield fake


@contextlib.contextmanager
def chatting(node: FakeNode, who: str = "bela") -> Iterator[Person]:
    with Client(node.home, name="chat", timeout=3.0) as client, create_pipe_input() as keyboard:
        person = Person(Screen(client, *found(client, who), keyboard=keyboard, output=DummyOutput()), keyboard)
        try:
            yield person
        finally:
            if person.code is None:
                person.look(person.screen.exit)
                person.ends()


def texts(node: FakeNode, peer: nouns.Peer) -> list[str]:
    return [one.text for one in node.messages.get(peer.room, [])]


def test_enter_sends_and_what_becomes_of_it_changes_in_place(node: FakeNode) -> None:
    bela = node.add_node("bela", link="offline")
    with chatting(node) as person:
        person.types("hello\r")
        person.sees("> anna  hello · waiting")
        (mine,) = node.messages[bela.room]
        node.store_there(mine)
        person.sees("hello · delivered")
        node.read_there(mine)
        person.sees("hello · read")
        node.receive(bela, "welcome")
        person.sees("  bela  welcome")
        assert sum("hello" in row for row in person.rows()) == 1
        person.types("/quit\r")
        assert person.ends() == 0


def test_new_lines_and_pastes_are_not_sent(node: FakeNode) -> None:
    bela = node.add_node("bela")
    with chatting(node) as person:
        person.types("one\x1b\rtwo\x0athree")
        person.types("\x1b[200~\rpasted 1\r\npasted 2\n\x1b[201~")
        eventually(lambda: person.look(lambda: person.screen.prompt.text.count("\n")) == 5, "it is pasted")
        assert texts(node, bela) == []
        person.types("\r")
        eventually(lambda: texts(node, bela), "it is sent")
        assert texts(node, bela) == ["one\ntwo\nthree\npasted 1\npasted 2"]


def test_what_the_node_refuses_is_back_in_the_prompt_with_the_reason(node: FakeNode) -> None:
    bela = node.add_node("bela")

    def refuse(command: en.Command) -> None:
        if command.op == "send":
            raise CommandRefused("text_too_long", "This is too much.")

    with chatting(node) as person:
        node.before = refuse
        person.types("//my words\r")
        person.hears("Not sent: This is too much.")
        assert person.look(lambda: person.screen.prompt.text) == "//my words"
        node.before = lambda command: None
        person.types("\r")
        eventually(lambda: texts(node, bela) == ["/my words"], "it is sent")
        assert person.look(lambda: person.screen.notice) == ""


def test_a_message_that_failed_is_sent_again(node: FakeNode) -> None:
    bela = node.add_peer("bela")
    with chatting(node) as person:
        person.types("/again\r")
        person.hears("Nothing that you sent here has failed.")
        for text in ("first", "second"):
            node.set_state(node.say(bela.room, text), "failed", "It refused.")
        person.sees("second · failed")
        person.types("/again\r")
        person.sees("second · waiting")
        assert [one.state for one in node.messages[bela.room]] == ["failed", "waiting"]

        def refuse(command: en.Command) -> None:
            if command.op == "resend":
                raise CommandRefused("busy", "Too much is waiting.", True)

        node.before = refuse
        person.types("/again\r")
        person.hears("Not sent again: Too much is waiting.")


def test_what_was_sent_before_is_called_back_into_the_prompt_and_sent_otherwise(node: FakeNode) -> None:
    bela = node.add_node("bela")
    with chatting(node) as person:
        person.types("one\rtwo\r")
        eventually(lambda: texts(node, bela) == ["one", "two"], "both are sent")
        person.types("dra\x10\x10")
        eventually(lambda: person.look(lambda: person.screen.prompt.text) == "one", "the first is in the prompt")
        person.types("\x0e\x0e")
        eventually(lambda: person.look(lambda: person.screen.prompt.text) == "dra", "the draft is back")
        person.types("\x10 more\r")
        eventually(lambda: texts(node, bela) == ["one", "two", "two more"], "it is sent")


def test_an_unknown_command_is_refused_and_stays(node: FakeNode) -> None:
    bela = node.add_node("bela")
    with chatting(node) as person:
        person.types("/etc/hosts\r")
        person.hears("There is no command /etc/hosts.")
        person.types("\x03")
        eventually(lambda: not person.look(lambda: person.screen.prompt.text), "Ctrl+C empties the prompt")
        person.types("/help\r")
        person.sees("begins a new line in it")
        assert texts(node, bela) == []
        person.types("\x03")
        assert person.ends() == 0


def test_while_the_node_is_away_the_draft_stays_and_it_goes_on_by_itself(node: FakeNode) -> None:
    bela = node.add_node("bela")
    node.receive(bela, "said before")
    with chatting(node) as person:
        person.sees("said before")
        node.stop(politely=False)
        person.hears("The node is away")
        person.types("my draft\r")
        person.hears(STAYS)
        person.sees("said before")
        node.receive(bela, "said meanwhile")
        node.start()
        person.sees("said meanwhile")
        eventually(lambda: STAYS not in person.look(person.screen.said), "it is over")
        assert person.look(lambda: person.screen.prompt.text) == "my draft"
        person.types("\r")
        wanted = ["said before", "said meanwhile", "my draft"]
        eventually(lambda: texts(node, bela) == wanted, "it is sent, once")


def test_a_text_whose_answer_was_lost_is_sent_once(node: FakeNode) -> None:
    bela = node.add_node("bela")
    with chatting(node) as person:
        node.hold_back["send"] = threading.Event()
        person.types("only once\r")
        eventually(lambda: texts(node, bela), "it took effect")
        node.stop(politely=False)
        person.hears("The node is away")
        node.hold_back.clear()
        node.start()
        eventually(lambda: not person.look(lambda: person.screen.outbox.pending), "it is accepted")
        person.sees("only once")
        assert texts(node, bela) == ["only once"]
        assert sum("only once" in row for row in person.rows()) == 1


def test_what_was_not_handed_over_is_printed_at_the_end(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.add_node("bela")
    with chatting(node) as person:
        node.stop(politely=False)
        person.hears("The node is away")
        person.types("unsaid")
        eventually(lambda: person.look(lambda: person.screen.prompt.text) == "unsaid", "it is typed")
        person.look(person.screen.leave)
        assert person.ends() == 69
    assert "unsaid" in capsys.readouterr().err


def test_reading_and_typing_are_told_at_the_end_of_the_history_only(node: FakeNode) -> None:
    bela = node.add_node("bela")
    for number in range(150):
        node.receive(bela, f"number {number}")
    with chatting(node) as person:
        eventually(lambda: node.state.rooms[bela.room].unread == 0, "it is read")
        person.types("h")
        eventually(lambda: node.typed == [(bela.room, False)], "it is told that somebody types")
        person.types("\x03")
        eventually(lambda: node.typed[-1] == (bela.room, True), "and that it is over")
        person.types("\x1b[5~")
        person.hears("End: to the newest")
        node.receive(bela, "unseen")
        person.hears("1 new below (End)")
        count = len(node.typed)
        person.types("h")
        eventually(lambda: person.look(lambda: person.screen.prompt.text) == "h", "it is typed")
        assert node.state.rooms[bela.room].unread == 1 and len(node.typed) == count
        person.types("\x03\x1b[F")
        eventually(lambda: node.state.rooms[bela.room].unread == 0, "it is read")
        assert not person.look(person.screen.talk.below)


def test_older_pages_are_fetched_when_one_scrolls_up(node: FakeNode) -> None:
    bela = node.add_node("bela")
    node.on_loop(lambda: [node.receive_now(bela, f"number {number}.") for number in range(250)])
    with chatting(node) as person:
        person.sees("number 249.")

        def up() -> bool:
            person.types("\x1b[5~")
            return any("number 0." in row for row in person.rows())

        eventually(up, "the beginning is shown")
        person.types("\x1b[F")
        person.sees("number 249.")


def test_a_resynchronisation_redraws_and_shows_nothing_twice(node: FakeNode) -> None:
    bela = node.add_node("bela")
    node.receive(bela, "first")
    with chatting(node) as person:
        person.sees("first")
        node.stop()
        node.log_id, node.events = "another-log", []
        node.start()
        node.receive(bela, "second")
        person.sees("second")
        assert [sum(text in row for row in person.rows()) for text in ("first", "second")] == [1, 1]


def test_an_address_that_nobody_knows_is_dialled(node: FakeNode) -> None:
    with chatting(node, "10.9.9.9:5000") as person:
        assert person.look(person.screen.talk.title)[1:] == ["plain", "connecting"]
        person.types("hello\r")
        person.sees("hello")


def test_an_unknown_name_is_refused(node: FakeNode) -> None:
    with Client(node.home) as client, pytest.raises(CommandRefused):
        found(client, "nobody")
