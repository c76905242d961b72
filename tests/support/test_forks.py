"""The forks: each is a process of its own that does what `python -m` does, and the process that forks lives on."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from tests.support import forks
from tests.support.processes import PATIENCE, Nodes, clean_environment, verb

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked there")


def without_pid(done: subprocess.CompletedProcess[bytes]) -> tuple[int, bytes, bytes]:
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["--version"], b""),
        (["nonsense"], b""),
        (["peers", "--js"], b""),
        (["status", "--home", "none"], b""),
        (["send", "127.0.0.1:9", "-", "--home", "none"], b"x" * 1_000_000),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_fork_prints_and_ends_as_a_python_that_is_started_anew(words: list[str], stdin: bytes) -> None:
    assert without_pid(verb(*words, stdin=stdin)) == without_pid(verb(*words, stdin=stdin, anew=True))


def test_what_nobody_caught_ends_a_fork_as_it_ends_python() -> None:
    done = forks.run(("-m", "no_such_module"), [], clean_environment(), b"", PATIENCE)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"Traceback") and b"no_such_module" in done.stderr
    assert verb("--version").returncode == 0, "others are forked all the same"


def test_a_fork_runs_a_script_with_its_arguments_and_input() -> None:
    script = "import sys\nprint(sys.argv, sys.stdin.read(), __name__)\nsys.exit(3)"
    done = forks.run(("-c", script), ["one"], clean_environment(), "größer".encode(), PATIENCE)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (3, "['-c', 'one'] größer __main__\n", b"")


def test_a_fork_has_its_own_environment_signals_and_files() -> None:
    nodes = Nodes()
    try:
        anna = nodes.make("anna", environment={"SNICHER_QUOTA": "7"}).launch()
        bela = nodes.start("bela")
        assert anna.wait_ready().pid != bela.pid
        assert os.getsid(anna.pid) == os.getsid(0)
        files = [str(path.readlink()) for path in pathlib.Path(f"/proc/{anna.pid}/fd").iterdir()]
        assert os.devnull in files and not any(str(bela.home) in file for file in files)
        quotas = [{one.key: one.value for one in node.client.config()}["quota"] for node in (anna, bela)]
        assert quotas[0] == "7" != quotas[1]
        assert (anna.stop(), anna.runs) == (0, False)
        bela.signal(signal.SIGKILL)
        assert (bela.wait(), bela.wait()) == (-signal.SIGKILL, -signal.SIGKILL)
        bela.signal(signal.SIGTERM)
    finally:
        nodes.close()


def test_who_waits_for_a_fork_that_goes_on_is_told() -> None:
    nodes = Nodes()
    try:
        process = nodes.start("anna").process
        assert process is not None and process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
    finally:
        nodes.close()


def test_what_python_itself_reads_when_it_starts_needs_a_start() -> None:
    around = clean_environment()
    assert forks.can(("-m", "node"), around) and forks.can(("-m", "node"), around | {"SNICHER_NAME": "x"})
    assert not forks.can(("-m", "node"), around | {"PYTHONUTF8": "0"})
    assert not forks.can(("-m", "node"), around | {"LC_ALL": "C"})
    assert not forks.can(("node/__main__.py",), around)
    assert not forks.can(("-m", "node"), around, ["prlimit", "--nofile=9", "--"])
