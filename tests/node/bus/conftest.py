"""What the tests of the bus share: a fake node, and a bus that is quick."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Iterator

import pytest

from node.bus import bounds, following
from node.bus import client as clients
from node.bus.client import Client
from node.bus.sockets import CommandSocket
from tests.support.bus_fakes import PATIENCE, FakeBus


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats and attempts in a fraction of their time, so that what is lost shows soon.

    Not so silence: a machine that has too much to do is silent, too, and nobody is away.
    """
    monkeypatch.setattr(bounds, "HEARTBEAT_MS", 100)
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


@pytest.fixture
def lost(bus: FakeBus, monkeypatch: pytest.MonkeyPatch) -> list[threading.Event]:
    """Two answers that are kept back until their asker has given up; those that still are."""
    lost = [threading.Event(), threading.Event()]
    bus.held = list(lost)
    drop = CommandSocket.drop

    def dropped(self: CommandSocket) -> None:
        given_up = self.socket is not None
        drop(self)
        # An answer is given once nobody waits for it any more.
        if given_up and bus.effects and lost:
            lost.pop(0).set()

    monkeypatch.setattr(CommandSocket, "drop", dropped)
    return lost
