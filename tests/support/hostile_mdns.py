"""Somebody on the network who says bad things by mDNS: `python -m tests.support.hostile_mdns HOST COUNT SEED`.

Says COUNT packets of each kind: garbage, honest answers with changed bytes, and made-up services with addresses of
others. Runs in a network namespace only: it multicasts.
"""

from __future__ import annotations

import random
import socket
import sys
import time

import zeroconf
from zeroconf._protocol.outgoing import DNSOutgoing
from zeroconf.const import _FLAGS_AA, _FLAGS_QR_RESPONSE

from node.protocol import nearby

GROUP = ("224.0.0.251", 5353)
HOSTS = ("8.8.8.8", "10.1.0.1", "10.1.0.2", "10.1.0.77", "127.0.0.1", "224.0.0.251", "255.255.255.255", "0.0.0.0")


def answer(dice: random.Random, number: int) -> bytes:
    """A whole answer with a made-up service."""
    name = f"{number:016x}" if dice.random() < 0.9 else dice.choice(("anna", "x" * 63, "\u202ex", "a.b", "0" * 15))
    record = nearby.txt("a" * 52, number)
    if dice.random() < 0.2:
        record = {dice.randbytes(2): dice.randbytes(20), b"v": dice.choice((b"1", b"", b"9"))}
    port = dice.choice((5000, 5000, 5000, 25, 0, 65535))
    hosts = [dice.choice((*HOSTS, f"10.1.0.{dice.randrange(3, 255)}")) for _ in range(dice.choice((1, 1, 2, 40)))]
    info = zeroconf.ServiceInfo(
        nearby.SERVICE, f"{name}.{nearby.SERVICE}", port=port, properties=dict(record), parsed_addresses=hosts,
        server=f"{name}.local.",
    )  # fmt: skip
    out = DNSOutgoing(_FLAGS_QR_RESPONSE | _FLAGS_AA)
    ttl = dice.choice((120, 4500, 0, 1, 2**31 - 1))
    out.add_answer_at_time(info.dns_pointer(override_ttl=ttl), 0)
    if dice.random() < 0.9:
        out.add_answer_at_time(info.dns_service(override_ttl=ttl), 0)
        out.add_answer_at_time(info.dns_text(override_ttl=ttl), 0)
    for one in info.dns_addresses(override_ttl=ttl):
        out.add_answer_at_time(one, 0)
    return bytes(out.packets()[0])


def spoilt(dice: random.Random, packet: bytes) -> bytes:
    """A packet with some bytes changed, cut or doubled."""
    data = bytearray(packet)
    for _ in range(dice.choice((1, 2, 8, 40))):
        at = dice.randrange(len(data))
        data[at] = dice.choice((0, 0xC0, 0xFF, dice.randrange(256)))
    return bytes(data[: dice.randrange(1, len(data) + 1)]) if dice.random() < 0.4 else bytes(data)


def main(host: str, count: int, seed: int) -> None:
    """Say all of it, at some 5,000 packets a second."""
    dice = random.Random(seed)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        sock.bind((host, 5353))
        for number in range(count):
            whole = answer(dice, number)
            for packet in (dice.randbytes(dice.choice((0, 1, 11, 12, 13, 200, 1400))), spoilt(dice, whole), whole):
                sock.sendto(packet, GROUP)
            time.sleep(0.0006)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
