"""The peer languages: bytes <-> messages, as state machines without sockets, loops, clocks or dice. PROTOCOL.md rules.

link.py      one connection with a plain peer, in either direction; states.py is its table of transitions
probing.py   what an unknown address says back to it, and what it speaks by that
writing.py   texts of ours on their way out over a connection that stays
plain/       the dialects of the older clients, each a small codec behind one interface
entries.py   the signed entries of Snicher's own messages
order.py     accept order: one-shot connections of one address, delivered as they came
"""
