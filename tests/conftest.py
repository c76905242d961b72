"""For all tests: no node that they start, however they do it, greets a mandatory peer; and long files go first."""

from __future__ import annotations

import os

import pytest

os.environ["SNICHER_MANDATORY"] = ""

#: Files that take minutes, by the longest: begun last, one of them would be all that still runs at the end.
LONG = ("test_dashboard_views.py", "test_command_line.py", "test_dashboard.py", "test_dashboard_long.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; else in their order."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
