"""How commands are named: as one types them in Snicher's folder, or where it is installed."""

from __future__ import annotations

import ast
import os
import pathlib
import sys
from collections.abc import Iterator

import pytest

from node import __main__ as started
from node import program, together
from node.bus.diagnosis import Check
from node.errors import NodeAway
from node.terminal import console, doctor

ROOT = pathlib.Path(__file__).parents[2]
#: Where texts name the folder's commands and don't print them: they travel, and whoever shows them passes them through.
TRAVEL = (
    "node/core/", "node/bus/locate.py", "node/store/", "node/peers/listener.py", "node/program.py",
    # Errors, and a diagnosis.
    "node/terminal/unanswered.py", "node/terminal/absent.py", "dashboard/another.py",
    "dashboard/running.py",
    # A comment in a file that is made for developers.
    "dashboard/typedefs.py",
)  # fmt: skip


@pytest.fixture
def installed() -> Iterator[None]:
    program.be_installed()
    yield
    program.be_installed(False)


def test_commands_are_named_as_one_types_them(installed: None) -> None:
    assert program.typed("Start it: python -m node run --home /h") == "Start it: snicher run --home /h"
    assert (
        program.typed("(`python -m node`.) python -m dashboard.app --link") == "(`snicher`.) snicher dashboard --link"
    )
    assert program.typed("For another one, run this in Snicher's folder:") == "For another one, run this:"
    for other in ("python -m node.bus", "python -m dashboard.typedefs", "python -m nodes", "/bin/python -m http", ""):
        assert program.typed(other) == other


def test_in_the_folder_texts_stay_as_they_are() -> None:
    text = "python -m node run; python -m dashboard.app; run this in Snicher's folder"
    assert program.typed(text) == text
    assert program.command("run") == [sys.executable, "-m", "node", "run"]


def test_no_file_of_the_users_folder_is_taken_for_ours(installed: None) -> None:
    assert program.command("run", "--home", "/h") == [
        sys.executable, "-P", "-m", "node.installed", "run", "--home", "/h",
    ]  # fmt: skip


def test_whatever_names_a_command_passes_it_through() -> None:
    for path in sorted([*ROOT.glob("node/**/*.py"), *ROOT.glob("dashboard/**/*.py")]):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(TRAVEL):
            _Look(name).visit(ast.parse(path.read_text("utf-8")))


class _Look(ast.NodeVisitor):
    """Finds texts, but for docstrings, that name a command and aren't given to `program.typed`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if ast.unparse(node.func) != "program.typed":
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if f"{self._name}:{ast.unparse(node.targets[0])}" not in TRAVEL:
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        named = isinstance(node.value, str) and ("python -m node" in node.value or "python -m dash" in node.value)
        assert not named, f"{self._name}:{node.lineno} shows a command without program.typed: {node.value!r}"


def test_usage_help_and_version_name_the_installed_program(
    installed: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verbs = ["run", "start", "dashboard", "config", "identity", "backup", "restore", "menu", *console.VERBS]
    for words in ([], *([verb] for verb in verbs)):
        monkeypatch.setattr(sys, "argv", ["snicher", *words, "--help"])
        if words:
            with pytest.raises(SystemExit) as ended:
                started.main()
            assert ended.value.code == 0
        else:
            assert started.main() == 0
        said = capsys.readouterr().out
        assert " ".join(said.split()).startswith(f"usage: snicher {' '.join(words)}".rstrip())
        assert "python -m" not in said


def test_a_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import node

    monkeypatch.setattr(sys, "argv", ["node", "--version"])
    assert started.main() == 0
    assert capsys.readouterr().out == f"Snicher {node.__version__} (bus 1, Python {sys.version.split()[0]})\n"


def test_an_error_names_the_installed_program(
    installed: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["snicher", "peers", "--home", str(tmp_path)])
    assert started.main() == NodeAway.exit_code
    assert capsys.readouterr().err.endswith(f" Start one with: snicher run --home {tmp_path}\n")
    monkeypatch.setattr(sys, "argv", ["snicher", "stat"])
    assert started.main() == 2
    assert capsys.readouterr().err == "There is no verb 'stat'; snicher --help lists them.\n"


def test_what_came_over_the_bus_names_the_installed_program(installed: None) -> None:
    from dashboard import diagnosing, viewmodel, wording
    from node.bus import diagnosis

    check = Check(key="port", title="Port", state="fails", said="No.", remedy="Do:", command="python -m node invite")
    found = diagnosis.Diagnosis(at=1, state="fails", verdict="No.", checks=[check])
    assert "snicher invite" in "\n".join(doctor.lines(found, 80, 1)).split("  ")[-1]
    assert diagnosing.view(found).checks[0].command == "snicher invite"
    assert viewmodel.Model("/h").everything().away.start == "snicher run --home /h"  # type: ignore[union-attr]
    assert wording.problem("", "python -m node trust x") == "snicher trust x"


def test_windows_is_told_to_open_two_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(Exception, match=r"`python -m node run` in one, and `python -m dashboard\.app` in the other"):
        together.main([], {})
