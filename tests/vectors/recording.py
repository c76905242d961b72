"""What two nodes said to each other inside TLS, once, and how one of them is played to a node of today.

A recording is a list of steps in order:

    {"dials": NAME}                 a link begins
    {"says": NAME, "bytes": HEX}    what goes over the wire inside TLS, in one write
    {"writes": NAME, "text": TEXT}  somebody says a text to the other; it goes over the wire if there is one
    {"leaves": NAME}                somebody ends the link in order
    {"restarts": NAME}              a node begins another run on what is on its disk
    {"reads": NAME}                 somebody reads all that the other said
    {"types": NAME}                 somebody begins to type
    {"stops": NAME}                 and no longer does
    {"passes": MS}                  time passes

`python -m tests.vectors --record NAME` makes one of the story of that name with the node as it is, if there is none.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

from node.bus import requests as rq
from tests.node.core.nodes import Station
from tests.vectors.wire import End, Tape, Wires

FOLDER = pathlib.Path(__file__).parent / "recordings"
NAMES = ("anna", "bert")

#: Link-up with nothing to tell, texts and receipts both ways, and the end; then both write while they aren't linked,
#: one of them in two runs. At the next link-up the digests differ, and each asks for what it lacks.
ENTRIES: tuple[dict[str, Any], ...] = (
    {"dials": "anna"},
    {"writes": "anna", "text": "hello"},
    {"writes": "bert", "text": "Grün 日本 😀"},
    {"passes": 1_000},
    {"writes": "anna", "text": "two\nlines"},
    {"leaves": "anna"},
    {"passes": 60_000},
    *({"writes": "anna", "text": f"while you were away {number}"} for number in range(3)),
    {"passes": 1_000},
    {"writes": "bert", "text": "and I was"},
    {"restarts": "anna"},
    {"passes": 1_000},
    {"writes": "anna", "text": "after a restart"},
    {"dials": "bert"},
    {"passes": 1_000},
    {"writes": "anna", "text": "linked again"},
    {"writes": "bert", "text": "so I see"},
    {"leaves": "bert"},
)

#: Read marks both ways, typing, and another link-up, at which the marks are told again.
READING: tuple[dict[str, Any], ...] = (
    {"dials": "anna"},
    {"writes": "anna", "text": "have you read this?"},
    {"passes": 1_000},
    {"reads": "bert"},
    {"types": "bert"},
    {"passes": 1_000},
    {"writes": "bert", "text": "yes"},
    {"reads": "anna"},
    {"types": "anna"},
    {"passes": 1_000},
    {"stops": "anna"},
    {"leaves": "anna"},
    {"passes": 60_000},
    {"dials": "bert"},
    {"passes": 1_000},
    {"leaves": "bert"},
)
STORIES = {"protocol-2": ENTRIES, "reading": READING}


class Play:
    """Two nodes, or a node and the tape of another, go through steps."""

    def __init__(self, taped: str | None = None) -> None:
        self.steps: list[dict[str, Any]] = []
        self.net = Wires(lambda name, data: self.steps.append({"says": name, "bytes": data.hex()}))
        self.stations: dict[str, Station] = {name: self.net.add(name) for name in NAMES}
        self.taped = taped
        #: The ends of the wire, by name, and those of all wires that a node had.
        self.ends: dict[str, End | Tape] = {}
        self.nodes: list[End] = []
        self.tapes: list[Tape] = []

    def take(self, step: dict[str, Any]) -> None:
        """One step. What the taped one does is in the bytes that it says."""
        if "says" not in step:
            self.steps.append(step)
        (verb, what), *rest = step.items()
        if verb == "dials":
            self._join(what)
        elif verb == "passes":
            self.net.wait(what)
        elif verb == "says" and what == self.taped:
            end = self.ends[what]
            assert isinstance(end, Tape)
            end.engine.write(bytes.fromhex(step["bytes"]))
        elif what != self.taped:
            self._act(verb, self.stations[what], *(value for _, value in rest))
        self.net.carry()

    def _join(self, dialler: str) -> None:
        other = self.other(dialler)
        taped = None if self.taped is None else self.stations[self.taped]
        ends = self.net.join(self.stations[dialler], self.stations[other], taped)
        self.ends = dict(zip((dialler, other), ends, strict=True))
        self.nodes += [end for end in ends if isinstance(end, End)]
        self.tapes += [end for end in ends if isinstance(end, Tape)]

    def _act(self, verb: str, station: Station, text: str = "") -> None:
        if verb == "writes":
            station.send(self.stations[self.other(station.name)], text)
        elif verb == "leaves":
            end = self.ends[station.name]
            assert isinstance(end, End)
            end.link.leave(self.net.seconds)
        elif verb == "restarts":
            station.begin()
        elif verb == "reads":
            station.ask("mark_read", rq.MarkReadArgs(room=self.room))
        elif verb in ("types", "stops"):
            station.ask("typing", rq.TypingArgs(room=self.room, stopped=verb == "stops"))

    @property
    def room(self) -> str:
        """The room of the two."""
        anna, bert = self.stations.values()
        return anna.room(bert)

    @staticmethod
    def other(name: str) -> str:
        """The other one."""
        return NAMES[1 - NAMES.index(name)]


def record(name: str) -> pathlib.Path:
    """Keep what the node of today says. Raises FileExistsError: a recording is never made anew."""
    play = Play()
    for step in STORIES[name]:
        play.take(step)
    path = FOLDER / f"{name}.json"
    FOLDER.mkdir(exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(json.dumps(play.steps, indent=1, ensure_ascii=False) + "\n")
    return path


def replay(name: str, taped: str) -> Play:
    """Play one side of a recording to a node of today."""
    play = Play(taped)
    for step in json.loads((FOLDER / f"{name}.json").read_text("utf-8")):
        play.take(step)
    return play
