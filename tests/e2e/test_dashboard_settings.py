"""The Settings page in a real browser: what is typed is never lost, and what holds is live in all tabs.

What is decided about a setting is tested in tests/dashboard/test_drafts.py, and the page in test_settings_page.py.
"""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from node.bus import envelopes as en
from node.bus import events as ev
from node.bus import nouns
from node.errors import CommandRefused
from tests.e2e.browser import Dashboard, Visit, until, until_copied
from tests.support.fake_node import FakeNode, fill, now

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def loaded(tab: Page) -> Page:
    expect(tab.get_by_label("Your name", exact=True)).to_be_enabled()
    return tab


def field(tab: Page, key: str) -> Locator:
    return tab.locator(f".st-key-field-{key}")


def entry(tab: Page, key: str) -> Locator:
    return field(tab, key).locator("input").first


def note(tab: Page, key: str) -> Locator:
    return field(tab, key).locator(".note")


def button(tab: Page, key: str) -> Locator:
    return tab.locator(f".st-key-save-{key} button")


def save(tab: Page, key: str, text: str) -> None:
    entry(tab, key).fill(text)
    button(tab, key).click()


def card(tab: Page, name: str) -> Locator:
    return tab.locator(f".st-key-card-{name}")


def test_a_name_is_saved_when_the_node_has_it_and_other_tabs_see_it(node: FakeNode, visit: Visit) -> None:
    one, two = loaded(visit().open(page="settings")), loaded(visit().open(page="settings"))
    expect(one).to_have_title("Settings · Snicher")
    free = node.hold_back["settings"] = threading.Event()
    save(one, "name", "Anna B")
    expect(note(one, "name")).to_have_text("Saving…")
    free.set()
    expect(note(one, "name")).to_have_text("Saved.")
    assert node.state.settings.name == "Anna B"
    expect(entry(two, "name")).to_have_value("Anna B")
    expect(one.locator(".me .name")).to_have_text("Anna B")
    expect(field(two, "name").locator(".source")).to_have_text("Saved by this node.")


def test_enter_saves_and_escape_takes_back_and_a_refusal_leaves_what_was_typed(node: FakeNode, visit: Visit) -> None:
    def refuse(command: en.Command) -> None:
        if command.op == "settings":
            raise CommandRefused("invalid_args", "10,000 to 100,000,000 events can be kept, not [5](http://x).")

    node.before = refuse
    tab = loaded(visit().open(page="settings"))
    events = entry(tab, "keep_events")
    events.fill("5")
    events.press("Enter")
    # In the node's words, which quote what was typed: as text, never as markdown.
    expect(note(tab, "keep_events")).to_have_text(
        "Not saved. 10,000 to 100,000,000 events can be kept, not [5](http://x)."
    )
    expect(events).to_have_value("5")
    expect(events).to_be_focused()
    events.press("Escape")
    expect(events).to_have_value("1,000,000")
    expect(note(tab, "keep_events")).to_be_hidden()
    node.before = lambda command: None
    events.fill("50,000")
    events.press("Enter")
    expect(note(tab, "keep_events")).to_have_text("Saved.")
    expect(events).to_have_value("50,000")
    assert node.state.settings.keep_events == 50_000


def test_half_typed_text_survives_a_change_elsewhere(node: FakeNode, visit: Visit) -> None:
    one, two = loaded(visit().open(page="settings")), loaded(visit().open(page="settings"))
    # It has the focus, and goes on being typed while the other change comes.
    name = entry(one, "name")
    name.fill("half")
    save(two, "name", "Other")
    for letter in " a name":
        name.press_sequentially(letter)
        one.wait_for_timeout(100)
    expect(note(one, "name")).to_contain_text("Changed elsewhere meanwhile, to “Other”.")
    expect(name).to_have_value("half a name")
    expect(name).to_be_focused()
    field(one, "name").get_by_role("button", name="Take that").click()
    expect(name).to_have_value("Other")
    # Whoever types nothing sees it as it is.
    expect(entry(two, "name")).to_have_value("Other")
    name.fill("mine")
    save(two, "name", "Another")
    expect(note(one, "name")).to_contain_text("to “Another”")
    name.press("Enter")
    expect(note(one, "name")).to_have_text("Saved.")
    expect(entry(two, "name")).to_have_value("mine")


