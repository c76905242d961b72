"""The bot in README.md: a dozen lines that work as they stand there."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile

from tests.support.dying_bot import bot_of_the_readme
from tests.support.old_clients import AncestorConsole
from tests.support.processes import NodeProcess, clean_environment, eventually, loopback_host

ROOT = pathlib.Path(__file__).resolve().parent.parent


def test_it_is_about_a_dozen_lines() -> None:
    assert len([line for line in bot_of_the_readme().splitlines() if line.strip()]) <= 13


def test_it_answers_an_old_client_once() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="sn-") as folder,
        NodeProcess(pathlib.Path(folder), listen=f"{loopback_host()}:0") as node,
        AncestorConsole(host=loopback_host(), team="ANC") as old,
    ):
        node.start()
        me = node.client.status().self.listen
        host, _, port = me.rpartition(":")
        environment = clean_environment({"SNICHER_HOME": folder})
        bot = subprocess.Popen([sys.executable, "-c", bot_of_the_readme()], cwd=ROOT, env=environment)
        try:
            old.connect(host, int(port))
            old.wait_for(lambda client: client.peers)
            # Before the bot follows, what is said isn't for it; so say it until it is there.
            eventually(lambda: said_and_answered(old, host, int(port)), "the bot answers")
            old.send(host, int(port), "!echo the last one")
            # A read may end in the middle of it, when many have come.
            old.wait_for(lambda client: "the last one" in "".join(client.texts))
        finally:
            bot.kill()
            bot.wait()
        assert "".join(old.texts).count("the last one") == 1


def said_and_answered(old: AncestorConsole, host: str, port: int) -> bool:
    old.send(host, port, "!echo hello")
    return any("hello" in text for text in old.texts)
