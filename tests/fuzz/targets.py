"""Every function that reads bytes from peers or files of others, and what must hold whatever they are.

A target takes the bytes, and a source of chance for how they are cut and when; it raises for a broken promise only.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import random
from collections.abc import Callable

from node import invites, names
from node.errors import HandshakeFailed, InvalidEntry, InvalidFrame, LocalFault
from node.model import Address, Header, PeerId, normal_host, parse_address, peer_id, public_key
from node.printable import printed
from node.protocol.entries import read_header
from node.protocol.link import Answered, Ended, Heard, Link, Offered
from node.protocol.plain import codec as plain
from node.protocol.plain import registry
from node.protocol.plain.codec import Announced, Goodbye, Hello, Reader, Said, Text
from node.protocol.secure import frames
from node.protocol.secure import link as secure
from node.protocol.secure.states import State as SecureState
from node.protocol.states import State
from node.protocol.writing import Transmitted
from tests.fuzz.core import replicating
from tests.fuzz.corpus import cuts
from tests.fuzz.encrypted import ENCRYPTED
from tests.fuzz.kept import KEPT
from tests.support.fake_engine import FakeEngine

Target = Callable[[bytes, random.Random], None]


def check_said(said: list[Said]) -> None:
    """Only what the vocabulary has, bounded, never blank, and fit for the disk."""
    for one in said:
        assert isinstance(one, Announced | Text | Hello | Goodbye), one
        assert one.port is None or 1 <= one.port <= 65535, one
        if isinstance(one, Announced):
            continue
        text = one.text if isinstance(one, Text) else one.word
        assert text.strip(), one
        assert "\x00" not in text
        assert len(text) <= plain.MAX_INCOMING
        text.encode()
        if one.name is not None:
            assert 1 <= len(one.name) <= plain.MAX_NAME
            assert printed(one.name, "") == one.name
            one.name.encode()


def recognising(data: bytes, rng: random.Random) -> None:
    """There is always an answer at the end, no answer is taken back, and doubt ends soon."""
    head = data.lstrip(plain.BLANK)
    if not head:
        return
    final = registry.recognise(head, ended=True)
    assert final in registry.CODECS
    for length in range(1, min(len(head), 600) + 1):
        verdict = registry.recognise(head[:length], ended=False)
        if verdict is not None:
            # A request waits for its answer, so it is taken for one before it is sure that nothing follows the word.
            assert final is verdict or head[:length].endswith((b"CONNECT_REQUEST", b"DISCONNECTED")), (verdict, final)
            return
    assert len(head) <= 512


def reading(make: Callable[[], Reader], same: bool, data: bytes, rng: random.Random) -> None:
    """Whatever comes, in whatever pieces, something sayable is said; a one-shot message is the same in all of them."""
    reader = make()
    said: list[Said] = []
    for piece in cuts(data, rng):
        said += reader.feed(piece)
        assert reader.patience is None or reader.patience > 0
        if not same and rng.random() < 0.1:
            said += reader.quiet()
    said += reader.quiet() if same and rng.random() < 0.3 else reader.end()
    check_said(said)
    assert len(reader.owed) <= 4096
    if same and len(data) < plain.MAX_INCOMING:
        again = make()
        assert said == again.feed(data) + again.end()


KINDS: dict[str, Callable[[], Link]] = {
    "accepted": Link.accepted,
    "accepted, no answers": functools.partial(Link.accepted, answers=False),
    "secure": functools.partial(Link.secure, 5000, "anna"),
    "unsure": lambda: Link.announce(5000, "anna", unsure=True),
    **{
        f"dialled {name}": functools.partial(Link.announce, 5000, "anna", unsure=False, codec=codec)
        for name, codec in registry.PERSISTENT.items()
    },
    **{
        f"one {name}": functools.partial(Link.one_shot, 5000, "anna", codec)
        for name, codec in registry.ONE_SHOT.items()
    },
}


def linking(make: Callable[[], Link], data: bytes, rng: random.Random) -> None:
    """A link in the hands of chance never raises, ends or goes over to TLS once, and tells each text's outcome once."""
    link = make()
    now = 0.0
    tokens = itertools.count(1)
    taken: list[int] = []
    events = []
    link.connected("10.0.0.7", 5000, "anna", now, target="10.0.0.9:6000", clock="2025-03-01 10:00:00")

    def look() -> None:
        events.extend(link.events())
        assert len(link.data_to_send()) <= 100_000

    for piece in cuts(data, rng):
        link.receive_data(piece, now)
        look()
        chance = rng.random()
        if chance < 0.2:
            now = max(now, link.next_deadline() or now)
            link.handle_deadline(now)
            at = link.next_deadline()
            assert at is None or at > now, "a timer that is due again at once never lets go"
        elif chance < 0.3:
            token = next(tokens)
            with contextlib.suppress(LocalFault):
                link.send(token, rng.choice(("hello", "exit", "x" * 3000)), now, part=rng.randint(1, 3))
                taken.append(token)
        elif chance < 0.34:
            rng.choice((link.pause_writing, link.resume_writing))(now)
        elif chance < 0.36:
            link.leave(now)
        look()
    if rng.random() < 0.5:
        link.receive_eof(now)
        look()
    link.connection_lost(rng.choice((None, "Reset.")), now)
    look()
    assert link.state is State.UPGRADED or (link.state is State.CLOSED and link.closing)
    assert link.next_deadline() is None
    assert [event for event in events if isinstance(event, Ended | Offered | Answered)] == events[-1:]
    told = collections.Counter(event.token for event in events if isinstance(event, Transmitted))
    assert told == collections.Counter(taken)
    for event in events:
        if isinstance(event, Heard):
            assert event.said
            check_said(event.said)