def test_what_is_half_typed_survives_the_node_and_the_server(node: FakeNode, visit: Visit) -> None:
    visitor = visit()
    tab = loaded(visitor.open(page="settings"))
    greeting = entry(tab, "mandatory_greeting")
    greeting.fill("half a greet")
    node.stop()
    expect(tab.locator(".strip")).to_contain_text("The node is away")
    expect(card(tab, "place")).to_contain_text("Only the node can tell.")
    save(tab, "name", "Anna C")
    expect(note(tab, "name")).to_contain_text("Perhaps not saved. The node doesn't answer. Try again in a moment.")
    expect(entry(tab, "name")).to_have_value("Anna C")
    node.start()
    expect(tab.locator(".strip")).to_be_hidden()
    expect(card(tab, "place")).to_contain_text(str(node.home))
    button(tab, "name").click()
    expect(note(tab, "name")).to_have_text("Saved.")
    assert node.state.settings.name == "Anna C"
    visitor.forgiving = True
    visitor.dashboard.leave(tab)
    visitor.dashboard.start()
    expect(tab.locator(".strip")).to_be_hidden()
    expect(card(tab, "place")).to_contain_text(str(node.home))
    expect(tab.locator("[data-test-connection-state='CONNECTED']")).to_be_attached()
    expect(greeting).to_have_value("half a greet")
    # Streamlit connects by itself, a moment later than what is live.
    until(lambda: (greeting.press("Enter"), note(tab, "mandatory_greeting").count())[1], "it is saved")
    expect(note(tab, "mandatory_greeting")).to_have_text("Saved.")
    assert node.state.settings.mandatory_greeting == "half a greet"


def test_deleting_old_messages_asks_twice(node: FakeNode, visit: Visit) -> None:
    tab = loaded(visit().open(page="settings"))
    save(tab, "keep_days", "30")
    expect(button(tab, "keep_days")).to_have_text("Really delete what is older than 30 days?")
    assert "settings" not in node.commands
    field(tab, "keep_days").get_by_role("button", name="Leave it as it is").click()
    expect(entry(tab, "keep_days")).to_have_value("0")
    save(tab, "keep_days", "30")
    expect(button(tab, "keep_days")).to_have_text("Really delete what is older than 30 days?")
    button(tab, "keep_days").click()
    expect(note(tab, "keep_days")).to_have_text("Saved.")
    assert node.state.settings.keep_days == 30


def test_choices_are_saved_at_once_and_live_in_other_tabs(node: FakeNode, visit: Visit) -> None:
    one, two = loaded(visit().open(page="settings")), loaded(visit().open(page="settings"))
    one.get_by_text("Stay apart until somebody connects").click()
    expect(note(one, "reconnect")).to_have_text("Saved.")
    assert node.state.settings.reconnect is False
    expect(two.get_by_label("Stay apart until somebody connects")).to_be_checked()

    def refuse(command: en.Command) -> None:
        if command.op == "settings":
            raise CommandRefused("setting_fixed", "It is fixed.")

    node.before = refuse
    one.get_by_text("Tell them neither").click()
    expect(note(one, "share_reading")).to_contain_text("Not saved.")
    expect(one.get_by_label("Tell them when I have read, and when I type")).to_be_checked()


def test_mandatory_peers(node: FakeNode, visit: Visit) -> None:
    greeting = nouns.Greeting(address="10.206.4.122:1255", network="10.206.0.0/16", outcome="skipped", at=now())
    node.publish("GreetingChanged", ev.GreetingChanged(greeting=greeting))
    tab = loaded(visit().open(page="settings"))
    rows = tab.locator("[class*='st-key-mandatory-']")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("passed over")
    expect(rows.nth(1)).to_contain_text("not greeted yet")
    new = entry(tab, "new-peer")
    new.press("Enter")
    expect(note(tab, "new-peer")).to_contain_text("Type an address")
    new.fill("10.0.0.9:1255")
    new.press("Enter")
    expect(rows).to_have_count(3)
    expect(new).to_have_value("")
    assert node.state.settings.mandatory[-1] == "10.0.0.9:1255"
    rows.nth(2).get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(2)
    expect(note(tab, "new-peer")).to_have_text("Saved: 10.0.0.9:1255 is greeted no more.")


def test_what_is_to_be_passed_on_can_be_copied(node: FakeNode, visit: Visit) -> None:
    tab = loaded(visit(permissions=["clipboard-read", "clipboard-write"]).open(page="settings"))
    place = card(tab, "place")
    place.locator(".stCode").first.hover()
    place.get_by_role("button").first.click()
    until_copied(tab, lambda text: text == str(node.home))
    expect(place).to_contain_text(f"python -m node backup --home {node.home} FILE")
    expect(place).to_contain_text("The database takes 12 MB; 38 GB are free on that disk.")
    addresses = field(tab, "addresses").locator(".stCode")
    addresses.first.hover()
    addresses.first.get_by_role("button").click()
    until_copied(tab, lambda text: text == "192.168.1.20:5000")


