"""axe-core, the accessibility checker that the end-to-end run puts every page through: had once, checked, then kept.

It comes from the npm registry, whichever one npm is set up for, as the exact package named here: another content than
the sum says is refused. It is kept in the environment that Python runs in, so that nothing of it lies in the project.
"""

from __future__ import annotations

import base64
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

VERSION = "4.14.1"
#: Of the package as the registry hands it out, in the registry's own notation.
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
SCRIPT = pathlib.Path(sys.prefix, "share", "snicher-tests", f"axe-core-{VERSION}.min.js")
#: What is needed of the package.
_MEMBER = "package/axe.min.js"
#: npm may take so long, in seconds; then it is given up.
_PATIENCE_S = 300


class Unavailable(Exception):
    """axe-core can't be had; the message says why, and what to do."""


def install() -> None:
    """Have axe-core at SCRIPT. Raises Unavailable."""
    if SCRIPT.exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("axe-core isn't there, and no npm to fetch it with (Debian: apt-get install npm).")
    with tempfile.TemporaryDirectory(prefix="snicher-axe-") as folder:
        command = [npm, "pack", f"axe-core@{VERSION}", "--ignore-scripts", "--silent", "--pack-destination", folder]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"npm couldn't fetch axe-core {VERSION}: {error}") from error
        package = pathlib.Path(folder, f"axe-core-{VERSION}.tgz")
        if done.returncode or not package.exists():
            raise Unavailable(f"npm couldn't fetch axe-core {VERSION}; it said: {done.stderr.strip() or 'nothing'}")
        _keep(package)


def _keep(package: pathlib.Path) -> None:
    """Check a package, and put its script at SCRIPT."""
    content = package.read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != INTEGRITY:
        raise Unavailable(f"What npm fetched as axe-core {VERSION} is another content than ours: {found}")
    with tarfile.open(package) as archive:
        script = archive.extractfile(_MEMBER)
        if script is None:
            raise Unavailable(f"axe-core {VERSION} has no {_MEMBER}.")
        body = script.read()
    try:
        SCRIPT.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: somebody may look for it meanwhile.
        half = SCRIPT.with_suffix(".half")
        half.write_bytes(body)
        half.replace(SCRIPT)
    except OSError as error:
        raise Unavailable(f"axe-core can't be kept at {SCRIPT}: {error}. Run the tests in a venv.") from error
