"""Fixtures of the tests with real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.processes import NodeProcess, Nodes


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """Makes nodes, and ends them."""
    made = Nodes()
    yield made
    made.close()


@pytest.fixture(scope="module")
def anna() -> Iterator[NodeProcess]:
    """One node for all tests of a module that leave it running."""
    made = Nodes()
    yield made.start("anna")
    made.close()
