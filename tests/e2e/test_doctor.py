"""The doctor of a running node: each way to somebody on loopback, dialling back, and what is said without a node."""

from __future__ import annotations

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus.diagnosis import Diagnosis
from node.model import peer_id
from tests.support.processes import (
    NodeProcess,
    Nodes,
    eventually,
    loopback_host,
    printed,
    verb,
)

#: A key that no node here has.
NOBODY = peer_id(Ed25519PrivateKey.from_private_bytes(b"7" * 32).public_key().public_bytes_raw())


def doctor(home: pathlib.Path, *words: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return printed(verb("doctor", "--home", home, *words, environment={"COLUMNS": str(columns)}))


def found(home: pathlib.Path, *words: str) -> Diagnosis:
    told = doctor(home, *words, "--json", "--again")
    assert told.stderr == ""
    return msgspec.json.decode(told.stdout, type=Diagnosis)


def friends(nodes: Nodes) -> tuple[NodeProcess, NodeProcess]:
    anna, bela = nodes.make("anna").launch(), nodes.make("bela").launch()
    anna.wait_ready()
    bela.wait_ready()
    bela.wait_state(bela.send(anna.address, "hello"), "delivered")
    anna.wait_state(anna.send(bela.address, "hello"), "delivered")
    return anna, bela


def test_each_way_to_somebody_is_tried_and_a_linked_node_connects_back(nodes: Nodes) -> None:
    anna, bela = friends(nodes)
    dora = nodes.make("dora").launch().wait_ready()
    closed, silent = socket.socket(), socket.socket()
    with closed, silent:
        for one in (closed, silent):
            one.bind((loopback_host(), 0))
        silent.listen()
        gone, plain = (f"{host}:{port}" for host, port in (closed.getsockname(), silent.getsockname()))
        anna.client.add(f"snicher://{NOBODY}@{gone},{plain},{dora.address}?name=mallory")
        told = found(anna.home, NOBODY)
        paths = {one.path: one for one in told.paths}
        answers = {path: one.answer for path, one in paths.items()}
        assert answers == {gone: "refused", plain: "no node", dora.address: "other key", "by mDNS": "untried"}
        assert "nothing listens on that port" in paths[gone].reason
        assert dora.client.status().self.code in paths[dora.address].reason
        assert told.key is not None and told.key.state == "fails"
        assert told.verdict.startswith("Somebody else's node answers at mallory's address.")
    # What was tried has left nothing behind at dora's.
    assert not any("bug" in line for line in dora.lines)

    told = found(anna.home, "bela")
    assert told.verdict == "bela is linked. Only this machine reaches this node."
    assert (told.paths[0].path, told.paths[0].answer) == (bela.address, "linked")
    assert told.key is not None and told.key.state == "well" and bela.client.status().self.code in told.key.said
    assert told.clock is not None and told.clock.state == "well"
    assert [(one.address, one.said) for one in told.addresses] == [(anna.address, "reached by bela")]
    port = told.checks[0]
    assert (port.state, port.command) == ("fails", f"python -m node run --listen 0.0.0.0:{anna.port}")
    assert "bela's node connected back in" in port.said
    assert [one.key for one in told.checks] == [
        "port", "multicast", "firewall", "neighbours", "network", "clock", "node",
    ]  # fmt: skip

    # The bus answers at once all the same, however long an examination takes.
    began = time.monotonic()
    running = anna.client.doctor(NOBODY, again=True)
    assert running.running and time.monotonic() - began < 2
    assert running.checks and running.paths and running.key is not None, "what was found before stays"

    bela.stop()
    eventually(lambda: found(anna.home, "bela").paths[0].answer == "refused", "bela's node is off")
    told = found(anna.home, "bela")
    assert told.verdict.startswith("bela's machine is there, but its node isn't running.")


def test_it_is_readable_on_a_terminal_and_its_exit_code_tells_whether_something_fails(nodes: Nodes) -> None:
    anna, _ = friends(nodes)
    for columns in (80, 40):
        told = doctor(anna.home, "bela", columns=columns)
        assert (told.returncode, told.stderr) == (1, "")
        lines = told.stdout.splitlines()
        assert all(len(line) <= columns for line in lines if "python -m node" not in line and anna.address not in line)
        assert lines[0].startswith("bela is linked.")
    assert doctor(anna.home, "nobody").returncode == 1
    assert "Nobody goes by the name 'nobody'" in doctor(anna.home, "nobody").stderr


def test_without_a_node_it_says_what_it_can(nodes: Nodes, tmp_path: pathlib.Path) -> None:
    anna = nodes.make("anna").launch().wait_ready()
    home = tmp_path / "other"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(f'listen = "{anna.address}"\n')
    told = doctor(home, columns=200)
    assert told.returncode == 69
    assert told.stdout.startswith("No node runs here.")
    if sys.platform == "linux":
        assert "taken by a node of your own" in " ".join(told.stdout.split())
    anna.stop()
    checks = {one["key"]: one["state"] for one in json.loads(doctor(home, "--json").stdout)["checks"]}
    assert checks == {"node": "fails", "home": "well", "port": "well"}
    (home / "config.toml").write_text("listen = 7\n")
    assert "would not even start" in doctor(home).stdout
    shutil.rmtree(home)
    assert "isn't there yet" in " ".join(doctor(home).stdout.split())
