from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect, WebSocketState

from dashboard import guard, lists, live
from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.bus.aio import Away, Back, Resync
from node.errors import NodeAway
from tests.dashboard.conftest import Served
from tests.dashboard.nouns import ME, event, message, peer, room, snapshot
from tests.support.fake_node import PATIENCE, FakeNode
from tests.support.processes import eventually


class Tab:
    """A browser tab as the server sees it."""

    def __init__(self, session: WebSocketTestSession, word: str) -> None:
        self.session = session
        self.word = word
        self.n = 0

    def say(self, **word: Any) -> None:
        self.session.send_text(json.dumps(word))

    def hear(self) -> dict[str, Any]:
        while True:
            frame: dict[str, Any] = json.loads(self.session.receive_text())
            if frame["t"] != "beat":
                return frame

    def hello(self, **cursor: Any) -> dict[str, Any]:
        self.say(t="hello", **{"pass": self.word}, **cursor)
        return self.hear()

    def ask(self, **word: Any) -> dict[str, Any]:
        """The reply; patches that come before it are let go by."""
        self.n += 1
        self.say(n=self.n, **word)
        while True:
            frame = self.hear()
            if frame["t"] == "reply" and frame["n"] == self.n:
                return frame

    def command(self, op: str, *, key: str | None = None, **args: Any) -> dict[str, Any]:
        """The reply to a command of the bus."""
        return self.ask(t="command", op=op, args=args, **({"key": key} if key else {}))

    def op(self, kind: str) -> dict[str, Any]:
        while True:
            frame = self.hear()
            for op in frame.get("ops", []):
                if op["op"] == kind:
                    return {**op, "cursor": frame["seq"]}


@pytest.fixture
def node(served: Served) -> FakeNode:
    return served.node


@pytest.fixture
def tab(served: Served) -> Iterator[Tab]:
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        made = Tab(session, served.word)
        frame = made.hello()
        # The feed may not have seen the node yet, or not all that an earlier test did.
        while (frame.get("everything") or frame).get("seq", 0) < len(served.node.events):
            frame = made.hear()
        yield made


def test_the_first_frame_holds_everything(served: Served, tab: Tab, node: FakeNode) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "hello")
    assert tab.op("message")["message"]["text"] == "hello"
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        frame = Tab(session, served.word).hello()
    everything = frame["everything"]
    row = next(row for row in everything["rooms"] if row["id"] == bela.room)
    assert row["last"]["text"] == "hello" and row["unread"] == 1
    assert everything["log"] == node.log_id and everything["seq"] == len(node.events)
    assert everything["away"] is None and everything["me"]["name"] == "anna"
    assert frame["missed"] is None, "a tab without a cursor asks for history"


def test_a_tab_resumes_by_its_cursor(served: Served, tab: Tab, node: FakeNode) -> None:
    bela = node.add_peer("resume")
    node.receive(bela, "seen")
    cursor = tab.op("message")["cursor"]
    mine = node.say(bela.room, "missed one")
    node.set_state(mine, "sent")
    while tab.op("state")["id"] != mine.id:
        pass
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        missed = Tab(session, served.word).hello(log=node.log_id, seq=cursor)["missed"]
    assert [op["op"] for op in missed] == ["message", "state"]
    assert missed[0]["message"]["text"] == "missed one" and missed[1]["delivery"]["label"] == "sent"
    for wrong in ({"log": "another", "seq": cursor}, {"log": node.log_id, "seq": 10**9}):
        with served.client.websocket_connect(served.live, headers=served.cookie) as session:
            assert Tab(session, served.word).hello(**wrong)["missed"] is None


def test_a_tab_that_closes_types_no_more(served: Served, node: FakeNode) -> None:
    bela = node.add_node("typist")
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        tab = Tab(session, served.word)
        row = next((row for row in tab.hello()["everything"]["rooms"] if row["id"] == bela.room), None)
        while row is None:
            row = next(
                (op for op in tab.hear().get("ops", []) if op["op"] == "room" and op["room"]["id"] == bela.room), None
            )
        assert tab.ask(t="typing", room=bela.room)["result"] == {}
        eventually(lambda: node.typed == [(bela.room, False)], "the node is told")
    eventually(lambda: node.typed == [(bela.room, False), (bela.room, True)], "the node is told that it is over")


