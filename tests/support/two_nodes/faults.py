"""Faults, put in one at a time; the promises must catch each. `python -m tests.support.two_nodes.faults` says where.

| fault | seed | what catches it |
|---|---|---|
| commit skipped: acts let out before their records are on disk | 0 | what is acknowledged is on disk |
| hash of the wrong header in `prev` | 0 | everything arrives |
| receipt ahead of the disk: HAVE before the commit | 0 | a node tells only of what is on its disk |
| dedup forgotten: what is held already is stored again | 88 | the store: one header for each number |
| late answer accepted, although texts had left in clear | 74 | people are told of what was readable |
| gap accepted: a run that its sender begins too late | 0 | *delivered* only for what is on the other disk |
| signature unchecked, and a machine forges what it passes on | 9 | one hash for each number |
| chain over rows: a claim counts against a row that says less | 14 | *delivered* only for what is on the other disk |
| stream reused by the next run | 1 | a stream is used by one run only |
| both crossing links closed | 3 | of two links that crossed, one stays |
| clear text to a node's address | 6 | nothing goes there in clear |
| nothing asked for: what wasn't pushed is lost | 0 | everything arrives |
| read mark of a request told | 33 | nobody is told what was read in a request |
| request acknowledged whole, and stored in part | 11 | a node tells only of what is on its disk |
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from unittest import mock

import msgspec

from node.batches import Batch
from node.core import asking, authoring, contact, effects, queries, reading, receipts, replication, secure, syncs
from node.core.links import Link as CoreLink
from node.core.stimuli import Stimulus
from node.core.vectors import Stream
from node.model import Entry, Position
from node.protocol import entries
from node.protocol import link as l
from node.protocol.secure import frames as f
from tests.support.two_nodes.machine import Machine
from tests.support.two_nodes.world import live

Fault = Callable[[], contextlib.AbstractContextManager[Any]]


def commit_skipped() -> contextlib.AbstractContextManager[Any]:
    """Acts are let out before their records are on disk."""
    commit = Machine._commit

    def at_once(self: Machine) -> None:
        batch = self._batch
        commit(self)
        if self._committing is batch:
            acts, batch.acts = batch.acts, []
            self._let_out(_only(acts))

    return mock.patch.object(Machine, "_commit", at_once)


def _only(acts: list[effects.Act]) -> Batch:
    batch = Batch()
    batch.acts = acts
    return batch


def wrong_previous() -> contextlib.AbstractContextManager[Any]:
    """`prev` is the hash of another header than the one before."""

    def other(n: int, hash_: bytes) -> Position:
        return Position(n, hashlib.sha256(hash_).digest())

    return mock.patch.object(authoring, "Position", other)


def receipt_ahead() -> contextlib.AbstractContextManager[Any]:
    """HAVE is sent before the commit."""
    gather = Machine._gather

    def eager(self: Machine, stimulus: Stimulus | None, found: list[effects.Effect]) -> None:
        early = [one for one in found if isinstance(one, effects.Say) and isinstance(one.frame, f.Have)]
        for one in early:
            self._perform(one)
        gather(self, stimulus, [one for one in found if one not in early])

    return mock.patch.object(Machine, "_gather", eager)


def dedup_forgotten() -> contextlib.AbstractContextManager[Any]:
    """Entries that are held already are stored again."""

    def forgetful(
        room: str, headers: Sequence[bytes], bodies: Sequence[bytes | None], signature: bytes,
        held: Position | None, held_clock: int, *, begins: int = 1,
    ) -> list[Entry]:  # fmt: skip
        first = entries.read_header(headers[0]).n
        return check(room, headers, bodies, signature, None, -1, begins=first)

    check = entries.check_run
    return mock.patch.object(entries, "check_run", forgetful)


def late_answer_accepted() -> contextlib.AbstractContextManager[Any]:
    """A link is upgraded although texts have left over it in clear, and nobody is told."""

    answered = l.Link._answered

    def accept(self: l.Link, rest: bytes) -> None:
        if not self._wrote:
            answered(self, rest)
            return
        self._take_back(l.NOT_WRITTEN, l.NOT_WRITTEN)
        self.state = l.State.UPGRADED
        self._events.append(l.Answered(rest))

    return mock.patch.object(l.Link, "_answered", accept)


@contextlib.contextmanager
def gap_accepted() -> Iterator[None]:
    """A run behind a gap is taken although its sender, which leaves one out, never said that it begins there."""
    run = replication.Replication._run
    serve = Machine._serve

    def anywhere(self: Any, session: syncs.Session, sync: syncs.Sync, frame: f.Run) -> None:
        first = entries.read_header(frame.headers[0])
        sync.firsts[first.author, first.stream] = first.n
        run(self, session, sync, frame)

    def gappy(self: Machine, act: effects.Serve) -> None:
        more, _ = self.disk.reader.run_after(act.room, act.author, act.stream, act.after + 1)
        serve(self, act if more is None else msgspec.structs.replace(act, after=act.after + 1))

    with (
        mock.patch.object(replication.Replication, "_run", anywhere),
        mock.patch.object(Machine, "_serve", gappy),
    ):
        yield


@contextlib.contextmanager
def signature_unchecked() -> Iterator[None]:
    """Signatures aren't checked, and a machine forges what it passes on for others."""

    class Anybody:
        @classmethod
        def from_public_bytes(cls, data: bytes) -> Anybody:
            return cls()

        def verify(self, signature: bytes, data: bytes) -> None:
            pass

    def forge(self: Machine, act: effects.Serve) -> None:
        if act.author == self.id:
            serve(self, act)
            return
        run, _ = self.disk.reader.run_after(act.room, act.author, act.stream, act.after)
        end = self.ends.get(act.link)
        if run is not None and end is not None:
            fields = msgspec.msgpack.decode(run.headers[-1])
            body = entries.text_body("forged")
            fields[7] = hashlib.sha256(body).digest()
            headers = [*run.headers[:-1], msgspec.msgpack.encode(fields)]
            end.say(f.Run(run.room, headers, [*run.bodies[:-1], body], run.signature))

    serve = Machine._serve
    with mock.patch.object(entries, "Ed25519PublicKey", Anybody), mock.patch.object(Machine, "_serve", forge):
        yield


