from __future__ import annotations

import http.server
import pathlib
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette

from dashboard import another, door, guard, hosts, listening
from dashboard.place import Place
from node.errors import NodeAway
from tests.support.processes import PATIENCE, free_port


class Running:
    """The door of a dashboard on real sockets."""

    def __init__(self, home: pathlib.Path, address: str) -> None:
        self._sockets = listening.listen(address, 0)
        self.port = self._sockets[0].getsockname()[1]
        place = Place(home, address, self.port)
        self.door = door.Door(place, hosts.hosts_of(address, self.port, place.name))
        app = guard.Guard(Starlette(), door=self.door)
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error", ws="none"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": self._sockets}, daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        for one in self._sockets:
            one.close()


@pytest.mark.parametrize(("address", "origin"), [("127.0.0.1", None), ("127.0.0.50", "http://127.0.0.50")])
def test_a_dashboard_that_runs_gives_another_link(tmp_path: pathlib.Path, address: str, origin: str | None) -> None:
    with Running(tmp_path, address) as running:
        (link,) = another.links(tmp_path)
        expected = f"{origin or 'http://' + running.door.place.name}:{running.port}/?link="
        assert link.startswith(expected)
        assert running.door.links.use(link.removeprefix(expected), 0)
        assert another.links(tmp_path, running.port) != [link]
        with pytest.raises(NodeAway, match="on port 1 for"):
            another.links(tmp_path, 1)


def test_all_dashboards_of_a_home_give_one(tmp_path: pathlib.Path) -> None:
    with Running(tmp_path, "127.0.0.1"), Running(tmp_path, "127.0.0.1"):
        Place(tmp_path, "127.0.0.1", free_port())
        assert len(another.links(tmp_path)) == 2


class Squatter(http.server.BaseHTTPRequestHandler):
    """Somebody else on the port."""

    asked: list[str] = []
    answer = b"{}"

    def do_POST(self) -> None:
        Squatter.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def squatter() -> Iterator[int]:
    Squatter.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Squatter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("answer", [b"{}", b"nonsense", b'{"challenge": "x", "signature": "y"}'])
def test_somebody_else_on_the_port_gets_no_link_and_no_proof(
    tmp_path: pathlib.Path, squatter: int, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Squatter, "answer", answer)
    Place(tmp_path, "127.0.0.1", squatter)
    with pytest.raises(NodeAway, match="No dashboard is running"):
        another.links(tmp_path)
    assert Squatter.asked == ["/door/challenge"]


def test_without_a_dashboard_there_is_no_link(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NodeAway, match=r"python -m dashboard\.app"):
        another.links(tmp_path)
    Place(tmp_path, "127.0.0.1", free_port())
    with pytest.raises(NodeAway):
        another.links(tmp_path)
