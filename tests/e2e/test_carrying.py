"""`identity`, `backup` and `restore`, as people and scripts use them: what they print, and their exit codes."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import stat
import sys
import tarfile

import pytest

from tests.support.processes import ROOT, NodeProcess, Nodes, clean_environment, free_address, verb

PASSPHRASE = b"correct horse battery staple\n"
STDIN = ("--passphrase-file", "-")


#: The program, but its seals cost little. What they cost is tested beside sealed.py.
CHEAP = """
import sys
from node import __main__
from node.store import sealed
sealed.seal.__defaults__ = (min(sealed.COSTS),)
sys.exit(__main__.main())
"""


def run(*words: str | pathlib.Path, stdin: bytes = b"", anew: bool = False) -> tuple[int, str, str]:
    """A verb: its exit code, and what it said. `anew`: the program itself, which loads what it needs."""
    done = verb(*words, stdin=stdin, anew=anew, script=("-m", "node") if anew else ("-c", CHEAP))
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def told(*words: str | pathlib.Path, stdin: bytes = b"", anew: bool = False) -> str:
    """What a verb that works prints."""
    code, out, err = run(*words, stdin=stdin, anew=anew)
    assert code == 0, err
    return out


def refused(code: int, *words: str | pathlib.Path, stdin: bytes = b"") -> str:
    """The one sentence of a verb that ends with this code, and prints nothing else."""
    found, out, err = run(*words, stdin=stdin)
    assert (found, out, err.count("\n")) == (code, "", 1), (found, out, err)
    return err


def test_who_a_node_is_while_it_runs_and_while_it_doesn_t(nodes: Nodes) -> None:
    anna = nodes.start("anna")
    home = ("--home", anna.home)
    me, pid = anna.client.status().self, anna.pid
    anna.client.settings(name="Anna B.")
    running = json.loads(told("identity", "--json", *home))
    assert (running["id"], running["code"], running["name"]) == (me.id, me.code, "Anna B.")
    assert (running["runs"], running["pid"], running["key"]) == (True, pid, str(anna.home / "identity"))
    lines = told("identity", *home).splitlines()
    assert lines[0] == "Anna B."
    assert [line.split(maxsplit=1) for line in lines[1:]] == [
        ["code", me.code], ["id", me.id], ["made", f"{running['made'][:10]} {running['made'][11:19]} UTC"],
        ["key", str(anna.home / "identity")], ["node", f"runs (pid {pid})"],
    ]  # fmt: skip
    inside = told("identity", *home, "export", anna.home.parent / "key", *STDIN, "--json", stdin=PASSPHRASE)
    assert json.loads(inside)["id"] == me.id
    anna.stop()
    after = json.loads(told("identity", *home, "--json"))
    assert {**after, "name": ""} == {**running, "runs": False, "pid": None, "name": ""}
    # A line of config.toml that is wrong keeps nobody from their key.
    (anna.home / "config.toml").write_text("nonsense")
    assert json.loads(told("identity", *home, "--json"))["id"] == me.id


def test_a_home_without_an_identity_says_so(tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty").mkdir()
    for home in (tmp_path / "empty", tmp_path / "none"):
        for words in (("identity",), ("identity", "export", tmp_path / "file", *STDIN)):
            code, out, err = run(*words, "--home", home, stdin=PASSPHRASE)
            assert (code, out) == (66, "") and "There is no identity in" in err
        assert "There is no" in refused(66, "backup", tmp_path / "file", "--home", home)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.fixture
def exported(anna: NodeProcess, tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "anna.txt"
    told("identity", "export", path, *STDIN, "--home", anna.home, stdin=PASSPHRASE)
    return path


def test_an_identity_is_carried_to_another_machine(
    anna: NodeProcess, exported: pathlib.Path, nodes: Nodes, tmp_path: pathlib.Path
) -> None:
    me = anna.client.status().self
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert exported.read_text("ascii").startswith("-----BEGIN SNICHER IDENTITY 1-----\n")
    twin = nodes.make("twin")
    said = told("identity", "import", exported, *STDIN, "--home", twin.home, stdin=PASSPHRASE)
    assert f"{twin.home} is now {me.code}" in said
    assert '"delivered" means on one of your machines' in said
    before = json.loads(told("identity", "--json", "--home", anna.home))
    assert json.loads(told("identity", "--json", "--home", twin.home))["made"] == before["made"]
    twin.start()
    assert (twin.client.status().self.id, twin.client.status().self.code) == (me.id, me.code)
    assert twin.client.status().health.notices == []
    assert any(me.code in line for line in twin.lines) or me.code in told("status", "--home", twin.home)


def test_each_way_to_fail_has_its_code_and_its_sentence(
    anna: NodeProcess, exported: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    new, file = ("--home", tmp_path / "new"), tmp_path / "file"
    text = exported.read_bytes()
    wrong = refused(77, "identity", "import", exported, *STDIN, *new, stdin=b"something else\n")
    assert "The passphrase is wrong" in wrong
    for code, content, sentence in (
        (65, text.replace(b"Made: 2", b"Made: 3"), "is damaged"),
        (65, text[:200], "is damaged"),
        (66, b"hello\n", "isn't an exported identity"),
        (66, (anna.home / "identity").read_bytes(), "it is a key in clear"),
        (76, text.replace(b"IDENTITY 1", b"IDENTITY 2"), "by a newer Snicher"),
    ):
        file.write_bytes(content)
        assert sentence in refused(code, "identity", "import", file, *STDIN, *new, stdin=PASSPHRASE)
    assert "There is no file" in refused(66, "identity", "import", tmp_path / "none", *STDIN, *new)
    assert "is a folder" in refused(66, "identity", "import", tmp_path, *STDIN, *new)
    assert "no terminal" in refused(2, "identity", "import", exported, *new)
    running = refused(75, "identity", "import", exported, *STDIN, "--home", anna.home, stdin=PASSPHRASE)
    assert f"A node runs on {anna.home} (pid {anna.pid})" in running
    assert not (tmp_path / "new").exists(), "nothing was made"
    told("identity", "import", exported, *STDIN, *new, stdin=PASSPHRASE)
    assert "has this identity already" in refused(73, "identity", "import", exported, *STDIN, *new, stdin=PASSPHRASE)


def test_what_is_there_is_not_overwritten(anna: NodeProcess, exported: pathlib.Path) -> None:
    before = exported.read_bytes()
    words = ("identity", "export", exported, *STDIN, "--home", anna.home)
    assert "--force" in refused(73, *words, stdin=PASSPHRASE)
    assert "too easy to guess" in refused(2, *words, "--force", stdin=b"short\n")
    assert "empty" in refused(2, *words, "--force")
    assert exported.read_bytes() == before
    told(*words, "--force", stdin=PASSPHRASE)
    assert exported.read_bytes() != before
    inside = ("identity", "export", anna.home / "identity", "--force", *STDIN, "--home", anna.home)
    assert "in the home itself" in refused(73, *inside, stdin=PASSPHRASE)
    assert "no name of a file" in refused(66, "identity", "export", "-", *STDIN, "--home", anna.home)
    below = exported / "below"
    assert "can't be written" in refused(74, *words[:2], below, *words[3:], stdin=PASSPHRASE)


def test_a_file_may_have_any_name_that_a_disk_takes(anna: NodeProcess, tmp_path: pathlib.Path) -> None:
    home = ("--home", anna.home)
    for number, name in enumerate(("\udcff", "a \x1b[31m b", "-x", "größe", "x" * 200)):
        key, backup, new = tmp_path / f"{name}", tmp_path / f"{name}.b", tmp_path / str(number)
        exported = json.loads(told("identity", "export", key, "--json", *STDIN, *home, stdin=PASSPHRASE))
        assert exported["file"].replace("?", "\udcff") == str(key)
        assert "\x1b" not in told("backup", backup, *home)
        told("restore", backup, "--home", new)
    assert "can't be written" in refused(74, "backup", tmp_path / ("x" * 300), *home)


def test_on_a_terminal_it_is_asked_for_and_not_shown(anna: NodeProcess, tmp_path: pathlib.Path) -> None:
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(ROOT)
        os.environ.update(clean_environment())
        words = ["identity", "export", str(tmp_path / "file"), "--home", str(anna.home)]
        os.execv(sys.executable, [sys.executable, "-m", "node", *words])
    shown = b""
    for prompt in (b"exported identity: ", b"again: "):
        while prompt not in shown:
            shown += os.read(terminal, 1000)
        os.write(terminal, PASSPHRASE)
    try:
        while more := os.read(terminal, 1000):
            shown += more
    except OSError:
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"is in" in shown and b"horse" not in shown
    new = tmp_path / "new"
    told("identity", "import", tmp_path / "file", *STDIN, "--home", new, stdin=PASSPHRASE, anew=True)


def test_a_passphrase_is_never_taken_from_the_command_line(anna: NodeProcess, tmp_path: pathlib.Path) -> None:
    for word in ("--passphrase=secret", "--password=secret"):
        code, _, err = run("identity", "export", tmp_path / "file", word, "--home", anna.home)
        assert code == 2 and "unrecognized arguments" in err
    code, _, err = run("backup", tmp_path / "file", "--passphrase=secret", "--home", anna.home)
    assert code == 2 and "ignored explicit argument" in err
    assert list(tmp_path.iterdir()) == []


def test_a_backup_says_what_it_holds_and_that_the_key_is_in_clear(
    anna: NodeProcess, nodes: Nodes, tmp_path: pathlib.Path
) -> None:
    anna.send(free_address(), "hello")
    code, out, err = run("backup", tmp_path / "clear", "--home", anna.home)
    assert code == 0
    assert " MB with 1 message of anna (" in out
    assert err.startswith("WARNING: the backup holds your key in clear.")
    code, out, err = run("backup", tmp_path / "sealed", *STDIN, "--json", "--home", anna.home, stdin=PASSPHRASE)
    made = json.loads(out)
    assert (code, made["size"]) == (0, (tmp_path / "sealed").stat().st_size)
    assert [part["name"] for part in made["manifest"]["parts"]] == ["identity.sealed", "snicher.db"]
    assert "WARNING" not in err and "messages are not" in err
    with tarfile.open(tmp_path / "sealed") as tar:
        assert tar.getnames() == ["snicher-backup.json", "identity.sealed", "snicher.db"]
        exported = tar.extractfile("identity.sealed")
        assert exported is not None
        (tmp_path / "exported").write_bytes(exported.read())
    # The part is an exported identity like any other.
    told("identity", "import", tmp_path / "exported", *STDIN, "--home", tmp_path / "home", stdin=PASSPHRASE)
    new = nodes.make("new")
    words = ("restore", tmp_path / "sealed", "--home", new.home)
    assert "no terminal" in refused(2, *words)
    assert "passphrase is wrong" in refused(77, *words, *STDIN, stdin=b"wrong\n")
    assert not new.home.exists()
    out = told(*words, *STDIN, stdin=PASSPHRASE)
    assert f"{new.home} holds 1 message of anna" in out
    assert "isn't empty" in refused(73, *words, *STDIN, stdin=PASSPHRASE)
    assert new.start().client.status().self.id == anna.client.status().self.id


def test_what_waited_for_an_old_client_is_not_said_twice(nodes: Nodes, tmp_path: pathlib.Path) -> None:
    anna, to = nodes.start("anna"), free_address()
    waiting = anna.send(to, "once")
    told("backup", tmp_path / "backup", "--home", anna.home, anew=True)
    anna.stop()
    again = nodes.make("again")
    told("restore", tmp_path / "backup", "--home", again.home, anew=True)
    again.start()
    (message,) = again.messages(to)
    assert (message.id, message.text, message.state) == (waiting.id, "once", "unconfirmed")
    assert "set back" in (message.detail or "")
    again.check_disk()
    again.client.resend(message.id)
    again.wait_state(message, "waiting")


def test_a_damaged_backup_is_refused_and_leaves_nothing(anna: NodeProcess, tmp_path: pathlib.Path) -> None:
    path, new = tmp_path / "backup", tmp_path / "new"
    told("backup", path, "--home", anna.home)
    content = bytearray(path.read_bytes())
    content[-3000] ^= 1
    path.write_bytes(content)
    assert "snicher.db isn't as it was" in refused(65, "restore", path, "--home", new)
    assert "isn't a backup of Snicher" in refused(66, "restore", ROOT / "README.md", "--home", new)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["backup"]
