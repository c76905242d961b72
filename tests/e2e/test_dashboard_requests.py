"""Who asks to write, as people see it: apart from the list, with the first lines, and three decisions."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Visit, bubble, room, until
from tests.support.fake_node import FakeNode, fill_requests, node_id

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def card(tab: Page, name: str) -> Locator:
    return tab.locator(".asker", has=tab.locator(".name", has_text=name))


def test_requests_stand_apart_and_reading_them_marks_nothing_as_read(node: FakeNode, visit: Visit) -> None:
    people = fill_requests(node)
    tab = visit().open()
    row = tab.locator(".list .room.asks")
    expect(row.locator(".count")).to_have_text("2")
    expect(tab.locator(".list .rooms .room")).to_have_count(2)
    expect(tab.locator(".page .count[data-urgent]")).to_have_text("1")
    row.click()
    expect(tab.locator(".asker")).to_have_count(2)
    mira = card(tab, "mira")
    expect(mira.locator(".firstline .text")).to_have_text(
        ["Hi Anna, Dora gave me your name.", "It is at https://site.example:9/a, see <b>there</b>.",
         "Can I bring it by at three?"])  # fmt: skip
    expect(mira.locator("a, b")).to_have_count(0)
    alike = card(tab, people["alike"].name)
    expect(alike.locator(".alike")).to_contain_text("Looks like bela, but isn't: another key.")
    alike.locator(".askerhead").click()
    expect(alike.locator(".firstline")).to_have_count(1)
    # Its own address leads to it as well, and not into a conversation in which it would be read.
    tab.goto(f"{tab.url.split('?')[0]}?room={people['mira'].room}")
    expect(card(tab, "mira").locator(".firstline")).to_have_count(3)
    expect(tab.locator(".talk")).to_be_hidden()
    assert "mark_read" not in node.commands and node.unread(people["mira"].room) == 3


def test_who_is_accepted_gets_a_conversation(node: FakeNode, visit: Visit) -> None:
    people = fill_requests(node)
    tab = visit().open("requests")
    card(tab, "mira").get_by_role("button", name="Accept").click()
    expect(tab.locator(".talk h2")).to_have_text("mira")
    expect(bubble(tab, "Can I bring it by at three?")).to_be_visible()
    expect(room(tab, "mira")).to_have_attribute("aria-current", "true")
    expect(tab.locator(".list .room.asks .count")).to_have_text("1")
    assert not node.state.rooms[people["mira"].room].request


def test_who_is_refused_or_blocked_is_gone_and_the_last_one_takes_the_row_with_it(node: FakeNode, visit: Visit) -> None:
    people = fill_requests(node)
    tab = visit().open("requests")
    card(tab, "mira").get_by_role("button", name="Refuse").click()
    expect(card(tab, "mira")).to_have_count(0)
    assert people["mira"].room not in node.state.rooms
    alike = card(tab, people["alike"].name)
    expect(alike.locator(".firstline")).to_have_count(1)
    alike.get_by_role("button", name="Block").click()
    # Cancel has the focus: a hasty Enter blocks nobody.
    expect(tab.locator(".requests .ask")).to_be_visible()
    tab.keyboard.press("Enter")
    expect(tab.locator(".requests .ask")).to_be_hidden()
    assert people["alike"].id not in node.state.blocked
    alike.get_by_role("button", name="Block").click()
    tab.locator(".requests .ask").get_by_role("button", name="Block").click()
    expect(tab.locator(".asker")).to_have_count(0)
    expect(tab.locator(".list .room.asks")).to_be_hidden()
    expect(tab.locator(".requests")).to_contain_text("Nobody waits.")
    until(lambda: people["alike"].id in node.state.blocked, "the node has blocked them")


def test_a_decision_made_elsewhere_is_told_and_a_refusal_of_the_node_too(node: FakeNode, visit: Visit) -> None:
    people = fill_requests(node)
    here = visit()
    tab, other = here.open("requests"), here.open("requests")
    card(other, "mira").get_by_role("button", name="Accept").click()
    expect(card(tab, "mira")).to_have_count(0)
    node.add_node("nora", request=True)
    nora = next(one for one in node.state.peers.values() if one.name == "nora")
    node.receive(nora, "hello?")
    expect(card(tab, "nora")).to_have_count(1)
    assert people["mira"].room in node.state.rooms


def test_who_is_blocked_from_the_menu_is_hidden_until_settings_let_them_in_again(node: FakeNode, visit: Visit) -> None:
    bela = node.add_node("bela")
    node.receive(bela, "hello")
    tab = visit().open(bela.room)
    expect(bubble(tab, "hello")).to_be_visible()
    tab.get_by_role("button", name="More about bela").click()
    tab.get_by_role("menuitem", name="Block").click()
    tab.locator(".ask").get_by_role("button", name="Block").click()
    expect(tab.locator(".calmline")).to_contain_text("bela is blocked.")
    expect(tab.locator(".list .rooms .room")).to_have_count(0)
    tab.locator(".page", has_text="Settings").click()
    tab.get_by_role("button", name="Unblock").click()
    expect(tab.get_by_text("Nobody is blocked.")).to_be_visible()
    tab.locator(".page", has_text="Chats").click()
    room(tab, "bela").click()
    expect(bubble(tab, "hello")).to_be_visible()


def test_codes_are_compared_and_enter_verifies_nobody_by_accident(node: FakeNode, visit: Visit) -> None:
    erik = node.add_node("erik")
    tab = visit().open(erik.room)
    dialog = tab.locator(".verify")
    trust = tab.locator(".talk header .trust")
    expect(trust).to_have_text("not verified")
    trust.click()
    expect(dialog.get_by_role("heading", name="Is this really erik?")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    # The lower PeerId is the first, at both sides.
    first, second = ("erik", "You, anna") if erik.id < node.me.id else ("You, anna", "erik")
    expect(dialog.locator(".person h4")).to_have_text([f"1. {first}", f"2. {second}"])
    expect(dialog.locator(".groups span")).to_have_count(8)
    assert "verify" not in node.commands
    dialog.get_by_role("button", name="They match: mark as verified").click()
    expect(dialog).to_be_hidden()
    expect(trust).to_have_text("verified")
    expect(room(tab, "erik").locator(".verified")).to_be_visible()
    tab.get_by_role("button", name="More about erik").click()
    tab.get_by_role("menuitem", name="Compare codes").click()
    dialog.get_by_role("button", name="They don't match").click()
    expect(dialog.get_by_role("heading", name="The codes don't match")).to_be_focused()
    expect(trust).to_have_text("not verified")
    dialog.get_by_role("button", name="Block").click()
    tab.get_by_role("dialog", name="Block erik?").get_by_role("button", name="Cancel").click()
    assert not node.state.blocked and not node.state.peers[erik.id].verified


def test_another_key_that_came_in_between_is_not_verified(node: FakeNode, visit: Visit) -> None:
    erik = node.add_node("erik")
    tab = visit().open(erik.room)
    tab.locator(".talk header .trust").click()
    node.change_peer(erik, code="aaaa-bbbb-cccc-dddd")
    tab.locator(".verify").get_by_role("button", name="They match").click()
    expect(tab.locator(".verify .body > .problem")).to_contain_text("isn't the code of their key")
    assert not node.state.peers[erik.id].verified


def test_an_invite_is_shown_as_link_and_qr_code_and_another_one_is_added(node: FakeNode, visit: Visit) -> None:
    tab = visit().open()
    tab.locator(".page", has_text="Peers").click()
    tab.get_by_role("button", name="Invite somebody").click()
    dialog = tab.locator(".invite")
    expect(dialog.locator(".link")).to_have_text(f"snicher://{node.me.id}@192.168.1.20:5000,10.0.0.7:5000?name=anna")
    box = dialog.locator(".qr").bounding_box()
    assert box is not None and box["width"] >= 152
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    field = tab.get_by_role("textbox", name="Address")
    field.fill("snicher://nonsense")
    field.press("Enter")
    expect(tab.locator("#connect-note")).to_contain_text("This is no invite.")
    field.fill(f"snicher://{node_id(7)}@10.0.0.9:5000?name=fritz")
    field.press("Enter")
    expect(tab.locator("#connect-note")).to_contain_text("Connecting to fritz… 10.0.0.1:5000 is another node's.")
    expect(tab.locator(".peer", has_text="fritz")).to_be_visible()