HELLO = frames.Hello([2], b"i" * 16, b"r" * 16, "anna", 5000, 1, [])


def securing(server: bool, data: bytes, rng: random.Random) -> None:
    """An encrypted link never raises, opens once at most, ends once, and hands on frames only in between."""
    mine, other = FakeEngine(b"A" * 32, server=server), FakeEngine(b"B" * 32, server=not server)
    expect = rng.choice((None, None, peer_id(b"B" * 32), peer_id(b"E" * 32)))
    link = secure.SecureLink(mine, lambda: HELLO, expect=expect)
    other.start()
    link.begin(0.0)
    now = 0.0
    events: list[secure.SecureEvent] = []

    def carry() -> None:
        with contextlib.suppress(HandshakeFailed):
            other.feed(link.data_to_send())
        link.receive_data(other.out(), now)
        events.extend(link.events())

    for _ in range(rng.randint(0, 3)):
        carry()
    if other.up and rng.random() < 0.7:
        other.write(frames.encode(HELLO))
        carry()
    for piece in cuts(data, rng):
        if other.up and rng.random() < 0.9:
            other.write(piece)
            carry()
        else:
            link.receive_data(piece, now)
        chance = rng.random()
        if chance < 0.2:
            now = max(now, link.next_deadline() or now)
            link.handle_deadline(now)
            at = link.next_deadline()
            assert at is None or at > now, "a timer that is due again at once never lets go"
        elif chance < 0.3 and link.state is SecureState.OPEN:
            link.say(frames.Stop("#lobby", "author", b"s" * 16), now)
        elif chance < 0.34:
            rng.choice((link.pause_writing, link.resume_writing))(now)
        elif chance < 0.36:
            link.leave(now, rng.choice(list(frames.BYE_CODES)), "text")
        events.extend(link.events())
    link.connection_lost(rng.choice((None, "Reset.")), now)
    events.extend(link.events())
    assert link.state is SecureState.CLOSED
    assert link.closing
    assert link.next_deadline() is None
    assert [event for event in events if isinstance(event, secure.Ended)] == events[-1:]
    kinds = [type(event) for event in events[:-1]]
    if kinds and kinds[0] is secure.KeyDiffered:
        assert len(kinds) == 1
        return
    assert kinds[:1] in ([], [secure.Secured])
    assert all(kind is secure.Framed for kind in kinds[1:])
    for event in events:
        if isinstance(event, secure.Secured):
            assert printed(event.hello.name, "") == event.hello.name
            assert 1 <= len(event.hello.name) <= frames.MAX_NAME
        elif isinstance(event, secure.Framed):
            assert event.frames
            assert not any(isinstance(one, frames.Hello | frames.Ping | frames.Bye) for one in event.frames)


def framing(data: bytes, rng: random.Random) -> None:
    """A frame within its bounds, nothing (an unknown type), or InvalidFrame."""
    for one in (data, data[4:]):
        try:
            found = frames.decode(one)
        except InvalidFrame as error:
            assert str(error)
            continue
        assert found is None or frames.decode(frames.encode(found)[4:]) == found


def header(data: bytes, rng: random.Random) -> None:
    """A header within its bounds, or InvalidEntry."""
    try:
        found = read_header(data)
    except InvalidEntry as error:
        assert str(error)
        return
    assert isinstance(found, Header)
    assert len(found.stream) == 16
    assert 1 <= found.n < 2**63


def address(data: bytes, rng: random.Random) -> None:
    """An address that is written as it is read, or ValueError with a sentence."""
    text = data.decode(errors=rng.choice(("replace", "surrogateescape")))[:2000]
    for read in (parse_address, normal_host, lambda text: public_key(PeerId(text))):
        try:
            found = read(text)
        except ValueError as error:
            assert str(error)
            continue
        if isinstance(found, Address):
            assert parse_address(str(found)) == found
        elif isinstance(found, str):
            assert normal_host(found) == found


def invite(data: bytes, rng: random.Random) -> None:
    """An invite that is written as it is read, whose name is fit to be shown; or ValueError with a sentence."""
    text = data.decode(errors=rng.choice(("replace", "surrogateescape")))[:4000]
    links = (text, f"snicher://{peer_id(bytes(32))}@{text}", f"snicher://{peer_id(bytes(32))}@10.0.0.1:5?name={text}")
    for link in links:
        try:
            found = invites.parse(link)
        except ValueError as error:
            assert 0 < len(str(error)) < 600
            continue
        assert invites.parse(str(found)) == found
        assert 1 <= len(found.addresses) <= invites.MAX_ADDRESSES
        assert found.name is None or names.shown(found.name) == found.name


TARGETS: dict[str, Target] = {
    "recognise": recognising,
    "invite": invite,
    **{f"reader {c.name}": functools.partial(reading, c.reader, not c.persistent) for c in registry.CODECS},
    **{
        f"reader {name}, dialled": functools.partial(reading, functools.partial(codec.reader, dialled=True), False)
        for name, codec in registry.PERSISTENT.items()
    },
    **{f"link {name}": functools.partial(linking, make) for name, make in KINDS.items()},
    "secure link dialled": functools.partial(securing, False),
    "secure link accepted": functools.partial(securing, True),
    "frame": framing,
    "header": header,
    "address": address,
    **ENCRYPTED,
    **KEPT,
    "core": replicating,
}
