"""The real application in this process, with a fake node behind it: one for all tests, Streamlit allows no second."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from dashboard import app, feed
from node.bus import client
from tests.support.fake_node import PATIENCE, FakeNode

PORT = 8501


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is there is asked once and waited for: when this process stands still, so do both sides."""
    monkeypatch.setattr(client, "ATTEMPT_S", PATIENCE)
    monkeypatch.setattr(feed, "ASK_TIMEOUT_S", PATIENCE)
    monkeypatch.setattr(feed, "FOLLOW_TIMEOUT_S", PATIENCE)


class Served:
    """The application, its node, and a client that was let in."""

    def __init__(self, node: FakeNode, client: TestClient, token: str) -> None:
        self.node = node
        self.client = client
        self.token = token
        self.cookie = {"cookie": f"snicher-{PORT}={token}", "origin": f"http://127.0.0.1:{PORT}"}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home: pathlib.Path = tmp_path_factory.mktemp("home")
    with FakeNode(home) as node:
        application, token = app.build(home, PORT)
        with TestClient(application, base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False) as client:
            yield Served(node, client, token)
