"""One very long conversation on disk, made with the store's own writer; and a peer that says more in it.

Message N says `number NNNNNN` first, so that tests see which ones are shown, and then as much as people do: mostly a
line, sometimes a paragraph.
"""

from __future__ import annotations

import pathlib
import secrets
import socket

from node.bus import bounds, nouns
from node.bus import events as ev
from node.core import effects as e
from node.core.clock import COUNTER_BITS, order_text
from node.store.writer import Writer

#: Where the other side lives; it says everything from there.
PEER_HOST, PEER_PORT = "127.0.6.1", 9000
ROOM = "plain-1"
#: Milliseconds since 1970 of the first message, and between two: a few hundred a day.
FIRST_AT = 1_600_000_000_000
PACE_MS = 180_000
#: Messages of one transaction.
BATCH = 20_000
_MORE = "and what else there was to say about it, which took some words, as it does when people talk. "


def text_of(number: int) -> str:
    """What message `number` says."""
    return f"number {number:06} " + _MORE * (number % 7 == 0) * (1 + number % 5)


def write(home: pathlib.Path, count: int) -> None:
    """A home whose only conversation, ROOM, has `count` messages, all read, their ids from 1 on."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    writer = Writer(home)
    writer.prepare(log=secrets.token_hex(8), instance=secrets.token_hex(16))
    peer = nouns.Peer(
        id=ROOM, room=ROOM, name="bela", kind="plain", host=PEER_HOST, port=PEER_PORT, dialect="std",
        dialect_from="seen",
    )  # fmt: skip
    room = nouns.Room(id=ROOM, kind="plain", name=peer.name, peer=peer.id, created=FIRST_AT)
    try:
        writer.commit([e.PutPeer(peer), e.PutRoom(room)])
        for start in range(1, count + 1, BATCH):
            said = [_message(number) for number in range(start, min(start + BATCH, count + 1))]
            writer.commit([record for message in said for record in _records(message)])
        last = nouns.preview(_message(count))
        writer.commit([e.PutRoom(nouns.Room(
            id=ROOM, kind="plain", name=peer.name, peer=peer.id, created=FIRST_AT, read_upto=count, last=last,
        ))])  # fmt: skip
        while writer.index(BATCH):
            pass
    finally:
        writer.close()


def _message(number: int) -> nouns.Message:
    at = FIRST_AT + PACE_MS * number
    return nouns.Message(
        id=number, room=ROOM, order=order_text(at << COUNTER_BITS), at=at, direction="in", author=ROOM, name="bela",
        text=text_of(number),
    )  # fmt: skip


def _records(message: nouns.Message) -> list[e.Record]:
    event = ev.Event(
        v=bounds.VERSION, log="", seq=message.id, at=message.at, type="MessageReceived", room=message.room,
        data=ev.MessageReceived(message=message),
    )  # fmt: skip
    return [e.AddMessage(message, message.at << COUNTER_BITS), e.Log(event, message.id)]


def say(node: tuple[str, int], text: str) -> None:
    """The other side says something more to the node that listens there, as plain clients do: a connection each."""
    with socket.create_connection(node, source_address=(PEER_HOST, 0)) as sock:
        sock.sendall(f"{PEER_HOST}:{PEER_PORT} bela {text}".encode())
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)
