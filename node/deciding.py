"""Commands that go through the core: each is decided once, and answered when its records are on disk."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

import msgspec

from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.errors import CommandRefused, SnicherError
from node.hosts import Hosts
from node.keys import UsedKeys
from node.store.replies import Replies

#: Longest wait of a command for its commit, in seconds; then its front end gets `store_unavailable`.
COMMIT_PATIENCE = 10.0
#: Keys that were used before this start are read so many at a time.
KEYS_AT_ONCE = 500

P = ParamSpec("P")
T = TypeVar("T")


class Loop(Protocol):
    """The loop around the core, and the store's reader."""

    @property
    def health(self) -> nouns.Health:
        """Whether the node works, and what is wrong if not."""

    @property
    def busy(self) -> bool:
        """Whether so many records wait for the disk that commands are refused."""

    def feed(self, stimulus: s.Commanded) -> None:
        """Hand a stimulus to the core."""

    async def read(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the reader in its thread. Raises CommandRefused when the node goes down."""


class Deciding:
    """Hands commands to the core and waits for its answers, which come by `settle`."""

    def __init__(self, turns: Loop, replies: Replies, hosts: Hosts) -> None:
        self._turns = turns
        self._replies = replies
        self._hosts = hosts
        self._last_token = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        #: Commands in flight, by idempotency key: a command repeated meanwhile waits for the same reply.
        self._unsettled: dict[str, tuple[bytes, asyncio.Future[Any]]] = {}
        self._keys = UsedKeys()
        self._learning: asyncio.Task[None] | None = None

    def settle(self, act: e.Reply | e.Refuse) -> None:
        """Pass on the core's answer to a command. The turns call this once the command's records are on disk."""
        future = self._waiting.pop(act.token, None)
        if future is None or future.done():
            return
        if isinstance(act, e.Reply):
            future.set_result(act.result)
        else:
            future.set_exception(CommandRefused(act.code, act.message, details=act.details))

    async def decide(self, command: en.Command, args: Any) -> Any:
        """The result of a command, as a structure or as JSON. Raises CommandRefused and StoreUnavailable."""
        if not command.key:
            future = self._new()
            await self._begin(command, args, None, future)
            return await self._settled(future)
        key = q.Key(command.key, hashlib.sha256(command.op.encode() + b"\0" + bytes(command.args)).digest())
        unsettled = self._unsettled.get(command.key)
        if unsettled is not None:
            if unsettled[0] != key.fingerprint:
                raise CommandRefused("key_reused", "This key was used before with another command.")
            return await self._settled(unsettled[1])
        # From here on a command with the same key waits for this one, whatever this one still has to wait for.
        future = self._new()
        self._unsettled[key.key] = (key.fingerprint, future)
        future.add_done_callback(lambda _: self._unsettled.pop(key.key))
        try:
            kept = await self._kept(key)
            if kept is not None:
                future.set_result(kept)
            else:
                await self._begin(command, args, key, future)
        except BaseException as error:
            if not future.done():
                # What is no answer (the bus is closed) is none for those who wait, either.
                future.set_exception(
                    error if isinstance(error, SnicherError) else CommandRefused("internal", "A bug in the node.")
                )
            raise
        return await self._settled(future)

    @staticmethod
    def _new() -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # Somebody may have given up waiting, so mark a late error as seen: asyncio would complain about it.
        future.add_done_callback(lambda done: done.exception())
        return future

    async def _kept(self, key: q.Key) -> msgspec.Raw | None:
        """The reply kept for a key; None: it is new. Raises CommandRefused."""
        suspected = self._keys.may_hold(key.key)
        self._keys.add(key.key)
        if not suspected:
            return None
        if self._learning is None:
            self._learning = asyncio.create_task(self._learn(), name="keys used before")
        kept = await self._turns.read(self._replies.of, key.key)
        if kept is None:
            return None
        if kept[0] != key.fingerprint:
            raise CommandRefused("key_reused", "This key was used before with another command.")
        return msgspec.Raw(kept[1].encode())

    async def _learn(self) -> None:
        """Read the keys that were used before this start, until then the disk is asked for each."""
        after = ""
        with contextlib.suppress(SnicherError):
            while keys := await self._turns.read(self._replies.keys, after, KEYS_AT_ONCE):
                self._keys.add_earlier(keys)
                after = keys[-1]
            self._keys.complete = True
            return
        # The disk failed: the next command begins again. What was read stays.
        self._learning = None

    async def _begin(self, command: en.Command, args: Any, key: q.Key | None, future: asyncio.Future[Any]) -> None:
        """Hand a command to the core, which will answer the future. Raises CommandRefused."""
        if not self._turns.health.store:
            raise CommandRefused("store_unavailable", self._turns.health.problem or "The disk can't be written.")
        if self._turns.busy:
            raise CommandRefused("busy", "Too much is waiting to be written; try again in a moment.")
        hostname = self._hosts.named(args)
        args = await self._hosts.resolved(args)
        self._last_token += 1
        token = self._last_token
        self._waiting[token] = future
        cause = ev.Cause(client=command.client, request=command.id)
        self._turns.feed(s.Commanded(token, command.op, args, cause, key, hostname))

    async def _settled(self, future: asyncio.Future[Any]) -> Any:
        """The command's answer. The command goes on when nobody waits for it any more."""
        if not future.done():
            loop = asyncio.get_running_loop()
            # A future of our own: `asyncio.wait` takes as long as all the rest of a short command.
            over: asyncio.Future[None] = loop.create_future()

            def end(_: object = None) -> None:
                if not over.done():
                    over.set_result(None)

            future.add_done_callback(end)
            timer = loop.call_later(COMMIT_PATIENCE, end)
            try:
                await over
            finally:
                timer.cancel()
                future.remove_done_callback(end)
        if not future.done():
            raise CommandRefused(
                "store_unavailable",
                "The disk doesn't answer. Whether this was done is unknown; with a key it is safe to repeat.",
            )
        return future.result()

    def give_up(self) -> None:
        """The core has stopped after a bug: refuse every command that still waits for it, with `internal`."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(CommandRefused("internal", "A bug in the node; its log says more."))
