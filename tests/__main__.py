"""The whole test run: `python -m tests [PYTEST ARGUMENTS]`.

Installs what tests need from the system (Debian: with apt-get, as root or with sudo that doesn't ask), then runs
pytest. On other systems it says what is missing; tests that need it are then left out, and say so. What
checks the dashboard's JavaScript and pages comes from the npm registry (tests/support/packages.py), with npm from the
PATH, or else Debian's.

Of the whole, a few failed tests get a second look: they run again, alone. On a machine that stands still for seconds,
one of thousands may fail for that; what passes alone is named at the end, because it may also be a race worth finding.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import pytest

from tests.support import packages
from tests.support.failed import FAILED_TO

#: Debian's package for each program that tests use, and what for.
PROGRAMS = {
    "chromium": ("chromium", "the dashboard is tested in a real browser"),
    "strace": ("strace", "one test traces that data is on disk before the reply"),
    "ip": ("iproute2", "nodes are tested in network namespaces"),
    "nft": ("nftables", "nodes are tested on a network that loses packets"),
}
#: Only where npm's packages aren't there yet; npm needs node, which also runs the unit tests of the JavaScript.
NPM = {
    "npm": ("npm", "it fetches what checks the dashboard's JavaScript and pages"),
    "node": ("nodejs", "the dashboard's JavaScript is tested with it"),
}
#: Most tests of real processes and pages wait most of their time, so several files run at once, in the order of
#: conftest.py. `-n0`: one by one.
AT_ONCE = ("-n3", "--dist=loadfile", "--no-loadscope-reorder")
#: When more fail, it is not the machine: they get no second look.
MAX_SECOND_LOOKS = 5
FONTS = ("fonts-noto-color-emoji", "fonts-dejavu-core")


def install() -> None:
    """Install what is missing, where that is possible without asking anybody."""
    programs = PROGRAMS if packages.are_there() else PROGRAMS | NPM
    missing = {package: reason for program, (package, reason) in programs.items() if not shutil.which(program)}
    if not missing:
        return
    for package, reason in missing.items():
        print(f"missing: {package} ({reason})", flush=True)
    apt = shutil.which("apt-get")
    sudo = [] if os.name == "posix" and os.geteuid() == 0 else ["sudo", "-n"]
    if apt is None or (sudo and not shutil.which("sudo")):
        print("Install these by hand to run every test.", flush=True)
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing, *FONTS]):
        subprocess.run([*sudo, apt, *command], env=environment, check=False, stdout=subprocess.DEVNULL)


def main() -> int:
    """Install, then test; returns pytest's exit code."""
    install()
    try:
        packages.install()
    except packages.Unavailable as error:
        print(f"missing: npm's packages. {error}", flush=True)
    arguments = sys.argv[1:]
    whole = not arguments
    if not any(one.startswith(("-n", "--numprocesses", "--pdb", "-s")) for one in arguments):
        arguments = [*AT_ONCE, *arguments]
    code, failed = run(arguments)
    return second_look(failed) if whole and code == pytest.ExitCode.TESTS_FAILED else code


def run(arguments: Sequence[str]) -> tuple[int, list[str]]:
    """Run pytest; its exit code, and the tests that failed."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "failed")
        command = [sys.executable, "-m", "pytest", "-p", "tests.support.failed", *arguments]
        environment = {**os.environ, FAILED_TO: str(path)}
        # Python starts hundreds of times, and pytest rewrites every test. What they make of a file is kept beside it:
        # where that is switched off, each start compiles all anew.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        code = subprocess.run(command, env=environment, check=False).returncode
        return code, path.read_text().splitlines() if path.exists() else []


def second_look(failed: list[str]) -> int:
    """Run these again, alone, and say which of them passed; returns the exit code of the whole."""
    if not 0 < len(failed) <= MAX_SECOND_LOOKS:
        return pytest.ExitCode.TESTS_FAILED
    print(f"\nA second look, alone, at what failed: {len(failed)}.", flush=True)
    code, again = run(failed)
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        for one in failed:
            if one not in again:
                print(
                    f"UNSTEADY {one} failed beside others and passed alone: it may be a race worth finding.", flush=True
                )
    return code


if __name__ == "__main__":
    sys.exit(main())
