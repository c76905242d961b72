"""Where no port is typed, the usual one is taken, unless somebody is called so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from node.bus import nouns
from node.errors import CommandRefused
from node.terminal.typed import TAKEN, with_usual_port
from tests.support.fake_client import FakeClient

PEER = nouns.Peer(id="plain-1", room="plain-1", name="10.0.0.1", host="10.0.0.1", port=5000)
NOBODY = CommandRefused("not_found", "Nobody goes by the name.")


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("192.168.1.20", "192.168.1.20:5000"),
        (" 192.168.1.20 ", "192.168.1.20:5000"),
        ("::1", "[::1]:5000"),
        ("[2001:db8::7]", "[2001:db8::7]:5000"),
        ("2001:db8::7", "[2001:db8::7]:5000"),
        ("fe80::7%eth0", "[fe80::7%eth0]:5000"),
        ("localhost", "localhost:5000"),
        ("Bob.LAN", "bob.lan:5000"),
        # Its last group may be meant as the port.
        ("2001:db8::1:7", None),
        ("[2001:db8::1:7]", "[2001:db8::1:7]:5000"),
        ("[bob.lan]", None),
        ("bela", None),
        ("1.2", None),
        ("192.168.1.20:", None),
        ("a. b", None),
        (".", None),
        ("", None),
        ("x" * 300 + ".de", None),
    ],
)
def test_what_is_an_address_without_a_port(typed: str, address: str | None) -> None:
    assert with_usual_port(typed) == address


def test_the_usual_port_is_taken_and_that_is_said(
    verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = verb(["connect", "10.0.0.1", "--json"], NOBODY, PEER).asked
    assert [one[1] for one in asked] == ["10.0.0.1", "10.0.0.1:5000"]
    assert capsys.readouterr().err == f"{TAKEN}\n"


def test_whoever_is_called_so_is_meant(verb: Callable[..., FakeClient], capsys: pytest.CaptureFixture[str]) -> None:
    assert len(verb(["connect", "10.0.0.1"], PEER).asked) == 1
    assert capsys.readouterr().err == ""


def test_what_the_node_refuses_for_another_reason_is_not_tried_again(verb: Callable[..., FakeClient]) -> None:
    for refused in (CommandRefused("ambiguous", "Two."), CommandRefused("own_address", "It is this node.")):
        with pytest.raises(CommandRefused, match=refused.message):
            verb(["connect", "10.0.0.1"], refused)
    with pytest.raises(CommandRefused, match="Nobody"):
        verb(["connect", "bela"], NOBODY)
