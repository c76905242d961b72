"""The real application in this process, with a fake node behind it: one for all tests, Streamlit allows no second."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from dashboard import app, door, feed
from node.bus import aio, client
from tests.support.fake_node import PATIENCE, FakeNode

PORT = 8501


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is there is asked once and waited for: when this process stands still, so do both sides."""
    for module in (aio, client):
        monkeypatch.setattr(module, "ATTEMPT_S", PATIENCE)
    monkeypatch.setattr(feed, "ASK_TIMEOUT_S", PATIENCE)
    monkeypatch.setattr(feed, "FOLLOW_TIMEOUT_S", PATIENCE)


class Served:
    """The application, its node, and a client that was let in."""

    def __init__(self, node: FakeNode, client: TestClient, entrance: door.Door) -> None:
        self.node = node
        self.client = client
        self.door = entrance
        self.cookie, self.word = self.another()

    @property
    def live(self) -> str:
        """Where the live connection is."""
        return f"ws://{self.door.hosts.home}/live"

    def another(self) -> tuple[dict[str, str], str]:
        """The headers of one more browser that was let in, and its pass."""
        host = self.door.hosts.home
        cookie, word = self.door.sessions.begin(host)
        return {"cookie": f"snicher-{PORT}={cookie}", "origin": f"http://{host}"}, word


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home: pathlib.Path = tmp_path_factory.mktemp("home")
    with FakeNode(home) as node:
        application, entrance = app.build(home, PORT)
        base = f"http://{entrance.hosts.home}"
        with TestClient(application, base_url=base, follow_redirects=False) as client:
            yield Served(node, client, entrance)
