"""Settings that are half typed, or saved by an answer that comes late; and a browser that keeps nothing.

Which answers count is tested in tests/dashboard/test_drafts.py.
"""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from node.bus import envelopes as en
from node.errors import CommandRefused
from tests.e2e.browser import Dashboard, Visit, until
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_who_types_on_while_it_is_saved_keeps_that(node: FakeNode, visit: Visit) -> None:
    tab = visit().open(page="settings")
    field = tab.get_by_label("Address of a mandatory peer")
    expect(field).to_be_enabled()
    free = node.hold_back["settings"] = threading.Event()
    field.fill("127.0.0.1:3")
    field.press("Enter")
    until(lambda: "settings" in node.commands, "it is being saved")
    field.fill("127.0.0.1:4")
    free.set()
    expect(tab.locator("[class*='st-key-mandatory-']").filter(has_text="127.0.0.1:3")).to_be_visible()
    expect(field).to_have_value("127.0.0.1:4")


def test_half_typed_settings_outlive_server_and_node(node: FakeNode, dashboard: Dashboard, visit: Visit) -> None:
    visitor = visit()
    tab = visitor.open(page="settings")
    name = tab.get_by_label("Your name", exact=True)
    expect(name).to_have_value("anna")
    name.fill("half a na")
    visitor.forgiving = True
    dashboard.stop()
    node.stop()
    dashboard.start()
    expect(tab.get_by_text("The settings are shown as soon as the node is there.")).to_be_visible()
    node.start()
    expect(name).to_be_enabled()
    expect(name).to_have_value("half a na")
    expect(tab.get_by_label("Keep in the event log", exact=True)).to_have_value("1,000,000")
    expect(tab.get_by_text("Changed elsewhere")).to_have_count(0)


def test_colours_are_shown_as_chosen_where_nothing_can_be_kept(node: FakeNode, visit: Visit) -> None:
    visitor = visit()
    visitor.context.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
    )
    bela = node.add_peer("bela")
    tab = visitor.open(page="settings")
    expect(tab.get_by_label("Your name", exact=True)).to_be_enabled()
    tab.get_by_text("Dark", exact=True).click()
    expect(tab.locator("html[data-theme=dark]")).to_have_count(1)
    node.receive(bela, "something happens")
    expect(tab.locator(".page", has_text="Chats").locator(".count")).to_have_text("1")
    expect(tab.get_by_label("Dark")).to_be_checked()


def test_a_late_refusal_leaves_the_focus_where_it_is(node: FakeNode, visit: Visit) -> None:
    free = threading.Event()

    def refuse(command: en.Command) -> None:
        if command.op == "settings":
            free.wait(30)
            raise CommandRefused("invalid_args", "Too long.")

    node.before = refuse
    tab = visit().open(page="settings")
    name, events = tab.get_by_label("Your name", exact=True), tab.get_by_label("Keep in the event log", exact=True)
    expect(name).to_be_enabled()
    name.fill("anna the second")
    name.press("Enter")
    expect(tab.locator(".st-key-field-name .note")).to_have_text("Saving…")
    events.fill("50")
    free.set()
    expect(tab.locator(".st-key-field-name .note")).to_contain_text("Not saved. Too long.")
    tab.keyboard.type("000")
    expect(events).to_have_value("50000")
