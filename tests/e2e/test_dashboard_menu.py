"""The menu of a conversation, as people use it: by mouse, by keyboard, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from node.errors import CommandRefused
from tests.e2e.browser import SCREENSHOTS, Visit, room, until
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def more(tab: Page, name: str) -> Locator:
    return tab.get_by_role("button", name=f"More about {name}")


def choose(tab: Page, name: str, item: str) -> None:
    more(tab, name).click()
    tab.get_by_role("menuitem", name=item).click()


def test_a_conversation_is_renamed_in_every_tab(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab, other = visit().open(bela.room), visit().open(bela.room)
    choose(tab, "bela", "Rename…")
    sheet = tab.get_by_role("dialog", name="Rename bela")
    name = sheet.get_by_role("textbox", name="Name")
    expect(name).to_be_focused()
    expect(name).to_have_value("bela")

    def refuse(command: object) -> None:
        raise CommandRefused("invalid_args", "That name won't do.")

    node.before = refuse
    name.fill("Bela from lab 2")
    name.press("Enter")
    expect(sheet.get_by_role("alert")).to_have_text("That name won't do.")
    node.before = lambda command: None
    sheet.get_by_role("button", name="Rename").click()
    for each in (tab, other):
        expect(each.locator(".talk h2")).to_have_text("Bela from lab 2")
    expect(sheet).to_be_hidden()
    choose(tab, "Bela from lab 2", "Rename…")
    tab.get_by_role("textbox", name="Name").fill("")
    tab.get_by_role("button", name="Rename").click()
    expect(other.locator(".talk h2")).to_have_text("bela")


def test_a_conversation_is_merged_and_goes_on_in_the_other(node: FakeNode, visit: Visit) -> None:
    twice, bela = node.add_peer("bela at home"), node.add_peer("bela")
    node.receive(twice, "said at home")
    node.receive(bela, "said here")
    tab = visit().open(twice.room)
    tab.locator(".composer textarea").fill("half a thought")
    choose(tab, "bela at home", "Merge into…")
    tab.get_by_role("combobox", name="Into").select_option(bela.room)
    tab.get_by_role("button", name="Merge").click()
    expect(tab.locator(".talk h2")).to_have_text("bela")
    expect(tab.locator(".log .row .text")).to_have_text(["said at home", "said here"])
    expect(tab.locator(".calmline")).to_have_text("Merged: what was said with bela at home is now here.")
    expect(tab.locator(".composer textarea")).to_have_value("half a thought")
    expect(room(tab, "bela at home")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_conversation_is_deleted_after_a_second_question(
    node: FakeNode, visit: Visit, width: int, scheme: str
) -> None:
    bela, cian = node.add_peer("bela"), node.add_peer("cian")
    node.receive(bela, "a secret")
    here = visit(viewport={"width": width, "height": 640}, color_scheme=scheme)
    tab, other = here.open(bela.room), here.open(bela.room)
    expect(other.locator(".log .row .text")).to_have_text(["a secret"])
    tab.bring_to_front()
    # All of it by keyboard: nothing is lost by leaving at any step.
    more(tab, "bela").press("ArrowDown")
    expect(tab.get_by_role("menuitem", name="Rename…")).to_be_focused()
    tab.screenshot(path=SCREENSHOTS / f"menu-{scheme}-{width}.png")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("menu")).to_be_hidden()
    expect(more(tab, "bela")).to_be_focused()
    for answer in ("Escape", "Enter"):
        tab.keyboard.press("Enter")
        tab.keyboard.press("End")
        tab.keyboard.press("Enter")
        sheet = tab.get_by_role("dialog", name="Delete the conversation with bela?")
        expect(sheet).to_contain_text("erased from this computer for good")
        # Cancel has the focus: a hasty Enter deletes nothing.
        expect(sheet.get_by_role("button", name="Cancel")).to_be_focused()
        tab.screenshot(path=SCREENSHOTS / f"delete-{scheme}-{width}.png")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, "something sticks out"
        tab.keyboard.press(answer)
        expect(sheet).to_be_hidden()
        expect(more(tab, "bela")).to_be_focused()
    assert "delete" not in node.commands and bela.room in node.state.rooms
    choose(tab, "bela", "Delete conversation…")
    tab.get_by_role("button", name="Delete for good").click()
    for each in (tab, other):
        expect(each.locator(".calmline")).to_have_text("The conversation with bela was deleted.")
        expect(each.locator(".talk")).to_be_hidden()
        expect(room(each, "bela")).to_have_count(0)
        expect(room(each, "cian")).to_be_visible()
    expect(tab.locator(".calmline")).to_be_focused()
    assert bela.room not in node.messages
    room(tab, "cian").click()
    expect(tab.locator(".calmline")).to_be_hidden()
    expect(tab.locator(".talk h2")).to_have_text(cian.name)


def test_a_peer_is_left_and_called_again(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    tab = visit().open(bela.room)
    choose(tab, "bela", "Disconnect")
    expect(tab.locator(".talk .presence")).to_have_text("offline")
    until(lambda: "disconnect" in node.commands, "the node was asked")
    choose(tab, "bela", "Connect")
    expect(tab.locator(".talk .presence")).to_have_text("connecting")
