from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from streamlit import config

from dashboard import fixed, place
from node.errors import ListenError
from tests.dashboard.conftest import Served
from tests.support.fake_node import PATIENCE, FakeNode
from tests.support.processes import free_port

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


def test_nobody_who_can_not_read_the_home_knows_where_the_scripts_are(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who serves on our port while we are away could otherwise leave scripts in the browser's cache."""
    from dashboard.components import assets

    version = assets.VERSION
    assert version in served.client.get(f"/ui/{version}/chats/main.js", headers=served.cookie).request.url.path
    monkeypatch.setattr(assets, "VERSION", "")
    assets.conceal(served.door.place.secret)
    assert version == assets.VERSION, "the same after a new start: open tabs load nothing twice"
    assets.conceal(b"another home")
    assert version != assets.VERSION


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
    for option, value in {**fixed.OPTIONS, "server.address": "127.0.0.1", "server.port": 8501}.items():
        assert config.get_option(option) == value


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_starts_says_its_link_and_ends_gracefully(tmp_path: pathlib.Path, ending: signal.Signals) -> None:
    with FakeNode(tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard.app", "--port", "0", "--home", str(tmp_path)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            assert process.stderr is not None
            lines = [next(line for line in process.stderr if "?link=" in line) for _ in range(2)]
            (kept,) = place.places(tmp_path)
            assert lines[0].strip().startswith(f"http://{kept.name}:{kept.port}/?link=")
            assert f"http://127.0.0.1:{kept.port}/?link=" in lines[1]
            code = lines[0].strip().partition("=")[2]
            assert lines[1].strip().endswith(code), "it is the same link"
            process.send_signal(ending)
            assert process.wait(PATIENCE) == 0
            assert "Traceback" not in process.stderr.read()


@contextlib.contextmanager
def started(home: pathlib.Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A dashboard that can be opened."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.app", "--home", str(home), *arguments],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    with process:
        try:
            assert process.stderr is not None
            assert any("?link=" in line for line in process.stderr)
            yield process
        finally:
            process.kill()


def command(home: pathlib.Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard.app", "--home", str(home), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **environment},
    )  # fmt: skip


def test_a_second_one_names_the_first_and_the_command_that_ends_it(tmp_path: pathlib.Path) -> None:
    port = str(free_port("127.0.0.1"))
    with started(tmp_path, "--port", port) as first:
        second = command(tmp_path, PORT=port)
        assert second.returncode == ListenError.exit_code
        assert f"taken by this home's own dashboard (pid {first.pid})" in second.stderr
        ending = second.stderr[second.stderr.index("python -m ") :].split()
        assert ending == ["python", "-m", "dashboard.app", "--stop", "--port", port, "--home", str(tmp_path)]
        stopped = command(tmp_path, *ending[3:6])
        assert (stopped.returncode, stopped.stderr) == (0, "")
        assert stopped.stdout == f"The dashboard on 127.0.0.1 port {port} (pid {first.pid}) has ended.\n"
        assert first.wait(PATIENCE) == 0
    assert [path.name for path in tmp_path.glob("dashboard-*")] == []
    again = command(tmp_path, "--stop")
    assert (again.returncode, again.stdout) == (69, "")
    assert again.stderr == f"No dashboard of the home {tmp_path} is running.\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_a_closed_terminal_ends_it_gracefully(tmp_path: pathlib.Path) -> None:
    with started(tmp_path, "--port", "0") as process:
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE) == 0
    assert list(tmp_path.glob("dashboard-*")) == []


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({"PORT": "80000"}, 78, "snicher dashboard: PORT in the environment: '80000' is not a port;"),
        ({"SNICHER_HOME": "~nobody-of-that-name"}, 78, "snicher dashboard: SNICHER_HOME is '~nobody-of-that-name'"),
    ],
)
def test_a_wrong_environment_is_one_sentence(environment: dict[str, str], code: int, says: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "dashboard.app"],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **environment},
    )  # fmt: skip
    assert ended.returncode == code
    assert ended.stderr.startswith(says) and ended.stderr.count("\n") == 1


def test_what_other_programs_are_told_in_the_environment_does_no_harm(tmp_path: pathlib.Path) -> None:
    """uvicorn would read WEB_CONCURRENCY, and fail."""
    with started(tmp_path, "--port", "0", WEB_CONCURRENCY="x", PYTHONIOENCODING="ascii:strict") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(("given", "shown"), [("127.0.0.50", "127.0.0.50"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")])
def test_the_link_names_where_it_listens_and_that_host_is_served(
    tmp_path: pathlib.Path, given: str, shown: str
) -> None:
    with FakeNode(tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard.app", "--port", "0", "--home", str(tmp_path), "--listen", given],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "?link=" in line).strip()
            host = line.removeprefix("http://").partition("/")[0]
            assert host.rpartition(":")[0] == shown
            address, port = shown.strip("[]"), int(host.rpartition(":")[2])
            for name, status in ((host, 200), ("evil.example", 421)):
                connection = http.client.HTTPConnection(address, port, timeout=PATIENCE)
                connection.request("GET", "/?" + line.partition("?")[2], headers={"Host": name})
                assert connection.getresponse().status == status
                connection.close()
            process.terminate()
            assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(("arguments", "said"), [
    (["--link", "--port", "1"], "No dashboard is running"),
    (["--stop", "--port", "1"], "No dashboard on port 1"),
])  # fmt: skip
def test_what_can_not_be_done_is_said_in_a_sentence(tmp_path: pathlib.Path, arguments: list[str], said: str) -> None:
    ended = command(tmp_path, *arguments)
    assert ended.returncode == 69
    assert said in ended.stderr and "Traceback" not in ended.stderr
