"""For all tests: no node that they start, however they do it, reaches out of this machine; long files go first.

And property tests try the same inputs each time, however long that takes.
"""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

# Nobody is greeted, and nothing is said by mDNS.
os.environ["SNICHER_MANDATORY"] = ""
os.environ["SNICHER_DISCOVERY"] = "off"
if os.name != "nt" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Under nohup, nodes that tests start would ignore a closed terminal as well. What is handled isn't passed on.
    signal.signal(signal.SIGHUP, lambda *_: None)

# By itself, one that takes 0.2 s for an input has failed: on a machine that stands still now and then, any does.
hypothesis.settings.register_profile("patient", deadline=None, derandomize=True)
hypothesis.settings.load_profile("patient")

#: Files that take minutes, by the longest: begun last, one of them would be all that still runs at the end.
LONG = (
    "test_dashboard_views.py",
    "test_command_line.py",
    "test_dashboard.py",
    "test_dashboard_long.py",
    "test_loss.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; else in their order."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
