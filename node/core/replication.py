"""How entries travel between nodes: one mechanism for live messages, receipts and catching up. Pure.

The rules, with their numbers in PROTOCOL.md section 10: a DIGEST at link-up, and HAVE where it differs (1); the author
pushes what it writes (2); after the commit, HAVE goes back over the link that the entries came by (3); other links that
may lack them are told a little later (4); who lacks something asks one link for it, and follows authors that aren't
linked (5); catching up goes in bounded frames, read from disk (7). Nothing is retried or caught up on in any other way.

asking.py asks for what is missing, refusals.py says what isn't taken, vectors.py has what this node holds, syncs.py
what it knows of others, feeds.py what is on its way to them, and authoring.py writes its own entries.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.core.asking import Asking
from node.core.authoring import Author
from node.core.contacts import Contacts
from node.core.feeds import Feed, Feeds
from node.core.ledger import Ledger
from node.core.loaded import KeptReceipt, Row
from node.core.reading import Reading
from node.core.receipts import Receipts
from node.core.refusals import Refusals
from node.core.requests import OPEN, Requests
from node.core.rooms import Rooms
from node.core.syncs import MAX_CLAIMED, MAX_REFUSED, Session, Sync
from node.core.vectors import Stream, Vector, Vectors
from node.errors import InvalidEntry
from node.model import Entry, Position, direct_room
from node.protocol import entries
from node.protocol.secure import frames as f

#: How long other links wait until they are told of entries that came another way (ms), and by how much more at most:
#: meanwhile their own author may have told them.
TELL_MS, TELL_MORE_MS = 1_000, 1_000


class Replication:
    """All entry rooms of this node, and all encrypted links."""

    def __init__(
        self,
        ledger: Ledger,
        rooms: Rooms,
        contacts: Contacts,
        author: Author,
        vectors: Vectors,
        receipts: Iterable[KeptReceipt],
        requests: Requests,
    ) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        self._author = author
        self._vectors = vectors
        self._receipts = Receipts(ledger, rooms, author.me, vectors, receipts)
        self._feeds = Feeds(ledger)
        self._sessions: dict[int, Session] = {}
        self.reading = Reading(ledger, rooms, author.me, self._receipts, self._sessions)
        self._asking = Asking(ledger, vectors, self._sessions, author.stream, self._takes)
        self._requests = requests
        self._refusals = Refusals(ledger, rooms, contacts, author.me, requests, self._sessions, self._asking)
        for room in vectors.rooms():
            self._note_owed(room)

    # -- our own entries

    def say(self, room: str, me: nouns.Self, texts: Sequence[str]) -> list[nouns.Message]:
        """Write texts of ours in a room, and push them to all its members who are linked."""
        vector = self._vectors.of(room)
        written = self._author.write(room, vector, "text", [entries.text_body(text) for text in texts])
        shown = self._rooms.add_entries(room, me.name, written, lambda _: "waiting")
        self._written(room, written)
        self.reading.said(room)
        return shown

    def sign(self, room: str, messages: Sequence[nouns.Message]) -> None:
        """Messages of ours that waited in clear become entries, in this order."""
        vector = self._vectors.of(room)
        written = self._author.write(room, vector, "text", [entries.text_body(one.text) for one in messages])
        for message, entry in zip(messages, written, strict=True):
            self._rooms.sign(message, entry)
        self._written(room, written)

    def _written(self, room: str, written: Sequence[Entry]) -> None:
        stream = self._author.stream(room)
        self._receipts.opened(room, stream)
        self._note_owed(room)
        self._spread(room, stream, written, None)

    def owes(self, room: str) -> bool:
        """Whether entries of ours in this room are not on the disk of its member yet."""
        return self._receipts.owes(room)

    def forget(self, room: str) -> None:
        """A conversation is deleted. What was said in it doesn't come back, because its rows stay."""
        vector = self._vectors.of(room)
        for stream, row in list(vector.rows.items()):
            vector.put(stream, replace(row, first=row.n + 1))
        self._receipts.forget(room)
        for session in self._sessions.values():
            sync = session.rooms.get(room)
            if sync is not None and vector.rows:
                self._have(session, room, sync, list(vector.rows))

    # -- links

    def linked(self, link: int, peer: str) -> None:
        """An encrypted link is open: tell what is held of the rooms that both share."""
        session = self._sessions[link] = Session(link, peer)
        shared = self._all_direct() if peer == self._author.me else [direct_room(self._author.me, peer)]
        digests = []
        for room in shared:
            # Before what is held, so that the other side knows why it isn't asked for more.
            self._refusals.shut(session, room)
        for room in shared:
            vector = self._vectors.of(room)
            told = {(row.author, row.stream): row.n for row in vector.told()}
            session.rooms[room] = sync = Sync(vector.digest(), told)
            digests.append((room, sync.digest))
        for start in range(0, len(digests), f.MAX_ROOMS):
            self._ledger.put(e.Say(link, f.Digest(digests[start : start + f.MAX_ROOMS])))
        self.reading.linked(session)

    def _all_direct(self) -> list[str]:
        """All direct rooms: another machine of ours shares them."""
        return sorted(room.id for room in self._rooms.by_id.values() if room.kind == "direct")

    def unlinked(self, link: int) -> None:
        """An encrypted link is over: what was asked for on it is asked for on another."""
        session = self._sessions.pop(link, None)
        if session is None:
            return
        self.reading.unlinked(session)
        self._refusals.unlinked(session)
        self._asking.unlinked(session)

    # -- what comes in

    def heard(self, link: int, frames: Iterable[f.Frame]) -> bool:
        """Handle frames that came over a link, in order, and acknowledge the entries among them.

        Returns False when the link should end, because it brings too much that is invalid.
        """
        session = self._sessions.get(link)
        if session is None:
            return True
        for frame in frames:
            if session.refused >= MAX_REFUSED:
                break
            if isinstance(frame, f.Digest):
                self._digest(session, frame)
            elif isinstance(frame, f.Door):
                self._refusals.told(session, frame)
            elif isinstance(frame, f.Have | f.Want | f.Stop | f.Run | f.Read | f.Typing):
                sync = session.rooms.get(frame.room)
                if sync is None or frame.room not in self._rooms.by_id:
                    # The second: it was deleted here; another machine of ours may still talk of it.
                    session.dropped += 1
                elif isinstance(frame, f.Read):
                    self.reading.read(session, sync, frame)
                elif isinstance(frame, f.Typing):
                    self.reading.typing(session, frame)
                elif isinstance(frame, f.Run):
                    self._run(session, sync, frame)
                elif isinstance(frame, f.Have):
                    self._had(session, sync, frame)
                elif isinstance(frame, f.Want):
                    self._wanted(session, sync, frame)
                elif (frame.author, frame.stream) != self._author.stream(frame.room):
                    feed = sync.feeds.get((frame.author, frame.stream))
                    if feed is not None and feed.stop():
                        del sync.feeds[frame.author, frame.stream]
        for room, streams in session.owed.items():
            self._have(session, room, session.rooms[room], streams)
        session.owed = {}
        return session.refused < MAX_REFUSED

    def _digest(self, session: Session, frame: f.Digest) -> None:
        for room, digest in frame.rooms:
            sync = session.rooms.get(room)
            if sync is None or sync.compared:
                session.dropped += 1
                continue
            sync.compared = True
            self._refusals.compared(session)
            if digest == sync.digest:
                # Both compare the same two digests, so both come to the same conclusion.
                sync.theirs, sync.known = dict(sync.told), True
                self._moved(session, sync, room, list(sync.theirs), anew=True)
            else:
                vector = self._vectors.of(room)
                self._have(session, room, sync, [one for one in vector.rows if vector.is_told(one)], always=True)

    def _had(self, session: Session, sync: Sync, frame: f.Have) -> None:
        sync.known = True
        streams = []
        anew = gone = False
        own = self._author.stream(frame.room)
        vector = self._vectors.of(frame.room)
        for row in frame.rows:
            stream = row.author, row.stream
            news = stream not in sync.theirs and stream not in vector.rows
            if (
                not self._may_write(frame.room, row.author)
                # Nobody can hold more of our stream than we have written in this run.
                or (stream == own and row.n > vector.row(own).n)
                or (news and len(sync.theirs) >= MAX_CLAIMED)
            ):
                session.dropped += 1
                continue
            anew = anew or stream not in sync.theirs
            sync.theirs[stream] = row.n
            sync.firsts[stream] = row.first
            if row.first > row.n and self._asking.is_asked(session, frame.room, stream):
                # All of it was deleted there.
                gone = True
                self._asking.give_up(frame.room, stream)
            streams.append(stream)
        self._moved(session, sync, frame.room, streams, anew=anew)
        if gone:
            self._asking.for_all(frame.room)
        else:
            self._asking.for_some(session, sync, frame.room, {*streams, *vector.incomplete})

    def _moved(self, session: Session, sync: Sync, room: str, streams: Iterable[Stream], *, anew: bool = False) -> None:
        """The other side has told how far it is: take it as a receipt and as credit. `anew`: of some the first time."""
        own = self._author.stream(room)
        for stream in streams:
            feed = sync.feeds.get(stream)
            if feed is not None:
                feed.acknowledge(sync.theirs[stream])
            elif stream == own and sync.theirs[stream] >= sync.told.get(own, 0):
                # It lacks nothing that it was told of: what is newer is pushed. Otherwise it asks.
                feed = sync.feeds[stream] = Feed(sent=sync.theirs[stream], follow=True)
            if feed is not None:
                self._move(session, sync, room, stream, feed)
        if session.peer != self._author.me:
            self._receipts.told(room, session.peer, sync.theirs, streams, anew=anew)
            self.reading.received(session, sync, room)
        self._note_owed(room)

    def _wanted(self, session: Session, sync: Sync, frame: f.Want) -> None:
        stream = frame.author, frame.stream
        row = self._vectors.of(frame.room).rows.get(stream)
        if row is None:
            session.dropped += 1
            return
        follow = frame.follow or stream == self._author.stream(frame.room)
        feed = sync.feeds.setdefault(stream, Feed(sent=0, follow=follow))
        feed.restart(min(frame.after, row.n), follow)
        self._move(session, sync, frame.room, stream, feed)

    def _run(self, session: Session, sync: Sync, run: f.Run) -> None:
        room, vector = run.room, self._vectors.of(run.room)
        try:
            first = entries.read_header(run.headers[0])
            stream = first.author, first.stream
            if not self._may_write(room, first.author):
                raise InvalidEntry("Its author is no member of the room.")
            row = vector.row(stream)
            begins = sync.firsts.get(stream, 1)
            if first.n > row.n + 1 and first.n != begins:
                # Something was lost with an earlier link. Ask for it; this run comes again with it.
                if stream in sync.theirs or stream in vector.rows:
                    self._asking.ask(session, sync, room, stream)
                else:
                    session.dropped += 1
                return
            held = Position(row.n, row.hash) if row.n else None
            new = entries.check_run(run.room, run.headers, run.bodies, run.signature, held, row.clock, begins=begins)
            self._check_before(vector, new)
        except InvalidEntry as error:
            self._refused(session, sync, run, str(error))
            return
        if not new:
            # Whoever sends entries holds them.
            sync.theirs[stream] = max(sync.theirs.get(stream, 0), entries.read_header(run.headers[-1]).n)
            if stream[0] == self._author.me:
                self._learned_own(room)
            self._again(session, sync, room, stream)
            return
        if self._is_hidden(room):
            # Another machine of ours brings what somebody blocked has said.
            sync.theirs[stream] = max(sync.theirs.get(stream, 0), new[-1].header.n)
            return
        author = self._contacts.by_id.get(stream[0])
        taken = new if author is None else self._requests.take(author, new)
        if len(taken) < len(new):
            # Its author keeps the rest until a person here has decided.
            sync.theirs[stream] = max(sync.theirs.get(stream, 0), new[-1].header.n)
            self._refusals.shut(session, room)
        if taken:
            self._take(session, sync, room, stream, taken)
        if len(taken) < len(new):
            self._asking.give_up(room, stream)

    def _check_before(self, vector: Vector, new: Sequence[Entry]) -> None:
        """Raises InvalidEntry when a first header says of an earlier stream what isn't so."""
        if not new or new[0].header.before is None:
            return
        named, n = new[0].header.before
        row = vector.row((new[0].header.author, named))
        if row.n == n and row.hash != new[0].header.prev:
            raise InvalidEntry("The first header continues another chain.")

    def _take(self, session: Session, sync: Sync, room: str, stream: Stream, new: Sequence[Entry]) -> None:
        """Store entries, acknowledge them, and pass them on."""
        vector, row, last = self._vectors.of(room), self._vectors.of(room).row(stream), new[-1]
        begins = new[0].header.n
        before = new[0].header.before if begins == 1 else row.before
        row = Row(
            begins if begins > row.n + 1 or not row.n else row.first,
            last.header.n,
            last.hash,
            last.header.clock,
            before,
        )
        missing = vector.put(stream, row)
        self._ledger.put(e.PutRow(room, stream[0], stream[1], row))
        owed = session.owed.setdefault(room, set())
        owed.add(stream)
        if begins == 1 and row.before is not None:
            named = stream[0], row.before[0]
            if missing is not None:
                owed.add(named)
            self._ledger.put(e.PutRow(room, named[0], named[1], vector.row(named)))
        sync.theirs[stream] = max(sync.theirs.get(stream, 0), row.n)
        if stream[0] == self._author.me:
            self._learned_own(room)
        self._show(room, stream, new)
        self._asking.brought(session, sync, room, stream)
        self._spread(room, stream, new, session)
        if begins == 1 and vector.incomplete:
            # What was told before may claim more, now that this chain is known.
            self._asking.for_all(room)

    def _learned_own(self, room: str) -> None:
        """Another machine of ours wrote this: what others hold, and have told before, may say more now."""
        for session in self._sessions.values():
            sync = session.rooms.get(room)
            if sync is not None and session.peer != self._author.me:
                self._receipts.told(room, session.peer, sync.theirs, list(sync.theirs), anew=True)
        self._note_owed(room)

    def _show(self, room: str, stream: Stream, new: Sequence[Entry]) -> None:
        """Add entries to the conversation, and note that their author was heard."""
        author = stream[0]
        if author == self._author.me:
            peer = self._contacts.by_id.get(self._rooms.by_id[room].peer or "")
            if peer is not None:
                # Our user has written there, at another machine.
                self._contacts.stand(peer, "known")
            self._rooms.add_entries(room, self._contacts.own_name, new, lambda entry: self._receipts.state(room, entry))
            return
        contact = self._contacts.by_id[author]
        shown = self._rooms.add_entries(room, contact.peer.name, new, lambda _: None)
        if shown:
            self._contacts.seen(contact, max(message.at for message in shown))

    def leave(self, room: str) -> None:
        """The peer of a room is blocked: nothing more is expected there. (Its own links end.)"""
        self._asking.leave(room)

    def come_back(self, room: str) -> None:
        """The peer of a room is blocked no more: ask another machine of ours for what it has brought meanwhile."""
        self._asking.for_all(room)

    def _takes(self, room: str, author: str) -> bool:
        """Whether entries of this author are taken in a room now."""
        return not self._is_hidden(room) and (author == self._author.me or self._refusals.state(room) == OPEN)

    def _is_hidden(self, room: str) -> bool:
        known = self._rooms.by_id.get(room)
        return known is not None and known.hidden

    def _may_write(self, room: str, author: str) -> bool:
        """Whether an author is a member of a room that is here."""
        known = self._rooms.by_id.get(room)
        return known is not None and (author == self._author.me or author in known.members)

    def _again(self, session: Session, sync: Sync, room: str, stream: Stream) -> None:
        """Entries came that are held already. Whoever isn't their author is told to stop."""
        if stream[0] != session.peer and not self._asking.is_asked(session, room, stream):
            self._ledger.put(e.Say(session.link, f.Stop(room, stream[0], stream[1])))
        else:
            session.owed.setdefault(room, set()).add(stream)

    def _refused(self, session: Session, sync: Sync, run: f.Run, why: str) -> None:
        session.dropped += 1
        session.refused += 1
        try:
            first = entries.read_header(run.headers[0])
        except InvalidEntry:
            pass
        else:
            sync.refused.add((first.author, first.stream))
            self._asking.give_up(run.room, (first.author, first.stream))
        contact = self._contacts.by_id.get(session.peer)
        where = session.peer if contact is None else contact.peer.host
        if session.refused == 1:
            self._ledger.tell(ev.ConnectionNoticed(address=where, what=f"Refused entries of an encrypted link: {why}"))
        elif session.refused == MAX_REFUSED:
            what = f"Ended an encrypted link: it brought invalid entries {MAX_REFUSED} times."
            self._ledger.tell(ev.ConnectionNoticed(address=where, what=what))

    def served(self, done: s.Served) -> None:
        """Entries were sent from disk, or could not be."""
        session = self._sessions.get(done.link)
        sync = None if session is None else session.rooms.get(done.room)
        feed = None if sync is None else sync.feeds.get((done.author, done.stream))
        if session is None or sync is None or feed is None:
            return
        stream = done.author, done.stream
        if not self._feeds.served(feed, done.upto, done.size):
            del sync.feeds[stream]
            return
        self._move(session, sync, done.room, stream, feed)

    def let_in(self, room: str) -> None:
        """A room is a request no more: ask for what waits at its author, and tell what was read."""
        self._refusals.over(room)
        self.reading.moved(room)

    # -- what goes out

    def _have(
        self, session: Session, room: str, sync: Sync, streams: Iterable[Stream], *, always: bool = False
    ) -> None:
        """Tell rows of a room. With `always`, also if there are none."""
        rows = self._vectors.of(room).told(streams)
        for row in rows:
            sync.told[row.author, row.stream] = row.n
        for start in range(0, len(rows), f.MAX_ROWS):
            self._ledger.put(e.Say(session.link, f.Have(room, rows[start : start + f.MAX_ROWS])))
        if always and not rows:
            self._ledger.put(e.Say(session.link, f.Have(room, [])))

    def _spread(self, room: str, stream: Stream, new: Sequence[Entry], source: Session | None) -> None:
        """New entries of a stream: push them where they are followed, and tell the other links a little later."""
        for session in self._sessions.values():
            sync = session.rooms.get(room)
            if session is source or sync is None:
                continue
            feed = sync.feeds.get(stream)
            begins = self._vectors.of(room).row(stream).first
            if feed is None and source is None and new[0].header.n == begins:
                # There is nothing before it, or it was deleted here.
                feed = sync.feeds[stream] = Feed(sent=begins - 1, follow=True)
            if feed is not None:
                self._move(session, sync, room, stream, feed, new)
            elif source is not None and sync.tell_at is None:
                more = zlib.crc32(f"{session.link}/{self._ledger.now}".encode()) % TELL_MORE_MS
                sync.tell_at = self._ledger.now + TELL_MS + more

    def _move(
        self, session: Session, sync: Sync, room: str, stream: Stream, feed: Feed, fresh: Sequence[Entry] = ()
    ) -> None:
        row = self._vectors.of(room).row(stream)
        if feed.sent + 1 < row.first:
            # What was deleted here isn't sent. The other side has to know where the stream begins.
            self._have(session, room, sync, [stream])
        if not self._feeds.move(session.link, room, stream, feed, row.first, row.n, fresh):
            sync.feeds.pop(stream, None)

    # -- time

    def next_deadline(self) -> int | None:
        """When `tick` has something to do (ms)."""
        times = [self._asking.next_deadline(), self._refusals.next_deadline()]
        for session in self._sessions.values():
            times += [sync.tell_at for sync in session.rooms.values()]
        return min((at for at in times if at is not None), default=None)

    def tick(self) -> None:
        """Tell links of what came another way, and ask others for what doesn't come."""
        now = self._ledger.now
        self._refusals.tick()
        for session in self._sessions.values():
            for room, sync in session.rooms.items():
                if sync.tell_at is not None and sync.tell_at <= now:
                    sync.tell_at = None
                    if untold := sync.untold(self._vectors.of(room), session.peer):
                        self._have(session, room, sync, untold)
        self._asking.tick()

    def _note_owed(self, room: str) -> None:
        """Note at the room's peer whether entries of ours still wait for it."""
        known = self._rooms.by_id.get(room)
        contact = None if known is None else self._contacts.by_id.get(known.peer or "")
        if contact is not None:
            contact.owed = self._receipts.owes(room)