def test_history_search_and_sending(tab: Tab, node: FakeNode) -> None:
    bela = node.add_peer("talker")
    for number in range(100):
        node.receive(bela, f"line {number}")
    page = tab.command("history", room=bela.room, limit=60)["result"]
    assert [one["text"] for one in page["messages"]] == [f"line {number}" for number in range(40, 100)]
    assert page["more_before"] and not page["more_after"]
    older = tab.command("history", room=bela.room, before=page["messages"][0]["id"])["result"]
    assert older["messages"][-1]["text"] == "line 39" and not older["more_before"]
    hits = tab.command("search", query="line 7*")["result"]["hits"]
    assert hits and all("7" in hit["text"] for hit in hits)
    for _ in range(2):
        said = tab.ask(t="send", key="k" * 16, room=bela.room, text="hi there")
        assert said["result"]["message"]["text"] == "hi there"
    assert [one.text for one in node.messages[bela.room]].count("hi there") == 1
    newest = node.messages[bela.room][-1].id
    assert tab.command("mark_read", room=bela.room, upto=newest)["result"] == {}
    assert node.unread(bela.room) == 0


def test_peers_are_met_left_and_forgotten(tab: Tab, node: FakeNode) -> None:
    met = tab.command("connect", key="c" * 16, address="127.0.0.77:5000", dialect="std")["result"]["peer"]
    assert (met["presence"], met["dialect"]) == ("connecting", "std")
    left = tab.command("disconnect", key="d" * 16, peer=met["id"])["result"]["peer"]
    assert left["link"] == "offline"
    assert "result" in tab.command("forget", key="f" * 16, peer=met["id"])
    assert met["id"] not in node.state.peers


def test_conversations_are_renamed_merged_and_deleted(served: Served, tab: Tab, node: FakeNode) -> None:
    one, other = node.add_peer("one"), node.add_peer("other")
    node.receive(one, "said by one")
    named = tab.command("rename", key="n" * 16, peer=one.id, name="Number One")["result"]["peer"]
    assert named["name"] == node.state.rooms[one.room].name == "Number One"
    assert "result" in tab.command("merge", key="m" * 16, peer=one.room, into=other.room)
    assert [said.text for said in node.messages[other.room]] == ["said by one"]
    tab.command("forget", key="o" * 16, peer=other.id)
    for _ in range(2):
        assert tab.command("delete", key="x" * 16, peer=other.room) == {"t": "reply", "n": tab.n, "result": {}}
    assert not {one.room, other.room} & set(node.state.rooms)
    problem = tab.command("delete", key="y" * 16, peer=other.room)["problem"]
    assert problem["code"] == "not_found"


def test_refusals_come_in_words(tab: Tab) -> None:
    problem = tab.command("connect", key="c" * 20, address="nonsense")["problem"]
    assert problem["code"] == "invalid_args" and "HOST:PORT" in problem["message"] and not problem["retryable"]
    problem = tab.ask(t="send", key="s" * 20, room="nowhere", text="x")["problem"]
    assert problem["code"] == "not_found"
    problem = tab.command("resend", key="r" * 20, message=123456)["problem"]
    assert problem["code"] == "not_found"


def test_a_tab_that_watches_gets_rows_and_figures_and_others_do_not(served: Served, tab: Tab, node: FakeNode) -> None:
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        other = Tab(session, served.word)
        other.hello()
        assert tab.ask(t="watch", on=True)["result"] == {}
        bela = node.add_peer("watched")
        node.receive(bela, "seen by whoever watches")
        frames: list[dict[str, Any]] = []
        while not {"rows", "figures"} <= {frame["t"] for frame in frames} or not _rows(frames, "seen by whoever"):
            frames.append(tab.hear())
        assert tab.ask(t="watch", on=False)["result"] == {}
        node.receive(bela, "seen by nobody")
        while _said(other.hear()) != "seen by nobody":
            # The other tab heard all that was said, and no row and no figure before it.
            pass
        assert tab.ask(t="events", text="seen by nobody")["result"]["rows"], "the log still tells it"
        assert "stats" in node.commands


