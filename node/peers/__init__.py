"""Sockets: listen, dial, pump bytes between them and the links of node.protocol. The only importer of asyncio streams.

network.py      all connections of this node
connection.py   one connection: asyncio on one side, a Link on the other
listener.py     who gets in
scheduler.py    whose turn it is, when more comes than can be dealt with at once
fairness.py     equal shares for all sources that want some
pace.py         how fast one source may send small texts
interfaces.py   the addresses of this machine
zones.py        which interface a link-local address belongs to
resolve.py      host names, looked up without holding anybody up
reasons.py      the system's errors in plain words
"""
