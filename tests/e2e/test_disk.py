"""A whole node and its disk: on disk before the reply, and honest where the disk is full or read-only."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus.client import Back, Client, Follower
from node.errors import CommandRefused, NodeAway
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.disks import fill, free_up
from tests.support.processes import (
    PATIENCE,
    ROOT,
    NodeProcess,
    clean_environment,
    eventually,
    free_address,
    loopback_host,
)

MIB = 1024 * 1024

# -- on disk before the reply


@contextlib.contextmanager
def traced(pid: int, output: pathlib.Path) -> Iterator[None]:
    """Write down what a process asks of the system: what it writes, and what it waits for the disk for."""
    calls = "trace=pwrite64,fsync,fdatasync,sendto,sendmsg,write"
    tracer = subprocess.Popen(
        ["strace", "-f", "-y", "-s", "16384", "-e", calls, "-o", str(output), "-p", str(pid)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    try:
        line = tracer.stderr.readline()
        if "attached" not in line:
            if "not permitted" in line and not os.environ.get("CI"):
                pytest.skip(f"tracing is not permitted here ({line.strip()})")
            pytest.fail(line)
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(PATIENCE)
        tracer.stderr.close()


@pytest.mark.skipif(
    shutil.which("strace") is None and not os.environ.get("CI"), reason="strace is not installed (Debian: strace)"
)
def test_a_message_is_on_the_disk_before_its_sender_is_told(tmp_path: pathlib.Path) -> None:
    marker = "on-disk-before-the-reply-73519"
    with NodeProcess(tmp_path / "home").start() as node:
        target = free_address()
        node.send(target, "the first one makes files and rooms")
        with traced(node.pid, tmp_path / "trace"):
            node.send(target, marker)
    lines = (tmp_path / "trace").read_text(errors="replace").splitlines()

    def first(what: str, after: int = -1) -> int:
        found = (n for n, line in enumerate(lines) if n > after and re.search(what, line))
        number = next(found, None)
        assert number is not None, f"no {what} after line {after} of the trace"
        return number

    written = first(rf"pwrite64\(\d+<[^>]*/snicher\.db-wal>.*{marker}")
    # Only a call that has returned counts: its own line, or the line on which it is resumed.
    begun = first(r"(fdatasync|fsync)\(\d+<[^>]*/snicher\.db-wal>", written)
    thread = lines[begun].split()[0]
    unfinished = "<unfinished" in lines[begun]
    synced = first(rf"^{thread} +<\.\.\. (fdatasync|fsync) resumed>", begun) if unfinished else begun
    assert lines[synced].rstrip().endswith("= 0")
    told = first(rf"(sendto|sendmsg|write)\(\d+<(?!/).*{marker}")
    assert written < synced < told


# -- a disk of its own


class Disk:
    """A node whose home is a file system of its own, which nobody else sees and which goes with it.

    `before` is shell that runs on the disk before the node starts.
    """

    def __init__(self, folder: pathlib.Path, *, size: int = 8 * MIB, before: str = "true") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.mounted = folder / "home"
        self.mounted.mkdir()
        self.host = loopback_host()
        self.address = free_address(self.host)
        mount = f'mount -t tmpfs -o size={size},mode=700 disk "$0" || exit 99; cd "$0" && ({before}) || exit 98; cd /; '
        self.process = subprocess.Popen(
            [
                "unshare", "-m", "--propagation", "private", "sh", "-c", mount + 'cd "$1" && shift && exec "$@"',
                str(self.mounted), str(ROOT), sys.executable, "-m", "node", "run", "--home", str(self.mounted),
                "--name", "anna", "--listen", self.address, "--bus", "tcp://127.0.0.1:0",
            ],
            env=clean_environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        #: The home as it is seen from outside.
        self.home = pathlib.Path(f"/proc/{self.process.pid}/root") / self.mounted.relative_to("/")
        self.client = Client(self.home, name="test", timeout=PATIENCE)

    def ready(self) -> Disk:
        def up() -> bool:
            if self.process.poll() is not None:
                pytest.fail(f"it ended with {self.process.returncode}: {self.said()}")
            with contextlib.suppress(NodeAway):
                return self.client.status().ready
            return False

        eventually(up, "the node is up")
        return self

    def said(self) -> str:
        """All that it said on stderr, once it has ended."""
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        if self.process.wait(PATIENCE) in (1, 99) and "permi" in said.lower() and not os.environ.get("CI"):
            pytest.skip(f"mounting is not permitted here ({said.strip()})")
        return said

    def copy(self, to: pathlib.Path) -> pathlib.Path:
        """What would be found on the disk, had the machine stopped now."""
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir()
        # All files as they are at one moment.
        eventually(self._stopped, "the node stands still")
        try:
            for path in self.home.glob("snicher.db*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, to)
        finally:
            self.process.send_signal(signal.SIGCONT)
        return to

    def _stopped(self) -> bool:
        self.process.send_signal(signal.SIGSTOP)
        return os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG) is not None

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def __enter__(self) -> Disk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def say_as_peer(disk: Disk, claimed: str, text: str) -> None:
    """What an old one-shot client does: connect, say one thing, close."""
    host, _, port = disk.address.rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE, source_address=(claimed.rpartition(":")[0], 0)) as peer:
        peer.sendall(f"{claimed} TEAM {text}".encode())
        peer.shutdown(socket.SHUT_WR)


def said_by(disk: Disk, address: str) -> list[str]:
    """The texts that the node has from the peer at HOST:PORT."""
    peers = [peer for peer in disk.client.peers().peers if f"{peer.host}:{peer.port}" == address]
    if not peers:
        return []
    page = disk.client.history(peers[0].room, limit=bounds.MAX_HISTORY)
    return [one.text for one in page.messages if one.direction == "in" and one.kind == "text"]


def is_reached(follower: Follower) -> bool:
    """Whether an ephemeral event came (a next try, here): its subscription has reached the node by then."""
    item = follower.next(1.0)
    return isinstance(item, ev.Event) and item.seq is None


def health_told(follower: Follower, client: Client, store: bool) -> nouns.Health:
    """The next health that says so, as front ends learn of it: told, or asked for after an absence."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        item = follower.next(1.0)
        if isinstance(item, ev.Event) and isinstance(item.data, ev.HealthChanged):
            health = item.data.health
        elif isinstance(item, Back):
            health = client.status().health
        else:
            continue
        if health.store == store:
            return health
    raise AssertionError(f"nobody was told that the store is {store}")


