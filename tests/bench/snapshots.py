"""A snapshot of very many peers through the bus: each page, the whole joined, and a page of `peers`."""

from __future__ import annotations

import pathlib
import secrets
import time

from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core.clock import COUNTER_BITS, order_text
from node.store.writer import Writer
from tests.bench.processes import NodeProcess, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes

#: Milliseconds since 1970 of the first message.
FIRST_AT = 1_700_000_000_000
TEXT = "what a peer says last is a line of a usual length, or a little more than that"


def measure(sizes: Sizes) -> list[Row]:
    """The time of each page, and of the whole."""
    with temporary_home() as home:
        fill(home, sizes.peers)
        with NodeProcess(home) as node:
            pages: list[float] = []
            wholes: list[float] = []
            lists: list[float] = []
            for _ in range(sizes.repeats):
                page, count = None, 0
                while True:
                    start = time.perf_counter()
                    found = node.client.request("snapshot", rq.SnapshotArgs(page=page))
                    pages.append(1000 * (time.perf_counter() - start))
                    page, count = found.next, count + len(found.state.peers)
                    if page is None:
                        break
                assert count == sizes.peers
                start = time.perf_counter()
                assert len(node.client.snapshot().state.rooms) == sizes.peers
                wholes.append(time.perf_counter() - start)
                start = time.perf_counter()
                node.client.request("peers", rq.PeersArgs())
                lists.append(1000 * (time.perf_counter() - start))
    what = f"snapshot, {sizes.peers:,} peers"
    return [
        Row(what=f"{what}: a page: p50", unit="ms", values=[percentile(pages, 50)]),
        Row(what=f"{what}: a page: p99", unit="ms", values=[percentile(pages, 99)], target=Target("<", 50)),
        Row(what=f"{what}: the whole", unit="s", values=wholes),
        Row(what=f"a page of peers of {sizes.peers:,}", unit="ms", values=lists, target=Target("<", 50)),
    ]


def fill(
    home: pathlib.Path,
    count: int,
    each: int = 1,
    mark: tuple[str, int] | None = None,
    standing: nouns.Standing = "stranger",
) -> None:
    """So many peers, each with a conversation that has `each` texts; the one with this number says what `mark` says."""
    writer = Writer(home)
    writer.prepare(log=secrets.token_hex(8), instance=secrets.token_hex(16))
    records: list[e.Record] = []
    for number in range(1, count + 1):
        id_, name = f"plain-{number}", f"peer{number}"
        host = f"127.{20 + number // 65536}.{number // 256 % 256}.{number % 256}"
        said = []
        for nth in range(1, each + 1):
            at = FIRST_AT + (number - 1) * each + nth
            said.append(nouns.Message(
                id=(number - 1) * each + nth, room=id_, order=order_text(at << COUNTER_BITS), at=at, direction="in",
                author=id_, name=name, text=mark[0] if mark and mark[1] == nth else TEXT,
            ))  # fmt: skip
        peer = nouns.Peer(
            id=id_, room=id_, name=name, host=host, port=5000, dialect="std", dialect_from="seen", standing=standing
        )
        room = nouns.Room(id=id_, kind="plain", name=name, peer=id_, created=FIRST_AT, unread=1, last=said[-1])
        records += [e.PutPeer(peer), e.PutRoom(room)]
        records += [e.AddMessage(message, message.at << COUNTER_BITS) for message in said]
    writer.commit(records)
    while writer.index(count * each):
        pass
    writer.close()
