"""The commands by name, the same for every client. (BUS.md section 5)

Law of this file: no I/O and no waiting. A command is a generator: it yields requests, receives the result of each (or
has its error thrown in), and returns the command's value. A client sends and waits: a method of a `Blocking` client
returns the value, that of an `Awaiting` client returns a coroutine.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

import msgspec

from node.bus import bounds, encoding, nouns, paging
from node.bus import consumers as cn
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.diagnosis import Diagnosis, DoctorArgs, DoctorResult
from node.errors import BusProtocolError, CommandRefused

P = ParamSpec("P")
T = TypeVar("T")

#: What msgspec raises for bytes that don't decode.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_reply_decoder = msgspec.json.Decoder(en.Reply)


# -- one request


class Request(msgspec.Struct, frozen=True):
    """One command to the node. `timeout` in seconds; None: the client's default."""

    op: str
    args: msgspec.Struct | dict[str, Any] | None = None
    key: str | None = None
    timeout: float | None = None

    @property
    def repeatable(self) -> bool:
        """Whether it may be retried when no reply came, because it is idempotent or has a key."""
        return self.key is not None or self.op in rq.REPEATABLE


def frame(request: Request, request_id: str, client: str) -> bytes:
    """A command's frame. Raises CommandRefused (`too_large`) when it is too long for the node."""
    raw = msgspec.Raw(encoding.encode({} if request.args is None else request.args))
    body = encoding.encode(
        en.Command(v=bounds.VERSION, id=request_id, op=request.op, client=client, args=raw, key=request.key)
    )
    if len(body) > bounds.MAX_COMMAND_BYTES:
        raise CommandRefused("too_large", f"{len(body)} bytes; at most {bounds.MAX_COMMAND_BYTES} are taken.")
    return body


def read_reply(body: bytes) -> en.Reply:
    """A reply's frame. Raises BusProtocolError."""
    try:
        return _reply_decoder.decode(body)
    except UNREADABLE as error:
        raise BusProtocolError(f"The node's answer can't be read: {error}.") from error


def result_of(reply: en.Reply, op: str, request_id: str) -> Any:
    """The result as the structure that COMMANDS names. Raises CommandRefused or BusProtocolError."""
    if reply.id not in (request_id, ""):
        raise BusProtocolError("The node answered somebody else's command.")
    if reply.error is not None or not reply.ok:
        error = reply.error or en.ErrorBody(code="internal", message="The node refused without a reason.")
        raise CommandRefused(error.code, error.message, error.retryable, error.details)
    _, result_type = rq.COMMANDS.get(op, (rq.Nothing, rq.Nothing))
    try:
        result: msgspec.Struct = msgspec.json.decode(reply.result, type=result_type)
        if isinstance(result, rq.EventsResult | cn.ConsumerNextResult):
            for event in result.events:
                ev.typed(event)
    except UNREADABLE as error:
        raise BusProtocolError(f"The answer to {op} can't be read: {error}.") from error
    return result


# -- commands as steps

#: Yields requests, is sent their results, returns the command's value.
Steps = Generator[Request, Any, T]


class Blocking:
    """A client that performs a command's steps before it returns."""

    def perform(self, steps: Steps[T]) -> T:
        """Send what `steps` yield, and return its value."""
        raise NotImplementedError


class Awaiting:
    """A client whose commands are awaited."""

    async def perform(self, steps: Steps[T]) -> T:
        """Send what `steps` yield, and return its value."""
        raise NotImplementedError


