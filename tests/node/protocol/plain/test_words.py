from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.plain import words

#: As they stand in the measurements of the old clients.
HELLOS = """connect, connect_ack, CONNECT, CONNECTING, Connected, Connected!, handshake, connection_request,
CONNECTION_REQUEST, CONNECT_REQUEST, CONNECT_ACCEPTED, connection message, manual connection message,
Connection request, Reconnection, sent connection!, Hello again!""".replace("\n", " ").split(", ")
HELLOS += ["Hello, I am connecting!", "Hello, peer!"]
GOODBYES = ["exit", "Exit", "EXIT", "quit", "QUIT", "DISCONNECT", "disconnect", "[PEER_QUIT]", "[peer_quit]"]


def test_the_hellos_are_those_that_were_seen_and_no_other() -> None:
    assert {word.strip() for word in HELLOS} == words.HELLO


@pytest.mark.parametrize("word", HELLOS)
def test_a_hello_is_the_whole_text_in_its_own_case(word: str) -> None:
    assert words.is_hello(word)
    assert words.is_hello(f" {word}\n")
    assert not words.is_hello(f"{word} now")
    assert not words.is_goodbye(word)


@pytest.mark.parametrize("word", GOODBYES)
def test_a_goodbye_is_the_whole_text_in_any_case(word: str) -> None:
    assert words.is_goodbye(word)
    assert words.is_goodbye(f"{word}\n")
    assert not words.is_goodbye(f"{word} now")
    assert not words.is_hello(word)


@pytest.mark.parametrize("text", ["", "hello", "exited", "Connect", "goodbye", "disconnected"])
def test_ordinary_words_are_neither_and_go_out_as_they_are(text: str) -> None:
    assert not words.is_hello(text)
    assert not words.is_goodbye(text)
    assert words.harmless(text) == (text, False)


@pytest.mark.parametrize(
    ("text", "altered"),
    [
        ("exit", "exit."),
        (" Exit ", "Exit."),
        ("connect", "connect."),
        ("Hello, peer!", "Hello, peer!."),
        ("PING", "PING."),
        ("rejected", "rejected."),
        ("CONNECT:5000", "CONNECT:5000."),
        ("DISCONNECT", "D\u2060ISCONNECT."),
        ("CONNECT_REQUEST", "C\u2060ONNECT_REQUEST."),
        ("our GROUP and GROUPS", "our G\u2060ROUP and G\u2060ROUPS"),
        ("don't DISCONNECT me", "don't D\u2060ISCONNECT me"),
    ],
)
def test_a_text_that_would_act_is_altered_as_little_as_possible(text: str, altered: str) -> None:
    assert words.harmless(text) == (altered, True)


@pytest.mark.parametrize("text", ["exit the room", "connect: the dots", "a group", "please disconnect", "ping me"])
def test_a_word_that_acts_only_alone_or_in_capitals_is_left_alone(text: str) -> None:
    assert words.harmless(text) == (text, False)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([*HELLOS, *GOODBYES, "GROUP", "CONNECT:", "ping", " ", "x"]), max_size=5).map("".join))
def test_nothing_acts_once_it_is_harmless_and_a_second_time_changes_nothing(text: str) -> None:
    harmless, altered = words.harmless(text)
    assert not words.is_hello(harmless)
    assert not words.is_goodbye(harmless)
    assert not any(word in harmless for word in words.ACTING_INSIDE)
    assert altered == (harmless != text)
    if not harmless.startswith("CONNECT:"):
        assert words.harmless(harmless) == (harmless, False)