def how_much_is_taken(disk: Disk) -> int:
    """How many bytes a connected peer gets rid of before it has to wait, at most 64 MiB."""
    host, _, port = disk.address.rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE, source_address=(loopback_host(), 0)) as peer:
        peer.settimeout(0.3)
        sent = 0
        # Blank lines: what waits in the system's buffers is read later, and must leave nothing then.
        with contextlib.suppress(TimeoutError):
            while sent < 64 * MIB:
                sent += peer.send((b" " * 4_000 + b"\n") * 16)
    return sent


def refused(command: Callable[[], object]) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        command()
    return caught.value


def test_a_full_disk_is_told_read_on_and_recovered_from(tmp_path: pathlib.Path) -> None:
    """One story, because each of its parts needs the one before."""
    with Disk(tmp_path).ready() as disk:
        client, target, peer = disk.client, free_address(), free_address()
        told = [client.send(target, f"before {number}").text for number in range(20)]
        room = client.history(client.peers().peers[0].room).messages[0].room
        say_as_peer(disk, peer, "heard before")
        eventually(lambda: said_by(disk, peer) == ["heard before"])
        follower = client.follow()
        eventually(lambda: is_reached(follower), "what is only published reaches the follower")

        # It fills up under way: what was told is there, what was refused is not.
        fill(disk.home)
        failure = None
        for number in range(200):
            try:
                told.append(client.send(target, f"filling {number} " + "x" * 2_000).text)
            except CommandRefused as refusal:
                failure = refusal
                break
        assert failure is not None and (failure.code, failure.retryable) == ("store_unavailable", True)
        problem = health_told(follower, client, store=False).problem
        assert problem is not None and "full" in problem

        # Commands are refused and say so; reads are answered.
        for command in (
            lambda: client.send(target, "refused"),
            lambda: client.connect(free_address()),
            lambda: client.settings(name="berta"),
            lambda: client.mark_read(room),
        ):
            error = refused(command)
            assert (error.code, error.retryable) == ("store_unavailable", True)
        assert not client.status().health.store
        snapshot = client.snapshot()
        assert not snapshot.live.health.store
        assert client.hello().head == client.stats().events == snapshot.seq
        assert client.events(0).events[-1].seq == client.events(0).head
        shown = [one.text for one in client.history(room, limit=200).messages if one.direction == "out"]
        assert shown == told
        client.search("before")

        # Peers are not read: what they say waits with them, or in the system.
        say_as_peer(disk, peer, "said while it was full")
        assert how_much_is_taken(disk) < 64 * MIB
        assert said_by(disk, peer) == ["heard before"]
        assert texts_of(disk.copy(tmp_path / "copy"), "out") == told

        # Room again: it goes on by itself.
        free_up(disk.home)
        assert health_told(follower, client, store=True).problem is None
        told.append(client.send(target, "after").text)
        eventually(lambda: said_by(disk, peer) == ["heard before", "said while it was full"])
        assert client.status().health == nouns.Health()
        assert [one.text for one in client.history(room, limit=200).messages if one.direction == "out"] == told
        assert texts_of(disk.copy(tmp_path / "copy"), "out") == told
        log = [event.seq for event in client.events(0, bounds.MAX_EVENTS).events]
        assert log == list(range(1, len(log) + 1))
        follower.close()


