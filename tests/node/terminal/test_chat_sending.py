"""What is typed in the chat: commands, texts on their way, and when others are told that somebody types."""

from __future__ import annotations

import itertools

import pytest

from node.errors import CommandRefused, NodeAway
from node.terminal.chat_sending import (
    AGAIN_MS,
    LONGEST_MS,
    MAX_PENDING,
    MAX_RECALLED,
    TYPING_MS,
    Outbox,
    Recall,
    Typed,
    Typing,
    understood,
)  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("hello", Typed(text="hello")),
        ("  two\n lines \n", Typed(text="  two\n lines ")),
        (" \n ", Typed()),
        ("", Typed()),
        ("/quit", Typed(command="quit")),
        ("/help \n", Typed(command="help")),
        ("/again", Typed(command="again")),
        ("//etc/hosts", Typed(text="/etc/hosts")),
        ("a /quit", Typed(text="a /quit")),
    ],
)
def test_what_is_typed_is_understood(typed: str, means: Typed) -> None:
    assert understood(typed) == means


@pytest.mark.parametrize("typed", ["/etc/hosts", "/quit now", "/", "/QUIT"])
def test_an_unknown_command_is_refused_with_a_hint_and_not_sent(typed: str) -> None:
    found = understood(typed)
    assert not found.text and not found.command and "//" in found.wrong


def outbox() -> Outbox:
    numbers = itertools.count(1)
    return Outbox(lambda: f"key-{next(numbers)}")


def test_texts_go_one_after_the_other_and_all_tries_of_one_share_a_key() -> None:
    box = outbox()
    assert box.add("one", 0) and box.add("two", 0)
    first = box.next(0)
    assert first is not None and (first.text, first.key) == ("one", "key-1") and box.next(0) is None
    assert box.refused(NodeAway("gone"), 10) is None
    assert box.next(10) is None, "not at once"
    again = box.next(10 + AGAIN_MS)
    assert again is first and again.key == "key-1"
    assert box.refused(CommandRefused("stopping", "It ends.", True), 20) is None
    box.hurry()
    assert box.next(21) is first
    box.accepted()
    second = box.next(22)
    assert second is not None and second.key == "key-2"


def test_what_is_refused_goes_back_to_the_person() -> None:
    box = outbox()
    box.add("one", 0)
    box.next(0)
    assert box.refused(CommandRefused("text_too_long", "Too long."), 1) == "one"
    assert box.pending == []


def test_nothing_is_tried_for_longer_than_the_node_remembers_its_key() -> None:
    box = outbox()
    box.add("one", 0)
    box.next(0)
    assert box.refused(NodeAway("gone"), LONGEST_MS) == "one"


def test_only_so_many_are_on_their_way() -> None:
    box = outbox()
    assert [box.add("x", 0) for _ in range(MAX_PENDING + 1)] == [True] * MAX_PENDING + [False]


def test_typing_is_told_now_and_then_and_its_end_once() -> None:
    typing = Typing()
    assert typing.stops() is None
    assert typing.typed("h", 0) is True
    assert typing.typed("he", 10) is None
    assert typing.typed("hel", TYPING_MS) is True
    assert typing.typed("", TYPING_MS + 1) is False
    assert typing.typed("", TYPING_MS + 2) is None


def test_a_command_is_nothing_that_one_types_to_somebody() -> None:
    typing = Typing()
    assert typing.typed("/qu", 0) is None and typing.typed("//x", 0) is True


def test_what_was_sent_comes_back_newest_first_and_in_the_end_what_was_being_typed() -> None:
    recall = Recall()
    assert recall.earlier("draft") is None and recall.later() is None
    for text in ("one", "two", "two", "three"):
        recall.sent(text)
    assert [recall.earlier("draft"), recall.earlier("three"), recall.earlier("two")] == ["three", "two", "one"]
    assert recall.earlier("one") is None
    assert [recall.later(), recall.later(), recall.later(), recall.later()] == ["two", "three", "draft", None]
    recall.earlier("draft")
    recall.sent("three again")
    assert recall.later() is None
    assert recall.earlier("") == "three again"


def test_only_so_much_is_kept_to_be_called_back() -> None:
    recall = Recall()
    for number in range(MAX_RECALLED + 5):
        recall.sent(f"text {number}")
    found = []
    while (text := recall.earlier("")) is not None:
        found.append(text)
    assert found == [f"text {number}" for number in range(MAX_RECALLED + 4, 4, -1)]
