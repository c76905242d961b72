"""Workers that talk plainly to a port, and workers that subscribe: the two ends of most figures.

Each says "up" when it stands, senders wait for a word before they begin, and moments are time.monotonic(), which all
processes of a machine share.
"""

from __future__ import annotations

import itertools
import os
import pathlib
import socket
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import zmq

from node.bus import events as ev
from node.bus import nouns
from node.bus.client import Client, Follower

#: 100 bytes, as the bare pipeline's own.
LINE = b"anna: " + b"x" * 93 + b"\n"
#: The same as the ancestor says it, and as std clients do.
TEXT = LINE[:-1]
ONE_SHOT = b"127.0.0.1:7000 anna " + b"x" * 80
#: What the ancestor says first, alone in its segment: that takes a pause.
CONNECT = b"CONNECT:7000"
CONNECT_PAUSE_S = 0.2
#: Lines in one write of those who send as fast as they can.
BLOCK = 500
#: Nothing more comes after so long without a message, in seconds.
SILENCE_S = 5.0
#: The first message may take so long, in seconds: the sender has to start.
FIRST_S = 60.0
#: A follower hides heartbeats; after so long its subscription stands, in seconds.
SETTLE_S = 1.2


def say(line: Connection, host: str, port: int, text: bytes, count: int, block: int, announce: bytes = CONNECT) -> None:
    """Over one connection, `text` `count` times, `block` of them a write, as fast as it is taken.

    Says when it began, and when the last was written.
    """
    with socket.create_connection((host, port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if announce:
            sock.sendall(announce)
            time.sleep(CONNECT_PAUSE_S)
        line.send("up")
        line.recv()
        line.send(time.monotonic())
        for _ in range(count // block):
            sock.sendall(text * block)
        line.send(time.monotonic())
        # The connection stays: its end is news for everybody.
        line.recv()


def say_one_shot(line: Connection, host: str, port: int, senders: int, count: int) -> None:
    """One connection a message, from several addresses at once, each waiting until its message was taken.

    The addresses are this process's own. A closed connection keeps its port for a minute, and with most ports of an
    address taken, the system takes milliseconds to find a free one: 12,000 connections a second become 400.
    """
    pid = os.getpid()

    def one_after_the_other(source: str) -> None:
        for _ in range(count // senders):
            with socket.create_connection((host, port), source_address=(source, 0)) as sock:
                sock.sendall(ONE_SHOT)
                sock.shutdown(socket.SHUT_WR)
                sock.recv(1)

    threads = [
        threading.Thread(target=one_after_the_other, args=(f"127.{64 + pid // 256 % 128}.{pid % 256}.{number}",))
        for number in range(1, senders + 1)
    ]
    line.send("up")
    line.recv()
    line.send(time.monotonic())
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    line.recv()


def say_paced(line: Connection, host: str, port: int, per_s: float, count: int, per_write: int = 1) -> None:
    """Lines at a steady pace, each with the moment it was written in nanoseconds since 1970: `t=...;`."""
    with socket.create_connection((host, port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(CONNECT)
        time.sleep(CONNECT_PAUSE_S)
        line.send("up")
        line.recv()
        start = time.monotonic()
        for number in itertools.count(1):
            sock.sendall(b"anna: t=%d; xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n" % time.time_ns() * per_write)
            if number * per_write >= count or line.poll():
                break
            time.sleep(max(0.0, start + number * per_write / per_s - time.monotonic()))
        line.send("done")
        line.recv()


def count_raw(
    line: Connection,
    endpoint: str,
    topic: bytes,
    count: int,
    *,
    sleeps: bool = False,
    mark: int = 0,
    silence_s: float = SILENCE_S,
) -> None:
    """A raw SUB: says (how many of `count` came, when the last did). One that `sleeps` reads nothing before a word.

    `mark` is its high-water mark; 0 means none.
    """
    sub: zmq.Socket[bytes] = zmq.Context().socket(zmq.SUB)
    sub.setsockopt(zmq.RCVHWM, mark)
    sub.connect(endpoint)
    sub.subscribe(b"")
    # Node and pipeline publish a sign of life now and then: the first one shows that the subscription stands.
    sub.recv_multipart()
    line.send("up")
    if sleeps:
        line.recv()
    sub.setsockopt(zmq.RCVTIMEO, int(1000 * silence_s))
    seen, quiet, last, patience = 0, False, 0.0, FIRST_S
    while seen < count:
        try:
            said = sub.recv_multipart()[0] == topic
        except zmq.Again:
            said = False
        if said:
            seen += 1
            quiet = False
        elif not quiet:
            # Looking at the clock for every message would cost more than receiving it.
            last, patience, quiet = time.monotonic(), silence_s if seen else FIRST_S, True
        elif time.monotonic() - last > patience:
            break
    line.send((seen, time.monotonic()))


def received(follower: Follower) -> Iterator[nouns.Message]:
    """The messages that come in, until it is silent."""
    patience = FIRST_S
    while (item := follower.next(patience)) is not None:
        if isinstance(item, ev.Event) and isinstance(item.data, ev.MessageReceived):
            patience = SILENCE_S
            yield item.data.message


def settled_follower(client: Client) -> Follower:
    """A follower whose subscription stands, and who saw everything so far."""
    follower = client.follow()
    until = time.monotonic() + SETTLE_S
    while (left := until - time.monotonic()) > 0:
        follower.next(left)
    return follower


def count_followed(line: Connection, home: pathlib.Path, count: int, *, sleeps: bool = False) -> None:
    """The node's own subscriber: says (how many of `count` came, when the last did). `sleeps` as above."""
    follower = settled_follower(Client(home))
    line.send("up")
    if sleeps:
        line.recv()
    seen = sum(1 for _ in itertools.islice(received(follower), count))
    line.send((seen, time.monotonic()))
