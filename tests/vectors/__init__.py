"""Bytes that are kept: what the protocol looks like on the wire, for other languages and for later versions.

made.py         makes node/protocol/vectors.json: `python -m tests.vectors`
spoilt.py       the invalid ones among them
independent.py  reads and checks them from PROTOCOL.md alone, without any of the node's code
"""
