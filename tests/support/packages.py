"""What the tests need of npm: checkers of the dashboard's JavaScript, a document for its unit tests, and axe-core, the
accessibility checker that every page is put through.

They are named in tests/dashboard/js/package.json, and pinned with hashes in the lock file beside it. They come from the
registry that npm is set up for, and lie in `node_modules` there, which belongs to no commit. Snicher itself needs none.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "dashboard" / "js"
#: Where npm puts packages.
MODULES = FOLDER / "node_modules"
#: Says which lock file the packages were installed by, once all are there.
_MARK = ".installed"
#: npm may take so long, in seconds; then it is given up.
_PATIENCE_S = 300
_COMMAND = ("ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--silent")


class Unavailable(Exception):
    """The packages can't be had; the message says why, and what to do."""


def are_there() -> bool:
    """Whether the packages that the lock file names are installed."""
    mark = MODULES / _MARK
    return mark.exists() and mark.read_text("utf-8") == _wanted()


def install() -> None:
    """Have the packages in MODULES. Raises Unavailable."""
    if are_there():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm isn't there to fetch them with (Debian: apt-get install npm).")
    try:
        done = subprocess.run(
            [npm, *_COMMAND], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"npm couldn't fetch them: {error}") from error
    if done.returncode:
        raise Unavailable(f"npm couldn't fetch them; it said: {done.stderr.strip() or 'nothing'}")
    (MODULES / _MARK).write_text(_wanted(), "utf-8")


def need(package: str) -> pathlib.Path:
    """The folder of a package; for tests, which are skipped without it. Where CI is set, they fail."""
    if not are_there():
        if os.environ.get("CI"):
            pytest.fail("The packages of npm must be there where CI is set: python -m tests fetches them.")
        pytest.skip(f"{package} isn't there; python -m tests fetches it with npm")
    return MODULES / package


def _wanted() -> str:
    return hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()


if __name__ == "__main__":
    try:
        install()
    except Unavailable as problem:
        sys.exit(str(problem))
