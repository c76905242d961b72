"""Bytes that are kept: what the protocol looks like on the wire, for other languages and for later versions.

    made.py         makes node/protocol/vectors.json: `python -m tests.vectors`
    spoilt.py       the invalid ones among them
    independent.py  reads and checks them from PROTOCOL.md alone, without any of the node's code
    recording.py    two nodes talk, and what they say inside TLS is kept in recordings/
    wire.py         joins nodes, and tapes of nodes, by encrypted links over TLS that is a fake

Nobody makes a recording anew: nodes that speak so are out there, and must be understood by all later ones.
"""
