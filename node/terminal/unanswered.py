"""A node that runs on a home but doesn't answer on its bus: how to explain it, and how to end it by a signal.

The lock of the home tells whether a node runs, and its pid. Law of this file: no bus; it reads a lock and sends a
signal.
"""

from __future__ import annotations

import os
import pathlib
import shlex
import time

from node.bus import locks
from node.errors import BusError, NodeAway

#: How long a node may take to end after a signal, in seconds: its good-byes and last commits take time.
END_S = 20.0
#: How often the wait checks whether it has ended, in seconds.
LOOK_S = 0.05


def explained(home: pathlib.Path, error: BusError) -> BusError:
    """The error of a front end that got no answer, with what is known of a node that runs all the same."""
    pid = holder(home)
    if pid is None:
        return error
    who = f"pid {pid}" if pid else "its process can't be seen from here"
    return NodeAway(
        f"A node runs on {home} ({who}), but its bus doesn't answer. It makes its sockets anew within seconds when they"
        f" were removed: try again. To end it all the same: python -m node stop --home {shlex.quote(str(home))}"
    )


def stop(home: pathlib.Path, error: BusError, within: float = END_S) -> int:
    """End the node on this home, which didn't answer, by a signal; wait until it has ended, and return its pid.

    Raises `error` when no node runs there, NodeAway with what to do when it can't be ended.
    """
    pid = holder(home)
    if pid is None:
        raise error
    if not pid:
        raise NodeAway(
            f"A node runs on {home}, but its bus doesn't answer, and its process can't be seen from here: it is another"
            f" user's, or runs in a container. End it where it was started{_by_name(home)}."
        )
    if not locks.can_end():
        raise NodeAway(
            f"A node runs on {home}, but its bus doesn't answer, and Windows lets no other program end it gracefully."
            " Press Ctrl+C in its window; by force: the Task Manager."
        )
    try:
        locks.ask_to_end(pid)
    except PermissionError:
        raise NodeAway(
            f"The node on {home} (pid {pid}) belongs to another user, who can end it with: kill {pid}"
        ) from None
    until = time.monotonic() + within
    while holder(home) == pid:
        if time.monotonic() > until:
            raise NodeAway(
                f"The node on {home} (pid {pid}) was asked to end by a signal, and didn't within {within:g} s. Nothing"
                f" that was acknowledged is lost when it is ended by force: kill -9 {pid}"
            )
        time.sleep(LOOK_S)
    return pid


def holder(home: pathlib.Path) -> int | None:
    """The pid of the node that runs on a home; 0: it can't be seen. None: none runs."""
    return locks.holder(home / locks.NODE_LOCK, locks.pid_in)


def _by_name(home: pathlib.Path) -> str:
    return "" if os.name == "nt" else f" (there, `fuser {shlex.quote(str(home / locks.NODE_LOCK))}` names it)"
