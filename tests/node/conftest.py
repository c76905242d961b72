"""For the tests of the command line: a verb run against a client that answers as told."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from node.terminal import console
from tests.support.fake_client import FakeClient


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Callable[..., FakeClient]:
    def run(words: list[str], *answers: Any, code: int = 0, home: pathlib.Path = tmp_path) -> FakeClient:
        client = FakeClient(list(answers), home)
        monkeypatch.setattr(console, "Client", lambda *_, **__: client)
        assert console.main(words) == code
        return client

    return run
