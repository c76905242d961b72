"""Commands on their way to the core and back, and reads: keys, refusals, what a lost core leaves unanswered, figures.

No core, no store and no socket: fakes stand behind the interfaces that the answers declare.
"""

from __future__ import annotations

import asyncio
import hashlib
import pathlib
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from node import answers, deciding
from node.answers import Answers
from node.bus import consumers as cn
from node.bus import encoding, nouns
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.config import Config
from node.core import effects as e
from node.core import stimuli as s
from node.errors import CommandRefused, IndexBroken, StoreUnavailable
from node.store.reader import Reader
from tests.node.peers.live import eventually
from tests.node.worlds import Run


class Core:
    """A core of which answers tell; nothing is decided here."""

    def __init__(self) -> None:
        self.settings = nouns.Settings(name="anna", keep_days=7)
        self.me = nouns.Self(id="me", code="", name="anna", listen="127.0.0.1:5000")
        self.saved: dict[str, Any] = {"keep_days": 7}

    def next_tries(self, peers: Any = None) -> list[nouns.NextTry]:
        return [
            nouns.NextTry(peer=one, at=9, attempt=1, reason="x") for one in (["plain-9"] if peers is None else peers)
        ]

    def why_waiting(self, peer: str) -> str | None:
        return f"{peer} is away."

    def link_of(self, peer: str) -> str | None:
        return "offline"

    def consumers_used(self) -> dict[str, int]:
        return {"bot": 5}

    def shut_out(self) -> dict[str, int]:
        return {"10.0.0.9": 1}

    def greetings(self) -> list[nouns.Greeting]:
        return [nouns.Greeting(address="10.0.0.8:5000", outcome="failed", at=0)]


class Index:
    """A search index: how often it went on, and why it was given up."""

    def __init__(self) -> None:
        self.steps = 0
        self.gave_up: list[str] = []
        self.fault: StoreUnavailable | None = None
        #: A step that takes long.
        self.slow = False

    async def step(self) -> None:
        self.steps += 1
        if self.slow:
            await asyncio.Event().wait()

    async def broken(self, why: str) -> None:
        self.gave_up.append(why)
        if self.fault is not None:
            raise self.fault


