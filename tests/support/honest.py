"""Two honest old clients, and how long what they say takes to be on a node's disk and told: `delays`."""

from __future__ import annotations

import pathlib
import threading
import time

import zmq

from node.bus import events as ev
from node.bus import locate
from node.model import Address
from tests.support.old_clients import AncestorConsole, Std

#: What they say comes so often, in seconds.
EVERY = 0.03
#: How long it may take until all has come, in seconds.
PATIENCE = 100.0


def delays(
    home: pathlib.Path,
    node: Address,
    std: Std,
    ancestor: AncestorConsole,
    word: str,
    count: int,
    every: float = EVERY,
) -> list[float]:
    """How long each of their messages takes from being said to standing in the log, in milliseconds.

    `word` must be new; each says it `count` times, once in `every` seconds. Fails when anything is missing, twice or
    out of order.
    """
    said: dict[tuple[str, str], float] = {}
    heard: dict[tuple[str, str], float] = {}
    listening = threading.Event()

    def listen() -> None:
        # No Follower: reading all that the others say would take this process longer than what is measured.
        with zmq.Context() as context, context.socket(zmq.SUB) as sub:
            sub.setsockopt(zmq.RCVHWM, 0)
            sub.setsockopt(zmq.RCVTIMEO, int(1000 * PATIENCE))
            sub.connect(locate.read_endpoint(home).events)
            sub.subscribe(b"")
            # A heartbeat at the latest shows that the subscription stands.
            sub.recv_multipart()
            listening.set()
            sub.setsockopt(zmq.RCVTIMEO, 500)
            deadline = time.monotonic() + PATIENCE
            while len(heard) < 2 * count and time.monotonic() < deadline:
                try:
                    topic, body = sub.recv_multipart()
                except zmq.Again:
                    continue
                if topic == b"MessageReceived" and word.encode() in body:
                    now = time.monotonic()
                    message = ev.decode_event(body).data.message
                    assert heard.setdefault((message.name, message.text), now) == now, "it came twice"

    watcher = threading.Thread(target=listen)
    watcher.start()
    assert listening.wait(PATIENCE)
    for number in range(count):
        for client in (std, ancestor):
            said[client.team, f"{word} {number}"] = time.monotonic()
            client.send(node.host, node.port, f"{word} {number}")
        time.sleep(every)
    watcher.join(PATIENCE + 10)
    for team in (std.team, ancestor.team):
        assert [text for name, text in heard if name == team] == [f"{word} {number}" for number in range(count)]
    return [(heard[one] - said[one]) * 1000 for one in said]
