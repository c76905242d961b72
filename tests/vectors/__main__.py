"""Writes node/protocol/vectors.json: `python -m tests.vectors`."""

from __future__ import annotations

from tests.vectors import made

if __name__ == "__main__":
    made.FILE.write_text(made.text(), "utf-8")
    print(f"{made.FILE.name} is written.")
