"""Commands on their way to the core and back: idempotency keys, refusals, and what a lost core leaves unanswered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import pytest

from node.answers import Answers
from node.bus import encoding, nouns
from node.bus import requests as rq
from node.config import Config
from node.core import effects as e
from node.core import stimuli as s
from node.errors import CommandRefused
from node.peers import zones
from node.store.reader import Reader
from node.turns import Turns
from tests.node.peers.live import eventually


class Core:
    """Turns that take every command and settle none, and a store that knows the replies given here."""

    head = 7
    busy = False

    def __init__(self) -> None:
        self.health = nouns.Health()
        self.fed: list[s.Commanded] = []
        self.kept: dict[str, tuple[bytes, str]] = {}

    def feed(self, stimulus: s.Stimulus) -> None:
        assert isinstance(stimulus, s.Commanded)
        self.fed.append(stimulus)

    async def read(self, what: Callable[..., Any], *args: Any) -> Any:
        return what(*args)

    def reply(self, key: str) -> tuple[bytes, str] | None:
        return self.kept.get(key)


class Desk:
    def __init__(self) -> None:
        self.core = Core()
        nothing: Callable[..., Any] = lambda *_: 0  # noqa: E731
        turns, reader = cast(Turns, self.core), cast(Reader, self.core)
        self.answers = Answers(cast(Config, None), turns, reader, "log", nothing, nothing, nothing, nothing)

    def ask(self, name: str, key: str | None = None) -> asyncio.Task[rq.Reply]:
        """Ask for a rename, which goes through the core as it is."""
        args = msgspec.Raw(encoding.encode(rq.RenameArgs(peer="plain-1", name=name)))
        command = rq.Command(v=1, id="1", client="test", op="rename", args=args, key=key)
        return asyncio.ensure_future(self.answers.answer(command))

    async def taken(self, count: int) -> list[s.Commanded]:
        """What the core got, once it is so much."""
        await eventually(lambda: len(self.core.fed) >= count)
        return self.core.fed

    def settle(self, command: s.Commanded, result: Any) -> None:
        """It is on disk, and its reply with it."""
        if command.key is not None:
            self.core.kept[command.key.key] = command.key.fingerprint, encoding.encode(result).decode()
        self.answers.settle(e.Reply(command.token, result))


def run(test: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        await test(Desk())

    asyncio.run(whole())


async def refused(asked: Awaitable[rq.Reply]) -> str:
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
        command = rq.Command(v=1, id="1", client="test", op="rename", args=msgspec.Raw(b'{"peer": 5}'))
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
        def ask(args: bytes) -> Awaitable[rq.Reply]:
            command = rq.Command(v=1, id="1", op="rename", args=msgspec.Raw(args), key="k")
            return asyncio.ensure_future(desk.answers.answer(command))

        first = ask(b'{"peer":"plain-1","name":"bob"}')
        (command,) = await desk.taken(1)
        desk.settle(command, rq.Nothing())
        await first
        await ask(b'{"peer":"plain-1","name":"bob"}')
        assert await refused(ask(b'{"name":"bob","peer":"plain-1"}')) == "key_reused"
        assert await refused(ask(b'{"peer":"plain-1", "name":"bob"}')) == "key_reused"

    run(test)


def test_a_report_beyond_the_head_is_refused() -> None:
    async def test(desk: Desk) -> None:
        def report(seq: int) -> Awaitable[rq.Reply]:
            args = msgspec.Raw(encoding.encode(rq.ReportArgs(seq=seq)))
            return desk.answers.answer(rq.Command(v=1, id="1", op="report", args=args))

        for seq in (Core.head, 0, -1):
            await report(seq)
        assert await refused(report(Core.head + 1)) == "cursor_ahead"

    run(test)


def test_a_zone_is_checked_where_somebody_is_dialled_and_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "_named", lambda zone: {"2": "eth0", "eth0": "eth0"}[zone])

    def no_such(zone: str) -> str:
        raise OSError(zone)

    async def test(desk: Desk) -> None:
        resolved = desk.answers._resolved
        connect = await resolved(rq.ConnectArgs(address="http://[fe80::1%252]:5000/"))
        assert connect.address == "[fe80::1%eth0]:5000"
        monkeypatch.setattr(zones, "_named", no_such)
        gone = "[fe80::1%eth0]:5000"
        assert (await resolved(rq.PeerArgs(peer=gone))).peer == gone, "a peer that was met there can be forgotten"
        for asked in (rq.ConnectArgs(address=gone), rq.SendArgs(messages=[rq.Outgoing(to=gone, text="hi")])):
            with pytest.raises(CommandRefused, match="This machine has no interface 'eth0'") as caught:
                await resolved(asked)
            assert caught.value.code == "invalid_args"

    run(test)