class Command(Generic[P, T]):
    """A method of both kinds of clients, written once as steps."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self._steps = steps
        functools.update_wrapper(cast(Any, self), steps)

    @overload
    def __get__(self, client: None, owner: type) -> Command[P, T]: ...
    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Blocking | Awaiting | None, owner: type) -> Any:
        if client is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.perform(self._steps(client, *args, **kwargs))

        # Made anew for each call of a command, and `functools.update_wrapper` would take longer than the rest.
        call.__name__, call.__doc__ = self._steps.__name__, self._steps.__doc__
        return call

    def steps(self, *args: P.args, **kwargs: P.kwargs) -> Steps[T]:
        """The steps themselves, for a caller that performs them in another way."""
        return self._steps(None, *args, **kwargs)


def new_id() -> str:
    """An id that nobody else has, of a command or as its key: 128 random bits in hexadecimal."""
    return uuid.uuid4().hex


class NodeCommands:
    """The commands by name. Each raises CommandRefused, NodeAway or BusProtocolError.

    Commands that change something carry an idempotency key, so retries take effect once. Pass a `key` of your own if a
    later run of your program may repeat the same command.
    """

    @Command
    def hello(self) -> Steps[rq.HelloResult]:
        """Versions, features and limits of the node."""
        return (yield Request("hello"))  # type: ignore[no-any-return]

    @Command
    def snapshot(self) -> Steps[rq.SnapshotResult]:
        """The whole state as of one event; fetches all pages."""
        return (yield from paging.snapshot(Request))

    @Command
    def events(self, since: int, limit: int = 500, log: str | None = None) -> Steps[rq.EventsResult]:
        """Events after `since`, in order."""
        return (yield Request("events", rq.EventsArgs(since=since, limit=limit, log=log)))  # type: ignore[no-any-return]

    @Command
    def consumer_create(self, name: str, *, since: int | None = None, restart: bool = False) -> Steps[nouns.Consumer]:
        """Create a named consumer that begins after event `since`, or at the head. An existing one stays as it is."""
        args = cn.ConsumerCreateArgs(name=name, since=since, restart=restart)
        result: cn.ConsumerResult = yield Request("consumer_create", args)
        return result.consumer

    @Command
    def consumer_next(self, name: str, limit: int = 100) -> Steps[cn.ConsumerNextResult]:
        """The events after the consumer's position. The position stays where it is."""
        return (yield Request("consumer_next", cn.ConsumerNextArgs(name=name, limit=limit)))  # type: ignore[no-any-return]

    @Command
    def consumer_acknowledge(self, name: str, seq: int) -> Steps[nouns.Consumer]:
        """Move the consumer's position to event `seq`."""
        result: cn.ConsumerResult = yield Request(
            "consumer_acknowledge", cn.ConsumerAcknowledgeArgs(name=name, seq=seq)
        )
        return result.consumer

    @Command
    def consumers(self) -> Steps[list[nouns.Consumer]]:
        """All named consumers."""
        result: cn.ConsumersResult = yield Request("consumers")
        return result.consumers

    @Command
    def consumer_drop(self, name: str) -> Steps[None]:
        """Delete a named consumer."""
        yield Request("consumer_drop", cn.ConsumerArgs(name=name), new_id())

    @Command
    def trust_clock(self) -> Steps[None]:
        """Confirm that this machine's clock is right although it is far ahead of what the node has seen."""
        yield Request("trust_clock", rq.Nothing(), new_id())

    @Command
    def report(self, seq: int, follower: str = "") -> Steps[None]:
        """Report that all events up to `seq` were processed, for `stats`. Followers do so by themselves."""
        yield Request("report", rq.ReportArgs(seq=seq, follower=follower))

    @Command
    def history(
        self,
        room: str,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> Steps[rq.HistoryResult]:
        """A page of a room, oldest first."""
        args = rq.HistoryArgs(room=room, before=before, after=after, around=around, limit=limit)
        return (yield Request("history", args))  # type: ignore[no-any-return]

    @Command
    def search(
        self, query: str, *, room: str | None = None, before: int | None = None, limit: int = 20
    ) -> Steps[rq.SearchResult]:
        """Messages in which all words occur, newest first."""
        args = rq.SearchArgs(query=query, room=room, before=before, limit=limit)
        return (yield Request("search", args))  # type: ignore[no-any-return]

    @Command
    def send(self, to: str, text: str, *, key: str | None = None) -> Steps[nouns.Message]:
        """Send a text to a room, a peer or an address; returns once it is on the node's disk."""
        args = rq.SendArgs(messages=[rq.Outgoing(to=to, text=text)])
        result: rq.SendResult = yield Request("send", args, key or new_id())
        return result.messages[0]

    @Command
    def send_all(self, outgoing: list[rq.Outgoing], *, key: str | None = None) -> Steps[list[nouns.Message]]:
        """Send several texts in one command: all are accepted, or none."""
        result: rq.SendResult = yield Request("send", rq.SendArgs(messages=outgoing), key or new_id())
        return result.messages

    @Command
    def resend(self, message: int) -> Steps[nouns.Message]:
        """Try a failed or unconfirmed message again."""
        result: rq.ResendResult = yield Request("resend", rq.ResendArgs(message=message), new_id())
        return result.message

    @Command
    def delivery(self, message: int) -> Steps[rq.DeliveryResult]:
        """What became of one of our own messages: for each recipient its state, since when, or why not."""
        return (yield Request("delivery", rq.DeliveryArgs(message=message)))  # type: ignore[no-any-return]

    @Command
    def connect(self, address: str, dialect: str = "auto") -> Steps[nouns.Peer]:
        """Add the peer at HOST:PORT and dial it; the outcome comes as events."""
        result: rq.PeerResult = yield Request("connect", rq.ConnectArgs(address=address, dialect=dialect), new_id())
        return result.peer

    @Command
    def disconnect(self, peer: str) -> Steps[nouns.Peer]:
        """Say good-bye to a peer and close its connection."""
        result: rq.PeerResult = yield Request("disconnect", rq.PeerArgs(peer=peer), new_id())
        return result.peer

    @Command
    def peers(self) -> Steps[rq.PeersResult]:
        """All peers by name, and their next tries; fetches all pages."""
        return (yield from paging.peers(Request))

    @Command
    def typing(self, room: str, *, stopped: bool = False) -> Steps[None]:
        """Somebody here types in a room, or has stopped. Say it again every few seconds."""
        yield Request("typing", rq.TypingArgs(room=room, stopped=stopped))

    @Command
    def links(self, peer: str) -> Steps[list[nouns.Link]]:
        """The encrypted links with a peer."""
        result: rq.LinksResult = yield Request("links", rq.PeerArgs(peer=peer))
        return result.links

    @Command
    def paths(self, peer: str) -> Steps[list[nouns.Path]]:
        """The addresses at which a node may be dialled, in the order in which they are tried."""
        result: rq.PathsResult = yield Request("paths", rq.PeerArgs(peer=peer))
        return result.paths

    @Command
    def nearby(self) -> Steps[nouns.Nearby]:
        """Who is seen on this network, and whether looking round works."""
        result: rq.NearbyResult = yield Request("nearby")
        return result.nearby

    @Command
    def trust(self, peer: str, *, plain: bool = False, rival: str | None = None) -> Steps[nouns.Peer]:
        """Decide about a peer with a warning; returns who is meant. `plain`: clear text may go to its address.

        `rival`: the key whose code was shown; if another one has answered since, it is refused.
        """
        args = rq.TrustArgs(peer=peer, plain=plain, rival=rival)
        result: rq.PeerResult = yield Request("trust", args, new_id())
        return result.peer

    @Command
    def verify(self, peer: str, code: str) -> Steps[nouns.Peer]:
        """The code that was shown for a node is the one that its owner says. Refused when it isn't its key's."""
        result: rq.PeerResult = yield Request("verify", rq.VerifyArgs(peer=peer, code=code), new_id())
        return result.peer

    @Command
    def unverify(self, peer: str) -> Steps[nouns.Peer]:
        """A node doesn't count as verified any more."""
        result: rq.PeerResult = yield Request("unverify", rq.PeerArgs(peer=peer), new_id())
        return result.peer

    @Command
    def accept(self, peer: str) -> Steps[nouns.Peer]:
        """Accept a request: what the node says is a conversation like others from now on."""
        result: rq.PeerResult = yield Request("accept", rq.PeerArgs(peer=peer), new_id())
        return result.peer

    @Command
    def refuse(self, peer: str) -> Steps[None]:
        """Refuse a request: what the node has said is deleted, and it is told."""
        yield Request("refuse", rq.PeerArgs(peer=peer), new_id())

    @Command
    def block(self, peer: str) -> Steps[nouns.Blocked]:
        """Block a node, or the plain peers of an address: nothing of them is taken, and their past is hidden."""
        result: rq.BlockedResult = yield Request("block", rq.PeerArgs(peer=peer), new_id())
        return result.blocked

    @Command
    def unblock(self, peer: str) -> Steps[nouns.Blocked]:
        """Block somebody no more; their past is shown again."""
        result: rq.BlockedResult = yield Request("unblock", rq.PeerArgs(peer=peer), new_id())
        return result.blocked

    @Command
    def invite(self) -> Steps[rq.InviteResult]:
        """A link by which others add this node."""
        return (yield Request("invite"))  # type: ignore[no-any-return]

    @Command
    def add(self, link: str) -> Steps[rq.AddResult]:
        """Add the node of an invite: only its key may answer there."""
        return (yield Request("add", rq.AddArgs(link=link), new_id()))  # type: ignore[no-any-return]

    @Command
    def forget(self, peer: str) -> Steps[None]:
        """Take a peer off the list; its conversation stays."""
        yield Request("forget", rq.PeerArgs(peer=peer), new_id())

    @Command
    def rename(self, peer: str, name: str) -> Steps[nouns.Peer]:
        """Give a peer a local name; an empty one returns to the name it gives itself."""
        result: rq.PeerResult = yield Request("rename", rq.RenameArgs(peer=peer, name=name), new_id())
        return result.peer

    @Command
    def merge(self, peer: str, into: str) -> Steps[nouns.Peer]:
        """Make the conversation with `peer` part of the one with `into`; returns the latter."""
        result: rq.PeerResult = yield Request("merge", rq.MergeArgs(peer=peer, into=into), new_id())
        return result.peer

    @Command
    def delete(self, peer: str) -> Steps[None]:
        """Delete the conversation with a peer and all that was said in it, for good."""
        yield Request("delete", rq.PeerArgs(peer=peer), new_id())

    @Command
    def mark_read(self, room: str, upto: int | None = None) -> Steps[rq.MarkReadResult]:
        """Mark everything in the room as read, up to message `upto` (None: the newest)."""
        return (yield Request("mark_read", rq.MarkReadArgs(room=room, upto=upto), new_id()))  # type: ignore[no-any-return]

    @Command
    def doctor(self, peer: str | None = None, *, again: bool = False) -> Steps[Diagnosis]:
        """What is known of how this node, its network and the ways to a peer are.

        It may be going on (`running`): ask again in a moment, without `again`, until it isn't.
        """
        result: DoctorResult = yield Request("doctor", DoctorArgs(peer=peer, again=again))
        return result.diagnosis

    @Command
    def stats(self) -> Steps[rq.StatsResult]:
        """Counts."""
        return (yield Request("stats"))  # type: ignore[no-any-return]

    @Command
    def settings(
        self,
        *,
        name: str | None = None,
        reconnect: bool | None = None,
        share_reading: bool | None = None,
        accept_nodes: str | None = None,
        accept_plain: str | None = None,
        discovery: str | None = None,
        keep_events: int | None = None,
        keep_days: int | None = None,
        mandatory: list[str] | None = None,
        mandatory_greeting: str | None = None,
        mandatory_rule: str | None = None,
        static_peers: list[str] | None = None,
        presence: str | None = None,
        status: str | None = None,
        reset: Sequence[str] = (),
    ) -> Steps[nouns.Settings]:
        """Change settings, and return those in force. A setting given as None stays as it is.

        `reset` names settings whose changes by front ends are undone.
        """
        args = rq.SettingsArgs(
            name=name,
            reconnect=reconnect,
            share_reading=share_reading,
            accept_nodes=accept_nodes,
            accept_plain=accept_plain,
            discovery=discovery,
            keep_events=keep_events,
            keep_days=keep_days,
            mandatory=mandatory,
            mandatory_greeting=mandatory_greeting,
            mandatory_rule=mandatory_rule,
            static_peers=static_peers,
            presence=presence,
            status=status,
            reset=list(reset),
        )
        result: rq.SettingsResult = yield Request("settings", args, new_id())
        return result.settings

    @Command
    def config(self) -> Steps[list[nouns.Option]]:
        """All options, with the source of each value."""
        result: rq.ConfigResult = yield Request("config")
        return result.settings

    @Command
    def status(self, timeout: float | None = None) -> Steps[rq.StatusResult]:
        """Whether the node is ready and well."""
        return (yield Request("status", timeout=timeout))  # type: ignore[no-any-return]

    @Command
    def stop(self) -> Steps[None]:
        """Ask the node to end gracefully."""
        yield Request("stop")