def texts_of(home: pathlib.Path, direction: str) -> list[str]:
    """All texts of one direction in a database, opened anew."""
    # As at a start after a crash: the WAL is read back by the one that writes.
    Writer(home).close()
    reader = Reader(home)
    with reader._moment() as db:
        found = db.execute(
            "SELECT text FROM body JOIN entry ON entry.id = body.entry WHERE kind = 'text' AND outgoing = ?"
            " ORDER BY entry.id",
            (direction == "out",),
        ).fetchall()
    reader.close()
    return [row[0] for row in found]


@pytest.mark.parametrize(
    ("before", "code", "sentence"),
    [
        ('mount -o remount,ro "$PWD"', 78, "Read-only file system"),
        ("dd if=/dev/zero of=ballast bs=4096 2>&1 | grep -q space", 70, "No space left on device"),
    ],
    ids=["read-only", "full"],
)
def test_a_node_does_not_start_where_it_cannot_write_and_says_why(
    tmp_path: pathlib.Path, before: str, code: int, sentence: str
) -> None:
    with Disk(tmp_path, before=before) as disk:
        said = disk.said()
        assert disk.process.returncode == code, said
        assert sentence in said
        assert "Traceback" not in said


def test_a_full_disk_at_a_later_start_is_refused_with_the_reason(tmp_path: pathlib.Path) -> None:
    used = tmp_path / "used"
    with NodeProcess(used).start() as node:
        node.send(free_address(), "kept")
        assert node.stop() == 0
    taken = f"cp -a {used}/. . && {{ dd if=/dev/zero of=ballast bs=4096 2>&1 | grep -q space; }}"
    with Disk(tmp_path / "later", before=taken) as disk:
        said = disk.said()
        assert disk.process.returncode == 70, said
        assert re.search("full|No space", said)
        assert "Traceback" not in said
