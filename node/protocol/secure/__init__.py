"""The encrypted links between Snicher nodes: bytes <-> frames, as state machines. PROTOCOL.md is authoritative.

frames.py    the frames, and how they are written and read
"""
