"""Sockets: listen, dial, pump bytes between them and the links of node.protocol. The only importer of asyncio streams.

network.py      all connections of this node
hearing.py      what their links tell, as stimuli
connection.py   one connection: asyncio on one side, a Link or a SecureLink on the other
tls.py          TLS over memory for encrypted links: certificates, and the engine that is handed to a SecureLink
listener.py     who gets in
arrivals.py     accepted connections until they have a transport, or are over without one
handshakes.py   how many handshakes others may begin, at once and a second
inorder.py      what accepted connections say, in the order of their acceptance
scheduler.py    whose turn it is, when more data comes than the node can process at once
fairness.py     fair queueing between sources
pace.py         rate limit for small texts of one source
interfaces.py   the addresses of this machine, and when they change
mdns.py         finds nodes on the same network, and lets them find this one
sightings.py    what is taken of an mDNS answer
trial.py        tries one way to a peer, up to the proof of a key
multicast.py    asks a question by multicast, and hears whether it comes back
surroundings.py interfaces, tunnels, firewalls: what this machine tells of itself
zones.py        which interface a link-local address belongs to
resolve.py      host names, looked up in the background
reasons.py      the system's errors in plain words
"""
