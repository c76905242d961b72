"""Patience with commands that the node refuses for a moment only: a host name is being looked up, the disk is busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from node.errors import CommandRefused

#: How long a command is retried that the node refuses as retryable, in seconds.
PATIENCE = 5.0


def patiently(command: Callable[[], Any]) -> Any:
    """Run a command, and retry it for a while as long as the node refuses it as retryable. Raises BusError."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return command()
        except CommandRefused as refused:
            if not refused.retryable or refused.code == "stopping" or time.monotonic() > until:
                raise
            time.sleep(0.1)
