"""How the node is: what front ends are told, when, and whether peers may be read from."""

from __future__ import annotations

import pytest

from node.bus import nouns
from node.condition import Condition
from tests.node.worlds import World


def test_a_failed_disk_and_one_that_works_again_is_told_when_that_is_said() -> None:
    world = World()
    condition = Condition(world)
    assert condition.reads
    condition.fails("It broke.")
    assert not condition.reads and world.told == []
    condition.tell()
    condition.works()
    condition.tell()
    assert world.told == [nouns.Health(store=False, problem="It broke."), nouns.Health()]


def test_what_holds_reading_up_is_told_once_and_stands_after_the_disk_failed_and_works_again() -> None:
    world = World()
    condition = Condition(world)
    assert condition.hold("It is full.") and not condition.hold("It is full.")
    assert not condition.reads
    condition.fails("It broke.")
    condition.works()
    assert not condition.reads and condition.health.problem == "It is full."
    assert condition.hold(None) and condition.reads
    assert [one.problem for one in world.told] == ["It is full.", None]


def test_while_the_disk_fails_a_nearly_full_one_is_only_remembered() -> None:
    world = World()
    condition = Condition(world)
    condition.fails("It broke.")
    assert not condition.hold("It is full.")
    assert world.told == [] and condition.health.problem == "It broke."
    condition.works()
    assert condition.health == nouns.Health(problem="It is full.")


def test_notices_stand_beside_everything_else_and_each_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    condition = Condition(world)
    condition.notice("clock", None)
    assert world.told == []
    condition.notice("history", "It was set back.")
    condition.notice("clock", "It says 2040.")
    condition.notice("clock", "It says 2041.")
    condition.notice("clock", "It says 2041.")
    condition.index("It is built anew.")
    condition.fails("It broke.")
    condition.tell()
    condition.notice("history", None)
    assert [one.notices for one in world.told] == [
        ["It was set back."],
        ["It was set back.", "It says 2040."],
        ["It was set back.", "It says 2041."],
        ["It was set back.", "It says 2041."],
        ["It was set back.", "It says 2041."],
        ["It says 2041."],
    ]
    last = world.told[-1]
    assert (last.store, last.problem, last.index) == (False, "It broke.", "It is built anew.")
    assert [record.message for record in caplog.records] == ["It was set back.", "It says 2040."]
