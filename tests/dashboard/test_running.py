"""Which dashboards of a home run: known by files that their processes hold locked, and ended by a command."""

from __future__ import annotations

import os
import pathlib
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dashboard import running
from tests.support.processes import ROOT

#: A process that holds a mark as a dashboard does: it ends on SIGTERM, or takes no notice of it.
HOLDS = """
import pathlib, signal, sys
from dashboard import running
mark = running.mark(pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
if sys.argv[4] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
"""


class Holders:
    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._made: list[subprocess.Popen[str]] = []

    def start(self, port: int, address: str = "127.0.0.1", how: str = "obedient") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDS, str(self._home), str(port), address, how],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._made.append(process)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        return process

    def close(self) -> None:
        for process in self._made:
            process.kill()
            process.communicate()


@pytest.fixture
def holders(tmp_path: pathlib.Path) -> Iterator[Holders]:
    made = Holders(tmp_path)
    yield made
    made.close()


def test_a_dashboard_that_runs_is_found_and_one_that_has_ended_is_not(tmp_path: pathlib.Path) -> None:
    assert running.running(tmp_path / "missing") == []
    mark = running.mark(tmp_path, 8501, "127.0.0.1")
    (path,) = tmp_path.iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("dashboard-8501.json", 0o600)
    assert running.running(tmp_path) == [running.Instance(os.getpid(), 8501, "127.0.0.1")]
    mark.remove()
    assert list(tmp_path.iterdir()) == []
    assert running.running(tmp_path) == []


def test_a_process_id_alone_is_no_dashboard(tmp_path: pathlib.Path) -> None:
    """One that was killed leaves its file, and its process id may be somebody else's by now."""
    left = tmp_path / "dashboard-8501.json"
    left.write_text(f'{{"pid": {os.getpid()}, "port": 8501, "address": "127.0.0.1"}}')
    assert running.who_has(tmp_path, 8501, "127.0.0.1") is None
    assert running.stop(tmp_path)[0] == running.NOBODY
    for nonsense in (b"", b"\xff\xfe", b"{}", b"[" * 5_000):
        left.write_bytes(nonsense)
        assert running.running(tmp_path) == []
    mark = running.mark(tmp_path, 8501, "127.0.0.1")
    assert [one.pid for one in running.running(tmp_path)] == [os.getpid()]
    mark.remove()


def test_who_is_named_holds_the_file_itself(tmp_path: pathlib.Path, holders: Holders) -> None:
    """A file whose holder says somebody else's process id: nobody is ended for it."""
    holders.start(8501)
    path = tmp_path / "dashboard-8501.json"
    path.write_text(f'{{"pid": {os.getppid()}, "port": 8501, "address": "127.0.0.1"}}')
    (one,) = running.running(tmp_path)
    assert one.pid == 0
    code, (said,) = running.stop(tmp_path)
    assert code == running.REFUSED and "end it where it was started" in said


def test_a_port_is_ones_own_dashboards_only_where_that_listens(tmp_path: pathlib.Path, holders: Holders) -> None:
    first = holders.start(8501)
    everywhere = holders.start(8502, "0.0.0.0")
    second = holders.start(8501, "127.0.0.2")

    def pid(port: int, address: str) -> int | None:
        found = running.who_has(tmp_path, port, address)
        return None if found is None else found.pid

    assert pid(8501, "127.0.0.1") == first.pid
    assert pid(8501, "127.0.0.2") == second.pid
    assert pid(8501, "127.0.0.3") is None
    assert pid(8501, "0.0.0.0") in (first.pid, second.pid)
    assert pid(8502, "127.0.0.1") == everywhere.pid
    assert pid(8503, "127.0.0.1") is None
    found = running.who_has(tmp_path, 8501, "127.0.0.1")
    assert found is not None
    said = running.taken_by(tmp_path, found)
    assert f"(pid {first.pid})" in said
    assert f"python -m dashboard.app --stop --port 8501 --home {tmp_path}" in said


def test_one_is_ended_or_all_are(tmp_path: pathlib.Path, holders: Holders) -> None:
    first, second, third = holders.start(8501), holders.start(8502), holders.start(8503)
    assert running.stop(tmp_path, 9) == (
        running.NOBODY,
        [f"No dashboard on port 9 of the home {tmp_path} is running."],
    )
    code, said = running.stop(tmp_path, 8502)
    assert (code, said) == (0, [f"The dashboard on 127.0.0.1 port 8502 (pid {second.pid}) has ended."])
    assert second.wait(10) == -signal.SIGTERM
    assert first.poll() is None and third.poll() is None
    code, said = running.stop(tmp_path)
    assert code == 0 and len(said) == 2
    assert first.wait(10) == third.wait(10) == -signal.SIGTERM


def test_one_that_does_not_end_is_said_with_what_does_it(tmp_path: pathlib.Path, holders: Holders) -> None:
    deaf = holders.start(8501, how="deaf")
    code, (said,) = running.stop(tmp_path, within=0.2)
    assert code == running.REFUSED
    assert said.endswith(f"By force: kill -9 {deaf.pid}")


def test_what_has_replaced_a_mark_stays(tmp_path: pathlib.Path) -> None:
    mark = running.mark(tmp_path, 8501, "127.0.0.1")
    path = tmp_path / "dashboard-8501.json"
    path.unlink()
    path.write_text("somebody else's")
    mark.remove()
    assert path.read_text() == "somebody else's"
