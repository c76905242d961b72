from __future__ import annotations

import pytest

from node.errors import HandshakeFailed, LocalFault
from node.protocol.secure.engine import Engine
from tests.support.fake_engine import FakeEngine

ANNA, BEN = b"A" * 32, b"B" * 32


def joined(size: int = 1 << 20, fails: str | None = None) -> tuple[FakeEngine, FakeEngine]:
    """A dialler and an acceptor after all that they have to say to each other."""
    pair = FakeEngine(ANNA, server=False), FakeEngine(BEN, server=True, fails=fails)
    for engine in pair:
        engine.start()
    while any([carry(pair[0], pair[1], size), carry(pair[1], pair[0], size)]):
        pass
    return pair


def carry(engine: Engine, other: Engine, size: int) -> bytes:
    data = engine.out()
    return data and b"+" + b"".join(other.feed(data[at : at + size]) for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_two_engines_show_each_other_their_keys_and_carry_what_is_said(size: int) -> None:
    anna, ben = joined(size)
    assert (anna.up, anna.peer, ben.up, ben.peer) == (True, BEN, True, ANNA)
    anna.write(b"hello" * 10_000)
    assert carry(anna, ben, size) == b"+" + b"hello" * 10_000
    ben.close()
    ben.write(b"dropped")
    assert carry(ben, anna, size) == b"+"
    assert anna.feed(b"dropped, too") == b""


def test_the_dialler_is_up_first_as_in_tls() -> None:
    anna, ben = FakeEngine(ANNA, server=False), FakeEngine(BEN, server=True)
    anna.start()
    ben.feed(anna.out())
    with pytest.raises(LocalFault):
        ben.write(b"too early")
    anna.feed(ben.out())
    assert (anna.up, ben.up) == (True, False)


def test_a_refused_key_fails_on_both_sides_and_stays_so() -> None:
    anna, ben = FakeEngine(ANNA, server=False), FakeEngine(BEN, server=True, fails="No.")
    anna.start()
    ben.feed(anna.out())
    anna.feed(ben.out())
    for _ in range(2):
        with pytest.raises(HandshakeFailed, match=r"No\."):
            ben.feed(anna.out())
    assert not ben.up
    with pytest.raises(HandshakeFailed, match="refused TLS"):
        anna.feed(ben.out())


@pytest.mark.parametrize("data", [b"BEN: hi", b"\x16\x03\x01", b"S\0\0", b"D\0\1x", b"\t\n"])
def test_anything_else_fails(data: bytes) -> None:
    ben = FakeEngine(BEN, server=True)
    with pytest.raises(HandshakeFailed):
        ben.feed(data)
    assert ben.out() == b"A\0\nbad record"
