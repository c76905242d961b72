"""Two Snicher nodes on the real core, the real store and the real links, on a virtual clock and a network in memory.

    agenda.py     the virtual clock, and what is due when
    wire.py       TCP connections: bytes come in order, in pieces, late, or not at all
    ends.py       one side of a connection: bytes <-> a link <-> stimuli, as node/peers has it
    machine.py    one machine: turns around a core, as node/turns.py has them; crashes, failing disks, clocks
    old_client.py an old client that has a node's address for a while
    promises.py   what must hold all along
    rest.py       what must hold when everything has come to rest
    world.py      a life from a seed: who is there, what people do, what goes wrong

`python -m tests.support.two_nodes --seeds 1000 --first 0` lives more lives than the tests do.
"""
