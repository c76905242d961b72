"""The dashboard's JavaScript: its types and a linter, and its unit tests (tests/dashboard/js)."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest

from tests.support import packages

ROOT = pathlib.Path(__file__).resolve().parents[2]
JS = packages.FOLDER.relative_to(ROOT).as_posix()


def node(*arguments: str) -> None:
    """Run node from the repository's root; fails with what it says."""
    program = shutil.which("node")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("node must be there where CI is set: python -m tests installs it.")
        pytest.skip("node isn't there; python -m tests installs it")
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_type_checker_finds_nothing() -> None:
    tsc = str(packages.need("typescript") / "bin" / "tsc")
    node(tsc, "--pretty", "false", "--project", f"{JS}/tsconfig.json")


def test_the_linter_finds_nothing() -> None:
    eslint = str(packages.need("eslint") / "bin" / "eslint.js")
    node(eslint, "--max-warnings", "0", "--config", f"{JS}/eslint.config.js", "dashboard/components", JS)


def test_the_unit_tests_pass() -> None:
    packages.need("linkedom")
    files = sorted(path.relative_to(ROOT).as_posix() for path in packages.FOLDER.glob("*.test.js"))
    assert files
    node("--test", *files)
