"""The Settings page without a browser: what it asks for and shows. What only a browser shows is in tests/e2e."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import hatch, options, schema
from tests.dashboard.counters import Counter, option


def page() -> None:
    from dashboard.views import settings

    settings.page()


@pytest.fixture
def counter() -> Iterator[Counter]:
    one = Counter()
    with hatch.open_to(one):
        yield one


def opened() -> AppTest:
    test = AppTest.from_function(page, default_timeout=100).run()
    assert not test.exception
    return test


def again(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception
    return test


def words(test: AppTest) -> str:
    """What stands there as escaped text."""
    texts = [element.proto.body for element in test.main if element.type == "html"]
    return html.unescape(re.sub(r"<[^>]+>", "", "\n".join(texts)))


def test_it_shows_what_the_node_holds(counter: Counter) -> None:
    test = opened()
    assert test.text_input("name").value == "anna"
    assert test.text_input("keep_events").value == "1,000,000"
    assert test.radio("reconnect").value == "Connect again by itself"
    assert "On the disk now: 3 messages and 7 events." in words(test)
    assert "10.0.0.9:1255" in words(test) and "from within 10.0.0.0/8" in words(test)


def test_nothing_is_shown_or_asked_without_the_pass(counter: Counter) -> None:
    counter.admitted = False
    test = opened()
    assert not test.text_input and not test.button and not test.radio and not test.code
    assert counter.asked == [] and "anna" not in words(test)
    # And of a session that is shut out later, nothing stays.
    counter.admitted = True
    assert again(test).text_input("name").value == "anna"
    counter.admitted = False
    asked = len(counter.asked)
    assert not again(test).text_input and len(counter.asked) == asked


def test_a_change_is_saved_once_and_by_its_button_only(counter: Counter) -> None:
    test = opened()
    test.text_input("name").set_value("Anna B").run()
    assert counter.changes() == []
    assert test.button("save-name").proto.type == "primary"
    test.button("save-name").click().run()
    [change] = counter.changes()
    assert change.name == "Anna B" and change.keep_days is None and len(change.key) >= 8
    assert "Saved." in words(test)
    again(test)
    assert len(counter.changes()) == 1 and test.button("save-name").proto.type == "secondary"


def test_a_retry_after_a_lost_answer_has_the_same_key(counter: Counter) -> None:
    test = opened()
    counter.problem = hatch.Problem("The node doesn't answer.", retryable=True)
    test.text_input("name").set_value("Anna B").run()
    test.button("save-name").click().run()
    assert "Perhaps not saved. The node doesn't answer. Try again in a moment." in words(test)
    assert test.text_input("name").value == "Anna B"
    counter.problem = None
    test.button("save-name").click().run()
    first, second = counter.changes()
    assert first.key == second.key and "Saved." in words(test)


def test_a_refusal_is_text_and_what_was_typed_stays(counter: Counter) -> None:
    test = opened()
    counter.problem = hatch.Problem("Not ![this](http://x) <b>name</b>.")
    test.text_input("name").set_value("![this](http://x)").run()
    test.button("save-name").click().run()
    assert "Not saved. Not ![this](http://x) <b>name</b>." in words(test)
    assert "<b>name" not in "".join(element.proto.body for element in test.main if element.type == "html")
    assert test.text_input("name").value == "![this](http://x)"


def test_less_days_are_asked_for_twice(counter: Counter) -> None:
    test = opened()
    test.text_input("keep_days").set_value("30").run()
    test.button("save-keep_days").click().run()
    assert counter.changes() == []
    assert test.button("save-keep_days").label == "Really delete what is older than 30 days?"
    test.button("leave-keep_days").click().run()
    assert test.text_input("keep_days").value == "0" and test.button("save-keep_days").label == "Save days"
    test.text_input("keep_days").set_value("30").run()
    test.button("save-keep_days").click().run()
    test.button("save-keep_days").click().run()
    assert [change.keep_days for change in counter.changes()] == [30]


def test_a_choice_goes_back_when_it_is_refused(counter: Counter) -> None:
    test = opened()
    test.radio("reconnect").set_value("Stay apart until somebody connects").run()
    assert [change.reconnect for change in counter.changes()] == [False]
    counter.problem = hatch.Problem("No.")
    test.radio("reconnect").set_value("Connect again by itself").run()
    assert test.radio("reconnect").value == "Stay apart until somebody connects"
    assert "Not saved. No." in words(test)


def test_what_the_start_fixed_says_by_what(counter: Counter) -> None:
    assert counter.options
    how = "Set by --keep-days when the node was started: change it there, and start the node again."
    counter.options |= {
        "keep_days": option("keep_days", fixed=True, how=how, origin="Set by --keep-days"),
        "reconnect": option("reconnect", fixed=True, how="Set in /home/config.toml"),
    }
    test = opened()
    assert test.text_input("keep_days").disabled and test.button("save-keep_days").disabled
    assert test.radio("reconnect").disabled and not test.text_input("name").disabled
    assert how in words(test)


def test_an_older_node_leaves_the_rest_standing(counter: Counter) -> None:
    counter.options = None
    counter.settings["keep_days"] = counter.settings["mandatory"] = None
    test = opened()
    assert test.text_input("keep_days").disabled and test.text_input("new-peer").disabled
    assert "This node doesn't tell." in words(test)
    assert not test.text_input("name").disabled


def test_mandatory_peers_are_added_and_removed(counter: Counter) -> None:
    test = opened()
    test.button("save-new-peer").click().run()
    assert "Type an address, as 192.168.1.20:5000." in words(test)
    test.text_input("new-peer").set_value("10.0.0.9:1255@10.0.0.0/8").run()
    test.button("save-new-peer").click().run()
    assert "is on the list already" in words(test) and counter.changes() == []
    test.text_input("new-peer").set_value("10.0.0.7:1").run()
    test.button("save-new-peer").click().run()
    assert counter.settings["mandatory"] == ["10.0.0.9:1255@10.0.0.0/8", "10.0.0.7:1"]
    again(test)
    assert test.text_input("new-peer").value == ""
    [first, _] = [one for one in test.button if one.label == "Remove"]
    first.click().run()
    assert counter.settings["mandatory"] == ["10.0.0.7:1"]
    assert "Saved: 10.0.0.9:1255@10.0.0.0/8 is greeted no more." in words(test)


def test_another_link_and_shutting_out_which_is_asked_twice(counter: Counter) -> None:
    test = opened()
    test.button("make-link").click().run()
    assert any("?link=c0de" in code.value for code in test.code)
    test.button("shut-out-first").click().run()
    assert [type(one).__name__ for one in counter.asked].count("ShutOutOthers") == 0
    test.button("leave-in").click().run()
    test.button("shut-out-first").click().run()
    test.button("shut-out").click().run()
    assert [type(one).__name__ for one in counter.asked].count("ShutOutOthers") == 1
    assert not any("?link=" in code.value for code in test.code)


def test_who_may_write_is_saved_at_once(counter: Counter) -> None:
    test = opened()
    assert test.radio("accept_nodes").value == "Ask me first: what they say waits as a request"
    test.radio("accept_nodes").set_value("Refuse it, and tell them so").run()
    test.radio("accept_plain").set_value("Take it only from those I have dealt with").run()
    assert not test.exception
    assert (counter.settings["accept_nodes"], counter.settings["accept_plain"]) == ("nobody", "known")


def test_who_is_blocked_can_be_let_in_again(counter: Counter) -> None:
    assert "Nobody is blocked." in words(opened())
    hostile = options.BlockedView("k" * 52, "![x](http://10.0.0.66/p.png)", "Code aaaa", 1)
    counter.blocked = [hostile, options.BlockedView("10.0.0.9", "10.0.0.9", "Plain clients at 10.0.0.9", 0)]
    test = opened()
    assert hostile.name in words(test) and "Plain clients at 10.0.0.9" in words(test)
    assert not [one for one in test.markdown if "66" in one.value] and "Nobody is blocked." not in words(test)
    (first, _) = [one for one in test.button if one.label == "Unblock"]
    counter.problem = hatch.Problem("The node doesn't answer.")
    first.click().run()
    assert "The node doesn't answer." in words(test) and hostile.name in words(test)
    counter.problem = None
    next(one for one in test.button if one.label == "Unblock").click().run()
    (_, asked) = [one for one in counter.asked if isinstance(one, schema.Command)]
    assert (asked.op, bytes(asked.args)) == ("unblock", b'{"peer":"%s"}' % (b"k" * 52))
    assert "is blocked no more" in words(test) and len([one for one in test.button if one.label == "Unblock"]) == 1
