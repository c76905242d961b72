"""The bus between a node and its front ends: all of the node that outsiders may import. See BUS.md.

    from node.bus.client import Client      a blocking client, thread-safe, reconnecting, gap-healing

Nothing is imported here, so that finding a node costs nothing.
"""