class Store:
    """A reader that knows the replies given here, and tells what it was asked for."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}
        #: What the next reads fail with.
        self.faults: list[Exception] = []
        self.asked: list[Any] = []

    @property
    def kept_replies(self) -> Store:
        return self

    def of(self, key: str) -> tuple[bytes, str] | None:
        self.asked.append(key)
        return self.kept.get(key)

    def keys(self, after: str, limit: int) -> list[str]:
        return sorted(key for key in self.kept if key > after)[:limit]

    def log_ends(self) -> tuple[int, int]:
        return 3, 7

    def counts(self) -> tuple[int, int, int, int]:
        return 10, 20, 30, 40

    def consumers(self, used: dict[str, int]) -> list[nouns.Consumer]:
        return [nouns.Consumer(name=name, position=0, lag=0, created=0, used=at) for name, at in used.items()]

    def peers(self, args: rq.PeersArgs) -> rq.PeersResult:
        return rq.PeersResult(peers=[peer("plain-1")], next_tries=[])

    def consumer_next(self, args: cn.ConsumerNextArgs) -> cn.ConsumerNextResult:
        consumer = nouns.Consumer(name=args.name, position=0, lag=0, created=0, used=0)
        return cn.ConsumerNextResult(log="log", consumer=consumer, events=[], head=7, more=False)

    def delivery(self, message: int) -> rq.DeliveryResult:
        said = nouns.Message(id=message, room="r", order="", at=1, direction="out", author="me", name="anna")
        waiting, there = rq.Recipient(peer="a", state="waiting"), rq.Recipient(peer="b", state="delivered", at=5)
        return rq.DeliveryResult(message=said, recipients=[waiting, there])

    def search(self, args: rq.SearchArgs) -> rq.SearchResult:
        self.asked.append(args)
        if self.faults:
            raise self.faults.pop(0)
        return rq.SearchResult(hits=[], more=False, pending=0)

    def history(self, args: rq.HistoryArgs) -> rq.HistoryResult:
        self.asked.append(args)
        if self.faults:
            raise self.faults.pop(0)
        return rq.HistoryResult(seq=7, messages=[], more_before=False, more_after=False)


class Loop:
    """Takes every command and settles none."""

    head, commits, events, busy = 7, 5, 6, False

    def __init__(self) -> None:
        self.health = nouns.Health()
        self.core = Core()
        self.upkeep = Index()
        self.fed: list[s.Commanded] = []
        self.used: list[str] = []
        #: Reads wait for it.
        self.disk = asyncio.Event()
        self.disk.set()

    def feed(self, stimulus: s.Commanded | s.ConsumerAsked) -> None:
        if isinstance(stimulus, s.ConsumerAsked):
            self.used.append(stimulus.name)
        else:
            self.fed.append(stimulus)

    async def read(self, what: Callable[..., Any], *args: Any) -> Any:
        await self.disk.wait()
        return what(*args)


def peer(id_: str) -> nouns.Peer:
    return nouns.Peer(id=id_, name="ben", host="10.0.0.2", port=5000, room=id_, dialect="std")


class Desk:
    def __init__(self) -> None:
        self.core = Loop()
        self.store = Store()
        self.run = Run()
        self.home = pathlib.Path()
        config = cast(Config, SimpleNamespace(home=self.home, given={}, fixed={}))
        self.answers = Answers(config, self.core, cast(Reader, self.store), "log", self.run)

    def send(self, op: str, args: Any, client: str = "test") -> asyncio.Task[Any]:
        """A command of a front end; what it gets, read."""

        async def answered() -> Any:
            raw = msgspec.Raw(encoding.encode(args))
            reply = await self.answers.answer(en.Command(v=1, id="1", client=client, op=op, args=raw))
            return msgspec.json.decode(reply.result, type=rq.COMMANDS[op][1])

        return asyncio.ensure_future(answered())

    def ask(self, name: str, key: str | None = None) -> asyncio.Task[en.Reply]:
        """Ask for a rename, which goes through the core as it is."""
        args = msgspec.Raw(encoding.encode(rq.RenameArgs(peer="plain-1", name=name)))
        command = en.Command(v=1, id="1", client="test", op="rename", args=args, key=key)
        return asyncio.ensure_future(self.answers.answer(command))

    async def taken(self, count: int) -> list[s.Commanded]:
        """What the core got, once it is so much."""
        await eventually(lambda: len(self.core.fed) >= count)
        return self.core.fed

    def settle(self, command: s.Commanded, result: Any) -> None:
        """It is on disk, and its reply with it."""
        if command.key is not None:
            self.store.kept[command.key.key] = command.key.fingerprint, encoding.encode(result).decode()
        self.answers.settle(e.Reply(command.token, result))


def run(test: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        await test(Desk())

    asyncio.run(whole())


async def refused(asked: Awaitable[en.Reply]) -> str:
    with pytest.raises(CommandRefused) as caught:
        await asked
    return caught.value.code


def test_a_command_repeated_before_it_is_on_disk_takes_effect_once_and_both_get_its_reply() -> None:
    async def test(desk: Desk) -> None:
        first, second = desk.ask("bob", "k"), desk.ask("bob", "k")
        (command,) = await desk.taken(1)
        # Something that comes later is taken: so the repetition had its turn, too.
        other = desk.ask("cat", "another")
        assert len(await desk.taken(2)) == 2
        desk.settle(command, rq.Nothing())
        assert (await first).result == (await second).result == msgspec.Raw(b"{}")
        desk.settle(desk.core.fed[1], rq.Nothing())
        await other

    run(test)


def test_a_command_repeated_when_it_is_on_disk_gets_the_kept_reply() -> None:
    async def test(desk: Desk) -> None:
        first = desk.ask("bob", "k")
        (command,) = await desk.taken(1)
        desk.settle(command, rq.Nothing())
        reply = await first
        assert (await desk.ask("bob", "k")).result == reply.result
        assert len(desk.core.fed) == 1

    run(test)


def test_a_command_repeated_while_the_first_one_still_waits_for_the_disk_takes_effect_once() -> None:
    async def test(desk: Desk) -> None:
        desk.core.disk.clear()
        first, second = desk.ask("bob", "k"), desk.ask("bob", "k")
        await asyncio.sleep(0)
        desk.core.disk.set()
        (command,) = await desk.taken(1)
        desk.settle(command, rq.Nothing())
        assert (await first).result == (await second).result == msgspec.Raw(b"{}")
        assert len(desk.core.fed) == 1

    run(test)


def test_once_all_used_keys_are_known_the_disk_is_asked_for_those_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        old = [f"old-{number:02}" for number in range(10)]
        monkeypatch.setattr(deciding, "KEYS_AT_ONCE", 3)
        digest = hashlib.sha256(b'rename\0{"peer":"plain-1","name":"bob"}').digest()
        desk.store.kept = dict.fromkeys(old, (digest, "{}"))
        await desk.ask("bob", old[0])
        await eventually(lambda: desk.answers._deciding._keys.complete)
        desk.store.asked.clear()
        asked = [desk.ask("bob", f"new-{number}") for number in range(20)]
        await desk.taken(20)
        assert len(desk.store.asked) <= 2, "a filter may suspect a new key, seldom"
        for key in old:
            assert (await desk.ask("bob", key)).result == msgspec.Raw(b"{}")
        assert desk.store.asked[-10:] == old
        for one in asked:
            one.cancel()

    run(test)


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_key_used_before_with_other_arguments_is_refused(on_disk: bool) -> None:
    async def test(desk: Desk) -> None:
        first = desk.ask("bob", "k")
        (command,) = await desk.taken(1)
        if on_disk:
            desk.settle(command, rq.Nothing())
            await first
        assert await refused(desk.ask("somebody else", "k")) == "key_reused"
        assert len(desk.core.fed) == 1
        first.cancel()

    run(test)


def test_commands_without_a_key_each_take_effect() -> None:
    async def test(desk: Desk) -> None:
        both = [desk.ask("bob"), desk.ask("bob")]
        for command in await desk.taken(2):
            desk.settle(command, rq.Nothing())
        await asyncio.gather(*both)

    run(test)


def test_what_the_core_refuses_is_refused_with_its_code_and_reason() -> None:
    async def test(desk: Desk) -> None:
        asked = desk.ask("bob", "k")
        (command,) = await desk.taken(1)
        desk.answers.settle(e.Refuse(command.token, "not_found", "There is no such peer."))
        assert await refused(asked) == "not_found"
        # Nothing was done, so the key is free.
        again = desk.ask("bob", "k")
        assert len(await desk.taken(2)) == 2
        again.cancel()

    run(test)


@pytest.mark.parametrize(
    ("health", "busy", "code"),
    [(nouns.Health(store=False, problem="It is full."), False, "store_unavailable"), (nouns.Health(), True, "busy")],
)
def test_nothing_goes_to_the_core_while_the_disk_can_t_take_it(health: nouns.Health, busy: bool, code: str) -> None:
    async def test(desk: Desk) -> None:
        desk.core.health, desk.core.busy = health, busy
        assert await refused(desk.ask("bob")) == code
        assert desk.core.fed == []

    run(test)


def test_whoever_waits_is_told_when_the_core_is_lost() -> None:
    async def test(desk: Desk) -> None:
        asked = [desk.ask("bob", "k"), desk.ask("bob", "k"), desk.ask("cat")]
        await desk.taken(2)
        await desk.answers.give_up()
        assert [await refused(one) for one in asked] == ["internal"] * 3

    run(test)


def test_arguments_that_are_none_are_refused_before_anything_else() -> None:
    async def test(desk: Desk) -> None:
        command = en.Command(v=1, id="1", client="test", op="rename", args=msgspec.Raw(b'{"peer": 5}'))
        assert await refused(desk.answers.answer(command)) == "invalid_args"
        assert desk.core.fed == []

    run(test)


def test_an_empty_key_is_none() -> None:
    async def test(desk: Desk) -> None:
        for name in ("bob", "cat"):
            asked = desk.ask(name, "")
            await desk.taken(1)
            desk.settle(desk.core.fed.pop(), rq.Nothing())
            await asked

    run(test)


def test_the_same_key_means_the_same_bytes_also_in_the_order_of_fields() -> None:
    async def test(desk: Desk) -> None:
        def ask(args: bytes) -> Awaitable[en.Reply]:
            command = en.Command(v=1, id="1", op="rename", args=msgspec.Raw(args), key="k")
            return asyncio.ensure_future(desk.answers.answer(command))

        first = ask(b'{"peer":"plain-1","name":"bob"}')
        (command,) = await desk.taken(1)
        desk.settle(command, rq.Nothing())
        await first
        await ask(b'{"peer":"plain-1","name":"bob"}')
        assert await refused(ask(b'{"name":"bob","peer":"plain-1"}')) == "key_reused"
        assert await refused(ask(b'{"peer":"plain-1", "name":"bob"}')) == "key_reused"

    run(test)


def test_a_disk_that_does_not_answer_is_told_to_the_front_end_and_the_command_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(desk: Desk) -> None:
        monkeypatch.setattr(deciding, "COMMIT_PATIENCE", 0.01)
        asked = desk.ask("bob", "k")
        (command,) = await desk.taken(1)
        assert await refused(asked) == "store_unavailable"
        monkeypatch.setattr(deciding, "COMMIT_PATIENCE", 60)
        again = desk.ask("bob", "k")
        await asyncio.sleep(0)
        desk.settle(command, rq.Nothing())
        assert (await again).result == msgspec.Raw(b"{}")
        assert len(desk.core.fed) == 1, "it was done once"

    run(test)


def test_a_report_beyond_the_head_is_refused() -> None:
    async def test(desk: Desk) -> None:
        def report(seq: int) -> Awaitable[en.Reply]:
            args = msgspec.Raw(encoding.encode(rq.ReportArgs(seq=seq)))
            return desk.answers.answer(en.Command(v=1, id="1", op="report", args=args))

        for seq in (Loop.head, 0, -1):
            await report(seq)
        assert await refused(report(Loop.head + 1)) == "cursor_ahead"

    run(test)


def test_a_reply_that_nobody_waits_for_or_that_comes_twice_harms_nothing() -> None:
    async def test(desk: Desk) -> None:
        desk.answers.settle(e.Reply(99, rq.Nothing()))
        asked = desk.ask("bob")
        (command,) = await desk.taken(1)
        asked.cancel()
        await asyncio.wait([asked])
        desk.settle(command, rq.Nothing())
        desk.settle(command, rq.Nothing())

    run(test)


def test_the_core_gets_addresses_where_a_front_end_gave_names(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(args: Any) -> Any:
        return rq.ConnectArgs(address="10.0.0.2:5000")

    async def test(desk: Desk) -> None:
        monkeypatch.setattr(desk.answers._deciding._hosts, "resolved", resolved)
        asked = desk.send("connect", rq.ConnectArgs(address="ben.lan:5000"))
        assert [one.args.address for one in await desk.taken(1)] == ["10.0.0.2:5000"]
        asked.cancel()

    run(test)


# -- reads


def test_a_store_that_can_t_be_read_is_refused_as_such() -> None:
    async def test(desk: Desk) -> None:
        desk.store.faults = [StoreUnavailable("It broke.")]
        assert await refused(desk.send("history", rq.HistoryArgs(room="plain-1"))) == "store_unavailable"

    run(test)


def test_stats_tell_what_was_counted_here_and_by_the_run() -> None:
    async def test(desk: Desk) -> None:
        def event(data: Any) -> ev.Event:
            return ev.Event(v=1, log="log", at=0, type=type(data).__name__, seq=1, data=data)

        message = nouns.Message(id=1, room="r", order="", at=0, direction="in", author="plain-1", name="ben")
        changes = [
            ev.MessageStateChanged(room="r", id=1, state=state) for state in ("sending", "sent", "sent", "failed")
        ]
        heard = [ev.MessageReceived(message=message)] * 3
        desk.answers.published([event(one) for one in (*heard, *changes, rq.Nothing())])
        await desk.send("report", rq.ReportArgs(follower="f", seq=5), "bot")
        found = await desk.send("stats", rq.Nothing())
        assert (found.received, found.sent) == (3, 2)
        assert (found.links, found.refused, found.subscribed) == (2, 3, 4)
        assert (found.commits, found.events) == (5, 6)
        assert (found.messages, found.outbox, found.rooms, found.peers) == (10, 20, 30, 40)
        assert (found.oldest, found.kept_events) == (3, 5)
        assert found.shut_out == {"10.0.0.9": 1}
        assert [(one.client, one.seq, one.lag) for one in found.subscribers] == [("bot", 5, 2)]
        assert [one.name for one in found.consumers] == ["bot"]

    run(test)


def test_hello_and_status_tell_of_the_node_as_it_is_now() -> None:
    async def test(desk: Desk) -> None:
        hello = await desk.send("hello", rq.Nothing())
        assert (hello.node, hello.name, hello.log, hello.oldest, hello.head) == ("me", "anna", "log", 3, 7)
        assert hello.features == sorted(rq.COMMANDS)
        desk.core.core.me = msgspec.structs.replace(desk.core.core.me, name="otto")
        desk.core.health = nouns.Health(store=False, problem="It broke.")
        status = await desk.send("status", rq.Nothing())
        assert (status.self.name, status.health.problem) == ("otto", "It broke.")
        assert [one.address for one in status.greetings] == ["10.0.0.8:5000"]

    run(test)


def test_peers_are_told_with_their_next_tries_and_of_those_only() -> None:
    async def test(desk: Desk) -> None:
        found = await desk.send("peers", rq.PeersArgs())
        assert [one.peer for one in found.next_tries] == ["plain-1"]

    run(test)


def test_a_consumer_that_is_asked_for_is_in_use() -> None:
    async def test(desk: Desk) -> None:
        before = answers.now_ms()
        found = await desk.send("consumer_next", cn.ConsumerNextArgs(name="bot"))
        assert desk.core.used == ["bot"]
        assert found.consumer.used >= before

    run(test)


def test_before_a_search_the_index_takes_in_what_was_said_just_now_and_a_slow_one_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "INDEX_PATIENCE", 0.01)

    async def test(desk: Desk) -> None:
        desk.core.upkeep.slow = True
        await desk.send("search", rq.SearchArgs(query="x"))
        assert desk.core.upkeep.steps == 1
        desk.core.busy = True
        await desk.send("search", rq.SearchArgs(query="x"))
        desk.core.busy, desk.core.health = False, nouns.Health(store=False)
        await desk.send("search", rq.SearchArgs(query="x"))
        assert desk.core.upkeep.steps == 1, "not while the disk has other work, or fails"
        assert len(desk.store.asked) == 3

    run(test)


def test_an_index_that_is_found_broken_is_given_up_and_asked_once_more() -> None:
    async def test(desk: Desk) -> None:
        desk.store.faults = [IndexBroken("a page")]
        assert (await desk.send("search", rq.SearchArgs(query="x"))).hits == []
        assert desk.core.upkeep.gave_up == ["a page"]
        desk.store.faults = [IndexBroken("a page"), IndexBroken("a page")]
        assert await refused(desk.send("search", rq.SearchArgs(query="x"))) == "busy"
        desk.store.faults, desk.core.upkeep.fault = [IndexBroken("a page")], StoreUnavailable("It is full.")
        assert await refused(desk.send("search", rq.SearchArgs(query="x"))) == "store_unavailable"

    run(test)


def test_the_end_is_asked_for_once_the_reply_had_a_moment_to_leave() -> None:
    async def test(desk: Desk) -> None:
        await desk.send("stop", rq.Nothing())
        assert desk.run.stopped == []
        await eventually(lambda: desk.run.stopped)
        assert desk.run.stopped == ["A front end asked for it."]

    run(test)


def test_of_a_message_that_waits_delivery_says_why_and_when_the_next_try_is() -> None:
    async def story() -> None:
        found = await Desk().send("delivery", rq.DeliveryArgs(message=4))
        assert isinstance(found, rq.DeliveryResult)
        waiting, there = found.recipients
        assert waiting.detail == "a is away."
        assert waiting.next_try == nouns.NextTry(peer="a", at=9, attempt=1, reason="x")
        assert (there.at, there.detail, there.next_try) == (5, None, None)

    asyncio.run(story())
