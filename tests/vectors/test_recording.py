"""A node of today still talks with one that was recorded: it opens the link, stores, acknowledges, and is believed."""

from __future__ import annotations

import hashlib
import json
import pathlib
from typing import Any

import pytest

from node.bus import events as ev
from node.protocol.secure import frames as f
from tests.node.core.nodes import Station
from tests.vectors import recording
from tests.vectors.recording import FOLDER, NAMES, STORIES, Play, record, replay

#: What was recorded is never made anew: nodes that speak so are out there.
HASHES = {
    "protocol-2": "d1d1f4c6f2d0250ba8886129998aa65e38d2c1e2a4c48f3fcca4666b662465c0",
    "reading": "8445a606bbe4ab71795b0212c2d65f44e212947828c024d163bdc8288b417fd1",
}
#: The frames that each side says in a recording.
SAID: dict[str, set[type[f.Frame]]] = {
    "protocol-2": {f.Hello, f.Digest, f.Have, f.Want, f.Run, f.Bye},
    "reading": {f.Hello, f.Digest, f.Have, f.Run, f.Read, f.Typing, f.Bye},
}
#: What becomes of messages in each.
STATES = {"protocol-2": "delivered", "reading": "read"}


def texts(name: str, by: str | None = None) -> list[str]:
    """The texts of a story."""
    return [step["text"] for step in STORIES[name] if "writes" in step and by in (None, step["writes"])]


def steps(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def test_the_recordings_are_as_they_were_made() -> None:
    found = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()}
    assert found == HASHES, "a recording is never changed; a later protocol gets one of its own"


@pytest.mark.parametrize("name", HASHES)
def test_a_recording_has_what_its_story_tells(name: str) -> None:
    assert tuple(step for step in steps(name) if "says" not in step) == STORIES[name]
    said = set()
    for step in steps(name):
        splitter = f.Splitter()
        splitter.limit = f.MAX_FRAME
        for data in splitter.feed(bytes.fromhex(step.get("bytes", ""))):
            said.add((step["says"], type(f.decode(data))))
    assert {kind for _, kind in said} == SAID[name]
    if name == "protocol-2":
        assert len(said) == 2 * len(SAID[name]), "both sides say all of them"


@pytest.mark.parametrize("taped", NAMES)
@pytest.mark.parametrize("name", HASHES)
def test_a_node_of_today_talks_with_a_recorded_one(name: str, taped: str) -> None:
    play = replay(name, taped)
    other, me = play.stations[taped], play.stations[Play.other(taped)]
    assert [one.text for one in me.history(other) if one.direction == "in"] == texts(name, taped)
    assert me.texts(other) == texts(name)
    assert set(me.states(other)) == {STATES[name]}, "what the recorded one says of our messages counts"
    assert len(play.nodes) == 2
    for end in play.nodes:
        assert end.ended is not None
        assert end.ended.reason is None
    assert not play.net.ends
    assert typed(me) == [step["types"] for step in STORIES[name] if step.get("types") == taped]
    assert_acknowledged(play, len(texts(name, taped)))


def typed(station: Station) -> list[str]:
    """Who was seen to begin typing."""
    told = [event.data for event in station.told if isinstance(event.data, ev.Typing)]
    names = {one.id: one.name for one in station.net.stations.values()}
    return [names[one.member] for one in told if one.until]


def assert_acknowledged(play: Play, count: int) -> None:
    """The node told the recorded one that it holds all of its entries."""
    assert play.taped is not None
    told = {
        row.stream: row.n
        for tape in play.tapes
        for frame in tape.heard
        if isinstance(frame, f.Have)
        for row in frame.rows
        if row.author == play.stations[play.taped].id
    }
    assert sum(told.values()) == count
    assert not [one for tape in play.tapes for one in tape.heard if isinstance(one, f.Bye) and one.code]


@pytest.mark.parametrize("name", STORIES)
def test_two_nodes_of_today_come_through_the_story(name: str) -> None:
    play = Play()
    for step in STORIES[name]:
        play.take(step)
    anna, bert = (play.stations[name] for name in NAMES)
    assert anna.texts(bert) == bert.texts(anna) == texts(name)
    assert {*anna.states(bert), *bert.states(anna)} == {STATES[name]}


def test_a_recorded_node_that_is_not_understood_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """The replay can fail: one bit of a signature is another."""
    spoilt = steps("protocol-2")
    run = next(step for step in spoilt if step.get("says") == "anna" and bytes.fromhex(step["bytes"])[5] == 8)
    run["bytes"] = run["bytes"][:-1] + ("1" if run["bytes"][-1] == "0" else "0")
    (tmp_path / "spoilt.json").write_text(json.dumps(spoilt), "utf-8")
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    play = replay("spoilt", "anna")
    assert play.stations["bert"].texts(play.stations["anna"]) != texts("protocol-2")
    with pytest.raises(AssertionError):
        assert_acknowledged(play, len(texts("protocol-2", "anna")))


def test_a_recording_is_never_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    path = record("protocol-2")
    replay("protocol-2", "anna")
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        record("protocol-2")
    assert path.read_bytes() == before
