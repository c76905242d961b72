"""What somebody removes from the home of a running node, and a terminal that takes nothing: the node goes on."""

from __future__ import annotations

import os
import pathlib
import pty
import shutil
import signal
import stat
import subprocess
import sys
import termios

import pytest

from node.bus import events as ev
from node.bus import locks
from node.bus.client import Away, Client, Cursor, Resync
from node.bus.server import MAX_REBINDS
from tests.support.processes import (
    PATIENCE,
    ROOT,
    NodeProcess,
    Nodes,
    clean_environment,
    eventually,
    free_address,
    printed,
    verb,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Unix sockets and terminals")


def console(home: pathlib.Path, *words: str) -> subprocess.CompletedProcess[str]:
    return printed(verb(*words, "--home", home))


def sockets(node: NodeProcess) -> list[str]:
    return sorted(path.name for path in (node.home / "bus").glob("*"))


def open_files(node: NodeProcess) -> int:
    return len(list(pathlib.Path(f"/proc/{node.pid}/fd").iterdir()))


@pytest.mark.parametrize("what", ["bus/*", "bus", "bus.json", "bus and bus.json", "everything but the database"])
def test_what_is_removed_is_made_anew_and_nobody_misses_an_event(nodes: Nodes, what: str) -> None:
    anna = nodes.start("anna")
    with Client(anna.home, name="follower", timeout=PATIENCE) as client:
        follower = client.follow(Cursor(client.status().log, 0))
        first = client.settings(keep_days=1)
        assert first.keep_days == 1
        if what == "bus/*":
            for path in (anna.home / "bus").iterdir():
                path.unlink()
        if what in ("bus", "bus and bus.json", "everything but the database"):
            shutil.rmtree(anna.home / "bus")
        if what in ("bus.json", "bus and bus.json", "everything but the database"):
            (anna.home / "bus.json").unlink()
        if what == "everything but the database":
            (anna.home / locks.NODE_LOCK).unlink()
        eventually(lambda: sockets(anna) == ["commands", "events"] and (anna.home / "bus.json").exists(), within=10)
        with Client(anna.home, name="another", timeout=PATIENCE) as another:
            assert another.status().pid == anna.pid
            head = another.settings(keep_days=2) and another.status().head
        seen: list[int] = []
        while not seen or seen[-1] < head:
            item = follower.next(PATIENCE)
            assert item is not None and not isinstance(item, Away | Resync), item
            if isinstance(item, ev.Event) and item.seq is not None:
                seen.append(item.seq)
        assert seen == list(range(1, head + 1))
    for path in (anna.home / "bus.json", *(anna.home / "bus").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((anna.home / "bus").stat().st_mode) == 0o700
    assert any("they are bound again" in line or "it is written again" in line for line in anna.lines)
    assert console(anna.home, "stop").returncode == 0
    assert anna.wait() == 0
    assert not (anna.home / "bus.json").exists()


@pytest.mark.skipif(not pathlib.Path("/proc/self/fd").exists(), reason="only Linux tells which files are open")
def test_removed_again_and_again_it_costs_a_bounded_number_of_files(nodes: Nodes) -> None:
    """Faster than once a second, which is how often it is looked: in the node's own process."""
    script = (
        "import sys\nfrom node import findable\nfindable.LOOK_S = 0.01\n"
        "from node.__main__ import main\nsys.exit(main())\n"
    )
    anna = nodes.start("anna", script=("-c", script))
    before = open_files(anna)
    for _ in range(MAX_REBINDS):
        for path in (anna.home / "bus").iterdir():
            path.unlink(missing_ok=True)
        eventually(lambda: sockets(anna) == ["commands", "events"])
    assert open_files(anna) <= before + MAX_REBINDS + 8
    with Client(anna.home, name="another", timeout=PATIENCE) as another:
        assert another.status().ready


def test_stop_has_a_second_way_and_status_says_what_is_the_case(nodes: Nodes) -> None:
    """A node whose sockets were just removed; that it makes them anew is put off, so that the test meets it so."""
    script = (
        "import sys\nfrom node import findable\nfindable.LOOK_S = 3600\n"
        "from node.__main__ import main\nsys.exit(main())\n"
    )
    anna = nodes.start("anna", script=("-c", script))
    shutil.rmtree(anna.home / "bus")
    (anna.home / "bus.json").unlink()
    told = console(anna.home, "status")
    assert told.returncode == 69
    assert f"A node runs on {anna.home} (pid {anna.pid}), but its bus doesn't answer." in told.stderr
    ended = console(anna.home, "stop")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"The bus didn't answer; the node (pid {anna.pid}) was ended by a signal (SIGTERM).\n"
    assert anna.wait() == 0
    again = console(anna.home, "stop")
    assert again.returncode == 69 and "No node is running" in again.stderr


@pytest.mark.parametrize("where", ["a terminal whose flow is stopped", "a pipe that nobody reads"])
def test_a_node_goes_on_when_nothing_takes_what_it_prints(nodes: Nodes, where: str) -> None:
    home, listen = nodes.folder / "still", free_address()
    ours, theirs = pty.openpty() if "terminal" in where else os.pipe()
    command = [sys.executable, "-m", "node", "run", "--home", str(home), "--listen", listen, "--log-level", "debug"]
    process = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL, stderr=theirs)
    try:
        eventually(lambda: (home / "bus.json").exists(), "it is up")
        if "terminal" in where:
            termios.tcflow(theirs, termios.TCOOFF)
        else:
            # Fill it for the node.
            os.set_blocking(theirs, False)
            with pytest.raises(BlockingIOError):
                while True:
                    os.write(theirs, b"x" * 512)
            os.set_blocking(theirs, True)
        with Client(home, name="test", timeout=PATIENCE) as client:
            for number in range(20):
                client.connect(f"127.0.0.1:{number + 1}")
            assert client.status().ready
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert not (home / "bus.json").exists()
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
