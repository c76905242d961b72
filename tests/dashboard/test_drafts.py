from __future__ import annotations

from typing import Any

import pytest

from dashboard import drafts

KEYS = ("k1", "k2", "k3")


def draft(**more: Any) -> drafts.Draft:
    return drafts.Draft("name", **more)


def seen(value: Any = "anna", **more: Any) -> drafts.Draft:
    one = draft(**more)
    one.sees(value, None, 0)
    return one


def test_a_field_shows_what_the_node_holds() -> None:
    one = draft()
    assert one.sees("anna", None, 0) == "anna" and not one.dirty
    assert one.sees("bela", "anna", 0) == "bela" and not one.dirty
    assert one.told.text == ""


def test_what_is_half_typed_stays_and_a_change_elsewhere_is_told_until_it_is_settled() -> None:
    one = seen()
    assert one.sees("anna", "an", 0) == "an" and one.dirty and not one.elsewhere
    assert one.sees("bela", "an", 0) == "an" and one.elsewhere
    assert one.told == drafts.Note("Changed elsewhere meanwhile, to “bela”. Save yours, or take that.", "wait")
    # Typing on doesn't settle it.
    assert one.sees("bela", "ann", 0) == "ann" and one.elsewhere
    assert one.restores() == "bela" and not one.dirty and one.told.text == ""


def test_a_change_elsewhere_to_what_is_typed_is_none() -> None:
    one = seen()
    assert one.sees("anna", "bela", 0) == "bela"
    assert one.sees("bela", "bela", 0) == "bela" and not one.dirty and not one.elsewhere


def test_a_node_that_does_not_tell_takes_nothing_away() -> None:
    one = seen()
    one.sees("anna", "half", 0)
    assert one.sees(None, "half", 0) == "half" and one.dirty and not one.elsewhere
    assert one.sees("anna", "half", 0) == "half" and not one.elsewhere
    clean = seen()
    assert clean.sees(None, "anna", 0) == "" and clean.sees("anna", "", 0) == "anna"


def test_what_was_typed_before_the_server_started_anew_stays() -> None:
    one = draft()
    assert one.sees("anna", "half", 0) == "half" and one.dirty


def test_what_was_typed_before_stays_also_while_the_node_is_away() -> None:
    one = draft()
    assert one.sees(None, None, 0) == ""
    assert one.sees(None, "half", 0) == "half" and not one.dirty
    assert one.sees("anna", "half", 0) == "half" and one.dirty and not one.elsewhere
    empty = draft()
    assert empty.sees(None, "", 0) == "" and empty.sees("anna", "", 0) == "anna"


def test_saving_ends_with_what_the_node_shows() -> None:
    one = seen(50, show="{:,}".format, read=drafts.whole("the days"))
    one.sees(50, "60000", 0)
    changes = one.wants()
    assert changes == {"name": 60_000}
    one.saver.begins(changes, "k1")
    one.saved(60_000, 1000)
    assert one.told == drafts.Note("Saved.", "good", 1000)
    assert one.sees(60_000, "60000", 2000) == "60,000" and not one.dirty
    assert one.told.text == "Saved."
    one.sees(60_000, "60,000", 1000 + drafts.SAVED_MS + 1)
    assert one.told.text == ""


def test_who_goes_on_typing_while_it_is_saved_keeps_that() -> None:
    one = seen()
    one.sees("anna", "bela", 0)
    assert one.wants() == {"name": "bela"}
    one.saved("bela", 0)
    assert one.sees("bela", "bela b", 0) == "bela b" and one.dirty


def test_what_crossed_another_text_on_the_way_is_given_back() -> None:
    one = seen()
    assert one.sees("bela", "anna", 0) == "bela"
    one.puts("anna", "bela")
    # Typed and handed over before the field was given that: the browser may show either.
    assert one.sees("bela", "mine", 0) == "mine" and one.again
    one.puts("mine", "mine")
    assert one.sees("bela", "bela", 0) == "mine" and not one.again and one.dirty
    kept = seen()
    kept.sees("bela", "anna", 0)
    kept.puts("anna", "bela")
    assert kept.sees("bela", "mine", 0) == "mine" and kept.again
    kept.puts("mine", "mine")
    assert kept.sees("bela", "mine too", 0) == "mine too" and not kept.again


def test_nothing_to_save_and_what_is_wrong() -> None:
    assert seen().wants() is None
    told = seen("", nothing="Type something.")
    assert told.wants() is None and told.told == drafts.Note("Type something.", "bad")
    wrong = seen(5, show=str, read=drafts.whole("the days"))
    wrong.sees(5, "many", 0)
    assert wrong.wants() is None and wrong.told.text == "Type the days as a whole number."
    empty = seen(read=drafts.some("Type a name."))
    empty.sees("anna", "  ", 0)
    assert empty.wants() is None and empty.told.text == "Type a name."


def test_what_can_not_be_undone_is_asked_and_typing_takes_the_question_back() -> None:
    one = seen(90, show=str, read=drafts.whole("the days"), sure=lambda new, old: f"{new}?" if new < old else "")
    one.sees(90, "30", 0)
    assert one.wants() is None and one.question == "30?"
    assert one.sees(90, "30", 0) == "30" and one.question
    one.sees(90, "20", 0)
    assert one.question == "" and one.wants() is None and one.question == "20?"
    assert one.wants() == {"name": 20}
    one.sees(90, "200", 0)
    assert one.wants() == {"name": 200}


def test_a_change_elsewhere_takes_the_question_back() -> None:
    one = seen(90, show=str, read=drafts.whole("the days"), sure=lambda new, old: f"{new}?")
    one.sees(90, "30", 0)
    one.wants()
    one.sees(60, "30", 0)
    assert one.question == "" and one.elsewhere


def test_a_lost_answer_keeps_the_key_for_the_same_change_only() -> None:
    saver = drafts.Saver()
    assert saver.begins({"name": "b"}, "k1") == "k1"
    assert saver.failed("The node doesn't answer.", True) == drafts.Note(
        "Perhaps not saved. The node doesn't answer. Try again in a moment.", "bad"
    )
    assert saver.begins({"name": "b"}, "k2") == "k1"
    saver.failed("The node doesn't answer.", True)
    assert saver.begins({"name": "c"}, "k2") == "k2"
    assert saver.failed("Too long.", False).text == "Not saved. Too long."
    assert saver.begins({"name": "c"}, "k3") == "k3"
    assert saver.done(7) == drafts.Note("Saved.", "good", 7)
    assert saver.begins({"name": "c"}, "k4") == "k4"


def test_what_was_saved_all_the_same_is_found() -> None:
    one = seen()
    one.sees("anna", "bela", 0)
    changes = one.wants()
    assert changes
    one.saver.begins(changes, "k1")
    one.note = one.saver.failed("No answer.", True)
    assert one.sees("anna", "bela", 0) == "bela" and one.told.tone == "bad"
    assert one.sees("bela", "bela", 5) == "bela" and one.told == drafts.Note("Saved.", "good", 5)
    assert one.saver.begins(changes, "k2") == "k2"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("50,000", 50_000),
        (" 5 000 ", 5000),
        ("5'000", 5000),
        ("5.000", 5000),
        ("0", 0),
        ("5\N{NO-BREAK SPACE}000", 5000),
    ],
)
def test_whole_numbers(text: str, number: int) -> None:
    assert drafts.whole("it")(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1e3", "many", "1234567890123", "٣", "²"])
def test_what_is_no_whole_number(text: str) -> None:
    assert drafts.whole("it")(text) == drafts.Wrong("Type it as a whole number.")
