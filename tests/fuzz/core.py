"""Whole frames into a core: somebody who has proved a key says what it likes, in any order, over link after link."""

from __future__ import annotations

import random
import time
from typing import Any

import msgspec

from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.errors import InvalidFrame
from node.protocol import entries
from node.protocol.secure import frames as f
from tests.fuzz.encrypted import NUMBERS, anything, sha256, spoil
from tests.node.core.nodes import Net, key_of
from tests.support.authors import author_of

#: The longest that one input may take, in seconds: a machine that is busy with other things is slow, too.
PATIENCE = 10.0


def _fields(header: bytes) -> list[Any]:
    found: list[Any] = msgspec.msgpack.decode(header)
    return found


class World:
    """A node, an honest peer of it, and a hostile one that has proved its key and says what it likes."""

    def __init__(self, data: bytes, rng: random.Random) -> None:
        self.data, self.rng = data, rng
        self.net = Net(rng.choice(("ask", "everybody")))
        self.anna, self.bob = self.net.add("anna"), self.net.add("bob")
        #: Whether the hostile one has the node's own key, so that it may write in all of its rooms.
        self.twin = rng.random() < 0.2
        self.mallory = self.net.add("mallory", key="anna" if self.twin else None)
        del self.net.stations[self.mallory.address]
        self.other = self.bob if self.twin else self.mallory
        self.room = self.anna.room(self.other)
        self.streams = [rng.randbytes(16) for _ in range(4)]
        #: Who writes each stream. The last one is no member of the room.
        self.authors = dict.fromkeys(self.streams[:3], self.mallory.key) | {self.streams[3]: key_of("eve")}
        #: The headers of all that was written, by stream.
        self.written: dict[bytes, list[bytes]] = {stream: [] for stream in self.streams}
        self.bodies: dict[bytes, bytes] = {}
        self.link = 1000
        self.open = False
        #: What the node said to the hostile one.
        self.said: list[f.Frame] = []
        self.net.link(self.anna, self.bob)
        self.relink()

    def relink(self) -> None:
        """A new link of the hostile one."""
        self.link += 1
        self.open = True
        mallory = self.mallory
        hello = f.Hello([2], mallory.instance, self.rng.randbytes(16), "mallory", 5000, self.anna.now, [])
        self.give(s.Secured(self.link, "in", mallory.address.host, mallory.id, hello, 2))

    def give(self, stimulus: s.Stimulus) -> None:
        """Hand the node a stimulus; it performs what follows."""
        for effect in self.anna.give(stimulus):
            if isinstance(effect, e.Say) and effect.link == self.link:
                self.said.append(effect.frame)
            elif isinstance(effect, e.HangUp) and effect.link == self.link:
                self.open = False

    def hear(self, frames: list[f.Frame]) -> None:
        """Frames of the hostile one, as a link hands them on."""
        found: list[f.Frame] = []
        for frame in frames:
            raw = f.encode(frame)[4:]
            if self.rng.random() < 0.15:
                raw = spoil(raw, self.rng, self.data)
            try:
                read = f.decode(raw)
            except InvalidFrame as error:
                assert str(error)
                continue
            if read is not None and not isinstance(read, f.Hello | f.Bye | f.Ping):
                found.append(read)
        if found:
            self.give(s.Framed(self.link, found, 100))
        if not self.open or self.rng.random() < 0.03:
            self.give(s.Closed(self.link, None))
            self.relink()

    # -- what it says

    def frame(self) -> f.Frame:
        """A frame of any kind, good or bad."""
        rng = self.rng
        kind = rng.choice(
            ("run", "run", "run", "have", "want", "stop", "digest", "pong", "again", "read", "typing", "door", "seek",
             "where", "presence", "dial")
        )  # fmt: skip
        if kind == "run":
            return self._run()
        if kind == "have":
            return f.Have(self._room(), [self._row() for _ in range(rng.choice((0, 1, 2, 30)))])
        if kind == "want":
            return f.Want(self._room(), self._author(), self._stream(), rng.choice(NUMBERS[:10]), rng.random() < 0.5)
        if kind == "stop":
            return f.Stop(self._room(), self._author(), self._stream())
        if kind == "digest":
            return f.Digest([(self._room(), rng.randbytes(32)) for _ in range(rng.randint(0, 3))])
        if kind == "read":
            rows = [(self._author(), self._stream(), rng.choice(NUMBERS[1:10])) for _ in range(rng.choice((0, 1, 20)))]
            return f.Read(self._room(), rows)
        if kind == "door":
            return f.Door(self._room(), rng.choice((0, 1, 2, 2**40)))
        if kind == "dial":
            number = rng.choice((0, 1, 2**32 - 1))
            host = rng.choice(("10.0.0.1", "::1", "", self.data[:60].decode(errors="replace")))
            answer = f.Dialled(number, rng.choice((0, 3, 6, 7, 2**40)), rng.choice((0, 60_000)), host)
            return f.DialBack(number) if rng.random() < 0.5 else answer
        if kind == "typing":
            return f.Typing(self._room(), rng.choice((0, 1, 10, 11)))
        if kind == "seek":
            return f.Seek([self._author() for _ in range(rng.choice((0, 1, 3, 32)))])
        if kind == "where":
            return f.Where([(self._author(), [self._at() for _ in range(rng.choice((0, 1, 8)))]) for _ in range(2)])
        if kind == "presence":
            return f.Presence(rng.choice((0, 1, 2, 2**40)), self.data[:100].decode(errors="replace"))
        if kind == "again" and self.said:
            # Its own words come back to the node.
            return rng.choice(self.said)
        return f.Pong(rng.randbytes(8))

    def _at(self) -> f.At:
        rng = self.rng
        hosts = (
            "10.9.8.7",
            "127.0.0.1",
            "0.0.0.0",
            "::",
            "fe80::1",
            "fe80::1%x",
            "224.0.0.1",
            "2001:db8::9",
            "x.lan",
            "",
        )
        host = rng.choice((*hosts, self.anna.address.host, self.data[:60].decode(errors="replace")))
        return f.At(host, rng.choice((0, 22, 5000, 65535)), rng.choice((0, 60, 2**40)))

    def _room(self) -> str:
        others = (self.anna.room(self.bob), "#lobby", self.data[:60].decode(errors="replace"))
        return self.room if self.rng.random() < 0.9 else self.rng.choice(others)

    def _author(self) -> str:
        ids = (self.mallory.id, self.mallory.id, self.mallory.id, self.anna.id, self.bob.id)
        return self.rng.choice((*ids, self.data[:60].decode(errors="replace")))

    def _stream(self) -> bytes:
        of_others = [key[2] for key in self.anna.disk.vector]
        return self.rng.choice((*self.streams, *of_others, self.rng.randbytes(16)))

    def _row(self) -> f.Told:
        n = self.rng.choice(NUMBERS[:10])
        hashed = self.rng.randbytes(32)
        return f.Told(self._author(), self._stream(), self.rng.choice((1, 1, 1, 2, n + 1, n or 1)), n, hashed)

    def _run(self) -> f.Run:
        """Some of the entries of a stream, continued with new ones, perhaps with a fault."""
        rng, stream = self.rng, self.rng.choice(self.streams)
        chain = self.written[stream]
        for _ in range(rng.choice((0, 1, 1, 3, 20))):
            self._write(stream, chain)
        if not chain:
            self._write(stream, chain)
        start = rng.choice((0, max(0, len(chain) - 3), rng.randrange(len(chain))))
        headers = chain[start : start + rng.choice((1, 3, 1000))]
        bodies = [self.bodies[header] if rng.random() < 0.95 else None for header in headers]
        signer = self.authors[stream].sign
        run = f.Run(self.room, headers, bodies, entries.sign(signer, headers[-1]))
        return self._spoilt(run, signer) if rng.random() < 0.3 else run

    def _write(self, stream: bytes, chain: list[bytes]) -> None:
        rng = self.rng
        kind = rng.choice(("text", "text", "text", "later", "", self.data[:30].decode(errors="replace")))
        text = rng.choice((f"{stream.hex()} {len(chain)}", self.data[:60_000].decode(errors="replace")[:20_000]))
        body = rng.choice((entries.text_body(text), entries.text_body(text), self.data[:1000], b"\x81\xa4text\x01"))
        clock = _fields(chain[-1])[5] + rng.choice((1, 1, 2**16, 2**40)) if chain else rng.choice(NUMBERS[:8])
        prev = entries.header_hash(chain[-1]) if chain else bytes(32)
        author = author_of(self.authors[stream])
        fields: list[Any] = [
            self.room, author, stream, len(chain) + 1, prev, min(clock, 2**63 - 1), kind, sha256(body),
        ]  # fmt: skip
        if not chain:
            fields.append(None)
            other = rng.choice(self.streams)
            if self.written[other] and rng.random() < 0.7:
                at = rng.randrange(len(self.written[other]))
                fields[4], fields[8] = entries.header_hash(self.written[other][at]), [other, at + 1]
            elif rng.random() < 0.3:
                fields[4], fields[8] = rng.randbytes(32), [self._stream(), rng.choice(NUMBERS[1:10])]
        header = msgspec.msgpack.encode(fields)
        chain.append(header)
        self.bodies[header] = body

    def _spoilt(self, run: f.Run, signer: entries.Signer) -> f.Run:
        rng = self.rng
        headers, bodies = list(run.headers), list(run.bodies)
        at = rng.randrange(len(headers))
        fault = rng.randrange(7)
        if fault == 0:
            headers[at] = spoil(headers[at], rng, self.data)
        elif fault == 1:
            bodies[at] = self.data[:1000]
        elif fault == 2:
            return msgspec.structs.replace(run, signature=self.data[:64])
        elif fault == 3 and len(headers) > 1:
            del headers[at], bodies[at]
        elif fault == 4:
            return msgspec.structs.replace(run, room=self._room())
        elif fault == 5:
            fields = _fields(headers[at])
            fields[rng.randrange(len(fields))] = anything(self.data, rng)
            headers[at] = msgspec.msgpack.encode(fields)
        else:
            headers.append(headers[at])
            bodies.append(bodies[at])
        return msgspec.structs.replace(run, headers=headers, bodies=bodies, signature=entries.sign(signer, headers[-1]))

    # -- what must hold

    def check(self) -> None:
        """What the node stored of the hostile one is what that wrote, once each; and an honest peer notices nothing."""
        places = [(one.author, one.entry.stream, one.entry.n) for one in self._shown() if one.entry is not None]
        assert len(set(places)) == len(places) == len(self._shown()), "an entry is shown twice, or as none"
        for (room, author, stream), row in self.anna.disk.vector.items():
            assert room in (self.room, self.anna.room(self.bob)), room
            assert author in (self.anna.id, (self.other if room == self.room else self.bob).id), author
            assert 1 <= row.first <= row.n + 1
            if stream in self.streams and row.first <= row.n:
                run, _ = self.anna.disk.reader.run_after(room, author, stream, row.first - 1)
                if run is None and self.net.accept == "ask":
                    # A request has taken the first entries of a RUN: no signature covers them before it is accepted.
                    continue
                assert run is not None
                first = entries.read_header(run.headers[0])
                assert (first.author, first.stream, first.n) == (author, stream, row.first)
        (asked,) = self.anna.send(self.bob, "are you there?")
        self.net.settle()
        self.bob.send(self.anna, "yes")
        self.net.settle()
        assert self.bob.texts(self.anna).count("are you there?") == 1
        assert self.anna.texts(self.bob).count("yes") == 1
        states = {one.id: one.state for one in self.anna.history(self.bob)}
        assert states[asked.id] == "delivered"

    def _shown(self) -> list[nouns.Message]:
        return [one for one in self.anna.history(self.other) if one.kind != "notice"]


def replicating(data: bytes, rng: random.Random) -> None:
    """A core takes any frames of somebody who proved a key: it never raises, and stores what was signed, once."""
    began = time.monotonic()
    world = World(data, rng)
    for _ in range(rng.choice((3, 10, 25))):
        world.hear([world.frame() for _ in range(rng.choice((1, 1, 4)))])
        chance = rng.random()
        if chance < 0.1 and not world.twin:
            world.anna.send(world.mallory, "to a hostile one")
        elif chance < 0.2:
            world.net.wait(rng.choice((100, 2_000, 60_000)))
        elif chance < 0.25:
            world.anna.begin()
            for number in list(world.net.links):
                world.net.links.pop(number, None)
            world.net.link(world.bob, world.anna)
            world.relink()
    world.check()
    assert time.monotonic() - began < PATIENCE, "it takes too long"
