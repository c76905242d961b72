"""Inputs: messages as real clients send them, and a small mutation loop over those."""

from __future__ import annotations

import random
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.protocol.secure import frames
from tests.support.authors import author_of, write_entry

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_AUTHOR = author_of(_KEY)
_HEADER = write_entry(_KEY, "#lobby", b"S" * 16, None, 100, "text", b"body").header_bytes

_FRAMES: tuple[frames.Frame, ...] = (
    frames.Hello([1, 2], b"i" * 16, b"r" * 16, "ben", 6000, 1_767_225_600_000, ["x"]),
    frames.Ping(b"12345678"),
    frames.Pong(b"live\0\0\0\0"),
    frames.Bye(4, "why"),
    frames.Digest([("#lobby", b"d" * 32)]),
    frames.Have("#lobby", [frames.Told(_AUTHOR, b"S" * 16, 1, 9, b"h" * 32)]),
    frames.Want("#lobby", _AUTHOR, b"S" * 16, 0, True),
    frames.Stop("#lobby", _AUTHOR, b"S" * 16),
    frames.Run("#lobby", [_HEADER], [b"body"], b"s" * 64),
    frames.Read("#lobby", [(_AUTHOR, b"S" * 16, 9)]),
    frames.Typing("#lobby", 6),
    frames.Seek([_AUTHOR]),
    frames.Where([(_AUTHOR, [frames.At("127.7.7.8", 5000, 60)])]),
    frames.Presence(1, "at lunch"),
)

SEEDS: tuple[bytes, ...] = (
    b"CONNECT:5000",
    b"CONNECT:5000" + b"\t" * 24 + b"\n",
    b"CONNECT:5000" + b"\t" * 32 + b"\n",
    b"\t" * 16 + b"\n",
    b"CONNECT:0005000 BEN: hello",
    b"BEN: hello\nBEN: and again\nBEN: exit",
    b"Mandatory message: Hello from our peer!",
    b"exit",
    b"10.0.0.9:6000 BEN hello, you",
    b"Unknown:6000 BEN Hello, I am connecting!",
    b"10.0.0.9:6000 BEN connection_request",
    b"10.0.0.9:6000 CONNECT_REQUEST",
    b"10.0.0.9:6000 DISCONNECTED",
    b"10.0.0.9:6000 BEN one\n10.0.0.9:6000 BEN two",
    "10.0.0.9:6000 Grün 日本 😀 größer".encode(),
    b"<10.0.0.9:6000> @ <BEN>\nhello\n<end>",
    b"<10.0.0.9:6000> DISCONNECT",
    b"<10.0.0.9:6000> [2025-03-01 10:00:00] @ <BEN>\nhello\n",
    b"<10.0.0.9:6000> BEN hello",
    b"LISTENING_PORT:6000|TEAM_NAME:BEN|hello | you",
    b"6000\nCONNECT\n10.0.0.9:6000 BEN hello\n10.0.0.9:6000 BEN bye\nexit\n",
    b'{"type": "message", "content": "<10.0.0.7:5000> <BEN> hello", "sender_name": "BEN", "sender_port": 6000}',
    b'{"type": "exit", "content": "", "sender_name": "BEN", "sender_port": "6000"}',
    b"Message received\n",
    b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03",
    b"GET / HTTP/1.1\r\nHost: 10.0.0.7:5000\r\n\r\n",
    b"192.168.1.20:5000",
    b"[fe80::1%eth0]:5000",
    b"[::ffff:10.0.0.1]:65535",
    b"node-1.example.org.:1",
    _HEADER,
    _AUTHOR.encode(),
    *map(frames.encode, _FRAMES),
)
#: Bytes on which readers turn.
TOKENS: tuple[bytes, ...] = (
    b"\n", b"\r\n", b" ", b"\t" * 16, b"\x00", b":", b"|", b"<", b">", b"> @ <", b"<end>", b"{", b'"', b"\\", b"[",
    b"CONNECT:", b"exit", b"BEN: ", b"10.0.0.9:6000 BEN ", b"0", b"99999", b"9" * 13, b"9" * 5000, b"\xff", b"\xc3",
    b"\xf0\x9f\x98", b"\xef\xbb\xbf", b"\\ud800", b"\xe2\x80\xae", b"x" * 1024, b"x" * 70_000, b"[" * 2000,
    b'{"a":' * 2000, b"\x98\xa6", b"\xc4\xff", b"\xcf" + b"\xff" * 8, b"1.2.3.4", b"::1", b"DISCONNECT", b"Unknown",
    b"\xd9\xa1\xd9\xa2", b"\0\0\0\x0c\x92", b"\0\0\0\0", b"\xdd\xff\xff\xff\xff", b"\x91\x63",
)  # fmt: skip
#: Inputs are at most so long.
MAX_INPUT = 200_000


def spoilt(rng: random.Random) -> bytes:
    """A real message after one to six accidents."""
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(data))
        accident = rng.randrange(8)
        if accident == 0 and data:
            data[rng.randrange(len(data))] = rng.randrange(256)
        elif accident == 1:
            data[at:at] = rng.choice(TOKENS)
        elif accident == 2:
            del data[at : at + rng.choice((1, 2, 8, 64))]
        elif accident == 3:
            data[at:at] = rng.randbytes(rng.choice((1, 3, 16)))
        elif accident == 4:
            data += rng.choice(SEEDS)
        elif accident == 5:
            data[at:] = rng.choice(SEEDS)[rng.randint(0, 20) :]
        elif accident == 6:
            piece = data[at : at + rng.randint(1, 40)]
            data[at:at] = piece * rng.choice((1, 2, 50))
        else:
            del data[at:]
    return bytes(data[:MAX_INPUT])


def cuts(data: bytes, rng: random.Random) -> Iterator[bytes]:
    """The data in pieces, as a network may bring them."""
    sizes = rng.choice(((len(data) or 1,), (1, 2, 3), (1, 100, 1024), (7,), (1024, 65_536)))
    if len(data) > 4096:
        sizes = (1024, 65_536)
    start = 0
    while start < len(data):
        size = rng.choice(sizes)
        yield data[start : start + size]
        start += size
