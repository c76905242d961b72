"""What the tests of the bus share: a fake node, and a bus that is quick."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from node.bus import client as clients
from node.bus import following
from node.bus import messages as m
from node.bus.client import Client
from tests.support.bus_fakes import PATIENCE, FakeBus


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats and attempts in a fraction of their time, so that what is lost shows soon.

    Not so silence: a machine that has too much to do is silent, too, and nobody is away.
    """
    monkeypatch.setattr(m, "HEARTBEAT_MS", 100)
    monkeypatch.setattr(clients, "ATTEMPT_S", 0.3)
    monkeypatch.setattr(following, "RECONNECT_S", (0.02, 0.1))
    monkeypatch.setattr(following, "DOUBT_S", PATIENCE)


@pytest.fixture
def doubting(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that falls silent is away after a while: for tests in which it does."""
    monkeypatch.setattr(following, "DOUBT_S", 1.5)


@pytest.fixture
def bus(tmp_path: pathlib.Path, quick: None) -> Iterator[FakeBus]:
    with FakeBus(tmp_path) as bus:
        yield bus


@pytest.fixture
def client(bus: FakeBus) -> Iterator[Client]:
    with Client(bus.home, name="tester", timeout=PATIENCE) as client:
        yield client
