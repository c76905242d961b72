from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

import pytest

from dashboard import listening
from node.errors import ListenError


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


with_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")


@pytest.fixture
def closing() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def names(sockets: list[socket.socket]) -> list[tuple[str, int]]:
    return [one.getsockname()[:2] for one in sockets]


@with_ipv6
def test_by_default_both_loopback_addresses_are_taken_with_one_port(closing: contextlib.ExitStack) -> None:
    taken = listening.listen("127.0.0.1", 0)
    for one in taken:
        closing.enter_context(one)
    (first, port), second = names(taken)
    assert first == "127.0.0.1" and second == ("::1", port) and port > 0


@with_ipv6
@pytest.mark.parametrize(("address", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", r"\[::1\]")])
def test_if_one_of_them_is_taken_it_does_not_start_and_says_which(
    address: str, shown: str, closing: contextlib.ExitStack
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    other = closing.enter_context(socket.create_server((address, 0), family=family))
    port = other.getsockname()[1]
    with pytest.raises(ListenError, match=f"Port {port} on {shown} is taken by another program"):
        listening.listen("127.0.0.1", port)
    free = "127.0.0.1" if address == "::1" else "::1"
    for one in [listening._bound(free, port)]:
        closing.enter_context(one)


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_where_there_is_no_ipv6_it_listens_on_ipv4_alone(
    number: int, monkeypatch: pytest.MonkeyPatch, closing: contextlib.ExitStack
) -> None:
    bind = socket.socket.bind

    def refusing(self: socket.socket, address: tuple[str, int]) -> None:
        if address[0] == "::1":
            raise OSError(number, "no IPv6")
        bind(self, address)

    monkeypatch.setattr(socket.socket, "bind", refusing)
    (only,) = listening.listen("127.0.0.1", 0)
    closing.enter_context(only)
    assert only.getsockname()[0] == "127.0.0.1"


@with_ipv6
def test_a_free_port_is_looked_for_until_it_is_free_in_both(
    monkeypatch: pytest.MonkeyPatch, closing: contextlib.ExitStack
) -> None:
    bind, refused = socket.socket.bind, [2]

    def refusing(self: socket.socket, address: tuple[str, int]) -> None:
        if address[0] == "::1" and refused[0]:
            refused[0] -= 1
            raise OSError(errno.EADDRINUSE, "taken")
        bind(self, address)

    monkeypatch.setattr(socket.socket, "bind", refusing)
    taken = listening.listen("127.0.0.1", 0)
    for one in taken:
        closing.enter_context(one)
    assert len(taken) == 2 and refused == [0]
    refused[0] = 1000
    with pytest.raises(ListenError, match=r"\[::1\]"):
        listening.listen("127.0.0.1", 0)


def test_another_address_is_taken_alone(closing: contextlib.ExitStack) -> None:
    (only,) = listening.listen("127.0.0.50", 0)
    closing.enter_context(only)
    assert only.getsockname()[0] == "127.0.0.50"


def test_an_address_that_is_not_ours_is_told_in_words() -> None:
    with pytest.raises(ListenError, match=r"Port 80 on 198\.51\.100\.1 can't be used"):
        listening.listen("198.51.100.1", 80)


@with_ipv6
def test_everywhere_means_both_families(closing: contextlib.ExitStack) -> None:
    (only,) = listening.listen("::", 0)
    closing.enter_context(only)
    port = only.getsockname()[1]
    for host in ("127.0.0.1", "::1"):
        socket.create_connection((host, port), 10).close()
