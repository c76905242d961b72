"""Whether the program that started this one is still there."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from node import supervisor
from node.supervisor import HONCHO_VARIABLE, Supervisor
from tests.support.processes import PATIENCE, ROOT, eventually

UNDER_HONCHO = {HONCHO_VARIABLE: "node.1"}


class Machine:
    """Processes and their parents, as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, parents: dict[int, int], session: set[int]) -> None:
        self.parents = parents
        monkeypatch.setattr(os, "getpid", lambda: 100)
        monkeypatch.setattr(os, "getsid", lambda pid: 100 if pid in session else 5)

    def supervisor(self, environment: dict[str, str] = UNDER_HONCHO) -> Supervisor:
        return Supervisor(environment, self.parents.get)


def test_a_program_that_was_started_on_its_own_ends_with_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, {100: 50, 50: 40, 40: 1}, {100})
    for environment in ({}, {HONCHO_VARIABLE: ""}):
        alone = machine.supervisor(environment)
        machine.parents[100] = 1
        assert not alone.is_gone()


@pytest.mark.parametrize(
    ("parents", "session"),
    [
        ({100: 50, 50: 40, 40: 30, 30: 1}, {100}),  # the shell has become our program
        ({100: 99, 99: 50, 50: 40, 40: 30, 30: 1}, {100, 99}),  # the shell is between
    ],
)
def test_the_end_of_the_worker_or_of_honcho_is_noticed(
    monkeypatch: pytest.MonkeyPatch, parents: dict[int, int], session: set[int]
) -> None:
    machine = Machine(monkeypatch, dict(parents), session)
    assert not machine.supervisor().is_gone()
    below = 100 if len(session) == 1 else 99
    for change in ({below: 1}, {50: 1}, {50: 77}):
        machine.parents = dict(parents)
        watched = machine.supervisor()
        machine.parents |= change
        assert watched.is_gone()
        machine.parents |= parents
        assert watched.is_gone(), "it doesn't come back"
    machine.parents = dict(parents)
    watched = machine.supervisor()
    del machine.parents[50]
    assert watched.is_gone()


def test_what_happens_further_up_is_nobodys_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Honcho in the background, after its shell has ended."""
    machine = Machine(monkeypatch, {100: 50, 50: 40, 40: 30, 30: 1}, {100})
    watched = machine.supervisor()
    machine.parents[40] = 1
    assert not watched.is_gone()


def test_one_that_went_before_we_could_look_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Machine(monkeypatch, {100: 1}, {100}).supervisor().is_gone()
    # The first process of a container has nobody above it.
    assert not Machine(monkeypatch, {100: 0}, {100}).supervisor().is_gone()
    # Honcho as the first process of a container.
    assert not Machine(monkeypatch, {100: 50, 50: 1, 1: 0}, {100}).supervisor().is_gone()


def test_a_real_parent_that_is_killed_is_missed() -> None:
    watches = (
        "import sys, time; from node.supervisor import Supervisor; one = Supervisor({'HONCHO_PROCESS_NAME': 'x'})\n"
        "print('gone' if one.is_gone() else 'there', flush=True)\n"
        "while not one.is_gone(): time.sleep(0.01)\n"
        "print('gone', flush=True)"
    )
    starts = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {watches!r}], start_new_session=True)\ntime.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", starts], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "there\n"
        parent.kill()
        assert parent.stdout.readline() == "gone\n"


def test_a_look_starts_no_program_where_the_system_tells_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    if not pathlib.Path("/proc/self/stat").exists():
        pytest.skip("This system has no /proc.")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("A look started a program."))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert supervisor._parent_of(child.pid) == os.getpid()
        child.kill()


def test_a_closed_terminal_calls_unless_it_was_to_be_ignored() -> None:
    called: list[int] = []
    before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        supervisor.on_hangup(lambda: called.append(1))
        os.kill(os.getpid(), signal.SIGHUP)
        assert called == []
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        supervisor.on_hangup(lambda: called.append(2))
        os.kill(os.getpid(), signal.SIGHUP)
        eventually(lambda: called, "the signal has come", PATIENCE)
        assert called == [2]
    finally:
        signal.signal(signal.SIGHUP, before)
