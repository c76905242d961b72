"""Two weeks of a node's life in minutes: real processes, the real store, a wall clock that is set forward.

Every day people write, friends answer, strangers come and are deleted, conversations are merged, read, renamed and
forgotten, old messages expire, and the node is stopped and killed. On some days more than that happens (`EVENTS`): the
clock is set back, it is a year ahead at one start, and the database is put back from a backup. After each day the log,
the snapshot, the counts, what is unread, each conversation, the search and the database itself are compared with what
must be (tests/support/witness.py).
"""

from __future__ import annotations

import pathlib
import random
import shutil
import tempfile
import time
from collections.abc import Callable

import msgspec

from node.bus import bounds, nouns
from node.bus import envelopes as en
from node.bus import requests as rq
from tests.soak.clocked_node import VARIABLE, Clock
from tests.support.loopback import Listeners, say
from tests.support.oracle import Oracle, Who
from tests.support.processes import NodeProcess, free_port, loopback_host
from tests.support.witness import Broken, Witness, check_database

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DAYS = 14
#: Messages are kept so many days.
KEEP_DAYS = 3
#: The node drops what is old in the background. The wait for it ends with a failure after so long, in seconds.
PATIENCE = 30.0
BOT = "bot"


class Scale(msgspec.Struct, frozen=True):
    """How much happens in a day."""

    #: How often people do something; between two times, the clock moves on.
    times: int
    #: The node ends and starts again after so many days.
    ends: int
    messages: int
    deletes: int
    merges: int
    #: Of what is said by both sides while the clock is wrong.
    talk: int


SHORT = Scale(times=3, ends=4, messages=24, deletes=9, merges=3, talk=6)
#: More than 2,000 conversations are deleted; while the clock is wrong, more is said than one step of expiry looks at.
LONG = Scale(times=8, ends=1, messages=480, deletes=176, merges=40, talk=60)


