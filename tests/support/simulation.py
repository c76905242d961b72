"""One core and the real store, driven by random stimuli on a virtual clock, with a network that lives in memory.

The store is on a database in memory (memory_store.py). The network keeps the contract of node/peers/network.py (for
each Dial exactly one Closed, last; for each Transmit exactly one Transmitted), the turns that of node/turns.py: what a
batch records is on disk before its acts are let out; when a commit fails, it and what gathered meanwhile is dropped,
and a core is made anew. `Simulation.check` holds the invariants; whoever breaks one gets the seed and the last steps.

`python -m tests.support.simulation --seeds 1000` lives more lives than the tests do, or `--first SEED` a certain one.
"""

from __future__ import annotations

import argparse
import collections
import random
from typing import Any
from unittest import mock

import msgspec

from node.bus import consumers as cn
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import nouns, reducer
from node.bus import requests as rq
from node.core import dialling, queues
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.identity import Identity
from node.core.links import Direction
from node.core.node import Node
from node.protocol.plain.codec import Announced, Goodbye, Hello, Said, Text
from node.protocol.plain.registry import ANCESTOR
from tests.support.memory_store import MemoryStore

START = 1_700_000_000_000
LISTEN = "10.0.0.99:5000"
IDENTITY = Identity("me", "me", "0", None, "anna")
HOSTS = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
PORTS = (5000, 5001)
NAMES = ("bob", "eve", "Bob")
PEERS = "SELECT id FROM peer ORDER BY id"
NEWEST = "SELECT max(id) FROM entry"
WAITING = "SELECT entry FROM delivery WHERE peer = ? AND state = 'waiting' AND entry < ? ORDER BY entry"
#: What the network tells a core made anew, too: it was the old one's business.
AGAIN = (s.Heard, s.Transmitted, s.Closed)


class FakeLink(msgspec.Struct):
    """A connection as the core knows it: dialled (odd number) or come in (even)."""

    number: int
    host: str
    port: int | None
    how: str
    #: Ready to carry texts.
    open: bool = False
    leaving: bool = False
    #: What was given to it and has no outcome yet.
    carries: list[e.Transmit] = []


class Batch(msgspec.Struct):
    """What is committed together."""

    records: list[e.Record] = []
    acts: list[e.Act] = []
    again: list[s.Stimulus] = []


def parts_of(text: str) -> int:
    """In how many parts a text goes to a one-shot peer; texts say it themselves."""
    return int(text.partition("/")[2] or 1)


