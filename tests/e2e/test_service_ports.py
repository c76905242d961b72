"""A peer that claims another service's port: nothing is said there, and what a person sends there is one line."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import tempfile

import pytest

from node.errors import CommandRefused
from tests.support.processes import NodeProcess, eventually, loopback_host

#: Redis: nobody on this machine listens there on a loopback address of ours.
PORT = 6379


def test_a_bot_can_t_be_made_to_talk_to_a_service() -> None:
    here = loopback_host()
    with (
        tempfile.TemporaryDirectory(prefix="sn-") as folder,
        contextlib.closing(socket.create_server((here, PORT))) as service,
        NodeProcess(pathlib.Path(folder), listen=f"{loopback_host()}:0") as node,
    ):
        node.start()
        host, _, port = node.client.status().self.listen.rpartition(":")
        with socket.create_connection((host, int(port)), source_address=(here, 0)) as attacker:
            attacker.sendall(f"9.9.9.9:{PORT} m !echo x\r\nMAIL FROM:<a@b>".encode())
        (peer,) = eventually(lambda: node.client.peers().peers, "the peer is known")
        assert (peer.host, peer.port, peer.standing) == (here, PORT, "stranger")
        with pytest.raises(CommandRefused) as refused:
            node.client.send(peer.room, "x\r\nMAIL FROM:<a@b>")
        assert refused.value.code == "service_port"
        service.settimeout(0.3)
        with pytest.raises(TimeoutError):
            service.accept()
        # A person may mean it; but a text stays one line, and says so.
        node.client.connect(f"{here}:{PORT}", "std")
        message = node.client.send(peer.room, "x\r\nMAIL FROM:<a@b>\u2028RCPT")
        service.settimeout(10)
        said = b""
        while b"RCPT" not in said:
            one, _ = service.accept()
            with one:
                while data := one.recv(1024):
                    said += data
        assert said.endswith(b"x / MAIL FROM:<a@b> / RCPT")
        assert not any(mark in said for mark in (b"\r", b"\n", "\u2028".encode()))
        (kept,) = [
            one
            for one in eventually(lambda: node.client.history(peer.room).messages, "history")
            if one.id == message.id
        ]
        eventually(lambda: "altered" in node.client.history(peer.room).messages[-1].marks, "the mark")
        assert kept.text == "x\r\nMAIL FROM:<a@b>\u2028RCPT"
