"""The peer languages: bytes <-> messages, as state machines without sockets, loops, clocks or dice.

PROTOCOL.md is authoritative.

link.py      state machine of one connection with a plain peer, in either direction: how it begins, what is due when
conversation.py  what it does once its dialect is known: hear, write, tell outcomes, end
states.py    its states, inputs and transitions    events.py  what it tells its owner
probing.py   finds the dialect of an unknown address by its answers
writing.py   write queue of one persistent connection
plain/       the dialects of the older clients, each a small codec behind one interface
secure/      encrypted links between nodes: offer and answer, frames
entries.py   the signed entries of Snicher's own messages
nearby.py    what a node says of itself by mDNS
order.py     accept order: delivers one-shot connections of one address in the order in which they were accepted
"""
