"""Streamlit's own connection, which is another one than ours and comes back when it likes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Dashboard, Visit, Visitor
from tests.e2e.wire import Stream
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def connected(tab: Page) -> None:
    """Streamlit has its own connection back."""
    expect(tab.locator("[data-test-connection-state]")).to_have_attribute("data-test-connection-state", "CONNECTED")


def returned(visit: Visit, dashboard: Dashboard) -> tuple[Visitor, Stream, Page]:
    """The Search page in a browser whose dashboard was started anew, and which Streamlit hasn't reached again yet."""
    visitor = visit().hold(5000)
    stream = Stream(visitor)
    tab = visitor.open(page="search")
    expect(tab.locator(".searchpage h1")).to_be_visible()
    visitor.forgiving = stream.shut = True
    dashboard.leave(tab)
    dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    return visitor, stream, tab


def test_a_page_that_streamlit_was_asked_for_while_away_is_shown(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    node.add_peer("bela")
    visitor, stream, tab = returned(visit, dashboard)
    tab.locator(".page", has_text="Peers").click()
    stream.shut = False
    connected(tab)
    # When this fails, Streamlit has learned to keep what it is asked while it is away. Then whereabouts.js no longer
    # needs to load a page by its address (`#expect`).
    assert not [word for word in stream.said if b"peers" in word], "Streamlit forgets what it is asked while it is away"
    visitor.let_go(tab)
    expect(tab.locator(".peers h1")).to_be_visible()
    assert tab.url == f"{dashboard.origin}/peers"


def test_a_way_to_another_page_that_was_given_up_is_not_taken(
    node: FakeNode, dashboard: Dashboard, visit: Visit
) -> None:
    visitor, stream, tab = returned(visit, dashboard)
    tab.locator(".page", has_text="Peers").click()
    tab.locator(".page", has_text="Search").click()
    stream.shut = False
    connected(tab)
    visitor.let_go(tab)
    tab.locator(".page", has_text="Activity").click()
    expect(tab.get_by_role("heading", name="Activity", level=1)).to_be_visible()
    assert [word for word in stream.said if b"activity" in word]
    assert not [word for word in stream.said if b"peers" in word]
