"""The long run: `python -m tests.fuzz --minutes N [--seed S] [--target NAME]`; `--only I` repeats one input.

`--peers` instead: hostile peers over real sockets against a node (peers.py).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence

from tests.fuzz import bus, peers
from tests.fuzz.corpus import spoilt
from tests.fuzz.targets import TARGETS


def run(seed: int, names: Sequence[str], going_on: Callable[[int], bool], first: int = 0) -> tuple[int, str | None]:
    """Try inputs `first`, `first` + 1, ... while `going_on`; returns how many, and what to print of a failure."""
    index = first
    while going_on(index - first):
        rng = random.Random(f"{seed}/{index}")
        name = names[index % len(names)]
        data = spoilt(rng)
        try:
            TARGETS[name](data, rng)
        except Exception as error:
            shown = f"{type(error).__name__}: {error}"[:500]
            return index - first + 1, f"seed {seed}, input {index}, target {name!r}: {shown}\ninput: {data!r}"
        index += 1
    return index - first, None


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz for a while; exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, help="default: drawn, and printed")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one (may be repeated)")
    parser.add_argument("--only", type=int, metavar="I", help="only input number I of that seed")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--bus", action="store_true", help="instead: commands for a real node, over its bus")
    chosen.add_argument("--peers", action="store_true", help="instead: hostile peers over real sockets against a node")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    if options.bus:
        return bus.long_run(seed, options.minutes)
    if options.peers:
        return peers.main(seed, options.minutes * 60)
    names = options.target or list(TARGETS)
    end = time.monotonic() + options.minutes * 60
    if options.only is None:
        count, failure = run(seed, names, lambda _: time.monotonic() < end)
    else:
        count, failure = run(seed, names, lambda done: done == 0, options.only)
    print(f"{count} inputs tried, {count // len(names)} of each of {len(names)} targets", flush=True)
    if failure is not None:
        print(failure, file=sys.stderr)
    return int(failure is not None)


if __name__ == "__main__":
    sys.exit(main())
