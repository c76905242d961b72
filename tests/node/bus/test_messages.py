"""The vocabulary: what goes over the bus comes back the same, and what isn't in it harms nobody."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.bus import bounds, encoding, nouns
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import requests as rq

texts = st.text(max_size=20)
messages = st.builds(
    nouns.Message,
    id=st.integers(1, 2**53 - 1),
    room=texts,
    order=texts,
    at=st.integers(0, 2**53),
    direction=st.sampled_from(["in", "out"]),
    author=texts,
    name=texts,
    kind=st.sampled_from(["text", "notice"]),
    text=texts,
    state=st.none() | texts,
    detail=st.none() | texts,
    marks=st.lists(texts, max_size=3),
)


@given(message=messages, seq=st.integers(1, 2**63 - 1))
def test_an_event_comes_back_as_it_was(message: nouns.Message, seq: int) -> None:
    event = ev.Event(v=1, log="log", at=1, type="MessageReceived", seq=seq, room=message.room)
    event.data = ev.MessageReceived(message=message)
    assert ev.decode_event(encoding.encode(event)) == event


@given(text=st.text(alphabet=st.characters(categories=["Cs", "Ll", "So", "Cc"])))
def test_a_sound_text_can_be_encoded_and_is_the_same_where_it_already_was(text: str) -> None:
    sound = encoding.sound(text)
    assert sound.encode().decode() == sound
    assert len(sound) == len(text)
    assert all(a == b or (b == "?" and 0xD800 <= ord(a) <= 0xDFFF) for a, b in zip(text, sound, strict=True))


def test_a_body_with_a_text_that_is_not_unicode_is_encoded_all_the_same() -> None:
    half = "a\udc80"
    peer = nouns.Peer(id="p", room="p", name=half)
    event = ev.Event(v=1, log="log", at=1, type="PeerAdded", seq=1, data=ev.PeerAdded(peer=peer))
    assert ev.decode_event(encoding.encode(event)).data.peer.name == "a?"
    reply = en.Reply(v=1, id=half, ok=True, result=msgspec.Raw(b'{"kept":true}'))
    assert msgspec.json.decode(encoding.encode(reply)) == {"v": 1, "id": "a?", "ok": True, "result": {"kept": True}}
    assert msgspec.json.decode(encoding.encode({half: [half, {"x": half}]})) == {"a?": ["a?", {"x": "a?"}]}


def test_unknown_types_keep_their_data_and_unknown_fields_are_ignored() -> None:
    unknown = ev.decode_event(b'{"v":1,"log":"l","at":1,"type":"New","seq":7,"data":{"a":1},"more":[]}')
    assert (unknown.seq, unknown.data) == (7, {"a": 1})
    known = ev.decode_event(b'{"v":1,"log":"l","at":1,"type":"PeerForgotten","seq":7,"data":{"peer":"p","more":1}}')
    assert known.data == ev.PeerForgotten(peer="p")


@given(body=st.binary(max_size=200))
def test_bytes_are_an_event_or_a_decode_error(body: bytes) -> None:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        ev.decode_event(body)


@pytest.mark.parametrize("type_", [*ev.DURABLE, *ev.EPHEMERAL])
def test_the_topic_says_whether_an_event_is_ephemeral(type_: str) -> None:
    assert ev.topic_of(type_) == (b"~" if type_ in ev.EPHEMERAL else b"") + type_.encode()
    assert (type_ in ev.DURABLE) != (type_ in ev.EPHEMERAL)


def test_a_preview_counts_code_points() -> None:
    whole = nouns.Message(
        id=1, room="r", order="o", at=1, direction="in", author="p", name="n", kind="text", text="\U0001f600" * 500
    )
    assert nouns.preview(whole).text == "\U0001f600" * bounds.PREVIEW_CHARS


@given(message=messages, length=st.integers(0, 3 * bounds.PREVIEW_CHARS))
def test_a_preview_is_the_message_with_its_text_cut(message: nouns.Message, length: int) -> None:
    whole = msgspec.structs.replace(message, text="x" * length)
    assert nouns.preview(whole) == msgspec.structs.replace(whole, text="x" * min(length, bounds.PREVIEW_CHARS))


def test_commands_that_change_nothing_are_commands() -> None:
    assert set(rq.COMMANDS) >= rq.READS
    assert not rq.READS & {"send", "resend", "connect", "disconnect", "forget", "mark_read", "settings", "stop"}
