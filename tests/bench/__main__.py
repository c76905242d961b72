"""The benchmark: `python -m tests.bench [NAME ...] [--quick]` -> one table, each figure beside its reference or target.

    plain      plain messages a second, TCP -> committed -> subscriber, beside the bare pipeline (pipeline.py): lines,
               the ancestor's manners, std with one connection a message
    latency    event to subscriber at 100 messages a second, three subscribers
    sending    `send` through the bus, one client and several, singly and in lists, beside bare commits; one client
               beside a bare REP socket that commits each message, several beside one
    delivered  messages between two nodes until they are on the other's disk: a second, in lists and singly, beside a
               bare pair of processes with TLS and two disks; and how long each takes
    links      encrypted links: from the answer to the open link beside bare TLS, memory of each, bytes and CPU of a
               message beside plain ones
    paging     pages of a long conversation while messages stream into it, beside a quiet node
    snapshots  a snapshot of 20,000 peers: each page, and the whole
    newcomers  how soon what a newcomer says is at a subscriber, with 100, 2,000 and 20,000 peers on the list: of peers
               whom nobody here knows, and of known ones, so that the list is full
    searching  search in a million messages, one in 25 of them without spaces; how fast they are indexed and how large
               the index is; start-up with them, beside an empty home
    leaving    what others wait for while a conversation of 500,000 is deleted, two of 200,000 become one, or a million
               old messages expire, beside the quiet node; how fast they expire, beside bare SQL and beside
               what comes in meanwhile
    idle       memory and CPU of a node with nothing to do, alone and with a thousand links
    burst      loss through PUB to subscribers that sleep through a burst, beside default ZeroMQ
    crowd      what two honest peers notice of two hundred bad connections, and how long `send` takes meanwhile; and
               what they notice of three hundred flooding sources
    handshakes what two honest nodes notice of floods of handshakes at one's door, and how long a newcomer takes
    finding    a fresh node on a network: until it is linked and can write; 20 nodes at once; what they say when nothing
               is said. In network namespaces, as root (python -m tests.bench.finding 50 100: other numbers)
    scrolling  frames and long tasks of a tab that scrolls up a long conversation, quiet and while messages stream in
    pixels     event to pixel in browser tabs, beside a bare page; the dashboard's CPU and memory with idle tabs
    opening    opening a conversation of a home with many messages, beside the smallest page of Streamlit
    many       20,000 conversations beside 100: opening, elements in the page, tasks that hold it up with each message
    growth     a send, a page, memory and the like at 1, 10 and 100 times as many conversations, messages, links,
               subscribers, consumers: what grows faster than its input

How to read it: min, median and max are over the repeats of a short run. A reference is measured in the same run, in
turn with the product, and `ratio` is the median of the pairs: machines are noisy and shared, so believe ratios before
absolute figures. Targets are shown and never asserted; "MISSED" is a thing to look at, not a failed run.

Everything runs on loopback in temporary homes; every process is ended by its handle. Linux only: memory and CPU come
from /proc. A whole run takes about nine minutes, `--quick` (small sizes, figures without meaning) well under one.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from collections.abc import Sequence

from tests.bench.rows import Row, table
from tests.bench.sizes import FULL, QUICK, Sizes

#: Each is a module of this package with `measure`. Loaded when asked for: workers import this file again.
NAMES = (
    "plain", "latency", "sending", "delivered", "links", "paging", "snapshots", "newcomers", "searching", "leaving",
    "idle", "burst", "crowd", "handshakes", "finding", "scrolling", "pixels", "opening", "many", "growth",
)  # fmt: skip


def run(name: str, sizes: Sizes) -> list[Row]:
    """The figures of one family."""
    rows: list[Row] = importlib.import_module(f"tests.bench.{name}").measure(sizes)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is named, or everything."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Snicher's benchmark; targets are shown."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how fast it is")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(NAMES)}")
    started = time.monotonic()
    before = os.getloadavg()[0]
    rows: list[Row] = []
    try:
        for name in given.names or NAMES:
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += run(name, QUICK if given.quick else FULL)
    finally:
        # What was measured before something failed, or somebody lost patience, is not lost.
        print(table(rows))
    print(f"\n{os.cpu_count()} cores, load {before:.1f} before the run, {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
