"""Streamlit's options: ours alone, whatever lies in the working folder, in the user's home or in the environment."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tomllib

from dashboard import fixed
from tests.support.processes import PATIENCE, ROOT

OTHERS = """
[server]
enableStaticServing = true
enableXsrfProtection = false
baseUrlPath = "elsewhere"
fileWatcherType = "auto"
[client]
showErrorDetails = "full"
[theme]
base = "dark"
textColor = "#ff0000"
[theme.dark]
primaryColor = "#ff0000"
"""
TELL = """
import json, os, sys
from dashboard import fixed
from streamlit import config
fixed.fix(8501, "127.0.0.1")
told = {name: option.value for name, option in config.get_config_options().items()}
for own in ("server.cookieSecret", "secrets.files"):
    told.pop(own)
print(json.dumps(told))
"""


def told(folder: pathlib.Path, home: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """All options of a dashboard that starts in a folder, for somebody with this home."""
    return subprocess.run(
        [sys.executable, "-c", TELL], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "USERPROFILE": str(home)},
    )  # fmt: skip


def test_no_file_of_the_user_changes_how_streamlit_behaves_or_looks(tmp_path: pathlib.Path) -> None:
    places = [tmp_path / name for name in ("empty", "folder", "home", "broken")]
    for place, content in zip(places, (None, OTHERS, OTHERS, "[theme.light.dark]\nx = 1\n\xff["), strict=True):
        place.mkdir()
        if content is not None:
            (place / ".streamlit").mkdir()
            (place / ".streamlit" / "config.toml").write_bytes(content.encode("latin-1"))
    empty, folder, home, broken = places
    plain = told(empty, empty)
    assert '"server.baseUrlPath": ""' in plain.stdout and '"theme.base": null' in plain.stdout
    for other in (told(folder, home), told(broken, broken)):
        assert (other.stdout, other.stderr) == (plain.stdout, plain.stderr)


def test_our_colours_are_shown(tmp_path: pathlib.Path) -> None:
    said = told(tmp_path, tmp_path).stdout
    theme = tomllib.loads(fixed.THEME.read_text("utf-8"))["theme"]
    for look in ("light", "dark"):
        assert f'"theme.{look}.primaryColor": "{theme[look]["primaryColor"]}"' in said
    assert f'"theme.baseFontSize": {theme["baseFontSize"]}' in said
    assert "not a valid config option" not in said
