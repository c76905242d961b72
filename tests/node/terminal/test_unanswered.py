"""A node that runs but doesn't answer: it is named, and ended by a signal, and nobody else is."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from node.bus import locks
from node.errors import NodeAway
from node.store import home as homes
from node.terminal import unanswered
from tests.support.processes import PATIENCE, ROOT

AWAY = NodeAway("No node is running on it.")
HOLDS = """
import pathlib, signal, sys
from node.store import home as homes
lock = homes.claim(pathlib.Path(sys.argv[1]))
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
"""


@contextmanager
def held(home: pathlib.Path, how: str = "obedient") -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(home), how], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_where_no_node_runs_the_error_stays_as_it_is(tmp_path: pathlib.Path) -> None:
    assert unanswered.explained(tmp_path, AWAY) is AWAY
    with pytest.raises(NodeAway) as caught:
        unanswered.stop(tmp_path, AWAY)
    assert caught.value is AWAY
    (tmp_path / locks.NODE_LOCK).write_text(str(os.getpid()))
    assert unanswered.explained(tmp_path, AWAY) is AWAY, "a process id alone is no node"


def test_a_node_that_runs_is_named_and_ended(tmp_path: pathlib.Path) -> None:
    with held(tmp_path) as process:
        said = str(unanswered.explained(tmp_path, AWAY))
        assert f"A node runs on {tmp_path} (pid {process.pid}), but its bus doesn't answer." in said
        assert f"python -m node stop --home {tmp_path}" in said
        assert unanswered.stop(tmp_path, AWAY) == process.pid
        assert process.wait(PATIENCE) == -signal.SIGTERM


def test_one_that_does_not_end_is_said_with_what_does_it(tmp_path: pathlib.Path) -> None:
    with held(tmp_path, "deaf") as process:
        with pytest.raises(NodeAway, match=f"didn't within 0.2 s.* kill -9 {process.pid}$"):
            unanswered.stop(tmp_path, AWAY, within=0.2)
        assert process.poll() is None


def test_a_process_that_does_not_hold_the_lock_is_never_ended(tmp_path: pathlib.Path) -> None:
    lock = homes.claim(tmp_path)
    with subprocess.Popen(["sleep", "600"]) as stranger:
        (tmp_path / locks.NODE_LOCK).write_text(str(stranger.pid))
        with pytest.raises(NodeAway, match="End it where it was started"):
            unanswered.stop(tmp_path, AWAY)
        assert stranger.poll() is None
        stranger.kill()
    lock.release()


def test_windows_says_what_to_do_instead(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = homes.claim(tmp_path)
    monkeypatch.setattr(locks, "can_end", lambda: False)
    with pytest.raises(NodeAway, match=r"Press Ctrl\+C in its window"):
        unanswered.stop(tmp_path, AWAY)
    lock.release()
