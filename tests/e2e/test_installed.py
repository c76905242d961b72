"""The installed program: what the package holds, and that it works from any folder, without the repository."""

from __future__ import annotations

import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator

import pytest

from node.bus import locks
from node.errors import ListenError
from tests.support.processes import PATIENCE, ROOT, clean_environment, eventually, free_address, free_port

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pip makes an .exe there")

#: What the folders hold and the package doesn't.
LEFT_OUT = {"dashboard/screenshot.png"}


def tracked(*below: str) -> list[str]:
    return subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *below],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The package, built of what git knows: building leaves files in the folder."""
    source, place = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*tracked("node", "dashboard"), "pyproject.toml", "requirements.in", "README.md"):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(place), str(source))
    return next(place.glob("*.whl"))


def pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", words[0], "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check",
         *words[1:]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


class Installed:
    """Snicher in a folder of its own, started from another one that has traps in it."""

    def __init__(self, wheel: pathlib.Path, place: pathlib.Path) -> None:
        self._packages = place / "packages"
        self.folder = place / "folder"
        self.home = place / "home"
        pip("install", "--target", str(self._packages), str(wheel))
        self.folder.mkdir()
        for name in ("node.py", "dashboard.py", "honcho.py"):
            (self.folder / name).write_text("raise SystemExit('the file of the folder was taken')\n")
        self.listen, self.port = free_address(), free_port("127.0.0.1")
        self.environment = clean_environment(
            {"PYTHONPATH": str(self._packages), "SNICHER_HOME": str(self.home), "SNICHER_LISTEN": self.listen}
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin one, and don't wait."""
        return subprocess.Popen(
            [str(self._packages / "bin" / "snicher"), *words], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def said(self, *words: str) -> tuple[int, str]:
        """The exit code and all that one said."""
        process = self.start(*words)
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output


@pytest.fixture(scope="module")
def snicher(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    yield Installed(wheel, tmp_path_factory.mktemp("i"))


def test_the_package_holds_what_the_folders_hold(wheel: pathlib.Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == set(tracked("node", "dashboard")) - LEFT_OUT


def test_the_package_needs_what_was_chosen_and_is_built_by_what_is_pinned(wheel: pathlib.Path) -> None:
    told = zipfile.ZipFile(wheel)
    metadata = next(told.read(name).decode() for name in told.namelist() if name.endswith("/METADATA"))
    needs = [re.sub(r"\s", "", line) for line in re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)]
    chosen = [line.partition("#")[0] for line in (ROOT / "requirements.in").read_text("utf-8").splitlines()]
    assert sorted(needs) == sorted(re.sub(r"\s", "", line) for line in chosen if line.strip())
    (builder,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert f"\n{builder} " in (ROOT / "requirements-test.in").read_text("utf-8")


def test_it_runs_from_any_folder_and_names_its_own_commands(snicher: Installed) -> None:
    code, version = snicher.said("--version")
    assert code == 0 and version.startswith("Snicher 0.")
    code, said = snicher.said("status")
    assert code == 69 and f"Start one with: snicher run --home {snicher.home}" in said

    together = snicher.start("start", "--port", str(snicher.port))
    lines: list[str] = []
    try:
        assert together.stdout is not None
        for line in together.stdout:
            lines.append(line)
            if "Another link" in line:
                break
        assert "snicher dashboard --link" in lines[-1], "".join(lines)
        eventually(lambda: snicher.said("status")[0] == 0, "the node answers")
        link = re.search(r"http://(\S+)/\?link=(\S+)", "".join(lines))
        assert link is not None
        assert page(snicher.port, link[1], "/?link=wrong").startswith("401 ")
        door = page(snicher.port, link[1], "/?link=wrong")
        assert "<code>snicher dashboard --link</code>" in door and "python -m" not in door
        assert page(snicher.port, link[1], f"/?link={link[2]}").startswith("200 ")

        code, said = snicher.said("send", free_address(), "hello")
        assert code == 0 and "#1 is on disk" in said
        code, said = snicher.said("dashboard", "--port", str(snicher.port))
        assert code == ListenError.exit_code
        assert f"end it with: snicher dashboard --stop --port {snicher.port}" in said
        code, said = snicher.said("doctor")
        assert "snicher run --listen 0.0.0.0:" in said and "python -m" not in said
        node = locks.holder(snicher.home / locks.NODE_LOCK, locks.pid_in)
        assert node
    finally:
        together.send_signal(signal.SIGINT)
        rest, _ = together.communicate(timeout=PATIENCE)
    assert together.returncode == 0, rest
    assert locks.holder(snicher.home / locks.NODE_LOCK, locks.pid_in) is None
    assert list(snicher.home.glob("dashboard-*.json")) == []
    assert "the file of the folder was taken" not in "".join(lines) + rest


def page(port: int, host: str, path: str) -> str:
    """The status and the text of a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return f"{answer.status} {answer.read().decode()}"
    finally:
        connection.close()