def _rows(frames: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    rows = [row for frame in frames if frame["t"] == "rows" for row in frame["rows"]]
    return [row for row in rows if text in "".join(row["parts"])]


def _said(frame: dict[str, Any]) -> str:
    assert frame["t"] == "patch", "nothing else is for a tab that doesn't watch"
    return next((op["message"]["text"] for op in frame["ops"] if op["op"] == "message"), "")


def test_pages_of_the_log_and_single_events(tab: Tab, node: FakeNode) -> None:
    bela = node.add_peer("logged")
    node.receive(bela, "first entry")
    tab.op("message")
    page = tab.ask(t="events", kinds=["peers"], limit=1)["result"]
    [row] = page["rows"]
    assert "".join(row["parts"]) == "A new peer: logged" and page["more"]
    raw = tab.ask(t="event", seq=row["seq"])["result"]["raw"]
    assert json.loads(raw)["type"] == "PeerAdded"
    older = tab.ask(t="events", before=row["seq"], limit=5)["result"]["rows"]
    assert all(one["seq"] < row["seq"] for one in older)
    assert tab.ask(t="event", seq=10**9)["problem"]["code"] == "cursor_ahead"


def test_settings_are_changed_and_every_tab_hears_of_it(served: Served, tab: Tab, node: FakeNode) -> None:
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        other = Tab(session, served.word)
        other.hello()
        for _ in range(2):
            changed = tab.ask(t="change", key="k" * 20, keep_days=30, mandatory=["10.0.0.9:1255"])["result"]
            assert changed["settings"]["keep_days"] == 30
        other.op("options")
        told = other.ask(t="options")["result"]
    assert told["settings"]["keep_days"] == 30 and told["settings"]["mandatory"] == ["10.0.0.9:1255"]
    assert told["options"]["keep_days"]["origin"] == "Saved by this node"
    assert told["home"] == str(node.home) and told["database"] == "12 MB"
    node.fixed = {"reconnect": "--reconnect"}
    problem = tab.ask(t="change", key="f" * 20, reconnect=False)["problem"]
    assert problem["code"] == "setting_fixed" and "--reconnect" in problem["message"]
    node.fixed = {}


def test_whoever_is_in_may_make_links_and_shut_the_others_out(served: Served) -> None:
    headers, word = served.another()
    with (
        served.client.websocket_connect(served.live, headers=served.cookie) as session,
        served.client.websocket_connect(served.live, headers=headers) as elsewhere,
    ):
        tab, other = Tab(session, served.word), Tab(elsewhere, word)
        tab.hello()
        other.hello()
        code = tab.ask(t="link")["result"]["code"]
        assert served.door.links.works(code, time.monotonic())
        assert tab.ask(t="shut_out")["result"] == {}
        with pytest.raises(WebSocketDisconnect) as ended:
            while True:
                other.session.receive_text()
        assert ended.value.code == guard.CLOSE_SHUT_OUT
        assert not served.door.links.works(code, time.monotonic())
        assert tab.ask(t="link")["result"]["code"] != code, "who shut the others out stays in"
    with pytest.raises(WebSocketDisconnect), served.client.websocket_connect(served.live, headers=headers):
        pass
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        assert Tab(session, served.word).hello()["t"] == "all"


@pytest.mark.parametrize("words", [
    [{"t": "hello"}],
    [{"t": "hello", "pass": "wrong"}],
    [{"t": "command", "n": 1, "op": "history", "args": {"room": "r"}}],
    [{"t": "link", "n": 1}],
    [{"t": "shut_out", "n": 1}],
    [{"t": "watch", "n": 1, "on": True}],
])  # fmt: skip
def test_a_cookie_without_its_pass_reads_nothing(served: Served, words: list[dict[str, Any]]) -> None:
    """Browsers send cookies to every port of a host: whoever serves there must not be able to read along."""
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        for word in words:
            session.send_text(json.dumps(word))
        with pytest.raises(WebSocketDisconnect) as ended:
            session.receive_text()
    assert ended.value.code == guard.CLOSE_SHUT_OUT
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        assert Tab(session, served.word).hello()["t"] == "all"


@pytest.mark.parametrize(
    "word",
    [
        "",
        "[]",
        "{}",
        '{"t":"hello","seq":-1}',
        '{"t":1,"n":1}',
        '{"t":"unheard of","n":"1"}',
        "\x00",
        '{"t":"send","n":1}',
        '{"t":"watch","n":1}',
        '{"t":"hello","x":' + "[" * 5_000,
        '{"t":"events","n":1,"limit":1000}',
        '{"t":"change","n":1,"key":"kkkkkkkk","keep_days":"1"}',
    ],
)
def test_what_no_tab_of_ours_says_ends_the_connection(served: Served, word: str) -> None:
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        session.send_text(word)
        with pytest.raises(WebSocketDisconnect) as ended:
            while True:
                session.receive_text()
        assert ended.value.code == live.CLOSE_MALFORMED


def test_a_kind_that_the_server_does_not_know_harms_nothing(tab: Tab) -> None:
    tab.say(t="unheard of")
    assert tab.ask(t="unheard of either", what=[1])["problem"]["code"] == "unknown_op"
    assert tab.ask(t="typing", room="nowhere")["result"] == {}


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ({"op": "stop", "key": "k" * 16}, "unknown_op"),
        ({"op": "forget", "args": {"peer": "x"}}, "invalid_args"),
        ({"op": "forget", "args": {"peer": 1}, "key": "k" * 16}, "invalid_args"),
        ({"op": "history", "args": [[]]}, "invalid_args"),
        ({"op": "history"}, "invalid_args"),
    ],
    ids=["not for pages", "no key", "not a name", "a list", "nothing"],
)
def test_a_command_that_a_page_may_not_give_is_refused_and_the_tab_stays(
    tab: Tab, word: dict[str, Any], code: str
) -> None:
    assert tab.ask(t="command", **word)["problem"]["code"] == code
    assert tab.ask(t="typing", room="nowhere")["result"] == {}


