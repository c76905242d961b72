"""Hostile bytes for everything that reads what peers send: `python -m tests.fuzz --minutes 10`.

The invariant in one sentence: parsed, or a documented error, nothing else.

    corpus.py     what real clients send, and how it is spoilt
    targets.py    each function that reads peers' bytes, with what must hold of it
    encrypted.py  those for encrypted links, from offer to entry; frames and runs as a reader of PROTOCOL.md has them
    core.py       frames of a hostile node into a core, beside an honest one

And random commands for what front ends ask a node for: `python -m tests.fuzz --bus --minutes 5`.

    bus.py        a real node with its peers, whoever asks it, and what must hold
    commands.py   for each command, arguments and what it may be answered with

And hostile peers over real sockets: `python -m tests.fuzz --peers --minutes 10`.

    peers.py      their manners, and an honest peer beside them
    nodes.py      those that are nodes: they prove a key first
"""
