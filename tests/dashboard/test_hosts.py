from __future__ import annotations

import pytest

from dashboard.hosts import Hosts, Kind, hosts_of, is_loopback

NAME = "snicher-abcdefghijklmnop.localhost"


@pytest.mark.parametrize(("host", "kind"), [
    (f"{NAME}:8501", Kind.NAME),
    ("127.0.0.1:8501", Kind.SPARE),
    ("localhost:8501", Kind.SPARE),
    ("[::1]:8501", Kind.SPARE),
    ("chat.example", Kind.DIRECT),
    ("chat.example:8443", Kind.DIRECT),
    (NAME, None),
    (f"{NAME}:8502", None),
    (f"x.{NAME}:8501", None),
    ("snicher-abcdefghijklmnox.localhost:8501", None),
    ("127.0.0.1", None),
    ("127.1:8501", None),
    ("192.168.1.20:8501", None),
    ("evil.example:8501", None),
    ("chat.example.evil.example", None),
    ("chat.example@evil.example", None),
    ("chat.example:99999999", None),
    ("", None),
])  # fmt: skip
def test_what_a_host_is_to_a_dashboard_that_listens_as_usual(host: str, kind: Kind | None) -> None:
    assert hosts_of("127.0.0.1", 8501, NAME, ["chat.example"]).kind(host, "127.0.0.1") is kind


@pytest.mark.parametrize(("address", "host"), [
    ("127.0.0.50", "127.0.0.50"), ("::1", "[::1]"), ("192.168.1.20", "192.168.1.20"), ("fd00::1", "[fd00::1]"),
])  # fmt: skip
def test_an_address_that_was_chosen_is_served_directly_and_nothing_else(address: str, host: str) -> None:
    hosts = Hosts(address, 8501, NAME)
    assert hosts.home == f"{host}:8501" and hosts.spare is None
    assert hosts.kind(f"{host}:8501", address) is Kind.DIRECT
    for other in (f"{NAME}:8501", "127.0.0.1:8501", f"{host}:8502", "localhost:8501"):
        assert hosts.kind(other, address) is None


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_listening_everywhere_takes_the_address_that_the_connection_came_in_at(address: str) -> None:
    hosts = Hosts(address, 8501, NAME)
    assert hosts.home == "127.0.0.1:8501"
    assert hosts.kind("192.168.1.20:8501", "192.168.1.20") is Kind.DIRECT
    assert hosts.kind("192.168.1.20:8501", "::ffff:192.168.1.20") is Kind.DIRECT
    assert hosts.kind("[fd00::1]:8501", "fd00::1") is Kind.DIRECT
    assert hosts.kind("localhost:8501", "127.0.0.1") is Kind.DIRECT
    for host in ("10.0.0.1:8501", "evil.example:8501", f"{NAME}:8501"):
        assert hosts.kind(host, "192.168.1.20") is None
    assert hosts.kind("192.168.1.20:8501", None) is None


def test_what_only_this_machine_reaches() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.20", "example.org")))
