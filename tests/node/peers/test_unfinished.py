"""Frames that strangers begin and don't finish hold a bounded amount of memory."""

from __future__ import annotations

import contextlib

import pytest

from node.core import stimuli as s
from node.peers import unfinished
from node.peers.unfinished import MAX_UNFINISHED, SMALL, Unfinished
from tests.node.peers.far import Far, connection, far
from tests.node.peers.live import eventually, key, listening, run

MIB = 1024 * 1024


def test_beyond_the_bound_the_one_that_holds_most_has_to_end() -> None:
    held = Unfinished()
    for number in range(63):
        assert held.note(number, MIB) is None
    assert held.note(100, MIB - 1) is None
    assert held.note(101, SMALL) is None
    assert held.note(102, SMALL + 1) in range(63)
    assert MAX_UNFINISHED == 64 * MIB


def test_what_is_finished_or_over_counts_no_longer() -> None:
    held = Unfinished()
    for number in range(1_000):
        assert held.note(number, MIB) is None
        assert held.note(number, 0) is None


async def begin(one: Far, size: int) -> None:
    """Say the beginning of a frame of 1 MiB."""
    data = MIB.to_bytes(4, "big") + bytes(size - 4)
    for start in range(0, size, 50_000):
        one.engine.write(data[start : start + 50_000])
        await one.put(one.engine.out())


def test_the_stranger_s_link_with_the_largest_unfinished_frame_ends_and_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unfinished, "MAX_UNFINISHED", 700_000)

    async def test() -> None:
        async with listening(key=key(1)) as anna:
            with contextlib.ExitStack() as stack:
                links: list[int] = []
                for size in (900_000, 200_000, 250_000, 300_000):
                    one = stack.enter_context(far(anna))
                    await one.open()
                    links.append(anna.all(s.Secured)[-1].link)
                    if len(links) == 1:
                        # Somebody known counts for nothing.
                        anna.used.add(links[0])
                    held = connection(anna, links[-1]).link
                    await begin(one, size)
                    if len(links) < 4:
                        await eventually(lambda held=held, size=size: held.held == size)
                await eventually(lambda: anna.all(s.Closed))
                assert [closed.link for closed in anna.all(s.Closed)] == [links[3]]

    run(test)
