"""The long run: `python -m tests.soak [--minutes N] [--seed S]` lives through whole fortnights while there is time.

A fortnight of a seed is always the same but for what the machine decides: how far a command was when the node was
killed, and which port was free. With `--kills`, two nodes talk while both are killed again and again (kills.py).
With `--loss PERCENT`, they talk while so many packets are lost, meet for the first time then, are cut off for a minute,
and one gets another address (loss.py); that needs root.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Sequence

from node.errors import BusError
from tests.soak import fortnight, kills, loss
from tests.support.namespaces import Unavailable, Wire


def main(arguments: Sequence[str] | None = None) -> int:
    """Live through fortnights, or kill nodes; exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="begin no other fortnight (or lap) after so long; one at least"
    )
    parser.add_argument("--seed", type=int, help="of the first one; default: drawn, and printed")
    parser.add_argument("--quick", action="store_true", help="as few messages as in the suite")
    parser.add_argument("--kills", action="store_true", help="two nodes that are killed while they talk")
    parser.add_argument("--loss", type=int, metavar="PERCENT", help="two nodes on a network that loses packets")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    if options.kills:
        print(f"seed {seed}", flush=True)
        pair, failure = kills.run(seed, kills.SHORT if options.quick else kills.LONG, options.minutes)
        print(kills.told(pair), flush=True)
        if failure is not None:
            print(failure, file=sys.stderr)
        return int(failure is not None)
    if options.loss is not None:
        print(f"seed {seed}", flush=True)
        return lose(seed, options.loss, options.minutes * 60)
    began = time.monotonic()
    while True:
        print(f"seed {seed}", flush=True)
        lived, failure = fortnight.run(seed, fortnight.SHORT if options.quick else fortnight.LONG)
        passed = time.monotonic() - began
        print(f"{lived.day} days, {lived.deleted} conversations deleted; {passed:.0f} s so far", flush=True)
        if failure is not None:
            print(failure, file=sys.stderr)
            return 1
        if passed >= options.minutes * 60:
            return 0
        seed += 1


def lose(seed: int, percent: int, seconds: float) -> int:
    """Lose packets for so long, cut the wire, change an address, and print how long all took; the exit code."""
    try:
        with Wire() as wire:
            print(loss.told(percent, loss.lose(wire, seed, percent, seconds)), flush=True)
        with Wire() as wire:
            print(f"first meeting: {loss.meet(wire, percent, min(seconds, 60.0), seed)}", flush=True)
            print(f"cut for a minute: {loss.cut(wire, 60.0, seed)}", flush=True)
            print(f"another address: {loss.move(wire, '10.99.0.3', seed)}", flush=True)
    except Unavailable as error:
        print(f"no network namespaces: {error}", file=sys.stderr)
        return 1
    except (AssertionError, BusError):
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
