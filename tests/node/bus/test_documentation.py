"""BUS.md and the code say the same: every command, event, noun, error and bound, and nothing that doesn't exist."""

from __future__ import annotations

import pathlib
import re
import types
import typing

import msgspec
import pytest

from node import answers, app, batches, examining, turns
from node.bus import bounds, diagnosis, following, locks, nouns, reducer, replier, server, words
from node.bus import consumers as cn
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq
from node.core import (
    blocking,
    contacts,
    dialling,
    door,
    exchange,
    keeping,
    places,
    presence,
    quotas,
    racing,
    requests,
    routes,
    settings,
)
from node.peers import handshakes, listener, multicast, pace
from node.protocol.plain import registry
from node.protocol.secure import frames, link
from node.store import pages, reader, search

BUS = (pathlib.Path(server.__file__).parent / "BUS.md").read_text("utf-8")

CODE = re.compile(r"`([^`]+)`")
NOUNS: dict[str, type[msgspec.Struct]] = {
    "message": nouns.Message, "place": nouns.Place, "room": nouns.Room, "peer": nouns.Peer,
    "self": nouns.Self, "settings": nouns.Settings, "health": nouns.Health, "greeting": nouns.Greeting,
    "consumer": nouns.Consumer, "subscriber": nouns.Subscriber, "option": nouns.Option,
    "link": nouns.Link, "blocked": nouns.Blocked, "path": nouns.Path, "nearby": nouns.Nearby,
    "sighting": nouns.Sighting,
    "diagnosis": diagnosis.Diagnosis, "check": diagnosis.Check, "ownaddress": diagnosis.OwnAddress,
    "triedpath": diagnosis.PathTried, "finding": diagnosis.Finding,
}  # fmt: skip
VALUES = (
    nouns.DeliveryState,
    nouns.LinkState,
    nouns.MessageKind,
    nouns.Direction,
    nouns.GreetingOutcome,
    nouns.Source,
    nouns.Standing,
    nouns.RoomKind,
    nouns.NearbyState,
    nouns.Discovery,
    nouns.PeerKind,
    nouns.AcceptNodes,
    nouns.AcceptPlain,
    nouns.Presence,
    nouns.OwnPresence,
    nouns.How,
    diagnosis.Key,
    diagnosis.Mark,
    diagnosis.Answer,
)


def section(number: int) -> str:
    found = re.search(rf"^## {number}\. .*?(?=^## |\Z)", BUS, re.S | re.M)
    assert found is not None
    return found[0]


