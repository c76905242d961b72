"""The commands by name: each asks what its name says, for both kinds of clients, and what may be repeated is."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import msgspec
import pytest

from node.bus import bounds, commands
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.aio import AsyncClient
from node.bus.client import Client
from node.bus.commands import Awaiting, Blocking, Command, NodeCommands, Request, Steps
from node.errors import BusProtocolError, CommandRefused

#: Methods with other names than their command's, and arguments for those that need some.
OPS = {"send_all": "send"}
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "events": (3,), "consumer_create": ("bot",), "consumer_next": ("bot",), "consumer_acknowledge": ("bot", 3),
    "consumer_drop": ("bot",), "report": (3,), "history": ("room",), "search": ("word",), "send": ("to", "text"),
    "send_all": ([rq.Outgoing(to="to", text="text")],), "resend": (7,), "delivery": (7,), "connect": ("host:1",),
    "disconnect": ("peer",), "trust": ("peer",), "typing": ("room",), "links": ("peer",),
    "verify": ("peer", "code"), "unverify": ("peer",), "accept": ("peer",), "refuse": ("peer",),
    "block": ("peer",), "unblock": ("peer",), "add": ("link",),
    "forget": ("peer",), "rename": ("peer", "name"),
    "merge": ("peer", "into"), "delete": ("peer",), "mark_read": ("room",),
}  # fmt: skip
METHODS = {name: value for name, value in vars(NodeCommands).items() if isinstance(value, Command)}


def test_every_command_has_a_method_by_its_name() -> None:
    assert {OPS.get(name, name) for name in METHODS} == set(rq.COMMANDS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_asks_for_its_command_and_gives_arguments_of_its_kind(name: str) -> None:
    request = next(METHODS[name].steps(*ARGUMENTS.get(name, ())))
    op = OPS.get(name, name)
    assert request.op == op
    args = request.args if request.args is not None else rq.Nothing()
    assert type(args) is rq.COMMANDS[op][0]
    assert request.repeatable or op == "stop", "what isn't repeatable by itself has a key"


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_both_clients_have_them_with_their_words(client: type) -> None:
    for name, command in METHODS.items():
        assert getattr(client, name) is command
        assert inspect.getdoc(command)


def test_each_command_has_a_key_of_its_own_unless_one_is_given() -> None:
    assert next(METHODS["send"].steps("to", "a")).key != next(METHODS["send"].steps("to", "a")).key
    assert next(METHODS["send"].steps("to", "a", key="mine")).key == "mine"


class Twice(NodeCommands):
    """A command of two requests, which goes on after a refusal."""

    @Command
    def both(self, word: str) -> Steps[list[str]]:
        """Ask twice."""
        found = []
        for number in (1, 2):
            try:
                found.append((yield Request(f"{word} {number}")))
            except CommandRefused as refused:
                found.append(refused.code)
        return found


class Now(Twice, Blocking):
    perform = Client.perform

    def request(self, op: str, *_: Any, **__: Any) -> str:
        if op.endswith("2"):
            raise CommandRefused("busy", "busy")
        return op.upper()


class Later(Twice, Awaiting):
    perform = AsyncClient.perform

    async def request(self, op: str, *_: Any, **__: Any) -> str:
        await asyncio.sleep(0)
        if op.endswith("2"):
            raise CommandRefused("busy", "busy")
        return op.upper()


def test_steps_are_performed_alike_by_both() -> None:
    assert Now().both("ask") == ["ASK 1", "busy"]
    assert asyncio.run(Later().both("ask")) == ["ASK 1", "busy"]


def test_an_error_that_no_step_takes_reaches_the_caller() -> None:
    with pytest.raises(CommandRefused):
        Refusing().stats()


class Refusing(NodeCommands, Blocking):
    perform = Client.perform

    def request(self, op: str, *_: Any, **__: Any) -> str:
        raise CommandRefused("busy", op)


# -- frames


def reply(**fields: Any) -> en.Reply:
    return commands.read_reply(msgspec.json.encode({"v": 1, "id": "1", "ok": True, **fields}))


def test_a_frame_is_a_command_as_the_node_reads_it() -> None:
    body = commands.frame(Request("events", rq.EventsArgs(since=3), "k"), "7", "me")
    command = msgspec.json.decode(body, type=en.Command)
    assert (command.v, command.id, command.op, command.client, command.key) == (1, "7", "events", "me", "k")
    assert msgspec.json.decode(command.args, type=rq.EventsArgs).since == 3
    with pytest.raises(CommandRefused, match="are taken"):
        commands.frame(Request("send", {"x": "x" * bounds.MAX_COMMAND_BYTES}), "7", "me")


def test_results_come_typed_and_errors_as_what_they_are() -> None:
    page = {
        "log": "l", "head": 1, "more": False,
        "consumer": {"name": "b", "position": 0, "lag": 1, "created": 1, "used": 1},
        "events": [{"v": 1, "log": "l", "at": 1, "type": "PeerForgotten", "seq": 1, "data": {"peer": "p"}}],
    }  # fmt: skip
    result = commands.result_of(reply(result=page), "consumer_next", "1")
    assert result.events[0].data == ev.PeerForgotten(peer="p")
    with pytest.raises(BusProtocolError, match="somebody else"):
        commands.result_of(reply(), "stop", "2")
    with pytest.raises(BusProtocolError, match="can't be read"):
        commands.result_of(reply(result={"log": 5}), "events", "1")
    with pytest.raises(BusProtocolError):
        commands.read_reply(b"\xff")
    with pytest.raises(CommandRefused) as refused:
        commands.result_of(reply(ok=False, error={"code": "busy", "message": "b", "retryable": True}), "stop", "1")
    assert (refused.value.code, refused.value.retryable) == ("busy", True)
    with pytest.raises(CommandRefused):
        commands.result_of(reply(ok=False), "stop", "1")
