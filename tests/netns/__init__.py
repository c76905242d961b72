"""Nodes on networks of their own, in network namespaces: how they find each other, and what happens when they can't."""
