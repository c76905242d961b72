from __future__ import annotations

import json
import os
import pathlib
import re

import pytest

from tests.support import packages


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A folder with a lock file, where nothing is installed."""
    (tmp_path / "package-lock.json").write_text("{}", "utf-8")
    monkeypatch.setattr(packages, "FOLDER", tmp_path)
    monkeypatch.setattr(packages, "MODULES", tmp_path / "node_modules")
    return tmp_path


def fake_npm(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_what_npm_says_is_passed_on(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(folder, monkeypatch, 'mkdir node_modules; echo "the registry is away" >&2; exit 1')
    with pytest.raises(packages.Unavailable, match="the registry is away"):
        packages.install()
    assert not packages.are_there()


def test_without_npm_it_says_what_to_do(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(packages.Unavailable, match="apt-get install npm"):
        packages.install()


def test_what_is_there_is_not_fetched_again(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(folder, monkeypatch, "mkdir node_modules")
    packages.install()
    assert packages.are_there()
    monkeypatch.setenv("PATH", "")
    packages.install()


def test_with_another_lock_file_they_are_fetched_anew(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(folder, monkeypatch, "mkdir -p node_modules")
    packages.install()
    (folder / "package-lock.json").write_text('{"lockfileVersion": 3}', "utf-8")
    assert not packages.are_there()


def test_every_package_is_pinned_with_its_hash_and_names_no_host() -> None:
    wanted = json.loads((packages.FOLDER / "package.json").read_text("utf-8"))["devDependencies"]
    locked = json.loads((packages.FOLDER / "package-lock.json").read_text("utf-8"))["packages"]
    assert locked.pop("")["devDependencies"] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert locked[f"node_modules/{name}"]["version"] == version
    for name, package in locked.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
