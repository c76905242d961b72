"""Long use of nodes in a short time: `python -m tests.soak`.

clocked_node.py   a node whose wall clock others set
fortnight.py      two weeks of use on that clock, and what must be true after each day
kills.py          two nodes that talk while both are killed again and again
loss.py           two nodes on a network that loses packets, that is cut, and where one gets another address
"""
