"""The text menu in a real terminal: it starts a node, talks with an old client, and ends only what it started."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from node.bus.client import Client
from node.errors import NodeAway
from tests.support.old_clients import AncestorConsole
from tests.support.processes import eventually, free_port, loopback_host

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are Unix", allow_module_level=True)

from tests.support.terminal import PYTHON, Terminal

ROOT = str(pathlib.Path(__file__).resolve().parents[2])


@pytest.fixture(scope="module")
def host() -> str:
    """Where nodes listen."""
    return loopback_host()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def home() -> Iterator[pathlib.Path]:
    """A home whose path is short enough for sockets; a node that a failed test leaves there is ended."""
    with tempfile.TemporaryDirectory(prefix="sn-") as folder:
        yield pathlib.Path(folder)
        with Client(folder) as client, contextlib.suppress(NodeAway):
            client.stop()
            eventually(lambda: not (pathlib.Path(folder) / "bus.json").exists(), "the node ends")


@pytest.fixture
def old_client() -> Iterator[AncestorConsole]:
    with AncestorConsole(host=loopback_host(), team="ANC") as client:
        yield client


def menu(home: pathlib.Path, *more: str, size: tuple[int, int] = (110, 45)) -> Terminal:
    return Terminal([PYTHON, "-m", "node", "menu", "--home", str(home), *more], ROOT, size)


def test_it_asks_for_name_and_port_and_starts_a_node(home: pathlib.Path, port: int) -> None:
    with menu(home) as terminal:
        for wrong, why in (("", "A name has 1 to 64 characters"), ("x" * 65, "A name has at most 64 characters")):
            terminal.wait_for("Your team name:")
            terminal.type(f"{wrong}\r")
            terminal.wait_for(why)
        terminal.wait_for("Your team name:")
        terminal.type("SNITCH\r")
        terminal.wait_for("Port to listen on [5000]:")
        terminal.type("99999\r")
        terminal.wait_for("is not a port")
        terminal.type(f"{port}\r")
        terminal.wait_for("You are SNITCH. Others reach you at:")
        terminal.wait_for(f":{port}")
        terminal.wait_for("0. Quit")
        with Client(home) as client:
            assert client.status().self.name == "SNITCH"
        terminal.type("0\r")
        assert terminal.wait_end() == 0
    with Client(home) as client, pytest.raises(NodeAway):
        client.status()


def test_messages_that_arrive_leave_the_prompt_alone(
    home: pathlib.Path, host: str, port: int, old_client: AncestorConsole
) -> None:
    with menu(home, "--name", "SNITCH", "--listen", f"{host}:{port}") as terminal:
        terminal.wait_for("Enter choice:")
        terminal.type("1\r")
        terminal.wait_for("To (HOST:PORT or a name):")
        terminal.type(f"{old_client.address}\r")
        terminal.wait_for("Message:")
        terminal.type("half a mess")
        old_client.connect(host, port)
        old_client.send(host, port, "are you there?")
        terminal.wait_for("ANC: are you there?")
        terminal.type("age\r")
        terminal.wait_for("is on disk")
        old_client.wait_for(lambda c: any("SNITCH: half a message" in r.text for r in c.received))
        terminal.wait_for("Enter choice:")
        terminal.type("2\r")
        terminal.wait_for("Active peers:")
        terminal.wait_for("ANC")
        terminal.wait_for("online")
        terminal.type("9\r")
        terminal.wait_for("Please enter 1, 2, 3, 4, 5, 6 or 0.")
        terminal.type("3\r")
        terminal.wait_for("Address (HOST:PORT):")
        terminal.type("nonsense\r")
        terminal.wait_for("Nobody goes by the name 'nonsense'.")
        # Ctrl+D leaves as well, and the old client gets its good-bye.
        terminal.wait_for("Enter choice:")
        terminal.type("\x04")
        assert terminal.wait_end() == 0
        old_client.wait_for(lambda c: any(b"exit" in data for _, data in c.reads))


def test_rename_merge_and_delete_stand_behind_one_point(
    home: pathlib.Path, host: str, port: int, old_client: AncestorConsole
) -> None:
    def choose(*lines: str) -> None:
        terminal.wait_for("Enter choice:")
        for line in lines:
            terminal.type(f"{line}\r")

    with menu(home, "--name", "SNITCH", "--listen", f"{host}:{port}") as terminal, Client(home) as client:
        terminal.wait_for("0. Quit")
        old_client.send(host, port, "a text of mine")
        terminal.wait_for("ANC: a text of mine")
        choose("4", "1")
        terminal.wait_for("Whom (HOST:PORT or a name):")
        terminal.type("ANC\r")
        terminal.wait_for("New name (empty: its own):")
        terminal.type("brother\r")
        terminal.wait_for("It is now brother.")
        other = client.send("127.0.0.33:9", "to somebody else").room
        choose("2")
        terminal.wait_for("Whose conversation moves:")
        terminal.type("127.0.0.33:9\r")
        terminal.wait_for("Whose takes it in:")
        terminal.type("brother\r")
        terminal.wait_for("is now with brother (")
        assert other not in client.snapshot().state.rooms
        choose("3")
        terminal.wait_for("Whose conversation goes for good:")
        terminal.type("brother\r")
        terminal.wait_for("Sure? (yes/no):")
        terminal.type("no\r")
        choose("3")
        terminal.type("brother\r")
        terminal.wait_for("Sure? (yes/no):")
        terminal.type("yes\r")
        terminal.wait_for("Deleted.")
        assert client.snapshot().state.rooms == {}
        choose("0")
        terminal.wait_for("0. Quit")
        choose("0")
        assert terminal.wait_end() == 0


def test_ctrl_c_in_a_question_goes_back_to_the_menu_and_there_it_ends_it(
    home: pathlib.Path, host: str, port: int
) -> None:
    with menu(home, "--name", "SNITCH", "--listen", f"{host}:{port}") as terminal:
        for keys in ("\x03", "\x04"):
            for answers in (
                {"Enter choice:": "1", "To (": None},
                {"Enter choice:": "1", "To (": "127.0.0.34:9", "Message:": None},
                {"Enter choice:": "3", "Address (": None},
                {"Enter choice:": "4", "0. Back": None},
            ):
                for question, words in answers.items():
                    terminal.wait_for(question)
                    if question == "0. Back":
                        terminal.wait_for("Enter choice:")
                    terminal.type(keys if words is None else f"{words}\r")
                terminal.wait_for("Nothing was done.")
        terminal.wait_for("Enter choice:")
        terminal.type("\x03")
        terminal.wait_for("Ending the node that was started here.")
        assert terminal.wait_end() == 0


def test_what_comes_of_connecting_is_told_above_the_prompt(
    home: pathlib.Path, host: str, port: int, old_client: AncestorConsole
) -> None:
    with menu(home, "--name", "SNITCH", "--listen", f"{host}:{port}") as terminal:
        for address, outcome in ((f"{host}:{port}", "is this node itself"), ("127.0.0.34:9", "is offline: Connec")):
            terminal.wait_for("Enter choice:")
            terminal.type("3\r")
            terminal.wait_for("Address (HOST:PORT):")
            terminal.type(f"{address}\r")
            terminal.wait_for(f"{address} {outcome}")
        terminal.type("3\r")
        terminal.type(f"{old_client.address}\r")
        terminal.wait_for(f"({old_client.address} is online)")
        terminal.type("0\r")
        assert terminal.wait_end() == 0


def test_of_two_menus_that_start_a_node_the_slower_one_uses_that_of_the_other(
    home: pathlib.Path, host: str, port: int
) -> None:
    with menu(home, "--listen", f"{host}:{port}") as slow:
        slow.wait_for("Your team name:")
        with menu(home, "--name", "QUICK", "--listen", f"{host}:{port}") as quick:
            quick.wait_for("Enter choice:")
            slow.type("SLOW\r")
            slow.wait_for("A node is running here already: QUICK")
            slow.wait_for("You are QUICK.")
            slow.type("0\r")
            assert slow.wait_end() == 0
            assert "Ending the node" not in slow.text
            with Client(home) as client:
                assert client.status().self.name == "QUICK"
            quick.type("0\r")
            assert quick.wait_end() == 0


def test_a_very_small_terminal_has_room_for_the_questions(home: pathlib.Path, host: str, port: int) -> None:
    with menu(home, "--name", "SNITCH", "--listen", f"{host}:{port}", size=(22, 6)) as terminal:
        terminal.wait_for("Enter choice:")
        with Client(home) as client:
            client.send("127.0.0.34:9", "hello")
        for words in ("127.0.0.34:9", "127.0.0.34:9", ""):
            # The second time, there is a name that may be meant.
            terminal.type("1\r")
            terminal.wait_for("To (HOST:PORT")
            terminal.type(f"{words}\r")
            if words:
                terminal.wait_for("Message:")
                terminal.type("hi\r")
                terminal.wait_for("is on disk;")
            terminal.wait_for("Enter choice:")
        assert "too small" not in terminal.text
        terminal.type("0\r")
        assert terminal.wait_end() == 0


def test_the_chat_takes_the_screen_and_gives_it_back(
    home: pathlib.Path, host: str, port: int, old_client: AncestorConsole
) -> None:
    with menu(home, "--name", "SNITCH", "--listen", f"{host}:{port}") as terminal:
        terminal.wait_for("Enter choice:")
        terminal.type("6\r")
        terminal.wait_for("With whom (HOST:PORT or a name):")
        terminal.type(f"{old_client.address}\r")
        terminal.wait_for("Enter sends")
        terminal.type("from the chat\r")
        old_client.wait_for(lambda c: any("from the chat" in r.text for r in c.received))
        terminal.type("/quit\r")
        terminal.wait_for("0. Quit")
        terminal.wait_for("Enter choice:")
        terminal.type("5\r")
        terminal.type(f"{old_client.address}\r")
        terminal.wait_for("> SNITCH: from the chat")
        terminal.type("0\r")
        assert terminal.wait_end() == 0


@pytest.mark.parametrize("listen", ["127.0.0.31", "127.0.0.31:99999"])
def test_where_nothing_can_listen_is_wrong_usage(home: pathlib.Path, listen: str) -> None:
    with menu(home, "--listen", listen) as terminal:
        terminal.wait_for("--listen: ")
        assert terminal.wait_end() == 2


def test_a_pipe_is_read_line_by_line_whatever_stands_in_it(home: pathlib.Path, host: str, port: int) -> None:
    done = subprocess.run(
        [PYTHON, "-m", "node", "menu", "--home", str(home), "--name", "A", "--listen", f"{host}:{port}"],
        cwd=ROOT, input=b"1\n\xff\nhi\n9\n0\n", capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Nobody goes by the name '\N{REPLACEMENT CHARACTER}'." in shown
    assert "Please enter 1, 2, 3, 4, 5, 6 or 0." in shown


def test_it_leaves_a_node_alone_that_it_did_not_start(home: pathlib.Path, host: str, port: int) -> None:
    with menu(home, "--name", "FIRST", "--listen", f"{host}:{port}") as first:
        first.wait_for("Enter choice:")
        with menu(home) as second:
            second.wait_for("A node is running here already: FIRST")
            second.wait_for("Enter choice:")
            second.type("0\r")
            assert second.wait_end() == 0
        with Client(home) as client:
            assert client.status().ready
        first.type("0\r")
        assert first.wait_end() == 0


def test_a_node_that_cannot_start_is_told_in_words(home: pathlib.Path, host: str) -> None:
    with socket.socket() as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with menu(home, "--name", "A", "--listen", f"{host}:{port}") as terminal:
            terminal.wait_for(f"Port {port} is taken")
            assert terminal.wait_end() == 78
