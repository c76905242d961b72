"""How much each figure is measured with."""

from __future__ import annotations

import msgspec


class Sizes(msgspec.Struct, frozen=True):
    """Sizes of one run; the defaults are the full ones."""

    #: How often a short run is repeated, product and reference in turn.
    repeats: int = 5
    #: Plain messages of one run: lines, texts as the ancestor says them, and one-shot connections.
    lines: int = 200_000
    texts: int = 100_000
    connections: int = 10_000
    #: Event to subscriber: so long at 100 messages a second.
    latency_s: float = 10.0
    #: `send` through the bus: commands of one message and of 100, over all clients.
    singles: int = 2_000
    lists: int = 500
    clients: int = 10
    #: Confirmed messages between two nodes: commands of 500 and of one, over all clients.
    confirmed_lists: int = 120
    confirmed_singles: int = 3_000
    #: Floods of handshakes: how long one goes on before anything is measured, messages said without and with each kind,
    #: new links meanwhile, and the flooding sources with the connections of each.
    flooded_s: float = 3.0
    said: int = 60
    newcomers: int = 3
    flooding: int = 64
    flooding_each: int = 10
    #: Encrypted links: handshakes, links that stand at once, and messages whose cost is measured.
    handshakes: int = 200
    secure_links: int = 200
    costed: int = 10_000
    costed_plain: int = 200
    #: Pages: the conversation, what comes in meanwhile, and how many pages are asked for.
    conversation: int = 100_000
    incoming_per_s: int = 5_000
    pages: int = 500
    #: A snapshot in pages.
    peers: int = 20_000
    #: Newcomers at lists of these lengths, and how many come.
    listed: tuple[int, ...] = (100, 2_000, 20_000)
    arriving: int = 100
    #: Search and start-up.
    database: int = 1_000_000
    searches: int = 30
    starts: int = 5
    #: Idle: how long CPU is watched, and how many links stand.
    idle_s: float = 10.0
    links: int = 1_000
    #: Event to pixel: tabs, and messages seen by each.
    tabs: tuple[int, int] = (1, 10)
    pixels: int = 100
    #: Opening: conversations that share the messages, and how often each page is opened.
    conversations: int = 50
    openings: int = 8
    #: Scrolling: so long, in a conversation of `conversation` messages.
    scroll_s: float = 10.0
    #: Messages of each burst: as many as the node keeps for a slow subscriber, and more.
    bursts: tuple[int, ...] = (100_000, 200_000)
    #: What each honest peer says beside the bad ones, and how many those are.
    honest: int = 100
    bad: int = 200
    #: What each honest peer says beside flooding sources, and how many those are.
    sparse: int = 40
    flooders: int = 300
    #: Nodes on one network, and how long their traffic is counted when nothing is said.
    near: tuple[int, ...] = (20,)
    near_idle_s: float = 60.0
    #: Growth: the smallest number of each, and how often each command is asked.
    smallest: dict[str, int] = msgspec.field(
        default_factory=lambda: {"conversations": 100, "messages": 5_000, "links": 10, "subscribers": 1, "consumers": 1}
    )
    asked: int = 200
    #: Conversations on their way out: messages of one that is deleted, and of each of two that become one; and how long
    #: others are watched on the quiet node.
    deleted: int = 500_000
    merged: int = 200_000
    #: Old messages that expire while so many a second come.
    raced: int = 200_000
    raced_per_s: int = 20_000
    quiet_s: float = 3.0


FULL = Sizes()
QUICK = Sizes(
    repeats=1,
    lines=2_000,
    texts=500,
    connections=100,
    latency_s=0.3,
    singles=20,
    lists=2,
    clients=2,
    confirmed_lists=4,
    confirmed_singles=20,
    flooded_s=0.2,
    said=3,
    newcomers=1,
    flooding=3,
    flooding_each=2,
    handshakes=5,
    secure_links=5,
    costed=100,
    costed_plain=100,
    conversation=1_000,
    incoming_per_s=500,
    pages=10,
    peers=1_200,
    listed=(10, 50, 100),
    arriving=5,
    database=3_000,
    searches=2,
    starts=1,
    idle_s=0.2,
    links=20,
    tabs=(1, 2),
    pixels=5,
    conversations=5,
    openings=1,
    scroll_s=0.5,
    bursts=(2_000,),
    honest=5,
    bad=20,
    sparse=3,
    flooders=20,
    near=(2,),
    near_idle_s=0.2,
    smallest={"messages": 50, "consumers": 1},
    asked=3,
    deleted=3_000,
    merged=1_000,
    raced=2_000,
    raced_per_s=500,
    quiet_s=0.2,
)
