from __future__ import annotations

import io
import os
import pathlib
import tarfile

import pytest

from tests.support import axe


@pytest.fixture
def kept(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    script = tmp_path / "kept" / "axe.js"
    monkeypatch.setattr(axe, "SCRIPT", script)
    return script


def package(folder: pathlib.Path, content: bytes) -> pathlib.Path:
    made = folder / "package.tgz"
    with tarfile.open(made, "w:gz") as archive:
        entry = tarfile.TarInfo("package/axe.min.js")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return made


def fake_npm(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_another_content_than_ours_is_refused(
    kept: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = package(tmp_path, b"window.axe = {}")
    fake_npm(tmp_path, monkeypatch, f'for last; do :; done; cp {swapped} "$last/axe-core-{axe.VERSION}.tgz"')
    with pytest.raises(axe.Unavailable, match="another content"):
        axe.install()
    assert not kept.exists()


def test_what_npm_says_is_passed_on(
    kept: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_npm(tmp_path, monkeypatch, 'echo "the registry is away" >&2; exit 1')
    with pytest.raises(axe.Unavailable, match="the registry is away"):
        axe.install()
    assert not kept.exists()


def test_without_npm_it_says_what_to_do(kept: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(axe.Unavailable, match="apt-get install npm"):
        axe.install()
    assert not kept.exists()


def test_what_is_there_is_not_fetched_again(kept: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    kept.parent.mkdir()
    kept.write_text("there", "utf-8")
    axe.install()
    assert kept.read_text("utf-8") == "there"
