"""The encrypted links between Snicher nodes: bytes <-> frames, as state machines. PROTOCOL.md is authoritative.

offer.py     the offer to encrypt and its answer, in clear
frames.py    the frames, and how they are written and read
"""
