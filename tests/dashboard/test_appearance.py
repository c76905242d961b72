from __future__ import annotations

import msgspec

from dashboard import appearance
from node.bus import nouns
from node.bus import requests as rq
from tests.dashboard.nouns import direct, entry, message, node, own, peer, room


def test_a_plain_conversation_always_says_so() -> None:
    view = appearance.room_view(room(), peer(), None)
    assert (view.encrypted, view.privacy, view.code) == (False, "plain", [])
    assert "others on the network can read along" in view.privacy_title
    assert not appearance.peer_view(peer(), None).encrypted


def test_a_conversation_with_a_node_says_that_it_is_encrypted_and_the_code_of_the_node() -> None:
    view = appearance.room_view(direct(), node(), None)
    assert (view.encrypted, view.privacy, view.code) == (True, "encrypted", ["k7f2", "9qda", "mx31", "t6ow"])
    row = appearance.peer_view(node(), None)
    assert row.encrypted and row.code == view.code


def test_a_mark_stands_only_where_a_name_is_shared() -> None:
    assert appearance.room_view(direct(), node(), None).mark == appearance.peer_view(node(), None).mark == ""
    assert appearance.room_view(direct(), node(), None, shared=True).mark == "k7f2 9qda"
    assert appearance.peer_view(peer(), None, shared=True).mark == "192.168.1.21:5000"
    assert appearance.room_view(room(), None, None, shared=True).mark == ""


def test_what_was_said_in_clear_is_marked_in_a_direct_room_only() -> None:
    view = appearance.message_view
    assert view(message(), direct=True).plain and view(own(), direct=True).plain
    assert not view(entry(), direct=True).plain and not view(message()).plain
    assert not view(message(kind="notice"), direct=True).plain


def test_what_this_version_can_t_show_is_a_quiet_line() -> None:
    theirs = appearance.message_view(message(kind="unknown", text="", name="be\nla"), direct=True)
    assert theirs.notice and not theirs.plain and theirs.delivery is None
    assert theirs.text == "be la sent something that this version of Snicher can't show."
    mine = appearance.message_view(entry(kind="unknown"), direct=True)
    assert mine.text.startswith("You sent something") and mine.delivery is None


def recipient(**more: object) -> rq.Recipient:
    return msgspec.convert({"peer": "peer-bela", **more}, rq.Recipient)


def test_what_became_of_a_message_is_told_for_each_recipient() -> None:
    told = appearance.recipient_view(recipient(state="delivered", at=7), node(), shared=True)
    assert (told.name, told.mark, told.label, told.tone, told.at) == ("bela", "k7f2 9qda", "delivered", "good", 7)
    told = appearance.recipient_view(recipient(state="read", at=7, read_at=9), node(), shared=False)
    assert (told.label, told.tone, told.at, told.read_at) == ("read", "good", 7, 9)
    next_try = {"peer": "peer-bela", "at": 9000, "attempt": 2, "reason": "refused"}
    told = appearance.recipient_view(recipient(state="waiting", next_try=next_try), node(link="offline"), shared=False)
    assert (told.why, told.next_at, told.mark) == ("bela is offline.", 9000, "")
    told = appearance.recipient_view(recipient(state="waiting", detail="The line is cut."), None, shared=False)
    assert told.why == "The line is cut." and "not on your list" in told.name
    doubted = node(link="offline", rival="r" * 52, warning="Another key answers.")
    told = appearance.recipient_view(recipient(state="waiting"), doubted, shared=False)
    assert told.why == "Another key answers in place of bela's."


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
    # A notice that was read moves no conversation.
    assert appearance.room_view(room(last=ahead, read_upto=9), peer(), None).place == 3


def test_a_conversation_with_a_node_doesn_t_sink_when_an_old_text_becomes_its_newest() -> None:
    waited = entry(3)
    assert appearance.room_view(direct(last=waited, read_upto=9), node(), None).place == 9
    assert appearance.room_view(direct(last=entry(12), read_upto=9), node(), None).place == 12


def test_names_of_others_are_made_safe_everywhere() -> None:
    evil = "a\u202eb\nc"
    assert appearance.peer_view(peer(name=evil), None).name == "ab c"
    assert appearance.room_view(room(name=evil), peer(), None).name == "ab c"
    assert appearance.message_view(message(name="bela")).name == "bela"


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
    assert appearance.message_view(message()).delivery is None
    waiting = appearance.message_view(own()).delivery
    assert waiting is not None and waiting.wait and waiting.repair is None
    told = appearance.message_view(own(detail="The line is cut.")).delivery
    assert told is not None and told.why == "The line is cut." and not told.wait
    failed = appearance.message_view(own(state="failed")).delivery
    assert failed is not None and failed.repair == "Try again"


def test_unknown_marks_are_ignored() -> None:
    view = appearance.message_view(own(marks=["altered", "from-the-future"]))
    assert [mark.label for mark in view.marks] == ["altered"]


def test_verified_stands_with_the_peer_and_its_conversation() -> None:
    assert appearance.peer_view(node(verified=True), None).verified
    assert appearance.room_view(direct(), node(verified=True), None).verified
    assert not appearance.room_view(direct(), node(), None).verified
    assert not appearance.room_view(direct(), None, None).verified


def test_a_refusal_says_why_messages_wait_also_while_a_connection_stands() -> None:
    view = appearance.room_view(direct(), node(refusal="bela has refused your request.\nAsk later."), None)
    assert (view.refused, view.wait) == (True, "bela has refused your request. Ask later")
    assert not appearance.room_view(direct(), node(), None).refused
