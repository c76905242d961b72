"""The hatch with the real server behind it: who gets an answer, and which."""

from __future__ import annotations

import asyncio
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dashboard import door, hatch, hosts, native, place, schema, viewmodel, watching
from dashboard.feed import Asker
from node.bus import envelopes as en
from node.errors import CommandRefused
from tests.support.fake_node import FakeNode


class Behind:
    """What stands behind the hatch, on a loop in a thread of its own, with a real door and a fake node."""

    def __init__(self, home: pathlib.Path, node: FakeNode) -> None:
        self.node = node
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.asker = Asker(home, "test")
        self.model = viewmodel.Model(str(home))
        self.native = self.on_loop(self._make, home)

    def on_loop(self, work: Callable[..., Any], *args: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work(*args), self.loop).result()

    async def _make(self, home: pathlib.Path) -> native.Native:
        self.model.resync(await self.asker.ask("snapshot"))
        ours = place.Place(home, hosts.DEFAULT_ADDRESS, 8501)
        self.door = door.Door(ours, hosts.hosts_of(hosts.DEFAULT_ADDRESS, 8501, ours.name))
        watchers = watching.Watchers(self.asker, self.model, "test")
        return native.Native(self.asker, self.model, watchers, self.door)

    def visitor(self) -> hatch.Visitor:
        """A browser that was let in."""
        cookie, word = self.door.sessions.begin(self.door.hosts.home)
        return hatch.Visitor(self.door.hosts.home, (f"other=1; {self.door.sessions.cookie}={cookie}",), word)

    def close(self) -> None:
        async def end() -> None:
            self.asker.close()

        self.on_loop(end)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def behind(tmp_path: pathlib.Path) -> Iterator[Behind]:
    with FakeNode(tmp_path) as node:
        one = Behind(tmp_path, node)
        yield one
        one.close()


def test_a_cookie_alone_gets_nothing(behind: Behind) -> None:
    visitor = behind.visitor()
    asked = len(behind.node.commands)
    for stranger in (
        visitor._replace(word=""),
        visitor._replace(word=visitor.word[:-1]),
        visitor._replace(host="127.0.0.1:8501"),
    ):
        assert not behind.native.admits(stranger)
        with pytest.raises(hatch.ShutOut):
            behind.native.ask(stranger, schema.Options(0))
        with pytest.raises(hatch.ShutOut):
            behind.native.ask(stranger, schema.Link(0))
        with pytest.raises(hatch.ShutOut):
            behind.native.read(stranger, lambda sight: sight.model.state)
    assert len(behind.node.commands) == asked
    assert behind.native.admits(visitor)


def test_who_is_shut_out_is_refused_from_the_next_question_on(behind: Behind) -> None:
    one, other = behind.visitor(), behind.visitor()
    assert behind.native.admits(other)
    behind.native.ask(one, schema.ShutOutOthers(0))
    assert behind.native.admits(one) and not behind.native.admits(other)


def test_shutting_out_spares_the_session_of_the_pass_where_the_cookie_is_of_none(behind: Behind) -> None:
    one = behind.visitor()._replace(cookies=())
    behind.native.ask(one, schema.ShutOutOthers(0))
    assert behind.native.admits(one)


def test_questions_are_answered_and_links_are_made(behind: Behind) -> None:
    visitor = behind.visitor()
    found = behind.native.ask(visitor, schema.Options(0))
    assert found.settings["name"] == "anna" and found.home == str(behind.node.home)
    code = behind.native.ask(visitor, schema.Link(0)).code
    assert behind.door.link(code).endswith(code)
    assert behind.native.read(visitor, lambda sight: sight.model.state.settings.name) == "anna"


def test_a_change_is_answered_when_the_model_has_heard_of_it(behind: Behind) -> None:
    async def hear() -> None:
        behind.model.resync(await behind.asker.ask("snapshot"))

    told: list[Any] = []
    asking = threading.Thread(
        target=lambda: told.append(behind.native.ask(behind.visitor(), schema.Change(0, "k" * 16, name="Anna B")))
    )
    asking.start()
    while behind.node.state.settings.name != "Anna B":
        pass
    behind.on_loop(hear)
    asking.join()
    assert told[0].settings["name"] == "Anna B"
    assert behind.model.state and behind.model.state.settings.name == "Anna B"


def test_why_a_question_got_no_answer(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = behind.visitor()

    def refuse(command: en.Command) -> None:
        if command.op == "settings":
            raise CommandRefused("invalid_args", "Too long.")

    behind.node.before = refuse
    with pytest.raises(hatch.Problem, match="Too long") as refused:
        behind.native.ask(visitor, schema.Change(0, "k" * 16, name="x"))
    assert not refused.value.retryable
    behind.node.before = lambda command: None
    free = behind.node.hold_back["settings"] = threading.Event()
    monkeypatch.setattr(native, "WAIT_S", 0.1)
    with pytest.raises(hatch.Problem, match="No answer in time") as late:
        behind.native.ask(visitor, schema.Change(0, "k" * 16, name="x"))
    assert late.value.retryable
    free.set()
    monkeypatch.undo()
    behind.node.stop()
    with pytest.raises(hatch.Problem, match="doesn't answer") as away:
        behind.native.ask(visitor, schema.Change(0, "k" * 16, name="y"))
    assert away.value.retryable


def test_a_command_of_the_bus_can_be_given(behind: Behind) -> None:
    peer = behind.node.add_peer("bela")
    visitor = behind.visitor()
    request = schema.Command(0, "rename", b'{"peer": "%s", "name": "Bela B"}' % peer.id.encode(), "k" * 16)
    assert behind.native.ask(visitor, request).peer.name == "Bela B"
    with pytest.raises(hatch.Problem, match="may not"):
        behind.native.ask(visitor, schema.Command(0, "stop"))


def test_outside_of_a_server_the_hatch_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests have a server in this process.
    monkeypatch.setattr(hatch, "_counter", None)
    with pytest.raises(hatch.Problem) as closed:
        hatch._behind()
    assert closed.value.retryable
