"""A node of today still talks with one that was recorded: it opens the link, stores, acknowledges, and is believed."""

from __future__ import annotations

import hashlib
import json
import pathlib

import pytest

from node.protocol.secure import frames as f
from tests.vectors import recording
from tests.vectors.recording import FOLDER, NAMES, STORY, Play, record, replay

#: What was recorded is never made anew: nodes that speak so are out there.
HASHES = {
    "protocol-2": "d1d1f4c6f2d0250ba8886129998aa65e38d2c1e2a4c48f3fcca4666b662465c0",
}


def texts(by: str | None = None) -> list[str]:
    """The texts of the story."""
    return [step["text"] for step in STORY if "writes" in step and by in (None, step["writes"])]


def test_the_recordings_are_as_they_were_made() -> None:
    found = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()}
    assert found == HASHES, "a recording is never changed; a later protocol gets one of its own"


@pytest.mark.parametrize("name", HASHES)
def test_a_recording_has_what_a_link_is_about(name: str) -> None:
    said = set()
    for step in json.loads((FOLDER / f"{name}.json").read_text("utf-8")):
        splitter = f.Splitter()
        splitter.limit = f.MAX_FRAME
        for data in splitter.feed(bytes.fromhex(step.get("bytes", ""))):
            said.add((step["says"], type(f.decode(data))))
    kinds = (f.Hello, f.Digest, f.Have, f.Want, f.Run, f.Bye)
    assert said == {(who, kind) for who in NAMES for kind in kinds}


@pytest.mark.parametrize("taped", NAMES)
@pytest.mark.parametrize("name", HASHES)
def test_a_node_of_today_talks_with_a_recorded_one(name: str, taped: str) -> None:
    play = replay(name, taped)
    other, me = play.stations[taped], play.stations[Play.other(taped)]
    assert [one.text for one in me.history(other) if one.direction == "in"] == texts(taped)
    assert me.texts(other) == texts()
    assert me.states(other) == ["delivered"] * len(texts(me.name)), "what the recorded one acknowledges counts"
    assert len(play.nodes) == 2
    for end in play.nodes:
        assert end.ended is not None
        assert end.ended.reason is None
        assert not play.net.ends
    assert_acknowledged(play, len(texts(taped)))


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


def test_two_nodes_of_today_come_through_the_story() -> None:
    play = Play()
    for step in STORY:
        play.take(step)
    anna, bert = (play.stations[name] for name in NAMES)
    assert anna.texts(bert) == bert.texts(anna) == texts()
    assert {*anna.states(bert), *bert.states(anna)} == {"delivered"}


def test_a_recorded_node_that_is_not_understood_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """The replay can fail: one bit of a signature is another."""
    steps = json.loads((FOLDER / "protocol-2.json").read_text("utf-8"))
    run = next(step for step in steps if step.get("says") == "anna" and bytes.fromhex(step["bytes"])[5] == 8)
    run["bytes"] = run["bytes"][:-1] + ("1" if run["bytes"][-1] == "0" else "0")
    (tmp_path / "spoilt.json").write_text(json.dumps(steps), "utf-8")
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    play = replay("spoilt", "anna")
    assert play.stations["bert"].texts(play.stations["anna"]) != texts()
    with pytest.raises(AssertionError):
        assert_acknowledged(play, len(texts("anna")))


def test_a_recording_is_never_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    path = record("new")
    replay("new", "anna")
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        record("new")
    assert path.read_bytes() == before
