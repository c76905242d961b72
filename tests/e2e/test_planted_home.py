"""A home that somebody else made first: no node starts on it, and no front end follows what was planted in it."""

from __future__ import annotations

import asyncio
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

import pytest

from node.bus import aio, locate, nouns
from node.bus.client import Client
from node.errors import HomeRefused
from tests.support.processes import PATIENCE, ROOT, clean_environment, free_address

pytestmark = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() != 0, reason="only root can make a home that belongs to somebody else"
)
STRANGER = 12345


class Planted:
    """/tmp/anna, with a bus.json that leads to a socket where somebody listens."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.home = folder / "anna"
        self.sockets = self.home / "bus"
        self.sockets.mkdir(mode=0o700, parents=True)
        self.home.chmod(0o700)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.sockets / "commands"))
        self.listener.listen()
        self.listener.setblocking(False)
        address = f"ipc://{self.sockets}/"
        planted = nouns.Endpoint(
            v=1, versions=[1], events=f"{address}events", commands=f"{address}commands", log="l", pid=os.getpid(),
            program="0", started=1,
        )  # fmt: skip
        locate.write_endpoint(self.home, planted)

    def give_away(self, path: pathlib.Path) -> None:
        os.chown(path, STRANGER, STRANGER)

    def was_called(self) -> bool:
        """Whether anybody has connected: the kernel keeps connections until they are accepted."""
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def planted() -> Iterator[Planted]:
    # Not pytest's own folder: /tmp itself is what everybody may write to.
    folder = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    one = Planted(folder)
    yield one
    one.listener.close()
    shutil.rmtree(folder)


#: What somebody else may have put there, each enough for being refused.
PLANTED: dict[str, Callable[[Planted], pathlib.Path]] = {
    "the home": lambda planted: planted.home,
    "the directory above it": lambda planted: planted.home.parent,
    "bus.json": lambda planted: planted.home / "bus.json",
    "the sockets": lambda planted: planted.sockets,
}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", *command]
    return subprocess.run(
        program, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False, timeout=PATIENCE
    )


@pytest.mark.parametrize("what", PLANTED)
def test_a_front_end_refuses_it_before_anything_is_sent(planted: Planted, what: str) -> None:
    with Client(planted.home, timeout=0.1) as client, pytest.raises(Exception, match="doesn't answer"):
        client.status()
    assert planted.was_called(), "what is ours is followed: the tests below can fail"
    while planted.was_called():
        pass
    path = PLANTED[what](planted)
    planted.give_away(path)

    async def ask() -> None:
        async with aio.AsyncClient(planted.home) as client:
            await client.status()

    with Client(planted.home) as client, pytest.raises(HomeRefused, match=f"{path}.* belongs to uid {STRANGER}"):
        client.status()
    with pytest.raises(HomeRefused, match=f"{path}.* belongs to uid {STRANGER}"):
        asyncio.run(ask())
    assert not planted.was_called()


@pytest.mark.parametrize(
    "command",
    [
        ("node", "send", "127.0.0.1:1", "a secret"),
        ("node", "status"),
        ("node", "stop"),
        ("node", "tail"),
        ("node", "config"),
        ("node", "identity"),
        ("node", "identity", "export", "/tmp/none/key", "--passphrase-file", "/dev/null"),
        ("node", "backup", "/tmp/none/backup"),
        ("node", "menu", "--listen", free_address()),
        ("node", "run", "--listen", free_address()),
        ("dashboard.app", "--port", "0"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_every_program_refuses_it_with_a_sentence(planted: Planted, command: tuple[str, ...]) -> None:
    planted.give_away(planted.home)
    before = sorted(path.relative_to(planted.home) for path in planted.home.rglob("*"))
    done = run(*command, "--home", str(planted.home))
    assert done.returncode == HomeRefused.exit_code, done
    assert f"{planted.home} can't be used: it belongs to uid {STRANGER}, not to you" in done.stderr
    assert "Traceback" not in done.stderr
    assert not planted.was_called()
    assert sorted(path.relative_to(planted.home) for path in planted.home.rglob("*")) == before
