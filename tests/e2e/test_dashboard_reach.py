"""The search box takes an address or an invite: what is chosen there connects, or adds, and opens the conversation."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Visit
from tests.support.fake_node import FakeNode, node_id

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_an_address_in_the_search_box_connects(node: FakeNode, visit: Visit) -> None:
    tab = visit().open()
    tab.keyboard.press("Control+k")
    tab.keyboard.type("10.0.0.9")
    reach = tab.get_by_role("button", name="Connect to 10.0.0.9:5000")
    expect(reach).to_contain_text("No port was typed")
    tab.keyboard.press("Enter")
    expect(tab.locator(".talk header")).to_contain_text("10.0.0.9:5000")
    expect(reach).to_be_hidden()
    assert node.commands.count("connect") == 1


def test_an_invite_in_the_search_box_adds_and_a_wrong_one_says_why(node: FakeNode, visit: Visit) -> None:
    tab = visit().open()
    tab.keyboard.press("Control+k")
    tab.keyboard.type("snicher://nonsense")
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("button", name="Add who made this invite")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator(".reach")).to_contain_text("This is no invite.")
    tab.keyboard.press("Control+k")
    tab.get_by_role("searchbox").first.fill(f"snicher://{node_id(7)}@10.0.0.9:5000?name=fritz")
    tab.get_by_role("button", name="Add fritz").click()
    expect(tab.locator(".talk header")).to_contain_text("fritz")