class Simulation:
    """A node's life from a seed. `run` takes random steps; `quiesce` lets everything come to rest."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.now = START
        self.store = MemoryStore()
        self.links: dict[int, FakeLink] = {}
        #: What each link is, for a core made anew.
        self.told: dict[int, s.LinkUp] = {}
        self.last_inbound = 0
        self.tokens = 0
        self.said = 0
        self.steps: collections.deque[str] = collections.deque(maxlen=40)
        #: Commands without an answer; those answered already.
        self.asked: dict[int, s.Commanded] = {}
        self.answered: set[int] = set()
        #: (message, part) that may have reached a peer, and must not leave again.
        self.left: set[tuple[int, int]] = set()
        #: Messages that went through a person's or a merge's hands: their order says nothing.
        self.reordered: set[int] = set()
        self.uncounted: set[str] = set()
        self.seen_events = self.seen_commits = 0
        #: How far each consumer of a name was after the last step, by how often that name was dropped.
        self.positions: dict[tuple[str, int], int] = {}
        self.replayed: nouns.State | None = None
        self._begin(last_link=-1)
        self.feed(s.Started(LISTEN, [LISTEN]))
        self.commit_all()

    def _begin(self, last_link: int) -> None:
        self.core = Node(self.store.load(), IDENTITY, last_link=last_link)
        self.gathering = Batch()
        self.committing: Batch | None = None
        self.fetches: list[e.Fetch] = []
        self.held: list[s.Stimulus] = []
        self.healthy = True

    # -- turns

    def feed(self, stimulus: s.Stimulus) -> None:
        self.steps.append(f"{self.now - START}: {stimulus}")
        if isinstance(stimulus, s.LinkUp):
            self.told[stimulus.link] = stimulus
        if self.healthy:
            self._gather(stimulus, self.core.handle(stimulus, self.now))
        elif isinstance(stimulus, AGAIN):
            self.held.append(stimulus)
        elif isinstance(stimulus, s.Commanded):
            self._settle(e.Refuse(stimulus.token, "store_unavailable", ""))

    def _gather(self, stimulus: s.Stimulus | None, effects: list[e.Effect]) -> None:
        for effect in effects:
            self.steps.append(f"    -> {effect}")
            if isinstance(effect, e.Record):
                self.gathering.records.append(effect)
            else:
                self.gathering.acts.append(effect)
        if isinstance(stimulus, AGAIN):
            self.gathering.again.append(stimulus)

    def begin_commit(self) -> None:
        if self.committing is None:
            self.committing, self.gathering = self.gathering, Batch()

    def finish_commit(self) -> None:
        batch, self.committing = self.committing, None
        if batch is not None:
            self.store.commit(batch.records)
            for record in batch.records:
                if isinstance(record, e.Log):
                    self._note(record.event)
            self.steps.append(f"{self.now - START}: committed up to {self.store.head}")
            for act in batch.acts:
                self._perform(act)

    def commit_all(self) -> None:
        while self.healthy and (self.committing or self.gathering.records or self.gathering.acts):
            self.begin_commit()
            self.finish_commit()

    def _note(self, event: ev.Event) -> None:
        """What an event on disk allows from now on."""
        store, data = self.store, event.data
        if isinstance(data, ev.RoomsMerged):
            # Two orders of acceptance became one.
            ours = "SELECT entry.id FROM entry JOIN room ON number = room WHERE outgoing AND room.id = ?"
            self.reordered.update(store.column(ours, data.room.id))
            if data.gone in self.uncounted:
                self.uncounted.add(data.room.id)
        elif isinstance(data, ev.RoomRead) and data.read_upto >= store.column(NEWEST)[0]:
            self.uncounted.discard(data.room)
        elif isinstance(data, ev.MessageStateChanged) and data.state == "failed":
            self.reordered.add(data.id)
        elif isinstance(data, ev.MessageStateChanged) and data.state == "waiting" and event.cause is not None:
            # Somebody took it upon themselves to send it again.
            self.reordered.add(data.id)
            self.left = {one for one in self.left if one[0] != data.id}

    def fail_commit(self) -> None:
        """The disk fails: the batch being written and the one gathered meanwhile are lost."""
        self.begin_commit()
        assert self.committing is not None
        self.uncounted |= self._recounted()
        self.store.fail(self.committing.records)
        lost, self.committing, self.gathering = (self.committing, self.gathering), None, Batch()
        self.steps.append(f"{self.now - START}: the disk fails")
        self.healthy = False
        for batch in lost:
            self.held.extend(batch.again)
            for act in batch.acts:
                if isinstance(act, e.Reply | e.Refuse):
                    self._settle(e.Refuse(act.token, "store_unavailable", ""))
                elif isinstance(act, e.Transmit):
                    self.held.append(s.Transmitted(act.link, act.token, "not_sent", "disk", act.part, 1, ()))
                elif isinstance(act, e.Fetch):
                    self._lost_fetch(act)
        for fetch in self.fetches:
            self._lost_fetch(fetch)
        self.fetches.clear()
        for link in list(self.links.values()):
            self._hang_up(link)

    def recover(self) -> None:
        held = self.held
        self._begin(self.core.last_link)
        self.core.resume(LISTEN, [LISTEN], self.now)
        for stimulus in (*self.told.values(), *held):
            self.feed(stimulus)
        self._gather(None, self.core.recovered(self.now))

    def crash(self) -> None:
        """kill -9, and a new process: only the disk is left."""
        self.steps.append(f"{self.now - START}: crash")
        self.uncounted |= self._recounted()
        for fetch in self.fetches:
            self._lost_fetch(fetch)
        for batch in (self.committing, self.gathering):
            for act in batch.acts if batch is not None else ():
                if isinstance(act, e.Fetch):
                    self._lost_fetch(act)
        for link in self.links.values():
            for given in link.carries:
                self.left.add((given.token, given.part))
        self.links.clear()
        self.answered.update(self.asked)
        self.asked.clear()
        self._begin(last_link=-1)
        self.feed(s.Started(LISTEN, [LISTEN]))
        self.commit_all()

    def _lost_fetch(self, fetch: e.Fetch) -> None:
        query = fetch.query
        if isinstance(query, q.CountUnread):
            self.uncounted.add(query.room)
        elif isinstance(query, q.CommandQuery) and query.token in self.asked:
            self._settle(e.Refuse(query.token, "store_unavailable", ""))

    # -- acts

    def _perform(self, act: e.Act) -> None:
        match act:
            case e.Dial():
                address = act.address
                dialling = [one for one in self.links.values() if one.number % 2 and not one.open and not one.leaving]
                assert not any((one.host, one.port) == (address.host, address.port) for one in dialling), "two dials"
                assert act.link not in self.links and act.link % 2
                self.links[act.link] = FakeLink(act.link, address.host, address.port, act.how)
            case e.Transmit():
                self._transmit(act)
            case e.HangUp():
                if act.link in self.links:
                    self._hang_up(self.links[act.link])
            case e.Reply() | e.Refuse():
                self._settle(act)
            case e.Fetch():
                self.fetches.append(act)

    def _transmit(self, act: e.Transmit) -> None:
        link = self.links.get(act.link)
        if not act.control:
            assert "sending" in self.store.states[act.token], "recorded before its first byte leaves"
        if link is None or link.leaving or not link.open:
            self.feed(s.Transmitted(act.link, act.token, "not_sent", "The connection has ended.", act.part, 1, ()))
            return
        if not act.control:
            assert (act.token, act.part) not in self.left, f"{act.token} is sent twice"
            # One that is deleted in the batch in which it was given to its link leaves, or not.
            for row in self.store.rows("entry = ?", act.token) if act.token not in self.reordered else ():
                waiting = self.store.column(WAITING, row.peer, act.token)
                earlier = [id_ for id_ in waiting if id_ not in self.reordered]
                assert not earlier, f"{act.token} overtakes {earlier}"
        link.carries.append(act)

    def _settle(self, act: e.Reply | e.Refuse) -> None:
        assert act.token not in self.answered, "a command is answered once"
        del self.asked[act.token]
        self.answered.add(act.token)
        if isinstance(act, e.Refuse):
            assert act.code in en.ERROR_CODES
        elif isinstance(act.result, cn.ConsumerResult):
            said = act.result.consumer
            kept = self.store.consumers.get(said.name)
            if not self.store.dropped[said.name]:
                assert kept is not None and kept.position >= said.position, "on disk first"

    # -- the network's side

    def _hang_up(self, link: FakeLink) -> None:
        link.leaving = True
        self._give_back(link, None)
        if not link.open:
            del self.links[link.number]
            self.feed(s.Closed(link.number, "We left."))

    def _give_back(self, link: FakeLink, reason: str | None) -> None:
        """The first text on a link may have arrived; those behind it never left."""
        given, link.carries = link.carries, []
        for index, act in enumerate(given):
            if index == 0 and (link.how == "one_shot" or self.dice.random() < 0.7):
                outcome: Any = "sent" if reason is None and link.how != "one_shot" else "unknown"
                self._outcome(link, act, outcome, reason)
            else:
                self._outcome(link, act, "not_sent", reason)

    def _outcome(self, link: FakeLink, act: e.Transmit, outcome: Any, reason: str | None) -> None:
        parts = parts_of(act.text) if link.how == "one_shot" else 1
        if outcome != "not_sent":
            for part in range(act.part, act.part + 1) if link.how == "one_shot" else range(1, 10):
                self.left.add((act.token, part))
        self.feed(s.Transmitted(link.number, act.token, outcome, reason, act.part, parts, ()))

    def close(self, link: FakeLink, reason: str | None) -> None:
        self._give_back(link, reason)
        del self.links[link.number]
        self.feed(s.Closed(link.number, reason))

    def step_link(self, link: FakeLink, *, kind: bool = False) -> None:
        """The next thing that happens to a connection; `kind`: a good one."""
        luck = 1.0 if kind else self.dice.random()
        if link.leaving:
            self.close(link, None)
        elif link.carries:
            act = link.carries[0]
            if luck < 0.15:
                self.close(link, "It broke off.")
                return
            del link.carries[0]
            self._outcome(link, act, "sent", None)
            if link.how == "one_shot" and link.number in self.links:
                self.close(link, None)
        elif link.open:
            if link.how == "one_shot" or luck < 0.3:
                self.close(link, None if luck > 0.1 and link.how == "one_shot" else "It closed the connection.")
        elif luck < 0.3:
            self.close(link, self.dice.choice(("Refused.", "No answer.")))
        elif link.how == "unsure" and (luck < 0.6 if not kind else link.port == 5001):
            self.feed(s.Settled(link.number, "std"))
            self.close(link, None)
        elif link.how == "unsure" and (luck < 0.8 if not kind else link.host == HOSTS[1]):
            self.feed(s.Settled(link.number, "snicher", obeyed=True))
            self.close(link, None)
        else:
            link.open = True
            if link.how == "one_shot":
                self.feed(s.Connected(link.number))
            elif link.how == "persistent":
                self.feed(s.Opened(link.number))
            else:
                self.feed(s.Settled(link.number, "snicher"))

    # -- random stimuli

    def _text(self, name: str | None = None, port: int | None = None) -> Text:
        self.said += 1
        return Text(f"text {self.said}", name, port)

    def hear(self) -> None:
        dice = self.dice
        host, name = dice.choice(HOSTS), dice.choice(NAMES)
        open_links = [one for one in self.links.values() if one.open and one.how != "one_shot" and not one.leaving]
        kind = dice.randrange(3)
        if kind == 0:
            self.last_inbound += 2
            port = dice.choice((*PORTS, None))
            word: list[Said] = [Hello("connect", name, port), Goodbye("exit", name, port), self._text(name, port)]
            one_shot: list[Said] = [self._text(name, port), self._text(name, port)]
            if dice.random() < 0.5:
                one_shot = [dice.choice(word)]
            dialect = dice.choice(("std", "angle1", "labelled"))
            self.feed(s.LinkUp(self.last_inbound, "in", host, None, dialect, False))
            self.feed(s.Heard(self.last_inbound, one_shot))
            self.feed(s.Closed(self.last_inbound, None))
            return
        if kind == 1 or not open_links:
            self.last_inbound += 2
            link = FakeLink(self.last_inbound, host, None, "accepted", open=True)
            self.links[link.number] = link
        else:
            link = dice.choice(open_links)
        said: list[Said] = [self._text(dice.choice((None, name))) for _ in range(dice.randrange(3))]
        if dice.random() < 0.4:
            said.insert(dice.randrange(len(said) + 1), Announced(dice.choice((*PORTS, None))))
        if dice.random() < 0.1:
            said.append(Goodbye("exit", name))
        port = link.port
        for one in said:
            if isinstance(one, Announced) and one.port is not None and link.number % 2 == 0:
                link.port = one.port
        if said:
            direction: Direction = "out" if link.number % 2 else "in"
            up = s.LinkUp(link.number, direction, link.host, port, ANCESTOR.name, True)
            if self.told.get(link.number) != up:
                self.feed(up)
            self.feed(s.Heard(link.number, said))

    def command(self, op: str, args: Any) -> None:
        self.tokens += 1
        key = q.Key(f"key {self.tokens}", b"") if self.dice.random() < 0.2 else None
        command = s.Commanded(self.tokens, op, args, ev.Cause(client="sim", request=str(self.tokens)), key)
        self.asked[self.tokens] = command
        self.feed(command)

    def ask(self) -> None:
        dice = self.dice
        whom = dice.choice((*(f"{host}:{port}" for host in HOSTS for port in PORTS), *self.store.column(PEERS), *NAMES))
        match dice.choice(("send", "send", "send", "connect", "disconnect", "forget", "resend", "read", "settings",
                            "rename", "merge", "delete", "consume", "expire")):  # fmt: skip
            case "send":
                outgoing = []
                for _ in range(dice.choice((1, 1, 2, 9))):
                    self.said += 1
                    outgoing.append(rq.Outgoing(to=whom, text=f"out {self.said}/{dice.choice((1, 1, 1, 3))}"))
                self.command("send", rq.SendArgs(messages=outgoing))
            case "connect":
                self.command(
                    "connect",
                    rq.ConnectArgs(address=whom, dialect=dice.choice(("auto", "std", "snicher", "portline", "json"))),
                )
            case "disconnect" | "forget" as op:
                if dice.random() < 0.5:
                    self.command(op, rq.PeerArgs(peer=whom))
            case "rename":
                self.command("rename", rq.RenameArgs(peer=whom, name=dice.choice(("", "mine", *NAMES))))
            case "merge":
                other = dice.choice((*self.store.column(PEERS), *NAMES, "nobody"))
                self.command("merge", rq.MergeArgs(peer=whom, into=other))
            case "delete":
                if dice.random() < 0.5:
                    self.command("delete", rq.PeerArgs(peer=whom))
            case "resend":
                ours = [row.message for row in self.store.rows("state IN ('failed', 'unconfirmed')")]
                message = dice.choice(ours or [1])
                for _ in range(dice.choice((1, 2))):
                    self.command("resend", rq.ResendArgs(message=message))
            case "read":
                room = dice.choice((*self.store.column("SELECT id FROM room"), "nowhere"))
                for _ in range(dice.choice((1, 2))):
                    upto = dice.choice((None, dice.randrange(self.core._ledger.last_message + 2)))
                    self.command("mark_read", rq.MarkReadArgs(room=room, upto=upto))
            case "expire":
                after = dice.choice((0, 0, dice.randrange(self.core._ledger.last_message + 2)))
                self.feed(s.ExpiryDue(self.now - dice.choice((0, 1_000, 100_000)), after, 100))
            case "settings":
                reset = dice.random() < 0.3
                args = rq.SettingsArgs(reset=["reconnect"]) if reset else rq.SettingsArgs(reconnect=dice.random() < 0.6)
                self.command("settings", args)
            case "consume":
                self.consume()

    def consume(self) -> None:
        dice, name = self.dice, self.dice.choice(("bot", "other"))
        match dice.randrange(4):
            case 0:
                since = dice.choice((None, dice.randrange(self.core.head + 3)))
                self.command("consumer_create", cn.ConsumerCreateArgs(name=name, since=since))
            case 1 if dice.random() < 0.3:
                self.command("consumer_drop", cn.ConsumerArgs(name=name))
            case 2:
                self.feed(s.ConsumerAsked(name))
            case _:
                for _ in range(dice.choice((1, 2))):
                    seq = dice.randrange(self.core.head + 3)
                    self.command("consumer_acknowledge", cn.ConsumerAcknowledgeArgs(name=name, seq=seq))

    def answer_fetch(self) -> None:
        fetch = self.fetches.pop(0)
        answer = self.store.answer(fetch.query)
        if isinstance(fetch.query, q.ReadWaiting) and self.dice.random() < 0.05:
            answer = s.WaitingRead(fetch.query, None)
        self.feed(answer)

    def pass_time(self, ms: int) -> None:
        self.now += ms
        at = self.core.next_deadline()
        if self.healthy and at is not None and at <= self.now:
            self.feed(s.Ticked())

    def step(self) -> None:
        dice = self.dice
        what = dice.random()
        if not self.healthy:
            if what < 0.3:
                self.recover()
            elif what < 0.6:
                self.command("settings", rq.SettingsArgs(name="anna"))
            return
        if what < 0.18:
            self.ask()
        elif what < 0.32:
            self.hear()
        elif what < 0.60 and self.links:
            self.step_link(dice.choice(list(self.links.values())))
        elif what < 0.70 and self.fetches:
            self.answer_fetch()
        elif what < 0.78:
            self.pass_time(dice.choice((1, 300, 2_000, 90_000)))
        elif what < 0.785:
            self.now -= dice.choice((10, 3_600_000))
        elif what < 0.79:
            self.fail_commit()
        elif what < 0.794:
            self.crash()
        elif what < 0.9:
            self.begin_commit()
        else:
            self.finish_commit()

    def run(self, steps: int) -> None:
        try:
            for _ in range(steps):
                self.step()
                self.check()
            self.quiesce()
        except Exception as error:
            error.add_note(f"seed {self.seed}; the last steps:\n" + "\n".join(self.steps))
            raise

    # -- what must hold

    def check(self) -> None:
        """The invariants that hold after every step."""
        store = self.store
        if store.writer.commits == self.seen_commits:
            return
        self.seen_commits = store.writer.commits
        for event in store.events_after(self.seen_events):
            self.seen_events += 1
            assert event.seq == self.seen_events, "events are numbered without gaps"
            if isinstance(event.data, ev.NodeStarted) and self.replayed is None:
                self.replayed = nouns.State(self=event.data.self, settings=event.data.settings)
            assert self.replayed is not None
            reducer.apply(self.replayed, event)
        if self.replayed is None:
            return
        state = store.state()
        assert self.replayed == state, "the log replayed is what is on disk"
        asked = {act.query.room for act in self._acts() if isinstance(act.query, q.CountUnread)}
        recounting = asked | self._recounted()
        for id_, room in state.rooms.items():
            if id_ not in recounting and id_ not in self.uncounted:
                assert room.unread == store.incoming(id_, room.read_upto), f"unread of {id_}"
        for name, consumer in store.consumers.items():
            assert consumer.position <= store.head, "nobody has dealt with what isn't on disk"
            life = (name, store.dropped[name])
            assert self.positions.get(life, 0) <= consumer.position, "it only goes forward"
            self.positions[life] = consumer.position
        for row in store.rows():
            assert row.state in ("waiting", "sending", "sent", "failed", "unconfirmed")

    def _recounted(self) -> set[str]:
        """Rooms whose new count (or end) is decided, but not on disk."""
        batches = [batch for batch in (self.committing, self.gathering) if batch is not None]
        events = [record.event for batch in batches for record in batch.records if isinstance(record, e.Log)]
        merged = {event.data.gone for event in events if isinstance(event.data, ev.RoomsMerged)}
        return merged | {event.data.room for event in events if isinstance(event.data, ev.RoomRead | ev.RoomDeleted)}

    def _acts(self) -> list[e.Fetch]:
        waiting = [act for batch in (self.committing, self.gathering) if batch is not None for act in batch.acts]
        return [*self.fetches, *(act for act in waiting if isinstance(act, e.Fetch))]

    def quiesce(self) -> None:
        """Everybody can be reached, and nothing more fails: then every command is answered and nothing waits."""
        if not self.healthy:
            self.recover()
        for _ in range(2_000):
            self.commit_all()
            self.check()
            busy = [link for link in self.links.values() if link.carries or link.leaving or not link.open]
            busy += [link for link in self.links.values() if link.how == "one_shot" and link not in busy]
            if self.fetches:
                fetch = self.fetches.pop(0)
                self.feed(self.store.answer(fetch.query))
            elif busy:
                self.step_link(busy[0], kind=True)
            elif self.core.next_deadline() is not None:
                self.now = max(self.now, self.core.next_deadline() or 0)
                self.feed(s.Ticked())
            else:
                break
        else:
            raise AssertionError("it never comes to rest")
        assert not self.asked, "every command is answered"
        for row in self.store.rows():
            contact = self.core._contacts.by_id[row.peer]
            reachable = contact.links or (contact.address is not None and not contact.tries.paused)
            if contact.gone or reachable:
                assert row.state not in ("waiting", "sending"), f"forgotten: {row}"


def live(seed: int, steps: int = 400) -> None:
    """A life from its first step until it comes to rest."""
    # In every second one windows are small: more waits on disk than in memory nearly all the time.
    small = {"WINDOW": 3, "SWEEP": 2} if seed % 2 else {"WINDOW": queues.WINDOW, "SWEEP": queues.SWEEP}
    # In every third nearly everybody stands in line to be dialled.
    dials = 1 if seed % 3 == 0 else dialling.MAX_DIALS
    with mock.patch.multiple(queues, **small), mock.patch.object(dialling, "MAX_DIALS", dials):
        Simulation(seed).run(steps)


def main() -> None:
    """Live many lives; the first one that breaks a promise is told with its seed, and ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.simulation", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many lives (default: 1)")
    parser.add_argument("--first", type=int, default=0, help="the first one's seed (default: 0)")
    given = parser.parse_args()
    for seed in range(given.first, given.first + given.seeds):
        live(seed)
    print(f"{given.seeds} lives, no promise broken")


if __name__ == "__main__":
    main()
