"""Small makers of nouns and events for the dashboard's tests."""

from __future__ import annotations

from typing import Any

import msgspec

from node.bus import messages as m

LOG = "log-1"
ME = m.Self(id="me" * 20, code="aaaa-bbbb-cccc-dddd", name="anna", listen="0.0.0.0:5000", addresses=["10.0.0.1:5000"])


def peer(who: str = "bela", /, **more: Any) -> m.Peer:
    fields: dict[str, Any] = {
        "id": f"peer-{who}", "room": f"room-{who}", "name": who, "host": "192.168.1.21", "port": 5000,
        "dialect": "snicher", "dialect_from": "seen", "link": "online", **more,
    }  # fmt: skip
    return m.Peer(**fields)


def room(who: str = "bela", /, **more: Any) -> m.Room:
    fields: dict[str, Any] = {"id": f"room-{who}", "kind": "plain", "name": who, "peer": f"peer-{who}", **more}
    return m.Room(**fields)


def message(number: int = 1, text: str = "hello", name: str = "bela", **more: Any) -> m.Message:
    fields: dict[str, Any] = {
        "id": number, "room": f"room-{name}", "order": f"{number:09}", "at": 1000 + number, "direction": "in",
        "author": f"peer-{name}", "name": name, "text": text, **more,
    }  # fmt: skip
    return m.Message(**fields)


def own(number: int = 1, text: str = "hi", **more: Any) -> m.Message:
    return message(number, text, **{"direction": "out", "author": ME.id, "state": "waiting", **more})


def snapshot(seq: int = 10, peers: list[m.Peer] | None = None, rooms: list[m.Room] | None = None) -> m.SnapshotResult:
    peers = [peer()] if peers is None else peers
    rooms = [room()] if rooms is None else rooms
    state = m.State(
        self=ME, settings=m.Settings(name="anna"), rooms={r.id: r for r in rooms}, peers={p.id: p for p in peers}
    )
    return m.SnapshotResult(log=LOG, seq=seq, state=state, live=m.Live())


def event(seq: int | None, data: msgspec.Struct) -> m.Event:
    return m.Event(v=1, log=LOG, at=5000, type=type(data).__name__, seq=seq, data=data)
