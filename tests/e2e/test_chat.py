"""The chat in a real terminal: two nodes talk, one is killed meanwhile, and the terminal is left as it was."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from tests.support.processes import NodeProcess, Nodes, eventually

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are Unix", allow_module_level=True)

from tests.support.terminal import PYTHON, Terminal

ROOT = str(pathlib.Path(__file__).resolve().parents[2])
#: What a terminal is told when it leaves the other screen, and is to take pastes as keys again.
LEFT = ("\x1b[?1049l", "\x1b[?2004l")
COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-8]|9[0-7])(?:;[0-9]+)*m")


@pytest.fixture
def pair(nodes: Nodes) -> tuple[NodeProcess, NodeProcess]:
    anna, bert = nodes.make("anna").launch(), nodes.make("bert").launch()
    return anna.wait_ready(), bert.wait_ready()


def chat(node: NodeProcess, who: str, **variables: str) -> Terminal:
    return Terminal([PYTHON, "-m", "node", "chat", "--home", str(node.home), who], ROOT, (80, 24), **variables)


# A screen is drawn by what changes in it, so these texts share no letter at one place.
def test_two_talk_and_a_node_that_is_killed_meanwhile_loses_nothing(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    with chat(anna, bert.address, NO_COLOR="1") as terminal:
        before = terminal.modes()
        terminal.wait_for("Enter sends")
        terminal.type("AAAA\r")
        bert.wait_heard(anna.address, ["AAAA"])
        eventually(lambda: anna.wait_for_peer(bert.address, kind="node"), "they know each other")
        bert.send(anna.address, "bbbb")
        terminal.wait_for("bbbb")
        anna.kill()
        terminal.wait_for("The node is away")
        terminal.type("cccc\r")
        anna.start()

        def entered() -> bool:
            # Before the node is there, the text stays; an empty prompt sends nothing.
            terminal.type("\r")
            return bert.heard(anna.address) == ["AAAA", "cccc"]

        eventually(entered, "it goes out, once")
        bert.send(anna.address, "dddd")
        terminal.resize(40, 12)
        terminal.wait_for("dddd")
        terminal.type("/quit\r")
        assert terminal.wait_end() == 0
        assert all(words in terminal.raw for words in LEFT) and terminal.modes() == before
        assert COLOUR.search(terminal.raw) is None


def test_a_signal_ends_it_and_the_terminal_is_as_it_was(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    with chat(anna, "127.0.0.35:9", NO_COLOR="") as terminal:
        before = terminal.modes()
        terminal.wait_for("plain")
        terminal.type("a draft")
        terminal.wait_for("a draft")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait_end() == -signal.SIGTERM
        assert all(words in terminal.raw for words in LEFT) and terminal.modes() == before
        assert "was not handed over to the node:\na draft" in terminal.text, "it is not lost"
        assert COLOUR.search(terminal.raw)


def test_a_pipe_is_sent_line_by_line(pair: tuple[NodeProcess, NodeProcess]) -> None:
    anna, bert = pair
    done = subprocess.run(
        [PYTHON, "-m", "node", "chat", "--home", str(anna.home), bert.address],
        cwd=ROOT, input=b"one\ntwo \xff\n//three\n/four\n", capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and b"There is no command /four" in done.stderr
    bert.wait_heard(anna.address, ["one", "two \N{REPLACEMENT CHARACTER}", "/three"])
    assert b"\x1b" not in done.stdout and b"> anna: one" in done.stdout
