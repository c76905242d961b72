"""The command line, as people and scripts use it: what it prints, its one line on stderr, and its exit codes."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pathlib
import queue
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from node.terminal.lines import event_line
from tests.support.old_clients import Std
from tests.support.processes import (
    PATIENCE,
    ROOT,
    NodeProcess,
    Nodes,
    clean_environment,
    eventually,
    free_address,
    loopback_host,
    printed,
    verb,
)
from tests.support.terminal import Terminal

Result = subprocess.CompletedProcess[str]


def run(*words: str, stdin: bytes = b"", anew: bool = False, **environment: str) -> Result:
    return printed(verb(*words, stdin=stdin, environment=environment, anew=anew))


def objects(result: Result) -> list[dict[str, Any]]:
    assert (result.returncode, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def one_line(result: Result) -> str:
    """What went wrong, said in one line on stderr and nothing on stdout."""
    assert result.stdout == ""
    assert result.stderr.endswith("\n")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.fixture
def old() -> Iterator[Std]:
    with Std(loopback_host(), team="OLD") as client:
        yield client


# -- the verbs


def test_send(anna: NodeProcess, old: Std) -> None:
    home = str(anna.home)
    # So that what it speaks needn't be found out.
    old.send(anna.host, anna.port, "so that you know me")
    anna.wait_heard(old.address, ["so that you know me"])
    result = run("send", old.address, "good morning to you", "--home", home)
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"#\d+ is sent\.\n", result.stdout), "whoever is there is waited for"
    (message,) = objects(run("send", old.address, "and again to you", "--no-wait", "--json", "--home", home))
    assert (message["text"], message["state"], message["direction"]) == ("and again to you", "waiting", "out")
    old.wait_for(lambda c: c.texts == ["good morning to you", "and again to you"])


def test_send_to_a_node_says_that_it_is_delivered(nodes: Nodes) -> None:
    anna, bela = nodes.start("anna"), nodes.start("bela")
    anna.client.connect(bela.address)
    anna.wait_for_peer(bela.address, link="online")
    result = run("send", bela.address, "hello", "--home", str(anna.home))
    assert result.stdout.endswith(" is delivered, encrypted: it is on their disk.\n")
    bela.stop()
    anna.wait_for_peer(bela.address, link="offline")
    result = run("send", bela.address, "are you there?", "--home", str(anna.home))
    assert " is on disk and waiting to be sent, encrypted." in result.stdout


def test_where_no_port_is_typed_the_usual_one_is_taken(anna: NodeProcess) -> None:
    host = loopback_host()
    for words in (("connect", host), ("send", host, "hi")):
        result = run(*words, "--home", str(anna.home))
        assert (result.returncode, result.stderr) == (0, "No port was typed, so 5000 was taken.\n")
    assert f"{host}:5000" in run("peers", "--home", str(anna.home)).stdout


def test_send_reads_standard_input(anna: NodeProcess, old: Std) -> None:
    (message,) = objects(
        run("send", old.address, "-", "--json", "--home", str(anna.home), stdin=b"two\nlines \xf0\x9f\x99\x82\xff\n")
    )
    assert message["text"] == "two\nlines 🙂\N{REPLACEMENT CHARACTER}"
    refused = run("send", old.address, "-", "--home", str(anna.home), stdin=b"x" * 10_000_000)
    assert refused.returncode == 1
    assert one_line(refused) == "A text may hold 65536 bytes.\n"


def test_connect_peers_and_disconnect(anna: NodeProcess, old: Std) -> None:
    home = ("--home", str(anna.home))
    (peer,) = objects(run("connect", old.address, "--dialect", "std", "--json", *home))
    assert (peer["host"], peer["port"], peer["dialect"], peer["wanted"]) == (old.host, old.port, "std", True)
    old.wait_for(lambda c: c.peers == [anna.address])
    old.send(anna.host, anna.port, "hello there, Anna")
    anna.wait_heard(old.address, ["hello there, Anna"])
    table = run("peers", *home)
    assert table.stdout.splitlines()[0].split() == [
        "NAME", "ADDRESS", "STATE", "PRIVACY", "DIALECT", "OR", "CODE", "ID",
    ]  # fmt: skip
    assert any("OLD" in line and old.address in line and "reachable" in line for line in table.stdout.splitlines())
    assert "Finding others is switched off in the settings." in table.stdout
    assert any(one["id"] == peer["id"] for one in objects(run("peers", "--json", *home)))
    calling = "Calling {}; `peers` shows what comes of it.\n"
    assert run("connect", old.address, *home).stdout == calling.format(f"OLD ({old.address})")
    nobody = free_address()
    assert run("connect", nobody, *home).stdout == calling.format(nobody)
    assert run("send", nobody, "still here", *home).returncode == 0
    assert run("forget", nobody, *home).stdout == "Off the list; what was said stays.\n"
    assert not any(nobody in line for line in run("peers", *home).stdout.splitlines())
    assert "still here" in run("history", nobody, *home).stdout
    assert one_line(run("forget", nobody, *home)) == f"There is no peer '{nobody}'.\n"
    assert run("delete", nobody, "--json", *home).stdout == "{}\n"
    assert run("disconnect", old.address, *home).stdout == f"Said good-bye to OLD ({old.address}).\n"
    (peer,) = objects(run("disconnect", peer["id"], "--json", *home))
    assert peer["link"] == "offline"


def test_on_a_terminal_delete_asks_and_lists_fit(anna: NodeProcess, old: Std) -> None:
    old.send(anna.host, anna.port, "hello there, Anna")
    anna.wait_heard(old.address, ["hello there, Anna"])
    verb = [sys.executable, "-m", "node"]
    with Terminal([*verb, "delete", old.address, "--home", str(anna.home)], str(ROOT)) as terminal:
        terminal.wait_for(f"Delete the conversation with OLD ({old.address}) for good, with 1 message? (yes/no): ")
        terminal.interrupt()
        assert terminal.wait_end() == 130
    # pytest-xdist sets COLUMNS, which would count instead of the terminal's own width.
    with Terminal([*verb, "peers", "--home", str(anna.home)], str(ROOT), (40, 45), COLUMNS="") as terminal:
        assert terminal.wait_end() == 0
        lines = terminal.text.splitlines()
    assert lines[0].split() == ["NAME", "STATE", "PRIVACY"] and all(len(line) <= 40 for line in lines)
    (at,) = (at for at, line in enumerate(lines) if old.address in line)
    assert lines[at].startswith("    ") and lines[at - 1].split() == ["OLD", "reachable", "plain"]
    assert "hello there, Anna" in run("history", old.address, "--home", str(anna.home)).stdout, "nothing is deleted"


def test_consumers_are_listed_and_dropped(anna: NodeProcess) -> None:
    home = ("--home", str(anna.home))
    assert run("consumers", "--drop", "bot-7", *home).stderr == "There is no consumer 'bot-7'.\n"
    anna.client.consumer_create("bot-7", since=1)
    (kept,) = objects(run("consumers", "--json", *home))
    assert (kept["name"], kept["position"], kept["lapsed"]) == ("bot-7", 1, False)
    head, line = run("consumers", *home).stdout.splitlines()
    assert (head.split()[0], line.split()[:2]) == ("NAME", ["bot-7", "1"])
    done = run("consumers", "--drop", "bot-7", *home)
    assert (done.returncode, done.stdout) == (0, "No place is kept for bot-7 any more.\n")
    assert anna.client.consumers() == []


def test_rename_merge_and_delete(anna: NodeProcess, old: Std) -> None:
    home = ("--home", str(anna.home))
    old.send(anna.host, anna.port, "a text of OLD")
    anna.wait_count(old.address, 1)
    assert run("rename", old.address, "my brother", *home).stdout == (
        f"{old.address} is now my brother (it calls itself OLD).\n"
    )
    old.send(anna.host, anna.port, "another of OLD")
    anna.wait_count(old.address, 2)
    (peer,) = objects(run("rename", "my brother", "", "--json", *home))
    assert (peer["name"], peer.get("own_name")) == ("OLD", None)
    other = free_address()
    run("send", other, "to somebody else", *home)
    assert run("merge", old.address, other, *home).stdout == (
        f"What was said with {old.address} is now part of the conversation with OLD ({other}).\n"
    )
    said = [line["text"] for line in objects(run("history", other, "--json", *home))]
    assert said == ["a text of OLD", "another of OLD", "to somebody else"]
    assert objects(run("search", "another", "--json", *home))
    assert run("delete", other, *home).stdout == "Deleted, with all that was said in it.\n"
    assert run("search", "another", "--json", *home).stdout == ""
    assert one_line(run("delete", other, *home)) == f"There is no conversation with '{other}'.\n"
    anna.check_disk()
    old.send(anna.host, anna.port, "once more")
    anna.wait_heard(old.address, ["once more"])
    assert any("deleted since" in event_line(event) for event in anna.check_log())


def test_history(anna: NodeProcess, old: Std) -> None:
    home = ("--home", str(anna.home))
    for number in range(5):
        old.send(anna.host, anna.port, f"line number {number}")
    anna.wait_count(old.address, 5)
    result = run("history", old.address, "--limit", "2", *home)
    assert [line.split("  ", 1)[1] for line in result.stdout.splitlines()] == [
        "OLD: line number 3",
        "OLD: line number 4",
    ]
    assert [one["text"] for one in objects(run("history", old.address, "--json", *home))] == [
        f"line number {number}" for number in range(5)
    ]


def test_text_of_others_can_t_steer_the_terminal(anna: NodeProcess, old: Std) -> None:
    old.send(anna.host, anna.port, "\x1b[2J and\r\x07 \u202e so on")
    anna.wait_count(old.address, 1)
    shown = run("history", old.address, "--home", str(anna.home)).stdout
    assert shown.strip().isprintable(), ascii(shown)


def test_search(anna: NodeProcess, old: Std) -> None:
    home = ("--home", str(anna.home))
    old.send(anna.host, anna.port, "a zebra crossing")
    anna.wait_count(old.address, 1)
    eventually(lambda: "a zebra crossing" in run("search", "zebra", *home).stdout)
    assert [one["text"] for one in objects(run("search", "zeb*", "--json", *home))] == ["a zebra crossing"]
    nothing = run("search", "unicorn", *home)
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "Nothing found.\n")


def test_status(anna: NodeProcess) -> None:
    result = run("status", "--home", str(anna.home))
    assert result.stdout.startswith(f"anna is ready (pid {anna.pid}, {anna.home})\n")
    assert anna.address in result.stdout
    (status,) = objects(run("status", "--json", "--home", str(anna.home)))
    assert (status["ready"], status["pid"], status["health"]["store"]) == (True, anna.pid, True)


def test_the_home_comes_from_the_environment_too(anna: NodeProcess) -> None:
    (status,) = objects(run("status", "--json", SNICHER_HOME=str(anna.home)))
    assert status["pid"] == anna.pid


def test_stop(nodes: Nodes) -> None:
    anna, bert = nodes.make("anna").launch(), nodes.make("bert").launch()
    result = run("stop", "--home", str(anna.wait_ready().home))
    assert (result.returncode, result.stdout, result.stderr) == (0, "The node is going down.\n", "")
    assert anna.wait() == 0
    assert objects(run("stop", "--json", "--home", str(bert.wait_ready().home))) == [{}]
    assert bert.wait() == 0


# -- tail


@contextlib.contextmanager
def tail(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "tail", *words],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def durable(process: subprocess.Popen[str], upto: int) -> list[int]:
    """The numbers of the events that `tail --json` prints, until event `upto`."""
    assert process.stdout is not None
    numbers: list[int] = []
    for line in process.stdout:
        seq = json.loads(line).get("seq")
        if seq is not None:
            numbers.append(seq)
            if seq >= upto:
                break
    return numbers


def test_tail_goes_on_over_a_restart_of_the_node_and_misses_nothing(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    with tail("--since", "0", "--json", "--home", str(anna.home)) as process:
        head = anna.client.status().head
        assert durable(process, head) == list(range(1, head + 1))
        anna.kill()
        anna.start()
        anna.send(free_address(), "after the crash")
        after = anna.client.status().head
        assert durable(process, after) == list(range(head + 1, after + 1))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0, "an interrupt is the way to end it"
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_tail_for_a_consumer_goes_on_where_it_was_killed(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    words = ("--consumer", "log", "--since", "0", "--json", "--home", str(anna.home))
    seen: list[int] = []
    for _ in range(3):
        anna.send(free_address(), "and one more")
        with tail(*words) as process:
            shown = durable(process, 0)
            process.kill()
            # It may have shown more by now.
            shown += durable(process, sys.maxsize)
        # Killed after a line and before its acknowledgement, it shows that line again; it never leaves one out.
        assert shown[0] - (seen or [0])[-1] in (0, 1)
        assert shown == list(range(shown[0], shown[-1] + 1))
        seen += shown
    anna.send(free_address(), "and the last one")
    with tail(*words) as process:
        head = anna.client.status().head
        numbers = durable(process, head)
        assert numbers[0] - seen[-1] in (0, 1)
        assert numbers == list(range(numbers[0], head + 1))
        process.send_signal(signal.SIGINT)
        # Peers that can't be reached make events meanwhile.
        last = [head, *durable(process, sys.maxsize)][-1]
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None and process.stderr.read() == ""
    assert [(one.name, one.position) for one in anna.client.consumers()] == [("log", last)]
    anna.send(free_address(), "what comes after an interrupt")
    with tail(*words) as process:
        assert durable(process, 0) == [last + 1]


def test_tail_for_a_consumer_that_can_t_be_had_says_why(anna: NodeProcess) -> None:
    refused = run("tail", "--consumer", "a b", "--home", str(anna.home))
    assert refused.returncode == 1
    assert one_line(refused).startswith("A consumer's name has 1 to 64 characters")
    ahead = run("tail", "--consumer", "new", "--since", "999999", "--home", str(anna.home))
    assert (ahead.returncode, one_line(ahead).split()[:3]) == (1, ["The", "head", "is"])


def test_tail_without_since_begins_with_what_comes(anna: NodeProcess, old: Std) -> None:
    with tail("--home", str(anna.home)) as process:
        assert process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in process.stdout or ()], daemon=True).start()

        def prints() -> bool:
            # It says nothing before the first event, so that one can't know from when on it follows.
            old.send(anna.host, anna.port, "knock, knock")
            with contextlib.suppress(queue.Empty):
                return "OLD: knock, knock" in lines.get(timeout=0.1)
            return False

        eventually(prints)


@pytest.mark.parametrize("words", [(), ("--consumer", "log")], ids=["events", "consumer"])
def test_tail_waits_for_a_node_that_is_away_at_first(nodes: Nodes, words: tuple[str, ...]) -> None:
    anna = nodes.make("anna")
    anna.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tail("--json", "--since", "0", *words, "--home", str(anna.home)) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"The node is away: No node is running on {anna.home}. Waiting")
        anna.launch().wait_ready()
        assert process.stderr.readline() == "The node is back.\n"
        head = anna.client.status().head
        assert durable(process, head) == list(range(1, head + 1))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_tail_that_waits_for_its_node_can_be_ended(tmp_path: pathlib.Path, number: signal.Signals, code: int) -> None:
    with tail("--home", str(tmp_path)) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(number)
        assert process.wait(PATIENCE) == code
        assert process.stderr.read() == ""


def test_tail_waits_for_no_node_where_there_is_no_home(tmp_path: pathlib.Path) -> None:
    result = run("tail", "--home", str(tmp_path / "nowhere"))
    assert result.returncode == 69
    assert one_line(result) == (
        f"There is no home at {tmp_path}/nowhere. Is --home right? A node makes it:"
        f" python -m node run --home {tmp_path}/nowhere\n"
    )


def test_tail_says_when_the_events_asked_for_aren_t_there(anna: NodeProcess) -> None:
    with tail("--since", "999999", "--home", str(anna.home)) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("The events asked for aren't there; going on after event ")


@pytest.mark.parametrize("words", [("tail", "--since", "0"), ("peers",), ("--help",)])
def test_a_pipe_whose_reader_has_enough_ends_it_cleanly(anna: NodeProcess, words: tuple[str, ...]) -> None:
    home = () if words == ("--help",) else ("--home", str(anna.home))
    process = subprocess.Popen(
        [sys.executable, "-m", "node", *words, *home],
        cwd=ROOT,
        env=clean_environment({"PYTHONUNBUFFERED": ""}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


# -- what goes wrong


VERBS = [
    ("send", "127.0.0.1:9", "text"), ("peers",), ("connect", "127.0.0.1:9"), ("disconnect", "x"), ("history", "x"),
    ("chat", "x"),
    ("invite",), ("add", "x"), ("requests",), ("verify", "x"), ("block", "x"), ("blocked",),
    ("search", "x"), ("link", "x"), ("set", "name", "x"), ("status",), ("stop",),
]  # fmt: skip


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_no_node(tmp_path: pathlib.Path, words: tuple[str, ...]) -> None:
    """Each verb is started anew here: it loads what it needs."""
    result = run(*words, "--home", str(tmp_path), anew=True)
    assert result.returncode == 69
    assert one_line(result) == (
        f"No node is running on {tmp_path}. Start one with: python -m node run --home {tmp_path}\n"
    )


def test_a_node_that_crashed_is_told_from_one_that_never_was(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    anna.kill()
    result = run("status", "--home", str(anna.home))
    assert result.returncode == 69
    assert "gone without a good-bye" in one_line(result)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("send", "nobody", "text"), "Nobody goes by the name 'nobody'."),
        (("connect", "::1:7"), "An IPv6 address goes in brackets: [::1]:7."),
        (("connect", "http://127.0.0.5/"), "Which port? 127.0.0.5:PORT"),
        (("connect", "[fe80::1%no-such]:5000"), "This machine has no interface 'no-such'"),
        (("send", "127.0.0.1:99999", "text"), "99999 is not a port; it is a number from 1 to 65535."),
        (("send", "127.0.0.1:9", " "), "A text has nothing in it that could be shown."),
        (("connect", "127.0.0.1:9", "--dialect", "klingon"), "`dialect` is auto, "),
        (("disconnect", "127.0.0.1:1"), "There is no peer '127.0.0.1:1'."),
        (("chat", "nobody"), "Nobody goes by the name 'nobody'."),
        (("history", "nobody"), "There is no conversation with 'nobody'."),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_refused(anna: NodeProcess, words: tuple[str, ...], sentence: str) -> None:
    result = run(*words, "--home", str(anna.home))
    assert result.returncode == 1
    assert one_line(result).startswith(sentence)


def test_one_s_own_address_is_refused(anna: NodeProcess) -> None:
    result = run("send", anna.address, "hello me", "--home", str(anna.home))
    assert result.returncode == 1
    assert one_line(result) == f"{anna.address} is this node itself.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("send", "x"),
        ("history", "x", "--limit", "0"),
        ("tail", "--since", "-1"),
        ("peers", "--js"),
        ("stat",),
        ("run", "--listen"),
        ("run", "x"),
        ("run", "--log-format", "xml"),
    ],
    ids=" ".join,
)
def test_wrong_usage(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.returncode, result.stdout) == (2, "")
    last = result.stderr.splitlines()[-1]
    assert last.startswith(("python -m node", "There is no verb 'stat'; python -m node --help")), result.stderr
    assert len(result.stderr.splitlines()) <= 12, result.stderr


@pytest.mark.parametrize("verb", ["send", "run"])
def test_help(verb: str) -> None:
    result = run(verb, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"usage: python -m node {verb} ")


# -- a node that can't start


def test_a_port_that_is_taken(tmp_path: pathlib.Path) -> None:
    with socket.socket() as taken:
        taken.bind((loopback_host(), 0))
        taken.listen()
        host, port = taken.getsockname()
        result = run("run", "--home", str(tmp_path / "h"), "--listen", f"{host}:{port}")
    assert result.returncode == 69
    said = one_line(result)
    assert f"Port {port} is taken on {host}" in said
    assert f"choose another port: --listen {host}:PORT" in said
    assert not (tmp_path / "h" / "bus.json").exists()


def test_a_port_that_a_node_of_ones_own_has(nodes: Nodes, tmp_path: pathlib.Path) -> None:
    anna = nodes.start("anna")
    result = run("run", "--home", str(tmp_path / "h"), "--listen", anna.address)
    assert result.returncode == 69
    said = one_line(result)
    assert f"is taken on {anna.host} by a node of your own (pid {anna.pid}, home {anna.home})" in said
    assert f"python -m node stop --home {anna.home} - or choose another port: --listen {anna.host}:PORT" in said


def test_an_address_that_isn_t_ours(tmp_path: pathlib.Path) -> None:
    result = run("run", "--home", str(tmp_path), "--listen", "192.0.2.1:5000")
    assert result.returncode == 69
    assert one_line(result).startswith("192.0.2.1 is not an address of this machine")


def test_a_home_in_use(anna: NodeProcess) -> None:
    result = run("run", "--home", str(anna.home), "--listen", free_address())
    assert result.returncode == 75
    assert f"(pid {anna.pid})" in one_line(result)
    assert anna.client.status().ready, "the first one is unharmed"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("listen = 5000", "`listen` must be text in quotes, not 5000."),
        ("port = '5000'", "there is no setting `port`; there are accept_nodes, "),
        ("listen = ", "can't be read"),
        ("listen = 'here'", "'here' is not HOST:PORT"),
        ("bus = 'udp://x'", "neither ipc nor tcp://HOST:PORT"),
    ],
)
def test_a_bad_config_file(tmp_path: pathlib.Path, content: str, says: str) -> None:
    (tmp_path / "config.toml").write_text(content)
    result = run("run", "--home", str(tmp_path))
    assert result.returncode == 78
    said = one_line(result)
    assert str(tmp_path / "config.toml") in said
    assert says in said


def test_a_newer_database_is_left_alone(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    assert anna.stop() == 0
    with contextlib.closing(sqlite3.connect(anna.home / "snicher.db")) as database:
        database.execute("PRAGMA user_version = 999")
    before = (anna.home / "snicher.db").read_bytes()
    result = run("run", "--home", str(anna.home), "--listen", anna.address)
    assert result.returncode == 70
    assert "was written by a newer Snicher" in one_line(result)
    assert (anna.home / "snicher.db").read_bytes() == before


# -- odd streams and odd words


def in_a_shell(node: NodeProcess, words: str, streams: str) -> Result:
    """A verb, with its standard streams as a shell gives them."""
    command = f'"$@" {words} --home "$HOME_OF_NODE" {streams}'
    environment = clean_environment({"HOME_OF_NODE": str(node.home)})
    return subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "node"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "streams", "says"),
    [
        ("peers", ">&-", "Standard output is closed: nothing was done."),
        ("tail --since 0", ">&-", "Standard output is closed: nothing was done."),
        ("config", ">&-", "Standard output is closed: nothing was done."),
        ("menu", ">&-", "Standard output is closed: nothing was done."),
        ("status --json", ">/dev/full", "Nothing more can be printed: No space left on device."),
        ("tail --since 0", ">/dev/full", "Nothing more can be printed: No space left on device."),
        ("config", ">/dev/full", "Nothing more can be printed: No space left on device."),
    ],
)
def test_a_verb_that_can_t_print_says_so(anna: NodeProcess, words: str, streams: str, says: str) -> None:
    done = in_a_shell(anna, words, streams)
    assert (done.returncode, done.stderr) == (74, says + "\n")


def test_a_verb_needs_no_input_and_no_stderr(anna: NodeProcess, old: Std) -> None:
    done = in_a_shell(anna, f"send {old.address} -", "<&-")
    assert (done.returncode, done.stderr) == (1, "A text has nothing in it that could be shown.\n")
    assert in_a_shell(anna, "status", "<&- 2>&-").returncode == 0
    assert in_a_shell(anna, "rename nobody x", "2>&-").returncode == 1
    menu = in_a_shell(anna, "menu", "</dev/null")
    assert (menu.returncode, menu.stderr) == (0, "")
    assert menu.stdout.rstrip().endswith("Enter choice:"), "the end of the input is the end of the menu"


def test_a_node_runs_without_any_standard_stream(nodes: Nodes) -> None:
    anna = nodes.make("anna")
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "node", "run",
         "--home", str(anna.home), "--listen", anna.address],
        cwd=ROOT, env=clean_environment(),
    )  # fmt: skip
    try:
        eventually((anna.home / "bus.json").exists)
        assert anna.client.status().ready
        open_files = [str(pathlib.Path(f"/proc/{process.pid}/fd/{number}").readlink()) for number in range(3)]
        assert open_files == [os.devnull] * 3, "no socket and no database stands where something may be printed"
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["send", LONG, "hello"], 1),
        (["send", "192.0.2.1:5", LONG], 1),
        (["history", LONG], 1),
        (["search", LONG], 1),
        (["rename", LONG, "x"], 1),
        (["tail", "--consumer", LONG], 1),
        (["consumers", "--drop", LONG], 1),
        (["set", "name", LONG], 1),
        (["set", "mandatory", LONG], 1),
        ([LONG], 2),
    ],
    ids=lambda value: " ".join(word[:10] for word in value) if isinstance(value, list) else None,
)
def test_what_is_wrong_with_a_very_long_word_is_said_shortly(anna: NodeProcess, words: list[str], code: int) -> None:
    done = run(*words, SNICHER_HOME=str(anna.home))
    assert done.returncode == code
    assert len(one_line(done)) < 700


@pytest.mark.parametrize(
    "words", [["history", "x", "--limit", "9" * 5000], ["tail", "--since", "9" * 5000], ["tail", "--restart"]]
)
def test_numbers_without_end_and_flags_without_their_flag_are_wrong_usage(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert len(done.stderr) < 700


# -- settings, signals and lines


def test_flags_go_before_the_environment_and_that_before_the_file(nodes: Nodes) -> None:
    by_flag, by_variable, by_file = free_address(), free_address(), free_address()
    home = nodes.folder / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(f'name = "file"\nlisten = "{by_file}"\nlog_level = "info"\n')
    environment = clean_environment({"SNICHER_HOME": str(home)})

    def started(words: list[str], **more: str) -> tuple[str, str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "run", *words],
            cwd=ROOT,
            env={**environment, **more},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        line = process.stderr.readline().split()
        process.terminate()
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        return line[2], line[6]

    assert started([]) == ("file", by_file)
    variables = {"SNICHER_NAME": "variable", "SNICHER_LISTEN": by_variable}
    assert started([], **variables) == ("variable", by_variable)
    assert started(["--name", "flag", "--listen", by_flag], **variables) == ("flag", by_flag)
    assert started(["--name", "flag"], SNICHER_LISTEN=by_variable) == ("flag", by_variable)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_gracefully(nodes: Nodes, number: signal.Signals) -> None:
    anna = nodes.start("anna")
    anna.signal(number)
    assert anna.wait() == 0
    assert anna.endpoint is None
    assert "good-bye; everything is on disk" in anna.lines[-1]
    assert any(f"Signal {number.name}." in line for line in anna.lines)
    anna.start()
    types = [event.type for event in anna.client.events(0).events]
    assert types == ["NodeStarted", "NodeStopped", "NodeStarted"]


def test_a_signal_while_it_starts_is_not_lost(nodes: Nodes) -> None:
    anna = nodes.make("anna").launch()
    eventually((anna.home / "node.lock").exists)
    anna.signal(signal.SIGTERM)
    assert anna.wait() in (0, -signal.SIGTERM)
    assert anna.endpoint is None
    assert not any("Traceback" in line for line in anna.lines)


PATIENT_HONCHO = f"""
from honcho import command, manager
manager.KILL_WAIT = {PATIENCE}
command.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_honcho_ends_it_gracefully(nodes: Nodes, number: signal.Signals) -> None:
    """honcho passes every signal on as SIGTERM, to the shell and the node, and kills after five seconds: here later."""
    home, procfile = nodes.folder / "home", nodes.folder / "Procfile"
    procfile.write_text(f"node: {sys.executable} -m node run --home {home} --listen {free_address()}\n")
    process = subprocess.Popen(
        [sys.executable, "-c", PATIENT_HONCHO, "-f", str(procfile), "-d", str(ROOT), "start"],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        eventually((home / "bus.json").exists)
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    (last,) = [line for line in output.splitlines() if line.endswith("good-bye; everything is on disk")]
    assert len(re.findall(r"\d\d:\d\d:\d\d", last)) == 1, "honcho writes the time before it"
    assert "SIGKILL" not in output
    assert not (home / "bus.json").exists()


def test_lines_of_json(nodes: Nodes, old: Std) -> None:
    anna = nodes.start("anna", arguments=["--log-format", "json", "--log-level", "debug"])
    old.send(anna.host, anna.port, "hello there, Anna")
    anna.wait_for_peer(old.address)
    nobody = free_address()
    anna.client.connect(nobody, "std")
    anna.wait_for_peer(nobody, link="offline")
    # Something else about it changes first.
    anna.client.connect(nobody, "angle@")
    anna.wait_for_peer(nobody, link="offline", dialect="angle@")
    assert anna.stop() == 0
    assert "good-bye" in anna.lines[-1]
    for line in anna.lines:
        said = json.loads(line)
        assert set(said) == {"at", "level", "logger", "message"}
    assert any(f"new peer: OLD ({old.address}, std)" == json.loads(line)["message"] for line in anna.lines)
    told = [json.loads(line)["message"] for line in anna.lines if f"({nobody}) is " in line]
    assert told, "how a peer is, once that is known"
    assert all(one != then for one, then in itertools.pairwise(told)), "nothing is told twice"
    assert not [one for one in told if " is unknown" in one]


def test_the_first_start_says_which_name_was_taken_and_how_to_change_it(nodes: Nodes) -> None:
    home = nodes.folder / "home"
    words = [sys.executable, "-m", "node", "run", "--home", str(home), "--listen", free_address()]
    told = []
    for _ in range(2):
        process = subprocess.Popen(words, cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            before = list(itertools.takewhile(lambda line: "only this machine can reach you" not in line, lines))
            process.terminate()
            told.append("".join([*before, *lines]))
        finally:
            process.kill()
            process.wait()
    assert f"change it with: python -m node set name NAME --home {home}\n" in told[0]
    assert "set name" not in told[1] and "good-bye" in told[1]


def test_a_node_whose_stderr_is_gone_runs_on(nodes: Nodes, old: Std) -> None:
    """As when the honcho that started it is killed."""
    address = free_address()
    home = nodes.folder / "home"
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "run", "--home", str(home), "--listen", address],
        cwd=ROOT,
        env=clean_environment(),
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
        host, _, port = address.rpartition(":")
        for number in range(3):
            old.send(host, int(port), f"hello number {number}")
        eventually(lambda: run("history", old.address, "--home", str(home)).stdout.count("hello number") == 3)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


def test_verbs_start_without_the_node_s_libraries() -> None:
    """What costs time at each start of a verb stays out."""
    script = (
        "import sys; from node.terminal import console, lines, screen;"
        " screen.say(lines.event_line.__doc__); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"asyncio", "uvloop", "cryptography", "sqlite3", "node.core", "node.store", "node.app", "ssl", "logging",
             "rich", "wcwidth"}  # fmt: skip
    assert not heavy & set(loaded.stdout.split())
