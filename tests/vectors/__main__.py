"""Writes node/protocol/vectors.json: `python -m tests.vectors`; `--record NAME` keeps what two nodes of today say."""

from __future__ import annotations

import argparse

from tests.vectors import made, recording

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.vectors", description=__doc__)
    parser.add_argument(
        "--record", choices=recording.STORIES, help="a new recording; one that is there is never made anew"
    )
    options = parser.parse_args()
    if options.record is None:
        made.FILE.write_text(made.text(), "utf-8")
        print(f"{made.FILE.name} is written.")
    else:
        print(f"{recording.record(options.record).name} is written.")
