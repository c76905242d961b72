"""The whole test run: `python -m tests [PYTEST ARGUMENTS]`.

Installs what tests need from the system (Debian: with apt-get, as root or with sudo that doesn't ask), then runs
pytest. On other systems it says what is missing; tests that need it are then left out, and say so. axe-core comes from
the npm registry (tests/support/axe.py), with npm from the PATH, or else Debian's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.support import axe

#: Debian's package for each program that tests use, and what for.
PROGRAMS = {
    "chromium": ("chromium", "the dashboard is tested in a real browser"),
    "strace": ("strace", "one test traces that data is on disk before the reply"),
}
#: Only where axe-core isn't there yet.
NPM = {"npm": ("npm", "it fetches axe-core, which every page is checked with")}
#: Most tests of real processes and pages wait most of their time, so several files run at once, in the order of
#: conftest.py. `-n0`: one by one.
AT_ONCE = ("-n3", "--dist=loadfile", "--no-loadscope-reorder")
FONTS = ("fonts-noto-color-emoji", "fonts-dejavu-core")


def install() -> None:
    """Install what is missing, where that is possible without asking anybody."""
    programs = PROGRAMS if axe.SCRIPT.exists() else PROGRAMS | NPM
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
        axe.install()
    except axe.Unavailable as error:
        print(f"missing: axe-core. {error}", flush=True)
    arguments = sys.argv[1:]
    if not any(one.startswith(("-n", "--numprocesses", "--pdb", "-s")) for one in arguments):
        arguments = [*AT_ONCE, *arguments]
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
