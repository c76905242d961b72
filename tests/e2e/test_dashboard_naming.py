"""The first page asks once for a name: only where nobody has chosen one, and without standing in the way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Visit
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def asked(node: FakeNode, visit: Visit) -> Page:
    """A page of a node whose name nobody has chosen, with somebody to write to."""
    node.saved.discard("name")
    node.add_peer("bela")
    tab = visit().open()
    expect(tab.locator(".naming input")).to_have_value("anna")
    return tab


def test_a_name_is_asked_for_once_for_all_pages(node: FakeNode, asked: Page) -> None:
    other = asked.context.new_page()
    other.goto(asked.url)
    expect(other.locator(".naming input")).to_be_visible()
    asked.bring_to_front()
    field = asked.locator(".naming input")
    expect(field).to_be_focused()
    expect(asked.locator(".naming .primary")).to_have_text("Keep this name")
    asked.keyboard.type("Anna ❀")
    expect(asked.locator(".naming .primary")).to_have_text("Save")
    asked.keyboard.press("Enter")
    expect(asked.locator(".naming")).to_be_hidden()
    expect(asked.locator(".calmline")).to_have_text("You are called Anna ❀. Settings has it, if you want another one.")
    expect(asked.locator(".calmline")).to_be_focused()
    assert node.state.settings.name == "Anna ❀"
    expect(other.locator(".naming")).to_be_hidden()
    asked.reload()
    expect(asked.locator(".list .room")).to_be_visible()
    expect(asked.locator(".naming")).to_be_hidden()


def test_a_refused_name_is_explained_and_escape_keeps_the_suggestion_for_good(node: FakeNode, asked: Page) -> None:
    field = asked.locator(".naming input")
    for typed, said in (("  ", "at least one that can be seen"), ("x" * 65, "at most 64 characters")):
        field.fill(typed)
        field.press("Enter")
        expect(asked.locator(".naming [role=status]")).to_contain_text(said)
        expect(field).to_have_attribute("aria-invalid", "true")
    field.press("Escape")
    expect(asked.locator(".naming")).to_be_hidden()
    assert node.state.settings.name == "anna"
    assert "name" in node.saved


def test_the_page_below_works_while_it_asks(node: FakeNode, asked: Page) -> None:
    asked.locator(".list .room", has_text="bela").click()
    asked.locator(".composer textarea").fill("hello")
    asked.locator(".composer textarea").press("Enter")
    expect(asked.locator(".row.mine", has_text="hello")).to_be_visible()
    expect(asked.locator(".naming input")).to_be_visible()
    expect(asked.locator(".composer textarea")).to_be_focused()
