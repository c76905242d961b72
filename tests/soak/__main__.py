"""The long run: `python -m tests.soak [--minutes N] [--seed S]` lives through whole fortnights while there is time.

A fortnight of a seed is always the same but for what the machine decides: how far a command was when the node was
killed, and which port was free. With `--kills`, two nodes talk while both are killed again and again (kills.py).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from tests.soak import fortnight, kills


def main(arguments: Sequence[str] | None = None) -> int:
    """Live through fortnights, or kill nodes; exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="begin no other fortnight (or lap) after so long; one at least"
    )
    parser.add_argument("--seed", type=int, help="of the first one; default: drawn, and printed")
    parser.add_argument("--quick", action="store_true", help="as few messages as in the suite")
    parser.add_argument("--kills", action="store_true", help="two nodes that are killed while they talk")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    if options.kills:
        print(f"seed {seed}", flush=True)
        pair, failure = kills.run(seed, kills.SHORT if options.quick else kills.LONG, options.minutes)
        print(kills.told(pair), flush=True)
        if failure is not None:
            print(failure, file=sys.stderr)
        return int(failure is not None)
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


if __name__ == "__main__":
    sys.exit(main())