def test_a_link_is_made_and_the_others_are_shut_out(node: FakeNode, visit: Visit, dashboard: Dashboard) -> None:
    one, other = visit(), visit()
    tab, elsewhere = loaded(one.open(page="settings")), loaded(other.open(page="settings"))
    access = card(tab, "access")
    access.get_by_role("button", name="Make a link").click()
    expect(access.locator(".note")).to_contain_text("It works once.")
    expect(access.locator("code")).to_contain_text(f"{dashboard.origin}/?link=")
    link = access.locator("code").inner_text()
    other.forgiving = True
    access.get_by_role("button", name="Shut out all other browsers").click()
    access.get_by_role("button", name="Really? They need a link again").click()
    expect(access).to_contain_text("All other browsers are shut out")
    expect(elsewhere.locator(".strip")).to_contain_text("This browser isn't let in any more.")
    expect(tab.locator(".strip")).to_be_hidden()
    # Neither its key nor an earlier link lets it in.
    elsewhere.goto(link)
    expect(elsewhere.locator("#wrong")).to_be_visible()
    access.get_by_role("button", name="Make a link").click()
    expect(access.locator("code")).to_contain_text(f"{dashboard.origin}/?link=")
    elsewhere.goto(access.locator("code").inner_text())
    expect(elsewhere.locator(".me .name")).to_have_text("anna")
    # Being shut out is what was asked for.
    other.complaints = [one for one in other.complaints if "401" not in one]


def test_a_cookie_alone_shows_nothing_of_the_node(node: FakeNode, visit: Visit) -> None:
    """A server on another port of this host sees the cookie; the pass stays with our origin (sessions.py)."""
    one, thief = visit(), visit()
    loaded(one.open(page="settings"))
    thief.context.add_cookies(one.context.cookies())  # type: ignore[arg-type]
    thief.forgiving = thief.known = True
    for page in ("settings", "activity"):
        tab = thief.open(page=page, early=True)
        expect(tab.locator("h1")).to_be_visible()
        expect(tab.locator(".strip")).to_contain_text("This browser isn't let in any more.")
        shown = tab.locator("[data-testid='stMain']").inner_text()
        assert "anna" not in shown and str(node.home) not in shown and "Save" not in shown and "Stored" not in shown


def test_the_colours_are_chosen_for_all_tabs_of_this_browser(node: FakeNode, visit: Visit) -> None:
    visitor = visit(color_scheme="light")
    one, two = loaded(visitor.open(page="settings")), visitor.open(page="peers")
    expect(two.locator(".peers h1")).to_be_visible()
    native = one.locator("h1")
    expect(native).to_have_css("color", "rgb(28, 30, 33)")
    one.get_by_label("Dark", exact=True).click()
    expect(two.locator(".peers")).to_have_css("background-color", "rgb(21, 23, 27)")
    # Streamlit's own elements have their colours from Streamlit.
    expect(native).to_have_css("color", "rgb(232, 233, 235)")
    expect(one.locator("[data-testid='stApp']")).to_have_css("background-color", "rgb(21, 23, 27)")
    one.reload()
    loaded(one)
    expect(native).to_have_css("color", "rgb(232, 233, 235)")
    expect(one.get_by_label("Dark", exact=True)).to_be_checked()
    one.get_by_label("As the system is").click()
    expect(two.locator(".peers")).to_have_css("background-color", "rgb(251, 250, 248)")
    expect(native).to_have_css("color", "rgb(28, 30, 33)")


def test_nothing_is_asked_while_the_tab_is_hidden(node: FakeNode, visit: Visit) -> None:
    tab = loaded(visit().open(page="settings"))
    tab.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true})")
    asked = node.commands.count("config")
    node.publish(
        "SettingsChanged",
        ev.SettingsChanged(settings=replace(node.state.settings, name="Anna D"), self=replace(node.me, name="Anna D")),
    )
    expect(tab.locator(".me .name")).to_have_text("Anna D")
    expect(entry(tab, "name")).to_have_value("anna")
    assert node.commands.count("config") == asked
    tab.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
    expect(entry(tab, "name")).to_have_value("Anna D")
    until(lambda: node.commands.count("config") == asked + 1, "asked once")


def test_long_names_and_lists_stay_within_the_page(node: FakeNode, visit: Visit) -> None:
    fill(node)
    addresses = [f"10.123.{number}.200:15000@10.123.0.0/16" for number in range(30)]
    node.publish(
        "SettingsChanged",
        ev.SettingsChanged(
            settings=replace(node.state.settings, name="سلمى من قسم الشبكات " * 3, mandatory=addresses), self=node.me
        ),
    )
    tab = loaded(visit().open(page="settings"))
    expect(tab.locator("[class*='st-key-mandatory-']")).to_have_count(30)
    for width in (1280, 800, 390, 320):
        tab.set_viewport_size({"width": width, "height": 700})
        assert tab.locator("[data-testid='stMain']").evaluate("main => main.scrollWidth <= main.clientWidth"), (
            f"sticks out at {width}"
        )
