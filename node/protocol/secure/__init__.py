"""The encrypted links between Snicher nodes: bytes <-> frames, as state machines. PROTOCOL.md is authoritative.

offer.py     the offer to encrypt and its answer, in clear
link.py      state machine of one encrypted connection, once an offer was answered
states.py    its states, inputs and transitions
engine.py    what TLS must do for it: the engine is handed in
frames.py    the frames, and how they are written and read
"""
