"""Hostile bytes for everything that reads what peers send: `python -m tests.fuzz --minutes 10`.

The invariant in one sentence: parsed, or a documented error, nothing else.

    corpus.py     what real clients send, and how it is spoilt
    targets.py    each function that reads peers' bytes, with what must hold of it
"""
