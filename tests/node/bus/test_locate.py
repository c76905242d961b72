"""Finding a node: its home, bus.json, and a place for its sockets that fits."""

from __future__ import annotations

import os
import pathlib
import re
import stat
import subprocess
import tempfile
from collections.abc import Iterator

import msgspec
import pytest
import zmq

from node.bus import encoding, locate, nouns
from node.errors import BusProtocolError, ConfigError, HomeRefused, NodeAway
from node.store import home as homes
from tests.support import hostile_json


def endpoint(**fields: object) -> nouns.Endpoint:
    known = nouns.Endpoint(
        v=1, versions=[1], events="tcp://e", commands="tcp://c", log="l", pid=os.getpid(), program="0", started=1
    )
    return msgspec.structs.replace(known, **fields)


def dead_pid() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_is_what_was_said_then_the_variable_then_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(locate.HOME_VARIABLE, "/from/variable")
    assert locate.find_home("/said") == pathlib.Path("/said")
    assert locate.find_home() == pathlib.Path("/from/variable")
    monkeypatch.delenv(locate.HOME_VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert locate.find_home() == pathlib.Path("/data/snicher")
    monkeypatch.setenv("HOME", "/me")
    assert locate.find_home("~/chat") == pathlib.Path("/me/chat")
    assert locate.find_home("chat").is_absolute()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("~nobody-of-that-name/x", "there is no such user"),
        ("/tmp/\udcff", "must be valid UTF-8"),
        ("/tmp/a\0b", "can't hold a NUL"),
        ("/" + "x/" * 2_000, "longer than the 3900 bytes"),
        ("/tmp/" + "x" * 300, "File name too long"),
        ("/etc/passwd", "is not a folder"),
        ("/etc/passwd/x", ""),
    ],
)
@pytest.mark.parametrize("by", ["--home", "SNICHER_HOME"])
def test_a_home_that_can_be_none_is_named(value: str, says: str, by: str) -> None:
    if not says:
        # Whoever makes it or reads in it says what is the matter.
        assert locate.find_home(value) == pathlib.Path(value)
        return
    with pytest.raises(ConfigError) as caught:
        if by == "--home":
            locate.find_home(value)
        else:
            locate.find_home(None, {"SNICHER_HOME": value})
    sentence = str(caught.value)
    assert sentence.startswith(f"{by} is ") and says in sentence
    assert sentence.isprintable() and sentence.isascii() and len(sentence) < 400