def chain_over_rows() -> contextlib.AbstractContextManager[Any]:
    """What a chain claims counts although the member has told a row of its own that says less."""

    def gullible(
        self: receipts.Receipts, room: str, member: str, theirs: Mapping[Stream, int], streams: Sequence[Stream],
        *, anew: bool = False,
    ) -> None:  # fmt: skip
        vector = self._vectors.of(room)
        for stream in streams:
            if stream[0] == self._me and theirs[stream]:
                self._advance(room, member, stream, theirs[stream])
                for named, n in vector.chain(stream):
                    self._advance(room, member, named, n)

    return mock.patch.object(receipts.Receipts, "told", gullible)


def stream_reused() -> contextlib.AbstractContextManager[Any]:
    """A run goes on in the stream of the run before."""

    def same(self: authoring.Author, room: str) -> Stream:
        return self.me, hashlib.sha256(f"{self.me}{room}".encode()).digest()[:16]

    return mock.patch.object(authoring.Author, "stream", same)


def both_crossing_closed() -> contextlib.AbstractContextManager[Any]:
    """Of two links that crossed, each side leaves the one that it has dialled itself."""

    def wrong(self: secure.Secure, old: CoreLink, new: CoreLink) -> bool:
        return old.direction == "in" != new.direction

    return mock.patch.object(secure.Secure, "_stays", wrong)


def clear_text_to_a_node() -> contextlib.AbstractContextManager[Any]:
    """Nobody looks whether a node is known at the address of a plain contact."""
    never = property(lambda self: False, lambda self, value: None)
    return mock.patch.object(contact.Contact, "node_here", never)


def nothing_asked_for() -> contextlib.AbstractContextManager[Any]:
    """Whoever lacks something waits until it is pushed."""
    return mock.patch.object(asking.Asking, "ask", lambda self, session, sync, room, stream: None)


def request_read() -> contextlib.AbstractContextManager[Any]:
    """What was read in a request is told to its author."""

    def moved(self: reading.Reading, room_id: str) -> None:
        room = self._rooms.by_id.get(room_id)
        if room is not None and any(True for _ in self._at(room_id)):
            self._ledger.put(effects.Fetch(queries.ReadPlaces(room_id, room.read_upto)))

    return mock.patch.object(reading.Reading, "moved", moved)


def request_acknowledged_whole() -> contextlib.AbstractContextManager[Any]:
    """What a request doesn't take is acknowledged all the same."""
    have = replication.Replication._have

    def more(self: Any, session: Any, room: str, sync: syncs.Sync, streams: Any, *, always: bool = False) -> None:
        have(self, session, room, sync, streams, always=always)
        if self._requests.is_full(room):
            rows = [f.Told(*stream, 1, n, bytes(32)) for stream, n in sync.theirs.items()]
            self._ledger.put(effects.Say(session.link, f.Have(room, rows)))

    return mock.patch.object(replication.Replication, "_have", more)


def caught(fault: Fault, seeds: int, first: int = 0) -> tuple[int, str] | None:
    """The first seed whose life breaks a promise with this fault, and which. None: none of them does."""
    with fault():
        for seed in range(first, first + seeds):
            try:
                live(seed)
            except (AssertionError, sqlite3.IntegrityError) as error:
                return seed, f"{type(error).__name__}: {str(error).splitlines()[0][:110]}"
    return None


FAULTS: dict[str, Fault] = {
    "commit skipped": commit_skipped,
    "hash of the wrong header": wrong_previous,
    "receipt ahead of the disk": receipt_ahead,
    "dedup forgotten": dedup_forgotten,
    "late answer accepted": late_answer_accepted,
    "gap accepted": gap_accepted,
    "signature unchecked": signature_unchecked,
    "chain over rows": chain_over_rows,
    "stream reused": stream_reused,
    "both crossing links closed": both_crossing_closed,
    "clear text to a node": clear_text_to_a_node,
    "nothing asked for": nothing_asked_for,
    "read mark of a request told": request_read,
    "request acknowledged whole": request_acknowledged_whole,
}

if __name__ == "__main__":
    for name, fault in FAULTS.items():
        print(f"{name}: {caught(fault, 1000)}", flush=True)