class Fortnight:
    """One node, its clock, its peers and its oracle."""

    def __init__(self, seed: int, scale: Scale) -> None:
        self.seed, self.scale = seed, scale
        self.dice = random.Random(seed)
        self.day = 0
        #: How many conversations were deleted.
        self.deleted = 0
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sn-"))
        self.clock = Clock(self.folder / "clock")
        self.node = NodeProcess(
            self.folder / "home",
            script=("-m", "tests.soak.clocked_node"),
            environment={VARIABLE: str(self.folder / "clock")},
        )
        host, self.street = loopback_host(), loopback_host()
        self.friends = [(host, free_port(host)) for _ in range(8)]
        self.reachable = {f"{host}:{port}" for host, port in self.friends[:5]}
        self._listeners = Listeners(self.friends[:5])
        self.witness = Witness(self.node, self.dice)
        self._backup: tuple[pathlib.Path, Oracle, str] | None = None

    @property
    def oracle(self) -> Oracle:
        """The truth."""
        return self.witness.oracle

    def run(self) -> None:
        """Live through all days; raises Broken, or AssertionError."""
        try:
            self._start()
            self.witness.begin()
            self.witness.result("settings", {"keep_days": KEEP_DAYS})
            self.witness.result("consumer_create", {"name": BOT})
            for self.day in range(1, DAYS + 1):
                self._live()
                if (event := EVENTS.get(self.day)) is not None:
                    event(self)
                self._check()
        except BaseException as error:
            error.add_note(f"seed {self.seed}, day {self.day}, {self.deleted} conversations deleted")
            raise

    def close(self) -> None:
        """End everything, and remove the home."""
        self.node.close()
        self.witness.close()
        self._listeners.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- a day

    def _live(self) -> None:
        """People talk, read, tidy up; hours pass."""
        scale, dice = self.scale, self.dice
        for number in range(scale.times):
            self._pass(DAY // scale.times + dice.randrange(-30, 30) * MINUTE)
            for _ in range(scale.messages // scale.times // 2):
                self._hear(*dice.choice(self.friends))
                self._send()
            for _ in range(self._share(scale.deletes, number)):
                # Somebody comes once, says something, and is deleted: some at once, some later.
                self._hear(self.street, free_port(self.street))
            # What was said is in the index before some of it goes again.
            self.witness.result("search", {"query": "common1"})
            for _ in range(self._share(scale.merges, number)):
                self._merge()
            for _ in range(self._share(scale.deletes, number)):
                self._delete()
            for room in dice.sample(sorted(self.oracle.talks), min(4, len(self.oracle.talks))):
                upto = {"upto": dice.choice(list(lines))} if (lines := self.oracle.talks[room].lines) else {}
                self.witness.result("mark_read", {"room": room, **(upto if dice.random() < 0.5 else {})})
            self._rename()
            self._acknowledge()

    def _share(self, whole: int, number: int) -> int:
        """How much of a day's number falls on one of its times."""
        times = self.scale.times
        return whole * (number + 1) // times - whole * number // times

    def _hear(self, host: str, port: int) -> None:
        text = self.oracle.text(self.dice.choice(("", "größer", "日本語")))
        say((self.node.host, self.node.port), host, f"{host}:{port} BEN {text}")
        self.witness.heard(text, host, port)

    def _send(self) -> None:
        dice, oracle = self.dice, self.oracle
        friends = [dice.choice(self.friends) for _ in range(dice.choice((1, 1, 3)))]
        self.witness.result(
            "send", {"messages": [{"to": f"{host}:{port}", "text": oracle.text()} for host, port in friends]}
        )

    def _strangers(self) -> list[Who]:
        return [who for who in self.oracle.peers.values() if who.address.startswith(self.street)]

    def _merge(self) -> None:
        """A stranger turns out to be a friend, or another stranger."""
        strangers = self._strangers()
        if len(strangers) > 2:
            gone = self.dice.choice(strangers)
            into = self.dice.choice([who for who in self.oracle.peers.values() if who is not gone])
            self.witness.result("merge", {"peer": gone.id, "into": into.id})

    def _delete(self) -> None:
        strangers = self._strangers()
        known = strangers if strangers and self.dice.random() < 0.97 else list(self.oracle.peers.values())
        if known:
            self.witness.result("delete", {"peer": self.dice.choice(known).id})
            self.deleted += 1

    def _rename(self) -> None:
        who = self.dice.choice([who for who in self.oracle.peers.values() if who.listed])
        self.witness.result("rename", {"peer": who.id, "name": self.dice.choice(("", "anna", "Béla"))})
        if self.dice.random() < 0.1:
            # What waited for them is given up, and goes at once where it is old.
            self.witness.result("forget", {"peer": who.id})

    def _acknowledge(self) -> None:
        """The bot deals with what came."""
        head = self.witness.seq
        self.witness.result("consumer_acknowledge", {"name": BOT, "seq": head})

    # -- time, and what it takes away

    def _pass(self, ms: int) -> None:
        """Time passes while the node runs; what was kept long enough goes, and nothing else."""
        waiting = self._waiting()
        self.clock.move(ms)
        self._expire(waiting)

    def _waiting(self) -> set[int]:
        """What waits for friends who can't be reached: it never goes."""
        here = {who.room for who in self.oracle.peers.values() if who.listed and who.address not in self.reachable}
        return {one.id for room in here for one in self._history(room) if one.state == "waiting"}

    def _history(self, room: str) -> list[nouns.Message]:
        """All of a conversation as it is now; nothing when it is gone."""
        found: list[nouns.Message] = []
        while True:
            args = {"room": room, "limit": bounds.MAX_HISTORY} | ({"before": found[0].id} if found else {})
            reply = self.witness.ask("history", args, expect=("ok", "not_found"))
            if reply.error is not None:
                # Gone meanwhile, or its oldest line is: begin anew, or there is none.
                if not found:
                    return []
                found.clear()
                continue
            page = msgspec.json.decode(reply.result, type=rq.HistoryResult)
            found[:0] = page.messages
            if not page.more_before:
                return found

    def _expire(self, waiting: set[int]) -> None:
        """Wait until nothing is there that should have gone, and see that nothing went that should be there."""
        deadline = time.monotonic() + PATIENCE
        cutoff = self.clock.now() - KEEP_DAYS * DAY
        while late := self._went(cutoff, waiting):
            if time.monotonic() > deadline:
                raise self.witness.fail(f"kept for more than {KEEP_DAYS} days, and not gone: messages {late[:20]}")
            time.sleep(0.02)
        self.witness.catch_up()

    def _went(self, cutoff: int, waiting: set[int]) -> list[int]:
        """Tell the oracle what has gone. Returns what is still to go."""
        late: list[int] = []
        for room, talk in list(self.oracle.talks.items()):
            old = [line.id for line in talk.lines.values() if line.at < cutoff]
            if not old:
                continue
            kept = {one.id: one for one in self._history(room)}
            gone = talk.lines.keys() - kept.keys()
            # Of one conversation, all up to a message go: where the clock was set back, some that are newer by it.
            odd = {one for one in gone if one > max(old) or one in waiting}
            if odd:
                raise self.witness.fail(f"{odd} of {room} have expired; old are only {old}, {waiting & odd} waited")
            self.oracle.expired(room, gone)
            late += [one for one in old if one in kept and kept[one].state not in ("waiting", "sending")]
        return late

    def _settle(self) -> None:
        """Wait until all that can be sent is sent; what is old of it, or was given up, goes then."""
        deadline = time.monotonic() + PATIENCE
        while waits := self._to_send():
            if time.monotonic() > deadline:
                raise self.witness.fail(f"not sent, though its peer listens: {waits[:5]}")
            time.sleep(0.02)
        self._expire(set())

    def _to_send(self) -> list[nouns.Message]:
        """What waits for friends who listen."""
        here = [who.room for who in self.oracle.peers.values() if who.listed and who.address in self.reachable]
        return [one for room in here for one in self._history(room) if one.state in ("waiting", "sending")]

    # -- starts and ends

    def _start(self) -> None:
        self.node.start()
        self.witness.open()

    def _stop(self, *, graceful: bool = True) -> None:
        self.witness.away()
        if graceful:
            assert self.node.stop() == 0
        else:
            self.node.kill()

    def _crash_while_sending(self) -> None:
        """Killed with a command on its way, which is then repeated with its key."""
        host, port = self.friends[0]
        args = {"messages": [{"to": f"{host}:{port}", "text": self.oracle.text()}]}
        frame = self.witness.frame("send", args, f"fortnight {self.day}")
        self.witness.put(frame)
        self._stop(graceful=False)
        self._start()
        self.witness.learn("send", args, [], self.witness.raw(frame), ("ok",))

    def _back_up(self) -> None:
        """Somebody stops the node, copies its database, and starts it again."""
        self._stop()
        copy = self.folder / "backup"
        copy.mkdir()
        for path in self.node.home.glob("snicher.db*"):
            shutil.copy2(path, copy / path.name)
        self._backup = copy, self.oracle.copy(), self.witness.log
        self._start()

    def _restore(self) -> None:
        """The database of days ago is put back."""
        assert self._backup is not None
        copy, truth, log = self._backup
        self._stop(graceful=False)
        for path in self.node.home.glob("snicher.db*"):
            path.unlink()
        for path in copy.iterdir():
            shutil.copy2(path, self.node.home / path.name)
        self._start()
        head = self.witness.seq
        self.oracle.restored(truth)
        check_restored(self.witness, log, head)
        # The backup is older than messages are kept: without a person's word, the node doubts the clock, and keeps all.
        self.witness.ask("trust_clock", expect=("ok",))
        self.witness.begin()
        self._expire(set())

    def _set_back(self) -> None:
        """The clock is two hours back for a while, then right again."""
        self.clock.move(-2 * HOUR)
        self._talk()
        self._stop(graceful=False)
        self._start()
        self._talk()
        self.clock.move(2 * HOUR)

    def _year_ahead(self) -> None:
        """At one start the clock is a year ahead. People talk all the same, until somebody sets it right."""
        self._settle()
        host, port = self.friends[0]
        args = {"messages": [{"to": f"{host}:{port}", "text": self.oracle.text()}]}
        keyed = self.witness.frame("send", args, "fortnight key")
        first = self.witness.raw(keyed)
        self.witness.learn("send", args, [], first, ("ok",))
        self._stop()
        self.clock.move(365 * DAY)
        self._start()
        check_nothing_expired(self.witness)
        self._talk()
        check_nothing_expired(self.witness)
        self._stop()
        self.clock.move(-365 * DAY)
        self._start()
        check_nothing_expired(self.witness)
        check_key(self.witness, keyed, first)

    def _talk(self) -> None:
        """People talk for a while."""
        for _ in range(self.scale.talk):
            self._hear(*self.dice.choice(self.friends))
            self._send()

    # -- what must be true after each day

    def _check(self) -> None:
        """The node is right, also after it has ended, one way or the other; so is what is on disk."""
        self._settle()
        self.witness.check(thorough=True)
        if self.day % self.scale.ends == 0:
            self._stop(graceful=self.dice.random() < 0.5)
            copy = self.folder / "copy"
            shutil.copytree(self.node.home, copy, ignore=shutil.ignore_patterns("bus*"))
            check_database(copy)
            shutil.rmtree(copy)
            self._start()
            self._settle()
            self.witness.check(thorough=True)
        check_consumer(self.witness)


#: How long nothing may have expired, in seconds: the node of the fortnight looks ten times a second.
LOOKS = 0.5


def check_nothing_expired(witness: Witness) -> None:
    """A clock that is not believable takes nothing away: all is there, after time enough to erase it."""
    time.sleep(LOOKS)
    witness.check(thorough=True)


def check_restored(witness: Witness, log: str, seq: int) -> None:
    """After a backup was put back, whoever kept a place in the old log is told to start afresh."""
    reply = witness.raw(witness.frame("events", {"since": seq, "log": log}))
    told = msgspec.json.decode(witness.raw(witness.frame("status")).result, type=rq.StatusResult)
    if told.log == log or reply.error is None or reply.error.code != "log_changed":
        raise witness.fail(f"a backup was put back, and the log is {told.log} as before; {reply.error}")


def check_key(witness: Witness, keyed: bytes, first: en.Reply) -> None:
    """A command that comes again with its key within a day takes effect once, whatever the clock was meanwhile."""
    again = witness.raw(keyed)
    ids = [[one.id for one in msgspec.json.decode(x.result, type=rq.SendResult).messages] for x in (first, again)]
    if ids[0] != ids[1]:
        raise witness.fail(f"a command with a key took effect again: messages {ids[0]}, then {ids[1]}")


def check_consumer(witness: Witness) -> None:
    """A bot that is there every day keeps its place. After a restored backup it must begin anew, and is told so."""
    reply = witness.ask("consumer_next", {"name": BOT}, expect=("ok", "consumer_lapsed"))
    if reply.error is not None:
        witness.result("consumer_create", {"name": BOT, "restart": True})


#: What else happens at the end of a day.
EVENTS: dict[int, Callable[[Fortnight], None]] = {
    2: Fortnight._crash_while_sending,
    3: Fortnight._set_back,
    5: Fortnight._back_up,
    7: Fortnight._year_ahead,
    9: Fortnight._restore,
    11: Fortnight._crash_while_sending,
    12: Fortnight._set_back,
}


def run(seed: int, scale: Scale) -> tuple[Fortnight, str | None]:
    """Live through a fortnight; what to print of a failure."""
    fortnight = Fortnight(seed, scale)
    try:
        fortnight.run()
    except (AssertionError, Broken) as error:
        notes = "\n".join(getattr(error, "__notes__", ()))
        return fortnight, f"{notes}: {error}"
    finally:
        fortnight.close()
    return fortnight, None
