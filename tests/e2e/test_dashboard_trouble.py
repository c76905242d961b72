"""What is wrong and then well again: the node, its disk, and whether this browser is let in."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from node.bus import nouns
from tests.e2e.browser import Dashboard, Visit, bubble, write
from tests.e2e.wire import ready
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_log_that_could_not_be_read_is_read_once_the_node_is_back(node: FakeNode, visit: Visit) -> None:
    bela = node.add_peer("bela")
    node.receive(bela, "hello anna")
    tab = visit().open(page="activity")
    rows = tab.locator(".rows .row")
    expect(rows.filter(has_text="hello anna")).to_be_visible()
    node.stop(politely=False)
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    tab.get_by_role("button", name="Peers", exact=True).click()
    expect(tab.locator(".after .end")).to_contain_text("The log can't be read right now.")
    node.start()
    expect(tab.locator(".after .end")).to_have_text("That is all that is kept.")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("A new peer: bela")


def test_a_disk_that_is_well_after_a_new_start_is_told(node: FakeNode, visit: Visit) -> None:
    tab = visit().open()
    expect(tab.locator(".me .name")).to_have_text("anna")
    node.set_health(nouns.Health(store=False, problem="No space left on the device."))
    expect(tab.locator(".strip")).to_contain_text("No space left on the device.")
    node.stop()
    node.health = nouns.Health()
    node.start()
    expect(tab.locator(".strip")).to_be_hidden()


def test_a_new_link_in_another_tab_lets_this_one_in(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    bela = node.add_peer("bela")
    visitor = visit()
    tab = visitor.open(bela.room)
    ready(tab, "bela")
    owner = visit()
    settings = owner.open(page="settings")
    settings.get_by_role("button", name="Shut out all other browsers").click()
    settings.get_by_role("button", name="Really? They need a link again").click()
    expect(tab.locator(".strip")).to_contain_text("This browser isn't let in any more.")
    other = visitor.context.new_page()
    other.goto(dashboard.another_link())
    expect(tab.locator(".strip")).to_be_hidden()
    expect(other.locator(".me .name")).to_have_text("anna")
    write(tab, "still here")
    expect(bubble(tab, "still here").locator(".state")).to_have_text("sent")
    expect(tab.locator(".strip")).to_be_hidden()
    visitor.complaints.clear()