def test_an_oversized_word_ends_the_connection(served: Served) -> None:
    with served.client.websocket_connect(served.live, headers=served.cookie) as session:
        session.send_text("x" * (live.MAX_WORD_CHARS + 1))
        with pytest.raises(WebSocketDisconnect) as ended:
            while True:
                session.receive_text()
        assert ended.value.code == 1009


def test_a_stranger_is_not_let_in(served: Served) -> None:
    for headers in ({}, {"origin": "http://127.0.0.1:8501"}, {**served.cookie, "origin": "http://127.0.0.1:9999"}):
        with pytest.raises(WebSocketDisconnect), served.client.websocket_connect(served.live, headers=headers):
            pass


# ---- the hub alone ---------------------------------------------------------------------------------------------------


class SlowSocket:
    """A browser that reads nothing: sending to it never ends."""

    client_state = WebSocketState.CONNECTED
    scope: dict[str, Any] = {}

    def __init__(self) -> None:
        self.stuck = asyncio.Event()
        self.closed: int | None = None
        self._words: asyncio.Queue[str] = asyncio.Queue()
        self._words.put_nowait('{"t":"hello"}')

    async def accept(self) -> None:
        pass

    async def receive_text(self) -> str:
        return await self._words.get()

    async def send_text(self, text: str) -> None:
        self.stuck.set()
        await asyncio.Event().wait()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = code


class Browser(SlowSocket):
    """A browser that takes one frame whenever the test wants it."""

    def __init__(self, **hello: Any) -> None:
        super().__init__()
        self._words = asyncio.Queue()
        self._words.put_nowait(json.dumps({"t": "hello", **hello}))
        self._frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._ready = asyncio.Semaphore(0)

    async def send_text(self, text: str) -> None:
        self.stuck.set()
        await self._ready.acquire()
        self._frames.put_nowait(json.loads(text))

    async def take(self) -> dict[str, Any]:
        self._ready.release()
        return await asyncio.wait_for(self._frames.get(), PATIENCE)


def hub_of(tmp_path: pathlib.Path) -> live.Hub:
    hub = live.Hub(tmp_path, "test")
    hub.take([Resync(snapshot(10))])
    return hub


def said(seq: int) -> ev.Event:
    return event(seq, ev.MessageReceived(message=message(seq, f"text {seq}")))


def test_a_tab_that_falls_behind_is_closed_and_others_are_not(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        hub = hub_of(tmp_path)
        slow = SlowSocket()
        serving = asyncio.create_task(hub.serve(slow))  # type: ignore[arg-type]
        await asyncio.wait_for(slow.stuck.wait(), PATIENCE)
        for seq in range(11, 11 + live.MAX_WAITING_FRAMES + 1):
            assert slow.closed is None
            hub.take([said(seq)])
        await asyncio.wait_for(serving, PATIENCE)
        assert slow.closed == live.CLOSE_BEHIND
        assert not hub._tabs, "nobody keeps frames for it any more"

    asyncio.run(run())


def crowd(seq: int, count: int) -> Resync:
    """As many conversations; the last one is the newest."""
    names = [f"n{number}" for number in range(1, count + 1)]
    return Resync(snapshot(seq, [peer(name) for name in names], [room(name) for name in names]))


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "FIRST", 2)
    monkeypatch.setattr(lists, "PAGE", 2)


