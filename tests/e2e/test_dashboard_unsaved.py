"""Settings that are half typed, or saved by an answer that comes late or never."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from tests.e2e.browser import Dashboard, Visit, until
from tests.e2e.wire import Wire, wired
from tests.support.fake_node import FakeNode

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_setting_that_was_saved_is_not_called_unsaved(node: FakeNode, visit: Visit) -> None:
    tab = wired(visit, frames=("change",)).open(page="settings")
    wire = Wire(tab)
    name = tab.get_by_label("Your name", exact=True)
    expect(name).to_have_value("anna")
    form = tab.locator("form.field", has=name)
    for later, wish in ((False, "hanna"), (True, "hannah")):
        wire.keep("change")
        # The event about it comes before the answer is lost, or after.
        if later:
            wire.keep("options")
        name.fill(wish)
        name.press("Enter")
        wire.until_waits("change")
        expect(tab.locator(".frame .me .name")).to_have_text(wish)
        if later:
            wire.until_waits("options")
        else:
            expect(form.locator(".source")).to_have_text("Saved by this node")
        wire.spoil("change")
        wire.let("change")
        if later:
            expect(form.locator(".note")).to_contain_text("Perhaps not saved. No answer in time.")
            wire.let("options")
        expect(form.locator(".note")).to_have_text(re.compile("^Saved\\."))
        expect(name).not_to_have_attribute("aria-invalid", "true")


def test_mandatory_peers_are_added_and_removed_one_after_the_other(node: FakeNode, visit: Visit) -> None:
    node.on_loop(lambda: node._do_settings(rq.SettingsArgs(mandatory=[])))
    tab = wired(visit).open(page="settings")
    wire = Wire(tab)
    field, entries = tab.get_by_label("Address of a mandatory peer"), tab.locator(".mandatory .entry")
    expect(field).to_be_visible()
    expect(entries).to_have_count(0)
    # What the node says of its settings now takes its time.
    wire.keep("options")
    for address in ("127.0.0.1:1", "127.0.0.1:2"):
        field.fill(address)
        field.press("Enter")
        expect(field).to_have_value("")
    expect(entries).to_have_text(["127.0.0.1:1", "127.0.0.1:2"])
    assert node.state.settings.mandatory == ["127.0.0.1:1", "127.0.0.1:2"]
    for address in ("127.0.0.1:1", "127.0.0.1:2"):
        tab.get_by_role("button", name=f"Remove {address}").click()
        expect(entries.filter(has_text=address)).to_have_count(0)
    assert node.state.settings.mandatory == []
    wire.keep("change")
    field.fill("127.0.0.1:3")
    field.press("Enter")
    wire.until_waits("change")
    field.fill("127.0.0.1:4")
    wire.let("change")
    expect(entries).to_have_text(["127.0.0.1:3"])
    expect(field).to_have_value("127.0.0.1:4")


def test_what_was_saved_is_not_shown_as_it_was_before(node: FakeNode, visit: Visit) -> None:
    tab = wired(visit).open(page="settings")
    wire = Wire(tab)
    name = tab.get_by_label("Your name", exact=True)
    expect(name).to_have_value("anna")
    wire.keep("options")
    node.publish(
        "GreetingChanged", ev.GreetingChanged(greeting=nouns.Greeting(address="127.0.0.9:1", outcome="calling", at=1))
    )
    wire.until_waits("options")
    # An answer from before is under way.
    name.fill("Anna B")
    name.press("Enter")
    expect(tab.locator("form.field", has=name).locator(".note")).to_contain_text("Saved.")
    expect(tab.locator(".me .name")).to_have_text("Anna B")
    asked = wire.asked("options")
    wire.let_one("options")
    until(lambda: wire.asked("options") > asked, "it is asked anew")
    expect(name).to_have_value("Anna B")
    assert name.input_value() == "Anna B"
    wire.let("options")
    expect(tab.locator("form.field", has=name).locator(".source")).to_have_text("Saved by this node")
    expect(name).to_have_value("Anna B")


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
    expect(tab.locator(".settings .loading")).to_have_text("The settings are shown as soon as the node is there.")
    node.start()
    expect(name).to_be_enabled()
    expect(name).to_have_value("half a na")
    expect(tab.get_by_label("Keep in the event log", exact=True)).to_have_value("1,000,000")
    assert "Changed elsewhere" not in tab.locator("form.field", has=name).locator(".note").inner_text()


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
    tab = wired(visit, frames=("change",)).open(page="settings")
    wire = Wire(tab)
    name, events = tab.get_by_label("Your name", exact=True), tab.get_by_label("Keep in the event log", exact=True)
    expect(name).to_be_enabled()
    name.fill("anna the second")
    name.press("Enter")
    wire.until_waits("change")
    events.fill("50")
    wire.spoil("change", {"code": "internal", "message": "A bug."})
    wire.let("change")
    expect(tab.locator("form.field", has=name).locator(".note")).to_contain_text("Not saved. A bug.")
    tab.keyboard.type("000")
    expect(events).to_have_value("50000")
    # Who stays at the field is led back to it.
    wire.spoil("change")
    name.press("Enter")
    expect(name).to_be_focused()
