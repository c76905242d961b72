"""Small makers of nouns and events for the dashboard's tests."""

from __future__ import annotations

from typing import Any

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq

LOG = "log-1"
ME = nouns.Self(
    id="me" * 20, code="aaaa-bbbb-cccc-dddd", name="anna", listen="0.0.0.0:5000", addresses=["10.0.0.1:5000"]
)


def peer(who: str = "bela", /, **more: Any) -> nouns.Peer:
    fields: dict[str, Any] = {
        "id": f"peer-{who}", "room": f"room-{who}", "name": who, "host": "192.168.1.21", "port": 5000,
        "dialect": "snicher", "dialect_from": "seen", "link": "online", **more,
    }  # fmt: skip
    return nouns.Peer(**fields)


def room(who: str = "bela", /, **more: Any) -> nouns.Room:
    fields: dict[str, Any] = {"id": f"room-{who}", "kind": "plain", "name": who, "peer": f"peer-{who}", **more}
    return nouns.Room(**fields)


CODE = "k7f2 · 9qda · mx31 · t6ow"


def node(who: str = "bela", /, **more: Any) -> nouns.Peer:
    return peer(who, **{"kind": "node", "code": CODE, "room": f"direct:{who}", **more})


def direct(who: str = "bela", /, **more: Any) -> nouns.Room:
    return room(who, **{"id": f"direct:{who}", "kind": "direct", "encrypted": True, **more})


def entry(number: int = 1, text: str = "hi", **more: Any) -> nouns.Message:
    place = nouns.Place(stream="5" * 32, n=number)
    return own(number, text, **{"room": "direct:bela", "entry": place, **more})


def message(number: int = 1, text: str = "hello", name: str = "bela", **more: Any) -> nouns.Message:
    fields: dict[str, Any] = {
        "id": number, "room": f"room-{name}", "order": f"{number:09}", "at": 1000 + number, "direction": "in",
        "author": f"peer-{name}", "name": name, "text": text, **more,
    }  # fmt: skip
    return nouns.Message(**fields)


def own(number: int = 1, text: str = "hi", **more: Any) -> nouns.Message:
    return message(number, text, **{"direction": "out", "author": ME.id, "state": "waiting", **more})


def snapshot(
    seq: int = 10, peers: list[nouns.Peer] | None = None, rooms: list[nouns.Room] | None = None
) -> rq.SnapshotResult:
    peers = [peer()] if peers is None else peers
    rooms = [room()] if rooms is None else rooms
    state = nouns.State(
        self=ME, settings=nouns.Settings(name="anna"), rooms={r.id: r for r in rooms}, peers={p.id: p for p in peers}
    )
    return rq.SnapshotResult(log=LOG, seq=seq, state=state, live=nouns.Live())


def event(seq: int | None, data: msgspec.Struct) -> ev.Event:
    return ev.Event(v=1, log=LOG, at=5000, type=type(data).__name__, seq=seq, data=data)
