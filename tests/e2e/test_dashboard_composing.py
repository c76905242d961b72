"""Keys that belong to an input method (Japanese, Chinese, an accent): they do nothing on any page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Visit, bubble, field, room
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

#: A key of an input method, as Chromium and Firefox tell it, and as WebKit tells the last one, and what the browser
#: itself would do on Enter.
WAYS = {"while it composes": {"isComposing": True}, "as WebKit ends it": {"keyCode": 229}}
PRESS = """(field, [key, told]) => {
  const more = { key, bubbles: true, composed: true, cancelable: true, ...told };
  field.dispatchEvent(new KeyboardEvent("keydown", more));
  if (key === "Enter") field.form?.requestSubmit();
  field.dispatchEvent(new KeyboardEvent("keyup", more));
}"""


def press(where: Locator, key: str, told: dict[str, object]) -> None:
    where.evaluate(PRESS, [key, told])


def compose(tab: Page, text: str) -> None:
    """Begin to compose a word, as an input method does."""
    session = tab.context.new_cdp_session(tab)
    session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})


def test_enter_that_ends_a_composition_opens_sends_and_submits_nothing(node: FakeNode, visit: Visit) -> None:
    bela, nihon = node.add_peer("bela"), node.add_peer("にほん")
    node.receive(bela, "hello")
    tab = visit().open(bela.room)
    search = tab.get_by_role("searchbox", name="Search people and messages")
    search.focus()
    compose(tab, "にほん")
    expect(room(tab, "bela")).to_have_count(0)
    for told in WAYS.values():
        press(search, "Enter", told)
        press(search, "Escape", told)
        press(search, "ArrowDown", told)
    expect(search).to_be_focused()
    expect(search).to_have_value("にほん")
    expect(tab.locator(".talk h2")).to_have_text("bela")
    # The same Enter, once nothing is composed any more.
    tab.context.new_cdp_session(tab).send("Input.insertText", {"text": "にほん"})
    search.press("Enter")
    expect(tab.locator(".talk h2")).to_have_text("にほん")

    field(tab).focus()
    compose(tab, "こんにちは")
    for told in WAYS.values():
        press(field(tab), "Enter", told)
    expect(field(tab)).to_have_value("こんにちは")
    assert not node.state.rooms[nihon.room].last, "nothing was sent"
    tab.context.new_cdp_session(tab).send("Input.insertText", {"text": "こんにちは"})
    field(tab).press("Enter")
    expect(bubble(tab, "こんにちは")).to_be_visible()

    # A form that Enter submits, in a sheet that Escape closes.
    tab.get_by_role("button", name="More about にほん").click()
    tab.get_by_role("menuitem", name="Rename…").click()
    name = tab.get_by_role("textbox", name="Name")
    name.fill("日本")
    for told in WAYS.values():
        press(name, "Enter", told)
        press(name, "Escape", told)
    expect(name).to_be_visible()
    assert node.state.peers[nihon.id].name == "にほん"
    name.press("Enter")
    expect(tab.locator(".talk h2")).to_have_text("日本")