@contextlib.asynccontextmanager
async def served_to(hub: live.Hub, **hello: Any) -> AsyncIterator[Browser]:
    browser = Browser(**hello)
    serving = asyncio.create_task(hub.serve(browser))  # type: ignore[arg-type]
    await asyncio.wait_for(browser.stuck.wait(), PATIENCE)
    yield browser
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.usefixtures("small_pages")
def test_lists_come_in_pages_and_neither_they_nor_changes_wait_for_the_others_to_end(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        hub = hub_of(tmp_path)
        hub.take([crowd(10, 9)])
        async with served_to(hub, room="room-n1") as browser:
            # All that follows comes while the first page is on its way.
            for seq in range(11, 14):
                hub.take([said(seq)])
            frames = [await browser.take() for _ in range(8)]
        assert [frame["t"] for frame in frames] == ["all", "more", "patch", "more", "patch", "more", "patch", "more"]
        first, *rest = frames
        assert first["left"] == 4 and first["everything"]["totals"] == {
            "rooms": 9,
            "peers": 9,
            "unread": 0,
            "requests": 0,
        }
        assert [one["id"] for one in first["everything"]["rooms"]] == ["room-n9", "room-n8", "room-n1"]
        pages = [frame for frame in rest if frame["t"] == "more"]
        assert [page["left"] for page in pages] == [3, 2, 1, 0]
        assert [one["id"] for page in pages for one in page["rooms"]] == [f"room-n{at}" for at in range(7, 0, -1)]

    asyncio.run(run())


@pytest.mark.usefixtures("small_pages")
def test_long_lists_do_not_close_the_tab_that_they_are_for(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_WAITING_FRAMES", 4)

    async def run() -> None:
        hub = hub_of(tmp_path)
        hub.take([crowd(10, 100)])
        async with served_to(hub) as browser:
            hub.take([said(11)])
            hub.take([said(12)])
            frames = [await browser.take() for _ in range(52)]
            assert [frame["left"] for frame in frames if frame["t"] == "more"] == list(range(48, -1, -1))
            assert browser.closed is None

    asyncio.run(run())


@pytest.mark.usefixtures("small_pages")
def test_lists_that_begin_anew_end_the_pages_of_the_old_ones(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        hub = hub_of(tmp_path)
        hub.take([crowd(10, 9)])
        async with served_to(hub) as browser:
            hub.take([said(11)])
            hub.take([crowd(20, 4)])
            frames = [await browser.take() for _ in range(6)]
        assert [frame["t"] for frame in frames] == ["all", "more", "patch", "more", "all", "more"]
        assert [frames[0]["everything"]["seq"], frames[4]["everything"]["seq"]] == [10, 20]
        assert [one["id"] for one in frames[5]["rooms"]] == ["room-n2", "room-n1"] and frames[5]["left"] == 0

    asyncio.run(run())


def test_tabs_that_come_before_the_next_change_share_the_lists(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        hub = hub_of(tmp_path)
        async with served_to(hub) as one, served_to(hub) as other:
            shared = hub._lists
            assert (await one.take())["everything"] == (await other.take())["everything"]
            hub.take([said(11)])
            async with served_to(hub) as late:
                assert hub._lists is not shared
                assert (await late.take())["everything"]["seq"] == 11

    asyncio.run(run())


def test_a_busy_node_is_asked_again_for_what_was_missed_while_it_was_away(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_PAUSE_S", 0.0)
    asked: list[str] = []

    class Busy:
        async def ask(self, op: str) -> Any:
            asked.append(op)
            if len(asked) == 1:
                raise NodeAway("Too busy.")
            if op == "peers":
                return rq.PeersResult(peers=[], next_tries=[])
            if op == "nearby":
                return rq.NearbyResult(nearby=nouns.Nearby())
            return rq.StatusResult(
                ready=True, self=ME, pid=1, program="s", home="h", log="l", head=10,
                health=nouns.Health(store=False, problem="The disk is full."),
            )  # fmt: skip

    async def run() -> None:
        hub = hub_of(tmp_path)
        hub._asker = Busy()  # type: ignore[assignment]
        hub.take([Away("gone", 1.0), Back()])
        await asyncio.gather(*hub._tasks)
        assert asked == ["peers", "peers", "status", "nearby"]
        health = hub.model.everything().health
        assert health is not None and health.problem == "The disk is full."

    asyncio.run(run())


def test_too_many_tabs_are_told_so(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        hub = hub_of(tmp_path)
        sockets = [SlowSocket() for _ in range(live.MAX_TABS)]
        tasks = [asyncio.create_task(hub.serve(one)) for one in sockets]  # type: ignore[arg-type]
        await asyncio.wait_for(asyncio.gather(*(one.stuck.wait() for one in sockets)), PATIENCE)
        one_more = SlowSocket()
        await hub.serve(one_more)  # type: ignore[arg-type]
        assert one_more.closed == live.CLOSE_TOO_MANY
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def test_what_is_kept_for_resuming_is_bounded(tmp_path: pathlib.Path) -> None:
    hub = hub_of(tmp_path)
    last = 10 + live.MAX_KEPT_OPS + 500
    hub.take([said(seq) for seq in range(11, last + 1)])
    assert hub._missed("log-1", 10) is None, "no longer known"
    assert hub._missed("log-1", last - live.MAX_REPLAYED_OPS - 1) is None, "too many to replay"
    recent = hub._missed("log-1", last - 3)
    assert recent is not None and [op.seq for op in recent] == [last - 2, last - 1, last]
    assert hub._missed("log-1", last) == []
    hub.take([Resync(snapshot(last))])
    assert hub._missed("log-1", last - 3) is None, "a resync forgets"
    assert hub._missed("log-1", last) == []


def test_a_tab_resumes_from_the_oldest_kept_operation_and_not_from_before(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_KEPT_OPS", 3)
    hub = hub_of(tmp_path)
    assert hub._missed("log-1", 10) == [] and hub._missed("log-1", 9) is None
    hub.take([said(seq) for seq in range(11, 16)])
    kept = hub._missed("log-1", 12)
    assert kept is not None and [op.seq for op in kept] == [13, 14, 15]
    assert hub._missed("log-1", 11) is None, "12 isn't kept any more"
    assert hub._missed("log-1", 15) == []
    assert hub._missed("log-1", 16) is None, "nobody has seen what hasn't happened"


def test_what_was_deleted_is_not_kept_for_resuming(tmp_path: pathlib.Path) -> None:
    hub = hub_of(tmp_path)
    elsewhere = event(12, ev.MessageReceived(message=message(12, "stays", "cian")))
    state = event(13, ev.MessageStateChanged(room="room-bela", id=11, state="sent"))
    hub.take([said(11), elsewhere, state, event(14, ev.RoomDeleted(room="room-bela"))])
    kept = hub._missed("log-1", 10)
    assert kept is not None and [op.seq for op in kept] == [12, 14], "that it went is told"


def test_what_expired_is_not_kept_for_resuming(tmp_path: pathlib.Path) -> None:
    hub = hub_of(tmp_path)
    hub.take([said(11), said(12), event(13, ev.MessagesExpired(room="room-bela", upto=11, unread=1, last=12))])
    kept = hub._missed("log-1", 10)
    assert kept is not None and [op.seq for op in kept] == [12, 13], "that they went is told"


def test_a_resync_in_the_middle_of_a_batch_counts_from_there(tmp_path: pathlib.Path) -> None:
    hub = hub_of(tmp_path)
    hub.take([said(11), Away("gone", 1.0), Resync(snapshot(20)), said(21)])
    assert hub.model.seq == 21 and hub.model.everything().away is None
    kept = hub._missed("log-1", 20)
    assert kept is not None and [op.seq for op in kept] == [21]


def test_coming_back_asks_for_what_is_not_in_the_log(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        with FakeNode(tmp_path) as node:
            bela = node.add_peer("bela", link="offline")
            hub = live.Hub(tmp_path, "test")
            hub.take([Resync(await hub._asker.ask("snapshot")), Away("gone", 1.0)])
            node.tries[bela.id] = nouns.NextTry(peer=bela.id, at=77, attempt=1, reason="Refused.")
            hub.take([Back()])
            await asyncio.gather(*hub._tasks)
            assert hub.model.everything().peers[0].next_at == 77
            hub._asker.close()

    asyncio.run(run())


def test_what_is_heard_while_it_is_asked_for_wins(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        with FakeNode(tmp_path) as node:
            hub = live.Hub(tmp_path, "test")
            hub.take([Resync(await hub._asker.ask("snapshot")), Away("gone", 1.0)])
            free = node.hold_back["status"] = threading.Event()
            hub.take([Back()])
            # Answered, but not heard yet.
            while "status" not in node.commands:  # noqa: ASYNC110 (it is appended in another thread)
                await asyncio.sleep(0.01)
            node.health = nouns.Health(store=False, problem="It is full.")
            hub.take([event(None, ev.HealthChanged(health=node.health))])
            free.set()
            await asyncio.gather(*hub._tasks)
            told = hub.model.everything().health
            assert told is not None and told.problem == "It is full."
            hub._asker.close()

    asyncio.run(run())
