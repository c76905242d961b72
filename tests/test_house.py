"""The house itself: who imports whom, the checkers' verdict, what stands at the top level, and what README promises."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import hypothesis
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize(
    "tool",
    [
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--check", "."),
        ("mypy", "--no-incremental", "node", "dashboard"),
    ],
    ids=["ruff check", "ruff format", "mypy"],
)
@pytest.mark.timeout(900)
def test_the_checkers_find_nothing(tool: tuple[str, ...]) -> None:
    result = run(sys.executable, "-m", *tool)
    assert result.returncode == 0, result.stdout + result.stderr


def test_nobody_imports_what_is_not_theirs_to_know() -> None:
    result = run(str(pathlib.Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_property_test_fails_for_being_slow_or_by_chance() -> None:
    assert (hypothesis.settings().deadline, hypothesis.settings().derandomize) == (None, True)


def test_the_top_level_holds_three_folders() -> None:
    tracked = run("git", "ls-files").stdout.split()
    folders = {name.split("/")[0] for name in tracked if "/" in name}
    assert folders <= {"node", "dashboard", "tests", ".ci"}
    for name in ("Procfile", "requirements.txt", "README.md"):
        assert name in tracked


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    """What packages are fetched from is no part of the project either: `locked` takes nothing but names and hashes."""
    here = [path for path in (ROOT, pathlib.Path.home()) if len(path.parts) > 1]
    pattern = re.compile("|".join(rf"(?<![\w.~-]){re.escape(path.as_posix())}/" for path in here))
    for name in run("git", "ls-files").stdout.split():
        path = ROOT / name
        if path.suffix in {".png", ".ico"} or not path.is_file():
            continue
        found = pattern.search(path.read_text("utf-8"))
        assert found is None, f"{name} names {found and found[0]!r}"


def chosen(name: str) -> dict[str, str]:
    """The requirements of an .in file, with those of the files that it names: version and marker by name."""
    found = {}
    for line in (ROOT / name).read_text("utf-8").splitlines():
        requirement = line.partition("#")[0].strip()
        if requirement.startswith("-r "):
            found |= chosen(requirement.removeprefix("-r "))
        elif requirement:
            package, pinned, version = requirement.partition("==")
            assert pinned, f"{name}: {requirement}"
            found[package.lower().replace("_", "-")] = version.replace('"', "'").strip()
    return found


def locked(name: str) -> dict[str, str]:
    """The requirements of a file for pip, as in `chosen`; each must be pinned, with at least one hash."""
    found = {}
    for entry in re.split(r"\n(?=[a-z])", (ROOT / name).read_text("utf-8")):
        lines = [line.strip() for line in entry.splitlines() if not line.strip().startswith("#")]
        if not lines:
            continue
        requirement, *hashes = (line.removesuffix("\\").strip() for line in lines)
        package, pinned, version = requirement.partition("==")
        assert pinned, f"{name}: {requirement}"
        assert hashes, f"{name}: {package} has no hash"
        for one in hashes:
            assert re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one), f"{name}: {one}"
        found[package.replace("_", "-")] = version
    return found


@pytest.mark.parametrize("name", ["requirements", "requirements-test"])
def test_every_requirement_is_pinned_and_hashed_as_it_was_chosen(name: str) -> None:
    wanted, found = chosen(f"{name}.in"), locked(f"{name}.txt")
    assert len(found) > len(wanted), "what those need in turn is pinned, too"
    for package, version in wanted.items():
        assert re.sub(r"\s", "", found.get(package, "")) == re.sub(r"\s", "", version), (
            f"{name}.txt isn't made of {name}.in ({package}); README.md has the command"
        )


def test_the_tests_run_with_what_users_get() -> None:
    for package, version in locked("requirements.txt").items():
        assert locked("requirements-test.txt")[package] == version


def test_readme_has_the_commands_that_made_the_requirements() -> None:
    for name in ("requirements", "requirements-test"):
        made_by = (ROOT / f"{name}.txt").read_text("utf-8").splitlines()[1].removeprefix("#").strip()
        assert f"{made_by}\n" in README


def test_importing_the_bus_stays_light() -> None:
    heavy = {"streamlit", "cryptography", "sqlite3", "asyncio", "zmq"}
    result = run(sys.executable, "-c", "import sys, node.bus, node.bus.locate; print(*sys.modules)")
    assert not heavy & set(result.stdout.split()), result.stdout


def test_readme_tells_every_promise_and_links_to_what_exists() -> None:
    for promise in ("On disk first", "Delivered means stored", "Exactly once", "Front ends miss nothing",
                    "Never silent", "Plain peers get honest treatment"):  # fmt: skip
        assert promise in README
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), f"README.md links to {target}"
