"""Live many lives; the first one that breaks a promise is told with its seed and its last steps, and ends it."""

from __future__ import annotations

import argparse
import time

from tests.support.two_nodes.world import live


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.two_nodes", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many lives (default: 1)")
    parser.add_argument("--first", type=int, default=0, help="the first one's seed (default: 0)")
    parser.add_argument("--go-on", action="store_true", help="tell each broken promise in a line, and go on")
    given = parser.parse_args()
    began = time.monotonic()
    broken = 0
    for seed in range(given.first, given.first + given.seeds):
        try:
            live(seed)
        except Exception as error:
            if not given.go_on:
                raise
            broken += 1
            print(f"seed {seed}: {type(error).__name__}: {str(error)[:150]}", flush=True)
    took = time.monotonic() - began
    print(f"{given.seeds} lives in {took:.1f} s, {broken} with a broken promise")


if __name__ == "__main__":
    main()