def tables(text: str) -> list[list[list[str]]]:
    """The rows of each table, without its head."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n?)+", text, re.M):
        rows = [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in block.splitlines()
        ]
        found.append(rows[2:])
    return found


def fields(struct: type[msgspec.Struct]) -> list[str]:
    return list(struct.__struct_fields__)


def optional(struct: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(struct) if not field.required}


# -- events


def event_tables() -> tuple[dict[str, str], dict[str, str]]:
    durable, ephemeral = tables(section(3))
    return {row[0].strip("`"): row[1] for row in durable}, {row[0].strip("`"): row[1] for row in ephemeral}


@pytest.mark.parametrize(("which", "known"), [(0, ev.DURABLE), (1, ev.EPHEMERAL)], ids=["durable", "ephemeral"])
def test_every_event_is_documented_with_its_data(which: int, known: dict[str, type[msgspec.Struct]]) -> None:
    documented = event_tables()[which]
    assert list(documented) == list(known)
    for type_, data in documented.items():
        named = CODE.findall(data)
        inner = inner_fields(known[type_])
        assert named in (fields(known[type_]), [*fields(known[type_]), *inner]), type_


def inner_fields(struct: type[msgspec.Struct]) -> list[str]:
    """The fields of the one structure in a structure."""
    (first, *_) = typing.get_type_hints(struct).values()
    return fields(first) if isinstance(first, type) and issubclass(first, msgspec.Struct) else []


def test_the_frame_of_an_event_is_documented() -> None:
    found = re.search(r"^`(\{v, log.*?data\})`$", section(3), re.M)
    assert found is not None
    outer = re.sub(r": \{[^}]*\}", "", found[1].strip("{}"))
    assert {name.strip().rstrip("?") for name in outer.split(",")} == set(fields(ev.Event))
    cause = re.search(r"cause\?: \{([^}]*)\}", found[1])
    assert cause is not None
    assert cause[1].split(", ") == fields(ev.Cause)


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_is_documented_with_its_fields(noun: str) -> None:
    found = re.search(rf"\*\*{noun}\*\* `\{{([^}}]*)\}}`", section(3))
    assert found is not None
    assert [name.rstrip("?") for name in re.split(r",\s+", found[1])] == fields(NOUNS[noun])


@pytest.mark.parametrize(
    "values",
    VALUES,
    ids=[
        "delivery",
        "link",
        "kind",
        "direction",
        "greeting",
        "source",
        "standing",
        "room",
        "nearby",
        "discovery",
        "peer",
        "nodes",
        "plain",
        "presence",
        "own",
        "how",
        "checked",
        "mark",
        "answer",
    ],
)
def test_every_value_a_field_may_have_is_documented(values: types.GenericAlias) -> None:
    for value in typing.get_args(values):
        assert f"`{value}`" in section(3)


# -- commands


def commands() -> dict[str, tuple[str, str]]:
    (table,) = tables(section(5))
    return {row[0].strip("`"): (row[1], row[2]) for row in table}


def test_every_command_is_documented_and_no_other() -> None:
    assert list(commands()) == list(rq.COMMANDS)


@pytest.mark.parametrize("op", rq.COMMANDS)
def test_every_argument_is_documented_and_whether_it_may_be_left_out(op: str) -> None:
    cell, struct = commands()[op][0], rq.COMMANDS[op][0]
    if op == "send":
        assert cell.startswith("`messages`: [{`to`, `text`}]")
        assert fields(rq.Outgoing) == ["to", "text"]
    outer = re.sub(r"\[\{.*?\}\]|\([^()]*\)", "", cell)
    documented = re.findall(r"`(\w+)`(\??)", outer)
    assert [name for name, _ in documented] == fields(struct)
    assert {name for name, mark in documented if mark} == optional(struct)


@pytest.mark.parametrize("op", rq.COMMANDS)
def test_every_field_of_a_result_is_documented(op: str) -> None:
    cell, struct = commands()[op][1], rq.COMMANDS[op][1]
    inner = re.findall(r"`(\w+)`: \{([^}]*)\}", cell)
    assert CODE.findall(re.sub(r": \{[^}]*\}|\([^()]*\)", "", cell)) == fields(struct)
    hints = typing.get_type_hints(struct)
    for name, within in inner:
        # Of a list, what is in it.
        (kind,) = typing.get_args(hints[name]) or (hints[name],)
        assert CODE.findall(within) == fields(kind)


def test_the_frames_of_commands_and_replies_are_documented() -> None:
    text = section(5)
    may_be_left_out = optional(en.Command)
    shown = ", ".join(f"{name}?" if name in may_be_left_out else name for name in fields(en.Command))
    assert f"`{{{shown}}}`" in text
    assert set(fields(en.Reply)) == {"v", "id", "ok", "result", "error", "head"}
    assert "`{v, id, ok: true, result, head}`" in text
    assert "`{v, id, ok: false, error: {code, message, retryable, details}}`" in re.sub(r"\s+", " ", text)
    assert fields(en.ErrorBody) == ["code", "message", "retryable", "details"]


def test_every_field_of_bus_json_is_documented() -> None:
    (table,) = tables(section(1))
    assert sorted(name for row in table for name in CODE.findall(row[0])) == sorted(fields(nouns.Endpoint))


@pytest.mark.parametrize("event", ev.DURABLE)
def test_what_each_event_does_to_a_snapshot_is_documented(event: str) -> None:
    (table,) = tables(section(4))
    rows = [row for row in table if event in CODE.findall(row[0])]
    assert len(rows) == 1
    assert (rows[0][1] == "Nothing.") == (event not in reducer._STEPS)


def test_the_snapshot_table_names_events_only() -> None:
    (table,) = tables(section(4))
    assert sorted(name for row in table for name in CODE.findall(row[0])) == sorted(ev.DURABLE)


def test_every_limit_that_hello_tells_is_documented() -> None:
    assert {f"`{name}`" for name in answers.LIMITS} <= set(re.findall(r"`\w+`", section(5)))


@pytest.mark.parametrize("field", fields(rq.StatsResult))
def test_every_figure_of_stats_is_explained(field: str) -> None:
    text = section(5).split("`stats` counts since the start")[1]
    explained = {"uptime_ms", "database_bytes", "free_bytes", "consumers"}
    assert f"`{field}`" in text or field in explained


# -- following


def test_the_silence_after_which_a_node_is_away_is_that_of_the_code() -> None:
    silence = following.MISSED_HEARTBEATS * bounds.HEARTBEAT_MS / 1000 + following.DOUBT_S
    assert f"Nothing published for {silence} seconds" in section(4)


# -- errors


def test_every_error_is_documented_with_its_meaning_and_whether_to_try_again() -> None:
    (table,) = tables(section(6))
    documented = {row[0].strip("`"): (row[1], row[2]) for row in table}
    assert list(documented) == list(en.ERROR_CODES)
    spoken = {"BUS.md": "this page", "MAX_COMMAND_BYTES": "4 MiB", "MAX_TEXT_BYTES": "64 KiB"}
    for code, (meaning, retryable) in en.ERROR_CODES.items():
        for name, spelt in spoken.items():
            meaning = meaning.replace(name, spelt)
        assert documented[code] == (meaning, "yes" if retryable else "no")


# -- bounds


def kib(number: int) -> str:
    return f"{number // 1024} KiB" if number < 1024 * 1024 else f"{number // 1024 // 1024} MiB"


BOUNDS = {
    "a command": [kib(bounds.MAX_COMMAND_BYTES), kib(server.MAX_FRAME_BYTES)],
    "PUB high-water mark": [f"{server.PUB_HIGH_WATER_MARK:,}"],
    "listeners left behind when a socket's file was removed": [str(server.MAX_REBINDS)],
    "messages in one `send`": [str(bounds.MAX_SEND)],
    "a text": [kib(bounds.MAX_TEXT_BYTES)],
    "a name": [str(bounds.MAX_NAME_CHARS)],
    "ids, client names, keys": [str(bounds.MAX_ID_CHARS)],
    "events in a page": [str(bounds.MAX_EVENTS)],
    "rooms and peers in a page of `snapshot`, peers in a page of `peers`": [str(bounds.MAX_SNAPSHOT)],
    "snapshots open at once": [str(pages.MAX_OPEN), f"{pages.IDLE_S:.0f}", f"{pages.WHOLE_S:.0f}"],
    "messages in a page": [str(bounds.MAX_HISTORY)],
    "hits in a page": [str(bounds.MAX_HITS)],
    "texts in a page": [kib(reader.MAX_PAGE_BYTES)],
    "a query": [str(search.MAX_QUERY), str(search.MAX_WORDS)],
    "`last` of a room": [str(bounds.PREVIEW_CHARS)],
    "consumers": [str(bounds.MAX_CONSUMERS)],
    "an unused consumer": [str(bounds.CONSUMER_LIFETIME_MS // 86_400_000)],
    "reports of followers": [str(bounds.MAX_REPORTS), str(bounds.REPORT_LIFETIME_MS // 1000)],
    "a key": [str(bounds.KEY_LIFETIME_MS // 3_600_000)],
    "peers": [f"{contacts.MAX_PEERS:,}"],
    "strangers beside known peers": [f"{contacts.NEWCOMERS:,}", f"{contacts.MAX_PEERS + contacts.NEWCOMERS:,}"],
    "strangers of one source": [f"{contacts.MAX_PER_SOURCE:,}"],
    "a request": [str(requests.MAX_TEXTS), kib(requests.MAX_BYTES)],
    "requests in which something was said": [str(requests.MAX_REQUESTS)],
    "unknown nodes of one source that begin to write in a day": [str(requests.MAX_NEW)],
    "nodes that were refused": [f"{door.MAX_REFUSED:,}", str(door.REFUSED_MS // 3_600_000)],
    "who is blocked": [str(blocking.MAX_BLOCKED)],
    "telling a refused plain source": [str(door.TELL_MS // 3_600_000), f"{door.MAX_TOLD:,}"],
    "waiting for the disk": [
        f"{batches.SHARED_GOAL * 1000:.0f} ms",
        f"{batches.ALONE_GOAL * 1000:.0f} ms",
        f"{batches.MIN_BATCH:,}",
        f"{batches.CROWD_GOAL * 1000:.0f} ms",
        f"{batches.MIN_CROWD_BATCH:,}",
        f"{batches.CROWD:,}",
        f"{batches.MAX_BATCH:,}",
    ],
    "waiting for the disk in all": [f"{turns.MAX_PENDING:,}"],
    "one source in a day, and one unknown node": [
        str(quotas.DEFAULT_QUOTA // 1_000_000),
        str(quotas.MESSAGE_COST),
        str(quotas.LINK_SAID),
    ],
    "small texts of one source": [str(pace.SMALL), f"{pace.BURST:,}", f"{pace.RATE:,}"],
    "conversations with strangers who left the list by themselves": [f"{contacts.MAX_SHELVED:,}"],
    "handshakes that others begin": [
        str(handshakes.MAX_HANDSHAKES),
        str(handshakes.MAX_OF_SOURCE),
        str(handshakes.BURST),
        str(handshakes.RATE),
        str(handshakes.ALL_BURST),
        str(handshakes.ALL_RATE),
        f"{handshakes.REST:.0f}",
        f"{link.HANDSHAKE:.0f}",
    ],
    "commands taken in that have no reply yet": [str(replier.MOST_REQUESTS), str(replier.MOST_BYTES // 1024**2)],
    "connections of one source": [f"{listener.MAX_PER_SOURCE:,}"],
    "connections that come in": [f"{listener.IDLE_ENOUGH:.0f}", f"{listener.QUIET_ENOUGH:.0f}"],
    "free space on the disk": [str(app.DEFAULT_FREE_SPACE // 1_000_000)],
    "addresses of a node": [str(places.MAX_NODE_ADDRESSES), str(exchange.MOST)],
    "host names of a peer": [str(places.MAX_HOSTNAMES)],
    "static peers": [str(settings.MAX_STATIC)],
    "a status": [str(frames.MAX_STATUS)],
    "changes of a peer's presence and status": [str(presence.SHOWN_MS // 1000)],
    "dials under way": [str(dialling.MAX_DIALS), str(racing.MAX_AT_ONCE)],
    "an examination of the doctor": [
        f"{examining.MAX_S:.0f}",
        str(examining.MAX_OWN),
        str(routes.MAX_PATHS),
        str(examining.MAX_NEAR),
        str(examining.MAX_SOCKETS),
        str(multicast.QUESTIONS),
        str(multicast.MAX_INTERFACES),
    ],
    "diagnoses kept": [str(examining.MAX_KEPT)],
    "mandatory peers": [str(settings.MAX_MANDATORY), str(settings.MAX_GREETING_CHARS)],
}


def test_every_bound_is_documented_with_its_number() -> None:
    (table,) = tables(section(7))
    documented = {row[0]: " ".join(row[1:]) for row in table}
    assert sorted(documented) == sorted(BOUNDS)
    for what, values in BOUNDS.items():
        for value in values:
            assert re.search(rf"(?<![\d,]){re.escape(value)}(?![\d,])", documented[what]), (what, value)


KEPT = {
    "events": [f"{nouns.Settings(name='').keep_events:,}", f"{keeping.EVENTS_STEP:,}"],
    "messages": [str(nouns.Settings(name="").keep_days)],
    "headers that their author signed": [],
    "conversations": [],
    "peers on the list": [f"{contacts.MAX_PEERS:,}", str(contacts.STRANGER_MS // 86_400_000)],
    "peers off the list": [],
    "replies to commands with a key": [str(bounds.KEY_LIFETIME_MS // 3_600_000), f"{keeping.MAX_REPLIES:,}"],
    "the search index": [],
    "who is shut out": [f"{quotas.MAX_SOURCES:,}"],
    "what each source has cost in its day": [f"{quotas.MAX_SOURCES:,}"],
    "the mark of the history": [f"{keeping.MARK_EVERY:.0f} seconds"],
    "greetings": [str(settings.MAX_MANDATORY)],
}


def test_how_long_each_thing_is_kept_is_documented_with_its_number() -> None:
    (table,) = tables(section(8))
    documented = {row[0]: " ".join(row[1:]) for row in table}
    assert list(documented) == list(KEPT)
    for what, values in KEPT.items():
        for value in values:
            assert re.search(rf"(?<![\d,]){re.escape(value)}(?![\d,])", documented[what]), (what, value)


def test_the_defaults_and_bounds_beside_the_commands_are_those_of_the_code() -> None:
    known = commands()
    for op, default, most in (
        ("events", rq.EventsArgs(since=0).limit, bounds.MAX_EVENTS),
        ("consumer_next", cn.ConsumerNextArgs(name="").limit, bounds.MAX_EVENTS),
        ("history", rq.HistoryArgs(room="").limit, bounds.MAX_HISTORY),
        ("search", rq.SearchArgs(query="").limit, bounds.MAX_HITS),
        ("snapshot", rq.SnapshotArgs().limit, bounds.MAX_SNAPSHOT),
        ("peers", rq.PeersArgs().limit, bounds.MAX_SNAPSHOT),
    ):
        assert f"`limit`? ({default}; at most {most})" in known[op][0]
    assert f"(1 to {bounds.MAX_SEND}; a text up to {kib(bounds.MAX_TEXT_BYTES)})" in known["send"][0]


# -- words


def test_the_words_for_people_are_those_of_the_code() -> None:
    (table,) = tables(section(9))
    assert table == [
        [name, f"`{value}`", word.short, word.sentence]
        for name, known in words.TABLES.items()
        for value, word in known.items()
    ]


# -- nothing else


def test_every_name_on_the_page_exists() -> None:
    known = {
        *rq.COMMANDS, *ev.DURABLE, *ev.EPHEMERAL, *en.ERROR_CODES, *NOUNS,
        *(value for values in VALUES for value in typing.get_args(values)),
        *(name for module in (nouns, diagnosis, ev, rq, en) for struct in vars(module).values()
          if isinstance(struct, type) and issubclass(struct, msgspec.Struct)
          for name in struct.__struct_fields__),
        # Values that are no type of their own, and other languages' words.
        *(value for table in words.TABLES.values() for value in table), "node.bus.words",
        *registry.BY_NAME, "unknown", "guess", "seen", "chosen", "auto", "altered", "not-utf8", "parts",
        *answers.LIMITS, "details.index", "?",
        "ipc", "tcp", "apply", "bus.json", locks.NODE_LOCK, "flock", "/proc", "python -m node status",
        "python -m node stop", "python -m node restore",
        "BUS.md", "SNICHER_HOME", "details.candidates", "details.oldest",
        "details.head", "details.position", "A-Z", "a-z", "0-9", "._-", "consume",
        "details.key", "details.source", "details.where", "on", "off",
        "node.bus.client", "node.bus.aio", "node/bus/reducer.py", "bus/", "bus/clients/*.key", "[topic, body]", "~",
        "node/core/ports.py", "word*", '"two words"', "HOST:PORT", "http://", "tcp://", "<", ">",
        "snicher://PEERID@HOST:PORT,HOST:PORT?name=NAME", "上海", "我家在上海东边。",
    }  # fmt: skip
    for name in CODE.findall(BUS):
        simple = re.sub(r"\s+", " ", name)
        if simple.startswith(("{", "(", "--", "apply(")):
            continue
        assert simple in known, f"BUS.md names `{name}`"
