from __future__ import annotations

import pathlib
import re
import signal
import socket
import subprocess
import sys

import pytest
from streamlit import config

from dashboard import app
from node.errors import ListenError
from tests.dashboard.conftest import Served
from tests.support.fake_node import PATIENCE, FakeNode

ROOT = pathlib.Path(__file__).parents[2]


def test_the_page_is_behind_the_guard(served: Served) -> None:
    assert served.client.get("/").status_code == 401
    page = served.client.get("/", headers=served.cookie)
    assert page.status_code == 200 and '<div id="root">' in page.text
    hashes = re.findall(r"'sha256-[^']+'", page.headers["content-security-policy"])
    assert len(hashes) == len(re.findall(r"<script>", page.text)) > 0


def test_assets_are_served_by_exact_name_only(served: Served) -> None:
    from dashboard.components import assets

    good = served.client.get(f"/ui/{assets.VERSION}/chats/main.js", headers=served.cookie)
    assert good.status_code == 200 and good.headers["content-type"].startswith("text/javascript")
    assert "immutable" in good.headers["cache-control"]
    stale = served.client.get("/ui/old/chats/main.js", headers=served.cookie)
    assert stale.headers["cache-control"] == "no-store"
    for name in ("chats/__init__.py", "..%2fapp.py", "%2e%2e%2fapp.py", "nothing.js", ""):
        assert served.client.get(f"/ui/{assets.VERSION}/{name}", headers=served.cookie).status_code in (400, 404)
    assert served.client.get(f"/ui/{assets.VERSION}/chats/main.js").status_code == 401
    assert served.client.get("/favicon.png", headers=served.cookie).content.startswith(b"\x89PNG")


def test_every_module_that_is_imported_exists(served: Served) -> None:
    folder = ROOT / "dashboard" / "components"
    for path in folder.rglob("*.js"):
        for name in re.findall(r'from "(\.[^"]+)"', path.read_text("utf-8")):
            assert (path.parent / name).resolve().is_file(), f"{path.name} imports {name}"


def test_nothing_of_the_browser_makes_markup_of_text() -> None:
    for path in (ROOT / "dashboard" / "components").rglob("*.js"):
        text = path.read_text("utf-8")
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert forbidden not in text, f"{path.name} uses {forbidden}"
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), f"{path.name} names an outside address"


def test_what_safety_depends_on_is_set(served: Served) -> None:
    for option, value in {**app.FIXED_OPTIONS, "server.address": "127.0.0.1", "server.port": 8501}.items():
        assert config.get_option(option) == value


def test_a_taken_port_is_told_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"Port {port} on 127.0.0.1 is taken"):
            app.listen("127.0.0.1", port)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_starts_says_its_link_and_ends_gracefully(tmp_path: pathlib.Path, ending: signal.Signals) -> None:
    with FakeNode(tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard.app", "--port", "0", "--home", str(tmp_path)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            assert process.stderr is not None
            line = next((line for line in process.stderr if "token=" in line), "")
            token = (tmp_path / "dashboard.token").read_text().strip()
            assert re.fullmatch(rf"\s*http://127\.0\.0\.1:\d+/\?token={token}\s*", line)
            process.send_signal(ending)
            assert process.wait(PATIENCE) == 0
            assert "Traceback" not in process.stderr.read()
