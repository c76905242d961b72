"""The test run itself: what fails is told, and what fails for the machine's sake gets a second look."""

from __future__ import annotations

import pathlib

import pytest

from tests.__main__ import MAX_SECOND_LOOKS, run, second_look

UNSTEADY = """
import pathlib

def test_fails_the_first_time():
    mark = pathlib.Path(__file__).with_suffix(".mark")
    first = not mark.exists()
    mark.touch()
    assert not first
"""
BROKEN = """
import pytest

def test_always_fails():
    assert False

def test_passes():
    pass

@pytest.fixture
def leaves_a_mess():
    yield
    assert False

def test_fails_when_it_is_cleared_away(leaves_a_mess):
    pass
"""


@pytest.fixture
def elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A folder with tests of its own, which pytest runs in."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[1]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_passes_alone_is_named(elsewhere: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "test_unsteady.py").write_text(UNSTEADY)
    code, failed = run([])
    assert code == 1
    assert failed == ["test_unsteady.py::test_fails_the_first_time"]
    assert second_look(failed) == 0
    assert f"UNSTEADY {failed[0]} failed beside others and passed alone" in capfd.readouterr().out


def test_what_fails_twice_has_failed(elsewhere: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "test_broken.py").write_text(BROKEN)
    code, failed = run([])
    assert code == 1
    assert failed == ["test_broken.py::test_always_fails", "test_broken.py::test_fails_when_it_is_cleared_away"]
    assert second_look(failed) == 1
    (elsewhere / "test_unsteady.py").write_text(UNSTEADY)
    (elsewhere / "test_unsteady.mark").touch()
    assert second_look([*failed, "test_unsteady.py::test_fails_the_first_time"]) == 1
    said = capfd.readouterr().out
    assert said.count("\nUNSTEADY") == 1
    assert "\nUNSTEADY test_unsteady.py::" in said


def test_many_failures_are_no_accident(capfd: pytest.CaptureFixture[str]) -> None:
    assert second_look([f"test_{number}" for number in range(MAX_SECOND_LOOKS + 1)]) == 1
    # Nor is a run that was broken off before it could say what failed.
    assert second_look([]) == 1
    assert capfd.readouterr().out == ""