def test_an_empty_flag_is_an_error_and_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--home "$UNSET"` must not become the usual home."""
    with pytest.raises(ConfigError, match="--home is empty"):
        locate.find_home("")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert locate.find_home(None, {"SNICHER_HOME": ""}) == pathlib.Path("/data/snicher")


def test_a_home_may_be_relative(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate.find_home(None, {"SNICHER_HOME": "chat/é"}) == tmp_path / "chat" / "é"


@pytest.mark.parametrize("runtime", ["relative", "/nowhere/at/all", "~", ":", "/etc/passwd"])
def test_nonsense_in_the_runtime_variable_makes_no_folder_anywhere(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    fallback = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    monkeypatch.setattr(tempfile, "tempdir", str(fallback))
    found = locate.socket_directory(tmp_path / ("x" * 100))
    assert found.parent == fallback
    found.rmdir()
    fallback.rmdir()
    assert list(tmp_path.iterdir()) == []
    assert not pathlib.Path("/nowhere").exists()


def test_bus_json_comes_back_as_it_was_and_is_its_owners_alone(tmp_path: pathlib.Path) -> None:
    written = endpoint(server_key="s", client_key="c", client_secret="t")
    locate.write_endpoint(tmp_path, written)
    assert locate.read_endpoint(tmp_path) == written
    assert mode(tmp_path / "bus.json") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["bus.json"]
    locate.remove_endpoint(tmp_path)
    locate.remove_endpoint(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_node_is_a_sentence_that_says_how_to_start_one(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NodeAway, match="Start one with"):
        locate.read_endpoint(tmp_path)


def test_a_bus_json_that_a_crash_left_is_no_node(tmp_path: pathlib.Path) -> None:
    locate.write_endpoint(tmp_path, endpoint(pid=dead_pid()))
    with pytest.raises(NodeAway, match="without a good-bye"):
        locate.read_endpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no", b"{}", b"\xff", b'{"v": "\xff"}', b"[" * 60_000])
def test_something_else_in_bus_json_is_told(tmp_path: pathlib.Path, content: bytes) -> None:
    (tmp_path / "bus.json").write_bytes(content)
    with pytest.raises(BusProtocolError, match="isn't the connection file"):
        locate.read_endpoint(tmp_path)


@pytest.mark.parametrize("value", hostile_json.VALUES.values(), ids=hostile_json.VALUES)
@pytest.mark.parametrize("place", ["{}", "events", "pid", "versions", "started"])
def test_hostile_json_in_bus_json_is_told(tmp_path: pathlib.Path, place: str, value: str) -> None:
    known = encoding.encode(endpoint(pid=1)).decode()
    text = value if place == "{}" else re.sub(rf'(?<="{place}":)(\[.*?\]|".*?"|\d+)', lambda _: value, known, count=1)
    (tmp_path / "bus.json").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises((BusProtocolError, HomeRefused), match=r"isn't the connection file|more than 65,536 bytes"):
        locate.read_endpoint(tmp_path)


@pytest.mark.parametrize("pid", [0, -1, 2**31, 2**62])
def test_a_number_that_no_process_has_is_told(tmp_path: pathlib.Path, pid: int) -> None:
    locate.write_endpoint(tmp_path, endpoint(pid=pid))
    with pytest.raises(BusProtocolError, match="is no process"):
        locate.read_endpoint(tmp_path)


def test_a_node_of_another_version_is_told(tmp_path: pathlib.Path) -> None:
    locate.write_endpoint(tmp_path, endpoint(versions=[2, 3]))
    with pytest.raises(BusProtocolError, match="update one"):
        locate.read_endpoint(tmp_path)


def test_writing_a_private_file_is_all_or_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    locate.write_private(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        locate.write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_file_and_its_name_are_on_the_disk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    locate.write_private(tmp_path / "file", b"x")
    assert synced == [(tmp_path / "file").stat().st_ino, tmp_path.stat().st_ino]


def test_a_private_directory_is_closed_to_others(tmp_path: pathlib.Path) -> None:
    (tmp_path / "open").mkdir(mode=0o777)
    for path in (tmp_path / "open", tmp_path / "new" / "below"):
        assert locate.private_directory(path) == path
        assert mode(path) == 0o700


def test_a_private_directory_is_never_a_link_or_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    for name in ("link", "file", "file/below"):
        with pytest.raises(ConfigError):
            locate.private_directory(tmp_path / name)


def test_sockets_lie_in_the_home_where_that_is_short_enough(tmp_path: pathlib.Path) -> None:
    assert locate.socket_directory(tmp_path) == tmp_path / "bus"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    """A runtime folder with a short path."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield pathlib.Path(folder)


def test_sockets_of_a_home_with_a_long_path_lie_in_a_short_private_directory(
    tmp_path: pathlib.Path, short: pathlib.Path
) -> None:
    home = tmp_path / ("é" * 60)
    found = locate.socket_directory(home)
    assert found.parent == short
    assert mode(found) == 0o700
    # libzmq really binds there.
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.bind(f"ipc://{found / 'commands'}")
    locate.remove_sockets(found)
    assert list(short.iterdir()) == []


def test_that_directory_is_made_fresh_each_time_under_another_name(tmp_path: pathlib.Path, short: pathlib.Path) -> None:
    home = tmp_path / ("x" * 100)
    found = {locate.socket_directory(home) for _ in range(3)}
    assert len(found) == 3 and found == set(short.iterdir())


def test_that_directory_of_a_node_that_was_killed_goes_at_the_next_start(
    tmp_path: pathlib.Path, short: pathlib.Path
) -> None:
    home = tmp_path / ("x" * 100)
    locate.make_home(home)
    left = locate.socket_directory(home)
    (left / "events").touch()
    locate.write_endpoint(home, endpoint(events=f"ipc://{left}/events", commands=f"ipc://{left}/commands"))
    found = locate.socket_directory(home)
    assert list(short.iterdir()) == [found] and found != left


def test_nothing_in_the_home_goes_when_sockets_are_removed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "bus").mkdir()
    locate.remove_sockets(tmp_path / "bus")
    assert (tmp_path / "bus").is_dir()


def test_the_longest_path_that_is_used_in_the_home_can_be_bound(tmp_path: pathlib.Path, short: pathlib.Path) -> None:
    room = locate.MAX_IPC_PATH - len(os.fsencode(tmp_path / "x" / "bus" / "commands")) + 1
    if room < 1:
        pytest.skip("the temporary folder's path is too long for this test")
    home = tmp_path / ("x" * room)
    found = locate.socket_directory(home)
    assert found == home / "bus"
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.bind(f"ipc://{found / 'commands'}")
    assert locate.socket_directory(tmp_path / ("x" * (room + 1))).parent == short


@pytest.mark.parametrize("unusable", ["file", "open"])
def test_a_runtime_folder_that_cannot_be_used_is_passed_over(
    tmp_path: pathlib.Path, short: pathlib.Path, monkeypatch: pytest.MonkeyPatch, unusable: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / unusable))
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    assert locate.socket_directory(tmp_path / ("x" * 100)).parent == short


def test_only_files_that_hold_a_key_let_anybody_in(tmp_path: pathlib.Path) -> None:
    public, _ = zmq.curve_keypair()
    marked, _ = zmq.curve_keypair()
    (tmp_path / "a.key").write_bytes(public + b"\n")
    (tmp_path / "b.key").write_bytes(b"\xef\xbb\xbf" + marked + b"\r\n")
    (tmp_path / "short.key").write_text("short")
    (tmp_path / "bytes.key").write_bytes(b"\xff" * 40)
    (tmp_path / "other.txt").write_text("y" * 40)
    (tmp_path / "folder.key").mkdir()
    assert locate.allowed_keys(tmp_path) == {public.decode(), marked.decode()}
    assert locate.allowed_keys(tmp_path / "missing") == set()


def test_a_homes_lock_is_not_what_front_ends_look_at(tmp_path: pathlib.Path) -> None:
    lock = homes.claim(tmp_path)
    with pytest.raises(NodeAway):
        locate.read_endpoint(tmp_path)
    lock.release()
