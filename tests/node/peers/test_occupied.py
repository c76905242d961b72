"""Who has a port: found in what Linux tells of sockets and processes."""

from __future__ import annotations

import os
import pathlib
import socket

import pytest

from node.model import Address
from node.peers import occupied
from node.store import home as homes
from tests.support.processes import loopback_host

pytestmark = pytest.mark.skipif(not pathlib.Path("/proc/net/tcp").exists(), reason="only Linux tells")


def test_a_node_that_listens_is_found_with_its_home(tmp_path: pathlib.Path) -> None:
    """This process is one: it has a home and listens."""
    lock = homes.claim(tmp_path)
    host, other = loopback_host(), loopback_host()
    with socket.create_server((host, 0)) as listening:
        port = listening.getsockname()[1]
        found = (os.getpid(), tmp_path)
        assert occupied.node_on(Address(host, port)) == found
        assert occupied.node_on(Address("0.0.0.0", port)) == found
        assert occupied.node_on(Address(other, port)) is None, "it is not in the way there"
    assert occupied.node_on(Address(host, port)) is None
    lock.release()


def test_ipv6_is_told_apart_as_well(tmp_path: pathlib.Path) -> None:
    lock = homes.claim(tmp_path)
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        port = listening.getsockname()[1]
        assert occupied.node_on(Address("::1", port)) == (os.getpid(), tmp_path)
        assert occupied.node_on(Address("::2", port)) is None
    lock.release()


def test_another_program_is_no_node() -> None:
    with socket.create_server((loopback_host(), 0)) as listening:
        assert occupied.node_on(Address(*listening.getsockname())) is None


def test_where_the_system_does_not_tell_nothing_is_said(tmp_path: pathlib.Path) -> None:
    assert occupied.node_on(Address("127.0.0.1", 5000), tmp_path) is None
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("nonsense\n1 2\n" + "x " * 20)
    assert occupied.node_on(Address("127.0.0.1", 5000), tmp_path) is None
