"""The short run of the suite, always of the same seed; `python -m tests.fuzz --bus` draws new ones."""

from __future__ import annotations

from node.bus import requests as rq
from tests.fuzz import bus
from tests.fuzz.commands import GENERATORS, is_harmless

STEPS = 800
#: The node is killed after 300 steps, and stopped after 600.
CHAPTER = 300


def test_every_command_has_a_generator() -> None:
    assert set(GENERATORS) == set(rq.COMMANDS)


def test_whatever_is_asked_the_log_the_index_and_the_counts_are_right() -> None:
    fuzz, failure = bus.run(1, lambda steps: steps < STEPS, chapter=CHAPTER)
    assert failure is None, failure
    asked = {op for op, _ in fuzz.witness.outcomes}
    assert asked == set(rq.COMMANDS), f"never asked: {set(rq.COMMANDS) - asked}"
    # Whether there is something to be sent again depends on how fast the others were; and nobody is in doubt here.
    answered = {op for op, outcome in fuzz.witness.outcomes if outcome == "ok"} | {
        "resend",
        "trust",
        "verify",
        "accept",
        "refuse",
        "add",
    }
    assert answered == set(rq.COMMANDS), f"never answered with a result: {set(rq.COMMANDS) - answered}"


def test_nobody_outside_of_loopback_is_asked_for() -> None:
    assert is_harmless({"messages": [{"to": "127.0.0.9:5000", "text": "10.0.0.1:5000"}], "peer": "plain-1"})
    for target in ("10.0.0.1:5000", "somebody.example:5000", "[::1]:5000"):
        assert not is_harmless({"messages": [{"to": target}]}), target
        assert not is_harmless({"address": target}), target
