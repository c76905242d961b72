"""What the menu asks of a terminal. What it does is tested in tests/e2e/test_menu.py."""

from __future__ import annotations

import os
import pathlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import nouns
from node.bus.client import Client, Follower
from node.errors import CommandRefused
from node.model import short_code
from node.terminal import menu
from tests.support.bus_fakes import PATIENCE, FakeBus
from tests.support.fake_node import FakeNode, node_id
from tests.support.processes import eventually


class FakeSession:
    """Remembers what was asked of it, and how."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def prompt(self, question: str, **more: Any) -> str:
        self.asked.append(more)
        return "  an answer "


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    made = FakeSession()
    monkeypatch.setattr(menu, "PromptSession", lambda: made)
    monkeypatch.setattr(menu, "is_dumb_terminal", lambda: False)
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    return made


def test_names_are_offered_where_one_is_asked_for_and_nowhere_else(session: FakeSession) -> None:
    terminal = menu.Terminal()
    assert terminal.ask("To: ", words=["anna", "bela"]) == "an answer"
    assert terminal.ask("Message: ") == "an answer"
    offered = [
        [one.text for one in asked["completer"].get_completions(Document("an"), CompleteEvent())]
        for asked in session.asked
    ]
    assert offered == [["anna"], []], "the session would keep the words of the question before"


@pytest.mark.parametrize(("lines", "rows"), [(45, menu.WORDS_SHOWN), (menu.ROWS_FOR_WORDS - 1, 0)])
def test_a_small_screen_has_no_room_for_names(
    session: FakeSession, monkeypatch: pytest.MonkeyPatch, lines: int, rows: int
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_, **__: os.terminal_size((80, lines)))
    menu.Terminal().ask("To: ", words=["anna"])
    assert session.asked[0]["reserve_space_for_menu"] == rows


class Watched:
    """A terminal on which somebody reads the menu, hears somebody say something, and leaves."""

    def __init__(self, bus: FakeBus) -> None:
        self.bus = bus
        self.told: list[str] = []
        self.said = threading.Event()

    def tell(self, text: str) -> None:
        self.told.append(text)

    def ask(self, question: str, words: Sequence[str] = ()) -> str:
        message = nouns.Message(
            id=1, room="r", order="0", at=0, direction="in", author="b", name="bela", text="as soon as it is there"
        )  # fmt: skip
        data = ev.MessageReceived(message=message)
        event = ev.Event(v=1, log=self.bus.log, at=0, type="MessageReceived", seq=self.bus.head + 1, data=data)

        async def publish() -> None:
            assert self.bus.server is not None
            self.bus.events.append(event)
            self.bus.server.publish([event])

        self.bus.run(publish())
        self.said.set()
        eventually(lambda: any("as soon as it is there" in line for line in self.told), "it is told")
        return "0"


def test_what_comes_once_the_menu_is_shown_is_told_however_late_the_watcher_looks(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = Client.follow

    def late(self: Client, *cursor: Any) -> Follower:
        assert terminal.said.wait(PATIENCE)
        return follow(self, *cursor)

    monkeypatch.setattr(Client, "follow", late)
    with FakeBus(tmp_path) as bus:
        terminal = Watched(bus)
        assert menu.Menu(tmp_path, None, None, terminal).run() == 0  # type: ignore[arg-type]


class Scripted:
    """A terminal on which somebody types these lines, each once the line that it waits for was told."""

    def __init__(self, *script: str | Callable[[], object]) -> None:
        self.script = list(script)
        self.told: list[str] = []
        self.offered: list[list[str]] = []

    def tell(self, text: str) -> None:
        self.told.append(text)

    def ask(self, question: str, words: Sequence[str] = ()) -> str:
        self.told.append(question)
        self.offered.append(list(words))
        step = self.script.pop(0)
        while not isinstance(step, str):
            step()
            step = self.script.pop(0)
        return step

    def wait_for(self, text: str, meanwhile: Callable[[], None] = lambda: None) -> Callable[[], None]:
        """Wait until a line has this text. `meanwhile` brings it about, again and again: once may go unheard."""

        def is_told() -> bool:
            meanwhile()
            return any(text in line for line in self.told)

        return lambda: eventually(is_told, f"{text!r} is told")


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Iterator[FakeNode]:
    with FakeNode(tmp_path) as fake:
        yield fake


def run(node: FakeNode, terminal: Scripted) -> str:
    assert menu.Menu(node.home, None, None, terminal).run() == 0  # type: ignore[arg-type]
    return "\n".join(terminal.told)


def test_a_conversation_says_whether_it_is_encrypted_and_what_was_said_in_clear(node: FakeNode) -> None:
    bela, alpha = node.add_node("bela"), node.add_peer("alpha")
    node.receive(bela, "said before", entry=None)
    node.receive(bela, "said since")
    node.receive(alpha, "from alpha")
    told = run(node, Scripted("1", "bela", "hello", "1", "alpha", "", "0"))
    assert f"bela ({nouns.mark_of(bela)}): encrypted" in told
    assert "bela (plain): said before" in told and "bela: said since" in told
    assert "alpha (192.168.1.22:5000): plain" in told and "alpha: from alpha" in told
    assert [one.text for one in node.messages[bela.room]] == ["said before", "said since", "hello"]


def test_a_doubt_is_told_at_once_and_decided_with_both_codes_before_ones_eyes(node: FakeNode) -> None:
    bela = node.add_node("bela")
    rival = node_id(99)
    terminal = Scripted()
    terminal.script = [
        lambda: node.warn(bela, "Another key answers.", rival=rival),
        terminal.wait_for("Another key answers."),
        "4", "4", "bela", "no", "4", bela.id, "yes", "4", "0", "0",
    ]  # fmt: skip
    told = run(node, terminal)
    assert told.count("is the new code theirs?") == 2
    assert short_code(rival) in told and bela.code in told
    assert "Nothing was changed." in told
    assert f"bela is whoever has the code {short_code(rival)}." in told
    assert "Nothing is in doubt about anybody." in told
    assert node.commands.count("trust") == 1


def test_clear_text_is_allowed_for_a_plain_peer_only_when_asked_twice(node: FakeNode) -> None:
    clear = node.add_peer("bela")
    node.warn(clear, "This came in clear.")
    told = run(node, Scripted("4", "4", "bela", "yes", "0", "0"))
    assert told.index("This came in clear.") < told.index("Allow clear text?")
    assert f"Clear text may go to bela ({clear.host}:5000)." in told
    assert node.state.peers[clear.id].warning is None


def test_what_became_of_a_message_is_told(node: FakeNode) -> None:
    bela = node.add_node("bela", link="offline")
    first, second = node.say(bela.room, "one"), node.say(bela.room, "two")
    node.store_there(first)
    node.retry(bela, in_ms=400_000)
    told = run(node, Scripted("4", "5", f"#{first.id}", "5", str(second.id), "5", "x", "5", "999", "0", "0"))
    mark = nouns.mark_of(bela)
    assert f"bela ({mark}): delivered, on their disk since " in told
    assert f"bela ({mark}): waiting. Next try in " in told
    assert "That is no number of a message." in told and "There is no such message." in told


def test_an_identity_that_is_used_twice_is_told_at_once(node: FakeNode) -> None:
    terminal = Scripted()
    shared = ev.IdentityShared(address="10.0.0.7:5000")
    terminal.script = [
        lambda: node.publish("IdentityShared", shared),
        terminal.wait_for("! Another machine, met at 10.0.0.7:5000, uses this node's identity."),
        "0",
    ]
    run(node, terminal)


def test_what_came_of_dialling_is_told_though_it_turned_out_to_be_a_node(node: FakeNode) -> None:
    terminal = Scripted()

    def turns_out() -> None:
        (peer,) = node.state.peers.values()
        bela = node.becomes_node(peer)
        node.change_peer(bela, name="bela", link="online")

    terminal.script = ["3", "10.0.0.9:5000", turns_out, terminal.wait_for("is online)"), "0"]
    told = run(node, terminal)
    assert f"(bela ({nouns.mark_of(next(iter(node.state.peers.values())))}) is online)" in told


def test_who_share_a_name_are_offered_by_their_addresses(node: FakeNode) -> None:
    one, two, cian = node.add_node("bela"), node.add_peer("Bela"), node.add_node("cian")
    terminal = Scripted("1", "", "0")
    run(node, terminal)
    assert terminal.offered[1] == sorted([f"{one.host}:5000", f"{two.host}:5000", cian.name])


def test_what_is_shown_before_a_message_is_of_whom_it_goes_to() -> None:
    assert menu.means("plain-16", "plain-16", "plain-15")
    assert menu.means("bob", "plain-16", "bob")
    assert menu.means("JOSE\u0301", "plain-16", "Jos\u00e9"), "as the node finds a name"
    assert not menu.means("plain-15", "plain-16", "plain-15"), "a peer of that name is not meant"
    assert not menu.means("plain-16", "plain-15", "plain-16")


def test_how_the_link_with_somebody_is_is_told_and_who_types(node: FakeNode) -> None:
    bela = node.add_node("bela")
    link = nouns.Link(direction="out", address="10.0.0.9:5000", since=0, version=1, program="snicher/0.2.0")
    node.link(bela, link)
    terminal = Scripted()
    terminal.script = [
        terminal.wait_for("is typing)", meanwhile=lambda: node.types(bela)),
        "4", "6", "bela", "6", "", "6", "nobody", "0", "0",
    ]  # fmt: skip
    told = run(node, terminal)
    assert f"(bela ({nouns.mark_of(bela)}) is typing)" in told
    assert f"bela ({nouns.mark_of(bela)}): encrypted since " in told
    assert "snicher/0.1.0 here, snicher/0.2.0 there, protocol 1" in told
    assert "There is no conversation with 'nobody'." in told


def test_whom_one_writes_to_is_checked_before_the_text_is_asked_for(node: FakeNode) -> None:
    node.add_node("bela")
    terminal = Scripted("1", "nobody", "1", "10.9.9.9:5000", "", "0")
    told = run(node, terminal)
    assert told.count("Message: ") == 1, "only where somebody may be meant"
    assert told.index("nobody") < told.index("Message: ")


def test_candidates_are_told_when_several_are_meant(node: FakeNode) -> None:
    node.add_node("bela")

    def several(command: en.Command) -> None:
        if command.op == "links":
            found = [{"id": "plain-1", "address": "10.0.0.1:5"}, {"id": "plain-2", "address": "10.0.0.2:5"}]
            raise CommandRefused("ambiguous", "2 peers go by that name.", details={"candidates": found})

    node.before = several
    told = run(node, Scripted("1", "bela", "0"))
    assert "Which one? 10.0.0.1:5, 10.0.0.2:5" in told and "Message: " not in told


def test_a_conversation_can_be_shown(node: FakeNode) -> None:
    bela = node.add_node("bela")
    for number in range(menu.CONVERSATION_SHOWN + 1):
        node.receive(bela, f"می\u200cشود {number}.")
    told = run(node, Scripted("5", "bela", "5", "nobody", "0"))
    assert f"bela: می\u200cشود {menu.CONVERSATION_SHOWN}." in told and "می\u200cشود 0." not in told
    assert "There is no conversation with 'nobody'." in told


def test_the_chat_has_the_screen_and_what_happens_meanwhile_is_told_after_it(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    bela, cian = node.add_node("bela"), node.add_node("cian")
    terminal = Scripted("6", "bela", "0")
    monkeypatch.setattr(menu, "MAX_HELD", 1)

    def chat(client: Client, where: Any) -> int:
        before = len(terminal.told)
        node.receive(bela, "seen in the chat")
        node.receive(cian, "from cian")
        node.receive(cian, "from cian, too")
        eventually(lambda: menus[0]._unkept == 1, "it is heard")
        assert where.room == bela.room and len(terminal.told) == before
        return 0

    menus: list[menu.Menu] = []
    monkeypatch.setattr(menu, "talk", chat)
    menus.append(menu.Menu(node.home, None, None, terminal))  # type: ignore[arg-type]
    assert menus[0].run() == 0
    told = "\n".join(terminal.told)
    assert "cian: from cian" in told and "seen in the chat" not in told
    assert "(and 1 more lines about what happened meanwhile)" in told
