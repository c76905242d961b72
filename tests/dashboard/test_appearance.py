from __future__ import annotations

from dashboard import appearance
from node.bus import nouns
from tests.dashboard.nouns import message, own, peer, room


def test_a_plain_conversation_always_says_so() -> None:
    view = appearance.room_view(room(), peer(), None)
    assert view.badge == "plain" and "Not encrypted" in view.badge_title
    assert appearance.room_view(room(encrypted=True), peer(), None).badge == ""


def test_a_room_shows_presence_and_why_its_messages_wait() -> None:
    next_try = nouns.NextTry(peer="peer-bela", at=9000, attempt=2, reason="refused")
    view = appearance.room_view(room(), peer(link="offline"), next_try)
    assert (view.presence, view.wait, view.next_at) == ("offline", "bela is offline", 9000)
    view = appearance.room_view(room(), peer(link="offline", port=None), None)
    assert "has to connect to you" in view.wait
    gone = appearance.room_view(room(), None, None)
    assert gone.link == "gone" and "not on your list" in gone.wait


def test_the_last_line_is_one_line() -> None:
    last = message(3, "first\nsecond " + "x" * 500)
    view = appearance.room_view(room(last=last), peer(), None)
    assert view.last is not None and len(view.last.text) <= appearance.PREVIEW_CHARS and "\n" not in view.last.text


def test_a_conversation_stands_where_the_node_took_in_its_newest_text_whatever_clocks_said() -> None:
    ahead = message(3, at=400 * 24 * 3600_000)
    assert appearance.room_view(room(last=ahead, read_upto=1), peer(), None).place == 3
    assert appearance.room_view(room(created=ahead.at, read_upto=2), peer(), None).place == 2


def test_names_of_others_are_made_safe_everywhere() -> None:
    evil = "a\u202eb\nc"
    assert appearance.peer_view(peer(name=evil), None).name == "ab c"
    assert appearance.room_view(room(name=evil), peer(), None).name == "ab c"
    assert appearance.message_view(message(name="bela"), "x").name == "bela"


def test_a_nameless_peer_goes_by_its_address() -> None:
    assert appearance.peer_view(peer(name=""), None).name == "192.168.1.21:5000"
    assert appearance.address_of(peer(host="fe80::1")) == "[fe80::1]:5000"
    assert appearance.address_of(peer(host="")) == ""


def test_an_error_shows_until_it_goes_well() -> None:
    assert appearance.peer_view(peer(link="offline", error="Refused."), None).error == "Refused."
    assert appearance.peer_view(peer(link="online", error="Refused."), None).error == ""
    next_try = nouns.NextTry(peer="peer-bela", at=9000, attempt=2, reason="Timed out.")
    assert appearance.peer_view(peer(link="offline"), next_try).error == "Timed out."


def test_only_own_messages_have_a_state() -> None:
    assert appearance.message_view(message(), "bela").delivery is None
    waiting = appearance.message_view(own(), "bela").delivery
    assert waiting is not None and waiting.wait and waiting.repair is None
    told = appearance.message_view(own(detail="The line is cut."), "bela").delivery
    assert told is not None and told.why == "The line is cut." and not told.wait
    failed = appearance.message_view(own(state="failed"), "bela").delivery
    assert failed is not None and failed.repair == "Try again"


def test_unknown_marks_are_ignored() -> None:
    view = appearance.message_view(own(marks=["altered", "from-the-future"]), "bela")
    assert [mark.label for mark in view.marks] == ["altered"]
